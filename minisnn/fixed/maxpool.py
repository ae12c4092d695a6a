"""Pool of spikes: OR. See ``minisnn/maxpool.py``."""

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
