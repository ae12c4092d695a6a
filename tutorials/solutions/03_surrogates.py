# %% [markdown]
# # Solutions to lesson 3

# %%
import numpy as np

from minisnn import Surrogate, surrogate

rng = np.random.default_rng(0)
points = rng.random((200, 2))
wanted = (points.sum(axis=1) > 1).astype(float)
start = np.array([0.3, 0.5])


def loss(w):
    spikes = points @ w > 1
    return 0.5 * np.mean((spikes - wanted) ** 2)


def gradient(w, sg):
    u = points @ w
    error = (u > 1) - wanted
    return points.T @ (error * sg(u - 1)) / len(points)


# %% [markdown]
# ## 1
# The half-widths are $(\sqrt2 - 1)/k$ and $2/(\pi\alpha)$. They are equal for $k/\alpha = (\sqrt2-1)\,\pi/2 = 0.65$.
# The peaks are 1 and $\alpha/2$; `match_width_and_height` makes them equal by a factor, the gain.


# %%
def match_atan(alpha):
    return alpha * (np.sqrt(2) - 1) * np.pi / 2, alpha / 2


for alpha in (1.0, 2.0, 8.0):
    k, factor = match_atan(alpha)
    atan = Surrogate("atan", alpha)
    fast = surrogate.match_width("fast_sigmoid", atan)
    assert np.isclose(fast.scale, k)
    assert round(fast.scale / alpha, 2) == 0.65

    assert np.isclose(atan.peak, factor)
    assert fast.peak == 1
    assert np.isclose(surrogate.match_width_and_height("fast_sigmoid", atan).peak, atan.peak)

# %% [markdown]
# ## 2
# The neuron starts 0.2 or more below the threshold. There sg is at most $1/(1 + 0.2k)^2$: 0.69 for scale 1, but 0.0023
# for scale 100, so the first steps towards the threshold are tiny. (With a single layer, a surrogate that is too wide
# does no harm.)


# %%
def updates(loss, gradient, start):
    w = start.copy()
    for count in range(3000):
        if loss(w) < 0.02:
            return count
        w -= 2.0 * gradient(w)
    return 3000


def updates_with(sg):
    """Return the number of updates with a surrogate's derivative."""
    return updates(loss, lambda w: gradient(w, sg), start)


needed = {}
for scale in (1, 5, 25, 100):
    needed[scale] = updates_with(Surrogate("fast_sigmoid", float(scale)).derivative)
print("updates by scale:", needed)
assert max(needed, key=needed.get) == 100
assert needed[1] < needed[25] < needed[100]


# %% [markdown]
# ## 3
# The curve is the integral of the box: a straight ramp between -0.5 and 0.5, flat outside. The box reaches points that
# are less than 0.5 below the threshold. With a half-width below 0.2 it would reach none, and the neuron would be dead.


# %%
def box_curve(x):
    return np.clip(x, -0.5, 0.5)


def box(x):
    return (np.abs(x) < 0.5).astype(x.dtype)


ours = Surrogate("box", 1.0, functions=(box_curve, box))
x = np.linspace(-1, 1, 402)  # none of these points is a corner of the curve
slope = (ours.curve(x + 1e-6) - ours.curve(x - 1e-6)) / 2e-6
np.testing.assert_allclose(slope, ours.derivative(x), atol=1e-6)

assert updates_with(ours.derivative) < 300
assert not gradient(start, lambda x: np.abs(x) < 0.15).any()
