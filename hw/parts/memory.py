"""A RAM with one write and one read port, both synchronous: block RAM or distributed RAM in every tool."""

from typing import Any

from myhdl import Signal, always, block, intbv


class Words(list):
    """The words of a memory: for MyHDL a list of signals, each of which is made when it is first used.

    A network may have millions of words; iteration yields the first alone, which has the type of all.
    """

    def __init__(self, depth: int, low: int, high: int):
        self.depth, self.low, self.high = depth, low, high
        self.made: dict[int, Any] = {}
        super().__init__([self[0]])

    def __len__(self) -> int:
        return self.depth

    def __getitem__(self, index: Any) -> Any:
        at = int(index)
        if not 0 <= at < self.depth:
            raise IndexError(f"a memory of {self.depth} words has no word {at}")
        if at not in self.made:
            self.made[at] = Signal(intbv(0, min=self.low, max=self.high))
        return self.made[at]


@block
def ram(clk, write, write_address, write_data, read, read_address, read_data, depth):
    """Simple dual-port RAM: one port writes, the other reads, both at the rising edge.

    Parameters
    ----------
    depth : int
        Number of words.

    Ports
    -----
    clk : in
        Rising edge.
    write : in
        1 to store `write_data` at `write_address` at the next edge.
    write_address, write_data : in
    read : in
        1 to read the word at `read_address` at the next edge.
    read_address : in
    read_data : out
        The word last read; it stays until the edge after the next `read`. A word that is written at the edge at which
        it is read comes as it was before, and no block uses it.

    Latency: 1 cycle from `read` to `read_data`. Throughput: one word is written, and one is read, in every cycle.
    """
    assert len(write_address) == len(read_address)
    assert len(write_data) == len(read_data)
    words = Words(max(depth, 2), write_data.min, write_data.max)

    @always(clk.posedge)
    def write_and_read():
        if write:
            words[write_address].next = write_data
        if read:
            read_data.next = words[read_address]

    return write_and_read
