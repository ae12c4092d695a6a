"""One row of weights for each input of a fully connected layer, group by group of lanes."""

from myhdl import Signal, always, always_comb, block, intbv

from .parts.stages import stages
from .parts.times import times


@block
def linear(clk, rst, valid, ready, base, index, move, load, busy, add, weight_address, neuron_address, inputs, groups):
    """Addresses of the additions of each input.

    Parameters
    ----------
    inputs : int
        Of the layer.
    groups : int
        Groups of lanes that hold its neurons.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous.
    valid : in; ready : out; base, index : in
        Inputs from ``spike_scanner``; the input's address is base + index.
    move, load : out
        Of its ``stages``, for what goes with an input.
    busy : out
        An input has been taken, and not all its additions are out.
    add : out
        1 in a cycle with an addition, of the word at
    weight_address : out
        input*groups + g, to the neurons at
    neuron_address : out
        g.

    Latency: the first addition is out 3 cycles after its input was taken. Throughput: one addition a cycle, without a
    bubble between inputs.
    """
    alone, before_last = groups == 1, max(groups - 2, 0)
    first_free, walking, ends = [Signal(bool(0)) for _ in range(3)]
    address = Signal(intbv(0, min=0, max=(1 << len(base)) + (1 << len(index))))
    product = Signal(intbv(0)[len(address) + groups.bit_length() :])
    start = Signal(intbv(0)[len(weight_address) :])
    weight_at = Signal(intbv(0)[len(weight_address) :])
    at_group = Signal(intbv(0, min=0, max=max(groups, 2)))

    flow_of_stages = stages(clk, rst, valid, ends, first_free, move, load, walking, busy)

    @always_comb
    def out():
        ready.next = first_free
        add.next = walking
        weight_address.next = weight_at
        neuron_address.next = at_group

    row = times(address, groups, product)

    @always(clk.posedge)
    def hold():
        if first_free:
            address.next = base + index
        if move:
            start.next = product[len(weight_address) :]

    # `ends` is told a cycle ahead: what decides on the next input is long enough without it.
    @always(clk.posedge)
    def walk():
        if load:
            weight_at.next = start
            at_group.next = 0
            ends.next = alone
        else:
            ends.next = at_group == before_last
            at_group.next = at_group + 1
            weight_at.next = weight_at + 1

    return flow_of_stages, out, row, hold, walk
