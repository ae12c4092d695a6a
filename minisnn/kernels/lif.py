"""The leaky integrate-and-fire neuron over time. See ``minisnn/lif.py`` for the equations."""

from functools import lru_cache
from typing import Any

import numpy as np

from . import surrogate as sg
from .memory import empty, scratch, zeros
from .simd import WIDTH, above, choose, kernel, load, load_some, splat, store, store_some

# Slots of the array that `constants` returns.
BETA, THETA, R0, R1, Q0, Q1, ZERO, ONE = range(8)


@lru_cache
def constants(beta: float, threshold: float, reset: str, detach_reset: bool, dtype: np.dtype) -> np.ndarray:
    """Return the numbers of a neuron in the slots BETA to ONE, in `dtype`.

    R0 and R1 are what a spike removes, Q0 and Q1 the part of it that is differentiated. ZERO and ONE are among them
    because a literal would promote float32 to float64.
    """
    zero = dtype.type(0)
    removal = {
        "subtract": (dtype.type(threshold), zero),
        "zero": (zero, dtype.type(beta)),
        "none": (zero, zero),
        "subtract_then_leak": (dtype.type(beta * threshold), zero),
    }[reset]
    felt = (zero, zero) if detach_reset else removal
    theta = np.inf if reset == "none" else threshold  # a readout never spikes
    return np.array([beta, theta, *removal, *felt, 0, 1], dtype)


def forward(
    cur: np.ndarray, num_steps: int, beta: float, threshold: float, reset: str = "subtract"
) -> tuple[np.ndarray, np.ndarray]:
    """Run neurons over time, as ``minisnn.lif.forward``; the spikes are uint8."""
    neuron = constants(beta, threshold, reset, True, cur.dtype)
    shape = (num_steps, *cur.shape[1:])
    spk, mem = empty(shape, np.uint8), empty(shape, cur.dtype)
    _forward(cur.reshape(-1), neuron, num_steps, cur[0].size, spk.reshape(-1), mem.reshape(-1))
    return spk, mem


def backward(
    dspk: np.ndarray,
    dmem: np.ndarray | None,
    spk: np.ndarray,
    mem: np.ndarray,
    surrogate: Any,
    beta: float,
    threshold: float,
    reset: str = "subtract",
    detach_reset: bool = True,
    constant: bool = False,
) -> np.ndarray:
    """Return dcur, as ``minisnn.lif.backward``; `spk` is not read, since the membranes show where the spikes were."""
    neuron = constants(beta, threshold, reset, detach_reset, mem.dtype)
    dmem = np.zeros(0, mem.dtype) if dmem is None else dmem
    dcur = empty((1 if constant else len(mem), *mem.shape[1:]), mem.dtype)
    _backward(
        np.ascontiguousarray(dspk).reshape(-1),
        np.ascontiguousarray(dmem).reshape(-1),
        mem.reshape(-1),
        neuron,
        sg.as_numbers(surrogate, mem.dtype),
        len(mem),
        mem[0].size,
        dcur.reshape(-1),
        scratch("steps", len(mem) * WIDTH, mem.dtype),
        zeros((len(mem) * WIDTH,), mem.dtype),
    )
    return dcur


@kernel
def handed_on(u, beta, theta, r0, r1, fixed):
    """Return the state after a step, beta * u - s * (r0 + r1 * u), s = step(u - theta); `fixed` says that r1 is 0."""
    left = beta * u
    return choose(u, theta, left - r0 if fixed else left - (r0 + r1 * u), left)


@kernel
def _forward(cur, neuron, num_steps, neurons, spk, mem):
    beta, theta, r0, r1 = splat(neuron, BETA), splat(neuron, THETA), splat(neuron, R0), splat(neuron, R1)
    zero, one = splat(neuron, ZERO), splat(neuron, ONE)
    pitch = neurons if len(cur) > neurons else 0  # from one step's currents to the next's
    for i in range(0, neurons, WIDTH):
        count = neurons - i
        v = zero
        for t in range(num_steps):
            u = v + load_some(cur, t * pitch + i, count)
            v = handed_on(u, beta, theta, r0, r1, False)
            store_some(mem, t * neurons + i, u, count)
            store_some(spk, t * neurons + i, above(u, theta, one), count)


@kernel
def _backward(dspk, dmem, mem, neuron, surrogate, num_steps, neurons, dcur, block, slopes):
    beta, theta, r1 = splat(neuron, BETA), splat(neuron, THETA), splat(neuron, R1)
    q0, q1 = splat(neuron, Q0), splat(neuron, Q1)
    zero, one = splat(neuron, ZERO), splat(neuron, ONE)
    pitch = neurons if len(dcur) > neurons else 0
    spikes = neuron[THETA] < np.inf
    for i in range(0, neurons, WIDTH):
        count = neurons - i
        for t in range(num_steps):
            store(block, t * WIDTH, load_some(mem, t * neurons + i, count))
        if spikes:
            sg.slopes(block, num_steps * WIDTH, theta, surrogate, slopes)
        du, total = zero, zero
        for t in range(num_steps - 1, -1, -1):
            u, slope = load(block, t * WIDTH), load(slopes, t * WIDTH)
            # s = step(u - theta); v = beta * u - s * (r0 + r1 * u)
            s = above(u, theta, one)
            du_next = du * (beta - s * r1 - slope * (q0 + q1 * u))
            du = load_some(dspk, t * neurons + i, count) * slope
            if len(dmem):
                du = du + load_some(dmem, t * neurons + i, count)
            du = du + du_next
            # u = v + cur[t]
            total = total + du
            if pitch:
                store_some(dcur, t * pitch + i, du, count)
        if not pitch:
            store_some(dcur, i, total, count)
