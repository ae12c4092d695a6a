"""Sums over all steps of an image, of the last layer's spikes or membranes: a word of sums for each group of lanes."""

from myhdl import ConcatSignal, Signal, always, always_comb, block, instance, intbv

from .parts.memory import ram


@block
def score(clk, adds, first, sum_before, addend, total):
    """Adder of one lane: total = addend, plus the sum so far unless this is the first step.

    Ports
    -----
    clk : in
        Rising edge.
    adds : in
        1 to add.
    first : in
        1 in the image's first step: forget `sum_before`.
    sum_before : in
        The sum so far, as bits of two's complement.
    addend : in
        A spike, or a membrane as bits of two's complement.
    total : out
        The new sum, as bits of two's complement.

    Latency: 1 cycle. Throughput: an addition a cycle.
    """
    width = len(total)
    membrane = len(addend) > 1

    @instance
    def add():
        running = intbv(0, min=-(1 << width), max=1 << width)
        while True:
            yield clk.posedge
            if adds:
                if membrane:
                    running[:] = addend.signed()
                else:
                    running[:] = 0
                    if addend != 0:
                        running[:] = 1
                if not first:
                    running[:] = running + sum_before.signed()
                total.next = running[width:]

    return add


@block
def step_sums(clk, rst, writer, first, ignore, membranes, sums, groups, score_bits, membrane):
    """Sums over the steps of an image: each word of spikes, or its membranes, is added to the sums at its place.

    cycle   a word
    0       the word is written, and the sums so far are read
    1       added
    2       the new sums are written

    Parameters
    ----------
    groups : int
        Words of a frame.
    score_bits : int
        Width of the sum of a neuron, two's complement.
    membrane : bool
        Sum membranes; otherwise spikes.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and forgets additions under way.
    writer : FrameWriter, in
        A word of spikes `writer_data`, for group `writer_address`, in each cycle with `writer_write`.
    first : in
        1 in the image's first step: the sums begin anew.
    ignore : in
        1 to add no word.
    membranes : in
        Membranes of the word's neurons, a cycle before it; lane 0 in the lowest bits.
    sums : GroupReader
        `sums_read`, in: 1 to read the sums of group `sums_group`, in, while no word comes; they are `sums_data`, out,
        in the next cycle, lane 0 in the lowest bits.

    Latency: the sums of a word may be fetched 3 cycles after it. Throughput: a word a cycle.
    """
    lanes = len(writer.data)
    adds_1, adds_2, first_1, reads = [Signal(bool(0)) for _ in range(4)]  # adds_1: a word is in cycle 1
    at_1, at_2, read_address = [Signal(intbv(0)[len(writer.address) :]) for _ in range(3)]
    word_1 = Signal(intbv(0)[lanes:])  # the word in cycle 1
    sums_now = Signal(intbv(0)[lanes * score_bits :])  # the new sums, in cycle 2
    totals = [Signal(intbv(0)[score_bits:]) for _ in range(lanes)]

    memory = ram(clk, adds_2, at_2, sums_now, reads, read_address, sums.data, groups)
    if membrane:
        bits = len(membranes) // lanes
        membranes_0, membranes_1 = [Signal(intbv(0)[len(membranes) :]) for _ in range(2)]
        addends = [membranes_1((i + 1) * bits, i * bits) for i in range(lanes)]

        @always(clk.posedge)
        def hold():
            membranes_0.next = membranes
            membranes_1.next = membranes_0
    else:
        addends = [word_1(i + 1, i) for i in range(lanes)]

        @always(clk.posedge)
        def hold():
            word_1.next = writer.data

    adders = [
        score(clk, adds_1, first_1, sums.data((i + 1) * score_bits, i * score_bits), addends[i], totals[i])
        for i in range(lanes)
    ]
    all_totals = ConcatSignal(*reversed(totals)) if lanes > 1 else totals[0]

    @always_comb
    def join_lanes():
        sums_now.next = all_totals

    @always_comb
    def choose():
        reads.next = writer.write or sums.read
        read_address.next = writer.address
        if sums.read:
            read_address.next = sums.group

    @always(clk.posedge)
    def advance():
        adds_1.next = writer.write and not ignore
        adds_2.next = adds_1
        first_1.next = first
        at_1.next = writer.address
        at_2.next = at_1
        if rst:
            adds_1.next = False
            adds_2.next = False

    return memory, hold, adders, join_lanes, choose, advance
