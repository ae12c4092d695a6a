"""Lanes that take spikes: as many neurons side by side, one address for all.

cycle   an addition                                    a firing
0       address to weights and membranes               address to biases and membranes
1       both held                                      both held
2       v + (weight << guard), saturated               U = v + bias, saturated
3       written                                        spike = U > threshold
4                                                      spike and U are out; beta * U
5                                                      >> frac, - threshold
6                                                      written
"""

from myhdl import ConcatSignal, Signal, always, always_comb, block, concat, instance, intbv

from .lif import lif
from .parts.accumulate import accumulate
from .parts.sum_control import sum_control
from .ports import SumControl


@block
def lane(clk, control, address, weight_bits, addend_bits, threshold, beta, fires, clear, fired, spike, membrane, spec):
    """One lane. Ports as those of ``accumulate`` and ``lif``; `weight_bits` and `addend_bits` are valid in cycle 1."""
    low, high = -(1 << spec.membrane_bits - 1), 1 << spec.membrane_bits - 1
    guard = spec.guard
    value = Signal(intbv(0, min=-(1 << spec.weight_bits + guard - 1), max=1 << spec.weight_bits + guard - 1))
    addend = Signal(intbv(0, min=-(1 << spec.bias_bits - 1), max=1 << spec.bias_bits - 1))
    v, kept = [Signal(intbv(0, min=low, max=high)) for _ in range(2)]

    @instance
    def hold():
        weight = intbv(0, min=-(1 << spec.weight_bits + guard - 1), max=1 << spec.weight_bits + guard - 1)
        while True:
            yield clk.posedge
            if control.holds:
                weight[:] = weight_bits.signed()
                value.next = weight << guard
                addend.next = addend_bits.signed()

    sums = accumulate(clk, control, address, value, v, fired, kept, spec.depth)
    leak = (beta, spec.frac, spec.reset, spec.towards_zero)
    neurons = lif(clk, fires, v, addend, threshold, clear, spike, membrane, kept, *leak)
    return hold, sums, neurons


@block
def lanes(clk, rst, add, fire, address, clear, weights, biases, threshold, beta, firing, drained, spec, observed):
    """Run all lanes of a layer, and the order of their work.

    Parameters
    ----------
    spec : LayerSpec
    observed : bool
        Drive `firing.membranes` too.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and forgets additions and firings under way.
    add, fire : in, cycle 0
        An addition, or a turn of the firing pass. An addition, and the next firing of the same neurons, must come 7
        cycles after a firing; a firing 2 cycles after an addition.
    address : in, cycle 0
    clear : in, cycle 0
        1 with a firing after which 0 is kept.
    weights, biases : in, cycle 1
        Words of the memories, lane 0 in the lowest bits.
    threshold, beta : in
        See ``lif``; beta may be built in.
    firing : Firing, out, cycle 4 of a firing
    drained : out
        0 in cycles 1 to 5 of a firing: then the same neuron must not fire again in the next cycle.

    Throughput: an addition or a firing a cycle.
    """
    fires = Signal(intbv(0)[6:])  # bit i: a firing is in cycle i + 1
    clears = Signal(intbv(0)[5:])
    at_1, at_2, at_3, at_4, at_5, at_6 = [Signal(intbv(0)[len(address) :]) for _ in range(6)]
    clear_now, writes_fired = [Signal(bool(0)) for _ in range(2)]
    stages = Signal(intbv(0)[4:])
    spike = [Signal(bool(0)) for _ in range(spec.lanes)]
    membrane = [Signal(intbv(0)[spec.membrane_bits :]) for _ in range(spec.lanes)]
    w, b = spec.weight_bits, spec.bias_bits
    bank = SumControl.new(len(address))
    control = sum_control(clk, rst, add, fire, address, writes_fired, at_6, bank)
    array = [
        lane(
            clk,
            bank,
            address,
            weights((i + 1) * w, i * w),
            biases((i + 1) * b, i * b),
            threshold,
            beta,
            stages,
            clear_now,
            writes_fired,
            spike[i],
            membrane[i],
            spec,
        )
        for i in range(spec.lanes)
    ]
    all_spikes = ConcatSignal(*reversed(spike)) if spec.lanes > 1 else spike[0]

    @always_comb
    def out():
        firing.spikes.next = all_spikes
        firing.address.next = at_4
        drained.next = fires[5:] == 0

    if observed:
        all_membranes = ConcatSignal(*reversed(membrane)) if spec.lanes > 1 else membrane[0]

        @always_comb
        def out_membranes():
            firing.membranes.next = all_membranes

    @always_comb
    def steer():
        stages.next = fires[5:1]
        clear_now.next = clears[4]
        writes_fired.next = fires[5]

    @always(clk.posedge)
    def advance():
        fires.next = concat(fires[5:], fire)
        clears.next = concat(clears[4:], clear)
        at_1.next = address
        at_2.next = at_1
        at_3.next = at_2
        at_4.next = at_3
        at_5.next = at_4
        at_6.next = at_5
        if rst:
            fires.next = 0

    parts = [control, array, out, steer, advance]
    return [*parts, out_membranes] if observed else parts
