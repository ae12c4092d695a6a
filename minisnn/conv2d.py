"""Convolution with stride 1: cur[y, x] = sum over ky, kx of x[y + ky - p, x + kx - p] @ w[ky, kx] + b.

As everywhere in deep learning this is a correlation: the kernel is not flipped. The reference gathers the
window of every output into a row (im2col) and multiplies once.
"""

from typing import Any

import numpy as np

from . import layer


def _pad(x, padding, pad_value):
    """Return `x` (F, H, W, C) with a border of `padding` pixels of `pad_value` (a number, or one per channel)."""
    if padding == 0:
        return x
    frames, height, width, channels = x.shape
    padded = np.empty((frames, height + 2 * padding, width + 2 * padding, channels), x.dtype)
    padded[:] = np.asarray(pad_value, x.dtype)
    padded[:, padding:-padding, padding:-padding] = x
    return padded


def _windows(padded, kernel, frame):
    """Return the first `frame` = (h, w) windows of `padded` (F, H, W, C) as a view (F, h, w, k, k, C)."""
    view = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(1, 2))
    return view[:, : frame[0], : frame[1]].transpose(0, 1, 2, 4, 5, 3)


def forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    padding: int = 0,
    pad_value: float | tuple[float, ...] = 0.0,
    frame: tuple[int, int] | None = None,
) -> np.ndarray:
    """Return the currents of a convolution.

    Parameters
    ----------
    x : ndarray of shape (T, B, H, W, C)
        Spikes 0/1, or any input of one dtype with `w`.
    w : ndarray of shape (k, k, C, M)
    b : ndarray of shape (M,)
    padding : int, default 0
        Pixels added on each side.
    pad_value : float or ndarray of shape (C,), default 0
        Their value: the code of a pixel of value 0 (0 for spikes).
    frame : (h, w), optional
        Number of rows and columns of outputs to compute; all by default.

    Returns
    -------
    cur : ndarray of shape (T, B, h, w, M)

    Examples
    --------
    >>> x = np.arange(9.0).reshape(1, 1, 3, 3, 1)
    >>> forward(x, np.ones((2, 2, 1, 1)), np.zeros(1))[0, 0, :, :, 0]
    array([[ 8., 12.],
           [20., 24.]])
    """
    kernel = w.shape[0]
    height, width = x.shape[2] + 2 * padding - kernel + 1, x.shape[3] + 2 * padding - kernel + 1
    frame = (height, width) if frame is None else frame
    padded = _pad(x.reshape(-1, *x.shape[2:]), padding, pad_value)
    columns = _windows(padded, kernel, frame).reshape(-1, w[..., 0].size)
    cur = columns @ w.reshape(-1, w.shape[-1]) + b
    return cur.reshape(*x.shape[:2], *frame, w.shape[-1])


def backward(
    dcur: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    padding: int = 0,
    pad_value: float | tuple[float, ...] = 0.0,
    need_dx: bool = True,
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """Undo :func:`forward`.

    Parameters
    ----------
    dcur : ndarray of shape (T, B, h, w, M)
        Gradient of the loss with respect to the currents.
    x, w, padding, pad_value
        As given to :func:`forward`.
    need_dx : bool, default True
        False for the first layer, whose inputs need no gradient.

    Returns
    -------
    dx : ndarray of shape (T, B, H, W, C), or None
    dw : ndarray of shape (k, k, C, M)
    db : ndarray of shape (M,)

    Examples
    --------
    >>> x = np.arange(9.0).reshape(1, 1, 3, 3, 1)
    >>> dx, dw, db = backward(np.ones((1, 1, 2, 2, 1)), x, np.ones((2, 2, 1, 1)))
    >>> dx[0, 0, :, :, 0].tolist()
    [[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]
    >>> dw[:, :, 0, 0].tolist(), db.tolist()
    ([[8.0, 12.0], [20.0, 24.0]], [4.0])
    """
    kernel, frame = w.shape[0], dcur.shape[2:4]
    padded = _pad(x.reshape(-1, *x.shape[2:]), padding, pad_value)
    rows = dcur.reshape(-1, dcur.shape[-1])
    # cur = columns @ w + b
    columns = _windows(padded, kernel, frame).reshape(rows.shape[0], -1)
    dw = (columns.T @ rows).reshape(w.shape)
    db = rows.sum(axis=0)
    if not need_dx:
        return None, dw, db
    dcolumns = (rows @ w.reshape(-1, w.shape[-1]).T).reshape(-1, *frame, *w.shape[:3])
    # columns[y, x, ky, kx] = padded[y + ky, x + kx]
    dpadded = np.zeros_like(padded, dtype=dcur.dtype)
    for ky in range(kernel):
        for kx in range(kernel):
            dpadded[:, ky : ky + frame[0], kx : kx + frame[1]] += dcolumns[:, :, :, ky, kx]
    # padded[p:-p, p:-p] = x
    dx = dpadded[:, padding : padding + x.shape[2], padding : padding + x.shape[3]]
    return dx.reshape(x.shape), dw, db


class Layer(layer.Layer):
    """A convolution; it computes the currents that lie in whole pooling windows."""

    def forward(self, x: np.ndarray, column: Any = None, **engine: Any) -> np.ndarray:
        """Return the currents of the maps `x`."""
        run, frame = (column.forward if column else forward), self.shape.cur_shape[:2]
        return run(x, self.w, self.b, self.shape.padding, self.pad_value, frame, **engine)

    def backward(
        self, dcur: np.ndarray, x: np.ndarray, need_dx: bool = True, column: Any = None, **engine: Any
    ) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
        """Return (dx, dw, db)."""
        run = column.backward if column else backward
        return run(dcur, x, self.w, self.shape.padding, self.pad_value, need_dx, **engine)
