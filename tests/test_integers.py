"""Integers: every row against sums written out for one neuron at a time, quantisation against what it promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minisnn as ms
from minisnn.encode import Encoder
from minisnn.errors import InputError
from minisnn.fixed.bounds import bounds
from minisnn.fixed.lif import RESETS, ROUNDINGS
from minisnn.fixed.model import load
from minisnn.fixed.network import IntegerLayer, IntegerNetwork
from minisnn.fixed.quantize import dequantised, quantize
from minisnn.fixed.rounding import scale
from minisnn.model import Model
from minisnn.topology import parse


def by_hand(network, inputs, num_steps):
    """[(spikes after the pool, spikes before it, U)] of each layer, by Python's integers, one neuron at a time."""

    def sat(v, bits):
        return min(max(v, -(2 ** (bits - 1))), 2 ** (bits - 1) - 1)

    def leak(v, each):
        product = v * each.beta
        return product // 2**each.frac if each.rounding == "floor" or product >= 0 else -(-product // 2**each.frac)

    def terms(each, x, neuron):
        """Weight times input of one neuron, in ascending address of the input."""
        layer = each.layer
        if layer.kind == "linear":
            return [int(each.w[i, neuron[0]]) * int(v) for i, v in enumerate(x.reshape(-1)) if v]
        y0, x0, m = neuron
        size, found = layer.w_shape[0], []
        for y, column, c in np.argwhere(x):
            ky, kx = y - y0 + layer.padding, column - x0 + layer.padding
            if 0 <= ky < size and 0 <= kx < size:
                found.append(int(each.w[ky, kx, c, m]) * int(x[y, column, c]))
        return found

    result = []
    x = inputs
    for index, each in enumerate(network.layers):
        constant = index == 0 and network.input_bits > 0
        fires = np.zeros((num_steps, *each.layer.out_shape), int)
        before = np.zeros((num_steps, *each.layer.out_shape), int)
        for neuron in np.ndindex(each.layer.out_shape):
            v = 0
            for t in range(num_steps):
                if constant:
                    cur = sum(term << each.guard for term in terms(each, x[0], neuron)) + int(each.b[neuron[-1]])
                    u = sat(v + sat(cur, each.membrane_bits), each.membrane_bits)
                else:
                    for term in terms(each, x[t], neuron):
                        v = sat(v + (term << each.guard), each.membrane_bits)
                    u = sat(v + int(each.b[neuron[-1]]), each.membrane_bits)
                s = int(each.reset != "none" and u > each.threshold)
                if each.reset == "subtract":
                    v = leak(u, each) - s * each.threshold
                elif each.reset == "subtract_then_leak":
                    v = leak(u - s * each.threshold, each)
                else:
                    v = 0 if each.reset == "zero" and s else leak(u, each)
                v = sat(v, each.membrane_bits)
                fires[(t, *neuron)], before[(t, *neuron)] = s, u
        pool, spk = each.layer.pool, fires
        if pool > 1:
            h, w, c = each.layer.next_shape
            spk = fires.reshape(num_steps, h, pool, w, pool, c).max(axis=(2, 4))
        result.append((spk, fires, before))
        x = spk
    return result


@st.composite
def networks(draw):
    """(IntegerNetwork, inputs, T): random weights of random widths, narrow membranes that saturate too."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    topology = draw(st.sampled_from(["3", "5-4", "2C2-3", "3C3-MP2-2C1-4", "2C3-MP2-5-2", "1C1-2"]))
    spatial = "C" in topology
    shape = (
        (draw(st.integers(4, 6)), draw(st.integers(4, 7)), draw(st.integers(1, 2)))
        if spatial
        else (draw(st.integers(1, 9)),)
    )
    padding = draw(st.integers(0, 2)) if spatial else 0
    input_bits, reset = draw(st.sampled_from([0, 1, 4])), draw(st.sampled_from(RESETS[:3]))
    layers = []
    shapes = parse(topology, shape, padding)
    for index, layer in enumerate(shapes):
        bits, guard = draw(st.integers(2, 6)), draw(st.integers(0, 3))
        most = 2 ** (bits - 1) - 1
        frac = draw(st.integers(0, 5))
        last = index == len(shapes) - 1
        layers.append(
            IntegerLayer(
                layer=layer,
                w=rng.integers(-most, most + 1, layer.w_shape).astype(np.int16),
                b=rng.integers(-20, 21, layer.w_shape[-1]),
                threshold=draw(st.integers(1, 60)),
                beta=draw(st.integers(0, 2**frac)),
                frac=frac,
                guard=guard,
                weight_bits=bits,
                membrane_bits=draw(st.integers(5, 12)),
                reset=draw(st.sampled_from([reset, "none"])) if last else reset,
                rounding=draw(st.sampled_from(ROUNDINGS)),
                scale=1.0,
            )
        )
    num_steps = draw(st.integers(1, 4))
    density = draw(st.sampled_from([0.0, 0.3, 1.0]))
    steps = 1 if input_bits else num_steps
    fires = rng.random((steps, 2, *shape)) < density
    inputs = (fires * rng.integers(1, 2 ** max(input_bits, 1), fires.shape)).astype(np.uint8)
    return IntegerNetwork(layers=tuple(layers), classes=shapes[-1].neurons, input_bits=input_bits), inputs, num_steps


@settings(max_examples=60, deadline=None)
@given(networks())
def test_network_by_hand(case):
    network, inputs, num_steps = case
    run = network.forward(inputs, num_steps, keep="membranes")
    for image in range(inputs.shape[1]):
        hand = by_hand(network, inputs[:, image], num_steps)
        for index, (out, spk, before) in enumerate(hand):
            assert np.array_equal(run.out[index][:, image], out)
            assert np.array_equal(run.spk[index][:, image], spk)
            assert np.array_equal(run.mem[index][:, image], before)
            assert np.array_equal(run.spike_counts[image, index], spk.reshape(num_steps, -1).sum(axis=1))
        counted = before if network.readout == "membrane" else out
        assert np.array_equal(run.scores[image], counted.sum(axis=0))


@settings(max_examples=30, deadline=None)
@given(networks())
def test_events_by_definition(case):
    """Additions are the terms of the neurons' sums, counted one neuron at a time."""
    network, inputs, num_steps = case
    run = network.forward(inputs, num_steps, keep="spikes")
    for index, each in enumerate(network.layers):
        constant = index == 0 and network.input_bits > 0
        x = inputs if index == 0 else run.out[index - 1]
        for t in range(1 if constant else num_steps):
            for image in range(x.shape[1]):
                frame = x[t, image] != 0
                assert run.inputs[image, index, t] == frame.sum()
                if each.layer.kind == "linear":
                    expected = frame.sum() * each.layer.neurons
                else:
                    p, k, (h, w, maps) = each.layer.padding, each.layer.w_shape[0], each.layer.out_shape
                    wide = np.zeros((max(frame.shape[0] + 2 * p, h + k), max(frame.shape[1] + 2 * p, w + k)), int)
                    wide[p : p + frame.shape[0], p : p + frame.shape[1]] = frame.sum(axis=2)
                    expected = maps * sum(wide[y : y + k, x0 : x0 + k].sum() for y in range(h) for x0 in range(w))
                assert run.additions[image, index, t] == expected
        if constant:
            assert not run.inputs[:, 0, 1:].any() and not run.additions[:, 0, 1:].any()


def test_stimulus_reaches_the_edges():
    """Membrane exactly at the threshold stays silent, one above fires; both ends saturate."""
    (layer,) = parse("4", (1,))
    each = IntegerLayer(
        layer=layer,
        w=np.array([[5, 6, 7, -7]], np.int16),
        b=np.zeros(4, np.int64),
        threshold=5,
        beta=1,
        frac=0,
        guard=0,
        weight_bits=4,
        membrane_bits=4,
        reset="none",
        rounding="floor",
        scale=1.0,
    )
    spiking = IntegerLayer(**{**each.__dict__, "reset": "subtract"})
    run = IntegerNetwork(layers=(spiking,), classes=4, input_bits=0).forward(
        np.ones((2, 1, 1), np.uint8), 2, keep="membranes"
    )
    assert run.mem[0][0, 0].tolist() == [5, 6, 7, -7] and run.spk[0][0, 0].tolist() == [0, 1, 1, 0]
    assert run.mem[0][1, 0].tolist() == [7, 7, 7, -8]  # 10, 7, 9 and -14, saturated
    silent = IntegerNetwork(layers=(each,), classes=4, input_bits=0).forward(
        np.ones((2, 1, 1), np.uint8), 2, keep="membranes"
    )
    assert not silent.spk[0].any() and silent.scores.tolist() == [[12, 13, 14, -15]]


@settings(max_examples=40, deadline=None)
@given(networks())
def test_bounds_hold(case):
    """With membranes of the proven width nothing saturates: the same network twice as wide computes the same."""
    network, inputs, num_steps = case
    most = 2**network.input_bits - 1 if network.input_bits else 1
    proven, wide = [], []
    for index, each in enumerate(network.layers):
        least, highest = bounds(each, most if index == 0 else 1, num_steps)
        width = max((v if v >= 0 else ~v).bit_length() + 1 for v in (least, highest))
        proven.append(IntegerLayer(**{**each.__dict__, "membrane_bits": width}))
        wide.append(IntegerLayer(**{**each.__dict__, "membrane_bits": 40}))
    runs = [
        IntegerNetwork(layers=tuple(layers), classes=network.classes, input_bits=network.input_bits).forward(
            inputs, num_steps, keep="membranes"
        )
        for layers in (proven, wide)
    ]
    for a, b, each in zip(runs[0].mem, runs[1].mem, proven):
        assert np.array_equal(a, b)
        assert a.min() >= each.low and a.max() <= each.high


def test_bounds_are_reached():
    """One weight, beta 1/2: U climbs towards 2*w; the bound is no wider than it needs."""
    (layer,) = parse("1", (1,))
    each = IntegerLayer(
        layer=layer,
        w=np.array([[64]], np.int16),
        b=np.zeros(1, np.int64),
        threshold=1000,
        beta=1,
        frac=1,
        guard=0,
        weight_bits=8,
        membrane_bits=40,
        reset="subtract",
        rounding="floor",
        scale=1.0,
    )
    run = IntegerNetwork(layers=(each,), classes=1, input_bits=0).forward(
        np.ones((20, 1, 1), np.uint8), 20, keep="membranes"
    )
    assert bounds(each, 1, 20) == (0, 127) and run.mem[0].max() == 127


BYTES = np.uint8([0, 255])  # their type is all that quantize needs of images of whole numbers


def random_model(topology, shape, kind="direct", seed=0, **options):
    rng = np.random.default_rng(seed)
    channels = shape[-1] if len(shape) == 3 else 1
    encoder = Encoder(kind, 6, 255.0, tuple(rng.uniform(90, 130, channels)), tuple(rng.uniform(40, 70, channels)))
    net = ms.Network(topology, shape, pad_value=encoder.pad_value, dtype="float64", backend="numpy", rng=rng, **options)
    for b in net.params[1::2]:
        b[:] = rng.normal(0, 0.1, b.shape)
    return Model(net, encoder, dataset="svhn")


@pytest.mark.parametrize(
    "topology, shape, options",
    [
        ("6C3-MP2-5C3-8", (9, 10, 3), {"padding": 1, "beta": 0.3}),
        ("7-5", (20,), {"reset": "zero", "beta": 0.9}),
        ("8-6", (4, 4, 2), {"reset": "subtract_then_leak"}),
        ("4C3-6", (6, 6, 2), {"readout": "membrane", "beta": 0.75}),
    ],
)
def test_integers_equal_the_float_network_with_their_weights(topology, shape, options):
    """Wide guards make the leak's rounding negligible; then spikes agree and membranes are close."""
    model = random_model(topology, shape, **options)
    integer, losses = quantize(model, 6, guard=16, frac=16, images=BYTES)
    images = np.random.default_rng(1).integers(0, 256, (12, *shape), dtype=np.uint8)
    floats = dequantised(integer)
    run = floats.network.forward(floats.encoder.encode(images, dtype=np.float64), 6, record=True)
    ours = integer.network.forward(integer.encode(images), 6, keep="membranes")
    for layer, spk, mem, each in zip(run.layers, ours.spk, ours.mem, integer.network.layers):
        unit = each.scale / 2**16
        assert np.abs(mem * unit - layer.mem).max() <= 2 * 6 * unit + 1e-9  # a unit of the leak each step, at most
        assert np.array_equal(spk, layer.spk)
    assert 0 < ours.spike_counts[:, 0].sum() < 12 * 6 * integer.network.layers[0].layer.neurons
    assert not any(loss.saturates for loss in losses.layers)


def test_losses_say_what_was_lost():
    model = random_model("6C3-MP2-8", (8, 8, 3), beta=[0.3, 0.5])
    integer, losses = quantize(model, [3, 5], frac=4, images=BYTES)
    back = dequantised(integer)
    for index, loss in enumerate(losses.layers):
        w, rounded = model.network.params[2 * index], back.network.params[2 * index]
        sigma = np.array(model.encoder.std)[:, None] if index == 0 else 1.0
        np.testing.assert_allclose(loss.worst_weight, np.abs(w - rounded).max(), rtol=1e-9)
        assert len(np.unique(np.round(rounded * sigma**-1, 9))) <= 2**loss.weight_bits - 1
    assert losses.layers[0].beta == 0.3 and losses.layers[0].beta_got == 5 / 16
    assert (integer.network.layers[1].beta, integer.network.layers[1].frac) == (1, 1)  # 0.5: a shift
    assert losses.layers[0].threshold_got == pytest.approx(1.0, abs=integer.network.layers[0].scale / 32)
    assert losses.worst_pixel == 0


def test_scale_is_of_least_error():
    w = np.random.default_rng(0).normal(0, 1, 2000)
    for bits in (2, 3, 4, 8):
        most = 2 ** (bits - 1) - 1

        def error(s):
            return np.square(w - s * np.clip(np.rint(w / s), -most, most)).sum()

        best = min(error(s) for s in np.linspace(0.2, 1, 801) * np.abs(w).max() / most)
        assert error(scale(w, bits)) <= 1.02 * best


def test_float_pixels_that_fall_between_integers_are_told():
    net = ms.Network("3", (3,), backend="numpy", rng=np.random.default_rng(0))
    images = np.array([[0.0, 1.5, 3.0]])
    integer, losses = quantize(Model(net, Encoder("direct", 2, 3.0), dataset="own"), input_bits=2, images=images)
    assert integer.pixels.step == 1 and integer.encode(images)[0].tolist() == [[0, 2, 3]]
    assert losses.worst_pixel == 0.5


def test_float_pixels_become_integers():
    rng = np.random.default_rng(0)
    images = rng.normal(0, 1, (50, 12)).astype(np.float32)
    net = ms.Network("5-3", (12,), backend="numpy", rng=rng)
    model = Model(net, Encoder("direct", 4, 3.0, (0.1,), (0.9,)), dataset="own")
    with pytest.raises(InputError, match="needs images"):
        quantize(model)
    integer, losses = quantize(model, input_bits=10, images=images)
    pixels = integer.encode(images)
    assert pixels.dtype == np.uint16 and pixels.min() == 0 and pixels.max() == 1023
    error = np.abs(integer.pixels.as_numbers(pixels[0]) - images).max()
    assert 0.9 * losses.worst_pixel < error <= losses.worst_pixel * 1.001
    run = integer.network.forward(pixels, 4, keep="membranes")
    cur = ((integer.pixels.as_numbers(pixels[0]) - 0.1) / 0.9) @ dequantised(integer).network.params[0]
    unit = integer.network.layers[0].scale / 16
    np.testing.assert_allclose(run.mem[0][0] * unit, cur + dequantised(integer).network.params[1], atol=unit)


def test_rate_coding_takes_the_same_spikes():
    data = ms.load_data("digits")
    net = ms.Network("24-10", data.input_shape, rng=np.random.default_rng(0), mean_square=0.3)
    model = ms.fit(net, data, epochs=2, num_steps=6, encoding="rate")
    integer, _ = quantize(model, 12)
    assert integer.network.input_bits == 0
    before, after = ms.evaluate(model, data.x_test, data.y_test), integer.evaluate(data.x_test, data.y_test)
    assert abs(before.accuracy - after.accuracy) <= 0.015


def test_file_and_threads(tmp_path):
    model = random_model("4C3-MP2-6", (8, 8, 3), padding=1)
    integer, _ = quantize(model, 4, images=BYTES)
    images = np.random.default_rng(1).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
    integer.save(tmp_path / "m.int.npz")
    again = load(tmp_path / "m.int.npz")
    runs = [m.network.forward(m.encode(images), 6, threads=n) for m, n in ((integer, 1), (again, 3))]
    for name in ("scores", "inputs", "additions", "spike_counts"):
        assert np.array_equal(getattr(runs[0], name), getattr(runs[1], name))
    with pytest.raises(InputError, match="is a quantized model file, not a model file"):
        ms.load_model(tmp_path / "m.int.npz")


@pytest.mark.parametrize(
    "change, words",
    [
        ({"weight_bits": 1}, "weight_bits must be a whole number from 2 to 16, got 1"),
        ({"weight_bits": [8]}, "weight_bits has 1 values for 2 layers"),
        ({"frac": 17}, "frac must be"),
        ({"guard": -1}, "guard must be"),
        ({"rounding": "up"}, "rounding must be floor or zero"),
        ({"membrane_bits": 50}, "membrane_bits must be"),
    ],
)
def test_wrong_widths(change, words):
    with pytest.raises(InputError, match=words):
        quantize(random_model("4C3-MP2-6", (8, 8, 3)), images=BYTES, **change)
