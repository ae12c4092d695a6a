"""Row `conv2d`: the reference against a direct sum, kernel = reference, integers near it, gates = integers = VHDL."""

import itertools
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minisnn import conv2d
from minisnn.fixed import conv2d as fixed
from minisnn.fixed.rounding import rounded, scale
from minisnn.kernels import conv2d as kernel
from minisnn.kernels import dense, products
from minisnn_hw import conv2d as gates
from minisnn_hw.ports import Scan, Walk

from .helpers import channels, densities, dtypes, dyadic, few, near, same, spikes
from .hw.ports import address, below, plain, word
from .hw.walkers import check_walker, places_of, scanned_places, sums, walker_ports


def naive(x, w, b, padding, pad_value):
    """The definition, written as loops over everything."""
    steps, batch, height, width, inputs = x.shape
    size = w.shape[0]
    h, v = height + 2 * padding - size + 1, width + 2 * padding - size + 1
    out = np.zeros((steps, batch, h, v, w.shape[3])) + b
    for y, xx, ky, kx, c in itertools.product(range(h), range(v), range(size), range(size), range(inputs)):
        row, column = y + ky - padding, xx + kx - padding
        inside = 0 <= row < height and 0 <= column < width
        value = x[:, :, row, column, c] if inside else np.full((steps, batch), np.broadcast_to(pad_value, inputs)[c])
        out[:, :, y, xx] += value[..., None] * w[ky, kx, c]
    return out


@pytest.mark.parametrize("padding, pad_value", [(0, 0.0), (1, 0.0), (2, [0.5, -1.0]), (4, 0.25)])
def test_reference_equals_definition(padding, pad_value):
    rng = np.random.default_rng(0)
    x, w, b = rng.standard_normal((2, 1, 5, 4, 2)), rng.standard_normal((3, 3, 2, 3)), rng.standard_normal(3)
    expected = naive(x, w, b, padding, pad_value)
    np.testing.assert_allclose(conv2d.forward(x, w, b, padding, pad_value), expected, atol=1e-12)
    np.testing.assert_allclose(conv2d.forward(x, w, b, padding, pad_value, (2, 1)), expected[:, :, :2, :1], atol=1e-12)


@pytest.mark.parametrize("padding, frame", [(0, (3, 2)), (1, (5, 4)), (0, (2, 2)), (2, (6, 5)), (4, (11, 9))])
def test_reference_backward_is_the_transpose(padding, frame):
    """<dcur, conv(x, w)> is linear in x and in w, so <dx, x> and <dw, w> must both equal it."""
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal((2, 2, 5, 4, 2)), rng.standard_normal((3, 3, 2, 3))
    cur = conv2d.forward(x, w, np.zeros(3), padding, 0.0, frame)
    dcur = rng.standard_normal(cur.shape)
    dx, dw, db = conv2d.backward(dcur, x, w, padding)
    total = (dcur * cur).sum()
    np.testing.assert_allclose([(dx * x).sum(), (dw * w).sum()], [total, total], rtol=1e-10)
    np.testing.assert_allclose(db, dcur.sum(axis=(0, 1, 2, 3)), rtol=1e-10)


@st.composite
def shapes(draw):
    """(T, B, H, W), kernel, padding, and how many rows and columns of outputs are left out."""
    size = draw(st.integers(1, 4))
    padding = draw(st.integers(0, size + 1))
    least = max(size - 2 * padding, 1)
    height, width = draw(st.integers(least, least + 4)), draw(st.integers(least, least + 4))
    frame = [n + 2 * padding - size + 1 for n in (height, width)]
    frame = tuple(max(n - draw(st.integers(0, 1)), 1) for n in frame)
    return (draw(st.integers(1, 2)), draw(st.integers(1, 3)), height, width), size, padding, frame


@few
@given(shapes(), channels, channels, densities, dtypes, st.integers(0, 99))
def test_kernel_equals_reference_on_spikes(shape, inputs, outputs, density, dtype, seed):
    (*outer, height, width), size, padding, frame = shape
    rng = np.random.default_rng(seed)
    spk = spikes(rng, (*outer, height, width, inputs), density)
    w, b = dyadic(rng, (size, size, inputs, outputs), dtype, 16), dyadic(rng, outputs, dtype)
    x = spk.astype(dtype)
    same(kernel.forward(spk, w, b, padding, 0.0, frame), conv2d.forward(x, w, b, padding, 0.0, frame))
    dcur = dyadic(rng, (*outer, *frame, outputs), dtype, 16)
    dcur *= rng.random(dcur.shape) < density  # after a pool most gradients are 0
    for ours, theirs in zip(kernel.backward(dcur, spk, w, padding), conv2d.backward(dcur, x, w, padding)):
        same(ours, theirs)


@few
@given(shapes(), st.sampled_from([1, 3, 33]), channels, dtypes, st.integers(0, 99))
def test_kernel_is_near_reference_on_numbers(shape, inputs, outputs, dtype, seed):
    (*outer, height, width), size, padding, frame = shape
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((*outer, height, width, inputs)).astype(dtype)
    w, b = rng.standard_normal((size, size, inputs, outputs)).astype(dtype), rng.standard_normal(outputs).astype(dtype)
    pad_value = rng.standard_normal(inputs)
    near(kernel.forward(x, w, b, padding, pad_value, frame), conv2d.forward(x, w, b, padding, pad_value, frame))
    dcur = rng.standard_normal((*outer, *frame, outputs)).astype(dtype)
    ours = kernel.backward(dcur, x, w, padding, pad_value)
    for mine, theirs in zip(ours, conv2d.backward(dcur, x, w, padding, pad_value)):
        near(mine, theirs)


def test_sparse_and_dense_ways_give_the_same_bits():
    """Spikes just below and just above one half, with weights whose sums do round."""
    rng = np.random.default_rng(2)
    w, b = rng.standard_normal((3, 3, 5, 7)).astype("f4"), rng.standard_normal(7).astype("f4")
    spk = spikes(rng, (2, 3, 6, 6, 5), 0.3)
    assert 2 * spk.sum() < spk.size
    same(kernel.forward(spk, w, b), kernel.forward(spk.astype("f4"), w, b))  # numbers always go the dense way


def test_two_vectors_of_columns_have_the_bits_of_one():
    """Which way a processor takes depends on its registers, so one of the two is not reached by other tests."""
    rng = np.random.default_rng(3)
    x, w = rng.standard_normal((5, 4, 6, 3)).astype("f4"), rng.standard_normal((3, 3, 3, 20)).astype("f4")
    packed = products.pack(w)
    bias, (both, single) = (
        rng.standard_normal(len(packed) * products.GROUP).astype("f4"),
        np.zeros((2, 5, 4, 6, 20), "f4"),
    )
    for column in range(0, 20, products.GROUP):
        dense._two_vectors(x, packed, bias, 1, 1, both, column)
    for column in range(0, 20, products.WIDTH):
        dense._one_vector(x, packed, bias, 1, 1, single, column)
    same(both, single)


def test_a_single_spike_reaches_its_taps():
    """From each corner of the frame: the kernel appears, turned, around it."""
    w = np.arange(1.0, 10.0).reshape(3, 3, 1, 1)
    for y, x in itertools.product((0, 3), (0, 3)):
        spk = np.zeros((1, 1, 4, 4, 1), np.uint8)
        spk[0, 0, y, x] = 1
        expected = np.zeros((6, 6))
        expected[y : y + 3, x : x + 3] = w[::-1, ::-1, 0, 0]
        np.testing.assert_array_equal(kernel.forward(spk, w, np.zeros(1), 1)[0, 0, :, :, 0], expected[1:5, 1:5])


@few
@given(st.integers(1, 3), st.integers(0, 2), st.integers(2, 6), st.integers(0, 99))
def test_integers_are_near_the_reference(kernel_size, padding, bits, seed):
    """Without saturation the error is at most that of the rounded weights, once for each weight that is added."""
    rng = np.random.default_rng(seed)
    x = (rng.random((5, 6, 2)) < 0.5).astype(np.uint8)
    w = rng.standard_normal((kernel_size, kernel_size, 2, 3))
    unit = scale(w, bits)
    integers = rounded(w, unit, bits)
    cur = conv2d.forward(x[None, None].astype(float), w, np.zeros(3), padding)[0, 0]
    mem = np.zeros(cur.shape, np.int64)
    fixed.add(x, integers.astype(np.int16), padding, 4, -(1 << 30), 1 << 30, mem)
    added = conv2d.forward(x[None, None].astype(float), np.ones_like(w), np.zeros(3), padding)[0, 0]
    bound = added * np.abs(w - unit * integers).max()
    assert (np.abs(cur - unit * mem / 16) <= bound + 1e-9).all()


@pytest.mark.parametrize(
    "taps, kernel, padding, channels, height, width, out, groups, misses",
    [
        (1, 3, 0, 2, 5, 6, (3, 4), 1, False),
        (1, 3, 1, 3, 4, 4, (4, 4), 2, False),
        (1, 2, 0, 1, 5, 5, (2, 4), 3, True),
        (1, 5, 2, 2, 4, 6, (4, 6), 1, False),
        (1, 1, 0, 4, 3, 3, (2, 2), 2, True),
        (1, 3, 3, 1, 2, 2, (6, 6), 1, False),
        (1, 1, 0, 1, 1, 1, (1, 1), 1, False),
        (3, 3, 0, 2, 5, 6, (3, 4), 1, False),
        (3, 3, 1, 3, 4, 4, (4, 4), 2, False),
        (2, 2, 0, 1, 5, 5, (2, 4), 3, True),
        (3, 3, 3, 1, 2, 2, (6, 6), 2, False),
        (9, 3, 0, 2, 5, 6, (3, 4), 1, False),
        (9, 3, 1, 3, 4, 4, (4, 4), 2, False),
        (4, 2, 0, 1, 5, 5, (2, 4), 3, True),
        (25, 5, 2, 2, 4, 6, (4, 6), 1, False),
        (9, 3, 3, 1, 2, 2, (6, 6), 2, False),
    ],
)
def test_gates_add_what_the_integers_add(taps, kernel, padding, channels, height, width, out, groups, misses):
    """Every input of a frame, in order and at random, in MyHDL and VHDL; in some shapes some inputs reach no neuron.

    Of the taps that are added at once each leads to a neuron in a bank of its own, and stands before it after the turn.
    """
    h, w = out
    across, down = kernel if taps > 1 else 1, kernel if taps > kernel else 1  # columns and rows of banks
    columns = -(-w // across)
    depth = -(-h // down) * columns * groups

    def ports():
        addresses = {"weight_address": address(channels * kernel**2 // taps * groups), "banks": word(taps)}
        addresses["addresses"] = word(taps * max((depth - 1).bit_length(), 1))
        addresses |= {"turn_x": address(kernel)} if across > 1 else {}
        addresses |= {"turn_y": address(kernel)} if down > 1 else {}
        scanned = {"y": below(height), "x": below(width), "channel": below(channels), "index": below(2)}
        return walker_ports(scanned, addresses)

    rng = np.random.default_rng(kernel)
    places = places_of(height, width, channels, rng)
    expected, costs, pairs = [], [], []  # pairs: one weight and one neuron each, in the order of the additions
    for y, x, c in places:
        turns = ((x + padding) % kernel,) * (across > 1) + ((y + padding) % kernel,) * (down > 1)
        words = {}  # for each word of weights: {bank: (address, weight, neuron)}
        for ky, kx in itertools.product(range(kernel), repeat=2):
            row, column = y + padding - ky, x + padding - kx
            if 0 <= row < h and 0 <= column < w:
                by, bx = row % down, column % across
                assert down == 1 or (y + padding - by) % kernel == ky
                assert across == 1 or (x + padding - bx) % kernel == kx
                weight = c if down > 1 else c * kernel + ky
                weight = weight if across > 1 else weight * kernel + kx
                at = (row // down * columns + column // across) * groups
                words.setdefault(weight, {})[by * across + bx] = at, (c * kernel + ky) * kernel + kx, row * w + column
        for weight, banks in words.items():
            for g in range(groups):
                expected.append((weight * groups + g, {bank: at + g for bank, (at, _, _) in banks.items()}, turns))
                pairs.append([(tap * groups + g, neuron * groups + g) for _, tap, neuron in banks.values()])
        costs.append(len(words) * groups)
    assert (0 in costs) == misses

    shape = {"taps": taps, "kernel": kernel, "padding": padding, "out_height": h, "out_width": w, "groups": groups}
    make = plain(partial(gates.conv2d, **shape), scan=Scan, walk=Walk)
    inputs = scanned_places(places)
    check_walker(
        make,
        ports,
        taps,
        inputs,
        costs,
        expected,
        lambda: {"y": rng.integers(height), "x": rng.integers(width), "channel": rng.integers(channels)},
        rng,
        groups,
    )
    # The additions of the whole frame, in order, make the membranes of the integers.
    weights = rng.integers(-8, 8, (kernel, kernel, channels, groups)).astype(np.int16)
    whole = [pair for together in pairs[: sum(costs[: height * width * channels])] for pair in together]
    mem = np.zeros((h, w, groups), np.int32)
    fixed.add(np.ones((height, width, channels), np.uint8), weights, padding, 1, -32, 31, mem)
    assert sums(whole, weights.transpose(2, 0, 1, 3).reshape(-1), mem.size, 1, 6) == mem.reshape(-1).tolist()
