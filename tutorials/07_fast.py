# %% [markdown]
# # 7. Fast: the kernels beside the reference
# The code of lessons 1 to 6 is there to be read. The library has all of it a second time in `minisnn/kernels/`, compiled
# by *Numba*, which makes machine code of Python functions: the same numbers, faster and in less memory. Where does the
# time go, and what wins it back? All times are measured on your machine. You need lessons 5 and 6.

# %%
import inspect
import timeit
import tracemalloc

import matplotlib.pyplot as plt
import numpy as np
from common import save
from numba import njit

from minisnn import Network, lif, linear
from minisnn.kernels import fire
from minisnn.kernels import lif as fast_lif
from minisnn.kernels import linear as fast_linear

rng = np.random.default_rng(0)


def seconds(function, *args, repeats=5):
    """Time of a call: the best of some, as other work only makes it slower; the first, which compiles, is left out."""
    return min(timeit.repeat(lambda: function(*args), number=1, repeat=repeats + 1)[1:])


# %% [markdown]
# ## The naive way: a loop in Python, neuron by neuron
# Python looks up the type of every number anew, which takes far longer than to add it. `njit` compiles the same lines.
# What then costs time is *memory*: a processor fetches 64 bytes at a time, and waits for them longer than it computes.
# The neuron's next step is 262144 numbers away, so 64 bytes are fetched to use 4. And it cannot use its *vector*
# instructions, which add 4 to 16 numbers at once, but only if they lie side by side. The cure for both: swap the loops,
# step by step. NumPy (`lif.forward`) goes step by step too, but walks through memory once for each `+` and `*`.

# %%
num_steps, beta, threshold = 10, np.float32(0.5), np.float32(1.0)
cur = rng.normal(0.5, 0.5, (num_steps, 16, 16, 16, 64)).astype(np.float32)  # (T, B, H, W, C): 262144 neurons
flat = cur.reshape(num_steps, -1)


def neuron_by_neuron(cur, spk, mem):
    for i in range(cur.shape[1]):
        v = np.float32(0)
        for t in range(num_steps):
            u = v + cur[t, i]
            spk[t, i], mem[t, i] = u > threshold, u
            v = beta * u - threshold * np.float32(spk[t, i])


def step_by_step(cur, spk, mem):
    v = np.zeros_like(cur[0])
    for t in range(num_steps):
        for i in range(cur.shape[1]):
            u = v[i] + cur[t, i]
            spk[t, i], mem[t, i] = u > threshold, u
            v[i] = beta * u - threshold * np.float32(spk[t, i])


spk, mem = np.empty(flat.shape, np.uint8), np.empty_like(flat)
for way in (njit(neuron_by_neuron), njit(step_by_step)):
    way(flat, spk, mem)
    for library in (lif.forward, fast_lif.forward):
        np.testing.assert_array_equal((spk, mem), library(flat, num_steps, 0.5, 1.0))  # equal to the last bit

# %% [markdown]
# ## The kernels
# The library's kernels hold 16 neurons in *registers*, the processor's own few places for numbers, for all steps. Alone
# that wins nothing here: the swapped loop is faster (and finds its arrays ready). But so several passes can be
# *joined*: `fire.forward`, the *firing pass*, takes a pooling window at a time, hands on the OR of its spikes, and
# writes no membrane. Of 5 bytes a neuron and step, a quarter of one is left.

# %%
print(inspect.getsource(fire._forward.py_func))  # splat: one number in all 16 places of a vector
neuron = fast_lif.constants(0.5, 1.0, "subtract", True, cur.dtype)  # beta, theta, r0, r1, ... (lesson 1)
ns = {
    name: 1e9 * seconds(*call) / call[1].size
    for name, call in {
        "Python, neuron by neuron": (neuron_by_neuron, flat[:, :300], spk, mem),
        "the same, compiled": (njit(neuron_by_neuron), flat, spk, mem),
        "compiled, step by step": (njit(step_by_step), flat, spk, mem),
        "NumPy, step by step": (lif.forward, cur, num_steps, 0.5, 1.0),
        "kernel: spikes, membranes": (fast_lif.forward, cur, num_steps, 0.5, 1.0),
        "kernel: pooled spikes": (fire.forward, cur, num_steps, neuron, 2),
    }.items()
}
print("ns a neuron and step:", {name: round(value, 2) for name, value in ns.items()})
assert ns["Python, neuron by neuron"] > 5 * ns["the same, compiled"] > 5 * ns["compiled, step by step"]
assert ns["kernel: pooled spikes"] < ns["NumPy, step by step"]

# %% [markdown]
# ## Silence is free
# A dense layer, `spk @ w`, costs the same whether anybody fires or not. The kernel adds the weights of spikes alone; if
# more than half spike it goes the dense way too. (With weights in 1/256ths all sums are exact, whatever the order.)

# %%
w, b = np.round(rng.normal(size=(1024, 256)) * 256).astype(np.float32) / 256, np.zeros(256, np.float32)
shares, dense, sparse = (0.01, 0.03, 0.1, 0.2, 0.4, 0.7, 1.0), [], []
for share in shares:
    spk = (rng.random((1, 256, 1024)) < share).astype(np.uint8)
    floats = spk.astype(np.float32)  # these go the dense way
    np.testing.assert_array_equal(linear.forward(floats, w, b), fast_linear.forward(spk, w, b))
    for times, x in ((dense, floats), (sparse, spk)):
        times.append(1e3 * seconds(fast_linear.forward, x, w, b, repeats=20))

figure, (left, right) = plt.subplots(1, 2, figsize=(12, 3.8), layout="constrained")
bars = left.barh(list(ns)[::-1], list(ns.values())[::-1], log=True)
left.bar_label(bars, fmt="%.3g", padding=3)
left.set(xlabel="ns a neuron and step (logarithmic)", xlim=(0.1, 1e4))
right.plot(shares, dense, "o-", label="dense")
right.plot(shares, sparse, "s-", label="spikes only, to one half")
right.set(xlabel="share of inputs that spike", ylabel="ms for 256 rows of 1024 inputs", ylim=(0, None))
right.legend()
save(figure, "07_times")
assert sparse[1] < dense[1]

# %% [markdown]
# ## A training step: time and memory
# Backward needs every membrane of every step (lesson 4). The reference keeps them, 4 bytes each, and the spikes as well:
# $8\,T\,B \sum_l N_l$ bytes for $N_l$ neurons in layer $l$, and copies on the way. The kernels keep spikes in single
# bytes, and currents; they compute the membranes *again* when going back. They also use all processors.

# %%
inputs, nets = rng.standard_normal((1, 64, 16, 16, 3)).astype(np.float32), {}


def gradients(net):
    run = net.forward(inputs, num_steps)
    return net.backward(run, np.ones_like(run.spk) / 64)


for backend in ("numpy", "numba"):
    net = Network("16C3-MP2-32C3-MP2-10", (16, 16, 3), padding=1, backend=backend, rng=np.random.default_rng(0))
    duration = seconds(gradients, net, repeats=3)
    tracemalloc.start()  # counts the memory of all arrays
    grads = gradients(net)
    nets[backend] = duration, tracemalloc.get_traced_memory()[1] / 1e6, grads  # s, MB at the peak
    tracemalloc.stop()
    print(f"{backend}: {1e3 * duration:.0f} ms, {nets[backend][1]:.0f} MB")

kept = 8 * num_steps * 64 * sum(layer.neurons for layer in net.layers) / 1e6  # MB, by the formula: 32
assert nets["numba"][1] < kept < nets["numpy"][1] and nets["numba"][0] < nets["numpy"][0]
for ours, theirs in zip(grads, nets["numpy"][2]):
    np.testing.assert_allclose(ours, theirs, atol=2e-4 * np.abs(theirs).max())

# %% [markdown]
# ## Exercises
# 1. Sums of floats depend on their order. Take normal weights in float32 as they are, not rounded to 1/256: assert that
#    `linear.forward` and the sparse kernel differ, by less than 1e-5 of the largest current.
# 2. Write a firing pass of your own, from currents (T, B, H, W, C) to pooled spikes; assert that it is `fire.forward`'s.
# 3. Measure the peak of `gradients` for T = 5 and 20 with both backends. Assert that each step more takes the reference
#    at least $8\,B\sum_l N_l$ bytes, and the kernels less than half of that.
