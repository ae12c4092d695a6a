# %% [markdown]
# # 1. One neuron
#
# A *spiking network* computes with events. Its units, the *neurons*, hand on no numbers such as 0.37: in each time step
# a neuron either sends a *spike* (1) or is silent (0). In between it remembers its past inputs in one number, the
# *membrane potential*, or membrane for short. This lesson builds one neuron, from its differential equation to the
# library's code. You need NumPy, and an idea of what a differential equation is.

# %%
import matplotlib.pyplot as plt
import numpy as np

# save writes a figure to tutorials/output/, source is inspect.getsource without the docstring
from common import save, source

from minisnn import lif

rng = np.random.default_rng(0)

# %% [markdown]
# ## The equation
# A membrane is a leaky bucket. A current $I$ fills it through a resistance $R$, and it leaks towards 0 with the
# *time constant* $\tau$:
#
# $$\tau\,\frac{dU}{dt} = -U + R\,I$$
# For a constant current and $U(0)=0$ the exact solution is $U(t) = R\,I\,(1 - e^{-t/\tau})$: it climbs to the level
# $R\,I$ and stays there. Every simulation below can be held against it.

# %%
tau = 20.0  # ms
level = 1.5  # R*I, in units of the threshold that comes below


def exact(t):
    return level * (1 - np.exp(-t / tau))


# %% [markdown]
# ## The naive step fails
# A computer takes steps of $\Delta t$; from here on $U[t]$ is the membrane after step $t$. *Euler's method* puts
# $(U[t]-U[t-1])/\Delta t$ in place of $dU/dt$, which gives $U[t] = k\,U[t-1] + (1-k)\,R\,I$ with $k = 1 - \Delta t/\tau$.
# Small steps are good. With $\Delta t > 2\tau$ we have $k < -1$, and each step overshoots by more than the last one.


# %%
def walk(k, dt):
    t, u = np.arange(0, 200.1, dt), [0.0]  # ms
    for _ in t[1:]:
        u.append(k * u[-1] + (1 - k) * level)
    return t, np.array(u)


for dt in (1.0, 10.0, 30.0, 45.0):
    t, u = walk(1 - dt / tau, dt)
    print(f"Euler, steps of {dt:4.0f} ms: largest error {np.abs(u - exact(t)).max():.3f}")
assert np.abs(u).max() > 2 * level  # 45 ms: it explodes

# %% [markdown]
# ## The cure: an exact step
# During a step the current is constant, so the exact solution itself can be the step:
# $$U[t] = \beta\,U[t-1] + (1-\beta)\,R\,I, \qquad \beta = e^{-\Delta t/\tau}$$
# Only $k$ has changed (Euler's is the beginning of its Taylor series). The *leak* $\beta$ is the share of the membrane
# that is left after one step. It lies between 0 and 1 for every $\Delta t$, so nothing explodes.

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 3.6), sharey=True, layout="constrained")
for axis, title in zip(axes, ("Euler's step", "exact step")):
    axis.plot(np.arange(201), exact(np.arange(201)), "k", lw=5, alpha=0.25, label="exact solution")
    for dt, mark in ((1.0, "-"), (30.0, "o--"), (45.0, "s--")):
        t, u = walk(np.exp(-dt / tau) if title == "exact step" else 1 - dt / tau, dt)
        axis.plot(t, u, mark, ms=4, lw=1, label=f"steps of {dt:.0f} ms")
        if title == "exact step":
            np.testing.assert_allclose(u, exact(t))
    axis.set(title=title, xlabel="time (ms)", ylabel="membrane U (thresholds)", ylim=(-2, 5))
axis.legend()
save(figure, "01_discretisation")

# %% [markdown]
# In a network the inputs are spikes times *weights*, numbers that are learned, and the constant factor $(1-\beta)R$
# disappears in them. What is left of the input is called `cur`: $U[t] = \beta\,U[t-1] + \mathrm{cur}[t]$.
# ## Fire, and reset
# The neuron *fires* (sends a spike, $S[t] = 1$) when the membrane is above the *threshold*: $U[t] > \theta$. If nothing
# else happened it would stay above and fire in every step, like a lamp that is on. So a spike has a price, the *reset*,
# which is paid in the next step: "subtract" takes $\theta$ away, "zero" takes all that is there. (The leak comes
# first, so of a membrane just above $\theta$ less is left than $\theta$: "subtract" goes below 0, and fires later again.)
# $$U[t] = \beta\,U[t-1] - \theta\,S[t-1] + \mathrm{cur}[t] \quad\text{or}\quad
#   U[t] = \beta\,U[t-1] - \beta\,U[t-1]\,S[t-1] + \mathrm{cur}[t]$$


# %%
def neuron(cur, beta, threshold, reset):
    spk, mem, u, s = [], [], 0.0, 0.0
    for current in cur:
        taken = {"subtract": threshold * s, "zero": beta * u * s, "no reset": 0.0}[reset]
        u = beta * u - taken + current
        s = float(u > threshold)  # strictly above
        spk, mem = spk + [s], mem + [u]
    return np.array(spk), np.array(mem)


beta = np.exp(-1.0 / tau)  # steps of 1 ms
cur = np.full(200, (1 - beta) * level)
runs = {reset: neuron(cur, beta, 1.0, reset) for reset in ("no reset", "subtract", "zero")}
print({reset: int(spk.sum()) for reset, (spk, mem) in runs.items()}, "spikes in 200 ms")
assert runs["no reset"][0][30:].all()  # a lamp that is on

# %% [markdown]
# ## Proven equal to the library's
# The library calls it `lif`, *leaky integrate-and-fire*. It keeps $V$, what is left after leak and reset:
# $U[t] = V[t-1] + \mathrm{cur}[t]$ and $V[t] = \beta\,U[t] - S[t]\,(r_0 + r_1 U[t])$. For "subtract" $(r_0, r_1)$ is
# $(\theta, 0)$, for "zero" $(0, \beta)$. It runs many neurons at once: currents have the shape (steps T, batch B, ...), a
# batch being examples that do not know of each other. The numbers are equal to the last bit, so now we import it.

# %%
print(source(lif.forward))
for reset in ("subtract", "zero"):
    for signal in (cur, rng.normal(0.3, 0.5, 200)):
        spk, mem = lif.forward(signal[:, None], 200, beta, 1.0, reset)
        np.testing.assert_array_equal((spk[:, 0], mem[:, 0]), neuron(signal, beta, 1.0, reset))

# %% [markdown]
# ## How often does it fire?
# With reset to zero, the exact solution reaches $\theta = 1$ after $t^* = -\tau\,\ln(1 - 1/(R\,I))$ and starts again: the
# rate is $1/t^*$, and 0 where $R\,I \le 1$. Steps of 1 ms make $t^*$ whole, up to 1 ms later: a staircase.

# %%
levels = np.linspace(0.5, 6, 200)
# one step of currents stands for all 2000
spk, _ = lif.forward((1 - beta) * levels[None], 2000, beta, 1.0, "zero")
rate = np.where(levels > 1, -1 / (tau * np.log(1 - 1 / np.maximum(levels, 1 + 1e-12))), 0)  # spikes per ms
assert (spk.mean(axis=0) <= rate + 1e-9).all() and (spk.mean(axis=0) >= rate / (1 + rate) - 1 / 2000).all()

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
for reset in ("zero", "subtract"):
    left.plot(np.arange(1, 201), runs[reset][1], lw=1.2, label=f"reset: {reset}")
until = np.arange(np.argmax(runs["zero"][0]) + 2)  # ms, until the first spike; step 0 ends at 1 ms
left.plot(until, exact(until), "k", lw=5, alpha=0.25, label="exact until it fires")
left.axhline(1, ls=":", color="gray", label="threshold")
left.set(xlabel="time (ms)", ylabel="membrane U (thresholds)", ylim=(-0.1, 1.5))
right.plot(levels, 1000 * rate, "k", lw=5, alpha=0.25, label="exact")
right.plot(levels, 1000 * spk.mean(axis=0), lw=1.2, label="steps of 1 ms")
right.set(xlabel="input R·I (thresholds)", ylabel="spikes per second")
for axis in (left, right):
    axis.legend(loc="upper left", ncols=2)
save(figure, "01_firing")

# %% [markdown]
# ## Exercises
# 1. After how many steps of 1 ms is the membrane of a silent neuron (no current) below half of what it was? Compute it
#    from `beta`; assert it with `lif.forward` and a current in the first step alone.
# 2. Write the staircase as a formula: how many steps $n$ lie between two spikes (reset "zero")? Assert it for all of `levels`.
# 3. Set `beta = 1`, `cur = 0.6`. Assert that "subtract" fires in 60 % of the steps and "zero" in 50 %. Then show for
#    random currents between 0 and 1 that "subtract" loses nothing: sum of currents = θ · spikes + what is left.
