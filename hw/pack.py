"""Narrow words packed into wide ones, between the layer that writes a frame and the buffer of its reader."""

from myhdl import ConcatSignal, Signal, always, always_comb, block, intbv


@block
def slot(clk, rst, turn, write, last, narrow, piece):
    """Slot of a wide word: it holds the bits that come in its turn until the word is complete.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and empties the slot.
    turn : in
        1 while the slot's turn is now.
    write : in
        1 in a cycle in which `narrow` is written, to the slot whose turn is now.
    last : in
        1 with the write that completes the wide word: from the next cycle on the slot is empty.
    narrow : in
        The bits that are written; the slot takes as many of the lowest as `piece` has.
    piece : out
        `narrow` in the slot's turn; else what it holds, and 0 if it is empty.

    Latency: combinational from `narrow` to `piece`. Throughput: a write a cycle.
    """
    held = Signal(intbv(0)[len(piece) :])  # what was written since the last wide word was complete
    now = Signal(intbv(0)[len(piece) :])  # that, with what comes in this cycle

    @always_comb
    def join_narrow():
        now.next = held
        if turn:
            now.next = narrow[len(now) :]

    @always_comb
    def outputs():
        piece.next = now

    @always(clk.posedge)
    def hold():
        if rst or (write and last):
            held.next = 0
        elif write:
            held.next = now

    return join_narrow, outputs, hold


@block
def pack(clk, rst, narrow, wide, channels, row):
    """Packer of a frame: the words of a layer with few lanes become words that their reader scans in fewer cycles.

    A layer writes as many channels of a pixel at once as it has lanes. A wide word holds whole pixels of a row, or a
    part of one pixel, without a gap, the first channel in the lowest bits. A row begins a new word, and so does a pixel
    that takes several; what is left of the last word of each is 0.

    Parameters
    ----------
    channels : int
        Channels of a pixel.
    row : int
        Pixels of a row, as the reader sees the frame.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and drops the frame under way.
    narrow : FrameWriter
        From the layer, as for a ``spike_buffer``. Words come in the order of their addresses, `narrow_done` comes with
        the last, and `narrow_address` is not used.
    wide : FrameWriter
        To the ``spike_buffer``.

    Latency: a wide word is written in the cycle in which its last part comes. Throughput: a narrow word a cycle.
    """
    lanes = len(narrow.data)
    groups = -(-channels // lanes)  # narrow words of a pixel
    if len(wide.data) < channels:
        line, widths = groups, [lanes] * (len(wide.data) // lanes)
    else:
        pixel = [min(lanes, channels - i * lanes) for i in range(groups)]
        line, widths = row * groups, pixel * (len(wide.data) // channels)
    slots = len(widths)  # narrow words of a wide one
    fits = line % slots == 0  # else the last word of a line (a row, or a pixel) has empty slots
    turn = Signal(intbv(1)[slots:])  # one bit for each slot
    at_line = Signal(intbv(0, min=0, max=max(line, 2)))  # number of the next narrow word in its line
    at_word = Signal(intbv(0)[len(wide.address) :])  # number of the wide word in its frame
    line_ends = Signal(bool(0))  # the next narrow word is the last of its line
    last = Signal(bool(0))  # it completes a wide word
    pieces = [Signal(intbv(0)[width:]) for width in widths]
    all_slots = [slot(clk, rst, turn(i), narrow.write, last, narrow.data, pieces[i]) for i in range(slots)]
    all_pieces = ConcatSignal(*reversed(pieces))

    @always_comb
    def ends():
        line_ends.next = (not fits) and at_line == line - 1
        last.next = turn[slots - 1] or line_ends

    @always_comb
    def frame():
        narrow.free.next = wide.free
        wide.claim.next = narrow.claim
        wide.last.next = narrow.last
        wide.done.next = narrow.done

    @always_comb
    def outputs():
        wide.write.next = narrow.write and last
        wide.address.next = at_word
        wide.data.next = all_pieces

    @always(clk.posedge)
    def count():
        if rst or (narrow.write and last):
            turn.next = 1
        elif narrow.write:
            turn.next = turn << 1
        if rst or (narrow.write and (fits or line_ends)):
            at_line.next = 0
        elif narrow.write:
            at_line.next = at_line + 1
        if rst or (narrow.write and narrow.done):
            at_word.next = 0
        elif narrow.write and last:
            at_word.next = at_word + 1

    return all_slots, ends, frame, outputs, count
