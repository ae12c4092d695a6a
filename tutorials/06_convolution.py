# %% [markdown]
# # 6. Convolution and pooling of spikes
# In lesson 5 every neuron saw every pixel, with a weight of its own. Here each neuron sees a small window, and the
# neurons at all places share their weights. Seen from the other side, from a single spike, this is exactly what the
# hardware will do. You need lesson 5.

# %%
import matplotlib.pyplot as plt
import numpy as np
from common import save, source

from minisnn import Network, conv2d, evaluate, fit, load_data, maxpool

rng = np.random.default_rng(0)
data = load_data("digits")

# The test images, shifted by one pixel to the right (their borders are mostly empty).
shifted = np.roll(data.x_test, 1, axis=2)

# %% [markdown]
# ## Without convolution: what is learned at one place is unknown at the next
# We train the network of lesson 5, and test it on the images as they are and on the shifted images.


# %%
def trained(topology, padding=0):
    """Return a trained model, its accuracy on the test images and on the shifted ones, and its number of weights."""
    net = Network(topology, data.input_shape, padding=padding, backend="numpy", rng=np.random.default_rng(0))
    model = fit(net, data, epochs=8, num_steps=5, lr=0.004, seed=0)
    accuracy = evaluate(model, data.x_test, data.y_test).accuracy
    accuracy_shifted = evaluate(model, shifted, data.y_test).accuracy
    weights = sum(param.size for param in net.params)
    print(f"{topology:12} {weights:5} weights: accuracy {accuracy:.1%}, shifted by one pixel {accuracy_shifted:.1%}")
    return model, accuracy, accuracy_shifted, weights


_, dense_accuracy, dense_shifted, dense_weights = trained("64-10")
assert dense_shifted < dense_accuracy - 0.3

# %% [markdown]
# ## The cure: one window of weights for all places
# A *kernel* `w` of $k\times k$ weights slides over the frame. At each place it is multiplied with what lies below it,
# and the products are summed:
#
# $$\mathrm{cur}[y, x, m] = b_m + \sum_{k_y, k_x, c} \mathrm{spk}[y + k_y - p,\; x + k_x - p,\; c]\; w[k_y, k_x, c, m]$$
#
# $c$ counts the *channels* of the input (colours, or kinds of features) and $m$ the channels of the output; each output
# channel has a kernel of its own. *Padding* adds a border of $p$ pixels around the input, so that with $k=3$ and $p=1$
# the output is as large as the input.

# %%
spk = (rng.random((8, 8, 4)) < 0.15).astype(float)  # (H, W, C): 15 % of the inputs are spikes
w = rng.normal(size=(3, 3, 4, 16))
b = rng.normal(size=16)


def gather(spk, w, b):
    """Return the currents of shape (H, W, M), with a padding of one pixel."""
    padded = np.pad(spk, ((1, 1), (1, 1), (0, 0)))
    cur = np.empty((8, 8, 16))
    for y in range(8):
        for x in range(8):
            window = padded[y : y + 3, x : x + 3]
            cur[y, x] = b + np.einsum("yxc,yxcm->m", window, w)  # for each m, the sum over y, x and c
    return cur


# %% [markdown]
# The library copies all windows into the rows of one matrix, so that a single matrix product does it all. This is
# called *im2col*.

# %%
print(source(conv2d.forward))
cur = conv2d.forward(spk[None, None], w, b, padding=1)[0, 0]  # the library's arrays are (T, B, H, W, C)
np.testing.assert_allclose(gather(spk, w, b), cur)

# %% [markdown]
# ## The same, seen from a spike: scatter
# ![A spike's scatter](../docs/drawings/scatter.svg)
#
# Above, each neuron *gathers* from its window, silent pixels included: most products are $0\cdot w$. Now turn it round:
# walk through the spikes and *scatter* each of them, that is, add the kernel to all neurons whose windows contain the
# spike. A spike at $(y, x)$ lies at place $(k_y, k_x)$ in the window of the neuron at $(y - k_y + p,\; x - k_x + p)$.
#
# No multiplication is left, and silence costs nothing. The accelerator of lesson 10 does exactly this.
#
# **Predict before you run.** 15 % of the inputs spike. Gathering takes 8·8·576 = 36,864 products. About how many
# additions does scattering take?
#
# <details><summary>Answer</summary>
#
# Some 15 % of that, or a little less. A spike costs at most 9 taps times 16 channels, 144 additions, and there are
# some 38 spikes: about 5,500. Taps outside the frame cost nothing.
#
# </details>


# %%
def scatter(spk, w, b):
    """Return the currents, and the number of additions."""
    cur = np.tile(b, (8, 8, 1))
    additions = 0
    for y, x, c in np.argwhere(spk):
        for ky in range(3):
            for kx in range(3):
                row, column = y - ky + 1, x - kx + 1
                if 0 <= row < 8 and 0 <= column < 8:  # no neuron exists outside the frame
                    cur[row, column] += w[ky, kx, c]
                    additions += 16  # one for each output channel
    return cur, additions


scattered, additions = scatter(spk, w, b)
np.testing.assert_allclose(scattered, cur)

products = 8 * 8 * w.size
print(f"gather: {products} products; scatter: {additions} additions for {int(spk.sum())} spikes")
assert additions < 0.2 * products

# %% [markdown]
# ## Pooling: smaller frames
# After a convolution the frame is made smaller: each window of $2\times2$ neurons hands on one number. The naive choice
# is their mean. But the mean of spikes is not a spike, and the next layer would need multipliers again. The cure is the
# maximum. For 0s and 1s that is the logical OR: *did any of the four spike?*

# %%
pairs = spk.reshape(4, 2, 4, 2, 4)  # (row of windows, row in it, column of windows, column in it, channel)
windows = pairs.transpose(0, 2, 1, 3, 4).reshape(4, 4, 4, 4)  # (h, w, place in the window, channel)
means = windows.mean(axis=2)
print("values of the mean:", np.unique(means), "of the maximum:", np.unique(windows.max(axis=2)))

pooled = maxpool.forward(spk[None, None], 2)[0, 0]
np.testing.assert_array_equal(pooled, windows.max(axis=2))
np.testing.assert_array_equal(pooled, windows.any(axis=2))
assert not np.isin(means, (0, 1)).all()
assert np.isin(pooled, (0, 1)).all()

# %% [markdown]
# In the backward direction, a convolution scatters the gradient over the window from which it had gathered. A pool
# gives the gradient to a single neuron, because a single neuron makes the maximum: the first one that spiked. (In a
# silent window this is the first of all, which may so learn to spike.)

# %%
dpooled = rng.normal(size=pooled.shape)
first = windows.argmax(axis=2, keepdims=True)  # the first place that holds the maximum
dwindows = np.zeros_like(windows)
np.put_along_axis(dwindows, first, dpooled[:, :, None], axis=2)

dspk = maxpool.backward(dpooled[None, None], spk[None, None], 2)[0, 0]
dspk_windows = dspk.reshape(4, 2, 4, 2, 4).transpose(0, 2, 1, 3, 4).reshape(windows.shape)
np.testing.assert_array_equal(dspk_windows, dwindows)

# %% [markdown]
# ## A convolutional network learns
# `16C3-MP2-10`: 16 kernels of 3x3, a pool of 2x2, 10 neurons. With fewer weights it does about as well, and a shift
# harms it less. The shift still does harm, because only the kernels are shared between places; the weights of the last
# layer are not.

# %%
model, conv_accuracy, conv_shifted, conv_weights = trained("16C3-MP2-10", padding=1)
assert conv_weights < dense_weights
assert conv_accuracy > dense_accuracy - 0.02
assert conv_shifted > dense_shifted + 0.05

# %% [markdown]
# One image on its way through layer 1, for the eight channels that spike most:

# %%
run = model.network.forward(model.encoder.encode(data.x_test[:1]), 5)
layer = run.layers[0]
kernels = model.network.layers[0].w  # (3, 3, 1, 16)
most_active = np.argsort(-layer.spk.sum(axis=(0, 1, 2, 3)))[:8]
rows = {
    "kernel": kernels[:, :, 0],
    "membrane\nstep 0": layer.mem[0, 0],
    "spikes,\nsum of 5 steps": layer.spk[:, 0].sum(axis=0),
    "after the pool,\nsum of 5 steps": layer.out[:, 0].sum(axis=0),
}

figure, axes = plt.subplots(4, 9, figsize=(12, 5.6), layout="constrained")
axes[1, 0].imshow(data.x_test[0, :, :, 0], cmap="gray")
axes[1, 0].set_title("image")
for row, (name, maps) in zip(axes, rows.items()):
    for axis, channel in zip(row[1:], most_active):
        limit = np.abs(maps).max()
        axis.imshow(maps[..., channel], cmap="coolwarm", vmin=-limit, vmax=limit)
    row[1].set_ylabel(name)
for axis in axes.ravel():
    axis.set(xticks=[], yticks=[])
for axis in axes[[0, 2, 3], 0]:
    axis.set_axis_off()
figure.suptitle("Each column is a channel; red is above 0, blue is below 0")
save(
    figure,
    "06_channels",
    "An image of a digit, and for each of eight channels its kernel, the membranes at step 0, the spikes, "
    "and the spikes after the pool.",
)

# %% [markdown]
# ## Exercises
# Your file is [exercises/06_convolution.py](exercises/06_convolution.py): it has a place for each answer, and
# hints. `python -m tutorials.check 6` says what is right and what is wrong, and `6.2` looks at the second alone.
#
# 1. Shift the spikes by one pixel to the right before `conv2d.forward`, and assert that the currents are shifted in
#    the same way, except at the border. Write `shift(spk)`.
# 2. Go back through a convolution by hand: write `gradient_of_inputs(dcur, w)` for a kernel of 3x3 and padding 1,
#    and assert that it is the `dx` of `conv2d.backward`. For a `dcur` with a single 1, it is the kernel itself.
# 3. Every convolution is a dense layer. Write `as_matrix(w, size)`, assert with `linear.forward` that it gives the
#    currents of the convolution above, and find the share of the matrix that is not 0.
