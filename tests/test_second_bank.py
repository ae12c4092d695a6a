"""A second bank of currents in the cycle model: a schedule by brute force, an image alone, the interval, energy."""

import numpy as np
import pytest

from minisnn.errors import InputError
from minisnn.timing import cycles, events
from minisnn.timing.balance import MeanLatency, balance
from minisnn.timing.layout import depths
from tests.hw.networks import always_spiking, random_inputs, random_network, stimulus

DRAINED, WRITTEN = (
    5,
    6,
)  # cycles after a firing pass: to the next one at the earliest, and to its last word in the buffer


class Layer:
    """A layer as a machine that is looked at in every cycle; all that it tells others is seen a cycle later."""

    def __init__(self, costs, depth, banked, pixels, banks):
        self.costs, self.depth, self.pixels, self.banks = costs, depth, pixels, banks
        self.late = int(banked and not pixels)
        self.written = depth + WRITTEN + 2 * (banked + pixels)
        self.filled, self.in_buffer = [], 0  # cycles from which on its frames can be read; banks that are in use
        self.adds_until, self.fires_until = None, None
        self.drained = self.may_begin = 0
        self.frames, self.passes, self.added, self.left = 0, 0, 0, 0
        self.seen = {name: [] for name in cycles.EVENTS}

    def look(self, cycle, steps, free):
        """Do what is due in a cycle; return whether a frame is given back, and whether a firing pass starts."""
        last = self.passes % steps == 0
        given_back = self.adds_until == cycle
        if given_back:
            self.adds_until, self.added = None, self.added + 1
            self.seen["added"].append(cycle)
        if self.fires_until == cycle:
            self.fires_until = None
            self.seen["ends"].append(cycle)
            self.drained, self.may_begin = cycle + DRAINED + self.late, cycle + self.late
            self.left += last if self.pixels else 1
        held = self.frames - self.left  # banks of currents, or membranes, that a frame is added in or fires from
        if self.adds_until is None and not given_back and held < self.banks and cycle >= self.may_begin_at():
            if self.filled and self.filled[0] <= cycle:
                self.filled.pop(0)
                self.adds_until = cycle + self.costs[self.frames]
                self.frames += 1
                self.seen["begins"].append(cycle)
        ready = self.added > (self.passes // steps if self.pixels else self.passes)
        ready = ready or (self.pixels and self.passes % steps > 0)
        fires = ready and self.fires_until is None and cycle >= self.drained and free
        if fires:
            self.fires_until = cycle + self.depth + 1
            self.passes += 1
            self.seen["firing_starts"].append(cycle)
        return given_back, fires

    def may_begin_at(self):
        """With a second bank pixels are added while neurons fire."""
        return 0 if self.banks > 1 else self.may_begin


def by_brute_force(adding, sizes, banked, pixels, banks, in_words, word_every, answer):
    """Go through all cycles, one by one, until all images are answered; return events by layer, and first words."""
    images, count, steps = adding.shape
    layers = []
    for index in range(count):
        of_pixels = pixels and index == 0
        costs = adding[:, index, 0] if of_pixels else adding[:, index].reshape(-1)
        layers.append(Layer(costs, sizes[index], banked[index], of_pixels, banks if of_pixels else 1))
    frames = images * (1 if pixels else steps)
    next_word, word, taken, sent, first, answers = 0, 0, 0, -1, [], 0
    for cycle in range(100_000):
        if taken < frames and cycle >= next_word and (word > 0 or layers[0].in_buffer < 2):
            if word == 0:
                layers[0].in_buffer += 1
                if pixels or taken % steps == 0:
                    first.append(cycle)
            word, next_word = (word + 1) % in_words, cycle + word_every
            if word == 0:
                taken += 1
                layers[0].filled.append(cycle + 1)
        back = []
        claimed = [layer.in_buffer for layer in layers[1:]]
        for index, layer in enumerate(layers):
            if index < count - 1:
                free = claimed[index] < 2
            else:
                free = layer.passes % steps > 0 or cycle > sent
            given_back, fires = layer.look(cycle, steps, free)
            back.append(given_back)
            if fires and index < count - 1:
                layers[index + 1].in_buffer += 1
                layers[index + 1].filled.append(cycle + layer.written)
            elif fires and layer.passes % steps == 0:
                sent = cycle + layer.written - 1 + answer
                answers += 1
        for layer, given_back in zip(layers, back):
            layer.in_buffer -= given_back
        if answers == images and layers[-1].fires_until is None:
            return [layer.seen for layer in layers], first
    raise AssertionError("the images did not come to an end")


@pytest.mark.parametrize("second_bank", [False, True])
def test_equals_a_schedule_by_brute_force(second_bank):
    rng = np.random.default_rng(8)
    overlaps = 0
    for _ in range(60):
        pixels = second_bank or rng.random() < 0.5
        count, steps, images = int(rng.integers(1, 4)), int(rng.integers(1, 5)), int(rng.integers(1, 7))
        topology = "-".join(str(rng.integers(1, 13)) for _ in range(count))
        network = always_spiking(topology, (3,), 4 if pixels else 0)
        lanes = [int(rng.integers(1, layer.layer.neurons + 1)) for layer in network.layers]
        taps = rng.choice([1, 9], count).tolist()  # the recurrence asks only whether there is more than one
        word_every, in_lanes = int(rng.integers(1, 9)), int(rng.integers(1, 4))
        adding = rng.integers(3, rng.choice([6, 60]), (images, count, steps))
        options = {"alone": False, "second_bank": second_bank}
        times = cycles.recurrence(network, adding, lanes, in_lanes, taps, word_every, **options)
        sizes, words = depths(network, lanes).tolist(), -(-3 // in_lanes)
        machine = sizes, [tap > 1 for tap in taps], pixels, 1 + second_bank, words, word_every
        seen, first = by_brute_force(adding, *machine, cycles.answer_cycles(network, lanes))
        assert first == times["first"].tolist()
        for index, layer in enumerate(seen):
            for name in cycles.EVENTS:
                once = pixels and index == 0 and name in ("begins", "added")
                assert layer[name] == times[name][:, index, : 1 if once else None].reshape(-1).tolist(), (index, name)
        overlaps += second_bank and (times["begins"][1:, 0, 0] < times["ends"][:-1, 0, -1]).any()
    assert overlaps > 10 or not second_bank


def slow_first_layer():
    """A network of which the first layer decides the interval: it adds for as long as it fires."""
    rng = np.random.default_rng(1)
    network = random_network("4C3-3", (8, 8, 1), rng, input_bits=4)
    return stimulus(network, random_inputs(network, 6, 8, rng), 6)


def test_an_image_alone_takes_as_long_and_a_stream_is_faster():
    given = slow_first_layer()
    one, two = (cycles.predict(given, (2, 3), second_bank=wanted) for wanted in (False, True))
    for name in ("latency", "least", *cycles.EVENTS):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    # what takes longest in the first layer alone, additions or firing passes
    adds, fires = two.adding[:, 0, 0].mean(), 6 * (two.firing[0] + 5)
    assert max(adds, fires) <= two.interval < 1.1 * max(adds, fires) < one.interval
    assert one.overlap == 0 < two.overlap < min(adds, fires)
    assert one.utilisation[0] < two.utilisation[0] <= 1
    busy = two.adding[:, 0].sum() + 8 * 6 * two.firing[0] - 8 * two.overlap
    total = two.interval * 7 + two.latency[0]
    assert two.utilisation[0] == pytest.approx(busy / total)


def test_cycles_that_overlap_are_idle_no_more():
    """The energy counts the same events, and each cycle of a layer once."""
    given = slow_first_layer()
    one, two = (events.count(given, (2, 3), second_bank=wanted) for wanted in (False, True))
    differ = {name for name in one if one[name] != two[name]}
    assert differ == {"cycles", "idle_bits"} and two["idle_bits"] < one["idle_bits"]


def test_balance_judges_by_the_interval():
    """What is best alone is not what is best in a stream, in which the first layer adds and fires at once."""
    rng = np.random.default_rng(1)
    network = random_network("6C3-6", (8, 8, 1), rng, input_bits=4)
    given = stimulus(network, random_inputs(network, 4, 8, rng), 4)
    cost, gains = MeanLatency(given, second_bank=True), []
    for adders in (5, 8, 10):
        by_latency, by_interval = (balance(given, adders, latency=latency) for latency in (None, cost))
        predicted = cycles.predict(given, by_interval.lanes, taps=by_interval.taps, second_bank=True)
        assert cost(*by_interval) == pytest.approx((7 * predicted.interval + predicted.latency[0] - 1) / 8)
        gains.append(cost(*by_interval) / cost(*by_latency))
    assert max(gains) < 1


def test_spikes_have_no_currents():
    rng = np.random.default_rng(0)
    network = random_network("4-3", (6,), rng)
    given = stimulus(network, random_inputs(network, 2, 1, rng), 2)
    for function in (cycles.predict, events.count, MeanLatency):
        with pytest.raises(InputError, match="a second bank is for currents of pixels, and this network takes spikes"):
            function(given, second_bank=True)
