"""Optimisers, learning rate schedules, and gradient clipping, in place and without temporaries.

Each optimiser holds its state in arrays of the parameters' shapes and dtypes; ``step`` changes the
parameters in place. A schedule is a plain function of (step, total, peak).

Sources: Kingma & Ba, ICLR 2015 (Adam); Loshchilov & Hutter, ICLR 2019 (decoupled weight decay, cosine);
Smith & Topin 2018 (one-cycle), with the constants of ``torch.optim.lr_scheduler.OneCycleLR``.
"""

import math

import numpy as np

from ..errors import InputError


class SGD:
    """Stochastic gradient descent with momentum, as ``torch.optim.SGD``.

        v = momentum * v + (g + weight_decay * p)
        p = p - lr * v

    Parameters
    ----------
    params : list of ndarray
        Only their shapes and dtypes are read here.
    momentum, weight_decay : float

    Examples
    --------
    >>> p = [np.array([1.0])]
    >>> sgd = SGD(p, momentum=0.5)
    >>> for _ in range(2):
    ...     sgd.step(p, [np.array([1.0])], lr=0.1)
    >>> p[0].round(6)
    array([0.75])

    Another one goes on where it stands: 0.5 * 1.5 + 1 = 1.75, times 0.1.

    >>> other = SGD(p, momentum=0.5)
    >>> other.load(sgd.state())
    >>> other.step(p, [np.array([1.0])], lr=0.1)
    >>> p[0].round(6)
    array([0.575])
    """

    def __init__(self, params, momentum=0.9, weight_decay=0.0):
        self.momentum, self.weight_decay = momentum, weight_decay
        self.velocity = [np.zeros_like(p) for p in params]
        self._scratch = [np.empty_like(p) for p in params]

    def step(self, params, grads, lr):
        """Change `params` in place by one step of size `lr` against `grads`.

        Parameters
        ----------
        params, grads : list of ndarray
            Of the shapes and dtypes that the constructor was given.
        lr : float
        """
        for p, g, v, s in zip(params, grads, self.velocity, self._scratch, strict=True):
            number = p.dtype.type
            v *= number(self.momentum)
            v += g
            if self.weight_decay:
                v += np.multiply(p, number(self.weight_decay), out=s)
            p -= np.multiply(v, number(lr), out=s)

    def state(self):
        """Arrays by name, to be saved."""
        return {f"velocity.{i}": v for i, v in enumerate(self.velocity)}

    def load(self, state):
        """Go on from what :meth:`state` returned."""
        for i, v in enumerate(self.velocity):
            v[...] = state[f"velocity.{i}"]


class Adam:
    """Adam with decoupled weight decay (AdamW), as ``torch.optim.AdamW``.

        p = p - lr * weight_decay * p
        m = b1 * m + (1 - b1) * g            mh = m / (1 - b1^t)
        v = b2 * v + (1 - b2) * g^2          vh = v / (1 - b2^t)
        p = p - lr * mh / (sqrt(vh) + eps)

    Parameters
    ----------
    params : list of ndarray
        Only their shapes and dtypes are read here.
    betas : (float, float)
    eps, weight_decay : float

    Examples
    --------
    >>> p = [np.array([1.0])]
    >>> Adam(p).step(p, [np.array([3.0])], lr=0.1)  # the first step has the size of lr
    >>> p[0].round(6)
    array([0.9])

    Its state are the moments, 0.1 * 3 and 0.001 * 3^2, and the number of steps; another one goes on from it:

    >>> adam, other = Adam(p), Adam(p)
    >>> adam.step(p, [np.array([3.0])], lr=0.1)
    >>> other.load(adam.state())
    >>> {name: round(array.item(), 6) for name, array in other.state().items()}
    {'m.0': 0.3, 'v.0': 0.009, 't': 1}
    """

    def __init__(self, params, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        self.betas, self.eps, self.weight_decay = betas, eps, weight_decay
        self.t = 0
        self.m = [np.zeros_like(p) for p in params]
        self.v = [np.zeros_like(p) for p in params]
        self._scratch = [(np.empty_like(p), np.empty_like(p)) for p in params]

    def step(self, params, grads, lr):
        """Change `params` in place by one step of size `lr` against `grads`.

        Parameters
        ----------
        params, grads : list of ndarray
            Of the shapes and dtypes that the constructor was given.
        lr : float
        """
        self.t += 1
        b1, b2 = self.betas
        size = lr / (1 - b1**self.t)  # of m to mh, taken into the step
        root = math.sqrt(1 - b2**self.t)  # of v to vh
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

    def state(self):
        """Arrays by name, to be saved."""
        moments = {f"{name}.{i}": a for name in ("m", "v") for i, a in enumerate(getattr(self, name))}
        return moments | {"t": np.array(self.t)}

    def load(self, state):
        """Go on from what :meth:`state` returned."""
        self.t = int(state["t"])
        for name in ("m", "v"):
            for i, a in enumerate(getattr(self, name)):
                a[...] = state[f"{name}.{i}"]


OPTIMISERS = {"adam": Adam, "sgd": SGD}


def make(name, params, weight_decay=0.0):
    """The optimiser called `name`, "adam" or "sgd", with its default constants.

    Parameters
    ----------
    name : str
    params : list of ndarray
    weight_decay : float, default 0

    Returns
    -------
    optimiser : Adam or SGD

    Raises
    ------
    InputError
        For an unknown name or a negative weight decay.

    Examples
    --------
    >>> make("sgd", [np.zeros(2)]).momentum
    0.9
    """
    if name not in OPTIMISERS:
        raise InputError(f"unknown optimiser {name!r}: choose one of {', '.join(OPTIMISERS)}")
    if not (math.isfinite(weight_decay) and weight_decay >= 0):
        raise InputError(f"weight decay must be at least 0, got {weight_decay!r}")
    return OPTIMISERS[name](params, weight_decay=weight_decay)


def constant(step, total, peak):
    """The same learning rate at every step.

    Parameters
    ----------
    step, total : int
        From 0, of so many.
    peak : float

    Examples
    --------
    >>> [constant(step, 4, 0.1) for step in range(3)]
    [0.1, 0.1, 0.1]
    """
    return peak


def cosine(step, total, peak):
    """From `peak` at step 0 down to 0 at step `total`, along half a cosine.

    Parameters
    ----------
    step, total : int
        From 0, of so many.
    peak : float

    Returns
    -------
    lr : float

    Examples
    --------
    >>> [round(cosine(step, 4, 1.0), 3) for step in range(5)]
    [1.0, 0.854, 0.5, 0.146, 0.0]
    """
    return peak / 2 * (1 + math.cos(math.pi * step / total))


def one_cycle(step, total, peak):
    """Up from peak/25 to `peak` in the first 30 % of the steps, then down to peak/250000, both along a cosine.

    As torch's OneCycleLR; the momentum is not cycled.

    Parameters
    ----------
    step, total : int
        From 0, of so many.
    peak : float

    Returns
    -------
    lr : float

    Examples
    --------
    >>> [round(one_cycle(step, 10, 1.0), 3) for step in (0, 2, 9)]
    [0.04, 1.0, 0.0]
    """
    top = 0.3 * total - 1
    if step <= top:
        return _between(peak / 25, peak, step / top if top > 0 else 1.0)
    return _between(peak, peak / 25e4, (step - top) / (total - 1 - top))


def _between(start, end, share):
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


SCHEDULES = {"one_cycle": one_cycle, "cosine": cosine, "constant": constant}


def schedule(name):
    """The schedule called `name`: "one_cycle", "cosine" or "constant".

    Returns
    -------
    schedule : callable of (step, total, peak)

    Raises
    ------
    InputError
        For an unknown name.

    Examples
    --------
    >>> schedule("constant")(3, 10, 0.5)
    0.5
    """
    if name not in SCHEDULES:
        raise InputError(f"unknown schedule {name!r}: choose one of {', '.join(SCHEDULES)}")
    return SCHEDULES[name]


def norm(grads):
    """Euclidean norm of all gradients together, in float64 (not finite if one of them is not).

    Parameters
    ----------
    grads : list of ndarray

    Examples
    --------
    >>> norm([np.array([3.0]), np.array([4.0])])
    5.0
    """
    return math.sqrt(sum(float(np.vdot(g, g)) for g in grads))


def clip(grads, max_norm):
    """Scale the gradients in place so that their norm is at most `max_norm`.

    Parameters
    ----------
    grads : list of ndarray
    max_norm : float

    Returns
    -------
    before : float
        Their norm before.

    Examples
    --------
    >>> grads = [np.array([3.0]), np.array([4.0])]
    >>> clip(grads, 1.0), grads[0].round(6)
    (5.0, array([0.6]))
    """
    before = norm(grads)
    if before > max_norm:
        for g in grads:
            g *= g.dtype.type(max_norm / before)
    return before
