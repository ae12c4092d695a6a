# %% [markdown]
# # Solutions to lesson 7

# %%
import tracemalloc

import numpy as np
from numba import njit

from minisnn import Network, kernels, linear

rng = np.random.default_rng(0)

# %% [markdown]
# ## 1
# A sum is rounded after every addition, so its last bits depend on the order of the additions.


# %%
def sum_in_order(values, order):
    total = np.float32(0)
    for k in order:
        total = np.float32(total + values[k])
    return total


w = rng.normal(size=(1024, 256)).astype(np.float32)
upwards, downwards = sum_in_order(w[:, 0], range(1024)), sum_in_order(w[:, 0], range(1023, -1, -1))
assert upwards != downwards and abs(upwards - downwards) < 1e-3

b = np.zeros(256, np.float32)
spk = (rng.random((1, 256, 1024)) < 0.1).astype(np.uint8)
dense = linear.forward(spk.astype(np.float32), w, b)
sparse = kernels.linear.forward(spk, w, b)
assert (dense != sparse).any()
assert np.abs(dense - sparse).max() < 1e-5 * np.abs(dense).max()

# %% [markdown]
# ## 2
# Only the states of one step are kept in an array; a pooled spike is the OR of its four neurons.


# %%
@njit
def fused(cur, beta, threshold):
    num_steps, batch, height, width, channels = cur.shape
    out = np.zeros((num_steps, batch, height // 2, width // 2, channels), np.uint8)
    v = np.zeros_like(cur[0])
    for t in range(num_steps):
        for i in range(batch):
            for y in range(height):
                for x in range(width):
                    for c in range(channels):
                        u = v[i, y, x, c] + cur[t, i, y, x, c]
                        s = np.uint8(u > threshold)
                        out[t, i, y // 2, x // 2, c] |= s
                        v[i, y, x, c] = beta * u - threshold * np.float32(s)
    return out


cur = rng.normal(0.5, 0.5, (10, 4, 16, 16, 64)).astype(np.float32)
neuron = kernels.lif.constants(0.5, 1.0, "subtract", True, cur.dtype)
pooled, _ = kernels.fire.forward(cur, 10, neuron, 2)
np.testing.assert_array_equal(fused(cur, np.float32(0.5), np.float32(1.0)), pooled)

# %% [markdown]
# ## 3
# An additional step takes the difference of two peaks, divided by the 15 steps between them. Whatever does not grow
# with T cancels out.

# %%
inputs = rng.standard_normal((1, 64, 16, 16, 3)).astype(np.float32)


def network(backend):
    return Network("16C3-MP2-32C3-MP2-10", (16, 16, 3), padding=1, backend=backend, rng=np.random.default_rng(0))


def peak(backend, num_steps):
    """Return the largest memory, in bytes, of a forward and a backward pass."""
    net = network(backend)
    kernels.memory.POOL.clear()  # or memory that is used again would not count
    tracemalloc.start()
    run = net.forward(inputs, num_steps)
    net.backward(run, np.ones_like(run.spk))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


per_step = {}
for backend in ("numpy", "numba"):
    peak(backend, 5)  # the first call compiles, which takes memory as well
    short, long = peak(backend, 5), peak(backend, 20)
    per_step[backend] = (long - short) / 15
    print(
        f"{backend}: {short / 1e6:.0f} MB for T = 5, {long / 1e6:.0f} MB for T = 20, "
        f"{per_step[backend] / 1e6:.1f} MB per step"
    )


def more_bytes(neurons, batch, more_steps):
    spikes_and_membranes = 4 + 4  # bytes
    return spikes_and_membranes * batch * sum(neurons) * more_steps


formula = more_bytes([layer.shape.neurons for layer in network("numpy").layers], 64, 1)
assert per_step["numpy"] >= formula
assert per_step["numba"] < formula / 2
