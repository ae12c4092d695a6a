"""The walk over the taps of an input: which turn is its last, and the addresses of weights and membranes in each."""

from myhdl import Signal, always, always_comb, block, intbv

from .parts.times import times


@block
def tap_turns(clk, load, more_rows, more_columns, last_group, row_ends, ending, groups, rows_in_turn, columns_in_turn):
    """Turns of an input's walk: all groups of lanes at each tap, tap after tap in a row, and row after row.

    Parameters
    ----------
    groups : int
        Groups of lanes that hold the neurons of a pixel.
    rows_in_turn, columns_in_turn : bool
        Rows of taps, and taps in a row, are walked one after the other; otherwise all are added at once.

    Ports
    -----
    clk : in
        Rising edge.
    load : in
        1 to begin the walk of a new input in the next cycle.
    more_rows, more_columns : in
        Number of its taps after the first, along each axis; not read along an axis whose taps are added at once.
    last_group : out
        1 in the last group's turn at each tap.
    row_ends : out
        1 in the last turn of each row of taps.
    ending : out
        1 in a cycle after which the walk is in its last turn: of the walk that begins, in a cycle with `load`.

    Latency: 1 cycle from `load` to the first turn. Throughput: a turn a cycle.
    """
    alone, before_last = groups == 1, max(groups - 2, 0)
    at_group = Signal(intbv(0, min=0, max=max(groups, 2)))
    # Which turn is the last of a tap, a row and the walk is computed a cycle ahead: "next" is the following turn.
    group_ends_next = Signal(bool(0))
    row_ends_next = group_ends_next
    parts = []
    if columns_in_turn:
        columns_left = Signal(intbv(0)[len(more_columns) :])  # taps after the present one in its row
        row_columns = Signal(intbv(0)[len(more_columns) :])  # `more_columns` of the present input
        last_column, last_column_next, row_ends_next = [Signal(bool(0)) for _ in range(3)]

        @always_comb
        def find_last_column():
            last_column_next.next = last_column
            if load:
                last_column_next.next = more_columns == 0
            elif row_ends:
                last_column_next.next = row_columns == 0
            elif last_group:
                last_column_next.next = columns_left == 1

        @always_comb
        def find_row_end():
            row_ends_next.next = group_ends_next and last_column_next

        @always(clk.posedge)
        def count_columns():
            last_column.next = last_column_next
            if load:
                row_columns.next = more_columns
                columns_left.next = more_columns
            elif row_ends:
                columns_left.next = row_columns
            elif last_group:
                columns_left.next = columns_left - 1

        parts += [find_last_column, find_row_end, count_columns]
    if rows_in_turn:
        rows_left = Signal(intbv(0)[len(more_rows) :])  # rows of taps after the present one
        last_row, last_row_next = [Signal(bool(0)) for _ in range(2)]

        @always_comb
        def find_last_row():
            last_row_next.next = last_row
            if load:
                last_row_next.next = more_rows == 0
            elif row_ends:
                last_row_next.next = rows_left == 1

        @always_comb
        def find_end():
            ending.next = row_ends_next and last_row_next

        @always(clk.posedge)
        def count_rows():
            last_row.next = last_row_next
            if load:
                rows_left.next = more_rows
            elif row_ends:
                rows_left.next = rows_left - 1

        parts += [find_last_row, count_rows]
    else:

        @always_comb
        def find_end():
            ending.next = row_ends_next

    @always_comb
    def find_group_end():
        group_ends_next.next = at_group == before_last
        if load or last_group:
            group_ends_next.next = alone

    @always(clk.posedge)
    def count_groups():
        last_group.next = group_ends_next
        row_ends.next = row_ends_next
        if load or last_group:
            at_group.next = 0
        else:
            at_group.next = at_group + 1

    return [*parts, find_end, find_group_end, count_groups]


@block
def weight_walk(clk, move, load, channel, first_tap, row_ends, address, channel_step, row_step):
    """Address of the weights in each turn of a walk: one more each time, but a row of taps begins at its own place.

    Parameters
    ----------
    channel_step, row_step : int
        Words from a channel's weights to the next channel's, and from a row of taps to the next; 0 if rows follow one
        another without words between them.

    Ports
    -----
    clk : in
        Rising edge.
    move : in
        1 to compute the start for the input in the walker's first stage.
    load : in
        1 to begin the walk of the input in the second stage.
    channel : in
        The channel of the input in the first stage.
    first_tap : in
        Address of its first tap among those of a channel; built in if it is always 0.
    row_ends : in
        1 in the last turn of a row of taps.
    address : out

    Latency: 1 cycle from `move`, and 1 from `load`. Throughput: an address a cycle.
    """
    from_channel = Signal(intbv(0)[len(channel) + channel_step.bit_length() :])
    start = Signal(intbv(0)[len(address) :])  # of the input in the second stage
    total = Signal(intbv(0)[max(len(from_channel), len(address)) + 1 :])
    at = Signal(intbv(0)[len(address) :])
    channel_times = times(channel, channel_step, from_channel)

    @always_comb
    def add_up():
        total.next = from_channel + first_tap

    @always_comb
    def outputs():
        address.next = at

    @always(clk.posedge)
    def prepare():
        if move:
            start.next = total[len(start) :]

    if row_step:
        row_at = Signal(intbv(0)[len(address) :])  # the present row's first

        @always(clk.posedge)
        def step():
            if load:
                at.next = start
                row_at.next = start
            elif row_ends:
                at.next = row_at + row_step
                row_at.next = row_at + row_step
            else:
                at.next = at + 1

    else:

        @always(clk.posedge)
        def step():
            if load:
                at.next = start
            else:
                at.next = at + 1

    return channel_times, add_up, outputs, prepare, step


@block
def bank_walk(clk, move, load, row, column, last_group, row_ends, address, groups, row_step):
    """Address in one bank of membranes in each turn of a walk: group by group, tap by tap, and row by row.

    The next tap of a row leads to the neuron on the left, and the next row of taps to the row of neurons above.

    Parameters
    ----------
    groups : int
        Groups of lanes that hold the neurons of a pixel.
    row_step : int
        Words from a row of neurons to the next; 0 if all rows of taps are added at once.

    Ports
    -----
    clk : in
        Rising edge.
    move : in
        1 to compute the start for the input in the walker's first stage.
    load : in
        1 to begin the walk of the input in the second stage.
    row, column : in
        Parts of the address of the first neuron that the input reaches in this bank; valid with `move`.
    last_group, row_ends : in
        From ``tap_turns``; not read if all rows of taps are added at once.
    address : out

    Latency: 1 cycle from `move`, and 1 from `load`. Throughput: an address a cycle.
    """
    start = Signal(intbv(0)[len(address) :])  # of the input in the second stage

    if row_step:
        to_left = 2 * groups - 1  # from the last group of a neuron back to the first of the neuron on its left
        row_at = Signal(intbv(0)[len(address) :])  # address at the start of this row of taps

        @always(clk.posedge)
        def step():
            if move:
                start.next = row + column
            if load:
                address.next = start
                row_at.next = start
            elif row_ends:
                address.next = row_at - row_step
                row_at.next = row_at - row_step
            elif last_group:
                address.next = address - to_left
            else:
                address.next = address + 1

    else:

        @always(clk.posedge)
        def step():
            if move:
                start.next = row + column
            if load:
                address.next = start
            else:
                address.next = address + 1

    return step
