"""A layer against the integers: every spike and membrane of every step, each event in its cycle; MyHDL and VHDL."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from minisnn.fixed.network import IntegerLayer, IntegerNetwork
from minisnn.timing.additions import additions
from minisnn.timing.stimulus import Stimulus
from minisnn.topology import parse
from minisnn_hw.generate.specify import specify
from minisnn_hw.layer import LayerProbe, layer
from minisnn_hw.ports import Decided, FrameReader, FrameWriter, LayerLoad
from tests.hw.ports import address, bit, in_ghdl, pack, plain, run, word


def design(spec, probed=True, summed=False):
    """A layer whose signals have names of their own."""
    return plain(partial(layer, beta=spec.beta, spec=spec, probed=probed, summed=summed), **BUNDLES)


BUNDLES = {
    "reader": (FrameReader, {"last": "frame_last", "address": "read_address", "data": "read_data"}),
    "writer": (FrameWriter, {"write": "word_valid", "address": "word_address", "data": "word"}),
    "decided": Decided,
    "load": (LayerLoad, {"weights": "load_weight", "biases": "load_bias", "address": "load_address"}),
    "probe": (LayerProbe, {"address": "fired_address"}),
}


def random_network(
    topology,
    shape,
    padding,
    rng,
    reset="subtract",
    bits=4,
    frac=2,
    beta=1,
    guard=2,
    threshold=30,
    membrane_bits=10,
    rounding="floor",
    input_bits=0,
):
    """One layer with random weights."""
    first = parse(topology, shape, padding)[0]
    most = 1 << bits - 1
    integers = IntegerLayer(
        layer=first,
        w=rng.integers(-most, most, first.w_shape).astype(np.int16),
        b=rng.integers(-10, 30, first.w_shape[-1]),
        threshold=threshold,
        beta=beta,
        frac=frac,
        guard=guard,
        weight_bits=bits,
        membrane_bits=membrane_bits,
        reset=reset,
        rounding=rounding,
        scale=1.0,
    )
    return IntegerNetwork(layers=(integers,), classes=1, input_bits=input_bits)


def cut(row, lanes, bits):
    """A row of numbers as words of so many lanes; lanes without a number hold 0."""
    return [pack(row[start : start + lanes], bits) for start in range(0, len(row), lanes)]


class Bench:
    """Drives a layer: its buffers are Python's, and it keeps account of what every image must bring, and when."""

    def __init__(self, network, spec, num_steps):
        self.network, self.integers, self.spec, self.num_steps = network, network.layers[0], spec, num_steps
        banked = spec.taps > 1
        self.delay = 4 + 2 * (spec.input_bits > 0) + 2 * banked  # from a neuron's turn to its spike
        self.late = int(banked and not spec.input_bits)
        self.positions = spec.pool**2 if spec.whole_windows else 1
        self.images = []  # (first cycle, cycle after the last, inputs) of what was played to its end
        self.data = 0
        self.bound = {"drained": 0, "free": 0}  # firing passes that waited for that
        self.log = []

    def ports(self):
        s = self.spec
        loads = max(s.weight_words, s.groups)
        return (
            {
                "rst": bit(),
                "num_steps": word(4),
                "threshold": word(s.membrane_bits - 1),
                "filled": bit(),
                "frame_last": bit(),
                "early": bit(),
                "image": word(2),
                "read_data": word(s.word_bits),
                "free": bit(),
                "load_weight": bit(),
                "load_bias": bit(),
                "load_address": address(loads),
                "weight_data": word(s.lanes * s.weight_bits * s.taps),
                "bias_data": word(s.lanes * s.bias_bits),
            },
            {
                "read": bit(),
                "read_address": address(s.in_words),
                "give_back": bit(),
                "claim": bit(),
                "last": bit(),
                "word_valid": bit(),
                "word_address": address(s.out_words),
                "word": word(s.lanes),
                "done": bit(),
                "cleared": bit(),
                "fired": bit(),
                "fired_address": address(s.depth),
                "spikes": word(s.lanes * self.positions),
                "membranes": word(s.lanes * self.positions * s.membrane_bits),
                "events": word(4),
            },
        )

    def cycle(self, **given):
        """A cycle; what is read is there in the next."""
        given = {"num_steps": self.num_steps, "threshold": self.integers.threshold, "read_data": self.data} | given
        seen = yield given
        self.log.append({**given, **seen})
        if seen["read"]:
            self.data = self.words[seen["read_address"]]
        return seen

    def load(self):
        """Weights ((c, ky, kx) or inputs, then groups) and biases, while the layer is in reset."""
        s, w = self.spec, self.integers.w
        if s.flat:
            words = [[row] for row in w]
        else:  # of taps that are added at once, tap i is in place -i mod k
            alone, together = [[i] for i in range(s.kernel)], [[-i % s.kernel for i in range(s.kernel)]]
            ys, xs = together if s.taps > s.kernel else alone, together if s.taps > 1 else alone
            words = [
                [w[ky, kx, c] for ky in rows for kx in columns]
                for c in range(s.in_channels)
                for rows in ys
                for columns in xs
            ]
        weights = [
            pack(taps, s.lanes * s.weight_bits)
            for word in words
            for taps in zip(*(cut(row.tolist(), s.lanes, s.weight_bits) for row in word))
        ]
        for at, value in enumerate(weights):
            yield from self.cycle(rst=1, load_weight=1, load_address=at, weight_data=value)
        for at, value in enumerate(cut(self.integers.b.tolist(), s.lanes, s.bias_bits)):
            yield from self.cycle(rst=1, load_bias=1, load_address=at, bias_data=value)

    def play(self, inputs, fills=lambda: True, frees=lambda: True, reset=None):
        """Images (T or 1, B, ...) one after the other; `reset` (kind of event, cycles after it) may end them."""
        s, begin = self.spec, len(self.log)
        frames = inputs.swapaxes(0, 1).reshape(-1, s.in_height * s.in_width, s.in_channels)
        queue = [[v for row in frame.tolist() for v in cut(row, s.in_lanes, max(s.input_bits, 1))] for frame in frames]
        wanted, done, filled, at, reset_at = inputs.shape[1] * self.num_steps, 0, False, 0, None
        frames_of_image, claims = len(inputs), 0
        while done < wanted:
            filled = at < len(queue) and (filled or fills())
            self.words = queue[min(at, len(queue) - 1)]
            closes = (at + 1) % frames_of_image == 0
            reset_now = len(self.log) == reset_at
            seen = yield from self.cycle(filled=filled, frame_last=closes, free=frees(), rst=reset_now)
            if seen["claim"]:
                claims += 1
                assert seen["last"] == (claims % self.num_steps == 0)
            if len(self.log) - 1 == reset_at:
                return
            done += seen["done"]
            if seen["give_back"]:
                at, filled = at + 1, False
            if reset and reset_at is None and seen["events"] >> reset[0] & 1:
                reset_at = len(self.log) - 1 + reset[1]
            assert len(self.log) - begin < 10_000, "deadlock"
        assert reset is None
        self.images.append((begin, len(self.log), inputs))

    def first(self, name, start):
        """First cycle from `start` in which a signal is 1."""
        return next(c for c in range(start, len(self.log)) if self.log[c][name])

    def check(self, probed=True):
        """All images: cycles of events, words, and firings."""
        s = self.spec
        inside = [(y, x) for y in range(s.pool) for x in range(s.pool)]
        turns = [inside] if s.whole_windows else [[place] for place in inside]  # of a window
        across = s.out_width // s.pool if s.whole_windows else s.out_width  # addresses count windows, or neurons
        order = [
            ([(wy * s.pool + y, wx * s.pool + x) for y, x in turn], wy, wx, g, turn[-1] == inside[-1])
            for wy in range(s.out_height // s.pool)
            for wx in range(s.out_width // s.pool)
            for g in range(s.groups)
            for turn in turns
        ]
        for begin, stop, inputs in self.images:
            result = self.network.forward(inputs, self.num_steps, keep="membranes")
            stimulus = Stimulus.of(self.network, inputs, result, self.num_steps)
            adding = additions(stimulus, 0, s.lanes, s.in_lanes, s.taps).cycles
            events, firings, words = [[], [], [], []], [], []
            end = self.first("cleared", begin)
            drained = end + 4 + self.late if end > begin else 0  # clearing is a firing pass, too
            for image, t in np.ndindex(inputs.shape[1], self.num_steps):
                if t == 0 or not s.input_bits:
                    begins = self.first("filled", end + self.late * (image + t > 0))
                    added = begins + adding[image, t]
                    events[0].append(begins)
                    events[1].append(added)
                    earliest = max(added, drained)
                    self.bound["drained"] += added < drained
                else:
                    earliest = drained
                fires = self.first("free", earliest)
                self.bound["free"] += fires > earliest
                if t and s.input_bits:
                    events[0].append(fires)
                events[2].append(fires)
                end = fires + s.depth + 1
                drained = end + 5 + self.late
                events[3].append(end)
                spk, mem = (
                    values[0][t, image].reshape(s.out_height, s.out_width, -1) for values in (result.spk, result.mem)
                )
                pooled = result.out[0][t, image].reshape(s.out_height // s.pool, s.out_width // s.pool, -1)
                for turn, (places, wy, wx, g, last) in enumerate(order):
                    some = slice(g * s.lanes, (g + 1) * s.lanes)
                    there = fires + 1 + turn + self.delay
                    row, column = (wy, wx) if s.whole_windows else places[0]
                    spikes, membranes = (
                        sum(
                            pack(values[y, x, some], bits) << place * s.lanes * bits
                            for place, (y, x) in enumerate(places)
                        )
                        for values, bits in ((spk, 1), (mem, s.membrane_bits))
                    )
                    firings.append((there, (row * across + column) * s.groups + g, spikes, membranes))
                    if last:
                        at = len(words) % s.out_words
                        words.append((there + 1, at, pack(pooled[wy, wx, some], 1), at == s.out_words - 1))
            log = list(enumerate(self.log))[begin:stop]
            assert [(c, n["word_address"], n["word"], n["done"]) for c, n in log if n["word_valid"]] == words
            assert sum(n["done"] for _, n in log) == len(words) // s.out_words
            assert [c for c, n in log if n["give_back"]] == events[1]
            assert [c for c, n in log if n["claim"]] == events[2]
            if probed:
                assert [(c, n["fired_address"], n["spikes"], n["membranes"]) for c, n in log if n["fired"]] == firings
                for kind in range(4):
                    assert [c for c, n in log if n["events"] >> kind & 1] == [c for c in events[kind] if c < stop]


CASES = {  # topology, shape, padding, lanes, inputs in a word, options
    "pool and padding": ("6C3-MP2-2", (4, 5, 2), 1, 4, 2, {}),
    "no padding": ("4C3-2", (3, 4, 2), 0, 4, 2, {"reset": "zero", "beta": 3}),
    "flat": ("7", (10,), 0, 3, 4, {"reset": "subtract_then_leak", "membrane_bits": 7}),
    "flattened": ("5", (2, 3, 5), 0, 1, 3, {"rounding": "zero", "beta": 3, "membrane_bits": 7}),
    "pool that crops": ("3C2-MP3-2", (4, 8, 1), 0, 2, 1, {"guard": 0}),
    "no spikes": ("4", (6,), 0, 4, 6, {"reset": "none", "membrane_bits": 7}),
    "1x1": ("2C1-2", (3, 3, 4), 0, 1, 3, {"membrane_bits": 6}),
    "tiny": ("2", (3,), 0, 2, 3, {}),
    "tiny in groups": ("3C1-2", (1, 1, 2), 0, 2, 2, {"reset": "zero", "rounding": "zero"}),
    "pixels of 1 bit": ("5C3-MP2-2", (3, 5, 1), 1, 2, 1, {"input_bits": 1, "beta": 2}),
    "pixels of 4 bits": ("3C3-2", (4, 3, 3), 0, 3, 3, {"input_bits": 4, "membrane_bits": 12, "reset": "zero"}),
    "pixels of 8 bits": (
        "4C3-MP3-2",
        (3, 3, 2),
        1,
        3,
        2,
        {
            "input_bits": 8,
            "membrane_bits": 14,
            "guard": 1,
            "beta": 3,
            "reset": "subtract_then_leak",
            "rounding": "zero",
        },
    ),
    "flat pixels": ("6", (9,), 0, 4, 4, {"input_bits": 4, "membrane_bits": 9}),
    "all taps": ("6C3-2", (4, 5, 2), 1, 4, 2, {"taps": 9}),
    "all taps, pool": ("3C3-MP2-2", (6, 7, 2), 0, 3, 1, {"taps": 9, "reset": "zero"}),
    "all taps, tiny": ("2C3-2", (1, 1, 3), 1, 2, 3, {"taps": 9}),
    "all taps, pixels": ("5C3-MP2-2", (4, 5, 2), 1, 2, 2, {"taps": 9, "input_bits": 4, "membrane_bits": 12}),
    "all taps, pixels of 1 bit": (
        "3C4-2",
        (4, 5, 1),
        1,
        3,
        1,
        {"taps": 16, "input_bits": 1, "rounding": "zero", "beta": 3},
    ),
    "row of taps": ("6C3-2", (4, 5, 2), 1, 4, 2, {"taps": 3}),
    "row of taps, even kernel": (
        "4C2-MP2-2",
        (3, 4, 1),
        1,
        2,
        1,
        {"taps": 2, "reset": "subtract_then_leak", "membrane_bits": 7},
    ),
    "row of taps, tiny": ("2C3-2", (1, 1, 3), 1, 2, 3, {"taps": 3}),
    "row of taps, pixels": ("5C3-MP2-2", (4, 5, 2), 1, 2, 2, {"taps": 3, "input_bits": 4, "membrane_bits": 12}),
    "windows": ("6C3-MP2-2", (6, 9, 2), 0, 4, 2, {"taps": 9, "positions": 4}),
    "windows of 3": ("4C3-MP3-2", (6, 9, 1), 1, 4, 1, {"taps": 9, "positions": 9, "reset": "zero", "beta": 3}),
    "windows, kernel of 5": ("3C5-MP2-2", (6, 5, 1), 2, 2, 1, {"taps": 25, "positions": 4, "rounding": "zero"}),
    "windows, tiny": ("2C2-MP2-2", (1, 1, 3), 1, 2, 3, {"taps": 4, "positions": 4, "membrane_bits": 7}),
    "windows of pixels": (
        "5C3-MP2-2",
        (6, 9, 1),
        1,
        2,
        1,
        {"taps": 9, "positions": 4, "input_bits": 4, "membrane_bits": 12},
    ),
    "tiny pixels": ("2", (1,), 0, 2, 1, {"input_bits": 8, "membrane_bits": 15, "reset": "none"}),
}


def images(network, count, num_steps, rng):
    """Inputs at random: some silent, some full; single ones at the corners of a frame."""
    most = 1 << max(network.input_bits, 1)
    steps = 1 if network.input_bits else num_steps
    shape = (steps, count, *network.input_shape)
    density = rng.choice([0.0, 0.3, 1.0], (steps, count, *[1] * len(network.input_shape)))
    inputs = (rng.random(shape) < density) * rng.integers(1, most, shape)
    corners = np.zeros((steps, 1, *network.input_shape), int)
    for t, frame in enumerate(corners[:, 0]):
        frame.reshape(-1)[0 if t % 2 else -1] = most - 1
    return np.concatenate([inputs, corners], axis=1).astype(np.uint8)


@pytest.mark.parametrize("name", CASES)
def test_layer(name):
    """At full pace, under stalls, and after resets in the midst of images: integers = gates, and no cycle off."""
    topology, shape, padding, lanes, in_lanes, options = CASES[name]
    rng, num_steps = np.random.default_rng(3), 3
    options = dict(options)
    taps, positions = [options.pop("taps", 1)], [options.pop("positions", 1)]
    network = random_network(topology, shape, padding, rng, **options)
    first = images(network, 2, num_steps, rng)
    mem = network.forward(first, num_steps, keep="membranes").mem[0][0]
    mem = np.sort(mem[mem > 0])  # of the first step, so that they do not depend on the threshold: one will be at it
    network = replace(network, layers=(replace(network.layers[0], threshold=int(mem[len(mem) // 4])),))
    (spec,) = specify(network, [lanes], in_lanes, taps=taps, positions=positions).layers
    bench = Bench(network, spec, num_steps)
    often, seldom = (lambda: rng.random() < 0.8), (lambda: rng.random() < 0.1)
    delay = bench.delay

    def script():
        yield from bench.load()
        yield from bench.play(first)
        yield from bench.play(images(network, 1, num_steps, rng), often, seldom)
        yield from bench.play(images(network, 1, num_steps, rng), seldom, often)
        # while it adds, is about to wait, waits, fires; while the first and the last word come out, and all is done
        for kind, after in ((0, 3), (1, 1), (1, 4), (2, 1), (2, 2 + delay), (2, spec.depth + delay), (3, delay)):
            frees = (lambda: False) if (kind, after) == (1, 4) else lambda: True
            yield from bench.play(images(network, 1, num_steps, rng), frees=frees, reset=(kind, after))
            yield from bench.play(images(network, 0, num_steps, rng))

    given, seen = run(design(spec), bench.ports, script())
    bench.check()
    assert bench.bound["free"] > 1
    assert bench.bound["drained"] > 1 or "tiny" not in name or spec.input_bits  # nothing is added: it waits to settle
    mem = np.concatenate(
        [network.forward(inputs, num_steps, keep="membranes").mem[0].reshape(-1) for _, _, inputs in bench.images]
    )
    integers = network.layers[0]
    assert (mem == integers.threshold).any() and 0.01 < (mem > integers.threshold).mean() < 0.99
    in_ghdl(design(spec), bench.ports, given, seen)


@pytest.mark.parametrize("summed", [False, True])
def test_without_a_probe(summed):
    """The same words in the same cycles; the membranes too where they are summed."""
    rng = np.random.default_rng(0)
    network = random_network("5", (7,), 0, rng, reset="none" if summed else "zero")
    (spec,) = specify(network, [2], 3).layers
    bench = Bench(network, spec, 2)

    def script():
        yield from bench.load()
        yield from bench.play(images(network, 3, 2, rng))

    make = design(spec, False, summed)
    given, seen = run(make, bench.ports, script())
    bench.check(probed=False)
    assert any(out["membranes"] for out in seen) == summed
    in_ghdl(make, bench.ports, given, seen)


def test_wrong_numbers_are_refused():
    """Lanes that a network cannot have."""
    network = random_network("6C3-MP2-2", (5, 6, 3), 1, np.random.default_rng(0))
    for lanes, words in (
        ([3, 3], "one number for each of 1 layers"),
        ([7], "layer 1 has 6 output channels"),
        ([0], "must be 1 to 6, got 0"),
    ):
        with pytest.raises(ValueError, match=words):
            specify(network, lanes)
