"""Early exit: an image ends as soon as its answer is final, or leads by a margin.

The classes' scores are spikes counted, and the answer is the class with the highest, the lowest of equals. Its *lead*
is the number of spikes that any other class may still gain without becoming the answer:

    lead[t] = min over c != a of  s[t, a] - s[t, c] - (c < a)

A class of m neurons gains at most m spikes a step. So the answer a is final, whatever the inputs of the steps that are
left, as soon as lead[t] >= m*(T - t); with any smaller lead some spikes of these steps would change it. An image ends
after the first step t, counted from 1, with

    lead[t] >= min(margin, m*(T - t))

which is after step T at the latest. With margin = LOSSLESS it ends when the answer is final, and every answer is that
of all steps. A smaller margin ends it sooner, and may change the answer.
"""

import math
from typing import NamedTuple

import numpy as np

from .. import check
from ..errors import InputError

LOSSLESS = math.inf
NEVER = -1  # the cycle of an event that does not happen, because its image has ended


class Stops(NamedTuple):
    """Where images end.

    Attributes
    ----------
    steps : ndarray of int64, shape (B,)
        Steps that an image takes, 1 to T.
    scores : ndarray of int64, shape (B, classes)
        Scores after these steps.
    answers : ndarray of int64, shape (B,)
        The class with the highest of them, the lowest of equals.
    final : ndarray of int64, shape (B,)
        The answers after all steps.
    """

    steps: np.ndarray
    scores: np.ndarray
    answers: np.ndarray
    final: np.ndarray


def leads(scores: np.ndarray) -> np.ndarray:
    """Return how many spikes any other class may gain without becoming the answer.

    Parameters
    ----------
    scores : ndarray of shape (..., classes)
        For at least two classes.

    Returns
    -------
    leads : ndarray of shape (...)

    Examples
    --------
    Class 1 leads by 2 and loses a tie with class 0, which may gain one spike; class 0 wins its tie:

    >>> leads(np.array([[3, 5, 1], [4, 4, 2]])).tolist()
    [1, 0]
    """
    answers = scores.argmax(axis=-1)[..., None]
    classes = np.arange(scores.shape[-1])
    behind = np.take_along_axis(scores, answers, axis=-1) - scores - (classes < answers)
    return np.where(classes == answers, np.iinfo(behind.dtype).max, behind).min(axis=-1)


def stops(totals: np.ndarray, neurons_per_class: int, margin: float = LOSSLESS) -> Stops:
    """Return where images end, from their scores after each step.

    Parameters
    ----------
    totals : ndarray of whole numbers, shape (T, B, classes)
        Spikes counted up to each step.
    neurons_per_class : int
        Neurons of the last layer that share a class, m.
    margin : int, or LOSSLESS
        The lead that ends an image, at least 1.

    Returns
    -------
    stops : Stops

    Raises
    ------
    InputError
        If the margin is below 1, or there is one class only.

    Examples
    --------
    Three steps of two classes, a neuron each. After two steps class 0 leads by 2, and class 1 can gain one more spike:

    >>> totals = np.array([[1, 0], [2, 0], [2, 1]])[:, None]
    >>> stops(totals, 1)
    Stops(steps=array([2]), scores=array([[2, 0]]), answers=array([0]), final=array([0]))

    A margin of 1 ends it a step sooner:

    >>> stops(totals, 1, margin=1).steps.tolist()
    [1]
    """
    num_steps, _, classes = totals.shape
    if classes < 2:
        raise InputError("exit compares the scores of classes, and this network has only one class; leave it out")
    if margin != LOSSLESS:
        check.whole("exit", margin)
    left = neurons_per_class * np.arange(num_steps - 1, -1, -1)
    ends = leads(totals) >= np.minimum(margin, left)[:, None]
    last = ends.argmax(axis=0)  # the first step at which an image ends
    scores = np.take_along_axis(totals, last[None, :, None], axis=0)[0]
    return Stops(last + 1, scores, scores.argmax(axis=1), totals[-1].argmax(axis=1))


def check_readout(readout: str) -> None:
    """Raise InputError unless the answer is made of spike counts."""
    if readout == "membrane":
        raise InputError(
            "exit counts the spikes that a class can still gain, and this network's answer is read from membranes, "
            "which may change by any amount; leave it out"
        )
