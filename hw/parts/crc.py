"""CRC-32 of a stream of words, one word a cycle."""

from myhdl import ConcatSignal, Signal, always, always_comb, block, intbv

POLYNOMIAL = 0xEDB88320  # that of zlib and Ethernet, with the lowest bit first
POLYNOMIAL_LOW, POLYNOMIAL_HIGH = POLYNOMIAL & 0xFFFF, POLYNOMIAL >> 16  # VHDL has no integers of 32 bits
ONES = 0xFFFF
PART = 4  # bits that are divided at once


@block
def divide(word, rest, first, width, steps):
    """Division by the polynomial of CRC-32, 0xEDB88320, in halves: the remainder of a part of a word, lowest bit first.

    Parameters
    ----------
    first, width : int
        The place of the part's first bit, and its bits; all other bits of the word count as 0.
    steps : int
        Bits of the word. It is divided from the part's first bit on, because the 0s before leave no remainder.

    Ports
    -----
    word : in
    rest : out
        The remainder, 32 bits.

    Latency: combinational; synthesis makes an exclusive or of some bits of the part from each bit of `rest`.
    """
    divided = steps - first  # bits that are divided: from the first of the part to the last of the word
    remainders = tuple(remainder(value << first, steps) for value in range(1 << width))

    @always_comb
    def long_division():
        if __debug__:
            rest.next = remainders[int(word[first + width : first])]
            return
        left = intbv(0)[32:]
        flips = intbv(0)[1:]
        left[:] = 0
        for i in range(divided):
            flips[0] = left[0]
            if i < width:
                flips[0] = left[0] ^ word[first + i]
            left[:] = left >> 1
            if flips == 1:
                left[16:] = left[16:] ^ POLYNOMIAL_LOW
                left[32:16] = left[32:16] ^ POLYNOMIAL_HIGH
        rest.next = left

    return long_division


@block
def remainder_of(word, rest, steps):
    """Remainder of a word, part by part: the division is linear, so the remainders of its parts are added.

    A part has as many bits as a look-up table has inputs; in one piece the division would be a long chain of them.

    Parameters
    ----------
    steps : int
        Bits that are divided: the lowest of `word`, and as many 0s behind it as are missing.

    Ports
    -----
    word : in
    rest : out
        The remainder, 32 bits.

    Latency: combinational.
    """
    used = min(len(word), steps)
    firsts = range(0, used, PART)
    count = len(firsts)
    parts = [Signal(intbv(0)[32:]) for _ in firsts]
    divisions = [divide(word, part, at, min(PART, used - at), steps) for at, part in zip(firsts, parts)]
    all_parts = ConcatSignal(*reversed(parts)) if count > 1 else parts[0]

    @always_comb
    def add():
        total = intbv(0)[32:]
        total[:] = 0
        for i in range(count):
            for j in range(32):
                total[j] = total[j] ^ all_parts[i * 32 + j]
        rest.next = total

    return divisions, add


@block
def crc32(clk, restart, take, data, crc):
    """CRC-32 of a stream of words, as zlib and Ethernet compute it of bytes, a word a cycle.

    A word counts in whole bytes, the lowest byte first. The division is linear: the remainder of what came before and
    that of the new word are added (by exclusive or), so that each has a cycle of its own.

    Ports
    -----
    clk : in
        Rising edge.
    restart : in
        1 in a cycle before the first word, without a word in it or in the cycle before.
    take : in
        1 if `data` is a word of the stream.
    data : in
    crc : out
        The checksum of the words, except one in the cycle before.

    Latency: 2 cycles from a word to the checksum with it. Throughput: a word a cycle.
    """
    steps = len(data) + -len(data) % 8  # missing bits of a word's last byte count as 0
    inverse = Signal(intbv(0)[32:])  # the checksum so far, inverted
    of_data = Signal(intbv(0)[32:])  # remainder of the present word
    of_before = Signal(intbv(0)[32:])  # remainder of those bits of `inverse` that the next word shifts out
    added = Signal(intbv(0)[32:])  # remainder of the word taken in the cycle before
    taken = Signal(bool(0))

    divide_data = remainder_of(data, of_data, steps)
    divide_before = remainder_of(inverse, of_before, steps)

    @always_comb
    def outputs():
        crc.next = ~inverse

    @always(clk.posedge)
    def accumulate():
        taken.next = take
        added.next = of_data
        if restart:
            inverse.next[16:] = ONES
            inverse.next[32:16] = ONES
        elif taken:
            inverse.next = (inverse >> steps) ^ of_before ^ added

    return divide_data, divide_before, outputs, accumulate


def remainder(word: int, steps: int) -> int:
    """Return what ``divide`` computes bit by bit, from a table of whole bytes.

    MyHDL converts the loop and leaves out what is under ``__debug__``; a simulation in MyHDL, half of whose time the
    loop would take, computes this instead. The tests compare both, in GHDL.
    """
    rest = 0
    for i in range(0, steps, 8):
        rest = _TABLE[(rest ^ word >> i) & 0xFF] ^ rest >> 8
    return rest


def _divided(byte):
    """Return the remainder of one byte."""
    for _ in range(8):
        byte = byte >> 1 ^ (POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE = [_divided(byte) for byte in range(256)]
