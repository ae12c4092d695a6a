"""Lesson 4: the judge's own error, the walk back for reset zero, and truncated BPTT."""

import numpy as np

from .exercise import Exercise


def judge_errors(function, w, exact, epsilons, sides=2, share=2, reduce=lambda error: np.abs(error).max()):
    errors = []
    for epsilon in epsilons:
        gradient = np.zeros_like(w)
        for i in range(len(w)):
            up, down = w.copy(), w.copy()
            up[i] += epsilon
            down[i] -= epsilon if sides == 2 else 0
            gradient[i] = (function(up) - function(down)) / (share * epsilon)
        errors.append(reduce(gradient - exact))
    return np.array(errors)


def moved_for_good(function, w, exact, epsilons, back):
    """The mistake of moving w itself: `back` says how many epsilons the second move goes back."""
    errors = []
    for epsilon in epsilons:
        gradient = np.zeros_like(w)
        for i in range(len(w)):
            w[i] += epsilon
            up = function(w)
            w[i] -= back * epsilon
            gradient[i] = (up - function(w)) / (2 * epsilon)
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


def of_neighbour(dspk, sg, spk, mem, beta, shift):
    """The mistake of taking the values of the next step (shift 1), as far as there is one, or of the step before (-1)."""
    return walk(dspk, sg, np.roll(beta * (1 - spk - mem * sg), -shift, axis=0))


def truncated(dspk, sg, beta, threshold, K, first=lambda last, K: max(last - K + 1, 0), since=lambda T, K: 0,
              start=1, reset=lambda sg, t, last, threshold: threshold * sg[t], add=True):  # fmt: skip
    """One walk for each spike's step `last`, from there back to its `first` step; the rest is what mistakes change."""
    steps = len(dspk)
    dcur = np.zeros_like(dspk)
    for last in range(since(steps, K), steps):
        du = dspk[last] * sg[last] ** start
        for t in range(last, first(last, K) - 1, -1):
            du = du if t == last else du * (beta - reset(sg, t, last, threshold))
            dcur[t] = du + (dcur[t] if add else 0)
    return dcur


def but(function, **changes):
    """Return a function with a mistake in it."""
    return lambda *case: function(*case, **changes)


rng = np.random.default_rng(0)
cubic = (
    lambda w: float(w[0] ** 3 - 2 * w[1] ** 3),  # errors of both signs and of different size
    np.array([1.0, -2.0]),
    np.array([3.0, -24.0]),
    (0.5, 0.1, 0.01),
)
T = 8
dspk, sg, mem = rng.normal(size=(T, 3)), rng.random((T, 3)), rng.normal(0.5, 0.5, (T, 3))
spk = (mem > 0.6).astype(float)

EXERCISES = [
    Exercise(
        name="judge_errors",
        cases=[cubic],
        right=judge_errors,
        mistakes={
            "only one side is moved; move the weight up and down": but(judge_errors, sides=1, share=1),
            "the two runs are 2 epsilon apart, not epsilon": but(judge_errors, share=1),
            "this is the mean of the errors; the largest is wanted": but(
                judge_errors, reduce=lambda e: np.abs(e).mean()
            ),
            "an error below zero is an error too: take absolute values": but(judge_errors, reduce=np.max),
            "this is the length of the error as a vector; the largest is wanted": but(
                judge_errors, reduce=np.linalg.norm
            ),
            "the error is divided by the exact gradient; it should not be": lambda *case: (
                judge_errors(*case) / np.abs(case[2]).max()
            ),
            "the error is divided by the largest slope; it should not be": lambda *case: judge_errors(
                *case, reduce=lambda error: np.abs(error).max() / np.abs(error + case[2]).max()
            ),
            "w is moved up and then back, but not down": but(moved_for_good, back=1),
            "w is still moved when the next weight's turn comes": but(moved_for_good, back=2),
            "both runs are the same: a second name for w is not a copy": lambda function, w, exact, epsilons: np.full(
                len(epsilons), np.abs(exact).max()
            ),
            "only one number comes back; it should be an error for each epsilon": lambda *case: judge_errors(*case)[-1],
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
            "the reset's derivative is missing: S[t] depends on U[t] too": but(backward_zero, slope=0.0),
            "the reset's derivative has the wrong sign: S[t] takes away": but(backward_zero, slope=-1.0),
            "beta multiplies both terms of the product rule": lambda dspk, sg, spk, mem, beta: backward_zero(
                dspk, sg, spk, mem, beta, slope=1 / beta
            ),
            "the derivative of S[t] is sg[t], which is missing": lambda dspk, sg, spk, mem, beta: walk(
                dspk, sg, beta * (1 - spk - mem)
            ),
            "a spike takes the membrane away, so nothing of it is handed on: (1 - S[t]) is missing": but(
                backward_zero, kept=0.0
            ),
            "this is the walk for reset subtract": lambda dspk, sg, spk, mem, beta: walk(dspk, sg, beta - 1.0 * sg),
            "the walk goes forwards in time; it begins at the last step": but(backward_zero, forwards=True),
            "each step is treated on its own; what comes back from the next step is missing": lambda dspk, sg, *_: (
                dspk * sg
            ),
            "the surrogate's derivative is missing in a spike's own term": lambda dspk, sg, spk, mem, beta: walk(
                dspk / sg, sg, beta * (1 - spk - mem * sg)
            ),
            "the factor belongs to what comes back from the next step alone": lambda dspk, sg, spk, mem, beta: walk(
                dspk * beta * (1 - spk - mem * sg), sg, beta * (1 - spk - mem * sg)
            ),
            "from step t+1 back to t, spike, membrane and sg are those of t, not of t+1": but(of_neighbour, shift=1),
            "from step t+1 back to t, spike, membrane and sg are those of t, not of t-1": but(of_neighbour, shift=-1),
            "the walk stops before it reaches step 0": lambda *case: np.vstack(
                [0 * case[0][:1], backward_zero(*case)[1:]]
            ),
            "this is the gradient of step 0 alone; keep one for each step": lambda *case: backward_zero(*case)[0],
        },
        values=("dL/dcur",),
        axes=("step", "neuron"),
        backwards=True,
    ),
    Exercise(
        name="truncated",
        cases=[(dspk, sg, 0.8, 1.25, K) for K in (1, 3, T)],
        right=truncated,
        mistakes={
            "one step too many: K counts the step of the spike itself": but(
                truncated, first=lambda last, K: max(last - K, 0)
            ),
            "one step too many, and on before step 0, where an index of -1 means the last step": but(
                truncated, first=lambda last, K: last - K
            ),
            "one step too few: K = 2 visits the spike's step and the one before": but(
                truncated, first=lambda last, K: max(last - max(K - 1, 1) + 1, 0)
            ),
            "the steps are cut into blocks of K; each spike has its own K steps": but(
                truncated, first=lambda last, K: last // K * K
            ),
            "the steps are cut into blocks of K, from the last one; each spike has its own K steps": but(
                truncated, first=lambda last, K: max(T - ((T - 1 - last) // K + 1) * K, 0)
            ),
            "only the last K steps are looked at; every step's spike has a walk of its own": but(
                truncated, since=lambda steps, K: max(steps - K, 0), first=lambda last, K: max(T - K, 0)
            ),
            "K has no effect, this is the whole BPTT": but(truncated, first=lambda last, K: 0),
            "each step is treated on its own, whatever K is": but(truncated, first=lambda last, K: last),
            "a walk replaces what the walks before it left; add it": but(truncated, add=False),
            "the walk does not reach step 0": but(truncated, first=lambda last, K: max(last - K + 1, min(last, 1))),
            "the walk goes on before step 0: there an index of -1 means the last step": but(
                truncated, first=lambda last, K: last - K + 1
            ),
            "the reset's term is missing, as if it were detached": but(
                truncated, reset=lambda sg, t, last, threshold: 0
            ),
            "the reset takes away the threshold, not 1": but(truncated, reset=lambda sg, t, last, threshold: sg[t]),
            "from step t+1 back to t, sg is that of t, not of t+1": but(
                truncated, reset=lambda sg, t, last, threshold: threshold * sg[t + 1]
            ),
            "from step t+1 back to t, sg is that of t, not of the spike's step": but(
                truncated, reset=lambda sg, t, last, threshold: threshold * sg[last]
            ),
            "the surrogate's derivative is missing in a spike's own term": but(truncated, start=0),
        },
        values=("dL/dcur",),
        axes=("step", "neuron"),
        backwards=True,
        doing=lambda *case: f"K = {case[-1]}",
    ),
]
