# %% [markdown]
# # 10. The accelerator: solutions

# %%
import numpy as np

import minisnn as ms
from minisnn.fixed.quantize import quantize
from minisnn.timing import cycles

# %% [markdown]
# 1. 32 words of 32: 31 are empty, and the spike costs one cycle: 32. 128 words of 8: 128 cycles. Wide words pass
#    silence quickly; they cost wires and a longer chain of gates.


# %%
def scan(words, width):
    found, cycles_taken = [], 0
    for at, word in enumerate(words):
        cycles_taken += max(bin(word).count("1"), 1)
        while word:
            rest = word & (word - 1)
            found.append(at * width + (word ^ rest).bit_length() - 1)
            word = rest
    return found, cycles_taken


spike = 700
for width, expected in ((32, 32), (8, 128)):
    words = [0] * (1024 // width)
    words[spike // width] = 1 << spike % width
    assert scan(words, width) == ([spike], expected)

# %% [markdown]
# 2. What counts are the groups, ceil(16 / lanes): 16 lanes make one, 8 to 15 make two. So 9 to 15 lanes are a waste.

# %%
data = ms.load_data("digits")
net = ms.Network("4C3-16-10", data.input_shape, rng=np.random.default_rng(0))
integer, _ = quantize(ms.fit(net, data, epochs=4, num_steps=6, encoding="rate", seed=0), 6)
depth = {n: int(cycles.depths(integer.network, (4, n, 1))[1]) for n in range(8, 17)}
assert depth == {n: -(-16 // n) for n in range(8, 17)}
wasted = [n for n in depth if n - 1 in depth and depth[n] == depth[n - 1]]
assert wasted == [9, 10, 11, 12, 13, 14, 15]

# %% [markdown]
# 3. The first word of a frame comes at least 4 cycles after the last of the frame before, and the last word 63 * 4
#    cycles after the first. The input is now the bottleneck.

# %%
every, lanes, T = 4, (4, 1, 1), 6
predicted = cycles.predict(cycles.Stimulus.of_images(integer, data.x_test[:1]), lanes, word_every=every)
A, N = predicted.adding[0], predicted.firing
b, e, s = (np.zeros((3, T), int) for _ in range(3))
sent = -every
for t in range(T):
    taken = max(sent + every, e[0, t - 2] + 1 if t > 1 else 0)
    sent = taken + 63 * every
    for l in range(3):
        b[l, t] = max(s[l - 1, t] + N[l - 1] + 6 if l else sent + 1, s[l, t - 1] + N[l] + 1 if t else 0)
        e[l, t] = b[l, t] + A[l, t]
        s[l, t] = max(e[l, t], e[l + 1, t - 2] + 1 if l < 2 and t > 1 else 0, s[l, t - 1] + N[l] + 6 if t else 0)
assert np.array_equal([b, e, s], [predicted.begins[0], predicted.added[0], predicted.fires[0]])
assert predicted.latency[0] > T * 64 * every
