"""Traces: sums equal the membranes, cycles equal the gates', factors equal the gradient."""

from itertools import zip_longest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minisnn.encode import Encoder
from minisnn.errors import InputError
from minisnn.fixed.early_exit import LOSSLESS, NEVER
from minisnn.fixed.model import IntegerModel, Pixels
from minisnn.inspector import trace as traces
from minisnn.inspector.factors import Factors
from minisnn.network import Network
from minisnn.timing import cycles
from minisnn_hw.layer import layer as layer_block
from minisnn_hw.layer_control import layer_control
from minisnn_hw.spike_buffer import spike_buffer

from .hw.networks import Whole, random_inputs, random_network

RESETS = ("subtract", "subtract_then_leak", "zero")


def model_of(network, num_steps):
    """Return an IntegerModel whose images are its inputs."""
    channels = network.input_shape[-1] if len(network.input_shape) == 3 else 1
    kind = "direct" if network.input_bits else "rate"
    encoder = Encoder(kind, num_steps, 255.0, (0.0,) * channels, (1.0,) * channels)
    return IntegerModel(network, encoder, Pixels(0.0, 1.0, max(network.input_bits, 1)))


CASES = [
    ("3C3-MP2-5-3", (6, 5, 2), 1, 3, "subtract", (2, 3, 1), None),
    ("4C3-4", (5, 5, 1), 0, 3, "zero", (3, 2), (3, 1)),
    ("2C2-MP2-3C2-3", (6, 5, 1), 1, 2, "subtract_then_leak", (2, 2, 2), (4, 2, 1)),
    ("3C3-3", (5, 4, 2), 1, 0, "subtract", (2, 3), (3, 1)),
    ("7-3", (9,), 0, 0, "subtract", (3, 2), None),
]
IDS = [f"{case[0]}-{case[3]}" for case in CASES]
EXITS = {  # a case, its number of classes, and the margin
    "flat spikes": (("6-4", (40,), 0, 0, "subtract", (5, 2), None), 2, 1),
    "taps and spikes": (("3C3-4C3-4", (5, 5, 1), 0, 0, "subtract", (3, 2, 4), (9, 3, 1)), 2, 1),
    "taps and pixels": (("4C3-MP2-6", (6, 6, 2), 0, 3, "subtract", (1, 2), (9, 1)), 6, 1),
    "lossless, pixels": (("3C3-4C3-4", (5, 5, 1), 0, 3, "subtract", (2, 2, 2), (3, 1, 1)), 2, LOSSLESS),
}


def ended_early(name, seed):
    """Return what :func:`traced` does of a case of EXITS, the run of its integers, and its margin."""
    case, classes, margin = EXITS[name]
    made = traced(case, seed, 8, margin, classes=classes, threshold=25)
    assert made[2].steps_taken < 8
    return *made, made[0].forward(made[1], 8, keep="membranes"), margin


def traced(case, seed, num_steps=4, margin=None, **options):
    """Return (network, inputs, trace, lanes, taps) of a case with random weights and a random image."""
    topology, shape, padding, bits, reset, lanes, taps = case
    rng = np.random.default_rng(seed)
    convolutions = topology.count("C")
    network = random_network(
        topology,
        shape,
        rng,
        padding=[padding] * convolutions if convolutions else 0,
        input_bits=bits,
        reset=reset,
        **{"threshold": 12 if bits else 5} | options,
    )
    model = model_of(network, num_steps)
    image = random_inputs(network, num_steps, 1, rng)[0, 0] if bits else rng.integers(0, 256, shape).astype(np.uint8)
    inputs = next(model.inputs(image[None]))
    return network, inputs, traces.trace(model, image, lanes, taps, margin=margin), lanes, taps


@pytest.mark.parametrize("case", CASES, ids=IDS)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_why_sums_to_the_membrane(case, seed):
    """Compared with the integers' run; every addition has an input in the frame, and none is missing."""
    network, inputs, trace, _, _ = traced(case, seed)
    run = network.forward(inputs, 4, keep="membranes")
    rng = np.random.default_rng(seed)
    for layer, integers in enumerate(network.layers):
        for neuron in rng.choice(integers.layer.neurons, min(6, integers.layer.neurons), replace=False).tolist():
            for step in range(4):
                why = trace.why(layer, neuron, step)
                assert why.membrane == run.mem[layer][step, 0].reshape(-1)[neuron]
                assert why.spike == run.spk[layer][step, 0].reshape(-1)[neuron]
                products = why.additions["weight"] * why.additions["value"]
                assert (why.additions["adds"] == products << integers.guard).all()
                frame = trace.frame(layer, step).reshape(-1)
                assert (frame[why.additions["address"]] == why.additions["value"]).all()
                assert (np.diff(why.additions["cycle"]) > 0).all()
        costs = [trace.cost(layer, step) for step in range(4)]
        assert [cost.additions for cost in costs] == run.additions[0, layer].tolist()
        assert [cost.inputs for cost in costs] == run.inputs[0, layer].tolist()


def blocks_of(design, kind):
    """Yield the blocks of a kind inside a simulated accelerator, first to last."""
    for sub in design.subs:
        if hasattr(sub, "subs"):
            if sub.func is kind.func:
                yield sub
            else:
                yield from blocks_of(sub, kind)


@pytest.mark.parametrize("case", [*CASES, *EXITS], ids=[*IDS, *EXITS])
def test_at_is_what_the_gates_do(case):
    """In every cycle, compared with the signals inside the MyHDL layers, until nothing of the image is left."""
    early = case in EXITS
    network, inputs, trace, lanes, taps, *_ = ended_early(case, 5) if early else traced(case, 5)
    margin = trace.exit.margin if early else None
    whole = Whole(network, lanes, inputs, trace.num_steps, taps=taps, margin=margin)
    make, designs, seen = whole.make, [], []

    def caught(**signals):
        designs.append(make(**signals))
        return designs[0]

    whole.make = caught
    host = whole.host(linger=trace.span - trace.latency + 1)

    def drive(cycle, outputs):
        layers, (_, *buffers) = blocks_of(designs[0], layer_block), blocks_of(designs[0], spike_buffer)
        parts = zip_longest(layers, buffers, whole.spec.layers)
        seen.append([state_of(sub, (after or sub).symdict["writer"], spec) for sub, after, spec in parts])
        return host(cycle, outputs)

    whole.simulate(drive)
    whole.check_values(host)
    start = host.observed.taken[0]
    assert trace.latency == host.end().answers[0][2]
    for cycle in range(trace.span):
        for index, doing in enumerate(trace.at(cycle)):
            predicted = {name: getattr(doing, name) for name in seen[start + cycle][index]}
            assert predicted == seen[start + cycle][index], (cycle, index)


def state_of(sub, writer, spec):
    """Return fields of Doing, by name, from the signals of a layer, its control, and the writer of its frame."""
    scan, walk, turn = (sub.symdict[name] for name in ("scan", "walk", "turn"))
    control = next(part for part in sub.subs if getattr(part, "func", None) is layer_control.func)
    state = str(control.sigdict["state"])
    handed = -1
    if scan.valid and scan.ready:
        handed = int(scan.channel)
        if not spec.flat:
            handed += (int(scan.y) * spec.in_width + int(scan.x)) * spec.in_channels
    result = {
        "handed": handed,
        "firing_word": int(turn.address) if turn.fire and state == "ST_FIRE" else -1,
        "weight_word": int(walk.weight_address) if walk.add else -1,
        "written_word": int(writer.address) if writer.write else -1,
    }
    if spec.taps == 1:
        result["membrane_word"] = int(walk.addresses) if walk.add else -1
    phases = {"ST_IDLE": "idle", "ST_ADD": "adds", "ST_WAIT": "waits", "ST_FIRE": "firing pass"}
    if state in phases:
        result["phase"] = phases[state]
        # Of pixels: they are added already. A layer of spikes counts no steps.
        between_passes = state == "ST_WAIT" and spec.input_bits > 0 and control.sigdict["step"] > 0
        if between_passes or (state == "ST_FIRE" and not turn.fire):
            result["phase"] = "idle"
    return result


@pytest.mark.parametrize("name", EXITS)
def test_an_image_that_ends_early(name, tmp_path):
    """Steps that count are explained as ever, others are refused; costs fill the time of each layer; a file has all."""
    network, inputs, trace, lanes, taps, run, margin = ended_early(name, 5)
    stimulus = cycles.Stimulus.of(network, inputs, run, 8, margin)
    predicted, ended = cycles.predict(stimulus, lanes, taps=taps), stimulus.stops
    assert (trace.latency, trace.span) == (predicted.latency[0], predicted.over[0] + 1)
    assert trace.steps_taken == ended.steps[0] and trace.about["answer"] == ended.answers[0]
    assert trace.about["scores"] == ended.scores[0].tolist() == trace.exit.totals[trace.steps_taken - 1].tolist()
    assert trace.fired[-1].tolist() == [step < trace.steps_taken for step in range(8)]
    for layer, shape in enumerate(each.layer for each in network.layers):
        neuron = shape.neurons - 1
        for step in range(8):
            if trace.fired[layer, step]:
                assert trace.why(layer, neuron, step).membrane == run.mem[layer][step, 0].reshape(-1)[neuron]
            else:
                with pytest.raises(InputError, match=f"was dropped: .* answered after step {trace.steps_taken - 1}"):
                    trace.why(layer, neuron, step)
                assert not trace.mem[layer][step].any() and not trace.spk[layer][step].any()
        costs = [trace.cost(layer, step) for step in range(8)]
        parts = np.array([(cost.idle, cost.adding, cost.scanning, cost.waiting, cost.firing) for cost in costs])
        begun = [cost.begins != NEVER for cost in costs]
        assert parts.min() >= 0 and not parts[~np.array(begun)].any()
        assert parts.sum() + sum(begun) == trace.over[layer, begun].max()
        doing = [trace.at(cycle)[layer] for cycle in range(trace.span)]
        assert sum(each.adding >= 0 for each in doing) == parts[:, 1].sum()
        assert sum(each.phase == "waits" for each in doing) == parts[:, 3].sum()
        whole = [trace.fired[layer, step] and not (step and trace.constant(layer)) for step in range(8)]
        inputs_of = [cost.inputs for cost in costs]
        assert [n for n, all_of in zip(inputs_of, whole) if all_of] == run.inputs[0, layer][whole].tolist()
    trace.save(tmp_path / "t.npz")
    again = traces.load(tmp_path / "t.npz")
    assert again.exit[:3] == trace.exit[:3] and (again.exit.totals == trace.exit.totals).all()
    assert [again.at(cycle) for cycle in range(trace.span)] == [trace.at(cycle) for cycle in range(trace.span)]


def test_a_layer_of_pixels_is_idle_between_its_firing_passes():
    """It has added the pixels at step 0. A layer of spikes waits instead, until the next layer has a free bank."""
    # The second layer is slow, with one lane for many neurons, so the first must stop.
    _, _, trace, _, _ = traced(("6-20-3", (4,), 0, 3, "subtract", (6, 1, 1), None), 5)
    later = [trace.cost(0, step) for step in (1, 2, 3)]
    assert all(cost.waiting == cost.adding == cost.scanning == 0 for cost in later)
    assert max(cost.idle for cost in later) > 6  # longer than its pipeline needs to drain
    _, _, trace, _, _ = traced(("6-20-3", (4,), 0, 0, "subtract", (6, 1, 1), None), 5)
    assert max(trace.cost(0, step).waiting for step in range(4)) > 6


def test_costs_fill_the_time():
    """Idle, adding, scanning, waiting and firing of all steps follow one another, with one cycle after each pass."""
    _, _, trace, _, _ = traced(CASES[0], 3)
    for layer in range(3):
        costs = [trace.cost(layer, step) for step in range(4)]
        parts = [(cost.idle, cost.adding, cost.scanning, cost.waiting, cost.firing) for cost in costs]
        assert np.min(parts) >= 0
        assert np.sum(parts) + len(costs) == costs[-1].ends


def test_saved_and_loaded(tmp_path):
    _, _, trace, _, _ = traced(CASES[0], 1)
    trace.save(tmp_path / "t.npz")
    again = traces.load(tmp_path / "t.npz")
    assert again.about == trace.about and again.latency == trace.latency
    assert repr(again) == repr(trace) and len(repr(trace)) < 80 and f"{trace.latency} cycles" in repr(trace)
    for cycle in range(0, trace.latency, 7):
        assert again.at(cycle) == trace.at(cycle)
    for neuron in range(5):
        before, after = trace.why(1, neuron, 2), again.why(1, neuron, 2)
        assert (before.additions == after.additions).all() and before.membrane_float == after.membrane_float


def test_a_damaged_trace_is_an_error():
    _, _, trace, _, _ = traced(CASES[0], 1)
    trace.mem[1][2].reshape(-1)[3] += 1
    with pytest.raises(InputError, match="layer 2 5, step 2, but its sum is .*damaged"):
        trace.why(1, 3, 2)


@pytest.mark.parametrize(
    "ask, words",
    [
        (lambda t: t.why(3, 0, 0), "layer must be 0 to 2"),
        (lambda t: t.why(0, 10**6, 0), "neuron must be"),
        (lambda t: t.why(0, 0, 4), "step must be 0 to 3"),
        (lambda t: t.at(10**9), "cycle must be"),
        (lambda t: t.cost(0, -1), "step must be"),
    ],
)
def test_a_question_outside_the_trace_is_an_error(ask, words):
    with pytest.raises(InputError, match=words):
        ask(traced(CASES[0], 1)[2])


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize(
    "readout, loss", [("spikes", "rate"), ("spikes", "mse_count:0.8:0.1"), ("membrane", "membrane")]
)
def test_factors_sum_to_the_gradient(reset, detach, readout, loss):
    rng = np.random.default_rng(3)
    net = Network(
        "4C3-MP2-3C2-6-3",
        (8, 7, 2),
        padding=1,
        beta=0.6,
        threshold=0.4,
        reset=reset,
        readout=readout,
        detach_reset=detach,
        surrogate="fast_sigmoid:2",
        pad_value=(0.3, -0.2),
        dtype="float64",
        backend="numpy",
        rng=rng,
    )
    inputs = rng.standard_normal((1, 1, 8, 7, 2))
    factors = Factors(net, inputs, label=1, num_steps=5, loss=loss)
    from minisnn.loss import parse

    run = net.forward(inputs, 5)
    value, dspk, dmem = parse(loss)(run.spk, run.mem, np.array([1]), 3)
    grads = net.backward(run, dspk, dmem)
    assert factors.loss == value
    for layer in range(len(net.layers)):
        w = grads[2 * layer]
        for _ in range(12):
            index = tuple(int(rng.integers(n)) for n in w.shape)
            assert factors.of(layer, index).gradient == pytest.approx(w[index], abs=1e-12)
    with pytest.raises(InputError, match="weight must be an index"):
        factors.of(0, (0, 0))
