# %% [markdown]
# # Exercises of lesson 8
# Fill in the functions, then run `python -m tutorials.check 8` in a terminal. Try the hints one by one before you
# look at the [solutions](../solutions/08_integers.py). The [lesson](../08_integers.py) has the rest.

# %% [markdown]
# ## 1
# How many bits does the sum of 64 weights of 4 bits with 4 guard bits need? Write
# `bits_of_sum(count, weight_bits, guard)`, and assert it with `minisnn.fixed.bounds.signed_bits`.
#
# <details><summary>Hint 1</summary>
#
# The largest weight of $b$ bits is $2^{b-1}-1$, and the guard bits multiply it by $2^g$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# How many bits does the largest sum need? `int.bit_length` knows.
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# One bit more is for the sign.
#
# </details>


# %%
def bits_of_sum(count, weight_bits, guard):
    """Return the number of bits, with that of the sign, that hold every sum of so many weights."""
    raise NotImplementedError


# %% [markdown]
# ## 2
# With rounding towards zero no membrane gets stuck. Write `leak(u, beta_int, frac)`, and assert for
# `beta_int = 230, frac = 8` that it ends at 0 from every start between -100 and 100. Where does it end with
# rounding down?
#
# <details><summary>Hint 1</summary>
#
# `>>` rounds down, which is away from zero for negative numbers.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Leak the size of the number, then give it back its sign.
#
# </details>


# %%
def leak(u, beta_int, frac):
    """Return beta_int * u / 2**frac, rounded towards zero; all are integers."""
    raise NotImplementedError


# %% [markdown]
# ## 3
# Give the three layers 12 bits in all, such as `(3, 5, 4)`. Choose by the last 300 *training* images, and assert
# that a choice by the test images would have looked better. Why is that choice not honest? Write
# `choose_bits(on_training, on_test)`.
#
# <details><summary>Hint 1</summary>
#
# `max(table, key=table.get)` returns the key with the largest value.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# One of the two tables may be reported, but not looked at before the choice.
#
# </details>


# %%
def choose_bits(on_training, on_test):
    """Return the bits to be used; both arguments map bits, such as (3, 5, 4), to an accuracy."""
    raise NotImplementedError
