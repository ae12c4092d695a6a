"""The gain and the loss of a margin of early exit on images with labels, and its choice on held-out images."""

import math
from dataclasses import dataclass

import numpy as np

from ..data.dataset import Dataset
from ..errors import InputError
from ..fixed.early_exit import LOSSLESS, Stops, check_readout, stops
from ..fixed.model import IntegerModel
from ..model import Model
from ..result import Result
from ..rng import stream
from .images import split
from .inference import accuracy_and_rates
from .settings import Settings

DEVIATIONS = 1.96  # on each side of the mean lie 95 % of a normal distribution


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A margin, tried on images with labels.

    Attributes
    ----------
    margin : int or LOSSLESS
    mean_steps : float
        Mean of the steps that an image takes.
    accuracy, all_steps_accuracy : float
        Share of right answers where images end, and after all steps.
    loss, loss_low, loss_high : float
        The second less the first, and the ends of its interval of 95 %.
    """

    margin: float
    mean_steps: float
    accuracy: float
    all_steps_accuracy: float
    loss: float
    loss_low: float
    loss_high: float


def evaluate(
    model: Model | IntegerModel, x: np.ndarray, y: np.ndarray, threads: int | None = None
) -> tuple[Result, np.ndarray]:
    """Return the result over all steps on raw images, and the scores after each step, (T, n, classes).

    Raise InputError for a membrane readout. `threads` are those of integers; a float model has its own.
    """
    check_readout(model.network.readout)
    totals: list[np.ndarray] = []
    if isinstance(model, IntegerModel):
        result = model.evaluate(x, y, threads, watch=lambda run: totals.append(run.totals))
    else:
        net, rng = model.network, stream(model.seed, "encode")
        result = accuracy_and_rates(net, model.encoder, x, y, rng, watch=lambda run: totals.append(net.totals(run)))
    return result, np.concatenate(totals, axis=1)


def tried(ended: Stops, labels: np.ndarray, margin: float) -> Tried:
    """Return what a margin gains and loses on images with labels, (B,), which end so by this margin.

    Examples
    --------
    Two of three images end a step early, one of them before its answer is right:

    >>> totals = np.array([[[1, 0], [1, 0], [0, 0]], [[1, 0], [1, 2], [0, 1]]])
    >>> result = tried(stops(totals, neurons_per_class=2, margin=1), np.array([0, 1, 1]), margin=1)
    >>> round(result.mean_steps, 2), round(result.accuracy, 2), result.all_steps_accuracy, round(result.loss, 2)
    (1.33, 0.67, 1.0, 0.33)
    """
    before, after = ended.final == labels, ended.answers == labels
    low, high = interval(int((before & ~after).sum()), int((after & ~before).sum()), len(labels))
    if margin == LOSSLESS:  # by proof, not by these images
        low, high = 0.0, 0.0
    return Tried(
        margin=margin,
        mean_steps=float(ended.steps.mean()),
        accuracy=float(after.mean()),
        all_steps_accuracy=float(before.mean()),
        loss=float(before.mean() - after.mean()),
        loss_low=low,
        loss_high=high,
    )


def interval(lost: int, won: int, images: int) -> tuple[float, float]:
    """Return the interval of 95 % of a loss of accuracy, from the numbers of answers that became wrong, and right.

    Half an image is added to each of the four outcomes of a pair (Agresti & Min, Statistics in Medicine 24, 2005), so
    that the interval has a width when no answer changed.
    """
    n, total = images + 2, lost + won + 1
    middle = (lost - won) / n
    half = DEVIATIONS * math.sqrt(total - (lost - won) ** 2 / n) / n
    return middle - half, middle + half


def choose(model: Model | IntegerModel, data: Dataset, threads: int | None = None) -> Tried:
    """Return the smallest margin with no loss of accuracy on the images that training held out, tried on these.

    The test images are not looked at. Raise InputError if it is not known which images training held out.
    """
    images = held_out(model, data)
    _, totals = evaluate(model, data.x_train[images], data.y_train[images], threads)
    labels, members = data.y_train[images], model.network.neurons_per_class
    for margin in range(1, members * (len(totals) - 1)):  # a larger one ends no image sooner than LOSSLESS does
        result = tried(stops(totals, members, margin), labels, margin)
        if result.loss <= 0:
            return result
    return tried(stops(totals, members), labels, LOSSLESS)


def held_out(model: Model | IntegerModel, data: Dataset) -> np.ndarray:
    """Return the indices of the training images that the training of a model held out for validation."""
    kept = model.source.get("settings", {}) if isinstance(model, IntegerModel) else model.settings
    indices = None
    if "validation" in kept and "seed" in kept and data.name == model.dataset:
        indices = split(data, Settings(validation=kept["validation"], seed=kept["seed"]))[1]
    if indices is None:
        raise InputError(
            "exit auto chooses a margin on training images that were held out, and the model's file names none of "
            f"{data.name}; give a margin, or lossless"
        )
    return indices
