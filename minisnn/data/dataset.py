"""The images and labels of a data set."""

import zlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Dataset:
    """Images and labels, in a training and a test part.

    Attributes
    ----------
    name : str
    x_train, x_test : ndarray of shape (n, H, W, C) or (n, N)
        Raw values: uint8, or float32.
    y_train, y_test : ndarray of int64, shape (n,)
        0 to classes - 1.
    classes : int
    max_value : float
        The largest value that a pixel can take.
    ordered : bool
        Neighbours belong together (one photograph, one writer), so a validation part must be cut from the tail.

    Examples
    --------
    Arrays in memory need no file:

    >>> rng = np.random.default_rng(0)
    >>> x = rng.integers(0, 256, (50, 6, 4, 3), np.uint8)
    >>> y = rng.integers(0, 2, 50)
    >>> data = Dataset("mine", x[:40], y[:40], x[40:], y[40:], classes=2, max_value=255.0, ordered=False)
    >>> data.input_shape  # as Network takes it
    (6, 4, 3)
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: int
    max_value: float
    ordered: bool

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one image: (H, W, C) or (N,)."""
        return self.x_train.shape[1:]

    def fingerprint(self) -> dict[str, str | int]:
        """Identify the training part: its name, its size, and the CRC-32 of its images and then its labels."""
        digest = 0
        for array in (self.x_train, self.y_train):
            digest = zlib.crc32(np.ascontiguousarray(array).data, digest)
        return {"dataset": self.name, "images": len(self.x_train), "digest": digest}
