# %% [markdown]
# # 10. The accelerator
# A network's steps are mostly silence: of 100 neurons some 5 to 30 fire. An *accelerator* (hardware for one kind of
# work) should pay for spikes, not for silence. You need lesson 9 (one neuron in gates). Part by part, ours is:
#
#     frame of spikes -> scanner -> lanes -> firing pass -> frame of the next layer

# %%
import inspect
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
from common import save
from myhdl import Signal, intbv

import minisnn as ms
from minisnn.fixed.quantize import quantize
from minisnn.inspector.trace import trace
from minisnn.plot import pipeline_gantt
from minisnn.timing import cycles
from minisnn_hw.parts.accumulate import accumulate
from minisnn_hw.spike_scanner import spike_scanner, without_lowest
from minisnn_hw.verify import simulate
from minisnn_hw.verify.cosimulate import cosimulate

# %% [markdown]
# ## The scanner: where are the spikes?
# A *frame* holds the spikes of a layer in one step, many in a *word* (the bits that a memory hands out at once). The
# naive scanner looks at one bit a cycle: 128 bits, 128 cycles, however few the spikes. The trick: `word & (word - 1)` is
# `word` without its lowest set bit: 1100 & 1011 = 1000. A word of 32 costs a cycle for each spike, or one if empty.


# %%
def scan(words, width):
    """(addresses of the spikes, cycles)."""
    found = []
    for at, word in enumerate(words):
        while word:
            found.append(at * width + (word ^ (word & (word - 1))).bit_length() - 1)  # its lowest 1
            word &= word - 1
    return found, sum(max(word.bit_count(), 1) for word in words)


spikes = (np.random.default_rng(0).random(128) < 0.08) & (np.arange(128) // 32 != 1)  # word 1 is empty
words = [sum(1 << i for i in range(32) if spikes[32 * at + i]) for at in range(4)]
by_hand, least = scan(words, 32)
assert by_hand == np.flatnonzero(spikes).tolist()

# %% [markdown]
# The library's scanner in gates. A *handshake* joins it to its neighbour: `valid` says "here is a spike", `ready` "I can
# take it"; it is handed over in a cycle in which both are 1. So neither must know how long the other takes.

# %%
print(inspect.getsource(without_lowest))
bits = lambda width: Signal(intbv(0)[width:])
make = partial(spike_scanner, height=1, width=1, channels=128, flat=True)
inputs = {"rst": bits(1), "start": bits(1), "read_data": bits(32), "ready": bits(1)}
outputs = {
    **{name: bits(1) for name in ("busy", "read", "present", "valid", "y", "x")},
    "read_address": bits(2),
    "base": bits(8),
    "index": bits(5),
}
memory, found = [0], []


def drive(cycle, seen):
    if seen["read"]:
        memory[0] = words[seen["read_address"]]  # there in the next cycle
    if seen["valid"] and cycle > 3:  # the address is that of the word's first bit, plus the bit's place
        found.append((seen["base"] + seen["index"], cycle - 1))
    if cycle == 60:
        raise StopIteration
    return {"rst": cycle == 0, "start": cycle == 2, "read_data": memory[0], "ready": 1}


simulate.run(make, inputs, outputs, drive)
last = found[-1][1] - 2  # cycles since `start`
print(f"{spikes.sum()} spikes, {words.count(0)} word of zeros: naive 128 cycles, at best {least}, gates {last}")
assert [address for address, _ in found] == by_hand and least <= last <= least + 3

# %% [markdown]
# ## The lanes: add the weights
# A *lane* is an adder beside its own memory of membranes. A spike is shown to all lanes at once, and each adds its own
# weight. If a layer has more outputs than lanes, they take turns in `groups`.
# A memory in the chip (*block RAM*) answers a cycle after it was asked, and the sum takes one more, and one to be
# written. In a naive design the next addition reads the sum before the last one is written, and that one is lost. The
# cure is *forwarding*: the adder remembers its last three results, and takes the newest of the same address from there
# in place of the memory. No cycle is lost. First the naive sums; then the library's adder, where `two_before` says that
# the addition two cycles before was to the same address, and so on (that no sum is wrong, the last cell proves):


# %%
def naive_sums(addresses, late):
    """Add 1 at each address, one a cycle; what is written is read `late` cycles later. {address: sum}."""
    values = []
    for i, address in enumerate(addresses):
        written = [value for at, value in zip(addresses[: max(i - late + 1, 0)], values) if at == address]
        values.append((written[-1] if written else 0) + 1)
    return dict(zip(addresses, values))


# 60 spikes to a fully connected layer: every spike goes through all groups of lanes
kept = {groups: naive_sums(list(range(groups)) * 60, 3)[0] for groups in (1, 4)}
print(f"of 60 additions to a sum {kept[1]} are kept with 1 group, {kept[4]} with 4")
assert kept[1] == 20 and kept[4] == 60
source = inspect.getsource(accumulate)
print(source[source.index("    def add():") : source.index("                if total[sign] == 0")])

# %% [markdown]
# ## The firing pass, and the pipeline of layers
# When all is added, all neurons fire, a lane's one after the other. The spikes go to one of two *banks* of the next
# layer's frame, which reads the one while the other is written. So layers overlap: layer 2 adds step t, layer 1 step
# t + 1. Let A be the cycles of additions (lesson 11), N those of a firing pass, and 6 what its last neuron needs to get
# through the pipeline. Layer l begins step t in cycle b (its frame is whole, it has fired step t - 1), has added in e,
# and fires from s on (a bank is free, the pipeline is empty):
#
#     b[l,t] = max(s[l-1,t] + N[l-1] + 6, s[l,t-1] + N[l] + 1)
#     e[l,t] = b[l,t] + A[l,t]
#     s[l,t] = max(e[l,t], e[l+1,t-2] + 1, s[l,t-1] + N[l] + 6)

# %%
data = ms.load_data("digits")
net = ms.Network("4C3-16-10", data.input_shape, rng=np.random.default_rng(0))  # 4 maps of 3x3: lesson 6
integer, _ = quantize(ms.fit(net, data, epochs=4, num_steps=6, encoding="rate", seed=0), 6)
image, lanes, T = data.x_test[:1], (4, 1, 1), 6
predicted = cycles.predict(cycles.Stimulus.of_images(integer, image), lanes)
A, N = predicted.adding[0], predicted.firing
b, e, s, sent = *np.zeros((3, 3, T), int), -1  # sent: the last word of the input
for t in range(T):
    sent = 63 + max(sent + 1, e[0, t - 2] + 1 if t > 1 else 0)  # 64 pixels, a word each
    for l in range(3):
        b[l, t] = max(s[l - 1, t] + N[l - 1] + 6 if l else sent + 1, s[l, t - 1] + N[l] + 1 if t else 0)
        e[l, t] = b[l, t] + A[l, t]
        s[l, t] = max(e[l, t], e[l + 1, t - 2] + 1 if l < 2 and t > 1 else 0, s[l, t - 1] + N[l] + 6 if t else 0)
assert np.array_equal([b, e, s], [predicted.begins[0], predicted.added[0], predicted.fires[0]])
assert (s[0] > e[0]).any()  # layer 1 also waits for a bank
figure, axis = plt.subplots(figsize=(9, 3), layout="constrained")
labels = [f"{each.layer.name}\n{n} lane{'s' * (n > 1)}" for each, n in zip(integer.network.layers, lanes)]
pipeline_gantt(axis, predicted, labels)
axis.set_title(f"{predicted.latency[0]:,} cycles: adds (blue), waits for a bank (grey), fires (orange); numbers: steps")
save(figure, "10_pipeline")
print("one layer after the other:", alone := A.sum() + T * N.sum(), "cycles; overlapped:", predicted.latency[0])
assert predicted.latency[0] < 0.75 * alone

# %% [markdown]
# ## All of it in gates
# Load, image, answer: every spike, every membrane and every cycle is compared with the integers and the formula.

# %%
(compared,) = cosimulate(integer.network, next(integer.inputs(image)), T, lanes)
assert compared.same and compared.cycles_counted == predicted.latency[0], compared
for each in trace(integer, image[0], lanes).at(cycle=1200):  # what each layer does in one cycle
    doing = each.phase + (" after" if each.phase == "idle" else ",")
    print(f"cycle 1200: layer {each.layer + 1} {doing} step {each.step + 1}")

# %% [markdown]
# ## Exercises
# 1. How many cycles has a frame of 1,024 bits with a single spike, in words of 32 bits? And of 8? Assert it with `scan`.
# 2. Which of 16, ..., 8 lanes waste some on layer 2 (its firing pass is no longer with fewer)? Use `cycles.depths`.
# 3. Give the input one word every 4 cycles (`cycles.predict(..., word_every=4)`). Extend the loop to equal it again.
