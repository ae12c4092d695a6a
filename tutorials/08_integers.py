# %% [markdown]
# # 8. Integers
# A float adder must first bring both numbers to one exponent; an integer adder only adds, so it is far smaller. For a
# chip the trained network is *quantised*: every number becomes an integer of few *bits*. Four things can go wrong: the
# scale, the leak, the largest number, the order of leak and reset. Each fails before it is cured. You need lesson 5.

# %%
from dataclasses import replace
from itertools import accumulate

import matplotlib.pyplot as plt
import numpy as np
from common import save, source  # source: inspect.getsource without the docstring

import minisnn as ms
from minisnn.fixed import lif as fixed_lif
from minisnn.fixed import linear as fixed_linear
from minisnn.fixed.quantize import quantize
from minisnn.fixed.rounding import rounded, scale
from minisnn.timing import cycles
from minisnn.training.train import fine_tune

data = ms.load_data("digits")
# 16 maps of 3x3 weights, a pool of 2x2, then 32 and 10 neurons: lesson 6
net = ms.Network("16C3-MP2-32-10", data.input_shape, padding=1, beta=0.25, rng=np.random.default_rng(0))
model = ms.fit(net, data, epochs=10, num_steps=5, lr=4e-3, seed=0)
before = ms.evaluate(model, data.x_test, data.y_test).accuracy

# %% [markdown]
# ## The scale
# A weight becomes `w_int = round(w / s)`, and `s * w_int` is what is left of it. Numbers of $b$ bits in *two's
# complement* (the usual code of signed integers) reach from $-2^{b-1}$ to $2^{b-1}-1$; we use $\pm(2^{b-1}-1)$, the
# same on both sides. In the naive scale the largest weight becomes the largest integer, and one large weight makes the
# steps coarse for all. The cure is to *clip* a few large weights: of several scales take that of least squared error.


# %%
def to_integers(w, s, bits):
    return np.clip(np.round(w / s), 1 - 2 ** (bits - 1), 2 ** (bits - 1) - 1)


def naive_scale(w, bits):
    return np.abs(w).max() / (2 ** (bits - 1) - 1)


def best_scale(w, bits):
    candidates = naive_scale(w, bits) * np.linspace(1, 0.2, 81)
    return min(candidates, key=lambda s: np.square(w - s * to_integers(w, s, bits)).sum())


w = net.params[2].astype(np.float64)  # of layer 2
for bits in (2, 3, 4, 8):
    zeros = [100 * (to_integers(w, find(w, bits), bits) == 0).mean() for find in (naive_scale, best_scale)]
    print(f"{bits} bits: {zeros[0]:2.0f} % of the weights become 0 by the naive scale, {zeros[1]:2.0f} % by the best")
    assert (s := best_scale(w, bits)) == scale(w, bits) and np.array_equal(to_integers(w, s, bits), rounded(w, s, bits))

# %% [markdown]
# ## Bits against accuracy
# `quantize` does all of it. *Fine-tuning* trains two epochs more while the forward pass sees rounded weights; the
# gradient passes the rounding as if it were not there (*straight through*).

# %%
widths = (2, 3, 4, 5, 6, 8)


def accuracy(model, bits, **options):
    return quantize(model, bits, images=data.x_train, **options)[0].evaluate(data.x_test, data.y_test).accuracy


as_it_is = [accuracy(model, bits) for bits in widths]
tuned = [accuracy(fine_tune(model, data, 2, bits), bits) for bits in widths[:3]]
figure, axis = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
axis.axhline(100 * before, color="0.5", ls="--", label="floats")
for values, mark, label in ((as_it_is, "o-", "as it is"), (tuned, "s-", "fine-tuned for 2 epochs")):
    axis.plot(widths[: len(values)], 100 * np.array(values), mark, label=label)
axis.set(xlabel="bits of a weight", ylabel="test accuracy (%)")
axis.legend()
save(figure, "08_bits")
assert abs(as_it_is[-1] - before) < 0.02 and tuned[0] > as_it_is[0] + 0.05

# %% [markdown]
# ## The leak drowns in rounding
# The leak 0.9 becomes an integer too: `beta_int = round(0.9 * 2**8)`; then `(beta_int * u) >> 8`, where `>> 8` drops
# eight bits: a division by 256 that rounds *down*. If a membrane of 1 is a weight of 1, the membrane -9 leaks to
# floor(-8.1) = -9: it is stuck for ever, and the neuron stays inhibited (held down). The cure: `guard` bits. With 4 of
# them the membrane counts in sixteenths of that unit, and each weight enters it shifted left, `w << 4`.

# %%
beta_int, steps = round(0.9 * 2**8), 60  # 230
figure, axis = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
axis.plot(-20 * 0.9 ** np.arange(steps), "k", lw=4, alpha=0.25, label="exact: -20 · 0.9^t")
for guard, mark in ((0, "o-"), (4, "-")):
    u = np.array(list(accumulate(range(1, steps), lambda u, t: (beta_int * u) >> 8, initial=-20 << guard)))
    assert np.array_equal(u[1:], fixed_lif.leak(u[:-1], beta_int, 8, 0))  # the library's; 0 is down
    axis.plot(u / 2**guard, mark, ms=3, lw=1, label=f"{guard} guard bits: stuck at {u[-1] / 2**guard:.2f}")
axis.set(xlabel="time step", ylabel="membrane (a weight of 1 = 1)")
axis.legend()
save(figure, "08_leak")

# %% [markdown]
# ## Too large: wrap or saturate
# 8 bits end at 127. A plain adder then *wraps*: 100 + 50 = 150 becomes -106, and the most excited neuron is the most
# inhibited. *Saturation* stops at the end of the range; it makes the order of sums matter, so that is fixed: ascending
# address. How wide must a membrane be? The library *proves* a width: it follows the largest and smallest possible sum
# through the steps. Narrower saturates; where the threshold itself is out of reach nothing fires: it can only guess.

# %%
weights = np.array([60, 50, 40, -30, 20, -70], np.int16)
wrapped = weights.cumsum(dtype=np.int8)
saturated = list(accumulate(weights.tolist(), lambda v, weight: min(max(v + weight, -128), 127)))


def library(w):  # one neuron, a spike before each weight; no guard bits, from -128 to 127
    fixed_linear.add(np.ones(6, np.uint8), w[:, None].copy(), 0, -128, 127, mem := np.zeros(1, np.int32))
    return int(mem[0])


print("true", weights.cumsum(), "wrapped", wrapped, "saturated", saturated, "other order", library(weights[::-1]))
assert wrapped[2] < 0 and library(weights) == saturated[-1] != library(weights[::-1])
integer, losses = quantize(model, 8, images=data.x_train)
print([f"layer {loss.name}: {loss.least:,} to {loss.most:,}, {loss.membrane_bits} bits" for loss in losses.layers])
print(
    "accuracy (%) by bits of a membrane:",
    narrow := {bits: round(100 * accuracy(model, 8, membrane_bits=bits), 1) for bits in (12, 14, 15, 16, 19)},
)
assert not any(each.saturates for each in losses.layers) and narrow[14] < 20
assert integer.network.layers[0].threshold > 2**13 - 1  # the end of 14 bits

# %% [markdown]
# ## One firing pass by hand
# When all spikes of a step are added, all neurons fire or do not: the *firing pass*. Kept for the next step is
# $V = \mathrm{leak}(U) - \theta S$ (reset "subtract"): first leak, then subtract. With NumPy, for a leak of 3/4:

# %%
u = np.r_[700, 701, 699, np.random.default_rng(0).integers(-3000, 3000, 1000)]  # at, above, below theta
kept_by_hand = ((u * 3) >> 2) - 700 * (u > 700)
kept, spk, none = u.copy(), np.zeros(len(u), np.uint8), np.zeros(0, np.int64)
fixed_lif.fire(kept, np.zeros(1, np.int64), 700, 3, 2, 0, 0, -4096, 4095, spk, none)  # printed below
assert np.array_equal(spk, u > 700) and np.array_equal(kept, kept_by_hand)
assert spk[:3].tolist() == [0, 1, 0]  # strictly greater fires
print(source(fixed_lif.fire.py_func))

# %% [markdown]
# ## The other order
# Much RTL (hardware source code) subtracts first and leaks then: $V = \mathrm{leak}(U - \theta S)$. So a spike takes
# only $\beta\theta$ away: at $\beta = 0.25$ a quarter. Trained in the one order and run in the other, a network still
# works, a little worse and a little slower, so the mistake is easily missed (clock cycles: lessons 10 and 11):


# %%
def deployed(reset):
    layers = tuple(replace(each, reset=reset) for each in integer.network.layers)
    other = replace(integer, network=replace(integer.network, layers=layers))
    found, stimulus = other.evaluate(data.x_test, data.y_test), cycles.Stimulus.of_images(other, data.x_test)
    return 100 * found.accuracy, 100 * np.mean(found.firing_rates), cycles.predict(stimulus, (8, 8, 2)).latency.mean()


honest, wrong = deployed("subtract"), deployed("subtract_then_leak")
print("accuracy (%), firing rate (%), clock cycles an image:", np.round(honest, 1), "other order", np.round(wrong, 1))
assert wrong[1] > honest[1] and wrong[2] > honest[2]

# %% [markdown]
# ## Exercises
# 1. How many bits does the sum of 64 weights of 4 bits with 4 guard bits need? Compute it on paper, then assert it with
#    `minisnn.fixed.quantize.signed_bits`.
# 2. Rounding towards zero (`rounding=1` of `leak`) leaves no membrane stuck. Assert for `beta_int = 230, frac = 8`
#    that from every start between -100 and 100 it ends at 0, and find where floor ends.
# 3. Give the layers 12 bits in all, such as `(3, 5, 4)`. Choose by the last 300 *training* images, and assert that a
#    choice by the test images would have looked better. Why is it not honest?
