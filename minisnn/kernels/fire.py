"""The firing pass: neurons over time and the pool after them in one kernel, as the hardware does it.

It equals ``lif`` followed by ``maxpool``, but the neurons of a window stay in the nearest cache for all steps, and no
membrane is ever written to memory: the backward pass computes them again from the currents, which costs less than
fetching them. For a constant current that is one number per neuron for all T steps.

A pool of currents, before the neurons, has its windows computed here too: one neuron each, which takes the largest
current.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from . import lif
from . import surrogate as sg
from .memory import empty, scratch
from .simd import (
    WIDTH,
    above,
    choose,
    equal,
    item,
    kernel,
    load,
    load_as,
    load_some,
    maximum,
    splat,
    store,
    store_some,
)

SIDE_BY_SIDE = 4


class Frame(NamedTuple):
    """Sizes that the loops run over."""

    pool: int  # of spikes, or of currents
    width: int
    pixels: int  # of all images of the batch
    channels: int
    num_steps: int
    constant: bool  # the currents are the same at each step
    of_currents: bool  # the pool is before the neurons


def forward(
    cur: np.ndarray, num_steps: int, neuron: np.ndarray, pool: int, of_currents: bool = False
) -> tuple[np.ndarray, int]:
    """Return spikes after the pool, (T, B, h, w, C) uint8, of currents (T or 1, B, H, W, C), and the number of spikes
    of all neurons.

    `neuron` comes from ``lif.constants``; H and W are multiples of `pool`, which is of spikes or `of_currents`.
    """
    batch, height, width, channels = cur.shape[1:]
    out = empty((num_steps, batch, height // pool, width // pool, channels), np.uint8)
    sizes, places = _sizes(cur, num_steps, pool, of_currents), side_by_side(pool, width, channels)
    state = scratch("state", len(places) * WIDTH, cur.dtype)
    fired = run(cur.reshape(-1), neuron, sizes, places, out.reshape(-1), state)
    return out, int(fired)


def backward(
    dout: np.ndarray,
    share: Any,
    cur: np.ndarray,
    out: np.ndarray,
    neuron: np.ndarray,
    pool: int,
    surrogate: tuple,
    of_currents: bool = False,
    dcur: np.ndarray | None = None,
) -> np.ndarray:
    """Return the gradient of the currents; `share` is added to the gradient of every spike.

    `dout` (T, B, h, w, C) is the gradient of the pooled spikes `out`; `surrogate` comes from ``surrogate.as_numbers``.
    The gradient is written to `dcur`, if given, which may be `cur` itself: the neurons that are computed side by side
    read all their currents before they write.
    """
    dcur = empty(cur.shape, cur.dtype) if dcur is None else dcur
    sizes, places = _sizes(cur, len(out), pool, of_currents), side_by_side(pool, *cur.shape[3:])
    flat = dout.reshape(-1), cur.reshape(-1), dcur.reshape(-1)
    leak_alone = neuron[lif.R1] == neuron[lif.Q0] == neuron[lif.Q1] == 0  # is what a membrane hands on
    if of_currents:
        some = scratch("steps", 3 * len(out) * WIDTH, cur.dtype)
        _backward_largest(
            *flat, np.array([share]), neuron, surrogate, sizes, places, _order(len(places), cur.dtype), some
        )
    elif pool == 2 and leak_alone and not share:
        some = scratch("steps", 3 * len(out) * WIDTH, cur.dtype)
        _backward_first(*flat, neuron, surrogate, sizes, places, _order(len(places), cur.dtype), some)
    else:
        half = len(out) * len(places) * WIDTH
        some = scratch("steps", 2 * half, cur.dtype)  # one piece: see memory._Room
        _backward(*flat, out.reshape(-1), np.array([share]), neuron, surrogate, sizes, places, some[:half], some[half:])
    return dcur


def _sizes(cur, num_steps, pool, of_currents):
    batch, height, width, channels = cur.shape[1:]
    return frame(pool, width, batch * height * width, channels, num_steps, len(cur) == 1, of_currents)


@kernel
def frame(pool, width, pixels, channels, num_steps, constant, of_currents):
    """Return the sizes; without a pool all neurons are one long row, so that only its end is no whole vector."""
    if pool == 1:
        return Frame(1, 1, 1, pixels * channels, num_steps, constant, False)
    return Frame(pool, width, pixels, channels, num_steps, constant, of_currents)


@cache
def side_by_side(pool: int, width: int, channels: int) -> np.ndarray:
    """Return how far the neurons that are computed side by side are from the first, in reading order.

    They are those of a window; without a pool, SIDE_BY_SIDE vectors in a row. So the processor computes one while it
    waits for another.
    """
    if pool == 1:
        return np.arange(SIDE_BY_SIDE) * WIDTH
    return np.add.outer(np.arange(pool) * width, np.arange(pool)).reshape(-1) * channels


@cache
def _order(neurons, dtype):
    return np.arange(neurons).astype(dtype)


@kernel
def _first_pixel(window, pool, width):
    """Return the index of the upper left pixel of a window; both count through the batch in reading order."""
    per_row = width // pool  # the height is a multiple of pool: frames follow without a gap
    return window // per_row * pool * width + window % per_row * pool


@kernel
def run(cur, neuron, frame, places, out, state):
    """Spikes of all neurons, after the pool, to `out`; return their number before it.

    All arrays are flat; `frame` comes from ``frame``, `places` from ``side_by_side``.
    """
    pool, width, pixels, channels, num_steps, _, of_currents = frame
    zero = splat(neuron, lif.ZERO)
    windows = pixels // (pool * pool)
    # Spikes counted; those that `total` may hold at most in an element. Beyond the end of a row all currents are 0.
    fired, waiting, total = 0, 0, zero
    for window in range(windows):
        pixel = _first_pixel(window, pool, width)
        c = 0
        while c < channels:
            neurons = len(places) if pool > 1 or channels - c >= len(places) * WIDTH else 1
            at, o = pixel * channels + c, window * channels + c
            if of_currents:
                total = total + _largest(cur, at, neuron, frame, places, out, o)
            elif neurons == 4:
                total = total + _four(cur, at, neuron, frame, places, out, o)
            else:
                total = total + _some(cur, at, neuron, frame, places[:neurons], out, o, state)
            c += WIDTH if pool > 1 else neurons * WIDTH
            waiting += num_steps * neurons
            if waiting > 1 << 22:  # a float32 counts up to 2^24
                fired += _sum(total, state)
                waiting, total = 0, zero
    return fired + _sum(total, state)


@kernel
def _four(cur, first, neuron, frame, places, out, o):
    """Run four vectors of neurons over time, those of a window of 2x2 or four in a row; return their spikes.

    The first is at cur[first], and their spikes go to out[o]. Their states are in registers.
    """
    pool, _, pixels, channels, num_steps, constant, _ = frame
    beta, theta = splat(neuron, lif.BETA), splat(neuron, lif.THETA)
    r0, r1 = splat(neuron, lif.R0), splat(neuron, lif.R1)
    zero, one, fixed = splat(neuron, lif.ZERO), splat(neuron, lif.ONE), neuron[lif.R1] == 0
    place1, place2, place3 = item(places, 1), item(places, 2), item(places, 3)
    count = channels - o % channels
    v0, v1, v2, v3 = zero, zero, zero, zero
    n0, n1, n2, n3 = zero, zero, zero, zero  # spikes of each: a sum of its own does not wait for another
    for t in range(num_steps):
        at = first if constant else first + t * pixels * channels
        u0, u1 = v0 + load_some(cur, at, count), v1 + load_some(cur, at + place1, count)
        u2, u3 = v2 + load_some(cur, at + place2, count), v3 + load_some(cur, at + place3, count)
        v0, v1 = lif.handed_on(u0, beta, theta, r0, r1, fixed), lif.handed_on(u1, beta, theta, r0, r1, fixed)
        v2, v3 = lif.handed_on(u2, beta, theta, r0, r1, fixed), lif.handed_on(u3, beta, theta, r0, r1, fixed)
        n0, n1 = choose(u0, theta, n0 + one, n0), choose(u1, theta, n1 + one, n1)
        n2, n3 = choose(u2, theta, n2 + one, n2), choose(u3, theta, n3 + one, n3)
        to = o + t * (pixels // (pool * pool)) * channels
        if pool > 1:
            store_some(out, to, above(maximum(maximum(u0, u1), maximum(u2, u3)), theta, one), count)
        else:
            store(out, to, above(u0, theta, one))
            store(out, to + place1, above(u1, theta, one))
            store(out, to + place2, above(u2, theta, one))
            store(out, to + place3, above(u3, theta, one))
    return (n0 + n1) + (n2 + n3)


@kernel
def _some(cur, first, neuron, frame, places, out, o, state):
    """Do what ``_four`` does for any number of neurons, with their states in memory."""
    pool, _, pixels, channels, num_steps, constant, _ = frame
    beta, theta = splat(neuron, lif.BETA), splat(neuron, lif.THETA)
    r0, r1 = splat(neuron, lif.R0), splat(neuron, lif.R1)
    zero, one, fixed = splat(neuron, lif.ZERO), splat(neuron, lif.ONE), neuron[lif.R1] == 0
    count, total = channels - o % channels, zero
    for j in range(len(places)):
        store(state, j * WIDTH, zero)
    for t in range(num_steps):
        at = first if constant else first + t * pixels * channels
        any_spike = zero
        for j in range(len(places)):
            u = load(state, j * WIDTH) + load_some(cur, at + item(places, j), count)
            s = above(u, theta, one)
            store(state, j * WIDTH, lif.handed_on(u, beta, theta, r0, r1, fixed))
            any_spike = maximum(any_spike, s)
            total = total + s
        # without a pool, `places` has one neuron here
        store_some(out, o + t * (pixels // (pool * pool)) * channels, any_spike, count)
    return total


@kernel
def _largest(cur, first, neuron, frame, places, out, o):
    """Run a vector of neurons over time, each on the largest current of its window; return their spikes.

    The first currents of the windows begin at cur[first], and the spikes go to out[o].
    """
    pool, _, pixels, channels, num_steps, constant, _ = frame
    beta, theta = splat(neuron, lif.BETA), splat(neuron, lif.THETA)
    r0, r1 = splat(neuron, lif.R0), splat(neuron, lif.R1)
    zero, one, fixed = splat(neuron, lif.ZERO), splat(neuron, lif.ONE), neuron[lif.R1] == 0
    count, v, total, most = channels - o % channels, zero, zero, zero
    for t in range(num_steps):
        if t == 0 or not constant:
            at = first + t * pixels * channels
            most = load_some(cur, at, count)
            for j in range(1, len(places)):
                most = maximum(most, load_some(cur, at + item(places, j), count))
        u = v + most
        v = lif.handed_on(u, beta, theta, r0, r1, fixed)
        s = above(u, theta, one)
        total = total + s
        store_some(out, o + t * (pixels // (pool * pool)) * channels, s, count)
    return total


@kernel
def _sum(counts, scratch):
    """Return the sum of a vector's elements."""
    store(scratch, 0, counts)
    total = 0
    for i in range(WIDTH):
        total += int(scratch[i])
    return total


@kernel
def _backward(dout, cur, dcur, out, share, neuron, surrogate, frame, places, mem, slopes):
    pool, width, pixels, channels, num_steps, constant, _ = frame
    beta, theta = splat(neuron, lif.BETA), splat(neuron, lif.THETA)
    r0, r1 = splat(neuron, lif.R0), splat(neuron, lif.R1)
    q0, q1 = splat(neuron, lif.Q0), splat(neuron, lif.Q1)
    zero, one = splat(neuron, lif.ZERO), splat(neuron, lif.ONE)
    fixed_removal = neuron[lif.R1] == 0
    leak_alone = fixed_removal and neuron[lif.Q0] == 0 and neuron[lif.Q1] == 0  # is what a membrane hands on
    offset = splat(share, 0)
    pitch = 0 if constant else pixels
    windows = pixels // (pool * pool)
    for window in range(windows):
        pixel = _first_pixel(window, pool, width)
        c = 0
        while c < channels:
            count = channels - c
            neurons = len(places) if pool > 1 or count >= len(places) * WIDTH else 1
            # The membranes again, as in run.
            for j in range(neurons):
                v = zero
                for t in range(num_steps):
                    at = (t * pitch + pixel) * channels + c + item(places, j)
                    u = v + load_some(cur, at, count)
                    v = lif.handed_on(u, beta, theta, r0, r1, fixed_removal)
                    store(mem, (j * num_steps + t) * WIDTH, u)
            sg.slopes(mem, neurons * num_steps * WIDTH, theta, surrogate, slopes)
            # What arrives at each membrane through its spike, in place of the slope; what it takes from the next step,
            # in place of the membrane.
            for t in range(num_steps):
                o = (t * windows + window) * channels + c
                gradient, silent = zero, zero
                if pool > 1:
                    gradient, silent = load_some(dout, o, count), one - load_as(out, o, neuron)
                free = one  # 1 while the window's gradient has not been given to a neuron
                for j in range(neurons):
                    at = (j * num_steps + t) * WIDTH
                    u, slope = load(mem, at), load(slopes, at)
                    s = above(u, theta, one)
                    if pool == 1:
                        dspk = load_some(dout, o + item(places, j), count)
                    else:
                        # out = max(spikes of the window): the first spike, or the first neuron if none fired
                        mine = maximum(s, silent) * free
                        free = free - mine
                        silent = zero
                        dspk = gradient * mine
                    # s = step(u - theta)
                    store(slopes, at, (dspk + offset) * slope)
                    if not leak_alone:
                        # v = beta * u - s * (r0 + r1 * u)
                        store(mem, at, beta - s * r1 - slope * (q0 + q1 * u))
            for j in range(neurons):
                du, total = zero, zero
                for t in range(num_steps - 1, -1, -1):
                    handed_on = beta if leak_alone else load(mem, (j * num_steps + t) * WIDTH)
                    du = load(slopes, (j * num_steps + t) * WIDTH) + du * handed_on
                    # u = v + cur[t]
                    total = total + du
                    if not constant:
                        store_some(dcur, (t * pitch + pixel) * channels + c + item(places, j), du, count)
                if constant:
                    store_some(dcur, pixel * channels + c + item(places, j), total, count)
            c += WIDTH if pool > 1 else neurons * WIDTH


@kernel
def _backward_first(dout, cur, dcur, neuron, surrogate, frame, places, order, scratch):
    """Compute what ``_backward`` does for windows of 2x2 where nothing but the first spike of a window has a gradient,
    and nothing but the leak hands one on: one slope a window, in place of one a neuron, and all states in registers.
    """
    pool, width, pixels, channels, num_steps, constant, _ = frame
    beta, theta, zero = splat(neuron, lif.BETA), splat(neuron, lif.THETA), splat(neuron, lif.ZERO)
    r0 = splat(neuron, lif.R0)
    place1, place2, place3 = item(places, 1), item(places, 2), item(places, 3)
    second, third, fourth = splat(order, 1), splat(order, 2), splat(order, 3)
    block = num_steps * WIDTH
    mem, firsts, slopes = scratch, scratch[block:], scratch[2 * block :]
    pitch = 0 if constant else pixels
    windows = pixels // (pool * pool)
    for window in range(windows):
        pixel = _first_pixel(window, pool, width)
        for c in range(0, channels, WIDTH):
            count = channels - c
            # The membranes again, as in run; of each window that of its first spike, or else of its first neuron.
            v0, v1, v2, v3 = zero, zero, zero, zero
            for t in range(num_steps):
                at = (t * pitch + pixel) * channels + c
                u0, u1 = v0 + load_some(cur, at, count), v1 + load_some(cur, at + place1, count)
                u2, u3 = v2 + load_some(cur, at + place2, count), v3 + load_some(cur, at + place3, count)
                v0, v1 = lif.handed_on(u0, beta, theta, r0, zero, True), lif.handed_on(u1, beta, theta, r0, zero, True)
                v2, v3 = lif.handed_on(u2, beta, theta, r0, zero, True), lif.handed_on(u3, beta, theta, r0, zero, True)
                first, u = choose(u3, theta, fourth, zero), choose(u3, theta, u3, u0)
                first, u = choose(u2, theta, third, first), choose(u2, theta, u2, u)
                first, u = choose(u1, theta, second, first), choose(u1, theta, u1, u)
                store(firsts, t * WIDTH, choose(u0, theta, zero, first))
                store(mem, t * WIDTH, choose(u0, theta, u0, u))
            sg.slopes(mem, block, theta, surrogate, slopes)
            du0, du1, du2, du3 = zero, zero, zero, zero
            total0, total1, total2, total3 = zero, zero, zero, zero
            for t in range(num_steps - 1, -1, -1):
                first, slope = load(firsts, t * WIDTH), load(slopes, t * WIDTH)
                gradient = load_some(dout, (t * windows + window) * channels + c, count) * slope
                du0, du1 = equal(first, zero, gradient) + du0 * beta, equal(first, second, gradient) + du1 * beta
                du2, du3 = equal(first, third, gradient) + du2 * beta, equal(first, fourth, gradient) + du3 * beta
                # u = v + cur[t]
                if constant:
                    total0, total1, total2, total3 = total0 + du0, total1 + du1, total2 + du2, total3 + du3
                else:
                    at = (t * pitch + pixel) * channels + c
                    store_some(dcur, at, du0, count)
                    store_some(dcur, at + place1, du1, count)
                    store_some(dcur, at + place2, du2, count)
                    store_some(dcur, at + place3, du3, count)
            if constant:
                at = pixel * channels + c
                store_some(dcur, at, total0, count)
                store_some(dcur, at + place1, total1, count)
                store_some(dcur, at + place2, total2, count)
                store_some(dcur, at + place3, total3, count)


@kernel
def _backward_largest(dout, cur, dcur, share, neuron, surrogate, frame, places, order, scratch):
    """Give the gradient of each window's neuron to the first of its largest currents; the others' is 0."""
    pool, width, pixels, channels, num_steps, constant, _ = frame
    beta, theta = splat(neuron, lif.BETA), splat(neuron, lif.THETA)
    r0, r1 = splat(neuron, lif.R0), splat(neuron, lif.R1)
    q0, q1 = splat(neuron, lif.Q0), splat(neuron, lif.Q1)
    zero, one, fixed = splat(neuron, lif.ZERO), splat(neuron, lif.ONE), neuron[lif.R1] == 0
    offset = splat(share, 0)
    block = num_steps * WIDTH
    mem, firsts, slopes = scratch, scratch[block:], scratch[2 * block :]
    pitch = 0 if constant else pixels
    windows = pixels // (pool * pool)
    for window in range(windows):
        pixel = _first_pixel(window, pool, width)
        for c in range(0, channels, WIDTH):
            count = channels - c
            # The membranes again, as in run, and the places of the largest currents.
            v, most, first = zero, zero, zero
            for t in range(num_steps):
                if t == 0 or not constant:
                    at = (t * pitch + pixel) * channels + c
                    most, first = load_some(cur, at, count), zero
                    for j in range(1, len(places)):
                        other = load_some(cur, at + item(places, j), count)
                        first = choose(other, most, splat(order, j), first)
                        most = maximum(most, other)
                u = v + most
                v = lif.handed_on(u, beta, theta, r0, r1, fixed)
                store(mem, t * WIDTH, u)
                store(firsts, t * WIDTH, first)
            sg.slopes(mem, block, theta, surrogate, slopes)
            du, total = zero, zero
            for t in range(num_steps - 1, -1, -1):
                u, slope = load(mem, t * WIDTH), load(slopes, t * WIDTH)
                # s = step(u - theta); v = beta * u - s * (r0 + r1 * u)
                du_next = du * (beta - above(u, theta, one) * r1 - slope * (q0 + q1 * u))
                gradient = load_some(dout, (t * windows + window) * channels + c, count) + offset
                du = gradient * slope + du_next
                # u = v + max(currents of the window)
                total = total + du
                if not constant:
                    _give(dcur, (t * pitch + pixel) * channels + c, places, order, load(firsts, t * WIDTH), du, count)
            if constant:
                _give(dcur, pixel * channels + c, places, order, load(firsts, 0), total, count)


@kernel
def _give(dcur, at, places, order, first, du, count):
    """Write a gradient to the `first` place of a window, and 0 to its others."""
    for j in range(len(places)):
        store_some(dcur, at + item(places, j), equal(first, splat(order, j), du), count)
