# %% [markdown]
# # Exercises of lesson 5
# Fill in the functions, then run `python -m tutorials.check 5` in a terminal. Try the hints one by one before you
# look at the [solutions](../solutions/05_a_network_learns.py). The [lesson](../05_a_network_learns.py) has the
# rest.

# %%
import numpy as np

# %% [markdown]
# ## 1
# Count which digit is taken for which. Write `confusion(labels, answers, classes)`, use it with `minisnn.predict`,
# assert its sum and its diagonal, and find the worst pair.
#
# <details><summary>Hint 1</summary>
#
# `table[labels, answers]` picks one place for each image.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `table[labels, answers] += 1` is a trap: try it with two equal pairs.
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# `np.add.at`, or a loop.
#
# </details>


# %%
def confusion(labels, answers, classes):
    """Return a table of counts of shape (classes, classes): row = digit, column = answer."""
    raise NotImplementedError


# %% [markdown]
# ## 2
# Train with `encoding="rate"` and 5 steps, and assert that direct coding is better. Why? Write
# `rate_noise(level, num_steps)`, the error that random spikes alone bring into the pixels.
#
# <details><summary>Hint 1</summary>
#
# The estimate of a pixel is its number of spikes, divided by T. Lesson 2 has its mean and its variance.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# RMS is root, mean, square, read backwards: first the squared error of each pixel, then the mean over the pixels,
# then the root.
#
# </details>


# %%
def rate_noise(level, num_steps):
    """Return the expected RMS error of the estimated levels, over all pixels of an array of levels."""
    raise NotImplementedError


# %% [markdown]
# ## 3
# Find a `rate_penalty` for `fit` (one number for each layer: `"0.1,0"`) that halves the hidden spikes and costs at
# most 2 points of accuracy. Write `choose_price(trials)`, which chooses from the results of several prices.
#
# <details><summary>Hint 1</summary>
#
# Two conditions, compared with the first trial, whose price is 0.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Which accuracy may a choice look at: that of the validation images, or that of the test images?
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# Of several prices that fit, take the lowest. None may fit.
#
# </details>


# %%
def choose_price(trials):
    """Return the lowest price that halves the spikes for at most 0.02 of accuracy, or None.

    A trial is a dict with "price", "validation", "test" (accuracies) and "rate" (spikes); the first has the price 0.
    """
    raise NotImplementedError
