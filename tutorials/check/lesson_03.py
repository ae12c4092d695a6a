"""Lesson 3: equal widths and heights, the number of updates, and the curve of a box."""

import math

import numpy as np

from .exercise import Exercise


def match_atan(alpha):
    """The fast sigmoid falls to a half where 1 + k|x| = sqrt 2, the arctangent where pi alpha |x| = 2."""
    half = 2 / (math.pi * alpha)
    return (math.sqrt(2) - 1) / half, alpha / 2


def updates(loss, gradient, start, late=0, sign=-1.0):
    w, count = np.array(start), 0
    while loss(w) >= 0.02 and count < 3000:
        w = w + sign * 2.0 * gradient(w)
        count += 1
    return count + late if count < 3000 else count


def bowl(scale):
    """A loss with one valley, and its gradient."""
    return (
        lambda w: scale * float(np.sum((w - 1) ** 2)),
        lambda w: 2 * scale * (w - 1),
        np.array([3.0, -1.0]),
    )


def shape_of(function, x):
    """A curve counts up to a constant: it is compared from its value at 0 on."""
    return np.asarray(function(x), float) - np.asarray(function(np.zeros(1)), float)


EXERCISES = [
    Exercise(
        name="match_atan",
        cases=[(1.0,), (2.0,), (8.0,)],
        right=match_atan,
        mistakes={
            "equal scales are not equal widths": lambda alpha: (alpha, alpha / 2),
            "the scale is rounded; give the formula behind 0.65": lambda alpha: (0.65 * alpha, alpha / 2),
            "the factor is upside down: the arctangent's peak divided by the fast sigmoid's": lambda alpha: (
                match_atan(alpha)[0],
                2 / alpha,
            ),
        },
        values=("scale k", "factor"),
        doing=lambda alpha: f"alpha = {alpha}",
    ),
    Exercise(
        name="updates",
        cases=[bowl(0.1), bowl(0.01), bowl(0.0004), (*bowl(0.1)[:2], np.array([1.0, 1.0]))],
        right=updates,
        mistakes={
            "one too many: the loss is looked at before an update, not after": lambda *case: updates(*case, late=1),
            "the loss grows: the gradient must be subtracted": lambda *case: updates(*case, sign=1.0),
        },
        values=("number of updates",),
        use=lambda function, loss, gradient, start: int(function(loss, gradient, start)),
    ),
    Exercise(
        name="box_curve",
        cases=[(np.linspace(-2, 2, 17),), (np.array([0.49, 0.5, 0.51]),)],
        right=lambda x: np.where(x > 0.5, 0.5, np.where(x < -0.5, -0.5, x)),
        mistakes={
            "this is the box itself; the curve is its integral": lambda x: (np.abs(x) < 0.5).astype(float),
            "outside of the box the curve stays flat": lambda x: x,
            "the ramp is too steep: its slope is the height of the box, 1": lambda x: np.clip(2 * x, -1, 1),
        },
        values=("curve, from its value at 0 on,",),
        axes=("point",),
        use=shape_of,
    ),
]
