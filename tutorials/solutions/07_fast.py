# %% [markdown]
# # Solutions of lesson 7

# %%
import tracemalloc

import numpy as np
from numba import njit

from minisnn import Network, linear
from minisnn.kernels import fire
from minisnn.kernels import lif as fast_lif
from minisnn.kernels import linear as fast_linear

rng = np.random.default_rng(0)

# %% [markdown]
# ## 1
# Each sum is rounded after every addition, so its last bits tell in which order it was taken.

# %%
w, b = rng.normal(size=(1024, 256)).astype(np.float32), np.zeros(256, np.float32)
spk = (rng.random((1, 256, 1024)) < 0.1).astype(np.uint8)
dense, sparse = linear.forward(spk.astype(np.float32), w, b), fast_linear.forward(spk, w, b)
assert (dense != sparse).any()
assert np.abs(dense - sparse).max() < 1e-5 * np.abs(dense).max()

# %% [markdown]
# ## 2
# The membranes of one step are an array that stays; a pooled spike is the OR of its four neurons.


# %%
@njit
def firing_pass(cur, beta, threshold):
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
theirs, fired = fire.forward(cur, 10, fast_lif.constants(0.5, 1.0, "subtract", True, cur.dtype), 2)
np.testing.assert_array_equal(firing_pass(cur, np.float32(0.5), np.float32(1.0)), theirs)

# %% [markdown]
# ## 3
# What a step more takes is the difference of two peaks, divided by the 15 steps between them: what does not grow with T
# drops out.

# %%
inputs = rng.standard_normal((1, 64, 16, 16, 3)).astype(np.float32)


def peak(backend, num_steps):
    net = Network("16C3-MP2-32C3-MP2-10", (16, 16, 3), padding=1, backend=backend, rng=np.random.default_rng(0))
    tracemalloc.start()
    run = net.forward(inputs, num_steps)
    net.backward(run, np.ones_like(run.spk))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most, sum(layer.neurons for layer in net.layers)


more = {}
for backend in ("numpy", "numba"):
    peak(backend, 5)  # the first call compiles, which takes memory of its own
    most = [peak(backend, num_steps)[0] for num_steps in (5, 20)]
    more[backend] = (most[1] - most[0]) / 15
    print(backend, "peaks of", *(f"{m / 1e6:.0f} MB," for m in most), f"{more[backend] / 1e6:.1f} MB a step")
formula = 8 * 64 * peak("numpy", 1)[1]
assert more["numpy"] >= formula and more["numba"] < formula / 2
