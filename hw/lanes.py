"""Lanes that take spikes: as many neurons side by side, one address for all."""

from myhdl import ConcatSignal, Signal, always, always_comb, block, concat, instance, intbv

from .lif import lif
from .parts.accumulate import accumulate
from .parts.sum_control import sum_control
from .ports import SumControl


@block
def lane(clk, control, address, weight_bits, addend_bits, threshold, beta, fires, clear, fired, spike, membrane, spec):
    """Lane of spikes: the weight of a spike is added to the membrane of a neuron, or a neuron fires.

    A spike becomes an addition here: in cycle 1 the weight is held, shifted to the membrane's scale; in cycle 2
    ``accumulate`` adds it to the membrane v. A neuron that fires is read by the same memory port, and goes to ``lif``.

    Parameters
    ----------
    spec : LayerSpec
        Widths, leak and reset.

    Ports
    -----
    clk : in
        Rising edge.
    control : SumControl, in
        From ``sum_control``, for ``accumulate``.
    address : in, cycle 0
        Address of the membrane.
    weight_bits : in, cycle 1
        The lane's weight, two's complement.
    addend_bits : in, cycle 1
        The neuron's bias, two's complement.
    threshold, beta : in
        See ``lif``; beta may be built in.
    fires : in
        Bit i is 1 while a firing is in cycle i + 2.
    clear : in
        1 to keep 0, in cycle 5 of a firing.
    fired : in
        1 to write what the neuron keeps, in cycle 6 of a firing.
    spike, membrane : out, cycle 4 of a firing
        The neuron's spike, and its membrane before reset.

    Latency: 3 cycles to a written sum, 4 to a spike, 6 to the kept state. Throughput: an addition or a firing a cycle.
    """
    low, high = -(1 << spec.membrane_bits - 1), 1 << spec.membrane_bits - 1
    guard = spec.guard
    # value: the weight, shifted to the membrane's scale
    value = Signal(intbv(0, min=-(1 << spec.weight_bits + guard - 1), max=1 << spec.weight_bits + guard - 1))
    # addend: the bias
    addend = Signal(intbv(0, min=-(1 << spec.bias_bits - 1), max=1 << spec.bias_bits - 1))
    v, kept = [Signal(intbv(0, min=low, max=high)) for _ in range(2)]

    @instance
    def hold():
        weight = intbv(0, min=-(1 << spec.weight_bits + guard - 1), max=1 << spec.weight_bits + guard - 1)
        while True:
            yield clk.posedge
            if control.holds:
                weight[:] = weight_bits.signed()
                value.next = weight << guard  # the membrane has `guard` more fraction bits than the weight
                addend.next = addend_bits.signed()

    sums = accumulate(clk, control, address, value, v, fired, kept, spec.depth)
    leak = (beta, spec.frac, spec.reset, spec.towards_zero)
    neurons = lif(clk, fires, v, addend, threshold, clear, spike, membrane, kept, *leak)
    return hold, sums, neurons


@block
def lanes(clk, rst, add, fire, address, clear, weights, biases, threshold, beta, firing, drained, spec, observed):
    """All lanes of a layer of spikes, side by side: an addition, or a turn of the firing pass, at one address.

    cycle   an addition                                    a firing
    0       address to weights and membranes               address to biases and membranes
    1       both held                                      both held
    2       v + (weight << guard), saturated               U = v + bias, saturated
    3       written                                        spike = U > threshold
    4                                                      spike and U are out; beta * U
    5                                                      >> frac, - threshold
    6                                                      written

    Parameters
    ----------
    spec : LayerSpec
        Widths, and number of lanes.
    observed : bool
        Drive `firing_membranes` too.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and forgets additions and firings under way.
    add : in, cycle 0
        1 for an addition. It must come at least 7 cycles after a firing of the same neurons.
    fire : in, cycle 0
        1 for a turn of the firing pass. It must come at least 2 cycles after an addition to the same neurons, and 7
        after their last firing.
    address : in, cycle 0
        Address of the neurons of all lanes.
    clear : in, cycle 0
        1 with a firing after which 0 is kept.
    weights, biases : in, cycle 1
        Words of the memories, lane 0 in the lowest bits.
    threshold, beta : in
        See ``lif``; beta may be built in.
    firing : Firing, out, cycle 4 of a firing
        `firing_spikes`, one bit a lane; `firing_membranes`, before reset, lane 0 in the lowest bits;
        `firing_address`, where they are.
    drained : out
        0 in cycles 1 to 5 of a firing: then the same neuron must not fire again in the next cycle.

    Latency: 4 cycles to the spikes of a firing. Throughput: an addition or a firing a cycle.
    """
    fires = Signal(intbv(0)[6:])  # bit i: a firing is in cycle i + 1
    # clears: `clear`, for the same cycles
    clears = Signal(intbv(0)[5:])
    # at_1: the address, a cycle later
    at_1, at_2, at_3, at_4, at_5, at_6 = [Signal(intbv(0)[len(address) :]) for _ in range(6)]
    clear_now = Signal(bool(0))  # the firing in cycle 5 keeps 0
    writes_fired = Signal(bool(0))  # a firing is in cycle 6
    # stages: a firing is in cycle 2, 3, 4, 5
    stages = Signal(intbv(0)[4:])
    spike = [Signal(bool(0)) for _ in range(spec.lanes)]
    membrane = [Signal(intbv(0)[spec.membrane_bits :]) for _ in range(spec.lanes)]
    w, b = spec.weight_bits, spec.bias_bits
    bank = SumControl.new(len(address))
    control = sum_control(clk, rst, add, fire, address, writes_fired, at_6, bank)
    all_lanes = [
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
    def outputs():
        firing.spikes.next = all_spikes
        firing.address.next = at_4
        drained.next = fires[5:] == 0  # the next pass may begin: what the neurons keep will be written in time

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

    parts = [control, all_lanes, outputs, steer, advance]
    return [*parts, out_membranes] if observed else parts
