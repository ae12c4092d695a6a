"""Pools of spikes (OR) and of currents (maximum). See ``minisnn/maxpool.py``."""

import numpy as np


def pool(spk: np.ndarray, size: int, out: np.ndarray) -> None:
    """Set out[y, x, c] to 1 if any of the size x size spikes of its window is 1.

    Parameters
    ----------
    spk : ndarray of shape (H, W, C), uint8
    size : int
        Window of the pool; rows and columns beyond whole windows are ignored.
    out : ndarray of shape (H // size, W // size, C), uint8
        Overwritten.

    Examples
    --------
    >>> import numpy as np
    >>> spk = np.array([[1, 1, 0, 0], [0, 1, 0, 0]], np.uint8)[:, :, None]
    >>> out = np.empty((1, 2, 1), np.uint8)
    >>> pool(spk, 2, out)
    >>> out.ravel().tolist()
    [1, 0]
    """
    out[:] = 0
    for y in range(out.shape[0] * size):
        for x in range(out.shape[1] * size):
            for c in range(out.shape[2]):
                out[y // size, x // size, c] |= spk[y, x, c]


def add_largest(cur: np.ndarray, size: int, low: int, high: int, mem: np.ndarray) -> None:
    """Add the largest of the size x size currents of each window to its neuron's membrane.

    Parameters
    ----------
    cur : ndarray of shape (h * size, w * size, C), int64
        The currents of one step, which do not saturate by themselves.
    size : int
        Window of the pool.
    low, high : int
        The range in which the membrane saturates.
    mem : ndarray of shape (h, w, C), int32 or int64
        Changed in place.

    Examples
    --------
    >>> import numpy as np
    >>> cur, mem = np.array([[3, 9, -4, -5], [2, 1, -7, -6]])[:, :, None], np.array([[[1], [1]]], np.int32)
    >>> add_largest(cur, 2, -8, 7, mem)
    >>> mem.ravel().tolist()
    [7, -3]
    """
    height, width, channels = mem.shape
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                most = cur[y * size, x * size, c]
                for j in range(1, size * size):
                    most = max(most, cur[y * size + j // size, x * size + j % size, c])
                mem[y, x, c] = min(max(int(mem[y, x, c]) + int(most), low), high)
