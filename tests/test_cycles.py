"""The cycle model against sums done by hand; tests/hw/test_accelerator.py holds it to the gates."""

from itertools import product
from operator import mul

import numpy as np
import pytest

from minisnn.encode import Encoder
from minisnn.errors import InputError
from minisnn.fixed.model import IntegerModel, Pixels
from minisnn.inspector.trace import trace
from minisnn.timing import cycles, layout
from minisnn.timing.additions import additions, additions_of_layers, log_of_additions
from minisnn.timing.balance import balance
from minisnn.topology import parse
from tests.hw.networks import always_spiking, random_inputs, random_network, stimulus


@pytest.mark.parametrize("input_bits", [0, 4])
@pytest.mark.parametrize("taps", [(1, 1, 1, 1), (4, 2, 1, 1), (2, 4, 1, 1)])
def test_events_follow_the_equations(input_bits, taps):
    """The equations at the top of ``timing/cycles.py``, with the terms for pixels and for several taps at once."""
    rng, lanes, num_steps = np.random.default_rng(3), (2, 1, 2, 1), 5
    network = random_network("4C2-3C2-5-3", (6, 6, 2), rng, input_bits=input_bits)
    given = stimulus(network, random_inputs(network, num_steps, 2, rng), num_steps)
    banked = [count > 1 for count in taps]
    times = cycles.timetable(given, lanes, alone=True, taps=taps)
    adding = additions_of_layers(given, lanes, layout.inputs_of_words(network, lanes), taps).cycles
    firing = layout.depths(network, lanes)
    for image, layer, t in product(range(2), range(4), range(num_steps)):
        b, e, s = (times[name][image] for name in ("begins", "added", "firing_starts"))
        pixels, slow = layer == 0 and input_bits > 0, int(banked[layer] and (layer > 0 or not input_bits))
        began, starts = [], []
        if layer > 0:
            before = 2 * (int(banked[layer - 1]) + (layer == 1 and input_bits > 0))
            began.append(s[layer - 1, t] + firing[layer - 1] + 6 + before)
        if t > 0:
            began.append(s[layer, t - 1] + firing[layer] + slow + 1)
            starts.append(s[layer, t - 1] + firing[layer] + slow + 6)
        if layer < 3 and t > 1:
            starts.append(e[layer + 1, t - 2] + 1)
        if layer > 0:
            assert b[layer, t] == max(began)
        if not pixels or t == 0:
            assert e[layer, t] == b[layer, t] + adding[image, layer, t]
            assert s[layer, t] == max([e[layer, t], *starts])
        else:
            assert b[layer, t] == s[layer, t] == max(starts)


def test_two_layers_by_hand():
    """1C1-1 on a row of two pixels in one word, both spike, one step, one lane each.

    The word is taken in cycle 0, so the first layer begins in 1. It fetches the word in 2 and takes it in 3: the first
    spike is handed over in 4, passes two stages in 5 and 6, and is added in 7; the other's in 8. So all is added in 9,
    the neurons have their turns in 10 and 11, and both spikes are out, as one word, in 16. The second layer begins in
    17, has added two spikes in 25, its neuron has its turn in 26, and its word is out in 31. Then it takes 2 cycles
    until the sum is stored, 2 to fetch it, 1 to add it up, and the score, the class and the count are sent in 37, 38
    and 39.
    """
    both = stimulus(always_spiking("1C1-1", (1, 2, 1)), np.ones((1, 1, 1, 2, 1)), 1)
    for schedule in ("pipelined", "dense"):
        predicted = cycles.predict(both, (1, 1), schedule)
        assert predicted.latency.tolist() == [40]
        assert predicted.begins.ravel().tolist() == [1, 17]
        assert predicted.added.ravel().tolist() == [9, 25]
        assert predicted.firing_starts.ravel().tolist() == [9, 25]
        assert predicted.ends.ravel().tolist() == [12, 27]
        assert predicted.bound.ravel().tolist() == [2, 2]
        additions, firing_passes = 2 + 2, 2 + 1
        assert predicted.least.tolist() == [additions + firing_passes]
    # convolution: max(1*2, 2*2 + 2*4 + 3) + 2 = 17; fully connected: 1 + 2 + 2*1 + 2*2 + 2*(2 + 2), and 1 + 5 once
    assert cycles.predict(both, (1, 1), "layerwise").latency.tolist() == [17 + 17 + 6]


def test_dense_sees_no_sparsity():
    """No spike: a word of zeros costs 1 cycle, but not in the dense schedule; the second layer has its inputs."""
    silent = stimulus(always_spiking("1C1-1", (1, 2, 1)), np.zeros((1, 1, 1, 2, 1)), 1)
    predicted = cycles.predict(silent, (1, 1))
    assert predicted.added[0, 0, 0] - predicted.begins[0, 0, 0] == 3 and predicted.latency.tolist() == [35]
    assert cycles.predict(silent, (1, 1), "dense").latency.tolist() == [40]
    # 1 channel without a spike: 2*4 + 3 cycles of scanning, and 2 neurons
    assert cycles.predict(silent, (1, 1), "layerwise").latency.tolist() == [11 + 2 + 17 + 6]


def test_layerwise_by_hand():
    """4C2-3 on 3x3x2, lanes 3 and 2, two steps: 5 spikes in channel 0, 1 in channel 1; then none."""
    inputs = np.zeros((2, 1, 3, 3, 2))
    inputs[0, 0].reshape(9, 2)[:5, 0] = 1
    inputs[0, 0, 2, 2, 1] = 1
    predicted = cycles.predict(stimulus(always_spiking("4C2-3", (3, 3, 2)), inputs, 2), (3, 2), "layerwise")
    first = 2 * ((max(4 * 5, 2 * 5 + 11) + max(4 * 1, 2 * 1 + 11) + 4) + (11 + 11 + 4))
    second = 2 * (4 + 2 + 2 * 1 + 2 * 16 + 2 * (16 + 2)) + 1 + 5  # 4 channels of 2*2 inputs, which all spike
    assert predicted.latency.tolist() == [first + second]
    assert predicted.adding.sum(axis=2).tolist() == [[first, second]]


@pytest.mark.parametrize(
    "layer, shape, lanes, spikes, counted",
    [
        ("256", (6, 6, 32), 8, 0, 1_487),
        ("256", (6, 6, 32), 8, 331, 12_742),
        ("256", (6, 6, 32), 8, 2_268, 80_537),
        ("10", (256,), 8, 261, 1_160),
    ],
)
def test_layerwise_fully_connected_as_counted_in_the_public_rtl(layer, shape, lanes, spikes, counted):
    """Cycles counted in a simulation of that RTL's controllers: T = 10, the spikes spread over the steps."""
    num_steps = 10
    inputs = np.zeros((num_steps, np.prod(shape)), np.uint8)
    by_step = [len(part) for part in np.array_split(np.arange(spikes), num_steps)]
    for step, count in enumerate(by_step):
        inputs[step, :count] = 1
    assert inputs.sum() == spikes and (not spikes or min(by_step) > 0)
    given = stimulus(always_spiking(layer, shape), inputs.reshape(num_steps, 1, *shape), num_steps)
    assert cycles.predict(given, (lanes,), "layerwise").latency.tolist() == [counted]


def test_layerwise_counts_a_silent_step_as_one_spike():
    """A step without a spike costs as many additions as a step with one; its scan is 2 cycles shorter."""
    one, none = (
        cycles.predict(stimulus(always_spiking("4", (4,)), [[[spike, 0, 0, 0]]], 1), (1,), "layerwise").latency[0]
        for spike in (1, 0)
    )
    assert one - none == 2


@pytest.mark.parametrize("schedule", cycles.SCHEDULES)
def test_pixels_are_added_once_in_every_schedule(schedule):
    """3C2-1 on 3x3x1, 2 groups: the pixel in the middle has 4 taps, the one in the corner 1."""
    pixels = np.zeros((1, 1, 3, 3, 1))
    pixels[0, 0, 1, 1], pixels[0, 0, 0, 0] = 9, 200
    given = stimulus(always_spiking("3C2-1", (3, 3, 1), 8), pixels, 4)
    predicted = cycles.predict(given, (2, 1), schedule)
    if schedule == "layerwise":
        assert predicted.adding[0, 0].tolist() == [2 * 5 + 8, 8, 8, 8]
    else:
        assert predicted.bound[0, 0].tolist() == [2 * 5, 0, 0, 0] and predicted.firing.tolist() == [8, 1]
        assert (predicted.added[0, 0, 1:] == predicted.firing_starts[0, 0, 1:]).all()


def test_several_taps_at_once_by_hand():
    """3C2-1 on 3x3x1, 2 groups: with all taps an input costs 2 cycles wherever it is, with a row 2 for each row."""
    pixels = np.zeros((1, 1, 3, 3, 1))
    pixels[0, 0, 1, 1], pixels[0, 0, 0, 0] = 9, 200
    network = always_spiking("3C2-1", (3, 3, 1), 8)
    predicted = cycles.predict(stimulus(network, pixels, 4), (2, 1), taps=(4, 1))
    assert predicted.bound[0, 0].tolist() == [2 * 2, 0, 0, 0]  # two inputs
    # by rows the pixel in the middle reaches two rows of neurons, that in the corner one
    assert cycles.predict(stimulus(network, pixels, 4), (2, 1), taps=(2, 1)).bound[0, 0].tolist() == [2 * 3, 0, 0, 0]
    ones = stimulus(network, np.ones((1, 1, 3, 3, 1)), 4)
    one, row, full = (cycles.predict(ones, (2, 1), taps=(taps, 1)) for taps in (1, 2, 4))
    # of 3 rows of 3 pixels those in the middle reach 2 rows (and 2 columns) of neurons, the others 1
    assert [times.bound[0, 0, 0] for times in (one, row, full)] == [2 * 4 * 4, 2 * 3 * 4, 2 * 9]
    # the second layer begins 8 cycles after the last of 8 firings of pixels; 2 more for the turn and choice of banks
    for times, delay in ((one, 8), (row, 10), (full, 10)):
        assert times.begins[0, 1, 0] - times.firing_starts[0, 0, 0] == 8 + delay


def test_two_steps_of_two_neurons_by_hand():
    """Two inputs and two neurons on one lane; both inputs spike at step 0, none at step 1."""
    network = always_spiking("2", (2,))
    two_steps = stimulus(network, [[[1, 1]], [[0, 0]]], 2)
    predicted = cycles.predict(two_steps, (1,))
    assert predicted.begins.tolist() == [[[1, 14]]] and predicted.added.tolist() == [[[11, 17]]]
    assert predicted.firing_starts.tolist() == [[[11, 19]]] and predicted.ends.tolist() == [[[14, 22]]]
    assert predicted.latency.tolist() == [39]
    assert predicted.least.tolist() == [9]  # 4 additions, a word of zeros, 2 * 2 neurons
    lanes_1, lanes_2 = (additions(two_steps, 0, lanes, in_lanes=2) for lanes in (1, 2))
    assert [part[0].tolist() for part in lanes_1] == [[10, 3], [4, 0], [2, 0], [0, 1]]
    assert [part[0].tolist() for part in lanes_2] == [[8, 3], [2, 0], [2, 0], [0, 1]]


def test_a_log_of_additions_by_hand():
    """Words of 4 inputs, two groups: the additions follow one another without a gap, 6 cycles after the begin."""
    (layer,) = parse("4", (8,))
    frame = np.array([[[0, 1, 0, 1, 0, 0, 0, 1]]], np.uint8)
    assert log_of_additions(frame, layer, lanes=2, in_lanes=4).tolist() == [[3, 6, 2], [4, 8, 2], [5, 10, 2]]


def test_a_layer_waits_for_a_bank():
    """1 neuron a lane, and then 8 on one lane: the second layer is slow, so that the first waits from step 2 on."""
    network = always_spiking("8-8", (2,))
    predicted = cycles.predict(stimulus(network, np.ones((6, 1, 2)), 6), (8, 1))
    waits = predicted.waiting[0]
    assert (waits[0, 2:] > 2).all() and waits[0, 0] == 0 and not waits[1].any()
    banks_free = predicted.added[0, 1, :-2] + 1  # of step t - 2
    assert (predicted.firing_starts[0, 0, 2:] == banks_free).all()
    parts = predicted.adding[0].sum(axis=1) + waits.sum(axis=1) + 6 * predicted.firing + predicted.idle[0]
    assert (parts == predicted.latency[0]).all()


def test_a_silent_layer_waits_until_it_is_drained():
    """A word of zeros is scanned two cycles faster than a firing pass of one neuron leaves the pipeline."""
    network = always_spiking("1", (2,))
    predicted = cycles.predict(stimulus(network, np.zeros((3, 1, 2)), 3), (1,))
    assert predicted.waiting.tolist() == [[[0, 2, 2]]]


def test_a_layer_of_pixels_is_idle_between_firing_passes():
    """It has added its pixels at step 0. The second layer is slow, and the first does not wait but is idle."""
    network = always_spiking("8-8", (2,), 4)
    given = stimulus(network, np.ones((1, 1, 2)), 6)
    predicted = cycles.predict(given, (8, 1))
    assert not predicted.waiting[0, 0].any()
    assert (np.diff(predicted.firing_starts[0, 0])[2:] > 2 * 8).all()  # in the pace of the second layer
    assert predicted.idle[0, 0] > 2 * 8 * 4


def test_waits_mean_the_same_in_a_trace():
    """The third layer is slow, so that the second waits; the first takes pixels and never does."""
    network, lanes, steps = always_spiking("8-8-8-4", (6,), 4), (8, 8, 1, 4), 6
    model = IntegerModel(network, Encoder("direct", steps, 15.0), Pixels(0.0, 1.0, 4))
    image = np.full(6, 9, np.uint8)
    traced, predicted = trace(model, image, lanes), cycles.cycles(model, image[None], lanes)
    costs = [[traced.cost(layer, step).waiting for step in range(steps)] for layer in range(4)]
    assert costs == predicted.waiting[0].tolist() and max(costs[1]) > 2 and not any(costs[0])


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(3)
    network = random_network("6C3-MP2-5C2-12-4", (9, 8, 2), rng, padding=1, threshold=20)
    return stimulus(network, random_inputs(network, 4, 12, rng, 0.3), 4)


def test_no_lanes_are_faster_than_the_bound(case):
    for lanes in product((1, 4, 6), (2, 5), (3, 12), (1, 4)):
        predicted = cycles.predict(case, lanes)
        assert (predicted.adding > predicted.bound).all() and (predicted.latency > predicted.least).all()
        assert (predicted.latency <= cycles.predict(case, lanes, "dense").latency).all()
        assert all(0 < share <= 1 for share in predicted.utilisation)
        assert predicted.interval <= predicted.latency.mean()


def test_input_that_is_slow(case):
    """A word every n cycles: from some n on, the input alone decides."""
    lanes = (6, 5, 12, 4)
    latencies = [cycles.predict(case, lanes, word_every=n).latency.mean() for n in (1, 2, 200)]
    assert latencies[0] < latencies[1] < latencies[2]
    assert cycles.predict(case, lanes, word_every=200).interval == pytest.approx(4 * 9 * 200, rel=2e-3)  # a row a word


def test_a_stream_is_as_fast_as_its_slowest_layer():
    """Equal images: the interval is what the layer that is never idle takes for one."""
    network = always_spiking("4C1-2", (3, 3, 2))
    predicted = cycles.predict(stimulus(network, np.ones((2, 8, 3, 3, 2)), 2), (1, 2))
    slow = predicted.adding[0, 0].sum() + 2 * predicted.firing[0] + 2
    assert predicted.interval == slow
    total = predicted.latency[0] + 7 * slow  # the first answer, and seven more
    assert predicted.utilisation[0] == pytest.approx(8 * (slow - 2) / total)


def test_balance_is_close_to_the_best(case):
    sizes = (6, 5, 12, 4)
    for budget in (4, 9, 16, 27):
        lanes, taps = balance(case, budget, taps=(1, 1, 1, 1))
        assert sum(lanes) <= budget and taps == (1, 1, 1, 1)
        all_lanes = [some for some in product(*(range(1, n + 1) for n in sizes)) if sum(some) <= budget]
        useful = [some for some in all_lanes if all(-(-n // -(-n // c)) == c for n, c in zip(sizes, some))]
        best = min(cycles.predict(case, some).latency.mean() for some in useful)
        assert cycles.predict(case, lanes).latency.mean() <= 1.02 * best


def test_balance_chooses_lanes_and_taps_within_its_budgets():
    """Compared with every design that the budgets afford; a loss of one budget costs cycles."""
    network = random_network("2C2-3C2-4", (5, 5, 2), np.random.default_rng(2), input_bits=4, beta=5)
    given = stimulus(network, random_inputs(network, 3, 2, np.random.default_rng(3)), 3)
    designs = list(product(product((1, 2), (1, 2, 3), (1, 2, 4)), product((1, 2, 4), (1, 2, 4), (1,))))

    def latency(lanes, taps):
        return cycles.predict(given, lanes, taps=taps).latency.mean()

    def adders(lanes, taps):
        return sum(map(mul, lanes, taps))

    def multipliers(lanes, taps):  # one for each adder of pixels, and for the leak of each lane, 5/8
        return lanes[0] * taps[0] + sum(lanes)

    found = []
    for most in (8, 16), (16, 8), (16, 99):
        share = balance(given, most[0], multipliers=most[1], fits=lambda lanes, taps: lanes[2] < 4)
        afforded = [
            design
            for design in designs
            if adders(*design) <= most[0] and multipliers(*design) <= most[1] and design[0][2] < 4
        ]
        assert share in afforded
        assert latency(*share) <= 1.02 * min(latency(*design) for design in afforded)
        found.append(latency(*share))
    assert found[2] < min(found[:2])
    for budgets, words in (
        ({"adders": 2}, "a budget of 2 adders is too small for 3 layers: they need 3"),
        ({"multipliers": 3}, "a budget of 3 multipliers is too small: with one lane a layer the design needs 4"),
        ({"fits": lambda lanes, taps: False}, "no lanes and taps fit"),
    ):
        with pytest.raises(InputError, match=words):
            balance(given, **budgets)


def test_default_lanes():
    network = random_network("40C3-20-4", (5, 5, 1), np.random.default_rng(0))
    assert layout.default_lanes(network) == (32, 8, 4)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"lanes": (1, 2)}, "lanes must be one number for each of 4 layers, got 1/2"),
        ({"lanes": (7, 1, 1, 1)}, "layer 1 has 6 output channels: its lanes must be 1 to 6, got 7"),
        ({"taps": (1, 2)}, "taps must be one number for each of 4 layers, got 1/2"),
        ({"taps": (2, 1, 1, 1)}, "layer 1 has a kernel of 3: its taps must be 1 or 3 or 9, got 2"),
        ({"taps": (1, 1, 3, 1)}, "layer 3 is fully connected: its taps must be 1, got 3"),
        ({"schedule": "fast"}, "schedule must be one of pipelined, layerwise, dense, got 'fast'"),
        ({"word_every": 0}, "word_every must be at least 1, got 0"),
    ],
)
def test_wrong_options_are_refused(case, change, words):
    with pytest.raises(InputError, match=words):
        cycles.predict(case, **change)
    with pytest.raises(InputError, match="a budget of 3 adders is too small for 4 layers"):
        balance(case, 3)


def test_what_cycles_and_a_run_of_integers_print():
    network = random_network("4-3", (6,), np.random.default_rng(0))
    inputs = np.random.default_rng(1).integers(0, 2, (5, 2, 6)).astype(np.uint8)
    run = network.forward(inputs, 5)
    assert repr(run) == "IntegerRun(2 images, 2 layers, T = 5, scores alone kept)"
    whole = network.forward(inputs, 5, keep="membranes")
    assert repr(whole) == "IntegerRun(2 images, 2 layers, T = 5, out, spk, mem kept)"
    unseen = (
        "begins",
        "added",
        "firing_starts",
        "ends",
        "adding",
        "firing",
        "bound",
        "least",
        "steps",
        "decided",
        "over",
        "overlap",
    )
    shown = cycles.Cycles(
        latency=np.array([1000, 2000]),
        interval=1200.4,
        utilisation=(0.5, 0.125),
        **dict.fromkeys(unseen, np.zeros(0)),
    )
    words = "2 images, latency 1,500 in the mean, 1,200 between answers, layers busy 50.0, 12.5 %"
    assert repr(shown) == f"Cycles({words})"
