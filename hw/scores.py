"""The answer: spikes counted (or membranes summed) over all steps, added up by class, sent with the arg-max.

ST_IDLE    wait for the image's last step
ST_FETCH   read a word of sums
ST_WORD    the word is valid
ST_SUM     add a neuron's sum to its class
ST_SCORE   send the class's score
ST_CLASS   send the arg-max
ST_CYCLES  send the cycles since the image's first word was taken, this one included
"""

from myhdl import ConcatSignal, Signal, always, always_comb, block, enum, instance, intbv, modbv

from .parts.memory import ram

sending = enum("ST_IDLE", "ST_FETCH", "ST_WORD", "ST_SUM", "ST_SCORE", "ST_CLASS", "ST_CYCLES")


@block
def score(clk, adds, first, sum_before, addend, total):
    """Add up one lane: total = addend, plus the sum so far unless this is the first step.

    Ports
    -----
    adds, first, sum_before, addend : in
        `sum_before` as bits of two's complement; so is `addend` if it has more than one bit.
    total : out, in the cycle after `adds`
        As bits.
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
def scores(
    clk, rst, num_steps, writer, membranes, now, stamp, spoilt, stream, finished, neurons, classes, score_bits, membrane
):
    """Add up the last layer's spikes or membranes over all steps, and send the answer.

    Parameters
    ----------
    neurons, classes : int
        Numbers of the last layer; neighbouring neurons share a class.
    score_bits : int
        Width of the sum of a neuron, two's complement.
    membrane : bool
        Sum membranes; otherwise spikes.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous.
    num_steps : in
    writer : FrameWriter
        The last layer writes here as into a ``spike_buffer``. `free` is 0 from the claim of an image's last step until
        its answer is sent.
    membranes : in
        Membranes of the word, a cycle before it.
    now, stamp : in
        A count of cycles, and its value when the image's first word was taken.
    spoilt : in
        The image was wrong: in place of the arg-max, all bits are sent as 1.
    stream : Stream, out
        An image's answer: a score for each class, the arg-max (the lowest of equals), and the cycles until its last
        beat was offered.
    finished : out
        1 in the cycle in which the last beat is taken.

    Latency: with m = N/classes neurons a class, the first score is offered 3 + m + 2*ceil(m/lanes) cycles after the
    last word, and the last beat 2*groups + N + classes + 4 after it if the beats are taken at once.
    """
    lanes = len(writer.data)
    groups = -(-neurons // lanes)
    members = neurons // classes
    state = Signal(sending.ST_IDLE)
    width = len(stream.tdata)
    adds_1, adds_2, first_1, ends_1, ends_2, holding, first, last, fetches = [Signal(bool(0)) for _ in range(9)]
    at_1, at_2, read_address = [Signal(intbv(0)[len(writer.address) :]) for _ in range(3)]
    word_1 = Signal(intbv(0)[lanes:])
    frame, claimed = [Signal(intbv(0)[len(num_steps) :]) for _ in range(2)]
    frame_more, claimed_more = [Signal(intbv(0)[len(num_steps) + 1 :]) for _ in range(2)]
    sums, sums_now, rest = [Signal(intbv(0)[lanes * score_bits :]) for _ in range(3)]
    totals = [Signal(intbv(0)[score_bits:]) for _ in range(lanes)]
    value = Signal(intbv(0, min=-(1 << score_bits - 1), max=1 << score_bits - 1))
    total, best = [Signal(intbv(0, min=-(1 << width - 1), max=1 << width - 1)) for _ in range(2)]
    best_class, at_class = [Signal(intbv(0, min=0, max=max(classes, 2))) for _ in range(2)]
    member = Signal(intbv(0, min=0, max=max(members, 2)))
    at_lane = Signal(intbv(0, min=0, max=max(lanes, 2)))
    at_group = Signal(intbv(0, min=0, max=max(groups, 2)))
    elapsed = Signal(modbv(0)[len(now) :])
    valid, used_up = [Signal(bool(0)) for _ in range(2)]

    memory = ram(clk, adds_2, at_2, sums_now, fetches, read_address, sums, groups)
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
        score(clk, adds_1, first_1, sums((i + 1) * score_bits, i * score_bits), addends[i], totals[i])
        for i in range(lanes)
    ]
    joined = ConcatSignal(*reversed(totals)) if lanes > 1 else totals[0]

    @always_comb
    def join():
        sums_now.next = joined

    @always_comb
    def count():
        frame_more.next = frame + 1
        claimed_more.next = claimed + 1

    @always_comb
    def look():
        first.next = frame == 0
        last.next = frame_more == num_steps
        writer.free.next = not holding
        fetches.next = writer.write or state == sending.ST_FETCH
        read_address.next = writer.address
        if state == sending.ST_FETCH:
            read_address.next = at_group
        value.next = rest[score_bits:].signed()
        valid.next = state == sending.ST_SCORE or state == sending.ST_CLASS or state == sending.ST_CYCLES

    @always_comb
    def outputs():
        stream.tvalid.next = valid
        stream.tlast.next = state == sending.ST_CYCLES
        finished.next = state == sending.ST_CYCLES and stream.tready
        stream.tdata.next = total[width:]
        if state == sending.ST_CLASS:
            stream.tdata.next = best_class
            if spoilt:
                for i in range(width):
                    stream.tdata.next[i] = True
        elif state == sending.ST_CYCLES:
            stream.tdata.next = elapsed

    @always(clk.posedge)
    def steps():
        adds_1.next = writer.write
        adds_2.next = adds_1
        first_1.next = first
        ends_1.next = writer.done and last
        ends_2.next = ends_1
        at_1.next = writer.address
        at_2.next = at_1
        if rst:
            adds_1.next = False
            adds_2.next = False
            ends_1.next = False
            ends_2.next = False
            frame.next = 0
            claimed.next = 0
            holding.next = False
        else:
            if writer.done:
                frame.next = frame_more[len(frame) :]
                if last:
                    frame.next = 0
            if writer.claim:
                claimed.next = claimed_more[len(claimed) :]
                if claimed_more == num_steps:
                    claimed.next = 0
                    holding.next = True
            if finished:
                holding.next = False

    @always(clk.posedge)
    def send():
        if rst:
            state.next = sending.ST_IDLE
        elif state == sending.ST_IDLE:
            at_class.next = 0
            at_group.next = 0
            member.next = 0
            total.next = 0
            if ends_2:
                state.next = sending.ST_FETCH
        elif state == sending.ST_FETCH:
            at_lane.next = 0
            state.next = sending.ST_WORD
        elif state == sending.ST_WORD:
            rest.next = sums
            state.next = sending.ST_SUM
            if at_group != groups - 1:
                at_group.next = at_group + 1
        elif state == sending.ST_SUM:
            total.next = total + value
            rest.next = rest >> score_bits
            if member == members - 1:
                member.next = 0
                state.next = sending.ST_SCORE
            else:
                member.next = member + 1
                if at_lane == lanes - 1:
                    state.next = sending.ST_FETCH
            used_up.next = at_lane == lanes - 1
            if at_lane != lanes - 1:
                at_lane.next = at_lane + 1
        elif state == sending.ST_SCORE:
            if stream.tready:
                total.next = 0
                if at_class == 0 or total > best:
                    best.next = total
                    best_class.next = at_class
                if at_class == classes - 1:
                    state.next = sending.ST_CLASS
                else:
                    at_class.next = at_class + 1
                    state.next = sending.ST_SUM
                    if used_up:
                        state.next = sending.ST_FETCH
        elif state == sending.ST_CLASS:
            if stream.tready:
                elapsed.next = now - stamp + 2
                state.next = sending.ST_CYCLES
        elif stream.tready:
            state.next = sending.ST_IDLE

    return memory, hold, adders, join, count, look, outputs, steps, send
