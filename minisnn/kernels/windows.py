"""What `linear` and `conv2d` share: frames and weights laid out for ``products``, and the choice among them.

A linear layer is a convolution with a 1x1 kernel over one frame of T*B pixels.
"""

import numpy as np

from . import products
from .simd import LANES


def blocks(w):
    """Rows of weights (K, M) in blocks of LANES columns, the last filled with 0: (ceil(M/LANES), K, LANES)."""
    rows, columns = w.shape
    packed = np.zeros((-(-columns // LANES), rows, LANES), w.dtype)
    for i, block in enumerate(packed):
        part = w[:, i * LANES:(i + 1) * LANES]
        block[:, :part.shape[1]] = part
    return packed


def framed(x, top, left, height, width, value=0.0):
    """`x` (F, h, w, C) moved by (top, left) in a frame of (height, width) full of `value`.

    Rows and columns that fall outside are cut off.
    """
    frames, h, w, channels = x.shape
    if (top, left, height, width) == (0, 0, h, w):
        return x
    out = np.zeros((frames, height, width, channels), x.dtype)
    if np.any(value):
        out[:] = np.asarray(value, x.dtype)
    y, y_from, x0, x_from = max(top, 0), max(-top, 0), max(left, 0), max(-left, 0)
    rows, columns = min(h - y_from, height - y), min(w - x_from, width - x0)
    if rows > 0 and columns > 0:
        out[:, y:y + rows, x0:x0 + columns] = x[:, y_from:y_from + rows, x_from:x_from + columns]
    return out


def pack(w):
    """Weights (k, k, C, M) as the forward product reads them."""
    return blocks(w.reshape(-1, w.shape[3]))


def pack_transpose(w):
    """Weights (k, k, C, M) flipped and transposed, as the product for the gradient of the inputs reads them."""
    kernel, _, inputs, outputs = w.shape
    flipped = np.zeros((kernel, kernel, _up(outputs), inputs), w.dtype)
    flipped[:, :, :outputs] = w[::-1, ::-1].transpose(0, 1, 3, 2)
    return blocks(flipped.reshape(-1, inputs))


def forward(x, w, b, padding, pad_value, frame, packed=None):
    """Currents (F, h, w, M), `frame` = (h, w), of inputs (F, H, W, C): spikes (uint8) or numbers."""
    packed = pack(w) if packed is None else packed
    bias, rest = blocks(b[None]).reshape(-1), np.zeros(LANES, w.dtype)
    out = np.empty((len(x), *frame, w.shape[3]), w.dtype)
    if _go_sparse(x, padding, pad_value):
        _, height, width, channels = x.shape
        spikes = np.empty((height, width * channels + 1), np.int32)
        first = np.empty((height, width + 1), np.int32)
        products.sparse(x, packed, bias, w.shape[0], padding, out, spikes, first, rest)
    else:
        products.dense(_padded(x, padding, pad_value, w.dtype), packed, bias, w.shape[0], 0, out, rest)
    return out


def backward(dcur, x, w, padding, pad_value, need_dx, packed=None):
    """Gradients dx (F, H, W, C) or None, dw (k, k, C, M), db (M,) of :func:`forward`."""
    size, columns = w.shape[0], w.shape[3]
    frames, height, width, channels = x.shape
    db = dcur.sum(axis=(0, 1, 2))
    if columns % LANES:  # whole blocks
        dcur = np.pad(dcur, ((0, 0), (0, 0), (0, 0), (0, _up(columns) - columns)))
    # cur[x] takes w[kx] from x[x + kx - p], so x[x] gives w[kx] to cur[x + p - kx]: the gradient of the
    # inputs is a convolution too, of dcur with the flipped kernel and this border.
    border = size - 1 - padding
    sparse = _go_sparse(x, padding, pad_value)
    bordered = framed(dcur, 0, border, dcur.shape[1], width + size - 1) if sparse or need_dx else None
    dw = np.zeros((size, size, channels, _up(columns)), w.dtype)
    if sparse:
        pixels = np.empty((channels, height * width + 1), np.int32)
        first = np.empty((channels, height + 1), np.int32)
        products.sparse_weights(x, bordered, size, padding, dw, _taps(size, channels, dw.shape[3]), pixels, first)
    else:
        products.dense_weights(_padded(x, padding, pad_value, w.dtype), dcur, size, dw)
    dx = None
    if need_dx:
        packed = pack_transpose(w) if packed is None else packed
        bias, rest = np.zeros(len(packed) * LANES, w.dtype), np.zeros(LANES, w.dtype)
        dx = np.empty(x.shape, w.dtype)
        products.dense(bordered, packed, bias, size, border, dx, rest)
    return dx, np.ascontiguousarray(dw[..., :columns]), db


def _up(channels):
    """`channels` rounded up to whole blocks."""
    return -(-channels // LANES) * LANES


def _taps(size, channels, columns):
    """See ``products.sparse_weights``."""
    kx, block = np.repeat(np.arange(size), columns // LANES), np.tile(np.arange(0, columns, LANES), size)
    return np.stack([block - kx * columns, block + kx * channels * columns], axis=1)


def _go_sparse(x, padding, pad_value):
    """Whether `x` are spikes, and at most one half of them: then the sparse products are faster."""
    if x.dtype != np.uint8 or (padding and np.any(pad_value)):
        return False
    return 2 * np.count_nonzero(x.view(np.bool_)) <= x.size


def _padded(x, padding, pad_value, dtype):
    height, width = x.shape[1] + 2 * padding, x.shape[2] + 2 * padding
    return framed(np.ascontiguousarray(x, dtype), padding, padding, height, width, pad_value)
