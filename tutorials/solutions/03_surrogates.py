# %% [markdown]
# # Solutions of lesson 3

# %%
import numpy as np

from minisnn import Surrogate, surrogate

rng = np.random.default_rng(0)
points = rng.random((200, 2))
wanted = (points.sum(axis=1) > 1).astype(float)
start = np.array([0.3, 0.5])


def loss(w):
    return 0.5 * np.mean(((points @ w > 1) - wanted) ** 2)


def gradient(w, sg):
    u = points @ w
    return points.T @ (((u > 1) - wanted) * sg(u - 1)) / len(points)


# %% [markdown]
# ## 1
# Half-widths: $(\sqrt2 - 1)/k$ and $2/(\pi\alpha)$. They agree for $k/\alpha = (\sqrt2-1)\,\pi/2 = 0.65$. The peaks are 1
# and $\alpha/2$; `match_width_and_height` makes them equal by a factor, the gain.

# %%
for alpha in (1.0, 2.0, 8.0):
    atan = Surrogate("atan", alpha)
    fast = surrogate.match_width("fast_sigmoid", atan)
    assert np.isclose(fast.scale / alpha, (np.sqrt(2) - 1) * np.pi / 2) and round(fast.scale / alpha, 2) == 0.65
    assert np.isclose(atan.peak, alpha / 2) and fast.peak == 1
    assert np.isclose(surrogate.match_width_and_height("fast_sigmoid", atan).peak, atan.peak)

# %% [markdown]
# ## 2
# The neuron starts 0.2 and more below the threshold. There sg is at most $1/(1 + 0.2k)^2$: 0.69 for scale 1, 0.0023 for
# scale 100, so the first steps towards the threshold are tiny. (One that is too wide is no harm with a single layer.)


# %%
def updates(sg, most=3000):
    w = start.copy()
    for count in range(most):
        if loss(w) < 0.02:
            return count
        w -= 2.0 * gradient(w, sg)
    return most


needed = {scale: updates(Surrogate("fast_sigmoid", float(scale)).derivative) for scale in (1, 5, 25, 100)}
print("updates by scale:", needed)
assert max(needed, key=needed.get) == 100 and needed[1] < needed[25] < needed[100]


# %% [markdown]
# ## 3
# The curve is the integral of the box: a straight ramp between -0.5 and 0.5, flat outside. The box reaches points that
# are less than 0.5 below the threshold; with a half-width below 0.2 it would reach none, and the neuron would be dead.


# %%
def curve(x):
    return np.clip(x, -0.5, 0.5)


def box(x):
    return (np.abs(x) < 0.5).astype(x.dtype)


mine = Surrogate("box", 1.0, functions=(curve, box))
x = np.linspace(-1, 1, 402)  # none of them is a corner
np.testing.assert_allclose((mine.curve(x + 1e-6) - mine.curve(x - 1e-6)) / 2e-6, mine.derivative(x), atol=1e-6)
assert updates(mine.derivative) < 300
assert not gradient(start, lambda x: np.abs(x) < 0.15).any()
