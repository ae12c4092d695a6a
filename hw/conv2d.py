"""Scatter of one input into the neurons that it reaches: tap after tap, row of taps after row, or all taps at once.

Taps that are added at once each have a bank of membranes: along an axis all of whose taps are added at once, neuron n
is in bank n mod k, at n // k. An input reaches k successive neurons there at most, so no two of them in one bank.
"""

from myhdl import ConcatSignal, Signal, always_comb, block, intbv

from .parts.register import register_if
from .parts.stages import stages
from .ports import bits, word
from .reach import taps_at_once, taps_in_turn
from .tap_walk import bank_walk, tap_turns, weight_walk


@block
def carry(clk, walk, given, kept):
    """Word that accompanies an input from the walker's first stage, through the second, to its walk.

    Ports
    -----
    clk : in
        Rising edge.
    walk : Walk, in
        `walk_move` and `walk_load`: an input enters the second stage, or its walk.
    given : in
        A word of the input in the first stage.
    kept : out
        That of the input that is walked.

    Latency and throughput are those of the walker's stages.
    """
    second = Signal(intbv(0)[len(given) :])
    into_second = register_if(clk, walk.move, given, second)
    into_walk = register_if(clk, walk.load, second, kept)
    return into_second, into_walk


@block
def reached_banks(clk, walk, walking, banks):
    """Banks in which the input that is walked reaches a neuron.

    Ports
    -----
    clk : in
        Rising edge.
    walk : Walk, in and out
        `walk_move`, `walk_load`, in: when inputs move on. `walk_banks`, out: a bit for each bank, 0 while no input is
        walked.
    walking : in
        1 in every cycle of a walk.
    banks : in
        A bit for each bank that the input in the first stage reaches.

    Latency and throughput are those of the walker's stages.
    """
    present = Signal(intbv(0)[len(banks) :])
    accompany = carry(clk, walk, banks, present)

    @always_comb
    def outputs():
        walk.banks.next = 0
        if walking:
            walk.banks.next = present

    return accompany, outputs


@block
def conv2d(clk, rst, scan, walk, taps, kernel, padding, out_height, out_width, groups):
    """Walker of a convolution: it issues the additions of each input, 1, k or all k*k taps at a time, with k = kernel.

    The input at (y, x, c) reaches the neuron at (y + p - ky, x + p - kx) through the weight (ky, kx, c), where p is the
    padding. Taps run through ky and kx upwards, and through all groups of lanes at each; taps that would reach a neuron
    outside the frame cost nothing. With k taps at a time those of a row are added at once, with k*k all rows too.

    Parameters
    ----------
    taps : int
        Taps of an input that are added at once: 1, kernel, or kernel**2.
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
    walk : Walk, out
        `walk_add` is 1 in each cycle of additions: `walk_weight_address` is the address of the weights of tap (ky, kx),
        ((c*kernel + ky)*kernel + kx)*groups + g; of a row of taps (c*kernel + ky)*groups + g; of all taps c*groups + g.
        `walk_banks` has a bit for each bank that the input reaches, and `walk_addresses` an address for each:
        (row//m * ceil(out_width/n) + column//n)*groups + g, for bank (row mod m)*n + column mod n, where n = kernel if
        the taps of a row are added at once, and m = kernel if all are; otherwise 1. With several taps they are turned
        by `walk_turn_x` = (x + p) mod k columns, and all of them by `walk_turn_y` = (y + p) mod k rows, to their banks.
        `walk_move` and `walk_load` say when an input moves on, for what accompanies it; `walk_busy` is 1 while an input
        is under way.

    Latency: the first addition is out 3 cycles after its input was taken. Throughput: additions in every cycle, without
    a bubble between inputs; an input that reaches no neuron costs one cycle.
    """
    columns = min(taps, kernel)  # banks along a row of neurons
    rows = taps // columns  # banks along a column
    columns_in_turn, rows_in_turn = columns == 1, rows == 1
    width = len(walk.addresses) // taps
    row_step = -(-out_width // columns) * groups  # from a row of neurons to the next in the same bank
    weight_row = kernel // columns * groups  # from a row of taps to the next
    channel_step = kernel // rows * weight_row
    first_free, walking, ending, reaches, enters, last_group, row_ends = [Signal(bool(0)) for _ in range(7)]
    inside_y, inside_x = word(rows), word(columns)  # banks in which the input that is offered reaches a neuron
    weight_y, weight_x = [Signal(intbv(0)[len(walk.weight_address) :]) for _ in range(2)]
    more_y, more_x, second_more_y, second_more_x = [word(bits(kernel)) for _ in range(4)]  # of taps in turn
    row_at = [word(width) for _ in range(rows)]  # parts of the address of the first neurons that it reaches
    column_at = [word(width) for _ in range(columns)]
    at = [word(width) for _ in range(taps)]
    channel = Signal(intbv(0, min=0, max=1 << len(scan.channel)))

    flow = stages(clk, rst, enters, ending, first_free, walk.move, walk.load, walking, walk.busy)
    hold_channel = register_if(clk, first_free, scan.channel, channel)
    axis_y, axis_x = (kernel, padding, out_height), (kernel, padding, out_width)
    if columns_in_turn:
        find_x = taps_in_turn(
            clk, first_free, scan.x, inside_x, weight_x, more_x, column_at[0], *axis_x, groups, groups
        )
        accompany_x = register_if(clk, walk.move, more_x, second_more_x)
    else:
        turn_x, reached_x = word(bits(kernel)), word(columns)
        find_x = taps_at_once(clk, first_free, scan.x, inside_x, turn_x, reached_x, column_at, *axis_x, groups)
        accompany_x = carry(clk, walk, turn_x, walk.turn_x)
    if rows_in_turn:
        find_y = taps_in_turn(
            clk, first_free, scan.y, inside_y, weight_y, more_y, row_at[0], *axis_y, weight_row, row_step
        )
        accompany_y = register_if(clk, walk.move, more_y, second_more_y)
    else:
        turn_y, reached_y = word(bits(kernel)), word(rows)
        find_y = taps_at_once(clk, first_free, scan.y, inside_y, turn_y, reached_y, row_at, *axis_y, row_step)
        accompany_y = carry(clk, walk, turn_y, walk.turn_y)

    turns = tap_turns(
        clk,
        walk.load,
        second_more_y,
        second_more_x,
        last_group,
        row_ends,
        ending,
        groups,
        rows_in_turn,
        columns_in_turn,
    )
    parts = [flow, hold_channel, find_x, accompany_x, find_y, accompany_y, turns]
    first_tap = 0
    if rows_in_turn:
        first_tap = weight_y
    if columns_in_turn:
        first_tap = Signal(intbv(0)[len(walk.weight_address) :])

        @always_comb
        def add_taps():
            first_tap.next = weight_y + weight_x

        parts.append(add_taps)
    weights = weight_walk(
        clk,
        walk.move,
        walk.load,
        channel,
        first_tap,
        row_ends,
        walk.weight_address,
        channel_step,
        weight_row if columns_in_turn else 0,
    )
    membranes = [
        bank_walk(
            clk,
            walk.move,
            walk.load,
            row_at[bank // columns],
            column_at[bank % columns],
            last_group,
            row_ends,
            at[bank],
            groups,
            row_step if rows_in_turn else 0,
        )
        for bank in range(taps)
    ]
    all_at = ConcatSignal(*reversed(at)) if taps > 1 else at[0]

    @always_comb
    def look():
        reaches.next = inside_y != 0 and inside_x != 0

    @always_comb
    def enter():
        enters.next = scan.valid and reaches

    @always_comb
    def outputs():
        scan.ready.next = first_free
        walk.add.next = walking
        walk.addresses.next = all_at

    parts += [weights, membranes, look, enter, outputs]
    if taps == 1:

        @always_comb
        def one_bank():
            walk.banks.next[0] = walking

        return [*parts, one_bank]
    banks = reached_x
    if not rows_in_turn:
        banks = word(taps)

        @always_comb
        def reach_both():
            for i in range(rows):
                for j in range(columns):
                    banks.next[i * columns + j] = reached_y[i] and reached_x[j]

        parts.append(reach_both)
    return [*parts, reached_banks(clk, walk, walking, banks)]
