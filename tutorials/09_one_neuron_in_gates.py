# %% [markdown]
# # 9. One neuron in gates
# Software is a list of orders, done one after the other. *Hardware* is a set of circuits, all at work at the same time.
# A *hardware description language* (HDL) says which circuits there are and how wires join them. We write it in Python
# with *MyHDL*, which simulates it here and turns it into VHDL, a common HDL, in lesson 12.
# You need lesson 8 (integers), and no HDL.

# %%
import inspect
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
from common import OUTPUT, save
from myhdl import Signal, always, block, instance, intbv, traceSignals

from minisnn.fixed import lif as fixed_lif
from minisnn_hw import lif
from minisnn_hw.verify import simulate

rng = np.random.default_rng(0)

# %% [markdown]
# ## Clock, flip-flop, signal
# A wire, or a bundle of wires that carries a number, is a `Signal`; the number is an `intbv`, an integer of some width.
# A *flip-flop* stores one bit: at each *clock edge* (the moment at which the clock `clk` rises from 0 to 1) it takes
# what is at its input, and shows it until the next edge. A row of them that holds a number is a *register*. From one
# edge to the next is a *cycle*. A circuit is a function marked `@block`, its ports are the arguments. In it
# `@always(clk.posedge)` says what happens at an edge; `q.next = d` means: after the edge q is what d was before it.
# Who reads `.next` as `=` expects both registers below to be equal. But all flip-flops look at the same moment, so the
# second takes what the first was *before* the edge: it is a cycle late.

# %%
bits = lambda width: Signal(intbv(0)[width:])  # from 0 to 2**width - 1
signed = lambda width: Signal(intbv(0, min=-(2 ** (width - 1)), max=2 ** (width - 1)))  # `max` is left out


@block
def two_registers(clk, d, first, second):
    @always(clk.posedge)
    def take():
        first.next = d
        second.next = first

    return take


def run(make, inputs, outputs, stream):
    """Outputs at the end of each cycle, from the inputs of each cycle: lists of dicts."""
    stream = iter(stream)
    return simulate.run(make, inputs, outputs, lambda cycle, seen: next(stream))[1]


seen = run(two_registers, {"d": bits(4)}, {"first": bits(4), "second": bits(4)}, [{"d": d} for d in range(1, 8)])
first, second = ([cycle[name] for cycle in seen] for name in ("first", "second"))
print("d", list(range(1, 8)), "first", first, "second", second)
assert first != second and second[2:] == first[1:-1]

# %% [markdown]
# ## A neuron in one cycle
# Between two edges, *combinational* circuits (gates without memory) compute what the registers take next. Here that is
# a whole neuron: add, saturate, compare, leak, subtract. `@instance` is a loop that waits for edges with `yield`;
# `u[:] =` sets a variable at once, unlike `.next`. `u` is one bit wider than the membrane, so a sum fits. Without
# saturation it does not fit back; MyHDL stops there, a real adder wraps. With it all is equal to lesson 8's integers.


# %%
@block
def neuron(clk, cur, spike, mem, beta, frac, theta, saturates=True):
    low, high = mem.min, mem.max - 1
    kept = Signal(mem.val)

    @instance
    def step():
        u = intbv(0, min=2 * low, max=2 * (high + 1))
        product = intbv(0, min=2 * low << frac, max=2 * (high + 1) << frac)
        while True:
            yield clk.posedge
            u[:] = min(max(int(kept + cur), low), high) if saturates else kept + cur
            product[:] = u * beta
            mem.next = u
            spike.next = u > theta
            kept.next = (product >> frac) - (theta if u > theta else 0)

    return step


def simulated(cur, **options):
    make, outputs = partial(neuron, beta=3, frac=2, theta=60, **options), {"spike": Signal(bool(0)), "mem": signed(8)}
    seen = run(make, {"cur": signed(8)}, outputs, [{"cur": int(i)} for i in cur] + [{}])[1:]  # a cycle later
    return [[cycle[name] for cycle in seen] for name in ("spike", "mem")]


cur = rng.integers(-90, 128, 200)
try:
    simulated(cur, saturates=False)
except ValueError as error:
    print("without saturation:", error)
spikes, mems = simulated(cur)
kept, spk, before = np.zeros(1, np.int64), np.zeros(1, np.uint8), np.zeros(1, np.int64)
for t, current in enumerate(cur):
    fixed_lif.fire(kept, np.array([current]), 60, 3, 2, 0, 0, -128, 127, spk, before)  # theta 60, leak 3/4
    assert (spikes[t], mems[t]) == (spk[0], before[0])
assert 127 in mems and 0 < sum(spikes) < len(cur)
print(f"{sum(spikes)} spikes in {len(cur)} steps, saturated in {mems.count(127)}: all equal to the integers")

# %% [markdown]
# ## The pipeline
# The clock may tick only as fast as the longest chain of gates between two registers settles. Ours is long: adder,
# comparator, multiplier, subtractor. The library's neuron has registers between: a *pipeline*, like an assembly line. A
# neuron takes 4 cycles, but a new one enters in every cycle, and the clock can be faster. Bit i of `fires` (bit 0 is
# the last digit) is 1 when a neuron is in stage i. One that enters in cycle c shows `spike` and U (`before`) in c + 2,
# and what it keeps (`kept`) in c + 4. In the source `x[3]` is bit 3 of x, `x[5:2]` are bits 4 to 2,
# `x[5:]` bits 4 to 0; `.signed()` takes them as two's complement; `subtracts` and the like are constants of the block.

# %%
source = inspect.getsource(lif.lif)
print(source[source.index("    @instance") :])
v, cur, count = rng.integers(-128, 128, 100), rng.integers(-100, 128, 100), 100
v[3], cur[3] = 70, 30  # neuron 3, of the figure, fires
make = partial(lif.lif, beta=3, frac=2, reset="subtract", towards_zero=False)
inputs = {"fires": bits(4), "v": signed(8), "addend": signed(8), "threshold": bits(7), "clear": bits(1)}
outputs = {"spike": bits(1), "before": bits(8), "kept": signed(8)}
stream = [
    {
        "fires": sum(1 << i for i in range(4) if 0 <= cycle - i < count),
        "threshold": 60,
        "v": v[cycle % count],
        "addend": cur[cycle % count],
    }
    for cycle in range(count + 5)
]


def traced(**signals):  # the same block; what its signals do is written to a file
    OUTPUT.mkdir(exist_ok=True)
    (OUTPUT / "neuron.vcd").unlink(missing_ok=True)  # MyHDL would keep it under another name
    traceSignals.name, traceSignals.directory, traceSignals.filename = "neuron", str(OUTPUT), "neuron"
    return traceSignals(partial(make, **signals)())


seen = run(traced, inputs, outputs, stream)
kept, spk, before = v.copy(), np.zeros(count, np.uint8), np.zeros(count, np.int64)
fixed_lif.fire(kept, cur, 60, 3, 2, 0, 0, -128, 127, spk, before)
assert [(seen[c + 2]["spike"], seen[c + 4]["kept"]) for c in range(count)] == list(zip(spk, kept))
assert [seen[c + 2]["before"] for c in range(count)] == (before & 255).tolist()  # as bits of two's complement

# %% [markdown]
# ## The waveform
# A *waveform* shows signals over time. `neuron.vcd` has all of them; open it with GTKWave (`apt install gtkwave`) or at
# app.surfer-project.org. Follow the coloured neuron: 70 + 30 = 100 > 60, so it fires, and keeps 3/4 of 100, minus 60.

# %%
rows, shown, mine = ["v", "addend", "fires", "before", "spike", "kept"], 9, 3
figure, axis = plt.subplots(figsize=(9, 3.6), layout="constrained")
axis.step(np.arange(0, shown + 0.5, 0.5), 6.6 - 0.6 * (np.arange(2 * shown + 1) % 2), where="post", color="k")
for row, name in enumerate(rows):
    late = {"before": 2, "spike": 2, "kept": 4}.get(name, 0)
    for cycle in range(shown):
        value = int({**stream[cycle], **seen[cycle]}[name])
        value = value - 256 if name == "before" and value > 127 else format(value, "04b") if name == "fires" else value
        color = "tab:orange" if cycle == mine + late and name != "fires" else "0.9" if cycle >= late else "1"
        axis.broken_barh([(cycle + 0.04, 0.92)], (5 - row, 0.7), facecolor=color, edgecolor="0.5")
        axis.text(cycle + 0.5, 5.35 - row, value if cycle >= late else "", ha="center", va="center", fontsize=9)
axis.set(
    yticks=np.arange(7) + 0.35,
    yticklabels=[*rows[::-1], "clk"],
    xlim=(0, shown),
    xlabel="clock cycle (edges at whole numbers; white: nothing has come through yet)",
)
save(figure, "09_waveform")

# %% [markdown]
# ## Exercises
# 1. Write a block `three_registers` and assert that its output is the input of three cycles before.
# 2. Run the library's `lif` with `reset="zero"` and assert it against `fixed_lif.fire` (its reset number is 2).
# 3. Write `counter(clk, spike, count)`: it counts spikes and *saturates* at 15. Assert 40 random spikes against NumPy.
