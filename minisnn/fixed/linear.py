"""Fully connected layer in integers: one row of weights for each input that is not 0. See ``minisnn/linear.py``."""

from typing import Any

import numpy as np


def add_frame(integers: Any, x: np.ndarray, low: int, high: int, mem: np.ndarray) -> tuple[int, int]:
    """Add a frame to the membranes of an IntegerLayer; return the numbers of inputs and additions."""
    return add(x.reshape(-1), integers.w, integers.guard, low, high, mem)


def add(x: np.ndarray, w: np.ndarray, guard: int, low: int, high: int, mem: np.ndarray) -> tuple[int, int]:
    """Compute mem[m] = sat(mem[m] + (x[i]*w[i, m] << guard)) for all inputs, in ascending order.

    Parameters
    ----------
    x : ndarray of shape (N,), unsigned
        Spikes 0/1, or pixels.
    w : ndarray of shape (N, M), int16
    guard : int
        Fraction bits of the membrane below the weights' unit.
    low, high : int
        The range in which the membrane saturates.
    mem : ndarray of shape (M,), int32 or int64
        Changed in place.

    Returns
    -------
    inputs, additions : int
        Number of inputs that are not 0, and of weights added.

    Examples
    --------
    Two spikes, and membranes of 4 bits, -8 to 7, with one fraction bit: 2 + 10 saturates, and 4 - 12 just does not.

    >>> import numpy as np
    >>> w, mem = np.array([[1, 2], [3, 4], [5, -6]], np.int16), np.zeros(2, np.int32)
    >>> add(np.array([1, 0, 1], np.uint8), w, 1, -8, 7, mem), mem.tolist()
    ((2, 4), [7, -8])
    """
    inputs = 0
    for i in range(len(x)):
        if x[i] != 0:
            inputs += 1
            factor = mem.dtype.type(x[i]) << guard
            for m in range(len(mem)):
                mem[m] = min(max(mem[m] + w[i, m] * factor, low), high)
    return inputs, inputs * len(mem)
