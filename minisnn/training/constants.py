"""Learned leak and threshold: free numbers that the optimiser changes, and the maps from them to the constants.

The optimiser knows no bounds, and the constants have some. So it changes a free number of each layer, and the constant
follows from it; the chain rule turns the gradient of one into that of the other:

    constant     map from the free number a     derivative       bounds
    beta         1 / (1 + e^-a)                 beta*(1 - beta)  0 < beta < 1
    threshold    e^a                            threshold        0 < threshold

Both maps go up strictly and smoothly, nothing is clipped, and a step of a changes beta by a share of its distance to
both bounds, and the threshold by a share of itself. Weight decay does not touch the free numbers: it would draw every
beta to 1/2 and every threshold to 1. snnTorch learns beta and the threshold themselves; its forward pass clips beta to
0..1, where the gradient of a beta that has left the range is 0, and its threshold has no bound.

Source of the sigmoid: Fang et al., ICCV 2021 (arXiv 2007.05785), whose leak it is, one a layer too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..network import Network
from . import optim


@dataclass(frozen=True)
class Map:
    """One row of the table above: constants of free numbers, the way back, and the derivative in terms of constants."""

    constant: Callable[[np.ndarray], np.ndarray]
    free: Callable[[np.ndarray], np.ndarray]
    derivative: Callable[[np.ndarray], np.ndarray]


MAPS = {
    "beta": Map(
        constant=lambda a: 1 / (1 + np.exp(-a)),
        free=lambda beta: np.log(beta) - np.log1p(-beta),
        derivative=lambda beta: beta * (1 - beta),
    ),
    "threshold": Map(constant=np.exp, free=np.log, derivative=lambda threshold: threshold),
}


class Constants:
    """The constants of a network's layers that a training learns, all in float64.

    Parameters
    ----------
    net : Network
        Its constants are where the training begins.
    names : sequence of str
        Keys of ``MAPS``; may be empty.
    optimiser : "adam" or "sgd"

    Raises
    ------
    InputError
        If a layer's beta is 0 or 1, which no free number gives.

    Examples
    --------
    >>> net = Network("4-2", (3,), beta=(0.5, 0.75), backend="numpy", rng=np.random.default_rng(0))
    >>> constants = Constants(net, ["beta"], "sgd")
    >>> constants.free[0].round(4).tolist()  # log(beta / (1 - beta))
    [0.0, 1.0986]
    >>> dbeta = np.array([1.0, 1.0])
    >>> constants.pass_gradients([dbeta])
    >>> dbeta.tolist()  # beta * (1 - beta)
    [0.25, 0.1875]
    >>> constants.step([dbeta], lr=0.4)
    >>> [round(beta, 4) for beta in net.betas]
    [0.475, 0.7357]
    """

    def __init__(self, net: Network, names: Sequence[str], optimiser: str):
        self.net, self.names = net, tuple(names)
        self.initial = {"beta": list(net.betas), "threshold": list(net.thresholds)}
        if "beta" in self.names:
            for layer in net.layers:
                if layer.beta in (0, 1):
                    raise InputError(
                        f"beta of layer {layer.name} is {layer.beta:g}, the end of its range, and cannot be learned; "
                        "begin between 0 and 1, such as at 0.9"
                    )
        self.free = [MAPS[name].free(np.array(self.initial[name])) for name in self.names]
        self.optimiser = optim.make(optimiser, self.free, backend="numpy")

    @property
    def free_names(self) -> list[str]:
        """Names of the arrays in `free`, for a checkpoint."""
        return [f"free.{name}" for name in self.names]

    def pass_gradients(self, grads: list[np.ndarray]) -> None:
        """Turn gradients of the constants, in the order of `names`, into those of the free numbers, in place."""
        for name, grad in zip(self.names, grads, strict=True):
            # constant = map(free)
            grad *= MAPS[name].derivative(self._values(name))

    def step(self, grads: list[np.ndarray], lr: float) -> None:
        """Change the free numbers by one step against `grads`, and the network's constants with them."""
        if self.names:
            self.optimiser.step(self.free, grads, lr)
            self.apply()

    def apply(self) -> None:
        """Give the layers the constants that follow from the free numbers."""
        for name, free in zip(self.names, self.free):
            setattr(self.net, f"{name}s", MAPS[name].constant(free).tolist())

    def history(self) -> dict[str, list[float]]:
        """Return the learned constants by layer, for the entry of an epoch."""
        return {name: list(getattr(self.net, f"{name}s")) for name in self.names}

    def _values(self, name):
        return np.array(getattr(self.net, f"{name}s"))
