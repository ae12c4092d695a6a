"""Phases, additions and memory words of each layer in each clock cycle, and the cycles that a step costs."""

from dataclasses import dataclass
from math import prod

import numpy as np

from ..fixed.early_exit import NEVER
from ..timing.layout import (
    count_taps,
    firing_place,
    frame_shape,
    membrane_word,
    place_of_input,
    words_of_additions,
)
from .record import Record

PHASES = ("idle", "adds", "waits", "firing pass")
WORKS = ("handed", "adding", "tap", "weight_word", "membrane_word", "firing_word", "written_word")  # of Doing


@dataclass(frozen=True)
class Doing:
    """Work of a layer in one clock cycle; -1 stands for nothing.

    Attributes
    ----------
    layer : int
        Index of the layer, from 0.
    phase : str
        One of :data:`PHASES`. A layer "adds" from the cycle after its step begins until the last addition is made, then
        "waits" until its firing pass starts. It is "idle" without a frame; a layer that takes pixels has added them at
        step 0, and is idle between its firing passes. A step that is dropped has no firing pass.
    step : int
        The step that the layer is at, or was at; -1 before the first.
    handed : int
        Address of the input that the scanner hands over.
    adding : int
        Address of the input that is added.
    tap : int
        ky * k + kx of that addition; -1 also for all taps at once.
    weight_word, membrane_word : int
        Words of weights and membranes that are read for it; of all taps at once, the first tap's.
    firing_word : int
        Word of membranes whose turn in the firing pass it is: (row * width + column) * groups + group.
    written_word : int
        Word of the next layer's frame that is written.
    """

    layer: int
    phase: str
    step: int
    handed: int
    adding: int
    tap: int
    weight_word: int
    membrane_word: int
    firing_word: int
    written_word: int


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Clock cycles that a step of a layer takes, by what the layer does in them.

    Attributes
    ----------
    begins, added, firing_starts, ends : int
        Events of :class:`minisnn.timing.cycles.Cycles`; -1 for those that a dropped step does not have.
    idle : int
        Cycles since the end of the step before, or since cycle 0, in which the layer has nothing to do.
    adding, scanning : int
        Cycles with an addition; the other cycles until all is added: words of zeros, and the pipeline's filling.
    waiting : int
        Cycles from the last addition until the firing pass starts, or the step is dropped.
    firing : int
        Cycles of the firing pass.
    inputs, additions : int
        Inputs, and weights that they add; of a dropped step, the inputs that were added before.
    """

    begins: int
    added: int
    firing_starts: int
    ends: int
    idle: int
    adding: int
    scanning: int
    waiting: int
    firing: int
    inputs: int
    additions: int


def doing_at(record: Record, layer: int, cycle: int) -> Doing:
    """Return what a layer does in one clock cycle."""
    table = doings(record, layer)
    works = {name: int(table[name][cycle]) for name in WORKS}
    return Doing(layer=layer, phase=PHASES[table["phase"][cycle]], step=int(table["step"][cycle]), **works)


def doings(record: Record, layer: int) -> dict[str, np.ndarray]:
    """Return what a layer does in every cycle, by the names of :class:`Doing`; a phase is its index in PHASES."""
    if layer not in record.doings:
        table = _phases(record, layer) | {name: np.full(record.span, -1) for name in WORKS}
        for step in [0] if record.constant(layer) else np.flatnonzero(record.begins[layer] != NEVER).tolist():
            _enter_additions(table, record, layer, step)
        _enter_firing_passes(table, record, layer)
        record.doings[layer] = table
    return record.doings[layer]


def _phases(record, layer):
    """Phase and step in every cycle."""
    cycle = np.arange(record.span)
    begun = np.flatnonzero(record.begins[layer] != NEVER)
    at = np.searchsorted(record.begins[layer, begun], cycle) - 1  # a layer works from the cycle after its step begins
    step = np.where(at < 0, -1, begun[at])
    idle = (step < 0) | (cycle >= record.over[layer, step])
    firing_starts = record.firing_starts[layer, step]
    phase = np.select(
        [idle, cycle <= record.added[layer, step], (cycle <= firing_starts) | (firing_starts == NEVER)],
        [PHASES.index("idle"), PHASES.index("adds"), PHASES.index("waits")],
        PHASES.index("firing pass"),
    )
    return {"phase": phase, "step": step}


def _enter_additions(table, record, layer, step):
    """Enter what the scanner hands over at a step, and every cycle with an addition, until the step is dropped."""
    addresses, log = record.log(layer, step)
    handed, first, count = log.T
    added = record.added[layer, step]
    table["handed"][handed[handed < added]] = addresses[handed < added]
    which = np.repeat(np.arange(len(log)), count)
    turn = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    made = first[which] + turn < added
    which, turn = which[made], turn[made]
    cycle = first[which] + turn
    table["adding"][cycle] = addresses[which]
    shape, taps, groups = record.shape(layer), record.taps[layer], record.groups(layer)
    for name, words in words_of_additions(shape, taps, groups, addresses[which], turn).items():
        table[name][cycle] = words


def _enter_firing_passes(table, record, layer):
    """Enter the words of membranes of every firing pass, and the words of the next frame that it writes."""
    firing_starts = record.firing_starts[layer]
    cycle = np.flatnonzero(table["phase"] == PHASES.index("firing pass"))
    turn = cycle - firing_starts[table["step"][cycle]] - 1
    row, column, group = firing_place(record.shape(layer), record.groups(layer), turn)
    table["firing_word"][cycle] = membrane_word(record.shape(layer), record.groups(layer), row, column, group)
    window, words = record.shape(layer).pool ** 2, _written_words(record, layer)
    last_turns = window * np.arange(1, len(words) + 1) - 1  # of the neurons that complete a pooling window
    for start in firing_starts[firing_starts != NEVER]:
        cycle = start + last_turns + record.delay(layer) + 2
        inside = cycle < record.span
        table["written_word"][cycle[inside]] = words[inside]


def _written_words(record, layer):
    """Return the word of the next frame that each word from the layer's lanes completes, or -1."""
    channels, groups, lanes = record.neuron_shape(layer)[2], record.groups(layer), record.lanes[layer]
    pixel, group = np.divmod(np.arange(prod(record.shape(layer).next_shape) // channels * groups), groups)
    if layer == len(record.lanes) - 1:
        return pixel * groups + group
    last_input = pixel * channels + np.minimum((group + 1) * lanes, channels) - 1
    frame = frame_shape(record.network, layer + 1)
    word, _ = place_of_input(frame, record.in_lanes[layer + 1], last_input)
    return np.where(np.diff(word, append=-1) != 0, word, -1)


def cost(record: Record, layer: int, step: int) -> Cost:
    """Return the clock cycles that a step of a layer takes; raise InputError if there is no such layer or step."""
    shape = record.shape(layer)
    step = record.checked_step(step)
    begins, added, firing_starts, ends = record.times[:, layer, step].tolist()
    fires = firing_starts != NEVER
    ended = NEVER if begins == NEVER else int(record.over[layer, :step].max(initial=0))  # a step before may be dropped
    adding = inputs = additions = 0
    if begins != NEVER and not (record.constant(layer) and step):  # else the pixels are added already
        addresses, log = record.log(layer, step)
        _, first, count = log.T
        whole = np.where(count > 0, first + count, log[:, 0] + 1) <= added  # not dropped before
        frame = np.zeros_like(record.frame(layer, step))
        frame.reshape(-1)[addresses[whole]] = 1
        inputs, adding = int(whole.sum()), int(np.clip(added - first, 0, count).sum())
        additions = count_taps(shape, frame) * shape.w_shape[-1]
    return Cost(
        begins=begins,
        added=added,
        firing_starts=firing_starts,
        ends=ends,
        idle=begins - ended,
        adding=adding,
        scanning=added - begins - adding,
        waiting=(firing_starts if fires else max(added, record.decided)) - added if begins != NEVER else 0,
        firing=ends - firing_starts - 1 if fires else 0,
        inputs=inputs,
        additions=additions,
    )
