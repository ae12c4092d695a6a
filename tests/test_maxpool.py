"""Row `maxpool`: the first maximum by hand, the kernel equal to the reference."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minisnn import maxpool
from minisnn.kernels import maxpool as kernel

from .helpers import channels, densities, dyadic, few, same, spikes


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
