# %% [markdown]
# # Exercises of lesson 2
# Fill in the functions, then run `python -m tutorials.check 2` in a terminal. Try the hints one by one before you
# look at the [solutions](../solutions/02_encoding.py). The [lesson](../02_encoding.py) has the rest.

# %%
import numpy as np

# %% [markdown]
# ## 1
# How many spikes do the 100 images have when they are rate-coded with T = 17? Write
# `expected_count(level, num_steps)`, and assert that a run of `encode.rate` is within four standard deviations.
#
# <details><summary>Hint 1</summary>
#
# A pixel of level $p$ spikes in a step with the probability $p$: its number of spikes in that step is 0 or 1, with
# the mean $p$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# What is the variance of such a number? Means and variances of independent numbers add up.
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# Add up the *variances*, then take one root.
#
# </details>


# %%
def expected_count(level, num_steps):
    """Return the mean and the standard deviation of the number of spikes of all pixels in all steps."""
    raise NotImplementedError


# %% [markdown]
# ## 2
# How many different grey levels are left of the 17 after latency coding in T steps? Write
# `levels_left(num_steps, num_levels)`, and assert it with `encode.latency` and the lesson's `read_latency` for T =
# 5.
#
# <details><summary>Hint 1</summary>
#
# Each spike step stands for one level.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# What is read for a pixel that never spikes? Is it a new level?
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# Steps can be more than there are levels.
#
# </details>


# %%
def levels_left(num_steps, num_levels):
    """Return how many levels can still be told apart, of levels that are evenly spaced from 0 to 1."""
    raise NotImplementedError


# %% [markdown]
# ## 3
# Find a rate code without randomness: a neuron with $\beta = 1$, threshold 1, reset "subtract", and the level as
# its current. Write `regular(level, num_steps)`, assert that its estimate of the level errs by at most $1/T$, and
# compare its error with that of random spikes at T = 64.
#
# <details><summary>Hint 1</summary>
#
# What has not yet become a spike stays in the membrane, and waits.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# You may write the loop, or ask `lif.forward` for it.
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# At the level 1 the membrane reaches the threshold in the first step. Does it spike there?
#
# </details>


# %%
def regular(level, num_steps):
    """Return spikes 0 or 1 of shape (T, ...), for an array of levels from 0 to 1."""
    raise NotImplementedError
