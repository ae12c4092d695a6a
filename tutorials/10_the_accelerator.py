# %% [markdown]
# # 10. The accelerator
# The steps of a network are mostly silence: of 100 neurons some 5 to 30 spike. An *accelerator* (hardware for one kind
# of work) should pay for spikes, not for silence. You need lesson 9 (one neuron in gates). Part by part, ours is:
#
#     frame of spikes -> scanner -> lanes -> firing pass -> frame of the next layer

# %%
import matplotlib.pyplot as plt
import numpy as np
from common import save, source
from myhdl import Signal, intbv

import minisnn as ms
from minisnn import plot
from minisnn_hw import cosimulate, parts, ports, spike_scanner, verify

# %% [markdown]
# ## The scanner: where are the spikes?
# ![The scanner](../docs/drawings/scanner.svg)
#
# A *frame* holds the spikes of a layer at one step, many of them in a *word* (the bits that a memory reads at once).
# The naive scanner looks at one bit per cycle: 128 bits take 128 cycles, however few the spikes.
#
# A trick helps: `word & (word - 1)` is `word` without its lowest set bit. For example 1100 & 1011 = 1000. So a word of
# 32 bits costs one cycle for each spike, or one cycle if it is empty.
#
# **Predict before you run.** 128 inputs lie in four words of 32. There are 12 spikes, none of them in word 1, and
# some in each of the other words. How many cycles does the scanner need at least?
#
# <details><summary>Answer</summary>
#
# 13: one for each spike, and one for the empty word.
#
# </details>


# %%
def scan(words, width):
    """Return the addresses of the spikes, and the number of cycles."""
    addresses, cycles = [], 0
    for number, word in enumerate(words):
        cycles += max(word.bit_count(), 1)
        while word:
            rest = word & (word - 1)
            lowest = word ^ rest  # the only bit in which they differ
            addresses.append(number * width + lowest.bit_length() - 1)
            word = rest
    return addresses, cycles


spikes = np.random.default_rng(0).random(128) < 0.08
spikes[32:64] = False  # word 1 is empty
words = []
for number in range(4):
    bits = spikes[32 * number : 32 * number + 32]
    words.append(sum(1 << place for place in np.flatnonzero(bits).tolist()))

addresses, least = scan(words, 32)
assert addresses == np.flatnonzero(spikes).tolist()

# %% [markdown]
# Now the library's scanner in gates. A *handshake* connects it to its neighbour: `valid` says "here is a spike", and
# `ready` says "I can take it"; the spike is handed over in a cycle in which both are 1. So neither block has to know
# how long the other takes.

# %%
print(source(spike_scanner.lowest_bit))

# %% [markdown]
# The signals of the handshake and of the spike's address belong together, so they are one *bundle*: a Python object
# with one signal per attribute. Here it is `Scan`. To the simulator, and in VHDL, its signals are called `scan_valid`,
# `scan_ready` and so on. A spike's address is its row `y`, its column `x` and its channel. A flat frame, as here, is a
# single pixel with 128 channels, so its channel alone is the address. (`index` is the place of the bit in its word, and
# `follows` and `present` say that a word moves on; here we need none of them.)


# %%
def unsigned(width):
    return Signal(intbv(0)[width:])


scan_port = ports.Scan(
    valid=unsigned(1),
    ready=unsigned(1),
    y=unsigned(1),
    x=unsigned(1),
    channel=unsigned(8),
    index=unsigned(5),
)
inputs = {
    "rst": unsigned(1),
    "start": unsigned(1),
    "read_data": unsigned(32),
    **scan_port.named("scan", "ready"),
}
outputs = {
    "busy": unsigned(1),
    "read": unsigned(1),
    "read_address": unsigned(2),
    "follows": unsigned(1),
    "present": unsigned(1),
    **scan_port.named("scan", "valid", "y", "x", "channel", "index"),
}


def scanner(**signals):
    """Make the scanner from single signals: those of the bundle are replaced by the bundle."""
    single = {name: signal for name, signal in signals.items() if not name.startswith("scan_")}
    return spike_scanner.spike_scanner(**single, scan=scan_port, height=1, width=1, channels=128, flat=True)


# %% [markdown]
# Around the scanner we simulate a memory that holds the words, and a neighbour that takes every spike at once:

# %%
START = 2  # the cycle of the `start` pulse


class Surroundings:
    """What stands around the scanner: a memory that holds the words, and a neighbour that takes every spike at once."""

    def __init__(self):
        self.read_data = 0
        self.handed_over = []  # (address, cycle)

    def drive(self, cycle, seen):
        """Return the scanner's inputs in a cycle, from its outputs at the end of the cycle before."""
        if cycle == 60:
            raise StopIteration
        if seen["read"]:
            self.read_data = words[seen["read_address"]]  # memory answers in the next cycle
        if seen["scan_valid"] and cycle > START + 1:  # before that cycle it has not begun
            self.handed_over.append((seen["scan_channel"], cycle - 1))
        return {"rst": cycle == 0, "start": cycle == START, "read_data": self.read_data, "scan_ready": 1}


around = Surroundings()
verify.simulate.run(scanner, inputs, outputs, around.drive)
in_gates = [address for address, cycle in around.handed_over]
last_cycle = around.handed_over[-1][1]
duration = last_cycle - START
print(f"{spikes.sum()} spikes, {words.count(0)} word of zeros")
print(f"naive scanner: 128 cycles; at best: {least}; gates: {duration}")
assert in_gates == addresses
assert least <= duration <= least + 3

# %% [markdown]
# ## The lanes: add the weights
# ![A layer in gates](../docs/drawings/layer.svg)
#
# A *lane* is an adder with its own memory of membranes. A spike is shown to all lanes at once, and each adds its own
# weight. If a layer has more outputs than lanes, the lanes work on one *group* of outputs after the other.
#
# A memory on the chip (*block RAM*) answers one cycle after it is asked; the sum takes one more cycle, and one to be
# written. In a naive design the next addition reads the membrane before the last sum is written, and that sum is lost:


# %%
def naive_sums(addresses, delay):
    """Add 1 at each address, one per cycle; what is written can be read only `delay` cycles later."""
    written = []  # (address, sum), one for each cycle
    for cycle, address in enumerate(addresses):
        visible = written[: max(cycle - delay + 1, 0)]
        before = 0
        for at, value in visible:
            if at == address:
                before = value
        written.append((address, before + 1))
    return dict(written)


# 60 spikes into a fully connected layer: every spike goes through all groups of lanes.
kept = {}
for groups in (1, 4):
    addresses_of_spike = list(range(groups))
    sums = naive_sums(addresses_of_spike * 60, delay=3)
    kept[groups] = sums[0]
    print(f"{groups} group(s): {kept[groups]} of 60 additions to a membrane are kept")
assert kept[1] == 20
assert kept[4] == 60

# %% [markdown]
# The cure is *forwarding*: the adder remembers its last three results, and takes the newest one of the same address
# from there, not from memory. No cycle is lost. In the library's adder, `control.two_before` says that the addition two
# cycles before was to the same address, and so on. (That no sum is wrong is proven in the last code cell.)

# %%
text = source(parts.accumulate.accumulate)
print(text[text.index("    def add():") : text.index("                if total[sign] == 0")])

# %% [markdown]
# ## The firing pass, and the pipeline of layers
# ![Steps and layers overlap](../docs/drawings/pipeline.svg)
#
# When all inputs of a step are added, the firing pass visits all neurons, the neurons of a lane one after the other.
# The spikes are written into one of two *banks* of the next layer's buffer; the next layer reads one bank while the
# other is written. So layers overlap: layer 2 adds step t while layer 1 adds step t + 1.
#
# Let A be the cycles of additions (lesson 11) and N the cycles of a firing pass. The last neuron needs 6 more cycles to
# get through the pipeline. Layer l *begins* step t in cycle b, when its frame is complete and its own step t - 1 has
# fired. All inputs are *added* in cycle e. The firing pass *starts* in cycle s, when the next layer has a free bank and
# the pipeline is empty:
#
#     b[layer,t] = max(s[layer-1,t] + N[layer-1] + 6, s[layer,t-1] + N[layer] + 1)
#     e[layer,t] = b[layer,t] + A[layer,t]
#     s[layer,t] = max(e[layer,t], e[layer+1,t-2] + 1, s[layer,t-1] + N[layer] + 6)
#
# (Layers that take pixels, or add several taps at once, need one to four cycles more; `minisnn/timing/cycles.py` has them.)
#
# We train a small network and compare this with the library's prediction for one image.

# %%
data = ms.load_data("digits")
net = ms.Network("4C3-16-10", data.input_shape, rng=np.random.default_rng(0))  # layer 1: 4 channels, 3x3 weights
model = ms.fit(net, data, epochs=4, num_steps=6, encoding="rate", seed=0)
integer, _ = ms.quantize(model, 6)  # weights of 6 bits (lesson 8)

image = data.x_test[:1]
lanes = (4, 1, 1)
predicted = ms.cycles(integer, image, lanes)

# %% [markdown]
# The recurrence in Python. Indices count from 0, so `b[0]` is layer 1. The input is 8 rows of 8 pixels, a row in a word,
# and one word per cycle.

# %%
T = 6
A = predicted.adding[0]  # (layers, T), of the only image
N = predicted.firing  # (layers,)
b, e, s = (np.zeros((3, T), int) for _ in range(3))
last_word = -1  # the cycle of the last word of a frame
for t in range(T):
    first_word = last_word + 1
    if t >= 2:
        first_word = max(first_word, e[0, t - 2] + 1)  # a bank of layer 1 must be free
    last_word = first_word + 7
    for layer in range(3):
        b[layer, t] = last_word + 1 if layer == 0 else s[layer - 1, t] + N[layer - 1] + 6
        if t >= 1:
            b[layer, t] = max(b[layer, t], s[layer, t - 1] + N[layer] + 1)
        e[layer, t] = b[layer, t] + A[layer, t]
        s[layer, t] = e[layer, t]
        if t >= 1:
            s[layer, t] = max(s[layer, t], s[layer, t - 1] + N[layer] + 6)
        if t >= 2 and layer < 2:
            s[layer, t] = max(s[layer, t], e[layer + 1, t - 2] + 1)  # a bank of the next layer must be free

assert np.array_equal(b, predicted.begins[0])
assert np.array_equal(e, predicted.added[0])
assert np.array_equal(s, predicted.firing_starts[0])
assert (s[0] > e[0]).any()  # layer 1 does wait for a bank

# %%
latency = predicted.latency[0]
labels = []
for layer, count in zip(integer.network.layers, lanes):
    labels.append(f"{layer.layer.name}\n{count} lane{'s' if count > 1 else ''}")

figure, axis = plt.subplots(figsize=(9, 3), layout="constrained")
plot.pipeline_gantt(axis, predicted, labels)
axis.set_title(f"{latency:,} cycles: adds (blue), waits for a bank (grey), firing pass (orange); numbers: steps")
save(
    figure,
    "10_pipeline",
    "A chart of the layers over clock cycles: blue bars of additions, grey waits for a bank, orange "
    "firing passes, with step numbers; the layers overlap.",
)

one_by_one = A.sum() + T * N.sum()
print(f"one layer after the other: {one_by_one:,} cycles; overlapped: {latency:,} cycles")
assert latency < 0.75 * one_by_one

# %% [markdown]
# ## All of it in gates
# ![The accelerator](../docs/drawings/accelerator.svg)
#
# Load, image, answer: every spike, every membrane and every cycle is compared with the integers and with the
# prediction.

# %%
encoded = next(integer.inputs(image))
(compared,) = cosimulate(integer.network, encoded, T, lanes)
assert compared.same, compared
assert compared.cycles_counted == latency

# %% [markdown]
# ## Which file is which part
# Each part is a file in `hw/`, or in `hw/parts/` if several parts share it. A spike passes through them in this order:
#
# - `spike_buffer` holds two frames, each in a `memory`. `pack` joins the narrow words that a layer of few lanes writes
#   into the wide words of this buffer.
# - `spike_scanner` finds the spikes. `word_position` says in which row, column and channel a word begins. `look_up` is a
#   small table of constants, in place of arithmetic.
# - A *walker* visits the neurons that the spike reaches: `linear` in a fully connected layer, `conv2d` in a convolution,
#   where `reach` finds the taps that lead into the frame and `tap_walk` visits them. `stages` keeps the next spike ready
#   meanwhile, so that no cycle is lost between two spikes.
# - `lanes` add the weights. In each `lane`, `accumulate` is the adder with its memory, and `sum_control` tells all of
#   them when to read, add and write. A `register` delays a signal by a cycle.
# - `firing_pass` visits the neurons when all inputs are added, and the `lif` of lesson 9 decides in each lane whether a
#   neuron spikes. `maxpool` joins the spikes of a window.
# - Behind the last layer, `step_sums` counts the spikes of each neuron over all steps, and `scores` adds these counts up
#   by class.
#
# If the load has a margin, `scores` also looks at the scores after each step. When the best class leads by so much, the
# answer is sent at once, and the parts before drop what is left of the image: each counts its images, and `dropping`
# compares this count with the number of the image that is answered.
#
# `layer_control` says when a step begins and when its firing pass does. `layer` joins the parts of a layer,
# `stage` adds the buffer before it and its numbers from the load, and `accelerator` joins the stages.
#
# Two kinds of layers have parts of their own. In a layer that takes pixels, `pixel_words` reads the value of each pixel,
# and each lane multiplies it by the weights. A layer may also add several taps of a spike at once, a row or all of them:
# then each lane has a *bank* of membranes, with an adder, for each of these taps. `banks` says which bank a neuron is in,
# and `rotate` brings each weight to its bank. With all taps at once, `windows` can fire all neurons of a pooling window in
# one cycle, for they are in banks of their own.

# %% [markdown]
# What does each layer do in one cycle? `minisnn.trace` knows:

# %%
trace = ms.trace(integer, image[0], lanes)
for doing in trace.at(cycle=1200):
    after = "after" if doing.phase == "idle" else "in"
    print(f"cycle 1200: layer {doing.layer + 1}: {doing.phase}, {after} step {doing.step}")

# %% [markdown]
# ## Exercises
# Your file is [exercises/10_the_accelerator.py](exercises/10_the_accelerator.py): it has a place for each answer,
# and hints. `python -m tutorials.check 10` says what is right and what is wrong, and `10.2` looks at the second
# alone.
#
# 1. How many cycles does a frame of 1,024 bits with a single spike take, in words of 32 bits? And in words of 8
#    bits? Write `scan_cycles(spikes, inputs, width)`, and assert it with `scan`.
# 2. Which numbers of lanes from 8 to 16 waste lanes in layer 2, because its firing pass is no longer with one lane
#    less? Write `wasteful(neurons, candidates)`.
# 3. Give the input one word every 40 cycles (`minisnn.cycles(..., word_every=40)`). When does the last word of each
#    frame arrive? Write `last_words(added, words, word_every)`, put it into the loop above, and assert that the
#    loop equals the prediction again.
