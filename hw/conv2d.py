"""Scatter of one input into the neurons that it reaches, tap by tap; a tap outside the frame costs nothing.

The input at (y, x, c) reaches the neuron at (y + p - ky, x + p - kx) through the weight (ky, kx, c). Taps run
through ky and kx upwards, and through all groups of lanes at each: one addition of all lanes a cycle.
"""

from myhdl import Signal, always, always_comb, block, intbv

from .parts.look_up import look_up
from .parts.stages import stages
from .parts.times import times


def taps_inside(inputs: int, outputs: int, kernel: int, padding: int) -> tuple[tuple[int, ...], ...]:
    """Return four tables over the inputs of a row or column.

    They are: the first tap that reaches a neuron, the number of such taps minus 1, the neuron that the first tap
    reaches, and 1 if there is such a tap.
    """
    reach = [(max(i + padding - (outputs - 1), 0), min(i + padding, kernel - 1)) for i in range(inputs)]
    return (
        tuple(a if a <= b else 0 for a, b in reach),
        tuple(max(b - a, 0) for a, b in reach),
        tuple(i + padding - a if a <= b else 0 for i, (a, b) in enumerate(reach)),
        tuple(int(a <= b) for a, b in reach),
    )


@block
def reached_taps(clk, take, place, inside_frame, first_tap, more_taps, first_neuron, kernel, padding, outputs):
    """Taps of an input that reach neurons inside the frame, along one axis: first stage of ``conv2d``.

    Tap k takes the input at `place` to neuron place + padding - k; taps 0 to kernel - 1 in turn.

    Parameters
    ----------
    kernel, padding : int
    outputs : int
        Neurons along the axis.

    Ports
    -----
    clk : in
        Rising edge.
    take : in
        1 to take the input at the next edge.
    place : in
        The input's row, or column.
    inside_frame : out
        1 if any tap of the input at `place` reaches a neuron; combinational.
    first_tap : out
        The first tap of the input taken that reaches a neuron.
    more_taps : out
        Number of further taps that reach one.
    first_neuron : out
        The neuron that the first of them reaches: its row, or column.

    Latency: 1 cycle. Throughput: an input a cycle.
    """
    tap, more, neuron = [Signal(intbv(0, min=0, max=first_tap.max)) for _ in range(3)]
    firsts, mores, neurons, insides = taps_inside(1 << len(place), outputs, kernel, padding)
    find_tap = look_up(place, tap, firsts)
    find_more = look_up(place, more, mores)
    find_neuron = look_up(place, neuron, neurons)
    find_inside = look_up(place, inside_frame, insides)

    @always(clk.posedge)
    def hold():
        if take:
            first_tap.next = tap
            more_taps.next = more
            first_neuron.next = neuron

    return find_tap, find_more, find_neuron, find_inside, hold


@block
def first_addresses(
    clk, move, channel, tap_y, tap_x, row, column, weight_address, neuron_address, kernel, out_width, groups
):
    """Addresses of the first addition of an input: second stage of ``conv2d``.

    Parameters
    ----------
    kernel, out_width, groups : int
        See ``conv2d``.

    Ports
    -----
    clk : in
        Rising edge.
    move : in
        1 to compute the addresses for the input in the first stage.
    channel : in
        Its channel.
    tap_y, tap_x : in
        Its first tap.
    row, column : in
        The neuron that this tap reaches.
    weight_address : out
        ((channel*kernel + tap_y)*kernel + tap_x)*groups
    neuron_address : out
        (row*out_width + column)*groups

    Latency: 1 cycle. Throughput: an input a cycle.
    """
    per_channel, per_row, weight_row = kernel * kernel * groups, out_width * groups, kernel * groups
    # One product a signal, each of its full width.
    from_channel = Signal(intbv(0)[len(channel) + per_channel.bit_length() :])
    from_tap_y = Signal(intbv(0)[len(tap_y) + weight_row.bit_length() :])
    from_tap_x = Signal(intbv(0)[len(tap_x) + groups.bit_length() :])
    from_row = Signal(intbv(0)[len(row) + per_row.bit_length() :])
    from_column = Signal(intbv(0)[len(column) + groups.bit_length() :])
    from_taps = Signal(intbv(0)[max(len(from_channel), len(from_tap_y), len(from_tap_x)) + 2 :])
    from_pixel = Signal(intbv(0)[max(len(from_row), len(from_column)) + 1 :])
    channel_times = times(channel, per_channel, from_channel)
    tap_y_times = times(tap_y, weight_row, from_tap_y)
    tap_x_times = times(tap_x, groups, from_tap_x)
    row_times = times(row, per_row, from_row)
    column_times = times(column, groups, from_column)

    @always_comb
    def add_up():
        from_taps.next = from_channel + from_tap_y + from_tap_x
        from_pixel.next = from_row + from_column

    @always(clk.posedge)
    def hold():
        if move:
            weight_address.next = from_taps[len(weight_address) :]
            neuron_address.next = from_pixel[len(neuron_address) :]

    return channel_times, tap_y_times, tap_x_times, row_times, column_times, add_up, hold


@block
def tap_walk(
    clk,
    load,
    start_weight,
    start_neuron,
    more_rows,
    more_columns,
    ends,
    weight_address,
    neuron_address,
    kernel,
    out_width,
    groups,
):
    """Walk over the taps of an input, and over all groups of lanes at each tap: third stage of ``conv2d``.

    Parameters
    ----------
    kernel, out_width, groups : int
        See ``conv2d``.

    Ports
    -----
    clk : in
        Rising edge.
    load : in
        1 to begin the walk of a new input in the next cycle.
    start_weight, start_neuron : in
        Addresses of its first addition.
    more_rows, more_columns : in
        Number of its taps after the first, along each axis.
    ends : out
        1 in the last cycle of a walk.
    weight_address, neuron_address : out
        Addresses of the present addition.

    Latency: 1 cycle from `load` to the first addition. Throughput: an addition a cycle.
    """
    per_row, weight_row = out_width * groups, kernel * groups
    alone, before_last = groups == 1, max(groups - 2, 0)
    most = more_rows.max
    # Whether the present addition is of the last group, column and row is computed a cycle ahead.
    last_group, last_column, last_row = [Signal(bool(0)) for _ in range(3)]
    weight_at = Signal(intbv(0)[len(weight_address) :])
    neuron_at = Signal(intbv(0)[len(neuron_address) :])
    row_weight = Signal(intbv(0)[len(weight_address) :])  # address of the first weight in this row of taps
    row_neuron = Signal(intbv(0)[len(neuron_address) :])  # address of the neuron that it reaches
    rows_left = Signal(intbv(0, min=0, max=most))  # rows of taps after the present one
    columns_left = Signal(intbv(0, min=0, max=most))  # taps after the present one in its row
    row_columns = Signal(intbv(0, min=0, max=most))  # `more_columns` of the present input
    at_group = Signal(intbv(0, min=0, max=max(groups, 2)))

    @always_comb
    def outputs():
        weight_address.next = weight_at
        neuron_address.next = neuron_at
        ends.next = last_group and last_column and last_row

    @always(clk.posedge)
    def step():
        if load:
            weight_at.next = start_weight
            row_weight.next = start_weight
            neuron_at.next = start_neuron
            row_neuron.next = start_neuron
            rows_left.next = more_rows
            columns_left.next = more_columns
            row_columns.next = more_columns
            at_group.next = 0
            last_group.next = alone
            last_column.next = more_columns == 0
            last_row.next = more_rows == 0
        elif not last_group:
            at_group.next = at_group + 1
            last_group.next = at_group == before_last
            weight_at.next = weight_at + 1
            neuron_at.next = neuron_at + 1
        else:
            at_group.next = 0
            last_group.next = alone
            if not last_column:  # the next kx is the neuron to the left
                columns_left.next = columns_left - 1
                last_column.next = columns_left == 1
                weight_at.next = weight_at + 1
                neuron_at.next = neuron_at - (2 * groups - 1)
            else:  # the next ky is the row above
                rows_left.next = rows_left - 1
                last_row.next = rows_left == 1
                last_column.next = row_columns == 0
                columns_left.next = row_columns
                row_weight.next = row_weight + weight_row
                weight_at.next = row_weight + weight_row
                row_neuron.next = row_neuron - per_row
                neuron_at.next = row_neuron - per_row

    return outputs, step


@block
def conv2d(clk, rst, scan, walk, kernel, padding, out_height, out_width, groups):
    """Walker of a convolution: it issues the additions of each input, one tap after the other.

    The input at (y, x, c) reaches the neuron at (y + p - ky, x + p - kx) through the weight (ky, kx, c), where p is the
    padding. Taps run through ky and kx upwards, and through all groups of lanes at each; a tap that would reach a
    neuron outside the frame costs nothing.

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
    walk : Walk, out
        `walk_add` is 1 in each cycle of an addition: the word of weights at `walk_weight_address`, which is
        ((c*kernel + ky)*kernel + kx)*groups + g, is added to the membranes at `walk_neuron_address`, which is
        (row*out_width + column)*groups + g. `walk_move` and `walk_load` say when an input moves on, for what
        accompanies it; `walk_busy` is 1 while an input is under way.

    Latency: the first addition is out 3 cycles after its input was taken. Throughput: one addition a cycle, without a
    bubble between inputs; an input that reaches no neuron costs one cycle.
    """
    most = max(out_height, out_width) + kernel
    enters = Signal(bool(0))  # the input that is offered has additions
    first_free = Signal(bool(0))  # the first stage takes it
    take, walking, ends = [Signal(bool(0)) for _ in range(3)]
    inside_y, inside_x = [Signal(intbv(0)[1:]) for _ in range(2)]  # inside_y: a row of taps is inside the frame

    # First stage: the taps that are inside the frame.
    channel = Signal(intbv(0, min=0, max=1 << len(scan.channel)))
    tap_y, tap_x, first_rows, first_columns, row, column = [Signal(intbv(0, min=0, max=most)) for _ in range(6)]
    rows = reached_taps(clk, take, scan.y, inside_y, tap_y, first_rows, row, kernel, padding, out_height)
    columns = reached_taps(clk, take, scan.x, inside_x, tap_x, first_columns, column, kernel, padding, out_width)

    # Second stage: where they begin.
    start_weight = Signal(intbv(0)[len(walk.weight_address) :])
    start_neuron = Signal(intbv(0)[len(walk.neuron_address) :])
    second_rows, second_columns = [Signal(intbv(0, min=0, max=most)) for _ in range(2)]
    shape = (kernel, out_width, groups)
    starts = first_addresses(clk, walk.move, channel, tap_y, tap_x, row, column, start_weight, start_neuron, *shape)

    # Third stage: the walk.
    start = (clk, walk.load, start_weight, start_neuron, second_rows, second_columns)
    additions = tap_walk(*start, ends, walk.weight_address, walk.neuron_address, *shape)
    flow_of_stages = stages(clk, rst, enters, ends, first_free, walk.move, walk.load, walking, walk.busy)

    @always_comb
    def enter():
        enters.next = scan.valid and inside_y != 0 and inside_x != 0
        take.next = first_free and inside_y != 0 and inside_x != 0

    @always_comb
    def outputs():
        scan.ready.next = first_free
        walk.add.next = walking

    @always(clk.posedge)
    def hold():
        if take:
            channel.next = scan.channel
        if walk.move:
            second_rows.next = first_rows
            second_columns.next = first_columns

    return rows, columns, starts, additions, flow_of_stages, enter, outputs, hold
