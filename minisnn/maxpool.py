"""Pooling: the maximum of each k x k window, which for spikes 0/1 is their OR; or of currents, before the neurons."""

import numpy as np


def _windows(x, k):
    """Return the windows of `x` (T, B, H, W, C) in reading order, (T, B, h, w, k*k, C), without rows of no whole
    window.
    """
    steps, batch, height, width, channels = x.shape
    h, w = height // k, width // k
    x = x[:, :, : h * k, : w * k].reshape(steps, batch, h, k, w, k, channels)
    return x.transpose(0, 1, 2, 4, 3, 5, 6).reshape(steps, batch, h, w, k * k, channels)


def forward(spk: np.ndarray, k: int) -> np.ndarray:
    """Pool spikes, or currents.

    Parameters
    ----------
    spk : ndarray of shape (T, B, H, W, C)
    k : int
        Side of the window, and the stride. Rows and columns of no whole window are dropped.

    Returns
    -------
    pooled : ndarray of shape (T, B, H // k, W // k, C)

    Examples
    --------
    >>> forward(np.array([0.0, 1.0, 0.0, 0.0]).reshape(1, 1, 2, 2, 1), 2).ravel()
    array([1.])
    """
    return _windows(spk, k).max(axis=4)


def backward(dpooled: np.ndarray, spk: np.ndarray, k: int) -> np.ndarray:
    """Undo :func:`forward`: the gradient goes to the first maximum of each window, as in PyTorch.

    In a silent window every neuron is a maximum, so its first neuron gets the gradient: that is how a silent window can
    learn to spike.

    Parameters
    ----------
    dpooled : ndarray of shape (T, B, H // k, W // k, C)
    spk, k
        As given to :func:`forward`.

    Returns
    -------
    dspk : ndarray of shape (T, B, H, W, C)

    Examples
    --------
    >>> spk = np.array([0.0, 1.0, 1.0, 0.0]).reshape(1, 1, 2, 2, 1)
    >>> backward(np.full((1, 1, 1, 1, 1), 5.0), spk, 2).ravel()
    array([0., 5., 0., 0.])
    """
    windows = _windows(spk, k)
    # pooled = max(windows)
    first = windows.argmax(axis=4)[:, :, :, :, None]  # NumPy's argmax is the first one
    dwindows = np.zeros(windows.shape, dpooled.dtype)
    np.put_along_axis(dwindows, first, dpooled[:, :, :, :, None], axis=4)
    steps, batch, h, w, _, channels = windows.shape
    dspk = np.zeros(spk.shape, dpooled.dtype)
    dspk[:, :, : h * k, : w * k] = (
        dwindows.reshape(steps, batch, h, w, k, k, channels)
        .transpose(0, 1, 2, 4, 3, 5, 6)
        .reshape(steps, batch, h * k, w * k, channels)
    )
    return dspk
