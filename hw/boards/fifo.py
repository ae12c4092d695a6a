"""A queue of bytes in a memory."""

from myhdl import Signal, always, always_comb, block, modbv

from ..parts.memory import ram
from ..ports import bits, word


@block
def fifo(clk, rst, write, given, lost, data, valid, ready, depth):
    """Keep bytes until they are taken.

    Parameters
    ----------
    depth : int
        Bytes that can wait, a power of two.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous.
    write, given : in
        A byte, in a cycle in which `write` is 1.
    lost : out
        1 for a cycle after a byte came that had no place.
    data, valid, ready
        The oldest byte is taken in a cycle in which `valid` and `ready` are 1.
    """
    width = bits(depth)
    written, read, used = [Signal(modbv(0)[width + 1 :]) for _ in range(3)]
    writes, fetches, shown = [Signal(bool(0)) for _ in range(3)]
    write_address, read_address = [word(width) for _ in range(2)]
    memory = ram(clk, writes, write_address, given, fetches, read_address, data, depth)

    @always_comb
    def count():
        used.next = written - read

    @always_comb
    def connect():
        writes.next = write and used != depth
        fetches.next = used != 0 and (not shown or ready)
        write_address.next = written[width:]
        read_address.next = read[width:]
        valid.next = shown

    @always(clk.posedge)
    def move():
        lost.next = write and used == depth
        shown.next = fetches or (shown and not ready)
        if writes:
            written.next = written + 1
        if fetches:
            read.next = read + 1
        if rst:
            lost.next = False
            shown.next = False
            written.next = 0
            read.next = 0

    return memory, count, connect, move
