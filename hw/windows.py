"""Pooling windows whose neurons all fire at once: in which banks they lie, and where in each."""

from typing import Any

from myhdl import Signal, always, always_comb, block, intbv

from .banks import with_half
from .parts.look_up import look_up
from .parts.register import delay, later
from .ports import bits, word


@block
def sums_of_window(
    clk, turn, reached_read, read_at, reached_written, write_at, fired_banks, fired_positions, spec, read, stored
):
    """Banks and addresses of the sums of a pooling window that fires: when they are read, chosen, and written.

    Parameters
    ----------
    spec : LayerSpec
    read, stored : int
        Cycles of a firing in which a sum is read, and written; it is chosen two cycles after it is read.

    Ports
    -----
    clk : in
        Rising edge.
    turn : Turn, in, cycle 0
        `turn_y`, `turn_x` and `turn_group` of the window, and with two banks of currents `turn_half`.
    reached_read, reached_written : out, when sums are read, and written
        A bit for each bank: a neuron of the window is in it.
    read_at, write_at : list of signals, out, with these
        For each bank, the address of its neuron.
    fired_banks : out, when sums are chosen
        Position by position, the bank of its neuron, the first in the lowest bits.
    fired_positions : out, when sums are written; of a layer of spikes
        Bank by bank, the position of its neuron, if there is one.

    Latency: as above. Throughput: a window a cycle.
    """
    y_read, x_read, group_read = [later(given, read - 1) for given in (turn.y, turn.x, turn.group)]
    y_written, x_written, group_written = [Signal(intbv(0)[len(given) :]) for given in (y_read, x_read, group_read)]
    corner, corner_read, corner_written = [word(bits(spec.taps)) for _ in range(3)]  # bank of the first neuron
    banks_found, positions_found = [Signal(intbv(0)[len(found) :]) for found in (fired_banks, fired_positions)]
    read_places, written_places, parts = read_at, write_at, []
    if spec.second_bank:
        read_places, written_places = [[word(len(read_at[0]) - 1) for _ in read_at] for _ in range(2)]
        half_read, half_written = word(1), word(1)
        parts = [
            delay(clk, turn.half, half_read, read),
            delay(clk, half_read, half_written, stored - read),
            [with_half(half_read, read_places[i], read_at[i]) for i in range(len(read_at))],
            [with_half(half_written, written_places[i], write_at[i]) for i in range(len(write_at))],
        ]
    if read > 1:
        delayed = ((turn.y, y_read), (turn.x, x_read), (turn.group, group_read))
        parts.append([delay(clk, given, kept, read - 1) for given, kept in delayed])
    by_corner, positions = tables_by_corner(spec)
    parts += [
        banks_of_window(clk, y_read, x_read, group_read, reached_read, read_places, spec),
        delay(clk, y_read, y_written, stored - read),
        delay(clk, x_read, x_written, stored - read),
        delay(clk, group_read, group_written, stored - read),
        banks_of_window(clk, y_written, x_written, group_written, reached_written, written_places, spec),
        bank_of_corner(clk, y_read, x_read, corner, spec),
        delay(clk, corner, corner_read, 1),
        look_up(corner_read, banks_found, by_corner),
        delay(clk, banks_found, fired_banks, 1),
    ]
    if not spec.input_bits:
        parts += [
            delay(clk, corner_read, corner_written, stored - read - 2),
            look_up(corner_written, positions_found, positions),
            delay(clk, positions_found, fired_positions, 1),
        ]
    return parts


@block
def banks_of_window(clk, y, x, in_group, reached, places, spec):
    """Banks in which the neurons of a pooling window lie, and where in each.

    Neuron (y, x) is in bank (y mod kernel)*kernel + x mod kernel. A window is no wider than the kernel, so no two of
    its neurons share a bank.

    Parameters
    ----------
    spec : LayerSpec

    Ports
    -----
    clk : in
        Rising edge.
    y, x, in_group : in
        Row and column of the window, among windows, and the group of its neurons.
    reached : out
        A bit for each bank: a neuron of the window is in it.
    places : list of signals, out
        For each bank, the address of that neuron, as of ``bank_of_neuron``.

    Latency: 1 cycle. Throughput: a window a cycle.
    """
    kernel, pool, width = spec.kernel, spec.pool, len(places[0])
    ys, xs = window_corners(y, spec.out_height, pool), window_corners(x, spec.out_width, pool)
    rows, columns = word(kernel), word(kernel)  # rows and columns of banks that the window reaches
    row_places, column_places = [[word(width) for _ in range(kernel)] for _ in range(2)]
    parts = [
        look_up(index, banks, tuple(sum(1 << (at + i) % kernel for i in range(pool)) for at in corners))
        for index, banks, corners in ((y, rows, ys), (x, columns, xs))
    ]
    row_step = -(-spec.out_width // kernel) * spec.groups
    for i in range(kernel):
        of_rows = [first_in_bank(at, i, kernel, spec.out_height) // kernel * row_step for at in ys]
        of_columns = [first_in_bank(at, i, kernel, spec.out_width) // kernel * spec.groups for at in xs]
        parts += [look_up(y, row_places[i], tuple(of_rows)), look_up(x, column_places[i], tuple(of_columns))]
    parts += [
        place_in_bank(clk, row_places[i // kernel], column_places[i % kernel], in_group, places[i])
        for i in range(kernel**2)
    ]

    @always(clk.posedge)
    def reach():
        for i in range(kernel):
            for j in range(kernel):
                reached.next[i * kernel + j] = rows[i] and columns[j]

    return [*parts, reach]


@block
def place_in_bank(clk, row_place, column_place, in_group, place):
    """Address of a neuron in its bank, from the places of its row, its column, and its group.

    Ports
    -----
    clk : in
        Rising edge.
    row_place, column_place, in_group : in
    place : out
        Their sum.

    Latency: 1 cycle. Throughput: an address a cycle.
    """

    @always(clk.posedge)
    def add_up():
        place.next = row_place + column_place + in_group

    return add_up


@block
def bank_of_corner(clk, y, x, bank, spec):
    """Bank of the first neuron of a pooling window.

    Parameters
    ----------
    spec : LayerSpec

    Ports
    -----
    clk : in
        Rising edge.
    y, x : in
        Row and column of the window, among windows.
    bank : out

    Latency: 1 cycle. Throughput: a window a cycle.
    """
    kernel = spec.kernel
    row, column = [Signal(intbv(0)[len(bank) :]) for _ in range(2)]
    ys, xs = window_corners(y, spec.out_height, spec.pool), window_corners(x, spec.out_width, spec.pool)
    find_row = look_up(y, row, tuple(at % kernel * kernel for at in ys))
    find_column = look_up(x, column, tuple(at % kernel for at in xs))

    @always(clk.posedge)
    def add_up():
        bank.next = row + column

    return find_row, find_column, add_up


def tables_by_corner(spec: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return two tables over the bank of a window's first neuron, the words of which are cut into equal parts.

    They are: the bank of the neuron at each position of the window, and for each bank the position of the neuron that
    is in it, or 0 if none is.
    """
    kernel, pool = spec.kernel, spec.pool
    bank_bits, position_bits = bits(spec.taps), bits(spec.positions)
    banks: list[int] = []
    positions: list[int] = []
    for corner in range(1 << bank_bits):
        row, column = divmod(min(corner, spec.taps - 1), kernel)
        inside = {
            (row + position // pool) % kernel * kernel + (column + position % pool) % kernel: position
            for position in range(spec.positions)
        }
        banks.append(sum(bank << position * bank_bits for bank, position in inside.items()))
        positions.append(sum(position << bank * position_bits for bank, position in inside.items()))
    return tuple(banks), tuple(positions)


def window_corners(index: Any, size: int, pool: int) -> list[int]:
    """Return the first row, or column, of neurons of each window; of the last one for any larger value of `index`."""
    return [min(at, size // pool - 1) * pool for at in range(1 << len(index))]


def first_in_bank(at: int, bank: int, kernel: int, size: int) -> int:
    """Return the first row, or column, of neurons from `at` on in a row of banks; the last of all, if there is none."""
    return min(at + (bank - at) % kernel, size - 1)


@block
def choose_neuron(number, values, chosen):
    """Value of one neuron out of those of a window.

    Ports
    -----
    number : in
        Which one.
    values : list of signals, in
    chosen : out

    Latency: combinational.
    """

    @always_comb
    def choose():
        chosen.next = values[number]

    return choose
