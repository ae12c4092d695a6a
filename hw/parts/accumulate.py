"""A memory of sums, and the adder beside it: an addition a cycle, even to the same sum in every cycle.

cycle   an addition
0       address to the memory
1       the sum so far is held: as stored, or newer from the adder (additions two and three cycles before)
2       plus what is added, saturated (the newest sum comes from the cycle before)
3       written
"""

from myhdl import Signal, always_comb, block, instance, intbv

from .memory import ram


@block
def accumulate(
    clk,
    enable,
    address,
    holds,
    two_before,
    three_before,
    adds,
    one_before,
    value,
    held,
    write,
    write_address,
    other,
    other_data,
    depth,
):
    """Saturating sums.

    Parameters
    ----------
    depth : int
        Sums.

    Ports
    -----
    clk : in, rising edge
    enable, address : in, cycle 0
        A sum to read, to add to it or not.
    holds : in, cycle 1
        `enable` of a cycle before.
    two_before, three_before : in, cycle 1
        1 if the addition so many cycles before was to the same sum.
    adds : in, cycle 2
        1 for an addition of
    value : in, cycle 2, signed
    one_before : in, cycle 2
        1 if the addition one cycle before was to the same sum.
    held : out, cycle 2, signed
        The sum before the addition, if none was one cycle before.
    write, write_address : in, cycle 3 of an addition
        Or when it pleases, to store
    other_data : in, signed, or an int
        In a cycle with
    other : in
        1, too.

    Throughput: a sum is read, and one is written, in every cycle.
    """
    low, high = held.min, held.max - 1
    width = len(held)
    stored, result, written, to_write = [Signal(intbv(0, min=low, max=high + 1)) for _ in range(4)]
    most = 1 << max(width, len(value))
    sign = most.bit_length() - 1  # bit of a total's sign; without overflow those from width - 1 up are like it
    ones = (1 << sign - width + 1) - 1

    memory = ram(clk, write, write_address, to_write, enable, address, stored, depth)

    @always_comb
    def choose():
        to_write.next = result
        if other:
            to_write.next = other_data

    @instance
    def add():
        total = intbv(0, min=-most, max=most)
        while True:
            yield clk.posedge
            if holds:
                if two_before:
                    held.next = result
                elif three_before:
                    held.next = written
                else:
                    held.next = stored
            if adds:
                if one_before:
                    total[:] = result + value
                else:
                    total[:] = held + value
                if total[sign] == 0 and total[sign : width - 1] != 0:
                    result.next = high
                elif total[sign] == 1 and total[sign : width - 1] != ones:
                    result.next = low
                else:
                    result.next = total[width:].signed()
            if write:
                written.next = to_write

    return memory, choose, add
