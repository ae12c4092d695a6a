"""Registers."""

from myhdl import always, block


@block
def register(clk, given, kept):
    """Keep `given` for the next cycle."""

    @always(clk.posedge)
    def keep():
        kept.next = given

    return keep


@block
def register_if(clk, wanted, given, kept):
    """Keep `given` of the last cycle in which `wanted` was 1."""

    @always(clk.posedge)
    def keep():
        if wanted:
            kept.next = given

    return keep


@block
def register_or_zero(clk, rst, given, kept):
    """Keep `given` for the next cycle; 0 after `rst`."""

    @always(clk.posedge)
    def keep():
        kept.next = given
        if rst:
            kept.next = 0

    return keep
