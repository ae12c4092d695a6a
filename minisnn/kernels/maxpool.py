"""Pooling of spikes 0/1 (uint8), or of currents. See ``minisnn/maxpool.py``."""

import numpy as np

from .simd import kernel


def forward(spk: np.ndarray, k: int) -> np.ndarray:
    """Return the maximum of each window, as ``minisnn.maxpool.forward``."""
    steps, batch, height, width, channels = spk.shape
    pooled = np.empty((steps, batch, height // k, width // k, channels), spk.dtype)
    _forward(spk.reshape(-1, height, width, channels), k, pooled.reshape(-1, height // k, width // k, channels))
    return pooled


def backward(dpooled: np.ndarray, spk: np.ndarray, k: int) -> np.ndarray:
    """Give the gradient to the first maximum of a window, as ``minisnn.maxpool.backward``."""
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
        for y in range(h):
            for x in range(w):
                for c in range(channels):
                    first = _first_maximum(spk[f], y * k, x * k, c, k)
                    pooled[f, y, x, c] = spk[f, y * k + first // k, x * k + first % k, c]


@kernel
def _backward(dpooled, spk, k, dspk):
    frames, h, w, channels = dpooled.shape
    for f in range(frames):
        for y in range(h):
            for x in range(w):
                for c in range(channels):
                    first = _first_maximum(spk[f], y * k, x * k, c, k)
                    dspk[f, y * k + first // k, x * k + first % k, c] = dpooled[f, y, x, c]


@kernel
def _first_maximum(frame, y, x, c, k):
    """Return the first place, in reading order, of the maximum of the window whose corner is at (y, x)."""
    first, most = 0, frame[y, x, c]
    for j in range(1, k * k):
        value = frame[y + j // k, x + j % k, c]
        if value > most:
            first, most = j, value
    return first
