# %% [markdown]
# # 5. A network learns
# Two layers learn to read handwritten digits: first with every line written out, then with the library's `fit`. Two
# things are new: the loss of a *classifier*, which chooses among classes, and a better descent, *Adam*. The rest is
# from lessons 1 to 4.

# %%
import matplotlib.pyplot as plt
import numpy as np
from common import save, source

from minisnn import Network, encode, evaluate, fit, lif, linear, load_data, loss, training

rng = np.random.default_rng(0)
num_steps, beta, threshold = 5, 0.5, 1.0

# 1438 images to learn from, and 359 images for the test, which learning never sees.
data = load_data("digits")
encoder = encode.fit("direct", data.x_train, num_steps, data.max_value)
x = encoder.encode(data.x_train).reshape(1, -1, 64)  # (1, B, N): one step stands for all
y = data.y_train  # labels, 0 to 9

# %% [markdown]
# ## Forward: two layers
# The name `"64-10"` describes the network. The first layer has 64 neurons. Only the next layer sees their spikes, so it
# is called a *hidden* layer. The last layer has 10 neurons, one for each digit. The class whose neuron spikes most
# often is the answer.

# %%
net = Network("64-10", data.input_shape, beta=beta, threshold=threshold, backend="numpy", rng=rng)
first_params = [param.copy() for param in net.params]  # w1, b1, w2, b2, as drawn by the rng


def forward(params, x):
    """Return spikes and membranes of both layers, each of shape (T, B, neurons)."""
    w1, b1, w2, b2 = params
    cur1 = linear.forward(x, w1, b1)
    spk1, mem1 = lif.forward(cur1, num_steps, beta, threshold)
    cur2 = linear.forward(spk1, w2, b2)
    spk2, mem2 = lif.forward(cur2, num_steps, beta, threshold)
    return spk1, mem1, spk2, mem2


images = x[:, :32]
spk1, mem1, spk2, mem2 = forward(first_params, images)
run = net.forward(images.reshape(1, 32, 8, 8, 1), num_steps)
np.testing.assert_array_equal(spk2, run.spk)

# %% [markdown]
# ## The loss: cross-entropy on spike counts
# Let $n_k$ be the number of spikes of class $k$. The *softmax* turns these numbers into shares, $p_k = e^{n_k} / \sum_j
# e^{n_j}$. The loss is $L = -\mathrm{mean}\,\log p_{y}$ over the batch: 0 if the right class $y$ has the whole share.
#
# As $\log p_y = n_y - \log\sum_j e^{n_j}$, the gradient is "share minus target":
#
# $$\partial L/\partial n_k = (p_k - [k = y]) / B$$
#
# where $[k = y]$ is 1 for the right class and 0 for the others. A count is a sum over steps, so every step receives the
# same gradient.


# %%
def cross_entropy(spk, y):
    """Return the loss, and its gradient with respect to the spikes."""
    counts = spk.sum(axis=0)
    share = np.exp(counts)
    share /= share.sum(axis=1, keepdims=True)
    target = np.eye(10, dtype=spk.dtype)[y]
    value = -np.log(share[target > 0]).mean()  # of the right class of each image
    dcounts = (share - target) / np.float32(len(y))
    return value, np.broadcast_to(dcounts, spk.shape)  # the same at each step


# class_sums, in this source: a class may have several neurons; ours have one each.
print(source(loss.rate))
labels = y[:32]
value, dspk2 = cross_entropy(spk2, labels)
library_value, library_dspk, _ = loss.rate(spk2, mem2, labels, 10)
np.testing.assert_allclose(value, library_value, rtol=1e-5)
np.testing.assert_allclose(dspk2, library_dspk, rtol=1e-5, atol=1e-7)

# %% [markdown]
# ## Backward: each line undoes a line of `forward`, the last one first


# %%
def backward(params, x, spk1, mem1, spk2, mem2, dspk2):
    """Return dw1, db1, dw2, db2."""
    w1, b1, w2, b2 = params
    # spk2, mem2 = lif.forward(cur2, ...)
    dcur2 = lif.backward(dspk2, None, spk2, mem2, net.surrogate, beta, threshold)
    # cur2 = linear.forward(spk1, w2, b2)
    dspk1, dw2, db2 = linear.backward(dcur2, spk1, w2)
    # spk1, mem1 = lif.forward(cur1, ...); constant: the same x, and so the same current, at every step
    dcur1 = lif.backward(dspk1, None, spk1, mem1, net.surrogate, beta, threshold, constant=True)
    # cur1 = linear.forward(x, w1, b1)
    _, dw1, db1 = linear.backward(dcur1, x, w1, need_dx=False)
    return dw1, db1, dw2, db2


gradients = backward(first_params, images, spk1, mem1, spk2, mem2, dspk2)
for ours, library in zip(gradients, net.backward(run, dspk2)):
    np.testing.assert_allclose(ours, library, atol=1e-6)

# %% [markdown]
# ## A better descent: Adam
# Plain gradient descent, $w \leftarrow w - \eta\,g$, has one *learning rate* $\eta$, and the right one depends on how
# large the gradients happen to be. *Adam* divides a gradient by its usual size, so that $\eta$ itself is how far a
# weight moves, whatever the size of the loss. It keeps two running means: $m$ of $g$, and $v$ of $g^2$. Both start at
# 0, which makes them too small at first; the two divisors correct this. $t$ counts the updates:
#
# $$m \leftarrow 0.9\,m + 0.1\,g, \quad v \leftarrow 0.999\,v + 0.001\,g^2, \quad
#   w \leftarrow w - \eta\,\frac{m / (1 - 0.9^t)}{\sqrt{v / (1 - 0.999^t)} + 10^{-8}}$$


# %%
def adam(w, gradients, lr):
    """Return w after one update for each gradient."""
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        mean = m / (1 - 0.9**t)
        size = np.sqrt(v / (1 - 0.999**t))
        w = w - lr * mean / (size + 1e-8)
    return w


random_gradients = rng.normal(size=(20, 3))
w = np.ones(3)
optimiser = training.optim.Adam([w])
for g in random_gradients:
    optimiser.step([w], [g], 0.01)  # changes w in place
np.testing.assert_allclose(w, adam(np.ones(3), random_gradients, 0.01))

# Gradients that are a thousand times as large lead to the same weights.
np.testing.assert_allclose(w, adam(np.ones(3), 1000 * random_gradients, 0.01))

# %% [markdown]
# ## Learning: small batches, many updates
# An *epoch* shows each image once, in a new random order, in *batches* of 32. After each batch the weights move. We
# train for two epochs with plain descent and with Adam, at five learning rates.
#
# **Predict before you run.** At a learning rate of 0.003, who has learned after two epochs: plain descent, Adam, or
# both?
#
# <details><summary>Answer</summary>
#
# Only Adam. It moves each weight by some 0.003 in an update, whatever the size of the gradient; 88 updates are
# enough. Plain descent moves by 0.003 times a small gradient.
#
# </details>


# %%
def learn(make_optimiser, lr, epochs=2):
    """Train from the first parameters; return the share of training images answered right, and each batch's loss."""
    params = [param.copy() for param in first_params]
    optimiser = make_optimiser(params)
    rng = np.random.default_rng(0)
    losses = []
    for _ in range(epochs):
        order = rng.permutation(1438)[:1408]  # 44 batches of 32; the rest is left out
        for batch in np.split(order, 44):
            spk1, mem1, spk2, mem2 = forward(params, x[:, batch])
            value, dspk2 = cross_entropy(spk2, y[batch])
            losses.append(value)
            gradients = backward(params, x[:, batch], spk1, mem1, spk2, mem2, dspk2)
            optimiser.step(params, gradients, lr)
    _, _, spk2, _ = forward(params, x)
    answers = spk2.sum(axis=0).argmax(axis=1)
    return (answers == y).mean(), losses


def plain(params):
    return training.optim.SGD(params, momentum=0.0)


learning_rates = [0.0003, 0.003, 0.03, 0.3, 3.0]
right = {}
losses = {}
for name, make_optimiser in (("plain", plain), ("Adam", training.optim.Adam)):
    print(f"{name}: share right after two epochs")
    right[name] = []
    for lr in learning_rates:
        share, losses[name, lr] = learn(make_optimiser, lr)
        right[name].append(share)
        print(f"    learning rate {lr}: {share:.0%}")

# At 0.003 Adam has learned, and plain descent has not: it needs a rate of 0.3.
assert right["plain"][1] < 0.5
assert right["Adam"][1] > 0.9

# %% [markdown]
# A *learning curve* shows the loss over the updates. A single batch says little, because each has other images; the
# marks are means over eleven batches. A network that knows nothing, and says so, has the
# loss $\log 10 = 2.3$; one that is sure of a wrong class has more.

# %%
figure, axis = plt.subplots(figsize=(7, 3.8), layout="constrained")
for name, lr in (("plain", 0.003), ("plain", 0.3), ("Adam", 0.003)):
    means = np.reshape(losses[name, lr], (8, 11)).mean(axis=1)
    axis.plot(11 * np.arange(1, 9), means, "o-", label=f"{name}, learning rate {lr}")
axis.axhline(np.log(10), ls=":", color="gray", label="guessing")
axis.set(xlabel="updates (44 are an epoch)", ylabel="loss, mean over 11 batches", ylim=(0, None))
axis.legend()
save(
    figure,
    "05_curves",
    "The loss over 88 updates: with plain descent at 0.003 it stays above that of guessing; with Adam at 0.003, and "
    "with plain descent at 0.3, it falls far below.",
)

# %% [markdown]
# ## From now on: `fit`
# `fit` does the same and more. The learning rate first rises, then falls. A tenth of the training images is held out
# for *validation*, and the epoch that does best on these is kept. The test images are used once, at the end.

# %%
model = fit(net, data, epochs=15, num_steps=num_steps, lr=0.004, seed=0)
for epoch in model.history[::3]:
    print(f"epoch {epoch['epoch']:2}: loss {epoch['loss']:.3f}, validation {epoch['validation_accuracy']:.1%}")

result = evaluate(model, data.x_test, data.y_test)
print(f"test accuracy {result.accuracy:.1%}")
print("spikes per neuron and step, layer 1 and 2:", np.round(result.firing_rates, 3))
assert result.accuracy > 0.94

# %% [markdown]
# ## What it does with an image
# The network's answer can be read before all steps have passed. How good is an early answer? The figure shows this on
# the right; in the middle are the spikes of both layers for one image.

# %%
run = net.forward(model.encoder.encode(data.x_test), num_steps)  # the NumPy backend keeps all spikes
counts_so_far = run.spk.cumsum(axis=0)  # (T, B, 10)
accuracy_so_far = (counts_so_far.argmax(axis=2) == data.y_test).mean(axis=1)
assert np.isclose(accuracy_so_far[-1], result.accuracy)
assert accuracy_so_far[-1] > accuracy_so_far[0]

figure, axes = plt.subplots(1, 4, figsize=(13, 3.4), layout="constrained")
for name in right:
    axes[0].semilogx(learning_rates, right[name], "o-", label=name)
axes[0].set(title="two epochs of descent", xlabel="learning rate", ylabel="share of training images right", ylim=(0, 1))
axes[0].legend()
for axis, layer, name in zip(axes[1:3], run.layers, ("hidden", "class")):
    raster = layer.spk[:, 0].T  # (neurons, T) of the first image
    axis.imshow(raster, aspect="auto", cmap="gray_r", interpolation="none")
    axis.set(title=f"{name} spikes for a {data.y_test[0]} (black)", xlabel="time step", ylabel=f"{name} neuron")
axes[3].plot(np.arange(1, num_steps + 1), accuracy_so_far, "o-")
axes[3].set(title="early answers", xlabel="number of time steps seen", ylabel="share of test images right", ylim=(0, 1))
save(
    figure,
    "05_learning",
    "Four charts: the share of right answers by learning rate, where Adam learns at smaller rates than "
    "plain descent; spikes of the hidden neurons and of the class neurons for one image; and accuracy "
    "that rises with the steps seen.",
)

# %% [markdown]
# ## Exercises
# Your file is [exercises/05_a_network_learns.py](exercises/05_a_network_learns.py): it has a place for each answer,
# and hints. `python -m tutorials.check 5` says what is right and what is wrong, and `5.2` looks at the second
# alone.
#
# 1. Count which digit is taken for which. Write `confusion(labels, answers, classes)`, use it with
#    `minisnn.predict`, assert its sum and its diagonal, and find the worst pair.
# 2. Train with `encoding="rate"` and 5 steps, and assert that direct coding is better. Why? Write
#    `rate_noise(level, num_steps)`, the error that random spikes alone bring into the pixels.
# 3. Find a `rate_penalty` for `fit` (one number for each layer: `"0.1,0"`) that halves the hidden spikes and costs
#    at most 2 points of accuracy. Write `choose_price(trials)`, which chooses from the results of several prices.
