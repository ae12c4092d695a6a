# %% [markdown]
# # Exercises of lesson 14
# Fill in the functions, then run `python -m tutorials.check 14` in a terminal. Try the hints one by one before you
# look at the [solutions](../solutions/14_your_own.py). The [lesson](../14_your_own.py) has the rest.

# %%
import numpy as np
from myhdl import Signal, always, block, intbv

# %% [markdown]
# ## 1
# Add the surrogate "boxcar" (1 inside |x| < w, else 0) with its curve. Which points must proof 1 leave out, and
# why? Write `corners(x, w, h)`, where h is the step of the finite differences.
#
# <details><summary>Hint 1</summary>
#
# Where has the curve no derivative?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# The difference at x looks at x - h and x + h. It is wrong if a corner lies between them.
#
# </details>


# %%
def corners(x, w, h):
    """Return True for each point of an array x that must be left out."""
    raise NotImplementedError


# %% [markdown]
# ## 2
# Write a neuron in NumPy that cannot spike in two steps in a row (it is *refractory*):
# `refractory(cur, beta, threshold)`. Assert with random currents that it never does, and that it equals
# `lif.forward` up to the first spike.
#
# <details><summary>Hint 1</summary>
#
# Keep the spikes of the step before.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# A neuron spikes if its membrane is above the threshold *and* it did not spike in the step before.
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# Only a spike that is sent pays the reset.
#
# </details>


# %%
def refractory(cur, beta, threshold):
    """Return the spikes for currents of shape (T, neurons), with reset "subtract"."""
    raise NotImplementedError


# %% [markdown]
# ## 3
# Write the average pool of one lane as a MyHDL block, `avgpool`, with the ports of `minisnn_hw.maxpool`, except
# that `spike` has 1 bit and `word`, the sum, has 3 bits. Assert it against NumPy.
#
# <details><summary>Hint 1</summary>
#
# From `first` to `last` the spikes of a window are counted, in cycles in which `valid` is 1.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# At `first` the count begins anew, with the spike of this neuron.
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# `word` and `word_valid` are registers: they show the sum one cycle after `last`.
#
# </details>


# %%
@block
def avgpool(clk, valid, first, last, spike, word_valid, word):
    """Count the spikes of each window: word is the sum, and word_valid 1, one cycle after last."""
    raise NotImplementedError
