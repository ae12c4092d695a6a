# %% [markdown]
# # 8. Integers
# A float adder must first bring both numbers to a common exponent. An integer adder only adds, so it is far smaller.
# For a chip, the trained network is therefore *quantised*: every number becomes an integer of a few *bits*. Four things
# can go wrong: the scale, the leak, the largest number, and the order of leak and reset. Each of them fails below
# before it is cured. You need lesson 5.

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from common import save, source

import minisnn as ms
from minisnn import fixed, training

data = ms.load_data("digits")

# Layer 1 has 16 channels with 3x3 weights and a pool of 2x2 (lesson 6); layers 2 and 3 have 32 and 10 neurons.
net = ms.Network("16C3-MP2-32-10", data.input_shape, padding=1, beta=0.25, rng=np.random.default_rng(0))
model = ms.fit(net, data, epochs=10, num_steps=5, lr=4e-3, seed=0)
float_accuracy = ms.evaluate(model, data.x_test, data.y_test).accuracy

# %% [markdown]
# ## The scale
# A weight becomes the integer `w_int = round(w / s)`, which stands for `s * w_int`. The number `s` is the *scale* of
# the layer. Numbers of $b$ bits in *two's complement* (the usual code of signed integers) reach from $-2^{b-1}$ to
# $2^{b-1}-1$; we use $\pm(2^{b-1}-1)$, the same on both sides.
#
# The naive scale turns the largest weight into the largest integer. Then one large weight makes the steps coarse for
# all others, and many become 0. The cure is to *clip* a few large weights: we try smaller scales and take the one with
# the least squared error.


# %%
def to_integers(w, s, bits):
    most = 2 ** (bits - 1) - 1
    return np.clip(np.round(w / s), -most, most)


def naive_scale(w, bits):
    return np.abs(w).max() / (2 ** (bits - 1) - 1)


def best_scale(w, bits):
    def squared_error(s):
        return np.square(w - s * to_integers(w, s, bits)).sum()

    candidates = naive_scale(w, bits) * np.linspace(1, 0.2, 81)
    return min(candidates, key=squared_error)


w = net.layers[1].w.astype(np.float64)  # the weights of layer 2
for bits in (2, 3, 4, 8):
    naive, best = naive_scale(w, bits), best_scale(w, bits)
    zeros_naive = 100 * (to_integers(w, naive, bits) == 0).mean()
    zeros_best = 100 * (to_integers(w, best, bits) == 0).mean()
    print(
        f"{bits} bits: {zeros_naive:2.0f} % of the weights become 0 by the naive scale, {zeros_best:2.0f} % by the best"
    )

    # The library does the same.
    assert best == fixed.rounding.scale(w, bits)
    assert np.array_equal(to_integers(w, best, bits), fixed.rounding.rounded(w, best, bits))

# %% [markdown]
# ## Bits against accuracy
# ![Number formats on a line](../docs/drawings/formats.svg)
#
# `minisnn.quantize` does all of this. With few bits, *fine-tuning* helps: the network is trained for two more epochs in
# which the forward pass uses rounded weights, while the gradient passes through the rounding as if it were not there
# (*straight through*).


# %%
def accuracy(model, bits, **options):
    """Return the test accuracy of the network in integers."""
    integer, _ = ms.quantize(model, bits, images=data.x_train, **options)
    return integer.evaluate(data.x_test, data.y_test).accuracy


widths = (2, 3, 4, 5, 6, 8)
untuned = [accuracy(model, bits) for bits in widths]
tuned = []
for bits in widths[:3]:
    fine_tuned = training.train.fine_tune(model, data, 2, bits)
    tuned.append(accuracy(fine_tuned, bits))
assert abs(untuned[-1] - float_accuracy) < 0.02
assert tuned[0] > untuned[0] + 0.05

figure, axis = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
axis.axhline(100 * float_accuracy, color="0.5", ls="--", label="floats")
axis.plot(widths, 100 * np.array(untuned), "o-", label="rounded after training")
axis.plot(widths[:3], 100 * np.array(tuned), "s-", label="fine-tuned for 2 epochs")
axis.set(xlabel="width of a weight (bits)", ylabel="test accuracy (%)")
axis.legend()
save(
    figure,
    "08_bits",
    "Accuracy against bits of a weight: near that of floats from 4 bits on, far below at 2 bits, and most "
    "of that loss is regained by fine-tuning.",
)

# %% [markdown]
# ## The leak drowns in rounding
# The leak 0.9 becomes an integer too: `beta_int = round(0.9 * 2**8)`, and the membrane leaks as `(beta_int * u) >> 8`.
# The shift `>> 8` drops eight bits, which is a division by 256 that rounds *down*. Suppose that 1 in the membrane is a
# weight of 1. Then a membrane of -9 leaks to floor(-8.1) = -9. It is stuck for ever, and the neuron stays inhibited
# (held below the threshold).
#
# The cure is to add *guard bits*. With 4 of them the membrane counts in sixteenths of a weight's unit, and each weight
# is shifted left when it is added: `w << 4`.

# %%
beta_int = round(0.9 * 2**8)  # 230
steps = 60


def leaking(guard):
    """Return the membrane at each step, from -20 on, without any input."""
    u = -20 << guard
    membranes = [u]
    for _ in range(steps - 1):
        u = (beta_int * u) >> 8
        membranes.append(u)
    return np.array(membranes)


figure, axis = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
axis.plot(-20 * 0.9 ** np.arange(steps), "k", lw=4, alpha=0.25, label="exact: -20 · 0.9^t")
for guard, mark in ((0, "o-"), (4, "-")):
    u = leaking(guard)
    assert np.array_equal(u[1:], fixed.lif.leak(u[:-1], beta_int, 8, fixed.lif.FLOOR))  # the library
    axis.plot(u / 2**guard, mark, ms=3, lw=1, label=f"{guard} guard bits: stuck at {u[-1] / 2**guard:.2f}")
axis.set(xlabel="time step", ylabel="membrane (in units of a weight)")
axis.legend()
save(
    figure,
    "08_leak",
    "A membrane of -20 should decay to 0; without guard bits it is stuck far below, with more guard bits "
    "it comes nearer to 0.",
)

# %% [markdown]
# ## Too large: wrap or saturate
# The range of 8 bits ends at 127. A plain adder then *wraps around*: 100 + 50 = 150 becomes -106, and the most excited
# neuron turns into the most inhibited one. The cure is *saturation*: a sum stops at the end of the range. But now the
# order of the additions matters, so it has to be fixed: ascending addresses of the inputs.
#
# **Predict before you run.** The weights 60, 50, 40, -30, 20, -70 are added one after the other. What does an adder
# of 8 bits hold after the third one, if it wraps, and if it saturates? And after the last?
#
# <details><summary>Answer</summary>
#
# The true sums are 60, 110, 150, 120, 140, 70. After the third weight, the wrapping adder holds 150 - 256 = -106,
# and the saturating one 127. At the end the wrapping adder is right again, 70 (what is carried away comes back),
# and the saturating one holds 47.
#
# </details>

# %%
weights = np.array([60, 50, 40, -30, 20, -70], np.int16)
wrapped = weights.cumsum(dtype=np.int8)

saturated = []
v = 0
for weight in weights.tolist():
    v = min(max(v + weight, -128), 127)
    saturated.append(v)


def by_library(weights):
    """Return the membrane of one neuron with 8 bits and no guard bits, after a spike before each weight."""
    mem = np.zeros(1, np.int32)
    spikes = np.ones(6, np.uint8)
    fixed.linear.add(spikes, weights[:, None].copy(), 0, -128, 127, mem)
    return int(mem[0])


print("true sums", weights.cumsum())
print("wrapped  ", wrapped)
print("saturated", saturated)
print("saturated, in the opposite order:", by_library(weights[::-1]))
assert wrapped[2] < 0
assert by_library(weights) == saturated[-1]
assert by_library(weights[::-1]) != saturated[-1]

# %% [markdown]
# How wide must a membrane be? The library *proves* a width: it follows the largest and the smallest possible sum
# through all steps. A narrower membrane saturates. If even the threshold is out of reach, no neuron spikes, and the
# network can only guess.

# %%
integer, losses = ms.quantize(model, 8, images=data.x_train)
for loss in losses.layers:
    print(f"layer {loss.name}: membranes from {loss.least:,} to {loss.most:,}, {loss.membrane_bits} bits")
    assert not loss.saturates

narrow = {}
for bits in (12, 14, 15, 16, 19):
    narrow[bits] = 100 * accuracy(model, 8, membrane_bits=bits)
    print(f"membranes of {bits} bits: accuracy {narrow[bits]:.1f} %")
assert narrow[14] < 20
assert integer.network.layers[0].threshold > 2**13 - 1  # the largest number of 14 bits

# %% [markdown]
# ## One firing pass by hand
# When all spikes of a step have been added, the *firing pass* visits every neuron: it adds the bias, compares with the
# threshold, and computes the state for the next step, $V = \mathrm{leak}(U) - \theta S$ (reset "subtract"): first the
# leak, then the subtraction. With NumPy, for a leak of 3/4 and a threshold of 700:

# %%
random_membranes = np.random.default_rng(0).integers(-3000, 3000, 1000)
u = np.concatenate([[700, 701, 699], random_membranes])  # at, above and below the threshold first
spk_by_hand = u > 700
state_by_hand = ((u * 3) >> 2) - 700 * spk_by_hand

# %% [markdown]
# The library's firing pass overwrites its first argument, the membranes, with the states:

# %%
print(source(fixed.lif.fire))

state = u.copy()
spk = np.zeros(len(u), np.uint8)
bias = np.zeros(1, np.int64)
no_membranes = np.zeros(0, np.int64)  # an empty array: we do not ask for the membranes before reset
leak, frac = 3, 2  # 3 / 2**2 = 3/4
lowest, highest = -4096, 4095  # membranes of 13 bits
fixed.lif.fire(state, bias, 700, leak, frac, fixed.lif.SUBTRACT, fixed.lif.FLOOR, lowest, highest, spk, no_membranes)
assert np.array_equal(spk, spk_by_hand)
assert np.array_equal(state, state_by_hand)
assert spk[:3].tolist() == [0, 1, 0]  # only a membrane strictly above the threshold spikes

# %% [markdown]
# ## The other order
# Much RTL (the source code of hardware) subtracts first and then leaks: $V = \mathrm{leak}(U - \theta S)$. So a spike
# takes only $\beta\theta$ away; with $\beta = 0.25$ that is a quarter of the threshold. A network that is trained in
# one order and run in the other still works, a little worse and a little slower, so the mistake is easily missed.
# (Clock cycles are the subject of lessons 10 and 11.)


# %%
def deployed(reset):
    """Return accuracy (%), mean firing rate (%) and mean latency (cycles) of the integers with this reset."""
    # `replace` returns a copy in which something is different.
    layers = tuple(replace(layer, reset=reset) for layer in integer.network.layers)
    other = replace(integer, network=replace(integer.network, layers=layers))
    result = other.evaluate(data.x_test, data.y_test)
    latency = ms.cycles(other, data.x_test, lanes=(8, 8, 2)).latency.mean()
    return 100 * result.accuracy, 100 * np.mean(result.firing_rates), latency


as_trained = deployed("subtract")
other_order = deployed("subtract_then_leak")
for name, (percent, rate, latency) in (("as trained", as_trained), ("the other order", other_order)):
    print(f"{name:15}: accuracy {percent:.1f} %, firing rate {rate:.1f} %, {latency:,.0f} clock cycles per image")
assert other_order[1] > as_trained[1]
assert other_order[2] > as_trained[2]

# %% [markdown]
# ## Exercises
# Your file is [exercises/08_integers.py](exercises/08_integers.py): it has a place for each answer, and hints.
# `python -m tutorials.check 8` says what is right and what is wrong, and `8.2` looks at the second alone.
#
# 1. How many bits does the sum of 64 weights of 4 bits with 4 guard bits need? Write
#    `bits_of_sum(count, weight_bits, guard)`, and assert it with `minisnn.fixed.bounds.signed_bits`.
# 2. With rounding towards zero no membrane gets stuck. Write `leak(u, beta_int, frac)`, and assert for
#    `beta_int = 230, frac = 8` that it ends at 0 from every start between -100 and 100. Where does it end with
#    rounding down?
# 3. Give the three layers 12 bits in all, such as `(3, 5, 4)`. Choose by the last 300 *training* images, and assert
#    that a choice by the test images would have looked better. Why is that choice not honest? Write
#    `choose_bits(on_training, on_test)`.
