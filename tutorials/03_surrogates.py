# %% [markdown]
# # 3. Why the gradient vanishes, and surrogates
# Networks learn by *gradient descent*: a *loss* measures how wrong the answers are, and each weight moves a little
# against the derivative of the loss. For spikes this fails. A trick saves it, and the width of that trick matters a
# lot. You need lesson 1.

# %%
import matplotlib.pyplot as plt
import numpy as np
from common import save, source

from minisnn import Network, Surrogate, lif, linear, surrogate

rng = np.random.default_rng(0)

# %% [markdown]
# ## A task for one neuron
# Random points in a square; the neuron should spike where $x_0 + x_1 > 1$. In a single time step $U = x\cdot w$, and $S
# = 1$ if $U > \theta = 1$, so $w = (1, 1)$ solves the task. The loss $L = \frac12\,\mathrm{mean}((S-y)^2)$, where $y$
# is the wanted answer, is half the share of wrong answers.

# %%
points = rng.random((200, 2))
wanted = (points.sum(axis=1) > 1).astype(float)
start = np.array([0.3, 0.5])  # the membrane reaches 0.8 at most, so the neuron is silent for every point


def loss(w):
    spikes = points @ w > 1
    return 0.5 * np.mean((spikes - wanted) ** 2)


# %% [markdown]
# ## The true gradient is zero
# By the chain rule $\partial L/\partial w = \mathrm{mean}\big((S - y)\,\frac{dS}{dU}\,x\big)$. But $S$ is a step
# function of $U$: $dS/dU = 0$ wherever it exists. *Finite differences* measure the derivative of the loss directly, as
# $\big(L(w + \epsilon) - L(w - \epsilon)\big)/2\epsilon$, and they agree: the gradient is zero, and gradient descent
# never moves.
#
# **Predict before you run.** Would a learning rate of a million help?
#
# <details><summary>Answer</summary>
#
# No. A million times 0 is 0: the weights never move, however large the learning rate is.
#
# </details>

# %%
epsilon = 1e-6
for w in (start, np.array([0.8, 0.7])):
    true_gradient = np.zeros(2)
    for i, direction in enumerate(np.eye(2)):
        true_gradient[i] = (loss(w + epsilon * direction) - loss(w - epsilon * direction)) / (2 * epsilon)
    print(f"w = {w}: loss {loss(w):.4f}, true gradient {true_gradient}")
    assert not true_gradient.any()
    assert loss(w) > 0.05

# %% [markdown]
# ## The cure: a surrogate
# ![Forward a step, backward a window](../docs/drawings/surrogate.svg)
#
# Keep the step function in the forward direction. In the backward direction, replace $dS/dU$ by the derivative of a
# smooth curve that resembles the step. This replacement is called a *surrogate gradient*, `sg`. Here is one, with a
# *scale* $k$. From here on $x = U - \theta$ is the distance from the threshold, no longer an input:
#
# $$\text{curve } \frac{x}{1+k|x|}, \qquad \mathrm{sg}(x) = \frac{1}{(1+k|x|)^2}$$
#
# The curve runs from $-1/k$ to $1/k$ rather than from 0 to 1, but only its slope is used.


# %%
def sg(x, k=5.0):
    return 1 / (1 + k * np.abs(x)) ** 2


# The library calls it "fast_sigmoid".
fast = Surrogate("fast_sigmoid", 5.0)
x = np.linspace(-1, 1, 402)
np.testing.assert_allclose(fast.derivative(x), sg(x), rtol=1e-14)

# It is the slope of its curve.
slope = (fast.curve(x + 1e-6) - fast.curve(x - 1e-6)) / 2e-6
np.testing.assert_allclose(slope, sg(x), rtol=1e-4)

# %% [markdown]
# With the surrogate in place of $dS/dU$ the neuron learns:


# %%
def gradient(w, sg):
    u = points @ w
    error = (u > 1) - wanted
    return points.T @ (error * sg(u - 1)) / len(points)


learning_rate = 2.0  # how far a gradient moves the weights
w = start
for _ in range(300):
    w = w - learning_rate * gradient(w, sg)
print(f"learned w = {w.round(2)}: loss {loss(start):.3f} -> {loss(w):.3f}")
assert loss(w) < 0.02

# %% [markdown]
# The library computes the same gradient in two parts: back through the neuron, then back through the sum $\mathrm{cur}
# = x\,w + b$. In its code a `d` in front of a name means the gradient of the loss with respect to it: `dspk` is
# $\partial L/\partial S$.

# %%
cur = (points @ start)[None, :, None]  # shape (T, B, neurons) = (1, 200, 1)
spk, mem = lif.forward(cur, 1, beta=0.5, threshold=1.0)
dspk = (spk - wanted[None, :, None]) / len(points)

# None stands for the gradient with respect to `mem`: this loss reads only spikes.
dcur = lif.backward(dspk, None, spk, mem, fast, beta=0.5, threshold=1.0)
_, dw, _ = linear.backward(dcur, points[None], start[:, None])  # dx, dw, db
np.testing.assert_allclose(dw[:, 0], gradient(start, sg))

# %% [markdown]
# ## Families, scales, widths
# Four families of surrogates are in use; k, a or w in the table below is the scale. Equal scales do not mean equal
# curves: a larger scale makes three of the families narrower, but the triangular one wider. To compare families, use
# the *half-width*: the distance from the threshold at which sg is half of its peak. `match_width` finds the scale of
# one family that gives it the half-width of another surrogate.

# %%
print(surrogate.__doc__)
print(source(surrogate.match_width))

figure, axes = plt.subplots(1, 3, figsize=(12, 5), layout="constrained")
axes[2].plot(x, (x > 0) - 0.5, "k", lw=5, alpha=0.25, label="the step")
for name in surrogate.FAMILIES:
    equal_scale = Surrogate(name, 2.0)
    equal_width = surrogate.match_width(name, fast)
    for axis, curve in ((axes[0], equal_scale), (axes[1], equal_width)):
        axis.plot(x, curve.derivative(x), label=f"{curve.name}, scale {curve.scale:.2f}")
        at_half_width = curve.derivative(np.float64(curve.half_width))
        assert np.isclose(at_half_width, curve.peak / 2)
    axes[2].plot(x, equal_width.curve(x) - equal_width.curve(np.zeros(1)), label=name)  # shifted to 0 at x = 0

titles = ("derivative, equal scales", "derivative, equal half-widths", "curves, equal half-widths")
for axis, title in zip(axes, titles):
    axis.set(title=title, xlabel="U - threshold (threshold = 1)", xticks=(-1, -0.5, 0, 0.5, 1))
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15))
axes[0].set_ylabel("derivative dS/dU")
axes[2].set_ylabel("curve, shifted to 0 at the threshold")
save(
    figure,
    "03_families",
    "Derivatives of four families of surrogates at equal scales, where their widths differ, and at equal "
    "half-widths, where their heights and tails differ; and their curves.",
)

# %% [markdown]
# ## Too narrow: dead neurons
# A *dead* neuron spikes for no input, and receives no gradient that could change this. Our neuron starts 0.2 or more
# below the threshold. A triangular surrogate is exactly 0 beyond its width, so a narrow one never reaches our neuron.
# The tail of the fast sigmoid is thin, but never 0.

# %%
narrow_fast = Surrogate("fast_sigmoid", 100.0)
narrow_triangle = Surrogate("triangular", 0.15)
for narrow in (narrow_fast, narrow_triangle):
    print(narrow, "gradient at the start:", gradient(start, narrow.derivative))
assert not gradient(start, narrow_triangle.derivative).any()  # dead for good

# %% [markdown]
# ## Too wide, too narrow: depth
# On its way back from the loss, a gradient is multiplied by sg in every layer. If sg is mostly near 0, the gradient
# *vanishes*; if it is large for every neuron, the gradient *explodes*. The figure shows the size of the gradient in the
# first of five layers for surrogates of many widths, all with a peak of 1. `Network`, which connects layers one after
# another, is the subject of lesson 5.

# %%
inputs = rng.standard_normal((1, 32, 64))  # (T, B, N): 32 images, the same at every step
widths = np.geomspace(0.01, 2, 10)


def first_gradient(name, width):
    """Return the norm, per image, of the first layer's gradient for a surrogate of a half-width and the peak 1."""
    model = surrogate.from_half_width("fast_sigmoid", width)  # its peak is 1
    chosen = surrogate.match_width_and_height(name, model)
    net = Network("64-64-64-64-10", (64,), surrogate=chosen, backend="numpy", rng=np.random.default_rng(0))
    run = net.forward(inputs, num_steps=5)
    gradients = net.backward(run, np.ones_like(run.spk))  # of the sum of the last layer's spikes
    return np.linalg.norm(gradients[0]) / 32


norms = {}
for name in surrogate.FAMILIES:
    norms[name] = [first_gradient(name, width) for width in widths]

figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
for name in norms:
    axis.loglog(widths, norms[name], "o-", label=name)
axis.set(xlabel="half-width of the surrogate (threshold = 1)", ylabel="norm of the gradient in layer 1, per image")
axis.legend()
save(
    figure,
    "03_depth",
    "The gradient's norm in the first of five layers rises by orders of magnitude as the surrogate "
    "becomes wider, for all four families.",
)
assert norms["fast_sigmoid"][-1] > 1000 * norms["fast_sigmoid"][0]

# %% [markdown]
# ## Or dead from the start
# The best surrogate helps little if the first weights leave whole layers silent. The default weights of PyTorch, a
# popular library for networks, do this to spiking layers: their variance is $1/(3n)$ for $n$ inputs. `minisnn/init.py`
# draws weights so that some 15 % of the neurons spike in the first step.

# %%
net = Network("64-64-64-64-10", (64,), backend="numpy", rng=np.random.default_rng(0))
library_rates = net.forward(inputs, num_steps=5).rates

for layer in net.layers:
    inputs_of_layer = len(layer.w)
    layer.w *= np.sqrt(1 / (3 * inputs_of_layer)) / layer.w.std()  # the variance is now 1/(3n)
pytorch_rates = net.forward(inputs, num_steps=5).rates

print("spikes per neuron and step, by layer:")
print("PyTorch's variance", pytorch_rates.round(3))
print("the library's     ", library_rates.round(3))
assert pytorch_rates[1:].max() < 0.02
assert library_rates.min() > 0.1

# %% [markdown]
# ## Exercises
# Your file is [exercises/03_surrogates.py](exercises/03_surrogates.py): it has a place for each answer, and hints.
# `python -m tutorials.check 3` says what is right and what is wrong, and `3.2` looks at the second alone.
#
# 1. Which scale $k$ makes the fast sigmoid as wide, at half of its height, as the arctangent of scale $\alpha$? And
#    by which factor must it then be multiplied to be as high? Write `match_atan(alpha)`, and assert it with
#    `Surrogate(...).half_width` and `.peak`.
# 2. Count the updates (learning rate 2.0, at most 3000) until the loss is below 0.02. Write
#    `updates(loss, gradient, start)`, count for fast_sigmoid of scale 1, 5, 25 and 100, and assert that the
#    narrowest needs the most.
# 3. Make a surrogate of your own: a box of height 1 for $|x| < 0.5$. Write its curve, `box_curve(x)`, use it as
#    `Surrogate("box", 1.0, functions=(box_curve, box))`, and assert that our neuron learns with it.
