"""Training with rounded weights: forward and backward use the weights that the integers will have.

Rounding has no useful derivative, so the gradient with respect to a rounded weight is passed straight through to the
weight itself (Bengio, Leonard & Courville 2013, arXiv 1308.3432); a clipped weight gets none.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ..encode import Encoder
from ..fixed.rounding import input_factors, rounded, scale, widths
from ..network import Network


class StraightThrough:
    """Rounds a network's weights for a while, to 2 to 16 bits: one width for all layers, or one for each.

    The encoder's normalisation is folded into the first layer before rounding, as ``quantize`` does.
    """

    def __init__(self, net: Network, encoder: Encoder, weight_bits: int | list[int] | tuple[int, ...]):
        self.net = net
        self.bits = widths(weight_bits, len(net.layers))
        self.factors = [np.ones(1)] * len(net.layers)
        self.factors[0], _ = input_factors(encoder, net.layers[0].shape.w_shape)
        self.choose_scales()

    def choose_scales(self) -> None:
        """Choose the scales of least error for the present weights; they stay until the next call."""
        self.scales = [
            scale(layer.w * factor, bits) for layer, factor, bits in zip(self.net.layers, self.factors, self.bits)
        ]

    @contextmanager
    def rounded_weights(self) -> Iterator[None]:
        """Give the layers rounded weights inside the context, and the original arrays afterwards."""
        originals = [layer.w for layer in self.net.layers]
        for layer, factor, unit, bits in zip(self.net.layers, self.factors, self.scales, self.bits):
            layer.w = (unit * rounded(layer.w * factor, unit, bits) / factor).astype(layer.w.dtype)
        try:
            yield
        finally:
            for layer, original in zip(self.net.layers, originals):
                layer.w = original

    def pass_gradients(self, grads: list[np.ndarray]) -> None:
        """Turn gradients with respect to rounded weights into those of the weights, in place."""
        for dw, layer, factor, unit, bits in zip(grads[::2], self.net.layers, self.factors, self.scales, self.bits):
            # w_rounded = unit * clip(round(w * factor / unit)) / factor
            dw[np.abs(layer.w * factor) > unit * ((1 << (bits - 1)) - 0.5)] = 0
