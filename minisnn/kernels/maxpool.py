"""Pooling of spikes 0/1 (uint8). See ``minisnn/maxpool.py``."""

import numpy as np

from .simd import kernel


def forward(spk: np.ndarray, k: int) -> np.ndarray:
    """Return the OR of each window, as ``minisnn.maxpool.forward``; spikes are uint8."""
    steps, batch, height, width, channels = spk.shape
    pooled = np.zeros((steps, batch, height // k, width // k, channels), np.uint8)
    _forward(spk.reshape(-1, height, width, channels), k, pooled.reshape(-1, height // k, width // k, channels))
    return pooled


def backward(dpooled: np.ndarray, spk: np.ndarray, k: int) -> np.ndarray:
    """Give the gradient to the first spike of a window, or to its first neuron, as ``minisnn.maxpool.backward``."""
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
