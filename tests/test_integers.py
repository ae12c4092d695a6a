"""Integers: every row against sums written out for one neuron at a time; quantisation against its promises."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minisnn as ms
from minisnn.check import whole
from minisnn.encode import Encoder
from minisnn.errors import InputError
from minisnn.fixed.bounds import bounds, signed_bits
from minisnn.fixed.lif import RESETS, ROUNDINGS
from minisnn.fixed.model import check, joined, load, parts
from minisnn.fixed.network import KEEP, IntegerLayer, IntegerNetwork, current
from minisnn.fixed.quantize import dequantised, quantize
from minisnn.fixed.rounding import input_factors, rounded, scale, widths
from minisnn.model import Model
from minisnn.topology import parse

from .helpers import same


def by_hand(network, inputs, num_steps):
    """Return [(spikes after the pool, spikes before it, U)] by layer, in Python's integers, one neuron at a time."""

    def sat(v, bits):
        return min(max(v, -(2 ** (bits - 1))), 2 ** (bits - 1) - 1)

    def leak(v, integers):
        product = v * integers.beta
        down = integers.rounding == "floor" or product >= 0
        return product // 2**integers.frac if down else -(-product // 2**integers.frac)

    def terms(integers, x, neuron):
        """Weight times input of one place, in ascending address of the input."""
        layer = integers.layer
        if layer.kind == "linear":
            return [int(integers.w[i, neuron[0]]) * int(v) for i, v in enumerate(x.reshape(-1)) if v]
        y0, x0, m = neuron
        size, products = layer.w_shape[0], []
        for y, column, c in np.argwhere(x):
            ky, kx = y - y0 + layer.padding, column - x0 + layer.padding
            if 0 <= ky < size and 0 <= kx < size:
                products.append(int(integers.w[ky, kx, c, m]) * int(x[y, column, c]))
        return products

    def largest(integers, x, neuron):
        """The largest current of a neuron's window; without a pool of currents it has one place."""
        size = integers.layer.cur_pool
        y, column, m = neuron if len(neuron) == 3 else (0, 0, neuron[0])
        window = product(range(size * y, size * (y + 1)), range(size * column, size * (column + 1)))
        places = [(*place, m) for place in window] if size > 1 else [neuron]
        return max(sum(term << integers.guard for term in terms(integers, x, place)) for place in places)

    result = []
    x = inputs
    for index, integers in enumerate(network.layers):
        constant = index == 0 and network.input_bits > 0
        spk = np.zeros((num_steps, *integers.layer.out_shape), int)
        before = np.zeros((num_steps, *integers.layer.out_shape), int)
        for neuron in np.ndindex(integers.layer.out_shape):
            v = 0
            for t in range(num_steps):
                if constant:
                    cur = largest(integers, x[0], neuron) + int(integers.b[neuron[-1]])
                    u = sat(v + sat(cur, integers.membrane_bits), integers.membrane_bits)
                else:
                    if integers.layer.cur_pool > 1:
                        v = sat(v + largest(integers, x[t], neuron), integers.membrane_bits)
                    else:
                        for term in terms(integers, x[t], neuron):
                            v = sat(v + (term << integers.guard), integers.membrane_bits)
                    u = sat(v + int(integers.b[neuron[-1]]), integers.membrane_bits)
                s = int(integers.reset != "none" and u > integers.threshold)
                if integers.reset == "subtract":
                    v = leak(u, integers) - s * integers.threshold
                elif integers.reset == "subtract_then_leak":
                    v = leak(u - s * integers.threshold, integers)
                else:
                    v = 0 if integers.reset == "zero" and s else leak(u, integers)
                v = sat(v, integers.membrane_bits)
                spk[(t, *neuron)], before[(t, *neuron)] = s, u
        pool, out = integers.layer.pool, spk
        if pool > 1:
            h, w, c = integers.layer.next_shape
            out = spk.reshape(num_steps, h, pool, w, pool, c).max(axis=(2, 4))
        result.append((out, spk, before))
        x = out
    return result


@st.composite
def networks(draw, wide=False):
    """(IntegerNetwork, inputs, T): random weights of random widths, narrow membranes that saturate too.

    With `wide`, some layers need more than 32 bits for a sum or a product, and pixels more than 8.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    topology = draw(
        st.sampled_from(["3", "5-4", "2C2-3", "3C3-MP2-2C1-4", "2C3-MP2-5-2", "1C1-2", "2C1-3C2MP2-4", "2C2MP3-5"])
    )
    spatial = "C" in topology
    shape = (
        (draw(st.integers(4, 6)), draw(st.integers(4, 7)), draw(st.integers(1, 2)))
        if spatial
        else (draw(st.integers(1, 9)),)
    )
    padding = draw(st.integers(0, 2)) if spatial else 0
    input_bits = draw(st.sampled_from([0, 8, 16] if wide else [0, 1, 4]))
    reset = draw(st.sampled_from(RESETS[:3]))
    layers = []
    shapes = parse(topology, shape, padding)
    for index, layer in enumerate(shapes):
        bits, guard = draw(st.integers(2, 16 if wide else 6)), draw(st.integers(0, 16 if wide else 3))
        most = 2 ** (bits - 1) - 1
        frac = draw(st.integers(0, 16 if wide else 5))
        membrane_bits = draw(st.integers(5, 40 if wide else 12))
        unit = 2 ** max(membrane_bits - 8, 0)  # thresholds and biases are some share of the range
        last = index == len(shapes) - 1
        layers.append(
            IntegerLayer(
                layer=layer,
                w=rng.integers(-most, most + 1, layer.w_shape).astype(np.int16),
                b=rng.integers(-20 * unit, 20 * unit + 1, layer.w_shape[-1]),
                threshold=draw(st.integers(1, 60)) * unit,
                beta=draw(st.integers(0, 2**frac)),
                frac=frac,
                guard=guard,
                weight_bits=bits,
                membrane_bits=membrane_bits,
                reset=draw(st.sampled_from([reset, "none"])) if last else reset,
                rounding=draw(st.sampled_from(ROUNDINGS)),
                scale=1.0,
            )
        )
    num_steps = draw(st.integers(1, 4))
    density = draw(st.sampled_from([0.0, 0.3, 1.0]))
    steps = 1 if input_bits else num_steps
    is_input = rng.random((steps, 2, *shape)) < density
    numbers = is_input * rng.integers(1, 2 ** max(input_bits, 1), is_input.shape)
    inputs = numbers.astype(np.uint16 if input_bits > 8 else np.uint8)
    return IntegerNetwork(layers=tuple(layers), classes=shapes[-1].neurons, input_bits=input_bits), inputs, num_steps


@settings(max_examples=60, deadline=None)
@given(networks())
def test_network_by_hand(case):
    network, inputs, num_steps = case
    run = network.plain_forward(inputs, num_steps, keep="membranes")
    for image in range(inputs.shape[1]):
        hand = by_hand(network, inputs[:, image], num_steps)
        for index, (out, spk, before) in enumerate(hand):
            assert np.array_equal(run.out[index][:, image], out)
            assert np.array_equal(run.spk[index][:, image], spk)
            assert np.array_equal(run.mem[index][:, image], before)
            assert np.array_equal(run.spike_counts[image, index], spk.reshape(num_steps, -1).sum(axis=1))
        counted = before if network.readout == "membrane" else out
        assert np.array_equal(run.scores[image], counted.sum(axis=0))


@settings(max_examples=100, deadline=None)
@given(st.one_of(networks(), networks(wide=True)), st.sampled_from(KEEP))
def test_kernels_equal_the_plain_loops(case, keep):
    """Bit for bit, whatever is kept."""
    network, inputs, num_steps = case
    fast, plain = network.forward(inputs, num_steps, keep), network.plain_forward(inputs, num_steps, keep)
    for name in ("totals", "inputs", "additions", "spike_counts"):
        same(getattr(fast, name), getattr(plain, name))
    for name in ("out", "spk", "mem"):
        assert (getattr(fast, name) is None) == (getattr(plain, name) is None)
        for ours, theirs in zip(getattr(fast, name) or (), getattr(plain, name) or ()):
            same(ours, theirs)


@pytest.mark.parametrize("membrane_bits, frac", [(4, 1), (4, 16), (29, 2), (29, 3), (30, 1), (40, 16)])
def test_kernels_at_the_ends_of_a_membrane(membrane_bits, frac):
    """The largest sums and products that a membrane allows, on both sides of what 32 bits hold."""
    high = 2 ** (membrane_bits - 1) - 1
    most = 2**15 - 1 if membrane_bits > 4 else 7
    guard = max(membrane_bits - 17, 0)
    for sign, reset, rounding in product((1, -1), RESETS, ROUNDINGS):
        layer = integer_layer(
            "4",
            3,
            sign * np.array([[most, most, -most, 0], [most, -most, most, 0], [-most, most, most, 0]]),
            b=sign * np.array([high, 2**50, -(2**50), -1]),
            threshold=high - 1,
            beta=2**frac,
            frac=frac,
            guard=guard,
            weight_bits=16,
            membrane_bits=membrane_bits,
            reset=reset,
            rounding=rounding,
        )
        network = IntegerNetwork(layers=(layer,), classes=4, input_bits=0)
        inputs = np.ones((6, 1, 3), np.uint8)
        fast, plain = (run(inputs, 6, keep="membranes") for run in (network.forward, network.plain_forward))
        assert {layer.low, layer.high} & set(plain.mem[0].ravel().tolist())
        same(fast.mem[0], plain.mem[0])
        same(fast.spk[0], plain.spk[0])


def test_a_membrane_saturates_at_each_addition():
    """Of 4 bits, 7 + 7 - 7 is 0: in the order of the inputs, and not at the end."""
    layer = integer_layer("2", 3, [[7, -7], [7, 7], [-7, 7]], weight_bits=4, membrane_bits=4, threshold=7)
    network = IntegerNetwork(layers=(layer,), classes=2, input_bits=0)
    for run in (network.forward, network.plain_forward):
        assert run(np.ones((1, 1, 3), np.uint8), 1, keep="membranes").mem[0].ravel().tolist() == [0, 7]


@settings(max_examples=30, deadline=None)
@given(networks())
def test_events_by_definition(case):
    """Additions are the terms of the currents, counted one place at a time."""
    network, inputs, num_steps = case
    run = network.forward(inputs, num_steps, keep="spikes")
    for index, integers in enumerate(network.layers):
        constant = index == 0 and network.input_bits > 0
        x = inputs if index == 0 else run.out[index - 1]
        for t in range(1 if constant else num_steps):
            for image in range(x.shape[1]):
                frame = x[t, image] != 0
                assert run.inputs[image, index, t] == frame.sum()
                if integers.layer.kind == "linear":
                    expected = frame.sum() * integers.layer.neurons
                else:
                    p, k, (h, w, maps) = integers.layer.padding, integers.layer.w_shape[0], integers.layer.cur_shape
                    wide = np.zeros((max(frame.shape[0] + 2 * p, h + k), max(frame.shape[1] + 2 * p, w + k)), int)
                    wide[p : p + frame.shape[0], p : p + frame.shape[1]] = frame.sum(axis=2)
                    expected = maps * sum(wide[y : y + k, x0 : x0 + k].sum() for y in range(h) for x0 in range(w))
                assert run.additions[image, index, t] == expected
        if constant:
            assert not run.inputs[:, 0, 1:].any() and not run.additions[:, 0, 1:].any()


def test_threshold_and_saturation_at_their_edges():
    """A membrane exactly at the threshold stays silent, one above spikes; both ends saturate."""
    (layer,) = parse("4", (1,))
    integers = IntegerLayer(
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
    spiking = replace(integers, reset="subtract")
    run = IntegerNetwork(layers=(spiking,), classes=4, input_bits=0).forward(
        np.ones((2, 1, 1), np.uint8), 2, keep="membranes"
    )
    assert run.mem[0][0, 0].tolist() == [5, 6, 7, -7] and run.spk[0][0, 0].tolist() == [0, 1, 1, 0]
    assert run.mem[0][1, 0].tolist() == [7, 7, 7, -8]  # 10, 7, 9 and -14, saturated
    silent = IntegerNetwork(layers=(integers,), classes=4, input_bits=0).forward(
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
    for index, integers in enumerate(network.layers):
        least, highest = bounds(integers, most if index == 0 else 1, num_steps)
        width = max((v if v >= 0 else ~v).bit_length() + 1 for v in (least, highest))
        proven.append(replace(integers, membrane_bits=width))
        wide.append(replace(integers, membrane_bits=40))
    runs = [
        IntegerNetwork(layers=tuple(layers), classes=network.classes, input_bits=network.input_bits).forward(
            inputs, num_steps, keep="membranes"
        )
        for layers in (proven, wide)
    ]
    for a, b, integers in zip(runs[0].mem, runs[1].mem, proven):
        assert np.array_equal(a, b)
        assert a.min() >= integers.low and a.max() <= integers.high


def test_bounds_are_reached():
    """One weight, beta 1/2: U climbs towards 2*w; the bound is no wider than needed."""
    (layer,) = parse("1", (1,))
    integers = IntegerLayer(
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
    run = IntegerNetwork(layers=(integers,), classes=1, input_bits=0).forward(
        np.ones((20, 1, 1), np.uint8), 20, keep="membranes"
    )
    assert bounds(integers, 1, 20) == (0, 127) and run.mem[0].max() == 127


BYTES = np.uint8([0, 255])  # of images of whole numbers, quantize reads only the type


def integer_layer(topology, inputs, w, **changes):
    """A layer without bias or guard bits: threshold 3, leak 1/2 rounded down, reset "subtract", membranes of 5 bits."""
    (shape,) = parse(topology, (inputs,))
    values = {
        "layer": shape,
        "w": np.array(w, np.int16),
        "b": np.zeros(shape.w_shape[-1], np.int64),
        "threshold": 3,
        "beta": 1,
        "frac": 1,
        "guard": 0,
        "weight_bits": 3,
        "membrane_bits": 5,
        "reset": "subtract",
        "rounding": "floor",
        "scale": 1.0,
    }
    return IntegerLayer(**values | changes)


def test_range_of_a_membrane():
    layer = integer_layer("1", 2, [[3], [-1]])
    assert (layer.low, layer.high, layer.dtype) == (-16, 15, np.int32)
    assert integer_layer("1", 2, [[3], [-1]], membrane_bits=31).dtype == np.int64


def test_events_of_a_silent_image():
    """Two images of 3 steps; the second has no input, so nothing costs anything."""
    layer = integer_layer("2", 2, [[3, 2], [-1, 1]])
    inputs = np.zeros((3, 2, 2), np.uint8)
    inputs[:, 0] = [[1, 0], [1, 0], [1, 1]]
    run = IntegerNetwork(layers=(layer,), classes=2, input_bits=0).forward(inputs, num_steps=3)
    assert run.inputs[:, 0].tolist() == [[1, 1, 2], [0, 0, 0]]
    assert run.additions[:, 0].tolist() == [[2, 2, 4], [0, 0, 0]]
    assert run.spike_counts[:, 0].tolist() == [[0, 1, 1], [0, 0, 0]]


def test_a_constant_current_saturates_once():
    """3*3 - 1*1 + 1 = 9, in membranes of 4 bits 7."""
    layer = integer_layer("1", 2, [[3], [-1]], b=np.ones(1, np.int64), membrane_bits=4)
    cur, inputs, additions = current(layer, np.array([3, 1], np.uint8))
    assert (cur.tolist(), inputs, additions) == ([7], 2, 2)


def test_bounds_by_hand():
    """A neuron adds -1 to 3 and keeps half: upwards 3, 3 + 1, 3 + 2, 3 + 2; downwards -1, -1 - 1, -1 - 1."""
    assert bounds(integer_layer("1", 2, [[3], [-1]], threshold=9, membrane_bits=8), 1, num_steps=4) == (-2, 5)


def test_signed_bits():
    assert [signed_bits(value) for value in (127, 128, -128, -129, 0)] == [8, 9, 8, 9, 1]


def test_a_file_with_a_weight_that_is_too_large_is_refused():
    network = IntegerNetwork(layers=(integer_layer("1", 2, [[3], [-1]]),), classes=1, input_bits=0)
    about, arrays = parts(network)
    inputs = np.array([[1, 0], [1, 0], [1, 1]], np.uint8)[:, None]
    assert joined(about, arrays, 0).forward(inputs, 3).spike_counts.tolist() == [[[0, 1, 0]]]  # U is 3, 4, 1
    arrays["1.w"] = arrays["1.w"] + np.int16(1)
    with pytest.raises(ValueError, match="layer 1: weights must fit 3 bits, 2 to 16, symmetric"):
        joined(about, arrays, 0)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"beta": 3}, r"layer 2: beta 3 / 2\*\*1 must be 0 to 1, guard 0 to 16"),
        ({"threshold": 0}, "a membrane of 5 bits must be 2 to 40 wide, threshold above 0"),
        ({"reset": "never"}, "unknown reset 'never'"),
        ({"frac": 1.5}, "must be whole numbers"),
    ],
)
def test_layers_that_the_hardware_cannot_implement_are_refused(change, words):
    check(integer_layer("1", 2, [[3], [-1]]))
    with pytest.raises(ValueError, match=words):
        check(integer_layer("1", 2, [[3], [-1]], **change), index=1)


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
        ("6C3MP2-5C3MP2-8", (9, 10, 3), {"padding": 1, "beta": 0.3}),
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
    for layer, spk, mem, integers in zip(run.layers, ours.spk, ours.mem, integer.network.layers):
        unit = integers.scale / 2**16
        assert np.abs(mem * unit - layer.mem).max() <= 2 * 6 * unit + 1e-9  # a unit of the leak each step, at most
        assert np.array_equal(spk, layer.spk)
    assert 0 < ours.spike_counts[:, 0].sum() < 12 * 6 * integer.network.layers[0].layer.neurons
    assert not any(loss.saturates for loss in losses.layers)


def test_losses_are_the_errors_of_the_integers():
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


def test_weights_that_are_integers_lose_nothing():
    """3, -1 and 2 are integers of 3 bits. With 2 bits there are only -1, 0, 1 times a scale."""
    net = ms.Network("1", (3,), beta=0.75, backend="numpy", rng=np.random.default_rng(0))
    net.params[0][...] = [[3.0], [-1.0], [2.0]]
    model = Model(net, Encoder("rate", 4, max_value=1.0))
    results = {bits: quantize(model, bits, guard=0) for bits in (3, 2)}
    layers = {bits: integer.network.layers[0] for bits, (integer, _) in results.items()}
    losses = {bits: losses.layers[0] for bits, (_, losses) in results.items()}
    assert layers[3].w.ravel().tolist() == [3, -1, 2] and layers[3].scale == 1
    assert losses[3].worst_weight == 0 and (losses[3].least, losses[3].most) == (-4, 13)
    assert layers[2].w.ravel().tolist() == [1, 0, 1] and losses[2].worst_weight == pytest.approx(1.0, abs=0.005)
    assert (losses[2].least, losses[2].most) == (0, 2)


def test_dequantised_weights_by_hand():
    """With 4 bits the largest weight, 0.71, is 7 times the scale, so -0.32 becomes -3/7 of it."""
    net = ms.Network("1", (2,), beta=0.5, dtype="float64", backend="numpy", rng=np.random.default_rng(0))
    net.params[0][...] = [[0.71], [-0.32]]
    integer, _ = quantize(Model(net, Encoder("latency", 4, max_value=1.0)), 4)
    np.testing.assert_allclose(dequantised(integer).network.params[0].ravel(), [0.71, -3 / 7 * 0.71], rtol=1e-12)


def test_scale_and_rounding_by_hand():
    assert scale(np.array([-3.0, 1.0, 2.0]), 3) == 1
    assert scale(np.array([-1.0] * 9 + [2.0]), 2) == pytest.approx(1.1)  # one is clipped, so that nine are nearly right
    assert rounded(np.array([-9.0, -0.5, 0.6, 1.5]), 1.0, 3).tolist() == [-3, 0, 1, 2]  # 3 bits: -3 to 3, never -4


def test_a_normalised_pixel_is_factor_times_pixel_plus_offset():
    factor, offset = input_factors(Encoder("direct", 10, 255.0, (128.0,), (64.0,)), (784, 10))
    assert factor.item() * 192 + offset.item() == (192 - 128) / 64


def test_widths_of_all_layers_or_of_each():
    assert widths(8, 3) == [8, 8, 8] and widths((8, 4, 8), 3) == [8, 4, 8]
    with pytest.raises(InputError, match="weight_bits has 2 values for 3 layers: give one for all, or one for each"):
        widths((8, 4), 3)
    for value in (4.5, True, 17):
        with pytest.raises(InputError, match=f"guard must be a whole number from 0 to 16, got {value}"):
            whole("guard", value, 0, 16)


def test_images_run_in_batches():
    """Pixels up to 16 have 5 bits, and are the same at each step."""
    data = ms.load_data("digits")
    net = ms.Network("12-10", data.input_shape, backend="numpy", rng=np.random.default_rng(0))
    integer, _ = quantize(Model(net, Encoder("direct", 4, 16.0), dataset="digits"), 6, images=data.x_train)
    x, y = data.x_test[:100], data.y_test[:100]
    assert integer.encode(x[:2]).shape == (1, 2, 8, 8, 1) and integer.network.input_bits == 5
    assert [inputs.shape[1] for inputs in integer.inputs(x, batch_size=64)] == [64, 36]
    spikes = sum(int(run.spike_counts[:, 0].sum()) for _, run in integer.run(x, batch_size=64))
    assert 0 < spikes and spikes / (12 * 4 * 100) == integer.evaluate(x, y).firing_rates[0]


def test_scale_is_of_least_error():
    w = np.random.default_rng(0).normal(0, 1, 2000)
    for bits in (2, 3, 4, 8):
        most = 2 ** (bits - 1) - 1

        def error(s):
            return np.square(w - s * np.clip(np.rint(w / s), -most, most)).sum()

        best = min(error(s) for s in np.linspace(0.2, 1, 801) * np.abs(w).max() / most)
        assert error(scale(w, bits)) <= 1.02 * best


def test_loss_of_float_pixels_between_integers():
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
    with pytest.raises(InputError, match="holds integers; this command needs floats"):
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
def test_wrong_widths_are_refused(change, words):
    with pytest.raises(InputError, match=words):
        quantize(random_model("4C3-MP2-6", (8, 8, 3)), images=BYTES, **change)
