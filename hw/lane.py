"""One lane: a bank of sums, and an adder, for each tap that is added at once, and the neurons that they share."""

from myhdl import Signal, always, always_comb, block, instance, intbv

from .lif import lif
from .parts.accumulate import accumulate
from .parts.memory import ram
from .windows import choose_neuron


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
def pixel_neuron(clk, adds, addend_bits, current, stored, direct, membrane):
    """Current and bias of a neuron, added and saturated for ``lif``, and its membrane, held beside them.

    Ports
    -----
    clk : in
        Rising edge.
    adds : in
        1 to add.
    addend_bits : in
        The bias, two's complement.
    current, stored : in
        Signed; the sum of the pixels, and the membrane as read.
    direct, membrane : out
        Signed; what the neuron's input is at every step, and its membrane.

    Latency: 1 cycle. Throughput: a neuron a cycle.
    """
    width = len(membrane)
    high, low = (1 << width - 1) - 1, -(1 << width - 1)
    most = 1 << max(len(current), len(addend_bits), width)
    sign = most.bit_length() - 1
    ones = (1 << sign - width + 1) - 1
    half = 1 << len(addend_bits) - 1

    @instance
    def add():
        bias = intbv(0, min=-half, max=half)
        total = intbv(0, min=-most, max=most)
        while True:
            yield clk.posedge
            if adds:
                membrane.next = stored
                bias[:] = addend_bits.signed()
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
    fired_banks,
    fired_positions,
    addend_bits,
    threshold,
    beta,
    spikes,
    membranes,
    spec,
):
    """Lane of spikes: a weight is added in each bank at once, or a neuron fires, or all of a pooling window.

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
        `timing_reads`: hold the weights. `timing_chooses`: take the sums of `fired_banks`, if there are several banks.
        `timing_fires`: bit i, a firing is in cycle i of ``lif``. `timing_clear`: keep 0.
    fired_banks : list of signals, in, with `timing_chooses`
        For each neuron that fires at once, number of its bank.
    fired_positions : list of signals, in, with `stores`
        For each bank, number of the neuron whose kept state is written, if there are several.
    addend_bits : in, cycle 0 of ``lif``
        The bias, two's complement.
    threshold, beta : in
        See ``lif``; beta may be built in.
    spikes, membranes : list of signals, out, cycle 2 of ``lif``
        For each neuron, its spike, and its membrane before reset.

    Latency: 2 cycles from `taps` to written sums, and those of ``lif``. Throughput: an addition in every bank, or a
    firing, a cycle.
    """
    low, high = -(1 << spec.membrane_bits - 1), 1 << spec.membrane_bits - 1
    most = 1 << spec.weight_bits + spec.guard - 1
    # kept: what each neuron that fires keeps
    kept = [Signal(intbv(0, min=low, max=high)) for _ in range(spec.positions)]
    addend = Signal(intbv(0, min=-(1 << spec.bias_bits - 1), max=1 << spec.bias_bits - 1))  # their bias
    values = [Signal(intbv(0, min=-most, max=most)) for _ in range(spec.taps)]  # weights on the membrane's scale
    sums = [Signal(intbv(0, min=low, max=high)) for _ in range(spec.taps)]
    weights = [spike_tap(clk, timing.reads, taps[i], values[i], spec.guard) for i in range(spec.taps)]
    parts = [weights]
    kept_in = kept * spec.taps  # of the neuron in each bank
    if spec.positions > 1:
        kept_in = [Signal(intbv(0, min=low, max=high)) for _ in range(spec.taps)]
        parts.append([choose_neuron(fired_positions[i], kept, kept_in[i]) for i in range(spec.taps)])
    parts.append(
        [
            accumulate(clk, controls[i], addresses[i], values[i], sums[i], stores[i], kept_in[i], spec.bank_depth)
            for i in range(spec.taps)
        ]
    )
    v = sums  # the sum of each neuron that fires
    if spec.taps > 1:
        v = [Signal(intbv(0, min=low, max=high)) for _ in range(spec.positions)]
        parts.append([choose_bank(clk, timing.chooses, fired_banks[i], sums, v[i]) for i in range(spec.positions)])
    leak = (beta, spec.frac, spec.reset, spec.towards_zero)
    neurons = [
        lif(clk, timing.fires, v[i], addend, threshold, timing.clear, spikes[i], membranes[i], kept[i], *leak)
        for i in range(spec.positions)
    ]

    @always_comb
    def read_bias():
        addend.next = addend_bits.signed()

    return [*parts, neurons, read_bias]


@block
def pixel_lane(
    clk,
    controls,
    addresses,
    stores,
    taps,
    factor,
    timing,
    fired_banks,
    addend_bits,
    threshold,
    beta,
    memory,
    readers,
    spikes,
    membranes,
    spec,
):
    """Lane of pixels: weight times pixel is added in each bank at once, or a neuron fires, or all of a pooling window.

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
        the sums of `fired_banks`, if there are several banks. `timing_adds`: add sum and bias, and hold the kept state.
        `timing_fires`: bit i, a firing is in cycle i of ``lif``. `timing_clear`: keep 0.
    fired_banks : list of signals, in, with `timing_chooses`
        For each neuron that fires at once, number of its bank.
    addend_bits : in, with `timing_adds`
        The bias, two's complement.
    threshold, beta : in
        See ``lif``; beta may be built in.
    memory : MemoryPort, in
        Port of each neuron's memory of kept states: `memory_read` at `memory_read_address`, `memory_write` at
        `memory_write_address`.
    readers : list of SumReader, in
        For the sums of each tap, from ``pair_control``; None without a second bank of currents.
    spikes, membranes : list of signals, out, cycle 2 of ``lif``
        For each neuron, its spike, and its membrane before reset.

    Latency: 3 cycles from `taps` to written sums, and those of ``lif``. Throughput: an addition in every bank, or a
    firing, a cycle.
    """
    low, high = -(1 << spec.membrane_bits - 1), 1 << spec.membrane_bits - 1
    sum_low, sum_high = -(1 << spec.current_bits - 1), 1 << spec.current_bits - 1
    most = 1 << spec.weight_bits + spec.input_bits + spec.guard
    # Of each neuron that fires: its current + bias, saturated; its kept state, as read; v, that a cycle later; what it
    # keeps now.
    direct = [Signal(intbv(0, min=low, max=high)) for _ in range(spec.positions)]
    stored = [Signal(intbv(0, min=low, max=high)) for _ in range(spec.positions)]
    v = [Signal(intbv(0, min=low, max=high)) for _ in range(spec.positions)]
    kept = [Signal(intbv(0, min=low, max=high)) for _ in range(spec.positions)]
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
    current = sums  # the sum of each neuron that fires
    if spec.taps > 1:
        current = [Signal(intbv(0, min=sum_low, max=sum_high)) for _ in range(spec.positions)]
        chooses = timing.chooses
        parts.append([choose_bank(clk, chooses, fired_banks[i], sums, current[i]) for i in range(spec.positions)])
    leak, ports = (beta, spec.frac, spec.reset, spec.towards_zero), (memory.read, memory.read_address)
    for i in range(spec.positions):
        parts += [
            pixel_neuron(clk, timing.adds, addend_bits, current[i], stored[i], direct[i], v[i]),
            ram(clk, memory.write, memory.write_address, kept[i], *ports, stored[i], spec.depth),
            lif(clk, timing.fires, v[i], direct[i], threshold, timing.clear, spikes[i], membranes[i], kept[i], *leak),
        ]
    return parts
