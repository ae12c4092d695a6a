# %% [markdown]
# # 6. Convolution and pooling of spikes
# In lesson 5 every neuron saw every pixel, with a weight of its own. Here each neuron sees a small window, and neurons
# at all places share their weights. Seen from the other side, from a single spike, this is what hardware will do.
# You need lesson 5.

# %%
import matplotlib.pyplot as plt
import numpy as np
from common import save, source  # source: inspect.getsource without the docstring

from minisnn import Network, conv2d, evaluate, fit, load_data, maxpool

rng = np.random.default_rng(0)
data = load_data("digits")
# the test images, one pixel to the right (their borders are mostly empty)
moved = np.roll(data.x_test, 1, axis=2)

# %% [markdown]
# ## Without convolution: what was learned at one place is not known at the next


# %%
def trained(topology, padding=0):
    net = Network(topology, data.input_shape, padding=padding, backend="numpy", rng=np.random.default_rng(0))
    model = fit(net, data, epochs=8, num_steps=5, lr=0.004, seed=0)
    here, there = (evaluate(model, x, data.y_test).accuracy for x in (data.x_test, moved))
    weights = sum(p.size for p in net.params)
    print(f"{topology:12} {weights:5} weights: {here:.1%} right, {there:.1%} one pixel to the right")
    return model, here, there, weights


_, here, there, weights = trained("64-10")
assert there < here - 0.3

# %% [markdown]
# ## The cure: one window of weights for all places
# A *kernel* `w` of $k\times k$ weights slides over the frame; at each place it is multiplied with what lies below it:
#
# $$\mathrm{cur}[y, x, m] = b_m + \sum_{k_y, k_x, c} \mathrm{spk}[y + k_y - p,\; x + k_x - p,\; c]\; w[k_y, k_x, c, m]$$
#
# $c$ counts the *channels* of the input (colours, or kinds of features), $m$ those of the output: one kernel for each.
# *Padding* adds a border of $p$ pixels around the input, so that with $k=3$, $p=1$ the output is as large as the input.
# The library lays all windows out as rows of one matrix, so that a single product does it all (*im2col*).

# %%
spk = (rng.random((8, 8, 4)) < 0.15).astype(float)  # H, W, C: 15 % spikes
w, b = rng.normal(size=(3, 3, 4, 16)), rng.normal(size=16)


def gather(spk, w, b):
    padded = np.pad(spk, ((1, 1), (1, 1), (0, 0)))
    cur = np.empty((8, 8, 16))
    for y in range(8):
        for x in range(8):
            window = padded[y : y + 3, x : x + 3]
            cur[y, x] = b + np.einsum("yxc,yxcm->m", window, w)  # for each m, the sum over y, x and c
    return cur


cur = conv2d.forward(spk[None, None], w, b, padding=1)[0, 0]  # the library's arrays are (T, B, H, W, C)
np.testing.assert_allclose(gather(spk, w, b), cur)
print(source(conv2d.forward))

# %% [markdown]
# ## The same, seen from a spike: scatter
# Each neuron *gathers* from its window, silent pixels included: most products are $0\cdot w$. Turn it round: walk through
# the spikes and *scatter*, which is to add the kernel to all neurons whose windows hold the spike. A spike at $(y, x)$
# is the neighbour $(k_y, k_x)$ of the neuron at $(y - k_y + p,\; x - k_x + p)$. No multiplication is left, and silence
# costs nothing. The accelerator of lesson 10 does exactly this.


# %%
def scatter(spk, w, b):
    cur, additions = np.tile(b, (8, 8, 1)), 0
    for y, x, c in np.argwhere(spk):
        for ky in range(3):
            for kx in range(3):
                at = y - ky + 1, x - kx + 1
                if 0 <= at[0] < 8 and 0 <= at[1] < 8:  # a neuron outside the frame does not exist
                    cur[at] += w[ky, kx, c]
                    additions += 16
    return cur, additions


ours, additions = scatter(spk, w, b)
np.testing.assert_allclose(ours, cur)
print(f"gather: {8 * 8 * w.size} products; scatter: {additions} additions for {int(spk.sum())} spikes")
assert additions < 0.2 * 8 * 8 * w.size

# %% [markdown]
# ## Pooling: less to look at
# Behind a convolution the frame is thinned out: each window of $2\times2$ neurons hands on one number. The naive choice
# is their mean; but the mean of spikes is no spike, and the next layer would need multipliers again. The cure is the
# maximum. Of 0s and 1s that is the logical OR: *did any of the four fire?*

# %%
# (h, w, place in the window, channel)
windows = spk.reshape(4, 2, 4, 2, 4).transpose(0, 2, 1, 3, 4).reshape(4, 4, 4, 4)
print("values of the mean:", np.unique(windows.mean(axis=2)), "of the maximum:", np.unique(windows.max(axis=2)))
pooled = maxpool.forward(spk[None, None], 2)[0, 0]
np.testing.assert_array_equal(pooled, windows.max(axis=2))
np.testing.assert_array_equal(pooled, windows.any(axis=2))
assert not np.isin(windows.mean(axis=2), (0, 1)).all() and np.isin(pooled, (0, 1)).all()

# %% [markdown]
# Backwards, a convolution scatters the gradient over the window that it had gathered from; a pool gives it to one
# neuron, as one makes the maximum: the first that fired (in a silent window the first of all: it may learn to fire).

# %%
dpooled = rng.normal(size=pooled.shape)
dspk = np.zeros_like(windows)
np.put_along_axis(dspk, windows.argmax(axis=2, keepdims=True), dpooled[:, :, None], axis=2)
theirs = maxpool.backward(dpooled[None, None], spk[None, None], 2)[0, 0]
np.testing.assert_array_equal(theirs.reshape(4, 2, 4, 2, 4).transpose(0, 2, 1, 3, 4).reshape(windows.shape), dspk)

# %% [markdown]
# ## A convolutional network learns
# `16C3-MP2-10`: 16 kernels of 3x3, a pool of 2x2, 10 neurons. Fewer weights do about as well, and a shift harms them
# less. It still harms: only the kernels are shared over places, the last layer's weights are not.

# %%
model, conv_here, conv_there, conv_weights = trained("16C3-MP2-10", padding=1)
assert conv_weights < weights and conv_here > here - 0.02 and conv_there > there + 0.05

run = model.network.forward(model.encoder.encode(data.x_test[:1]), 5)
layer, kernels = run.layers[0], model.network.params[0]  # kernels (3, 3, 1, 16)
figure, axes = plt.subplots(4, 9, figsize=(12, 5.6), layout="constrained")
axes[1, 0].imshow(data.x_test[0, :, :, 0], cmap="gray")
axes[1, 0].set_title("image")
best = np.argsort(-layer.spk.sum(axis=(0, 1, 2, 3)))[:8]  # the channels that fire most
rows = (
    ("kernel", kernels[:, :, 0]),
    ("membrane\nstep 0", layer.mem[0, 0]),
    ("spikes\n5 steps", layer.spk[:, 0].sum(axis=0)),
    ("pooled\n5 steps", layer.out[:, 0].sum(axis=0)),
)
for row, (name, maps) in zip(axes, rows):
    for axis, channel in zip(row[1:], best):
        size = np.abs(maps).max()
        axis.imshow(maps[..., channel], cmap="coolwarm", vmin=-size, vmax=size)
    row[1].set_ylabel(name)
for axis in axes.ravel():
    axis.set(xticks=[], yticks=[])
for axis in axes[[0, 2, 3], 0]:
    axis.set_axis_off()
figure.suptitle("Each column is a channel; red is above 0, blue below")
save(figure, "06_channels")

# %% [markdown]
# ## Exercises
# 1. Move the spikes by one pixel before `conv2d.forward`. Assert that the currents are moved as well, but for the border.
# 2. Assert that `conv2d.backward` returns the scatter of the gradient: `dx` for `dcur` of a single 1 is the kernel itself.
# 3. A dense layer is a convolution whose kernel is the whole frame. Assert it with `linear.forward`; then find the weight
#    matrix (256 x 1024) of the convolution above, and the share of it that is not 0.
