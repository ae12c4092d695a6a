# %% [markdown]
# # 9. One neuron in gates
# Software is a list of instructions, carried out one after the other. *Hardware* is a set of circuits that all work at
# the same time. A *hardware description language* (HDL) says which circuits there are and how wires connect them. We
# write it in Python with *MyHDL*, which simulates it here, and translates it in lesson 12 into VHDL, a common HDL. You
# need lesson 8 (integers), and no HDL.

# %%
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
from common import OUTPUT, save, source
from myhdl import Signal, always, block, instance, intbv, traceSignals

from minisnn import fixed
from minisnn_hw import lif, verify

rng = np.random.default_rng(0)

# %% [markdown]
# ## Clock, flip-flop, signal
# A wire, or a group of wires that carries a number, is a `Signal`. The number is an `intbv`, an integer of a fixed
# width. A *flip-flop* stores one bit: at each *clock edge* (the moment at which the clock `clk` rises from 0 to 1) it
# takes what is at its input, and shows it until the next edge. A row of flip-flops that holds a number is a *register*.
# The time from one edge to the next is a *cycle*.


# %%
def unsigned(width):
    """Return a signal that holds 0 to 2**width - 1."""
    return Signal(intbv(0)[width:])


def signed(width):
    """Return a signal that holds -2**(width-1) to 2**(width-1) - 1."""
    half = 2 ** (width - 1)
    return Signal(intbv(0, min=-half, max=half))  # like `range`, `max` is one more than the largest number


# %% [markdown]
# A circuit is a function marked `@block`; its arguments are its *ports*. Inside it, `@always(clk.posedge)` says what
# happens at a clock edge, and `q.next = d` means: after the edge, q is what d was before the edge.
#
# If you read `.next` as `=`, you expect both registers below to be equal. But all flip-flops look at the same moment,
# so the second register takes what the first one was *before* the edge. It is one cycle later.
#
# **Predict before you run.** The input `d` is 1, 2, 3, ... What do the two registers show?
#
# <details><summary>Answer</summary>
#
# In the cycle in which `d` is 3, the first register shows 2, and the second one shows 1: each register is a cycle
# later than its input.
#
# </details>


# %%
@block
def two_registers(clk, d, first, second):
    @always(clk.posedge)
    def take():
        first.next = d
        second.next = first

    return take


def run(make, inputs, outputs, stream):
    """Simulate a block; `stream` has the inputs of each cycle as dicts, and so has the result the outputs."""
    remaining = iter(stream)  # the simulation ends with the stream
    given, seen = verify.simulate.run(make, inputs, outputs, lambda cycle, before: next(remaining))
    return seen


stream = [{"d": d} for d in range(1, 8)]
seen = run(two_registers, {"d": unsigned(4)}, {"first": unsigned(4), "second": unsigned(4)}, stream)
first = [cycle["first"] for cycle in seen]
second = [cycle["second"] for cycle in seen]
print("d     ", list(range(1, 8)))
print("first ", first)
print("second", second)
assert first != second
assert second[2:] == first[1:-1]

# %% [markdown]
# ## A neuron in one cycle
# Between two edges, *combinational* circuits (gates without memory) compute what the registers take at the next edge.
# Here that is a whole neuron: add, saturate, compare, leak, subtract.
#
# `@instance` is a loop that waits for clock edges with `yield`. `u[:] =` sets a variable at once, unlike `.next`. The
# variable `u` is one bit wider than the membrane, so that a sum fits. Without saturation the sum does not fit back into
# the membrane: MyHDL stops there, and a real adder would wrap around.


# %%
@block
def neuron(clk, cur, spike, mem, beta, frac, theta, saturates=True):
    low, high = mem.min, mem.max - 1
    state = Signal(mem.val)

    @instance
    def step():
        u = intbv(0, min=2 * low, max=2 * (high + 1))
        product = intbv(0, min=2 * low << frac, max=2 * (high + 1) << frac)
        while True:
            yield clk.posedge
            u[:] = state + cur
            if saturates:
                u[:] = min(max(int(u), low), high)
            product[:] = u * beta
            mem.next = u
            spike.next = u > theta
            state.next = (product >> frac) - (theta if u > theta else 0)

    return step


def simulated(cur, **options):
    """Return spikes and membranes of the neuron with a leak of 3/4 and a threshold of 60, in 8 bits."""
    make = partial(neuron, beta=3, frac=2, theta=60, **options)
    outputs = {"spike": Signal(bool(0)), "mem": signed(8)}
    stream = [{"cur": int(current)} for current in cur]
    stream.append({})  # the last results are seen one cycle after the last current
    seen = run(make, {"cur": signed(8)}, outputs, stream)[1:]
    spikes = [cycle["spike"] for cycle in seen]
    membranes = [cycle["mem"] for cycle in seen]
    return spikes, membranes


cur = rng.integers(-90, 128, 200)
try:
    simulated(cur, saturates=False)
except ValueError as error:
    print("without saturation:", error)

# %% [markdown]
# With saturation, everything equals the integers of lesson 8:

# %%
spikes, membranes = simulated(cur)

state = np.zeros(1, np.int64)
spk = np.zeros(1, np.uint8)
mem = np.zeros(1, np.int64)
for t, current in enumerate(cur):
    # Threshold 60, leak 3 / 2**2, membranes of 8 bits.
    fixed.lif.fire(state, np.array([current]), 60, 3, 2, fixed.lif.SUBTRACT, fixed.lif.FLOOR, -128, 127, spk, mem)
    assert (spikes[t], membranes[t]) == (spk[0], mem[0])

# The currents were large enough to saturate, and some neurons spike.
assert 127 in membranes
assert 0 < sum(spikes) < len(cur)
print(f"{sum(spikes)} spikes in {len(cur)} steps, {membranes.count(127)} saturated: all equal to the integers")

# %% [markdown]
# ## The pipeline
# ![The neuron as a pipeline](../docs/drawings/neuron.svg)
#
# The clock may tick only as fast as the longest chain of gates between two registers allows. Ours is long: adder,
# comparator, multiplier, subtractor. The library's neuron, `lif`, has registers in between. This is a *pipeline*, like an
# assembly line: a neuron takes 4 cycles, but a new one enters in every cycle, and the clock can be faster.
#
# Bit i of `fires` (bit 0 is the last digit) is 1 when a neuron is in stage i, except the last stage, behind which is
# no register of `lif` but the memory. For a neuron that enters in cycle c, `spike` and `membrane` (before reset) are
# out in cycle c + 2, and its new state (`kept`) in cycle c + 3. In the source, `x[3]` is bit 3 of x, `x[5:2]` are its
# bits 4 to 2, and `x[5:]` its bits 4 to 0; `.signed()` reads them as two's complement; `subtracts` and the like are
# constants of the block.

# %%
text = source(lif.lif)
print(text[text.index("    @instance") :])

# %% [markdown]
# We send 100 neurons through it, one per cycle, and write to a file what each signal does (for the next section).

# %%
count = 100
states = rng.integers(-128, 128, count)
currents = rng.integers(-100, 128, count)
states[3], currents[3] = 70, 30  # neuron 3, which the figure follows, spikes


def stages(cycle):
    """Return the bits of the stages that hold a neuron in a cycle: neuron n is in stage cycle - n."""
    return sum(1 << stage for stage in range(3) if 0 <= cycle - stage < count)


stream = []
for cycle in range(count + 5):
    neuron_in = cycle % count  # after the last neuron the inputs do not matter
    stream.append(
        {"fires": stages(cycle), "threshold": 60, "v": states[neuron_in], "addend": currents[neuron_in]},
    )

inputs = {
    "fires": unsigned(3),
    "v": signed(8),
    "addend": signed(8),
    "threshold": unsigned(7),
    "clear": unsigned(1),
}
outputs = {"spike": unsigned(1), "membrane": unsigned(8), "kept": signed(8)}


def traced(**signals):
    """Make the block so that MyHDL writes its signals to tutorials/output/neuron.vcd."""
    OUTPUT.mkdir(exist_ok=True)
    (OUTPUT / "neuron.vcd").unlink(missing_ok=True)  # MyHDL would keep an old file under another name
    traceSignals.name = "neuron"
    traceSignals.directory = str(OUTPUT)
    traceSignals.filename = "neuron"
    make = partial(lif.lif, beta=3, frac=2, reset="subtract", towards_zero=False, **signals)
    return traceSignals(make())


seen = run(traced, inputs, outputs, stream)

kept = states.copy()
spk = np.zeros(count, np.uint8)
mem = np.zeros(count, np.int64)
fixed.lif.fire(kept, currents, 60, 3, 2, fixed.lif.SUBTRACT, fixed.lif.FLOOR, -128, 127, spk, mem)
for n in range(count):
    assert seen[n + 2]["spike"] == spk[n]
    assert seen[n + 2]["membrane"] == mem[n] & 255  # the port shows the bits of two's complement
    assert seen[n + 3]["kept"] == kept[n]

# %% [markdown]
# ## The waveform
# A *waveform* shows signals over time. `neuron.vcd` contains all of them; open it with GTKWave (`apt install gtkwave`)
# or at app.surfer-project.org. Follow the orange neuron through the figure: 70 + 30 = 100 > 60, so it spikes, and its
# new state is 3/4 of 100, minus 60.

# %%
rows = ["v", "addend", "fires", "membrane", "spike", "kept"]
delays = {"membrane": 2, "spike": 2, "kept": 3}  # cycles after the neuron has entered
cycles_shown, followed = 9, 3


def shown_value(name, cycle):
    """Return what the figure writes for a signal in a cycle."""
    value = int({**stream[cycle], **seen[cycle]}[name])
    if name == "membrane" and value > 127:
        return value - 256  # two's complement
    if name == "fires":
        return format(value, "03b")
    return value


figure, axis = plt.subplots(figsize=(9, 3.6), layout="constrained")
half_cycles = np.arange(2 * cycles_shown + 1)
axis.step(half_cycles / 2, 6.6 - 0.6 * (half_cycles % 2), where="post", color="k")
for row, name in enumerate(rows):
    delay = delays.get(name, 0)
    for cycle in range(cycles_shown):
        color = "1"
        if cycle >= delay:
            color = "0.9"
            axis.text(cycle + 0.5, 5.35 - row, shown_value(name, cycle), ha="center", va="center", fontsize=9)
        if cycle == followed + delay and name != "fires":
            color = "tab:orange"
        axis.broken_barh([(cycle + 0.04, 0.92)], (5 - row, 0.7), facecolor=color, edgecolor="0.5")
axis.set(
    yticks=np.arange(7) + 0.35,
    yticklabels=[*rows[::-1], "clk"],
    xlim=(0, cycles_shown),
    xlabel="clock cycle (edges at whole numbers; white: no neuron has come through yet)",
)
save(
    figure,
    "09_waveform",
    "A waveform: rows of signals over clock cycles; the numbers of one neuron move one row on in each cycle.",
)

# %% [markdown]
# ## Exercises
# Your file is [exercises/09_one_neuron_in_gates.py](exercises/09_one_neuron_in_gates.py): it has a place for each
# answer, and hints. `python -m tutorials.check 9` says what is right and what is wrong, and `9.2` looks at the
# second alone.
#
# 1. Write a block `three_registers(clk, d, third)`, and assert that its output is the input of three cycles before.
# 2. Run the library's `lif` with `reset="zero"`, and assert that it equals `fixed.lif.fire` (where this reset is
#    number 2). First write what both compute for one neuron: `fire_zero(v, addend, threshold, beta, frac)`, with
#    states of 8 bits.
# 3. Write `counter(clk, spike, count)`: it counts spikes and *saturates* at the largest number that `count` can
#    hold. Assert it with 40 random spikes against NumPy.
