# %% [markdown]
# # Exercises of lesson 15
# Fill in the functions, then run `python -m tutorials.check 15` in a terminal. Try the hints one by one before you
# look at the [solutions](../solutions/15_on_a_board.py). The [lesson](../15_on_a_board.py) has the rest.

# %% [markdown]
# ## 1
# Write `decode(line)`, which takes the bytes that came over the line and returns the list of whole frames without their
# escapes. What comes after the last END is no whole frame. Assert that it undoes `boards.host.encode`.
#
# <details><summary>Hint 1</summary>
#
# `line.split(b"\xc0")` cuts at each END. What is its last part?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `b"\xdb\xdd\xdc"` is ESC, and then 0xDC. In which order can the two be replaced, so that no END appears in it?
#
# </details>


# %%
def decode(line):
    """Return the list of frames, as bytes, in what came over a line."""
    raise NotImplementedError


# %% [markdown]
# ## 2
# Write `may_send(sent, confirmations, window, credit)`: how many bytes may the host send now, if it has sent `sent` and
# got so many K, each for `credit` bytes? Assert that it is never below 0, and never above the window.
#
# <details><summary>Hint 1</summary>
#
# How many bytes may still be in the queue, at worst?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Those sent, less those confirmed. The rest of the window is free.
#
# </details>


# %%
def may_send(sent, confirmations, window, credit):
    """Return the number of bytes that may be sent now."""
    raise NotImplementedError


# %% [markdown]
# ## 3
# Write `images_a_second(there, back, cycles, clock, baud)` for frames of `there` and `back` bytes, and an accelerator
# that takes an image every `cycles` cycles. Assert it with the numbers of the lesson.
#
# <details><summary>Hint 1</summary>
#
# How many bits does a byte take on the line?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# There are two wires, and the accelerator computes while they are busy. Which of the three is the slowest?
#
# </details>


# %%
def images_a_second(there, back, cycles, clock, baud):
    """Return the images a second of a board behind a serial line."""
    raise NotImplementedError
