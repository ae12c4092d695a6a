"""The leaky integrate-and-fire neuron over time. See ``minisnn/lif.py`` for the equations."""

import numpy as np
from numba import njit

from . import surrogate as sg


def constants(beta, threshold, reset, detach_reset, dtype):
    """(beta, theta, r0, r1, q0, q1, 0, 1) in `dtype`: what a spike takes away, and what of it is differentiated.

    0 and 1 are here because a literal of Numba's would promote float32 to float64.
    """
    zero = dtype.type(0)
    removal = {"subtract": (dtype.type(threshold), zero), "zero": (zero, dtype.type(beta)), "none": (zero, zero),
               "subtract_then_leak": (dtype.type(beta * threshold), zero)}[reset]
    felt = (zero, zero) if detach_reset else removal
    theta = np.inf if reset == "none" else threshold  # a readout never spikes
    return np.array([beta, theta, *removal, *felt, 0, 1], dtype)


def forward(cur, num_steps, beta, threshold, reset="subtract"):
    """As ``minisnn.lif.forward``; the spikes are uint8."""
    neuron = constants(beta, threshold, reset, True, cur.dtype)
    shape = (num_steps, *cur.shape[1:])
    spk, mem = np.empty(shape, np.uint8), np.empty(shape, cur.dtype)
    _forward(cur.reshape(len(cur), -1), neuron, spk.reshape(num_steps, -1), mem.reshape(num_steps, -1))
    return spk, mem


def backward(dspk, dmem, spk, mem, surrogate, beta, threshold, reset="subtract", detach_reset=True,
             constant=False):
    """As ``minisnn.lif.backward``; `spk` is not read, the membranes tell where the spikes were."""
    steps = len(mem)
    neuron = constants(beta, threshold, reset, detach_reset, mem.dtype)
    dmem = np.zeros((1, 1), mem.dtype) if dmem is None else dmem.reshape(steps, -1)
    dcur = np.zeros((1 if constant else steps, *mem.shape[1:]), mem.dtype)
    _backward(dspk.reshape(steps, -1), dmem, mem.reshape(steps, -1), neuron, *sg.as_numbers(surrogate, mem.dtype),
              dcur.reshape(len(dcur), -1))
    return dcur


@njit(nogil=True, cache=True)
def _forward(cur, neuron, spk, mem):
    beta, theta, r0, r1, _, _, zero, one = neuron
    v = np.zeros(cur.shape[1], cur.dtype)
    for t in range(len(mem)):
        row = cur[t if len(cur) > 1 else 0]
        for i in range(len(v)):
            u = v[i] + row[i]
            s = one if u > theta else zero
            v[i] = beta * u - s * (r0 + r1 * u)
            mem[t, i] = u
            spk[t, i] = u > theta


@njit(nogil=True, cache=True)
def _backward(dspk, dmem, mem, neuron, curve, numbers, table, dcur):
    beta, theta, r0, r1, q0, q1, zero, one = neuron
    du = np.zeros(mem.shape[1], mem.dtype)
    slope = np.zeros(mem.shape[1], mem.dtype)
    for t in range(len(mem) - 1, -1, -1):
        # s = step(u - theta); a readout's theta is infinite, its slope 0
        if theta < np.inf:
            sg.derivatives(mem[t], theta, curve, numbers, table, slope)
        into = dcur[t if len(dcur) > 1 else 0]
        for i in range(len(du)):
            u = mem[t, i]
            s = one if u > theta else zero
            direct = dspk[t, i] * slope[i]
            if len(dmem) > 1 or dmem.shape[1] > 1:
                direct += dmem[t, i]
            # v = beta * u - s * (r0 + r1 * u)
            du[i] = direct + du[i] * (beta - s * r1 - slope[i] * (q0 + q1 * u))
            # u = v + cur[t]
            into[i] += du[i]
