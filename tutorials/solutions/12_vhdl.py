# %% [markdown]
# # 12. VHDL: solutions

# %%
import shutil
from tempfile import TemporaryDirectory

import numpy as np
from myhdl import Signal, always, block, intbv

from minisnn_hw.generate.convert import convert
from minisnn_hw.maxpool import maxpool
from minisnn_hw.synth.families import FAMILIES
from minisnn_hw.synth.resources import whole_blocks
from minisnn_hw.verify import simulate

rng = np.random.default_rng(0)


def word(width):
    return Signal(intbv(0)[width:])


# %% [markdown]
# 1. A comparison of two signals of one width loses nothing, so no wider variable is needed.


# %%
@block
def maximum(clk, a, b, most):
    @always(clk.posedge)
    def go():
        if a > b:
            most.next = a
        else:
            most.next = b

    return go


values = rng.integers(0, 256, (100, 2))
values[:3] = [7, 7], [0, 255], [255, 0]  # equal, and the ends of the range
stream = iter([{"a": int(a), "b": int(b)} for a, b in values])
given, seen = simulate.run(maximum, {"a": word(8), "b": word(8)}, {"most": word(8)}, lambda cycle, seen: next(stream))
assert [cycle["most"] for cycle in seen[1:]] == values.max(axis=1)[:-1].tolist()
if shutil.which("ghdl"):
    simulate.same_in_ghdl(maximum, {"a": word(8), "b": word(8)}, {"most": word(8)}, given, seen)

# %% [markdown]
# 2. The ports must be fresh signals for every conversion.

# %%
with TemporaryDirectory() as folder:
    for hdl, start in (("vhdl", "entity pool is"), ("verilog", "module pool")):
        inputs = {name: Signal(bool(0)) for name in ("valid", "first", "last")} | {"spikes": word(4)}
        outputs = {"word_valid": Signal(bool(0)), "word": word(4)}
        text = convert(maxpool, inputs, outputs, folder, "pool", hdl)[-1].read_text()
        assert start in text and all(name in text for name in ("clk", *inputs, *outputs))

# %% [markdown]
# 3. A word is 5 * 6 = 30 bits, so the shape 512 x 36 is the best: one block for each 512 words. 10 neurons on 5 lanes
#    make 2 groups, and 2 words for each input: 128, 1,024 and 2,048 words make 1, 2 and 4 blocks. (Shapes of 18 bits
#    need two blocks side by side for 1,024 words: at 1,024 words as good, never better.) So a block holds up to
#    512 * 5 weights.

# %%
shapes = FAMILIES["ecp5"].blocks["DP16KD"]
for inputs, blocks in ((64, 1), (512, 2), (1024, 4)):
    assert whole_blocks(2 * inputs, 5 * 6, shapes) == blocks == -(-2 * inputs // 512)
