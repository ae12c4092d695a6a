"""Scatter of one input into the neurons that it reaches, tap by tap; a tap outside the frame costs nothing.

The input at (y, x, c) reaches the neuron at (y + p - ky, x + p - kx) through the weight (ky, kx, c). Taps run
through ky and kx upwards, and through all groups of lanes at each: one addition of all lanes a cycle.
"""

from myhdl import Signal, always, always_comb, block, intbv

from .parts.look_up import look_up
from .parts.stages import stages
from .parts.times import times


@block
def conv2d(clk, rst, scan, walk, kernel, padding, out_height, out_width, groups):
    """Issue the additions of each input of a convolution, one tap after the other.

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
        Rising edge; `rst` is synchronous.
    scan : Scan, in
        Inputs from ``spike_scanner``; the channel c is base + index.
    walk : Walk, out
        `weight_address` is ((c*k + ky)*k + kx)*groups + g, `neuron_address` is (row*out_width + column)*groups + g.

    Latency: the first addition is out 3 cycles after its input was taken. Throughput: one addition a cycle, without a
    bubble between inputs; an input that reaches no neuron costs one cycle.
    """
    per_channel, per_row, weight_row = kernel * kernel * groups, out_width * groups, kernel * groups
    alone, before_last = groups == 1, max(groups - 2, 0)
    most = max(out_height, out_width) + kernel

    def taps(inputs, outputs):
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

    # First stage: which taps are inside the frame.
    to_ky, to_kx, to_rows, to_columns, to_row, to_column = [Signal(intbv(0, min=0, max=most)) for _ in range(6)]
    inside_y, inside_x = [Signal(intbv(0)[1:]) for _ in range(2)]
    inside, enters, first_free = [Signal(bool(0)) for _ in range(3)]
    channel = Signal(intbv(0, min=0, max=(1 << len(scan.base)) + (1 << len(scan.index))))
    first_ky, first_kx, first_rows, first_columns = [Signal(intbv(0, min=0, max=most)) for _ in range(4)]
    row, column = [Signal(intbv(0, min=0, max=most)) for _ in range(2)]

    # Second stage: where they begin. One product a signal, each of its full width.
    from_channel = Signal(intbv(0)[len(channel) + per_channel.bit_length() :])
    from_ky = Signal(intbv(0)[len(first_ky) + weight_row.bit_length() :])
    from_kx = Signal(intbv(0)[len(first_kx) + groups.bit_length() :])
    from_row = Signal(intbv(0)[len(row) + per_row.bit_length() :])
    from_column = Signal(intbv(0)[len(column) + groups.bit_length() :])
    from_taps = Signal(intbv(0)[max(len(from_channel), len(from_ky), len(from_kx)) + 2 :])
    from_pixel = Signal(intbv(0)[max(len(from_row), len(from_column)) + 1 :])
    start_weight = Signal(intbv(0)[len(walk.weight_address) :])
    start_neuron = Signal(intbv(0)[len(walk.neuron_address) :])
    second_rows, second_columns = [Signal(intbv(0, min=0, max=most)) for _ in range(2)]

    # Third stage: the walk.
    # last_group, last_column and last_row are computed a cycle ahead.
    walking, last_group, last_column, last_row, ends = [Signal(bool(0)) for _ in range(5)]
    weight_at, row_weight = [Signal(intbv(0)[len(walk.weight_address) :]) for _ in range(2)]
    neuron_at, row_neuron = [Signal(intbv(0)[len(walk.neuron_address) :]) for _ in range(2)]
    rows_left, columns_left, row_columns = [Signal(intbv(0, min=0, max=most)) for _ in range(3)]
    at_group = Signal(intbv(0, min=0, max=max(groups, 2)))

    in_y, in_x = taps(1 << len(scan.y), out_height), taps(1 << len(scan.x), out_width)
    tables = [look_up(scan.y, value, table) for value, table in zip((to_ky, to_rows, to_row, inside_y), in_y)]
    tables += [look_up(scan.x, value, table) for value, table in zip((to_kx, to_columns, to_column, inside_x), in_x)]

    @always_comb
    def reaches():
        inside.next = inside_y != 0 and inside_x != 0

    @always_comb
    def enter():
        enters.next = scan.valid and inside

    @always_comb
    def flow():
        ends.next = last_group and last_column and last_row

    flow_of_stages = stages(clk, rst, enters, ends, first_free, walk.move, walk.load, walking, walk.busy)

    @always_comb
    def out():
        scan.ready.next = first_free
        walk.add.next = walking
        walk.weight_address.next = weight_at
        walk.neuron_address.next = neuron_at

    products = [
        times(channel, per_channel, from_channel),
        times(first_ky, weight_row, from_ky),
        times(first_kx, groups, from_kx),
        times(row, per_row, from_row),
        times(column, groups, from_column),
    ]

    @always_comb
    def starts():
        from_taps.next = from_channel + from_ky + from_kx
        from_pixel.next = from_row + from_column

    @always(clk.posedge)
    def hold():
        if first_free and inside:
            channel.next = scan.base + scan.index
            first_ky.next = to_ky
            first_kx.next = to_kx
            first_rows.next = to_rows
            first_columns.next = to_columns
            row.next = to_row
            column.next = to_column
        if walk.move:
            start_weight.next = from_taps[len(start_weight) :]
            start_neuron.next = from_pixel[len(start_neuron) :]
            second_rows.next = first_rows
            second_columns.next = first_columns

    @always(clk.posedge)
    def step():
        if walk.load:
            weight_at.next = start_weight
            row_weight.next = start_weight
            neuron_at.next = start_neuron
            row_neuron.next = start_neuron
            rows_left.next = second_rows
            columns_left.next = second_columns
            row_columns.next = second_columns
            at_group.next = 0
            last_group.next = alone
            last_column.next = second_columns == 0
            last_row.next = second_rows == 0
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

    return tables, reaches, enter, flow, flow_of_stages, out, products, starts, hold, step
