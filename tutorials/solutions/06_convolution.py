# %% [markdown]
# # Solutions of lesson 6

# %%
import numpy as np

from minisnn import conv2d, linear

rng = np.random.default_rng(0)
spk = (rng.random((8, 8, 4)) < 0.15).astype(float)
w, b = rng.normal(size=(3, 3, 4, 16)), rng.normal(size=16)
cur = conv2d.forward(spk[None, None], w, b, padding=1)[0, 0]

# %% [markdown]
# ## 1
# Column x + 1 of the new currents is column x of the old ones. But column 7 misses the spikes that have left the frame,
# and column 0 has no old one to be compared with.

# %%
moved = np.roll(spk, 1, axis=1)
moved[:, 0] = 0
cur_moved = conv2d.forward(moved[None, None], w, b, padding=1)[0, 0]
np.testing.assert_allclose(cur_moved[:, 1:7], cur[:, :6])
assert not np.allclose(cur_moved[:, 7], cur[:, 6])

# %% [markdown]
# ## 2
# The neuron at (y, x) of channel m read `x[y + ky - 1, x + kx - 1, c]` with the weight `w[ky, kx, c, m]`, so that is
# where its gradient goes, times that weight.

# %%
y, x, m = 4, 5, 7
dcur = np.zeros_like(cur)
dcur[y, x, m] = 1.0
dx, dw, db = conv2d.backward(dcur[None, None], spk[None, None], w, padding=1)
wanted = np.zeros_like(spk)
wanted[y - 1 : y + 2, x - 1 : x + 2] = w[:, :, :, m]
np.testing.assert_allclose(dx[0, 0], wanted)
np.testing.assert_allclose(dw[..., m], spk[y - 1 : y + 2, x - 1 : x + 2])  # and the weights' is the window
assert db[m] == 1 and db.sum() == 1

# %% [markdown]
# ## 3
# A kernel of 8x8 has one place where it fits into 8x8. The other way round, every convolution is a dense layer: its
# matrix has the currents of one input alone in each row. Along one axis 8·3 - 2 = 22 of the 64 pairs of places are
# neighbours, so 22² / 64² = 11.8 % of the matrix are not 0 - and these are 576 different numbers only.

# %%
dense = rng.normal(size=(256, 10))
as_kernel = conv2d.forward(spk[None, None], dense.reshape(8, 8, 4, 10), np.zeros(10))
np.testing.assert_allclose(as_kernel.ravel(), linear.forward(spk.reshape(1, 1, 256), dense, np.zeros(10)).ravel())

each_alone = np.eye(256).reshape(1, 256, 8, 8, 4)
matrix = conv2d.forward(each_alone, w, np.zeros(16), padding=1).reshape(256, 1024)
np.testing.assert_allclose(linear.forward(spk.reshape(1, 1, 256), matrix, np.tile(b, 64)).ravel(), cur.ravel())
print(f"{(matrix != 0).mean():.1%} of the matrix are not 0, {len(np.unique(matrix)) - 1} different numbers")
assert np.isclose((matrix != 0).mean(), (22 / 64) ** 2) and len(np.unique(matrix)) - 1 == w.size
