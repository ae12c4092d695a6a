"""The firing pass: neurons over time and the pool after them in one kernel, as the hardware does it.

It equals ``lif`` followed by ``maxpool``, but the neurons of a window stay in the nearest cache for all steps, and no
membrane is ever written to memory: the backward pass computes them again from the currents, which costs less than
fetching them. For a constant current that is one number per neuron for all T steps.
"""

from typing import Any, NamedTuple

import numpy as np

from . import lif
from . import surrogate as sg
from .simd import WIDTH, above, item, kernel, load, load_some, maximum, splat, store, store_some


class Frame(NamedTuple):
    """Sizes that the loops run over."""

    pool: int
    width: int
    pixels: int  # of all images of the batch
    channels: int
    num_steps: int


def forward(cur: np.ndarray, num_steps: int, neuron: np.ndarray, pool: int) -> tuple[np.ndarray, int]:
    """Return spikes after the pool, (T, B, h, w, C) uint8, of currents (T or 1, B, H, W, C), and the number of spikes
    before.

    `neuron` comes from ``lif.constants``; H and W are multiples of `pool`.
    """
    batch, height, width, channels = cur.shape[1:]
    out = np.empty((num_steps, batch, height // pool, width // pool, channels), np.uint8)
    frame = Frame(pool, width, batch * height * width, channels, num_steps)
    scratch = _scratch(cur.dtype, pool * pool, 1)
    fired = _forward(cur.reshape(-1), neuron, frame, _steps(pool, width), out.reshape(-1), *scratch)
    return out, fired


def backward(
    dout: np.ndarray, share: Any, cur: np.ndarray, out: np.ndarray, neuron: np.ndarray, pool: int, surrogate: tuple
) -> np.ndarray:
    """Return the gradient of the currents; `share` is added to the gradient of every spike.

    `dout` (T, B, h, w, C) is the gradient of the pooled spikes `out`; `surrogate` comes from ``surrogate.as_numbers``.
    """
    batch, height, width, channels = cur.shape[1:]
    dcur = np.zeros(cur.shape, cur.dtype)
    frame = Frame(pool, width, batch * height * width, channels, len(out))
    _backward(
        dout.reshape(-1),
        np.array([share]),
        cur.reshape(-1),
        out.reshape(-1),
        neuron,
        surrogate,
        frame,
        _steps(pool, width),
        dcur.reshape(-1),
        *_scratch(cur.dtype, pool * pool, pool * pool * len(out)),
    )
    return dcur


def _steps(pool, width):
    """Return how far each neuron of a window is from the first, in pixels in reading order."""
    return np.add.outer(np.arange(pool) * width, np.arange(pool)).reshape(-1)


def _scratch(dtype, *vectors):
    """Allocate arrays of some vectors each, and one for the end of a row."""
    return [np.empty(n * WIDTH, dtype) for n in vectors] + [np.zeros(WIDTH, dtype)]


@kernel
def _first_pixel(window, pool, width):
    """Return the index of the upper left pixel of a window; both count through the batch in reading order."""
    per_row = width // pool  # the height is a multiple of pool: frames follow without a gap
    return window // per_row * pool * width + window % per_row * pool


@kernel
def _forward(cur, neuron, frame, steps, out, state, hits, rest):
    pool, width, pixels, channels, num_steps = frame
    beta, theta = splat(neuron, lif.BETA), splat(neuron, lif.THETA)
    r0, r1 = splat(neuron, lif.R0), splat(neuron, lif.R1)
    zero, one = splat(neuron, lif.ZERO), splat(neuron, lif.ONE)
    pitch = pixels if len(cur) > pixels * channels else 0  # from one step's currents to the next's
    windows = pixels // (pool * pool)
    fired = 0
    for window in range(windows):
        pixel = _first_pixel(window, pool, width)
        for c in range(0, channels, WIDTH):
            count = channels - c
            for j in range(pool * pool):
                store(state, j * WIDTH, zero)
            total = zero
            for t in range(num_steps):
                any_spike = zero
                for j in range(pool * pool):
                    at = (t * pitch + pixel + item(steps, j)) * channels + c
                    u = load(state, j * WIDTH) + load_some(cur, at, count, rest)
                    s = above(u, theta, one)
                    store(state, j * WIDTH, beta * u - s * (r0 + r1 * u))
                    any_spike = maximum(any_spike, s)
                    total = total + s
                store_some(out, (t * windows + window) * channels + c, any_spike, count, rest)
            store(hits, 0, total)
            for i in range(min(count, WIDTH)):
                fired += int(hits[i])
    return fired


@kernel
def _backward(dout, share, cur, out, neuron, surrogate, frame, steps, dcur, du, mem, rest):
    pool, width, pixels, channels, num_steps = frame
    beta, theta = splat(neuron, lif.BETA), splat(neuron, lif.THETA)
    r0, r1 = splat(neuron, lif.R0), splat(neuron, lif.R1)
    q0, q1 = splat(neuron, lif.Q0), splat(neuron, lif.Q1)
    zero, one = splat(neuron, lif.ZERO), splat(neuron, lif.ONE)
    offset = splat(share, 0)
    pitch = pixels if len(cur) > pixels * channels else 0
    windows = pixels // (pool * pool)
    for window in range(windows):
        pixel = _first_pixel(window, pool, width)
        for c in range(0, channels, WIDTH):
            count = channels - c
            # The membranes again, as in _forward.
            for j in range(pool * pool):
                v = zero
                for t in range(num_steps):
                    at = (t * pitch + pixel + item(steps, j)) * channels + c
                    u = v + load_some(cur, at, count, rest)
                    v = beta * u - above(u, theta, one) * (r0 + r1 * u)
                    store(mem, (t * pool * pool + j) * WIDTH, u)
            for j in range(pool * pool):
                store(du, j * WIDTH, zero)
            for t in range(num_steps - 1, -1, -1):
                o = (t * windows + window) * channels + c
                gradient = load_some(dout, o, count, rest)
                silent = one - load_some(out, o, count, rest)
                free = one  # 1 while the window's gradient has not been given to a neuron
                for j in range(pool * pool):
                    u = load(mem, (t * pool * pool + j) * WIDTH)
                    s = above(u, theta, one)
                    # out = max(spikes of the window): the first spike, or the first neuron if none fired
                    mine = maximum(s, silent) * free
                    free = free - mine
                    silent = zero
                    dspk = gradient * mine + offset
                    # s = step(u - theta); v = beta * u - s * (r0 + r1 * u)
                    slope = sg.derivative(u - theta, surrogate, rest)
                    carried = load(du, j * WIDTH) * (beta - s * r1 - slope * (q0 + q1 * u))
                    carried = dspk * slope + carried
                    store(du, j * WIDTH, carried)
                    # u = v + cur[t]
                    at = (t * pitch + pixel + item(steps, j)) * channels + c
                    store_some(dcur, at, load_some(dcur, at, count, rest) + carried, count, rest)
