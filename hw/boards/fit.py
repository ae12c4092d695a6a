"""Which lanes fit the FPGA of a board, by an estimate before any tool runs."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..spec import AcceleratorSpec
from ..synth import area
from ..synth.area import Area
from .board import Board

# The serial line, its queue and the registers around an accelerator: what boards that were placed took beyond it.
LINE = Area(tables=1500, cells=0, blocks=1, multipliers=0)


def estimate(spec: AcceleratorSpec, board: Board) -> Area:
    """Estimate the cells of a design behind a serial line."""
    return area.estimate(spec, board.fpga.family) + LINE


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
        if not estimate(replace(spec, layers=layers), board).lacking(board.fpga):
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
    while lacking := estimate(specify(lanes), board).lacking(board.fpga):
        if max(lanes) == 1:
            width = weight_bits_that_fit(specify(lanes), board)
            mend = f"quantize with --weight-bits {width}" if width else "train a smaller network"
            raise ValueError(f"with one lane a layer the design needs {' and '.join(lacking)}; {mend}")
        lanes = smaller(lanes)
    return lanes
