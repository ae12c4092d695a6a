# %% [markdown]
# # 2. From pixels to spikes: encodings
#
# Neurons take spikes, 0 or 1; a pixel has a grey level. To *encode* an image is to turn its grey levels into what the
# first layer takes. There are three common ways, and each pays a different price: noise, time, or a multiplier. You
# need lesson 1.

# %%
import matplotlib.pyplot as plt
import numpy as np
from common import save, source

from minisnn import encode, lif, load_data

rng = np.random.default_rng(0)
data = load_data("digits")  # comes with the package: 8x8 pixels, grey levels 0 to 16
x = data.x_test[:100]
max_value = data.max_value
level = x / max_value  # between 0 and 1; shape (B, H, W, C) = (100, 8, 8, 1): images, rows, columns, colours
print(x.shape, x.dtype, "grey levels", x.min(), "to", x.max())

# %% [markdown]
# ## The naive way loses the greys
# One step, one bit: a pixel spikes if it is brighter than one half. To measure the loss, imagine a reader who estimates
# the grey levels from the spikes alone. We take the *root mean square* (RMS) of the differences between these estimates
# and the true levels.


# %%
def rms(error):
    return float(np.sqrt(np.mean(np.square(error))))


one_bit = (level > 0.5).astype(float)
one_bit_error = rms(one_bit - level)
print(f"one bit per pixel: RMS error {one_bit_error:.3f} of the full range")
assert one_bit_error > 0.15

# %% [markdown]
# The cure is time. All the ways below show the same image for $T$ steps (`num_steps`). Time is the first axis of every
# array: `spk[t]` is step `t`.
#
# ## Rate coding: random spikes
# At each step a pixel spikes with the probability $p$ = its level, like a coin that is tossed again at each step:
#
# $$S[t] = 1 \text{ if } r[t] < p, \qquad r[t] \text{ random, uniform between 0 and 1}$$
#
# **Predict before you run.** Which pixels will be the noisiest: black, middle grey, or white ones?
#
# <details><summary>Answer</summary>
#
# Middle grey. A black pixel never spikes and a white one always does, so nothing about them is random. At $p = 1/2$
# the coin is at its most uncertain.
#
# </details>

# %%
num_steps = 17
r = np.random.default_rng(0).random((num_steps, *x.shape), np.float32)
random_spikes = (r < level).astype(np.uint8)

by_library = encode.rate(x, num_steps, max_value, np.random.default_rng(0))
np.testing.assert_array_equal(random_spikes, by_library)
print(source(encode.rate))

# %% [markdown]
# A reader counts the spikes and divides by $T$. How wrong is this estimate? A coin with the values 0 and 1 is its own
# square, so its variance (the mean of the squares minus the square of the mean) is $p - p^2$. The variances of $T$
# coins add up to $T\,p\,(1-p)$, so the estimate errs by $\sqrt{p(1-p)/T}$. That is the price of rate coding, noise:
# **half the error takes four times as many steps**.

# %%
steps = np.array([2, 4, 8, 16, 32, 64, 128])
rate_error = []
for T in steps:
    estimate = encode.rate(x, T, max_value, rng).mean(axis=0)
    rate_error.append(rms(estimate - level))

formula = np.sqrt(np.mean(level * (1 - level)) / steps)
np.testing.assert_allclose(rate_error, formula, rtol=0.06)

# %% [markdown]
# ## Latency coding: the brighter, the earlier
# *Latency* is the time that passes until something happens. Each pixel spikes once, at the step
#
# $$t^* = \mathrm{round}\big((1-p)\,(T-1)\big)$$
#
# A black pixel ($p = 0$) never spikes. Nothing is random here, and a single spike gives the level to within half a
# step. The price is time: with few steps, many levels share one step, and dark pixels are known only at the end.

# %%
spike_step = np.rint((1 - level) * (num_steps - 1))
timed_spikes = np.stack([(spike_step == t) & (x > 0) for t in range(num_steps)]).astype(np.uint8)
np.testing.assert_array_equal(timed_spikes, encode.latency(x, num_steps, max_value))

# %% [markdown]
# The reader of latency-coded spikes looks at the step of the first spike. With 17 steps for 17 grey levels, nothing is
# lost.


# %%
def read_latency(spk):
    """Return levels from spikes (T, B, ...): 1 for a spike in step 0, down to 0 for one in step T-1 or for none."""
    first = spk.argmax(axis=0)  # the step of the first spike
    return np.where(spk.any(axis=0), 1 - first / (len(spk) - 1), 0)


assert rms(read_latency(timed_spikes) - level) == 0

latency_error = []
for T in steps:
    estimate = read_latency(encode.latency(x, T, max_value))
    latency_error.append(rms(estimate - level))

figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
axis.loglog(steps, formula, "k", lw=5, alpha=0.25, label="rate: root of the mean of p(1-p)/T")
axis.loglog(steps, rate_error, "o-", label="rate, measured")
axis.loglog(steps, latency_error, "s-", label="latency, measured")
axis.axhline(one_bit_error, ls=":", color="gray", label="one bit")
axis.set(xlabel="number of time steps T", ylabel="RMS error of the level (full range = 1)")
axis.set_xticks(steps, steps, minor=False)
axis.set_xticks([], minor=True)
axis.legend()
save(
    figure,
    "02_error",
    "Errors of the estimated levels fall with the number of steps: rate coding along its formula, by half "
    "for four times the steps; latency coding much faster; a dotted line marks the error of one bit.",
)

# %% [markdown]
# ## Direct coding: no spikes at all
# The image enters the first layer as a *current*, the same at every step, and the neurons of that layer make the
# spikes. Nothing is lost. The price is paid in hardware: a spike needs no multiplier (the weight times 1 is the
# weight), but a grey level does.
#
# To give currents a suitable size whatever the camera, images are *normalised* to mean 0 and standard deviation 1 over
# the training set: $\mathrm{cur} = (x - \mu)/\sigma$.

# %%
encoder = encode.fit("direct", data.x_train, num_steps, max_value)
encoded = encoder.encode(x)

cur = (x - data.x_train.mean()) / data.x_train.std()
np.testing.assert_allclose(encoded[0], cur, atol=1e-6)
print("direct coding:", encoded.shape, "- one step stands for all steps")

# Later lessons add a border around images; its pixels are black, and normalised like all others.
print("a black pixel becomes", np.round(encoder.pad_value[0], 2))

# %% [markdown]
# ## The three ways side by side
# ![Three ways to show a pixel to a network of spikes](../docs/drawings/encodings.svg)
#
# One image. In each raster a row is a pixel, a column is a step, and a mark is a spike. Direct coding has no spikes of
# its own, so the last raster shows the neurons behind it: one neuron of lesson 1 for each pixel, with the level as its
# current.

# %%
spk, _ = lif.forward(level.reshape(1, 100, 64), num_steps, beta=0.9, threshold=1.0)
rasters = {"rate": random_spikes, "latency": timed_spikes, "direct, after one layer": spk}

image = 4
figure, axes = plt.subplots(1, 4, figsize=(12, 3.8), layout="constrained")
axes[0].imshow(x[image, :, :, 0], cmap="gray")
axes[0].set(title=f"a digit {data.y_test[image]}", xlabel="column", ylabel="row")
for axis, (name, train) in zip(axes[1:], rasters.items()):
    t, pixel = np.nonzero(train.reshape(num_steps, 100, 64)[:, image])
    assert len(t) > 0
    axis.scatter(t, pixel, s=8, marker="|", color="k")
    axis.set(title=f"{name}\n{len(t)} spikes", xlabel="time step", xlim=(-1, num_steps), ylim=(64, -1))
    axis.set_ylabel("pixel (row by row)")
save(
    figure,
    "02_rasters",
    "A digit, and its spikes over the steps in three codings: many random spikes, one spike a pixel that "
    "comes earlier for bright pixels, and the spikes that direct coding's neurons make.",
)

# %% [markdown]
# How many spikes does each way take?

# %%
spikes = {name: float(train.sum() / 100) for name, train in rasters.items()}
print("spikes per image:", spikes)
assert spikes["latency"] < 64
assert spikes["latency"] < spikes["rate"] / 3

# %% [markdown]
# Spikes cost energy and, in the hardware of the later lessons, clock cycles. Most later lessons use direct coding: it
# reaches good accuracy in as few as 5 steps, because there is no noise to average away.

# %% [markdown]
# ## Recordings: time that was in the data
# These three ways give time to an image, which has none. An event camera records time itself: each of its pixels reports
# when it becomes brighter (on) or darker (off), and nothing else. `moving-digits` simulates one. In it a recording is
# there twice, forwards and backwards, and its label is the direction in which the digit moves. Add up the steps, as a
# photograph does, and the two are the same image with two labels: only the order of the steps tells them apart. (Train on
# the recordings and on their sums: `python -m tests.benchmarks.directions`.) In the figure blue pixels became brighter, red
# ones darker.

# %%
moving = load_data("moving-digits")
forwards, backwards = moving.x_test[:2]
print(moving)
print(f"directions, in steps of 45 degrees: {moving.y_test[0]} and {moving.y_test[1]}")
assert (forwards == backwards[::-1]).all() and (forwards != backwards).any()
assert (forwards.sum(axis=0) == backwards.sum(axis=0)).all()
assert (moving.y_test[0] - moving.y_test[1]) % 8 == 4  # opposite directions: 4 times 45 degrees apart

figure, axes = plt.subplots(2, 5, figsize=(10, 4.2), layout="constrained")
for row, (name, recording) in zip(axes, (("forwards", forwards), ("backwards", backwards))):
    change = recording[..., 1].astype(int) - recording[..., 0]  # on minus off
    for ax, title, frame in zip(row, ("step 0", "step 1", "step 2", "step 3"), change):
        ax.imshow(frame, cmap="RdBu", vmin=-4, vmax=4)
        ax.set_title(f"{name}, {title}")
    row[4].imshow(recording.sum(axis=(0, 3)), cmap="gray_r")
    row[4].set_title("events of all steps")
for ax in axes.flat:
    ax.set_xticks([])
    ax.set_yticks([])
save(
    figure,
    "02_moving",
    "Two rows of five frames of 16 by 16 pixels: four steps of a digit that moves, blue where it becomes brighter and "
    "red where it becomes darker, and the events of all steps together. Forwards and backwards the steps differ, "
    "and the last frames are the same.",
)

# %% [markdown]
# ## Exercises
# Your file is [exercises/02_encoding.py](exercises/02_encoding.py): it has a place for each answer, and hints.
# `python -m tutorials.check 2` says what is right and what is wrong, and `2.2` looks at the second alone.
#
# 1. How many spikes do the 100 images have when they are rate-coded with T = 17? Write
#    `expected_count(level, num_steps)`, and assert that a run of `encode.rate` is within four standard deviations.
# 2. How many different grey levels are left of the 17 after latency coding in T steps? Write
#    `levels_left(num_steps, num_levels)`, and assert it with `encode.latency` and the lesson's `read_latency` for T
#    = 5.
# 3. Find a rate code without randomness: a neuron with $\beta = 1$, threshold 1, reset "subtract", and the level as
#    its current. Write `regular(level, num_steps)`, assert that its estimate of the level errs by at most $1/T$,
#    and compare its error with that of random spikes at T = 64.
