"""The spike scanner: finds the set bits of a frame of words in ascending order, without a bubble."""

from myhdl import Signal, always, always_comb, block, intbv, modbv

from .word_position import pixel_of_word, word_position


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
    assert len(word) == len(rest)
    width = len(word)

    @always_comb
    def drop():
        less = modbv(0)[width:]
        less[:] = word - 1
        rest.next = word & less

    return drop


@block
def spike_scanner(clk, rst, start, busy, read, read_address, read_data, present, scan, height, width, channels, flat):
    """Spike scanner: it finds the set bits of a frame of words in ascending order, one a cycle, without a bubble.

    A word of zeros costs one cycle, a spike one cycle. The next word that is not 0 is searched for while the spikes of
    the present one are handed over, so zeros behind a spike with many additions cost nothing.

    Parameters
    ----------
    height, width, channels : int
        Shape of the frame. A word of `read_data` holds whole pixels of a row, if it is as wide as the channels of one;
        otherwise a part of a pixel. The last word of a row, and of a pixel that is cut, may hold fewer.
    flat : bool
        Count addresses through the frame in `scan_channel`, and leave `scan_y` and `scan_x` at 0; otherwise count
        channels of a pixel.

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
        Inputs, one in each cycle in which `scan_valid` and `scan_ready` (in) are 1: its row `scan_y`, column
        `scan_x` and channel `scan_channel` (its address, if `flat`), and its place `scan_index` in its word.

    Latency: the first input of a frame whose first word is not 0 is valid 3 cycles after `start`. Throughput: one
    input, or one word of zeros, a cycle; words of zeros are skipped while inputs wait for `scan_ready`.
    """
    bits = len(read_data)
    pixels = max(bits // channels, 1)  # of a word
    at = Signal(intbv(0)[len(read_address) :])  # the word to fetch next
    last = Signal(bool(0))  # it is the frame's last
    next_x = Signal(intbv(0, min=0, max=scan.x.max))  # first column of the word in read_data
    next_y = Signal(intbv(0, min=0, max=scan.y.max))  # its row
    next_base = Signal(intbv(0, min=0, max=scan.channel.max))  # its base
    word_x, word_base = Signal(next_x.val), Signal(next_base.val)  # of the word whose inputs are out
    index = Signal(intbv(0)[len(scan.index) :])  # place of the input that is out
    rest = Signal(intbv(0)[bits:])  # the inputs of its word that are left behind it
    # The input that follows is found before it is known whether it is one of the same word, or of a new one.
    rest_index, new_index = [Signal(intbv(0)[len(scan.index) :]) for _ in range(2)]
    rest_of_rest, new_rest = [Signal(intbv(0)[bits:]) for _ in range(2)]
    scanning = Signal(bool(0))  # words of the frame are left, or inputs
    more = Signal(bool(0))  # words of the frame are left to fetch
    waiting = Signal(bool(0))  # read_data holds a word that was not taken yet
    empty = Signal(bool(0))  # the word in read_data is 0
    live = Signal(bool(0))  # an input is out
    free = Signal(bool(0))  # no input of the present word is left after this cycle
    taken = Signal(bool(0))  # the word in read_data becomes the present one, or is skipped
    fetch = Signal(bool(0))  # the next word is read
    drained = Signal(bool(0))  # no word of the frame is left that is not 0

    find_new = lowest_bit(read_data, new_index)
    find_next = lowest_bit(rest, rest_index)
    drop_new = without_lowest(read_data, new_rest)
    drop_next = without_lowest(rest, rest_of_rest)
    shape = (bits, height, width, channels, flat)
    position = word_position(clk, start, fetch, at, last, next_y, next_x, next_base, *shape)

    @always_comb
    def look():
        empty.next = read_data == 0

    @always_comb
    def hand_over():
        scan.valid.next = live
        scan.index.next = index
        free.next = (not live) or (scan.ready and rest == 0)

    if pixels > 1 and not flat:
        place = [pixel_of_word(index, word_x, scan.x, scan.channel, channels, pixels)]
    else:

        @always_comb
        def find_place():
            scan.x.next = word_x
            scan.channel.next = word_base + index

        @always(clk.posedge)
        def hold_base():
            if taken and not empty and not rst:
                word_base.next = next_base

        place = [find_place, hold_base]

    @always_comb
    def take():
        taken.next = waiting and (empty or free)
        present.next = waiting and free and not empty

    @always_comb
    def fetch_next():
        fetch.next = more and (taken or not waiting)
        drained.next = (not more) and ((not waiting) or (taken and empty))

    @always_comb
    def address():  # a register: no logic stands before the memory
        read.next = fetch
        read_address.next = at

    @always_comb
    def work_left():
        busy.next = scanning

    @always(clk.posedge)
    def step():
        if rst:
            scanning.next = False
            more.next = False
            waiting.next = False
            live.next = False
        else:
            if start:
                scanning.next = True
                more.next = True
            elif scanning and drained and free:
                scanning.next = False
            if fetch:
                waiting.next = True
                more.next = not last
            elif taken:
                waiting.next = False
            if taken and not empty:  # a new word
                live.next = True
                index.next = new_index
                rest.next = new_rest
                scan.y.next = next_y
                word_x.next = next_x
            elif live and scan.ready:  # the next input of the present word
                live.next = rest != 0
                index.next = rest_index
                rest.next = rest_of_rest

    finds = [find_new, find_next, drop_new, drop_next]
    return finds, position, look, hand_over, place, take, fetch_next, address, work_left, step
