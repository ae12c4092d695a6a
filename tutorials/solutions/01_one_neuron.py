# %% [markdown]
# # Solutions of lesson 1

# %%
import numpy as np

from minisnn import lif

rng = np.random.default_rng(0)
tau = 20.0
beta = np.exp(-1.0 / tau)

# %% [markdown]
# ## 1
# $\beta^n < 1/2$ means $n > \ln 2 / (-\ln\beta) = \tau\ln 2 = 13.86$: after 14 steps.

# %%
steps = int(np.floor(np.log(2) / -np.log(beta))) + 1
pulse = np.zeros((30, 1))
pulse[0] = 0.8  # below the threshold
_, mem = lif.forward(pulse, 30, beta, 1.0)
assert steps == 14
assert mem[steps - 1] >= 0.4 > mem[steps]

# %% [markdown]
# ## 2
# After $n$ steps from 0 the membrane is $R\,I\,(1-\beta^n)$. It is above $\theta = 1$ when
# $n > \ln(1 - 1/(R\,I)) / \ln\beta$: the next whole number above.

# %%
levels = np.linspace(0.5, 6, 200)
spk, _ = lif.forward((1 - beta) * levels[None], 2000, beta, 1.0, "zero")
for level, train in zip(levels, spk.T):
    if level > 1:
        n = int(np.floor(np.log(1 - 1 / level) / np.log(beta))) + 1
        assert (np.diff(np.flatnonzero(train)) == n).all()
        assert np.flatnonzero(train)[0] == n - 1  # step 0 already has one current in it
    else:
        assert not train.any()

# %% [markdown]
# ## 3
# Without a leak, "subtract" keeps what is above the threshold, "zero" throws it away. The state that is left after the
# last step is the last membrane minus its own reset.

# %%
for reset, share in (("subtract", 0.6), ("zero", 0.5)):
    spk, _ = lif.forward(np.full((1, 1), 0.6), 1000, 1.0, 1.0, reset)
    assert abs(spk.mean() - share) < 0.002
cur = rng.random((1000, 1))
spk, mem = lif.forward(cur, 1000, 1.0, 1.0, "subtract")
left = mem[-1] - 1.0 * spk[-1]
np.testing.assert_allclose(cur.sum(axis=0), spk.sum(axis=0) * 1.0 + left)
spk, mem = lif.forward(cur, 1000, 1.0, 1.0, "zero")
lost = cur.sum(axis=0) - spk.sum(axis=0) - mem[-1] * (1 - spk[-1])
print("subtract loses nothing; zero loses", round(float(lost[0]), 1), "of", round(float(cur.sum()), 1))
assert lost > 50
