"""Parts of a network as another library names them, joined into layers: weights, normalisation, neurons, pool.

A layer is made of weights, perhaps a batch normalisation, neurons, and perhaps a maximum pool of their spikes. Here the
order of the parts is checked, and a normalisation is folded into the weights. No other library is needed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import InputError
from .build import ReadLayer


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a network; `name` says where it was read, such as ``"'conv1' (Conv2d)"``."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Weights(Part):
    """Weights of a convolution (k, k, C, M), or of a fully connected layer (N, M), which counts maps channels first."""

    w: np.ndarray
    b: np.ndarray | None = None
    padding: int = 0
    border: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Border(Part):
    """A padding before a convolution, by a layer of its own."""

    padding: int
    value: float


@dataclass(frozen=True, kw_only=True)
class Norm(Part):
    """A batch normalisation in evaluation: factor * x + shift, by channel."""

    factor: np.ndarray
    shift: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Neurons(Part):
    """Leaky integrate-and-fire neurons."""

    beta: float
    threshold: float
    reset: str


@dataclass(frozen=True, kw_only=True)
class Pool(Part):
    """A maximum over windows that do not overlap."""

    window: int


def joined(parts: Iterable[Part]) -> list[ReadLayer]:
    """Return the layers that a chain of parts forms; raise InputError, with the part's name, for another order."""
    layers: list[ReadLayer] = []
    border: Any = None  # the one that waits for its convolution
    weights: Any = None  # those that wait for their neurons
    for part in parts:
        if border is not None and not isinstance(part, Weights):
            raise InputError(f"layer {border.name} is not followed by a convolution, which alone is padded")
        if isinstance(part, Weights | Border) and weights is not None:
            raise _without_neurons(weights, part.name)
        if isinstance(part, Weights):
            weights, border = _padded(part, border), None
        elif isinstance(part, Border):
            border = part
        elif isinstance(part, Norm):
            weights = _folded(weights, part)
        elif isinstance(part, Neurons):
            layers.append(_layer(weights, part))
            weights = None
        elif isinstance(part, Pool):
            layers = _pooled(layers, weights, part)
    if weights is not None:
        raise _without_neurons(weights, "nothing")
    return layers


def _without_neurons(weights, follower):
    return InputError(
        f"layer {weights.name} is followed by {follower}, but every layer of weights must be followed by its neurons "
        "(snn.Leaky)"
    )


def _padded(weights, border):
    """Return weights that pad as the layer before them did."""
    if border is None:
        return weights
    if weights.w.ndim != 4 or weights.padding:
        raise InputError(f"layer {border.name} is not followed by a convolution without a padding of its own")
    return replace(weights, padding=border.padding, border=border.value)


def _folded(weights, norm):
    """Return weights and biases that give what the normalisation would have made of their currents."""
    if weights is None:
        raise InputError(
            f"layer {norm.name} does not follow a convolution or a fully connected layer directly, so it cannot be "
            "folded into weights; train without it"
        )
    b = np.zeros(weights.w.shape[-1]) if weights.b is None else weights.b
    if not norm.factor.shape == norm.shift.shape == b.shape == weights.w.shape[-1:]:
        raise InputError(f"layer {norm.name} cannot be folded into {weights.name}: their numbers of channels differ")
    dtype = weights.w.dtype
    w = (weights.w * norm.factor).astype(dtype)
    return replace(weights, w=w, b=(b * norm.factor + norm.shift).astype(dtype))


def _layer(weights, neurons):
    if weights is None:
        raise InputError(
            f"layer {neurons.name} does not follow a convolution or a fully connected layer; every layer of neurons "
            "needs weights of its own"
        )
    return ReadLayer(
        name=weights.name,
        neurons=neurons.name,
        w=weights.w,
        b=weights.b,
        beta=neurons.beta,
        threshold=neurons.threshold,
        reset=neurons.reset,
        padding=weights.padding,
        border=weights.border,
        order="chw",
    )


def _pooled(layers: Sequence[ReadLayer], weights, pool):
    """Return the layers with a pool after the last one; two pools in a row are one."""
    if weights is not None:
        raise InputError(
            f"layer {pool.name} pools the currents of {weights.name} before its neurons, but a pool here takes the "
            "maximum of spikes, which is another network: move the pool behind the neurons (Conv2d, Leaky, MaxPool2d) "
            "and train on from these weights"
        )
    if not layers or layers[-1].kind != "conv2d":
        raise InputError(f"layer {pool.name} does not follow the neurons of a convolution")
    return [*layers[:-1], replace(layers[-1], pool=layers[-1].pool * pool.window)]
