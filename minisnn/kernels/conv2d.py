"""Convolution with stride 1; skips silent inputs. See ``minisnn/conv2d.py`` for the equations."""

from . import windows


def forward(x, w, b, padding=0, pad_value=0.0, frame=None, packed=None):
    """As ``minisnn.conv2d.forward``; spikes as uint8 (T, B, H, W, C) go the sparse way.

    `packed` is ``windows.pack(w)`` where the caller has it already.

    Examples
    --------
    >>> import numpy as np
    >>> from minisnn import conv2d as reference
    >>> spk = np.array([[0, 1, 0], [0, 0, 0], [1, 0, 0]], np.uint8).reshape(1, 1, 3, 3, 1)
    >>> w, b = np.array([[1, 2], [3, 4]], np.float32).reshape(2, 2, 1, 1), np.zeros(1, np.float32)
    >>> forward(spk, w, b).ravel().tolist(), reference.forward(spk.astype(w.dtype), w, b).ravel().tolist()
    ([2.0, 1.0, 3.0, 0.0], [2.0, 1.0, 3.0, 0.0])
    """
    if frame is None:
        frame = [n + 2 * padding - w.shape[0] + 1 for n in x.shape[2:4]]
    cur = windows.forward(x.reshape(-1, *x.shape[2:]), w, b, padding, pad_value, frame, packed)
    return cur.reshape(*x.shape[:2], *cur.shape[1:])


def backward(dcur, x, w, padding=0, pad_value=0.0, need_dx=True, packed=None):
    """As ``minisnn.conv2d.backward``; `packed` is ``windows.pack_transpose(w)`` where the caller has it.

    Examples
    --------
    >>> import numpy as np
    >>> from minisnn import conv2d as reference
    >>> spk = np.array([[0, 1, 0], [0, 0, 0], [1, 0, 0]], np.uint8).reshape(1, 1, 3, 3, 1)
    >>> w, dcur = np.array([[1, 2], [3, 4]], np.float32).reshape(2, 2, 1, 1), np.ones((1, 1, 2, 2, 1), np.float32)
    >>> for dx, dw, db in (backward(dcur, spk, w), reference.backward(dcur, spk.astype(w.dtype), w)):
    ...     print(dx[0, 0, 0, :, 0], dw.ravel(), db)  # of the inputs, their first row
    [1. 3. 2.] [1. 1. 1. 0.] [4.]
    [1. 3. 2.] [1. 1. 1. 0.] [4.]
    """
    dx, dw, db = windows.backward(
        dcur.reshape(-1, *dcur.shape[2:]), x.reshape(-1, *x.shape[2:]), w, padding, pad_value, need_dx, packed
    )
    return dx.reshape(x.shape) if need_dx else None, dw, db
