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


def framed(x, offset, height, width, value=0.0):
    """`x` (F, h, w, C) moved by (offset, offset) in a frame of (height, width) full of `value`.

    Rows and columns that fall outside are cut off; channels are filled up with 0 to a multiple of LANES if
    `value` is None (a frame of gradients).
    """
    frames, h, w, channels = x.shape
    full = -(-channels // LANES) * LANES if value is None else channels
    if offset == 0 and (height, width, full) == x.shape[1:]:
        return x
    out = np.zeros((frames, height, width, full), x.dtype)
    if value is not None and np.any(value):
        out[:] = np.asarray(value, x.dtype)
    top, source = max(offset, 0), max(-offset, 0)
    rows, columns = min(h - source, height - top), min(w - source, width - top)
    if rows > 0 and columns > 0:
        out[:, top:top + rows, top:top + columns, :channels] = x[:, source:source + rows, source:source + columns]
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
    bias = blocks(b[None]).reshape(-1)
    out = np.empty((len(x), *frame, w.shape[3]), w.dtype)
    if _go_sparse(x, padding, pad_value):
        products.sparse(x, packed, bias, w.shape[0], padding, out)
    else:
        products.dense(_padded(x, padding, pad_value, w.dtype), packed, bias, w.shape[0], out)
    return out


def backward(dcur, x, w, padding, pad_value, need_dx, packed=None):
    """Gradients dx (F, H, W, C) or None, dw (k, k, C, M), db (M,) of :func:`forward`."""
    kernel, columns = w.shape[0], w.shape[3]
    dw = np.zeros((kernel, kernel, x.shape[3], _up(columns)), w.dtype)
    # cur[y] takes w[ky] from x[y + ky - p], so x[y] gives w[ky] to cur[y + p - ky]: the gradient of the
    # inputs is a convolution too, of dcur in this border with the flipped kernel.
    bordered = framed(dcur, kernel - 1 - padding, x.shape[1] + kernel - 1, x.shape[2] + kernel - 1, None)
    if _go_sparse(x, padding, pad_value):
        products.sparse_weights(x, bordered, kernel, dw)
    else:
        gradient = framed(dcur, 0, *dcur.shape[1:3], None)
        products.dense_weights(_padded(x, padding, pad_value, w.dtype), gradient, kernel, dw)
    dx = None
    if need_dx:
        packed = pack_transpose(w) if packed is None else packed
        dx = np.empty(x.shape, w.dtype)
        products.dense(bordered, packed, np.zeros(packed.shape[0] * LANES, w.dtype), kernel, dx)
    return dx, np.ascontiguousarray(dw[..., :columns]), dcur.sum(axis=(0, 1, 2))


def _up(channels):
    """`channels` rounded up to whole blocks."""
    return -(-channels // LANES) * LANES


def _go_sparse(x, padding, pad_value):
    """Whether `x` are spikes, and at most one half of them: then the sparse products are faster."""
    if x.dtype != np.uint8 or (padding and np.any(pad_value)):
        return False
    return 2 * np.count_nonzero(x.view(np.bool_)) <= x.size


def _padded(x, padding, pad_value, dtype):
    height, width = x.shape[1] + 2 * padding, x.shape[2] + 2 * padding
    return framed(x.astype(dtype, copy=False), padding, height, width, pad_value)
