# %% [markdown]
# # Solutions to lesson 1

# %%
import numpy as np

from minisnn import lif

rng = np.random.default_rng(0)
tau = 20.0  # ms
beta = np.exp(-1.0 / tau)  # steps of 1 ms

# %% [markdown]
# ## 1
# $\beta^n < 1/2$ means $n > \ln 2 / (-\ln\beta) = \tau\ln 2 = 13.86$: after 14 steps.


# %%
def steps_to_half(beta):
    return int(np.floor(np.log(0.5) / np.log(beta))) + 1


steps = steps_to_half(beta)
assert steps == 14

pulse = np.zeros((30, 1))
pulse[0] = 0.8  # below the threshold, so that no reset interferes
_, mem = lif.forward(pulse, 30, beta, 1.0)
assert mem[steps - 1] >= 0.4 > mem[steps]

# %% [markdown]
# ## 2
# After $n$ steps from 0 the membrane is $R\,I\,(1-\beta^n)$. It is above $\theta = 1$ when $n > \ln(1 - 1/(R\,I)) /
# \ln\beta$, so $n$ is the next larger whole number.


# %%
def steps_between(level, beta):
    if level <= 1:
        return 0  # it never spikes
    return int(np.floor(np.log(1 - 1 / level) / np.log(beta))) + 1


levels = np.linspace(0.5, 6, 200)
spk, _ = lif.forward((1 - beta) * levels[None], 2000, beta, 1.0, "zero")
for level, train in zip(levels, spk.T):
    spike_steps = np.flatnonzero(train)
    n = steps_between(level, beta)
    if n:
        assert (np.diff(spike_steps) == n).all()
        assert spike_steps[0] == n - 1  # steps count from 0, and step 0 already adds one current
    else:
        assert not train.any()

# %% [markdown]
# ## 3
# Without a leak, "subtract" keeps what is above the threshold, and "zero" throws it away: with a current of 0.6 the
# neuron spikes in 60 % of the steps, and in 50 %.

# %%
for reset, share in (("subtract", 0.6), ("zero", 0.5)):
    spk, _ = lif.forward(np.full((1, 1), 0.6), 1000, 1.0, 1.0, reset)
    assert abs(spk.mean() - share) < 0.002

# %% [markdown]
# What is left after the last step is the last membrane minus the reset of the last spike.


# %%
def account(cur, threshold):
    spk, mem = [], []
    u, s = 0.0, 0.0
    for current in cur:
        u = u - threshold * s + current
        s = float(u > threshold)
        spk.append(s)
        mem.append(u)
    return np.array(spk), np.array(mem), u - threshold * s


cur = rng.random((1000, 1))
our_spk, our_mem, our_left = account(cur[:, 0], 1.0)
assert np.isclose(cur.sum(), our_spk.sum() + our_left)

spk, mem = lif.forward(cur, 1000, 1.0, 1.0, "subtract")
np.testing.assert_array_equal(mem[:, 0], our_mem)
left = mem[-1] - 1.0 * spk[-1]
np.testing.assert_allclose(cur.sum(axis=0), spk.sum(axis=0) * 1.0 + left)

spk, mem = lif.forward(cur, 1000, 1.0, 1.0, "zero")
left = mem[-1] * (1 - spk[-1])
lost = float((cur.sum(axis=0) - spk.sum(axis=0) - left)[0])
print(f'"subtract" loses nothing; "zero" loses {lost:.1f} of {cur.sum():.1f}')
assert lost > 50
