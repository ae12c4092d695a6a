"""Floating-point operations that a training step needs, counted dense and counted for the spikes that there are.

A layer has three products at each step: its currents, the gradient of its weights, and the gradient of its inputs. The
first layer's input is a constant image, so it has two, once. One tap (an input pixel and a neuron that reads it) costs
a multiplication and an addition for each of its pairs of channels.

- Dense: every input counts as if it were a spike, in all three products.
- Spikes: currents and weight gradients add a row of weights, or of gradients, for each spike there is and each of its
  taps; the gradient of the inputs stays dense, because every input has one, and so does the first layer.

Taps outside the frame, in its padding, cost nothing. ``pooled`` leaves out neurons in rows and columns that fill no
window of the pool: nothing reads them. The peers compute them.
"""

from math import prod

import numpy as np


def taps(shape, pooled=True):
    """Return how many neurons of a map read each input, as (H, W) of a convolution or (1,) of a linear layer."""
    if shape.kind == "linear":
        return np.ones(1, np.int64)
    kernel, padding = shape.w_shape[0], shape.padding
    axes = []
    for size, kept in zip(shape.in_shape[:2], shape.out_shape[:2]):
        neurons = kept if pooled else size + 2 * padding - kernel + 1
        # Neuron o reads the inputs o - padding, ..., o - padding + kernel - 1.
        reads = np.convolve(np.ones(neurons, np.int64), np.ones(kernel, np.int64))
        reads = np.pad(reads, (0, size + 2 * padding - len(reads)))
        axes.append(reads[padding : padding + size])
    return np.multiply.outer(*axes)


def _product(shape, pooled):
    """Return the operations of one product of one frame, if every input were a spike."""
    channels = shape.w_shape[-2:] if shape.kind == "conv2d" else shape.w_shape
    return 2 * int(taps(shape, pooled).sum()) * prod(channels)


def dense(shapes, num_steps, size, pooled=False):
    """Return the operations of a training step, counted dense."""
    first, *rest = (_product(shape, pooled) for shape in shapes)
    return size * (2 * first + 3 * num_steps * sum(rest))


def spikes(shapes, inputs):
    """Return the operations of a training step for real spikes, counted for pooled pixels alone.

    `inputs` are those of each layer, (1, B, ...) of the first one and (T, B, ...) of the others.
    """
    first, *_ = shapes
    total = 2 * inputs[0].shape[1] * _product(first, True)
    for shape, spk in zip(shapes[1:], inputs[1:]):
        num_steps, size = spk.shape[:2]
        if shape.kind == "linear":
            read = int(np.count_nonzero(spk))
        else:
            read = int(np.tensordot(np.count_nonzero(spk, axis=(0, 1, 4)), taps(shape), 2))
        total += 2 * (2 * read * shape.w_shape[-1]) + num_steps * size * _product(shape, True)
    return total
