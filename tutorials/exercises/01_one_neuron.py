# %% [markdown]
# # Exercises of lesson 1
# Fill in the functions, then run `python -m tutorials.check 1` in a terminal. Try the hints one by one before you
# look at the [solutions](../solutions/01_one_neuron.py). The [lesson](../01_one_neuron.py) has the rest.

# %%
import numpy as np

# %% [markdown]
# ## 1
# After how many steps is the membrane of a silent neuron (no current) below half of its first value? Write
# `steps_to_half(beta)`, and assert with `lif.forward` and a current in the first step alone that it is right.
#
# <details><summary>Hint 1</summary>
#
# After $n$ steps the share $\beta^n$ of the membrane is left.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Solve $\beta^n < 1/2$ for $n$ with logarithms. Which way does the sign turn when you divide by $\ln\beta$, which
# is negative?
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# $n$ is a whole number. Try $\beta = 1/2$: after one step exactly half is left, and that is not *below* half.
#
# </details>


# %%
def steps_to_half(beta):
    """Return the number of steps, a whole number, after which less than half of the membrane is left."""
    raise NotImplementedError


# %% [markdown]
# ## 2
# Write the staircase as a formula: how many steps lie between two spikes (reset "zero") at the level $R\,I$? Write
# `steps_between(level, beta)`, and assert it for all `levels` of the lesson.
#
# <details><summary>Hint 1</summary>
#
# After $n$ steps from 0 the membrane is $R\,I\,(1-\beta^n)$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# The neuron spikes in the first step in which this is above 1. Solve for $n$, and round in the right direction.
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# Not every level reaches the threshold. The formula's logarithm warns you.
#
# </details>


# %%
def steps_between(level, beta):
    """Return the steps from one spike to the next, the step of the second spike included; 0 if it never spikes."""
    raise NotImplementedError


# %% [markdown]
# ## 3
# Set $\beta = 1$ and use reset "subtract". Show for random currents between 0 and 1 that nothing is lost: the sum
# of the currents is the threshold times the number of spikes, plus what is left at the end. Write
# `account(cur, threshold)`, the neuron that keeps this account.
#
# <details><summary>Hint 1</summary>
#
# It is the `neuron` of the lesson, without the leak.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# The spike of a step is paid in the *next* step. Keep it in a variable until then.
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# What is left at the end has paid for the last spike too.
#
# </details>


# %%
def account(cur, threshold):
    """Return the spikes and the membranes (before reset), one number for each step, and what is left at the end."""
    raise NotImplementedError
