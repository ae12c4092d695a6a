"""The timing of the accelerator: which layer does what in which clock cycle, from pixels and spikes alone.

Layers overlap: while layer l adds the spikes of step t, layer l + 1 adds those of step t - 1. With A the cycles that a
frame's additions take and N those of a firing pass, the begin b, the end of additions e, the start of firing s of layer
l at step t follow from

    b[l, t] = max(s[l-1, t] + N[l-1] + 6, s[l, t-1] + N[l] + 1)      its frame is whole; the step before has fired
    e[l, t] = b[l, t] + A[l, t]                                      its frame's bank is given back
    s[l, t] = max(e[l, t], e[l+1, t-2] + 1, s[l, t-1] + N[l] + 6)    there is a free bank to fire into; it has settled

(a layer of pixels has A only at its first step). The loops are in ``minisnn/timing/loops.py``; what they say is held
against the gates of ``hw/``, cycle by cycle, without tolerance.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from ..errors import InputError
from . import loops as timing

SCHEDULES = ("pipelined", "layerwise", "dense")
CHUNKS = 4  # the authors' RTL scans a channel's frame in quarters


@dataclass(frozen=True)
class Cycles:
    """When what happens, for B images, L layers, T steps.

    Attributes
    ----------
    latency : ndarray of int64, shape (B,)
        Cycles of each image that enters an empty accelerator: from the one in which its first word is taken to the one
        in which its answer's last beat is, both included.
    interval : float
        Cycles between two answers when images follow one another without a pause, mean.
    utilisation : tuple of L floats
        Share of a stream's cycles, from the first word to the last answer, in which a layer adds or fires.
    begins, added, firing_starts, ends : ndarray of int64, shape (B, L, T), or None
        Cycle (0: the image's first word is taken) in which a step begins, in which all is added, in which the firing
        pass starts (it fires in the cycles after it), and the one after its last firing. None for "layerwise".
    adding, firing : ndarray of int64, shape (B, L, T) and (L,)
        Cycles from begin to the end of the additions, and of a firing pass. For "layerwise" `adding` has all.
    bound : ndarray of int64, shape (B, L, T)
        No design with these lanes adds in fewer cycles: the greater of additions, and inputs plus words of zeros.
    least : ndarray of int64, shape (B,)
        The recurrence fed with `bound` and the firing passes, with nothing between them.

    Examples
    --------
    Two inputs and two neurons on one lane; both inputs spike at step 0, and none at step 1:

    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> net = Network("2", (2,), rng=np.random.default_rng(0))
    >>> network = quantize(Model(net, Encoder("rate", 2)))[0].network
    >>> frame = np.array([[[1, 1]], [[0, 0]]], np.uint8)  # step 0: both inputs spike; step 1: none
    >>> stimulus = Stimulus.of_frames(network, [frame], 2)
    >>> found = predict(stimulus, lanes=(1,))
    >>> found.begins.tolist(), found.added.tolist()  # the additions end 10 cycles after the begin, and 3
    ([[[1, 14]]], [[[11, 17]]])
    >>> found.firing_starts.tolist(), found.ends.tolist()  # the firing passes of two neurons
    ([[[11, 19]]], [[[14, 22]]])
    >>> found.latency.tolist(), found.least.tolist()  # what there is around 4 additions, a word of zeros and 4 firings
    ([39], [9])
    """

    latency: np.ndarray
    interval: float
    utilisation: tuple
    begins: np.ndarray
    added: np.ndarray
    firing_starts: np.ndarray
    ends: np.ndarray
    adding: np.ndarray
    firing: np.ndarray
    bound: np.ndarray
    least: np.ndarray


def cycles(model, images, lanes=None, **options):
    """Predict the clock cycles of raw images on the accelerator.

    Parameters
    ----------
    model : minisnn.fixed.model.IntegerModel
    images : ndarray of shape (B, ...)
        Raw images, as the model was trained on.
    lanes : sequence of int, optional
        Adders of each layer; :func:`default_lanes` by default.
    **options
        Of :func:`predict`: `schedule`, `wide`, `word_every`, ...

    Returns
    -------
    cycles : Cycles

    Raises
    ------
    InputError
        If images or lanes do not fit the network.

    Examples
    --------
    >>> import minisnn as ms
    >>> data = ms.load_data("digits")
    >>> net = ms.Network("16-10", data.input_shape, rng=np.random.default_rng(0))
    >>> integer, _ = ms.quantize(ms.Model(net, ms.Encoder("direct", 3, max_value=16.0)), images=data.x_train)
    >>> bool(ms.cycles(integer, data.x_test[:2]).latency.max() < 1000)
    True
    """
    stimulus = Stimulus.of_images(model, images)
    return predict(stimulus, default_lanes(model.network) if lanes is None else lanes, **options)


def default_lanes(network):
    """Up to 32 lanes for a convolution, 8 for a fully connected layer.

    Parameters
    ----------
    network : fixed.network.IntegerNetwork

    Returns
    -------
    lanes : tuple of L ints
        No more than a layer has output channels.

    Examples
    --------
    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> net = Network("48C3-MP2-10", (8, 8, 2), padding=1, rng=np.random.default_rng(0))
    >>> network = quantize(Model(net, Encoder("rate", 4)))[0].network
    >>> default_lanes(network)
    (32, 8)
    """
    return tuple(min(each.layer.w_shape[-1], 32 if each.layer.kind == "conv2d" else 8) for each in network.layers)


def words_of_input(network):
    """Inputs in a word of the input stream: the channels of a pixel; of a flat row 4 pixels or 32 spikes.

    Parameters
    ----------
    network : fixed.network.IntegerNetwork

    Returns
    -------
    in_lanes : int

    Examples
    --------
    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> net = Network("48C3-MP2-10", (8, 8, 2), padding=1, rng=np.random.default_rng(0))
    >>> network = quantize(Model(net, Encoder("rate", 4)))[0].network
    >>> words_of_input(network)  # a pixel of two channels
    2
    """
    channels = network.input_shape[-1]
    return channels if len(network.input_shape) == 3 else min(channels, 4 if network.input_bits else 32)


def taps(network, wide):
    """Taps that each layer adds at once: all of a convolution's if it is wide, else 1.

    Parameters
    ----------
    network : fixed.network.IntegerNetwork
    wide : bool, or sequence of bool
        One for all layers, or one for each; what is no convolution, or has a kernel of 1, is never wide.

    Returns
    -------
    taps : tuple of L ints

    Raises
    ------
    InputError
        If they are not one for each layer.

    Examples
    --------
    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> net = Network("48C3-MP2-10", (8, 8, 2), padding=1, rng=np.random.default_rng(0))
    >>> network = quantize(Model(net, Encoder("rate", 4)))[0].network
    >>> taps(network, wide=True)  # 3 x 3; there is nothing to widen in the fully connected layer
    (9, 1)
    """
    wides = [wide] * len(network.layers) if isinstance(wide, bool) else list(wide)
    if len(wides) != len(network.layers):
        raise InputError(f"wide must be one for all, or one for each of {len(network.layers)} layers, got {wide!r}")
    return tuple(
        each.layer.w_shape[0] ** 2 if yes and each.layer.kind == "conv2d" else 1
        for each, yes in zip(network.layers, wides)
    )


def check_lanes(network, lanes):
    """Lanes as a tuple.

    Parameters
    ----------
    network : fixed.network.IntegerNetwork
    lanes : sequence of int

    Returns
    -------
    lanes : tuple of L ints

    Raises
    ------
    InputError
        If they are not one for each layer, from 1 to its output channels.

    Examples
    --------
    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> net = Network("48C3-MP2-10", (8, 8, 2), padding=1, rng=np.random.default_rng(0))
    >>> network = quantize(Model(net, Encoder("rate", 4)))[0].network
    >>> check_lanes(network, [16, 10])
    (16, 10)
    >>> check_lanes(network, [16, 11])
    Traceback (most recent call last):
    minisnn.errors.InputError: layer 2 has 10 output channels: its lanes must be 1 to as many, got 11
    """
    lanes = tuple(lanes)
    if len(lanes) != len(network.layers):
        raise InputError(
            f"lanes must be one number for each of {len(network.layers)} layers, got {'/'.join(map(str, lanes))}"
        )
    for number, (each, count) in enumerate(zip(network.layers, lanes), 1):
        if not isinstance(count, (int, np.integer)) or not 1 <= count <= each.layer.w_shape[-1]:
            raise InputError(
                f"layer {number} has {each.layer.w_shape[-1]} output channels: its lanes must be 1 to as "
                f"many, got {count}"
            )
    return tuple(int(count) for count in lanes)


@dataclass(frozen=True)
class Stimulus:
    """What the layers of a network take: frames of each, of which what is not 0 costs cycles.

    Attributes
    ----------
    network : fixed.network.IntegerNetwork
    frames : list of L ndarrays of unsigned integers, shape (T or 1, B, H, W, C)
        A flat row is one pixel; pixels are the same at every step, and stand there once.
    num_steps : int
        T.

    Examples
    --------
    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> net = Network("4C3-MP2-3", (6, 6, 1), rng=np.random.default_rng(0))
    >>> images = np.random.default_rng(1).integers(0, 256, (5, 6, 6, 1)).astype(np.uint8)
    >>> model, _ = quantize(Model(net, Encoder("direct", 4)), images=images)
    >>> stimulus = Stimulus.of_images(model, images)
    >>> [frames.shape for frames in stimulus.frames]  # the pixels once; spikes after the pool at each of 4 steps
    [(1, 5, 6, 6, 1), (4, 5, 1, 4, 4)]

    The same from a run that is there already, and from frames:

    >>> inputs, run = next(model.run(images, keep="spikes"))
    >>> same = Stimulus.of(model.network, inputs, run, 4)
    >>> all(np.array_equal(a, b) for a, b in zip(same.frames, stimulus.frames))
    True
    >>> silent = Stimulus.of_frames(model.network, [inputs, 0 * run.out[0]], 4)  # what if layer 1 never fired?
    >>> bool((predict(silent).latency < predict(stimulus).latency).all())
    True
    >>> stimulus.images, stimulus.first(2).images
    (5, 2)
    """

    network: object
    frames: list
    num_steps: int

    @classmethod
    def of(cls, network, inputs, run, num_steps):
        """From the inputs of :meth:`IntegerNetwork.forward` and the run that it returned with ``keep="spikes"``.

        Parameters
        ----------
        network : fixed.network.IntegerNetwork
        inputs : ndarray of unsigned integers, shape (T or 1, B, ...)
        run : fixed.network.IntegerRun
        num_steps : int
            T.

        Returns
        -------
        stimulus : Stimulus
        """
        return cls.of_frames(network, [inputs, *run.out[:-1]], num_steps)

    @classmethod
    def of_frames(cls, network, frames, num_steps):
        """From what each layer takes, of the shapes that layers hand on.

        Parameters
        ----------
        network : fixed.network.IntegerNetwork
        frames : list of L ndarrays of unsigned integers, shape (T or 1, B, ...)
        num_steps : int
            T.

        Returns
        -------
        stimulus : Stimulus
        """
        return cls(network, [_as_maps(x, each.layer) for x, each in zip(frames, network.layers)], num_steps)

    @classmethod
    def of_images(cls, model, images, threads=None, progress=lambda count: None):
        """From raw images, batch by batch.

        Parameters
        ----------
        model : fixed.model.IntegerModel
        images : ndarray, shape (B, ...)
        threads : int, optional
            All processors by default.
        progress : callable
            Called with a number of images when they are done.

        Returns
        -------
        stimulus : Stimulus

        Raises
        ------
        InputError
            If the images do not fit the network.
        """
        parts = [
            cls.of(model.network, inputs, run, model.num_steps).frames
            for inputs, run in model.run(images, "spikes", threads, progress=progress)
        ]
        return cls(model.network, [np.concatenate(frames, axis=1) for frames in zip(*parts)], model.num_steps)

    def first(self, count):
        """The first images alone."""
        return Stimulus(self.network, [frames[:, :count] for frames in self.frames], self.num_steps)

    @property
    def images(self):
        """B, the number of images."""
        return self.frames[0].shape[1]


def _as_maps(x, layer):
    """(T, B, H, W, C): a flat row is one pixel; maps that are flattened are a row of pixels."""
    if layer.kind == "conv2d":
        return x
    return x.reshape(*x.shape[:2], 1, -1, x.shape[-1] if x.ndim == 5 else int(np.prod(x.shape[2:])))


def additions(stimulus, layer_index, lanes, in_lanes, wide=False):
    """What a layer's additions take, of each image and step.

    Parameters
    ----------
    stimulus : Stimulus
    layer_index : int
        From 0.
    lanes, in_lanes : int
        Of this layer, and inputs in a word of its frame.
    wide : bool
        It adds all taps at once.

    Returns
    -------
    additions : ndarray of int64, shape (4, B, T)
        Cycles until all is added, cycles with an addition, inputs that are not 0, words of zeros.

    Examples
    --------
    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> net = Network("2", (2,), rng=np.random.default_rng(0))
    >>> network = quantize(Model(net, Encoder("rate", 2)))[0].network
    >>> frame = np.array([[[1, 1]], [[0, 0]]], np.uint8)  # step 0: both inputs spike; step 1: none
    >>> stimulus = Stimulus.of_frames(network, [frame], 2)
    >>> additions(stimulus, 0, lanes=1, in_lanes=2)[:, 0].tolist()  # two spikes for two neurons: 4 additions
    [[10, 3], [4, 0], [2, 0], [0, 1]]
    >>> additions(stimulus, 0, lanes=2, in_lanes=2)[:, 0].tolist()  # on two lanes, 2
    [[8, 3], [2, 0], [2, 0], [0, 1]]
    """
    frames = stimulus.frames[layer_index]
    result = np.zeros((4, frames.shape[1], stimulus.num_steps), np.int64)
    timing.additions_of_frames(
        frames, in_lanes, *_shape_of_walk(stimulus.network.layers[layer_index].layer, lanes), wide, result
    )
    return result


def _shape_of_walk(layer, lanes):
    """Kernel, padding, frame of neurons, groups of lanes, whether flat: as of ``timing.additions``."""
    flat = layer.kind == "linear"
    shape = (1, 0, 1, 1) if flat else (layer.w_shape[0], layer.padding, *layer.out_shape[:2])
    return *shape, -(-layer.w_shape[-1] // lanes), flat


def log_of_additions(frame, layer, lanes, in_lanes, wide=False):
    """When each input of a frame is added.

    Parameters
    ----------
    frame : ndarray of unsigned integers, shape (H, W, C)
    layer : topology.LayerShape
    lanes, in_lanes, wide
        As of :func:`additions`.

    Returns
    -------
    log : ndarray of int64, shape (inputs that are not 0, 3)
        In the order of addresses: cycle in which the scanner hands it over, cycle of its first addition, and number of
        additions, one a cycle; cycles since the begin of the step. Without an addition the second says nothing.

    Examples
    --------
    >>> from minisnn.topology import parse
    >>> layer, = parse("4", (6,))
    >>> frame = np.array([[[0, 1, 0, 0, 1, 1]]], np.uint8)
    >>> log_of_additions(frame, layer, lanes=2, in_lanes=6).tolist()  # inputs 1, 4, 5: each for two groups of lanes
    [[3, 6, 2], [4, 8, 2], [5, 10, 2]]
    """
    log = np.zeros((np.count_nonzero(frame), 3), np.int64)
    timing.additions(frame, in_lanes, *_shape_of_walk(layer, lanes), wide, log)
    return log


def depths(network, lanes):
    """Cycles of each layer's firing pass: neurons of a channel times groups of lanes.

    Parameters
    ----------
    network : fixed.network.IntegerNetwork
    lanes : sequence of L ints

    Returns
    -------
    depths : ndarray of int64, shape (L,)

    Examples
    --------
    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> net = Network("48C3-MP2-10", (8, 8, 2), padding=1, rng=np.random.default_rng(0))
    >>> network = quantize(Model(net, Encoder("rate", 4)))[0].network
    >>> depths(network, (32, 10)).tolist()  # 8 x 8 neurons of 48 channels in two groups; all 10 at once
    [128, 1]
    """
    return np.array(
        [
            each.layer.neurons // each.layer.w_shape[-1] * -(-each.layer.w_shape[-1] // count)
            for each, count in zip(network.layers, lanes)
        ],
        np.int64,
    )


def _all_additions(stimulus, lanes, in_lanes, wides):
    """:func:`additions` of all layers, (4, B, L, T)."""
    return np.stack(
        [
            additions(stimulus, index, count, words, wide)
            for index, (count, words, wide) in enumerate(zip(lanes, (in_lanes, *lanes), wides))
        ],
        2,
    )


def _dense(stimulus):
    """One step with every spike set; pixels are taken from all images as they are."""
    network = stimulus.network
    full = [np.ones((1, stimulus.images, *frames.shape[2:]), np.uint8) for frames in stimulus.frames]
    frames = [stimulus.frames[0], *full[1:]] if network.input_bits else full
    return Stimulus(network, frames, 1)


def predict(stimulus, lanes=None, schedule="pipelined", word_every=1, in_lanes=None, wide=False):
    """The cycles of images.

    Parameters
    ----------
    stimulus : Stimulus
    lanes : sequence of int, optional
        One number for each layer; by default :func:`default_lanes`.
    schedule : "pipelined", "dense" or "layerwise"
        The accelerator; the same with every spike set; the authors' public RTL (one layer after the other).
    word_every : int
        Cycles from one word of the input stream to the next, at least.
    in_lanes : int, optional
        Inputs in a word of the input stream; by default :func:`words_of_input`.
    wide : bool, or sequence of bool
        Convolutions add all taps of an input at once; see :func:`taps`. "layerwise" never does.

    Returns
    -------
    cycles : Cycles

    Raises
    ------
    InputError
        For lanes or a schedule that cannot be.

    Examples
    --------
    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> net = Network("2", (2,), rng=np.random.default_rng(0))
    >>> network = quantize(Model(net, Encoder("rate", 2)))[0].network
    >>> frame = np.array([[[1, 1]], [[0, 0]]], np.uint8)  # step 0: both inputs spike; step 1: none
    >>> stimulus = Stimulus.of_frames(network, [frame], 2)
    >>> {schedule: predict(stimulus, (1,), schedule).latency.tolist() for schedule in SCHEDULES}
    {'pipelined': [39], 'layerwise': [40], 'dense': [44]}
    >>> predict(stimulus, (2,)).latency.tolist()  # a lane more
    [33]
    """
    network = stimulus.network
    lanes = check_lanes(network, default_lanes(network) if lanes is None else lanes)
    in_lanes = words_of_input(network) if in_lanes is None else in_lanes
    if schedule not in SCHEDULES:
        raise InputError(f"schedule must be one of {', '.join(SCHEDULES)}, got {schedule!r}")
    if word_every < 1:
        raise InputError(f"word_every must be at least 1, got {word_every}")
    if schedule == "layerwise":
        return _layerwise(stimulus, lanes, in_lanes)
    wides = [count > 1 for count in taps(network, wide)]
    if schedule == "dense":
        parts = _all_additions(_dense(stimulus), lanes, in_lanes, wides)
        parts = np.repeat(parts, stimulus.num_steps, axis=3)
        if network.input_bits:
            parts[:, :, 0, 1:] = 0  # pixels are added once
    else:
        parts = _all_additions(stimulus, lanes, in_lanes, wides)
    adding, adds, inputs, zero_words = parts  # each (B, L, T)
    bound = np.maximum(adds, inputs + zero_words)
    firing = depths(network, lanes)
    times = _pipeline(network, adding, lanes, in_lanes, wides, word_every, alone=True)
    stream = _pipeline(network, adding, lanes, in_lanes, wides, word_every, alone=False)
    least = _pipeline(network, bound, lanes, in_lanes, wides, word_every, alone=True, overhead=False)
    interval = (
        float(np.diff(stream["last"]).mean())
        if stimulus.images > 1
        else float(times["last"][0] - times["first"][0] + 1)
    )
    busy = adding.sum(axis=(0, 2)) + firing * stimulus.num_steps * stimulus.images
    busy = busy / (stream["last"][-1] - stream["first"][0] + 1)
    return Cycles(
        times["last"] - times["first"] + 1,
        interval,
        tuple(busy.tolist()),
        times["begins"],
        times["added"],
        times["firing_starts"],
        times["ends"],
        adding,
        firing,
        bound,
        least["last"],
    )


def _pipeline(network, adding, lanes, in_lanes, wides, word_every, alone, overhead=True):
    """The recurrence's arrays, by name."""
    shape = network.input_shape
    words = -(-shape[-1] // in_lanes) * int(np.prod(shape[:-1], dtype=int))
    last = network.layers[-1].layer.neurons
    answer = 2 * -(-last // lanes[-1]) + last + network.classes + 4
    out = {name: np.zeros(adding.shape, np.int64) for name in ("begins", "added", "firing_starts", "ends")}
    out |= {name: np.zeros(len(adding), np.int64) for name in ("first", "last")}
    timing.pipeline(
        np.ascontiguousarray(adding),
        depths(network, lanes),
        np.array(wides, bool),
        network.input_bits > 0,
        words,
        word_every,
        answer,
        alone,
        overhead,
        *out.values(),
    )
    return out


def timetable(stimulus, lanes, word_every=1, in_lanes=None, alone=True, wide=False):
    """The cycles of all that begins and ends.

    Parameters
    ----------
    stimulus, lanes, word_every, in_lanes, wide
        As for :func:`predict`.
    alone : bool
        Each image enters an empty accelerator at cycle 0; else the first does, and each is taken as soon as can be.

    Returns
    -------
    times : dict of ndarray of int64
        ``begins, added, firing_starts, ends`` (B, L, T), as of :class:`Cycles`; ``first, last`` (B,): the cycle in
        which an image's first word is taken, and the one of its answer's last beat.

    Examples
    --------
    Three equal images in a stream: each is taken before the one before it has its answer.

    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> net = Network("2", (2,), rng=np.random.default_rng(0))
    >>> network = quantize(Model(net, Encoder("rate", 2)))[0].network
    >>> frame = np.array([3 * [[1, 1]], 3 * [[0, 0]]], np.uint8)  # (T, B, N)
    >>> stimulus = Stimulus.of_frames(network, [frame], 2)
    >>> times = timetable(stimulus, lanes=(1,), alone=False)
    >>> times["first"].tolist(), times["last"].tolist()
    ([0, 12, 33], [38, 66, 94])
    >>> float(np.diff(times["last"]).mean()) == predict(stimulus, (1,)).interval == 28
    True
    """
    in_lanes = words_of_input(stimulus.network) if in_lanes is None else in_lanes
    wides = [count > 1 for count in taps(stimulus.network, wide)]
    adding = _all_additions(stimulus, lanes, in_lanes, wides)[0]
    return _pipeline(stimulus.network, adding, lanes, in_lanes, wides, word_every, alone)


def _layerwise(stimulus, lanes, in_lanes):
    """The authors' schedule: Aliyev & Adegbija's public RTL, as a formula.

    With S the spikes of an input channel (linear: of the whole input), OC outputs, EC lanes: a convolution costs
    ceil(OC/EC) * sum_t(sum_ic max(k^2*S, 2*S + 2*4 + 3) + H_out*W_out), a fully connected layer
    sum_t(IC + 2*4 + 2*S + 2) + ceil(OC/EC) * sum_t(S + 2).
    """
    network, steps = stimulus.network, stimulus.num_steps
    cost = np.zeros((stimulus.images, len(lanes), steps), np.int64)
    for index, (each, count, words) in enumerate(zip(network.layers, lanes, (in_lanes, *lanes))):
        layer = each.layer
        groups = -(-layer.w_shape[-1] // count)
        if index == 0 and network.input_bits > 0:
            cost[:, index] = additions(stimulus, index, count, words)[1]  # cycles with an addition, at step 0
            cost[:, index] += layer.neurons // layer.w_shape[-1] * groups
            continue
        frames = stimulus.frames[index]
        by_channel = frames.sum(axis=(2, 3), dtype=np.int64).swapaxes(0, 1)  # (B, T, C)
        spikes = by_channel.sum(axis=2)
        if layer.kind == "conv2d":
            scan = np.maximum(layer.w_shape[0] ** 2 * by_channel, 2 * by_channel + 2 * CHUNKS + 3).sum(axis=2)
            cost[:, index] = groups * (scan + layer.out_shape[0] * layer.out_shape[1])
        else:
            cost[:, index] = layer.fan_in + 2 * CHUNKS + 2 * spikes + 2 + groups * (spikes + 2)
    latency = cost.sum(axis=(1, 2))
    interval = float(latency.mean())
    return Cycles(
        latency,
        interval,
        tuple((cost.sum(axis=2).mean(axis=0) / interval).tolist()),
        None,
        None,
        None,
        None,
        cost,
        np.zeros(len(lanes), np.int64),
        cost,
        latency,
    )


def balance(stimulus, budget, in_lanes=None, wide=False):
    """Lanes of least mean latency, of at most `budget` in all.

    Lanes matter through the groups that they make, so each layer has few numbers to choose from. From one lane each,
    the lanes of one or two layers are changed, always to what is fastest, until no such change makes it faster.

    Parameters
    ----------
    stimulus : Stimulus
        Some images to judge by; 16 are plenty.
    budget : int
    in_lanes, wide
        As for :func:`predict`.

    Returns
    -------
    lanes : tuple of int

    Raises
    ------
    InputError
        If there are fewer than one for each layer.

    Examples
    --------
    Equal lanes for all are a waste where one layer has most of the spikes:

    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> net = Network("16-16-4", (16,), rng=np.random.default_rng(0))
    >>> network = quantize(Model(net, Encoder("rate", 4)))[0].network
    >>> rng = np.random.default_rng(1)
    >>> frames = [(rng.random((4, 8, 16)) < share).astype(np.uint8) for share in (0.2, 0.8, 0.2)]
    >>> stimulus = Stimulus.of_frames(network, frames, 4)
    >>> balance(stimulus, budget=12)
    (3, 8, 1)
    >>> [float(predict(stimulus, lanes).latency.mean()) for lanes in ((4, 4, 4), (3, 8, 1))]
    [304.0, 235.125]
    """
    network = stimulus.network
    layers = len(network.layers)
    if budget < layers:
        raise InputError(f"a budget of {budget} lanes is too small for {layers} layers: each needs one")
    in_lanes = words_of_input(network) if in_lanes is None else in_lanes
    choices = [
        sorted({-(-m // groups) for groups in range(1, m + 1)})
        for m in (each.layer.w_shape[-1] for each in network.layers)
    ]
    wides = [count > 1 for count in taps(network, wide)]
    known, latency_of = {}, {}

    def latency(lanes):
        if lanes not in latency_of:
            parts = []
            for index, key in enumerate(zip(lanes, (in_lanes, *lanes))):
                if (index, key) not in known:
                    known[index, key] = additions(stimulus, index, *key, wides[index])[0]
                parts.append(known[index, key])
            times = _pipeline(network, np.stack(parts, 1), lanes, in_lanes, wides, 1, alone=True)
            latency_of[lanes] = times["last"].mean()
        return latency_of[lanes]

    best = tuple(1 for _ in choices)
    while True:
        around = {best}
        for a, b in product(range(layers), repeat=2):
            for new_a, new_b in product(choices[a], choices[b] if a != b else (None,)):
                lanes = list(best)
                lanes[a] = new_a
                if new_b is not None:
                    lanes[b] = new_b
                if sum(lanes) <= budget:
                    around.add(tuple(lanes))
        better = min(around, key=lambda lanes: (latency(lanes), sum(lanes), lanes))
        if better == best:
            return best
        best = better
