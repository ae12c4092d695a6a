# %% [markdown]
# # Solutions to lesson 11

# %%
import numpy as np

import minisnn as ms
from minisnn import fixed, timing, topology

rng = np.random.default_rng(0)
layer_shapes = topology.parse("24-10", (128,))
weights = [rng.integers(-7, 8, shape.w_shape).astype(np.int16) for shape in layer_shapes]
T = 4
lanes = (8, 10)


def make(weights):
    """Return the lesson's network with these weights."""
    layers = []
    for shape, w in zip(layer_shapes, weights):
        layers.append(
            fixed.network.IntegerLayer(
                layer=shape,
                w=w,
                b=np.zeros(w.shape[1], np.int64),
                threshold=60,
                beta=7,
                frac=3,
                guard=2,
                weight_bits=4,
                membrane_bits=12,
                reset="subtract",
                rounding="floor",
                scale=1.0,
            )
        )
    return fixed.network.IntegerNetwork(layers=tuple(layers), classes=10, input_bits=0)


def measured(network, spikes, schedule="pipelined"):
    """Return the run of the integers, and the predicted cycles."""
    run = network.forward(spikes, T, keep="spikes")
    stimulus = timing.cycles.Stimulus.of(network, spikes, run, T)
    return run, timing.cycles.predict(stimulus, lanes, schedule)


# %% [markdown]
# ## 1
# The sums are the same in any order, as long as none saturates. There are as many additions as before, and empty words
# behind a spike cost nothing. Only the empty words before the first spike of a frame cost a cycle each. Once the active
# inputs share the first word, there are none of these; spread out, the first words are sometimes empty by chance. So
# little is saved.


# %%
def together(spikes):
    ever = spikes.any(axis=(0, 1))
    return np.argsort(~ever, kind="stable")


spikes = (rng.random((T, 20, 128)) < 0.3).astype(np.uint8)
active = np.arange(128) % 5 == 0
spikes[:, :, ~active] = 0
order = together(spikes)

spread_run, spread = measured(make(weights), spikes)
packed_run, packed = measured(make([weights[0][order], weights[1]]), spikes[:, :, order])
assert np.array_equal(spread_run.scores, packed_run.scores)
print(f"mean latency: spread {spread.latency.mean()} cycles, together {packed.latency.mean()} cycles")
assert (packed.latency <= spread.latency).all()
assert (packed.latency < spread.latency).any()

words = spikes.reshape(T, 20, 4, 32)
empty_words_first = words.any(axis=3).argmax(axis=2).T  # empty words before the first spike
assert np.array_equal(spread.adding[:, 0] - packed.adding[:, 0], empty_words_first)

# %% [markdown]
# ## 2
# Both layers take flat rows, so IC is 1. With S spikes among `fan_in` inputs, each step takes
# 1 + 2 + 2*ceil(fan_in/200) + 2*S cycles, and max(S, 1) + 2 for each of floor(N/EC) + 1 groups of lanes. An image takes
# floor(N/EC) + 5 more.


# %%
def layerwise(S, fan_in, neurons, lanes):
    full_groups = neurons // lanes
    steps = [1 + 2 + 2 * -(-fan_in // 200) + 2 * spikes + (full_groups + 1) * (max(spikes, 1) + 2) for spikes in S]
    return sum(steps) + full_groups + 5


run, predicted = measured(make(weights), spikes, "layerwise")
total = 0
for inputs, shape, count in ((spikes, layer_shapes[0], lanes[0]), (run.out[0], layer_shapes[1], lanes[1])):
    S = inputs.sum(axis=2, dtype=int).T  # (images, T)
    total = total + np.array([layerwise(image, shape.fan_in, shape.neurons, count) for image in S.tolist()])
assert np.array_equal(total, predicted.latency)

# %% [markdown]
# ## 3
# The bottleneck is layer 2, and its cycles are additions of the spikes of layer *1*. Fewer spikes of layer 2 relieve
# layer 3, which is idle most of the time anyway.


# %%
def pays(utilisation):
    bottleneck = int(np.argmax(utilisation))
    return bottleneck - 1 if bottleneck else None


data = ms.load_data("digits")
latency, rates = {}, {}
for penalty in (None, "0,1,0", "1,0,0"):
    net = ms.Network("8C3-MP2-32-10", data.input_shape, padding=1, rng=np.random.default_rng(0))
    model = ms.fit(net, data, epochs=6, num_steps=5, lr=4e-3, seed=0, rate_penalty=penalty)
    integer, _ = ms.quantize(model, images=data.x_train)
    rates[penalty] = integer.evaluate(data.x_test, data.y_test).firing_rates
    cycles = ms.cycles(integer, data.x_test, (8, 2, 2))
    latency[penalty] = cycles.latency.mean()
    if penalty is None:
        assert pays(cycles.utilisation) == 0  # the first layer, as "1,0,0" does
    percent = ", ".join(f"{100 * rate:.1f} %" for rate in rates[penalty])
    print(f"penalty {penalty}: firing rates {percent}; {latency[penalty]:,.0f} cycles")
assert rates["0,1,0"][1] < rates[None][1]
assert rates["1,0,0"][0] < rates[None][0]
assert latency["1,0,0"] < latency["0,1,0"]
assert latency["1,0,0"] < 0.9 * latency[None]
