"""Losses, each with its gradient written by hand.

Every loss takes the last layer's spikes and membranes and the labels, and returns

    value    the mean over the batch
    dspk     its gradient with respect to the spikes, (T, B, N), or None
    dmem     its gradient with respect to the membranes, (T, B, N), or None

    rate        cross-entropy on the spike counts of the classes
    membrane    cross-entropy on the membranes of the classes at each step
    mse_count   squared distance of the spike counts to wanted ones

A population of N neurons is shared out in contiguous groups of N/classes; a class's count (or membrane) is
the sum over its group. :func:`rate_penalty` is added to any of them and bears on all layers: fewer spikes
are fewer cycles in sparsity-aware hardware.

Sources: Eshraghian et al., Proc. IEEE 111 (2023), arXiv 2109.12894, section IV; snnTorch ``functional.loss``.
"""

import numpy as np

from .errors import InputError


def class_sums(x, classes):
    """Sum the last axis, N neurons, in groups: one sum for each class.

    Parameters
    ----------
    x : ndarray of shape (..., N)
    classes : int
        Divides N.

    Returns
    -------
    sums : ndarray of shape (..., classes)

    Examples
    --------
    >>> class_sums(np.array([1.0, 2.0, 3.0, 4.0]), 2)
    array([3., 7.])
    """
    return x.reshape(*x.shape[:-1], classes, -1).sum(axis=-1)


def class_sums_backward(dsums, neurons):
    """Gradient of :func:`class_sums`: every neuron of a group gets its group's.

    Parameters
    ----------
    dsums : ndarray of shape (..., classes)
    neurons : int
        N.

    Returns
    -------
    dx : ndarray of shape (..., N)

    Examples
    --------
    >>> class_sums_backward(np.array([5.0, 6.0]), 4)
    array([5., 5., 6., 6.])
    """
    return np.repeat(dsums, neurons // dsums.shape[-1], axis=-1)


def _cross_entropy(logits, labels):
    """Mean over the rows of -log softmax(logits)[label], and its gradient; logits of shape (B, K)."""
    rows = np.arange(len(labels))
    shifted = logits - logits.max(axis=-1, keepdims=True)  # no overflow
    log_softmax = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    value = -log_softmax[rows, labels].mean()
    # value = -mean(log_softmax[label])
    dlogits = np.exp(log_softmax)
    dlogits[rows, labels] -= 1
    dlogits /= logits.dtype.type(len(labels))
    return float(value), dlogits


def rate(spk, mem, labels, classes):
    """Cross-entropy on the spike counts.

    Parameters
    ----------
    spk, mem : ndarray of shape (T, B, N)
        Spikes and membranes of the last layer.
    labels : ndarray of int, shape (B,)
        0 to classes - 1.
    classes : int
        Divides N.

    Returns
    -------
    value : float
    dspk : ndarray of shape (T, B, N)
    dmem : None

    Raises
    ------
    InputError
        If the labels do not fit.

    Examples
    --------
    >>> spk = np.array([[[1.0, 0.0]], [[1.0, 0.0]]])  # two steps, one sample, two classes: counts 2, 0
    >>> value, dspk, dmem = rate(spk, spk, np.array([0]), 2)
    >>> round(value, 4), dspk[0, 0].round(4).tolist()
    (0.1269, [-0.1192, 0.1192])
    """
    labels = _checked(labels, spk, classes)
    counts = class_sums(spk.sum(axis=0), classes)
    value, dcounts = _cross_entropy(counts, labels)
    # counts = class_sums(sum over t of spk)
    dspk = np.broadcast_to(class_sums_backward(dcounts, spk.shape[2]), spk.shape)
    return value, dspk, None


def membrane(spk, mem, labels, classes):
    """Cross-entropy on the membranes at each step, mean over the steps.

    Parameters
    ----------
    spk, mem, labels, classes
        As of :func:`rate`.

    Returns
    -------
    value : float
    dspk : None
    dmem : ndarray of shape (T, B, N)

    Raises
    ------
    InputError
        If the labels do not fit.

    Examples
    --------
    >>> mem = np.array([[[2.0, 0.0]], [[2.0, 0.0]]])
    >>> value, dspk, dmem = membrane(mem, mem, np.array([0]), 2)
    >>> round(value, 4), dmem[0, 0].round(4).tolist()
    (0.1269, [-0.0596, 0.0596])
    """
    labels = _checked(labels, mem, classes)
    steps, batch, neurons = mem.shape
    logits = class_sums(mem, classes).reshape(steps * batch, classes)
    value, dlogits = _cross_entropy(logits, np.tile(labels, steps))
    # logits = class_sums(mem)
    dmem = class_sums_backward(dlogits.reshape(steps, batch, classes), neurons)
    return value, None, dmem


def mse_count(spk, mem, labels, classes, correct=0.8, incorrect=0.05):
    """Squared distance of the spike counts to wanted ones, mean over batch and classes, divided by T.

    The group of the right class is to fire in a share `correct` of the steps, the others in `incorrect`.

    Parameters
    ----------
    spk, mem, labels, classes
        As of :func:`rate`.
    correct, incorrect : float
        Spikes per neuron and step, 0 to 1.

    Returns
    -------
    value : float
    dspk : ndarray of shape (T, B, N)
    dmem : None

    Raises
    ------
    InputError
        If the labels do not fit.

    Examples
    --------
    >>> spk = np.array([[[1.0, 0.0]], [[1.0, 0.0]]])
    >>> value, dspk, dmem = mse_count(spk, spk, np.array([0]), 2, correct=0.5, incorrect=0.0)
    >>> value, dspk[0, 0].tolist()  # counts 2, 0 where 1, 0 are wanted
    (0.25, [0.5, 0.0])
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


def rate_penalty(rates, weight, target=None):
    """Price of firing: sum(weight * rates), or sum(weight * (rates - target)^2).

    Parameters
    ----------
    rates : ndarray of shape (L,)
        Mean firing rate of each layer, spikes per neuron and step.
    weight : float or sequence of L floats
    target : float or sequence of L floats, optional
        The wanted rates; without it the rates are pushed down.

    Returns
    -------
    value : float
    drates : ndarray of shape (L,)

    Examples
    --------
    >>> value, drates = rate_penalty(np.array([0.1, 0.3]), 2.0, target=0.1)
    >>> round(value, 3), drates.round(3).tolist()
    (0.08, [0.0, 0.8])
    """
    rates = np.asarray(rates, float)
    weight = np.broadcast_to(np.asarray(weight, float), rates.shape)
    if target is None:
        return float((weight * rates).sum()), weight.copy()
    difference = rates - np.asarray(target, float)
    # value = sum(weight * difference**2)
    return float((weight * difference * difference).sum()), 2 * weight * difference


LOSSES = {"rate": rate, "membrane": membrane, "mse_count": mse_count}


def parse(text):
    """Read ``"rate"``, ``"membrane"``, ``"mse_count"`` or ``"mse_count:0.8:0.05"`` (correct, incorrect rate).

    Returns
    -------
    loss : callable of (spk, mem, labels, classes)

    Raises
    ------
    InputError
        For an unknown name or rates outside 0 to 1.

    Examples
    --------
    >>> parse("mse_count:0.9:0.1").keywords
    {'correct': 0.9, 'incorrect': 0.1}
    """
    from functools import partial

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


def parse_penalty(text):
    """Read a rate penalty, as (weight, target or None): ``"0.1"``, ``"5:0.05"`` (weight, target), or by layer.

    Returns
    -------
    weight : float or tuple of float
    target : float or tuple of float or None

    Raises
    ------
    InputError
        For what cannot be read, a weight below 0, or a target that is no rate.

    Examples
    --------
    >>> parse_penalty("5:0.05"), parse_penalty("2,0.5,0,0")
    ((5.0, 0.05), ((2.0, 0.5, 0.0, 0.0), None))
    """
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
