"""A memory of sums, and the adder beside it: an addition a cycle, even to the same sum in every cycle."""

from myhdl import Signal, always, always_comb, block, instance, intbv

from .memory import ram, ram_pair


@block
def accumulate(clk, control, address, value, held, other, other_data, depth, reader=None):
    """Memory of sums, such as membranes, and the adder beside it: sum = saturated(sum + value).

    cycle   an addition
    0       address to the memory
    1       the sum so far is held: as stored, or newer from the adder (additions two and three cycles before)
    2       plus `value`, saturated; if the addition a cycle before was to the same sum, plus its result
    3       written

    With a `reader` there are two such memories: while sums in one are added to, those in the other are read, and
    written. The highest bit of an address says which one.

    Parameters
    ----------
    depth : int
        Number of sums of a memory.

    Ports
    -----
    clk : in
        Rising edge.
    control : SumControl, in
        From ``sum_control``. `control_enable`: read, in cycle 0. `control_holds`: hold the sum, in cycle 1.
        `control_two_before`, `control_three_before`: in cycle 1, the addition so many cycles before was to the same
        sum. `control_adds`: add, in cycle 2. `control_one_before`: in cycle 2, the addition a cycle before was to the
        same sum. `control_write`, `control_write_address`: write, in cycle 3 of an addition or in any other.
    address : in, cycle 0
        Address of the sum.
    value : in, cycle 2
        Signed; what is added.
    held : out, cycle 2
        Signed; the sum before the addition, unless the addition a cycle before was to the same sum. With a reader the
        sum that it reads.
    other : in
        1 to write `other_data` in place of the adder's result; with a reader at `reader_write_address`.
    other_data : in
        Signed.
    reader : SumReader, in, or None
        From ``sum_control``. `reader_read`: read the sum at `reader_read_address`, in cycle 0. `reader_holds`: hold it,
        in cycle 1. `reader_two_before`, `reader_three_before`: in cycle 1, an addition so many cycles before was to the
        same sum.

    Latency: 3 cycles to the write. Throughput: one sum is read, and one is written, in every cycle.
    """
    assert len(control.write_address) == len(address)
    low, high = held.min, held.max - 1
    width = len(held)
    stored = Signal(intbv(0, min=low, max=high + 1))  # as read from the memory, in cycle 1
    result = Signal(intbv(0, min=low, max=high + 1))  # of the adder, in cycle 3
    to_write = Signal(intbv(0, min=low, max=high + 1))
    most = 1 << max(width, len(value))
    sign = most.bit_length() - 1  # bit of the total's sign; without overflow all bits from width - 1 up equal it
    ones = (1 << sign - width + 1) - 1
    written = Signal(intbv(0, min=low, max=high + 1))  # what was written a cycle before
    latest = Signal(intbv(0, min=low, max=high + 1))  # the sum that is added to

    if reader is None:
        memory = ram(clk, control.write, control.write_address, to_write, control.enable, address, stored, depth)
        so_far = held

        @always_comb
        def choose_data():
            to_write.next = result
            if other:
                to_write.next = other_data

    else:
        so_far = Signal(intbv(0, min=low, max=high + 1))  # the sum before the addition
        found = Signal(intbv(0, min=low, max=high + 1))  # the reader's sum, as read
        adding = (control.write, control.write_address, to_write, control.enable, address, stored)
        reading = (other, reader.write_address, other_data, reader.read, reader.read_address, found)
        memory = [
            ram_pair(clk, *adding, *reading, depth),
            newest(clk, reader.holds, found, result, reader.two_before, written, reader.three_before, held),
        ]

        @always_comb
        def choose_data():
            to_write.next = result

    read_sum = newest(clk, control.holds, stored, result, control.two_before, written, control.three_before, so_far)

    @always_comb
    def choose_sum():
        latest.next = so_far
        if control.one_before:
            latest.next = result

    @instance
    def add():
        total = intbv(0, min=-most, max=most)
        while True:
            yield clk.posedge
            if control.adds:
                total[:] = latest + value  # here a weight is added to a membrane
                if total[sign] == 0 and total[sign : width - 1] != 0:
                    result.next = high  # saturated
                elif total[sign] == 1 and total[sign : width - 1] != ones:
                    result.next = low  # saturated
                else:
                    result.next = total[width:].signed()
            if control.write:
                written.next = to_write

    return memory, read_sum, choose_data, choose_sum, add


@block
def newest(clk, holds, stored, result, two_before, written, three_before, held):
    """Sum as it is after all additions: as stored, or, if it was changed in the last cycles, from the adder.

    Ports
    -----
    clk : in
        Rising edge.
    holds : in
        1 to hold the sum.
    stored : in
        As it was read.
    result, two_before : in
        The adder's result, and 1 if it is this sum's.
    written, three_before : in
        The sum written a cycle before, and 1 if it is this one.
    held : out

    Latency: 1 cycle. Throughput: a sum a cycle.
    """

    @always(clk.posedge)
    def hold():
        if holds:
            held.next = stored
            if two_before:
                held.next = result
            elif three_before:
                held.next = written

    return hold
