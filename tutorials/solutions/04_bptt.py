# %% [markdown]
# # Solutions of lesson 4

# %%
import numpy as np

from minisnn import Surrogate, lif

rng = np.random.default_rng(0)
beta, threshold, num_steps = 0.8, 1.0, 12
surrogate = Surrogate("sigmoid", 4.0)
x = (rng.random((num_steps, 5)) < 0.4).astype(float)
w = rng.normal(0.3, 1, (5, 3))
y = (rng.random((num_steps, 3)) < 0.3).astype(float)


def forward(w, reset="subtract"):
    spk, mem = lif.forward((x @ w)[:, None], num_steps, beta, threshold, reset, step=surrogate.curve)
    return spk[:, 0], mem[:, 0]


def loss_of(w, reset="subtract"):
    return 0.5 * np.sum((forward(w, reset)[0] - y) ** 2)


def differences(function, w, epsilon=1e-6):
    moves = epsilon * np.eye(w.size).reshape(-1, *w.shape)
    return np.reshape([function(w + e) - function(w - e) for e in moves], w.shape) / (2 * epsilon)


def by_library(w, reset="subtract"):
    spk, mem = forward(w, reset)
    dcur = lif.backward(
        (spk - y)[:, None], None, spk[:, None], mem[:, None], surrogate, beta, threshold, reset, detach_reset=False
    )
    return x.T @ dcur[:, 0]


# %% [markdown]
# ## 1
# A large $\epsilon$ errs because the loss is curved, as $\epsilon^2$. A small one errs because two almost equal numbers
# of some 16 digits are subtracted, as $10^{-16}/\epsilon$. In between lies the best.

# %%
exact = by_library(w)
errors = {k: np.abs(differences(loss_of, w, 10.0**-k) - exact).max() for k in range(1, 13)}
for k, value in errors.items():
    print(f"epsilon 1e-{k}: error {value:.1e}")
assert errors[6] < errors[1] and errors[6] < errors[12]

# %% [markdown]
# ## 2
# In $U[t+1] = \beta\,U[t]\,(1 - S[t]) + \mathrm{cur}[t+1]$ both factors depend on $U[t]$, so by the product rule
#
# $$\delta U[t] = \frac{\partial L}{\partial S[t]}\,\mathrm{sg}[t]
#   + \delta U[t+1]\,\big(\beta\,(1 - S[t]) - \beta\,U[t]\,\mathrm{sg}[t]\big)$$

# %%
spk, mem = forward(w, "zero")
sg = surrogate.derivative(mem - threshold)
du, dcur = np.zeros(3), np.zeros((num_steps, 3))
for t in reversed(range(num_steps)):
    du = (spk - y)[t] * sg[t] + du * (beta * (1 - spk[t]) - beta * mem[t] * sg[t])
    dcur[t] = du
np.testing.assert_allclose(x.T @ dcur, by_library(w, "zero"), rtol=1e-12, atol=1e-14)
np.testing.assert_allclose(x.T @ dcur, differences(lambda w: loss_of(w, "zero"), w), rtol=1e-6, atol=1e-8)

# %% [markdown]
# ## 3
# Start a walk at each step alone, and stop it after $K$ steps; the sum of all walks is the gradient, as the walk is
# linear in $\partial L/\partial S$.

# %%
spk, mem = forward(w)
sg = surrogate.derivative(mem - threshold)


def truncated(most):
    dcur = np.zeros((num_steps, 3))
    for end in range(num_steps):
        du = (spk - y)[end] * sg[end]
        for t in range(end, max(end - most, -1), -1):
            if t < end:
                du = du * (beta - threshold * sg[t])
            dcur[t] += du
    return x.T @ dcur


errors = [np.abs(truncated(most) - exact).max() for most in range(1, num_steps + 1)]
print("error by K:", np.round(errors, 4))
np.testing.assert_allclose(truncated(1), x.T @ ((spk - y) * sg))
np.testing.assert_allclose(truncated(num_steps), exact, rtol=1e-12, atol=1e-14)
assert errors[5] < errors[0] / 2
