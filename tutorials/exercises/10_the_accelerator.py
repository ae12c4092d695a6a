# %% [markdown]
# # Exercises of lesson 10
# Fill in the functions, then run `python -m tutorials.check 10` in a terminal. Try the hints one by one before you
# look at the [solutions](../solutions/10_the_accelerator.py). The [lesson](../10_the_accelerator.py) has the rest.

# %% [markdown]
# ## 1
# How many cycles does a frame of 1,024 bits with a single spike take, in words of 32 bits? And in words of 8 bits?
# Write `scan_cycles(spikes, inputs, width)`, and assert it with `scan`.
#
# <details><summary>Hint 1</summary>
#
# How many words are there?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# A word costs a cycle for each of its spikes. What does an empty word cost?
#
# </details>


# %%
def scan_cycles(spikes, inputs, width):
    """Return the cycles of a frame; spikes is the list of the addresses of its spikes."""
    raise NotImplementedError


# %% [markdown]
# ## 2
# Which numbers of lanes from 8 to 16 waste lanes in layer 2, because its firing pass is no longer with one lane
# less? Write `wasteful(neurons, candidates)`.
#
# <details><summary>Hint 1</summary>
#
# The lanes take turns: each turn serves as many neurons as there are lanes.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# How many turns do 16 neurons take on 8 lanes, on 9, on 15, on 16?
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# Compare the turns of n lanes with those of n - 1. One lane alone is never wasted.
#
# </details>


# %%
def wasteful(neurons, candidates):
    """Return the list of those candidates that take as many turns as one lane less."""
    raise NotImplementedError


# %% [markdown]
# ## 3
# Give the input one word every 40 cycles (`minisnn.cycles(..., word_every=40)`). When does the last word of each
# frame arrive? Write `last_words(added, words, word_every)`, put it into the loop above, and assert that the loop
# equals the prediction again.
#
# <details><summary>Hint 1</summary>
#
# With one word per cycle the lesson's loop has it: `first_word` and `last_word`.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# The words of a frame are `word_every` cycles apart, and so are the last word of a frame and the first of the next.
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# From step 2 on a bank of layer 1 must be free: `added[t - 2]` is the cycle in which it was read to its end.
#
# </details>


# %%
def last_words(added, words, word_every):
    """Return the cycle of the last word of each frame; the first word comes in cycle 0.

    added[t] is the cycle in which layer 1 has added step t; a frame has so many words.
    """
    raise NotImplementedError
