"""Results: of a forward pass, and of an evaluation of a float network or of its integers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import InputError


@dataclass(repr=False)
class LayerRun:
    """Arrays of one layer in a forward pass.

    Attributes
    ----------
    inputs : ndarray of shape (T or 1, B, ...)
        The frames it took; a constant input has one step.
    spk, mem : ndarray of shape (T, B, ...)
        Spikes of all its neurons, before the pool, and their membranes before reset.
    out : ndarray of shape (T, B, ...)
        Spikes after the pool: the next layer's inputs.
    """

    inputs: np.ndarray
    spk: np.ndarray
    mem: np.ndarray
    out: np.ndarray

    def __repr__(self):
        return f"LayerRun({', '.join(f'{name} {array.shape}' for name, array in vars(self).items())})"


@dataclass(repr=False)
class Run:
    """Result of one forward pass of a network.

    Attributes
    ----------
    spk, mem : ndarray of shape (T, B, N)
        Spikes and membranes before reset of the last layer.
    rates : ndarray of shape (L,), float64
        Firing rate of each layer: spikes per neuron and step, before the pool.
    kept : list of LayerRun, or None
        Arrays of every layer; the kernels keep them only with ``record=True``.
    num_steps : int
    tape : object
        Arrays for the kernels' backward pass.
    """

    spk: np.ndarray
    mem: np.ndarray
    rates: np.ndarray
    kept: list[LayerRun] | None
    num_steps: int
    tape: Any = None

    @property
    def layers(self) -> list[LayerRun]:
        """Inputs, spikes and membranes of every layer; raise InputError if they were not kept."""
        if self.kept is None:
            raise InputError(
                "the kernels kept no spikes and membranes of the layers; ask for them with record=True, as in "
                "net.forward(inputs, num_steps, record=True)"
            )
        return self.kept

    def __repr__(self):
        _, batch, neurons = self.spk.shape
        rates = ", ".join(f"{100 * rate:.1f}" for rate in self.rates)
        kept = "not kept" if self.kept is None else "kept"
        return (
            f"Run(T = {self.num_steps}, {batch} image{'s' * (batch != 1)}, {neurons} output neurons, "
            f"firing rates {rates} %, layers {kept})"
        )


@dataclass(frozen=True)
class Result:
    """Accuracy and firing rates over a set of images.

    A firing rate times neurons and steps is a layer's number of spikes for an image.

    Attributes
    ----------
    accuracy : float
        Share of right answers, over all steps.
    firing_rates : tuple of float
        Spikes per neuron and step of each layer, mean over the images.
    images, num_steps : int
    """

    accuracy: float
    firing_rates: tuple
    images: int
    num_steps: int
