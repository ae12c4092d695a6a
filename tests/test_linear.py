"""Row `linear`: the reference by hand, the kernel equal to the reference."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minisnn import linear
from minisnn.kernels import linear as kernel

from .helpers import channels, densities, dtypes, dyadic, few, near, same, spikes


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
