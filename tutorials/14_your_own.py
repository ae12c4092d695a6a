# %% [markdown]
# # 14. Your own experiment
# Three extensions: a surrogate, a data set, a layer. For each: where it goes, and the proof that must come with it. You
# need lessons 3 (surrogates), 4 (gradients by hand), 6 (pooling); for hardware 8 to 10. `--quick` is for tests.

# %%
import inspect
import sys
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from unittest import mock

import matplotlib.pyplot as plt
import numpy as np
from common import save
from scipy.special import erf

import minisnn as ms
from minisnn import loss, network
from minisnn.fixed.jit import kernel

epochs, seeds, least = (2, 1, 0.3) if "--quick" in sys.argv else (15, 3, 0.8)
rng = np.random.default_rng(0)

# %% [markdown]
# ## A surrogate
# It is a curve and its derivative, in x = U - theta. New here: a Gaussian, $\sigma'(x) = e^{-(kx)^2}$, whose curve is
# $\frac{\sqrt\pi}{2k}\,\mathrm{erf}(kx)$. **Proof 1**: the derivative is that of the curve, by finite differences. The
# first try forgets the k under the fraction, and fails:

# %%
k = 2.0
curve, slope = lambda x: np.sqrt(np.pi) / 2 * erf(k * x), lambda x: np.exp(-((k * x) ** 2))
wrong, gaussian = (ms.Surrogate("gaussian", k, functions=(f, slope)) for f in (curve, lambda x: curve(x) / k))
x, h = np.linspace(-3, 3, 1001), 1e-5
gaps = [np.abs((sg.curve(x + h) - sg.curve(x - h)) / (2 * h) - sg.derivative(x)).max() for sg in (wrong, gaussian)]
print(f"largest gap between slope and derivative: wrong {gaps[0]:.3f}, right {gaps[1]:.1e}")
assert gaps[0] > 0.5 and gaps[1] < 1e-8

# %% [markdown]
# **Proof 2**: in a whole network. With `smooth=True` the curve takes the place of the step, so the hand-written backward
# pass must be the exact gradient. All weights are moved at once, in random directions.

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
x, labels, starts = rng.normal(size=(1, 3, 8, 8, 1)), np.array([0, 1, 2]), [param.copy() for param in net.params]


def loss_at(h, ways):
    for param, start, way in zip(net.params, starts, ways):
        param[...] = start + h * way
    run = net.forward(x, 4, smooth=True)
    return *loss.rate(run.spk, run.mem, labels, 4), run


for _ in range(5):
    ways = [rng.normal(size=param.shape) for param in net.params]
    _, dspk, dmem, run = loss_at(0.0, ways)
    along = sum((grad * way).sum() for grad, way in zip(net.backward(run, dspk, dmem), ways))
    assert abs((loss_at(1e-6, ways)[0] - loss_at(-1e-6, ways)[0]) / 2e-6 - along) < 1e-6 * max(1, abs(along))
table, error = gaussian.tabulate(reach=3.0)  # the kernels cannot call Python: they read a table
print(f"the gradients agree; the table is off by {error:.1e}")
assert error < 1e-5

# %% [markdown]
# ## A data set
# Any `.npz` with X (n, H, W), (n, H, W, C) or (n, N), and y; all else works as before. Ours: bars in four directions.


# %%
def bars(n):
    y, (rows, columns) = rng.integers(0, 4, n), np.mgrid[:12, :12] - 5.5
    angle = (y * np.pi / 4)[:, None, None]
    distance = np.abs(rows * np.cos(angle) + columns * np.sin(angle) + rng.normal(0, 1, (n, 1, 1)))
    return np.clip(200 * (distance < 1.2) + rng.normal(30, 110, (n, 12, 12)), 0, 255).astype(np.uint8), y


X, y = bars(1500)  # the last fifth is for the test
with TemporaryDirectory() as folder:
    np.savez(f"{folder}/bars.npz", X=X, y=y)
    data = ms.load_data(f"{folder}/bars.npz")
net = ms.Network("4C3-MP2-16-4", data.input_shape, surrogate=table, rng=np.random.default_rng(0))
result = ms.evaluate(ms.fit(net, data, epochs=epochs, num_steps=4, lr=4e-3, seed=0), data.x_test, data.y_test)
assert result.accuracy > least, result

# %% [markdown]
# ## A layer: the average pool
#
# | file | what | its proof, in `tests/test_avgpool.py` |
# |---|---|---|
# | `minisnn/avgpool.py` | NumPy: `forward`, and `backward` under it | finite differences |
# | `minisnn/kernels/avgpool.py` | Numba: plain loops | equal to the first |
# | `minisnn/fixed/avgpool.py` | integers | equal, and what it loses is said |
# | `hw/avgpool.py` | MyHDL | equal to the integers, in every cycle |
#
# Then `topology.py` learns its notation ("AP2"), and `network.py` calls it. For the integers mind that a mean of four
# spikes, 0, 1/4, ..., 1, is no spike: hand on the *sum*, and take the 1/4 into the next weights, as a shift of 2 bits.


# %%
def forward(spk, k):
    """Means of windows: (T, B, H, W, C) to (T, B, H // k, W // k, C), H and W multiples of k."""
    T, B, H, W, C = spk.shape
    return spk.reshape(T, B, H // k, k, W // k, k, C).mean(axis=(3, 5))


def backward(dpooled, k):
    # pooled = windows.mean(): each input has a share of 1 / k^2
    return np.repeat(np.repeat(dpooled, k, axis=2), k, axis=3) / k**2


spk, weights = rng.random((2, 3, 4, 6, 2)), rng.normal(size=(2, 3, 2, 3, 2))
dspk = backward(weights, 2)  # of the loss sum(weights * pooled)
for at in np.ndindex(spk.shape):
    moved = spk.copy()
    moved[at] += 1e-4
    assert abs(((forward(moved, 2) - forward(spk, 2)) * weights).sum() / 1e-4 - dspk[at]) < 1e-8


@kernel  # Numba's njit, as the library sets it
def sums(spk, k, out):  # the integers: spikes in a window; spk (H, W, C), out (h, w, C) uint8
    out[:] = 0
    for y, x, c in np.ndindex(out.shape[0] * k, out.shape[1] * k, out.shape[2]):
        out[y // k, x // k, c] += spk[y, x, c]


fires, out = rng.integers(0, 2, (8, 8, 3), np.uint8), np.zeros((4, 4, 3), np.uint8)
sums(fires, 2, out)
assert np.array_equal(out, 4 * forward(fires[None, None].astype(float), 2)[0, 0])

# %% [markdown]
# ## Does it pay?
# To try a layer before it is built in, put it in the place of its relative: the reference network calls `maxpool`'s
# `forward` and `backward`, and `mock.patch.object` swaps them while `with` lasts. The first try fails, and not by the
# layer's fault: a mean of spikes is smaller than their OR, so more neurons start far below the threshold, where the
# Gaussian is 0, and are dead (lesson 3): with each seed a class is never answered. The fast sigmoid has long tails, and
# is the cure. Several seeds, for one is luck.

# %%
print(inspect.getsource(network._forward))
average = SimpleNamespace(forward=forward, backward=lambda dpooled, spk, k: backward(dpooled, k))


def train(pool, sg, seed):
    net = ms.Network("8C3-MP2-4", data.input_shape, surrogate=sg, backend="numpy", rng=np.random.default_rng(seed))
    with mock.patch.object(network, "maxpool", pool):
        model = ms.fit(net, data, epochs=epochs, num_steps=4, lr=4e-3, seed=seed)
        silent = 4 - len(np.unique(ms.predict(model, data.x_test)))  # classes that are never answered
        return 100 * ms.evaluate(model, data.x_test, data.y_test).accuracy, silent


figure, axis = plt.subplots(figsize=(6, 3.4), layout="constrained")
for sg in (gaussian, ms.Surrogate("fast_sigmoid", 5.0)):
    for name, pool in (("max", network.maxpool), ("average", average)):
        found, silent = zip(*[train(pool, sg, seed) for seed in range(seeds)])
        print(f"{name} pool, {sg.name}: {np.round(found, 1)} % right; classes never answered: {silent}")
        assert epochs < 15 or silent == (int(name == "average" and sg is gaussian),) * seeds
        axis.plot([f"{name} pool\n{sg.name}"] * seeds, found, "o", ms=8, alpha=0.6)
axis.set(xlim=(-0.5, 3.5), xlabel="pool, surrogate", ylabel="test accuracy (%), a mark a seed")
save(figure, "14_pools")

# %% [markdown]
# ## Exercises
# 1. Add the surrogate "boxcar" (1 inside |x| < w, else 0) with its curve. Which points must proof 1 leave out, and why?
# 2. Write a neuron that cannot fire in two steps in a row (it is *refractory*) in NumPy, and assert with random currents
#    that it does not, and that it equals `lif.forward` up to the first spike.
# 3. Write the average pool of one lane as a MyHDL block (ports as of `minisnn_hw.maxpool`, but `spike` of 1 bit, and a `word` of
#    3 bits: the sum), and assert it against NumPy.
