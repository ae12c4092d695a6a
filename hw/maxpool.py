"""Pool of spikes: the OR of the words of a window, as they come from the firing pass."""

from myhdl import Signal, always, always_comb, block, intbv


@block
def join_positions(spikes, word):
    """Join the spikes of a window whose positions all fire at once: their OR.

    Ports
    -----
    spikes : in
        Position by position, each with one bit for each lane.
    word : out
        One bit for each lane.

    Latency: combinational.
    """
    lanes, count = len(word), len(spikes)

    @always_comb
    def gather_positions():
        word.next = 0
        for i in range(count):
            if spikes[i]:
                word.next[i % lanes] = True

    return gather_positions


@block
def maxpool(clk, valid, first, last, spikes, word_valid, word):
    """Max pool of spikes: the OR of the words of a window, which come one after the other.

    Ports
    -----
    clk : in
        Rising edge.
    valid : in
        1 while a word of spikes comes.
    first : in
        1 with the first word of a window.
    last : in
        1 with the last word of a window.
    spikes : in
        The word, one bit for each lane.
    word_valid : out
        1 for one cycle when a window is complete.
    word : out
        In that cycle, the OR of the window's words.

    Latency: 1 cycle after the window's last word. Throughput: a word a cycle.
    """
    gathered = Signal(intbv(0)[len(word) :])  # OR of the window's words so far
    now = Signal(intbv(0)[len(word) :])  # with the present one

    @always_comb
    def join_words():
        now.next = spikes | gathered
        if first:
            now.next = spikes

    @always(clk.posedge)
    def gather():
        word_valid.next = valid and last
        if valid:
            gathered.next = now
            word.next = now

    return join_words, gather
