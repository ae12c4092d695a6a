"""Lesson 3: equal widths and heights, the number of updates, and the curve of a box."""

import itertools
import math

import numpy as np

from .exercise import Exercise


def match_atan(alpha):
    """The fast sigmoid falls to a half where 1 + k|x| = sqrt 2, the arctangent where pi alpha |x| = 2."""
    half = 2 / (math.pi * alpha)
    return (math.sqrt(2) - 1) / half, alpha / 2


def updates(loss, gradient, start, late=0, rate=2.0, most=3000, at=False):
    w, count = np.array(start), 0
    while (loss(w) > 0.02 if at else loss(w) >= 0.02) and count < most:
        w = w - rate * gradient(w)
        count += 1
    return count + late if count < most else count


def updates_in_place(loss, gradient, start):
    w = start
    for count in range(3000):
        if loss(w) < 0.02:
            return count
        w -= 2.0 * gradient(w)
    return 3000


def searched(function, loss, gradient, start):
    """Return the number of updates, and what has become of `start`; a search without an end is stopped."""
    made = itertools.count()

    def limited(w):
        if next(made) >= 3000:
            raise RuntimeError("this would be update 3001")
        return gradient(w)

    return function(loss, limited, start), start


def bowl(scale):
    """A loss with one valley, and its gradient."""
    return (
        lambda w: scale * float(np.sum((w - 1) ** 2)),
        lambda w: 2 * scale * (w - 1),
        np.array([3.0, -1.0]),
    )


FLAT = lambda w: 1.0, lambda w: 0 * w, np.ones(2)  # nothing to be learned
STAIRS = lambda w: 0.01 * w[0], lambda w: np.array([0.5]), np.array([4.0])  # losses 0.04, 0.03, 0.02, 0.01


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
        cases=[bowl(0.1), bowl(0.01), (*bowl(0.1)[:2], np.array([1.0, 1.0])), STAIRS, FLAT],
        right=lambda *case: (updates(*case), case[-1]),
        mistakes={
            "one too many: the loss is looked at before an update, not after": lambda *case: updates(*case, late=1),
            "a loss of exactly 0.02 is not below 0.02": lambda *case: updates(*case, at=True),
            "start itself is changed, and the next search begins there; change a copy": updates_in_place,
            "3000 updates are the most; then the answer is 3000": lambda *case: updates(*case, most=4000),
            "the loss grows: the gradient must be subtracted": lambda *case: updates(*case, rate=-2.0),
            "the learning rate is 2.0": lambda *case: updates(*case, rate=1.0),
        },
        values=("number of updates", "start, after the call,"),
        use=searched,
    ),
    Exercise(
        name="box_curve",
        cases=[(np.linspace(-2, 2, 17),), (np.array([0.49, 0.5, 0.51]),)],
        right=lambda x: np.where(x > 0.5, 0.5, np.where(x < -0.5, -0.5, x)),
        mistakes={
            "this is the box itself; the curve is its integral": lambda x: (np.abs(x) < 0.5).astype(float),
            "outside of the box the curve stays flat": lambda x: x,
            "outside of the box the curve stays where it is; it does not fall back to 0": lambda x: np.where(
                np.abs(x) < 0.5, x, 0
            ),
            "the ramp is too steep: its slope is the height of the box, 1": lambda x: np.clip(2 * x, -1, 1),
        },
        values=("curve, from its value at 0 on,",),
        axes=("point",),
        use=shape_of,
    ),
]
