# %% [markdown]
# # Solutions to lesson 10

# %%
import numpy as np

import minisnn as ms
from minisnn import timing

# %% [markdown]
# ## 1
# With 32 words of 32 bits, 31 words are empty and the spike costs one cycle: 32 cycles. With 128 words of 8 bits: 128
# cycles. Wide words skip silence quickly, but cost wires and a longer chain of gates.


# %%
def scan(words, width):
    addresses, cycles = [], 0
    for number, word in enumerate(words):
        cycles += max(word.bit_count(), 1)
        while word:
            rest = word & (word - 1)
            lowest = word ^ rest
            addresses.append(number * width + lowest.bit_length() - 1)
            word = rest
    return addresses, cycles


def scan_cycles(spikes, inputs, width):
    counts = [0] * (inputs // width)
    for spike in spikes:
        counts[spike // width] += 1
    return sum(max(count, 1) for count in counts)


spike = 700
for width, expected in ((32, 32), (8, 128)):
    assert scan_cycles([spike], 1024, width) == expected
    words = [0] * (1024 // width)
    words[spike // width] = 1 << spike % width
    assert scan(words, width) == ([spike], expected)

# %% [markdown]
# ## 2
# Only the number of groups counts, ceil(16 / lanes): 16 lanes make one group, 8 to 15 lanes make two. So 9 to 15 lanes
# waste some.


# %%
def wasteful(neurons, candidates):
    def turns(lanes):
        return -(-neurons // lanes)

    return [lanes for lanes in candidates if lanes > 1 and turns(lanes) == turns(lanes - 1)]


data = ms.load_data("digits")
net = ms.Network("4C3-16-10", data.input_shape, rng=np.random.default_rng(0))
model = ms.fit(net, data, epochs=4, num_steps=6, encoding="rate", seed=0)
integer, _ = ms.quantize(model, 6)

groups = {}
for lanes in range(8, 17):
    depths = timing.layout.depths(integer.network, (4, lanes, 1))
    groups[lanes] = int(depths[1])  # of layer 2: one neuron per group
    assert groups[lanes] == np.ceil(16 / lanes)

assert wasteful(16, range(8, 17)) == [9, 10, 11, 12, 13, 14, 15]
assert [lanes for lanes in range(9, 17) if groups[lanes] == groups[lanes - 1]] == wasteful(16, range(9, 17))

# %% [markdown]
# ## 3
# The first word of a frame now comes at least 40 cycles after the last word of the frame before, and the last word 7 *
# 40 cycles after the first. The input has become the bottleneck.


# %%
def last_words(added, words, word_every):
    last_word = -word_every
    ends = []
    for t in range(len(added)):
        first_word = last_word + word_every
        if t >= 2:
            first_word = max(first_word, added[t - 2] + 1)
        last_word = first_word + (words - 1) * word_every
        ends.append(last_word)
    return ends


word_every, T = 40, 6
predicted = ms.cycles(integer, data.x_test[:1], (4, 1, 1), word_every=word_every)
A = predicted.adding[0]
N = predicted.firing
b, e, s = (np.zeros((3, T), int) for _ in range(3))
for t in range(T):
    last_word = last_words(e[0, : t + 1], 8, word_every)[t]
    for layer in range(3):
        b[layer, t] = last_word + 1 if layer == 0 else s[layer - 1, t] + N[layer - 1] + 6
        if t >= 1:
            b[layer, t] = max(b[layer, t], s[layer, t - 1] + N[layer] + 1)
        e[layer, t] = b[layer, t] + A[layer, t]
        s[layer, t] = e[layer, t]
        if t >= 1:
            s[layer, t] = max(s[layer, t], s[layer, t - 1] + N[layer] + 6)
        if t >= 2 and layer < 2:
            s[layer, t] = max(s[layer, t], e[layer + 1, t - 2] + 1)

assert np.array_equal(b, predicted.begins[0])
assert np.array_equal(e, predicted.added[0])
assert np.array_equal(s, predicted.firing_starts[0])
assert predicted.latency[0] > T * 8 * word_every
