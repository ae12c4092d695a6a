"""The words of the accelerator's streams: a network in integers as a load, and frames as input."""

import numpy as np

from minisnn.fixed.network import IntegerLayer, IntegerNetwork
from minisnn.timing.layout import place_of_input, weight_rows

from ..load_format import CONTROL_BITS, Section, checksum, design_word, is_reserved, sections
from ..spec import AcceleratorSpec, LayerSpec


def load_words(
    network: IntegerNetwork, spec: AcceleratorSpec, num_steps: int, margin: float | None = None
) -> list[int]:
    """Return the beats of the load, as integers; raise ValueError if the design does not fit steps or margin.

    `margin` is that of :func:`minisnn.fixed.early_exit.stops`; None for all steps.
    """
    if not 1 <= num_steps <= spec.max_steps:
        raise ValueError(f"max_steps must be at least {num_steps}, the steps of the network, got {spec.max_steps}")
    if margin is not None and not spec.exits:
        raise ValueError(
            "early exit compares the spike counts of several classes, which this network does not have; leave it out"
        )
    *others, _ = sections(spec)
    load: list[int] = []
    for section in others:
        for word in section_words(section, network, spec, num_steps, margin):
            load += beats_of(word, section.bits, spec.load_bits)
    return load + beats_of(checksum(load, spec.load_bits), CONTROL_BITS, spec.load_bits)


def section_words(
    section: Section, network: IntegerNetwork, spec: AcceleratorSpec, num_steps: int, margin: float | None = None
) -> list[int]:
    """Return the words of a section; that of the checksum follows from the others."""
    if is_reserved(section, spec):
        return [0]
    if section.layer == 0:
        lead = 0 if margin is None else int(min(margin, spec.most_gain))
        return [{"design": design_word(spec), "steps": num_steps, "exit margin": lead}[section.content]]
    layer, layer_spec = network.layers[section.layer - 1], spec.layers[section.layer - 1]
    if section.content == "threshold":
        return [layer.threshold]
    if section.content == "beta":
        return [loaded_beta(layer, layer_spec.frac, section.layer)]
    return {"weights": weight_words, "biases": bias_words}[section.content](layer, layer_spec)


def loaded_beta(layer: IntegerLayer, frac: int, number: int) -> int:
    """Return the leak of a layer in units of 1 / 2**frac; raise ValueError if it needs more fraction bits."""
    if layer.frac > frac:
        raise ValueError(
            f"load_beta must be at least {layer.frac}, the fraction bits of the leak {layer.beta}/{1 << layer.frac} of "
            f"layer {number}, got {frac}"
        )
    return layer.beta << frac - layer.frac


def beats_of(word: int, bits: int, load_bits: int) -> list[int]:
    """Cut a word into beats, the lowest bits first."""
    return [word >> at & (1 << load_bits) - 1 for at in range(0, bits, load_bits)]


def weight_words(layer: IntegerLayer, spec: LayerSpec) -> list[int]:
    """Return the words of a layer's weight memory, in the order of ``minisnn.timing.layout.weight_rows``.

    A word holds, for each tap that is added at once, the first in the lowest bits, a weight for each lane.
    """
    rows, width = weight_rows(layer.layer, layer.w, spec.taps), spec.lanes * spec.weight_bits
    taps = [cut(rows[:, tap], spec.lanes, spec.groups, spec.weight_bits) for tap in range(spec.taps)]
    return [sum(word << tap * width for tap, word in enumerate(words)) for words in zip(*taps)]


def bias_words(layer: IntegerLayer, spec: LayerSpec) -> list[int]:
    """Return the words of a layer's bias memory."""
    return cut(layer.b[None], spec.lanes, spec.groups, spec.bias_bits)


def frame_words(frame: np.ndarray, spec: LayerSpec) -> list[int]:
    """Return the words of a frame (H, W, C) or (N,): spikes, or pixels of ``spec.input_bits`` bits."""
    words, bits, addresses = [0] * spec.in_words, max(spec.input_bits, 1), np.flatnonzero(frame)
    shape = spec.in_height, spec.in_width, spec.in_channels
    at_words, places = place_of_input(shape, spec.in_lanes, addresses)
    values, mask = frame.reshape(-1)[addresses], (1 << bits) - 1
    for word, place, value in zip(at_words.tolist(), places.tolist(), values.tolist()):
        words[word] |= (value & mask) << place * bits
    return words


def cut(rows: np.ndarray, lanes: int, groups: int, bits: int) -> list[int]:
    """Cut rows of numbers into groups of lanes, lane 0 in the lowest bits; lanes without a number hold 0."""
    words: list[int] = []
    mask = (1 << bits) - 1
    for row in rows.tolist():
        row = row + [0] * (groups * lanes - len(row))
        words += [
            sum((value & mask) << (i * bits) for i, value in enumerate(row[g * lanes : (g + 1) * lanes]))
            for g in range(groups)
        ]
    return words


def image_words(inputs: np.ndarray, image: int, spec: AcceleratorSpec) -> list[int]:
    """Return the words of one image of `inputs` (1 or T, B, ...)."""
    return [word for frame in inputs[:, image] for word in frame_words(frame, spec.layers[0])]


def answer_words(scores: np.ndarray) -> list[list[int]]:
    """Return the words of each answer without its cycles: scores (B, classes), and the first class with the most."""
    return [[*row, max(range(len(row)), key=row.__getitem__)] for row in scores.tolist()]
