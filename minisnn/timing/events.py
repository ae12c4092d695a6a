"""Events of an image that cost energy: bits of words read and written, of adders and of multipliers at work.

Memories and adders are counted by the bits that some neuron uses: lanes beyond the last output channel, and unused bits
of the last word of a pixel, are free. Not counted are the load, the sums of the answer, pins, and addresses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from ..fixed.bounds import signed_bits
from ..fixed.early_exit import NEVER
from .additions import additions, additions_of_layers
from .cycles import Cycles, predict
from .layerwise import CHUNKS, SCANNED, words_scanned
from .layout import check_positions, check_taps, default_lanes, depths, inputs_of_words
from .stimulus import Stimulus


def count(
    stimulus: Stimulus,
    lanes: Sequence[int] | None = None,
    schedule: str = "pipelined",
    taps: Sequence[int] | None = None,
    in_lanes: int | None = None,
    second_bank: bool = False,
    positions: Sequence[int] | None = None,
    predicted: Cycles | None = None,
) -> dict[str, float]:
    """Return the mean events of an image; parameters and errors are those of :func:`minisnn.timing.cycles.predict`.

    `predicted` is what that returns for them, where it is known already.

    "dense" adds its zeros in full. "layerwise" adds the same spikes, one tap at a time, and has as many firing passes;
    a convolution reads its frame again for each group of lanes.

    With early exit these are the events of an image in an empty accelerator: of the frames and firing passes that
    begin, and of additions that are dropped halfway the share of their cycles that went by.

    Returns
    -------
    events : dict of float
        ``weight_read_bits``: weights of additions (all that are added at once, in the frame or not); biases of firings,
        which positions that fire at once share.
        ``membrane_read_bits, membrane_write_bits``: the sum of each addition; membranes of firings (a layer of pixels
        also has currents, which are written as 0 once per image).
        ``buffer_read_bits, buffer_write_bits``: frames of the layers' inputs, scanned once, written once.
        ``addition_bits``: width of the sum of each addition; bias of firings (with pixels bias, and current).
        ``compare_bits``: threshold, and its subtraction (reset "subtract", "subtract_then_leak"), of firings.
        ``pixel_multiply_bits``: weight times pixel; ``leak_multiply_bits``: membrane times beta, unless it is a shift
        or 0; both in products of single bits.
        ``scanner_bits``: width of the word in each cycle that hands over an input or finds none. "layerwise": a quarter
        of a channel in the formula's 2*S + 2*4 + 3 cycles; fully connected, 200 inputs (or all, if there are fewer) in
        its 2*S + 2*ceil(inputs/200) + 2 cycles, and every input once in its IC cycles.
        ``idle_bits``: width of all adders of a layer in cycles in which it neither adds nor is in its firing pass.
        ``cycles``: from answer to answer, images following one another.
    """
    network, steps = stimulus.network, stimulus.num_steps
    if predicted is None:
        predicted = predict(stimulus, lanes, schedule, 1, in_lanes, taps, second_bank, positions)
    interval = predicted.interval
    passes, frames_begun = (
        (np.full(len(network.layers), float(steps)),) * 2
        if schedule == "layerwise"
        else ((cycles != NEVER).sum(axis=2).mean(axis=0) for cycles in (predicted.firing_starts, predicted.begins))
    )
    lane_counts = np.array(default_lanes(network) if lanes is None else lanes)
    words = inputs_of_words(network, lane_counts.tolist(), in_lanes)
    one_at_once = schedule == "layerwise"
    tap_counts = np.array(check_taps(network, None if one_at_once else taps))
    position_counts = np.array(check_positions(network, tap_counts.tolist(), None if one_at_once else positions))
    bits = _bits(network)

    shares = None
    if schedule == "pipelined" and stimulus.stops is not None:
        whole = additions_of_layers(stimulus, lane_counts.tolist(), words, tap_counts.tolist()).cycles
        shares = predicted.adding / np.maximum(whole, 1)
    adding, inputs, zero_words = _mean_additions(stimulus, lane_counts, words, tap_counts, schedule, shares)
    one_by_one = adding
    if (tap_counts > 1).any():
        one_by_one, _, _ = _mean_additions(stimulus, lane_counts, words, np.ones_like(tap_counts), schedule, shares)
    groups = -(-bits.channels // lane_counts)
    added = one_by_one / groups * bits.channels
    fired = bits.neurons * passes
    frame = np.array([prod(frames.shape[2:]) for frames in stimulus.frames])
    written = read = np.where(bits.pixel, frame * bits.pixel, frame * frames_begun)
    scanned = (inputs + zero_words) * words * np.maximum(bits.pixel, 1)
    if schedule == "layerwise":
        scanned, read = _layerwise_scans(stimulus, bits, groups, inputs, scanned, read)
    # A stream's interval leaves out the first image, so a heavy one may seem to be busy for longer: then never idle.
    busy = adding + depths(network, lane_counts.tolist(), position_counts.tolist()) * passes
    busy[0] -= predicted.overlap
    idle = np.maximum(interval - busy, 0)
    events = {
        "weight_read_bits": adding / groups * bits.channels * tap_counts * bits.weight
        + fired / position_counts * bits.bias,
        "membrane_read_bits": added * bits.sum
        + fired * np.where(bits.pixel, bits.current + bits.membrane, bits.membrane),
        "membrane_write_bits": added * bits.sum
        + fired * bits.membrane
        + bits.neurons * np.where(bits.pixel, bits.current, 0),
        "buffer_read_bits": read,
        "buffer_write_bits": written,
        "addition_bits": added * bits.sum
        + fired * np.where(bits.pixel, np.maximum(bits.current, bits.bias) + bits.membrane, bits.bias),
        "compare_bits": fired * bits.compares * bits.membrane,
        "pixel_multiply_bits": added * bits.weight * bits.pixel,
        "leak_multiply_bits": fired * bits.membrane * bits.leak,
        "scanner_bits": scanned,
        "idle_bits": idle * lane_counts * tap_counts * bits.sum,
    }
    return {name: float(np.sum(of_layers)) for name, of_layers in events.items()} | {"cycles": float(interval)}


@dataclass(frozen=True, kw_only=True)
class _Bits:
    """Shapes and widths of all layers, (L,) each, as in ``hw/spec.py``."""

    channels: np.ndarray
    neurons: np.ndarray
    weight: np.ndarray
    membrane: np.ndarray
    bias: np.ndarray
    pixel: np.ndarray  # 0 for layers of spikes
    current: np.ndarray
    sum: np.ndarray
    compares: np.ndarray  # comparisons and subtractions of a neuron, in membranes
    leak: np.ndarray  # factor of the leak; 0 if it is a shift or 0


def _bits(network):
    def of_layers(number):
        return np.array([number(layer) for layer in network.layers], float)

    weight, membrane = of_layers(lambda layer: layer.weight_bits), of_layers(lambda layer: layer.membrane_bits)
    pixel = np.array([network.input_bits] + [0] * (len(network.layers) - 1))
    current = weight + pixel + of_layers(lambda layer: layer.guard + layer.layer.fan_in.bit_length())
    return _Bits(
        channels=of_layers(lambda layer: layer.layer.w_shape[-1]),
        neurons=of_layers(lambda layer: layer.layer.neurons),
        weight=weight,
        membrane=membrane,
        bias=np.maximum(membrane, of_layers(lambda layer: max(signed_bits(int(b)) for b in layer.b))),
        pixel=pixel,
        current=current,
        sum=np.where(pixel, current, membrane),
        compares=of_layers(lambda layer: (layer.reset != "none") + layer.reset.startswith("subtract")),
        leak=of_layers(lambda layer: layer.beta.bit_length() if layer.beta & (layer.beta - 1) else 0),
    )


def _layerwise_scans(stimulus, bits, groups, inputs, scanned, read):
    """Bits that "layerwise" scans and reads; a layer of pixels is as ours."""
    steps = stimulus.num_steps
    layers = [layer.layer for layer in stimulus.network.layers]
    is_conv = np.array([layer.kind == "conv2d" for layer in layers])
    frame = np.array([prod(frames.shape[2:]) for frames in stimulus.frames])
    channels = np.array([frames.shape[-1] for frames in stimulus.frames])
    looks_of_conv = groups * (2 * inputs + steps * channels * (2 * CHUNKS + 3))
    words = np.array([words_scanned(layer) for layer in layers])
    looks = np.where(is_conv, looks_of_conv, 2 * inputs + steps * (2 * words + 2))
    word_bits = np.where(is_conv, -(-frame // (channels * CHUNKS)), np.minimum(frame, SCANNED))
    scanned = np.where(bits.pixel, scanned, looks * word_bits + np.where(is_conv, 0, steps * frame))
    return scanned, read * np.where(is_conv & (bits.pixel == 0), groups, 1)


def _mean_additions(stimulus, lanes, words, tap_counts, schedule, shares):
    """Mean cycles with an addition, inputs and words of zeros of an image, (L,) each.

    `shares` says how much of each step is added, (B, L, T); None for all of it.
    """
    network, times = stimulus.network, np.ones(len(lanes))
    if schedule == "dense":  # one step stands for all, except of pixels
        times[:] = stimulus.num_steps
        if network.input_bits:
            times[0] = 1
        stimulus = stimulus.one_dense_step()
    means = []
    for index, (count, in_lanes, taps) in enumerate(zip(lanes.tolist(), words, tap_counts.tolist())):
        parts = additions(stimulus, index, count, in_lanes, taps)
        share = 1 if shares is None else shares[:, index]
        means.append([(part * share).sum(axis=1).mean() for part in (parts.adds, parts.inputs, parts.zero_words)])
    return np.array(means).T * times
