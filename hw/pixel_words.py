"""The values of the pixels of a frame, beside the scanner, which sees only bits."""

from myhdl import Signal, always, always_comb, block, intbv


@block
def pixel_words(clk, read_data, follows, present, inputs, scan, walk, factor, spec):
    """Values of the pixels, beside the scanner: it gets a bit for each that is not 0, and each value its additions.

    Parameters
    ----------
    spec : LayerSpec
        Pixels of a word, and their width.

    Ports
    -----
    clk : in
        Rising edge.
    read_data : in
        A word of pixels, the first in the lowest bits.
    follows, present : in
        1 in a cycle after which the word in `read_data` is the scanner's next, or its next word is the present one.
    inputs : out
        A bit for each pixel: 1 if it is not 0.
    scan : Scan, in
        `scan_index`: the pixel's place in the word; it enters the walker's first stage in a cycle with `scan_ready`.
    walk : Walk, in
        `walk_move`, `walk_load`: the pixel enters the walker's second stage, or its walk.
    factor : out
        The pixel whose additions the walker issues.

    Latency: `inputs` is combinational; a value passes the walker's stages with its address. Throughput: a pixel a
    cycle.
    """
    width, count = spec.input_bits, spec.in_lanes
    word, next_word = [Signal(intbv(0)[len(read_data) :]) for _ in range(2)]  # word: the one that is scanned
    chosen = Signal(intbv(0)[width:])  # the pixel that the scanner hands over
    first, second = [Signal(intbv(0)[width:]) for _ in range(2)]  # first: the pixel in the walker's first stage

    @always_comb
    def find():
        inputs.next = 0
        for i in range(count):
            for j in range(width):
                if read_data[i * width + j]:
                    inputs.next[i] = True

    @always_comb
    def choose():
        chosen.next = 0
        for i in range(count):
            for j in range(width):
                if scan.index == i:
                    chosen.next[j] = word[i * width + j]

    @always(clk.posedge)
    def carry():
        if follows:
            next_word.next = read_data
        if present:
            word.next = next_word
        if scan.ready:
            first.next = chosen
        if walk.move:
            second.next = first
        if walk.load:
            factor.next = second

    return find, choose, carry
