"""Shared by `linear` and `conv2d`: frames and weights laid out for ``products``, and the choice among the products.

A linear layer is a convolution with a 1x1 kernel over T*B frames of one pixel.
"""

from typing import Any

import numpy as np

from . import products
from .simd import WIDTH, empty, zeros


def blocks(w: np.ndarray) -> np.ndarray:
    """Return rows of weights (K, M) in blocks of WIDTH columns, the last filled with 0: (ceil(M/WIDTH), K, WIDTH)."""
    rows, columns = w.shape
    packed = zeros((-(-columns // WIDTH), rows, WIDTH), w.dtype)
    for i, block in enumerate(packed):
        part = w[:, i * WIDTH : (i + 1) * WIDTH]
        block[:, : part.shape[1]] = part
    return packed


def framed(x: np.ndarray, top: int, left: int, height: int, width: int, value: Any = 0.0) -> np.ndarray:
    """Return `x` (F, h, w, C) moved by (top, left) in a frame of (height, width) full of `value`.

    Rows and columns that fall outside are cut off.
    """
    frames, h, w, channels = x.shape
    if (top, left, height, width) == (0, 0, h, w):
        return x
    out = zeros((frames, height, width, channels), x.dtype)
    if np.any(value):
        out[:] = np.asarray(value, x.dtype)
    y, y_from, x0, x_from = max(top, 0), max(-top, 0), max(left, 0), max(-left, 0)
    rows, columns = min(h - y_from, height - y), min(w - x_from, width - x0)
    if rows > 0 and columns > 0:
        out[:, y : y + rows, x0 : x0 + columns] = x[:, y_from : y_from + rows, x_from : x_from + columns]
    return out


def pack(w: np.ndarray) -> np.ndarray:
    """Return weights (k, k, C, M) as the forward product reads them: (ceil(M/WIDTH), k, k, C, WIDTH)."""
    return blocks(w.reshape(-1, w.shape[3])).reshape(-1, *w.shape[:3], WIDTH)


def pack_transpose(w: np.ndarray) -> np.ndarray:
    """Return weights (k, k, C, M) flipped and transposed, as the product for the gradient of the inputs reads them."""
    return pack(w[::-1, ::-1].transpose(0, 1, 3, 2))


def forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    padding: int,
    pad_value: Any,
    frame: Any,
    packed: np.ndarray | None = None,
) -> np.ndarray:
    """Return currents (F, h, w, M), `frame` = (h, w), of inputs (F, H, W, C): spikes (uint8) or numbers."""
    packed = pack(w) if packed is None else packed
    bias, rest = blocks(b[None]).reshape(-1), np.zeros(WIDTH, w.dtype)
    out = empty((len(x), *frame, w.shape[3]), w.dtype)
    if _go_sparse(x, padding, pad_value):
        x, cur = _in_one_frame(x, out) if w.shape[0] == 1 and padding == 0 else (x, out)
        _, height, width, channels = x.shape
        spikes = np.empty((height, width * channels + 1), np.int32)
        first = np.empty((height, width + 1), np.int32)
        products.sparse(x, packed, bias, padding, cur, spikes, first, rest)
    else:
        products.dense(_padded(x, padding, pad_value, w.dtype), packed, bias, 0, 0, out, rest)
    return out


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
    size, columns = w.shape[0], w.shape[3]
    db = dcur.reshape(-1, dcur.shape[2] * columns).sum(axis=0).reshape(-1, columns).sum(axis=0)  # long rows are faster
    dx = None
    if need_dx:
        # cur[x] takes w[kx] from x[x + kx - p], so x[x] gives w[kx] to cur[x + p - kx]: the gradient of the
        # inputs is a convolution too, of dcur with the flipped kernel and a border of k - 1 - p.
        packed = pack_transpose(w) if packed is None else packed
        bias, rest = zeros((len(packed) * WIDTH,), w.dtype), np.zeros(WIDTH, w.dtype)
        dx = empty(x.shape, w.dtype)
        products.dense(dcur, packed, bias, size - 1 - padding, size - 1 - padding, dx, rest)
    if columns % WIDTH:  # whole blocks
        whole = zeros((*dcur.shape[:3], _up(columns)), dcur.dtype)
        whole[..., :columns] = dcur
        dcur = whole
    if size == 1 and padding == 0:
        x, dcur = _in_one_frame(x, dcur)
    _, height, width, channels = x.shape
    dw = zeros((size, size, channels, _up(columns)), w.dtype)
    if _go_sparse(x, padding, pad_value):
        bordered = framed(dcur, 0, size - 1 - padding, dcur.shape[1], width + size - 1)
        pixels = np.empty((channels, height * width + 1), np.int32)
        first = np.empty((channels, height + 1), np.int32)
        products.sparse_weights(x, bordered, size, padding, dw, _taps(size, channels, dw.shape[3]), pixels, first)
    else:
        products.dense_weights(_padded(x, padding, pad_value, w.dtype), dcur, size, dw)
    return dx, np.ascontiguousarray(dw[..., :columns]), db


def _in_one_frame(x, cur):
    """Return inputs and currents of a 1x1 kernel as (1, 1, pixels, C): which pixel is in which frame does not
    matter.
    """
    x = x[:, : cur.shape[1], : cur.shape[2]]
    return x.reshape(1, 1, -1, x.shape[3]), cur.reshape(1, 1, -1, cur.shape[3])


def _up(channels):
    """`channels` rounded up to whole blocks."""
    return -(-channels // WIDTH) * WIDTH


def _taps(size, channels, columns):
    """Return the two offsets of each column kx and block of channels that ``products.sparse_weights`` adds up."""
    kx, block = np.repeat(np.arange(size), columns // WIDTH), np.tile(np.arange(0, columns, WIDTH), size)
    return np.stack([block - kx * columns, block + kx * channels * columns], axis=1)


def _go_sparse(x, padding, pad_value):
    """Return True for spikes of which at most one half are set: then the sparse products are faster."""
    if x.dtype != np.uint8 or (padding and np.any(pad_value)):
        return False
    return 2 * np.count_nonzero(x.view(np.bool_)) <= x.size


def _padded(x, padding, pad_value, dtype):
    height, width = x.shape[1] + 2 * padding, x.shape[2] + 2 * padding
    return framed(np.ascontiguousarray(x, dtype), padding, padding, height, width, pad_value)
