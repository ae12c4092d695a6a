"""Lanes with a bank of sums, and an adder, for each tap of a convolution: a spike, or pixel, is added in one cycle."""

from myhdl import ConcatSignal, Signal, always, always_comb, block, concat, instance, intbv

from .lif import lif
from .parts.accumulate import accumulate
from .parts.look_up import look_up
from .parts.memory import ram
from .parts.register import pipeline_register, register_if, register_or_zero
from .parts.rotate import rotate
from .parts.sum_control import sum_control
from .ports import SumControl


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
def bank_ports(bits_of_adds, addresses, number, add, address):
    """Addition of one bank, picked from those of all banks.

    Parameters
    ----------
    number : int
        Number of the bank.

    Ports
    -----
    bits_of_adds : in
        A bit for each bank: 1 for an addition in it.
    addresses : in
        An address for each bank, the first in the lowest bits.
    add, address : out
        The bank's bit, and its address.

    Latency: combinational.
    """
    width = len(address)
    its_address = addresses((number + 1) * width, number * width)

    @always_comb
    def pick():
        add.next = bits_of_adds[number]
        address.next = its_address

    return pick


@block
def bank_choice(fire, bank, fire_address, writes, bank_written, adding, add_address, number, reads, address, stores):
    """Does a firing read or write this bank, and is the address that of the firing or of an addition?

    Parameters
    ----------
    number : int
        Number of the bank.

    Ports
    -----
    fire : in
        1 while the sum of a neuron that fires is read.
    bank, fire_address : in
        Bank and address of that neuron.
    writes : in
        1 while what a neuron keeps is written.
    bank_written : in
        Its bank.
    adding : in
        1 while there are additions in any bank.
    add_address : in
        Address of the addition in this bank.
    reads : out
        The firing reads in this bank.
    address : out
        The address to read.
    stores : out
        1 while the neuron writes in this bank.

    Latency: combinational.
    """

    @always_comb
    def choose():
        reads.next = fire and bank == number
        stores.next = writes and bank_written == number
        address.next = fire_address
        if adding:
            address.next = add_address

    return choose


@block
def wide_lanes(clk, rst, walk, turn, clear, factor, weights, biases, threshold, beta, firing, drained, spec, observed):
    """All lanes of a wide convolution, of spikes or pixels: in each lane a bank of sums, and an adder, for each tap.

    An input is added in one cycle for each group of lanes: its taps are turned to the banks, as ``wide_conv2d``
    explains. A neuron that fires is read from its one bank.

    cycle     an addition (of pixels)                    a firing (of pixels)
    0         address to weights                         which bank, and where in it
    1         rows of taps turned to their banks         address to sums (2)
    2         columns turned; both held                  sum held (3)
    (3)       (weight * pixel)
    3 (4)     sum + (weight << guard), saturated         the bank is chosen (4)
    4 (5)     written                                    U = v + bias (current + bias (5), U = v + that (6)), saturated
    5                                                    spike = U > threshold (7)
    6                                                    spike and U are out (8); beta * U
    7                                                    >> frac, - threshold (9)
    8                                                    written (10)

    Parameters
    ----------
    spec : LayerSpec
        Widths, kernel, and number of lanes.
    observed : bool
        Drive `firing_membranes` too.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and forgets additions and firings under way.
    walk : WideWalk, in, cycle 0
        Additions: a bit for each bank in `walk_banks`, their addresses in `walk_addresses`, and by how many rows and
        columns the taps are turned, `walk_turn_y` and `walk_turn_x`.
    turn : Turn, in, cycle 0
        With `turn_fire`, a firing at `turn_address`, which is pixel (`turn_y`, `turn_x`), group `turn_group`. It must
        come 2 cycles after an addition, and 7 (of spikes 8) before the next of the same neurons. An addition must come
        8 cycles after a firing.
    clear : in, cycle 0
        1 with a firing after which 0 is kept.
    factor : in, cycle 0
        The pixel of an addition; not read for spikes.
    weights : in, cycle 1
        A word of taps: tap by tap, each with lane 0 in its lowest bits.
    biases : BiasReader
        `biases_read` and `biases_group`, out: read the biases of this group; `biases_data`, in: they are, in the next
        cycle, lane 0 in the lowest bits.
    threshold, beta : in
        See ``lif``; beta may be built in.
    firing : Firing, out, cycle 6 of a firing, of pixels 8
        `firing_spikes`, one bit a lane; `firing_membranes`, before reset, lane 0 in the lowest bits;
        `firing_address`, where they are.
    drained : out
        0 in cycles 1 to 6 of a firing, of pixels 1 to 5: then the same neuron must not fire again in the next cycle.

    Latency: 6 cycles to the spikes of a firing, of pixels 8. Throughput: additions to all banks, or a firing, a cycle.
    """
    kernel, count, pixels = spec.kernel, spec.lanes, spec.input_bits > 0
    banks, w, b, guard = spec.taps, spec.weight_bits, spec.bias_bits, spec.guard
    width = len(walk.addresses) // banks
    late = 1 if pixels else 0  # cycles that a product takes
    read, first = 1 + late, 6 if pixels else 4  # cycle in which a firing reads its sum, and ``lif``'s cycle 0
    most = 1 << (w + spec.input_bits + guard if pixels else w + guard - 1)
    low, high = -(1 << spec.membrane_bits - 1), 1 << spec.membrane_bits - 1
    sum_low, sum_high = (-(1 << spec.current_bits - 1), 1 << spec.current_bits - 1) if pixels else (low, high)

    fires = Signal(intbv(0)[first + 4 :])  # bit i: a firing is in cycle i + 1
    clears = Signal(intbv(0)[first + 3 :])
    at = [turn.address, *(Signal(intbv(0)[len(turn.address) :]) for _ in range(first + 4))]
    its_group = [turn.group, *(Signal(intbv(0)[len(turn.group) :]) for _ in range(first - 2 - late))]
    bank_0 = Signal(intbv(0, min=0, max=banks))
    bank = [bank_0, *(Signal(intbv(0, min=0, max=banks)) for _ in range(first + 4))]
    place_1 = Signal(intbv(0)[width:])
    place = [None, place_1, *(Signal(intbv(0)[width:]) for _ in range(first + 3))]
    factors = [factor, *(Signal(intbv(0)[len(factor) :]) for _ in range(3))]
    turns = [walk.turn_x, *(Signal(intbv(0)[len(walk.turn_x) :]) for _ in range(2))]
    turn_y_1 = Signal(intbv(0)[len(walk.turn_y) :])
    adding = [walk.banks, *(Signal(intbv(0)[banks:]) for _ in range(read))]
    adding_at = [walk.addresses, *(Signal(intbv(0)[len(walk.addresses) :]) for _ in range(read))]
    lines = [at, its_group, bank, place[1:], factors if pixels else [], turns, adding_at, [walk.turn_y, turn_y_1]]
    chains = [pipeline_register(clk, a, c) for line in lines for a, c in zip(line, line[1:])]
    chains += [register_or_zero(clk, rst, a, c) for a, c in zip(adding, adding[1:])]

    # Which bank a neuron that fires is in, and where.
    bank_row, bank_column = [Signal(intbv(0)[banks.bit_length() :]) for _ in range(2)]
    row_place, column_place = [Signal(intbv(0)[width:]) for _ in range(2)]
    rows, columns = 1 << len(turn.y), 1 << len(turn.x)
    row_step = -(-spec.out_width // kernel) * spec.groups
    inside_y, inside_x = (lambda i: min(i, spec.out_height - 1)), (lambda i: min(i, spec.out_width - 1))
    tables = [
        look_up(turn.y, bank_row, tuple(inside_y(i) % kernel * kernel for i in range(rows))),
        look_up(turn.x, bank_column, tuple(inside_x(i) % kernel for i in range(columns))),
        look_up(turn.y, row_place, tuple(inside_y(i) // kernel * row_step for i in range(rows))),
        look_up(turn.x, column_place, tuple(inside_x(i) // kernel * spec.groups for i in range(columns))),
    ]

    # Weights, turned to their banks.
    row_turned, turned = [Signal(intbv(0)[banks * count * w :]) for _ in range(2)]
    turn_rows = rotate(weights, turn_y_1, row_turned, kernel)
    row_bits = kernel * count * w
    held_rows, turned_rows = [[Signal(intbv(0)[row_bits:]) for _ in range(kernel)] for _ in range(2)]
    hold_rows = [
        pipeline_register(clk, row_turned((i + 1) * row_bits, i * row_bits), held_rows[i]) for i in range(kernel)
    ]
    turn_columns = [rotate(held_rows[i], turns[2], turned_rows[i], kernel) for i in range(kernel)]
    all_turned = ConcatSignal(*reversed(turned_rows))
    (
        reads,
        multiplies,
        any_adds,
        fire_reads,
        chooses,
        writes,
        clear_now,
        adding_now,
        bias_holds,
        bias_adds,
        read_v,
        write_v,
        holds_v,
    ) = [Signal(bool(0)) for _ in range(13)]
    stages = Signal(intbv(0)[4:])

    # The banks' controls, one for all lanes.
    controls, banks_of_all = [], []
    for number in range(banks):
        add, bank_reads, stores = [Signal(bool(0)) for _ in range(3)]
        add_at, its_at = [Signal(intbv(0)[width:]) for _ in range(2)]
        bank_control = SumControl.new(width)
        written = read + 3 if pixels else first + 4  # cycle of a firing in which a sum is written
        controls += [
            bank_ports(adding[read], adding_at[read], number, add, add_at),
            bank_choice(
                fire_reads,
                bank[read],
                place[read],
                writes,
                bank[written],
                adding_now,
                add_at,
                number,
                bank_reads,
                its_at,
                stores,
            ),
            sum_control(clk, rst, add, bank_reads, its_at, stores, place[written], bank_control),
        ]
        banks_of_all.append((bank_control, its_at, stores))

    spike = [Signal(bool(0)) for _ in range(count)]
    membrane = [Signal(intbv(0)[spec.membrane_bits :]) for _ in range(count)]
    all_lanes = []
    for lane in range(count):
        kept, v = [Signal(intbv(0, min=low, max=high)) for _ in range(2)]
        sums = [Signal(intbv(0, min=sum_low, max=sum_high)) for _ in range(banks)]
        for number in range(banks):
            bank_control, its_at, stores = banks_of_all[number]
            value = Signal(intbv(0, min=-most, max=most))
            start = (number * count + lane) * w
            tap = turned(start + w, start)
            all_lanes.append(
                pixel_tap(clk, reads, multiplies, tap, factors[3], value, guard)
                if pixels
                else spike_tap(clk, reads, tap, value, guard)
            )
            kept_or_0 = 0 if pixels else kept
            all_lanes.append(
                accumulate(clk, bank_control, its_at, value, sums[number], stores, kept_or_0, spec.bank_depth)
            )
        bias = biases.data((lane + 1) * b, lane * b)
        if pixels:
            current = Signal(intbv(0, min=sum_low, max=sum_high))
            direct, stored = [Signal(intbv(0, min=low, max=high)) for _ in range(2)]
            all_lanes += [
                choose_bank(clk, chooses, bank[read + 2], sums, current),
                pixel_neuron(clk, bias_holds, bias_adds, bias, current, direct, spec.membrane_bits),
                ram(clk, write_v, at[10], kept, read_v, at[4], stored, spec.depth),
                register_if(clk, holds_v, stored, v),
            ]
        else:
            direct = Signal(intbv(0, min=-(1 << b - 1), max=1 << b - 1))
            all_lanes += [
                choose_bank(clk, chooses, bank[read + 2], sums, v),
                spike_neuron(clk, bias_holds, bias, direct),
            ]
        all_lanes.append(
            lif(
                clk,
                stages,
                v,
                direct,
                threshold,
                clear_now,
                spike[lane],
                membrane[lane],
                kept,
                beta,
                spec.frac,
                spec.reset,
                spec.towards_zero,
            )
        )
    all_spikes = ConcatSignal(*reversed(spike)) if count > 1 else spike[0]
    fired_at, group_late, adding_read = at[first + 2], its_group[-1], adding[read]

    @always_comb
    def outputs():
        firing.spikes.next = all_spikes
        firing.address.next = fired_at
        drained.next = fires[6 - late :] == 0
        biases.read.next = fires[first - 3 - late]
        biases.group.next = group_late
        turned.next = all_turned

    if observed:
        all_membranes = ConcatSignal(*reversed(membrane)) if count > 1 else membrane[0]

        @always_comb
        def out_membranes():
            firing.membranes.next = all_membranes

    @always_comb
    def steer():
        fire_reads.next = fires[read - 1]
        chooses.next = fires[read + 1]
        adding_now.next = adding_read != 0
        bias_holds.next = fires[first - 2 - late]
        bias_adds.next = fires[first - 2]
        stages.next = fires[first + 3 : first - 1]
        clear_now.next = clears[first + 2]
        read_v.next = fires[3]
        holds_v.next = fires[4]
        write_v.next = fires[first + 3]

    if pixels:

        @always_comb
        def store():
            writes.next = fires[read + 2] and clears[read + 2]
    else:

        @always_comb
        def store():
            writes.next = fires[first + 3]

    @always_comb
    def find_bank():
        bank_0.next = bank_row + bank_column

    @always(clk.posedge)
    def advance():
        fires.next = concat(fires[first + 3 :], turn.fire)
        clears.next = concat(clears[first + 2 :], clear)
        place_1.next = row_place + column_place + turn.group
        any_adds.next = walk.banks != 0
        reads.next = any_adds
        multiplies.next = reads
        if rst:
            fires.next = 0

    parts = [
        chains,
        tables,
        turn_rows,
        hold_rows,
        turn_columns,
        controls,
        all_lanes,
        outputs,
        steer,
        store,
        find_bank,
        advance,
    ]
    return [*parts, out_membranes] if observed else parts
