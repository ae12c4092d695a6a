"""A network in integers with all that is needed to use it, in a file: ``model.int.npz``."""

from dataclasses import dataclass, field

import numpy as np

from ..encode import Encoder
from ..errors import InputError
from ..model import read, versions, write
from ..result import Result
from ..rng import stream
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
    >>> pixels = Pixels(0.0, 0.5, 2)
    >>> integers = pixels.as_integers(np.array([0.0, 0.6, 9.0]))
    >>> integers.tolist(), pixels.as_numbers(integers).tolist()
    ([0, 1, 3], [0.0, 0.5, 1.5])
    """

    low: float
    step: float
    bits: int

    def as_integers(self, images):
        """The nearest integers; values beyond the range become its end.

        Parameters
        ----------
        images : ndarray

        Returns
        -------
        integers : ndarray of uint8, or of uint16 above 8 bits

        Raises
        ------
        InputError
            If they are unsigned integers already, and one of them needs more bits.
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
        return np.clip(np.rint((images - self.low) / self.step), 0, most).astype(dtype)

    def as_numbers(self, integers):
        """What the integers stand for, in units of pixels; float64."""
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

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from minisnn import Network, fit, load_data
    >>> from minisnn.fixed.quantize import quantize
    >>> data = load_data("digits")
    >>> net = Network("64-10", data.input_shape, backend="numpy", rng=np.random.default_rng(0))
    >>> model, losses = quantize(fit(net, data, epochs=3, num_steps=4), 6, images=data.x_train)
    >>> x, y = data.x_test[:100], data.y_test[:100]
    >>> result = model.evaluate(x, y)
    >>> result.accuracy > 0.8
    True

    The network sees pixels of 5 bits, for they go up to 16, the same at each of the 4 steps; images run in batches:

    >>> model.encode(x[:2]).shape, model.network.input_bits, model.num_steps
    ((1, 2, 8, 8, 1), 5, 4)
    >>> [inputs.shape[1] for inputs in model.inputs(x, batch_size=64)]
    [64, 36]
    >>> fired = sum(int(run.spike_counts[:, 0].sum()) for inputs, run in model.run(x, batch_size=64))
    >>> fired / (64 * 4 * 100) == result.firing_rates[0]  # of 64 neurons, 4 steps and 100 images
    True

    Its file holds the same integers:

    >>> with TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/model.int.npz")
    ...     again = load(f"{folder}/model.int.npz")
    >>> again.evaluate(x, y) == result
    True
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
        """Raw images as the network takes them.

        Parameters
        ----------
        images : ndarray of shape (B, ...)
        rng : numpy.random.Generator, optional
            Needed by "rate" coding alone.

        Returns
        -------
        inputs : ndarray of unsigned integers
            Pixels (1, B, ...), or spikes (T, B, ...).

        Raises
        ------
        InputError
            If the images do not fit the network.
        """
        images = np.asarray(images)
        if images.ndim == 0 or images.shape[1:] != self.network.input_shape or len(images) == 0:
            raise InputError(
                f"images must have shape (n, {', '.join(map(str, self.network.input_shape))}) to fit "
                f"the network, got {images.shape}"
            )
        if self.encoder.kind == "direct":
            return self.pixels.as_integers(images)[None]
        return self.encoder.encode(images, rng)

    def inputs(self, images, batch_size=256):
        """What the network takes, one batch after the other; spikes of "rate" coding are those of ``evaluate``.

        Parameters
        ----------
        images : ndarray of shape (n, ...)
        batch_size : int, default 256

        Yields
        ------
        inputs : ndarray, as of :meth:`encode`
        """
        rng = stream(self.seed, "encode")
        for start in range(0, len(images), batch_size):
            yield self.encode(images[start : start + batch_size], rng)

    def run(self, images, keep="scores", threads=None, batch_size=256, progress=lambda count: None):
        """Run images, one batch after the other.

        Parameters
        ----------
        images, batch_size
            As of :meth:`inputs`.
        keep, threads, progress
            As of :meth:`IntegerNetwork.forward`.

        Yields
        ------
        inputs : ndarray, as of :meth:`encode`
        run : IntegerRun
        """
        for inputs in self.inputs(images, batch_size):
            yield inputs, self.network.forward(inputs, self.num_steps, keep, threads, progress)

    def evaluate(self, x, y, threads=None, progress=lambda count: None):
        """Accuracy and firing rates, as :func:`minisnn.training.inference.evaluate`.

        Parameters
        ----------
        x : ndarray of shape (n, ...)
            Raw images.
        y : ndarray of int, shape (n,)
        threads, progress
            As of :meth:`IntegerNetwork.forward`.

        Returns
        -------
        result : minisnn.result.Result

        Raises
        ------
        InputError
            If images or labels do not fit.
        """
        y = np.asarray(y)
        if y.shape != (len(x),):
            raise InputError(f"labels must be one for each of {len(x)} images, got shape {y.shape}")
        answers, fired = [], np.zeros(len(self.network.layers))
        for _, run in self.run(x, threads=threads, progress=progress):
            answers.append(run.scores.argmax(axis=1))
            fired += run.spike_counts.sum(axis=(0, 2))
        right = int((np.concatenate(answers) == y).sum())
        neurons = np.array([each.layer.neurons for each in self.network.layers])
        return Result(
            right / len(x), tuple((fired / (neurons * len(x) * self.num_steps)).tolist()), len(x), self.num_steps
        )

    def save(self, path):
        """Write the model to `path` (.npz), whole or not at all.

        Raises
        ------
        InputError
            If it cannot be written there.
        """
        described, arrays = parts(self.network)
        about = {
            **described,
            "pixels": [self.pixels.low, self.pixels.step, self.pixels.bits],
            "encoder": self.encoder.config(),
            "seed": self.seed,
            "dataset": self.dataset,
            "source": self.source,
            "versions": versions(),
        }
        write(path, KIND, about, arrays)


def parts(network):
    """What a file keeps of an IntegerNetwork, but for its `input_bits`: (plain values, arrays), both by name.

    Examples
    --------
    >>> each = IntegerLayer(layer=parse("1", (2,))[0], w=np.array([[3], [-1]], np.int16), b=np.zeros(1, np.int64),
    ...                     threshold=3, beta=1, frac=1, guard=0, weight_bits=3, membrane_bits=5, reset="subtract",
    ...                     rounding="floor", scale=1.0)
    >>> about, arrays = parts(IntegerNetwork(layers=(each,), classes=1, input_bits=0))
    >>> about["topology"], about["layers"][0]["threshold"], arrays["1.w"].tolist(), sorted(arrays)
    ('1', 3, [[3], [-1]], ['1.b', '1.w'])
    """
    layers = network.layers
    about = {
        "topology": normalised([each.layer for each in layers]),
        "input_shape": list(network.input_shape),
        "padding": [each.layer.padding for each in layers if each.layer.kind == "conv2d"],
        "classes": network.classes,
        "layers": [{name: getattr(each, name) for name in PLAIN} for each in layers],
    }
    return about, {f"{i + 1}.{name}": getattr(each, name) for i, each in enumerate(layers) for name in "wb"}


def joined(about, arrays, input_bits):
    """The IntegerNetwork of :func:`parts`, checked.

    Parameters
    ----------
    about, arrays : dict
        As of :func:`parts`.
    input_bits : int
        As of :class:`IntegerNetwork`.

    Returns
    -------
    network : IntegerNetwork

    Raises
    ------
    KeyError, TypeError, ValueError
        For what is missing or does not fit.

    Examples
    --------
    >>> each = IntegerLayer(layer=parse("1", (2,))[0], w=np.array([[3], [-1]], np.int16), b=np.zeros(1, np.int64),
    ...                     threshold=3, beta=1, frac=1, guard=0, weight_bits=3, membrane_bits=5, reset="subtract",
    ...                     rounding="floor", scale=1.0)
    >>> about, arrays = parts(IntegerNetwork(layers=(each,), classes=1, input_bits=0))
    >>> inputs = np.array([[1, 0], [1, 0], [1, 1]], np.uint8)[:, None]
    >>> joined(about, arrays, 0).forward(inputs, 3).spike_counts.tolist()
    [[[0, 1, 0]]]
    >>> arrays["1.w"] = arrays["1.w"] + np.int16(1)
    >>> joined(about, arrays, 0)
    Traceback (most recent call last):
    ValueError: layer 1: weights must fit 3 bits, 2 to 16, symmetric
    """
    shapes = parse(about["topology"], about["input_shape"], about["padding"])
    layers = tuple(
        IntegerLayer(layer=layer, w=arrays[f"{i + 1}.w"], b=arrays[f"{i + 1}.b"], **plain)
        for i, (layer, plain) in enumerate(zip(shapes, about["layers"], strict=True))
    )
    for index, each in enumerate(layers):
        check(each, index)
    return IntegerNetwork(layers=layers, classes=about["classes"], input_bits=input_bits)


def load(path):
    """Read a model that :meth:`IntegerModel.save` wrote.

    Raises
    ------
    InputError
        If the file is missing, damaged, of another kind or version, or its parts do not fit together.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write(f"{folder}/model.npz", "model", {}, {})
    ...     try:
    ...         load(f"{folder}/model.npz")
    ...     except InputError as error:
    ...         print(str(error).split("model.npz ")[1])
    is a model file, not a quantized model file; name another
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

    Parameters
    ----------
    each : IntegerLayer
    index : int, default 0
        Its number, from 0, for the message.

    Raises
    ------
    ValueError
        That names what does not fit.

    Examples
    --------
    >>> from dataclasses import replace
    >>> each = IntegerLayer(layer=parse("1", (2,))[0], w=np.array([[3], [-1]], np.int16), b=np.zeros(1, np.int64),
    ...                     threshold=3, beta=1, frac=1, guard=0, weight_bits=3, membrane_bits=5, reset="subtract",
    ...                     rounding="floor", scale=1.0)
    >>> check(each)
    >>> check(replace(each, beta=3), index=1)
    Traceback (most recent call last):
    ValueError: layer 2: beta 3 / 2**1 must be 0 to 1, guard 0 to 16
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
