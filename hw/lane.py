"""One lane: a bank of sums, and an adder, for each tap that is added at once, and the neuron that they share."""

from myhdl import Signal, always, block, instance, intbv

from .lif import lif
from .parts.accumulate import accumulate
from .parts.memory import ram


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
    reads : in
        1 to hold the weight.
    weight_bits : in
        Two's complement.
    value : out
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
    reads : in
        1 to hold the weight.
    multiplies : in, a cycle later
        1 to multiply.
    weight_bits : in, with `reads`
        Two's complement.
    factor : in, with `multiplies`
        The pixel, unsigned.
    value : out
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
    holds : in
        1 to hold the bias.
    adds : in, a cycle later
        1 to add.
    addend_bits : in, with `holds`
        The bias, two's complement.
    current : in, with `adds`
        Signed.
    direct : out
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
def spike_lane(
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
    """Lane of spikes: a weight is added in each bank at once, or a neuron of one bank fires.

    A spike becomes additions here: ``spike_tap`` holds the weight of each tap, shifted to the membrane's scale, and
    ``accumulate`` adds it to the membrane in the tap's bank. A neuron that fires is read by the same memory port, and
    goes to ``lif``. Cycles are those of ``lanes``.

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
    taps : list of signals, in
        For each bank, the weight, two's complement.
    timing : LaneTiming, in
        `timing_reads`: hold the weights. `timing_chooses`: take the sum of `timing_bank`, if there are several banks.
        `timing_holds`: hold the bias. `timing_fires`: bit i, a firing is in cycle i of ``lif``. `timing_clear`: keep 0.
    addend_bits : in, with `timing_holds`
        The bias, two's complement.
    threshold, beta : in
        See ``lif``; beta may be built in.
    spike, membrane : out, cycle 2 of ``lif``
        The neuron's spike, and its membrane before reset.

    Latency: 2 cycles from `taps` to written sums, and those of ``lif``. Throughput: an addition in every bank, or a
    firing, a cycle.
    """
    low, high = -(1 << spec.membrane_bits - 1), 1 << spec.membrane_bits - 1
    most = 1 << spec.weight_bits + spec.guard - 1
    kept = Signal(intbv(0, min=low, max=high))  # what the neuron that fires keeps
    # addend: its bias
    addend = Signal(intbv(0, min=-(1 << spec.bias_bits - 1), max=1 << spec.bias_bits - 1))
    values = [Signal(intbv(0, min=-most, max=most)) for _ in range(spec.taps)]  # weights on the membrane's scale
    sums = [Signal(intbv(0, min=low, max=high)) for _ in range(spec.taps)]
    weights = [spike_tap(clk, timing.reads, taps[i], values[i], spec.guard) for i in range(spec.taps)]
    adders = [
        accumulate(clk, controls[i], addresses[i], values[i], sums[i], stores[i], kept, spec.bank_depth)
        for i in range(spec.taps)
    ]
    parts = [weights, adders]
    v = sums[0]  # the sum of the neuron that fires
    if spec.taps > 1:
        v = Signal(intbv(0, min=low, max=high))
        parts.append(choose_bank(clk, timing.chooses, timing.bank, sums, v))
    leak = (beta, spec.frac, spec.reset, spec.towards_zero)
    neuron = lif(clk, timing.fires, v, addend, threshold, timing.clear, spike, membrane, kept, *leak)

    @always(clk.posedge)
    def hold_bias():
        if timing.holds:
            addend.next = addend_bits.signed()

    return [*parts, neuron, hold_bias]


@block
def pixel_lane(
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
    readers,
    spike,
    membrane,
    spec,
):
    """Lane of pixels: weight times pixel is added in each bank at once, or a neuron of one bank fires.

    The current of a neuron, which is the same at every step, is added up once an image in the bank of its tap. At every
    step it is added, with the bias, to the state that ``lif`` kept. Cycles are those of ``lanes``.

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
        For each bank: the address to read, and 1 to write 0, for the image that is added there next.
    taps : list of signals, in
        For each bank, the weight, two's complement.
    factor : in, a cycle after `taps`
        The pixel, unsigned.
    timing : LaneTiming, in
        `timing_reads`, and a cycle later `timing_multiplies`: hold the weights, and multiply. `timing_chooses`: take
        the sum of `timing_bank`, if there are several banks. `timing_holds`: hold the bias; and a cycle later
        `timing_adds`: add sum and bias, and hold the kept state. `timing_fires`: bit i, a firing is in cycle i of
        ``lif``. `timing_clear`: keep 0.
    addend_bits : in, with `timing_holds`
        The bias, two's complement.
    threshold, beta : in
        See ``lif``; beta may be built in.
    memory : MemoryPort, in
        Port of the memory of kept states: `memory_read` at `memory_read_address`, `memory_write` at
        `memory_write_address`.
    readers : list of SumReader, in
        For the sums of each tap, from ``pair_control``; None without a second bank of currents.
    spike, membrane : out, cycle 2 of ``lif``
        The neuron's spike, and its membrane before reset.

    Latency: 3 cycles from `taps` to written sums, and those of ``lif``. Throughput: an addition in every bank, or a
    firing, a cycle.
    """
    low, high = -(1 << spec.membrane_bits - 1), 1 << spec.membrane_bits - 1
    sum_low, sum_high = -(1 << spec.current_bits - 1), 1 << spec.current_bits - 1
    most = 1 << spec.weight_bits + spec.input_bits + spec.guard
    direct = Signal(intbv(0, min=low, max=high))  # current + bias of the neuron that fires, saturated
    stored = Signal(intbv(0, min=low, max=high))  # its kept state, as read
    v = Signal(intbv(0, min=low, max=high))  # a cycle later
    kept = Signal(intbv(0, min=low, max=high))  # what it keeps now
    values = [Signal(intbv(0, min=-most, max=most)) for _ in range(spec.taps)]  # products on the membrane's scale
    sums = [Signal(intbv(0, min=sum_low, max=sum_high)) for _ in range(spec.taps)]
    nothing = Signal(intbv(0, min=sum_low, max=sum_high))  # always 0: what the next image's sums start from
    products = [
        pixel_tap(clk, timing.reads, timing.multiplies, taps[i], factor, values[i], spec.guard)
        for i in range(spec.taps)
    ]
    adders = [
        accumulate(clk, controls[i], addresses[i], values[i], sums[i], stores[i], nothing, spec.bank_depth, readers[i])
        for i in range(spec.taps)
    ]
    parts = [products, adders]
    current = sums[0]  # the sum of the neuron that fires
    if spec.taps > 1:
        current = Signal(intbv(0, min=sum_low, max=sum_high))
        parts.append(choose_bank(clk, timing.chooses, timing.bank, sums, current))
    inputs = pixel_neuron(clk, timing.holds, timing.adds, addend_bits, current, direct, spec.membrane_bits)
    states = ram(clk, memory.write, memory.write_address, kept, memory.read, memory.read_address, stored, spec.depth)
    leak = (beta, spec.frac, spec.reset, spec.towards_zero)
    neuron = lif(clk, timing.fires, v, direct, threshold, timing.clear, spike, membrane, kept, *leak)

    @always(clk.posedge)
    def hold_state():
        if timing.adds:
            v.next = stored

    return [*parts, inputs, states, neuron, hold_state]
