"""Scatter of one input into all neurons that it reaches, at once: a bank of sums for each tap.

The neuron at (row, column) lies in bank (row mod k, column mod k). An input reaches k successive rows and columns at
most, so no two of its neurons in one bank, and each bank gets exactly one tap: bank by gets ky = (y + p - by) mod k.
"""

from myhdl import ConcatSignal, Signal, always, always_comb, block, intbv

from .parts.look_up import look_up
from .parts.register import register_if
from .parts.stages import stages
from .parts.times import times


def bank_tables(inputs: int, padding: int, outputs: int, kernel: int, step: int) -> tuple:
    """Return three tables over the inputs i of a row (or column); a neuron's bank is its number mod k.

    Returns
    -------
    turns : tuple of int
        (i + padding) mod k: how far the weights are rotated.
    reached : tuple of int
        One bit for each bank: 1 if the input reaches a neuron in it.
    places : list of k tuples of int
        For each bank, `step` times the place (number // k) of the neuron that the input reaches there, or 0.
    """
    turns = tuple((i + padding) % kernel for i in range(inputs))
    reached: list[int] = []
    places: list[list[int]] = [[] for _ in range(kernel)]
    for i in range(inputs):
        neurons = [i + padding - (i + padding - bank) % kernel for bank in range(kernel)]
        inside = [0 <= neuron < outputs for neuron in neurons]
        reached.append(sum(1 << bank for bank in range(kernel) if inside[bank]))
        for bank in range(kernel):
            places[bank].append(neurons[bank] // kernel * step if inside[bank] else 0)
    return turns, tuple(reached), [tuple(place) for place in places]


@block
def bank_walk(clk, move, load, row, column, address):
    """Addresses of one bank of membranes during a walk: from row + column, one more in each cycle.

    Ports
    -----
    clk : in
        Rising edge.
    move : in
        1 to compute the start for the input in the walker's first stage.
    load : in
        1 to begin the walk of the input in the second stage.
    row, column : in
        Parts of the address of the neuron that the input reaches in this bank; valid with `move`.
    address : out
        The present address.

    Latency: 1 cycle from `move`, and 1 from `load`. Throughput: an address a cycle.
    """
    # start: address of the first addition of the input in the second stage
    start = Signal(intbv(0)[len(address) :])

    @always(clk.posedge)
    def count():
        if move:
            start.next = row + column
        if load:
            address.next = start
        else:
            address.next = address + 1

    return count


@block
def wide_conv2d(clk, rst, scan, walk, kernel, padding, out_height, out_width, groups):
    """Walker of a convolution that adds all taps of an input in one cycle, a bank of membranes for each tap.

    The neuron at (row, column) lies in bank (row mod k, column mod k), with k = kernel. An input reaches k successive
    rows and columns at most, so no two of its neurons in one bank, and each bank gets exactly one tap: bank by gets
    ky = (y + p - by) mod k, with p = padding.

    Parameters
    ----------
    kernel, padding : int
    out_height, out_width : int
        Frame of neurons.
    groups : int
        Groups of lanes that hold the neurons of a pixel.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and drops inputs under way.
    scan : Scan, in
        Inputs (spikes or pixels) from ``spike_scanner``: one in each cycle in which `scan_valid` and `scan_ready` are
        1, at row `scan_y` and column `scan_x`, in channel `scan_channel`.
    walk : WideWalk, out
        `walk_add` is 1 in each cycle of additions. `walk_weight_address` is channel*groups + g. The word's taps are
        turned by `walk_turn_y` = (y + p) mod k rows and `walk_turn_x` = (x + p) mod k columns to the banks; bank
        by*k + bx has its bit in `walk_banks` if its tap is inside the frame, and its address in `walk_addresses`:
        (row//k * ceil(out_width/k) + column//k)*groups + g. `walk_move` and `walk_load` say when an input moves on, for
        what accompanies it; `walk_busy` is 1 while an input is under way.

    Latency: the first addition is out 3 cycles after its input was taken. Throughput: an input in `groups` cycles,
    without a bubble between inputs; an input that reaches no neuron costs one cycle.
    """
    banks, width = kernel * kernel, len(walk.addresses) // kernel**2
    row_step = -(-out_width // kernel) * groups
    alone, before_last = groups == 1, max(groups - 2, 0)
    in_y = bank_tables(1 << len(scan.y), padding, out_height, kernel, row_step)
    in_x = bank_tables(1 << len(scan.x), padding, out_width, kernel, groups)
    first_free, walking, ends, reaches, enters = [Signal(bool(0)) for _ in range(5)]
    # to_turn_y: of the input that is offered; first_turn_y: of that in the first stage
    to_turn_y, first_turn_y, second_turn_y = [Signal(intbv(0)[len(walk.turn_y) :]) for _ in range(3)]
    to_turn_x, first_turn_x, second_turn_x = [Signal(intbv(0)[len(walk.turn_x) :]) for _ in range(3)]
    to_rows, to_columns, first_rows, first_columns = [Signal(intbv(0)[kernel:]) for _ in range(4)]
    second_adds, present_adds = [Signal(intbv(0)[banks:]) for _ in range(2)]
    rows, columns, held_rows, held_columns = [[Signal(intbv(0)[width:]) for _ in range(kernel)] for _ in range(4)]
    at = [Signal(intbv(0)[width:]) for _ in range(banks)]
    channel = Signal(intbv(0, min=0, max=1 << len(scan.channel)))
    product = Signal(intbv(0)[len(channel) + groups.bit_length() :])
    start = Signal(intbv(0)[len(walk.weight_address) :])
    weight_at = Signal(intbv(0)[len(walk.weight_address) :])
    at_group = Signal(intbv(0, min=0, max=max(groups, 2)))

    tables = [
        look_up(scan.y, to_turn_y, in_y[0]),
        look_up(scan.y, to_rows, in_y[1]),
        look_up(scan.x, to_turn_x, in_x[0]),
        look_up(scan.x, to_columns, in_x[1]),
    ]
    for bank in range(kernel):
        tables += [
            look_up(scan.y, rows[bank], in_y[2][bank]),
            look_up(scan.x, columns[bank], in_x[2][bank]),
            register_if(clk, first_free, rows[bank], held_rows[bank]),
            register_if(clk, first_free, columns[bank], held_columns[bank]),
        ]
    flow = stages(clk, rst, enters, ends, first_free, walk.move, walk.load, walking, walk.busy)
    weight_row = times(channel, groups, product)
    walks = [
        bank_walk(clk, walk.move, walk.load, held_rows[bank // kernel], held_columns[bank % kernel], at[bank])
        for bank in range(banks)
    ]
    all_at = ConcatSignal(*reversed(at))

    @always_comb
    def look():
        reaches.next = to_rows != 0 and to_columns != 0

    @always_comb
    def enter():
        enters.next = scan.valid and reaches

    @always_comb
    def outputs():
        scan.ready.next = first_free
        walk.add.next = walking
        walk.weight_address.next = weight_at
        walk.addresses.next = all_at
        walk.banks.next = 0
        if walking:
            walk.banks.next = present_adds

    @always(clk.posedge)
    def hold():
        if first_free:
            channel.next = scan.channel
            first_turn_y.next = to_turn_y
            first_turn_x.next = to_turn_x
            first_rows.next = to_rows
            first_columns.next = to_columns
        if walk.move:
            start.next = product[len(start) :]
            second_turn_y.next = first_turn_y
            second_turn_x.next = first_turn_x
            for i in range(kernel):
                for j in range(kernel):
                    second_adds.next[i * kernel + j] = first_rows[i] and first_columns[j]
        if walk.load:
            present_adds.next = second_adds
            walk.turn_y.next = second_turn_y
            walk.turn_x.next = second_turn_x

    @always(clk.posedge)
    def step():
        if walk.load:
            weight_at.next = start
            at_group.next = 0
            ends.next = alone
        else:
            ends.next = at_group == before_last
            at_group.next = at_group + 1
            weight_at.next = weight_at + 1

    return tables, flow, weight_row, walks, look, enter, outputs, hold, step
