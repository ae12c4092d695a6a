"""Random streams of a seed: one generator for each purpose, so that none depends on how much another drew."""

import numpy as np


def stream(seed: int, purpose: str, epoch: int = 0) -> np.random.Generator:
    """Return the Generator for one purpose of a seed: "init", "split", "epoch" or "encode".

    An epoch's stream does not depend on what was drawn before it, so that a training can begin with any epoch.
    """
    key = ("init", "split", "epoch", "encode").index(purpose)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(key, epoch)))
