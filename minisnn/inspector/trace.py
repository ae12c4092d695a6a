"""One image, from spike to clock cycle: what happened in floats, in integers and in the accelerator, and its file.

A trace keeps the membranes and spikes of all layers and steps, the frames that they took, the cycles in which each step
begins and ends, and the network's integers. The answers of :meth:`Trace.why`, :meth:`Trace.at` and :meth:`Trace.cost`
follow from these.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..fixed.early_exit import LOSSLESS
from ..fixed.model import IntegerModel, joined, parts
from ..fixed.quantize import dequantised
from ..model import Model, read, versions, write
from ..timing import cycles, layout
from .doing import Cost, Doing, cost, doing_at
from .record import TIMES, Exit, Record, fired
from .why import Why, why

KIND = "trace"
BY_LAYER = ("frames", "mem", "spk", "mem_float", "spk_float")


class Trace(Record):
    """One image in a network and its accelerator, made by :func:`trace` or read by :func:`load`.

    Attributes
    ----------
    network : fixed.network.IntegerNetwork
    num_steps : int
    lanes : tuple of int
    taps : tuple of int
        Taps of an input that each layer adds at once.
    image : ndarray
        The raw image.
    frames : list of L ndarrays, shape (T or 1, H, W, C)
        The inputs of each layer; a flat row is one pixel, and pixels that are the same at every step occur once.
    mem, spk : list of L ndarrays, shape (T, ...)
        Integer membranes before reset, and spikes before the pool.
    mem_float, spk_float : list of L ndarrays, shape (T, ...)
        Membranes and spikes of the float network, which runs on its own spikes.
    float_params : list of L tuples
        (beta, threshold, reset) of the float network.
    times : ndarray of int64, shape (4, L, T)
        `begins`, `added`, `firing_starts`, `ends` of :class:`minisnn.timing.cycles.Cycles`.
    latency : int
        Clock cycles from the image's first word to its answer's last beat, both included.
    exit : minisnn.inspector.record.Exit, or None
        Early exit. What is dropped is 0 in `mem` and `spk`, and in the frames that are made of them; an event that a
        dropped step does not have is in cycle -1.
    about : dict
        Label, answer, scores, the simulator that it was compared with, and more.
    """

    def __repr__(self) -> str:
        """Return one line: layers, steps, lanes and cycles, without the arrays."""
        lanes = "/".join(map(str, self.lanes))
        return f"Trace({len(self.lanes)} layers, {self.num_steps} steps, lanes {lanes}, {self.latency} cycles)"

    def why(self, layer: int, neuron: int, step: int) -> Why:
        """Explain a membrane by its additions; raise InputError if there is no such layer, neuron or step.

        Layers and steps count from 0; a neuron's index is (row * width + column) * channels + channel.
        """
        return why(self, layer, neuron, step)

    def at(self, cycle: int) -> list[Doing]:
        """Return what each layer does in a clock cycle; cycle 0 takes the image's first word."""
        if not 0 <= cycle < self.span:
            raise InputError(f"cycle must be 0 to {self.span - 1}, got {cycle}")
        return [doing_at(self, layer, cycle) for layer in range(len(self.network.layers))]

    def cost(self, layer: int, step: int) -> Cost:
        """Return the clock cycles that a step of a layer takes, by what the layer does in them."""
        return cost(self, layer, step)

    def save(self, path: str | Path) -> None:
        """Write the trace to a file (.npz), whole or not at all."""
        described, arrays = parts(self.network)
        about = {
            **described,
            "input_bits": self.network.input_bits,
            "lanes": list(self.lanes),
            "taps": list(self.taps),
            "num_steps": self.num_steps,
            "latency": self.latency,
            "exit": None if self.exit is None else _described(self.exit),
            "float": [list(values) for values in self.float_params],
            "about": self.about,
            "versions": versions(),
        }
        arrays |= {"image": self.image, "times": self.times}
        for name in BY_LAYER:
            arrays |= {f"{number}.{name}": array for number, array in enumerate(getattr(self, name), 1)}
        write(path, KIND, about, arrays, compressed=True)


def load(path: str | Path) -> Trace:
    """Read a file that :meth:`Trace.save` wrote; raise InputError if it is missing, damaged or of another kind."""
    about, arrays = read(path, KIND)
    try:
        network = joined(about, arrays, about["input_bits"])
        numbers = range(1, len(network.layers) + 1)
        return Trace(
            network=network,
            num_steps=about["num_steps"],
            lanes=tuple(about["lanes"]),
            taps=tuple(about["taps"]),
            image=arrays["image"],
            **{name: [arrays[f"{number}.{name}"] for number in numbers] for name in BY_LAYER},
            float_params=[tuple(values) for values in about["float"]],
            times=arrays["times"],
            latency=about["latency"],
            exit=_exit(about.get("exit")),  # a trace of before early exit has none
            about=about["about"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is not a whole trace ({error}); make it again") from error


def trace(
    model: IntegerModel,
    image: np.ndarray,
    lanes: Sequence[int] | None = None,
    taps: Sequence[int] | None = None,
    float_model: Model | None = None,
    about: dict | None = None,
    margin: float | None = None,
) -> Trace:
    """Run one image and keep everything that happens: spikes, membranes, additions, clock cycles.

    Parameters
    ----------
    model : fixed.model.IntegerModel
    image : ndarray, of the network's input shape
        One raw image.
    lanes : sequence of int, optional
        Adders of each layer; by default :func:`minisnn.timing.layout.default_lanes`.
    taps : sequence of int, optional
        Taps of an input that each layer adds at once: 1, or of a convolution also k or k * k, with a kernel of k; by
        default 1.
    float_model : minisnn.model.Model, optional
        The model that was quantised; by default the float network that the integers stand for.
    about : dict, optional
        Plain values to store with the trace, such as the label.
    margin : int or LOSSLESS, optional
        Margin of early exit, see :mod:`minisnn.fixed.early_exit`; by default the image takes all steps.

    Returns
    -------
    trace : Trace

    Raises
    ------
    InputError
        If the image, the lanes, the taps or the float model do not fit the network, or it cannot have a margin.

    Examples
    --------
    Two inputs and two neurons on one lane. The bright pixel spikes at step 0, and neuron 0 gets 0.5. Half of that is
    left at step 1, when the dark pixel adds 0.75; 1.0 is above the threshold of 0.9:

    >>> import minisnn as ms
    >>> net = ms.Network("2", (2,), beta=0.5, threshold=0.9, rng=np.random.default_rng(0))
    >>> net.params[0][...] = [[0.5, 0], [0.75, 0]]
    >>> model, _ = ms.quantize(ms.Model(net, ms.Encoder("latency", 2)))
    >>> trace = ms.trace(model, np.array([255, 1], np.uint8), lanes=(1,))
    >>> trace.spk[0][:, 0].tolist(), trace.about["scores"], trace.latency
    ([0, 1], [1, 0], 40)

    The membrane of neuron 0 at step 1, in integers and in units of the float network:

    >>> why = trace.why(layer=0, neuron=0, step=1)
    >>> why.kept, why.additions["adds"].tolist(), why.membrane, why.threshold, why.spike
    (680, [2032], 2712, 2438, 1)
    >>> round(why.membrane * why.unit, 3), round(why.membrane_float, 3)
    (1.001, 1.001)

    The weight is added in cycle 18. The neuron's turn in the firing pass is cycle 21; its spike is known in cycle 25:

    >>> why.additions["cycle"].tolist(), why.turn_cycle, why.known_cycle
    ([18], 21, 25)
    >>> doing = trace.at(18)[0]
    >>> doing.phase, doing.step, doing.adding
    ('adds', 1, 1)
    >>> cost = trace.cost(layer=0, step=1)  # one spike is added to two neurons, both take part in the firing pass
    >>> cost.adding, cost.scanning, cost.waiting, cost.firing
    (2, 6, 0, 2)
    """
    if not isinstance(model, IntegerModel):
        raise InputError("trace takes the integer model that minisnn.quantize returns, not a float model")
    network, steps = model.network, model.num_steps
    lanes = layout.check_lanes(network, layout.default_lanes(network) if lanes is None else lanes)
    taps = layout.check_taps(network, taps)
    floats = float_model or dequantised(model, "float64", "numpy")
    if [layer.shape for layer in floats.network.layers] != [layer.layer for layer in network.layers]:
        raise InputError("the float model has another topology than the integers; name the one that was quantised")
    if floats.encoder != model.encoder:
        raise InputError("the float model has another encoding than the integers; name the one that was quantised")
    inputs, run = next(model.run(np.asarray(image)[None], "membranes", threads=1))
    stimulus = cycles.Stimulus.of(network, inputs, run, steps, margin)
    predicted = cycles.predict(stimulus, lanes, taps=taps)
    float_run = floats.network.forward(_float_input(floats, model, image, inputs), steps, record=True)
    scores = (run.scores if stimulus.stops is None else stimulus.stops.scores)[0]
    result = {"answer": int(scores.argmax()), "scores": scores.tolist(), "dataset": model.dataset}
    decided, over = int(predicted.decided[0]), int(predicted.over[0])
    early = None if margin is None else Exit(margin, decided, over, run.totals[:, 0])
    counts = np.full((len(lanes), steps), True) if early is None else fired(predicted.firing_starts[0], decided)
    frames = [frames[:, 0] for frames in stimulus.frames]
    frames[1:] = [_without(values, kept) for values, kept in zip(frames[1:], counts)]
    return Trace(
        network=network,
        num_steps=steps,
        lanes=tuple(lanes),
        taps=taps,
        image=np.asarray(image),
        frames=frames,
        mem=[
            _narrow(_without(mem[:, 0], kept), layer.membrane_bits)
            for mem, kept, layer in zip(run.mem, counts, network.layers)
        ],
        spk=[_without(spk[:, 0], kept) for spk, kept in zip(run.spk, counts)],
        mem_float=[layer.mem[:, 0].astype(np.float32) for layer in float_run.layers],
        spk_float=[layer.spk[:, 0].astype(np.uint8) for layer in float_run.layers],
        float_params=[(layer.beta, layer.threshold, layer.reset) for layer in floats.network.layers],
        times=np.stack([getattr(predicted, name)[0] for name in TIMES]),
        latency=int(predicted.latency[0]),
        exit=early,
        about=result | (about or {}),
    )


def _without(values, kept):
    """Values of all steps, (T, ...), with 0 where a step is dropped."""
    return np.where(kept.reshape(-1, *[1] * (values.ndim - 1)), values, 0).astype(values.dtype)


def _described(early):
    """Early exit as plain values, for a file."""
    margin = "lossless" if early.margin == LOSSLESS else early.margin
    return early._asdict() | {"margin": margin, "totals": early.totals.tolist()}


def _exit(described):
    """Early exit from a file, or None."""
    if described is None:
        return None
    margin = LOSSLESS if described["margin"] == "lossless" else described["margin"]
    return Exit(margin, described["decided"], described["over"], np.array(described["totals"]))


def _narrow(mem, membrane_bits):
    """Membranes in 32 bits, if they fit."""
    return mem.astype(np.int32 if membrane_bits <= 32 else np.int64)


def _float_input(floats, model, image, inputs):
    """The image as the float network takes it: encoded pixels, or the same spikes that the integers take."""
    if model.encoder.kind == "direct":
        return floats.encoder.encode(np.asarray(image)[None], None, floats.network.dtype)
    return inputs.astype(floats.network.dtype)
