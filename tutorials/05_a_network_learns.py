# %% [markdown]
# # 5. A network learns
# Two layers learn to read handwritten digits: first with every line written out, then with the library's `fit`. New are
# the loss of a *classifier*, which chooses among classes, and a better descent, *Adam*; the rest is from lessons 1 to 4.

# %%
import matplotlib.pyplot as plt
import numpy as np
from common import save, source  # source: inspect.getsource without the docstring

from minisnn import Network, encode, evaluate, fit, lif, linear, load_data, loss
from minisnn.training import optim

rng = np.random.default_rng(0)
num_steps, beta, threshold = 5, 0.5, 1.0
data = load_data("digits")  # 1438 images to learn from; 359 for the test, which learning never sees
encoder = encode.fit("direct", data.x_train, num_steps, data.max_value)
x, y = encoder.encode(data.x_train).reshape(1, -1, 64), data.y_train  # (1, B, N); labels, 0 to 9

# %% [markdown]
# ## Forward: two layers
# `"64-10"`: 64 neurons in the first layer, whose spikes nobody but the next layer sees (a *hidden* layer), and 10 in the
# last, one for each digit. The class whose neuron spikes most is the answer.

# %%
net = Network("64-10", data.input_shape, beta=beta, threshold=threshold, backend="numpy", rng=rng)
first = [p.copy() for p in net.params]  # w1, b1, w2, b2, drawn by the rng


def forward(params, x):
    w1, b1, w2, b2 = params
    spk1, mem1 = lif.forward(linear.forward(x, w1, b1), num_steps, beta, threshold)
    return spk1, mem1, *lif.forward(linear.forward(spk1, w2, b2), num_steps, beta, threshold)


spk1, mem1, spk2, mem2 = forward(first, x[:, :32])
run = net.forward(x[:, :32].reshape(1, 32, 8, 8, 1), num_steps)
np.testing.assert_array_equal(spk2, run.spk)

# %% [markdown]
# ## The loss: cross-entropy on spike counts
# Let $n_k$ be the spikes of class $k$. *Softmax* makes shares of them, $p_k = e^{n_k} / \sum_j e^{n_j}$. The loss is
# $L = -\mathrm{mean}\,\log p_{y}$ over the batch: 0 if the right class $y$ has the whole share. As
# $\log p_y = n_y - \log\sum_j e^{n_j}$, its gradient is share minus wish: $\partial L/\partial n_k = (p_k - [k = y]) / B$, where
# $[k = y]$ is 1 for the right class and 0 for the others. A count is a sum over steps, so each step gets the same.


# %%
def cross_entropy(spk, y):
    share = np.exp(spk.sum(axis=0))
    share /= share.sum(axis=1, keepdims=True)
    wish = np.eye(10, dtype=spk.dtype)[y]
    return -np.log(share[wish > 0]).mean(), np.broadcast_to((share - wish) / np.float32(len(y)), spk.shape)


print(source(loss.rate))  # class_sums: a class may have several neurons; ours have one each
value, dspk2 = cross_entropy(spk2, y[:32])
for ours, theirs in zip((value, dspk2), loss.rate(spk2, mem2, y[:32], 10)):
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)

# %% [markdown]
# ## Backward: each line undoes one of `forward`, the last one first


# %%
def backward(params, x, spk1, mem1, spk2, mem2, dspk2):
    dcur2 = lif.backward(dspk2, None, spk2, mem2, net.surrogate, beta, threshold)
    dspk1, dw2, db2 = linear.backward(dcur2, spk1, params[2])
    # constant: one x for all steps
    dcur1 = lif.backward(dspk1, None, spk1, mem1, net.surrogate, beta, threshold, constant=True)
    _, dw1, db1 = linear.backward(dcur1, x, params[0], need_dspk=False)
    return dw1, db1, dw2, db2


for ours, theirs in zip(backward(first, x[:, :32], spk1, mem1, spk2, mem2, dspk2), net.backward(run, dspk2)):
    np.testing.assert_allclose(ours, theirs, atol=1e-6)

# %% [markdown]
# ## Learning: small batches, many steps
# An *epoch* shows each image once, in an order shuffled anew, in *batches* of 32; after each batch the weights move.
# Plain gradient descent, $w \leftarrow w - \eta\,g$, has one *learning rate* $\eta$, and the right one depends on how
# large gradients happen to be. *Adam* divides by their usual size ($m$, $v$: running means of $g$ and $g^2$), so that
# $\eta$ is how far a weight moves, whatever the loss. $m$ and $v$ start at 0, which the divisors mend; $t$ counts updates:
# $$m \leftarrow 0.9\,m + 0.1\,g, \quad v \leftarrow 0.999\,v + 0.001\,g^2, \quad
#   w \leftarrow w - \eta\,\frac{m / (1 - 0.9^t)}{\sqrt{v / (1 - 0.999^t)} + 10^{-8}}$$


# %%
def adam(w, grads, lr):
    m = v = 0.0
    for t, g in enumerate(grads, start=1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w = w - lr * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return w


grads, w = rng.normal(size=(20, 3)), [np.ones(3)]
optimiser = optim.Adam(w)
for g in grads:
    optimiser.step(w, [g], 0.01)  # changes w in place
np.testing.assert_allclose([w[0]] * 2, [adam(np.ones(3), k * grads, 0.01) for k in (1, 1000)])  # any size


def learn(optimiser, lr, epochs=2):
    params, rng = [p.copy() for p in first], np.random.default_rng(0)
    for _ in range(epochs):
        for batch in np.split(rng.permutation(1438)[:1408], 44):  # 44 of 32; the rest is left out
            run = forward(params, x[:, batch])
            optimiser.step(params, backward(params, x[:, batch], *run, cross_entropy(run[2], y[batch])[1]), lr)
    return (forward(params, x)[2].sum(axis=0).argmax(axis=1) == y).mean()


rates = [0.0003, 0.003, 0.03, 0.3, 3.0]
right = {
    "plain": [learn(optim.SGD(first, momentum=0.0), lr) for lr in rates],
    "Adam": [learn(optim.Adam(first), lr) for lr in rates],
}
for name in right:
    print(name, "right after two epochs:", *(f"{share:.0%} at {lr}," for share, lr in zip(right[name], rates)))
assert right["plain"][1] < 0.5 < 0.9 < right["Adam"][1]  # at 0.003; plain descent wants a rate of 0.3

# %% [markdown]
# ## From now on: `fit`
# It does the same, and more: $\eta$ first rises, then falls, and a tenth of the training images is held out for *validation*;
# the epoch that is best on these is kept. The test images are asked once, at the end.

# %%
model = fit(net, data, epochs=15, num_steps=num_steps, lr=0.004, seed=0)
result = evaluate(model, data.x_test, data.y_test)
print(f"test: {result.accuracy:.1%} right; spikes a neuron and step, by layer: {np.round(result.firing_rates, 3)}")
assert result.accuracy > 0.94

# %% [markdown]
# ## What it does with an image, and how good the answer is if it is asked for early

# %%
run = net.forward(model.encoder.encode(data.x_test), num_steps)  # the NumPy backend keeps all spikes
so_far = (run.spk.cumsum(axis=0).argmax(axis=2) == data.y_test).mean(axis=1)
figure, axes = plt.subplots(1, 4, figsize=(13, 3.4), layout="constrained")
axes[0].semilogx(rates, np.transpose(list(right.values())), "o-", label=list(right))
axes[0].set(title="two epochs of descent", xlabel="learning rate", ylabel="training images right", ylim=(0, 1))
axes[0].legend()
for axis, layer, name in zip(axes[1:], run.layers, ("hidden", "class")):
    extent = (0.5, num_steps + 0.5, layer.spk.shape[2] - 0.5, -0.5)  # steps count from 1
    axis.imshow(layer.spk[:, 0].T, extent=extent, aspect="auto", cmap="gray_r", interpolation="none")
    axis.set(title=f"{name} spikes for a {data.y_test[0]} (black)", xlabel="time step", ylabel=f"{name} neuron")
axes[3].plot(np.arange(1, num_steps + 1), so_far, "o-")
axes[3].set(title="answers asked for early", xlabel="time steps seen", ylabel="test images right", ylim=(0, 1))
save(figure, "05_learning")
assert np.isclose(so_far[-1], result.accuracy) and so_far[-1] > so_far[0]

# %% [markdown]
# ## Exercises
# 1. Count with `minisnn.predict` which digit is taken for which (10 x 10); assert sum and diagonal; find the worst pair.
# 2. Train with `encoding="rate"` and 5 steps. Assert that direct coding is better. Why? (Lesson 2 has the number.)
# 3. Find a `rate_penalty` for `fit` (by layer: `"0.1,0"`) that halves the hidden spikes for 2 points of accuracy at most.
