# %% [markdown]
# # Exercises of lesson 11
# Fill in the functions, then run `python -m tutorials.check 11` in a terminal. Try the hints one by one before you
# look at the [solutions](../solutions/11_sparsity_is_time.py). The [lesson](../11_sparsity_is_time.py) has the
# rest.

# %%
import numpy as np

# %% [markdown]
# ## 1
# Of 128 inputs let only every fifth one ever spike, in 30 % of the steps. Permute the inputs and the rows of
# `weights` in the same way, so that those inputs share a word. Assert that the scores stay the same, that no image
# is slower, and that some are faster. Why? Write `together(spikes)`, which returns the order.
#
# <details><summary>Hint 1</summary>
#
# Which inputs ever spike? `spikes.any(axis=(0, 1))`.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `np.argsort` with `kind="stable"` puts False before True. Which of them should come first?
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# An order names every input once: `spikes[:, :, order]` has as many inputs as before.
#
# </details>


# %%
def together(spikes):
    """Return an order of the inputs in which those that ever spike come first; spikes has shape (T, images, inputs)."""
    raise NotImplementedError


# %% [markdown]
# ## 2
# Write the "layerwise" schedule (one layer after the other) of a spike-fed fully connected layer as a formula, from
# the docstring of `timing.layerwise` (`help` prints it). Write `layerwise(S, fan_in, neurons, lanes)`, and assert
# it for both layers of `network`.
#
# <details><summary>Hint 1</summary>
#
# A flat row counts as one channel frame: IC = 1.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `-(-a // b)` is a / b rounded up. Where does the formula round up, and where down?
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# Add up over the steps first; then comes what an image costs once.
#
# </details>


# %%
def layerwise(S, fan_in, neurons, lanes):
    """Return the cycles of an image; S is the list of the number of spikes in each step."""
    raise NotImplementedError


# %% [markdown]
# ## 3
# Train the network before the sweep again with `rate_penalty="0,1,0"` (a price on the spikes of layer 2), and with
# `"1,0,0"`. Both have fewer spikes in the layer that pays. Which one is faster, and why? Assert it. Write
# `pays(utilisation)`, which names the layer that should pay.
#
# <details><summary>Hint 1</summary>
#
# The bottleneck is the layer that is at work for most of the time.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# What does a layer add: its own spikes, or those of another layer?
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# Layer 1 adds pixels. (In code it is layer 0.)
#
# </details>


# %%
def pays(utilisation):
    """Return the index, from 0, of the layer whose spikes cost the most time, or None if pixels do.

    utilisation is a list with the share of time in which each layer is at work.
    """
    raise NotImplementedError
