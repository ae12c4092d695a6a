"""Lesson 13: widths of two surrogates, the luck of the best, and the points of a stage."""

import itertools
import math

import numpy as np

from .exercise import Exercise


def half_widths(k, alpha):
    return (math.sqrt(2) - 1) / k, 2 / (math.pi * alpha)


def luck_of_the_best(accuracy, images, networks, rng):
    """The exact mean of the largest of some binomial numbers, without chance."""
    share, below, mean = 0.0, 0.0, 0.0
    for k in range(images + 1):
        log = math.lgamma(images + 1) - math.lgamma(k + 1) - math.lgamma(images - k + 1)
        share += math.exp(log + k * math.log(accuracy) + (images - k) * math.log(1 - accuracy))
        reached = min(share, 1.0) ** networks
        mean += k * (reached - below)
        below = reached
    return mean / images - accuracy


def points(betas, thresholds, scale):
    return [{"beta": b, "threshold": th, "scale": scale} for b, th in itertools.product(betas, thresholds)]


def written(point):
    """Return a point in words, with its keys in one order."""
    return ", ".join(f"{name} {point[name]}" for name in sorted(point)) if isinstance(point, dict) else str(point)


def sorted_points(function, betas, thresholds, scale):
    return sorted(map(written, function(betas, thresholds, scale)))


EXERCISES = [
    Exercise(
        name="half_widths",
        cases=[(25.0, 2.0), (1.0, 8.0)],
        right=half_widths,
        mistakes={
            "these are whole widths; a half-width reaches from the threshold to one side": lambda k, alpha: tuple(
                2 * width for width in half_widths(k, alpha)
            ),
            "the fast sigmoid falls to a half where (1 + k|x|)^2 = 2": lambda k, alpha: (1 / k, 2 / (math.pi * alpha)),
        },
        values=("half-width of the fast sigmoid", "half-width of the arctangent"),
        doing=lambda k, alpha: f"k = {k:g}, alpha = {alpha:g}",
    ),
    Exercise(
        name="luck_of_the_best",
        cases=[(0.9, 359, 30), (0.9, 359, 1), (0.8, 1000, 99)],
        right=lambda *case: luck_of_the_best(*case, None),
        mistakes={
            "this is the best accuracy itself; subtract the true one": lambda accuracy, images, networks, rng: (
                luck_of_the_best(accuracy, images, networks, rng) + accuracy
            ),
            "this is the spread of one network; the best of many lies further out": lambda accuracy, images, networks, rng: (
                math.sqrt(accuracy * (1 - accuracy) / images)
            ),
            "this is a single draw, which is luck itself; take the mean of many": lambda accuracy, images, networks, rng: (
                rng.binomial(images, accuracy, networks).max() / images - accuracy
            ),
            "give a share, not percent": lambda *case: 100 * luck_of_the_best(*case),
        },
        values=("luck",),
        use=lambda function, *case: function(*case, np.random.default_rng(0)),
        rtol=0.0,
        atol=0.003,
        doing=lambda accuracy, images, networks: f"accuracy {accuracy}, {images} images, the best of {networks}",
    ),
    Exercise(
        name="points",
        cases=[((0.5, 0.9), (1.0, 1.5), 2.0), ((0.1, 0.5, 0.9), (0.5, 2.0), 5.0)],
        right=lambda *case: sorted_points(points, *case),
        mistakes={
            "each beta meets one threshold only; all pairs are wanted": lambda betas, thresholds, scale: [
                {"beta": b, "threshold": th, "scale": scale} for b, th in zip(betas, thresholds)
            ],
            "the scale is the same at every threshold": lambda betas, thresholds, scale: [
                {"beta": b, "threshold": th, "scale": scale * th} for b, th in itertools.product(betas, thresholds)
            ],
            "the scale that the trials have chosen is missing": lambda betas, thresholds, scale: [
                {"beta": b, "threshold": th} for b, th in itertools.product(betas, thresholds)
            ],
        },
        values=("list of points",),
        use=sorted_points,
    ),
]
