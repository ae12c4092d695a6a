"""Row `linear`: the reference by hand, kernel = reference, integers near it, gates = integers = VHDL."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minisnn import linear
from minisnn.fixed import linear as fixed
from minisnn.fixed.rounding import rounded, scale
from minisnn.kernels import linear as kernel
from minisnn_hw import linear as gates
from minisnn_hw.ports import Scan, Walk

from .helpers import channels, densities, dtypes, dyadic, few, near, same, spikes
from .hw.ports import address, below, plain, word
from .hw.walkers import check_walker, sums, walker_ports


def test_by_hand():
    spk = np.array([[[1.0, 0.0, 1.0]]])
    w = np.array([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]])
    np.testing.assert_array_equal(linear.forward(spk, w, np.array([0.5, -0.5])), [[[101.5, 201.5]]])
    dspk, dw, db = linear.backward(np.array([[[1.0, 2.0]]]), spk, w)
    np.testing.assert_array_equal(dspk, [[[5.0, 50.0, 500.0]]])
    np.testing.assert_array_equal(dw, [[1.0, 2.0], [0.0, 0.0], [1.0, 2.0]])
    np.testing.assert_array_equal(db, [1.0, 2.0])


@few
@given(st.integers(1, 3), st.integers(1, 5), channels, channels, densities, dtypes, st.integers(0, 99))
def test_kernel_equals_reference_on_spikes(steps, batch, inputs, outputs, density, dtype, seed):
    rng = np.random.default_rng(seed)
    spk = spikes(rng, (steps, batch, inputs), density)
    w, b = dyadic(rng, (inputs, outputs), dtype), dyadic(rng, outputs, dtype)
    same(kernel.forward(spk, w, b), linear.forward(spk.astype(dtype), w, b))
    dcur = dyadic(rng, (steps, batch, outputs), dtype)
    for ours, theirs in zip(kernel.backward(dcur, spk, w), linear.backward(dcur, spk.astype(dtype), w)):
        same(ours, theirs)


@few
@given(st.integers(1, 5), channels, channels, dtypes, st.integers(0, 99))
def test_kernel_is_near_reference_on_numbers(batch, inputs, outputs, dtype, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((1, batch, inputs)).astype(dtype)
    w, b = rng.standard_normal((inputs, outputs)).astype(dtype), rng.standard_normal(outputs).astype(dtype)
    near(kernel.forward(x, w, b), linear.forward(x, w, b))
    dcur = rng.standard_normal((1, batch, outputs)).astype(dtype)
    ours, theirs = kernel.backward(dcur, x, w, False), linear.backward(dcur, x, w, False)
    assert ours[0] is None and theirs[0] is None
    near(ours[1], theirs[1])
    near(ours[2], theirs[2])


@few
@given(channels, st.integers(1, 5), st.integers(2, 8), st.integers(0, 99))
def test_integers_are_near_the_reference(inputs, outputs, bits, seed):
    """Without saturation the error is at most that of the rounded weights, once for each spike."""
    rng = np.random.default_rng(seed)
    x, w = (rng.random(inputs) < 0.5).astype(np.uint8), rng.standard_normal((inputs, outputs))
    unit = scale(w, bits)
    integers = rounded(w, unit, bits)
    mem = np.zeros(outputs, np.int64)
    fixed.add(x, integers.astype(np.int16), 4, -(1 << 30), 1 << 30, mem)
    cur = linear.forward(x[None, None].astype(float), w, np.zeros(outputs))[0, 0]
    assert (np.abs(cur - unit * mem / 16) <= x.sum() * np.abs(w - unit * integers).max() + 1e-9).all()


@pytest.mark.parametrize("count, groups", [(7, 1), (5, 3), (1, 1), (9, 4)])
def test_gates_add_what_the_integers_add(count, groups):
    """All inputs of a frame, in order and at random, in MyHDL and VHDL."""

    make = plain(partial(gates.linear, groups=groups), scan=Scan, walk=Walk)

    def ports():
        scanned = {"y": word(1), "x": word(1), "channel": below(count), "index": below(2)}
        addresses = {"weight_address": address(count * groups), "banks": word(1), "addresses": address(groups)}
        return walker_ports(scanned, addresses)

    rng = np.random.default_rng(count)
    numbers = [*range(count), *rng.integers(count, size=20).tolist()]
    pairs = [(i * groups + g, g) for i in numbers for g in range(groups)]
    check_walker(
        make,
        ports,
        1,
        [{"channel": i} for i in numbers],
        [groups] * len(numbers),
        [(weight, {0: neuron}, ()) for weight, neuron in pairs],
        lambda: {"channel": rng.integers(count), "index": rng.integers(2)},
        rng,
        groups,
    )
    # The additions of the whole frame, in order, make the membranes of the integers.
    weights = rng.integers(-8, 8, (count, groups)).astype(np.int16)
    mem = np.zeros(groups, np.int32)
    fixed.add(np.ones(count, np.uint8), weights, 1, -16, 15, mem)
    assert sums(pairs[: count * groups], weights.reshape(-1), groups, 1, 5) == mem.tolist()
