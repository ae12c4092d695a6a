"""Training with rounded weights: forward and backward see the weights that the integers will have.

Rounding has no useful derivative, so the gradient of a rounded weight is given to the weight itself, straight
through (Bengio, Leonard & Courville 2013, arXiv 1308.3432); a weight that is clipped gets none.
"""

from contextlib import contextmanager

import numpy as np

from .rounding import input_factors, rounded, scale, widths


class StraightThrough:
    """Rounds a network's weights for a while.

    Parameters
    ----------
    net : Network
    encoder : Encoder
        Its normalisation is folded into the first layer before rounding, as ``quantize`` does.
    weight_bits : int or sequence of int
        2 to 16: one for all layers, or one for each.

    Raises
    ------
    InputError
        For widths that cannot be.
    """

    def __init__(self, net, encoder, weight_bits):
        self.net = net
        self.bits = widths(weight_bits, len(net.layers))
        self.factors = [np.ones(1)] * len(net.layers)
        self.factors[0], _ = input_factors(encoder, net.layers[0].w_shape)
        self.choose_scales()

    def choose_scales(self):
        """Take the scales of least error for the weights as they are now."""
        self.scales = [scale(w * f, bits) for w, f, bits in zip(self.net.params[::2], self.factors, self.bits)]

    @contextmanager
    def rounded_weights(self):
        """Inside, the network has rounded weights; afterwards its own again, the same arrays."""
        own = self.net.params
        self.net.params = list(own)
        for index, (w, f, s, bits) in enumerate(zip(own[::2], self.factors, self.scales, self.bits)):
            self.net.params[2 * index] = (s * rounded(w * f, s, bits) / f).astype(w.dtype)
        try:
            yield
        finally:
            self.net.params = own

    def pass_gradients(self, grads):
        """Gradients with respect to rounded weights as those of the weights, in place."""
        for index, (w, f, s, bits) in enumerate(zip(self.net.params[::2], self.factors, self.scales, self.bits)):
            # w_rounded = s * clip(round(w * f / s)) / f
            grads[2 * index][np.abs(w * f) > s * ((1 << (bits - 1)) - 0.5)] = 0
