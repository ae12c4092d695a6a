"""The control of the adders of one bank of sums, of membranes or of pixels: when to read, hold, add and write.

It also knows which sums are under way.

It serves ``accumulate``, once for all lanes. Cycles are those of an addition, as there.
"""

from myhdl import Signal, always, always_comb, block, intbv


@block
def sum_control(clk, rst, add, read, address, store, store_address, control):
    """Steer the adders of one bank of sums, for all lanes at once.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and forgets additions under way.
    add, read, address : in, cycle 0
        An addition to a sum, or a sum to be held.
    store, store_address : in
        A sum is written from elsewhere in this cycle.
    control : SumControl, out
        The inputs of ``accumulate``.
    """
    adds_1, adds_2, adds_3 = [Signal(bool(0)) for _ in range(3)]
    at_1, at_2, at_3 = [Signal(intbv(0)[len(address) :]) for _ in range(3)]

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
        # Computed a cycle ahead, so that the adder need not wait for a comparison.
        control.two_before.next = adds_2 and at_2 == address
        control.three_before.next = adds_3 and at_3 == address
        control.one_before.next = adds_2 and at_2 == at_1
        if rst:
            adds_1.next = False
            adds_2.next = False
            adds_3.next = False

    return steer, advance
