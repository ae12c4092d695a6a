"""From pixels, or recorded events, to the inputs of the first layer.

direct     the normalised image as a constant current, the same at every step
rate       at each step a spike with probability pixel / largest value
latency    one spike for each pixel, the brighter the earlier; a pixel of 0 never spikes
events     a recording: at each step a spike where it has an event, or several
counts     a recording: at each step the number of events as a current, in floats only: the hardware takes 0 and 1
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .errors import InputError

RECORDED = ("events", "counts")  # kinds that take recordings, which have a time axis
KINDS = ("direct", "rate", "latency", *RECORDED)
BLOCK = 1 << 18  # numbers that are summed at a time: 2 MB


def direct(x: np.ndarray, mean: Any = 0.0, std: Any = 1.0, dtype: Any = np.float32) -> np.ndarray:
    """Return (x - mean) / std, of shape (1, B, ...), as one step of constant current; mean and std may be per
    channel.
    """
    inputs = np.asarray(x).astype(dtype)
    inputs -= np.asarray(mean, dtype)
    inputs /= np.asarray(std, dtype)
    return inputs[None]


def rate(x: np.ndarray, num_steps: int, max_value: float, rng: Any) -> np.ndarray:
    """Return Bernoulli spikes, (T, B, ...) uint8: a pixel spikes at each step with probability x / max_value,
    clipped.
    """
    probability = np.asarray(x, np.float32) / np.float32(max_value)
    return (rng.random((num_steps, *probability.shape), np.float32) < probability).astype(np.uint8)


def latency(x: np.ndarray, num_steps: int, max_value: float) -> np.ndarray:
    """Return one spike, (T, B, ...) uint8, for each pixel above 0, at step round((1 - x / max_value) * (T - 1))."""
    x = np.asarray(x)
    level = np.clip(x.astype(np.float64) / max_value, 0, 1)
    step = np.rint((1 - level) * (num_steps - 1)).astype(np.int64)
    times = np.arange(num_steps).reshape(-1, *[1] * x.ndim)
    return ((step == times) & (x > 0)).astype(np.uint8)


def events(x: np.ndarray) -> np.ndarray:
    """Return spikes, (T, B, ...) uint8: 1 where a recording (B, T, ...) counts at least one event, else 0."""
    return np.ascontiguousarray(np.moveaxis(np.asarray(x), 1, 0) > 0).view(np.uint8)


def counts(x: np.ndarray, dtype: Any = np.float32) -> np.ndarray:
    """Return the counts of recordings (B, T, ...) as currents, (T, B, ...)."""
    return np.moveaxis(np.asarray(x), 1, 0).astype(dtype, order="C")


@dataclass(frozen=True)
class Encoder:
    """The code in which a network sees an image or a recording; stored in its model file.

    Parameters
    ----------
    kind : "direct", "rate", "latency", "events" or "counts"
    num_steps : int
        T.
    max_value : float
        The largest value of a pixel.
    mean, std : tuple of float, one per channel
        In units of pixels; used by "direct".

    Raises
    ------
    InputError
        For an unknown kind, or values that cannot be.

    Examples
    --------
    >>> encoder = Encoder("direct", 10, 255.0, (128.0,), (64.0,))
    >>> encoder.encode(np.array([[0, 128, 255]], np.uint8)).tolist()  # one step: it is the same at all 10
    [[[-2.0, 0.0, 1.984375]]]
    >>> encoder.pad_value  # black, in these units
    (-2.0,)
    >>> encoder.config()
    {'kind': 'direct', 'num_steps': 10, 'max_value': 255.0, 'mean': [128.0], 'std': [64.0]}
    >>> Encoder.from_config(encoder.config()) == encoder
    True

    A recording of one pixel: no event at its first step, three at its second:

    >>> Encoder("events", 2).encode(np.array([[[0], [3]]], np.uint8)).tolist()
    [[[0]], [[1]]]
    """

    kind: str
    num_steps: int
    max_value: float = 255.0
    mean: tuple = (0.0,)
    std: tuple = (1.0,)

    def __post_init__(self):
        if self.kind not in KINDS:
            raise InputError(f"unknown encoding {self.kind!r}: choose one of {', '.join(KINDS)}")
        if not isinstance(self.num_steps, (int, np.integer)) or self.num_steps < 1:
            raise InputError(f"the number of steps must be a whole number from 1, got {self.num_steps!r}")
        if not (np.isfinite(self.max_value) and self.max_value > 0):
            raise InputError(f"the largest value of a pixel must be above 0, got {self.max_value!r}")
        if len(self.mean) != len(self.std) or not all(s > 0 for s in self.std):
            raise InputError(
                "an encoding needs a mean and a standard deviation above 0 for each channel, got "
                f"{self.mean} and {self.std}"
            )

    def __str__(self):
        values = "pixels" if self.recorded_steps is None else "counts"
        seen = ", taken as 0 or 1" if self.kind == "events" else ""
        return f"{self.kind}, {self.num_steps} steps, {values} up to {self.max_value:g}{seen}"

    def encode(self, x: np.ndarray, rng: np.random.Generator | None = None, dtype: Any = np.float32) -> np.ndarray:
        """Return the inputs of the network for raw images `x` (B, ...): (1, B, ...), or spikes (T, B, ...).

        Recordings are (B, T, ...). Only rate coding needs `rng`. `dtype` is that of a current; spikes are uint8.
        """
        if self.kind == "direct":
            return direct(x, self.mean, self.std, dtype)
        if self.kind == "rate":
            return rate(x, self.num_steps, self.max_value, rng)
        if self.kind == "events":
            return events(x)
        if self.kind == "counts":
            return counts(x, dtype)
        return latency(x, self.num_steps, self.max_value)

    @property
    def recorded_steps(self) -> int | None:
        """T of the recordings that it takes; None if it takes still images."""
        return self.num_steps if self.kind in RECORDED else None

    @property
    def pad_value(self) -> tuple[float, ...]:
        """The code of a pixel of value 0, one number per channel: the border of a padded image."""
        if self.kind == "direct":
            return tuple(-m / s for m, s in zip(self.mean, self.std))
        return tuple(0.0 for _ in self.mean)

    def config(self) -> dict:
        """Return the arguments as plain values, for :meth:`from_config`."""
        return asdict(self) | {"mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_config(cls, config: dict) -> "Encoder":
        """Return the encoder that has this :meth:`config`."""
        return cls(**{**config, "mean": tuple(config["mean"]), "std": tuple(config["std"])})


def fit(kind: str, x_train: np.ndarray, num_steps: int, max_value: float, chosen: np.ndarray | None = None) -> Encoder:
    """Return the encoder whose direct coding gives the training images mean 0 and standard deviation 1 per channel.

    `chosen` are the indices of the images that count, by default of all. Flat rows, (n, N), share one mean and
    deviation. A constant channel gets a deviation of 1. Counts of events are not normalised.
    """
    if kind in RECORDED:
        channels = x_train.shape[-1] if x_train.ndim == 5 else 1
        return Encoder(kind, num_steps, float(max_value), (0.0,) * channels, (1.0,) * channels)
    x = _Chosen(x_train, np.arange(len(x_train)) if chosen is None else chosen)
    exact = x_train.dtype.kind in "bu" and x_train.dtype.itemsize <= 2
    mean, std = _of_small_integers(x) if exact else _of_numbers(x)
    return Encoder(kind, num_steps, float(max_value), tuple(mean), tuple(s or 1.0 for s in std))


class _Chosen:
    """Some images as pixels, (n, channels): converted block by block, because float64 takes eight times the memory."""

    def __init__(self, images, chosen):
        self.images, self.chosen = images, chosen
        self.channels = images.shape[-1] if images.ndim == 4 else 1
        self.pixels = len(chosen) * math.prod(images.shape[1:]) // self.channels  # of each channel

    def blocks(self, dtype):
        """Yield all pixels, as copies in another dtype of about BLOCK numbers."""
        images = max(BLOCK // math.prod(self.images.shape[1:]), 1)
        for start in range(0, len(self.chosen), images):
            yield self.images[self.chosen[start : start + images]].reshape(-1, self.channels).astype(dtype)


def _of_small_integers(x):
    """Return mean and deviation of unsigned integers of up to 16 bits, from sums that are exact."""
    totals, squares, count = [0] * x.channels, [0] * x.channels, x.pixels
    for block in x.blocks(np.int64):
        totals = [total + int(part) for total, part in zip(totals, block.sum(axis=0))]
        squares = [square + int(part) for square, part in zip(squares, np.square(block, out=block).sum(axis=0))]
    variances = [(count * square - total**2) / count**2 for total, square in zip(totals, squares)]
    return [total / count for total in totals], [math.sqrt(variance) for variance in variances]


def _of_numbers(x):
    """Return mean and deviation of any numbers: first the mean, then the squares of the distances from it."""
    mean = _sum(x.blocks(np.float64)) / x.pixels
    squares = (np.square(np.subtract(block, mean, out=block), out=block) for block in x.blocks(np.float64))
    return mean.tolist(), np.sqrt(_sum(squares) / x.pixels).tolist()


def _sum(blocks):
    return np.sum([block.sum(axis=0) for block in blocks], axis=0)
