"""Lanes with a bank of sums, and an adder, for each tap of a convolution: a spike, or pixel, is added in one cycle."""

from myhdl import ConcatSignal, Signal, always, always_comb, block, concat, intbv

from .parts.look_up import look_up
from .parts.register import delay, register_or_zero
from .parts.rotate import rotate
from .parts.sum_control import sum_control
from .ports import MemoryPort, SumControl, WideTiming
from .wide_lane import wide_pixel_lane, wide_spike_lane


@block
def turn_taps(clk, turn_y, turn_x, weights, turned, kernel):
    """Weights turned to their banks: tap (ky, kx) goes to bank (turn_y + ky, turn_x + kx), both modulo kernel.

    Parameters
    ----------
    kernel : int

    Ports
    -----
    clk : in
        Rising edge.
    turn_y, turn_x : in, cycle 0
        By how many rows and columns.
    weights : in, cycle 1
        A word: tap by tap, each with the weights of all lanes.
    turned : out, cycle 2
        The word: bank by bank.

    Latency: 1 cycle. Throughput: a word a cycle.
    """
    width = len(weights) // kernel  # of a row of taps
    turn_y_1 = Signal(intbv(0)[len(turn_y) :])
    turn_x_1, turn_x_2 = [Signal(intbv(0)[len(turn_x) :]) for _ in range(2)]
    by_rows = Signal(intbv(0)[len(weights) :])  # cycle 1: rows are turned
    held_rows, turned_rows = [[Signal(intbv(0)[width:]) for _ in range(kernel)] for _ in range(2)]
    turn_rows = rotate(weights, turn_y_1, by_rows, kernel)
    hold_rows = [delay(clk, by_rows((i + 1) * width, i * width), held_rows[i], 1) for i in range(kernel)]
    turn_columns = [rotate(held_rows[i], turn_x_2, turned_rows[i], kernel) for i in range(kernel)]
    all_turned = ConcatSignal(*reversed(turned_rows))

    @always_comb
    def outputs():
        turned.next = all_turned

    @always(clk.posedge)
    def advance():
        turn_y_1.next = turn_y
        turn_x_1.next = turn_x
        turn_x_2.next = turn_x_1

    return turn_rows, hold_rows, turn_columns, outputs, advance


@block
def bank_of_neuron(clk, turn, bank, place, kernel, out_height, out_width, groups):
    """Bank and address of the neurons that fire: those of pixel (y, x) are in bank (y mod kernel, x mod kernel).

    Parameters
    ----------
    kernel, out_height, out_width, groups : int
        See ``wide_conv2d``.

    Ports
    -----
    clk : in
        Rising edge.
    turn : Turn, in
        `turn_y`, `turn_x` and `turn_group` of the neurons.
    bank : out
        (y mod kernel)*kernel + x mod kernel
    place : out
        The address in the bank: (y//kernel * ceil(out_width/kernel) + x//kernel)*groups + group

    Latency: 1 cycle. Throughput: a turn a cycle.
    """
    bank_row, bank_column = [Signal(intbv(0)[(kernel * kernel).bit_length() :]) for _ in range(2)]
    row_place, column_place = [Signal(intbv(0)[len(place) :]) for _ in range(2)]
    row_step = -(-out_width // kernel) * groups
    ys = [min(y, out_height - 1) for y in range(1 << len(turn.y))]  # a table has a value for every index
    xs = [min(x, out_width - 1) for x in range(1 << len(turn.x))]
    find_bank_row = look_up(turn.y, bank_row, tuple(y % kernel * kernel for y in ys))
    find_bank_column = look_up(turn.x, bank_column, tuple(x % kernel for x in xs))
    find_row_place = look_up(turn.y, row_place, tuple(y // kernel * row_step for y in ys))
    find_column_place = look_up(turn.x, column_place, tuple(x // kernel * groups for x in xs))

    @always(clk.posedge)
    def add_up():
        bank.next = bank_row + bank_column
        place.next = row_place + column_place + turn.group

    return find_bank_row, find_bank_column, find_row_place, find_column_place, add_up


@block
def bank_control(clk, rst, add, add_address, adding, read, read_address, store, store_address, address, control):
    """Control of one bank of sums: an addition or a firing reads, and an addition or a firing writes.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and forgets additions under way.
    add, add_address : in
        1 for an addition in this bank, and its address.
    adding : in
        1 while there are additions in any bank; then no neuron fires.
    read, read_address : in
        1 to read the sum of a neuron that fires, if it is in this bank; and its address.
    store, store_address : in
        1 to write what a neuron keeps, if it is in this bank; and its address.
    address : out
        The address to read.
    control : SumControl, out
        For ``accumulate``.

    Latency: as ``sum_control``; `address` is combinational. Throughput: an addition or a firing a cycle.
    """
    sums = sum_control(clk, rst, add, read, address, store, store_address, control)

    @always_comb
    def choose():
        address.next = read_address
        if adding:
            address.next = add_address

    return sums, choose


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
    banks, w, b = spec.taps, spec.weight_bits, spec.bias_bits
    width = len(walk.addresses) // banks
    late = 1 if pixels else 0  # cycles that a product takes
    read, first = 1 + late, 6 if pixels else 4  # cycle in which a firing reads its sum, and ``lif``'s cycle 0
    written = read + 3 if pixels else first + 4  # cycle of a firing in which a sum is written
    fires = Signal(intbv(0)[first + 4 :])  # bit i: a firing is in cycle i + 1
    clears = Signal(intbv(0)[first + 3 :])  # `clear`, for the same cycles

    # Which bank a neuron that fires is in, and where, in the cycles in which its sum is read, chosen and written.
    bank_1, bank_written = [Signal(intbv(0, min=0, max=banks)) for _ in range(2)]
    timing = WideTiming.new(banks)
    place_1, place_written = [Signal(intbv(0)[width:]) for _ in range(2)]
    fired_at = Signal(intbv(0)[len(turn.address) :])
    bias_group = Signal(intbv(0)[len(turn.group) :])
    bank_read, place_read = bank_1, place_1
    if pixels:
        bank_read, place_read = Signal(intbv(0, min=0, max=banks)), Signal(intbv(0)[width:])
    shape = (kernel, spec.out_height, spec.out_width, spec.groups)
    find_bank = bank_of_neuron(clk, turn, bank_1, place_1, *shape)
    delays = [
        delay(clk, bank_read, timing.bank, 2),
        delay(clk, timing.bank, bank_written, written - read - 2),
        delay(clk, place_read, place_written, written - read),
        delay(clk, turn.address, fired_at, first + 2),
        delay(clk, turn.group, bias_group, first - 2 - late),
    ]
    if pixels:
        delays += [delay(clk, bank_1, bank_read, late), delay(clk, place_1, place_read, late)]

    # Which banks are added to, and where, in the cycle in which their sums are read.
    adding = [walk.banks, *(Signal(intbv(0)[banks:]) for _ in range(read))]
    hold_adding = [register_or_zero(clk, rst, adding[i], adding[i + 1]) for i in range(read)]
    adds_now = adding[read]
    adding_at = Signal(intbv(0)[len(walk.addresses) :])
    delays.append(delay(clk, walk.addresses, adding_at, read))

    turned = Signal(intbv(0)[banks * count * w :])
    turn_weights = turn_taps(clk, walk.turn_y, walk.turn_x, weights, turned, kernel)
    any_adds = Signal(bool(0))  # an addition is in cycle 1
    adding_now = Signal(bool(0))  # an addition reads its sums
    fire_reads = Signal(bool(0))  # a firing reads its sum
    writes = Signal(bool(0))  # a firing writes a sum

    # A control for each bank, for all lanes.
    reads_of, stores_of = [Signal(intbv(0)[banks:]) for _ in range(2)]  # bit i: a firing reads, or writes, in bank i
    addresses = [Signal(intbv(0)[width:]) for _ in range(banks)]
    stores = [stores_of(i) for i in range(banks)]
    controls = [SumControl.new(width) for _ in range(banks)]
    control_banks = [
        bank_control(
            clk,
            rst,
            adds_now(i),
            adding_at((i + 1) * width, i * width),
            adding_now,
            reads_of(i),
            place_read,
            stores[i],
            place_written,
            addresses[i],
            controls[i],
        )
        for i in range(banks)
    ]

    spike = [Signal(bool(0)) for _ in range(count)]
    membrane = [Signal(intbv(0)[spec.membrane_bits :]) for _ in range(count)]
    taps = [[turned((i * count + lane + 1) * w, (i * count + lane) * w) for i in range(banks)] for lane in range(count)]
    bias = [biases.data((lane + 1) * b, lane * b) for lane in range(count)]
    if pixels:
        factor_3 = Signal(intbv(0)[len(factor) :])
        at_4, at_10 = [Signal(intbv(0)[len(turn.address) :]) for _ in range(2)]
        delays += [
            delay(clk, factor, factor_3, 3),
            delay(clk, turn.address, at_4, 4),
            delay(clk, fired_at, at_10, 2),
        ]
        read_v, write_v = [Signal(bool(0)) for _ in range(2)]
        memory = MemoryPort(read_v, at_4, write_v, at_10)
        all_lanes = [
            wide_pixel_lane(
                clk,
                controls,
                addresses,
                stores,
                taps[lane],
                factor_3,
                timing,
                bias[lane],
                threshold,
                beta,
                memory,
                spike[lane],
                membrane[lane],
                spec,
            )
            for lane in range(count)
        ]

        @always_comb
        def store():
            writes.next = fires[read + 2] and clears[read + 2]
            read_v.next = fires[3]
            write_v.next = fires[first + 3]
            timing.adds.next = fires[first - 2]

        @always(clk.posedge)
        def multiply():
            timing.multiplies.next = timing.reads

    else:
        all_lanes = [
            wide_spike_lane(
                clk,
                controls,
                addresses,
                stores,
                taps[lane],
                timing,
                bias[lane],
                threshold,
                beta,
                spike[lane],
                membrane[lane],
                spec,
            )
            for lane in range(count)
        ]

        @always_comb
        def store():
            writes.next = fires[first + 3]

    all_spikes = ConcatSignal(*reversed(spike)) if count > 1 else spike[0]

    @always_comb
    def outputs():
        firing.spikes.next = all_spikes
        firing.address.next = fired_at
        drained.next = fires[6 - late :] == 0
        biases.read.next = fires[first - 3 - late]
        biases.group.next = bias_group

    if observed:
        all_membranes = ConcatSignal(*reversed(membrane)) if count > 1 else membrane[0]

        @always_comb
        def out_membranes():
            firing.membranes.next = all_membranes

    @always_comb
    def steer():
        fire_reads.next = fires[read - 1]
        timing.chooses.next = fires[read + 1]
        adding_now.next = adds_now != 0
        timing.holds.next = fires[first - 2 - late]
        timing.fires.next = fires[first + 3 : first - 1]
        timing.clear.next = clears[first + 2]

    @always_comb
    def find_banks():
        for i in range(banks):
            reads_of.next[i] = fire_reads and bank_read == i
            stores_of.next[i] = writes and bank_written == i

    @always(clk.posedge)
    def advance():
        fires.next = concat(fires[first + 3 :], turn.fire)
        clears.next = concat(clears[first + 2 :], clear)
        any_adds.next = walk.banks != 0
        timing.reads.next = any_adds
        if rst:
            fires.next = 0

    parts = [find_bank, hold_adding, turn_weights, control_banks, all_lanes, delays]
    parts += [outputs, steer, store, find_banks, advance]
    parts += [multiply] if pixels else []
    return [*parts, out_membranes] if observed else parts
