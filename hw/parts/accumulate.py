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
def accumulate(clk, control, address, value, held, other, other_data, depth):
    """Add to sums in a memory, and saturate.

    Parameters
    ----------
    depth : int
        Number of sums.

    Ports
    -----
    clk : in, rising edge
    control : SumControl, in
        `enable` in cycle 0 reads the sum at `address`; `holds` is `enable` a cycle later; `two_before` and
        `three_before`, in cycle 1, say that the addition so many cycles before was to the same sum; `adds`, in cycle 2,
        adds `value`; `one_before`, in cycle 2, that the addition a cycle before was to the same sum; `write` and
        `write_address`, in cycle 3 of an addition or in any other, store.
    address : in, cycle 0
    value : in, cycle 2, signed
    held : out, cycle 2, signed
        The sum before the addition, if none was one cycle before.
    other : in
        1 to store `other_data` in place of the sum.
    other_data : in, signed, or an int

    Throughput: one sum is read, and one is written, in every cycle.
    """
    low, high = held.min, held.max - 1
    width = len(held)
    stored, result, written, to_write = [Signal(intbv(0, min=low, max=high + 1)) for _ in range(4)]
    most = 1 << max(width, len(value))
    sign = most.bit_length() - 1  # bit of the total's sign; without overflow all bits from width - 1 up equal it
    ones = (1 << sign - width + 1) - 1

    memory = ram(clk, control.write, control.write_address, to_write, control.enable, address, stored, depth)

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
            if control.holds:
                if control.two_before:
                    held.next = result
                elif control.three_before:
                    held.next = written
                else:
                    held.next = stored
            if control.adds:
                if control.one_before:
                    total[:] = result + value
                else:
                    total[:] = held + value
                if total[sign] == 0 and total[sign : width - 1] != 0:
                    result.next = high
                elif total[sign] == 1 and total[sign : width - 1] != ones:
                    result.next = low
                else:
                    result.next = total[width:].signed()
            if control.write:
                written.next = to_write

    return memory, choose, add
