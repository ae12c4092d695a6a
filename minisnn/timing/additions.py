"""Cycles and counts of a layer's additions, from its frames; the compiled loops are in ``loops``."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..topology import LayerShape
from .layout import count_groups
from .stimulus import Stimulus


class Additions(NamedTuple):
    """Additions by image and step, (B, T), or by image, layer and step, (B, L, T).

    Attributes
    ----------
    cycles : ndarray of int64
        Cycles from the begin of a step until all its inputs are added.
    adds : ndarray of int64
        Cycles with an addition.
    inputs, zero_words : ndarray of int64
        Inputs, and words without an input.
    """

    cycles: np.ndarray
    adds: np.ndarray
    inputs: np.ndarray
    zero_words: np.ndarray


def additions(stimulus: Stimulus, layer_index: int, lanes: int, in_lanes: int, taps: int = 1) -> Additions:
    """Return the additions of one layer, (B, T); `layer_index` counts from 0, `in_lanes` are the inputs in a word."""
    from . import loops

    frames = stimulus.frames[layer_index]
    walk = _walk(stimulus.network.layers[layer_index].layer, lanes)
    result = Additions(*(np.zeros((frames.shape[1], stimulus.num_steps), np.int64) for _ in Additions._fields))
    loops.additions_of_frames(frames, in_lanes, *walk, taps, *result)
    return result


def additions_of_layers(
    stimulus: Stimulus, lanes: Sequence[int], in_lanes: Sequence[int], taps: Sequence[int]
) -> Additions:
    """Return the additions of all layers, (B, L, T); `in_lanes` are the inputs in a word of each layer's frame."""
    layers = [additions(stimulus, index, *numbers) for index, numbers in enumerate(zip(lanes, in_lanes, taps))]
    return Additions(*(np.stack(parts, axis=1) for parts in zip(*layers)))


def log_of_additions(frame: np.ndarray, layer: LayerShape, lanes: int, in_lanes: int, taps: int = 1) -> np.ndarray:
    """Return when each input of a frame (H, W, C) is added, in the order of addresses.

    Returns
    -------
    log : ndarray of int64, shape (inputs, 3)
        Cycle in which the scanner hands the input over, cycle of its first addition, and number of additions, one per
        cycle; cycles since the begin of the step. Without additions the second number means nothing.
    """
    from . import loops

    log = np.zeros((np.count_nonzero(frame), 3), np.int64)
    loops.additions(frame, in_lanes, *_walk(layer, lanes), taps, log)
    return log


def _walk(layer, lanes):
    """Kernel, padding, height and width of the neurons, groups of lanes, flat: arguments of ``loops.additions``."""
    groups = count_groups(layer, lanes)
    if layer.kind == "linear":
        return 1, 0, 1, 1, groups, True
    height, width, _ = layer.out_shape
    return layer.w_shape[0], layer.padding, height, width, groups, False
