# %% [markdown]
# # Exercises of lesson 7
# Fill in the functions, then run `python -m tutorials.check 7` in a terminal. Try the hints one by one before you
# look at the [solutions](../solutions/07_fast.py). The [lesson](../07_fast.py) has the rest.

# %%
import numpy as np

# %% [markdown]
# ## 1
# Sums of floats depend on their order. Write `sum_in_order(values, order)` in float32, and assert that
# `linear.forward` and the sparse kernel differ for normal weights, by less than 1e-5 of the largest current.
#
# <details><summary>Hint 1</summary>
#
# A sum in float32 is rounded after *every* addition.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Keep the sum in a `np.float32`; Python's own floats have 53 bits.
#
# </details>


# %%
def sum_in_order(values, order):
    """Return values[order[0]] + values[order[1]] + ..., each sum rounded to float32."""
    raise NotImplementedError


# %% [markdown]
# ## 2
# Write a fused pass of your own: `fused(cur, beta, threshold)`, from currents (T, B, H, W, C) to pooled spikes,
# with reset "subtract". Assert that its spikes are those of `kernels.fire.forward`. Decorate it with `numba.njit`,
# if you like.
#
# <details><summary>Hint 1</summary>
#
# Only the states of one step need an array.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# A pooled spike is the OR of its four neurons, and those are at (2y, 2x) and its neighbours.
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# The pool comes after the neurons: a maximum of currents is another network.
#
# </details>


# %%
def fused(cur, beta, threshold):
    """Return the spikes after a pool of 2x2, of shape (T, B, H/2, W/2, C)."""
    raise NotImplementedError


# %% [markdown]
# ## 3
# How much memory does an additional step cost the reference at least? Write
# `more_bytes(neurons, batch, more_steps)`, measure the peak of `gradients` for T = 5 and 20 with both backends, and
# assert that the kernels need less than half of your number.
#
# <details><summary>Hint 1</summary>
#
# For the way back the reference keeps two arrays for each layer: which?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# A float32 has 4 bytes. The arrays have a place for each step, image and neuron.
#
# </details>


# %%
def more_bytes(neurons, batch, more_steps):
    """Return the bytes that more steps take; neurons is a list with the number of neurons of each layer."""
    raise NotImplementedError
