# %% [markdown]
# # 14. Your own experiment: solutions

# %%
import numpy as np
from myhdl import Signal, always, block, intbv

import minisnn as ms
from minisnn import lif
from minisnn_hw.verify import simulate

rng = np.random.default_rng(0)

# %% [markdown]
# 1. The curve is a ramp: x between -w and w, and constant beyond. At x = -w and x = w it has a corner, and no
#    derivative, so the finite differences of proof 1 must leave these two points out. (Proof 2 meets them by chance
#    only: a membrane would have to lie within a millionth of a corner.)

# %%
w = 0.5
boxcar = ms.Surrogate("boxcar", w, functions=(lambda x: np.clip(x, -w, w), lambda x: (np.abs(x) < w).astype(x.dtype)))
x, h = np.linspace(-2, 2, 401), 1e-6
slope = (boxcar.curve(x + h) - boxcar.curve(x - h)) / (2 * h)
corner = np.abs(np.abs(x) - w) < 2 * h
assert corner.sum() == 2
assert np.abs(slope - boxcar.derivative(x))[~corner].max() < 1e-8
assert np.abs(slope - boxcar.derivative(x))[corner].min() > 0.4

# %% [markdown]
# 2. The spike of the step before forbids one now; everything else is the neuron of `lif.forward`. Reset "subtract".


# %%
def refractory(cur, beta, threshold):
    spk, mem = np.zeros_like(cur), np.zeros_like(cur)
    v, s = np.zeros(cur.shape[1:]), np.zeros(cur.shape[1:])
    for t in range(len(cur)):
        u = v + cur[t]
        s = ((u > threshold) & (s == 0)).astype(cur.dtype)
        v = beta * u - s * threshold
        spk[t], mem[t] = s, u
    return spk, mem


cur = rng.normal(0.6, 0.5, (30, 50))
spk, mem = refractory(cur, 0.8, 1.0)
plain_spk, plain_mem = lif.forward(cur, 30, 0.8, 1.0)
assert not (spk[1:] * spk[:-1]).any() and (plain_spk[1:] * plain_spk[:-1]).any()
for neuron in range(50):
    until = int(plain_spk[:, neuron].argmax()) + 1  # the first spike and all before it
    assert np.array_equal(spk[:until, neuron], plain_spk[:until, neuron])
    assert np.array_equal(mem[:until, neuron], plain_mem[:until, neuron])

# %% [markdown]
# 3. Between `first` and `last` the spikes of a window are counted; the sum is out a cycle after `last`. Of one lane, to
#    keep it short.


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


def bit():
    return Signal(intbv(0)[1:])


fires = (rng.random((8, 8)) < 0.4).astype(np.uint8)
windows = fires.reshape(4, 2, 4, 2).transpose(0, 2, 1, 3).reshape(16, 4)  # in the order of a firing pass
stream = iter(
    [
        {"valid": 1, "first": i == 0, "last": i == 3, "spike": spike}
        for window in windows
        for i, spike in enumerate(window)
    ]
    + [{}]
)
inputs = {name: bit() for name in ("valid", "first", "last", "spike")}
outputs = {"word_valid": bit(), "word": Signal(intbv(0)[3:])}
_, seen = simulate.run(avgpool, inputs, outputs, lambda cycle, seen: next(stream))
found = [cycle["word"] for cycle in seen if cycle["word_valid"]]
assert found == windows.sum(axis=1).tolist() and max(found) > 1
