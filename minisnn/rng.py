"""Random streams of a seed: one generator for each purpose, so that none depends on how much another drew."""

import numpy as np


def stream(seed, purpose, epoch=0):
    """The Generator for one purpose of a seed.

    Parameters
    ----------
    seed : int
    purpose : "init", "split", "epoch" or "encode"
    epoch : int, default 0

    Returns
    -------
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        For another purpose.

    Examples
    --------
    An epoch's shuffle does not depend on what was drawn before it, so that a training can begin with any epoch:

    >>> first, second, again = (stream(0, "epoch", epoch).permutation(5).tolist() for epoch in (0, 1, 0))
    >>> first == again, first == second
    (True, False)
    """
    key = ("init", "split", "epoch", "encode").index(purpose)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(key, epoch)))
