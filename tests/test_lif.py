"""Row `lif`: numbers by hand, kernels = reference, integers near it, gates = integers = VHDL."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minisnn import lif, maxpool
from minisnn.fixed import lif as fixed
from minisnn.kernels import fire
from minisnn.kernels import lif as kernel
from minisnn.kernels import surrogate as kernel_surrogate
from minisnn.surrogate import FAMILIES, Surrogate, from_half_width
from minisnn_hw import lif as gates

from .helpers import channels, dtypes, dyadic, few, near, same
from .hw.neuron import fired
from .hw.ports import bit, in_ghdl, pack, run, saturated, signed, word

resets = st.sampled_from(lif.RESETS)
surrogates = st.sampled_from(
    [
        *(from_half_width(name, 0.35) for name in FAMILIES),
        Surrogate("triangular", 0.75, 0.5),
        Surrogate("atan", 2.0).tabulate(4.0, 129)[0],
    ]
)
inexact = ("sigmoid",)  # families with an exponential: Numba's comes from another library than NumPy's


@pytest.mark.parametrize(
    "reset, expected",
    [
        ("subtract", [1.5, 1.75, 0.875, 1.4375]),  # 0.5*1.5 - 1 + 2 = 1.75, ...
        ("subtract_then_leak", [1.5, 2.25, 2.625, 2.8125]),  # 0.5*(1.5 - 1) + 2 = 2.25, ...
        ("zero", [1.5, 2.0, 2.0, 2.0]),
        ("none", [1.5, 2.75, 3.375, 3.6875]),
    ],
)
def test_by_hand(reset, expected):
    cur = np.array([1.5, 2.0, 2.0, 2.0])
    if reset == "subtract":
        cur = np.array([1.5, 2.0, 1.0, 1.0])
    spk, mem = lif.forward(cur[:, None], 4, beta=0.5, threshold=1.0, reset=reset)
    np.testing.assert_array_equal(mem[:, 0], expected)
    fired = np.zeros(4) if reset == "none" else np.array(expected) > 1.0
    np.testing.assert_array_equal(spk[:, 0], fired)


@pytest.mark.parametrize("forward", [lif.forward, kernel.forward])
def test_exactly_at_the_threshold_does_not_fire(forward):
    cur = np.array([[1.0, np.nextafter(np.float32(1), np.float32(2)), 0.5]], np.float32)
    spk, mem = forward(cur, 2, 0.5, 1.0)
    assert (mem[0] == 1.0).any()  # the stimulus reaches the edge
    np.testing.assert_array_equal(spk[0], [0, 1, 0])
    assert mem[1, 2] == 0.75


def test_surrogate_at_the_threshold_and_detached_reset_by_hand():
    """U = 1.5, 0.75; sg = 1/(1+0.5)^2 = 4/9, 1/(1+0.25)^2 = 16/25; dU/dU = beta - theta*sg = 1/2 - 4/9."""
    spk, mem = lif.forward(np.array([[1.5], [1.0]]), 2, 0.5, 1.0)
    np.testing.assert_array_equal(mem.ravel(), [1.5, 0.75])
    sg = Surrogate("fast_sigmoid", 1.0)
    ones = np.ones((2, 1))
    detached = lif.backward(ones, None, spk, mem, sg, 0.5, 1.0)
    np.testing.assert_allclose(detached.ravel(), [4 / 9 + 0.5 * 16 / 25, 16 / 25])
    attached = lif.backward(ones, 2 * ones, spk, mem, sg, 0.5, 1.0, detach_reset=False)
    np.testing.assert_allclose(attached.ravel(), [4 / 9 + 2 + (0.5 - 4 / 9) * (16 / 25 + 2), 16 / 25 + 2])


def currents(rng, shape, dtype):
    """Dyadic currents; some membranes come to lie exactly on the threshold, some neurons never or always fire."""
    cur = dyadic(rng, shape, dtype, 512)
    cur[0].reshape(-1)[0] = 1.0
    return cur


@few
@given(
    st.integers(1, 6),
    st.booleans(),
    channels,
    resets,
    dtypes,
    surrogates,
    st.booleans(),
    st.booleans(),
    st.integers(0, 99),
)
def test_kernel_equals_reference(steps, constant, neurons, reset, dtype, surrogate, detach, with_dmem, seed):
    rng = np.random.default_rng(seed)
    cur = currents(rng, (1 if constant else steps, 3, neurons), dtype)
    spk, mem = lif.forward(cur, steps, 0.5, 1.0, reset)
    assert (mem == 1.0).any()
    ours = kernel.forward(cur, steps, 0.5, 1.0, reset)
    same(ours[0].astype(dtype), spk)
    same(ours[1], mem)
    dspk, dmem = (rng.standard_normal(mem.shape).astype(dtype) for _ in range(2))
    arguments = (surrogate, 0.5, 1.0, reset, detach, constant)
    expected = lif.backward(dspk, dmem if with_dmem else None, spk, mem, *arguments)
    actual = kernel.backward(dspk, dmem if with_dmem else None, ours[0], ours[1], *arguments)
    (near if surrogate.name in inexact else same)(actual, expected)


def firing_passes(smallest_pool):
    """Run a test with firing passes of any steps, constant or not, pool, neurons, reset, dtype and surrogate."""
    pools, fires = st.integers(smallest_pool, 3), resets.filter(lambda r: r != "none")
    kinds = (dtypes, surrogates, st.booleans(), st.integers(0, 99))
    return lambda test: few(given(st.integers(1, 5), st.booleans(), pools, channels, fires, *kinds)(test))


@firing_passes(smallest_pool=1)
def test_firing_pass_equals_lif_and_maxpool(steps, constant, pool, neurons, reset, dtype, surrogate, detach, seed):
    rng = np.random.default_rng(seed)
    cur = currents(rng, (1 if constant else steps, 2, 2 * pool, pool, neurons), dtype)
    spk, mem = lif.forward(cur, steps, 0.5, 1.0, reset)
    pooled = maxpool.forward(spk, pool)
    neuron = kernel.constants(0.5, 1.0, reset, detach, np.dtype(dtype))
    out, fired = fire.forward(cur, steps, neuron, pool)
    same(out.astype(dtype), pooled)
    assert fired == spk.sum()
    dout, share = rng.standard_normal(pooled.shape).astype(dtype), dtype(0.125)
    dspk = maxpool.backward(dout, spk, pool) + share
    expected = lif.backward(dspk, None, spk, mem, surrogate, 0.5, 1.0, reset, detach, constant)
    numbers = kernel_surrogate.as_numbers(surrogate, np.dtype(dtype))
    actual = fire.backward(dout, share, cur, out, neuron, pool, numbers)
    (near if surrogate.name in inexact else same)(actual, expected)


@firing_passes(smallest_pool=2)
def test_firing_pass_of_pooled_currents(steps, constant, pool, neurons, reset, dtype, surrogate, detach, seed):
    rng = np.random.default_rng(seed)
    cur = currents(rng, (1 if constant else steps, 2, 2 * pool, pool, neurons), dtype)
    cur[:, 0, 0, :2] = 1.0  # two of a window are equal: the first gets the gradient
    pooled = maxpool.forward(cur, pool)
    spk, mem = lif.forward(pooled, steps, 0.5, 1.0, reset)
    neuron = kernel.constants(0.5, 1.0, reset, detach, np.dtype(dtype))
    out, fired = fire.forward(cur, steps, neuron, pool, True)
    same(out.astype(dtype), spk)
    assert fired == spk.sum()
    dout, share = rng.standard_normal(spk.shape).astype(dtype), dtype(0.125)
    dpooled = lif.backward(dout + share, None, spk, mem, surrogate, 0.5, 1.0, reset, detach, constant)
    expected = maxpool.backward(dpooled, cur, pool)
    numbers = kernel_surrogate.as_numbers(surrogate, np.dtype(dtype))
    actual = fire.backward(dout, share, cur, out, neuron, pool, numbers, True)
    (near if surrogate.name in inexact else same)(actual, expected)


def test_windows_with_no_one_and_several_spikes_are_met():
    """The stimulus of the test above has all kinds of windows."""
    cur = currents(np.random.default_rng(0), (3, 2, 4, 2, 33), np.float32)
    spk, _ = lif.forward(cur, 3, 0.5, 1.0)
    count = spk.reshape(3, 2, 2, 2, 1, 2, 33).sum(axis=(3, 5))
    assert {0, 1, 2} <= set(count.astype(int).ravel().tolist())


def test_kernels_have_every_family():
    assert kernel_surrogate.FAMILIES == FAMILIES


def test_a_curve_of_ones_own_needs_a_table_for_the_kernels():
    own = Surrogate("mine", 1.0, functions=(np.tanh, lambda x: 1 / np.cosh(x) ** 2))
    with pytest.raises(ValueError, match="tabulate"):
        kernel_surrogate.as_numbers(own, np.dtype("f4"))


@few
@given(st.integers(1, 12), st.integers(0, 255), resets, st.integers(0, 99))
def test_integers_are_near_the_reference(steps, beta, reset, seed):
    """A leak of 1 rounds nothing: all is equal. Else each leak loses less than 1, so membranes below the threshold lose
    less than 1/(1 - beta) in all."""
    rng = np.random.default_rng(seed)
    exact = beta == 0 or seed % 3 == 0
    beta, threshold = (256 if exact else beta), (60 if exact else 10**6)
    cur = rng.integers(-20, 40, (steps, 5))
    spk, mem = lif.forward(cur.astype(float), steps, beta / 256, float(threshold), reset)
    state, spikes, u = np.zeros(5, np.int64), np.zeros(5, np.uint8), np.zeros(5, np.int64)
    for t in range(steps):
        fixed.fire(state, cur[t], threshold, beta, 8, lif.RESETS.index(reset), 0, -(10**7), 10**7, spikes, u)
        np.testing.assert_array_equal(spikes, spk[t])
        if exact:
            np.testing.assert_array_equal(u, mem[t])
        else:
            assert ((mem[t] - u >= -1e-9) & (mem[t] - u < 1 / (1 - beta / 256) + 1e-9)).all()


@pytest.mark.parametrize(
    "reset, towards_zero, beta, frac, bits, addend_bits",
    [
        ("subtract", False, 13, 4, 8, 5),
        ("subtract", True, 7, 3, 6, 9),
        ("subtract", False, 1, 1, 8, 5),
        ("subtract_then_leak", False, 3, 2, 8, 8),
        ("subtract_then_leak", True, 5, 3, 6, 3),
        ("zero", False, 7, 3, 10, 4),
        ("zero", True, 1, 1, 5, 5),
        ("none", False, 1, 0, 5, 2),
        ("none", True, 1, 1, 7, 7),
        ("subtract_then_leak", False, 0, 0, 5, 3),
    ],
)
def test_gates_equal_integers(reset, towards_zero, beta, frac, bits, addend_bits):
    """Every neuron in its cycles, a neuron a cycle or with gaps: at the threshold, beside it, at both ends."""

    def ports():
        return (
            {
                "fires": word(kept_in),
                "v": signed(bits),
                "addend": signed(addend_bits),
                "threshold": word(bits - 1),
                "clear": bit(),
            },
            {"spike": bit(), "membrane": word(bits), "kept": signed(bits)},
        )

    kept_in = 3 if beta & beta - 1 else 2  # a leak that is a shift needs no cycle for a product
    rng = np.random.default_rng(bits)
    threshold = int(rng.integers(1, 1 << bits - 2))
    low, high, most = -(1 << bits - 1), (1 << bits - 1) - 1, 1 << addend_bits - 1
    neurons = [(v, addend) for v in (low, high) for addend in (-most, most - 1)]  # the farthest sums
    for u in (threshold - 1, threshold, threshold + 1, 0, -1):
        neurons += [(saturated(u - addend, bits), addend) for addend in rng.integers(-most, most, 6).tolist()]
    neurons += [(int(rng.integers(low, high + 1)), int(rng.integers(-most, most))) for _ in range(200)]
    neurons = [neurons[i] for i in rng.permutation(len(neurons))]
    slots = []
    for v, addend in neurons:
        slots += [None] * int(rng.integers(4) * (rng.random() < 0.3)) + [(v, addend, rng.random() < 0.1)]
    slots += [None] * 5

    def bench():
        for c, now in enumerate(slots):
            v, addend, _ = now or (rng.integers(low, high + 1), rng.integers(-most, most), 0)
            *stages, keeps = [slots[c - back] if c >= back else None for back in range(kept_in + 1)]
            yield {
                "fires": pack([slot is not None for slot in stages], 1),
                "v": v,
                "addend": addend,
                "threshold": threshold,
                "clear": keeps[2] if keeps else rng.integers(2),
            }

    make = partial(gates.lif, beta=beta, frac=frac, reset=reset, towards_zero=towards_zero)
    given, seen = run(make, ports, bench())
    at_threshold, spikes, sums = 0, 0, set()
    for c, slot in enumerate(slots):
        if slot:
            v, addend, clear = slot
            u, spike, rest = fired(v, addend, threshold, bits, beta, frac, reset, towards_zero)
            assert (seen[c + 2]["spike"], seen[c + 2]["membrane"]) == (spike, u % (1 << bits))
            assert seen[c + kept_in]["kept"] == (0 if clear else saturated(rest, bits))
            numbers = (threshold, beta, frac, lif.RESETS.index(reset), int(towards_zero), low, high)
            integers = (np.array([v]), np.zeros(1, np.uint8), np.zeros(1, np.int64))
            fixed.fire(integers[0], np.array([addend]), *numbers, *integers[1:])
            assert [int(array[0]) for array in integers] == [saturated(rest, bits), spike, u]
            at_threshold, spikes = at_threshold + (u == threshold), spikes + spike
            sums.add(saturated(v + addend, bits) - v - addend)
    assert at_threshold and min(sums) < 0 < max(sums) and 0 in sums and (spikes > 0) == (reset != "none")
    in_ghdl(make, ports, given, seen)
