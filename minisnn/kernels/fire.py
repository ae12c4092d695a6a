"""The firing pass: neurons over time and the pool after them in one kernel, as the hardware does it.

It equals ``lif`` followed by ``maxpool``, but a window's neurons stay in the nearest cache for all steps,
and no membrane is ever written to memory: the backward pass computes them again from the currents, which
costs less than to fetch them. For a constant current that is one number per neuron for all T steps.
"""

from typing import NamedTuple

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


def forward(cur, num_steps, neuron, pool):
    """Spikes (T, B, h, w, C) uint8 after the pool, of currents (T or 1, B, H, W, C), and the number fired.

    `neuron` is from ``lif.constants``; H and W are multiples of `pool`.

    Examples
    --------
    Four neurons under one pool, the same as ``lif`` and ``maxpool`` one after the other:

    >>> from minisnn import lif, maxpool
    >>> from minisnn.kernels.lif import constants
    >>> cur = np.array([0.75, 0.0, 0.5, 0.625], np.float32).reshape(1, 1, 2, 2, 1)
    >>> out, fired = forward(cur, 4, constants(0.5, 1.0, "subtract", True, cur.dtype), 2)
    >>> spk, mem = lif.forward(cur, 4, 0.5, 1.0)
    >>> out.ravel().tolist(), maxpool.forward(spk, 2).ravel().tolist()
    ([0, 1, 1, 0], [0.0, 1.0, 1.0, 0.0])
    >>> fired, int(spk.sum())
    (2, 2)
    """
    batch, height, width, channels = cur.shape[1:]
    out = np.empty((num_steps, batch, height // pool, width // pool, channels), np.uint8)
    frame = Frame(pool, width, batch * height * width, channels, num_steps)
    scratch = _scratch(cur.dtype, pool * pool, 1)
    fired = _forward(cur.reshape(-1), neuron, frame, _steps(pool, width), out.reshape(-1), *scratch)
    return out, fired


def backward(dout, share, cur, out, neuron, pool, surrogate):
    """Gradient of the currents, of their shape; `share` is added to the gradient of every spike.

    Parameters
    ----------
    dout : ndarray of shape (T, B, h, w, C)
        Gradient of the pooled spikes.
    share : scalar of the dtype of `cur`
    cur, neuron, pool
        As given to :func:`forward`.
    out : ndarray of shape (T, B, h, w, C), uint8
        As returned by it.
    surrogate : tuple
        From ``surrogate.as_numbers``.

    Examples
    --------
    >>> from minisnn import Surrogate, lif, maxpool
    >>> from minisnn.kernels.lif import constants
    >>> from minisnn.kernels.surrogate import as_numbers
    >>> cur = np.array([0.75, 0.0, 0.5, 0.625], np.float32).reshape(1, 1, 2, 2, 1)
    >>> neuron, dout = constants(0.5, 1.0, "subtract", True, cur.dtype), np.ones((4, 1, 1, 1, 1), np.float32)
    >>> curve = Surrogate("fast_sigmoid", 1.0)
    >>> out, _ = forward(cur, 4, neuron, 2)
    >>> backward(dout, np.float32(0), cur, out, neuron, 2, as_numbers(curve, cur.dtype)).round(4).ravel()
    array([3.3925, 0.    , 0.    , 1.4629], dtype=float32)
    >>> spk, mem = lif.forward(cur, 4, 0.5, 1.0)
    >>> lif.backward(maxpool.backward(dout, spk, 2), None, spk, mem, curve, 0.5, 1.0, constant=True).round(4).ravel()
    array([3.3925, 0.    , 0.    , 1.4629], dtype=float32)
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
    """How many pixels lie between the first neuron of a window and each of its neurons, in reading order."""
    return np.add.outer(np.arange(pool) * width, np.arange(pool)).reshape(-1)


def _scratch(dtype, *vectors):
    """Arrays for a number of vectors each, and one for the rest of a row."""
    return [np.empty(n * WIDTH, dtype) for n in vectors] + [np.zeros(WIDTH, dtype)]


@kernel
def _first_pixel(window, pool, width):
    """Index of the upper left pixel of a window, both counted through the batch in reading order."""
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
