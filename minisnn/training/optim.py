"""Optimisers, learning rate schedules, and gradient clipping, in place and without temporaries.

Each optimiser holds its state in arrays of the parameters' shapes and dtypes; ``step`` changes the parameters in place.
A schedule is a plain function of (step, total, peak): the learning rate at a step, counted from 0, of `total` steps.

Sources: Kingma & Ba, ICLR 2015 (Adam); Loshchilov & Hutter, ICLR 2019 (decoupled weight decay, cosine);
Smith & Topin 2018 (one-cycle), with the constants of ``torch.optim.lr_scheduler.OneCycleLR``.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from ..backend import has_numba
from ..errors import InputError

Arrays = Sequence[np.ndarray]  # parameters or gradients, in one order
State = dict[str, np.ndarray]
Schedule = Callable[[int, int, float], float]


class SGD:
    """Stochastic gradient descent with momentum, as ``torch.optim.SGD``.

        v = momentum * v + (g + weight_decay * p)
        p = p - lr * v

    Only the shapes and dtypes of `params` are read.
    """

    def __init__(self, params: Arrays, momentum: float = 0.9, weight_decay: float = 0.0):
        self.momentum, self.weight_decay = momentum, weight_decay
        self.velocity = [np.zeros_like(p) for p in params]
        self._scratch = [np.empty_like(p) for p in params]

    def step(self, params: Arrays, grads: Arrays, lr: float) -> None:
        """Change `params` in place by one step against `grads`."""
        for p, g, v, s in zip(params, grads, self.velocity, self._scratch, strict=True):
            number = p.dtype.type
            v *= number(self.momentum)
            v += g
            if self.weight_decay:
                v += np.multiply(p, number(self.weight_decay), out=s)
            p -= np.multiply(v, number(lr), out=s)

    def state(self) -> State:
        """Return the arrays to save, by name."""
        return {f"velocity.{i}": v for i, v in enumerate(self.velocity)}

    def load(self, state: State) -> None:
        """Continue from the arrays that :meth:`state` returned."""
        for i, v in enumerate(self.velocity):
            v[...] = state[f"velocity.{i}"]


class Adam:
    """Adam with decoupled weight decay (AdamW), as ``torch.optim.AdamW``.

        p = p - lr * weight_decay * p
        m = b1 * m + (1 - b1) * g            mh = m / (1 - b1^t)
        v = b2 * v + (1 - b2) * g^2          vh = v / (1 - b2^t)
        p = p - lr * mh / (sqrt(vh) + eps)

    Only the shapes and dtypes of `params` are read. With `backend` "numba" a kernel does a step in one pass over
    memory, on `threads` threads (all processors by default), to the same bits as with "numpy".
    """

    def __init__(
        self,
        params: Arrays,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        backend: str = "numba",
        threads: int | None = None,
    ):
        self.betas, self.eps, self.weight_decay = betas, eps, weight_decay
        self.backend, self.threads = backend, threads
        self.t = 0
        self.m = [np.zeros_like(p) for p in params]
        self.v = [np.zeros_like(p) for p in params]
        self._scratch: list[tuple[np.ndarray, np.ndarray]] = []  # of NumPy's step alone

    def step(self, params: Arrays, grads: Arrays, lr: float) -> None:
        """Change `params` in place by one step against `grads`."""
        self.t += 1
        b1, b2 = self.betas
        size = lr / (1 - b1**self.t)  # from m to mh, merged into the step size
        root = math.sqrt(1 - b2**self.t)  # from v to vh
        if self.backend == "numba" and all(p.flags.c_contiguous for p in params) and has_numba():
            from ..kernels import optim as kernels

            numbers = (1 - lr * self.weight_decay, b1, 1 - b1, b2, 1 - b2, 1 / root, self.eps, size)
            kernels.adam(params, grads, self.m, self.v, numbers, self.threads)
            return
        self._scratch = self._scratch or [(np.empty_like(p), np.empty_like(p)) for p in params]
        for p, g, m, v, (s, d) in zip(params, grads, self.m, self.v, self._scratch, strict=True):
            number = p.dtype.type
            if self.weight_decay:
                p *= number(1 - lr * self.weight_decay)
            m *= number(b1)
            m += np.multiply(g, number(1 - b1), out=s)
            v *= number(b2)
            np.multiply(g, number(1 - b2), out=s)
            v += np.multiply(s, g, out=s)
            np.sqrt(v, out=d)
            d *= number(1 / root)
            d += number(self.eps)
            np.multiply(m, number(size), out=s)
            p -= np.divide(s, d, out=s)

    def state(self) -> State:
        """Return the arrays to save, by name."""
        moments = {f"{name}.{i}": a for name in ("m", "v") for i, a in enumerate(getattr(self, name))}
        return moments | {"t": np.array(self.t)}

    def load(self, state: State) -> None:
        """Continue from the arrays that :meth:`state` returned."""
        self.t = int(state["t"])
        for name in ("m", "v"):
            for i, a in enumerate(getattr(self, name)):
                a[...] = state[f"{name}.{i}"]


OPTIMISERS = {"adam": Adam, "sgd": SGD}


def make(
    name: str, params: Arrays, weight_decay: float = 0.0, backend: str = "numba", threads: int | None = None
) -> SGD | Adam:
    """Return the optimiser called `name`, "adam" or "sgd", with its default constants; `backend` is Adam's."""
    if name not in OPTIMISERS:
        raise InputError(f"unknown optimiser {name!r}: choose one of {', '.join(OPTIMISERS)}")
    if not (math.isfinite(weight_decay) and weight_decay >= 0):
        raise InputError(f"weight decay must be at least 0, got {weight_decay!r}")
    if name == "adam":
        return Adam(params, weight_decay=weight_decay, backend=backend, threads=threads)
    return SGD(params, weight_decay=weight_decay)


def constant(step: int, total: int, peak: float) -> float:
    """Keep the learning rate at `peak`."""
    return peak


def cosine(step: int, total: int, peak: float) -> float:
    """Lower the learning rate from `peak` at step 0 to 0 at step `total`, along half a cosine."""
    return peak / 2 * (1 + math.cos(math.pi * step / total))


def one_cycle(step: int, total: int, peak: float) -> float:
    """Raise from peak/25 to `peak` in the first 30 % of the steps, then lower to peak/250000, both along a cosine.

    The momentum is not cycled, unlike in torch's default.
    """
    top = 0.3 * total - 1
    if step <= top:
        return _between(peak / 25, peak, step / top if top > 0 else 1.0)
    return _between(peak, peak / 25e4, (step - top) / (total - 1 - top))


def _between(start, end, share):
    """Value between `start` and `end`, after a share of half a cosine."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


SCHEDULES: dict[str, Schedule] = {"one_cycle": one_cycle, "cosine": cosine, "constant": constant}


def schedule(name: str) -> Schedule:
    """Return the schedule called `name`: "one_cycle", "cosine" or "constant"."""
    if name not in SCHEDULES:
        raise InputError(f"unknown schedule {name!r}: choose one of {', '.join(SCHEDULES)}")
    return SCHEDULES[name]


def norm(arrays: Arrays) -> float:
    """Euclidean norm of all arrays together, in float64; not finite if one element is not."""
    return math.sqrt(sum(float(np.vdot(a, a)) for a in arrays))


def clip(grads: Arrays, max_norm: float) -> float:
    """Scale the gradients in place so that their norm is at most `max_norm`, and return their norm before."""
    before = norm(grads)
    if before > max_norm:
        for g in grads:
            g *= g.dtype.type(max_norm / before)
    return before
