"""``snn.Leaky`` with reset "subtract" and reset_delay=False: where it is "subtract_then_leak", and where it is not.

With M the membrane that is kept from step to step, snnTorch 1.0 computes

    R[t] = 1 if M[t-1] > theta else 0
    U[t] = beta*M[t-1] + I[t]        S[t] = 1 if U[t] > theta*(1 + R[t]) else 0        M[t] = U[t] - theta*S[t]

That is subtract_then_leak, but for R, which doubles the threshold. R is a bit of state beside the membrane: with a
threshold of 1 a U of 1.5 spikes at R = 0, and not at R = 1. So no r0 and r1 of ``lif`` can make the same of it.

R stays 0 as long as no membrane passes 2*theta, since M is at most theta after a U of at most 2*theta. And then no U is
above beta*theta plus the largest current. So a layer is exactly subtract_then_leak, for any image, if for each of its
neurons

    beta*theta + max I <= 2*theta        max I: the bias, and every input at the end of its range that adds most
"""

import numpy as np

from ..model import Model

RESET = "subtract_then_leak"
MOST = 2.0  # thresholds that no membrane may pass
ROUNDING = 1e-5  # of the bound, for sums in single precision
BYTE = 255  # events of a pixel, at most


def bounds(model: Model) -> list[float]:
    """Return, for each layer, the largest membrane that its weights allow for any image, in thresholds."""
    found = []
    for index, layer in enumerate(model.network.layers):
        low, high = _pixels(model) if index == 0 else (0.0, 1.0)
        w = layer.w.astype(np.float64)
        channels = layer.shape.in_shape[-1]  # the last dimension of inputs, which rows count fastest
        w = w.reshape(-1, channels, w.shape[-1])
        most = np.where(w > 0, w * np.reshape(high, (-1, 1)), w * np.reshape(low, (-1, 1))).sum(axis=(0, 1)) + layer.b
        found.append(float(layer.beta + most.max() / layer.threshold))
    return found


def notes(model: Model) -> list[str]:
    """Return a sentence on the layers that may differ from snnTorch's; none if it is proven that no spike does."""
    network = model.network
    over = [
        f"{bound:.3g} times the threshold in layer {layer.name}"
        for layer, bound in zip(network.layers, bounds(model))
        if layer.reset == RESET and bound > MOST * (1 - ROUNDING)
    ]
    if not over:
        return []
    return [
        "snnTorch's reset subtract with reset_delay=False is subtract_then_leak, except that a membrane above twice "
        "its threshold doubles the threshold of the next step; some spikes may differ, because the weights allow "
        f"membranes of {', and '.join(over)}; ms.interop.compare.compare counts them, as minisnn import --dataset does"
    ]


def _pixels(model):
    """Return the least and the largest input of the first layer, one for each channel, its border included.

    Pixels go from 0 to the encoder's largest value; inputs that are taken as they are may have either sign.
    """
    encoder = model.encoder
    if encoder.kind == "counts":
        return 0.0, float(BYTE)
    if encoder.kind != "direct":
        return 0.0, 1.0
    mean, std = np.array(encoder.mean), np.array(encoder.std)
    least = -encoder.max_value if not mean.any() and (std == 1).all() else 0.0
    ends = np.broadcast_arrays((least - mean) / std, (encoder.max_value - mean) / std, model.network.pad_value)
    return np.min(ends, axis=0), np.max(ends, axis=0)
