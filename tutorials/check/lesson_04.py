"""Lesson 4: the judge's own error, the walk back for reset zero, and truncated BPTT."""

import numpy as np

from .exercise import Exercise


def judge_errors(function, w, exact, epsilons, sides=2, share=2):
    errors = []
    for epsilon in epsilons:
        gradient = np.zeros_like(w)
        for i in range(len(w)):
            up, down = w.copy(), w.copy()
            up[i] += epsilon
            down[i] -= epsilon if sides == 2 else 0
            gradient[i] = (function(up) - function(down)) / (share * epsilon)
        errors.append(np.abs(gradient - exact).max())
    return np.array(errors)


def walk(dspk, sg, factor, forwards=False):
    """The sum over all paths: what a change of U[t] does, times what each later membrane makes of it."""
    steps = len(dspk)
    dcur = np.zeros_like(dspk)
    for t in range(steps):
        passed = np.ones_like(dspk[0])
        for later in range(t, steps) if not forwards else range(t, -1, -1):
            dcur[t] += passed * dspk[later] * sg[later]
            passed = passed * factor[later]
    return dcur


def backward_zero(dspk, sg, spk, mem, beta, kept=1.0, slope=1.0, forwards=False):
    return walk(dspk, sg, beta * ((1 - kept * spk) - slope * mem * sg), forwards)


def truncated(dspk, sg, beta, threshold, K, blocks=False):
    steps = len(dspk)
    dcur = np.zeros_like(dspk)
    for last in range(steps):
        du = dspk[last] * sg[last]
        first = max(last - K + 1, 0) if not blocks else last // K * K
        for t in range(last, first - 1, -1):
            du = du if t == last else du * (beta - threshold * sg[t])
            dcur[t] += du
    return dcur


rng = np.random.default_rng(0)
cubic = (lambda w: float(np.sum(w**3)), np.array([1.0, -2.0]), np.array([3.0, 12.0]), (0.5, 0.1, 0.01))
T = 8
dspk, sg, mem = rng.normal(size=(T, 3)), rng.random((T, 3)), rng.normal(0.5, 0.5, (T, 3))
spk = (mem > 0.6).astype(float)

EXERCISES = [
    Exercise(
        name="judge_errors",
        cases=[cubic],
        right=judge_errors,
        mistakes={
            "only one side is moved; move the weight up and down": lambda *case: judge_errors(*case, sides=1, share=1),
            "the two runs are 2 epsilon apart, not epsilon": lambda *case: judge_errors(*case, share=1),
        },
        values=("largest error",),
        axes=("epsilon number",),
        rtol=1e-4,
    ),
    Exercise(
        name="backward_zero",
        cases=[(dspk, sg, spk, mem, 0.8)],
        right=backward_zero,
        mistakes={
            "the reset's derivative is missing: S[t] depends on U[t] too": lambda *case: backward_zero(
                *case, slope=0.0
            ),
            "a spike takes the membrane away, so nothing of it is handed on: (1 - S[t]) is missing": lambda *case: (
                backward_zero(*case, kept=0.0)
            ),
            "this is the walk for reset subtract": lambda dspk, sg, spk, mem, beta: walk(dspk, sg, beta - 1.0 * sg),
            "the walk goes forwards in time; it begins at the last step": lambda *case: backward_zero(
                *case, forwards=True
            ),
            "each step is treated on its own; what comes back from the next step is missing": lambda dspk, sg, *_: (
                dspk * sg
            ),
        },
        values=("dcur",),
        axes=("step", "neuron"),
    ),
    Exercise(
        name="truncated",
        cases=[(dspk, sg, 0.8, 1.0, 1), (dspk, sg, 0.8, 1.0, 3), (dspk, sg, 0.8, 1.0, T)],
        right=truncated,
        mistakes={
            "one step too many: K counts the step of the spike itself": lambda dspk, sg, beta, threshold, K: truncated(
                dspk, sg, beta, threshold, K + 1
            ),
            "the steps are cut into blocks of K; each spike has its own K steps": lambda *case: truncated(
                *case, blocks=True
            ),
            "K has no effect, this is the whole BPTT": lambda dspk, sg, beta, threshold, K: truncated(
                dspk, sg, beta, threshold, T
            ),
        },
        values=("dcur",),
        axes=("step", "neuron"),
        doing=lambda *case: f"K = {case[-1]}",
    ),
]
