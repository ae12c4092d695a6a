"""Lanes that take pixels: a multiplier each, and a current that is added up once an image and fires at every step."""

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
    """Lane of pixels: weight times pixel is added to the current of a neuron, or a neuron fires.

    The current of a neuron, which is the same at every step, is added up once an image. At every step it is added,
    with the bias, to the state that ``lif`` kept. Cycles are those of ``pixel_lanes``.

    Parameters
    ----------
    spec : LayerSpec
        Widths, leak and reset.

    Ports
    -----
    clk : in
        Rising edge.
    control : SumControl, in
        From ``sum_control``, for ``accumulate``, which holds the currents.
    address : in, cycle 1
        Address of the current.
    factor : in, cycle 2
        The pixel, unsigned.
    weight_bits : in, cycle 1
        The lane's weight, two's complement.
    addend_bits : in, cycle 1
        The neuron's bias, two's complement.
    threshold, beta : in
        See ``lif``; beta may be built in.
    fires : in
        Bit i is 1 while a firing is in cycle i + 3.
    clear : in, cycle 7 of a firing
        1 to keep 0.
    clears : in, cycle 4 of a firing
        1 to write 0 as the current, for the next image.
    memory : MemoryPort, in
        Port of the memory of kept states: `memory_read` at `memory_read_address`, `memory_write` at
        `memory_write_address`.
    spike, membrane : out, cycle 6 of a firing
        The neuron's spike, and its membrane before reset.

    Latency: 4 cycles to a written current, 6 to a spike, 8 to the kept state. Throughput: an addition or a firing a
    cycle.
    """
    low, high = -(1 << spec.membrane_bits - 1), (1 << spec.membrane_bits - 1) - 1
    # current: sum of weights times pixels, in cycle 3
    current = Signal(intbv(0, min=-(1 << spec.current_bits - 1), max=1 << spec.current_bits - 1))
    product_bits = spec.weight_bits + spec.input_bits + spec.guard + 1
    # product: weight times pixel on the membrane's scale, in cycle 3
    product = Signal(intbv(0, min=-(1 << product_bits), max=1 << product_bits))
    # weight: in cycle 2
    weight = Signal(intbv(0, min=-(1 << spec.weight_bits - 1), max=1 << spec.weight_bits - 1))
    bias_1, bias_2 = [Signal(intbv(0, min=-(1 << spec.bias_bits - 1), max=1 << spec.bias_bits - 1)) for _ in range(2)]
    stored = Signal(intbv(0, min=low, max=high + 1))  # the kept state, in cycle 3 of a firing
    v = Signal(intbv(0, min=low, max=high + 1))  # a cycle later
    direct = Signal(intbv(0, min=low, max=high + 1))  # current + bias, saturated, in cycle 4
    kept = Signal(intbv(0, min=low, max=high + 1))
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
                product.next = wide << guard  # the membrane has `guard` more fraction bits than the weight
                bias_2.next = bias_1
            if fires[0]:  # cycle 3
                total[:] = current + bias_2
                v.next = stored
                if total[sign] == 0 and total[sign : width - 1] != 0:
                    direct.next = high  # saturated
                elif total[sign] == 1 and total[sign : width - 1] != ones:
                    direct.next = low  # saturated
                else:
                    direct.next = total[width:].signed()

    sums = accumulate(clk, control, address, product, current, clears, 0, spec.depth)
    states = ram(clk, memory.write, memory.write_address, kept, memory.read, memory.read_address, stored, spec.depth)
    stages = Signal(intbv(0)[4:])

    @always_comb
    def later():
        stages.next = fires[5:1]

    leak = (beta, spec.frac, spec.reset, spec.towards_zero)
    neurons = lif(clk, stages, v, direct, threshold, clear, spike, membrane, kept, *leak)
    return before_adding, sums, states, later, neurons


@block
def pixel_lanes(
    clk, rst, add, fire, address, clear, factor, weights, biases, threshold, beta, firing, drained, spec, observed
):
    """All lanes of a layer of pixels, side by side: an addition, or a turn of the firing pass, at one address.

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
        1 for an addition.
    fire : in, cycle 0
        1 for a turn of the firing pass. It must come at least 2 cycles after an addition to the same neurons.
    address : in, cycle 0
        Address of the neurons of all lanes.
    clear : in, cycle 0
        1 with a firing after which 0 is kept: the image's last.
    factor : in, cycle 0
        The pixel of an addition.
    weights, biases : in, cycle 1
        Words of the memories, lane 0 in the lowest bits.
    threshold, beta : in
        See ``lif``; beta may be built in.
    firing : Firing, out, cycle 6 of a firing
        `firing_spikes`, one bit a lane; `firing_membranes`, before reset, lane 0 in the lowest bits;
        `firing_address`, where they are.
    drained : out
        0 in cycles 1 to 5 of a firing: then the same neuron must not fire again in the next cycle.

    Latency: 6 cycles to the spikes of a firing. Throughput: an addition or a firing a cycle.
    """
    fires = Signal(intbv(0)[8:])  # bit i: a firing is in cycle i + 1
    # clears: `clear`, for the same cycles
    clears = Signal(intbv(0)[7:])
    # at_1: the address, a cycle later
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
    all_lanes = [
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
    def outputs():
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

    parts = [control, all_lanes, outputs, steer, advance]
    return [*parts, out_membranes] if observed else parts
