# %% [markdown]
# # 4. Backpropagation through time, by hand
# What a weight does at one step remains in the membranes of later steps, so the gradient must travel back along the
# steps. This is *backpropagation through time*, BPTT. It takes three lines, which we derive here and check. You need
# lessons 1 and 3.

# %%
import matplotlib.pyplot as plt
import numpy as np
from common import save, source

from minisnn import Network, Surrogate, lif, loss

rng = np.random.default_rng(0)
num_steps, beta, threshold = 12, 0.8, 1.0
surrogate = Surrogate("sigmoid", 4.0)

# %% [markdown]
# ## A layer and a loss
# A layer of 3 neurons with 5 inputs should produce the spikes $Y$, which we draw at random:
#
# $$L = \frac12\sum_t\sum_j (S_j[t] - Y_j[t])^2$$
#
# A step function has no useful derivative to check against (lesson 3). So for the check, and only for the check, we
# replace the step by the smooth *curve* of the surrogate. Then sg is the true derivative of $S$, and BPTT must be
# exact.

# %%
x = (rng.random((num_steps, 5)) < 0.4).astype(float)  # input spikes
w = rng.normal(0.3, 1, (5, 3))
y = (rng.random((num_steps, 3)) < 0.3).astype(float)  # wanted spikes


def forward(w):
    """Return spikes and membranes, each of shape (T, 3)."""
    spk, mem = [], []
    u, s = np.zeros(3), np.zeros(3)
    for t in range(num_steps):
        u = beta * u - threshold * s + x[t] @ w
        s = surrogate.curve(u - threshold)  # in place of the step u > threshold
        spk.append(s)
        mem.append(u)
    return np.array(spk), np.array(mem)


def loss_of(w):
    spk, _ = forward(w)
    return 0.5 * np.sum((spk - y) ** 2)


# %% [markdown]
# ## The judge: finite differences
# Move one weight by $\pm\epsilon$, run again, and see how the loss changes:
#
# $$\frac{\partial L}{\partial w_i} \approx \frac{L(w + \epsilon e_i) - L(w - \epsilon e_i)}{2\epsilon}$$
#
# This is slow, with two runs for each weight, but nobody can get its derivation wrong.


# %%
def differences(function, w, epsilon=1e-6):
    """Return the gradient of a function at w by finite differences."""
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        move = np.zeros_like(w)
        move[i] = epsilon
        gradient[i] = (function(w + move) - function(w - move)) / (2 * epsilon)
    return gradient


judge = differences(loss_of, w)


def error(gradient):
    """Return the largest difference from the judge, relative to the judge's largest value."""
    return float(np.abs(gradient - judge).max() / np.abs(judge).max())


# %% [markdown]
# ## The naive gradient forgets the past
# Without time we would have $dL/dU = \frac{\partial L}{\partial S}\,\mathrm{sg}$ and $dL/dw = x^T\,dL/dU$ (`x.T` sums
# over the steps). But to treat each step on its own, and to add up the results, is far off:
#
# **Predict before you run.** The leak is 0.8: a fifth of the membrane is lost in each step. Is the gradient without
# time wrong by some 1 %, some 10 %, or far more?
#
# <details><summary>Answer</summary>
#
# Far more. A current acts on the membranes of some five steps, $1/(1 - 0.8)$, and the naive gradient sees only the
# first of them. The number is below.
#
# </details>

# %%
spk, mem = forward(w)
dspk = spk - y  # dL/dS[t], of shape (T, 3)
sg = surrogate.derivative(mem - threshold)  # dS[t]/dU[t]
naive = x.T @ (dspk * sg)
print(f"relative error without time: {error(naive):.0%}")
assert error(naive) > 0.1

# %% [markdown]
# ## The cure: walk back through time
# ![A neuron unrolled in time](../docs/drawings/unrolled.svg)
#
# Let $\delta U[t] = dL/dU[t]$ be *everything* that a change of $U[t]$ does to the loss. It acts in two ways: through
# its own spike, and through the next membrane, in which it appears twice, directly and inside $S[t]$:
#
# $$U[t+1] = \beta\,U[t] - \theta\,S[t] + \mathrm{cur}[t+1]$$
#
# Add up both ways:
#
# $$\delta U[t] = \frac{\partial L}{\partial S[t]}\,\mathrm{sg}[t] + \delta U[t+1]\,\big(\beta - \theta\,\mathrm{sg}[t]\big)$$
#
# After the last step there is nothing, so the walk begins there, with $\delta U[T] = 0$, and goes back. As $U[t]$
# contains $\mathrm{cur}[t]$ once, $\delta\mathrm{cur} = \delta U$, and $\delta w = \sum_t
# x[t]^T\,\delta\mathrm{cur}[t]$.


# %%
def backward(dspk, sg, detach_reset=False):
    """Return dL/dcur of shape (T, 3); with `detach_reset`, the term of the reset is left out."""
    dcur = np.zeros((num_steps, 3))
    du = np.zeros(3)
    for t in reversed(range(num_steps)):
        through_reset = 0 if detach_reset else threshold * sg[t]
        du = dspk[t] * sg[t] + du * (beta - through_reset)
        dcur[t] = du
    return dcur


exact = x.T @ backward(dspk, sg)
np.testing.assert_allclose(exact, judge, rtol=1e-6, atol=1e-8)

# %% [markdown]
# ## Proven equal to the library
# In `lif.backward` each line stands below the forward line that it undoes, with $V$, $r_0$ and $r_1$ of lesson 1. Like
# snnTorch, a library on top of PyTorch, it leaves out the term $\theta\,\mathrm{sg}$ by default (`detach_reset=True`,
# `q0 = q1 = 0`): it treats the reset as given. That is not the exact gradient.

# %%
print(source(lif.backward))
for detach in (False, True):
    # The library's arrays have a batch axis: shape (T, B, neurons) with B = 1.
    dcur = lif.backward(
        dspk[:, None],
        None,
        spk[:, None],
        mem[:, None],
        surrogate,
        beta,
        threshold,
        reset="subtract",
        detach_reset=detach,
    )
    np.testing.assert_allclose(dcur[:, 0], backward(dspk, sg, detach), rtol=1e-12, atol=1e-14)

# %% [markdown]
# ## How far back does it reach?
# Let only the last membrane count, with the reset detached: then each step back multiplies the gradient by $\beta$. So
# a neuron learns from roughly the last $1 + \beta + \beta^2 + \ldots = 1/(1-\beta)$ steps.
#
# **Predict before you run.** With a leak of 0.9, after how many steps back is a tenth of the gradient left?
#
# <details><summary>Answer</summary>
#
# After 22 steps: $0.9^{22} = 0.098$. With a leak of 0.5 it is 4 steps.
#
# </details>

# %%
silent = np.zeros((50, 1, 1))
dmem = np.zeros((50, 1, 1))
dmem[-1] = 1  # dL/dU is 1 at the last step and 0 before

reach = {}
for b in (0.5, 0.9, 0.98):
    dcur = lif.backward(silent, dmem, silent, silent, surrogate, b, threshold)[:, 0, 0]
    reach[b] = dcur[::-1]  # from the last step backwards
    np.testing.assert_allclose(reach[b], b ** np.arange(50))

# %% [markdown]
# The figure shows on the left all gradients of this lesson against the judge's, and on the right how a gradient fades
# on its way back.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
detached = x.T @ backward(dspk, sg, detach_reset=True)
for name, gradient, mark in (("without time", naive, "x"), ("reset detached", detached, "+"), ("BPTT", exact, "o")):
    label = f"{name}: error {error(gradient):.0e}"
    left.plot(judge.ravel(), gradient.ravel(), mark, ms=8, mfc="none", label=label)
left.axline((0, 0), slope=1, color="gray", lw=0.8)
left.set(xlabel="dL/dw by finite differences", ylabel="dL/dw computed")
for b in reach:
    right.semilogy(np.arange(50), reach[b], label=f"beta = {b}")
right.set(xlabel="steps before the last", ylabel="dL/dcur", ylim=(1e-4, 2))
left.legend()
right.legend()
save(
    figure,
    "04_gradients",
    "Left, gradients against finite differences: those of BPTT lie on the diagonal, those without time or "
    "with a detached reset do not. Right, a gradient fades on its way back, the faster the smaller beta.",
)

# %% [markdown]
# ## A whole network before the judge
# Between layers the gradient travels back through the weights: $\delta S = \delta\mathrm{cur}\,w^T$. With `smooth=True`
# the library replaces all steps by curves. Then the gradients of all 64 weights and biases of two layers agree with the
# judge. (The loss, `loss.rate`, is explained in lesson 5.)

# %%
net = Network("6-4", (5,), backend="numpy", dtype="float64", detach_reset=False, surrogate=surrogate, rng=rng)
inputs = rng.standard_normal((1, 3, 5))  # three images
labels = np.array([0, 1, 2])


def loss_with(param, values):
    """Return the loss of the network with other values in one of its parameters."""
    before = param.copy()
    param[...] = values
    run = net.forward(inputs, num_steps, smooth=True)
    param[...] = before
    value, dspk, dmem = loss.rate(run.spk, run.mem, labels, 4)
    return value


run = net.forward(inputs, num_steps, smooth=True)
_, dspk, _ = loss.rate(run.spk, run.mem, labels, 4)
gradients = net.backward(run, dspk)

for param, gradient in zip(net.params, gradients):
    by_differences = differences(lambda values: loss_with(param, values), param)
    np.testing.assert_allclose(gradient, by_differences, rtol=1e-5, atol=1e-8)

# %% [markdown]
# ## Leak and threshold have gradients too
# All neurons of a layer share $\beta$ and $\theta$, so their gradients are sums over steps, images and neurons. $\beta$
# multiplies the membrane of the step before; $\theta$ is subtracted before the step function, and again by a spike's
# reset:
#
# $$\delta\beta = \sum_t \delta U[t+1]\,U[t] \qquad \delta\theta = -\sum_t
# \Big(\frac{\partial L}{\partial S[t]} - \theta\,\delta U[t+1]\Big)\,\mathrm{sg}[t] + \delta U[t+1]\,S[t]$$
#
# That is for reset "subtract"; `lif.backward_constants` has all four. Detaching the reset leaves out
# $\theta\,\delta U[t+1]\,\mathrm{sg}[t]$ alone: what a given spike subtracts still depends on $\theta$, as in snnTorch.
#
# A training (`fit(..., learn="beta,threshold")`) may not leave $0 < \beta < 1$ and $\theta > 0$. So the optimiser changes
# a free number $a$ for each, with $\beta = 1/(1+e^{-a})$ and $\theta = e^a$, and the chain rule adds a factor:
# $\beta\,(1-\beta)$, and $\theta$ (`training/constants.py`).

# %%
*_, dbeta, dthreshold = net.backward(run, dspk, learn=["beta", "threshold"])


def loss_at(name, values):
    """Return the loss of the network with other leaks or thresholds."""
    before = getattr(net, name)
    setattr(net, name, values)
    changed = net.forward(inputs, num_steps, smooth=True)
    setattr(net, name, before)
    return loss.rate(changed.spk, changed.mem, labels, 4)[0]


for name, gradient in (("betas", dbeta), ("thresholds", dthreshold)):
    by_differences = differences(lambda values: loss_at(name, values), np.array(getattr(net, name)))
    np.testing.assert_allclose(gradient, by_differences, rtol=1e-5, atol=1e-8)
print(f"dL/dbeta by layer {dbeta.round(4)}, dL/dtheta {dthreshold.round(4)}")

# %% [markdown]
# ## Exercises
# Your file is [exercises/04_bptt.py](exercises/04_bptt.py): it has a place for each answer, and hints.
# `python -m tutorials.check 4` says what is right and what is wrong, and `4.2` looks at the second alone.
#
# 1. The judge errs too. Write `judge_errors(function, w, exact, epsilons)`, show the error for
#    $\epsilon = 10^{-1}, \ldots, 10^{-12}$ with the loss of the lesson, and assert that $10^{-6}$ is better than
#    both ends.
# 2. Derive the walk for reset "zero", $U[t+1] = \beta U[t](1 - S[t]) + \mathrm{cur}[t+1]$. Write
#    `backward_zero(dspk, sg, spk, mem, beta)` with the reset not detached, and assert with finite differences that
#    it is right.
# 3. *Truncated* BPTT follows each $\partial L/\partial S[t]$ through only $K$ steps: $t$ and the $K-1$ steps before
#    it. Write `truncated(dspk, sg, beta, threshold, K)` for reset "subtract". Assert that $K = 1$ is the naive
#    gradient and $K = T$ the exact one, and find the error in between.
