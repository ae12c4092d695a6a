"""Intervals of a study's numbers: a bootstrap over blocks of test images and over seeds.

Consecutive images are not independent where they come from one photograph or one writer, so blocks of them are drawn
with replacement, not images; the same blocks for all settings that a number compares, since they saw the same images.
Seeds are drawn for each setting apart. With few seeds their spread is seen too small by sqrt((n - 1)/n): with three,
0.82 of it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .plan import MARGINS

DRAWS = 2000
INSIDE = 95.0  # per cent of the draws inside an interval


class Numbers(NamedTuple):
    """Accuracy, latency in cycles, and spikes per neuron and step: means, or one of each for every draw."""

    accuracy: Any
    latency: Any
    firing_rate: Any


class Interval(NamedTuple):
    """A number, and the ends of its interval."""

    value: float
    low: float
    high: float


class Seeds(NamedTuple):
    """Rows of one setting by seed, and when their answers are read: by default after all steps.

    Attributes
    ----------
    rows : list of dict
    step : int or None
        Read after this number of steps.
    margin : float or None
        Read by early exit at this margin, one of :data:`minisnn.study.plan.MARGINS`. Spikes are those of all steps.
    """

    rows: list[dict]
    step: int | None = None
    margin: float | None = None


def interval(statistic: Callable, *settings: Seeds, draws: int = DRAWS) -> Interval:
    """Return a statistic of settings, such as a ratio of two latencies, with its interval.

    Parameters
    ----------
    statistic : function
        Takes :class:`Numbers` of each setting, and computes element by element.
    *settings : Seeds
        All with the same test images.
    draws : int

    Returns
    -------
    interval : Interval

    Examples
    --------
    >>> blocks = {"images": [1, 1], "right": [[1], [0]], "cycles": [[100], [300]], "spikes": [1, 3]}
    >>> row = {"result": {"test": {"blocks": blocks | {"neuron_steps": 10}}}}
    >>> interval(lambda ours: ours.latency, Seeds([row]))
    Interval(value=200.0, low=100.0, high=300.0)
    >>> interval(lambda ours, theirs: ours.latency / theirs.latency, Seeds([row]), Seeds([row]))
    Interval(value=1.0, low=1.0, high=1.0)
    """
    rng = np.random.default_rng(0)
    images = np.array(settings[0].rows[0]["result"]["test"]["blocks"]["images"], float)
    blocks = rng.multinomial(len(images), np.full(len(images), 1 / len(images)), draws) * images
    blocks /= blocks.sum(axis=1, keepdims=True)
    whole, drawn = [], []
    for given in settings:
        of_blocks = _by_block(given)  # (3, seeds, blocks)
        count = len(given.rows)
        seeds = rng.multinomial(count, np.full(count, 1 / count), draws) / count
        whole.append(_whole(of_blocks, images))
        drawn.append(Numbers(*np.einsum("nsb,db,ds->nd", of_blocks, blocks, seeds, optimize=True)))
    low, high = np.percentile(statistic(*drawn), [(100 - INSIDE) / 2, (100 + INSIDE) / 2])
    return Interval(float(statistic(*whole)), float(low), float(high))


def means(setting: Seeds) -> Numbers:
    """Return the means of a setting over its seeds and all test images."""
    images = np.array(setting.rows[0]["result"]["test"]["blocks"]["images"], float)
    return _whole(_by_block(setting), images)


def _whole(of_blocks, images):
    """Return means over seeds and all images of what :func:`_by_block` returns."""
    return Numbers(*(float(value) for value in of_blocks.mean(axis=1) @ (images / images.sum())))


def _by_block(setting):
    """Return accuracy, latency and firing rate of each seed and block, (3, seeds, blocks)."""
    when, at = ("", -1) if setting.step is None else ("", setting.step - 1)
    if setting.margin is not None:
        when, at = "_by_margin", MARGINS.index(setting.margin)
    blocks = [row["result"]["test"]["blocks"] for row in setting.rows]
    parts = [
        (
            [right[at] for right in of[f"right{when}"]],
            # a network that the accelerator does not compute has no cycles
            [spent[at] for spent in of[f"cycles{when}"]] if f"cycles{when}" in of else [np.nan] * len(of["spikes"]),
            of["spikes"],
        )
        for of in blocks
    ]
    units = [(1, 1, of["neuron_steps"]) for of in blocks]
    images = np.array([of["images"] for of in blocks], float)
    sums = np.array(parts, float) / np.array(units, float)[:, :, None]  # (seeds, 3, blocks)
    return np.moveaxis(sums, 1, 0) / images
