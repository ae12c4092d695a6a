"""Lesson 2: how many random spikes, how many grey levels, and a rate code without randomness."""

import math

import numpy as np

from .exercise import Exercise


def expected_count(level, num_steps):
    p = np.asarray(level)
    return num_steps * p.sum(), math.sqrt(num_steps * (p - p * p).sum())


def levels_left(num_steps, num_levels):
    return min(num_steps, num_levels)


def regular(level, num_steps, beta=1.0, zero=False, at=False):
    v = np.zeros_like(level)
    spikes = []
    for _ in range(num_steps):
        u = beta * v + level
        s = (u >= 1 if at else u > 1).astype(float)
        v = u * (1 - s) if zero else u - s
        spikes.append(s)
    return np.array(spikes)


rng = np.random.default_rng(0)

EXERCISES = [
    Exercise(
        name="expected_count",
        cases=[(np.array([0.5, 0.25, 1.0]), 4), (rng.random((3, 8, 8)), 17)],
        right=expected_count,
        mistakes={
            "deviations do not add up, variances do": lambda level, num_steps: (
                num_steps * level.sum(),
                np.sqrt(num_steps * level * (1 - level)).sum(),
            ),
            "this is the variance; the deviation is its root": lambda level, num_steps: (
                num_steps * level.sum(),
                (num_steps * level * (1 - level)).sum(),
            ),
            "a pixel spikes at most once in a step, so its variance has a factor (1 - p)": lambda level, num_steps: (
                num_steps * level.sum(),
                np.sqrt(num_steps * level.sum()),
            ),
        },
        values=("mean", "standard deviation"),
    ),
    Exercise(
        name="levels_left",
        cases=[(5, 17), (2, 17), (17, 17), (64, 17), (9, 256)],
        right=levels_left,
        mistakes={
            "more steps cannot make more levels than the pixels have": lambda num_steps, num_levels: num_steps,
            "a silent pixel is read as black too, so it is no level of its own": lambda num_steps, num_levels: min(
                num_steps + 1, num_levels
            ),
            "the first and the last step both stand for a level": lambda num_steps, num_levels: min(
                num_steps - 1, num_levels
            ),
        },
        values=("number of levels",),
        doing=lambda num_steps, num_levels: f"T = {num_steps}, {num_levels} levels",
    ),
    Exercise(
        name="regular",
        cases=[(np.array([0.0, 0.25, 0.5, 0.75, 1.0]), 9), (rng.random(6), 16)],
        right=regular,
        mistakes={
            "reset to zero throws away what is above the threshold; subtract keeps it": lambda level, num_steps: (
                regular(level, num_steps, zero=True)
            ),
            "a membrane at the threshold does not spike; it must be above": lambda level, num_steps: regular(
                level, num_steps, at=True
            ),
            "the leak loses a part of the level; it must be 1": lambda level, num_steps: regular(level, num_steps, 0.9),
        },
        values=("spike",),
        axes=("step", "pixel"),
    ),
]
