"""First weights that leave no layer silent.

A layer learns only where its neurons come near the threshold. With n inputs of mean square m and
independent weights of mean 0 and variance var, the current of a neuron is close to normal with variance
n*m*var. The fraction `rate` of neurons fires at the very first step (where U = I) if

    sqrt(n*m*var) = theta / z,    z the (1 - rate) quantile of the standard normal distribution.

So the scale follows the threshold; the default of PyTorch, var = 1/(3n), with theta = 1 leaves the second
layer nearly silent. m is 1 for a normalised image, and for spikes 0/1 it is their rate: `rate` of the
layer before, raised by its pool. Spikes of neighbours agree, so the OR of a k x k window fires less often
than if they were independent; k independent ones is what real images come close to: 1 - (1 - rate)^k.
The tests measure the rates that this gives.
"""

from statistics import NormalDist

import numpy as np

from .errors import InputError


def parameters(layers, thresholds, rng, dtype=np.float32, rate=0.15, mean_square=1.0):
    """Weights and biases for the first step of training.

    Parameters
    ----------
    layers : sequence of Layer
    thresholds : sequence of float
        One for each layer.
    rng : numpy.random.Generator
    dtype : numpy dtype, default float32
    rate : float, default 0.15
        Fraction of neurons that fires at step one, between 0 and 0.5.
    mean_square : float, default 1
        Mean square of one input of the network: 1 for normalised images.

    Returns
    -------
    params : list of ndarray
        w, b of the first layer, w, b of the second, ...; biases are 0.

    Raises
    ------
    InputError
        If `rate` is not between 0 and 0.5.

    Examples
    --------
    >>> from minisnn.topology import parse
    >>> w, b = parameters(parse("1000", (400,)), [1.0], np.random.default_rng(0))
    >>> x = np.random.default_rng(1).standard_normal(400).astype("float32")
    >>> bool(abs((x @ w > 1.0).mean() - 0.15) < 0.05)
    True
    """
    if not 0 < rate < 0.5:
        raise InputError(f"the initial firing rate must be between 0 and 0.5, got {rate}")
    z = NormalDist().inv_cdf(1 - rate)
    params = []
    for layer, threshold in zip(layers, thresholds, strict=True):
        std = threshold / z / np.sqrt(layer.fan_in * mean_square)
        w = rng.standard_normal(layer.w_shape) * std  # drawn in float64: the same weights in every dtype
        params += [w.astype(dtype), np.zeros(layer.w_shape[-1], dtype)]
        mean_square = 1 - (1 - rate) ** layer.pool
    return params
