# %% [markdown]
# # Solutions to lesson 6

# %%
import numpy as np

from minisnn import conv2d, linear

rng = np.random.default_rng(0)
spk = (rng.random((8, 8, 4)) < 0.15).astype(float)
w = rng.normal(size=(3, 3, 4, 16))
b = rng.normal(size=16)
cur = conv2d.forward(spk[None, None], w, b, padding=1)[0, 0]

# %% [markdown]
# ## 1
# Column x + 1 of the new currents is column x of the old ones. But column 7 lacks the spikes that have left the frame,
# and column 0 has no old column to be compared with.


# %%
def shift(spk):
    shifted = np.roll(spk, 1, axis=1)
    shifted[:, 0] = 0
    return shifted


shifted = shift(spk)
cur_shifted = conv2d.forward(shifted[None, None], w, b, padding=1)[0, 0]
np.testing.assert_allclose(cur_shifted[:, 1:7], cur[:, :6])
assert not np.allclose(cur_shifted[:, 7], cur[:, 6])

# %% [markdown]
# ## 2
# The neuron at (y, x) of channel m has read `x[y + ky - 1, x + kx - 1, c]` with the weight `w[ky, kx, c, m]`. So that
# is where its gradient goes, times that weight.


# %%
def gradient_of_inputs(dcur, w):
    height, width, _ = dcur.shape
    dx = np.zeros((height + 2, width + 2, w.shape[2]))  # with a frame of padding
    for ky in range(3):
        for kx in range(3):
            dx[ky : ky + height, kx : kx + width] += dcur @ w[ky, kx].T
    return dx[1:-1, 1:-1]


y, x, m = 4, 5, 7
dcur = np.zeros_like(cur)
dcur[y, x, m] = 1.0
dx, dw, db = conv2d.backward(dcur[None, None], spk[None, None], w, padding=1)

expected = np.zeros_like(spk)
expected[y - 1 : y + 2, x - 1 : x + 2] = w[:, :, :, m]
np.testing.assert_allclose(dx[0, 0], expected)
np.testing.assert_allclose(dx[0, 0], gradient_of_inputs(dcur, w))

# The gradient of the weights is the window that the neuron has read.
np.testing.assert_allclose(dw[..., m], spk[y - 1 : y + 2, x - 1 : x + 2])
assert db[m] == 1
assert db.sum() == 1

# %% [markdown]
# ## 3
# A kernel of 8x8 fits into a frame of 8x8 at one place only.

# %%
dense = rng.normal(size=(256, 10))
as_kernel = conv2d.forward(spk[None, None], dense.reshape(8, 8, 4, 10), np.zeros(10))
as_dense = linear.forward(spk.reshape(1, 1, 256), dense, np.zeros(10))
np.testing.assert_allclose(as_kernel.ravel(), as_dense.ravel())

# %% [markdown]
# The other way round, every convolution is a dense layer. Row i of its matrix holds the currents that input i causes on
# its own.


# %%
def as_matrix(w, size):
    _, _, in_channels, out_channels = w.shape
    inputs = size * size * in_channels
    single_inputs = np.eye(inputs).reshape(1, inputs, size, size, in_channels)
    return conv2d.forward(single_inputs, w, np.zeros(out_channels), padding=1).reshape(inputs, -1)


matrix = as_matrix(w, 8)
by_matrix = linear.forward(spk.reshape(1, 1, 256), matrix, np.tile(b, 64))
np.testing.assert_allclose(by_matrix.ravel(), cur.ravel())

# %% [markdown]
# Along one axis, 8·3 - 2 = 22 of the 64 pairs of places are neighbours, so 22² / 64² = 11.8 % of the matrix are not 0.
# These entries are only 576 different numbers, the weights of the kernels.

# %%
share = (matrix != 0).mean()
different = len(np.unique(matrix)) - 1  # without the 0
print(f"{share:.1%} of the matrix are not 0; {different} different numbers")
assert np.isclose(share, (22 / 64) ** 2)
assert different == w.size
