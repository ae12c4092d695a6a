# %% [markdown]
# # Exercises of lesson 9
# Fill in the functions, then run `python -m tutorials.check 9` in a terminal. Try the hints one by one before you
# look at the [solutions](../solutions/09_one_neuron_in_gates.py). The [lesson](../09_one_neuron_in_gates.py) has
# the rest.

# %%
import numpy as np
from myhdl import Signal, always, block, intbv

# %% [markdown]
# ## 1
# Write a block `three_registers(clk, d, third)`, and assert that its output is the input of three cycles before.
#
# <details><summary>Hint 1</summary>
#
# A register is one cycle later than its input. Three in a row are three cycles later.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Two signals more are needed, as wide as `d`: `Signal(intbv(0)[len(d):])`.
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# All assignments to `.next` happen at the same clock edge, whatever their order.
#
# </details>


# %%
@block
def three_registers(clk, d, third):
    """Pass the number d on to third, three cycles later."""
    raise NotImplementedError


# %% [markdown]
# ## 2
# Run the library's `lif` with `reset="zero"`, and assert that it equals `fixed.lif.fire` (where this reset is
# number 2). First write what both compute for one neuron: `fire_zero(v, addend, threshold, beta, frac)`, with
# states of 8 bits.
#
# <details><summary>Hint 1</summary>
#
# First the sum, saturated to -128..127; then the comparison; then the leak.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# The leak is `(beta * u) >> frac`.
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# After a spike, reset zero keeps nothing.
#
# </details>


# %%
def fire_zero(v, addend, threshold, beta, frac):
    """Return the spike (0 or 1) and the kept state of one neuron in a firing pass; all are integers."""
    raise NotImplementedError


# %% [markdown]
# ## 3
# Write `counter(clk, spike, count)`: it counts spikes and *saturates* at the largest number that `count` can hold.
# Assert it with 40 random spikes against NumPy.
#
# <details><summary>Hint 1</summary>
#
# `count.max` is the first number that does *not* fit.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Count only where there is a spike *and* room.
#
# </details>


# %%
@block
def counter(clk, spike, count):
    """Count the cycles in which spike is 1, up to count.max - 1."""
    raise NotImplementedError
