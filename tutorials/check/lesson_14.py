"""Lesson 14: corners of a curve, a refractory neuron, and an average pool in gates."""

import numpy as np
from myhdl import Signal, always, block, intbv

from .blocks import simulate
from .exercise import Exercise


def corners(x, w, h):
    return (np.abs(x - w) <= h) | (np.abs(x + w) <= h)


def refractory(cur, beta, threshold, memory=True, pays=False, late=False, shared=False, deaf=False):
    v, s, spk = np.zeros_like(cur[0]), np.zeros_like(cur[0]), []
    for t in range(len(cur)):
        u = v + cur[t] * (1 - s if deaf else 1)
        above = (u > threshold).astype(float)
        before = s.max() if shared else s
        s = above * (1 - before) if memory else above
        reset = above if pays else before if late else s
        v = beta * u - reset * threshold
        spk.append(s)
    return np.array(spk)


def never_twice_blocked(cur, beta, threshold):
    """A blocked spike blocks the next one too."""
    v, above, spk = np.zeros_like(cur[0]), np.zeros_like(cur[0]), []
    for t in range(len(cur)):
        u = v + cur[t]
        now = (u > threshold).astype(float)
        s = now * (1 - above)
        above = now
        v = beta * u - s * threshold
        spk.append(s)
    return np.array(spk)


@block
def either(clk, valid, first, last, spike, word_valid, word):
    @always(clk.posedge)
    def add():
        word_valid.next = valid and last
        if valid:
            if first:
                word.next = spike
            elif spike:
                word.next = 1

    return add


@block
def never_cleared(clk, valid, first, last, spike, word_valid, word):
    count = Signal(intbv(0, min=0, max=1024))

    @always(clk.posedge)
    def add():
        word_valid.next = valid and last
        if valid:
            count.next = count + spike
            word.next = (count + spike) % 8

    return add


@block
def whatever_is_valid(clk, valid, first, last, spike, word_valid, word):
    @always(clk.posedge)
    def add():
        word_valid.next = last
        if first:
            word.next = spike
        else:
            word.next = (word + spike) % 8

    return add


@block
def after_each(clk, valid, first, last, spike, word_valid, word):
    @always(clk.posedge)
    def add():
        word_valid.next = valid
        if valid:
            if first:
                word.next = spike
            else:
                word.next = word + spike

    return add


@block
def without_the_last(clk, valid, first, last, spike, word_valid, word):
    count = Signal(intbv(0)[3:])

    @always(clk.posedge)
    def add():
        word_valid.next = valid and last
        if valid:
            word.next = count
            if first:
                count.next = spike
            else:
                count.next = count + spike

    return add


def sums(function, windows):
    inputs = {"valid": 1, "first": 1, "last": 1, "spike": 1}
    stream = []
    for number, window in enumerate(windows):
        for place, spike in enumerate(window):
            stream.append({"valid": 1, "first": int(place == 0), "last": int(place == 3), "spike": int(spike)})
            if number % 3 == place:
                stream.append({"spike": 1, "last": 1})  # a pause: what is not valid does not count
    rows = simulate(function, inputs, {"word_valid": 1, "word": 3}, [*stream, {}])
    return [word for valid, word in rows if valid]


rng = np.random.default_rng(0)
CUR = rng.normal(0.6, 0.5, (30, 8))
STRONG = np.full((6, 1), 1.5)
WINDOWS = (rng.random((12, 4)) < 0.5).astype(int)
WINDOWS[0] = 1

EXERCISES = [
    Exercise(
        name="corners",
        cases=[(np.linspace(-2, 2, 401), 0.5, 1e-6), (np.array([-0.3, 0.2999995, 0.3000015, 0.1]), 0.3, 1e-6)],
        right=corners,
        mistakes={
            "all points beyond the box are left out; the derivative is right there": lambda x, w, h: np.abs(x) >= w - h,
            "the curve has a corner on each side": lambda x, w, h: np.abs(x - w) <= h,
            "these are the points that stay; those that are left out are wanted": lambda *case: ~corners(*case),
            "points near a corner are wrong too: their differences reach across it": lambda x, w, h: np.isclose(
                np.abs(x), w, rtol=0, atol=1e-12
            ),
        },
        values=("left out, as 0 or 1,",),
        axes=("point",),
    ),
    Exercise(
        name="refractory",
        cases=[(STRONG, 0.5, 1.0), (CUR, 0.8, 1.0)],
        right=refractory,
        mistakes={
            "it spikes in two steps in a row": lambda *case: refractory(*case, memory=False),
            "a spike that was forbidden takes nothing from the membrane": lambda *case: refractory(*case, pays=True),
            "the reset is taken away one step late": lambda *case: refractory(*case, late=True),
            "a neuron that may not spike still adds its current": lambda *case: refractory(*case, deaf=True),
            "a spike forbids those of its own neuron alone": lambda *case: refractory(*case, shared=True),
            "a spike that was forbidden forbids nothing": never_twice_blocked,
        },
        values=("spike",),
        axes=("step", "neuron"),
    ),
    Exercise(
        name="avgpool",
        cases=[(WINDOWS,)],
        right=lambda windows: windows.sum(axis=1).tolist(),
        mistakes={
            "this is the OR of the spikes; the average pool counts them": either,
            "the count is not cleared at the first neuron of a window": never_cleared,
            "what comes while valid is 0 does not count: neither spike nor last": whatever_is_valid,
            "word_valid is 1 after the last neuron of a window, not after each": after_each,
            "the last neuron of the window is missing in the sum": without_the_last,
        },
        values=("sum",),
        axes=("window",),
        use=sums,
    ),
]
