"""A network in integers with everything that is needed to use it, in a file: ``model.int.npz``."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..check import images as check_images
from ..check import images_for, is_number, is_whole, labels
from ..encode import Encoder
from ..errors import InputError
from ..model import BAD_PARTS, check_encoder, origin, read, versions, write
from ..result import Result
from ..rng import stream
from ..terminal import by_x, item, table
from ..topology import normalised, parse
from . import lif
from .network import IntegerLayer, IntegerNetwork, IntegerRun

KIND = "quantized model"
MOST_MEMBRANE_BITS = 40
LEAK = {"floor": "rounded down", "zero": "rounded towards zero"}  # what lif.ROUNDINGS mean
# The fields of an IntegerLayer that are plain values.
PLAIN = ("threshold", "beta", "frac", "guard", "weight_bits", "membrane_bits", "reset", "rounding", "scale")


@dataclass(frozen=True)
class Pixels:
    """Pixels as unsigned integers of `bits` bits: the integer p stands for low + step*p.

    `low` and `step` are 0 and 1 for images that are unsigned integers already; then nothing is lost.
    """

    low: float
    step: float
    bits: int

    def __str__(self):
        most = (1 << self.bits) - 1
        unit = "" if (self.low, self.step) == (0, 1) else f", for {self.low:g} to {self.low + self.step * most:g}"
        return f"pixels 0 to {most} ({self.bits} bits{unit})"

    def as_integers(self, images: np.ndarray) -> np.ndarray:
        """Return the nearest integers, as uint8, or uint16 above 8 bits; values beyond the range become its end.

        Raise InputError if the images are unsigned integers already and one of them needs more bits.
        """
        images = np.asarray(images)
        dtype = np.uint8 if self.bits <= 8 else np.uint16
        most = (1 << self.bits) - 1
        if (self.low, self.step) == (0, 1) and np.issubdtype(images.dtype, np.unsignedinteger):
            if images.size and images.max() > most:
                raise InputError(
                    f"pixels must be at most {most} ({self.bits} bits), got {images.max()}; quantize with "
                    "images that reach as far"
                )
            return images.astype(dtype, copy=False)
        return np.clip(np.rint((images - float(self.low)) / float(self.step)), 0, most).astype(dtype)

    def as_numbers(self, integers: np.ndarray) -> np.ndarray:
        """Return the pixels that integers stand for, as float64."""
        return self.low + self.step * integers.astype(np.float64)


@dataclass(repr=False)
class IntegerModel:
    """An :class:`IntegerNetwork` and the way in which it takes an image.

    Attributes
    ----------
    network : IntegerNetwork
    encoder : Encoder
        The float model's: coding, number of steps, mean and deviation (folded into the first layer).
    pixels : Pixels
        Used by "direct" coding alone.
    seed : int
    dataset : str
    source : dict
        Settings and versions of the float model.
    """

    network: IntegerNetwork
    encoder: Encoder
    pixels: Pixels
    seed: int = 0
    dataset: str = ""
    source: dict[str, Any] = field(default_factory=dict)

    def __repr__(self):
        return f"IntegerModel({self._summary()}, {self.encoder.kind}, T = {self.num_steps})"

    def __str__(self):
        encoding = f"{self.encoder.kind}, {self.num_steps} steps"
        if self.encoder.kind == "direct":
            encoding += f", {self.pixels}"
        roundings = {LEAK[layer.rounding]: None for layer in self.network.layers}
        lines = [
            f"{self._summary()}, {self.network.classes} classes, {self._parameters():,} parameters",
            "",
            _layers_table(self.network.layers),
            "",
            item("bits", "of a weight, of a membrane, and of its fraction (guard)"),
            item("leak", ", ".join(roundings)),
            item("encoding", encoding),
            item(*origin(self.dataset, self.seed, self.source.get("versions", {}))),
        ]
        return "\n".join(lines)

    def _summary(self):
        topology = normalised([layer.layer for layer in self.network.layers])
        bits = [str(layer.weight_bits) for layer in self.network.layers]
        widths = bits[0] if len(set(bits)) == 1 else "/".join(bits)
        return f"{topology} on {by_x(self.network.input_shape)}, weights of {widths} bits"

    def _parameters(self):
        return sum(layer.w.size + layer.b.size for layer in self.network.layers)

    @property
    def num_steps(self) -> int:
        """T."""
        return self.encoder.num_steps

    def encode(self, images: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        """Return raw images (B, ...) as the network takes them: pixels (1, B, ...), or spikes (T, B, ...).

        Only "rate" coding needs `rng`. Raise InputError if the images do not fit the network.
        """
        images = check_images(images, self.network.input_shape, self.encoder.recorded_steps)
        if self.encoder.kind == "direct":
            return self.pixels.as_integers(images)[None]
        return self.encoder.encode(images, rng)

    def inputs(self, images: np.ndarray, batch_size: int = 256) -> Iterator[np.ndarray]:
        """Yield the inputs of the network batch by batch; "rate" coding draws the same spikes as ``evaluate``.

        Raise InputError if the images do not fit the network, or have another scale than those it was trained on.
        """
        images, _ = images_for(self, images)
        rng = stream(self.seed, "encode")
        for start in range(0, len(images), batch_size):
            yield self.encode(images[start : start + batch_size], rng)

    def run(
        self,
        images: np.ndarray,
        keep: str = "scores",
        threads: int | None = None,
        batch_size: int = 256,
        progress: Callable[[int], object] = lambda count: None,
    ) -> Iterator[tuple[np.ndarray, IntegerRun]]:
        """Yield the inputs and the run of each batch; see :meth:`IntegerNetwork.forward` for the options."""
        for inputs in self.inputs(images, batch_size):
            yield inputs, self.network.forward(inputs, self.num_steps, keep, threads, progress)

    def evaluate(
        self,
        x: np.ndarray,
        y: np.ndarray,
        threads: int | None = None,
        progress: Callable[[int], object] = lambda count: None,
        watch: Callable[[IntegerRun], object] = lambda run: None,
    ) -> Result:
        """Return accuracy and firing rates on raw images `x` with labels `y`; `watch` is called with each batch's run.

        Raise InputError if images or labels do not fit. The float model's is
        :func:`minisnn.training.inference.evaluate`.
        """
        x = check_images(x, self.network.input_shape, self.encoder.recorded_steps)  # `run` checks their scale
        y = labels(y, len(x), self.network.classes)
        answers, spikes = [], np.zeros(len(self.network.layers))
        for _, run in self.run(x, threads=threads, progress=progress):
            watch(run)
            answers.append(run.scores.argmax(axis=1))
            spikes += run.spike_counts.sum(axis=(0, 2))
        right = int((np.concatenate(answers) == y).sum())
        neurons = np.array([layer.layer.neurons for layer in self.network.layers])
        rates = spikes / (neurons * len(x) * self.num_steps)
        return Result(right / len(x), tuple(rates.tolist()), len(x), self.num_steps)

    def save(self, path: str | Path) -> None:
        """Write the model to `path` (.npz), whole or not at all; raise InputError if that is not possible."""
        write(path, KIND, self.about(), parts(self.network)[1])

    def about(self) -> dict[str, Any]:
        """Return everything that a file holds besides weights and biases, as plain values."""
        return {
            **parts(self.network)[0],
            "pixels": [self.pixels.low, self.pixels.step, self.pixels.bits],
            "encoder": self.encoder.config(),
            "seed": self.seed,
            "dataset": self.dataset,
            "source": self.source,
            "versions": versions(),
        }


def _layers_table(layers):
    """Return a table of the layers' neurons and integers."""
    rows = [
        (
            integers.layer.name,
            by_x(integers.layer.out_shape),
            f"{integers.layer.neurons:,}",
            integers.weight_bits,
            integers.membrane_bits,
            integers.guard,
            f"{integers.beta}/{1 << integers.frac}",
            integers.threshold,
            integers.reset,
        )
        for integers in layers
    ]
    header = ("layer", "output", "neurons", "weight", "membrane", "guard", "beta", "threshold", "reset")
    return table(rows, header)


def parts(network: IntegerNetwork) -> tuple[dict, dict[str, np.ndarray]]:
    """Return what a file stores of a network, except its `input_bits`: plain values and arrays, both by name."""
    layers = network.layers
    about = {
        "topology": normalised([layer.layer for layer in layers]),
        "input_shape": list(network.input_shape),
        "padding": [layer.layer.padding for layer in layers if layer.layer.kind == "conv2d"],
        "classes": network.classes,
        "layers": [{name: getattr(layer, name) for name in PLAIN} for layer in layers],
    }
    return about, {f"{number}.{name}": getattr(layer, name) for number, layer in enumerate(layers, 1) for name in "wb"}


def joined(about: dict, arrays: dict[str, np.ndarray], input_bits: int) -> IntegerNetwork:
    """Return the network of :func:`parts`; raise KeyError, TypeError or ValueError if a part is missing or wrong."""
    shapes = parse(about["topology"], about["input_shape"], about["padding"])
    layers = tuple(
        IntegerLayer(layer=shape, w=arrays[f"{number}.w"], b=arrays[f"{number}.b"], **plain)
        for number, (shape, plain) in enumerate(zip(shapes, about["layers"], strict=True), 1)
    )
    for index, layer in enumerate(layers):
        check(layer, index)
    return IntegerNetwork(layers=layers, classes=about["classes"], input_bits=input_bits)


def load(path: str | Path) -> IntegerModel:
    """Read a model that :meth:`IntegerModel.save` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    model : IntegerModel

    Raises
    ------
    InputError
        If the file is missing, damaged, of another kind or version, or its parts do not fit together.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import minisnn as ms
    >>> net = ms.Network("4-2", (3,), rng=np.random.default_rng(0))
    >>> model, _ = ms.quantize(ms.Model(net, ms.Encoder("rate", 4)), weight_bits=5)
    >>> with TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/model.int.npz")
    ...     again = ms.load_integer(f"{folder}/model.int.npz")
    >>> again.num_steps, [layer.weight_bits for layer in again.network.layers]
    (4, [5, 5])
    >>> again
    IntegerModel(4-2 on 3, weights of 5 bits, rate, T = 4)
    """
    about, arrays = read(path, KIND)
    try:
        _check_plain(about)
        encoder = Encoder.from_config(about["encoder"])
        pixels = Pixels(*about["pixels"])
        network = joined(about, arrays, pixels.bits if encoder.kind == "direct" else 0)
        if network.layers[-1].layer.neurons % network.classes:
            raise ValueError(f"{network.classes} classes do not divide the last layer")
        return IntegerModel(network, encoder, pixels, about["seed"], about["dataset"], about["source"])
    except BAD_PARTS as error:
        raise InputError(f"{path} describes a network that cannot be built ({error}); quantize again") from error


def _check_plain(about):
    """Raise ValueError unless the plain values of a file are of the right types."""
    check_encoder(about["encoder"])
    low, step, bits = about["pixels"]
    if not is_number(low) or not is_number(step) or step <= 0 or not is_whole(bits, 1) or bits > 16:
        raise ValueError(f"pixels must be a lowest value, a step above 0 and 1 to 16 bits, got {about['pixels']!r}")
    for name, least in (("seed", 0), ("classes", 1)):
        if not is_whole(about[name], least):
            raise ValueError(f"{name} must be a whole number from {least}, got {about[name]!r}")
    for name, kind in (("dataset", str), ("source", dict)):
        if not isinstance(about[name], kind):
            raise ValueError(f"{name} must be a {kind.__name__}, got {about[name]!r}")
    for name in ("settings", "versions"):
        if not isinstance(about["source"].get(name, {}), dict):
            raise ValueError(f"{name} of its source must be a dict, got {about['source'][name]!r}")


def check(layer: IntegerLayer, index: int = 0) -> None:
    """Raise ValueError if the hardware cannot implement the layer; `index` counts from 0."""
    name = f"layer {index + 1}"
    if layer.w.shape != layer.layer.w_shape or layer.b.shape != layer.layer.w_shape[-1:]:
        raise ValueError(f"{name}: weights {layer.w.shape} and biases {layer.b.shape} do not fit its topology")
    if layer.w.dtype != np.int16 or layer.b.dtype != np.int64:
        raise ValueError(f"{name}: weights must be int16 and biases int64, got {layer.w.dtype} and {layer.b.dtype}")
    numbers = [layer.threshold, layer.beta, layer.frac, layer.guard, layer.weight_bits, layer.membrane_bits]
    if not all(is_whole(n) for n in numbers):
        raise ValueError(f"{name}: threshold, beta and widths must be whole numbers, got {numbers}")
    if not is_number(layer.scale):
        raise ValueError(f"{name}: scale must be a number, got {layer.scale!r}")
    most = (1 << (min(layer.weight_bits, 16) - 1)) - 1 if layer.weight_bits > 0 else 0
    if not 2 <= layer.weight_bits <= 16 or np.abs(layer.w.astype(int)).max(initial=0) > most:
        raise ValueError(f"{name}: weights must fit {layer.weight_bits} bits, 2 to 16, symmetric")
    if not 0 <= layer.frac <= 16 or not 0 <= layer.beta <= 1 << layer.frac or not 0 <= layer.guard <= 16:
        raise ValueError(f"{name}: beta {layer.beta} / 2**{layer.frac} must be 0 to 1, guard 0 to 16")
    if not 2 <= layer.membrane_bits <= MOST_MEMBRANE_BITS or not 0 < layer.threshold:
        raise ValueError(f"{name}: a membrane of {layer.membrane_bits} bits must be 2 to 40 wide, threshold above 0")
    if layer.reset not in lif.RESETS or layer.rounding not in lif.ROUNDINGS:
        raise ValueError(f"{name}: unknown reset {layer.reset!r} or rounding {layer.rounding!r}")
