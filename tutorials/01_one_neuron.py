# %% [markdown]
# # 1. One neuron
#
# A *spiking network* computes with events. Its units, the *neurons*, do not send numbers such as 0.37 to each other: in
# each time step a neuron either sends a *spike* (1) or is silent (0). Between spikes it remembers its past inputs in a
# single number, the *membrane potential*, or *membrane* for short.
#
# This lesson builds one neuron, from its differential equation to the library's code. You need NumPy, and an idea of
# what a differential equation is.

# %%
import matplotlib.pyplot as plt
import numpy as np

# `save` writes a figure to tutorials/output/; `source` returns the source text of a function.
from common import save, source

from minisnn import Network, fit, lif, load_data

rng = np.random.default_rng(0)

# %% [markdown]
# ## The equation
# A membrane is a leaky bucket. A current $I$ fills it through a resistance $R$, and it leaks towards 0 with the *time
# constant* $\tau$:
#
# $$\tau\,\frac{dU}{dt} = -U + R\,I$$
#
# For a constant current and $U(0)=0$ the exact solution is $U(t) = R\,I\,(1 - e^{-t/\tau})$: the membrane climbs to the
# level $R\,I$ and stays there. We can check every simulation below against this solution.

# %%
tau = 20.0  # ms
level = 1.5  # R*I, in units of the threshold, which is introduced below


def exact(t):
    return level * (1 - np.exp(-t / tau))


# %% [markdown]
# ## The naive step fails
# A computer takes steps of length $\Delta t$; from here on $U[t]$ is the membrane after step $t$. *Euler's method*
# replaces $dU/dt$ by $(U[t]-U[t-1])/\Delta t$. This gives
#
# $$U[t] = k\,U[t-1] + (1-k)\,R\,I, \qquad k = 1 - \Delta t/\tau$$
#
# Small steps work well. With $\Delta t > 2\tau$, however, $k$ is below $-1$, and each step overshoots by more than the
# step before.


# %%
def walk(k, dt):
    """Take steps U[t] = k U[t-1] + (1 - k) R I over 200 ms; return the times and the membranes."""
    times = np.arange(0, 200.1, dt)  # ms
    membranes = [0.0]
    for _ in times[1:]:
        membranes.append(k * membranes[-1] + (1 - k) * level)
    return times, np.array(membranes)


for dt in (1.0, 10.0, 30.0, 45.0):
    times, membranes = walk(1 - dt / tau, dt)
    error = np.abs(membranes - exact(times)).max()
    print(f"Euler's method, steps of {dt:4.0f} ms: largest error {error:.3f}")

# The last run had steps of 45 ms: its membrane explodes.
assert np.abs(membranes).max() > 2 * level

# %% [markdown]
# ## The cure: an exact step
# During a step the current is constant, so the exact solution itself can serve as the step:
#
# $$U[t] = \beta\,U[t-1] + (1-\beta)\,R\,I, \qquad \beta = e^{-\Delta t/\tau}$$
#
# Only $k$ has changed to $\beta$ (Euler's $k$ is the beginning of its Taylor series). The *leak* $\beta$ is the share
# of the membrane that is left after one step. It lies between 0 and 1 for every $\Delta t$, so nothing can explode.

# %%
for dt in (1.0, 30.0, 45.0):
    times, membranes = walk(np.exp(-dt / tau), dt)
    np.testing.assert_allclose(membranes, exact(times))

# %% [markdown]
# Both ways in one figure, each over the exact solution (grey):

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 3.6), sharey=True, layout="constrained")
factors = {
    "Euler's step": lambda dt: 1 - dt / tau,
    "exact step": lambda dt: np.exp(-dt / tau),
}
for axis, (title, factor) in zip(axes, factors.items()):
    axis.plot(np.arange(201), exact(np.arange(201)), "k", lw=5, alpha=0.25, label="exact solution")
    for dt, mark in ((1.0, "-"), (30.0, "o--"), (45.0, "s--")):
        times, membranes = walk(factor(dt), dt)
        axis.plot(times, membranes, mark, ms=4, lw=1, label=f"steps of {dt:.0f} ms")
    axis.set(title=title, xlabel="time (ms)", ylabel="membrane U (thresholds)", ylim=(-2, 5))
axes[1].legend()
save(
    figure,
    "01_discretisation",
    "Two charts of the membrane over time. With Euler's step the run with 30 ms steps swings around the "
    "exact curve, and that of 45 ms leaves the chart; with the exact step all runs lie on the curve.",
)

# %% [markdown]
# In a network the inputs are spikes times *weights*, numbers that are learned. The constant factor $(1-\beta)R$ can be
# absorbed into the weights, so we drop it. What remains of the input is called the *current* of the step, `cur` in
# code:
#
# $$U[t] = \beta\,U[t-1] + \mathrm{cur}[t]$$
#
# ## Spike and reset
# ![A neuron is a leaky bucket](../docs/drawings/bucket.svg)
#
# The neuron sends a spike, $S[t] = 1$, when its membrane is above the *threshold*: $U[t] > \theta$. If nothing else
# happened, the membrane would stay above the threshold and the neuron would spike in every step, like a lamp that is
# switched on. So a spike has a price, the *reset*, which is paid in the next step. There are two common kinds:
#
# - "subtract" takes $\theta$ away: $U[t] = \beta\,U[t-1] - \theta\,S[t-1] + \mathrm{cur}[t]$
# - "zero" takes everything away: $U[t] = \beta\,U[t-1] - \beta\,U[t-1]\,S[t-1] + \mathrm{cur}[t]$
#
# The leak comes first. If the membrane was just above $\theta$, less than $\theta$ is left of it after the leak, so
# "subtract" takes it below 0, and the next spike comes later.


# %%
def neuron(cur, beta, threshold, reset):
    """Return the spikes and the membranes of one neuron, one number for each step."""
    spk, mem = [], []
    u, s = 0.0, 0.0  # membrane and spike of the step before
    for current in cur:
        if reset == "subtract":
            price = threshold * s
        elif reset == "zero":
            price = beta * u * s
        else:
            price = 0.0
        u = beta * u - price + current
        s = float(u > threshold)  # strictly greater: a membrane at the threshold does not spike
        spk.append(s)
        mem.append(u)
    return np.array(spk), np.array(mem)


# %% [markdown]
# The same constant current, in steps of 1 ms, with each kind of reset and with none:
#
# **Predict before you run.** The level of the current is 1.5 thresholds in all three runs. Which kind of neuron has
# the most spikes, and which has the fewest?
#
# <details><summary>Answer</summary>
#
# Without reset the neuron spikes in nearly every step once it is above the threshold. With "zero" it has slightly
# more spikes than with "subtract": "zero" begins again at 0, "subtract" a little below 0, because the leak has
# already taken its share of $\theta$.
#
# </details>

# %%
beta = np.exp(-1.0 / tau)  # steps of 1 ms
cur = np.full(200, (1 - beta) * level)

runs = {}
for reset in ("no reset", "subtract", "zero"):
    spk, mem = neuron(cur, beta, 1.0, reset)
    runs[reset] = spk, mem
    print(f"{reset}: {spk.sum():.0f} spikes in 200 ms")

spk, mem = runs["no reset"]
assert spk[30:].all()  # a lamp that stays on

# %% [markdown]
# ## Proven equal to the library
# The library calls this neuron `lif`, for *leaky integrate-and-fire*. Between two steps it keeps the *state* $V$: what
# is left of the membrane after leak and reset.
#
# $$U[t] = V[t-1] + \mathrm{cur}[t], \qquad V[t] = \beta\,U[t] - S[t]\,(r_0 + r_1 U[t])$$
#
# For "subtract" $(r_0, r_1)$ is $(\theta, 0)$; for "zero" it is $(0, \beta)$.
#
# The library computes many neurons at once. Currents have the shape (steps T, batch B, ...), where a *batch* is a set
# of examples that do not influence each other. Our numbers and the library's are equal to the last bit, so from now on
# we import the library.

# %%
print(source(lif.forward))

random_current = rng.normal(0.3, 0.5, 200)
for reset in ("subtract", "zero"):
    for signal in (cur, random_current):
        our_spk, our_mem = neuron(signal, beta, 1.0, reset)
        spk, mem = lif.forward(signal[:, None], 200, beta, 1.0, reset)  # [:, None]: a batch of one
        np.testing.assert_array_equal(spk[:, 0], our_spk)
        np.testing.assert_array_equal(mem[:, 0], our_mem)

# %% [markdown]
# ## How often does it spike?
# With reset to zero, the exact solution reaches $\theta = 1$ after $t^* = -\tau\,\ln(1 - 1/(R\,I))$ and then starts
# again from 0. So the neuron spikes at the rate $1/t^*$, or never where $R\,I \le 1$. Steps of 1 ms round $t^*$ up to a
# whole number of ms, so the simulated rate is a staircase just below the exact rate.

# %%
levels = np.linspace(0.5, 6, 200)
currents = (1 - beta) * levels[None]  # shape (1, 200): one step of currents stands for all 2000 steps
spk, _ = lif.forward(currents, 2000, beta, 1.0, "zero")
simulated_rate = spk.mean(axis=0)  # spikes per ms

above = np.maximum(levels, 1 + 1e-12)  # avoids the logarithm of 0; these levels are replaced by 0 below
exact_rate = np.where(levels > 1, -1 / (tau * np.log(1 - 1 / above)), 0)  # spikes per ms

# Rounding up lengthens an interval by less than 1 ms; the last interval of the 2000 ms may be incomplete.
assert (simulated_rate <= exact_rate + 1e-9).all()
assert (simulated_rate >= exact_rate / (1 + exact_rate) - 1 / 2000).all()

# %% [markdown]
# Left: the membranes of the two resets. Right: the staircase beside the exact rate.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
for reset in ("zero", "subtract"):
    spk, mem = runs[reset]
    left.plot(np.arange(1, 201), mem, lw=1.2, label=f"reset: {reset}")  # step 0 ends at 1 ms
first_spike = np.argmax(runs["zero"][0])  # the step of the first spike
until = np.arange(first_spike + 2)  # ms
left.plot(until, exact(until), "k", lw=5, alpha=0.25, label="exact, to the first spike")
left.axhline(1, ls=":", color="gray", label="threshold")
left.set(xlabel="time (ms)", ylabel="membrane U (thresholds)", ylim=(-0.1, 1.5))
right.plot(levels, 1000 * exact_rate, "k", lw=5, alpha=0.25, label="exact")
right.plot(levels, 1000 * simulated_rate, lw=1.2, label="steps of 1 ms")
right.set(xlabel="input R·I (thresholds)", ylabel="spikes per second")
for axis in (left, right):
    axis.legend(loc="upper left", ncols=2)
save(
    figure,
    "01_firing",
    "Left, membranes with reset zero and reset subtract climb along the exact curve to the threshold and "
    "fall, again and again. Right, the firing rate rises with the input, as a staircase just below the "
    "exact curve.",
)

# %% [markdown]
# ## A promise: ten neurons learn to read
# So far nobody has learned anything. Here is where the course goes. Take ten of these neurons, one for each digit. Each
# gets the 64 pixels of an image through 64 weights of its own, so its current is the sum of weights times pixels, the
# same in every step. The neuron that spikes most often is the answer.
#
# At first the weights are random. `fit` changes them a little after every few images, so that the right neuron spikes
# more and the others less. How that is done, although a spike has no useful derivative, is the subject of lessons 3
# to 5. For now, watch:

# %%
data = load_data("digits")  # small images of handwritten digits, which come with the package
# "10" names the network: a single layer of ten neurons.
net = Network("10", data.input_shape, beta=0.5, threshold=1.0, rng=rng)

right_after = []  # the share of digits that are read right after each epoch, one look at all training images


def tell(model):
    """Note and print how many digits are read right; `fit` calls this after each epoch."""
    accuracy = model.history[-1]["validation_accuracy"]  # on images that it does not learn from
    right_after.append(accuracy)
    print(f"after epoch {len(right_after):2}: {accuracy:.0%} of the digits are read right")


model = fit(net, data, epochs=12, num_steps=10, lr=0.02, seed=0, callbacks=tell)
assert right_after[-1] > 0.85

# %% [markdown]
# These are the neurons of this lesson. One image that was never used in training goes through our own function:

# %%
image = data.x_test[:1]
pixels = model.encoder.encode(image).reshape(64)  # grey levels as numbers around 0 (lesson 2)
weights, bias = net.params  # of shapes (64, 10) and (10,)
currents = pixels @ weights + bias  # one for each of the ten neurons

membranes = []
counts = []
for current in currents:
    spk, mem = neuron(np.full(10, current), 0.5, 1.0, "subtract")
    counts.append(int(spk.sum()))
    membranes.append(mem)

answer = int(np.argmax(counts))
print(f"spikes of the neurons 0 to 9: {counts}; the answer is {answer}")
assert answer == data.y_test[0]

# %%
figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
axes[0].plot(np.arange(1, len(right_after) + 1), right_after, "o-")
axes[0].set(title="learning", xlabel="epoch", ylabel="share of digits read right", ylim=(0, 1))
axes[1].imshow(image[0, :, :, 0], cmap="gray")
axes[1].set(title="an image it has never seen", xticks=[], yticks=[])
for digit, mem in enumerate(membranes):
    if digit == answer:
        axes[2].plot(np.arange(10), mem, color="tab:red", lw=2.5, label=f"neuron {digit}")
    else:
        axes[2].plot(np.arange(10), mem, color="0.7", lw=1)
axes[2].axhline(1, ls=":", color="gray", label="threshold")
axes[2].set(title="its ten membranes", xlabel="time step", ylabel="membrane U (thresholds)", ylim=(-10, 4))
axes[2].legend(loc="lower left")
save(
    figure,
    "01_promise",
    "Left, the share of digits read right rises from epoch to epoch. Middle, an image of a digit. Right, the "
    "membranes of ten neurons: that of the right digit is far above the threshold, most others far below.",
)

# %% [markdown]
# ## Exercises
# Your file is [exercises/01_one_neuron.py](exercises/01_one_neuron.py): it has a place for each answer, and hints.
# `python -m tutorials.check 1` says what is right and what is wrong, and `1.2` looks at the second alone.
#
# 1. After how many steps is the membrane of a silent neuron (no current) below half of its first value? Write
#    `steps_to_half(beta)`, and assert with `lif.forward` and a current in the first step alone that it is right.
# 2. Write the staircase as a formula: how many steps lie between two spikes (reset "zero") at the level $R\,I$?
#    Write `steps_between(level, beta)`, and assert it for all `levels` of the lesson.
# 3. Set $\beta = 1$ and use reset "subtract". Show for random currents between 0 and 1 that nothing is lost: the
#    sum of the currents is the threshold times the number of spikes, plus what is left at the end. Write
#    `account(cur, threshold)`, the neuron that keeps this account.
