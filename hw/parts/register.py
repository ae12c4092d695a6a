"""Registers."""

from typing import Any

from myhdl import Signal, always, always_comb, block, intbv


@block
def delay(clk, given, kept, cycles):
    """Delay line: a word comes out as many cycles later as there are registers in a row.

    Parameters
    ----------
    cycles : int
        Registers in a row, at least 1.

    Ports
    -----
    clk : in
        Rising edge.
    given : in
        The word of this cycle, unsigned.
    kept : out
        `given`, so many cycles ago.

    Latency: `cycles` cycles. Throughput: a word a cycle.
    """
    assert len(given) == len(kept)
    line = [Signal(intbv(0)[len(given) :]) for _ in range(cycles)]  # the newest word first

    @always(clk.posedge)
    def shift():
        line[0].next = given
        for i in range(1, cycles):
            line[i].next = line[i - 1]

    @always_comb
    def outputs():
        kept.next = line[cycles - 1]

    return shift, outputs


def later(given: Any, cycles: int) -> Any:
    """Return a signal for the word of so many cycles ago, to be driven by ``delay``; for 0 cycles `given` itself."""
    return Signal(intbv(0, min=given.min, max=given.max)) if cycles else given


@block
def register_if(clk, wanted, given, kept):
    """Register with an enable: hold the last word that was wanted.

    Ports
    -----
    clk : in
        Rising edge.
    wanted : in
        1 to take `given` at the next edge.
    given : in
    kept : out
        `given` of the last cycle in which `wanted` was 1.

    Latency: 1 cycle. Throughput: a word a cycle.
    """

    @always(clk.posedge)
    def keep():
        if wanted:
            kept.next = given

    return keep


@block
def register_or_zero(clk, rst, given, kept):
    """Register with a reset: delay a word by one cycle.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and 0 follows it.
    given : in
        The word of this cycle.
    kept : out
        `given` of the cycle before; 0 after `rst`.

    Latency: 1 cycle. Throughput: a word a cycle.
    """

    @always(clk.posedge)
    def keep():
        kept.next = given
        if rst:
            kept.next = 0

    return keep
