"""Fully connected layer; skips silent inputs. See ``minisnn/linear.py`` for the equations."""

from . import windows


def forward(spk, w, b, packed=None):
    """As ``minisnn.linear.forward``; spikes as uint8 (T, B, N) go the sparse way.

    `packed` is ``windows.pack(w[None, None])`` where the caller has it already.

    Examples
    --------
    >>> import numpy as np
    >>> from minisnn import linear as reference
    >>> spk, w = np.array([[[1, 0, 1]]], np.uint8), np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    >>> b = np.array([0.5, 0.0], np.float32)
    >>> forward(spk, w, b).tolist(), reference.forward(spk, w, b).tolist()
    ([[[6.5, 8.0]]], [[[6.5, 8.0]]])
    """
    rows = spk.shape[0] * spk.shape[1]
    cur = windows.forward(spk.reshape(rows, 1, 1, -1), w[None, None], b, 0, 0.0, (1, 1), packed)
    return cur.reshape(*spk.shape[:2], -1)


def backward(dcur, spk, w, need_dx=True, packed=None):
    """As ``minisnn.linear.backward``; `packed` is ``windows.pack_transpose(w[None, None])`` where known.

    Examples
    --------
    >>> import numpy as np
    >>> from minisnn import linear as reference
    >>> spk, w = np.array([[[1, 0]]], np.uint8), np.array([[1, 2], [3, 4]], np.float32)
    >>> for grads in (backward(np.ones((1, 1, 2), w.dtype), spk, w), reference.backward(np.ones((1, 1, 2)), spk, w)):
    ...     [gradient.tolist() for gradient in grads]
    [[[[3.0, 7.0]]], [[1.0, 1.0], [0.0, 0.0]], [1.0, 1.0]]
    [[[[3.0, 7.0]]], [[1.0, 1.0], [0.0, 0.0]], [1.0, 1.0]]
    """
    rows = spk.shape[0] * spk.shape[1]
    dspk, dw, db = windows.backward(
        dcur.reshape(rows, 1, 1, -1), spk.reshape(rows, 1, 1, -1), w[None, None], 0, 0.0, need_dx, packed
    )
    return dspk.reshape(spk.shape) if need_dx else None, dw[0, 0], db
