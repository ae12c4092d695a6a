"""Lanes that take pixels: a multiplier each, and a current that is added up once an image and fires at every step.

cycle   an addition                                    a firing
0       address to weights                             address to biases
1       weight and pixel held; address to currents     bias held; address to currents
2       weight * pixel; current held                   current held; address to membranes
3       current + (product << guard)                   current + bias, saturated; membrane held
4       written                                        U = v + that, saturated; the image's last: current 0 written
5                                                      spike = U > threshold
6                                                      spike and U are out; beta * U
7                                                      >> frac, - threshold
8                                                      written
"""

from myhdl import ConcatSignal, Signal, always, always_comb, block, concat, instance, intbv

from .lif import lif
from .parts.accumulate import accumulate
from .parts.memory import ram
from .parts.sum_control import sum_control
from .ports import MemoryPort, SumControl


@block
def pixel_lane(
    clk,
    control,
    address,
    factor,
    weight_bits,
    addend_bits,
    threshold,
    beta,
    fires,
    clear,
    clears,
    memory,
    spike,
    membrane,
    spec,
):
    """One lane. Ports as those of ``accumulate`` and ``lif``; `memory` is the MemoryPort of the kept states.

    `weight_bits` and `addend_bits` are valid in cycle 1, in which `control.enable` is 1; `factor` in cycle 2.
    """
    low, high = -(1 << spec.membrane_bits - 1), (1 << spec.membrane_bits - 1) - 1
    current = Signal(intbv(0, min=-(1 << spec.current_bits - 1), max=1 << spec.current_bits - 1))
    product_bits = spec.weight_bits + spec.input_bits + spec.guard + 1
    product = Signal(intbv(0, min=-(1 << product_bits), max=1 << product_bits))
    weight = Signal(intbv(0, min=-(1 << spec.weight_bits - 1), max=1 << spec.weight_bits - 1))
    bias_1, bias_2 = [Signal(intbv(0, min=-(1 << spec.bias_bits - 1), max=1 << spec.bias_bits - 1)) for _ in range(2)]
    stored, v, constant, kept = [Signal(intbv(0, min=low, max=high + 1)) for _ in range(4)]
    width, guard = spec.membrane_bits, spec.guard
    most = 1 << max(spec.current_bits, spec.bias_bits, width)
    sign = most.bit_length() - 1  # bit of the total's sign; without overflow all bits from width - 1 up equal it
    ones = (1 << sign - width + 1) - 1

    @instance
    def before_adding():
        wide = intbv(0, min=-(1 << product_bits), max=1 << product_bits)
        total = intbv(0, min=-most, max=most)
        while True:
            yield clk.posedge
            if control.enable:
                weight.next = weight_bits.signed()
                bias_1.next = addend_bits.signed()
            if control.holds:
                wide[:] = weight * factor
                product.next = wide << guard
                bias_2.next = bias_1
            if fires[0]:  # cycle 3
                total[:] = current + bias_2
                v.next = stored
                if total[sign] == 0 and total[sign : width - 1] != 0:
                    constant.next = high
                elif total[sign] == 1 and total[sign : width - 1] != ones:
                    constant.next = low
                else:
                    constant.next = total[width:].signed()

    sums = accumulate(clk, control, address, product, current, clears, 0, spec.depth)
    states = ram(clk, memory.write, memory.write_address, kept, memory.read, memory.read_address, stored, spec.depth)
    stages = Signal(intbv(0)[4:])

    @always_comb
    def later():
        stages.next = fires[5:1]

    leak = (beta, spec.frac, spec.reset, spec.towards_zero)
    neurons = lif(clk, stages, v, constant, threshold, clear, spike, membrane, kept, *leak)
    return before_adding, sums, states, later, neurons


@block
def pixel_lanes(
    clk, rst, add, fire, address, clear, factor, weights, biases, threshold, beta, firing, drained, spec, observed
):
    """Run all lanes of a layer of pixels, and the order of their work.

    Parameters and ports as those of ``lanes``, and

    factor : in, cycle 0
        The pixel of an addition.
    firing : Firing, out, cycle 6 of a firing
    drained : out
        0 in cycles 1 to 5 of a firing: then the same neuron must not fire again in the next cycle.

    A firing must come 2 cycles after an addition. Throughput: an addition or a firing a cycle.
    """
    fires = Signal(intbv(0)[8:])  # bit i: a firing is in cycle i + 1
    clears = Signal(intbv(0)[7:])
    at_1, at_2, at_3, at_4, at_5, at_6, at_7, at_8 = [Signal(intbv(0)[len(address) :]) for _ in range(8)]
    factor_1, factor_2 = [Signal(intbv(0)[len(factor) :]) for _ in range(2)]
    adds_1, clear_now, clears_current, read_v, write_v, fires_1 = [Signal(bool(0)) for _ in range(6)]
    stages = Signal(intbv(0)[5:])
    spike = [Signal(bool(0)) for _ in range(spec.lanes)]
    membrane = [Signal(intbv(0)[spec.membrane_bits :]) for _ in range(spec.lanes)]
    w, b = spec.weight_bits, spec.bias_bits
    # Currents are read a cycle later than weights, which are multiplied meanwhile.
    bank = SumControl.new(len(address))
    control = sum_control(clk, rst, adds_1, fires_1, at_1, clears_current, at_4, bank)
    memory = MemoryPort(read_v, at_2, write_v, at_8)
    array = [
        pixel_lane(
            clk,
            bank,
            at_1,
            factor_2,
            weights((i + 1) * w, i * w),
            biases((i + 1) * b, i * b),
            threshold,
            beta,
            stages,
            clear_now,
            clears_current,
            memory,
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
        firing.address.next = at_6
        drained.next = fires[5:] == 0

    if observed:
        all_membranes = ConcatSignal(*reversed(membrane)) if spec.lanes > 1 else membrane[0]

        @always_comb
        def out_membranes():
            firing.membranes.next = all_membranes

    @always_comb
    def steer():
        fires_1.next = fires[0]
        stages.next = fires[7:2]  # cycles 3 to 7
        clear_now.next = clears[6]
        clears_current.next = fires[3] and clears[3]
        read_v.next = fires[1]
        write_v.next = fires[7]

    @always(clk.posedge)
    def advance():
        adds_1.next = add
        fires.next = concat(fires[7:], fire)
        clears.next = concat(clears[6:], clear)
        factor_1.next = factor
        factor_2.next = factor_1
        at_1.next = address
        at_2.next = at_1
        at_3.next = at_2
        at_4.next = at_3
        at_5.next = at_4
        at_6.next = at_5
        at_7.next = at_6
        at_8.next = at_7
        if rst:
            adds_1.next = False
            fires.next = 0

    parts = [control, array, out, steer, advance]
    return [*parts, out_membranes] if observed else parts
