"""The energy model: events against sums done by hand and a walk over every tap; bounds against all vertices."""

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minisnn.errors import InputError
from minisnn.fixed.early_exit import Stops
from minisnn.timing import cycles, energy
from minisnn.timing.additions import additions
from minisnn.timing.events import count
from tests.hw.networks import always_spiking, random_inputs, random_network, stimulus

NAMES = [name for name in energy.CONSTANTS if name != "static"]


def test_two_neurons_by_hand():
    """2 inputs, 2 neurons on one lane, 2 steps: two spikes, then none; 4 weights are added, and there are 4 firings.

    The first step begins in cycle 1, its spikes are added in 7 to 10 and nothing is left in 11; the neurons have their
    turns in 12 and 13. The second begins in 14 and has scanned a word of zeros in 17; its turns (6 after the last) are
    in 20 and 21, and its last word is out in 26. The answer takes 2 * 2 cycles to fetch, 2 to add, and 2 scores, class
    and cycles: last in 38.
    """
    given = stimulus(always_spiking("2", (2,), reset="subtract", beta=5), [[[1, 1]], [[0, 0]]], 2)
    assert count(given, (1,)) == {
        "weight_read_bits": 4 * 4 + 4 * 8,  # weights, and biases as wide as membranes
        "membrane_read_bits": 4 * 8 + 4 * 8,
        "membrane_write_bits": 4 * 8 + 4 * 8,
        "buffer_read_bits": 2 * 2,
        "buffer_write_bits": 2 * 2,
        "addition_bits": 4 * 8 + 4 * 8,
        "compare_bits": 4 * 2 * 8,  # the threshold is compared with, and subtracted
        "pixel_multiply_bits": 0,
        "leak_multiply_bits": 4 * 8 * 3,  # beta is 5/8
        "scanner_bits": (2 + 1) * 2,  # two spikes, a word of zeros
        "idle_bits": (39 - 4 - 4) * 8,
        "cycles": 39,
    }


def test_early_exit_leaves_out_what_is_dropped():
    """Images that end after 9, 4 and 1 of 9 steps; each pass compares two neurons of 8 bits twice."""
    given = stimulus(always_spiking("2", (2,), reset="subtract", beta=5), np.ones((9, 3, 2)), 9)
    steps = np.array([9, 4, 1])
    ended = replace(given, stops=Stops(steps, np.zeros((3, 2), int), np.zeros(3, int), np.zeros(3, int)))
    predicted, whole, less = cycles.predict(ended, (1,)), count(given, (1,)), count(ended, (1,))
    assert predicted.passes[:, 0].tolist()[0] == 9 and (predicted.passes[1:, 0] >= steps[1:] + 1).all()
    assert (predicted.passes[1:] < 9).all() and (np.diff(predicted.latency) < 0).all()
    assert less["compare_bits"] == predicted.passes.mean() * 2 * 2 * 8
    assert (predicted.idle >= 0).all() and less["buffer_read_bits"] < whole["buffer_read_bits"]
    assert less["weight_read_bits"] < whole["weight_read_bits"] and less["cycles"] < whole["cycles"]
    never = replace(ended, stops=ended.stops._replace(steps=np.full(3, 9)))
    same = count(never, (1,))
    assert {name for name in same if same[name] != whole[name]} == {"cycles", "idle_bits"}  # scores are looked at


def test_pixels_by_hand():
    """3C2-1 on 3x3x1, lanes 2 and 1, 4 steps: pixels of 4 taps and of 1; 12 neurons, which all spike.

    Currents have 4 (weight) + 8 (pixel) + 3 (4 taps) = 15 bits. 15 weights of pixels are added, and 48 of spikes.
    """
    pixels = np.zeros((1, 1, 3, 3, 1))
    pixels[0, 0, 1, 1], pixels[0, 0, 0, 0] = 9, 200
    given = stimulus(always_spiking("3C2-1", (3, 3, 1), 8), pixels, 4)
    firings = 48 + 4
    events = {
        "weight_read_bits": (15 + 48) * 4 + firings * 8,
        "membrane_read_bits": 15 * 15 + 48 * 8 + firings * 8 + 48 * 15,
        "membrane_write_bits": 15 * 15 + 48 * 8 + firings * 8 + 12 * 15,  # at the end, currents are written as 0
        "buffer_read_bits": 9 * 8 + 4 * 12,
        "buffer_write_bits": 9 * 8 + 4 * 12,
        "addition_bits": 15 * 15 + 48 * 8 + firings * 8 + 48 * 15,
        "compare_bits": firings * 8,
        "pixel_multiply_bits": 15 * 4 * 8,
        "leak_multiply_bits": 0,
    }
    layerwise = events | {
        "scanner_bits": 9 * 8 + 4 * ((2 * 12 + 4) * 12 + 12),  # 12 inputs, in one word, from 3 channels
        "idle_bits": (284 - 10 - 32) * 2 * 15 + (284 - 48 - 4) * 8,
        "cycles": 2 * 5 + 4 * 8 + 4 * (3 + 2 + 2 + 24 + 2 * (12 + 2)) + 1 + 5,
    }
    assert count(given, (2, 1), "layerwise") == layerwise
    one, row, full = (cycles.predict(given, (2, 1), taps=(taps, 1)).interval for taps in (1, 2, 4))
    ours = events | {
        "scanner_bits": 3 * 24 + 48 * 12
    }  # rows of pixels: two inputs, a word of zeros; words of 12 spikes
    assert count(given, (2, 1)) == ours | {
        "cycles": one,
        "idle_bits": (one - 10 - 32) * 2 * 15 + (one - 52) * 8,
    }
    assert count(given, (2, 1), taps=(2, 1)) == ours | {
        "weight_read_bits": (3 * 2 * 3 + 48) * 4 + firings * 8,  # both taps of 2 rows, and of 1
        "cycles": row,
        "idle_bits": (row - 6 - 32) * 2 * 2 * 15 + (row - 52) * 8,
    }
    assert count(given, (2, 1), taps=(4, 1)) == ours | {
        "weight_read_bits": (2 * 4 * 3 + 48) * 4 + firings * 8,  # all 4 taps of both pixels
        "cycles": full,
        "idle_bits": (full - 4 - 32) * 2 * 4 * 15 + (full - 52) * 8,
    }


def test_the_layerwise_scanner_by_hand():
    """4C2-3 on 3x3x2, lanes 3 and 2, two steps: 6 spikes, then none; 16 neurons, which all spike."""
    inputs = np.zeros((2, 1, 3, 3, 2))
    inputs[0, 0].reshape(9, 2)[:5, 0] = 1
    inputs[0, 0, 2, 2, 1] = 1
    events = count(stimulus(always_spiking("4C2-3", (3, 3, 2)), inputs, 2), (3, 2), "layerwise")
    assert events["buffer_read_bits"] == 2 * 2 * 18 + 2 * 16  # once for each group of lanes
    assert events["buffer_write_bits"] == 2 * 18 + 2 * 16
    assert events["scanner_bits"] == 2 * (2 * 6 + 2 * 2 * 11) * 3 + 2 * ((2 * 16 + 4) * 16 + 16)


def inputs_of_word(frame, is_map):
    """Return the inputs in a word between layers: pixels of a row, spread evenly, as few words as 32 bits allow."""
    channels = frame.shape[-1]
    row = frame.shape[1] if is_map else frame.size // channels
    return -(-row // -(-row // (32 // channels))) * channels


def words(frame, is_map, in_lanes):
    """Yield the words of a frame; a line begins a new one: a row, or a pixel that does not fit."""
    lines = frame.shape[0] if is_map else 1
    for line in frame.reshape(-1, frame.shape[-1]) if in_lanes < frame.shape[-1] else frame.reshape(lines, -1):
        for at in range(0, len(line), in_lanes):
            yield line[at : at + in_lanes]


def walk(network, frames, steps, in_lanes, at_once):
    """Count the events of one image, except idle cycles, neuron by neuron; `frames` has each layer's (T or 1, ...)."""
    n = dict.fromkeys(NAMES, 0)
    for index, (integers, x) in enumerate(zip(network.layers, frames)):
        layer, bits = integers.layer, network.input_bits if index == 0 else 0
        size = layer.w_shape[0] if layer.kind == "conv2d" else 1
        fan_in = int(np.prod(layer.w_shape[:-1]))
        current = integers.weight_bits + bits + integers.guard + len(f"{fan_in:b}")
        width = current if bits else integers.membrane_bits
        bias = integers.membrane_bits
        while not all(-(1 << bias - 1) <= b < 1 << bias - 1 for b in integers.b):
            bias += 1
        is_map = layer.kind == "conv2d"
        if index > 0:
            in_lanes = inputs_of_word(x[0], is_map)
        for frame in x:
            if layer.kind == "linear":
                taps = [(0, i) for i in np.flatnonzero(frame)] * layer.w_shape[-1]
            else:
                taps = [
                    (ky, kx) + (y + ky - layer.padding, x0 + kx - layer.padding, c)
                    for y, x0, _ in product(*map(range, layer.out_shape))
                    for ky, kx, c in product(range(size), range(size), range(layer.w_shape[2]))
                    if 0 <= y + ky - layer.padding < layer.in_shape[0]
                    and 0 <= x0 + kx - layer.padding < layer.in_shape[1]
                    and frame[y + ky - layer.padding, x0 + kx - layer.padding, c]
                ]
            read = len(taps)
            if is_map and at_once[index] > 1:  # a word for each input, or for each row of taps of an input
                read_words = {tap[2:] if at_once[index] > size else (tap[0], *tap[2:]) for tap in taps}
                read = len(read_words) * at_once[index] * layer.w_shape[-1]
            n["weight_read_bits"] += read * integers.weight_bits
            for name in ("membrane_read_bits", "membrane_write_bits", "addition_bits"):
                n[name] += len(taps) * width
            n["pixel_multiply_bits"] += len(taps) * integers.weight_bits * bits
            n["buffer_read_bits"] += frame.size * max(bits, 1)
            n["buffer_write_bits"] += frame.size * max(bits, 1)
            for word in words(frame, is_map, in_lanes):
                n["scanner_bits"] += max(np.count_nonzero(word), 1) * in_lanes * max(bits, 1)
        for _ in range(steps * layer.neurons):
            n["weight_read_bits"] += bias
            n["membrane_read_bits"] += integers.membrane_bits + (current if bits else 0)
            n["membrane_write_bits"] += integers.membrane_bits
            n["addition_bits"] += max(current, bias) + integers.membrane_bits if bits else bias
            n["compare_bits"] += integers.membrane_bits * {"none": 0, "zero": 1}.get(integers.reset, 2)
            if integers.beta not in (0, 1, 2, 4, 8, 16):
                n["leak_multiply_bits"] += integers.membrane_bits * len(f"{integers.beta:b}")
        n["membrane_write_bits"] += layer.neurons * (current if bits else 0)
    return n


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from(["3C2-MP2-4C3-5", "5C3-6-3", "7-4"]),
    st.sampled_from([0, 4]),
    st.sampled_from(["subtract", "subtract_then_leak", "zero"]),
    st.sampled_from(["spikes", "membrane"]),
    st.sampled_from([0, 4, 5, 8]),
    st.lists(st.sampled_from([0, 1, 2]), min_size=4, max_size=4),
    st.floats(0, 1),
    st.sampled_from([4, 10]),
)
def test_every_tap_of_random_networks(seed, topology, input_bits, reset, readout, beta, sides, density, membrane_bits):
    rng = np.random.default_rng(seed)
    shape = (6, 5, 2) if "C" in topology else (9,)
    network = random_network(
        topology,
        shape,
        rng,
        padding=1,
        input_bits=input_bits,
        reset=reset,
        readout=readout,
        beta=beta,
        membrane_bits=membrane_bits,
        threshold=4,
    )
    inputs, steps = random_inputs(network, 3, 2, rng, density), 3
    run = network.forward(inputs, steps, keep="spikes")
    lanes = tuple(int(rng.integers(1, integers.layer.w_shape[-1] + 1)) for integers in network.layers)
    in_lanes = int(rng.choice([1, 2, 4, 6, 10] if "C" in topology else np.arange(1, 10)))
    given = cycles.Stimulus.of(network, inputs, run, steps)
    kernels = [integers.layer.w_shape[0] if integers.layer.kind == "conv2d" else 1 for integers in network.layers]
    taps = [kernel**side for kernel, side in zip(kernels, sides)]
    ones = [1] * len(taps)
    frames = [inputs, *run.out[:-1]]
    full = [np.ones((steps, *x.shape[1:]), np.uint8) for x in frames]
    if input_bits:
        full[0] = inputs
    for schedule, spikes in (("pipelined", frames), ("dense", full), ("layerwise", frames)):
        one_by_one = [
            walk(network, [x[:, image] for x in spikes], steps, in_lanes, ones if schedule == "layerwise" else taps)
            for image in range(2)
        ]
        counted = count(given, lanes, schedule, taps, in_lanes)
        assert list(counted) == NAMES
        skip = {"idle_bits", "cycles"} | ({"scanner_bits", "buffer_read_bits"} if schedule == "layerwise" else set())
        for name in set(NAMES) - skip:
            assert counted[name] == pytest.approx((one_by_one[0][name] + one_by_one[1][name]) / 2, rel=1e-12), name
        assert counted["cycles"] == cycles.predict(given, lanes, schedule, in_lanes=in_lanes, taps=taps).interval
        assert counted["idle_bits"] >= 0


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(3)
    network = random_network("6C3-MP2-5C2-12-4", (9, 8, 2), rng, padding=1, threshold=20)
    return stimulus(network, random_inputs(network, 4, 12, rng, 0.3), 4)


def test_dense_costs_more(case):
    for taps in (None, (9, 2, 1, 1)):
        ours, dense = (count(case, (3, 4, 6, 4), schedule, taps) for schedule in ("pipelined", "dense"))
        assert all(dense[name] >= ours[name] for name in set(NAMES) - {"idle_bits"})
        assert dense["addition_bits"] > ours["addition_bits"] and dense["scanner_bits"] > ours["scanner_bits"]


def test_taps_are_a_choice_of_each_layer(case):
    """With a kernel of 2 and padding 1 each input reaches all taps, so only the first layer reads some for nothing."""
    lanes = (6, 5, 12, 4)
    reads = {
        (first, second): count(case, lanes, taps=(first, second, 1, 1))["weight_read_bits"]
        for first in (1, 3, 9)
        for second in (1, 2, 4)
    }
    for first in (1, 3, 9):
        assert reads[first, 1] == reads[first, 2] == reads[first, 4]
    assert reads[1, 1] < reads[3, 1] < reads[9, 1]


def test_silence_adds_nothing():
    """Only firings of 2 neurons and 1 remain; the bits of an unused lane are not counted."""
    events = count(stimulus(always_spiking("2-1", (3,)), np.zeros((1, 1, 3)), 1), (2, 1))
    silent = count(stimulus(always_spiking("1", (3,)), np.zeros((1, 1, 3)), 1))
    assert silent["addition_bits"] == silent["membrane_read_bits"] == silent["weight_read_bits"] == 8
    assert silent["pixel_multiply_bits"] == 0 and silent["scanner_bits"] == 3
    assert events["addition_bits"] == 3 * 8 + 2 * 8  # the second layer's two spikes


def test_a_bias_may_be_wider_than_everything_else():
    """-2**15 has 16 bits; a current of 3 pixels 4 + 8 + 2. The neuron adds both in 16 bits, then to 8 of membrane."""
    network = always_spiking("1", (3,), 8)
    network = replace(network, layers=(replace(network.layers[0], b=np.array([-1 << 15])),))
    events = count(stimulus(network, np.zeros((1, 1, 3)), 1))
    assert events["weight_read_bits"] == 16 and events["addition_bits"] == 16 + 8


def test_idle_cycles_are_never_negative():
    """Images of 200 and no spikes: the mean interval is less than the busy cycles of the mean image."""
    inputs = np.zeros((1, 2, 200))
    inputs[0, 0] = 1
    given = stimulus(always_spiking("8", (200,)), inputs, 1)
    assert cycles.predict(given, (1,)).interval < additions(given, 0, 1, 32).adds.mean()
    assert count(given, (1,))["idle_bits"] == 0


def test_energy_is_linear_in_its_constants(case):
    events = count(case)
    parts = energy.energy(events)
    assert list(parts) == NAMES and all(joules >= 0 for joules in parts.values())
    assert parts["addition_bits"] == pytest.approx(
        events["addition_bits"] * 0.03e-12 / 8 * 14 * (1.1 / 0.9) ** 2, rel=1e-12
    )
    total = energy.image_energy(events, 5000, 100)
    assert total == pytest.approx(sum(parts.values()) + 0.212 * 1.1 * 5000 / 100e6, rel=1e-12)
    assert energy.fps_per_watt(events, 5000, 100) == 1 / total
    for name, (value, unit, source) in energy.CONSTANTS.items():
        assert value > 0 and unit == ("W" if name == "static" else "pJ") and source
        less, more = (energy.image_energy(events, 5000, 100, {name: factor * value}) for factor in (0, 3))
        assert more - total == pytest.approx(2 * (total - less), rel=1e-9, abs=1e-20)
        assert total - less == pytest.approx(parts.get(name, 0.212 * 1.1 * 5000 / 100e6), rel=1e-9, abs=1e-20)


def test_sensitivity_against_all_vertices():
    rng = np.random.default_rng(5)
    factors = np.array(list(product((0.5, 2.0), repeat=len(energy.CONSTANTS))))
    for _ in range(12):
        pair = [
            ({name: rng.random() * 1e6 * (rng.random() < 0.8) for name in NAMES}, 1 + rng.integers(2000))
            for _ in range(2)
        ]
        ratio, low, high = energy.sensitivity(*pair, 250)
        a, b = (
            np.array([*energy.energy(events).values(), energy.CONSTANTS["static"][0] * interval / 250e6])
            for events, interval in pair
        )
        assert ratio == pytest.approx(energy.fps_per_watt(*pair[0], 250) / energy.fps_per_watt(*pair[1], 250))
        everywhere = (factors @ b) / (factors @ a)
        assert (low, high) == pytest.approx((everywhere.min(), everywhere.max()), rel=1e-12)
        inside = rng.uniform(0.5, 2, (1000, len(a)))
        inside = (inside @ b) / (inside @ a)
        assert low <= inside.min() and inside.max() <= high and low < ratio < high


def test_energy_by_hand():
    """A million additions of a bit at 0.08 pJ are 0.08 uJ; 0.2 W over 1000 cycles of 10 ns are 2 uJ."""
    assert energy.energy({"addition_bits": 1e6}, {"addition_bits": 0.08})["addition_bits"] == pytest.approx(8e-8)
    joules = energy.image_energy({"addition_bits": 1e6}, 1000, 100, {"static": 0.2, "addition_bits": 0.08})
    assert joules == pytest.approx(2.08e-6)
    assert energy.fps_per_watt({}, 1000, 100, {"static": 0.2}) == pytest.approx(500_000)


def test_sensitivity_by_hand():
    """Twice the additions in the same time: 3 uJ against 2 uJ.

    If only static power counted, the designs would be alike; if only additions did, one would be twice as good.
    """
    constants = {"static": 0.1, "addition_bits": 1.0}
    ours, theirs = ({"addition_bits": 1e6}, 1000), ({"addition_bits": 2e6}, 1000)
    assert energy.sensitivity(ours, theirs, 100, constants) == pytest.approx((1.5, 1.2, 1.8))


def test_a_design_against_itself(case):
    """Exactly 1, however the constants are varied; and a pure multiple stays one."""
    events = count(case)
    assert energy.sensitivity((events, 777.0), (events, 777.0), 31) == (1.0, 1.0, 1.0)
    twice = ({name: 2 * value for name, value in events.items()}, 2 * 777.0)
    assert energy.sensitivity((events, 777.0), twice, 31) == (2.0, 2.0, 2.0)


def test_one_design_lacks_an_event():
    ratio, low, high = energy.sensitivity(({"cycles": 5.0}, 10), ({"idle_bits": 7.0}, 10), 100)
    assert np.isfinite([ratio, low, high]).all() and low < ratio < high


def test_custom_constants(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"static": 0.05, "idle_bits": 0}))
    mine = energy.load_constants(path)
    assert mine == {"static": 0.05, "idle_bits": 0}
    one = energy.image_energy({"idle_bits": 1e9, "cycles": 1e9}, 100, 1, mine)
    assert one == pytest.approx(0.05 * 100e-6 + 1e-3 * energy.CONSTANTS["cycles"].value)  # which keeps its default
    assert energy.image_energy({"idle_bits": 1e9}, 100, 1, mine) == pytest.approx(0.05 * 100e-6)


@pytest.mark.parametrize(
    "text, words",
    [
        (None, "mine.json: cannot be read as constants .*; give a JSON file"),
        ("{", "mine.json: cannot be read as constants .*; give a JSON file"),
        ("[1]", "mine.json: constants must be a JSON object"),
        ('{"watts": 1}', "mine.json: no constant is named 'watts'; use one of weight_read_bits, "),
        ('{"static": -1}', "mine.json: static must be a number of W, 0 or more, got -1"),
        ('{"cycles": "2"}', "mine.json: cycles must be a number of pJ, 0 or more, got '2'"),
        ('{"cycles": NaN}', "mine.json: cycles must be a number of pJ, 0 or more, got nan"),
        ('{"cycles": Infinity}', "mine.json: cycles must be a number of pJ, 0 or more, got inf"),
        ('{"cycles": true}', "mine.json: cycles must be a number of pJ, 0 or more, got True"),
    ],
)
def test_bad_constants(tmp_path, text, words):
    path = tmp_path / "mine.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=words):
        energy.load_constants(path)


def test_wrong_options_are_refused(case):
    with pytest.raises(InputError, match="schedule must be one of pipelined, layerwise, dense, got 'fast'"):
        count(case, schedule="fast")
    with pytest.raises(InputError, match="lanes must be one number for each of 4 layers, got 1/2"):
        count(case, (1, 2))
    with pytest.raises(
        InputError, match="no event is named 'static'; use those that minisnn.timing.events.count returns"
    ):
        energy.energy({"static": 1.0})
    for interval, clock, words in (
        (0, 1, "interval must be a number above 0, got 0"),
        (1, 0, "clock_mhz must be a number above 0, got 0"),
        (1, float("nan"), "clock_mhz must be a number above 0, got nan"),
    ):
        with pytest.raises(InputError, match=words):
            energy.fps_per_watt({"cycles": 1.0}, interval, clock)
    with pytest.raises(InputError, match="an image costs no energy with these constants"):
        energy.fps_per_watt({"cycles": 1.0}, 1, 1, dict.fromkeys(energy.CONSTANTS, 0))
