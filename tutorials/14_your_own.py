# %% [markdown]
# # 14. Your own experiment
# Three extensions: a surrogate, a data set, a layer. For each of them: where it goes, and the proof that must come with
# it. You need lessons 3 (surrogates), 4 (gradients by hand) and 6 (pooling); for the hardware also 8 to 10. `--quick`
# is for tests.

# %%
import sys
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
from common import save, source
from scipy.special import erf

import minisnn as ms
from minisnn import fixed, loss, maxpool, network

QUICK = "--quick" in sys.argv
epochs = 2 if QUICK else 15
seeds = 1 if QUICK else 3
rng = np.random.default_rng(0)

# %% [markdown]
# ## A surrogate
# A surrogate is a curve and its derivative, in x = U - theta. Ours is a Gaussian, $\sigma'(x) = e^{-(kx)^2}$, whose
# curve is $\frac{\sqrt\pi}{2k}\,\mathrm{erf}(kx)$.
#
# **Proof 1**: the derivative is the slope of the curve, by finite differences. The first try forgets the k below the
# fraction line, and fails:

# %%
k = 2.0


def derivative(x):
    return np.exp(-((k * x) ** 2))


def wrong_curve(x):
    return np.sqrt(np.pi) / 2 * erf(k * x)


def curve(x):
    return np.sqrt(np.pi) / (2 * k) * erf(k * x)


def largest_gap(surrogate):
    """Return the largest difference between the slope of the curve and the derivative."""
    x = np.linspace(-3, 3, 1001)
    h = 1e-5
    slope = (surrogate.curve(x + h) - surrogate.curve(x - h)) / (2 * h)
    return np.abs(slope - surrogate.derivative(x)).max()


wrong = ms.Surrogate("gaussian", k, functions=(wrong_curve, derivative))
gaussian = ms.Surrogate("gaussian", k, functions=(curve, derivative))
print(f"largest gap between slope and derivative: wrong {largest_gap(wrong):.3f}, right {largest_gap(gaussian):.1e}")
assert largest_gap(wrong) > 0.5
assert largest_gap(gaussian) < 1e-8

# %% [markdown]
# **Proof 2**: in a whole network. With `smooth=True` the curve takes the place of the step, so the hand-written
# backward pass must be the exact gradient. We move all weights at once, in random directions, and compare the change of
# the loss with what the gradient predicts.

# %%
net = ms.Network(
    "3C3-MP2-5-4",
    (8, 8, 1),
    surrogate=gaussian,
    detach_reset=False,
    dtype="float64",
    backend="numpy",
    rng=np.random.default_rng(1),
)
x = rng.normal(size=(1, 3, 8, 8, 1))  # three images
labels = np.array([0, 1, 2])
starts = [param.copy() for param in net.params]


def loss_at(h, directions):
    """Move the parameters by h along directions; return the loss, its gradients, and the run."""
    for param, start, direction in zip(net.params, starts, directions):
        param[...] = start + h * direction
    run = net.forward(x, 4, smooth=True)
    value, dspk, dmem = loss.rate(run.spk, run.mem, labels, 4)
    return value, dspk, dmem, run


for _ in range(5):
    directions = [rng.normal(size=param.shape) for param in net.params]
    _, dspk, dmem, run = loss_at(0.0, directions)
    gradients = net.backward(run, dspk, dmem)
    predicted = sum((gradient * direction).sum() for gradient, direction in zip(gradients, directions))
    above, *_ = loss_at(1e-6, directions)
    below, *_ = loss_at(-1e-6, directions)
    measured = (above - below) / 2e-6
    assert abs(measured - predicted) < 1e-6 * max(1, abs(predicted))
print("the gradients agree")

# %% [markdown]
# The kernels cannot call Python functions. They read a surrogate of your own from a table:

# %%
table, error = gaussian.tabulate(reach=3.0)
print(f"the table is off by {error:.1e}")
assert error < 1e-5

# %% [markdown]
# ## A data set
# Any `.npz` file with the arrays X, of shape (n, H, W), (n, H, W, C) or (n, N), and y. Everything else works as before.
# Ours has bars in four directions, in noise.


# %%
def bars(n):
    """Return images (n, 12, 12) and their directions, 0 to 3."""
    y = rng.integers(0, 4, n)
    rows, columns = np.mgrid[:12, :12] - 5.5
    angle = (y * np.pi / 4)[:, None, None]
    offset = rng.normal(0, 1, (n, 1, 1))
    distance = np.abs(rows * np.cos(angle) + columns * np.sin(angle) + offset)  # from the middle of the bar
    noise = rng.normal(30, 110, (n, 12, 12))
    images = np.clip(200 * (distance < 1.2) + noise, 0, 255)
    return images.astype(np.uint8), y


X, y = bars(1500)  # the last fifth is the test set
with TemporaryDirectory() as folder:
    np.savez(f"{folder}/bars.npz", X=X, y=y)
    data = ms.load_data(f"{folder}/bars.npz")

net = ms.Network("4C3-MP2-16-4", data.input_shape, surrogate=table, rng=np.random.default_rng(0))
model = ms.fit(net, data, epochs=epochs, num_steps=4, lr=4e-3, seed=0)
result = ms.evaluate(model, data.x_test, data.y_test)
print(f"test accuracy {result.accuracy:.1%}")
assert result.accuracy > (0.3 if QUICK else 0.8)

# %% [markdown]
# ## A layer: the average pool
#
# | file | contents | its proof, in `tests/test_avgpool.py` |
# |---|---|---|
# | `minisnn/avgpool.py` | NumPy: `forward`, and `backward` below it | finite differences |
# | `minisnn/kernels/avgpool.py` | Numba: plain loops | equal to the first |
# | `minisnn/fixed/avgpool.py` | integers | equal, and the loss is reported |
# | `hw/avgpool.py` | MyHDL | equal to the integers, in every cycle |
#
# In addition, `topology.py` must read its notation ("AP2"), and `network.py` must give the layer its pool.
#
# **Predict before you run.** Two of the four neurons in a window spike. What do a max pool and an average pool hand
# on? Which of the two is a spike?
#
# <details><summary>Answer</summary>
#
# 1 and 1/2. A half is not a spike: the next layer would have to multiply.
#
# </details>


# %%
def forward(spk, k):
    """Return the means of windows: (T, B, H, W, C) to (T, B, H // k, W // k, C); H and W are multiples of k."""
    T, B, H, W, C = spk.shape
    return spk.reshape(T, B, H // k, k, W // k, k, C).mean(axis=(3, 5))


def backward(dpooled, k):
    """Return the gradient of the spikes: every input of a window has a share of 1 / k^2 in its mean."""
    wide = np.repeat(dpooled, k, axis=3)
    return np.repeat(wide, k, axis=2) / k**2


# The proof, by finite differences of the loss sum(weights * pooled).
spk = rng.random((2, 3, 4, 6, 2))
weights = rng.normal(size=(2, 3, 2, 3, 2))
dspk = backward(weights, 2)
for at in np.ndindex(spk.shape):
    moved = spk.copy()
    moved[at] += 1e-4
    change = (weights * (forward(moved, 2) - forward(spk, 2))).sum()
    assert abs(change / 1e-4 - dspk[at]) < 1e-8

# %% [markdown]
# For the integers, mind that the mean of four spikes, 0, 1/4, ..., 1, is not a spike. So hand on the *sum* of the
# window, and move the 1/4 into the weights of the next layer, as a shift of 2 bits.


# %%
@fixed.jit.kernel  # Numba's njit, with the library's options
def sums(spk, k, out):
    """Count the spikes of each window: spk (H, W, C) to out (H // k, W // k, C), uint8."""
    out[:] = 0
    for y, x, c in np.ndindex(out.shape[0] * k, out.shape[1] * k, out.shape[2]):
        out[y // k, x // k, c] += spk[y, x, c]


spikes = rng.integers(0, 2, (8, 8, 3), np.uint8)
out = np.zeros((4, 4, 3), np.uint8)
sums(spikes, 2, out)
means = forward(spikes[None, None].astype(float), 2)[0, 0]
assert np.array_equal(out, 4 * means)

# %% [markdown]
# ## Does it pay?
# To try a layer before it is built in, give it to a network: each layer of the reference pools with `forward` and
# `backward` of its attribute `pooling`, which is the module `maxpool` unless we put another object there.

# %%
print(source(network.reference_forward))
average_pool = SimpleNamespace(forward=forward, backward=lambda dpooled, spk, k: backward(dpooled, k))


def train(pool, surrogate, seed):
    """Return the test accuracy (%), and the number of classes that the network never answers."""
    rng = np.random.default_rng(seed)
    net = ms.Network("8C3-MP2-4", data.input_shape, surrogate=surrogate, backend="numpy", rng=rng)
    net.layers[0].pooling = pool
    model = ms.fit(net, data, epochs=epochs, num_steps=4, lr=4e-3, seed=seed)
    answers = ms.predict(model, data.x_test)
    accuracy = ms.evaluate(model, data.x_test, data.y_test).accuracy
    return 100 * accuracy, 4 - len(np.unique(answers))


# %% [markdown]
# The first try fails, and the layer is not to blame. A mean of spikes is smaller than their OR, so more neurons start
# far below the threshold, where the Gaussian is 0, and are dead (lesson 3): with every seed there is a class that is
# never answered. The fast sigmoid has long tails, and is the cure. We use several seeds, because a single one may be
# lucky.

# %%
fast_sigmoid = ms.Surrogate("fast_sigmoid", 5.0)
mean_accuracy = {}
figure, axis = plt.subplots(figsize=(6, 3.4), layout="constrained")
for surrogate in (gaussian, fast_sigmoid):
    for name, pool in (("max", maxpool), ("average", average_pool)):
        accuracies, missing = [], []
        for seed in range(seeds):
            accuracy, count = train(pool, surrogate, seed)
            accuracies.append(accuracy)
            missing.append(count)
        print(f"{name} pool, {surrogate.name}: {np.round(accuracies, 1)} % right; classes never answered: {missing}")
        mean_accuracy[name, surrogate.name] = np.mean(accuracies)
        axis.plot([f"{name} pool\n{surrogate.name}"] * seeds, accuracies, "o", ms=8, alpha=0.6)
if not QUICK:
    failed = mean_accuracy.pop(("average", "gaussian"))
    assert failed < min(mean_accuracy.values()) - 5
axis.set(xlim=(-0.5, 3.5), xlabel="pool, surrogate", ylabel="test accuracy (%), one mark per seed")
save(
    figure,
    "14_pools",
    "Test accuracy of max and average pools with two surrogates, a mark for each seed: the average pool "
    "with the Gaussian is far below the others.",
)

# %% [markdown]
# ## Exercises
# Your file is [exercises/14_your_own.py](exercises/14_your_own.py): it has a place for each answer, and hints.
# `python -m tutorials.check 14` says what is right and what is wrong, and `14.2` looks at the second alone.
#
# 1. Add the surrogate "boxcar" (1 inside |x| < w, else 0) with its curve. Which points must proof 1 leave out, and
#    why? Write `corners(x, w, h)`, where h is the step of the finite differences.
# 2. Write a neuron in NumPy that cannot spike in two steps in a row (it is *refractory*):
#    `refractory(cur, beta, threshold)`. Assert with random currents that it never does, and that it equals
#    `lif.forward` up to the first spike.
# 3. Write the average pool of one lane as a MyHDL block, `avgpool`, with the ports of `minisnn_hw.maxpool`, except
#    that `spike` has 1 bit and `word`, the sum, has 3 bits. Assert it against NumPy.
