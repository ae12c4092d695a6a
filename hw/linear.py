"""One row of weights for each input of a fully connected layer, group by group of lanes."""

from myhdl import Signal, always, always_comb, block, intbv

from .parts.stages import stages
from .parts.times import times


@block
def linear(clk, rst, scan, walk, groups):
    """Walker of a fully connected layer: it issues the additions of each input, a row of weights.

    Lane i adds weight i of a word to neuron i of a group, so an input takes one cycle for each group of lanes.

    Parameters
    ----------
    groups : int
        Groups of lanes that hold the neurons of the layer.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and drops inputs under way.
    scan : Scan, in
        Inputs (spikes or pixels) from ``spike_scanner``: one in each cycle in which `scan_valid` and `scan_ready` are
        1. An input's number is `scan_channel`.
    walk : Walk, out
        `walk_add`, and the one bit of `walk_banks`, is 1 in each cycle of an addition: the word of weights at
        `walk_weight_address`, which is number*groups + g, is added to the membranes at `walk_addresses`, which is g,
        from 0 to groups - 1.
        `walk_move` and `walk_load` say when an input moves on, for what accompanies it; `walk_busy` is 1 while an input
        is under way.

    Latency: the first addition is out 3 cycles after its input was taken. Throughput: one addition a cycle, without a
    bubble between inputs.
    """
    alone, before_last = groups == 1, max(groups - 2, 0)
    first_free, walking = [Signal(bool(0)) for _ in range(2)]
    ending = Signal(bool(0))  # the walk of an input is in its last cycle next
    # address: number of the input in the first stage
    address = Signal(intbv(0, min=0, max=1 << len(scan.channel)))
    product = Signal(intbv(0)[len(address) + groups.bit_length() :])
    # start: address of its first word of weights, in the second stage
    start = Signal(intbv(0)[len(walk.weight_address) :])
    weight_at = Signal(intbv(0)[len(walk.weight_address) :])
    at_group = Signal(intbv(0, min=0, max=max(groups, 2)))

    flow_of_stages = stages(clk, rst, scan.valid, ending, first_free, walk.move, walk.load, walking, walk.busy)

    @always_comb
    def outputs():
        scan.ready.next = first_free
        walk.add.next = walking
        walk.weight_address.next = weight_at
        walk.banks.next[0] = walking
        walk.addresses.next = at_group

    row = times(address, groups, product)

    @always(clk.posedge)
    def hold():
        if first_free:
            address.next = scan.channel
        if walk.move:
            start.next = product[len(walk.weight_address) :]

    @always_comb
    def look():
        ending.next = at_group == before_last
        if walk.load:
            ending.next = alone

    @always(clk.posedge)
    def step():
        if walk.load:
            weight_at.next = start
            at_group.next = 0
        else:
            at_group.next = at_group + 1
            weight_at.next = weight_at + 1

    return flow_of_stages, outputs, row, hold, look, step
