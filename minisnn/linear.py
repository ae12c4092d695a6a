"""Fully connected layer: cur = spk @ w + b."""

from typing import Any

import numpy as np

from . import layer


def forward(spk: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the currents of a fully connected layer.

    Parameters
    ----------
    spk : ndarray of shape (T, B, N)
        Spikes 0/1, or any input of one dtype with `w`.
    w : ndarray of shape (N, M)
    b : ndarray of shape (M,)

    Returns
    -------
    cur : ndarray of shape (T, B, M)

    Examples
    --------
    >>> forward(np.ones((1, 1, 2)), np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.5, 0.0]))
    array([[[4.5, 6. ]]])
    """
    return spk @ w + b


def backward(
    dcur: np.ndarray, spk: np.ndarray, w: np.ndarray, need_dx: bool = True
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """Undo :func:`forward`.

    Parameters
    ----------
    dcur : ndarray of shape (T, B, M)
        Gradient of the loss with respect to the currents.
    spk, w
        As given to :func:`forward`.
    need_dx : bool, default True
        False for the first layer, whose inputs need no gradient.

    Returns
    -------
    dx : ndarray of shape (T, B, N), or None
    dw : ndarray of shape (N, M)
    db : ndarray of shape (M,)

    Examples
    --------
    >>> dx, dw, db = backward(np.ones((1, 1, 1)), np.full((1, 1, 2), 3.0), np.array([[1.0], [2.0]]))
    >>> dx.tolist(), dw.tolist(), db.tolist()
    ([[[1.0, 2.0]]], [[3.0], [3.0]], [1.0])
    """
    rows = dcur.reshape(-1, dcur.shape[-1])
    # cur = spk @ w + b
    dx = dcur @ w.T if need_dx else None
    dw = spk.reshape(-1, spk.shape[-1]).T @ rows
    db = rows.sum(axis=0)
    return dx, dw, db


class Layer(layer.Layer):
    """A fully connected layer. Maps are flattened: the input at (y, x, c) is number (y*W + x)*C + c."""

    def inputs(self, x: np.ndarray) -> np.ndarray:
        """Flatten maps, (T, B, H, W, C), to rows, (T, B, N)."""
        return x.reshape(*x.shape[:2], -1)

    def forward(self, x: np.ndarray, column: Any = None, **engine: Any) -> np.ndarray:
        """Return the currents of the rows `x`."""
        return (column.forward if column else forward)(x, self.w, self.b, **engine)

    def backward(
        self, dcur: np.ndarray, x: np.ndarray, need_dx: bool = True, column: Any = None, **engine: Any
    ) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
        """Return (dx, dw, db)."""
        return (column.backward if column else backward)(dcur, x, self.w, need_dx, **engine)
