"""The choice of lanes: which layer should have how many, when there is room for only so many in all."""

from itertools import combinations_with_replacement, product

import numpy as np

from ..errors import InputError
from .additions import additions
from .cycles import recurrence
from .layout import count_groups, inputs_of_words, taps
from .stimulus import Stimulus


def balance(
    stimulus: Stimulus, budget: int, in_lanes: int | None = None, wide: bool | list[bool] = False
) -> tuple[int, ...]:
    """Return the lanes with the least mean latency, at most `budget` in all.

    Lanes matter only through the groups that they make, so each layer has few numbers to choose from. The search starts
    with one lane for each layer and changes the lanes of one or two layers at a time, always to the fastest choice,
    until no such change is faster.

    Parameters
    ----------
    stimulus : Stimulus
        Some images to judge by; 16 are plenty.
    budget : int
    in_lanes, wide
        See :func:`minisnn.timing.cycles.predict`.

    Returns
    -------
    lanes : tuple of L ints

    Raises
    ------
    InputError
        If the budget has fewer lanes than the network has layers.
    """
    network = stimulus.network
    if budget < len(network.layers):
        raise InputError(f"a budget of {budget} lanes is too small for {len(network.layers)} layers: each needs one")
    latency = _MeanLatency(stimulus, in_lanes, wide)
    choices = [_useful_lanes(integers.layer) for integers in network.layers]
    best = tuple(1 for _ in choices)
    while True:
        candidates = {lanes for lanes in _neighbours(best, choices) if sum(lanes) <= budget} | {best}
        better = min(candidates, key=lambda lanes: (latency(lanes), sum(lanes), lanes))
        if better == best:
            return best
        best = better


def _useful_lanes(layer):
    """Least lanes for each number of groups."""
    channels = layer.w_shape[-1]
    return sorted({count_groups(layer, groups) for groups in range(1, channels + 1)})


def _neighbours(lanes, choices):
    """All lanes that differ in at most two layers."""
    for first, second in combinations_with_replacement(range(len(lanes)), 2):
        for new_first, new_second in product(choices[first], choices[second]):
            changed = list(lanes)
            changed[second] = new_second
            changed[first] = new_first
            yield tuple(changed)


class _MeanLatency:
    """Mean latency of a stimulus with any lanes; additions of a layer are computed once for its lanes and words."""

    def __init__(self, stimulus, in_lanes, wide):
        self.stimulus, self.in_lanes = stimulus, in_lanes
        self.wides = [count > 1 for count in taps(stimulus.network, wide)]
        self.adding, self.latencies = {}, {}

    def __call__(self, lanes):
        if lanes not in self.latencies:
            network = self.stimulus.network
            words = inputs_of_words(network, lanes, self.in_lanes)
            adding = [self._adding(*numbers) for numbers in zip(range(len(lanes)), lanes, words)]
            times = recurrence(network, np.stack(adding, 1), lanes, words[0], self.wides, alone=True)
            self.latencies[lanes] = times["last"].mean()
        return self.latencies[lanes]

    def _adding(self, index, lanes, in_lanes):
        key = index, lanes, in_lanes
        if key not in self.adding:
            self.adding[key] = additions(self.stimulus, *key, self.wides[index]).cycles
        return self.adding[key]
