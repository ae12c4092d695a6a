"""The neuron in integers: the firing pass. See ``minisnn/lif.py`` for the equation.

What is kept from step to step is what the next step starts from: leak and reset are applied here, so that a
spike costs nothing but its additions.
"""

from .jit import kernel

RESETS = ("subtract", "subtract_then_leak", "zero", "none")
ROUNDINGS = ("floor", "zero")


@kernel
def leak(u, beta, frac, rounding):
    """(beta*u) / 2**frac, rounded down (rounding 0) or towards zero (rounding 1); u may be an array.

    Examples
    --------
    >>> leak(-5, 1, 1, 0), leak(-5, 1, 1, 1), leak(5, 1, 1, 0)  # half of -5, down and towards zero; half of 5
    (-3, -2, 2)
    """
    product = u * beta
    if rounding == 1:
        product = product + (product < 0) * ((1 << frac) - 1)
    return product >> frac


@kernel
def fire(mem, addend, threshold, beta, frac, reset, rounding, low, high, spk, before):
    """One step of all neurons: threshold, leak, reset.

    Parameters
    ----------
    mem : ndarray of shape (n,), int32 or int64
        In: kept state plus what the inputs added. Out: the state that the next step starts from.
    addend : ndarray of shape (n,), or of shape (M,), one for each channel
        Current that is constant over time, or the bias; added last, and saturated.
    threshold, beta, frac : int
        beta stands for beta / 2**frac.
    reset, rounding : int
        Index in RESETS and ROUNDINGS.
    low, high : int
        What the membrane saturates at.
    spk : ndarray of shape (n,), uint8
        Out: 1 where U > threshold; strictly greater.
    before : ndarray of shape (n,), or of shape (0,)
        Out: U, the membrane before reset.

    Returns
    -------
    fired : int

    Examples
    --------
    Threshold 4, leak 1/2 rounded down, reset "subtract": 5 fires and keeps 2 - 4; 4 is at the threshold and does not.

    >>> import numpy as np
    >>> mem, spk, before = np.array([4, 3, -6], np.int32), np.zeros(3, np.uint8), np.zeros(3, np.int64)
    >>> fire(mem, np.array([1]), 4, 1, 1, RESETS.index("subtract"), ROUNDINGS.index("floor"), -8, 7, spk, before)
    1
    >>> before.tolist(), spk.tolist(), mem.tolist()
    ([5, 4, -5], [1, 0, 0], [-2, 2, -3])
    """
    fired = 0
    for i in range(len(mem)):
        u = min(max(int(mem[i]) + int(addend[i % len(addend)]), low), high)
        s = 1 if reset != 3 and u > threshold else 0
        if reset == 0:
            v = leak(u, beta, frac, rounding) - s * threshold
        elif reset == 1:
            v = leak(u - s * threshold, beta, frac, rounding)
        elif reset == 2:
            v = 0 if s else leak(u, beta, frac, rounding)
        else:
            v = leak(u, beta, frac, rounding)
        mem[i] = min(max(v, low), high)
        spk[i] = s
        fired += s
        if len(before):
            before[i] = u
    return fired
