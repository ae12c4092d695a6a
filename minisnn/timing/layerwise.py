"""The schedule of the same group's public RTL (Aliyev & Adegbija's): one layer after the other.

With S the spikes of an input channel (fully connected: of the whole input), OC output channels, EC lanes, and N neurons
of a fully connected layer:

    convolution        ceil(OC/EC) * sum_t(sum_channels max(k^2*S, 2*S + 2*4 + 3) + H_out*W_out)
    fully connected    sum_t(IC + 2 + 2*ceil(inputs/200) + 2*S + (floor(N/EC) + 1) * (max(S, 1) + 2)) + floor(N/EC) + 5

IC is the number of frames in which a fully connected layer's inputs arrive: the channels of the maps before it, or 1
after a fully connected layer and for a flat row. The fully connected formula gives the cycles counted in a simulation
of that RTL's controllers, in four of four cases (``tests/test_cycles.py``). The convolution's is an estimate: it gives
824, 1,906 and 6,236 cycles where 811, 1,942 and 6,320 were counted, which is within 2 %.

A first layer that takes pixels adds them once per image, as ours does, and then has a firing pass at every step.
"""

from collections.abc import Sequence

import numpy as np

from ..topology import LayerShape
from .additions import additions
from .layout import count_groups, depths
from .stimulus import Stimulus

CHUNKS = 4  # that RTL scans a channel's frame in quarters
SCANNED = 200  # inputs of a fully connected layer that it scans at once


def layerwise_cycles(stimulus: Stimulus, lanes: Sequence[int], in_lanes: int) -> np.ndarray:
    """Return the cycles of each image, layer and step, (B, L, T); those of an image as a whole are in its last step."""
    network = stimulus.network
    cost = np.zeros((stimulus.images, len(lanes), stimulus.num_steps), np.int64)
    for index, (integers, count) in enumerate(zip(network.layers, lanes)):
        layer, frames = integers.layer, stimulus.frames[index]
        if index == 0 and network.input_bits:
            cost[:, 0] = additions(stimulus, 0, count, in_lanes).adds + depths(network, lanes)[0]
        elif layer.kind == "conv2d":
            cost[:, index] = _convolution(layer, frames, count)
        else:
            cost[:, index] = _fully_connected(layer, frames, count)
            cost[:, index, -1] += layer.neurons // count + 5
    return cost


def _convolution(layer, frames, lanes):
    """Cycles of a convolution of spikes, (B, T)."""
    spikes = frames.sum(axis=(2, 3), dtype=np.int64).swapaxes(0, 1)  # (B, T, C)
    scan = np.maximum(layer.w_shape[0] ** 2 * spikes, 2 * spikes + 2 * CHUNKS + 3).sum(axis=2)
    return count_groups(layer, lanes) * (scan + layer.out_shape[0] * layer.out_shape[1])


def _fully_connected(layer, frames, lanes):
    """Cycles of a fully connected layer of spikes, (B, T), without those of an image as a whole."""
    spikes = frames.sum(axis=(2, 3, 4), dtype=np.int64).swapaxes(0, 1)  # (B, T)
    scan = channel_frames(layer) + 2 + 2 * words_scanned(layer) + 2 * spikes
    return scan + (layer.neurons // lanes + 1) * (np.maximum(spikes, 1) + 2)


def channel_frames(layer: LayerShape) -> int:
    """Return the number of frames in which a fully connected layer's inputs arrive: one a channel, or 1 if flat."""
    return layer.in_shape[2] if len(layer.in_shape) == 3 else 1


def words_scanned(layer: LayerShape) -> int:
    """Return the number of words that a fully connected layer scans at each step."""
    return -(-layer.fan_in // SCANNED)
