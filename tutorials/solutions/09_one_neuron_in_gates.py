# %% [markdown]
# # 9. One neuron in gates: solutions

# %%
from functools import partial

import numpy as np
from myhdl import Signal, always, block, intbv

from minisnn.fixed import lif as fixed_lif
from minisnn_hw import lif
from minisnn_hw.verify import simulate

rng = np.random.default_rng(0)


def bits(width):
    return Signal(intbv(0)[width:])


def signed(width):
    return Signal(intbv(0, min=-(2 ** (width - 1)), max=2 ** (width - 1)))


def run(make, inputs, outputs, stream):
    stream = iter(stream)
    return simulate.run(make, inputs, outputs, lambda cycle, seen: next(stream))[1]


# %% [markdown]
# 1. Every register is a cycle late, so three are three cycles late.


# %%
@block
def three_registers(clk, d, third):
    first, second = [Signal(intbv(0)[len(d) :]) for _ in range(2)]

    @always(clk.posedge)
    def take():
        first.next = d
        second.next = first
        third.next = second

    return take


values = rng.integers(0, 16, 20).tolist()
seen = run(three_registers, {"d": bits(4)}, {"third": bits(4)}, [{"d": value} for value in values])
assert [cycle["third"] for cycle in seen][3:] == values[:-3]

# %% [markdown]
# 2. The same stream as in the lesson; only the reset's name and number change.

# %%
count = 100
v, cur = rng.integers(-128, 128, count), rng.integers(-100, 128, count)
make = partial(lif.lif, beta=3, frac=2, reset="zero", towards_zero=False)
inputs = {"fires": bits(4), "v": signed(8), "addend": signed(8), "threshold": bits(7), "clear": Signal(bool(0))}
outputs = {"spike": Signal(bool(0)), "before": bits(8), "kept": signed(8)}
seen = run(
    make,
    inputs,
    outputs,
    [
        {
            "fires": sum(1 << i for i in range(4) if 0 <= cycle - i < count),
            "threshold": 60,
            "v": v[cycle] if cycle < count else 0,
            "addend": cur[cycle] if cycle < count else 0,
        }
        for cycle in range(count + 5)
    ],
)
kept, spk, before = v.copy(), np.zeros(count, np.uint8), np.zeros(count, np.int64)
fixed_lif.fire(kept, cur, 60, 3, 2, fixed_lif.RESETS.index("zero"), 0, -128, 127, spk, before)  # the index is 2
assert [seen[c + 2]["spike"] for c in range(count)] == spk.tolist()
assert [seen[c + 4]["kept"] for c in range(count)] == kept.tolist()
assert (kept[spk == 1] == 0).all() and spk.any()

# %% [markdown]
# 3. Without the comparison the sum 16 would leave the 4 bits: MyHDL stops, and a real counter shows 0.


# %%
@block
def counter(clk, spike, count):
    most = count.max - 1

    @always(clk.posedge)
    def step():
        if spike and count != most:
            count.next = count + 1

    return step


spikes = rng.integers(0, 2, 40)
seen = run(counter, {"spike": Signal(bool(0))}, {"count": bits(4)}, [{"spike": spike} for spike in spikes])
before_the_edge = np.r_[0, spikes.cumsum()[:-1]]
assert spikes.sum() > 16
assert [cycle["count"] for cycle in seen] == np.minimum(before_the_edge, 15).tolist()
