"""Early exit in gates: which frames are dropped, and when; back to back, each event in its cycle; MyHDL and VHDL."""

from math import inf

import numpy as np
import pytest

from minisnn.fixed.early_exit import NEVER
from tests.hw.networks import Whole, random_inputs, random_network, stalling

CASES = {  # topology, shape, bits of a pixel, lanes, taps, classes, steps, margin, cycles from word to word
    "flat spikes": ("6-4", (40,), 0, (5, 2), None, 2, 8, 2, 1),
    "few words": ("6-4", (8,), 0, (5, 2), None, 2, 8, 2, 3),
    "taps and spikes": ("3C3-4C3-4", (5, 5, 1), 0, (3, 2, 4), (9, 3, 1), 2, 6, 1, 1),
    "taps and pixels": ("4C3-MP2-6", (6, 6, 2), 3, (1, 2), (9, 1), 6, 6, 1, 1),
    "lossless, pixels": ("3C3-4C3-4", (5, 5, 1), 3, (2, 2, 2), (3, 1, 1), 2, 5, inf, 1),
    "one layer": ("9", (6,), 3, (4,), None, 3, 8, 1, 1),
    "second bank": ("4C3-MP2-6", (6, 6, 2), 3, (1, 2), (9, 1), 6, 6, 1, 1),
    "windows, second bank": ("4C3-MP2-6", (6, 6, 2), 3, (1, 2), (9, 1), 6, 6, 1, 1),
    "windows of spikes": ("4C3-MP2-6", (6, 6, 2), 0, (1, 2), (9, 1), 6, 6, 1, 1),
    "second bank, one layer": ("9", (6,), 3, (4,), None, 3, 8, 1, 1),
}


@pytest.mark.parametrize("name", CASES)
def test_early_exit(name):
    topology, shape, input_bits, lanes, taps, classes, steps, margin, word_every = CASES[name]
    rng = np.random.default_rng(3)
    network = random_network(topology, shape, rng, input_bits=input_bits, threshold=25, classes=classes)
    inputs = random_inputs(network, steps, 5, rng)
    options = {"taps": taps, "second_bank": "second bank" in name, "positions": (4, 1) if "windows" in name else None}
    case = Whole(network, lanes, inputs, steps, margin=margin, word_every=word_every, **options)
    times = case.times(word_every, alone=False)
    host = case.host(alone=False, word_every=word_every, linger=int(times["over"][-1] - times["last"][-1]))
    given, seen = case.simulate(host)
    case.check_values(host)
    case.check_cycles(host, word_every)
    assert (case.stimulus().last_steps < steps).any() and (times["firing_starts"] == NEVER).any()
    if len(network.layers) > 1:
        case.same_in_ghdl(given, seen)


@pytest.mark.parametrize("margin", [1, 2, 1000, inf])
@pytest.mark.parametrize("name", ["few words", "lossless, pixels"])
def test_stalls_change_no_answer(name, margin):
    """Words and beats wait at random; with them the frames that are dropped change, and the answers do not."""
    topology, shape, input_bits, lanes, taps, classes, steps, _, _ = CASES[name]
    rng = np.random.default_rng(5)
    network = random_network(topology, shape, rng, input_bits=input_bits, threshold=25, classes=classes)
    inputs = random_inputs(network, steps, 5, rng)
    case = Whole(network, lanes, inputs, steps, margin=margin, taps=taps)
    host = case.host(alone=False, offers=stalling(rng, 0.4), takes=stalling(rng, 0.3), linger=500)
    case.simulate(host)
    ended = case.stimulus().stops
    answers = [answer[:2] for answer in host.observed.answers]
    assert answers == list(zip(ended.scores.tolist(), ended.answers.tolist()))
