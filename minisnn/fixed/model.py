"""A network in integers with all that is needed to use it, in a file: ``model.int.npz``."""

from dataclasses import dataclass, field

import numpy as np

from ..encode import Encoder
from ..errors import InputError
from ..inference import Result
from ..model import read, versions, write
from ..settings import stream
from ..topology import normalised, parse
from . import lif
from .network import IntegerLayer, IntegerNetwork

KIND = "quantized model"
# The fields of an IntegerLayer that are plain values.
PLAIN = ("threshold", "beta", "frac", "guard", "weight_bits", "membrane_bits", "reset", "rounding", "scale")


@dataclass(frozen=True)
class Pixels:
    """Pixels as unsigned integers of `bits` bits: the integer p stands for low + step*p.

    Parameters
    ----------
    low, step : float
        0 and 1 for images that are unsigned integers already; then nothing is lost.
    bits : int

    Examples
    --------
    >>> Pixels(0.0, 0.5, 2).as_integers(np.array([0.0, 0.6, 9.0])).tolist()
    [0, 1, 3]
    """

    low: float
    step: float
    bits: int

    def as_integers(self, images):
        """The nearest integers; values beyond the range become its end."""
        images = np.asarray(images)
        dtype = np.uint8 if self.bits <= 8 else np.uint16
        most = (1 << self.bits) - 1
        if (self.low, self.step) == (0, 1) and np.issubdtype(images.dtype, np.unsignedinteger):
            if images.size and images.max() > most:
                raise InputError(f"pixels must be at most {most} ({self.bits} bits), got {images.max()}; quantize with "
                                 "images that reach as far")
            return images.astype(dtype, copy=False)
        return np.clip(np.rint((images - self.low) / self.step), 0, most).astype(dtype)

    def as_numbers(self, integers):
        """What the integers stand for."""
        return self.low + self.step * integers.astype(np.float64)


@dataclass
class IntegerModel:
    """An :class:`IntegerNetwork`, and how it sees an image.

    Attributes
    ----------
    network : IntegerNetwork
    encoder : Encoder
        Of the float model: coding, number of steps, mean and deviation (folded into the first layer).
    pixels : Pixels
        Read by "direct" coding alone.
    seed : int
    dataset : str
    source : dict
        Of the float model: settings and versions.
    """

    network: IntegerNetwork
    encoder: Encoder
    pixels: Pixels
    seed: int = 0
    dataset: str = ""
    source: dict = field(default_factory=dict)

    @property
    def num_steps(self):
        """T."""
        return self.encoder.num_steps

    def encode(self, images, rng=None):
        """Raw images (B, ...) as the network takes them: pixels (1, B, ...) or spikes (T, B, ...)."""
        images = np.asarray(images)
        if images.ndim == 0 or images.shape[1:] != self.network.input_shape or len(images) == 0:
            raise InputError(f"images must have shape (n, {', '.join(map(str, self.network.input_shape))}) to fit "
                             f"the network, got {images.shape}")
        if self.encoder.kind == "direct":
            return self.pixels.as_integers(images)[None]
        return self.encoder.encode(images, rng)

    def inputs(self, images, batch_size=256):
        """What the network takes, one batch after the other; spikes of "rate" coding are those of ``evaluate``."""
        rng = stream(self.seed, "encode")
        for start in range(0, len(images), batch_size):
            yield self.encode(images[start:start + batch_size], rng)

    def run(self, images, keep="scores", threads=None, batch_size=256, progress=lambda count: None):
        """(inputs, IntegerRun) of one batch after the other."""
        for inputs in self.inputs(images, batch_size):
            yield inputs, self.network.forward(inputs, self.num_steps, keep, threads, progress)

    def evaluate(self, x, y, threads=None, progress=lambda count: None):
        """Accuracy and firing rates, as :func:`minisnn.inference.evaluate`."""
        y = np.asarray(y)
        if y.shape != (len(x),):
            raise InputError(f"labels must be one for each of {len(x)} images, got shape {y.shape}")
        answers, fired = [], np.zeros(len(self.network.layers))
        for _, run in self.run(x, threads=threads, progress=progress):
            answers.append(run.scores.argmax(axis=1))
            fired += run.fired.sum(axis=(0, 2))
        right = int((np.concatenate(answers) == y).sum())
        neurons = np.array([each.layer.neurons for each in self.network.layers])
        return Result(right / len(x), tuple((fired / (neurons * len(x) * self.num_steps)).tolist()), len(x),
                      self.num_steps)

    def save(self, path):
        """Write the model to `path` (.npz), whole or not at all.

        Raises
        ------
        InputError
            If it cannot be written there.
        """
        described, arrays = parts(self.network)
        about = {**described, "pixels": [self.pixels.low, self.pixels.step, self.pixels.bits],
                 "encoder": self.encoder.config(), "seed": self.seed, "dataset": self.dataset, "source": self.source,
                 "versions": versions()}
        write(path, KIND, about, arrays)


def parts(network):
    """What a file keeps of an IntegerNetwork, but for its `input_bits`: (plain values, arrays), both by name."""
    layers = network.layers
    about = {"topology": normalised([each.layer for each in layers]), "input_shape": list(network.input_shape),
             "padding": [each.layer.padding for each in layers if each.layer.kind == "conv2d"],
             "classes": network.classes, "layers": [{name: getattr(each, name) for name in PLAIN} for each in layers]}
    return about, {f"{i + 1}.{name}": getattr(each, name) for i, each in enumerate(layers) for name in "wb"}


def joined(about, arrays, input_bits):
    """The IntegerNetwork of :func:`parts`, checked; what is missing or does not fit raises KeyError, TypeError or
    ValueError."""
    shapes = parse(about["topology"], about["input_shape"], about["padding"])
    layers = tuple(IntegerLayer(layer, arrays[f"{i + 1}.w"], arrays[f"{i + 1}.b"], **plain)
                   for i, (layer, plain) in enumerate(zip(shapes, about["layers"], strict=True)))
    for index, each in enumerate(layers):
        check(each, index)
    return IntegerNetwork(layers, about["classes"], input_bits)


def load(path):
    """Read a model that :meth:`IntegerModel.save` wrote.

    Raises
    ------
    InputError
        If the file is missing, damaged, of another kind or version, or its parts do not fit together.
    """
    about, arrays = read(path, KIND)
    try:
        encoder = Encoder.from_config(about["encoder"])
        pixels = Pixels(*about["pixels"])
        network = joined(about, arrays, pixels.bits if encoder.kind == "direct" else 0)
        if network.layers[-1].layer.neurons % network.classes:
            raise ValueError(f"{network.classes} classes do not divide the last layer")
        return IntegerModel(network, encoder, pixels, about["seed"], about["dataset"], about["source"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} describes a network that cannot be built ({error}); quantize again") from error


def check(each, index=0):
    """An IntegerLayer must be one that the hardware can be.

    Raises
    ------
    ValueError
        That names what does not fit.
    """
    name = f"layer {index + 1}"
    if each.w.shape != each.layer.w_shape or each.b.shape != each.layer.w_shape[-1:]:
        raise ValueError(f"{name}: weights {each.w.shape} and biases {each.b.shape} do not fit its topology")
    if each.w.dtype != np.int16 or each.b.dtype != np.int64:
        raise ValueError(f"{name}: weights must be int16 and biases int64, got {each.w.dtype} and {each.b.dtype}")
    numbers = [each.threshold, each.beta, each.frac, each.guard, each.weight_bits, each.membrane_bits]
    if not all(isinstance(n, int) for n in numbers):
        raise ValueError(f"{name}: threshold, beta and widths must be whole numbers, got {numbers}")
    most = (1 << (each.weight_bits - 1)) - 1
    if not 2 <= each.weight_bits <= 16 or np.abs(each.w.astype(int)).max(initial=0) > most:
        raise ValueError(f"{name}: weights must fit {each.weight_bits} bits, 2 to 16, symmetric")
    if not 0 <= each.frac <= 16 or not 0 <= each.beta <= 1 << each.frac or not 0 <= each.guard <= 16:
        raise ValueError(f"{name}: beta {each.beta} / 2**{each.frac} must be 0 to 1, guard 0 to 16")
    if not 2 <= each.membrane_bits <= 40 or not 0 < each.threshold:
        raise ValueError(f"{name}: a membrane of {each.membrane_bits} bits must be 2 to 40 wide, threshold above 0")
    if each.reset not in lif.RESETS or each.rounding not in lif.ROUNDINGS:
        raise ValueError(f"{name}: unknown reset {each.reset!r} or rounding {each.rounding!r}")
