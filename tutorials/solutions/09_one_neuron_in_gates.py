# %% [markdown]
# # Solutions to lesson 9

# %%
from functools import partial

import numpy as np
from myhdl import Signal, always, block, intbv

from minisnn import fixed
from minisnn_hw import lif, verify

rng = np.random.default_rng(0)


def unsigned(width):
    return Signal(intbv(0)[width:])


def signed(width):
    half = 2 ** (width - 1)
    return Signal(intbv(0, min=-half, max=half))


def run(make, inputs, outputs, stream):
    remaining = iter(stream)
    given, seen = verify.simulate.run(make, inputs, outputs, lambda cycle, before: next(remaining))
    return seen


# %% [markdown]
# ## 1
# Every register is one cycle later than its input, so three in a row are three cycles later.


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
seen = run(three_registers, {"d": unsigned(4)}, {"third": unsigned(4)}, [{"d": value} for value in values])
assert [cycle["third"] for cycle in seen][3:] == values[:-3]

# %% [markdown]
# ## 2
# The stream is that of the lesson; only the name and the number of the reset change.


# %%
def fire_zero(v, addend, threshold, beta, frac):
    u = min(max(v + addend, -128), 127)
    spike = int(u > threshold)
    return spike, 0 if spike else (beta * u) >> frac


count = 100
states = rng.integers(-128, 128, count)
currents = rng.integers(-100, 128, count)


def stages(cycle):
    return sum(1 << stage for stage in range(3) if 0 <= cycle - stage < count)


stream = []
for cycle in range(count + 5):
    neuron = cycle % count
    stream.append(
        {"fires": stages(cycle), "threshold": 60, "v": states[neuron], "addend": currents[neuron]},
    )

make = partial(lif.lif, beta=3, frac=2, reset="zero", towards_zero=False)
inputs = {
    "fires": unsigned(3),
    "v": signed(8),
    "addend": signed(8),
    "threshold": unsigned(7),
    "clear": unsigned(1),
}
outputs = {"spike": unsigned(1), "membrane": unsigned(8), "kept": signed(8)}
seen = run(make, inputs, outputs, stream)

kept = states.copy()
spk = np.zeros(count, np.uint8)
mem = np.zeros(count, np.int64)
fixed.lif.fire(kept, currents, 60, 3, 2, fixed.lif.ZERO, fixed.lif.FLOOR, -128, 127, spk, mem)
assert [seen[n + 2]["spike"] for n in range(count)] == spk.tolist()
assert [seen[n + 3]["kept"] for n in range(count)] == kept.tolist()
assert spk.any()
by_hand = [fire_zero(int(v), int(addend), 60, 3, 2) for v, addend in zip(states, currents)]
assert by_hand == list(zip(spk.tolist(), kept.tolist()))
assert (kept[spk == 1] == 0).all()

# %% [markdown]
# ## 3
# Without the comparison the sum 16 would not fit into the 4 bits: MyHDL stops, and a real counter shows 0.


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
assert spikes.sum() > 16  # so the counter has to saturate
seen = run(counter, {"spike": Signal(bool(0))}, {"count": unsigned(4)}, [{"spike": spike} for spike in spikes])
counts_before = np.concatenate([[0], spikes.cumsum()[:-1]])  # the register shows the count before the edge
assert [cycle["count"] for cycle in seen] == np.minimum(counts_before, 15).tolist()
