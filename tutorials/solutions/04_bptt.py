# %% [markdown]
# # Solutions to lesson 4

# %%
import numpy as np

from minisnn import Surrogate, lif

rng = np.random.default_rng(0)
num_steps, beta, threshold = 12, 0.8, 1.0
surrogate = Surrogate("sigmoid", 4.0)
x = (rng.random((num_steps, 5)) < 0.4).astype(float)
w = rng.normal(0.3, 1, (5, 3))
y = (rng.random((num_steps, 3)) < 0.3).astype(float)


def forward(w, reset="subtract"):
    spk, mem = lif.forward((x @ w)[:, None], num_steps, beta, threshold, reset, step=surrogate.curve)
    return spk[:, 0], mem[:, 0]


def loss_of(w, reset="subtract"):
    spk, _ = forward(w, reset)
    return 0.5 * np.sum((spk - y) ** 2)


def differences(function, w, epsilon=1e-6):
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        move = np.zeros_like(w)
        move[i] = epsilon
        gradient[i] = (function(w + move) - function(w - move)) / (2 * epsilon)
    return gradient


def by_library(w, reset="subtract"):
    spk, mem = forward(w, reset)
    dspk = spk - y
    dcur = lif.backward(
        dspk[:, None], None, spk[:, None], mem[:, None], surrogate, beta, threshold, reset, detach_reset=False
    )
    return x.T @ dcur[:, 0]


# %% [markdown]
# ## 1
# A large $\epsilon$ errs because the loss is curved; this error grows as $\epsilon^2$. A small one errs because two
# almost equal numbers of some 16 digits are subtracted; this error grows as $10^{-16}/\epsilon$. The best lies in
# between.


# %%
def judge_errors(function, w, exact, epsilons):
    return np.array([np.abs(differences(function, w, epsilon) - exact).max() for epsilon in epsilons])


exact = by_library(w)
exponents = range(1, 13)
errors = dict(zip(exponents, judge_errors(loss_of, w, exact, [10.0**-k for k in exponents])))
for k in exponents:
    print(f"epsilon 1e-{k}: error {errors[k]:.1e}")
assert errors[6] < errors[1]
assert errors[6] < errors[12]

# %% [markdown]
# ## 2
# In $U[t+1] = \beta\,U[t]\,(1 - S[t]) + \mathrm{cur}[t+1]$ both factors depend on $U[t]$, so by the product rule
#
# $$\delta U[t] = \frac{\partial L}{\partial S[t]}\,\mathrm{sg}[t]
#   + \delta U[t+1]\,\big(\beta\,(1 - S[t]) - \beta\,U[t]\,\mathrm{sg}[t]\big)$$


# %%
def backward_zero(dspk, sg, spk, mem, beta):
    dcur = np.zeros_like(dspk)
    du = np.zeros_like(dspk[0])
    for t in reversed(range(len(dspk))):
        du = dspk[t] * sg[t] + du * (beta * (1 - spk[t]) - beta * mem[t] * sg[t])
        dcur[t] = du
    return dcur


spk, mem = forward(w, "zero")
sg = surrogate.derivative(mem - threshold)
gradient = x.T @ backward_zero(spk - y, sg, spk, mem, beta)
np.testing.assert_allclose(gradient, by_library(w, "zero"), rtol=1e-12, atol=1e-14)

judge = differences(lambda changed: loss_of(changed, "zero"), w)
np.testing.assert_allclose(gradient, judge, rtol=1e-6, atol=1e-8)

# %% [markdown]
# ## 3
# Begin a separate walk at each step, and stop it after $K$ steps. The sum of all walks is the gradient, because the
# walk is linear in $\partial L/\partial S$.


# %%
def truncated(dspk, sg, beta, threshold, K):
    dcur = np.zeros_like(dspk)
    for last in range(len(dspk)):
        du = dspk[last] * sg[last]
        dcur[last] += du
        for t in range(last - 1, max(last - K, -1), -1):
            du = du * (beta - threshold * sg[t])
            dcur[t] += du
    return dcur


spk, mem = forward(w)
dspk = spk - y
sg = surrogate.derivative(mem - threshold)


def gradient_through(K):
    return x.T @ truncated(dspk, sg, beta, threshold, K)


errors = [np.abs(gradient_through(K) - exact).max() for K in range(1, num_steps + 1)]
print("error for K = 1, 2, ...:", np.round(errors, 4))
np.testing.assert_allclose(gradient_through(1), x.T @ (dspk * sg))
np.testing.assert_allclose(gradient_through(num_steps), exact, rtol=1e-12, atol=1e-14)
assert errors[5] < errors[0] / 2
