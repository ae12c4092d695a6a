"""The spike scanner: finds the set bits of a frame of words in ascending order, without a bubble.

A word of zeros costs one cycle, a spike one cycle. The next word that is not 0 is searched for while the spikes of the
present one are handed over, so zeros behind a spike with many additions cost nothing.
"""

from myhdl import Signal, always, always_comb, block, intbv, modbv


@block
def lowest_bit(word, index):
    """Find the lowest set bit of `word`.

    Ports
    -----
    word : in
    index : out
        0 if no bit is set.

    Combinational.
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
    """Clear the lowest set bit: rest = `word` without it.

    Combinational.
    """
    width = len(word)

    @always_comb
    def drop():
        less = modbv(0)[width:]
        less[:] = word - 1
        rest.next = word & less

    return drop


@block
def spike_scanner(clk, rst, start, busy, read, read_address, read_data, present, scan, height, width, channels, flat):
    """Scan a frame: pixels in reading order, and of each pixel the words that hold its channels.

    Parameters
    ----------
    height, width, channels : int
        Shape of the frame. A word holds as many channels as `read_data` is wide; a pixel's last word may hold fewer.
    flat : bool
        Count addresses through the frame in `scan.base`, and leave `y` and `x` at 0; otherwise count channels of a
        pixel.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous.
    start : in
        1 for one cycle, while `busy` is 0: scan the frame.
    busy : out
        1 from the cycle after `start` up to and including the cycle in which the last input is taken.
    read, read_address : out; read_data : in
        Port of the memory that holds the frame, of latency 1. Each bit is an element of the frame: 1 if it is not 0.
    present : out
        1 in the cycle in which a word of the frame is taken from `read_data`; its inputs are handed over from the next
        cycle on.
    scan : Scan, out
        The inputs.

    Latency: the first input of a frame whose first word is not 0 is valid 3 cycles after `start`. Throughput: one
    input, or one word of zeros, a cycle; words of zeros are skipped while inputs wait for `ready`.
    """
    bits = len(read_data)
    groups = -(-channels // bits)  # words of a pixel
    last_step = channels - (groups - 1) * bits  # from a pixel's last word to the next pixel, in addresses
    count = height * width * groups
    address_width = len(read_address)
    at = Signal(intbv(0, min=0, max=count + 1))  # the word to fetch next
    at_group = Signal(intbv(0, min=0, max=max(groups, 2)))
    at_x = Signal(intbv(0, min=0, max=max(width, 2)))
    at_y = Signal(intbv(0, min=0, max=max(height + 1, 2)))
    at_base = Signal(intbv(0, min=0, max=(height * width if flat else 1) * channels + bits + 1))
    next_x, next_y = Signal(at_x.val), Signal(at_y.val)
    next_base = Signal(at_base.val)
    word = Signal(intbv(0)[bits:])  # the spikes that are left of the present word
    rest = Signal(intbv(0)[bits:])  # without the spike that is out, computed a cycle ahead
    new_rest, rest_of_rest = [Signal(intbv(0)[bits:]) for _ in range(2)]
    # waiting: read_data holds a word that was not taken yet
    scanning, waiting, free, taken, fetch, empty, live, drained = [Signal(bool(0)) for _ in range(8)]

    find = lowest_bit(word, scan.index)
    drops = [without_lowest(read_data, new_rest), without_lowest(rest, rest_of_rest)]

    @always_comb
    def state():
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
            if taken and not empty:
                word.next = read_data
                rest.next = new_rest
                scan.y.next = next_y
                scan.x.next = next_x
                scan.base.next = next_base
            elif live and scan.ready:
                word.next = rest
                rest.next = rest_of_rest

    @always(clk.posedge)
    def position():
        if start:
            at.next = 0
            at_group.next = 0
            at_x.next = 0
            at_y.next = 0
            at_base.next = 0
        elif fetch:
            at.next = at + 1
            next_x.next = at_x
            next_y.next = at_y
            next_base.next = at_base
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
                at_base.next = at_base + bits

    return find, drops, state, hand_over, take, fetch_next, address, work_left, step, position
