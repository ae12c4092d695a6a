"""The model of cycles against sums done by hand; against the gates it is held in test_hw_accelerator.py."""

from itertools import product

import numpy as np
import pytest

from minisnn.errors import InputError
from minisnn.fixed.network import IntegerLayer, IntegerNetwork
from minisnn.timing import cycles, layout
from minisnn.timing.balance import balance
from minisnn.topology import parse
from tests.hw.networks import random_inputs, random_network


def always_firing(topology, shape, input_bits=0):
    """Every neuron fires at every step, whatever comes in."""
    layers = tuple(
        IntegerLayer(
            layer=layer,
            w=np.zeros(layer.w_shape, np.int16),
            b=np.full(layer.w_shape[-1], 5),
            threshold=1,
            beta=0,
            frac=0,
            guard=0,
            weight_bits=4,
            membrane_bits=8,
            reset="zero",
            rounding="floor",
            scale=1.0,
        )
        for layer in parse(topology, shape)
    )
    return IntegerNetwork(layers=layers, classes=layers[-1].layer.neurons, input_bits=input_bits)


def stimulus(network, inputs, num_steps):
    inputs = np.asarray(inputs, np.uint8)
    return cycles.Stimulus.of(network, inputs, network.forward(inputs, num_steps, keep="spikes"), num_steps)


def test_two_layers_by_hand():
    """1C1-1 on a row of two pixels, both spike, one step, one lane each.

    The two words are taken in cycles 0 and 1, so the first layer begins in 2. It fetches words in 3 and 4, holds the
    first in 5: its spike is handed over in 5, passes two stages in 6 and 7, and is added in 8; the other's in 9. So
    all is added in 10, the neurons fire in 11 and 12, the last word is out in 17. The second layer begins in 18, has
    added two spikes in 26, fires in 27, its word is out in 32. Then 2 cycles until the sum is stored, 2 to fetch it, 1
    to add it up, and the score, the class and the count are sent in 38, 39 and 40.
    """
    both = stimulus(always_firing("1C1-1", (1, 2, 1)), np.ones((1, 1, 1, 2, 1)), 1)
    for schedule in ("pipelined", "dense"):
        found = cycles.predict(both, (1, 1), schedule)
        assert found.latency.tolist() == [41]
        assert [x.ravel().tolist() for x in (found.begins, found.added, found.firing_starts, found.ends)] == [
            [2, 18],
            [10, 26],
            [10, 26],
            [13, 28],
        ]
        assert found.bound.ravel().tolist() == [2, 2]
        assert found.least.tolist() == [1 + 2 + 2 + 2 + 1]  # the second word, and additions and firings of both layers
    # convolution: max(1*2, 2*2 + 2*4 + 3) + 2 = 17; fully connected: 2 + 2*4 + 2*2 + 2 + (2 + 2) = 20
    assert cycles.predict(both, (1, 1), "layerwise").latency.tolist() == [37]


def test_dense_sees_no_sparsity():
    """Not one spike: two zero words cost 2 cycles; the dense schedule and the always firing second layer do not."""
    silent = stimulus(always_firing("1C1-1", (1, 2, 1)), np.zeros((1, 1, 1, 2, 1)), 1)
    found = cycles.predict(silent, (1, 1))
    assert found.added[0, 0, 0] - found.begins[0, 0, 0] == 4 and found.latency.tolist() == [37]
    assert cycles.predict(silent, (1, 1), "dense").latency.tolist() == [41]
    # 1 channel without a spike: 2*4 + 3 cycles of scanning, and 2 neurons
    assert cycles.predict(silent, (1, 1), "layerwise").latency.tolist() == [11 + 2 + 20]


def test_layerwise_by_hand():
    """4C2-3 on 3x3x2, lanes 3 and 2, two steps: 5 spikes in channel 0, 1 in channel 1; then none."""
    inputs = np.zeros((2, 1, 3, 3, 2))
    inputs[0, 0].reshape(9, 2)[:5, 0] = 1
    inputs[0, 0, 2, 2, 1] = 1
    found = cycles.predict(stimulus(always_firing("4C2-3", (3, 3, 2)), inputs, 2), (3, 2), "layerwise")
    first = 2 * ((max(4 * 5, 2 * 5 + 11) + max(4 * 1, 2 * 1 + 11) + 4) + (11 + 11 + 4))
    second = 2 * (16 + 8 + 2 * 16 + 2) + 2 * 2 * (16 + 2)  # 4*2*2 inputs, which all spike
    assert found.latency.tolist() == [first + second]
    assert found.adding.sum(axis=2).tolist() == [[first, second]]


@pytest.mark.parametrize("schedule", cycles.SCHEDULES)
def test_pixels_are_added_once_in_every_schedule(schedule):
    """3C2-1 on 3x3x1, 2 groups: the pixel in the middle has 4 taps, the one in the corner 1."""
    pixels = np.zeros((1, 1, 3, 3, 1))
    pixels[0, 0, 1, 1], pixels[0, 0, 0, 0] = 9, 200
    given = stimulus(always_firing("3C2-1", (3, 3, 1), 8), pixels, 4)
    found = cycles.predict(given, (2, 1), schedule)
    if schedule == "layerwise":
        assert found.adding[0, 0].tolist() == [2 * 5 + 8, 8, 8, 8]
    else:
        assert found.bound[0, 0].tolist() == [2 * 5, 0, 0, 0] and found.firing.tolist() == [8, 1]
        assert (found.added[0, 0, 1:] == found.firing_starts[0, 0, 1:]).all()


def test_all_taps_at_once_by_hand():
    """3C2-1 on 3x3x1, 2 groups: an input costs 2 cycles wherever it is."""
    pixels = np.zeros((1, 1, 3, 3, 1))
    pixels[0, 0, 1, 1], pixels[0, 0, 0, 0] = 9, 200
    network = always_firing("3C2-1", (3, 3, 1), 8)
    found = cycles.predict(stimulus(network, pixels, 4), (2, 1), wide=True)
    assert found.bound[0, 0].tolist() == [7 + 2, 0, 0, 0]  # words of zeros, and two inputs
    full = cycles.predict(stimulus(network, np.ones((1, 1, 3, 3, 1)), 4), (2, 1), wide=True)
    assert (
        full.bound[0, 0, 0] == 2 * 9 and layout.taps(network, True) == (4, 1) and layout.taps(network, False) == (1, 1)
    )
    # the second layer begins 8 cycles after the last of 8 firings of pixels; 2 more for the turn and choice of banks
    narrow = cycles.predict(stimulus(network, np.ones((1, 1, 3, 3, 1)), 4), (2, 1))
    assert [(each.begins[0, 1, 0] - each.firing_starts[0, 0, 0]).tolist() for each in (narrow, full)] == [8 + 8, 8 + 10]


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(3)
    network = random_network("6C3-MP2-5C2-12-4", (9, 8, 2), rng, padding=1, threshold=20)
    return stimulus(network, random_inputs(network, 4, 12, rng, 0.3), 4)


def test_no_lanes_are_faster_than_the_bound(case):
    for lanes in product((1, 4, 6), (2, 5), (3, 12), (1, 4)):
        found = cycles.predict(case, lanes)
        assert (found.adding > found.bound).all() and (found.latency > found.least).all()
        assert (found.latency <= cycles.predict(case, lanes, "dense").latency).all()
        assert all(0 < share <= 1 for share in found.utilisation)
        assert found.interval <= found.latency.mean()


def test_input_that_is_slow(case):
    """A word every n cycles: from some n on, the input alone decides."""
    lanes = (6, 5, 12, 4)
    latencies = [cycles.predict(case, lanes, word_every=n).latency.mean() for n in (1, 2, 20)]
    assert latencies[0] < latencies[1] < latencies[2]
    assert cycles.predict(case, lanes, word_every=20).interval == pytest.approx(4 * 72 * 20, rel=2e-3)  # 4 x 72 words


def test_a_stream_is_as_fast_as_its_slowest_layer():
    """Equal images: the interval is what the layer that is never idle takes for one."""
    network = always_firing("4C1-2", (3, 3, 2))
    found = cycles.predict(stimulus(network, np.ones((2, 8, 3, 3, 2)), 2), (1, 2))
    slow = found.adding[0, 0].sum() + 2 * found.firing[0] + 2
    assert found.interval == slow
    total = found.latency[0] + 7 * slow  # the first answer, and seven more
    assert found.utilisation[0] == pytest.approx(8 * (slow - 2) / total)


def test_balance_finds_the_best_there_is(case):
    sizes = (6, 5, 12, 4)
    for budget in (4, 9, 16, 27):
        lanes = balance(case, budget)
        assert sum(lanes) <= budget
        all_lanes = [each for each in product(*(range(1, n + 1) for n in sizes)) if sum(each) <= budget]
        useful = [each for each in all_lanes if all(-(-n // -(-n // c)) == c for n, c in zip(sizes, each))]
        best = min(cycles.predict(case, each).latency.mean() for each in useful)
        assert cycles.predict(case, lanes).latency.mean() <= 1.02 * best


def test_default_lanes():
    network = random_network("40C3-20-4", (5, 5, 1), np.random.default_rng(0))
    assert layout.default_lanes(network) == (32, 8, 4)
    assert [
        layout.words_of_input(random_network("2", (40,), np.random.default_rng(0), input_bits=bits)) for bits in (0, 8)
    ] == [32, 4]


@pytest.mark.parametrize(
    "change, words",
    [
        ({"lanes": (1, 2)}, "lanes must be one number for each of 4 layers, got 1/2"),
        ({"lanes": (7, 1, 1, 1)}, "layer 1 has 6 output channels: its lanes must be 1 to 6, got 7"),
        ({"schedule": "fast"}, "schedule must be one of pipelined, layerwise, dense, got 'fast'"),
        ({"word_every": 0}, "word_every must be at least 1, got 0"),
    ],
)
def test_what_cannot_be(case, change, words):
    with pytest.raises(InputError, match=words):
        cycles.predict(case, **change)
    with pytest.raises(InputError, match="a budget of 3 lanes is too small for 4 layers"):
        balance(case, 3)
