"""The control of the adders of one bank of sums, of membranes or of pixels: when to read, hold, add and write."""

from myhdl import Signal, always, always_comb, block, instance, intbv


@block
def earlier(clk, adds, at, address, same, distance, nearest):
    """Comparison of a sum with an earlier addition; synthesis leaves it out where none comes so near.

    Parameters
    ----------
    distance : int
        Cycles from that addition to that of the sum.
    nearest : int
        Cycles from an addition to the next to the same sum, at least.

    Ports
    -----
    clk : in
        Rising edge.
    adds, at : in
        The earlier addition, and its address.
    address : in
        Address of the sum.
    same : out
        1 if the addition was to this sum.

    Latency: 1 cycle. Throughput: a comparison a cycle.
    """
    apart = min(nearest, 4)  # `nearest`, and 4 for all that are farther than any distance

    @instance
    def compare():
        least = intbv(0)[3:]
        while True:
            yield clk.posedge
            least[:] = apart  # in a variable: a number can be a generic
            same.next = adds and at == address and least <= distance

    return compare


@block
def sum_control(clk, rst, add, read, address, store, store_address, control, reader=None):
    """Control of the adders of one bank of sums: when to read, hold, add and write, once for all lanes.

    It also compares the addresses of the additions under way: a sum that was changed in one of the last three cycles
    is not in the memory yet, and must come from the adder, unless additions to the same sum never come so near.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and forgets additions under way.
    add : in
        1 in cycle 0 of an addition.
    read : in
        1 in cycle 0 of a sum that is read only.
    address : in
        Address of that sum, in the same cycle.
    store : in
        1 while a sum is written by another block in place of the adder.
    store_address : in
        Address of that sum, in the same cycle.
    control : SumControl, out
        `control_enable`, `control_holds`, ...: the inputs of ``accumulate``, where they are explained.
    reader : SumReader, or None
        In: `reader_read`, and `reader_read_address`, of a sum that is read at the same time, if there are two banks. It
        must come at least 2 cycles after an addition to the same sum. Out: `reader_holds`, `reader_two_before` and
        `reader_three_before`.

    Latency: `control_enable` is combinational; the others follow in the cycles in which ``accumulate`` wants them.
    Throughput: an addition, or a sum that is read, in every cycle.
    """
    adds_1, adds_2, adds_3 = [Signal(bool(0)) for _ in range(3)]  # adds_1: an addition is in its cycle 1
    at_1, at_2, at_3 = [Signal(intbv(0)[len(address) :]) for _ in range(3)]  # at_1: address of what is in cycle 1

    @always_comb
    def steer():
        control.enable.next = add or read
        control.adds.next = adds_2
        control.write.next = adds_3 or store
        control.write_address.next = at_3
        if store:
            control.write_address.next = store_address

    @always(clk.posedge)
    def advance():
        control.holds.next = add or read
        adds_1.next = add
        adds_2.next = adds_1
        adds_3.next = adds_2
        at_1.next = address
        at_2.next = at_1
        at_3.next = at_2
        if rst:
            adds_1.next = False
            adds_2.next = False
            adds_3.next = False

    nearest = control.nearest
    # Compared a cycle ahead, so that the adder need not wait for a comparison.
    parts = [
        steer,
        advance,
        earlier(clk, adds_2, at_2, at_1, control.one_before, 1, nearest),
        earlier(clk, adds_2, at_2, address, control.two_before, 2, nearest),
        earlier(clk, adds_3, at_3, address, control.three_before, 3, nearest),
    ]
    if reader is None:
        return parts

    @always(clk.posedge)
    def hold():
        reader.holds.next = reader.read

    return [
        *parts,
        hold,
        earlier(clk, adds_2, at_2, reader.read_address, reader.two_before, 2, nearest),
        earlier(clk, adds_3, at_3, reader.read_address, reader.three_before, 3, nearest),
    ]
