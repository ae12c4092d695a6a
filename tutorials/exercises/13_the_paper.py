# %% [markdown]
# # Exercises of lesson 13
# Fill in the functions, then run `python -m tutorials.check 13` in a terminal. Try the hints one by one before you
# look at the [solutions](../solutions/13_the_paper.py). The [lesson](../13_the_paper.py) has the rest.

# %%
import numpy as np

# %% [markdown]
# ## 1
# Print the half-widths of both surrogates at the scales 25 and 2 (the defaults of snnTorch), and find the k at
# which the fast sigmoid is as wide as `atan:2`. Write `half_widths(k, alpha)`, and assert k = 2 * 0.6506...
#
# <details><summary>Hint 1</summary>
#
# The half-width is the distance from the threshold at which the derivative is half of its largest value.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# $1/(1+kx)^2 = 1/2$, and $1/(1+(\pi\alpha x/2)^2) = 1/2$: solve for $x$.
#
# </details>


# %%
def half_widths(k, alpha):
    """Return the half-widths of fast_sigmoid:k and of atan:alpha."""
    raise NotImplementedError


# %% [markdown]
# ## 2
# Show the luck of the best of many without any training: 30 networks whose true accuracy is 90 %, each tested on
# 359 images. By how much does the best of them seem better than it is? Write
# `luck_of_the_best(accuracy, images, networks, rng)`, and assert that it is more than 1.5 points.
#
# <details><summary>Hint 1</summary>
#
# The number of right answers of a network is binomial: `rng.binomial`.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# One draw is luck itself. Repeat the whole experiment 1,000 times or more, and take the mean.
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# `rng.binomial(images, accuracy, (repeats, networks)).max(axis=1)`
#
# </details>


# %%
def luck_of_the_best(accuracy, images, networks, rng):
    """Return by how much the best of so many networks seems better than its true accuracy, as a share, on average."""
    raise NotImplementedError


# %% [markdown]
# ## 3
# Give the plan other `betas` and `thresholds`. Assert that `study.stages.stage("leaks", plan, data, rows)` returns
# exactly the points that you expect; `rows` are the results of the stages "trials" and "finalists", made up. Write
# `points(betas, thresholds, scale)`.
#
# <details><summary>Hint 1</summary>
#
# The stage tries every beta with every threshold.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# The scale is that of the default, which the trials have chosen: the same for all points.
#
# </details>


# %%
def points(betas, thresholds, scale):
    """Return a list of dicts with the keys "beta", "threshold" and "scale", in any order."""
    raise NotImplementedError
