# %% [markdown]
# # 4. Backpropagation through time, by hand
# What a weight does at one step stays in the membranes of later ones, so the gradient must go back along the steps. This
# is *backpropagation through time*, BPTT: three lines, derived here, and checked. You need lessons 1 and 3.

# %%
import matplotlib.pyplot as plt
import numpy as np
from common import save, source  # source: inspect.getsource without the docstring

from minisnn import Network, Surrogate, lif, loss

rng = np.random.default_rng(0)
beta, threshold, num_steps = 0.8, 1.0, 12
surrogate = Surrogate("sigmoid", 4.0)

# %% [markdown]
# ## A layer, and a loss
# 5 inputs, 3 neurons; wanted are random spikes $Y$: $L = \frac12\sum_t\sum_j (S_j[t] - Y_j[t])^2$. A step has no
# derivative to check (lesson 3). So for the check, and only for it, we swap the step for the surrogate's smooth *curve*:
# then sg is the true derivative of $S$, and BPTT must be exact.

# %%
x = (rng.random((num_steps, 5)) < 0.4).astype(float)  # input spikes
w = rng.normal(0.3, 1, (5, 3))
y = (rng.random((num_steps, 3)) < 0.3).astype(float)  # wanted spikes


def forward(w):
    u, s, spk, mem = np.zeros(3), np.zeros(3), [], []
    for t in range(num_steps):
        u = beta * u - threshold * s + x[t] @ w
        s = surrogate.curve(u - threshold)
        spk, mem = spk + [s], mem + [u]
    return np.array(spk), np.array(mem)


# %% [markdown]
# ## The judge: finite differences
# Move one weight by $\pm\epsilon$, run again, and see what the loss does:
# $\frac{\partial L}{\partial w_i} \approx \frac{L(w + \epsilon e_i) - L(w - \epsilon e_i)}{2\epsilon}$. It is slow, two
# runs for each weight, but it cannot be derived wrongly.


# %%
def differences(function, w, epsilon=1e-6):
    moves = epsilon * np.eye(w.size).reshape(-1, *w.shape)  # one for each weight
    return np.reshape([function(w + e) - function(w - e) for e in moves], w.shape) / (2 * epsilon)


def error(gradient):
    return float(np.abs(gradient - judge).max() / np.abs(judge).max())


judge = differences(lambda w: 0.5 * np.sum((forward(w)[0] - y) ** 2), w)

# %% [markdown]
# ## The naive gradient forgets the past
# Without time, $dL/dU = \frac{\partial L}{\partial S}\,\mathrm{sg}$ and $dL/dw = x^T\,dL/dU$ (`x.T`: sum over the steps).
# To take each step for itself, and add up, is wrong by far:

# %%
spk, mem = forward(w)
dspk = spk - y  # dL/dS[t], of shape (T, 3)
sg = surrogate.derivative(mem - threshold)  # dS[t]/dU[t]
naive = x.T @ (dspk * sg)
print(f"relative error without time: {error(naive):.0%}")
assert error(naive) > 0.1

# %% [markdown]
# ## The cure: walk back through time
# Write $\delta U[t] = dL/dU[t]$, *all* that a change of $U[t]$ does. There are two ways from $U[t]$ to the loss: its own
# spike, and the next membrane, $U[t+1] = \beta\,U[t] - \theta\,S[t] + \mathrm{cur}[t+1]$, in which it stands twice, as it
# is and within $S[t]$:
# $$\delta U[t] = \frac{\partial L}{\partial S[t]}\,\mathrm{sg}[t] + \delta U[t+1]\,\big(\beta - \theta\,\mathrm{sg}[t]\big)$$
# After the last step there is nothing, so the walk starts there with $\delta U[T] = 0$ and goes back. As
# $U[t]$ contains $\mathrm{cur}[t]$ once, $\delta\mathrm{cur} = \delta U$, and $\delta w = \sum_t x[t]^T\,\delta\mathrm{cur}[t]$.


# %%
def backward(dspk, sg, detach_reset=False):
    du, dcur = np.zeros(3), np.zeros((num_steps, 3))
    for t in reversed(range(num_steps)):
        du = dspk[t] * sg[t] + du * (beta - (0 if detach_reset else threshold * sg[t]))
        dcur[t] = du
    return dcur


exact = x.T @ backward(dspk, sg)
np.testing.assert_allclose(exact, judge, rtol=1e-6, atol=1e-8)

# %% [markdown]
# ## Proven equal to the library's
# In `lif.backward` each line stands below the forward line that it undoes, with $V$, $r_0$, $r_1$ of lesson 1. Like snnTorch,
# a library on top of PyTorch, it leaves the term $\theta\,\mathrm{sg}$ out by default (`detach_reset=True`, `q0 = q1 = 0`):
# the reset is taken as given. That is not the exact gradient.

# %%
print(source(lif.backward))
for detach in (False, True):
    dcur = lif.backward(dspk[:, None], None, spk[:, None], mem[:, None], surrogate, beta, threshold, "subtract", detach)
    np.testing.assert_allclose(dcur[:, 0], backward(dspk, sg, detach), rtol=1e-12, atol=1e-14)

# %% [markdown]
# ## How far back does it reach?
# Let only the last membrane count, with the reset detached: each step back multiplies by $\beta$. A neuron learns from some
# $1 + \beta + \beta^2 + \ldots = 1/(1-\beta)$ steps. Left in the figure: all gradients of this lesson beside the judge's.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
detached = x.T @ backward(dspk, sg, detach_reset=True)
for name, gradient, mark in (("without time", naive, "x"), ("reset detached", detached, "+"), ("BPTT", exact, "o")):
    left.plot(judge.ravel(), gradient.ravel(), mark, ms=8, mfc="none", label=f"{name}: error {error(gradient):.0e}")
left.axline((0, 0), slope=1, color="gray", lw=0.8)
left.set(xlabel="dL/dw by finite differences", ylabel="dL/dw computed")
quiet, dmem = np.zeros((50, 1, 1)), np.eye(50)[-1].reshape(50, 1, 1)  # dL/dU is 1 at the last step
for b in (0.5, 0.9, 0.98):
    dcur = lif.backward(quiet, dmem, quiet, quiet, surrogate, b, threshold)[:, 0, 0]
    np.testing.assert_allclose(dcur[::-1], b ** np.arange(50))
    right.semilogy(np.arange(50), dcur[::-1], label=f"beta = {b}")
right.set(xlabel="steps before the last", ylabel="dL/dcur", ylim=(1e-4, 2))
left.legend()
right.legend()
save(figure, "04_gradients")

# %% [markdown]
# ## A whole network before the judge
# Between layers the gradient goes back through the weights: $\delta S = \delta\mathrm{cur}\,w^T$. `smooth=True` swaps all
# steps for curves; all 64 weights and biases of two layers agree with the judge. (`loss.rate`: lesson 5.)

# %%
net = Network("6-4", (5,), backend="numpy", dtype="float64", detach_reset=False, surrogate=surrogate, rng=rng)
inputs, labels = rng.standard_normal((1, 3, 5)), np.array([0, 1, 2])
run = net.forward(inputs, num_steps, smooth=True)
for index, grad in enumerate(net.backward(run, loss.rate(run.spk, run.mem, labels, 4)[1])):
    own = net.params[index]

    def loss_with(param):
        net.params[index] = param
        again = net.forward(inputs, num_steps, smooth=True)
        return loss.rate(again.spk, again.mem, labels, 4)[0]

    np.testing.assert_allclose(grad, differences(loss_with, own), rtol=1e-5, atol=1e-8)
    net.params[index] = own

# %% [markdown]
# ## Exercises
# 1. Show the judge's own error for $\epsilon = 10^{-1}, \ldots, 10^{-12}$, and assert that $10^{-6}$ beats both ends.
# 2. Derive the walk for reset "zero", $U[t+1] = \beta U[t](1 - S[t]) + \mathrm{cur}[t+1]$; assert it (`detach_reset=False`).
# 3. *Truncated* BPTT follows each $\partial L/\partial S[t]$ through $K$ steps: $t$, and $K-1$ before it. Write it for one
#    layer: assert that $K = 1$ is the naive gradient and $K = T$ the exact one, and find the error in between.
