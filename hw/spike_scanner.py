"""The spike scanner: finds the set bits of a frame of words in ascending order, without a bubble."""

from myhdl import ConcatSignal, Signal, always, always_comb, block, intbv, modbv

from .word_position import pixel_of_word, word_position


@block
def lowest_bit(word, lowest, rest):
    """Split a word into its lowest set bit and all others.

    Ports
    -----
    word : in
    lowest : out
        The lowest set bit of `word`, in its place, and 0 everywhere else; 0 if no bit is set.
    rest : out
        `word` without it.

    Latency: combinational, a subtraction.
    """
    assert len(word) == len(lowest) == len(rest)
    width = len(word)

    @always_comb
    def split():
        less = modbv(0)[width:]
        less[:] = word - 1
        lowest.next = word & ~less
        rest.next = word & less

    return split


@block
def number_bit(one_hot, number, at):
    """One bit of the number of a bit that is set: an OR, as no other bit is.

    Parameters
    ----------
    at : int
        Which bit of the number, the lowest being 0.

    Ports
    -----
    one_hot : in
        A word with one bit set at most.
    number : out
        1 if bit `at` is 1 in the number of the bit that is set.

    Latency: combinational.
    """
    width, half, period = len(one_hot), 1 << at, 2 << at

    @always_comb
    def find():
        number.next = False
        for i in range(width):
            if one_hot[i] == 1 and i % period >= half:
                number.next = True

    return find


@block
def number_of(one_hot, number):
    """Number of the bit of a word that is set, if no other bit is.

    Ports
    -----
    one_hot : in
        A word with one bit set at most.
    number : out
        The number of this bit; 0 if no bit is set.

    Latency: combinational.
    """
    if len(one_hot) == 1:

        @always_comb
        def only_bit():
            number.next = one_hot >> 1  # it is number 0

        return only_bit
    found = [Signal(bool(0)) for _ in range(len(number))]
    finds = [number_bit(one_hot, found[at], at) for at in range(len(number))]
    all_found = ConcatSignal(*reversed(found)) if len(found) > 1 else found[0]

    @always_comb
    def outputs():
        number.next = all_found

    return finds, outputs


@block
def spike_scanner(
    clk, rst, start, busy, read, read_address, read_data, follows, present, scan, height, width, channels, flat
):
    """Spike scanner: it finds the set bits of a frame of words in ascending order, one a cycle, without a bubble.

    A word of zeros costs one cycle, a spike one cycle. The next word that is not 0 is searched for while the spikes of
    the present one are handed over, so zeros behind a spike with many additions cost nothing.

    A word takes three steps: it is read; if it is not 0 it becomes the word that follows, with its lowest bit found;
    then it is the present one, and its inputs are handed over. The input behind the one that is out is always found
    already, so whether the word ends with the one that is out is in a register, and a new input is a short way off.

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
        1 to read the word at this address of the memory that holds the frame; the first in the cycle of `start`.
    read_data : in
        The word, in the cycle after `read`, and until the next is read. Each bit is an element of the frame: 1 if it is
        not 0.
    follows : out
        1 in a cycle after which the word in `read_data` is the one that follows, unless it is 0.
    present : out
        1 in a cycle after which the word that follows is the present one, whose inputs are handed over.
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
    more = Signal(bool(0))  # words of the frame are left to fetch
    waiting = Signal(bool(0))  # read_data holds a word of the frame
    fetch = Signal(bool(0))  # the next word is read
    read_low, read_rest = [Signal(intbv(0)[bits:]) for _ in range(2)]  # its lowest bit, and what is left
    # The word that follows: its lowest bit, what is left, and where it is.
    ahead = Signal(bool(0))  # there is one; it is not 0
    ahead_low, ahead_rest = [Signal(intbv(0)[bits:]) for _ in range(2)]
    ahead_index = Signal(intbv(0)[len(scan.index) :])
    ahead_x = Signal(intbv(0, min=0, max=scan.x.max))  # first column
    ahead_y = Signal(intbv(0, min=0, max=scan.y.max))
    ahead_base = Signal(intbv(0, min=0, max=scan.channel.max))
    ahead_next, ahead_after = [Signal(intbv(0)[bits:]) for _ in range(2)]  # its second input, and what is left then
    moves = Signal(bool(0))  # the word in read_data may take its place
    # The present word: the input that is out, the one behind it, and what is left.
    live = Signal(bool(0))  # an input is out
    index = Signal(intbv(0)[len(scan.index) :])
    left = Signal(bool(0))  # there is one behind it in its word
    low, rest = [Signal(intbv(0)[bits:]) for _ in range(2)]
    low_index = Signal(intbv(0)[len(scan.index) :])
    word_x, word_base = Signal(ahead_x.val), Signal(ahead_base.val)
    rest_low, rest_after = [
        Signal(intbv(0)[bits:]) for _ in range(2)
    ]  # the input after the next, and what is left then
    free = Signal(bool(0))  # no input of the present word is left after this cycle
    taken = Signal(bool(0))  # the word that follows becomes the present one
    scanning = Signal(bool(0))  # words of the frame are left, or inputs

    finds = [
        lowest_bit(read_data, read_low, read_rest),
        number_of(ahead_low, ahead_index),
        lowest_bit(ahead_rest, ahead_next, ahead_after),
        number_of(low, low_index),
        lowest_bit(rest, rest_low, rest_after),
    ]
    shape = (bits, height, width, channels, flat)
    position = word_position(clk, rst, start, more, fetch, follows, at, last, ahead_y, ahead_x, ahead_base, *shape)

    @always_comb
    def hand_over():
        scan.valid.next = live
        scan.index.next = index
        free.next = (not live) or (scan.ready and not left)

    if pixels > 1 and not flat:
        place = [pixel_of_word(index, word_x, scan.x, scan.channel, channels, pixels)]
    else:

        @always_comb
        def find_place():
            scan.x.next = word_x
            scan.channel.next = word_base + index

        @always(clk.posedge)
        def hold_base():
            if taken:
                word_base.next = ahead_base

        place = [find_place, hold_base]

    @always_comb
    def move():
        taken.next = ahead and free
        moves.next = (not ahead) or free
        follows.next = waiting and ((not ahead) or free)
        present.next = ahead and free

    @always_comb
    def fetch_next():
        fetch.next = start or (more and (moves or not waiting))

    @always_comb
    def address():  # a register: no logic stands before the memory
        read.next = fetch
        read_address.next = at

    @always_comb
    def work_left():
        busy.next = scanning

    @always(clk.posedge)
    def read_words():
        if rst:
            scanning.next = False
            more.next = False
            waiting.next = False
            ahead.next = False
        else:
            if start:
                scanning.next = True
            elif free and not (more or waiting or ahead):
                scanning.next = False
            if fetch:
                waiting.next = True
                more.next = not last
            elif moves:
                waiting.next = False
            if moves:
                ahead.next = waiting and read_data != 0
        if moves:
            ahead_low.next = read_low
            ahead_rest.next = read_rest

    @always(clk.posedge)
    def hand_out():
        if rst:
            live.next = False
        elif taken or scan.ready:
            live.next = taken or (live and left)
        if taken:
            scan.y.next = ahead_y
            word_x.next = ahead_x
            index.next = ahead_index
            left.next = ahead_rest != 0
            low.next = ahead_next
            rest.next = ahead_after
        elif scan.ready:
            index.next = low_index
            left.next = rest != 0
            low.next = rest_low
            rest.next = rest_after

    return finds, position, hand_over, place, move, fetch_next, address, work_left, read_words, hand_out
