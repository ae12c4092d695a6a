# %% [markdown]
# # Solutions of lesson 2

# %%
import numpy as np

from minisnn import encode, lif, load_data

rng = np.random.default_rng(0)
data = load_data("digits")
x, max_value = data.x_test[:100], data.max_value
level = x / max_value
steps = np.array([2, 4, 8, 16, 32, 64, 128])

# %% [markdown]
# ## 1
# The count of one pixel has the mean $T\,p$ and the variance $T\,p\,(1-p)$; pixels and steps are independent, so both
# are summed over the pixels.

# %%
num_steps = 17
mean = num_steps * level.sum()
deviation = np.sqrt(num_steps * (level * (1 - level)).sum())
count = encode.rate(x, num_steps, max_value, rng).sum()
print(f"{count} spikes where {mean:.0f} +- {deviation:.0f} are expected")
assert abs(count - mean) < 4 * deviation

# %% [markdown]
# ## 2
# Rounding errs by at most half a step. With T = 5 the spike times 0 to 4 stand for the levels 1, 3/4, 1/2, 1/4 and 0;
# a black pixel is read as 0 as well: five levels are left.


# %%
def read_latency(spk):
    return np.where(spk.any(axis=0), 1 - spk.argmax(axis=0) / (len(spk) - 1), 0)


for T in steps:
    error = np.abs(read_latency(encode.latency(x, T, max_value)) - level)
    assert error.max() <= 0.5 / (T - 1) + 1e-12
assert len(np.unique(read_latency(encode.latency(np.arange(17), 5, 16)))) == 5

# %% [markdown]
# ## 3
# Without a leak and with reset "subtract" nothing is lost: what is not yet a spike stays in the membrane, at most one
# threshold of it. So the count errs by at most 1, whatever T: the error falls as $1/T$, that of chance as
# $1/\sqrt{T}$.

# %%
for T in steps:
    spk, _ = lif.forward(level[None], T, beta=1.0, threshold=1.0, reset="subtract")
    assert np.abs(spk.mean(axis=0) - level).max() <= 1 / T
T = 64
spk, _ = lif.forward(level[None], T, 1.0, 1.0)
without = np.sqrt(np.mean((spk.mean(axis=0) - level) ** 2))
chance = np.sqrt(np.mean((encode.rate(x, T, max_value, rng).mean(axis=0) - level) ** 2))
print(f"RMS error at T = {T}: {without:.4f} without chance, {chance:.4f} with it")
assert without < chance / 3
