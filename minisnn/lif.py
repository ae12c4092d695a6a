"""The leaky integrate-and-fire neuron, its equation said once.

With U the membrane before reset, S the spike, beta the leak, theta the threshold:

    U[t] = beta*U[t-1] + I[t] - theta*S[t-1]          reset="subtract"            (snnTorch >= 0.8)
    U[t] = beta*(U[t-1] - theta*S[t-1]) + I[t]        reset="subtract_then_leak"  (common in RTL)
    U[t] = beta*U[t-1]*(1 - S[t-1]) + I[t]            reset="zero"
    U[t] = beta*U[t-1] + I[t]                         reset="none"                (a readout: never spikes)
    S[t] = 1 if U[t] > theta else 0                   strictly greater

All four are one recurrence in V, the state that is kept between steps. Hardware stores V, since leak and reset can then
be applied in the firing pass:

    U[t] = V[t-1] + I[t]
    V[t] = beta*U[t] - S[t]*(r0 + r1*U[t])            a spike removes, by reset:

    reset                 r0           r1
    subtract              theta        0
    subtract_then_leak    beta*theta   0
    zero                  0            beta
    none                  0            0

Backward through time, with sg = sigma'(U - theta) the surrogate gradient of the step:

    dU[t] = dL/dU[t] + dL/dS[t]*sg + dU[t+1]*dV[t]/dU[t]
    dV/dU = beta - S*r1 - sg*(r0 + r1*U)              the last term is 0 with detach_reset

Leak and threshold, which all neurons of a layer share, get the sum over neurons and steps. What a spike removes depends
on them as well, and U[t+1] = V[t] + I[t+1] hands dV[t] = dU[t+1] back:

    dbeta  =  sum dV[t]*(U[t] - S[t]*(dr0/dbeta + dr1/dbeta*U[t]))
    dtheta = -sum dS[t]*sg + dV[t]*S[t]*dr0/dtheta    with dS[t] = dL/dS[t] - dV[t]*(r0 + r1*U[t])

    reset                 dr0/dbeta    dr1/dbeta    dr0/dtheta
    subtract              0            0            1
    subtract_then_leak    theta        0            beta
    zero                  0            1            0
    none                  0            0            0

detach_reset leaves the second term of dS out: the spike of the reset is given, but what it removes is not. So does
snnTorch, which detaches the spike of its reset and neither the threshold nor the leak that it meets there.

Sources: Eshraghian et al., Proc. IEEE 111 (2023), arXiv 2109.12894, eq. 4 and 11; Neftci, Mostafa & Zenke,
IEEE Signal Processing Magazine 36 (2019).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

LEARNABLE = ("beta", "threshold")
RESETS = ("subtract", "subtract_then_leak", "zero", "none")


def removal(reset: str, beta: float, threshold: float) -> tuple[float, float]:
    """Return (r0, r1): a spike removes r0 + r1*U from the state."""
    return {
        "subtract": (threshold, 0.0),
        "subtract_then_leak": (beta * threshold, 0.0),
        "zero": (0.0, beta),
        "none": (0.0, 0.0),
    }[reset]


def removal_slopes(reset: str, beta: float, threshold: float) -> tuple[float, float, float]:
    """Return (dr0/dbeta, dr1/dbeta, dr0/dtheta) of :func:`removal`; dr1/dtheta is always 0."""
    return {
        "subtract": (0.0, 0.0, 1.0),
        "subtract_then_leak": (threshold, 0.0, beta),
        "zero": (0.0, 1.0, 0.0),
        "none": (0.0, 0.0, 0.0),
    }[reset]


def forward(
    cur: np.ndarray,
    num_steps: int,
    beta: float,
    threshold: float,
    reset: str = "subtract",
    step: Callable | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Run neurons over time.

    Parameters
    ----------
    cur : ndarray of shape (T, B, ...) or (1, B, ...)
        Input currents; a single step is a constant current for all `num_steps`.
    num_steps : int
        T.
    beta, threshold : float
    reset : str, default "subtract"
        One of ``RESETS``.
    step : callable, optional
        Function of U - theta in place of the step function: a surrogate's curve, so that the backward pass can be
        checked by finite differences.

    Returns
    -------
    spk : ndarray of shape (T, B, ...)
        Spikes 0/1 in the dtype of `cur`.
    mem : ndarray of shape (T, B, ...)
        Membranes before reset, U.

    Examples
    --------
    >>> spk, mem = forward(np.full((1, 1), 0.75), 4, beta=0.5, threshold=1.0)
    >>> mem.ravel().tolist(), spk.ravel().tolist()  # fires at 1.125; leak, minus threshold: -0.4375
    ([0.75, 1.125, 0.3125, 0.90625], [0.0, 1.0, 0.0, 0.0])
    """
    dtype = cur.dtype.type
    r0, r1 = map(dtype, removal(reset, beta, threshold))
    beta, threshold = dtype(beta), dtype(threshold)
    spk = np.zeros((num_steps, *cur.shape[1:]), dtype)
    mem = np.empty_like(spk)
    v = np.zeros(cur.shape[1:], dtype)
    for t in range(num_steps):
        u = v + cur[t if len(cur) > 1 else 0]
        if reset == "none":
            s = np.zeros_like(u)
        elif step is None:
            s = (u > threshold).astype(dtype)
        else:
            s = step(u - threshold)
        v = beta * u - s * (r0 + r1 * u)
        spk[t], mem[t] = s, u
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
    """Backpropagate through time: undo :func:`forward`.

    Parameters
    ----------
    dspk, dmem : ndarray of shape (T, B, ...)
        Gradient of the loss with respect to spikes and to membranes; `dmem` may be None.
    spk, mem : ndarray of shape (T, B, ...)
        As returned by :func:`forward`.
    surrogate : Surrogate
    beta, threshold, reset
        As given to :func:`forward`.
    detach_reset : bool, default True
        No gradient flows through the reset (as snnTorch does).
    constant : bool, default False
        The current was the same for all steps.

    Returns
    -------
    dcur : ndarray of shape (T, B, ...), or (1, B, ...) if `constant`

    Examples
    --------
    >>> from minisnn.surrogate import Surrogate
    >>> spk, mem = forward(np.full((1, 1), 1.0), 2, beta=0.5, threshold=1.0)  # U = 1, 1.5
    >>> sg = Surrogate("fast_sigmoid", 1.0)                                   # sg = 1, 1/1.5^2
    >>> backward(np.ones((2, 1)), None, spk, mem, sg, 0.5, 1.0).round(4).ravel().tolist()
    [1.2222, 0.4444]
    """
    dtype = mem.dtype.type
    r0, r1 = map(dtype, removal(reset, beta, threshold))
    q0, q1 = (dtype(0), dtype(0)) if detach_reset else (r0, r1)
    beta, threshold = dtype(beta), dtype(threshold)
    dcur = np.zeros((1 if constant else len(mem), *mem.shape[1:]), dtype)
    du = np.zeros(mem.shape[1:], dtype)
    for t in reversed(range(len(mem))):
        # s = step(u - threshold)
        sg = surrogate.derivative(mem[t] - threshold) if reset != "none" else np.zeros_like(du)
        # v = beta * u - s * (r0 + r1 * u)
        du_next = du * (beta - spk[t] * r1 - sg * (q0 + q1 * mem[t]))
        du = dspk[t] * sg
        if dmem is not None:
            du = du + dmem[t]
        du = du + du_next
        # u = v + cur[t]
        if constant:
            dcur[0] += du
        else:
            dcur[t] = du
    return dcur


def backward_constants(
    dcur: np.ndarray,
    dspk: np.ndarray,
    spk: np.ndarray,
    mem: np.ndarray,
    surrogate: Any,
    beta: float,
    threshold: float,
    reset: str = "subtract",
    detach_reset: bool = True,
) -> tuple[float, float]:
    """Return the gradients of leak and threshold, after :func:`backward`.

    Parameters
    ----------
    dcur : ndarray of shape (T, B, ...)
        The result of :func:`backward` for all steps (``constant=False``).
    dspk, spk, mem, surrogate, beta, threshold, reset, detach_reset
        As given to :func:`backward`.

    Returns
    -------
    dbeta, dthreshold : float
        Sums over steps, images and neurons, added up in float64.

    Examples
    --------
    U = 1.25, 0.5: the first step spikes. U[1] = beta*U[0] - theta*S[0] + cur[1] grows by 1.25 for each unit of beta; a
    unit of theta takes 1 from it, and moves the threshold away by 1:

    >>> from minisnn.surrogate import Surrogate
    >>> spk, mem = forward(np.array([[1.25], [0.875]]), 2, beta=0.5, threshold=1.0)
    >>> sg = Surrogate("fast_sigmoid", 4.0)                                   # sg = 1/4, 1/9
    >>> dspk = np.array([[0.0], [9.0]])
    >>> dcur = backward(dspk, None, spk, mem, sg, 0.5, 1.0)
    >>> backward_constants(dcur, dspk, spk, mem, sg, 0.5, 1.0)                # 1 * 1.25, and -1 - 1 * 1
    (1.25, -2.0)
    """
    dtype = mem.dtype.type
    r0, r1 = map(dtype, removal(reset, beta, threshold))
    q0, q1 = (dtype(0), dtype(0)) if detach_reset else (r0, r1)
    r0_beta, r1_beta, r0_threshold = map(dtype, removal_slopes(reset, beta, threshold))
    # u = v + cur[t + 1]
    dv = np.concatenate([dcur[1:], np.zeros_like(dcur[:1])])
    # v = beta * u - s * (r0 + r1 * u)
    dbeta = dv * (mem - spk * (r0_beta + r1_beta * mem))
    ds = dspk - dv * (q0 + q1 * mem)
    dthreshold = -dv * spk * r0_threshold
    # s = step(u - threshold)
    if reset != "none":
        dthreshold = dthreshold - ds * surrogate.derivative(mem - dtype(threshold))
    return float(dbeta.sum(dtype=np.float64)), float(dthreshold.sum(dtype=np.float64))
