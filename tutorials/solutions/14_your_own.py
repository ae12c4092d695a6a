# %% [markdown]
# # Solutions to lesson 14

# %%
import numpy as np
from myhdl import Signal, always, block, intbv

import minisnn as ms
from minisnn import lif
from minisnn_hw import verify

rng = np.random.default_rng(0)

# %% [markdown]
# ## 1
# The curve is a ramp: x between -w and w, and constant beyond. At x = -w and x = w it has a corner, and no derivative,
# so the finite differences of proof 1 must leave out these two points. (Proof 2 meets them only by chance: a membrane
# would have to lie within a millionth of a corner.)

# %%
w = 0.5


def curve(x):
    return np.clip(x, -w, w)


def derivative(x):
    return (np.abs(x) < w).astype(x.dtype)


boxcar = ms.Surrogate("boxcar", w, functions=(curve, derivative))
x = np.linspace(-2, 2, 401)
h = 1e-6
slope = (boxcar.curve(x + h) - boxcar.curve(x - h)) / (2 * h)
gap = np.abs(slope - boxcar.derivative(x))


def corners(x, w, h):
    return np.abs(np.abs(x) - w) <= h


corner = corners(x, w, h)
assert corner.sum() == 2
assert gap[~corner].max() < 1e-8
assert gap[corner].min() > 0.4

# %% [markdown]
# ## 2
# A spike in the step before forbids one now; everything else is the neuron of `lif.forward`, with reset "subtract".


# %%
def membranes_and_spikes(cur, beta, threshold):
    spk = np.zeros_like(cur)
    mem = np.zeros_like(cur)
    v = np.zeros(cur.shape[1:])
    s = np.zeros(cur.shape[1:])
    for t in range(len(cur)):
        u = v + cur[t]
        s = ((u > threshold) & (s == 0)).astype(cur.dtype)
        v = beta * u - s * threshold
        spk[t] = s
        mem[t] = u
    return spk, mem


def refractory(cur, beta, threshold):
    return membranes_and_spikes(cur, beta, threshold)[0]


cur = rng.normal(0.6, 0.5, (30, 50))
spk, mem = membranes_and_spikes(cur, 0.8, 1.0)
plain_spk, plain_mem = lif.forward(cur, 30, 0.8, 1.0)
assert not (spk[1:] * spk[:-1]).any()
assert (plain_spk[1:] * plain_spk[:-1]).any()  # the plain neuron does spike in two steps in a row

for neuron in range(50):
    until = int(plain_spk[:, neuron].argmax()) + 1  # up to the first spike, and including it
    assert np.array_equal(spk[:until, neuron], plain_spk[:until, neuron])
    assert np.array_equal(mem[:until, neuron], plain_mem[:until, neuron])

# %% [markdown]
# ## 3
# From `first` to `last` the spikes of a window are counted; the sum is out one cycle after `last`. There is one lane,
# to keep it short.


# %%
@block
def avgpool(clk, valid, first, last, spike, word_valid, word):
    count = Signal(intbv(0)[len(word) :])

    @always(clk.posedge)
    def add():
        word_valid.next = valid and last
        if valid:
            if first:
                count.next = spike
                word.next = spike
            else:
                count.next = count + spike
                word.next = count + spike

    return add


def unsigned(width):
    return Signal(intbv(0)[width:])


spikes = (rng.random((8, 8)) < 0.4).astype(np.uint8)
windows = spikes.reshape(4, 2, 4, 2).transpose(0, 2, 1, 3).reshape(16, 4)  # in the order of a firing pass
stream = []
for window in windows:
    for place, spike in enumerate(window):
        stream.append({"valid": 1, "first": place == 0, "last": place == 3, "spike": spike})
stream.append({})  # the last word is seen one cycle later

inputs = {"valid": unsigned(1), "first": unsigned(1), "last": unsigned(1), "spike": unsigned(1)}
outputs = {"word_valid": unsigned(1), "word": unsigned(3)}
remaining = iter(stream)
given, seen = verify.simulate.run(avgpool, inputs, outputs, lambda cycle, before: next(remaining))
sums = [cycle["word"] for cycle in seen if cycle["word_valid"]]
assert sums == windows.sum(axis=1).tolist()
assert max(sums) > 1  # an OR of spikes would not do
