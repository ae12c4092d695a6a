"""Pooling of spikes 0/1 (uint8). See ``minisnn/maxpool.py``."""

import numpy as np

from .simd import kernel


def forward(spk, k):
    """As ``minisnn.maxpool.forward`` for spikes as uint8: the OR of each window.

    Examples
    --------
    >>> from minisnn import maxpool as reference
    >>> spk = np.array([[1, 1, 0, 0], [0, 1, 0, 0]], np.uint8).reshape(1, 1, 2, 4, 1)
    >>> forward(spk, 2).ravel(), reference.forward(spk, 2).ravel()
    (array([1, 0], dtype=uint8), array([1, 0], dtype=uint8))
    """
    steps, batch, height, width, channels = spk.shape
    pooled = np.zeros((steps, batch, height // k, width // k, channels), np.uint8)
    _forward(spk.reshape(-1, height, width, channels), k, pooled.reshape(-1, height // k, width // k, channels))
    return pooled


def backward(dpooled, spk, k):
    """As ``minisnn.maxpool.backward``: the gradient goes to the first spike, or to the first neuron.

    Examples
    --------
    >>> from minisnn import maxpool as reference
    >>> spk = np.array([[0, 1, 0, 0], [0, 1, 0, 0]], np.uint8).reshape(1, 1, 2, 4, 1)
    >>> dpooled = np.array([5, 7], np.float32).reshape(1, 1, 1, 2, 1)
    >>> for function in (backward, reference.backward):
    ...     function(dpooled, spk, 2)[0, 0, :, :, 0].tolist()
    [[0.0, 5.0, 7.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    [[0.0, 5.0, 7.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    steps, batch, height, width, channels = spk.shape
    dspk = np.zeros(spk.shape, dpooled.dtype)
    _backward(
        dpooled.reshape(-1, *dpooled.shape[2:]),
        spk.reshape(-1, height, width, channels),
        k,
        dspk.reshape(-1, height, width, channels),
    )
    return dspk


@kernel
def _forward(spk, k, pooled):
    frames, h, w, channels = pooled.shape
    for f in range(frames):
        for y in range(h * k):
            for x in range(w * k):
                for c in range(channels):
                    pooled[f, y // k, x // k, c] |= spk[f, y, x, c]


@kernel
def _backward(dpooled, spk, k, dspk):
    frames, h, w, channels = dpooled.shape
    for f in range(frames):
        for y in range(h):
            for x in range(w):
                for c in range(channels):
                    first = 0
                    for j in range(k * k):
                        if spk[f, y * k + j // k, x * k + j % k, c]:
                            first = j
                            break
                    dspk[f, y * k + first // k, x * k + first % k, c] = dpooled[f, y, x, c]
