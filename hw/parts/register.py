"""Registers."""

from myhdl import Signal, always, always_comb, block, concat, intbv


@block
def delay(clk, given, kept, cycles):
    """Delay line: a wire, a register, or a shift register of words.

    Parameters
    ----------
    cycles : int
        0 for a wire.

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
    if cycles == 0:

        @always_comb
        def connect():
            kept.next = given

        return connect

    if cycles == 1:

        @always(clk.posedge)
        def keep():
            kept.next = given

        return keep

    width = len(given)
    older = (cycles - 1) * width  # bits of all words but the oldest
    line = Signal(intbv(0)[cycles * width :])  # the newest word in the lowest bits

    @always_comb
    def outputs():
        kept.next = line[cycles * width : older]

    @always(clk.posedge)
    def shift():
        line.next = concat(line[older:], given)

    return outputs, shift


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
