"""The cycle model: which layer does what in which clock cycle, predicted from pixels and spikes alone.

Layers overlap: while layer l adds the inputs of step t, layer l + 1 adds those of step t - 1. Let A be the cycles from
the begin of a step until its inputs are added, and N the cycles of a firing pass. Step t of layer l begins in cycle b,
has added its inputs in cycle e, and its firing pass starts in cycle s:

    b[l, t] = max(s[l-1, t] + N[l-1] + 6, s[l, t-1] + N[l] + 1)      its frame is complete; its last step has ended
    e[l, t] = b[l, t] + A[l, t]                                      its inputs are added; the bank they lay in is free
    s[l, t] = max(e[l, t], e[l+1, t-2] + 1, s[l, t-1] + N[l] + 6)    it has added; l + 1 has a free bank; it is drained

The frame of a layer lies in one of two banks, so layer l fires step t into the bank that layer l + 1 emptied two steps
before. 6 is the number of cycles from the last neuron of a firing pass until its spikes are written and the pipeline of
the layer is empty (drained). In the first equation it is 2 more if layer l - 1 takes pixels, and 2 more if it adds
several taps at once; where N[l] stands, a layer that adds several taps at once and takes spikes adds 1. A layer that
takes pixels has an A only at step 0; later it begins when it fires. If it has a second bank of currents (image i), it
adds pixels while the image before fires:

    b[0, 0] = max(its frame is complete, e[0, 0] of image i-1, plus 1, s[0, T-1] of image i-2, plus N[0] + 1)

N is the number of words of membranes; of a layer that fires all positions of a pooling window at once, that of pooled
words. The last beat of the answer follows the last firing pass after a number of cycles that depends on the size of the
last layer alone.

The compiled loops are in ``loops``, with every term; tests hold them to the gates of ``hw/``, cycle by cycle, without
tolerance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import check
from ..errors import InputError
from ..fixed.early_exit import NEVER
from ..fixed.model import IntegerModel
from ..fixed.network import IntegerNetwork
from .additions import Additions, additions_of_layers
from .layerwise import layerwise_cycles
from .layout import (
    check_lanes,
    check_positions,
    check_second_bank,
    check_taps,
    default_lanes,
    depths,
    frame_shape,
    inputs_of_words,
    words_of_frame,
)
from .stimulus import Stimulus

SCHEDULES = ("pipelined", "layerwise", "dense")
MOMENTS = ("first", "last", "decided", "over")  # of an image
EVENTS = ("begins", "added", "firing_starts", "ends")  # of a step; also the bits of a layer's probe, from the lowest up


@dataclass(frozen=True, kw_only=True, repr=False)
class Cycles:
    """Predicted clock cycles of B images, L layers and T steps.

    Attributes
    ----------
    latency : ndarray of int64, shape (B,)
        Cycles from an image's first word to its answer's last beat, both included, in an empty accelerator.
    interval : float
        Mean cycles between two answers when images follow one another without a pause.
    utilisation : tuple of L floats
        Share of the cycles of such a stream, from the first word to the last answer, in which a layer adds, or is in
        its firing pass, or both.
    overlap : float
        Mean cycles of an image of such a stream in which the first layer does both, with its second bank of currents.
    begins, added, firing_starts, ends : ndarray of int64, shape (B, L, T)
        Cycle in which a step begins, in which all its inputs are added, in which its firing pass starts (the first
        neurons have their turn in the next cycle), and the one after the firing pass. Cycle 0 takes the image's first
        word. The schedule "layerwise" has no such events: shape (B, L, 0).
    adding : ndarray of int64, shape (B, L, T)
        Cycles from the begin of a step until all is added; of "layerwise" all cycles.
    firing : ndarray of int64, shape (L,)
        Cycles of a firing pass.
    bound : ndarray of int64, shape (B, L, T)
        No design with these lanes adds in fewer cycles: the maximum of additions, and inputs plus words of zeros.
    least : ndarray of int64, shape (B,)
        Latency if additions took `bound` and nothing came between additions and firing passes.
    steps : ndarray of int64, shape (B,)
        Steps after which an image is answered: T without early exit.
    decided, over : ndarray of int64, shape (B,)
        The cycle from which on the rest of an image is dropped that is answered before its last step, and the one in
        which its answer is sent and nothing of it is left. For any other image both are the cycle of the answer's last
        beat.

    With early exit an event that a dropped step does not have is in cycle NEVER, and `adding` and `bound` are those of
    what is added before the image is dropped.
    """

    latency: np.ndarray
    interval: float
    utilisation: tuple[float, ...]
    overlap: float
    begins: np.ndarray
    added: np.ndarray
    firing_starts: np.ndarray
    ends: np.ndarray
    adding: np.ndarray
    firing: np.ndarray
    bound: np.ndarray
    least: np.ndarray
    steps: np.ndarray
    decided: np.ndarray
    over: np.ndarray

    def __repr__(self):
        images, busy = len(self.latency), ", ".join(f"{100 * share:.1f}" for share in self.utilisation)
        return (
            f"Cycles({images} image{'s' * (images != 1)}, latency {self.latency.mean():,.0f} in the mean, "
            f"{self.interval:,.0f} between answers, layers busy {busy} %)"
        )

    @property
    def waiting(self) -> np.ndarray:
        """Cycles in which each layer waits, (B, L, T)."""
        return waits(self.added, self.firing_starts)

    @property
    def idle(self) -> np.ndarray:
        """Cycles of each image in which a layer neither adds, waits, nor is in its firing pass, (B, L)."""
        busy = self.adding.sum(axis=2) + self.waiting.sum(axis=2) + self.firing * self.passes
        return self.over[:, None] + 1 - busy

    @property
    def passes(self) -> np.ndarray:
        """Firing passes of each image, (B, L)."""
        return (self.firing_starts != NEVER).sum(axis=2)


def waits(added: np.ndarray, firing_starts: np.ndarray) -> np.ndarray:
    """Return the cycles in which a layer waits: its frame is added, and its firing pass has not started.

    A step that is dropped before its firing pass waits for nothing.

    The next layer then has no free bank (of the last layer: the answer before is not sent). After a frame with hardly
    any inputs the layer may also wait up to two cycles until its last firing pass is drained. A layer that takes pixels
    does not wait but is *idle* between two firing passes of an image: it has nothing to add, so in the cycle model
    such a step begins, and is added, in the cycle in which its firing pass starts.
    """
    return np.where(firing_starts == NEVER, 0, firing_starts - added)


def cycles(
    model: IntegerModel,
    images: np.ndarray,
    lanes: Sequence[int] | None = None,
    margin: float | None = None,
    **options: Any,
) -> Cycles:
    """Predict the clock cycles of raw images on the accelerator.

    Parameters
    ----------
    model : minisnn.fixed.model.IntegerModel
    images : ndarray of shape (B, ...)
        Raw images, like those that the model was trained on.
    lanes : sequence of int, optional
        Lanes of each layer; by default up to 32 for a convolution and up to 8 for a fully connected layer.
    margin : int or LOSSLESS, optional
        Margin of early exit, see :mod:`minisnn.fixed.early_exit`; by default every image takes all steps.
    **options
        Options of :func:`predict`: `schedule`, `word_every`, `in_lanes`, `taps`, `second_bank`,
        `positions`.

    Returns
    -------
    cycles : Cycles

    Raises
    ------
    InputError
        If images, lanes or options do not fit the network.

    Examples
    --------
    >>> import minisnn as ms
    >>> data = ms.load_data("digits")
    >>> net = ms.Network("16-10", data.input_shape, rng=np.random.default_rng(0))
    >>> integer, _ = ms.quantize(ms.Model(net, ms.Encoder("direct", 3, max_value=16.0)), images=data.x_train)
    >>> bool(ms.cycles(integer, data.x_test[:2]).latency.max() < 1000)
    True
    """
    return predict(Stimulus.of_images(model, images, margin=margin), lanes, **options)


def predict(
    stimulus: Stimulus,
    lanes: Sequence[int] | None = None,
    schedule: str = "pipelined",
    word_every: int = 1,
    in_lanes: int | None = None,
    taps: Sequence[int] | None = None,
    second_bank: bool = False,
    positions: Sequence[int] | None = None,
) -> Cycles:
    """Predict the clock cycles of a stimulus.

    Parameters
    ----------
    stimulus : Stimulus
    lanes : sequence of int, optional
        One number for each layer; by default :func:`minisnn.timing.layout.default_lanes`.
    schedule : "pipelined", "layerwise" or "dense"
        The accelerator; the public RTL of the paper's group, which runs one layer after the other (see
        :mod:`minisnn.timing.layerwise`); the accelerator with every input spiking. Early exit has only the first.
    word_every : int
        Cycles from one word of the input stream to the next, at least.
    in_lanes : int, optional
        Inputs in a word of the input stream; by default as :func:`minisnn.timing.layout.inputs_of_words` says.
    taps : sequence of int, optional
        Taps of an input that each layer adds at once: 1, or of a convolution also k or k * k, with a kernel of k; by
        default 1. "layerwise" always adds one.
    second_bank : bool
        The first layer, which takes pixels, has a second bank of currents; see
        :func:`minisnn.timing.layout.check_second_bank`. "layerwise" has none.
    positions : sequence of int, optional
        Positions that each layer fires in a cycle: 1, or with all taps at once those of a pooling window; see
        :func:`minisnn.timing.layout.position_choices`. By default 1; "layerwise" always fires one.

    Returns
    -------
    cycles : Cycles

    Raises
    ------
    InputError
        If lanes, taps, positions or a second bank do not fit the network, or the schedule does not exist.
    """
    network = stimulus.network
    lanes = check_lanes(network, default_lanes(network) if lanes is None else lanes)
    words = inputs_of_words(network, lanes, in_lanes)
    check.choice("schedule", schedule, SCHEDULES)
    if word_every < 1:
        raise InputError(f"word_every must be at least 1, got {word_every}")
    taps = check_taps(network, taps)
    check_second_bank(network, second_bank)
    positions = check_positions(network, taps, positions)
    if schedule == "layerwise":
        return _layerwise(stimulus, lanes, words[0])
    if schedule == "dense":
        parts = _dense_additions(stimulus, lanes, words, taps)
    else:
        parts = additions_of_layers(stimulus, lanes, words, taps)
    last_steps = stimulus.last_steps if schedule == "pipelined" else None
    design = network, lanes, words[0], taps, positions
    return _pipelined(parts, design, word_every, last_steps, second_bank)


def _pipelined(parts, design, word_every, last_steps, second_bank):
    """Cycles of images whose additions are `parts`, (B, L, T)."""
    network, lanes, in_lanes, taps, positions = design
    images, _, steps = parts.cycles.shape
    bound, firing = np.maximum(parts.adds, parts.inputs + parts.zero_words), depths(network, lanes, positions)

    def at(additions, **options):
        numbers = network, additions, lanes, in_lanes, taps, word_every
        return recurrence(*numbers, last_steps=last_steps, positions=positions, **options)

    times, stream = at(parts.cycles), at(parts.cycles, alone=False, second_bank=second_bank)
    least = at(bound, overhead=False)
    latency = times["last"] - times["first"] + 1
    passes = (stream["firing_starts"] != NEVER).sum(axis=(0, 2))
    busy = _added(parts.cycles, stream).sum(axis=(0, 2)) + firing * passes
    overlap = _overlap(stream, int(firing[0])) if second_bank else 0
    busy[0] -= overlap
    adding = _added(parts.cycles, times)
    return Cycles(
        latency=latency,
        interval=float(np.diff(stream["last"]).mean()) if images > 1 else float(latency[0]),
        utilisation=tuple((busy / (stream["last"][-1] - stream["first"][0] + 1)).tolist()),
        overlap=overlap / images,
        **{name: times[name] for name in EVENTS},
        adding=adding,
        firing=firing,
        bound=np.minimum(bound, adding),
        least=least["last"],
        steps=np.full(images, steps) if last_steps is None else last_steps,
        decided=times["decided"],
        over=times["over"],
    )


def _added(adding, times):
    """Cycles of additions, less those of dropped steps."""
    return np.minimum(adding, times["added"] - times["begins"])


def _overlap(times, firing):
    """Cycles in which the first layer adds an image's pixels during a firing pass of another image."""
    starts = times["firing_starts"][:, 0]
    starts = starts[starts != NEVER] + 1  # neurons have their turns from the next cycle on

    def fired(cycle):  # turns before this cycle
        passes = np.searchsorted(starts, cycle)
        return passes * firing - np.maximum(starts[passes - 1] + firing - cycle, 0) * (passes > 0)

    return int((fired(times["added"][:, 0, 0]) - fired(times["begins"][:, 0, 0])).sum())


def _dense_additions(stimulus, lanes, words, taps):
    """Additions of a step in which every input spikes, for all steps."""
    one_step = additions_of_layers(stimulus.one_dense_step(), lanes, words, taps)
    parts = Additions(*(np.repeat(part, stimulus.num_steps, axis=2) for part in one_step))
    if stimulus.network.input_bits:
        for part in parts:
            part[:, 0, 1:] = 0  # pixels are added once
    return parts


def _layerwise(stimulus, lanes, in_lanes):
    """Cycles of the schedule "layerwise"."""
    cost = layerwise_cycles(stimulus, lanes, in_lanes)
    latency = cost.sum(axis=(1, 2))
    interval = float(latency.mean())
    no_events = np.zeros((*cost.shape[:2], 0), np.int64)
    return Cycles(
        latency=latency,
        interval=interval,
        utilisation=tuple((cost.sum(axis=2).mean(axis=0) / interval).tolist()),
        overlap=0.0,
        **dict.fromkeys(EVENTS, no_events),
        adding=cost,
        firing=np.zeros(len(lanes), np.int64),
        bound=cost,
        least=latency,
        steps=np.full(len(cost), stimulus.num_steps),
        decided=latency - 1,
        over=latency - 1,
    )


def timetable(
    stimulus: Stimulus,
    lanes: Sequence[int],
    word_every: int = 1,
    in_lanes: int | None = None,
    alone: bool = True,
    taps: Sequence[int] | None = None,
    second_bank: bool = False,
    positions: Sequence[int] | None = None,
) -> dict[str, np.ndarray]:
    """Return the cycles of all events, as :func:`recurrence` does; parameters are those of :func:`predict`."""
    network = stimulus.network
    words = inputs_of_words(network, lanes, in_lanes)
    taps = check_taps(network, taps)
    adding = additions_of_layers(stimulus, lanes, words, taps).cycles
    arguments = network, adding, lanes, words[0], taps, word_every, alone
    positions = check_positions(network, taps, positions)
    return recurrence(*arguments, last_steps=stimulus.last_steps, second_bank=second_bank, positions=positions)


def answer_cycles(network: IntegerNetwork, lanes: Sequence[int]) -> int:
    """Return the cycles from the last word of the last layer to the last beat of the answer.

    Each group's words are stored and fetched, each neuron is summed, each class, answer and count is sent. With early
    exit the scores are looked at after every step, which takes one cycle more.
    """
    neurons = network.layers[-1].layer.neurons
    return 2 * -(-neurons // lanes[-1]) + neurons + network.classes + 4


def recurrence(
    network: IntegerNetwork,
    adding: np.ndarray,
    lanes: Sequence[int],
    in_lanes: int,
    taps: Sequence[int],
    word_every: int = 1,
    alone: bool = True,
    overhead: bool = True,
    last_steps: np.ndarray | None = None,
    second_bank: bool = False,
    positions: Sequence[int] | None = None,
) -> dict[str, np.ndarray]:
    """Return the cycles of all events of images whose additions take `adding` cycles, (B, L, T).

    Parameters
    ----------
    alone : bool
        Each image enters an empty accelerator at cycle 0; else only the first does, and each other image is taken as
        soon as possible.
    overhead : bool
        False for a bound: additions and firing passes with nothing between them.
    last_steps : ndarray of int64, shape (B,), optional
        The step after which each image is answered, from 1, of a load with a margin; by default there is none.
    second_bank : bool
        As for :func:`predict`; an image alone takes as long with it as without.
    positions : sequence of int, optional
        As for :func:`predict`.

    Returns
    -------
    times : dict of ndarray of int64
        ``begins``, ``added``, ``firing_starts``, ``ends``, (B, L, T), and ``decided``, ``over``, (B,), of
        :class:`Cycles`; ``first`` and ``last``, (B,), the cycles of an image's first word and of its answer's last
        beat.
    """
    from . import loops

    events = np.zeros((len(EVENTS), *adding.shape), np.int64)
    moments = np.zeros((len(MOMENTS), len(adding)), np.int64)
    loops.pipeline(
        np.ascontiguousarray(adding),
        depths(network, lanes, positions),
        np.array(taps) > 1,
        network.input_bits > 0,
        second_bank,
        words_of_frame(frame_shape(network, 0), in_lanes),
        word_every,
        answer_cycles(network, lanes),
        last_steps is not None,
        np.full(len(adding), adding.shape[2]) if last_steps is None else last_steps,
        alone,
        overhead,
        events,
        moments,
    )
    return dict(zip((*EVENTS, *MOMENTS), (*events, *moments)))
