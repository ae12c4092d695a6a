# %% [markdown]
# # 7. Fast: the kernels beside the reference
# The code of lessons 1 to 6 is written to be read. The library has all of it a second time, in `minisnn/kernels/`,
# compiled by *Numba*, which turns Python functions into machine code: the same numbers, faster and in less memory.
# Where does the time go, and what wins it back? All times are measured on your machine. You need lessons 5 and 6.
#
# The order is that of a training step: the neurons, the sums of their inputs, the way back, and what is left. No line
# of the kernels is needed later; take with you *why* each of them is fast.

# %%
import timeit
import tracemalloc

import matplotlib.pyplot as plt
import numpy as np
from common import save, source
from numba import njit

from minisnn import Network, Surrogate, kernels, lif, linear

rng = np.random.default_rng(0)


def seconds(function, *args, repeats=5):
    """Return the shortest time of several calls: other work on the machine can only make a call slower."""
    times = timeit.repeat(lambda: function(*args), number=1, repeat=repeats + 1)
    return min(times[1:])  # the first call compiles


# %% [markdown]
# ## The naive way: a loop in Python, neuron by neuron
# Python looks up the type of every number anew, which takes far longer than to add it. This is the neuron of lesson 1,
# for 262,144 neurons, one after the other:

# %%
num_steps = 10
beta, threshold = np.float32(0.5), np.float32(1.0)
cur = rng.normal(0.5, 0.5, (num_steps, 16, 16, 16, 64)).astype(np.float32)  # (T, B, H, W, C)
flat = cur.reshape(num_steps, -1)  # (T, neurons): 262144 neurons


def neuron_by_neuron(cur, spk, mem):
    """Fill spikes and membranes, of the shape (T, neurons) of the currents."""
    for i in range(cur.shape[1]):
        v = np.float32(0)
        for t in range(num_steps):
            u = v + cur[t, i]
            spk[t, i] = u > threshold
            mem[t, i] = u
            v = beta * u - threshold * np.float32(spk[t, i])


# %% [markdown]
# Numba's `njit` compiles these lines. What then costs time is *memory*: a processor fetches 64 bytes at once, a *cache
# line*, and waits for them longer than it computes. Here the next step of a neuron lies 262,144 numbers away, so 64
# bytes are fetched to use 4 of them.
#
# Nor can the processor use its *vector* instructions: they add 4 to 16 numbers at once, but only numbers that lie side
# by side.
#
# The cure for both is to swap the loops, and to go step by step:


# %%
def step_by_step(cur, spk, mem):
    """Do the same, a step of all neurons at a time."""
    v = np.zeros_like(cur[0])
    for t in range(num_steps):
        for i in range(cur.shape[1]):
            u = v[i] + cur[t, i]
            spk[t, i] = u > threshold
            mem[t, i] = u
            v[i] = beta * u - threshold * np.float32(spk[t, i])


# %% [markdown]
# NumPy (`lif.forward`) goes step by step as well, but it walks through memory once for each `+` and `*`.
#
# **Predict before you run.** The neurons are visited in different orders. Are the results equal to the last bit, or
# only nearly?
#
# <details><summary>Answer</summary>
#
# To the last bit. Within a neuron the operations and their order are the same. Sums of floats change only if their
# own order changes, and here each neuron has a sum of its own.
#
# </details>

# %%
spk = np.empty(flat.shape, np.uint8)
mem = np.empty_like(flat)
for compiled in (njit(neuron_by_neuron), njit(step_by_step)):
    compiled(flat, spk, mem)
    for library in (lif.forward, kernels.lif.forward):
        library_spk, library_mem = library(flat, num_steps, 0.5, 1.0)
        np.testing.assert_array_equal(spk, library_spk)
        np.testing.assert_array_equal(mem, library_mem)

# %% [markdown]
# ## Sixteen neurons in registers
# ![One network, written four times](../docs/drawings/columns.svg)
#
# A *register* is one of the processor's own few places for numbers: nothing has to be fetched. The library's kernel
# keeps the states of 16 neurons in one vector `v`, and takes these 16 through all steps before it turns to the next.
#
# In the source, `splat` puts one number into all 16 places of a vector. `load_some` and `store_some` read and write 16
# numbers that lie side by side, or fewer at the end of an array. `above` is 1 where the first vector is greater. All
# else is lesson 1: `u` is the membrane, and `handed_on` returns what is left after leak and reset.

# %%
print(source(kernels.lif._forward.py_func))

# %% [markdown]
# ## Fused: the neuron and its pool in one pass
# What is kept in registers can be used at once, so several passes can be *fused* into one. `kernels.fire` runs the four
# neurons of a pooling window side by side, with their states `v0` to `v3` in registers, hands on the OR of their spikes,
# and writes no membrane at all.
#
# A membrane and a spike are 5 bytes per neuron and step. Of these a quarter of a byte is left.

# %%
text = source(kernels.fire._four.py_func)
print(text[text.index("    for t in") : text.index("        else:")])

# %% [markdown]
# How long does each way take?

# %%
neuron = kernels.lif.constants(0.5, 1.0, "subtract", True, cur.dtype)  # beta, theta, r0, r1, ... (lesson 1)
some = flat[:, :300]  # enough for Python
times = {
    "Python, neuron by neuron": seconds(neuron_by_neuron, some, spk, mem) / some.size,
    "the same, compiled": seconds(njit(neuron_by_neuron), flat, spk, mem) / flat.size,
    "compiled, step by step": seconds(njit(step_by_step), flat, spk, mem) / flat.size,
    "NumPy, step by step": seconds(lif.forward, cur, num_steps, 0.5, 1.0) / cur.size,
    "kernel: spikes, membranes": seconds(kernels.lif.forward, cur, num_steps, 0.5, 1.0) / cur.size,
    "kernel: pooled spikes": seconds(kernels.fire.forward, cur, num_steps, neuron, 2) / cur.size,
}
nanoseconds = {name: 1e9 * time for name, time in times.items()}
for name, value in nanoseconds.items():
    print(f"{name:26} {value:8.2f} ns per neuron and step")

assert nanoseconds["Python, neuron by neuron"] > 5 * nanoseconds["the same, compiled"]
assert nanoseconds["the same, compiled"] > 2 * nanoseconds["compiled, step by step"]
assert nanoseconds["kernel: pooled spikes"] < nanoseconds["NumPy, step by step"]

# %% [markdown]
# ## Silence is free
# Before the neurons come the sums of their inputs. A dense product, `spk @ w`, costs the same whether its inputs spike
# or not. The sparse kernel first makes a list of the spikes, and then adds the weights of those alone.
#
# - *The list*: a processor guesses which way an `if` goes, and loses some 15 cycles when it is wrong. So the list is
#   made without a single `if`, eight inputs at a time.
# - *The sums*: an addition takes several cycles, and the next addition to the same sum must wait for it. So four sums
#   are on their way at once, of 16 columns each.
# - *The choice*: where more than about 40 % of the inputs spike, the dense way is faster, and the kernel takes it. (In
#   a convolution the limit is up to 60 %.)
#
# In both ways the inputs are added in the same order, so both give the same bits.

# %%
# Weights in multiples of 1/256: all their sums are exact, whatever the order (exercise 1).
w = np.round(rng.normal(size=(1024, 256)) * 256).astype(np.float32) / 256
b = np.zeros(256, np.float32)

shares = (0.01, 0.03, 0.1, 0.2, 0.4, 0.7, 1.0)
dense, sparse = [], []  # ms
for share in shares:
    spk = (rng.random((1, 256, 1024)) < share).astype(np.uint8)
    floats = spk.astype(np.float32)  # float inputs go the dense way
    np.testing.assert_array_equal(linear.forward(floats, w, b), kernels.linear.forward(spk, w, b))
    dense.append(1e3 * seconds(kernels.linear.forward, floats, w, b, repeats=20))
    sparse.append(1e3 * seconds(kernels.linear.forward, spk, w, b, repeats=20))
assert sparse[1] < dense[1]

# %% [markdown]
# The times of both sections:

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 3.8), layout="constrained")
names = list(nanoseconds)[::-1]  # barh draws from the bottom
bars = left.barh(names, [nanoseconds[name] for name in names], log=True)
left.bar_label(bars, fmt="%.3g", padding=3)
left.set(xlabel="time per neuron and step (ns, logarithmic)", xlim=(0.1, 1e4))
right.plot(shares, dense, "o-", label="dense")
right.plot(shares, sparse, "s-", label="spikes only, while they are few")
right.set(xlabel="share of inputs that spike", ylabel="time for 256 rows of 1024 inputs (ms)", ylim=(0, None))
right.legend()
save(
    figure,
    "07_times",
    "Left, time per neuron and step of six ways, from Python, the slowest by far, to the fused kernel. "
    "Right, a dense product costs the same for any share of spikes; the sparse kernel's time grows with "
    "it.",
)

# %% [markdown]
# ## The way back is sparse too
# The gradient of a spike is hardly ever 0, for a surrogate has tails. But a pool gives its gradient to one neuron of its
# window only: to the first that fired, or to the first of all if none did (lesson 6). The three others get one only
# through time, if they were chosen at a later step.
#
# Two things follow. One slope of the surrogate is enough for a window, in place of four, and the gradients of its four
# neurons stay in registers. And most currents have a gradient of exactly 0, which the product that leads to the layer
# below leaves out, as it leaves out silent inputs on the way forward.

# %%
cur = rng.normal(0.0, 0.5, (num_steps, 4, 16, 16, 32)).astype(np.float32)
pooled, fired = kernels.fire.forward(cur, num_steps, neuron, 2)
dpooled = rng.standard_normal(pooled.shape).astype(np.float32)
curve = kernels.surrogate.as_numbers(Surrogate("fast_sigmoid", 25), cur.dtype)
dcur = kernels.fire.backward(dpooled, np.float32(0), cur, pooled, neuron, 2, curve)
print(f"{100 * fired / cur.size:.0f} % of neurons and steps fire; {100 * np.mean(dcur != 0):.0f} % have a gradient")
assert 0.25 <= np.mean(dcur != 0) < 0.5  # at least one neuron in four

w = rng.standard_normal((3, 3, 32, 32)).astype(np.float32)  # of a convolution from 32 to 32 channels
frames = dcur.reshape(-1, 16, 16, 32)
ways = {"gradients that are not 0": frames, "all of them": np.where(frames == 0, np.float32(1e-30), frames)}
for name, gradient in ways.items():
    time = seconds(kernels.products.input_gradient, gradient, (len(frames), 18, 18, 32), w, 0, None, repeats=20)
    print(f"{name:26} {1e3 * time:.2f} ms")

# %% [markdown]
# ## Two threads, the same bits
# A *thread* is a course of computing; two of them can run on two processors. The kernels cut a batch into up to eight
# slices, and each thread takes the next slice that is left.
#
# Python runs only one thread at a time, so threads wait for each other wherever they return to Python. Therefore
# `kernels.hidden` takes a slice through all hidden layers without a return, as long as their spikes are few: fire, list
# the spikes, add their weights, fire again.
#
# Sums of floats depend on their order (exercise 1). So the slices depend on the work but not on the number of threads,
# and gradients are added up in the order of the slices: the results are the same bits, whatever the machine is doing.

# %%
inputs = rng.standard_normal((1, 64, 16, 16, 3)).astype(np.float32)


def gradients(net):
    """Return the gradients of a forward and a backward pass."""
    run = net.forward(inputs, num_steps)
    return net.backward(run, np.ones_like(run.spk) / 64, retain=False)


def new_network(**options):
    return Network("16C3-MP2-32C3-MP2-10", (16, 16, 3), padding=1, rng=np.random.default_rng(0), **options)


for one, two in zip(gradients(new_network(threads=1)), gradients(new_network(threads=2))):
    np.testing.assert_array_equal(one, two)

# %% [markdown]
# ## What is not arithmetic
# When products are this fast, what is around them counts:
#
# - *Memory from the operating system* comes as pages of zeros, and to fill them takes as long as to write them. A
#   training step needs the same arrays as the one before, so `kernels.memory.empty` gives out again what is free.
# - *What a kernel needs for the time of one call*, such as its list of spikes, is memory of the thread, by name:
#   `kernels.memory.scratch`. Nobody gives it back, so nobody has to keep account of it.
# - *One gradient of the weights for each slice* must be zeroed, written and added up. Where weights are many, each
#   thread computes a share of them over the whole batch instead.
# - *A border* around what a convolution reads means a copy. It is made some frames at a time: so it is still in the
#   cache when it is read, and next to nothing is in memory.
# - *Laying out the weights* for the kernels is done only if they have changed since the last time.
# - *Adam* is twelve passes of NumPy through four arrays. `kernels.optim` is one pass.
# - *Two threads on one processor*: Linux may wake a thread on the processor of the one that wakes it, and moves it only
#   after some milliseconds, when the pass is over. `kernels.threads` tells it where not to run.

# %%
first = kernels.memory.empty((1000, 1000), np.float32)
address = first.ctypes.data
del first
assert kernels.memory.empty((1000, 1000), np.float32).ctypes.data == address  # the same memory again

events = kernels.memory.scratch("events", 1000, np.int32)
assert kernels.memory.scratch("events", 500, np.int32).ctypes.data == events.ctypes.data  # without giving it back

# %% [markdown]
# ## A training step: time and memory
# The backward pass needs every membrane of every step (lesson 4). The reference keeps them, at 4 bytes each, and the
# spikes as well: $8\,T\,B \sum_l N_l$ bytes for $N_l$ neurons in layer $l$, and copies on the way.
#
# The kernels keep only the currents, and spikes in single bytes. On the way back they compute the membranes *again*,
# which costs less than to fetch them. And as nobody needs a current any more when its gradient is known, with
# `retain=False` the gradients take the place of the currents. The gradients of spikes need not be in memory at once
# either: where the input is constant, those of a few images are computed, and the neurons take them while they are in
# the cache. They also use all processors.

# %%
durations, peaks, results = {}, {}, {}
for backend in ("numpy", "numba"):
    net = new_network(backend=backend)
    durations[backend] = seconds(gradients, net, repeats=3)
    kernels.memory.POOL.clear()  # memory that is used again would not count
    tracemalloc.start()  # counts the memory of all arrays
    results[backend] = gradients(net)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    peaks[backend] = peak / 1e6  # MB
    print(f"{backend}: {1e3 * durations[backend]:.0f} ms, {peaks[backend]:.0f} MB at the peak")

neurons = sum(layer.shape.neurons for layer in net.layers)
kept = 8 * num_steps * 64 * neurons / 1e6  # MB, by the formula
print(f"by the formula the reference keeps {kept:.0f} MB")
assert peaks["numba"] < kept < peaks["numpy"]
assert durations["numba"] < durations["numpy"]
for ours, reference in zip(results["numba"], results["numpy"]):
    np.testing.assert_allclose(ours, reference, atol=2e-4 * np.abs(reference).max())

# %% [markdown]
# ## Exercises
# Your file is [exercises/07_fast.py](exercises/07_fast.py): it has a place for each answer, and hints.
# `python -m tutorials.check 7` says what is right and what is wrong, and `7.2` looks at the second alone.
#
# 1. Sums of floats depend on their order. Write `sum_in_order(values, order)` in float32, and assert that
#    `linear.forward` and the sparse kernel differ for normal weights, by less than 1e-5 of the largest current.
# 2. Write a fused pass of your own: `fused(cur, beta, threshold)`, from currents (T, B, H, W, C) to pooled spikes,
#    with reset "subtract". Assert that its spikes are those of `kernels.fire.forward`. Decorate it with
#    `numba.njit`, if you like.
# 3. How much memory does an additional step cost the reference at least? Write
#    `more_bytes(neurons, batch, more_steps)`, measure the peak of `gradients` for T = 5 and 20 with both backends,
#    and assert that the kernels need less than half of your number.
