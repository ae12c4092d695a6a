# %% [markdown]
# # Exercises of lesson 6
# Fill in the functions, then run `python -m tutorials.check 6` in a terminal. Try the hints one by one before you
# look at the [solutions](../solutions/06_convolution.py). The [lesson](../06_convolution.py) has the rest.

# %%
import numpy as np

# %% [markdown]
# ## 1
# Shift the spikes by one pixel to the right before `conv2d.forward`, and assert that the currents are shifted in
# the same way, except at the border. Write `shift(spk)`.
#
# <details><summary>Hint 1</summary>
#
# Axis 0 is y, axis 1 is x, axis 2 is the channel.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `np.roll` moves in a circle. What should stand in the first column?
#
# </details>


# %%
def shift(spk):
    """Return spikes of shape (H, W, C), one pixel further right; the first column is silent."""
    raise NotImplementedError


# %% [markdown]
# ## 2
# Go back through a convolution by hand: write `gradient_of_inputs(dcur, w)` for a kernel of 3x3 and padding 1, and
# assert that it is the `dx` of `conv2d.backward`. For a `dcur` with a single 1, it is the kernel itself.
#
# <details><summary>Hint 1</summary>
#
# The neuron at (y, x) of channel m has read the input at (y + ky - 1, x + kx - 1) of channel c with the weight
# `w[ky, kx, c, m]`.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# So that is where its gradient goes, times that weight. Add up over all neurons.
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# Some of these places lie outside the frame.
#
# </details>


# %%
def gradient_of_inputs(dcur, w):
    """Return dL/dx of shape (H, W, C), from dL/dcur of shape (H, W, M) and w of shape (3, 3, C, M)."""
    raise NotImplementedError


# %% [markdown]
# ## 3
# Every convolution is a dense layer. Write `as_matrix(w, size)`, assert with `linear.forward` that it gives the
# currents of the convolution above, and find the share of the matrix that is not 0.
#
# <details><summary>Hint 1</summary>
#
# Row i holds the currents that input i causes on its own.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `np.eye` makes frames with a single input each; a convolution of them, padded by 1, is the answer.
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# An input's address is (y·W + x)·C + c, a neuron's likewise.
#
# </details>


# %%
def as_matrix(w, size):
    """Return the matrix of shape (size*size*C, size*size*M), for w of shape (3, 3, C, M) and padding 1."""
    raise NotImplementedError
