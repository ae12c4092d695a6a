"""Where in a frame a word is, and where in its word an input."""

from myhdl import Signal, always, always_comb, block, intbv


@block
def word_position(
    clk, rst, start, more, fetch, follows, at, last, y, x, base, word_bits, height, width, channels, flat
):
    """Position in a frame: the address of the word to fetch next, and the place of the word that follows.

    Words come row by row. A word holds whole pixels of a row, or a part of a pixel; then a pixel takes several words.

    Parameters
    ----------
    word_bits : int
        Inputs in a word. The last word of a row, and of a pixel that takes several, may hold fewer.
    height, width, channels, flat : int, int, int, bool
        See ``spike_scanner``.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous: the next word to fetch is the first of a frame.
    start : in
        1 for one cycle: the next word that follows is the first of a frame.
    more : in
        1 from the cycle after `start` until the frame's last word is fetched.
    fetch : in
        1 in a cycle in which the word at `at` is fetched.
    follows : in
        1 in a cycle after which the next word is the one that follows.
    at : out
        Address of the word to fetch next; the first again 2 cycles after the last.
    last : out
        1 while that is the frame's last word.
    y, x : out
        Row of the word that follows, and the column of its first pixel; 0 if `flat`.
    base : out
        The channel of its first bit; if `flat`, the address of that bit in the frame.

    Latency: 1 cycle. Throughput: a word a cycle.
    """
    pixels = max(word_bits // channels, 1)  # of a word
    parts = -(-channels // word_bits)  # words of a pixel
    across = -(-width // pixels) * parts  # words of a row
    last_part, last_x = parts - 1, (across // parts - 1) * pixels
    # From the last word of a pixel to the next word, in addresses.
    last_step = word_bits if pixels > 1 else channels - last_part * word_bits
    last_word = height * across - 1
    at_part = Signal(intbv(0, min=0, max=max(parts, 2)))  # number of the next word in its pixel
    at_x = Signal(intbv(0, min=0, max=max(width, 2)))  # first column of the next word
    at_y = Signal(intbv(0, min=0, max=max(height + 1, 2)))  # row of the next word
    most = (height * (width + pixels) if flat else 1) * channels + word_bits + 1
    at_base = Signal(intbv(0, min=0, max=most))  # base of the next word

    @always_comb
    def ends():
        last.next = at == last_word

    @always(clk.posedge)
    def count_fetched():
        if rst or not (more or start):
            at.next = 0
        elif fetch and not last:
            at.next = at + 1

    @always(clk.posedge)
    def count():
        if start:
            at_part.next = 0
            at_x.next = 0
            at_y.next = 0
            at_base.next = 0
        elif follows:
            y.next = at_y[len(y) :]
            x.next = at_x
            base.next = at_base[len(base) :]
            if at_part == last_part:
                at_part.next = 0
                if flat:
                    at_base.next = at_base + last_step
                else:
                    at_base.next = 0
                    if at_x == last_x:
                        at_x.next = 0
                        at_y.next = at_y + 1
                    else:
                        at_x.next = at_x + pixels
            else:
                at_part.next = at_part + 1
                at_base.next = at_base + word_bits

    return ends, count_fetched, count


@block
def pixel_of_word(index, first, x, channel, channels, pixels):
    """Pixel and channel of an input, from its place in a word that holds several pixels of a row.

    Parameters
    ----------
    channels : int
        Channels of a pixel.
    pixels : int
        Pixels of a word.

    Ports
    -----
    index : in
        The input's place in its word.
    first : in
        Column of the word's first pixel.
    x : out
        Column of the input's pixel: first + index // channels.
    channel : out
        The input's channel: index % channels.

    Latency: combinational.
    """
    places = [min(place, channels * pixels - 1) for place in range(1 << len(index))]
    pixel = Signal(intbv(0, min=0, max=max(pixels, 2)))
    column = Signal(intbv(0)[len(x) + 1 :])
    pixel_of = tuple(place // channels for place in places)
    channel_of = tuple(place % channels for place in places)

    @always_comb
    def find_pixel():
        pixel.next = pixel_of[int(index)]

    @always_comb
    def find_channel():
        channel.next = channel_of[int(index)]

    @always_comb
    def add():
        column.next = first + pixel

    @always_comb
    def outputs():
        x.next = column[len(x) :]

    return find_pixel, find_channel, add, outputs
