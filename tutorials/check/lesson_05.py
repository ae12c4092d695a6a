"""Lesson 5: a table of errors, the noise of a rate code, and the price on spikes that is worth paying."""

import numpy as np

from .exercise import Exercise


def confusion(labels, answers, classes):
    return np.array([[np.sum((labels == row) & (answers == k)) for k in range(classes)] for row in range(classes)])


def counted_once(labels, answers, classes):
    table = np.zeros((classes, classes), int)
    table[labels, answers] += 1
    return table


def rate_noise(level, num_steps):
    return np.sqrt(np.sum(level * (1 - level)) / level.size / num_steps)


def choose_price(trials, by="validation", lowest=True, spikes=True, exactly=True):
    """The first trial has the price 0."""
    first = trials[0]
    fit = [
        trial["price"]
        for trial in trials
        if (not spikes or 2 * trial["rate"] < first["rate"] + 1e-9 * exactly) and trial[by] >= first[by] - 0.02 - 1e-12
    ]
    return (min(fit) if lowest else max(fit)) if fit else None


def first_that_fits(trials):
    return next((trial["price"] for trial in trials if choose_price([trials[0], trial]) == trial["price"]), None)


def trials(*rows):
    return [dict(zip(("price", "validation", "test", "rate"), row)) for row in rows]


rng = np.random.default_rng(0)
EARLY = trials((0, 0.95, 0.95, 0.30), (1, 0.94, 0.90, 0.20), (2, 0.935, 0.92, 0.15), (4, 0.932, 0.935, 0.10))
STEEP = trials((0, 0.95, 0.95, 0.30), (1, 0.91, 0.94, 0.14), (2, 0.90, 0.93, 0.05))
SLOW = trials((0, 0.95, 0.95, 0.30), (1, 0.95, 0.95, 0.25), (2, 0.94, 0.96, 0.14), (3, 0.94, 0.94, 0.11))
MIXED = trials((0, 0.95, 0.95, 0.30), (4, 0.94, 0.93, 0.05), (2, 0.94, 0.94, 0.12), (1, 0.95, 0.95, 0.25))

EXERCISES = [
    Exercise(
        name="confusion",
        cases=[
            (np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 0, 0, 2]), 4),
            (rng.integers(0, 10, 359), rng.integers(0, 10, 359), 10),
        ],
        right=confusion,
        mistakes={
            "rows and columns are exchanged: the row is the digit, the column the answer": lambda labels, answers, classes: (
                confusion(answers, labels, classes)
            ),
            "a digit that is not among the labels has a row and a column, too": lambda labels, answers, classes: (
                confusion(labels, answers, labels.max() + 1)
            ),
            "equal pairs are counted once; NumPy's += with a list of places adds each place only once": counted_once,
        },
        values=("count",),
        axes=("digit", "answer"),
    ),
    Exercise(
        name="rate_noise",
        cases=[(np.array([0.5, 0.5, 0.0, 1.0]), 5), (rng.random((4, 64)), 64)],
        right=rate_noise,
        mistakes={
            "this is the mean of the errors' roots; take the mean first, then the root": lambda level, num_steps: (
                np.sqrt(level * (1 - level) / num_steps).mean()
            ),
            "the error falls with the root of T": lambda level, num_steps: (
                np.sqrt((level * (1 - level)).mean()) / num_steps
            ),
            "this is the squared error; take its root": lambda level, num_steps: (
                (level * (1 - level)).mean() / num_steps
            ),
        },
        values=("RMS error",),
        doing=lambda level, num_steps: f"T = {num_steps}",
    ),
    Exercise(
        name="choose_price",
        cases=[(EARLY,), (STEEP,), (SLOW,), (MIXED,)],
        right=choose_price,
        mistakes={
            "chosen by test images, which may only report; choose by validation": lambda trials: choose_price(
                trials, by="test"
            ),
            "the first price that fits; the trials come in any order, and the lowest is wanted": first_that_fits,
            "the spikes are halved at exactly half of them, too": lambda trials: choose_price(trials, exactly=False),
            "the highest price that fits; the lowest is enough": lambda trials: choose_price(trials, lowest=False),
            "the accuracy is kept, but the spikes are not halved": lambda trials: (
                choose_price(trials[1:], spikes=False) or choose_price(trials, spikes=False)
            ),
        },
        values=("price",),
    ),
]
