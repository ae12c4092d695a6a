"""Banks of sums: which one a neuron is in, how weights get to them, and the control of each."""

from myhdl import ConcatSignal, Signal, always, always_comb, block, concat, intbv

from .parts.look_up import look_up
from .parts.register import delay
from .parts.rotate import rotate
from .parts.sum_control import sum_control
from .ports import bit, bits, word


@block
def turn_taps(clk, walk, weights, turned, spec):
    """Weights of the taps of an input, turned to their banks.

    With all taps at once tap (ky, kx) goes to bank (turn_y + ky, turn_x + kx), with a row of taps tap kx to bank turn_x
    + kx; all modulo the kernel. ``minisnn.timing.layout.weight_rows`` says in which places of a word the taps are.

    Parameters
    ----------
    spec : LayerSpec

    Ports
    -----
    clk : in
        Rising edge.
    walk : Walk, in, cycle 0
        `walk_turn_x`, and with all taps at once `walk_turn_y`.
    weights : in, cycle 1
        A word: place by place, each with the weights of all lanes.
    turned : out, cycle 2
        The word: bank by bank.

    Latency: 1 cycle. Throughput: a word a cycle.
    """
    rows, columns = spec.bank_rows, spec.bank_columns
    width = len(weights) // rows  # of a row of taps
    held = word(len(weights))  # a block RAM is slow: nothing stands between it and a register
    turned_rows = [word(width) for _ in range(rows)]
    turn_x_2 = Signal(intbv(0)[len(walk.turn_x) :])
    by_rows = held
    parts = [delay(clk, weights, held, 1), delay(clk, walk.turn_x, turn_x_2, 2)]
    if rows > 1:
        turn_y_2 = Signal(intbv(0)[len(walk.turn_y) :])
        by_rows = Signal(intbv(0)[len(weights) :])
        parts += [delay(clk, walk.turn_y, turn_y_2, 2), rotate(held, turn_y_2, by_rows, rows)]
    parts.append([rotate(by_rows((i + 1) * width, i * width), turn_x_2, turned_rows[i], columns) for i in range(rows)])
    all_turned = ConcatSignal(*reversed(turned_rows)) if rows > 1 else turned_rows[0]

    @always_comb
    def outputs():
        turned.next = all_turned

    return [*parts, outputs]


@block
def bank_of_neuron(clk, turn, bank, place, spec):
    """Bank and address of the neurons that fire.

    Pixel (y, x) is in bank (y mod rows)*columns + x mod columns, with as many rows and columns of banks.

    Parameters
    ----------
    spec : LayerSpec

    Ports
    -----
    clk : in
        Rising edge.
    turn : Turn, in
        `turn_y`, `turn_x` and `turn_group` of the neurons.
    bank : out
    place : out
        The address in the bank: (y//rows * ceil(out_width/columns) + x//columns)*groups + group

    Latency: 1 cycle. Throughput: a turn a cycle.
    """
    rows, columns, groups = spec.bank_rows, spec.bank_columns, spec.groups
    bank_column = word(bits(rows * columns))
    row_place, column_place = [Signal(intbv(0)[len(place) :]) for _ in range(2)]
    row_step = -(-spec.out_width // columns) * groups
    ys = [min(y, spec.out_height - 1) for y in range(1 << len(turn.y))]  # a table has a value for every index
    xs = [min(x, spec.out_width - 1) for x in range(1 << len(turn.x))]
    find_row_place = look_up(turn.y, row_place, tuple(y // rows * row_step for y in ys))
    find_bank_column = look_up(turn.x, bank_column, tuple(x % columns for x in xs))
    find_column_place = look_up(turn.x, column_place, tuple(x // columns * groups for x in xs))
    parts = [find_row_place, find_bank_column, find_column_place]
    if rows > 1:
        bank_row = word(bits(rows * columns))
        parts.append(look_up(turn.y, bank_row, tuple(y % rows * columns for y in ys)))

        @always(clk.posedge)
        def add_up():
            bank.next = bank_row + bank_column
            place.next = row_place + column_place + turn.group

    else:

        @always(clk.posedge)
        def add_up():
            bank.next = bank_column
            place.next = row_place + column_place + turn.group

    return [*parts, add_up]


@block
def with_half(half, place, whole):
    """Address of a sum in two banks of currents.

    Ports
    -----
    half : in
        The bank.
    place : in
        The address in it.
    whole : out
        Both, with the bank in the highest bit.

    Latency: combinational.
    """

    @always_comb
    def join_half():
        whole.next = concat(half, place)

    return join_half


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
def pair_control(clk, rst, add, add_bank, add_address, address, control, reader):
    """Control of the sums of one tap in two banks: in one an image is added, in the other one an image fires.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and forgets additions under way.
    add, add_bank, add_address : in
        1 for an addition, and in which bank, and where.
    address : out
        Where, with the bank in the highest bit.
    control : SumControl, out
        For ``accumulate``.
    reader : SumReader
        See ``sum_control``.

    Latency: as ``sum_control``; `address` is combinational. Throughput: an addition and a firing a cycle.
    """
    never = bit()  # always 0: the adder's side neither only reads, nor writes anything else
    sums = sum_control(clk, rst, add, never, address, never, address, control, reader)

    @always_comb
    def join_half():
        address.next = concat(add_bank, add_address)

    return sums, join_half
