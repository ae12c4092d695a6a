"""Recordings of event cameras: lists of events are counted by step, pixel and polarity."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from .. import check
from ..errors import InputError
from ..terminal import bar
from .dataset import Dataset

MOST_COUNT = 255  # of a byte; more events are not counted


@dataclass
class Binning:
    """Steps and pixels into which events are counted; raises InputError for sizes that cannot be.

    Attributes
    ----------
    sensor : (H, W, C)
        Pixels, and polarities: with two, off is 0 and on is 1; with one, a polarity is not looked at.
    num_steps : int
        T.
    step : float
        Duration of a step in microseconds. Time begins with a recording's first event.
    shrink : int
        So many rows and columns of the sensor become one.
    late, total : int
        Events that came after the last step, and events, so far.
    """

    sensor: tuple[int, int, int]
    num_steps: int
    step: float
    shrink: int = 1
    late: int = field(default=0, init=False)
    total: int = field(default=0, init=False)

    def __post_init__(self):
        if len(self.sensor) != 3:
            raise InputError(f"sensor must be its height, width and number of polarities, got {self.sensor!r}")
        self.sensor = tuple(check.whole("sensor", size, 1) for size in self.sensor)
        if self.sensor[2] > 2:
            raise InputError(f"a sensor has one or two polarities, got {self.sensor[2]}; sensor is (H, W, polarities)")
        check.whole("num_steps", self.num_steps)
        check.whole("shrink", self.shrink)
        if not (isinstance(self.step, (int, float)) and 0 < self.step < np.inf):
            raise InputError(f"step must be a number of microseconds above 0, got {self.step!r}")

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a recording: (T, H, W, C), or (T, N) of a row of sensors with one polarity."""
        height, width, polarities = self.sensor
        height, width = -(-height // self.shrink), -(-width // self.shrink)
        flat = height == polarities == 1
        return (self.num_steps, width) if flat else (self.num_steps, height, width, polarities)

    def count(self, events: np.ndarray, name: str) -> np.ndarray:
        """Return how many events each step has at each pixel, as uint8 of `shape`; `name` begins a sentence on errors.

        `events` is a structured array with the fields t, x, p, and y unless the sensor is a row, as tonic has it.
        """
        t, x, y, p = self._checked(events, name)
        step = ((t - t[0]) / self.step).astype(np.int64)
        inside = step < self.num_steps
        self.late += len(t) - int(inside.sum())
        self.total += len(t)
        _, width, polarities = self.sensor
        width = -(-width // self.shrink)
        rows = self.shape[1] if len(self.shape) == 4 else 1
        place = ((step * rows + y // self.shrink) * width + x // self.shrink) * polarities + p
        counts = np.bincount(place[inside], minlength=int(np.prod(self.shape)))
        return np.minimum(counts, MOST_COUNT).astype(np.uint8).reshape(self.shape)

    def _checked(self, events, name):
        """Return times, columns, rows and polarities as int64."""
        height, width, polarities = self.sensor
        fields = ("t", "x", "y", "p") if height > 1 else ("t", "x", "p")
        present = getattr(getattr(events, "dtype", None), "names", None) or ()
        if missing := [f for f in fields if f not in present]:
            raise InputError(
                f"{name}: events must be a structured array with the fields {', '.join(fields)}; it has no {missing[0]}"
            )
        if len(events) == 0:
            raise InputError(f"{name} is empty; leave out recordings without events")
        for f in fields:
            check.finite(f"{name}: {f}", events[f])
        t, x, p = (np.asarray(events[f]).astype(np.int64) for f in ("t", "x", "p"))
        y = np.asarray(events["y"]).astype(np.int64) if height > 1 else np.zeros_like(x)
        outside = np.flatnonzero((x < 0) | (x >= width) | (y < 0) | (y >= height))
        if len(outside):
            at = outside[0]
            raise InputError(
                f"{name}: event {at} is at x {x[at]}, y {y[at]}, outside the sensor, which has {width} columns and "
                f"{height} rows"
            )
        if polarities == 1:
            p = np.zeros_like(p)
        elif ((p != 0) & (p != 1)).any():
            raise InputError(f"{name}: polarities must be 0 (off) and 1 (on), got {p.min()} to {p.max()}")
        if len(back := np.flatnonzero(np.diff(t) < 0)):
            at = back[0] + 1
            raise InputError(
                f"{name}: times must ascend, but event {at} is at {t[at]} us, after one at {t[at - 1]} us; sort them "
                "with events[numpy.argsort(events['t'], kind='stable')]"
            )
        return t, x, y, p

    def __str__(self) -> str:
        """Return the parameters in words, with the share of the events that came too late."""
        height, width, polarities = self.sensor
        words = f"{self.num_steps} steps of {self.step / 1000:g} ms, {height}x{width} pixels"
        words += f", {self.shrink}x{self.shrink} of them joined" if self.shrink > 1 else ""
        words += ", off and on apart" if polarities == 2 else ""
        late = f"; {100 * self.late / self.total:.2g} % of the events come later and are left out" if self.late else ""
        return words + late


class Pairs(Protocol):
    """A sequence of (events, label)."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> tuple[Any, int]: ...


def recordings(
    train: Pairs,
    test: Pairs | None = None,
    *,
    num_steps: int,
    step: float,
    sensor: Sequence[int] | None = None,
    shrink: int = 1,
    name: str = "recordings",
    progress: bool = False,
) -> Dataset:
    """Bin lists of events into a data set.

    Parameters
    ----------
    train, test : sequence of (events, label)
        Such as a data set of tonic (``pip install 'minisnn[events]'``), or a list. Events are a structured array with
        fields t (microseconds, ascending), x, y and p (0 or 1); a row of sensors has no y. Without `test`, every fifth
        recording is for testing.
    num_steps : int
        T.
    step : float
        Duration of a step in microseconds. Time begins with a recording's first event; what comes after the last step
        is left out.
    sensor : (H, W, polarities), optional
        By default that of tonic's data set.
    shrink : int, default 1
        Join so many rows and columns of the sensor into one.
    name : str, default "recordings"
    progress : bool, default False
        Show a bar.

    Returns
    -------
    data : Dataset
        With counts of events, of which 255 fit; ``data.about`` says how they were binned.

    Raises
    ------
    InputError
        If a recording is empty, its times do not ascend, or an event is outside the sensor.

    Examples
    --------
    Three events on a sensor of 2x2 pixels; the pixel in the second row has two of them, 1 ms apart:

    >>> fields = [("t", int), ("x", int), ("y", int), ("p", int)]
    >>> events = np.array([(0, 0, 1, 1), (1000, 0, 1, 0), (1500, 1, 0, 1)], fields)
    >>> data = recordings([(events, 0)] * 5, num_steps=2, step=1000, sensor=(2, 2, 2))
    >>> data.x_train.shape, data.x_train[0, :, 1, 0].tolist()  # at each step: off, on
    ((4, 2, 2, 2, 2), [[0, 1], [1, 0]])
    >>> data.about
    '2 steps of 1 ms, 2x2 pixels, off and on apart'

    With tonic it is one line:

    >>> import tonic  # doctest: +SKIP
    >>> sets = [tonic.datasets.DVSGesture("data", train=train) for train in (True, False)]  # doctest: +SKIP
    >>> data = recordings(*sets, num_steps=20, step=300_000, shrink=4)  # doctest: +SKIP
    """
    for part, pairs in (("train", train), ("test", test)):
        if not hasattr(pairs, "__len__") and pairs is not None:
            raise InputError(
                f"{part} must be a list of (events, label), or a data set of tonic, got {type(pairs).__name__}"
            )
    binning = Binning(_sensor(train, sensor), num_steps, step, shrink)
    x, y = _binned(train, binning, name, "train", progress)
    if test is None:
        last = np.arange(len(y)) % 5 == 4
        if not last.any():
            raise InputError(f"{len(y)} recordings cannot be cut into a training and a test part; give at least 5")
        x, y, x_test, y_test = x[~last], y[~last], x[last], y[last]
    else:
        x_test, y_test = _binned(test, binning, name, "test", progress)
    return Dataset(name, x, y, x_test, y_test, num_steps=num_steps, about=str(binning))


def _sensor(train, sensor):
    """Return the sensor as (H, W, polarities); tonic's data sets name theirs as (width, height, polarities)."""
    if sensor is not None:
        return tuple(sensor)
    size = getattr(train, "sensor_size", None)
    if size is None:
        raise InputError("recordings needs sensor=(H, W, polarities), which these events do not tell")
    width, height, polarities = size
    return int(height), int(width), int(polarities)


def _binned(pairs, binning, name, part, progress):
    """Return counts (n, T, ...) and labels of recordings, one in memory at a time besides the counts."""
    if len(pairs) == 0:
        raise InputError(f"{name} has no {part} recording")
    x, y = np.zeros((len(pairs), *binning.shape), np.uint8), np.zeros(len(pairs), np.int64)
    with bar(len(pairs), "recording", shown=progress, desc=f"{name} {part}") as shown:
        for index in range(len(pairs)):
            pair = pairs[index]
            if not (isinstance(pair, (tuple, list)) and len(pair) == 2):
                raise InputError(f"{part} recording {index} of {name} must be a pair (events, label)")
            events, label = pair
            x[index] = binning.count(events, f"{part} recording {index} of {name}")
            y[index] = check.whole(f"label of {part} recording {index}", label, 0)
            shown.update()
    return x, y
