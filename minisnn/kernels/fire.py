"""The firing pass: neurons over time and the pool after them in one kernel, as the hardware does it.

It equals ``lif`` followed by ``maxpool``, but a window's neurons stay in the nearest cache for all steps,
and no membrane is ever written to memory: the backward pass computes them again from the currents, which
costs less than to fetch them. For a constant current that is one number per neuron for all T steps.
"""

import numpy as np
from numba import njit

from . import surrogate as sg


def forward(cur, num_steps, neuron, pool):
    """Spikes (T, B, h, w, C) uint8 after the pool, of currents (T or 1, B, H, W, C), and the number fired.

    `neuron` is from ``lif.constants``; H and W are multiples of `pool`.
    """
    steps, batch, height, width, channels = cur.shape
    out = np.empty((num_steps, batch, height // pool, width // pool, channels), np.uint8)
    fired = _forward(cur.reshape(steps, -1, channels), neuron, pool, height, width,
                     out.reshape(num_steps, -1, channels))
    return out, fired


def backward(dout, share, cur, out, neuron, pool, surrogate):
    """Gradient of the currents, of their shape; `share` is added to the gradient of every spike."""
    steps, batch, height, width, channels = cur.shape
    num_steps = len(out)
    dcur = np.zeros(cur.shape, cur.dtype)
    _backward(dout.reshape(num_steps, -1, channels), share, cur.reshape(steps, -1, channels),
              out.reshape(num_steps, -1, channels), neuron, pool, height, width, *surrogate,
              dcur.reshape(steps, -1, channels))
    return dcur


@njit(nogil=True, cache=True)
def _first_pixel(window, pool, height, width):
    """Index of the upper left pixel of a window, both counted through the batch in reading order."""
    per_row = width // pool
    row, x = window // per_row, window % per_row
    return row * pool * width + x * pool  # height is a multiple of pool: frames follow without a gap


@njit(nogil=True, cache=True)
def _forward(cur, neuron, pool, height, width, out):
    beta, theta, r0, r1, _, _, zero, one = neuron
    num_steps, windows, channels = out.shape
    v = np.empty((pool * pool, channels), cur.dtype)
    hits = np.empty(channels, cur.dtype)
    any_spike = np.empty(channels, cur.dtype)
    fired = 0
    for window in range(windows):
        pixel = _first_pixel(window, pool, height, width)
        v[:] = zero
        hits[:] = zero
        for t in range(num_steps):
            now = cur[t if len(cur) > 1 else 0]
            any_spike[:] = zero
            for j in range(pool * pool):
                row, state = now[pixel + j // pool * width + j % pool], v[j]
                for c in range(channels):
                    u = state[c] + row[c]
                    s = one if u > theta else zero
                    state[c] = beta * u - s * (r0 + r1 * u)
                    any_spike[c] = max(any_spike[c], s)
                    hits[c] += s
            for c in range(channels):
                out[t, window, c] = any_spike[c] > zero
        fired += int(hits.sum())
    return fired


@njit(nogil=True, cache=True)
def _backward(dout, share, cur, out, neuron, pool, height, width, curve, numbers, table, dcur):
    beta, theta, r0, r1, q0, q1, zero, one = neuron
    num_steps, windows, channels = out.shape
    mem = np.empty((num_steps, pool * pool, channels), cur.dtype)
    du = np.empty((pool * pool, channels), cur.dtype)
    slope = np.empty(channels, cur.dtype)
    free = np.empty(channels, cur.dtype)
    for window in range(windows):
        pixel = _first_pixel(window, pool, height, width)
        # The membranes again, as in _forward.
        for j in range(pool * pool):
            at, state = pixel + j // pool * width + j % pool, du[j]
            state[:] = zero
            for t in range(num_steps):
                row, keep = cur[t if len(cur) > 1 else 0, at], mem[t, j]
                for c in range(channels):
                    u = state[c] + row[c]
                    s = one if u > theta else zero
                    state[c] = beta * u - s * (r0 + r1 * u)
                    keep[c] = u
            state[:] = zero
        for t in range(num_steps - 1, -1, -1):
            into = dcur[t if len(dcur) > 1 else 0]
            gradient, pooled = dout[t, window], out[t, window]
            for c in range(channels):
                free[c] = one  # 1 while the window's gradient has not been given to a neuron
            for j in range(pool * pool):
                membrane, carried = mem[t, j], du[j]
                row = into[pixel + j // pool * width + j % pool]
                sg.derivatives(membrane, theta, curve, numbers, table, slope)
                for c in range(channels):
                    u = membrane[c]
                    s = one if u > theta else zero
                    # out = max(spikes of the window): the first spike, or the first neuron if none fired
                    silent = one if j == 0 and pooled[c] == 0 else zero
                    mine = max(s, silent) * free[c]
                    free[c] -= mine
                    dspk = gradient[c] * mine + share
                    # v = beta * u - s * (r0 + r1 * u)
                    carried[c] = dspk * slope[c] + carried[c] * (beta - s * r1 - slope[c] * (q0 + q1 * u))
                    # u = v + cur[t]
                    row[c] += carried[c]
