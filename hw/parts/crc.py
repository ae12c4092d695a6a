"""CRC-32 of a stream of words, one word a cycle."""

from myhdl import Signal, always_comb, block, instance, intbv

POLYNOMIAL = 0xEDB88320  # that of zlib and Ethernet, with the lowest bit first
POLYNOMIAL_LOW, POLYNOMIAL_HIGH = POLYNOMIAL & 0xFFFF, POLYNOMIAL >> 16  # VHDL has no integers of 32 bits
ONES = 0xFFFF


@block
def crc32(clk, restart, take, data, crc):
    """Compute the CRC-32 of words as zlib does of bytes: each word in whole bytes, the lowest byte first.

    The division is linear: the remainder of what came before and that of the new word are added (by exclusive or), so
    that each has a cycle of its own.

    Ports
    -----
    restart : in
        1 in a cycle before the first word, without a word in it or the cycle before.
    take, data : in
        A word in each cycle with `take`.
    crc : out
        The checksum of the words, except one in the cycle before.
    """
    width = len(data)
    missing = -width % 8  # bits of the word's last byte, which count as 0
    inverse, added = [Signal(intbv(0)[32:]) for _ in range(2)]
    taken = Signal(bool(0))

    @always_comb
    def out():
        crc.next = ~inverse

    @instance
    def divide_word():
        rest = intbv(0)[32:]
        flips = intbv(0)[1:]
        while True:
            yield clk.posedge
            taken.next = take
            if __debug__:
                added.next = remainder(0, int(data), width + missing)
                continue
            rest[:] = 0
            for i in range(width + missing):
                flips[0] = rest[0]
                if i < width:
                    flips[0] = rest[0] ^ data[i]
                rest[:] = rest >> 1
                if flips == 1:
                    rest[16:] = rest[16:] ^ POLYNOMIAL_LOW
                    rest[32:16] = rest[32:16] ^ POLYNOMIAL_HIGH
            added.next = rest

    @instance
    def divide():
        rest = intbv(0)[32:]
        flips = intbv(0)[1:]
        while True:
            yield clk.posedge
            if restart:
                inverse.next[16:] = ONES
                inverse.next[32:16] = ONES
            elif taken:
                if __debug__:
                    inverse.next = remainder(int(inverse), 0, width + missing) ^ added
                    continue
                rest[:] = inverse
                for i in range(width + missing):  # noqa: B007  (MyHDL copies the name to VHDL, where none begins with _)
                    flips[0] = rest[0]
                    rest[:] = rest >> 1
                    if flips == 1:
                        rest[16:] = rest[16:] ^ POLYNOMIAL_LOW
                        rest[32:16] = rest[32:16] ^ POLYNOMIAL_HIGH
                inverse.next = rest ^ added

    return out, divide_word, divide


def remainder(start: int, word: int, bits: int) -> int:
    """Return what the loops over the bits above compute, from a table of whole bytes.

    MyHDL converts the loops and leaves out what is under ``__debug__``; a simulation in MyHDL, half of whose time the
    loops would take, computes this instead. The tests compare both, in GHDL.
    """
    rest = start
    for i in range(0, bits, 8):
        rest = _TABLE[(rest ^ word >> i) & 0xFF] ^ rest >> 8
    return rest


def _divided(byte):
    """Return the remainder of one byte."""
    for _ in range(8):
        byte = byte >> 1 ^ (POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE = [_divided(byte) for byte in range(256)]
