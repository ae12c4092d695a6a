"""The neuron in integers: the firing pass. See ``minisnn/lif.py`` for the equation.

Leak and reset are applied here, once per neuron and step, and leave the state from which the next step starts. So the
first input of the next step can be added at once: an input needs its additions and nothing else.
"""

from typing import Any

import numpy as np

RESETS = ("subtract", "subtract_then_leak", "zero", "none")
ROUNDINGS = ("floor", "zero")
# Their indices, which the loops take.
SUBTRACT, SUBTRACT_THEN_LEAK, ZERO, NONE = range(4)
FLOOR, TOWARDS_ZERO = range(2)


def leak(u: Any, beta: int, frac: int, rounding: int) -> Any:
    """Return beta * u / 2**frac as an integer; `u` may be an array.

    Parameters
    ----------
    u, beta, frac : int
    rounding : int
        ``FLOOR`` rounds down, ``TOWARDS_ZERO`` towards zero.

    Examples
    --------
    >>> leak(-5, 1, 1, FLOOR), leak(-5, 1, 1, TOWARDS_ZERO), leak(5, 1, 1, FLOOR)  # half of -5, -5 and 5
    (-3, -2, 2)
    """
    product = u * beta
    if rounding == TOWARDS_ZERO:
        product = product + (product < 0) * ((1 << frac) - 1)
    return product >> frac


def fire(
    mem: np.ndarray,
    addend: np.ndarray,
    threshold: int,
    beta: int,
    frac: int,
    reset: int,
    rounding: int,
    low: int,
    high: int,
    spk: np.ndarray,
    before: np.ndarray,
) -> int:
    """Run one firing pass over all neurons: add the bias, compare with the threshold, leak, reset.

    Parameters
    ----------
    mem : ndarray of shape (n,), int32 or int64
        In: the kept state plus what the inputs added. Out: the state that the next step starts from.
    addend : ndarray of shape (n,), or of shape (M,), one per channel
        A current that is constant over time, or the bias; added last, and saturated.
    threshold, beta, frac : int
        The leak is beta / 2**frac.
    reset, rounding : int
        Indices in RESETS and ROUNDINGS.
    low, high : int
        The range in which the membrane saturates.
    spk : ndarray of shape (n,), uint8
        Out: 1 where U is strictly greater than the threshold.
    before : ndarray of shape (n,), or of shape (0,)
        Out, if it has room: U, the membrane before reset.

    Returns
    -------
    spikes : int
        Number of neurons that spiked.

    Examples
    --------
    Threshold 4, leak 1/2 rounded down, reset "subtract". 5 spikes and keeps 2 - 4; 4 is at the threshold and does not:

    >>> import numpy as np
    >>> mem, spk, before = np.array([4, 3, -6], np.int32), np.zeros(3, np.uint8), np.zeros(3, np.int64)
    >>> fire(mem, np.array([1]), 4, 1, 1, SUBTRACT, FLOOR, -8, 7, spk, before)
    1
    >>> before.tolist(), spk.tolist(), mem.tolist()
    ([5, 4, -5], [1, 0, 0], [-2, 2, -3])
    """
    spikes = 0
    for i in range(len(mem)):
        u = min(max(int(mem[i]) + int(addend[i % len(addend)]), low), high)
        s = 1 if reset != NONE and u > threshold else 0
        if reset == SUBTRACT:
            v = leak(u, beta, frac, rounding) - s * threshold
        elif reset == SUBTRACT_THEN_LEAK:
            v = leak(u - s * threshold, beta, frac, rounding)
        elif reset == ZERO:
            v = 0 if s else leak(u, beta, frac, rounding)
        else:
            v = leak(u, beta, frac, rounding)
        mem[i] = min(max(v, low), high)
        spk[i] = s
        spikes += s
        if len(before):
            before[i] = u
    return spikes
