"""The price of clock cycles: a penalty that asks each spike for the additions that it causes in the next layer.

A spike at a place (y, x) of the frame that layer l takes costs it p[l](y, x) cycles of additions: the taps that lead
into the frame from there (or rows of taps, if a row is added at once; 1 if all are), times the groups of lanes; of a
fully connected layer the groups alone. The prices are read from the model of cycles itself
(:func:`minisnn.timing.additions.log_of_additions`), so they are right for the lanes and taps at hand, and they are
whole numbers: their sum over the spikes of an image equals the cycles in which the model adds.

    n[l](y, x, c)  = sum over t of the spikes that layer l takes                 pixels are added once an image
    W[l]           = sum over y, x, c of p[l]*n[l]  +  T*F[l]                    cycles of layer l; F of a firing pass
    C              = (sum over l of W[l]^q)^(1/q)                                cycles of an image, softened
    penalty        = weight * (mean over images of C) / C(every input spikes)

The layers work at the same time, one step behind another, so the one with the most work decides when the answer comes:
C is its work if q goes to infinity. Never more than that W, the gates need max W cycles at least: a layer adds or
fires, one at a time. With q = 8, C is above max W by a factor of at most L^(1/8), 1.19 for four layers, and the
gradient is shared out:

    dC/dW[l] = (W[l]/C)^(q-1)                1 for the only bottleneck; 0.48 at 0.9 of its work, 0.01 at 0.5
    dL/dn[l] = weight/(B*C(dense)) * dC/dW[l] * p[l]

So a spike pays by its place and by its image: at a border, where fewer taps lead into the frame, it is cheaper, and
what keeps no bottleneck busy is nearly free. Additions of pixels and firing passes cannot be trained away, but they are
in W: once they are the bottleneck, no spike pays any more. n is a sum over steps, so every step's spike gets dL/dn, and
what arrives at the neurons passes their pool, their surrogate and time as any gradient does (``Network.backward``).
"""

from collections.abc import Sequence

import numpy as np

from ..encode import Encoder
from ..network import Network
from ..timing.additions import log_of_additions
from ..timing.layout import count_groups, lanes_of, taps_of
from ..topology import LayerShape

SHARPNESS = 8  # q


def prices(layer: LayerShape, lanes: int, taps: int = 1) -> np.ndarray:
    """Return the cycles of the additions that one input of a layer causes, by its place.

    Parameters
    ----------
    layer : LayerShape
    lanes : int
    taps : int, default 1
        Taps that are added at once.

    Returns
    -------
    prices : ndarray of shape (H, W, C) or (N,), float64
        In the shape of the frame that the layer takes.

    Examples
    --------
    A 3x3 convolution of 4 maps on 2 lanes has two groups; a corner of the frame reaches one neuron, its middle nine:

    >>> from minisnn.topology import parse
    >>> prices(parse("4C3-10", (5, 5, 1))[0], lanes=2)[:, :, 0].astype(int)
    array([[ 2,  4,  6,  4,  2],
           [ 4,  8, 12,  8,  4],
           [ 6, 12, 18, 12,  6],
           [ 4,  8, 12,  8,  4],
           [ 2,  4,  6,  4,  2]])

    If a row of three taps is added at once, the column does not matter:

    >>> prices(parse("4C3-10", (5, 5, 1))[0], lanes=2, taps=3)[:, 0, 0].astype(int)
    array([2, 4, 6, 4, 2])
    """
    frame = layer.in_shape if layer.kind == "conv2d" else (1, 1, layer.fan_in)
    every_input = np.ones(frame, np.uint8)
    return log_of_additions(every_input, layer, lanes, frame[-1], taps)[:, 2].reshape(layer.in_shape).astype(float)


class CyclePenalty:
    """The penalty of one network on one accelerator.

    Parameters
    ----------
    net : Network
    encoder : Encoder
        Its encoding of images: pixels ("direct") are added once, spikes at each step.
    lanes : sequence of L ints, optional
        By default those of :func:`minisnn.timing.layout.default_lanes`.
    weight : float
        The penalty if every neuron spiked at every step.
    taps : sequence of L ints, optional
        Taps that each layer adds at once, by default 1.

    Attributes
    ----------
    prices : list of L ndarrays
        See :func:`prices`.
    firing : ndarray of shape (L,)
        Cycles of the firing passes of an image.
    dense : float
        C if every input spikes.

    Examples
    --------
    Two pixels, one of them black; of three neurons one spikes at both steps. With one lane each, layer 1 adds a pixel
    to three neurons and fires three neurons twice, 9 cycles; layer 2 adds two spikes to two neurons and fires two
    twice:

    >>> net = Network("3-2", (2,), beta=0, backend="numpy", rng=np.random.default_rng(0))
    >>> net.params[0][...] = [[3, 0, 0], [0, 3, 3]]
    >>> inputs = np.array([[[1.0, 0.0]]])
    >>> run = net.forward(inputs, num_steps=2)
    >>> penalty = CyclePenalty(net, Encoder("direct", 2), lanes=(1, 1), weight=0.5)
    >>> penalty.works(net.counts(run), inputs).tolist()
    [[9.0], [8.0]]
    >>> value, dcounts = penalty(net.counts(run), inputs)
    >>> round(value, 3), dcounts[0].round(4).tolist()  # each spike of layer 1 pays for two additions
    (0.29, [[0.0203, 0.0203, 0.0203]])
    """

    def __init__(
        self,
        net: Network,
        encoder: Encoder,
        lanes: Sequence[int] | None = None,
        weight: float = 1.0,
        taps: Sequence[int] | None = None,
    ):
        shapes = [layer.shape for layer in net.layers]
        lanes, taps = lanes_of(shapes, lanes), taps_of(shapes, taps)
        direct = encoder.kind == "direct"
        self.weight = weight
        self.black = encoder.encode(np.zeros((1, *net.input_shape)), dtype=net.dtype) if direct else 0
        self.prices = [prices(*numbers) for numbers in zip(shapes, lanes, taps)]
        passes = [shape.neurons // shape.w_shape[-1] * count_groups(shape, n) for shape, n in zip(shapes, lanes)]
        self.firing = encoder.num_steps * np.array(passes, float)
        steps = [1 if direct and index == 0 else encoder.num_steps for index in range(len(shapes))]
        self.dense = float(_softened(np.array([p.sum() * t for p, t in zip(self.prices, steps)]) + self.firing))

    def works(self, counts: Sequence[np.ndarray], inputs: np.ndarray) -> np.ndarray:
        """Return W, the cycles of each layer and image, (L, B).

        `counts` are those of :meth:`minisnn.network.Network.counts`, `inputs` (T or 1, B, ...) the encoded images.
        """
        taken = [(inputs != self.black).sum(axis=0), *counts[:-1]]
        adding = [np.einsum("bi,i->b", n.reshape(len(n), -1), p.reshape(-1)) for n, p in zip(taken, self.prices)]
        return np.stack(adding) + self.firing[:, None]

    def __call__(
        self, counts: Sequence[np.ndarray], inputs: np.ndarray, ramp: float = 1.0
    ) -> tuple[float, list[np.ndarray | None]]:
        """Return `ramp` times the penalty, and its gradient with respect to the counts; None for the last layer's."""
        works = self.works(counts, inputs)
        cycles = _softened(works)
        share = ramp * self.weight / self.dense / len(cycles)
        # penalty = weight * mean(C) / dense;  C = sum(W^q)^(1/q)
        dworks = share * (works / cycles) ** (SHARPNESS - 1)
        # W[l] = sum(prices[l] * counts[l-1]) + firing[l]
        dcounts: list[np.ndarray | None] = [
            np.multiply.outer(dwork, price).reshape(count.shape)
            for dwork, price, count in zip(dworks[1:], self.prices[1:], counts)
        ]
        return float(share * cycles.sum()), [*dcounts, None]


def _softened(works):
    """Return the softened maximum over the first axis: a norm, which scales with the works whatever their size."""
    most = works.max(axis=0)
    return most * ((works / most) ** SHARPNESS).sum(axis=0) ** (1 / SHARPNESS)
