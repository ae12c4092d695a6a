"""Registers."""

from myhdl import always, block


@block
def register(clk, given, kept):
    """kept = `given`, a cycle later."""

    @always(clk.posedge)
    def keep():
        kept.next = given

    return keep


@block
def register_if(clk, wanted, given, kept):
    """kept = `given`, a cycle after each cycle in which `wanted` is 1."""

    @always(clk.posedge)
    def keep():
        if wanted:
            kept.next = given

    return keep


@block
def register_or_zero(clk, rst, given, kept):
    """kept = `given`, a cycle later; 0 after `rst`."""

    @always(clk.posedge)
    def keep():
        kept.next = given
        if rst:
            kept.next = 0

    return keep
