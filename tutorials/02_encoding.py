# %% [markdown]
# # 2. From pixels to spikes: the encodings
#
# Neurons take spikes, 0 or 1; a pixel has a grey level. To *encode* is to turn levels into what the first layer takes.
# There are three usual ways, and each pays with something else: noise, time, or a multiplier. You need lesson 1.

# %%
import matplotlib.pyplot as plt
import numpy as np
from common import save, source  # source: inspect.getsource without the docstring

from minisnn import encode, lif, load_data

rng = np.random.default_rng(0)
data = load_data("digits")  # comes with the package: 8x8 pixels, levels 0 to 16
x, max_value = data.x_test[:100], data.max_value
level = x / max_value  # (B, H, W, C) = (100, 8, 8, 1): images, rows, columns, colours; between 0 and 1
print(x.shape, x.dtype, "levels", x.min(), "to", x.max())

# %% [markdown]
# ## The naive way loses the greys
# One step, one bit: a pixel spikes if it is brighter than one half. We measure what is lost by the *root mean square*
# (RMS) difference between the levels and what a reader of the spikes would believe them to be.


# %%
def rms(error):
    return float(np.sqrt(np.mean(np.square(error))))


one_bit = (level > 0.5).astype(float)
print(f"one bit a pixel: RMS error {rms(one_bit - level):.3f} of the full range")
assert rms(one_bit - level) > 0.15

# %% [markdown]
# The cure is time. All the ways below show the same image for $T$ steps (`num_steps`). Time is the first axis of every
# array: `spk[t]` is the step `t`.
#
# ## Rate coding: spikes by chance
# At each step a pixel spikes with the probability $p$ = its level, like a coin thrown anew:
#
# $$S[t] = 1 \text{ if } r[t] < p, \qquad r[t] \text{ random, uniform between 0 and 1}$$

# %%
num_steps = 17
r = np.random.default_rng(0).random((num_steps, *x.shape), np.float32)
by_chance = (r < level).astype(np.uint8)
np.testing.assert_array_equal(by_chance, encode.rate(x, num_steps, max_value, np.random.default_rng(0)))
print(source(encode.rate))

# %% [markdown]
# A reader counts spikes and divides by $T$. A coin is its own square, so its variance, the mean of squares minus the
# square of the mean, is $p - p^2$. Those of $T$ coins add up to $T\,p\,(1-p)$, so the believed level errs by
# $\sqrt{p(1-p)/T}$: **four times the steps for half the error**. That is the price: noise.

# %%
steps = np.array([2, 4, 8, 16, 32, 64, 128])
rate_error = [rms(encode.rate(x, T, max_value, rng).mean(axis=0) - level) for T in steps]
formula = np.sqrt(np.mean(level * (1 - level)) / steps)
np.testing.assert_allclose(rate_error, formula, rtol=0.06)

# %% [markdown]
# ## Latency coding: the brighter the earlier
# *Latency* is the time that passes until something happens. Each pixel spikes once, at the step
#
# $$t^* = \mathrm{round}\big((1-p)\,(T-1)\big)$$
#
# and a black pixel ($p = 0$) never. There is no chance in it, and one spike tells a level to within half a step. The price
# is time: with few steps many levels share one, and the dark pixels are known only at the end.

# %%
when = np.rint((1 - level) * (num_steps - 1))
early = np.stack([(when == t) & (x > 0) for t in range(num_steps)]).astype(np.uint8)
np.testing.assert_array_equal(early, encode.latency(x, num_steps, max_value))


def read_latency(spk):
    """Levels from spikes (T, B, ...): 1 for a spike in step 0, down to 0 for one in step T-1 or none."""
    first = spk.argmax(axis=0)  # the step of the first spike
    return np.where(spk.any(axis=0), 1 - first / (len(spk) - 1), 0)


latency_error = [rms(read_latency(encode.latency(x, T, max_value)) - level) for T in steps]
assert rms(read_latency(early) - level) == 0  # 17 steps for 17 levels: nothing is lost

figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
axis.loglog(steps, formula, "k", lw=5, alpha=0.25, label="rate: root of the mean of p(1-p)/T")
axis.loglog(steps, rate_error, "o-", label="rate, measured")
axis.loglog(steps, latency_error, "s-", label="latency, measured")
axis.axhline(rms(one_bit - level), ls=":", color="gray", label="one bit")
axis.set(xlabel="time steps T", ylabel="RMS error of the level (full range = 1)")
axis.set_xticks(steps, steps, minor=False)
axis.set_xticks([], minor=True)
axis.legend()
save(figure, "02_error")

# %% [markdown]
# ## Direct coding: no spikes at all
# The image goes into the first layer as a *current*, the same in every step, and the neurons of that layer make the
# spikes. Nothing is lost. The price is paid in hardware: a spike needs no multiplier (weight times 1 is the weight), a
# level does. So that currents have a good size whatever the camera, the images are *normalised* to mean 0 and standard
# deviation 1 over the training set: $\mathrm{cur} = (x - \mu)/\sigma$.

# %%
encoder = encode.fit("direct", data.x_train, num_steps, max_value)
cur = (x - data.x_train.mean()) / data.x_train.std()
np.testing.assert_allclose(encoder.encode(x)[0], cur, atol=1e-6)
print(
    "direct:",
    encoder.encode(x).shape,
    "one step stands for all; a black pixel becomes",
    np.round(encoder.pad_value[0], 2),
)  # what later lessons put around an image

# %% [markdown]
# ## The three side by side
# One image; in the rasters each row is a pixel, each column a step, each mark a spike. As direct coding has no spikes,
# the last raster shows those of the neurons behind it: one of lesson 1 for each pixel, its current the level.

# %%
image = 4
spk, _ = lif.forward(level.reshape(1, 100, 64), num_steps, beta=0.9, threshold=1.0)
rasters = {"rate": by_chance, "latency": early, "direct, one layer on": spk}
figure, axes = plt.subplots(1, 4, figsize=(12, 3.8), layout="constrained")
axes[0].imshow(x[image, :, :, 0], cmap="gray")
axes[0].set(title=f"a digit {data.y_test[image]}", xlabel="column", ylabel="row")
for axis, (name, train) in zip(axes[1:], rasters.items()):
    t, pixel = np.nonzero(train.reshape(num_steps, 100, 64)[:, image])
    axis.scatter(t, pixel, s=8, marker="|", color="k")
    axis.set(title=f"{name}\n{len(t)} spikes", xlabel="time step", xlim=(-1, num_steps), ylim=(64, -1))
    axis.set_ylabel("pixel (row by row)")
    assert len(t) > 0
save(figure, "02_rasters")

spikes = {name: float(train.sum() / 100) for name, train in rasters.items()}
print("spikes an image:", spikes)
assert spikes["latency"] < 64 and spikes["latency"] < spikes["rate"] / 3

# %% [markdown]
# Spikes cost energy and, in the hardware of the later lessons, clock cycles. Later lessons use direct coding: it
# reaches good accuracy in as few as 5 steps, as no noise has to be averaged away.

# %% [markdown]
# ## Exercises
# 1. How many spikes do the 100 images have, rate-coded with T = 17? Compute mean and standard deviation from `level`, and
#    assert that a run is within four standard deviations.
# 2. Assert that `read_latency` errs by at most half a step, $1/(2(T-1))$, for every T of `steps`. How many different
#    grey levels are left of the 17 when T = 5?
# 3. Find a rate code without chance: a `lif` neuron with `beta=1`, reset "subtract", and `cur` = level. Assert that the
#    believed level errs by at most $1/T$, and compare its RMS error with that of chance at T = 64.
