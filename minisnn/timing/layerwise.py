"""The schedule of public RTL for the same networks: one layer after the other, after Aliyev & Adegbija.

With S the spikes of an input channel (fully connected: of the whole input), IC inputs, OC output channels, EC lanes:

    convolution        ceil(OC/EC) * sum_t(sum_channels max(k^2*S, 2*S + 2*4 + 3) + H_out*W_out)
    fully connected    sum_t(IC + 2*4 + 2*S + 2) + ceil(OC/EC) * sum_t(S + 2)

A first layer that takes pixels adds them once per image, as ours does, and then has a firing pass at every step.
"""

from collections.abc import Sequence

import numpy as np

from .additions import additions
from .layout import count_groups, depths
from .stimulus import Stimulus

CHUNKS = 4  # that RTL scans a channel's frame in quarters


def layerwise_cycles(stimulus: Stimulus, lanes: Sequence[int], in_lanes: int) -> np.ndarray:
    """Return the cycles of each image, layer and step, (B, L, T)."""
    network = stimulus.network
    cost = np.zeros((stimulus.images, len(lanes), stimulus.num_steps), np.int64)
    for index, (integers, count) in enumerate(zip(network.layers, lanes)):
        if index == 0 and network.input_bits:
            cost[:, 0] = additions(stimulus, 0, count, in_lanes).adds + depths(network, lanes)[0]
        else:
            cost[:, index] = _cycles_of_spikes(integers.layer, stimulus.frames[index], count)
    return cost


def _cycles_of_spikes(layer, frames, lanes):
    """Cycles of a layer that takes spikes, (B, T)."""
    groups = count_groups(layer, lanes)
    by_channel = frames.sum(axis=(2, 3), dtype=np.int64).swapaxes(0, 1)  # (B, T, C)
    if layer.kind == "conv2d":
        scan = np.maximum(layer.w_shape[0] ** 2 * by_channel, 2 * by_channel + 2 * CHUNKS + 3).sum(axis=2)
        return groups * (scan + layer.out_shape[0] * layer.out_shape[1])
    spikes = by_channel.sum(axis=2)
    return layer.fan_in + 2 * CHUNKS + 2 * spikes + 2 + groups * (spikes + 2)
