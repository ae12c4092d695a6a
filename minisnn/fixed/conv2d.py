"""Convolution in integers: each input is scattered into the neurons that it reaches. See ``minisnn/conv2d.py``."""

from typing import Any

import numpy as np


def add_frame(integers: Any, x: np.ndarray, low: int, high: int, mem: np.ndarray) -> tuple[int, int]:
    """Add a frame to the membranes of an IntegerLayer; return the numbers of inputs and additions."""
    return add(x, integers.w, integers.layer.padding, integers.guard, low, high, mem)


def add(
    x: np.ndarray, w: np.ndarray, padding: int, guard: int, low: int, high: int, mem: np.ndarray
) -> tuple[int, int]:
    """Add all inputs of a frame to the neurons that they reach, as ``fixed.linear.add`` does for a flat row.

    The input at (y, x, c) reaches the neuron at (y + p - ky, x + p - kx) through w[ky, kx, c]. Inputs come in
    ascending address (y*W + x)*C + c, so each neuron's sum runs in ascending address too. Taps that lead outside
    the frame of neurons add nothing.

    Parameters
    ----------
    x : ndarray of shape (H, W, C), unsigned
        Spikes 0/1, or pixels.
    w : ndarray of shape (k, k, C, M), int16
    padding : int
    guard : int
        Fraction bits of the membrane below the weights' unit.
    low, high : int
        The range in which the membrane saturates.
    mem : ndarray of shape (h, w, M), int32 or int64
        Changed in place.

    Returns
    -------
    inputs, additions : int
        Number of inputs that are not 0, and of weights added.

    Examples
    --------
    A spike in the middle reaches four neurons, each through another tap; one in the corner reaches a single neuron.

    >>> import numpy as np
    >>> w = np.array([[1, 2], [3, 4]], np.int16).reshape(2, 2, 1, 1)
    >>> for place in ((1, 1), (0, 0)):
    ...     x, mem = np.zeros((3, 3, 1), np.uint8), np.zeros((2, 2, 1), np.int32)
    ...     x[place] = 1
    ...     print(add(x, w, 0, 0, -128, 127, mem), mem[:, :, 0].tolist())
    (1, 4) [[4, 3], [2, 1]]
    (1, 1) [[1, 0], [0, 0]]
    """
    height, width, channels = x.shape
    h, w_out, maps = mem.shape
    size = w.shape[0]
    inputs, taps = 0, 0
    for y in range(height):
        for x0 in range(width):
            for c in range(channels):
                if x[y, x0, c] == 0:
                    continue
                inputs += 1
                factor = mem.dtype.type(x[y, x0, c]) << guard
                for ky in range(max(y + padding - h + 1, 0), min(size, y + padding + 1)):
                    for kx in range(max(x0 + padding - w_out + 1, 0), min(size, x0 + padding + 1)):
                        taps += 1
                        neurons, weights = mem[y + padding - ky, x0 + padding - kx], w[ky, kx, c]
                        for m in range(maps):
                            neurons[m] = min(max(neurons[m] + weights[m] * factor, low), high)
    return inputs, taps * maps
