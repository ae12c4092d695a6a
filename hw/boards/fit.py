"""The part of a board's FPGA that an accelerator takes, estimated before any tool runs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from ..spec import AcceleratorSpec, LayerSpec
from .board import Board
from .bridge import DEPTH
from .toolchains import TOOLCHAINS

# A block RAM of both families has 16 Ki bits, or 18 Ki with those that were meant for parity.
SHAPES = ((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36))
# Cells of 16 words of 4 bits that Yosys prefers to a block RAM, and the look-up tables of such a cell.
CELLS, TABLES = 21, 6
ROOM = 0.9  # of the look-up tables: nextpnr finds no way through an FPGA that is full
CELL_ROOM = 0.6  # of the places of such cells: nextpnr found none for the last of 504 where there are 648


@dataclass(frozen=True)
class Estimate:
    """Block RAMs, look-up tables, and cells of memories in these, that a design takes; and the board."""

    blocks: int
    tables: int
    cells: int
    board: Board

    @property
    def lacking(self) -> list[str]:
        """Return a few words for each kind of cell of which there are too few."""
        short = []
        if self.blocks > self.board.blocks:
            short.append(f"{self.blocks} block RAMs, of which the {self.board.title} has {self.board.blocks}")
        if self.tables > ROOM * self.board.tables:
            short.append(f"about {self.tables:,} look-up tables, of which it has {self.board.tables:,}")
        places = self.board.tables // TOOLCHAINS[self.board.family].tables_a_cell
        if self.cells > CELL_ROOM * places:
            short.append(f"{self.cells:,} cells of small memories, for which it has {places:,} places")
        return short


def memories(spec: AcceleratorSpec) -> Iterator[tuple[int, int]]:
    """Yield (words, bits of a word) of every memory of the accelerator."""
    yield 1 << (3 * len(spec.layers) + 3).bit_length(), spec.counter_bits
    last = spec.layers[-1]
    yield last.groups, last.lanes * spec.score_bits
    for layer in spec.layers:
        yield 2 * layer.in_words, layer.word_bits
        yield layer.weight_words, layer.weight_word_bits
        yield layer.groups, layer.lanes * layer.bias_bits
        sums = layer.current_bits if layer.input_bits else layer.membrane_bits
        for _ in range(layer.lanes * layer.taps):
            yield layer.bank_depth, sums
        if layer.input_bits:
            for _ in range(layer.lanes):
                yield layer.depth, layer.membrane_bits


def block_rams(spec: AcceleratorSpec) -> int:
    """Estimate the block RAMs of an accelerator."""
    return sum(blocks_of(*size) for size in memories(spec))


def blocks_of(words: int, width: int) -> int:
    """Return the block RAMs that a memory takes; 0 if look-up tables are the cheaper place."""
    blocks = min(-(-words // depth) * -(-width // bits) for depth, bits in SHAPES)
    return blocks if cells_of(words, width) > CELLS * blocks else 0


def cells_of(words: int, width: int) -> int:
    """Return the cells of a memory in look-up tables."""
    return -(-words // 16) * -(-width // 4)


def estimate(spec: AcceleratorSpec, board: Board) -> Estimate:
    """Estimate the cells of a design behind a serial line."""
    sizes = [(DEPTH, 8), *memories(spec)]
    cells = sum(cells_of(*size) for size in sizes if not blocks_of(*size))
    tables = 2000 + TABLES * cells + sum(map(_tables_of, spec.layers))
    return Estimate(sum(blocks_of(*size) for size in sizes), tables, cells, board)


def _tables_of(layer: LayerSpec) -> int:
    """Estimate the look-up tables of a layer's logic: of its walk, of each adder, and of each neuron that fires.

    The numbers fit designs for an ECP5 that were placed, most of them within a fifth.
    """
    width = layer.current_bits if layer.input_bits else layer.membrane_bits
    return 350 + layer.lanes * (layer.taps * 10 * width + 9 * layer.membrane_bits)


def smaller(lanes: Sequence[int]) -> tuple[int, ...]:
    """Return fewer lanes: half as many in the layer that has most."""
    most = max(range(len(lanes)), key=lambda layer: lanes[layer])
    return tuple(-(-count // 2) if layer == most else count for layer, count in enumerate(lanes))


def weight_bits_that_fit(spec: AcceleratorSpec, board: Board) -> int | None:
    """Return the widest weights, of all layers alike, with which a design fits; None if none of 2 bits and more do."""
    for width in range(max(layer.weight_bits for layer in spec.layers) - 1, 1, -1):
        layers = tuple(
            replace(
                layer,
                weight_bits=min(width, layer.weight_bits),
                membrane_bits=layer.membrane_bits - max(layer.weight_bits - width, 0),
            )
            for layer in spec.layers
        )
        if not estimate(replace(spec, layers=layers), board).lacking:
            return width
    return None


def largest(
    specify: Callable[[tuple[int, ...]], AcceleratorSpec],
    start: Sequence[int],
    board: Board,
) -> tuple[int, ...]:
    """Return the largest lanes that fit.

    Parameters
    ----------
    specify : callable
        Returns the numbers of the accelerator with some lanes.
    start : sequence of int
        The lanes to begin with, which are halved until they fit.

    Raises
    ------
    ValueError
        If one lane a layer does not fit; the message says with which weights it would.
    """
    lanes = tuple(start)
    while (short := estimate(specify(lanes), board)).lacking:
        if max(lanes) == 1:
            width = weight_bits_that_fit(specify(lanes), board)
            mend = f"quantize with --weight-bits {width}" if width else "train a smaller network"
            raise ValueError(f"with one lane a layer the design needs {' and '.join(short.lacking)}; {mend}")
        lanes = smaller(lanes)
    return lanes
