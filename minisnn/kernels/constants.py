"""Gradients of leak and threshold. See ``minisnn/lif.py`` for the equations.

They come after the backward pass of the neurons, from its dU alone, whatever pool is behind them: what a spike hands on
to its membrane is what is left of dU,

    (dS[t] - ...)*sg = dU[t] - dL/dU[t] - dV[t]*(beta - S[t]*r1)          dV[t] = dU[t+1]

so neither the surrogate nor the gradient of the spikes is needed again. Only those who learn these constants compile
and run this.
"""

from functools import lru_cache

import numpy as np

from . import lif
from .memory import empty
from .simd import WIDTH, above, kernel, load, load_some, splat, store, store_some

BLOCK = 64  # vectors of neurons whose terms are summed in the network's dtype, before they are added in float64
# Slots of the derivatives of r0 and r1 by beta, and of r0 by the threshold.
R0_BETA, R1_BETA, R0_THETA = range(3)


@lru_cache
def slopes(beta: float, threshold: float, reset: str, dtype: np.dtype) -> np.ndarray:
    """Return the derivatives of what a spike removes, in the slots R0_BETA to R0_THETA, in `dtype`."""
    table = {
        "subtract": (0.0, 0.0, 1.0),
        "subtract_then_leak": (threshold, 0.0, beta),
        "zero": (0.0, 1.0, 0.0),
        "none": (0.0, 0.0, 0.0),
    }
    return np.array(table[reset], dtype)


def backward(
    du: np.ndarray, dmem: np.ndarray | None, cur: np.ndarray, beta: float, threshold: float, reset: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the gradient of the currents, in their shape, and the gradients (dbeta, dthreshold) in float64.

    `du` (T, B, ...) is the gradient of the currents of each step, `dmem` that of the membranes by the loss alone, and
    `cur` the currents (T or 1, B, ...).
    """
    constant = len(cur) == 1
    dcur = empty(cur.shape, cur.dtype) if constant else du
    sums = np.zeros(2)
    _backward(
        np.ascontiguousarray(du).reshape(-1),
        np.zeros(0, cur.dtype) if dmem is None else np.ascontiguousarray(dmem).reshape(-1),
        cur.reshape(-1),
        lif.constants(beta, threshold, reset, True, cur.dtype),
        slopes(beta, threshold, reset, cur.dtype),
        len(du),
        du[0].size,
        constant,
        dcur.reshape(-1),
        empty((len(du) * WIDTH,), cur.dtype),
        sums,
    )
    if reset == "none":
        sums[1] = 0  # nothing spikes, and what is left of dU is rounding
    return dcur, sums


@kernel
def _backward(du, dmem, cur, neuron, slopes, num_steps, neurons, constant, dcur, block, sums):
    beta, theta, r0, r1 = (
        splat(neuron, lif.BETA),
        splat(neuron, lif.THETA),
        splat(neuron, lif.R0),
        splat(neuron, lif.R1),
    )
    zero, one = splat(neuron, lif.ZERO), splat(neuron, lif.ONE)
    r0_beta, r1_beta, r0_theta = splat(slopes, R0_BETA), splat(slopes, R1_BETA), splat(slopes, R0_THETA)
    pitch = 0 if constant else neurons  # from one step's currents to the next's
    dbeta, dtheta, waiting = zero, zero, 0
    for i in range(0, neurons, WIDTH):
        count = neurons - i
        v = zero
        for t in range(num_steps):
            u = v + load_some(cur, t * pitch + i, count)
            v = beta * u - above(u, theta, r0 + r1 * u)
            store(block, t * WIDTH, u)
        dv, total = zero, zero
        for t in range(num_steps - 1, -1, -1):
            u, dmembrane = load(block, t * WIDTH), load_some(du, t * neurons + i, count)
            s = above(u, theta, one)
            # v = beta * u - s * (r0 + r1 * u)
            dbeta = dbeta + dv * (u - s * (r0_beta + r1_beta * u))
            dtheta = dtheta - dv * s * r0_theta
            # s = step(u - theta)
            left = dmembrane - dv * (beta - s * r1)
            if len(dmem):
                left = left - load_some(dmem, t * neurons + i, count)
            dtheta = dtheta - left
            # u = v + cur[t]
            total = total + dmembrane
            dv = dmembrane
        if constant:
            store_some(dcur, i, total, count)
        waiting += 1
        if waiting == BLOCK or count <= WIDTH:
            _add(dbeta, sums, 0, block)
            _add(dtheta, sums, 1, block)
            dbeta, dtheta, waiting = zero, zero, 0


@kernel
def _add(terms, sums, place, scratch):
    """Add the elements of a vector to one of the sums."""
    store(scratch, 0, terms)
    for i in range(WIDTH):
        sums[place] += scratch[i]
