"""Row `maxpool`: the first maximum by hand, kernel = reference = integers = gates = VHDL."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from myhdl import block

from minisnn import maxpool
from minisnn.fixed import maxpool as fixed
from minisnn.kernels import maxpool as kernel
from minisnn_hw import maxpool as gates

from .helpers import channels, densities, dyadic, few, same, spikes
from .hw.ports import bit, in_ghdl, pack, run, word


def test_gradient_goes_to_the_first_maximum():
    frame = np.array(
        [[0, 1, 0, 0, 1], [1, 1, 0, 0, 1], [1, 1, 1, 1, 1]], float
    )  # the last row and column are in no window
    spk = frame.reshape(1, 1, 3, 5, 1)
    np.testing.assert_array_equal(maxpool.forward(spk, 2).ravel(), [1, 0])
    dspk = maxpool.backward(np.array([5.0, 7.0]).reshape(1, 1, 1, 2, 1), spk, 2)
    np.testing.assert_array_equal(dspk[0, 0, :, :, 0], [[0, 5, 7, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]])


@few
@given(
    st.integers(1, 3), st.integers(1, 2), st.integers(2, 4), st.integers(0, 3), channels, densities, st.integers(0, 99)
)
def test_kernel_equals_reference(steps, batch, k, more, inputs, density, seed):
    rng = np.random.default_rng(seed)
    spk = spikes(rng, (steps, batch, 2 * k + more, k + more, inputs), density)
    dense = spk.astype(np.float32)
    pooled = maxpool.forward(dense, k)
    same(kernel.forward(spk, k).astype(np.float32), pooled)
    dpooled = dyadic(rng, pooled.shape)
    same(kernel.backward(dpooled, spk, k), maxpool.backward(dpooled, dense, k))


def test_the_first_of_equal_currents_gets_the_gradient():
    frame = np.array([[-3.0, -1.0], [-1.0, -2.0]], np.float32)
    cur = frame.reshape(1, 1, 2, 2, 1)
    for pool in (maxpool, kernel):
        assert pool.forward(cur, 2).item() == -1.0
        dcur = pool.backward(np.full((1, 1, 1, 1, 1), 5.0, np.float32), cur, 2)
        np.testing.assert_array_equal(dcur[0, 0, :, :, 0], [[0, 5], [0, 0]])


@few
@given(st.integers(1, 4), st.integers(0, 3), channels, densities, st.integers(0, 99))
def test_integers_equal_reference(k, more, maps, density, seed):
    spk = spikes(np.random.default_rng(seed), (1, 1, 2 * k + more, k + more, maps), density)
    pooled = maxpool.forward(spk.astype(float), k)[0, 0]
    out = np.empty(pooled.shape, np.uint8)
    fixed.pool(spk[0, 0], k, out)
    np.testing.assert_array_equal(out, pooled)


@pytest.mark.parametrize("k, lanes", [(1, 3), (2, 5), (3, 1)])
def test_gates_equal_integers(k, lanes):
    """Frames word by word in the order of the firing pass: each window's OR is the integers' pooled word."""
    rng = np.random.default_rng(k)
    spk = (rng.random((4 * k, 3 * k, lanes)) < 0.1).astype(np.uint8)
    out = np.empty((4, 3, lanes), np.uint8)
    fixed.pool(spk, k, out)
    assert 0 < out.mean() < 1

    def ports():
        return (
            {"valid": bit(), "first": bit(), "last": bit(), "spikes": word(lanes)},
            {"word_valid": bit(), "word": word(lanes)},
        )

    def bench():
        for row, column, y, x in np.ndindex(4, 3, k, k):
            place = (y, x)
            spikes_of_word = pack(spk[row * k + y, column * k + x], 1)
            yield {"valid": 1, "first": place == (0, 0), "last": place == (k - 1, k - 1), "spikes": spikes_of_word}
        yield {"valid": 0}

    given, seen = run(gates.maxpool, ports, bench())
    words = [outputs["word"] for outputs in seen if outputs["word_valid"]]
    assert words == [pack(pooled, 1) for pooled in out.reshape(-1, lanes)]
    in_ghdl(gates.maxpool, ports, given, seen)


@pytest.mark.parametrize("positions, lanes", [(4, 3), (9, 1), (4, 1)])
def test_gates_join_positions(positions, lanes):
    """The OR of a window whose positions all come at once, in the next cycle."""

    def ports():
        inputs = {"valid": bit(), "first": bit(), "last": bit(), "spikes": word(positions * lanes)}
        return inputs, {"word_valid": bit(), "joined": word(lanes)}

    @block
    def make(clk, valid, first, last, spikes, word_valid, joined):
        now = word(lanes)
        return gates.join_positions(spikes, now), gates.maxpool(clk, valid, first, last, now, word_valid, joined)

    rng = np.random.default_rng(lanes)
    windows = (rng.random((40, positions, lanes)) < 0.2).astype(int)

    def bench():
        for window in windows:
            yield {"valid": 1, "first": 1, "last": 1, "spikes": pack(window.reshape(-1), 1)}
        yield {"valid": 0}

    given, seen = run(make, ports, bench())
    assert [out["joined"] for out in seen[1:]] == [pack(pooled, 1) for pooled in windows.max(axis=1)]
    assert 0 < windows.max(axis=1).mean() < 1 and [out["word_valid"] for out in seen] == [0] + [1] * 40
    in_ghdl(make, ports, given, seen)


@pytest.mark.parametrize("lanes, density", [(1, 0.3), (5, 0.1), (3, 0.0), (3, 1.0)])
def test_gates_pool_whatever_the_window(lanes, density):
    """The OR of each window in the cycle after its last word, whatever the windows' sizes and gaps."""

    def ports():
        return (
            {"valid": bit(), "first": bit(), "last": bit(), "spikes": word(lanes)},
            {"word_valid": bit(), "word": word(lanes)},
        )

    rng = np.random.default_rng(lanes)
    words = []
    for size in [1, 1, 4, 4, 9, *rng.integers(1, 6, 30).tolist()]:
        words += [
            (at == 0, at == size - 1, int(((rng.random(lanes) < density) << np.arange(lanes)).sum()))
            for at in range(size)
        ]

    def bench():
        joined, due = 0, None
        for first, last, spikes_of_word in words:
            for valid in [0] * rng.integers(0, 3) * (rng.random() < 0.4) + [1]:
                given = (
                    {"first": first, "last": last, "spikes": spikes_of_word}
                    if valid
                    else {"first": rng.integers(2), "last": rng.integers(2), "spikes": rng.integers(1 << lanes)}
                )
                seen = yield {"valid": valid, **given}
                assert (seen["word"] if seen["word_valid"] else None) == due
                due = None
                if valid:
                    joined = spikes_of_word if first else joined | spikes_of_word
                    due = joined if last else None

    given, seen = run(gates.maxpool, ports, bench())
    assert sum(out["word_valid"] for out in seen) >= 34
    in_ghdl(gates.maxpool, ports, given, seen)
