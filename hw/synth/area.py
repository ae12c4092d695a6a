"""The cells of an FPGA that a design takes, estimated from its numbers before any tool runs.

Memories are placed by Yosys' own rule, which takes the cheaper of block RAM and look-up tables. Logic is a sum: each
part of a design, such as the bits of its adders, has a size that follows from the numbers, and costs so many look-up
tables for each unit of it. These costs were fitted to designs that Yosys mapped; designs that the fit did not see
are the check (``python -m tests.benchmarks.area``).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, lru_cache
from itertools import repeat

from minisnn.fixed.network import IntegerNetwork
from minisnn.timing.layout import inputs_of_words

from ..generate.specify import specify
from ..spec import AcceleratorSpec, LayerSpec
from .devices import Device

# Shapes of a block RAM of 16 Ki bits, or 18 Ki with those that were meant for parity, and of a cell of memory in
# look-up tables. Writes are enabled byte by byte, so a word is rounded up to whole bytes of at most 9 bits.
BLOCKS = ((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36))
CELL = (16, 4)
BYTE = 9
CELL_TABLES = 6  # look-up tables that a cell takes: four that hold the words, and two that write
# What Yosys counts for a block, a cell, and each bit of a word that has to be chosen from one more row of them:
# techlibs/ecp5/brams.txt and lutrams.txt, the same in techlibs/gowin, and passes/memory/memory_libmap.cc.
BLOCK_COST, CELL_COST, CHOICE_COST = 128, 4, 0.5

ROOM = 0.9  # of the look-up tables: nextpnr finds no way through an FPGA that is full
CELL_ROOM = 0.6  # of the places of such cells: nextpnr found none for the last of 504 where there are 648

# Parts of logic, each with the unit in which its size is counted.
PARTS = (
    "design",  # load, checks, input stream, answer
    "layer",  # scanner, walker, firing pass, control
    "convolution",  # more of the same, in two dimensions
    "adder bit",  # of lanes and taps: the sum is held, added to, saturated and written
    "neuron bit",  # of lanes: bias, threshold, leak and reset; of pixels also their current
    "leak bit",  # of lanes whose leak is a product
    "choice",  # of one bit from two: weights that turn to their banks, the bank that fires, rows of small memories
    "bank bit",  # of addresses: each bank has its own control
)
# Look-up tables of logic for each unit, fitted by `python -m tests.benchmarks.area`.
COSTS: dict[str, dict[str, float]] = {
    "ecp5": {
        "design": 1590.0,
        "layer": 227.0,
        "convolution": 518.0,
        "adder bit": 7.94,
        "neuron bit": 4.77,
        "leak bit": 2.92,
        "choice": 0.878,
        "bank bit": 3.14,
    },
}
# Yosys needs as many tables of Gowin as of ECP5, but nextpnr adds one before a register that has none of its own: on
# the Tang Nano that was placed, so much more.
COSTS["gowin"] = {part: 1.5 * cost for part, cost in COSTS["ecp5"].items()}


@dataclass(frozen=True)
class Area:
    """Cells that a design takes, estimated; areas of parts add up.

    Attributes
    ----------
    tables : int
        Look-up tables of 4 inputs, with carries and distributed RAM in them.
    cells : int
        Cells of 16 words of 4 bits of distributed RAM; their look-up tables are among `tables`.
    blocks : int
        Block RAMs.
    multipliers : int
        Multipliers of 18 by 18 bits.
    """

    tables: int
    cells: int
    blocks: int
    multipliers: int

    def __add__(self, other: "Area") -> "Area":
        return Area(*(getattr(self, part.name) + getattr(other, part.name) for part in fields(self)))

    def lacking(self, device: Device) -> list[str]:
        """Return a few words for each kind of cell of which a device has too few."""
        short = []
        if self.blocks > device.blocks:
            short.append(f"{self.blocks} block RAMs, of which the {device.title} has {device.blocks}")
        if self.tables > ROOM * device.tables:
            short.append(f"about {self.tables:,} look-up tables, of which it has {device.tables:,}")
        if self.multipliers > device.multipliers:
            short.append(f"{self.multipliers} multipliers, of which it has {device.multipliers}")
        places = device.tables // device.tables_a_cell
        if self.cells > CELL_ROOM * places:
            short.append(f"{self.cells:,} cells of small memories, for which it has {places:,} places")
        return short


@dataclass(frozen=True)
class Placed:
    """The cells of a memory: block RAMs, or cells in look-up tables; rows of them, of which a read chooses one."""

    blocks: int
    cells: int
    rows: int


def estimate(spec: AcceleratorSpec, family: str = "ecp5") -> Area:
    """Estimate the cells of an accelerator.

    Parameters
    ----------
    spec : minisnn_hw.spec.AcceleratorSpec
    family : str
        A key of :data:`COSTS`.

    Returns
    -------
    area : Area
    """
    whole = _area(family, of_whole(spec), memories_of_whole(spec), 0)
    return sum((area_of_layer(layer, family) for layer in spec.layers), whole)


def estimates(
    network: IntegerNetwork, family: str, second_bank: bool = False, positions: Sequence[int] | None = None
) -> Callable[[tuple[int, ...], tuple[int, ...]], Area]:
    """Return a function of (lanes, taps) that estimates the cells of a network's accelerator, fast enough to search.

    Taps must fit the `positions` that fire at once, if there are any.
    """
    spec = specify(network, (1,) * len(network.layers), second_bank=second_bank)
    windows = [count > 1 for count in positions or (1,) * len(network.layers)]

    @cache
    def estimated(lanes: tuple[int, ...], taps: tuple[int, ...]) -> Area:
        numbers = zip(spec.layers, lanes, taps, inputs_of_words(network, lanes), windows)
        layers = [
            replace(layer, lanes=count, taps=at_once, in_lanes=word, whole_windows=whole)
            for layer, count, at_once, word, whole in numbers
        ]
        return estimate(replace(spec, layers=tuple(layers)), family)

    return estimated


@lru_cache(maxsize=4096)
def area_of_layer(layer: LayerSpec, family: str) -> Area:
    """Estimate the cells of a layer."""
    return _area(family, of_layer(layer), memories_of_layer(layer), multipliers(layer))


def _area(family, sizes, memories, multipliers):
    placed = [place(*size) for size in memories]
    cells = sum(memory.cells for memory in placed)
    logic = sum(COSTS[family][part] * size for part, size in zip(PARTS, sizes))
    return Area(
        tables=round(logic) + CELL_TABLES * cells,
        cells=cells,
        blocks=sum(memory.blocks for memory in placed),
        multipliers=multipliers,
    )


# Memories


def memory_bits(spec: AcceleratorSpec) -> int:
    """Return the bits of all memories; this is no estimate."""
    return sum(words * width for words, width in memories(spec))


def memories(spec: AcceleratorSpec) -> Iterator[tuple[int, int]]:
    """Yield (words, bits of a word) of every memory of an accelerator."""
    yield from memories_of_whole(spec)
    for layer in spec.layers:
        yield from memories_of_layer(layer)


def memories_of_whole(spec: AcceleratorSpec) -> Iterator[tuple[int, int]]:
    """Yield (words, bits of a word) of the memories of an accelerator outside its layers: stamps and scores."""
    yield 1 << (3 * len(spec.layers) + 3).bit_length(), spec.counter_bits
    yield _two(spec.layers[-1].groups), spec.layers[-1].lanes * spec.score_bits


def memories_of_layer(layer: LayerSpec) -> Iterator[tuple[int, int]]:
    """Yield (words, bits of a word) of every memory of a layer: buffer, weights, biases, sums, membranes."""
    yield 2 << max((layer.in_words - 1).bit_length(), 1), layer.word_bits
    yield _two(layer.weight_words), layer.weight_word_bits
    yield _two(layer.groups), layer.lanes * layer.bias_bits
    yield from repeat((_two(layer.bank_depth), sum_bits(layer)), layer.lanes * layer.taps * (1 + layer.second_bank))
    if layer.input_bits:
        yield from repeat((_two(layer.depth), layer.membrane_bits), layer.neurons)


def _two(words):
    """Return the words of a memory, which has two at least."""
    return max(words, 2)


def sum_bits(layer: LayerSpec) -> int:
    """Return the width of the sums that a layer adds to: currents of pixels, or membranes."""
    return layer.current_bits if layer.input_bits else layer.membrane_bits


@cache
def place(words: int, width: int) -> Placed:
    """Place a memory as Yosys does: where its cells, and the choice among rows of them, cost least.

    Examples
    --------
    >>> place(16, 8)  # two cells of 16 words of 4 bits
    Placed(blocks=0, cells=2, rows=1)
    >>> place(1024, 36)
    Placed(blocks=2, cells=0, rows=1)
    """
    found = []
    for depth, bits in (*BLOCKS, CELL):
        is_block = (depth, bits) != CELL
        rows = -(-words // depth)
        byte = min(BYTE, bits)
        count = -(-rows * -(-width // byte) * byte // bits)
        choice = (rows - 1) * width + (rows if rows > 1 else 0)  # to read, and to write
        cost = (BLOCK_COST if is_block else CELL_COST) * count + CHOICE_COST * choice
        found.append((cost, Placed(count, 0, rows) if is_block else Placed(0, count, rows)))
    return min(found, key=lambda one: one[0])[1]


# Logic


def parts(spec: AcceleratorSpec) -> dict[str, int]:
    """Return the size of each part of a design's logic."""
    return {part: sum(sizes) for part, sizes in zip(PARTS, zip(*_sizes(spec)))}


def _sizes(spec):
    """Return the sizes of all parts outside the layers, and of each layer."""
    return [of_whole(spec), *map(of_layer, spec.layers)]


def of_whole(spec: AcceleratorSpec) -> tuple[int, ...]:
    """Return the sizes of the parts outside the layers, in the order of :data:`PARTS`."""
    return (1, 0, 0, 0, 0, 0, read_choices(memories_of_whole(spec)), 0)


def of_layer(layer: LayerSpec) -> tuple[int, ...]:
    """Return the sizes of a layer's parts, in the order of :data:`PARTS`."""
    banked, width = layer.taps > 1, sum_bits(layer)
    turns = (layer.kernel - 1).bit_length() * (1 + (layer.bank_rows > 1))
    turned, chosen = turns * layer.weight_word_bits, (layer.taps - 1) * layer.neurons * width
    if not layer.input_bits:  # what each neuron keeps goes to its bank
        chosen += (layer.positions - 1) * layer.taps * layer.lanes * width
    # With a second bank each sum is chosen twice, for the adder and the neuron, and forwarded to both.
    paired = 4 * layer.lanes * layer.taps * width if layer.second_bank else 0
    neuron = layer.neurons * (layer.membrane_bits + (layer.current_bits if layer.input_bits else 0))
    return (
        0,
        1,
        int(not layer.flat),
        layer.lanes * layer.taps * width,
        neuron,
        0 if is_shift(layer) else layer.neurons * layer.membrane_bits,
        read_choices(memories_of_layer(layer)) + (turned + chosen if banked else 0) + paired,
        layer.taps * (layer.bank_depth - 1).bit_length() * (3 if layer.whole_windows else 1) if banked else 0,
    )


def read_choices(memories: Iterator[tuple[int, int]]) -> int:
    """Return how often a bit that is read is chosen from one more row of cells."""
    return sum((place(words, width).rows - 1) * width for words, width in memories)


def is_shift(layer: LayerSpec) -> bool:
    """Return whether a layer's leak is built in as a shift; any other leak multiplies."""
    return layer.beta is not None and layer.beta & (layer.beta - 1) == 0


def multipliers(layer: LayerSpec) -> int:
    """Return the multipliers of a layer: of pixels, of leaks that are no shifts, and of the address of weights."""
    step = layer.groups if layer.flat else layer.kernel**2 // layer.taps * layer.groups
    total = int((layer.flat or layer.in_channels > 1) and step & (step - 1) != 0)  # input, or channel, times words
    if layer.input_bits:
        total += layer.lanes * layer.taps * of_product(layer.weight_bits, layer.input_bits + 1)
    if not is_shift(layer):
        beta_bits = layer.frac + 1 if layer.beta is None else layer.beta.bit_length()
        total += layer.neurons * of_product(layer.membrane_bits, beta_bits + 1)
    return total


def of_product(first: int, second: int) -> int:
    """Return the multipliers of a product of two's complements of so many bits; a bit beyond 18 is added in logic."""
    return -(-(first - 1) // 18) * -(-(second - 1) // 18)
