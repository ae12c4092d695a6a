# %% [markdown]
# # Solutions to lesson 12

# %%
import re
import shutil
from tempfile import TemporaryDirectory

import numpy as np
from myhdl import Signal, always, block, intbv

from minisnn_hw import convert, maxpool, synth, verify

rng = np.random.default_rng(0)


def unsigned(width):
    return Signal(intbv(0)[width:])


# %% [markdown]
# ## 1
# A comparison of two signals of the same width loses nothing, so no wider variable is needed.


# %%
@block
def maximum(clk, a, b, most):
    @always(clk.posedge)
    def step():
        if a > b:
            most.next = a
        else:
            most.next = b

    return step


def ports():
    return {"a": unsigned(8), "b": unsigned(8)}, {"most": unsigned(8)}


values = rng.integers(0, 256, (100, 2))
values[:3] = [7, 7], [0, 255], [255, 0]  # equal numbers, and the ends of the range
stream = iter([{"a": int(a), "b": int(b)} for a, b in values])
given, seen = verify.simulate.run(maximum, *ports(), lambda cycle, before: next(stream))
assert [cycle["most"] for cycle in seen[1:]] == values.max(axis=1)[:-1].tolist()
if shutil.which("ghdl"):
    verify.simulate.same_in_ghdl(maximum, *ports(), given, seen)

# %% [markdown]
# ## 2
# Every conversion needs new signals for the ports. An underscore is a part of a word, so `\b` finds no "valid" in
# "word_valid".


# %%
def missing_ports(text, ports):
    return [port for port in ports if not re.search(rf"\b{port}\b", text, re.IGNORECASE)]


for hdl, start in (("vhdl", "entity pool is"), ("verilog", "module pool")):
    inputs = {
        "valid": Signal(bool(0)),
        "first": Signal(bool(0)),
        "last": Signal(bool(0)),
        "spikes": unsigned(4),
    }
    outputs = {"word_valid": Signal(bool(0)), "word": unsigned(4)}
    with TemporaryDirectory() as folder:
        files = convert(maxpool.maxpool(Signal(bool(0)), **inputs, **outputs), folder, "pool", hdl)
        text = files[-1].read_text()
    assert start in text
    assert not missing_ports(text, ("clk", *inputs, *outputs))

# %% [markdown]
# ## 3
# A word has 5 * 6 = 30 bits, so the shape 512 x 36 fits best: one block for each 512 words. 10 neurons on 5 lanes make
# 2 groups, so there are 2 words for each input: 128, 1,024 and 2,048 words make 1, 2 and 4 blocks. (The shape 1024 x 18
# needs two blocks side by side, so it is as good for 1,024 words, and never better.) So a block holds up to 512 * 5
# weights.


# %%
def whole_blocks(words, width, shapes):
    return min(-(-words // depth) * -(-width // bits) for depth, bits in shapes)


shapes = synth.families.FAMILIES["ecp5"].blocks["DP16KD"]
for inputs, blocks in ((64, 1), (512, 2), (1024, 4)):
    words = 2 * inputs
    assert synth.resources.whole_blocks(words, 5 * 6, shapes) == blocks
    assert whole_blocks(words, 5 * 6, shapes) == blocks == np.ceil(words / 512)
