"""The spike scanner: finds the set bits of a frame of words in ascending order, without a bubble."""

from myhdl import Signal, always, always_comb, block, intbv, modbv


@block
def lowest_bit(word, index):
    """Priority encoder: the number of the lowest set bit of a word.

    Ports
    -----
    word : in
    index : out
        0 if no bit is set.

    Latency: combinational.
    """
    width = len(word)

    @always_comb
    def find():
        index.next = 0
        for i in range(width):
            if word[width - 1 - i] == 1:
                index.next = width - 1 - i

    return find


@block
def without_lowest(word, rest):
    """Clear the lowest set bit of a word.

    Ports
    -----
    word : in
    rest : out
        `word` without its lowest set bit: word & (word - 1).

    Latency: combinational.
    """
    width = len(word)

    @always_comb
    def drop():
        less = modbv(0)[width:]
        less[:] = word - 1
        rest.next = word & less

    return drop


@block
def word_position(clk, start, fetch, at, y, x, base, word_bits, height, width, channels, flat):
    """Position in a frame: the address of the word to fetch next, and the place of the word fetched last.

    Pixels come in reading order, and of each pixel the words that hold its channels.

    Parameters
    ----------
    word_bits : int
        Channels in a word; a pixel's last word may hold fewer.
    height, width, channels, flat : int, int, int, bool
        See ``spike_scanner``.

    Ports
    -----
    clk : in
        Rising edge.
    start : in
        1 for one cycle: begin with the frame's first word.
    fetch : in
        1 in a cycle in which the word at `at` is fetched.
    at : out
        Address of the word to fetch next; after the last, the number of words.
    y, x : out
        Row and column of the word fetched last; 0 if `flat`.
    base : out
        The channel of its first bit; if `flat`, the address of that bit in the frame.

    Latency: 1 cycle. Throughput: a word a cycle.
    """
    groups = -(-channels // word_bits)  # words of a pixel
    last_step = channels - (groups - 1) * word_bits  # from a pixel's last word to the next pixel, in addresses
    at_group = Signal(intbv(0, min=0, max=max(groups, 2)))  # number of the next word in its pixel
    at_x = Signal(intbv(0, min=0, max=max(width, 2)))  # column of the next word
    at_y = Signal(intbv(0, min=0, max=max(height + 1, 2)))  # row of the next word
    # at_base: base of the next word
    at_base = Signal(intbv(0, min=0, max=(height * width if flat else 1) * channels + word_bits + 1))

    @always(clk.posedge)
    def count():
        if start:
            at.next = 0
            at_group.next = 0
            at_x.next = 0
            at_y.next = 0
            at_base.next = 0
        elif fetch:
            at.next = at + 1
            y.next = at_y[len(y) :]
            x.next = at_x
            base.next = at_base[len(base) :]
            if at_group == groups - 1:
                at_group.next = 0
                if flat:
                    at_base.next = at_base + last_step
                else:
                    at_base.next = 0
                    if at_x == width - 1:
                        at_x.next = 0
                        at_y.next = at_y + 1
                    else:
                        at_x.next = at_x + 1
            else:
                at_group.next = at_group + 1
                at_base.next = at_base + word_bits

    return count


@block
def spike_scanner(clk, rst, start, busy, read, read_address, read_data, present, scan, height, width, channels, flat):
    """Spike scanner: it finds the set bits of a frame of words in ascending order, one a cycle, without a bubble.

    A word of zeros costs one cycle, a spike one cycle. The next word that is not 0 is searched for while the spikes of
    the present one are handed over, so zeros behind a spike with many additions cost nothing.

    Parameters
    ----------
    height, width, channels : int
        Shape of the frame. A word holds as many channels as `read_data` is wide; a pixel's last word may hold fewer.
    flat : bool
        Count addresses through the frame in `scan_base`, and leave `scan_y` and `scan_x` at 0; otherwise count channels
        of a pixel.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous.
    start : in
        1 for one cycle, while `busy` is 0: scan the frame.
    busy : out
        1 from the cycle after `start` up to and including the cycle in which the last input is taken.
    read, read_address : out
        1 to read the word at this address of the memory that holds the frame.
    read_data : in
        The word, in the cycle after `read`, and until the next is read. Each bit is an element of the frame: 1 if it is
        not 0.
    present : out
        1 in the cycle in which a word of the frame is taken from `read_data`; its inputs are handed over from the next
        cycle on.
    scan : Scan, out
        Inputs, one in each cycle in which `scan_valid` and `scan_ready` (in) are 1: its row `scan_y` and column
        `scan_x`; its channel, or address if `flat`, is `scan_base` + `scan_index`.

    Latency: the first input of a frame whose first word is not 0 is valid 3 cycles after `start`. Throughput: one
    input, or one word of zeros, a cycle; words of zeros are skipped while inputs wait for `scan_ready`.
    """
    bits = len(read_data)
    count = height * width * -(-channels // bits)
    address_width = len(read_address)
    at = Signal(intbv(0, min=0, max=count + 1))  # the word to fetch next
    next_x = Signal(intbv(0, min=0, max=scan.x.max))  # column of the word in read_data
    next_y = Signal(intbv(0, min=0, max=scan.y.max))  # its row
    next_base = Signal(intbv(0, min=0, max=scan.base.max))  # its base
    word = Signal(intbv(0)[bits:])  # the spikes that are left of the present word
    rest = Signal(intbv(0)[bits:])  # without the spike that is out, computed a cycle ahead
    new_rest, rest_of_rest = [Signal(intbv(0)[bits:]) for _ in range(2)]
    scanning = Signal(bool(0))  # words of the frame are left, or spikes
    waiting = Signal(bool(0))  # read_data holds a word that was not taken yet
    empty = Signal(bool(0))  # the word in read_data is 0
    live = Signal(bool(0))  # the present word has a spike
    free = Signal(bool(0))  # the present word has no spike left after this cycle
    taken = Signal(bool(0))  # the word in read_data becomes the present one, or is skipped
    fetch = Signal(bool(0))  # the next word is read
    drained = Signal(bool(0))  # no word of the frame is left that is not 0

    find = lowest_bit(word, scan.index)
    drop_new = without_lowest(read_data, new_rest)
    drop_next = without_lowest(rest, rest_of_rest)
    shape = (bits, height, width, channels, flat)
    position = word_position(clk, start, fetch, at, next_y, next_x, next_base, *shape)

    @always_comb
    def look():
        empty.next = read_data == 0
        live.next = word != 0

    @always_comb
    def hand_over():
        scan.valid.next = live
        free.next = (not live) or (scan.ready and rest == 0)

    @always_comb
    def take():
        taken.next = waiting and (empty or free)
        present.next = waiting and free and not empty

    @always_comb
    def fetch_next():
        fetch.next = scanning and at < count and (taken or not waiting)
        drained.next = at == count and ((not waiting) or (taken and empty))

    @always_comb
    def address():
        read.next = fetch
        read_address.next = 0
        if at < count:
            read_address.next = at[address_width:]

    @always_comb
    def work_left():
        busy.next = scanning

    @always(clk.posedge)
    def step():
        if rst:
            scanning.next = False
            waiting.next = False
            word.next = 0
            rest.next = 0
        else:
            if start:
                scanning.next = True
            elif scanning and drained and free:
                scanning.next = False
            if fetch:
                waiting.next = True
            elif taken:
                waiting.next = False
            if taken and not empty:  # a new word
                word.next = read_data
                rest.next = new_rest
                scan.y.next = next_y
                scan.x.next = next_x
                scan.base.next = next_base
            elif live and scan.ready:  # the next spike of the present word
                word.next = rest
                rest.next = rest_of_rest

    return find, drop_new, drop_next, position, look, hand_over, take, fetch_next, address, work_left, step
