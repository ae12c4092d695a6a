# %% [markdown]
# # 11. Sparsity is time: solutions

# %%
import numpy as np

import minisnn as ms
from minisnn.fixed.network import IntegerLayer, IntegerNetwork
from minisnn.fixed.quantize import quantize
from minisnn.timing import cycles
from minisnn.topology import parse

rng = np.random.default_rng(0)
layers = parse("24-10", (128,))
weights = [rng.integers(-7, 8, layer.w_shape).astype(np.int16) for layer in layers]
T, lanes = 4, (8, 10)


def build(weights):
    return IntegerNetwork(
        tuple(
            IntegerLayer(layer, w, np.zeros(w.shape[1], np.int64), 60, 7, 3, 2, 4, 12, "subtract", "floor", 1.0)
            for layer, w in zip(layers, weights)
        ),
        10,
        0,
    )


def measured(network, spikes, schedule="pipelined"):
    run = network.forward(spikes, T, keep="spikes")
    return run, cycles.predict(cycles.Stimulus.of(network, spikes, run, T), lanes, schedule)


# %% [markdown]
# 1. The sums are the same in any order as long as none saturates. The additions are as many as before, and words of
#    zeros behind a spike hide behind them. Only those before the first spike of a frame cost a cycle each, and together
#    there are none: the first word has all that spikes. Apart it is sometimes empty by chance. So little is saved.

# %%
spikes = (rng.random((T, 20, 128)) < 0.3).astype(np.uint8)
active = np.arange(128) % 5 == 0
spikes[:, :, ~active] = 0
order = np.argsort(~active, kind="stable")
apart, cycles_apart = measured(build(weights), spikes)
together, cycles_together = measured(build([weights[0][order], weights[1]]), spikes[:, :, order])
assert np.array_equal(apart.scores, together.scores)
print("mean cycles", cycles_apart.latency.mean(), "and", cycles_together.latency.mean())
assert (cycles_together.latency <= cycles_apart.latency).all()
assert (cycles_together.latency < cycles_apart.latency).any()
before = spikes.reshape(T, 20, 4, 32).any(axis=3).argmax(axis=2).T  # words of zeros before the first spike
assert np.array_equal(cycles_apart.adding[:, 0] - cycles_together.adding[:, 0], before)

# %% [markdown]
# 2. With S spikes of IC inputs, in each step: IC + 2*4 + 2*S + 2, and S + 2 for each group of lanes.

# %%
network = build(weights)
run, found = measured(network, spikes, "layerwise")
total = 0
for inputs, fan_in, groups in ((spikes, 128, 3), (run.spk[0], 24, 1)):
    S = inputs.sum(axis=2, dtype=int).T
    total = total + (fan_in + 2 * 4 + 2 * S + 2 + groups * (S + 2)).sum(axis=1)
assert np.array_equal(total, found.latency)

# %% [markdown]
# 3. The bottleneck is layer 2, and its cycles are additions of the spikes of layer *1*. Fewer spikes of layer 2 unburden
#    layer 3, which idles anyway.

# %%
data = ms.load_data("digits")
latency, rates = {}, {}
for penalty in (None, "0,1,0", "1,0,0"):
    net = ms.Network("8C3-MP2-32-10", data.input_shape, padding=1, rng=np.random.default_rng(0))
    integer, _ = quantize(
        ms.fit(net, data, epochs=6, num_steps=5, lr=4e-3, seed=0, rate_penalty=penalty), images=data.x_train
    )
    rates[penalty] = integer.evaluate(data.x_test, data.y_test).firing_rates
    latency[penalty] = cycles.predict(cycles.Stimulus.of_images(integer, data.x_test), (8, 2, 2)).latency.mean()
    print(penalty, [f"{100 * rate:.1f} %" for rate in rates[penalty]], f"{latency[penalty]:,.0f} cycles")
assert rates["0,1,0"][1] < rates[None][1] and rates["1,0,0"][0] < rates[None][0]
assert latency["1,0,0"] < latency["0,1,0"] and latency["1,0,0"] < 0.9 * latency[None]
