"""Lesson 11: inputs that share a word, the layerwise schedule, and the layer that should pay for its spikes."""

import numpy as np

from .exercise import Exercise


def layerwise(S, fan_in, neurons, lanes, last=1, least=1, once=True):
    total = 0
    full = neurons // lanes
    groups = full + 1 if last else -(-neurons // lanes)
    for spikes in S:
        total += 1 + 2 + 2 * -(-fan_in // 200) + 2 * spikes + groups * (max(spikes, least) + 2)
    return total + (full + 5 if once else 0)


def pays(utilisation, own=False):
    slowest = max(range(len(utilisation)), key=utilisation.__getitem__)
    return slowest if own else slowest - 1 if slowest else None


def active_first(spikes):
    ever = spikes.any(axis=(0, 1))
    return np.concatenate([np.flatnonzero(ever), np.flatnonzero(~ever)])


def ordered(function, spikes):
    order = np.asarray(function(spikes)).astype(int)
    return np.sort(order), spikes.any(axis=(0, 1))[order]


rng = np.random.default_rng(0)
spikes = (rng.random((4, 20, 40)) < 0.3).astype(np.uint8)
spikes[:, :, np.arange(40) % 5 != 2] = 0

EXERCISES = [
    Exercise(
        name="together",
        cases=[(spikes,)],
        right=lambda spikes: (np.arange(40), np.arange(40) < 8),
        mistakes={
            "the silent inputs come first": lambda spikes: active_first(spikes)[::-1],
            "the silent inputs are left out; every input needs a place": lambda spikes: active_first(spikes)[:8],
            "these are zeros and ones, not places: an order says which input comes first": lambda spikes: spikes.any(
                axis=(0, 1)
            ),
            "nothing is moved": lambda spikes: np.arange(40),
        },
        values=("input (sorted)", "whether the input ever spikes, as 0 or 1,"),
        axes=("place",),
        use=ordered,
    ),
    Exercise(
        name="layerwise",
        cases=[([5, 0, 12], 128, 24, 8), ([7], 450, 10, 4), ([0, 0], 24, 10, 10)],
        right=layerwise,
        mistakes={
            "there is one group more than full ones, even where the lanes divide the neurons": lambda *case: layerwise(
                *case, last=0
            ),
            "a step without spikes takes as long as one with a single spike": lambda *case: layerwise(*case, least=0),
            "the inputs are one flat frame, so IC is 1": lambda S, fan_in, neurons, lanes: (
                layerwise(S, fan_in, neurons, lanes) + len(S) * (fan_in - 1)
            ),
            "what an image costs once is missing": lambda *case: layerwise(*case, once=False),
        },
        values=("number of cycles",),
        doing=lambda S, fan_in, neurons, lanes: f"spikes {S}, {fan_in} inputs, {neurons} neurons, {lanes} lanes",
    ),
    Exercise(
        name="pays",
        cases=[([0.2, 0.9, 0.3],), ([0.2, 0.5, 0.8],), ([0.9, 0.4, 0.1],)],
        right=pays,
        mistakes={
            "fewer spikes of a layer help the layer that adds them, the next one": lambda utilisation: pays(
                utilisation, own=True
            ),
            "this is the layer with the least work": lambda utilisation: min(
                range(len(utilisation)), key=utilisation.__getitem__
            ),
            "layer 0 adds pixels, so no price on spikes can make it faster: None": lambda utilisation: max(
                max(range(len(utilisation)), key=utilisation.__getitem__) - 1, 0
            ),
        },
        values=("layer",),
        doing=lambda utilisation: f"utilisation {utilisation}",
    ),
]
