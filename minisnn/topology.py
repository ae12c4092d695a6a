"""Networks in the field's notation: ``"32C3-MP2-32C3-MP2-256-10"``.

    32C3   32 feature maps, kernel 3x3, stride 1          256   256 fully connected neurons
    MP2    maximum over windows of 2x2 spikes (also P2)    10   the last layer is the output

    32C3MP2   the same convolution; maximum over windows of 2x2 currents, before the neurons

Every layer of weights ends in spiking neurons; a pool belongs to the convolution before it and is an OR of its spikes.
Without the dash it comes before the neurons, as in much code of the field: a window has one neuron, which takes the
largest current. That is another network, and the accelerator, which adds one spike at a time, does not compute it.

Frames that are no multiple of the window lose their last rows and columns, as everywhere in the field. The neurons
there could reach nothing, so they do not exist, in any column from the reference to the hardware (a 13x13 frame before
MP2 has 12x12 neurons).
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .errors import InputError


@dataclass(frozen=True, kw_only=True)
class LayerShape:
    """The shape of one layer: its weights, its neurons, and the pool after them.

    Attributes
    ----------
    name : str
        Number, from 1, and notation, such as ``"1 32C3-MP2"``.
    kind : str
        A key of ``KINDS``; the name of the layer's file in every column.
    in_shape : (H, W, C) or (N,)
        The frame it takes: maps, or a flat row.
    out_shape : (H, W, C) or (N,)
        Its neurons, cropped to whole pooling windows.
    w_shape : (k, k, C_in, C_out) or (N_in, N_out)
    padding : int
        Pixels added on each side of the frame (0 for linear).
    pool : int
        Window of the pool of spikes; 1 for none.
    cur_pool : int
        Window of the pool of currents, before the neurons; 1 for none.
    next_shape : (H, W, C) or (N,)
        The frame it hands on: the pooled spikes.
    """

    name: str
    kind: str
    in_shape: tuple
    out_shape: tuple
    w_shape: tuple
    padding: int
    pool: int
    next_shape: tuple
    cur_pool: int = 1

    @property
    def cur_shape(self) -> tuple:
        """The frame of its currents, before their pool, cropped to whole windows."""
        if self.cur_pool == 1:
            return self.out_shape
        height, width, channels = self.out_shape
        return height * self.cur_pool, width * self.cur_pool, channels

    @property
    def fan_in(self) -> int:
        """Number of inputs that reach one neuron."""
        return math.prod(self.w_shape[:-1])

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return math.prod(self.out_shape)


@dataclass(frozen=True)
class _Term:
    """One layer of the notation: kind, output channels, kernel, pools, and its normalised text."""

    kind: str
    size: int
    kernel: int
    pool: int
    text: str
    cur_pool: int = 1


@dataclass(frozen=True)
class Kind:
    """A kind of layer: the pattern of its notation, how a match is read, and the shape that it gives."""

    pattern: str
    read: Callable[[re.Match], _Term]
    shape: Callable[[str, tuple, _Term, Any], LayerShape]


def parse(topology: str, input_shape: Sequence[int], padding: int | str | Sequence = 0) -> tuple[LayerShape, ...]:
    """Read a topology for an input shape.

    Parameters
    ----------
    topology : str
        Such as ``"32C3-MP2-32C3-MP2-256-10"``.
    input_shape : (H, W, C) or (N,)
        Shape of one input.
    padding : int, "same", or a sequence with one of these per convolution
        Pixels added on each side; ``"same"`` is (k - 1) / 2 for an odd k.

    Returns
    -------
    shapes : tuple of LayerShape

    Raises
    ------
    InputError
        If a term cannot be read, or does not fit what comes before it.

    Examples
    --------
    >>> for shape in parse("32C3-MP2-32C3-MP2-256-10", (32, 32, 3)):
    ...     print(shape.name, shape.out_shape, shape.w_shape)
    1 32C3-MP2 (30, 30, 32) (3, 3, 3, 32)
    2 32C3-MP2 (12, 12, 32) (3, 3, 32, 32)
    3 256 (256,) (1152, 256)
    4 10 (10,) (256, 10)
    """
    terms = _terms(topology)
    frame = _input_shape(input_shape)
    paddings = iter(_paddings(padding, sum(term.kind == "conv2d" for term in terms)))
    shapes = []
    for number, term in enumerate(terms, 1):
        pad = next(paddings) if term.kind == "conv2d" else 0
        shapes.append(KINDS[term.kind].shape(f"{number} {term.text}", frame, term, pad))
        frame = shapes[-1].next_shape
    return tuple(shapes)


def normalised(shapes: Iterable[LayerShape]) -> str:
    """Return the notation of `shapes`, as in ``"32C3-MP2-10"``."""
    return "-".join(shape.name.split(" ", 1)[1] for shape in shapes)


def _terms(topology):
    """Read the notation, each pool joined to its convolution."""
    if not isinstance(topology, str) or not topology.strip():
        raise InputError(f"topology must be text such as '32C3-MP2-256-10', got {topology!r}")
    terms: list[_Term] = []
    for text in topology.replace(" ", "").split("-"):
        if pool := re.fullmatch(r"[Mm]?[Pp](\d+)", text):
            _join_pool(topology, terms, text, int(pool[1]))
        else:
            terms.append(_layer_term(topology, terms, text))
    if terms[-1].kind != "linear":
        raise InputError(f"topology {topology!r} must end in a fully connected output layer, for example '-10'")
    return terms


def _layer_term(topology, before, text):
    """Read one layer of weights."""
    for kind in KINDS.values():
        match = re.fullmatch(kind.pattern, text)
        if not match:
            continue
        term = kind.read(match)
        if term.kind == "conv2d" and before and before[-1].kind == "linear":
            raise InputError(
                f"topology {topology!r}: convolution {text} cannot follow a fully connected "
                "layer; put all convolutions first"
            )
        if term.kind == "conv2d" and min(term.size, term.kernel) < 1:
            raise InputError(f"topology {topology!r}: {text} needs at least one map and a kernel of 1")
        if term.cur_pool < 2 and "MP" in term.text:
            raise InputError(f"topology {topology!r}: the window of the pool of {text} must be at least 2")
        if term.size > 0:
            return term
    raise InputError(
        f"topology {topology!r}: cannot read {text!r}; write 32C3 (convolution), MP2 (max pool), 32C3MP2 (convolution, "
        "max pool of its currents) or 256 (fully connected), joined by '-'"
    )


def _join_pool(topology, terms, text, window):
    """Give the pool to the convolution before it."""
    if not terms or terms[-1].kind != "conv2d" or (terms[-1].pool, terms[-1].cur_pool) != (1, 1):
        raise InputError(
            f"topology {topology!r}: {text} must follow a convolution without a pool directly (pools are of "
            "spikes; two in a row are one with the product of their windows)"
        )
    if window < 2:
        raise InputError(f"topology {topology!r}: the window of {text} must be at least 2")
    terms[-1] = replace(terms[-1], pool=window, text=f"{terms[-1].text}-MP{window}")


def _input_shape(input_shape):
    try:
        shape = tuple(int(n) for n in input_shape)
    except (TypeError, ValueError):
        shape = ()
    if len(shape) not in (1, 3) or min(shape) < 1:
        raise InputError(f"the input shape must be (height, width, channels) or (features,), got {input_shape!r}")
    return shape


def _paddings(padding, convolutions):
    values = [padding] * convolutions if isinstance(padding, (int, str)) else list(padding)
    if len(values) != convolutions:
        raise InputError(
            f"padding has {len(values)} values for {convolutions} convolutions: give one for all, or one for each"
        )
    for value in values:
        if value != "same" and not (isinstance(value, int) and value >= 0):
            raise InputError(f"padding must be 0, 1, 2, ... or 'same', got {value!r}")
    return values


# The kinds


def _read_linear(match):
    size = int(match[0])
    return _Term("linear", size, 1, 1, str(size))


def _shape_linear(name, frame, term, padding):
    return LayerShape(
        name=name,
        kind="linear",
        in_shape=frame,
        out_shape=(term.size,),
        w_shape=(math.prod(frame), term.size),
        padding=0,
        pool=1,
        next_shape=(term.size,),
    )


def _read_conv2d(match):
    size, kernel = int(match[1]), int(match[2])
    if match[3] is None:
        return _Term("conv2d", size, kernel, 1, f"{size}C{kernel}")
    return _Term("conv2d", size, kernel, 1, f"{size}C{kernel}MP{int(match[3])}", int(match[3]))


def _shape_conv2d(name, frame, term, padding):
    if len(frame) != 3:
        raise InputError(
            f"layer {name}: a convolution needs maps (height, width, channels) as input, got a flat row of {frame[0]}"
        )
    kernel, pool = term.kernel, term.pool * term.cur_pool  # at most one of the two is not 1
    if padding == "same":
        if kernel % 2 == 0:
            raise InputError(f"layer {name}: padding 'same' needs an odd kernel, got {kernel}; give a number")
        padding = (kernel - 1) // 2
    height, width = (n + 2 * padding - kernel + 1 for n in frame[:2])
    if min(height, width) < 1:
        raise InputError(
            f"layer {name}: a kernel of {kernel} does not fit the {frame[0]}x{frame[1]} frame with padding {padding}"
        )
    rows, columns = height // pool, width // pool
    if min(rows, columns) < 1:
        raise InputError(f"layer {name}: a pooling window of {pool} does not fit the {height}x{width} frame")
    return LayerShape(
        name=name,
        kind="conv2d",
        in_shape=frame,
        out_shape=(rows * term.pool, columns * term.pool, term.size),
        w_shape=(kernel, kernel, frame[2], term.size),
        padding=padding,
        pool=term.pool,
        cur_pool=term.cur_pool,
        next_shape=(rows, columns, term.size),
    )


# A new kind of layer is one entry here, and a file of this name in every column.
KINDS = {
    "conv2d": Kind(r"(\d+)[Cc](\d+)(?:[Mm]?[Pp](\d+))?", _read_conv2d, _shape_conv2d),
    "linear": Kind(r"\d+", _read_linear, _shape_linear),
}
