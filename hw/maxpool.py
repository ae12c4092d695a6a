"""Pool of spikes: the OR of the words of a window, as they come from the firing pass."""

from myhdl import Signal, always, always_comb, block, intbv


@block
def maxpool(clk, valid, first, last, spikes, word_valid, word):
    """OR of words.

    Ports
    -----
    clk : in, rising edge
    valid, first, last, spikes : in
        A word of spikes, one bit a lane; whether it is the window's first and last.
    word_valid, word : out
        1 for one cycle, and the OR of the window.

    Latency: 1 cycle after the last word. Throughput: a word in a cycle.
    """
    gathered, now = [Signal(intbv(0)[len(word) :]) for _ in range(2)]

    @always_comb
    def join():
        now.next = spikes | gathered
        if first:
            now.next = spikes

    @always(clk.posedge)
    def gather():
        word_valid.next = valid and last
        if valid:
            gathered.next = now
            word.next = now

    return join, gather
