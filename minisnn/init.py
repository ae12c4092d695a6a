"""First weights that leave no layer silent.

A layer learns only where its neurons come near the threshold. With n inputs of mean square m and independent weights of
mean 0 and variance var, the current of a neuron is close to normal with variance n*m*var. The fraction `rate` of the
neurons spikes at the very first step (where U = I) if

    sqrt(n*m*var) = theta / z,    z the (1 - rate) quantile of the standard normal distribution.

So the scale follows the threshold; the default of PyTorch, var = 1/(3n), leaves the second layer nearly silent at theta
= 1. m is 1 for a normalised image; for spikes 0/1 it is their rate, which is `rate` of the layer before, raised by its
pool. Neighbouring neurons spike together, so the OR of a k x k window is less often 1 than if they were independent;
real images come close to k independent neurons: 1 - (1 - rate)^k. The tests measure the rates that this gives.

``pytorch`` draws what ``torch.nn.Conv2d`` and ``torch.nn.Linear`` begin with, for comparisons with networks that do.
"""

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from .errors import InputError
from .topology import LayerShape


def parameters(
    shapes: Sequence[LayerShape],
    thresholds: Sequence[float],
    rng: np.random.Generator,
    dtype: Any = np.float32,
    rate: float = 0.15,
    mean_square: float = 1.0,
) -> list[np.ndarray]:
    """Draw the first weights, [w, b, w, b, ...]; biases are 0.

    `rate`, between 0 and 0.5, is the fraction of neurons that spikes at the first step; `mean_square` is that of one
    input of the network: 1 for normalised images. Raise InputError for another rate.
    """
    if not 0 < rate < 0.5:
        raise InputError(f"the initial firing rate must be between 0 and 0.5, got {rate}")
    z = NormalDist().inv_cdf(1 - rate)
    params = []
    for shape, threshold in zip(shapes, thresholds, strict=True):
        std = threshold / z / np.sqrt(shape.fan_in * mean_square)
        w = rng.standard_normal(shape.w_shape) * std  # drawn in float64: the same weights in every dtype
        params += [w.astype(dtype), np.zeros(shape.w_shape[-1], dtype)]
        mean_square = 1 - (1 - rate) ** (shape.pool * shape.cur_pool)
    return params


def pytorch(shapes: Sequence[LayerShape], rng: np.random.Generator, dtype: Any = np.float32) -> list[np.ndarray]:
    """Draw first weights and biases as PyTorch does, uniform within 1/sqrt(n) of 0 with n inputs, [w, b, w, b, ...].

    They follow neither the thresholds nor the inputs, so deep layers may be silent.
    """
    params = []
    for shape in shapes:
        most = 1 / np.sqrt(shape.fan_in)
        params += [rng.uniform(-most, most, size).astype(dtype) for size in (shape.w_shape, shape.w_shape[-1:])]
    return params
