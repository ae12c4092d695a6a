# %% [markdown]
# # Exercises of lesson 3
# Fill in the functions, then run `python -m tutorials.check 3` in a terminal. Try the hints one by one before you
# look at the [solutions](../solutions/03_surrogates.py). The [lesson](../03_surrogates.py) has the rest.

# %%
import numpy as np

# %% [markdown]
# ## 1
# Which scale $k$ makes the fast sigmoid as wide, at half of its height, as the arctangent of scale $\alpha$? And by
# which factor must it then be multiplied to be as high? Write `match_atan(alpha)`, and assert it with
# `Surrogate(...).half_width` and `.peak`.
#
# <details><summary>Hint 1</summary>
#
# The derivative of the fast sigmoid is $1/(1+k|x|)^2$, that of the arctangent $(\alpha/2)/(1+(\pi\alpha x/2)^2)$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# At which $x$ is each of them half of its value at 0? Set both equal.
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# The heights are the values at 0.
#
# </details>


# %%
def match_atan(alpha):
    """Return the scale k of the fast sigmoid, and the factor that makes the heights equal."""
    raise NotImplementedError


# %% [markdown]
# ## 2
# Count the updates (learning rate 2.0, at most 3000) until the loss is below 0.02. Write
# `updates(loss, gradient, start)`, count for fast_sigmoid of scale 1, 5, 25 and 100, and assert that the narrowest
# needs the most.
#
# <details><summary>Hint 1</summary>
#
# An update is `w = w - 2.0 * gradient(w)`.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# If the start is good enough, no update is needed: look at the loss *before* an update.
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# Take care not to change the array `start`, or the second count begins where the first has ended.
#
# </details>


# %%
def updates(loss, gradient, start):
    """Return the number of updates until loss(w) < 0.02, at most 3000; loss and gradient are functions of w."""
    raise NotImplementedError


# %% [markdown]
# ## 3
# Make a surrogate of your own: a box of height 1 for $|x| < 0.5$. Write its curve, `box_curve(x)`, use it as
# `Surrogate("box", 1.0, functions=(box_curve, box))`, and assert that our neuron learns with it.
#
# <details><summary>Hint 1</summary>
#
# The curve is a function whose derivative is the box.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Left of the box the derivative is 0. What does the curve do there? And inside?
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# A constant more or less does not matter.
#
# </details>


# %%
def box_curve(x):
    """Return the integral of the box, for an array x."""
    raise NotImplementedError
