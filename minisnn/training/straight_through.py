"""Training with rounded weights: forward and backward see the weights that the integers will have.

Rounding has no useful derivative, so the gradient of a rounded weight is given to the weight itself, straight
through (Bengio, Leonard & Courville 2013, arXiv 1308.3432); a weight that is clipped gets none.
"""

from contextlib import contextmanager

import numpy as np

from ..fixed.rounding import input_factors, rounded, scale, widths


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

    Examples
    --------
    >>> from minisnn import Network
    >>> from minisnn.encode import Encoder
    >>> net = Network("1", (4,), backend="numpy", rng=np.random.default_rng(0))
    >>> net.params[0][...] = [[1.0], [-1.0], [0.25], [2.5]]
    >>> through = StraightThrough(net, Encoder("rate", 4), weight_bits=2)
    >>> with through.rounded_weights():  # 2 bits: -1, 0 or 1 times the scale of least error
    ...     net.params[0].ravel().tolist()
    [1.5, -1.5, 0.0, 1.5]
    >>> net.params[0].ravel().tolist()
    [1.0, -1.0, 0.25, 2.5]

    2.5 is 1.67 scales and was clipped to 1, so it gets no gradient:

    >>> grads = [np.ones((4, 1)), np.ones(1)]
    >>> through.pass_gradients(grads)
    >>> grads[0].ravel().tolist()
    [1.0, 1.0, 1.0, 0.0]

    Scales stay as they are while weights change, until they are chosen again:

    >>> net.params[0] *= 2
    >>> through.scales, through.choose_scales(), through.scales
    ([1.5], None, [3.0])
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
