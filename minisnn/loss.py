"""Losses, each with its gradient written by hand.

Every loss takes the last layer's spikes and membranes, (T, B, N), the labels (B,), and the number of classes, and
returns

    value    the mean over the batch
    dspk     its gradient with respect to the spikes, (T, B, N), or None
    dmem     its gradient with respect to the membranes, (T, B, N), or None

    rate        cross-entropy on the spike counts of the classes
    membrane    cross-entropy on the membranes of the classes at each step
    mse_count   squared distance of the spike counts from target counts

A function of your own with these arguments and results is a loss too; :func:`parse` adds a check of what it returns.

A population of N neurons is split into contiguous groups of N/classes; the count (or membrane) of a class is the sum
over its group. :func:`rate_penalty` is added to any of them and acts on all layers: fewer spikes are fewer cycles in
sparsity-aware hardware. All raise InputError for labels that do not fit.

Sources: Eshraghian et al., Proc. IEEE 111 (2023), arXiv 2109.12894, section IV; snnTorch ``functional.loss``.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from . import check
from .errors import InputError

Gradient = np.ndarray | None
Loss = Callable[[np.ndarray, np.ndarray, np.ndarray, int], tuple[float, Gradient, Gradient]]
OWN = "function:"  # what the name of a function of the user's begins with, in a model file


def class_sums(x: np.ndarray, classes: int) -> np.ndarray:
    """Sum the last axis, N neurons, in groups: one sum for each class."""
    return x.reshape(*x.shape[:-1], classes, -1).sum(axis=-1)


def class_sums_backward(dsums: np.ndarray, neurons: int) -> np.ndarray:
    """Undo :func:`class_sums`: every neuron of a group gets the group's gradient."""
    return np.repeat(dsums, neurons // dsums.shape[-1], axis=-1)


def _cross_entropy(logits, labels):
    """Return the mean over rows of -log softmax(logits)[label], and its gradient; logits (B, K)."""
    rows = np.arange(len(labels))
    shifted = logits - logits.max(axis=-1, keepdims=True)  # no overflow
    log_softmax = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    value = -log_softmax[rows, labels].mean()
    # value = -mean(log_softmax[label])
    dlogits = np.exp(log_softmax)
    dlogits[rows, labels] -= 1
    dlogits /= logits.dtype.type(len(labels))
    return float(value), dlogits


def rate(spk: np.ndarray, mem: np.ndarray, labels: np.ndarray, classes: int) -> tuple[float, np.ndarray, None]:
    """Return the cross-entropy on the spike counts, dspk, and None."""
    labels = _checked(labels, spk, classes)
    counts = class_sums(spk.sum(axis=0), classes)
    value, dcounts = _cross_entropy(counts, labels)
    # counts = class_sums(sum over t of spk)
    dspk = np.broadcast_to(class_sums_backward(dcounts, spk.shape[2]), spk.shape)
    return value, dspk, None


def membrane(spk: np.ndarray, mem: np.ndarray, labels: np.ndarray, classes: int) -> tuple[float, None, np.ndarray]:
    """Return the mean over steps of the cross-entropy on the membranes, None, and dmem."""
    labels = _checked(labels, mem, classes)
    steps, batch, neurons = mem.shape
    logits = class_sums(mem, classes).reshape(steps * batch, classes)
    value, dlogits = _cross_entropy(logits, np.tile(labels, steps))
    # logits = class_sums(mem)
    dmem = class_sums_backward(dlogits.reshape(steps, batch, classes), neurons)
    return value, None, dmem


def mse_count(
    spk: np.ndarray, mem: np.ndarray, labels: np.ndarray, classes: int, correct: float = 0.8, incorrect: float = 0.05
) -> tuple[float, np.ndarray, None]:
    """Return the squared distance of the spike counts from target counts, over batch and classes, divided by T; dspk;
    None.

    Neurons of the right class are to spike in a fraction `correct` of the steps, the others in `incorrect`.
    """
    labels = _checked(labels, spk, classes)
    steps, batch, neurons = spk.shape
    counts = class_sums(spk.sum(axis=0), classes)
    full = steps * neurons // classes  # the count of a group that always fires
    wanted = np.full_like(counts, incorrect * full)
    wanted[np.arange(batch), labels] = correct * full
    difference = counts - wanted
    value = float((difference * difference).mean() / steps)
    # value = mean(difference**2) / T
    dcounts = difference * spk.dtype.type(2 / (steps * counts.size))
    # counts = class_sums(sum over t of spk)
    dspk = np.broadcast_to(class_sums_backward(dcounts, neurons), spk.shape)
    return value, dspk, None


def rate_penalty(rates: np.ndarray, weight: Any, target: Any = None) -> tuple[float, np.ndarray]:
    """Return the price of spikes, sum(weight * rates) or sum(weight * (rates - target)^2), and its gradient (L,).

    `rates` (L,) are the firing rates of the layers; weight and target are numbers, or one for each layer.
    """
    rates = np.asarray(rates, float)
    weight = np.broadcast_to(np.asarray(weight, float), rates.shape)
    if target is None:
        return float((weight * rates).sum()), weight.copy()
    difference = rates - np.asarray(target, float)
    # value = sum(weight * difference**2)
    return float((weight * difference * difference).sum()), 2 * weight * difference


LOSSES = {"rate": rate, "membrane": membrane, "mse_count": mse_count}


def parse(text: str | Loss) -> Loss:
    """Read ``"rate"``, ``"membrane"``, ``"mse_count"`` or ``"mse_count:0.8:0.05"`` (correct, incorrect rate) as a
    function; a function of the user's is returned with a check of what it returns.
    """
    if callable(text):
        return partial(_own, check.takes("loss", text, ("spk", "mem", "labels", "classes")))
    if str(text).startswith(OWN):
        raise InputError(
            f"loss {text.removeprefix(OWN)} is a function, which no file holds; pass it again as loss=..., or choose "
            f"one of {', '.join(LOSSES)}"
        )
    name, *numbers = str(text).split(":")
    if name not in LOSSES:
        raise InputError(f"unknown loss {name!r}: choose one of {', '.join(LOSSES)}")
    if not numbers:
        return LOSSES[name]
    values = _numbers(numbers)
    if name != "mse_count" or len(values) != 2 or not all(0 <= v <= 1 for v in values):
        raise InputError(
            f"cannot read loss {text!r}: only mse_count takes numbers, the rates of right and wrong "
            "classes between 0 and 1, as in mse_count:0.8:0.05"
        )
    return partial(mse_count, correct=values[0], incorrect=values[1])


def as_text(loss: str | Loss) -> str:
    """Return the name of a loss for a file; that of a function of the user's cannot be parsed again."""
    if not callable(loss):
        return loss
    return next((name for name, function in LOSSES.items() if loss is function), f"{OWN}{check.called(loss)}")


def _own(function, spk, mem, labels, classes):
    """Call a function of the user's, on arrays that it cannot change, and check what it returns."""
    name = f"loss {check.called(function)}"
    result = function(_read_only(spk), _read_only(mem), labels, classes)
    if not isinstance(result, tuple) or len(result) != 3:
        got = f"{len(result)} values" if isinstance(result, tuple) else type(result).__name__
        raise InputError(
            f"{name} must return (value, dspk, dmem): the loss, and its gradients with respect to the spikes and the "
            f"membranes, or None; got {got}"
        )
    value, *gradients = result
    if np.ndim(value) or np.asarray(value).dtype.kind not in "buif":
        got = f"an array of shape {np.shape(value)}" if np.ndim(value) else repr(value)
        raise InputError(f"{name}: value must be one number, the mean over the batch, got {got}")
    if all(gradient is None for gradient in gradients):
        raise InputError(f"{name}: dspk and dmem are both None, so nothing can be learned; return one of them")
    for kind, array, like in zip(("spk", "mem"), gradients, (spk, mem)):
        if array is not None and (np.shape(array) != like.shape or np.asarray(array).dtype.kind not in "buif"):
            raise InputError(
                f"{name}: d{kind} must be numbers of shape {like.shape}, as {kind} is (steps, batch, neurons), got "
                f"{np.asarray(array).dtype} of shape {np.shape(array)}"
            )
    return float(value), *gradients


def _read_only(x):
    view = x.view()
    view.flags.writeable = False
    return view


def parse_penalty(text: str) -> tuple[Any, Any]:
    """Read a rate penalty as (weight, target or None): ``"0.1"``, ``"5:0.05"`` (weight:target), or lists by layer."""
    parts = [_numbers(part.split(",")) for part in str(text).split(":")]
    weights, targets = parts[0], (parts[1] if len(parts) == 2 else None)
    if len(parts) > 2 or not all(parts) or min(weights) < 0 or (targets and not 0 <= min(targets) <= max(targets) <= 1):
        raise InputError(
            f"cannot read rate penalty {text!r}: give a weight of at least 0, or weight:target with a "
            "target rate between 0 and 1, as in 5:0.05; each one for all layers or a list, as in 2,0.5,0"
        )
    return _one_or_all(weights), targets and _one_or_all(targets)


def _one_or_all(numbers):
    return numbers[0] if len(numbers) == 1 else tuple(numbers)


def _numbers(texts):
    try:
        values = [float(t) for t in texts]
    except ValueError:
        return []
    return values if np.isfinite(values).all() else []


def _checked(labels, spk, classes):
    labels = np.asarray(labels)
    if labels.shape != spk.shape[1:2] or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(
            f"labels must be whole numbers of shape ({spk.shape[1]},), one for each sample, "
            f"got {labels.dtype} of shape {labels.shape}"
        )
    if labels.size and not (0 <= labels.min() and labels.max() < classes):
        raise InputError(f"labels must be 0 to {classes - 1}, got {labels.min()} to {labels.max()}")
    return labels
