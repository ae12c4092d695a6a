# %% [markdown]
# # Exercises of lesson 4
# Fill in the functions, then run `python -m tutorials.check 4` in a terminal. Try the hints one by one before you
# look at the [solutions](../solutions/04_bptt.py). The [lesson](../04_bptt.py) has the rest.

# %%
import numpy as np

# %% [markdown]
# ## 1
# The judge errs too. Write `judge_errors(function, w, exact, epsilons)`, show the error for
# $\epsilon = 10^{-1}, \ldots, 10^{-12}$ with the loss of the lesson, and assert that $10^{-6}$ is better than both
# ends.
#
# <details><summary>Hint 1</summary>
#
# It is `differences` of the lesson, once for each epsilon. Copy it into your file.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Compare with the exact gradient, and keep the largest difference.
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# A weight is moved by $+\epsilon$ in one run and by $-\epsilon$ in the other. How far apart are the two runs?
#
# </details>


# %%
def judge_errors(function, w, exact, epsilons):
    """Return, for each epsilon, the largest error of the gradient by finite differences; w and exact are vectors."""
    raise NotImplementedError


# %% [markdown]
# ## 2
# Derive the walk for reset "zero", $U[t+1] = \beta U[t](1 - S[t]) + \mathrm{cur}[t+1]$. Write
# `backward_zero(dspk, sg, spk, mem, beta)` with the reset not detached, and assert with finite differences that it
# is right.
#
# <details><summary>Hint 1</summary>
#
# How does $U[t+1]$ change when $U[t]$ does? It appears twice: itself, and inside $S[t]$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# The product rule: one term for each factor. The derivative of $S[t]$ is $\mathrm{sg}[t]$.
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# The walk is the lesson's, with another factor in the place of $\beta - \theta\,\mathrm{sg}[t]$.
#
# </details>


# %%
def backward_zero(dspk, sg, spk, mem, beta):
    """Return dL/dcur of shape (T, neurons), from dL/dS, surrogate's derivative, spikes and membranes of that shape."""
    raise NotImplementedError


# %% [markdown]
# ## 3
# *Truncated* BPTT follows each $\partial L/\partial S[t]$ through only $K$ steps: $t$ and the $K-1$ steps before
# it. Write `truncated(dspk, sg, beta, threshold, K)` for reset "subtract". Assert that $K = 1$ is the naive
# gradient and $K = T$ the exact one, and find the error in between.
#
# <details><summary>Hint 1</summary>
#
# Begin a separate walk at each step, and stop it after $K$ steps.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# The walk is linear in $\partial L/\partial S$, so the gradient is the sum of all walks.
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# For the spike at step $t$ the walk visits $t, t-1, \ldots, t-K+1$, and never a step before 0.
#
# </details>


# %%
def truncated(dspk, sg, beta, threshold, K):
    """Return dL/dcur of shape (T, neurons)."""
    raise NotImplementedError
