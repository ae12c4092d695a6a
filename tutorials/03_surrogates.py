# %% [markdown]
# # 3. Why the gradient dies, and surrogates
# Networks learn by *gradient descent*: a *loss* tells how wrong the answers are, and each weight moves a little against
# the derivative of the loss. For spikes this fails; a trick saves it, whose width decides much. You need lesson 1.

# %%
import matplotlib.pyplot as plt
import numpy as np
from common import save, source  # source: inspect.getsource without the docstring

from minisnn import Network, Surrogate, lif, linear, surrogate

rng = np.random.default_rng(0)

# %% [markdown]
# ## A task for one neuron
# Points in a square; the neuron shall fire where $x_0 + x_1 > 1$. In one time step $U = x\cdot w$, and $S = 1$ if
# $U > \theta = 1$, so $w = (1, 1)$ solves it. $L = \frac12\,\mathrm{mean}((S-y)^2)$ is half the share of wrong answers.

# %%
points = rng.random((200, 2))
wanted = (points.sum(axis=1) > 1).astype(float)
start = np.array([0.3, 0.5])  # U reaches 0.8 at most: the neuron is silent for every point


def loss(w):
    return 0.5 * np.mean(((points @ w > 1) - wanted) ** 2)


# %% [markdown]
# ## The true gradient is nothing
# $\partial L/\partial w = \mathrm{mean}\big((S - y)\,\frac{dS}{dU}\,x\big)$, but $S$ is a step: $dS/dU = 0$ wherever it
# exists. *Finite differences* ask the loss itself, $\big(L(w + \epsilon) - L(w - \epsilon)\big)/2\epsilon$, and agree:
# gradient descent never moves.

# %%
for w in (start, np.array([0.8, 0.7])):
    slope = np.array([loss(w + e) - loss(w - e) for e in 1e-6 * np.eye(2)]) / 2e-6
    print(f"w = {w}: loss {loss(w):.4f}, true gradient {slope}")
    assert not slope.any() and loss(w) > 0.05

# %% [markdown]
# ## The cure: a surrogate
# Keep the step when computing forward; when going backward, take the derivative of a smooth curve that resembles the
# step in place of $dS/dU$. This stand-in is called a *surrogate gradient*, `sg`. One of them, with a *scale* $k$ and
# $x = U - \theta$ (no input now); its curve runs from $-1/k$ to $1/k$, but only its slope is used:
# $$\text{curve } \frac{x}{1+k|x|}, \qquad \mathrm{sg}(x) = \frac{1}{(1+k|x|)^2}$$


# %%
def sg(x, k=5.0):
    return 1 / (1 + k * np.abs(x)) ** 2


def gradient(w, sg):
    u = points @ w
    return points.T @ (((u > 1) - wanted) * sg(u - 1)) / len(points)


fast, x = Surrogate("fast_sigmoid", 5.0), np.linspace(-1, 1, 402)
np.testing.assert_allclose(fast.derivative(x), sg(x), rtol=1e-14)
np.testing.assert_allclose((fast.curve(x + 1e-6) - fast.curve(x - 1e-6)) / 2e-6, sg(x), rtol=1e-4)
w = start
for _ in range(300):
    w = w - 2.0 * gradient(w, sg)  # 2.0: the learning rate, how far a gradient moves the weights
print(f"learned w = {w.round(2)}: loss {loss(start):.3f} -> {loss(w):.3f}")
assert loss(w) < 0.02

# %% [markdown]
# The library computes the same in two parts, back through the neuron and back through $\mathrm{cur} = x\,w + b$. A
# `d` in front of a name is the gradient of the loss with respect to it: `dspk` is $\partial L/\partial S$.

# %%
# (T, B, neurons) = (1, 200, 1)
spk, mem = lif.forward((points @ start)[None, :, None], 1, beta=0.5, threshold=1.0)
dspk = (spk - wanted[None, :, None]) / len(points)
dcur = lif.backward(dspk, None, spk, mem, fast, beta=0.5, threshold=1.0)  # None: the loss reads no `mem`
dw = linear.backward(dcur, points[None], start[:, None])[1]  # of dspk, dw, db
np.testing.assert_allclose(dw[:, 0], gradient(start, sg))

# %% [markdown]
# ## Families, scales, widths
# Four families are in use; k, a or w in the table below is the scale. Equal scales do not mean equal curves: a larger
# scale makes three families narrower, and the triangular wider. Compare by *half-width*, the distance from the
# threshold at which sg is half of its peak; `match_width` finds the scale for it.

# %%
print(surrogate.__doc__, source(surrogate.match_width))
figure, axes = plt.subplots(1, 3, figsize=(12, 5), layout="constrained")
axes[2].plot(x, (x > 0) - 0.5, "k", lw=5, alpha=0.25, label="the step")
for name in surrogate.FAMILIES:
    for axis, s in zip(axes, (Surrogate(name, 2.0), surrogate.match_width(name, fast))):
        axis.plot(x, s.derivative(x), label=f"{s.name}, scale {s.scale:.2f}")
        assert np.isclose(s.derivative(np.float64(s.half_width)), s.peak / 2)
    axes[2].plot(x, s.curve(x) - s.curve(np.zeros(1)), label=name)  # moved to 0 at 0
for axis, text in zip(axes, ("derivative, equal scales", "derivative, equal half-widths", "curves, equal half-widths")):
    axis.set(title=text, xlabel="U - threshold (threshold = 1)", xticks=(-1, -0.5, 0, 0.5, 1))
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15))
save(figure, "03_families")

# %% [markdown]
# ## Too narrow: dead neurons
# A *dead* neuron fires for no input, and gets no gradient that could change this. Our neuron starts 0.2 or more below
# the threshold. A triangular surrogate is exactly 0 beyond its width; fast_sigmoid's tail is thin but never 0.

# %%
for narrow in (Surrogate("fast_sigmoid", 100.0), Surrogate("triangular", 0.15)):
    print(narrow, "gradient at the start:", gradient(start, narrow.derivative))
assert not gradient(start, narrow.derivative).any()  # dead for good

# %% [markdown]
# ## Too wide, too narrow: depth
# On its way back from the loss a gradient is multiplied by sg in every layer. Mostly near 0, it *vanishes*; large for
# every neuron, it *explodes*. Here is its size in the first of five layers (in a row: `Network`, lesson 5), peaks of 1.

# %%
inputs, widths, norms = rng.standard_normal((1, 32, 64)), np.geomspace(0.01, 2, 10), {}
for name in surrogate.FAMILIES:
    for width in widths:
        s = surrogate.match_width_and_height(name, surrogate.from_half_width("fast_sigmoid", width))
        net = Network("64-64-64-64-10", (64,), surrogate=s, backend="numpy", rng=np.random.default_rng(0))
        run = net.forward(inputs, num_steps=5)  # L: the sum of the last layer's spikes
        norms.setdefault(name, []).append(np.linalg.norm(net.backward(run, np.ones_like(run.spk))[0]) / 32)
figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
for name in norms:
    axis.loglog(widths, norms[name], "o-", label=name)
axis.set(xlabel="half-width of the surrogate (threshold = 1)", ylabel="norm of the first layer's gradient")
axis.legend()
save(figure, "03_depth")
assert norms["fast_sigmoid"][-1] > 1000 * norms["fast_sigmoid"][0]

# %% [markdown]
# ## Or dead from the start
# The best surrogate helps little if the first weights leave whole layers silent. The default of PyTorch, a library for
# networks, does: variance $1/(3n)$ for $n$ inputs. `minisnn/init.py` has some 15 % of neurons fire in the first step.

# %%
net = Network("64-64-64-64-10", (64,), backend="numpy", rng=np.random.default_rng(0))
good = net.forward(inputs, num_steps=5).rates
net.params = [p / p.std() / np.sqrt(3 * len(p)) if p.ndim == 2 else p for p in net.params]
silent = net.forward(inputs, num_steps=5).rates
print("spikes a neuron and step, by layer: PyTorch's scale", silent.round(3), "the library's", good.round(3))
assert silent[1:].max() < 0.02 and good.min() > 0.1

# %% [markdown]
# ## Exercises
# 1. Assert that fast_sigmoid of scale $k = 0.65\,\alpha$ and atan of $\alpha$ are equally wide, not equally high. What mends that?
# 2. Count the updates (learning rate 2.0, at most 3000) until `loss(w) < 0.02` for fast_sigmoid of scale 1, 5, 25 and
#    100. Assert that the narrowest needs the most.
# 3. Make a surrogate of your own, a box of height 1 for $|x| < 0.5$, as `Surrogate("box", 1.0, functions=(curve, sg))`.
#    Assert that `sg` is the derivative of `curve`, and that our neuron learns with it.
