"""A RAM with one write and one read port, both synchronous: block RAM or distributed RAM in every tool; and two."""

from typing import Any

from myhdl import Signal, always, always_comb, block, intbv


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


@block
def shared_ram(clk, write_a, to_a, data_a, read_a, from_a, write_b, to_b, data_b, read_b, from_b, read_data, depth):
    """RAM that is used from two sides, one at a time.

    Parameters
    ----------
    depth : int
        Number of words.

    Ports
    -----
    clk : in
        Rising edge.
    write_a, to_a, data_a : in
        1 to store `data_a` at the address `to_a` at the next edge; then `write_b` must be 0.
    read_a, from_a : in
        1 to read the word at the address `from_a` at the next edge; then `read_b` must be 0.
    write_b, to_b, data_b, read_b, from_b : in
        The same from the other side.
    read_data : out
        As of ``ram``.

    Latency: 1 cycle. Throughput: one word is written, and one is read, in every cycle.
    """
    write, read = [Signal(bool(0)) for _ in range(2)]
    write_address, read_address = [Signal(intbv(0)[len(to_a) :]) for _ in range(2)]
    write_data = Signal(intbv(0, min=data_a.min, max=data_a.max))
    memory = ram(clk, write, write_address, write_data, read, read_address, read_data, depth)

    @always_comb
    def choose():
        write.next = write_a or write_b
        write_address.next = to_a
        write_data.next = data_a
        if write_b:
            write_address.next = to_b
            write_data.next = data_b
        read.next = read_a or read_b
        read_address.next = from_a
        if read_b:
            read_address.next = from_b

    return memory, choose


@block
def ram_pair(
    clk, write_a, to_a, data_a, read_a, from_a, found_a, write_b, to_b, data_b, read_b, from_b, found_b, depth
):
    """Two RAMs that are used from two sides; the highest bit of an address says which one is meant.

    Parameters
    ----------
    depth : int
        Number of words of each.

    Ports
    -----
    clk : in
        Rising edge.
    write_a, to_a, data_a : in
        1 to store `data_a` at the address `to_a` at the next edge; then the other side must not write in the same RAM.
    read_a, from_a : in
        1 to read the word at the address `from_a` at the next edge; then the other side must not read in the same RAM.
    found_a : out
        The word, in the next cycle alone.
    write_b, to_b, data_b, read_b, from_b, found_b
        The same from the other side.

    Latency: 1 cycle. Throughput: each side writes a word, and reads one, in every cycle.
    """
    top = len(to_a) - 1  # the bit that says which RAM
    write_a_0, write_a_1, read_a_0, read_a_1 = [Signal(bool(0)) for _ in range(4)]
    write_b_0, write_b_1, read_b_0, read_b_1 = [Signal(bool(0)) for _ in range(4)]
    to_a_low, from_a_low, to_b_low, from_b_low = [Signal(intbv(0)[top:]) for _ in range(4)]
    found_0, found_1 = [Signal(intbv(0, min=found_a.min, max=found_a.max)) for _ in range(2)]
    from_1_a, from_1_b = [Signal(bool(0)) for _ in range(2)]  # the side has read in the second RAM
    side_a, side_b = (to_a_low, data_a), (to_b_low, data_b)
    first = shared_ram(
        clk, write_a_0, *side_a, read_a_0, from_a_low, write_b_0, *side_b, read_b_0, from_b_low, found_0, depth
    )
    second = shared_ram(
        clk, write_a_1, *side_a, read_a_1, from_a_low, write_b_1, *side_b, read_b_1, from_b_low, found_1, depth
    )

    @always_comb
    def split():
        write_a_0.next = write_a and not to_a[top]
        write_a_1.next = write_a and to_a[top]
        read_a_0.next = read_a and not from_a[top]
        read_a_1.next = read_a and from_a[top]
        write_b_0.next = write_b and not to_b[top]
        write_b_1.next = write_b and to_b[top]
        read_b_0.next = read_b and not from_b[top]
        read_b_1.next = read_b and from_b[top]
        to_a_low.next = to_a[top:]
        from_a_low.next = from_a[top:]
        to_b_low.next = to_b[top:]
        from_b_low.next = from_b[top:]

    @always(clk.posedge)
    def note():
        from_1_a.next = from_a[top]
        from_1_b.next = from_b[top]

    @always_comb
    def outputs():
        found_a.next = found_0
        if from_1_a:
            found_a.next = found_1
        found_b.next = found_0
        if from_1_b:
            found_b.next = found_1

    return first, second, split, note, outputs
