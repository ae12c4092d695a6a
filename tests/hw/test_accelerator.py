"""Whole accelerators: integers = MyHDL, and = VHDL, in every spike, membrane, answer and cycle."""

from contextlib import suppress
from dataclasses import fields, replace

import numpy as np
import pytest

from minisnn.timing.layout import check_lanes, lanes_of, place_of_input
from minisnn_hw.accelerator import ports
from minisnn_hw.generate.specify import specify
from minisnn_hw.generate.words import beats_of, load_words
from minisnn_hw.load_format import CONTROL_BITS, beats, checksum, design_word, sections
from minisnn_hw.verify import cosimulate as cosim
from tests.hw.networks import Whole, random_inputs, random_network, stalling
from tests.hw.ports import needs
from tests.hw.replay import same_in_verilator

# topology, input shape, lanes, T, options of the network, options of the accelerator
NETWORKS = {
    "flat": ("5-4", (9,), (2, 3), 3, {}, {"in_lanes": 4}),
    "one neuron": ("1", (1,), (1,), 4, {"threshold": 4}, {}),
    "convolutions": ("3C3-MP2-4C2-6-2", (7, 6, 2), (2, 3, 6, 1), 3, {"padding": 1, "reset": "zero"}, {"load_bits": 64}),
    "odd frame": ("2C2-MP3-3C1-4", (8, 5, 3), (1, 3, 2), 2, {"reset": "subtract_then_leak"}, {"in_lanes": 2}),
    "pixels": ("3C3-MP2-5-4", (6, 6, 2), (3, 2, 4), 3, {"input_bits": 4, "padding": 1}, {"load_bits": 8}),
    "bytes": ("4C3-3C2-6", (5, 5, 3), (2, 3, 5), 2, {"input_bits": 8, "rounding": "zero"}, {"load_bits": 64}),
    "flat pixels": ("6-3", (11,), (4, 3), 3, {"input_bits": 3}, {}),
    "pixels of a map": ("5-3", (2, 3, 3), (4, 3), 2, {"input_bits": 8}, {}),
    "pixels in words": ("3C2-MP2-4-3", (5, 7, 1), (2, 3, 2), 2, {"input_bits": 8}, {}),
    "parts of pixels": ("36C2-34-3", (2, 4, 2), (5, 7, 3), 2, {"threshold": 50}, {"in_lanes": 4}),
    "membranes": ("4-6", (5,), (4, 4), 4, {"readout": "membrane", "classes": 3}, {}),
    "pixels to membranes": ("5", (7,), (2,), 3, {"input_bits": 2, "readout": "membrane"}, {}),
    "population": ("8-12", (6,), (3, 5), 3, {"classes": 4}, {}),
    "tiny and silent": ("3-2-3-4", (5,), (3, 2, 3, 2), 2, {"input_bits": 2, "threshold": 60}, {}),
    "all taps": ("3C3-MP2-4C2-5", (6, 6, 2), (2, 4, 3), 2, {"padding": 1}, {"taps": (9, 4, 1), "load_bits": 64}),
    "rows of taps": ("3C3-MP2-4C2-5", (6, 6, 2), (2, 2, 3), 2, {"padding": 1}, {"taps": (3, 2, 1), "load_bits": 64}),
    "taps of pixels": (
        "4C3-3C3-4",
        (6, 5, 1),
        (3, 3, 4),
        2,
        {"input_bits": 5, "reset": "zero"},
        {"taps": (9, 3, 1), "load_bits": 64},
    ),
    "one step": ("3C2-2C1-3", (3, 3, 1), (3, 1, 2), 1, {"input_bits": 1}, {}),
    "second bank": ("3C3-MP2-5-4", (6, 6, 2), (3, 2, 4), 3, {"input_bits": 4}, {"second_bank": True}),
    "second bank, taps": (
        "4C3-4",
        (5, 5, 1),
        (2, 4),
        2,
        {"input_bits": 5, "padding": 1},
        {"taps": (9, 1), "second_bank": True, "load_bits": 64},
    ),
    "windows": (
        "3C3-MP2-4C3-MP3-5",
        (10, 8, 2),
        (2, 4, 3),
        2,
        {"padding": 1},
        {"taps": (9, 9, 1), "positions": (4, 9, 1), "load_bits": 64},
    ),
    "windows, second bank": (
        "4C3-MP2-4",
        (6, 7, 1),
        (3, 4),
        3,
        {"input_bits": 5, "padding": 1, "reset": "subtract_then_leak"},
        {"taps": (9, 1), "positions": (4, 1), "second_bank": True, "load_bits": 64},
    ),
    "second bank, one step": ("6-3", (5,), (6, 3), 1, {"input_bits": 3}, {"second_bank": True}),
}


def whole(name, rng, images=3, **more):
    topology, shape, lanes, num_steps, options, built = NETWORKS[name]
    network = random_network(topology, shape, rng, **options)
    inputs = random_inputs(network, num_steps, images, rng)
    inputs[:, 0] = 0  # an image of nothing
    return Whole(network, lanes, inputs, num_steps, **built | more)


@pytest.mark.parametrize("name", NETWORKS)
def test_equals_the_integers_and_the_model(name):
    """Images back to back; then each alone, with a word every three cycles, and that run as VHDL too."""
    rng = np.random.default_rng(4)
    case = whole(name, rng)
    assert (
        name == "tiny and silent"
        or (case.run.mem[-1][:, 1:] if case.spec.membrane else case.run.spike_counts[1:]).any()
    )
    for alone, word_every in ((False, 1), (True, 3)):
        host = case.host(alone=alone, word_every=word_every)
        given, seen = case.simulate(host)
        case.check_values(host)
        case.check_cycles(host, word_every)
        assert seen[-1]["loaded"] and not seen[-1]["load_error"] and not seen[-1]["input_error"]
    needs("ghdl")
    case.same_in_ghdl(given, seen)


# Shares of the cycles in which words are offered, and answers taken, for two images each.
STALLS = (0.3, 1), (1, 0.05), (0.5, 0.4)


@pytest.mark.parametrize(
    "name",
    [
        "convolutions",
        "pixels",
        "membranes",
        "tiny and silent",
        "all taps",
        "one step",
        "second bank",
        "second bank, taps",
        "second bank, one step",
        "windows",
        "windows, second bank",
    ],
)
def test_any_stalls(name):
    """Words, answers and load at random: the same spikes and membranes, and it comes to its end."""
    rng = np.random.default_rng(7)
    case = whole(name, rng, images=2 * len(STALLS))

    def stalls(which):
        return lambda cycle: rng.random() < STALLS[min(len(host.observed.ended) // 2, len(STALLS) - 1)][which]

    host = case.host(alone=False, offers=stalls(0), takes=stalls(1), loads=stalling(rng, 0.5))
    given, seen = case.simulate(host)
    case.check_values(host)
    _output_is_steady(given, seen)


def _output_is_steady(given, seen):
    """AXI4-Stream: what is offered stays until it is taken."""
    for now, then, taken in zip(seen, seen[1:], given):
        if now["m_output_tvalid"] and not taken["m_output_tready"] and not taken["rst"]:
            assert all(then[name] == now[name] for name in ("m_output_tvalid", "m_output_tdata", "m_output_tlast"))


@pytest.mark.parametrize("all_fire", [False, True])
def test_corners(all_fire):
    """Membranes at both ends and exactly at the threshold, all silent and all firing, a spike at each corner."""
    rng = np.random.default_rng(5)
    inputs = np.zeros((4, 7, 6, 7, 2), np.uint8)
    inputs[:, 1] = 1
    corners = [(y, x, c) for y in (0, 5) for x in (0, 6) for c in (0, 1)]
    for image, four in ((2, corners[:4]), (3, corners[4:])):
        for t, (y, x, c) in enumerate(four):
            inputs[t, image, y, x, c] = 1
    inputs[:, 4:] = rng.random((4, 3, 6, 7, 2)) < 0.7
    for threshold in range(14, 40):  # the first at which membranes stand, and one above which they fire
        network = random_network(
            "3C3-MP2-4",
            (6, 7, 2),
            np.random.default_rng(0),
            padding=1,
            bits=6,
            membrane_bits=7,
            threshold=threshold,
            guard=1,
        )
        w = network.layers[0].w
        w[..., 0], w[..., 1] = -np.abs(w[..., 0]), np.abs(w[..., 1])
        for integers in network.layers:
            np.clip(integers.b, -20, 5, out=integers.b)
            integers.b[0] = 5 if all_fire else -20
            if all_fire:
                np.abs(integers.w, out=integers.w)
        case = Whole(network, (2, 4), inputs, 4)
        edges = [(mem == threshold).any() and (mem == threshold + 1).any() for mem in case.run.mem]
        if edges[0] and (edges[1] or all_fire):
            break
    assert edges[0] and (edges[1] or all_fire)
    first = case.run.mem[0]
    assert first.max() == 63 and (all_fire or first.min() == -64) and not case.run.spike_counts[0].any()
    assert not all_fire or case.run.spk[0][0, 1].all()
    host = case.host(alone=False)
    given, seen = case.simulate(host)
    case.check_values(host)
    case.check_cycles(host)
    needs("ghdl")
    case.same_in_ghdl(given, seen)


@pytest.mark.parametrize("port", ["rst", "flush"])
@pytest.mark.parametrize("name", ["odd frame", "pixels", "pixels to membranes", "second bank", "windows"])
def test_a_reset_or_flush_in_the_middle(name, port):
    """Whenever it comes, the images after it are right; only a reset needs another load."""
    rng = np.random.default_rng(6)
    case = whole(name, rng, images=2)
    host = case.host()
    given, _ = case.simulate(host)
    first = next(cycle for cycle, values in enumerate(given) if values["s_input_tvalid"])
    cuts = []
    for moment in rng.integers(first, len(given), 2).tolist() + [first + 1]:
        host, again = case.host(), []

        def drive(cycle, seen):
            if cycle < moment:
                return host(cycle, seen)
            if cycle == moment:
                again.append(case.host(alone=False))
                again[0].load = case.load if port == "rst" else []
                cuts.append(cycle)
                return {port: 1, "s_input_tvalid": 1}  # this word is lost, too
            if cycle == moment + 1:
                assert seen["loaded"] and not seen["input_error"]  # at the end of the cycle with the reset
                return {}
            if cycle == moment + 2:
                assert seen["loaded"] == (port == "flush")
            return again[0](cycle, seen)

        case.simulate(drive)
        case.check_values(again[0])
    assert len(cuts) == 3


@pytest.mark.parametrize("port", ["rst", "flush"])
def test_a_reset_or_flush_in_the_middle_of_a_load(port):
    """A reset ends the load, and no image is taken until there is another; a flush does not touch it."""
    case = whole("flat", np.random.default_rng(0))
    host, late = case.host(), case.host()

    def drive(cycle, seen):
        if cycle < 9 or (port == "flush" and cycle != 9):
            return host(cycle, seen)
        if cycle == 9:
            return host(cycle, seen) | {port: 1} if port == "flush" else {"rst": 1}
        if cycle < 30:
            assert not seen["loaded"] and not seen["s_input_tready"]
            return {"s_input_tvalid": 1}
        late.given = {} if cycle == 30 else late.given
        return late(cycle, seen)

    case.simulate(drive)
    case.check_values(host if port == "flush" else late)


@pytest.mark.parametrize("name", ["flat", "pixels", "membranes"])
def test_a_load_between_images(name):
    """A load that is offered while images are under way waits for them; images that are offered wait for the load."""
    rng = np.random.default_rng(8)
    before = whole(name, rng, images=2)
    topology, shape, lanes, num_steps, options, built = NETWORKS[name]
    other = random_network(topology, shape, rng, **options)
    after = Whole(other, lanes, before.inputs, num_steps, **built)
    assert after.spec == before.spec and after.load != before.load
    first, second = before.host(alone=False), after.host(alone=False)
    second.given = {}
    waits = []

    def drive(cycle, seen):
        if len(first.observed.ended) == len(first.images):
            return second(cycle, seen)
        try:
            given = first(cycle, seen)
        except StopIteration:
            return second(cycle, seen)
        if first.image < len(first.images):
            return given
        waits.append(cycle)  # all words are taken, an answer is still to come
        return given | {
            "s_load_tvalid": 1,
            "s_load_tdata": after.load[0],
            "s_input_tvalid": 1,
            "s_input_tdata": after.images[0][0],
            "s_load_tlast": len(after.load) == 1,
        }

    before.simulate(drive)
    before.check_values(first)
    after.check_values(second)
    assert len(waits) > 10


def with_words(case, **changes):
    """Return the load of a case with other words of control, and a checksum that fits."""
    load, at = [], 0
    for section, count in zip(sections(case.spec), beats(case.spec)):
        if section.content == "checksum":
            break
        end = at + section.words * count
        new = changes.get(section.content.replace(" ", "_"))
        load += case.load[at:end] if new is None else beats_of(new, section.bits, case.spec.load_bits)
        at = end
    return load + beats_of(checksum(load, case.spec.load_bits), CONTROL_BITS, case.spec.load_bits)


LOADS_BETA = {  # networks whose designs load their leaks, and the fraction bits
    "spikes": ("2C2-MP2-3", (4, 3, 1), (2, 2), {}, {"load_beta": 4, "load_bits": 12}),
    "pixels to membranes": ("2C2-3", (3, 3, 1), (2, 2), {"input_bits": 3, "readout": "membrane"}, {"load_beta": 3}),
    "taps": ("2C2-3", (3, 3, 1), (1, 2), {"input_bits": 3, "reset": "zero"}, {"load_beta": 8, "taps": (4, 1)}),
    "no leak or all": ("3-2", (5,), (2, 1), {"reset": "subtract_then_leak", "rounding": "zero"}, {"load_beta": 0}),
}
LEAKS = {  # by fraction bits: (beta, frac) of the first layer; a layer further on has the next
    0: [(1, 0), (0, 0)],
    3: [(1, 1), (7, 3), (0, 0), (3, 2)],
    4: [(11, 4), (1, 0), (1, 2), (15, 4)],
    8: [(187, 8), (1, 1), (1, 8)],
}


@pytest.mark.parametrize("name", LOADS_BETA)
def test_networks_of_several_leaks_fit_one_design(name):
    """Loaded one after the other into the same simulation: each computes its integers, in every simulator."""
    topology, shape, lanes, options, built = LOADS_BETA[name]
    rng, cases = np.random.default_rng(11), []
    leaks = LEAKS[built["load_beta"]]
    for first in range(len(leaks)):
        network = random_network(topology, shape, rng, **options)
        changed = [leaks[(first + at) % len(leaks)] for at in range(len(network.layers))]
        layers = [replace(layer, beta=beta, frac=frac) for layer, (beta, frac) in zip(network.layers, changed)]
        network = replace(network, layers=tuple(layers))
        inputs = random_inputs(network, 3, 2, rng)
        cases.append(Whole(network, lanes, inputs, 3, **built))
    spec = cases[0].spec
    assert all(case.spec == spec for case in cases) and len({design_word(case.spec) for case in cases}) == 1
    built_in = built | {"load_beta": None}
    assert len({design_word(specify(case.network, lanes, **built_in)) for case in cases}) == len(cases)
    for case in cases:  # the leak decides what is computed
        others = [c.network.layers for c in cases if c is not case]
        for layers in others:
            mixed = [replace(a, beta=b.beta, frac=b.frac) for a, b in zip(case.network.layers, layers)]
            run = replace(case.network, layers=tuple(mixed)).forward(case.inputs, 3, keep="membranes")
            assert any((a != b).any() for a, b in zip(run.mem, case.run.mem))
    hosts, current = [case.host() for case in cases], 0

    def drive(cycle, seen):
        nonlocal current
        try:
            return hosts[current](cycle, seen)
        except StopIteration:
            current += 1
            if current == len(hosts):
                raise
            return hosts[current](cycle, seen)

    given, seen = cases[0].simulate(drive)
    for case, host in zip(cases, hosts):
        case.check_values(host)
        case.check_cycles(host)
    in_hdl(cases[0], given, seen, ("ghdl", "verilator")[: 1 + (name in ("taps", "no leak or all"))])


def test_a_leak_above_1_is_refused():
    """`load_error` rises for the least leak above 1, and for one whose lowest bits would be a right one."""
    network = random_network("3-2", (5,), np.random.default_rng(0))
    case = Whole(network, (2, 1), random_inputs(network, 2, 1, np.random.default_rng(1)), 2, load_beta=4)
    for beta, right in ((16, True), (17, False), (1 << 31, False), (1 << 5, False)):
        host, ends = case.host(), []
        host.load = with_words(case, beta=beta)

        def drive(cycle, seen):
            if seen["loaded"] or seen["load_error"]:
                ends.append((seen["loaded"], seen["load_error"]))
                raise StopIteration
            return host(cycle, seen)

        case.simulate(drive)
        assert ends == [(int(right), int(not right))], beta


def flipped(load, beat):
    return [*load[:beat], load[beat] ^ 1, *load[beat + 1 :]]


# What is sent in place of the load
WRONG_LOADS = {
    "of another design": lambda case: with_words(case, design=design_word(case.spec) ^ 1 << 31),
    "of no steps": lambda case: with_words(case, steps=0),
    "of too many steps": lambda case: with_words(case, steps=case.spec.max_steps + 1),
    "of steps with a high bit": lambda case: with_words(case, steps=1 << 31 | 3),
    "with a margin that no class reaches": lambda case: with_words(case, exit_margin=case.spec.most_gain + 1),
    "with a beta": lambda case: with_words(case, beta=1 << 31),
    "with the least beta": lambda case: with_words(case, beta=1),
    "with a damaged weight": lambda case: flipped(case.load, 4 * len(case.load) // 5),
    "with a damaged checksum": lambda case: flipped(case.load, len(case.load) - 1),
    "a beat short": lambda case: case.load[:-1],
    "of one beat": lambda case: case.load[:1],
    "a beat long": lambda case: [*case.load, 0],
    "twice in one packet": lambda case: [*case.load, *case.load],
}


def in_hdl(case, given, seen, tools=("ghdl", "verilator")):
    """Check that VHDL in GHDL and Verilog in Verilator do the same in every cycle."""
    needs(*tools)
    case.same_in_ghdl(given, seen)
    if "verilator" in tools:
        same_in_verilator(case.make, ports(case.spec, case.probed), given, seen)


@pytest.mark.parametrize("load_bits", [8, 32, 64])
def test_a_wrong_load_is_refused(load_bits):
    """`load_error` rises, no image is taken; the next load works, whatever came before it."""
    rng = np.random.default_rng(3)
    topology, shape, lanes, num_steps, options, built = NETWORKS["flat"]
    network = random_network(topology, shape, rng, **options)
    case = Whole(network, lanes, random_inputs(network, num_steps, 1, rng), num_steps, load_bits=load_bits, **built)
    assert with_words(case) == case.load
    names = list(WRONG_LOADS)
    loads = [case.load if at % 2 else WRONG_LOADS[names[at // 2]](case) for at in range(2 * len(names))]
    host, refused, answered = case.host(alone=False), [], 0
    host.load, waited = loads[0], 0

    def drive(cycle, seen):
        nonlocal waited, answered
        try:
            given = host(cycle, seen)
        except StopIteration:
            case.check_values(host)
            answered += 1
            return begin(cycle)
        if host.loaded == len(host.load) and len(refused) == answered:  # a wrong load has been sent
            waited += 1
            if waited > 5:
                assert seen["load_error"] and not seen["loaded"] and not seen["s_input_tready"]
                refused.append(cycle)
                return begin(cycle)
        return given

    def begin(cycle):
        nonlocal waited
        if len(refused) + answered == len(loads):
            raise StopIteration
        waited, host.load, host.loaded, host.given = 0, loads[len(refused) + answered], 0, {}
        host.restart(case.images, case.expected)
        return {}

    given, seen = case.simulate(drive)
    assert len(refused) == answered == len(names)
    if load_bits == 32:
        in_hdl(case, given, seen)


def change(value):
    """Return another value of the same type."""
    if isinstance(value, str):
        return "none"
    return not value if isinstance(value, bool) else value + 1


def test_the_design_word():
    """Every number of the spec, and the version of the format, change the word; weights and thresholds do not."""
    rng = np.random.default_rng(0)
    spec = whole("convolutions", rng).spec
    assert whole("convolutions", rng).spec == spec  # of other weights
    others = [replace(spec, **{f.name: change(getattr(spec, f.name))}) for f in fields(spec) if f.name != "layers"]
    for number, layer in enumerate(spec.layers):
        for field in fields(layer):
            new = replace(layer, **{field.name: change(getattr(layer, field.name))})
            others.append(replace(spec, layers=(*spec.layers[:number], new, *spec.layers[number + 1 :])))
    words = {design_word(other) for other in (spec, *others)}
    assert len(words) == 1 + len(others) and max(words) < 1 << 32
    assert design_word(spec) == design_word(replace(spec))


def cut_short(inputs, words, case):
    """Return an image (T, 1, ...) as the layers see it if only its first words are sent."""
    first = case.spec.layers[0]
    result, shape = inputs.reshape(len(inputs), -1).copy(), inputs.shape
    frame = first.in_height, first.in_width, first.in_channels
    in_word, _ = place_of_input(frame, first.in_lanes, np.arange(result.shape[1]))
    for t in range(len(result)):
        result[t, in_word + t * first.in_words >= words] = 0
    return result.reshape(shape)


@pytest.mark.parametrize(
    "name, alone",
    [("flat", False), ("flat", True), ("convolutions", False), ("pixels", True), ("pixels", False), ("one step", True)]
    + [("one neuron", False), ("membranes", True)],
)
def test_a_wrong_image_does_no_harm(name, alone):
    """Images around a short or long one are right; it is dropped, or answered without a class."""
    rng = np.random.default_rng(9)
    good = whole(name, rng, images=4)
    words, frame = len(good.images[0]), good.spec.layers[0].in_words
    lengths = dict.fromkeys(
        length
        for length in (words - 1, words + 1, 1, frame, words // 2, words + frame + 2, 2 * words)
        if length > 0 and length != words
    )
    packets, kept = [], []  # what is sent; (image, words) of what is answered
    for at, length in enumerate([words, *(length for wrong in lengths for length in (wrong, words))]):
        image = at % 4
        packets.append((good.images[image] * 3)[:length])
        if length == words or (words > frame and length > frame):
            kept.append((image, length))
    inputs = np.concatenate([cut_short(good.inputs[:, image : image + 1], n, good) for image, n in kept], axis=1)
    case = Whole(good.network, good.lanes, inputs, good.num_steps, **NETWORKS[name][5])
    answered = [words > frame and length > frame or length == words for length in map(len, packets)]

    def offers(cycle):
        return not alone or host.word > 0 or len(host.observed.ended) == sum(answered[: host.image])

    host, flags = case.host(alone=False, offers=offers), []
    host.images, answers = packets, host.observed.answers

    def drive(cycle, seen):
        if len(answers) == len(kept) and host.image == len(packets):
            flags.append(seen["input_error"])
            if len(flags) > 50:
                raise StopIteration
        return {"m_output_tready": 1} if flags else host(cycle, seen)

    given, seen = case.simulate(drive)
    observed = host.end()
    assert (observed.spikes, observed.membranes) == (0, 0)
    assert [answer[0] for answer in answers] == case.run.scores.tolist()
    none = (1 << case.spec.output_bits) - 1
    best = case.run.scores.argmax(axis=1).tolist()
    assert [answer[1] for answer in answers] == [b if n == words else none for b, (_, n) in zip(best, kept)]
    assert not flags[-1] and sum(a["input_error"] < b["input_error"] for a, b in zip(seen, seen[1:])) == len(lengths)
    assert not any(cycle["load_error"] for cycle in seen)
    if name in ("flat", "pixels") and alone:
        in_hdl(case, given, seen, ("ghdl", "verilator")[: 1 + (name == "flat")])


@pytest.mark.parametrize("name", ["flat", "pixels"])
def test_a_load_ends_an_image_that_stops(name):
    """An image whose words stop coming is ended by a load; images after the load are right."""
    rng = np.random.default_rng(2)
    case = whole(name, rng, images=2)
    words, frame = len(case.images[0]), case.spec.layers[0].in_words
    for sent in {1, frame, words - 1} - {words}:
        first, second = case.host(alone=False), case.host(alone=False)
        first.images = [case.images[0][:sent]]
        none, waited = (1 << case.spec.output_bits) - 1, []

        def drive(cycle, seen):
            if second.loaded or (waited and seen["s_load_tready"]):
                return second(cycle, seen)
            with suppress(StopIteration):  # its answer, if it has one, is complete
                given = first(cycle, seen) | {"s_input_tlast": 0}
            if first.image == 1:
                waited.append(cycle)
                given = {"m_output_tready": 1, "s_load_tvalid": 1, "s_load_tdata": case.load[0]}
            first.given = second.given = given
            return given

        _, seen = case.simulate(drive)
        assert [best for _, best, _ in first.observed.answers] == [none] * (words > frame and sent >= frame)
        assert [best for _, best, _ in second.observed.answers] == case.run.scores.argmax(axis=1).tolist()
        assert any(cycle["input_error"] for cycle in seen) and not seen[-1]["input_error"]
        assert not any(cycle["load_error"] for cycle in seen)


@pytest.mark.parametrize("name", ["flat", "pixels"])
def test_an_image_goes_on_while_a_load_waits(name):
    """As long as its words are offered without a gap, an image is completed before the load begins."""
    rng = np.random.default_rng(8)
    before = whole(name, rng, images=1)
    topology, shape, lanes, num_steps, options, built = NETWORKS[name]
    after = Whole(random_network(topology, shape, rng, **options), lanes, before.inputs, num_steps, **built)
    first, second = before.host(), after.host()
    second.given, words = {}, len(before.images[0])

    def drive(cycle, seen):
        if len(first.observed.ended) == 1:
            return second(cycle, seen)
        try:
            given = first(cycle, seen)
        except StopIteration:
            return second(cycle, seen)
        if first.loaded == len(first.load) and first.word + words * first.image > 1:
            given |= {"s_load_tvalid": 1, "s_load_tdata": after.load[0]}
        return given

    _, seen = before.simulate(drive)
    before.check_values(first)
    after.check_values(second)
    assert not any(cycle["input_error"] for cycle in seen)


@pytest.mark.parametrize("name", ["convolutions", "pixels"])
def test_the_probe_changes_nothing(name):
    with_probe, without = (whole(name, np.random.default_rng(4), probed=probed) for probed in (True, False))
    given, seen = with_probe.simulate(with_probe.host(alone=False))

    def replay(cycle, out):
        if cycle == len(given):
            raise StopIteration
        return given[cycle]

    _, bare = without.simulate(replay)
    assert [{name: values[name] for name in bare[0]} for values in seen] == bare
    assert len(bare[0]) < len(seen[0])


def test_differences_are_counted(monkeypatch):
    """The comparison itself: another weight, and another model of cycles, are reported."""
    case = whole("pixels", np.random.default_rng(4))

    def run():
        return cosim.cosimulate(case.network, case.inputs[:, 1:2], case.num_steps, case.lanes)

    (same,) = run()
    assert same.same and same.cycles_counted == same.cycles_predicted
    assert same.prediction == case.run.scores[1].argmax()

    def another(network, spec, *rest):
        first, *others = network.layers
        w = first.w.copy()
        w.reshape(-1)[0] ^= 0b110
        return load_words(replace(network, layers=(replace(first, w=w), *others)), spec, *rest)

    monkeypatch.setattr(cosim, "load_words", another)
    (different,) = run()
    assert different.membranes > 0 and not different.same
    monkeypatch.undo()
    predict = cosim.timing.predict

    def later(*args, **options):
        times = predict(*args, **options)
        return replace(times, ends=times.ends + 1)

    monkeypatch.setattr(cosim.timing, "predict", later)
    (late,) = run()
    assert late.cycles == case.run.spike_counts[0].size and not late.spikes and not late.membranes and not late.same


@pytest.mark.parametrize(
    "lanes, change, words",
    [
        ((2,), {}, "lanes must be one number for each of 2 layers, got 2"),
        ((2, 5), {}, "layer 2 has 4 output channels: its lanes must be 1 to 4, got 5"),
        ((0, 1), {}, "layer 1 has 5 output channels: its lanes must be 1 to 5, got 0"),
        ((2, 3), {"in_lanes": 10}, "in_lanes must be a whole number from 1 to 9, got 10"),
        ((2, 3), {"max_steps": 0}, "max_steps must be a whole number from 1 to 65535, got 0"),
        ((2, 3), {"load_bits": 4}, "load_bits must be a whole number from 8 to 65536, got 4"),
    ],
)
def test_what_cannot_be_built_is_refused(lanes, change, words):
    network = random_network("5-4", (9,), np.random.default_rng(0))
    with pytest.raises(ValueError, match=words):
        specify(network, lanes, **change)


@pytest.mark.parametrize("in_lanes", [4, 8])
def test_a_word_of_one_pixel_and_a_half_is_refused(in_lanes):
    network = random_network("2C2-4", (3, 3, 3), np.random.default_rng(0))
    with pytest.raises(ValueError, match=f"in_lanes must be whole pixels of 3 channels, or fewer, got {in_lanes}"):
        specify(network, (1, 2), in_lanes)
    assert specify(network, (1, 2), 6).layers[0].in_words == 3 * 2


@pytest.mark.parametrize(
    "options, words",
    [
        ({"membrane_bits": 32}, "layer 1 has membranes of 32 bits and hardware takes up to 31"),
        ({"threshold": 512}, "layer 1 has the threshold 512, beyond its membranes of 10 bits"),
    ],
)
def test_networks_that_cannot_be_built_are_refused(options, words):
    network = random_network("5-4", (9,), np.random.default_rng(0), **options)
    with pytest.raises(ValueError, match=words):
        specify(network, (2, 3))
    with pytest.raises(ValueError, match="max_steps must be at least 256"):
        load_words(network, specify(random_network("5-4", (9,), np.random.default_rng(0)), (2, 3)), 256)


def test_a_pool_of_currents_is_not_for_the_accelerator():
    network = random_network("4C3MP2-3", (6, 6, 1), np.random.default_rng(0))
    for lanes in (None, (2, 3)):
        with pytest.raises(ValueError, match="layer 1 4C3MP2 pools its currents before the neurons.* 4C3-MP2 for"):
            lanes_of([integers.layer for integers in network.layers], lanes)
    with pytest.raises(ValueError, match="pools its currents"):
        specify(network, (2, 3))


def test_lanes_may_be_numpy_integers():
    network = random_network("5-4", (9,), np.random.default_rng(0))
    assert check_lanes(network, np.array([2, 3])) == (2, 3)
