# %% [markdown]
# # Solutions to lesson 2

# %%
import numpy as np

from minisnn import encode, lif, load_data

rng = np.random.default_rng(0)
data = load_data("digits")
x = data.x_test[:100]
max_value = data.max_value
level = x / max_value
steps = np.array([2, 4, 8, 16, 32, 64, 128])

# %% [markdown]
# ## 1
# The spike count of one pixel has the mean $T\,p$ and the variance $T\,p\,(1-p)$. Pixels and steps are independent, so
# means and variances both add up over the pixels.


# %%
def expected_count(level, num_steps):
    mean = num_steps * level.sum()
    variance = num_steps * (level * (1 - level)).sum()
    return mean, np.sqrt(variance)


num_steps = 17
mean, deviation = expected_count(level, num_steps)
count = encode.rate(x, num_steps, max_value, rng).sum()
print(f"{count} spikes, {mean:.0f} +- {deviation:.0f} expected")
assert abs(count - mean) < 4 * deviation

# %% [markdown]
# ## 2
# Rounding errs by at most half a step. With T = 5 the spike steps 0 to 4 stand for the levels 1, 3/4, 1/2, 1/4 and 0; a
# black pixel is also read as 0. So five levels are left.


# %%
def read_latency(spk):
    first = spk.argmax(axis=0)
    return np.where(spk.any(axis=0), 1 - first / (len(spk) - 1), 0)


for T in steps:
    error = np.abs(read_latency(encode.latency(x, T, max_value)) - level)
    assert error.max() <= 0.5 / (T - 1) + 1e-12


def levels_left(num_steps, num_levels):
    return min(num_steps, num_levels)


all_levels = np.arange(17)
assert len(np.unique(read_latency(encode.latency(all_levels, 5, 16)))) == levels_left(5, 17) == 5

# %% [markdown]
# ## 3
# Without a leak and with reset "subtract" nothing is lost: what has not yet become a spike stays in the membrane, and
# that is at most one threshold. So the count errs by at most 1, whatever T is: the error of the estimate falls as
# $1/T$, that of random spikes only as $1/\sqrt{T}$.


# %%
def regular(level, num_steps):
    spk, _ = lif.forward(level[None], num_steps, beta=1.0, threshold=1.0, reset="subtract")
    return spk


for T in steps:
    spk = regular(level, T)
    assert np.abs(spk.mean(axis=0) - level).max() <= 1 / T

T = 64
spk = regular(level, T)
regular_error = np.sqrt(np.mean((spk.mean(axis=0) - level) ** 2))
random_spikes = encode.rate(x, T, max_value, rng)
random_error = np.sqrt(np.mean((random_spikes.mean(axis=0) - level) ** 2))
print(f"RMS error at T = {T}: {regular_error:.4f} without randomness, {random_error:.4f} with it")
assert regular_error < random_error / 3
