"""Firing passes of a pooling window a cycle in the cycle model: conflicts of banks by brute force, cycles, energy."""

from itertools import combinations, product

import numpy as np
import pytest

from minisnn.errors import InputError
from minisnn.timing import cycles, events, layout
from minisnn.timing.balance import MeanLatency, balance, count_multipliers, count_neurons
from minisnn.topology import parse
from tests.hw.networks import always_spiking, random_inputs, random_network, stimulus
from tests.test_second_bank import by_brute_force


def banks_of_window(layer, taps, window_y, window_x):
    """Banks of the neurons of a pooling window: with all taps by row and column, with a row of taps by column."""
    kernel, pool = layer.w_shape[0], layer.pool
    rows, columns = {1: (1, 1), kernel: (1, kernel), kernel**2: (kernel, kernel)}[taps]
    return [
        ((window_y * pool + y) % rows, (window_x * pool + x) % columns) for y, x in product(range(pool), range(pool))
    ]


@pytest.mark.parametrize("kernel, pool", list(product((1, 2, 3, 5), (1, 2, 3, 4))))
def test_a_window_fires_at_once_where_no_two_of_its_neurons_share_a_bank(kernel, pool):
    size = kernel - 1 + 3 * pool
    layer = parse(f"2C{kernel}-MP{pool}-2" if pool > 1 else f"2C{kernel}-2", (size, size, 1))[0]
    for taps in layout.tap_choices(layer):
        windows = [banks_of_window(layer, taps, y, x) for y in range(3) for x in range(3)]
        conflict = any(first == second for banks in windows for first, second in combinations(banks, 2))
        choices = layout.position_choices(layer, taps)
        assert choices == ((1,) if conflict or pool == 1 else (1, pool**2)), taps


@pytest.mark.parametrize("second_bank", [False, True])
def test_equals_a_schedule_by_brute_force(second_bank):
    """With the turns of a firing pass counted window by window, and group by group."""
    rng, shorter = np.random.default_rng(4), 0
    for _ in range(20):
        pixels = second_bank or rng.random() < 0.5
        height, width = rng.integers(6, 10, 2).tolist()
        network = always_spiking("5C3-MP2-4C2-3", (height, width, 1), 4 if pixels else 0)
        lanes = [int(rng.integers(1, most + 1)) for most in (5, 4, 3)]
        positions = (int(rng.choice([1, 4])), 1, 1)
        sizes = []
        for layer, count, at_once in zip(network.layers, lanes, positions):
            pool, side = layer.layer.pool, 1 if at_once == 1 else 2
            rows, columns = (1, 1, *layer.layer.out_shape)[-3:-1] if layer.layer.kind == "conv2d" else (1, 1)
            groups = range(0, layer.layer.w_shape[-1], count)
            windows = product(range(0, rows, pool), range(0, columns, pool), groups)
            turns = sum(len(range(0, pool, side)) ** 2 for _ in windows)
            sizes.append(turns)
        shorter += positions[0] == 4
        images, steps = int(rng.integers(1, 5)), int(rng.integers(1, 4))
        adding = rng.integers(3, rng.choice([6, 60]), (images, 3, steps))
        options = {"alone": False, "second_bank": second_bank, "positions": positions}
        times = cycles.recurrence(network, adding, lanes, width, (9, 1, 1), **options)
        machine = sizes, [True, False, False], pixels, 1 + second_bank, height, 1
        seen, first = by_brute_force(adding, *machine, cycles.answer_cycles(network, lanes))
        assert first == times["first"].tolist()
        for index, layer in enumerate(seen):
            for name in cycles.EVENTS:
                once = pixels and index == 0 and name in ("begins", "added")
                assert layer[name] == times[name][:, index, : 1 if once else None].reshape(-1).tolist(), (index, name)
    assert shorter > 5


def pooled_network():
    """A network of which the first layer, of pixels, and the second have a pool, with a leak that multiplies."""
    rng = np.random.default_rng(2)
    network = random_network("4C3-MP2-5C3-MP3-3", (14, 14, 1), rng, input_bits=4, padding=1, beta=5)
    return stimulus(network, random_inputs(network, 4, 3, rng), 4)


def test_firing_passes_are_shorter_and_nothing_else_changes():
    given, lanes, taps = pooled_network(), (2, 3, 3), (9, 9, 1)
    one, some = (cycles.predict(given, lanes, taps=taps, positions=count) for count in (None, (4, 9, 1)))
    assert some.firing.tolist() == [one.firing[0] // 4, one.firing[1] // 9, 1]
    np.testing.assert_array_equal(one.adding, some.adding)
    assert some.latency.mean() < one.latency.mean() and some.interval < one.interval
    layerwise = [
        cycles.predict(given, lanes, "layerwise", taps=taps, positions=count).latency.tolist()
        for count in (None, (4, 9, 1))
    ]
    assert layerwise[0] == layerwise[1]


def test_energy_counts_the_same_events_but_shared_biases():
    given, lanes, taps = pooled_network(), (2, 3, 3), (9, 9, 1)
    one, some = (events.count(given, lanes, taps=taps, positions=count) for count in (None, (4, 9, 1)))
    assert {name for name in one if one[name] != some[name]} == {"cycles", "idle_bits", "weight_read_bits"}
    layers = given.network.layers
    biases = [4 * layer.layer.neurons * layer.membrane_bits for layer in layers]  # of 4 steps, as wide as membranes
    saved = biases[0] * (1 - 1 / 4) + biases[1] * (1 - 1 / 9)
    assert one["weight_read_bits"] - some["weight_read_bits"] == pytest.approx(saved)


def test_each_position_has_a_neuron():
    given = pooled_network()
    assert count_neurons((2, 3, 3)) == 8 and count_neurons((2, 3, 3), (4, 9, 1)) == 2 * 4 + 3 * 9 + 3
    # one of each adder of pixels, and of each neuron
    assert count_multipliers(given.network, (2, 3, 3), (9, 9, 1), (4, 9, 1)) == 2 * 9 + 8 + 27 + 3
    taps = (9, 9, 1)
    latency = MeanLatency(given, positions=(4, 9, 1))
    budget = 2 * 9 + count_neurons((2, 2, 3), (4, 9, 1))
    lanes, _ = balance(given, None, budget, taps=taps, latency=latency)
    assert count_multipliers(given.network, lanes, taps, (4, 9, 1)) <= budget
    predicted = cycles.predict(given, lanes, taps=taps, positions=(4, 9, 1))
    assert latency(lanes, taps) == pytest.approx(predicted.latency.mean() - 1)


@pytest.mark.parametrize(
    "taps, positions, words",
    [
        ((9, 9, 1), (4, 9), "positions must be one number for each of 3 layers, got 4/9"),
        ((9, 9, 1), (2, 1, 1), "layer 1 has a pool of 2: its positions must be 1 or 4, got 2"),
        (
            (3, 9, 1),
            (4, 1, 1),
            "layer 1 has a pool of 2 and 3 taps at once, not all 9 of its kernel: its positions must be 1, got 4",
        ),
        ((9, 9, 1), (1, 1, 4), "layer 3 has no pool: its positions must be 1, got 4"),
    ],
)
def test_positions_that_do_not_fit_are_refused(taps, positions, words):
    given = pooled_network()
    for function in (cycles.predict, events.count):
        with pytest.raises(InputError, match=words):
            function(given, taps=taps, positions=positions)
    with pytest.raises(InputError, match=words):
        MeanLatency(given, positions=positions)((1, 1, 1), taps)


def test_a_pool_that_is_wider_than_the_kernel_is_refused():
    given = stimulus(always_spiking("2C2-MP3-2", (4, 4, 1)), np.ones((1, 1, 4, 4, 1)), 1)
    words = "layer 1 has a pool of 3 and a kernel of 2, which is smaller: its positions must be 1, got 9"
    with pytest.raises(InputError, match=words):
        cycles.predict(given, taps=(4, 1), positions=(9, 1))
