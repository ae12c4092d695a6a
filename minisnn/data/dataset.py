"""The images, or recordings, and labels of a data set."""

import zlib
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from .. import check
from ..errors import InputError
from ..terminal import by_x, counted


@dataclass(frozen=True, repr=False)
class Dataset:
    """Images or recordings, and their labels, in a training and a test part.

    Parameters
    ----------
    name : str
    x_train, x_test : ndarray of shape (n, H, W, C) or (n, N); of recordings (n, T, H, W, C) or (n, T, N)
        Raw values: uint8, or float32. Recordings are counts of events in uint8.
    y_train, y_test : ndarray of int64, shape (n,)
        0 to classes - 1.
    classes : int, optional
        By default one more than the largest label.
    max_value : float, optional
        The largest value that a pixel can take: by default 255 for uint8, else the largest in `x_train`.
    ordered : bool, default False
        Neighbours belong together (one photograph, one writer), so a validation part must be cut from the tail.
    num_steps : int, optional
        T of recordings; None for still images.
    about : str, optional
        Words on how the events were binned.
    cut : bool, default False
        The test part was cut off a file that has none.

    Raises
    ------
    InputError
        If images are not finite numbers, or images, labels and classes do not fit together.

    Examples
    --------
    Arrays in memory need no file:

    >>> rng = np.random.default_rng(0)
    >>> x = rng.integers(0, 256, (50, 6, 4, 3), np.uint8)
    >>> y = rng.integers(0, 2, 50)
    >>> data = Dataset("mine", x[:40], y[:40], x[40:], y[40:])
    >>> data
    Dataset(mine: 40 training and 10 test images of 6x4x3, uint8 up to 255, 2 classes)
    >>> data.input_shape  # as Network takes it
    (6, 4, 3)

    Recordings of events have a time axis:

    >>> x = rng.integers(0, 2, (50, 5, 6, 4, 2), np.uint8)
    >>> data = Dataset("mine", x[:40], y[:40], x[40:], y[40:], num_steps=5)
    >>> data
    Dataset(mine: 40 training and 10 test recordings of 5 steps of 6x4x2, uint8 up to 1, 2 classes)
    >>> data.input_shape, data.still().x_train.shape
    ((6, 4, 2), (40, 6, 4, 2))
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: int = None  # type: ignore[assignment]  # given or found, it is a number
    max_value: float = None  # type: ignore[assignment]
    ordered: bool = False
    num_steps: int | None = None
    about: str = ""
    cut: bool = False

    def __post_init__(self):
        if self.classes is None:
            object.__setattr__(self, "classes", _count([self.y_train, self.y_test]))
        check.whole("classes", self.classes)
        for part in ("train", "test"):
            x = self._checked(f"x_{part}", getattr(self, f"x_{part}"))
            y = check.labels(getattr(self, f"y_{part}"), len(x), self.classes, f"y_{part}")
            object.__setattr__(self, f"x_{part}", x)
            object.__setattr__(self, f"y_{part}", y)
        if self.x_test.shape[1:] != self.x_train.shape[1:]:
            raise InputError(f"x_test has images of shape {self.x_test.shape[1:]}, x_train {self.x_train.shape[1:]}")
        if self.max_value is None:
            object.__setattr__(self, "max_value", _largest(self.x_train, self.num_steps is not None))

    def __repr__(self):
        images = counted(len(self.x_test), "test image" if self.num_steps is None else "test recording")
        steps = "" if self.num_steps is None else f" of {self.num_steps} steps"
        return (
            f"Dataset({self.name}: {len(self.x_train):,} training and {images}{steps} of "
            f"{by_x(self.input_shape)}, {self.x_train.dtype} up to {self.max_value:g}, {self.classes} classes)"
        )

    def _checked(self, name, x):
        """Return images or recordings as an array; raise InputError if they have another shape or type."""
        x = check.finite(name, x)
        if self.num_steps is None:
            if x.ndim not in (2, 4):
                raise InputError(f"{name} must have shape (n, H, W, C) or (n, N), got {x.shape}")
            return x
        steps = check.whole("num_steps", self.num_steps)
        if x.ndim not in (3, 5) or x.shape[1] != steps:
            raise InputError(f"{name} must have shape (n, {steps}, H, W, C) or (n, {steps}, N), got {x.shape}")
        return check.counts(name, x)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one image, or of one step of a recording: (H, W, C) or (N,)."""
        return self.x_train.shape[1 if self.num_steps is None else 2 :]

    def still(self, step: int | None = None) -> Self:
        """Return recordings as still images: one step of each, or by default the sum of all steps."""
        if self.num_steps is None:
            raise InputError(f"{self.name} has still images already")
        if step is not None:
            check.whole("step", step, 0, self.num_steps - 1)
        parts = {}
        for name in ("x_train", "x_test"):
            x = getattr(self, name)
            parts[name] = x.sum(axis=1, dtype=np.float32) if step is None else x[:, step]
        return replace(self, **parts, max_value=_largest(parts["x_train"], True), num_steps=None, about="")

    def fingerprint(self) -> dict[str, str | int]:
        """Identify the training part: its name, its size, and the CRC-32 of its images and then its labels."""
        digest = 0
        for array in (self.x_train, self.y_train):
            digest = zlib.crc32(np.ascontiguousarray(array).data, digest)
        return {"dataset": self.name, "images": len(self.x_train), "digest": digest}


def _count(parts):
    """Return one more than the largest label; 1 where labels are no numbers, which the check of them tells."""
    parts = [np.asarray(y) for y in parts]
    return max([1, *(int(y.max()) + 1 for y in parts if y.size and y.dtype.kind in "uif" and np.isfinite(y).all())])


def _largest(x, counts):
    """Return the largest value that a pixel can take, as far as images tell it; 1 if all are 0, or there are none."""
    return 255.0 if x.dtype == np.uint8 and not counts else float(np.abs(x).max(initial=0)) or 1.0
