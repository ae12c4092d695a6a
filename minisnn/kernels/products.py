"""Shared by `linear` and `conv2d`: frames and weights laid out for ``dense`` and ``sparse``, and the choice of one.

A linear layer is a convolution with a 1x1 kernel over T*B frames of one pixel.
"""

from functools import cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from . import dense, sparse
from .dense import GROUP
from .memory import empty, scratch, zeros
from .simd import WIDTH, kernel, load, load_some, store
from .threads import each

SAMPLE = 1 << 12  # numbers that tell whether few are not 0
SHARE = 1 << 17  # weights that are worth a thread of their own to lay out
NEAR = 256  # rows of weights, of two vectors each, that fit into the nearest cache
NARROW = 4 * WIDTH  # columns: so few are added to where they are, spike by spike
PIXELS = 256  # whose spikes are listed at a time for the gradient of weights
COPIED = 1 << 16  # numbers that are copied at a time for the gradient of weights: they stay in the cache


def framed(x: np.ndarray, top: int, left: int, height: int, width: int, value: Any = 0.0, dtype: Any = None) -> Any:
    """Return `x` (F, h, w, C) in `dtype`, moved by (top, left) in a frame of (height, width) full of `value`."""
    frames, h, w, channels = x.shape
    dtype = x.dtype if dtype is None else dtype
    if (top, left, height, width) == (0, 0, h, w):
        return np.ascontiguousarray(x, dtype)
    out = zeros((frames, height, width, channels), dtype)
    if np.any(value):
        out[:] = np.asarray(value, dtype)
    out[:, top : top + h, left : left + w] = x
    return out


@cache
def begins(shapes: tuple[tuple[int, ...], ...]) -> list[int]:
    """Return where the weights of each layer begin in memory for those of all, and its length.

    The layers' `shapes` are (k, k, C, M) or (C, M); each has room for being laid out for one product at a time.
    """
    rooms = [
        prod(kernel_shape) * max(groups_of(columns) * channels, groups_of(channels) * columns) * GROUP
        for *kernel_shape, channels, columns in shapes
    ]
    return [sum(rooms[:i]) for i in range(len(rooms) + 1)]


def pack(w: np.ndarray, memory: np.ndarray | None = None, threads: int | None = 1) -> np.ndarray:
    """Return weights (k, k, C, M) as the forward product reads them: (groups, k, k, C, GROUP), filled up with 0.

    `memory` may be a part of that of :func:`begins`; rows that are in it already are not written again.
    """
    packed = _in(memory, (groups_of(w.shape[3]), *w.shape[:3], GROUP), w.dtype)
    rows, groups = w.reshape(-1, w.shape[3]), packed.reshape(len(packed), -1, GROUP)
    _shared_out(lambda low, high: _pack(rows, groups, low, high), len(rows), w.size, threads)
    return packed


def pack_transpose(w: np.ndarray, memory: np.ndarray | None = None, threads: int | None = 1) -> np.ndarray:
    """Return weights (k, k, C, M) flipped and transposed, as the product for the gradient of the inputs reads them."""
    size, _, channels, columns = w.shape
    packed = _in(memory, (groups_of(channels), size, size, columns, GROUP), w.dtype)
    taps, groups = w.reshape(-1, channels, columns), packed.reshape(len(packed), -1, columns, GROUP)
    _shared_out(lambda low, high: _pack_transpose(taps, groups, low, high), len(packed), w.size, threads)
    return packed


@kernel
def groups_of(columns):
    """Return how many groups of columns hold so many."""
    return -(-columns // GROUP)


def _in(memory, shape, dtype):
    """Return an array of `shape` in the first part of flat `memory`, or a new one."""
    return empty(shape, dtype) if memory is None else memory[: prod(shape)].reshape(shape)


def _shared_out(copy, count, weights, threads):
    """Call copy(low, high) for shares of `count` rows or groups, side by side if the weights are many."""
    shares = min(max(weights // SHARE, 1), 8, count)
    bounds = [count * i // shares for i in range(shares + 1)]
    each(lambda i: copy(bounds[i], bounds[i + 1]), shares, threads)


def are_few(parts: list[np.ndarray], shape: tuple[int, ...], padding: int, pad_value: Any) -> bool:
    """Return True for spikes that are so few that the sparse products are faster; `shape` is that of the weights.

    `parts` are the inputs (F, H, W, C) of parts of a batch.
    """
    if parts[0].dtype != np.uint8 or (padding and np.any(pad_value)):
        return False
    return _few(parts, shape[0] * shape[2], shape[3])


def forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    padding: int,
    pad_value: Any,
    frame: Any,
    packed: np.ndarray | None = None,
    cur: np.ndarray | None = None,
) -> np.ndarray:
    """Return currents (F, h, w, M), `frame` = (h, w), of inputs (F, H, W, C): spikes (uint8) or numbers.

    They are written to `cur`, if given.
    """
    packed = pack(w) if packed is None else packed
    bias = whole(b)
    cur = empty((len(x), *frame, w.shape[3]), w.dtype) if cur is None else cur
    if are_few([x], w.shape, padding, pad_value):
        _sparse_windows(x, packed, bias, padding, cur)
    else:
        dense.windows(_padded(x, padding, pad_value, w.dtype), packed, bias, 0, 0, cur)
    return cur


def input_gradient(dcur: np.ndarray, shape: tuple[int, ...], w: np.ndarray, padding: int, packed: Any) -> np.ndarray:
    """Return dx of :func:`forward`, of the inputs' `shape`.

    cur[x] takes w[kx] from x[x + kx - p], so x[x] gives w[kx] to cur[x + p - kx]: the gradient of the inputs is a
    convolution too, of dcur with the flipped kernel and a border of k - 1 - p.
    """
    packed = pack_transpose(w) if packed is None else packed
    dx, border = empty(shape, w.dtype), w.shape[0] - 1 - padding
    bias = _no_bias(len(packed) * GROUP, w.dtype)
    if gradients_are_few(dcur, w):
        _sparse_windows(dcur, packed, bias, border, dx)
    else:
        dense.windows(dcur, packed, bias, border, border, dx)
    return dx


def gradients_are_few(dcur: np.ndarray, w: np.ndarray) -> bool:
    """Return True if so few gradients (F, h, w, M) are not 0 that the sparse product for the gradient of the inputs is
    faster: of a window that was silent, one neuron has a gradient.
    """
    return _few([dcur], w.shape[0] * w.shape[3], w.shape[2])


class Outer(NamedTuple):
    """The factors of the gradient of a layer's weights, inputs and gradients of currents, and that of its biases."""

    x: np.ndarray
    dcur: np.ndarray
    size: int
    padding: int
    pad_value: Any
    few: bool  # spikes, for the sparse product
    db: np.ndarray  # in whole vectors; complete when the first share of the weights is


def outer(dcur: np.ndarray, x: np.ndarray, size: int, padding: int, pad_value: Any, few: bool) -> Outer:
    """Return what :func:`add_weight_gradient` takes; `few` comes from :func:`are_few`.

    Parts of a batch whose products are added to the same weights must all be `few`, or none: they are cut into shares
    in different ways.
    """
    columns = dcur.shape[3]
    if size == 1 and padding == 0:
        x, dcur = _in_one_frame(x, dcur)
    if few and _needs_margin(size, columns):
        db = zeros((_up(columns),), dcur.dtype)
    else:  # long rows are faster
        db = dcur.reshape(-1, dcur.shape[2] * columns).sum(axis=0).reshape(-1, columns).sum(axis=0)
    return Outer(x, dcur, size, padding, pad_value, few, db)


def _needs_margin(size, columns):
    """Return whether ``sparse.weights`` reads a copy of the gradients, with a margin and whole vectors."""
    return size > 1 or columns % WIDTH > 0


def shares(product: Outer, count: int) -> list[tuple[int, int]]:
    """Cut the weights of a layer into up to `count` shares that can be computed side by side."""
    size, unit = (product.x.shape[3], 8) if product.few else (_up(product.dcur.shape[3]), WIDTH)
    units = -(-size // unit)
    bounds = [units * i // count * unit for i in range(count)] + [size]
    return [(low, high) for low, high in zip(bounds, bounds[1:]) if low < high]


def add_weight_gradient(product: Outer, share: tuple[int, int], dw: np.ndarray) -> None:
    """Add to a share of dw (k, k, C, M'), where M' is M rounded up to whole vectors.

    Frames that must be copied first, to have a border, are copied some at a time: so they are in the cache when read,
    and never in memory for the whole batch.
    """
    (_add_few if product.few else _add_all)(product, share, dw)


def _add_few(product, share, dw):
    x, dcur, size, padding, _, _, db = product
    frames, height, width, channels = x.shape
    columns, count = dw.shape[3], share[1] - share[0]
    listed = max(PIXELS // (height * width), 1)  # frames
    pixels = scratch("pixels", count * listed * height * width, np.int32).reshape(count, -1)
    first = scratch("firsts", listed * count * (height + 1), np.int32).reshape(listed, count, -1)
    events, copied = scratch("events", channels + 8, np.int32), _needs_margin(size, dcur.shape[3])
    wide = (dcur.shape[1], width + size - 1, columns)
    some = max(COPIED // (prod(wide) * listed), 1) * listed if copied else frames
    sums = db if share[0] == 0 else zeros(db.shape, db.dtype)
    for start in range(0, frames, some):
        spikes, gradients = x[start : start + some], dcur[start : start + some]
        if copied:
            copy = scratch("wide", len(spikes) * prod(wide), dcur.dtype).reshape(-1, *wide)
            _border(gradients, size - 1 - padding, copy, sums)
            gradients = copy
        if size == 1 and padding == 0 and columns <= NARROW:
            sparse.row_weights(spikes, gradients, dw, *share, events)
        else:
            taps = _taps(size, channels, columns)
            sparse.weights(spikes, gradients, size, padding, dw, *share, taps, pixels, first, events)


def _add_all(product, share, dw):
    x, dcur, size, padding, pad_value, _, _ = product
    _, height, width, channels = x.shape
    some = max(COPIED // ((height + 2 * padding) * (width + 2 * padding) * channels), 8)
    side = scratch("side", dcur.shape[1] * dcur.shape[2] * dense.GROUP, dw.dtype)
    for start in range(0, len(x), some):
        part = _padded(x[start : start + some], padding, pad_value, dw.dtype)
        dense.weights(part, dcur[start : start + some], size, dw, *share, side)


def weight_gradient(w: np.ndarray, memory: np.ndarray | None = None) -> np.ndarray:
    """Return zeros for :func:`add_weight_gradient`, in the first part of flat `memory`, if given."""
    dw = _in(memory, (*w.shape[:3], _up(w.shape[3])), w.dtype)
    dw.fill(0)
    return dw


def trimmed(dw: np.ndarray, columns: int) -> np.ndarray:
    """Return a gradient of weights without what fills its last vector, in the same memory, which it may overwrite."""
    if dw.shape[3] == columns:
        return dw
    rows = dw.reshape(-1, dw.shape[3])
    _trim(rows, columns, rows.reshape(-1))
    return rows.reshape(-1)[: len(rows) * columns].reshape(*dw.shape[:3], columns)


def backward(
    dcur: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    padding: int,
    pad_value: Any,
    need_dx: bool,
    packed: np.ndarray | None = None,
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """Return the gradients dx (F, H, W, C) or None, dw (k, k, C, M), db (M,) of :func:`forward`."""
    dx = input_gradient(dcur, x.shape, w, padding, packed) if need_dx else None
    product = outer(dcur, x, w.shape[0], padding, pad_value, are_few([x], w.shape, padding, pad_value))
    dw = weight_gradient(w)
    for share in shares(product, 1):
        add_weight_gradient(product, share, dw)
    return dx, trimmed(dw, w.shape[3]), product.db[: w.shape[3]]


def _sparse_windows(x, packed, bias, border, out):
    size = packed.shape[1]
    if size == 1 and border == 0 and x.shape[1] >= out.shape[1] and x.shape[2] >= out.shape[2]:
        x, out = _in_one_frame(x, out)
        sparse.pixels(x, packed, bias, out, scratch("events", x.shape[3] + 8, np.int32))
        return
    _, height, width, channels = x.shape
    events = scratch("events", height * (width * channels + 8), np.int32).reshape(height, -1)
    first = scratch("firsts", height * (width + 1), np.int32).reshape(height, -1)
    sparse.windows(x, packed, bias, border, border, out, events, first)


def _in_one_frame(x, cur):
    """Return inputs and currents of a 1x1 kernel as (1, 1, pixels, C): which pixel is in which frame does not
    matter.
    """
    x = np.ascontiguousarray(x[:, : cur.shape[1], : cur.shape[2]])
    return x.reshape(1, 1, -1, x.shape[3]), cur.reshape(1, 1, -1, cur.shape[3])


def _up(columns):
    """`columns` rounded up to whole vectors."""
    return -(-columns // WIDTH) * WIDTH


@cache
def _taps(size, channels, columns):
    """Return the two offsets of each column kx and vector of columns that ``sparse.weights`` adds up."""
    kx, vector = np.repeat(np.arange(size), columns // WIDTH), np.tile(np.arange(0, columns, WIDTH), size)
    return np.stack([vector - kx * columns, vector + kx * channels * columns], axis=1)


def _few(parts, inputs, columns):
    """Return True if so few numbers are not 0 that the sparse products are faster; a sample tells, for the choice
    changes no bit.
    """
    samples = [part[slice(*sampled(len(part), part[0].size))] for part in parts]
    found = sum(np.count_nonzero(sample) for sample in samples)
    return found < dense_from(parts[0].dtype == np.uint8, inputs, columns) * sum(sample.size for sample in samples)


def dense_from(spikes: bool, inputs: int, columns: int) -> float:
    """Return the share of numbers that are not 0 from which on dense products are faster, for windows with rows of
    `inputs`.

    Measured: a spike costs a dense product 0.6 times what it costs a sparse one, or 0.45 if the weights of a window's
    row do not fit into the nearest cache; a number that is not a spike 0.55 and 0.42. A row begins at the cost of 23
    vectors of weights, and to list the inputs costs a fifth of a dense product with one vector of columns.
    """
    worth = (0.6 if inputs <= NEAR else 0.45) if spikes else (0.55 if inputs <= NEAR else 0.42)
    return worth - 23 / (inputs * 2) if columns > WIDTH else worth - 0.2 - 23 / inputs


@kernel
def sampled(frames, numbers):
    """Return where a sample of `frames`, of so many `numbers` each, begins and ends: some from the middle."""
    middle = frames // 2
    return middle, min(middle + max(SAMPLE // numbers, 1), frames)


def whole(b: np.ndarray) -> np.ndarray:
    """Return biases filled up with 0 to whole groups."""
    columns = groups_of(len(b)) * GROUP
    if len(b) == columns:
        return b
    bias = zeros((columns,), b.dtype)
    bias[: len(b)] = b
    return bias


@cache
def _no_bias(columns, dtype):
    return zeros((columns,), dtype)


def _padded(x, padding, pad_value, dtype):
    height, width = x.shape[1] + 2 * padding, x.shape[2] + 2 * padding
    return framed(x, padding, padding, height, width, pad_value, dtype)


@kernel
def _trim(rows, columns, flat):
    """Move the first `columns` of each row to the front of `flat`, which is the same memory."""
    for row in range(len(rows)):
        for i in range(columns):
            flat[row * columns + i] = rows[row, i]


@kernel
def _pack(w, packed, low, high):
    """Copy rows of weights from `low` to `high`, but not where they are there already: to read costs less."""
    columns = w.shape[1]
    for row in range(low, high):
        for group in range(len(packed)):
            first = group * GROUP
            count, changed = min(GROUP, columns - first), False
            for i in range(count):
                changed |= packed[group, row, i] != w[row, first + i]
            for i in range(count, GROUP):
                changed |= packed[group, row, i] != 0
            if changed:
                for i in range(count):
                    packed[group, row, i] = w[row, first + i]
                packed[group, row, count:] = 0


@kernel
def _pack_transpose(w, packed, low, high):
    """Copy groups of channels from `low` to `high`."""
    taps, channels, columns = w.shape
    for group in range(low, high):
        first = group * GROUP
        if first + GROUP > channels:
            packed[group] = 0
        for tap in range(taps):
            for column0 in range(0, columns, WIDTH):  # in squares, so that what is read and written stays in the cache
                for i in range(min(GROUP, channels - first)):
                    for column in range(column0, min(column0 + WIDTH, columns)):
                        packed[group, tap, column, i] = w[taps - 1 - tap, first + i, column]


@kernel
def _border(dcur, margin, wide, db):
    """Copy dcur (F, h, w, M) into frames with wider rows of whole vectors, and add the sum of each column to db.

    A margin of zeros is on the left, the rest on the right; a negative one cuts columns of pixels off.
    """
    frames, h, w, columns = dcur.shape
    _, _, width, whole = wide.shape
    d_flat, wide_flat = dcur.reshape(-1), wide.reshape(-1)
    zero = load(db, 0) - load(db, 0)
    for f in range(frames):
        for column in range(0, columns, WIDTH):
            total = zero
            for y in range(h):
                for x in range(width):
                    inside, vector = 0 <= x - margin < w, zero
                    if inside:
                        at = ((f * h + y) * w + x - margin) * columns + column
                        vector = load_some(d_flat, at, columns - column)
                        total = total + vector
                    store(wide_flat, ((f * h + y) * width + x) * whole + column, vector)
            store(db, column, load(db, column) + total)
        if margin < 0 or margin + w > width:  # pixels that were cut off count in the sum
            for column in range(0, columns, WIDTH):
                total = load(db, column)
                for y in range(h):
                    for x in range(w):
                        if not 0 <= x + margin < width:
                            at = ((f * h + y) * w + x) * columns + column
                            total = total + load_some(d_flat, at, columns - column)
                store(db, column, total)
