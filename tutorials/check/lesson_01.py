"""Lesson 1: half of a membrane, the interval between spikes, and an account in which nothing is lost."""

import math

import numpy as np

from .exercise import Exercise


def steps_to_half(beta):
    membrane, steps = 1.0, 0
    while membrane >= 0.5:
        membrane *= beta
        steps += 1
    return steps


def steps_between(level, beta):
    membrane = 0.0
    for step in range(1, 10_000):
        membrane = beta * membrane + (1 - beta) * level
        if membrane > 1:
            return step
    return 0


def account(cur, threshold, late=0, keep=False, zero=False, at=False, after=False):
    spk, mem, u, price = [], [], 0.0, [0.0] * (late + 1)
    for current in cur:
        u = u - price.pop(0) + current
        spike = float(u >= threshold if at else u > threshold)
        price.append(spike * (u if zero else threshold))
        spk.append(spike)
        mem.append(u)
    left = mem[-1] - (0 if keep else sum(price))
    return np.array(spk), np.array(mem) - threshold * after * np.array(spk), left


rng = np.random.default_rng(0)
CURRENTS = [
    (np.array([0.625, 0.5, 0.1875, 0.75, 0.25]), 1.0),  # numbers of few bits: the second and the last are sums to check
    (np.array([0.5, 0.5, 0.5, 0.5, 0.5, 0.5]), 1.0),  # reaches the threshold, and is not above it
    (rng.random(40), 0.7),
]

EXERCISES = [
    Exercise(
        name="steps_to_half",
        cases=[(math.exp(-1 / 20),), (0.5,), (0.9,), (0.99,), (0.3,)],
        right=steps_to_half,
        mistakes={
            "a membrane at exactly half is not yet below half": lambda beta: math.ceil(math.log(0.5) / math.log(beta)),
            "one step less than needed; a part of a step is not enough": lambda beta: int(
                math.log(0.5) / math.log(beta)
            ),
            "steps are whole numbers": lambda beta: math.log(0.5) / math.log(beta),
        },
        values=("number of steps",),
        doing=lambda beta: f"beta = {beta:.4g}",
    ),
    Exercise(
        name="steps_between",
        cases=[
            (1.5, 0.95),
            (5.0, 0.95),
            (0.9, 0.95),
            (1.01, 0.9),
            (3.0, 0.6),
            (2.0, 0.5),
        ],  # the last: 1.0 after a step
        right=steps_between,
        mistakes={
            "these are the silent steps between two spikes; count the step of the second spike too": lambda level, beta: (
                max(steps_between(level, beta) - 1, 0)
            ),
            "rounded to the nearest step, but the neuron spikes in the first step above the threshold": lambda level, beta: (
                round(math.log(1 - 1 / level) / math.log(beta)) if level > 1 else 0
            ),
            "a membrane at exactly the threshold does not spike yet": lambda level, beta: (
                math.ceil(math.log(1 - 1 / level) / math.log(beta)) if level > 1 else 0
            ),
            "a level of 1 or less never reaches the threshold": lambda level, beta: steps_between(level, beta) or 1,
        },
        values=("number of steps",),
        doing=lambda level, beta: f"level {level}, beta {beta}",
    ),
    Exercise(
        name="account",
        cases=CURRENTS,
        right=account,
        mistakes={
            "the reset is taken away one step late": lambda cur, threshold: account(cur, threshold, late=1),
            "the last spike's reset is not taken from what is left": lambda cur, threshold: account(
                cur, threshold, keep=True
            ),
            "these are the membranes after the reset; they are wanted before it": lambda cur, threshold: account(
                cur, threshold, after=True
            ),
            "a spike takes the whole membrane away, as reset zero does; subtract takes one threshold": lambda cur, threshold: (
                account(cur, threshold, zero=True)
            ),
            "the threshold is an argument; it is not always 1": lambda cur, threshold: account(cur, 1.0),
            "a membrane at the threshold does not spike; it must be above": lambda cur, threshold: account(
                cur, threshold, at=True
            ),
        },
        values=("spike", "membrane", "rest"),
        axes=("step",),
    ),
]
