"""One row of weights for each input of a fully connected layer, group by group of lanes."""

from myhdl import Signal, always, always_comb, block, intbv

from .parts.stages import stages
from .parts.times import times


@block
def linear(clk, rst, scan, walk, groups):
    """Issue the additions of each input of a fully connected layer: one row of weights.

    Parameters
    ----------
    groups : int
        Groups of lanes that hold its neurons.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous.
    scan : Scan, in
        Inputs from ``spike_scanner``; the input's address is base + index.
    walk : Walk, out
        `weight_address` is input*groups + g, `neuron_address` is g, for g from 0 to groups - 1.

    Latency: the first addition is out 3 cycles after its input was taken. Throughput: one addition a cycle, without a
    bubble between inputs.
    """
    alone, before_last = groups == 1, max(groups - 2, 0)
    first_free, walking, ends = [Signal(bool(0)) for _ in range(3)]
    address = Signal(intbv(0, min=0, max=(1 << len(scan.base)) + (1 << len(scan.index))))
    product = Signal(intbv(0)[len(address) + groups.bit_length() :])
    start = Signal(intbv(0)[len(walk.weight_address) :])
    weight_at = Signal(intbv(0)[len(walk.weight_address) :])
    at_group = Signal(intbv(0, min=0, max=max(groups, 2)))

    flow_of_stages = stages(clk, rst, scan.valid, ends, first_free, walk.move, walk.load, walking, walk.busy)

    @always_comb
    def out():
        scan.ready.next = first_free
        walk.add.next = walking
        walk.weight_address.next = weight_at
        walk.neuron_address.next = at_group

    row = times(address, groups, product)

    @always(clk.posedge)
    def hold():
        if first_free:
            address.next = scan.base + scan.index
        if walk.move:
            start.next = product[len(walk.weight_address) :]

    # `ends` is computed a cycle ahead: the path that decides on the next input is long enough without it.
    @always(clk.posedge)
    def step():
        if walk.load:
            weight_at.next = start
            at_group.next = 0
            ends.next = alone
        else:
            ends.next = at_group == before_last
            at_group.next = at_group + 1
            weight_at.next = weight_at + 1

    return flow_of_stages, out, row, hold, step
