"""One lane of a wide convolution: a bank of sums, and an adder, for each tap, and the neuron that they share."""

from myhdl import Signal, always, block, instance, intbv

from .lif import lif
from .parts.accumulate import accumulate
from .parts.memory import ram
from .parts.register import register_if


@block
def spike_tap(clk, reads, weight_bits, value, guard):
    """Weight of one tap and lane that a spike adds, held for the adder.

    Parameters
    ----------
    guard : int
        Fraction bits of the membrane beyond those of the weight.

    Ports
    -----
    clk : in
        Rising edge.
    reads : in, cycle 2
        1 to hold the weight.
    weight_bits : in, cycle 2
        Two's complement.
    value : out, cycle 3
        Signed, on the membrane's scale.

    Latency: 1 cycle. Throughput: a weight a cycle.
    """
    most = value.max

    @instance
    def hold():
        weight = intbv(0, min=-most, max=most)
        while True:
            yield clk.posedge
            if reads:
                weight[:] = weight_bits.signed()
                value.next = weight << guard

    return hold


@block
def pixel_tap(clk, reads, multiplies, weight_bits, factor, value, guard):
    """Weight of one tap and lane times the pixel, for the adder.

    Parameters
    ----------
    guard : int
        Fraction bits of the current beyond those of the weight.

    Ports
    -----
    clk : in
        Rising edge.
    reads : in, cycle 2
        1 to hold the weight.
    multiplies : in, cycle 3
        1 to multiply.
    weight_bits : in, cycle 2
        Two's complement.
    factor : in, cycle 3
        The pixel, unsigned.
    value : out, cycle 4
        Signed, on the current's scale.

    Latency: 2 cycles. Throughput: a product a cycle.
    """
    most = value.max
    half = 1 << len(weight_bits) - 1
    weight = Signal(intbv(0, min=-half, max=half))

    @instance
    def multiply():
        product = intbv(0, min=-most, max=most)
        while True:
            yield clk.posedge
            if reads:
                weight.next = weight_bits.signed()
            if multiplies:
                product[:] = weight * factor
                value.next = product << guard

    return multiply


@block
def choose_bank(clk, chooses, bank, sums, chosen):
    """Sum of one bank out of all: that of the neuron that fires.

    Ports
    -----
    clk : in
        Rising edge.
    chooses : in
        1 to take a sum.
    bank : in
        Number of its bank.
    sums : list of signals, in
        The sums that the banks hold.
    chosen : out

    Latency: 1 cycle. Throughput: a sum a cycle.
    """

    @always(clk.posedge)
    def choose():
        if chooses:
            chosen.next = sums[bank]

    return choose


@block
def spike_neuron(clk, holds, addend_bits, addend):
    """Bias of a neuron, held for ``lif``.

    Ports
    -----
    clk : in
        Rising edge.
    holds : in, cycle 3 of a firing
        1 to hold the bias.
    addend_bits : in, cycle 3
        Two's complement.
    addend : out, cycle 4
        Signed.

    Latency: 1 cycle. Throughput: a bias a cycle.
    """

    @always(clk.posedge)
    def hold():
        if holds:
            addend.next = addend_bits.signed()

    return hold


@block
def pixel_neuron(clk, holds, adds, addend_bits, current, direct, membrane_bits):
    """Current and bias of a neuron, added and saturated for ``lif``.

    Parameters
    ----------
    membrane_bits : int
        Width of the membrane.

    Ports
    -----
    clk : in
        Rising edge.
    holds : in, cycle 4 of a firing
        1 to hold the bias.
    adds : in, cycle 5
        1 to add.
    addend_bits : in, cycle 4
        The bias, two's complement.
    current : in, cycle 5
        Signed.
    direct : out, cycle 6
        Signed; what the neuron's input is at every step.

    Latency: 2 cycles. Throughput: a neuron a cycle.
    """
    high, low, width = (1 << membrane_bits - 1) - 1, -(1 << membrane_bits - 1), membrane_bits
    most = 1 << max(len(current), len(addend_bits), width)
    sign = most.bit_length() - 1
    ones = (1 << sign - width + 1) - 1
    half = 1 << len(addend_bits) - 1
    bias = Signal(intbv(0, min=-half, max=half))

    @instance
    def add():
        total = intbv(0, min=-most, max=most)
        while True:
            yield clk.posedge
            if holds:
                bias.next = addend_bits.signed()
            if adds:
                total[:] = current + bias
                if total[sign] == 0 and total[sign : width - 1] != 0:
                    direct.next = high  # saturated
                elif total[sign] == 1 and total[sign : width - 1] != ones:
                    direct.next = low  # saturated
                else:
                    direct.next = total[width:].signed()

    return add


@block
def wide_spike_lane(
    clk,
    controls,
    addresses,
    stores,
    taps,
    timing,
    addend_bits,
    threshold,
    beta,
    spike,
    membrane,
    spec,
):
    """Lane of a wide convolution of spikes: a weight is added in each bank at once, or a neuron of one bank fires.

    A spike becomes additions here: ``spike_tap`` holds the weight of each tap, and ``accumulate`` adds it to the
    membrane in the tap's bank. Cycles are those of ``wide_lanes``.

    Parameters
    ----------
    spec : LayerSpec
        Widths, taps, leak and reset.

    Ports
    -----
    clk : in
        Rising edge.
    controls : list of SumControl, in
        For each bank, from ``bank_control``.
    addresses, stores : list of signals, in
        For each bank: the address to read, and 1 to write what the neuron keeps.
    taps : list of signals, in, cycle 2
        For each bank, the weight, two's complement.
    timing : WideTiming, in
        `timing_reads`, in cycle 2 of an addition: hold the weights. In cycle 3 of a firing, `timing_chooses`: take the
        sum of `timing_bank`; and `timing_holds`: hold the bias. `timing_fires`: bit i, a firing is in cycle i + 4.
        `timing_clear`, in cycle 7 of a firing: keep 0.
    addend_bits : in, cycle 3 of a firing
        The bias, two's complement.
    threshold, beta : in
        See ``lif``; beta may be built in.
    spike, membrane : out, cycle 6 of a firing
        The neuron's spike, and its membrane before reset.

    Latency: 4 cycles to written sums, 6 to a spike, 8 to the kept state. Throughput: an addition in every bank, or a
    firing, a cycle.
    """
    low, high = -(1 << spec.membrane_bits - 1), 1 << spec.membrane_bits - 1
    most = 1 << spec.weight_bits + spec.guard - 1
    v = Signal(intbv(0, min=low, max=high))  # the sum of the neuron that fires
    kept = Signal(intbv(0, min=low, max=high))  # what it keeps
    # addend: its bias
    addend = Signal(intbv(0, min=-(1 << spec.bias_bits - 1), max=1 << spec.bias_bits - 1))
    values = [Signal(intbv(0, min=-most, max=most)) for _ in range(spec.taps)]  # weights on the membrane's scale
    sums = [Signal(intbv(0, min=low, max=high)) for _ in range(spec.taps)]
    weights = [spike_tap(clk, timing.reads, taps[i], values[i], spec.guard) for i in range(spec.taps)]
    adders = [
        accumulate(clk, controls[i], addresses[i], values[i], sums[i], stores[i], kept, spec.bank_depth)
        for i in range(spec.taps)
    ]
    choice = choose_bank(clk, timing.chooses, timing.bank, sums, v)
    bias = spike_neuron(clk, timing.holds, addend_bits, addend)
    leak = (beta, spec.frac, spec.reset, spec.towards_zero)
    neuron = lif(clk, timing.fires, v, addend, threshold, timing.clear, spike, membrane, kept, *leak)
    return weights, adders, choice, bias, neuron


@block
def wide_pixel_lane(
    clk,
    controls,
    addresses,
    stores,
    taps,
    factor,
    timing,
    addend_bits,
    threshold,
    beta,
    memory,
    spike,
    membrane,
    spec,
):
    """Lane of a wide convolution of pixels: a product is added in each bank at once, or a neuron of one bank fires.

    The current of a neuron, which is the same at every step, is added up once an image in the bank of its tap. At every
    step it is added, with the bias, to the state that ``lif`` kept. Cycles are those of ``wide_lanes`` for pixels.

    Parameters
    ----------
    spec : LayerSpec
        Widths, taps, leak and reset.

    Ports
    -----
    clk : in
        Rising edge.
    controls : list of SumControl, in
        For each bank, from ``bank_control``.
    addresses, stores : list of signals, in
        For each bank: the address to read, and 1 to write 0, for the next image.
    taps : list of signals, in, cycle 2
        For each bank, the weight, two's complement.
    factor : in, cycle 3
        The pixel, unsigned.
    timing : WideTiming, in
        `timing_reads` and `timing_multiplies`, in cycles 2 and 3 of an addition: hold the weights, and multiply. In
        cycle 4 of a firing, `timing_chooses`: take the sum of `timing_bank`; and `timing_holds`: hold the bias.
        `timing_adds`, in cycle 5 of a firing: add both, and hold the kept state. `timing_fires`: bit i, a firing is in
        cycle i + 6. `timing_clear`, in cycle 9 of a firing: keep 0.
    addend_bits : in, cycle 4 of a firing
        The bias, two's complement.
    threshold, beta : in
        See ``lif``; beta may be built in.
    memory : MemoryPort, in
        Port of the memory of kept states: `memory_read` at `memory_read_address`, `memory_write` at
        `memory_write_address`.
    spike, membrane : out, cycle 8 of a firing
        The neuron's spike, and its membrane before reset.

    Latency: 5 cycles to written sums, 8 to a spike, 10 to the kept state. Throughput: an addition in every bank, or a
    firing, a cycle.
    """
    low, high = -(1 << spec.membrane_bits - 1), 1 << spec.membrane_bits - 1
    sum_low, sum_high = -(1 << spec.current_bits - 1), 1 << spec.current_bits - 1
    most = 1 << spec.weight_bits + spec.input_bits + spec.guard
    current = Signal(intbv(0, min=sum_low, max=sum_high))  # the sum of the neuron that fires
    direct = Signal(intbv(0, min=low, max=high))  # current + bias, saturated
    stored = Signal(intbv(0, min=low, max=high))  # the kept state, as read
    v = Signal(intbv(0, min=low, max=high))  # the kept state, a cycle later
    kept = Signal(intbv(0, min=low, max=high))  # what the neuron keeps
    values = [Signal(intbv(0, min=-most, max=most)) for _ in range(spec.taps)]  # products on the membrane's scale
    sums = [Signal(intbv(0, min=sum_low, max=sum_high)) for _ in range(spec.taps)]
    products = [
        pixel_tap(clk, timing.reads, timing.multiplies, taps[i], factor, values[i], spec.guard)
        for i in range(spec.taps)
    ]
    adders = [
        accumulate(clk, controls[i], addresses[i], values[i], sums[i], stores[i], 0, spec.bank_depth)
        for i in range(spec.taps)
    ]
    choice = choose_bank(clk, timing.chooses, timing.bank, sums, current)
    inputs = pixel_neuron(clk, timing.holds, timing.adds, addend_bits, current, direct, spec.membrane_bits)
    states = ram(clk, memory.write, memory.write_address, kept, memory.read, memory.read_address, stored, spec.depth)
    hold_state = register_if(clk, timing.adds, stored, v)
    leak = (beta, spec.frac, spec.reset, spec.towards_zero)
    neuron = lif(clk, timing.fires, v, direct, threshold, timing.clear, spike, membrane, kept, *leak)
    return products, adders, choice, inputs, states, hold_state, neuron
