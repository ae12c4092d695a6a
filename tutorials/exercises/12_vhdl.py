# %% [markdown]
# # Exercises of lesson 12
# Fill in the functions, then run `python -m tutorials.check 12` in a terminal. Try the hints one by one before you
# look at the [solutions](../solutions/12_vhdl.py). The [lesson](../12_vhdl.py) has the rest.

# %%
from myhdl import always, block

# %% [markdown]
# ## 1
# Write `maximum(clk, a, b, most)` for two unsigned bytes. Assert it in MyHDL against NumPy, and in GHDL if you can.
#
# <details><summary>Hint 1</summary>
#
# It is a register with a choice in front of it.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Both branches need an assignment, or the register keeps its old value.
#
# </details>


# %%
@block
def maximum(clk, a, b, most):
    """Set most to the larger of a and b, one cycle later."""
    raise NotImplementedError


# %% [markdown]
# ## 2
# Convert `minisnn_hw.maxpool.maxpool` (see its docstring) of 4 lanes to VHDL and to Verilog. Assert that both
# contain the names of all ports. Write `missing_ports(text, ports)`, which finds those that a text lacks.
#
# <details><summary>Hint 1</summary>
#
# `"valid" in text` is True where only `word_valid` is there.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `re.search(rf"\b{port}\b", text)` finds whole words. Is an underscore part of a word?
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# VHDL knows no difference between capitals and small letters.
#
# </details>


# %%
def missing_ports(text, ports):
    """Return the list of those names in ports that are not in a text of VHDL."""
    raise NotImplementedError


# %% [markdown]
# ## 3
# A DP16KD has the shapes 512 x 36, 1024 x 18, ... (words x bits;
# `minisnn_hw.synth.families.FAMILIES["ecp5"].blocks["DP16KD"]`). Consider weights of 6 bits from 64, 512 and 1,024
# inputs to 10 neurons, with one word for 5 lanes. How many DP16KD hold them? Write
# `whole_blocks(words, width, shapes)`, and assert it with `minisnn_hw.synth.resources.whole_blocks`.
#
# <details><summary>Hint 1</summary>
#
# Blocks stand side by side for width, and one above the other for depth.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# For one shape: how many side by side, how many above each other? Round both up.
#
# </details>
#
# <details><summary>Hint 3</summary>
#
# All blocks of a memory have the same shape; try each.
#
# </details>


# %%
def whole_blocks(words, width, shapes):
    """Return the least number of blocks that hold so many words; shapes are pairs (words, bits) of one block."""
    raise NotImplementedError
