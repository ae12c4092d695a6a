"""A model from layers that were read elsewhere: the step that all readers share, without any other library.

A reader turns every layer of weights, with the neurons and the pool that follow it, into a :class:`ReadLayer` in this
library's layout, and hands the list to :func:`build`, which finds the topology, orders the rows of the first fully
connected layer, and checks that the layers fit together. A reader's own part is to refuse, by the layer's name, what a
:class:`ReadLayer` cannot say.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from .. import check, lif
from ..encode import Encoder
from ..errors import InputError
from ..model import Model, versions
from ..network import Network
from ..topology import parse

ORDERS = ("hwc", "chw")


@dataclass(frozen=True, kw_only=True)
class ReadLayer:
    """A layer of weights with its neurons and its pool, in this library's layout.

    Attributes
    ----------
    name : str
        The layer's name where it was read, such as ``"'conv1' (Conv2d)"``: messages use it.
    neurons : str, default ""
        The name of its neurons there; by default the layer's.
    w : ndarray of shape (k, k, C_in, C_out) or (N_in, N_out)
        Weights of a convolution (stride 1, not flipped), or of a fully connected layer.
    b : ndarray of shape (C_out,) or (N_out,), optional
        Biases; none are zeros.
    beta, threshold : float
    reset : str, default "subtract"
        One of ``lif.RESETS``; "none" in the last layer makes a membrane readout.
    padding : int, default 0
        Border on each side of a convolution's frame.
    border : float, default 0
        Its value; only the first layer, which sees encoded pixels, can have another than 0.
    pool : int, default 1
        Window of the maximum over spikes that follows the neurons of a convolution.
    order : "hwc" or "chw", default "hwc"
        Order in which a fully connected layer counts the maps before it: this library's, or channels first, as torch
        flattens them.
    """

    name: str
    neurons: str = ""
    w: np.ndarray
    b: np.ndarray | None = None
    beta: float
    threshold: float
    reset: str = "subtract"
    padding: int = 0
    border: float = 0.0
    pool: int = 1
    order: str = "hwc"

    @property
    def kind(self) -> str:
        """A key of ``topology.KINDS``: "conv2d" or "linear", by the weights' dimensions."""
        return "conv2d" if np.ndim(self.w) == 4 else "linear"


def build(
    layers: Sequence[ReadLayer],
    input_shape: Sequence[int] | None,
    encoder: Encoder,
    *,
    classes: int | None = None,
    surrogate: str = "fast_sigmoid:5",
    sources: dict[str, str] | None = None,
) -> Model:
    """Return a model of layers that were read elsewhere.

    Parameters
    ----------
    layers : sequence of ReadLayer
        In the order in which spikes pass them; the last one is fully connected.
    input_shape : (H, W, C) or (N,), or None
        Shape of one image; None for a flat row as long as the first layer's weights, where that is fully connected.
    encoder : Encoder
        Makes inputs of pixels, and has the number of steps. With one mean and deviation they count for all channels.
    classes : int, optional
        Number of classes; by default one for each neuron of the last layer.
    surrogate : str, default "fast_sigmoid:5"
        Used only if the model is trained further.
    sources : dict, optional
        Versions of the libraries that the network comes from, by name.

    Returns
    -------
    model : Model
        In float64 if some weights are, else in float32.

    Raises
    ------
    InputError
        If the layers do not fit together, or to the input; the message names the layer.

    Examples
    --------
    A network of two layers that take 2 pixels, and 3 spikes:

    >>> w = np.full((2, 3), 0.75, np.float32), np.full((3, 4), 0.5, np.float32)
    >>> layers = [
    ...     ReadLayer(name="fc1", w=w[0], beta=0.5, threshold=1.0),
    ...     ReadLayer(name="fc2", w=w[1], beta=0.9, threshold=1.0),
    ... ]
    >>> model = build(layers, None, Encoder("direct", 5, max_value=1.0))
    >>> model.network.topology, model.network.betas, model.network.input_shape
    ('3-4', (0.5, 0.9), (2,))
    >>> model.network.layers[0].w[0].tolist()
    [0.75, 0.75, 0.75]
    """
    if not layers:
        raise InputError("there is no layer of weights to build a network from")
    for layer in layers:
        _check_layer(layer)
    for layer in layers[1:]:
        if layer.border:
            raise InputError(f"layer {layer.name} pads with {layer.border:g}, but spikes are padded with 0")
    input_shape = _input_shape(layers, input_shape)
    shapes = _shapes(layers, input_shape)
    reset, readout = _reset(layers)
    wide = any(np.asarray(layer.w).dtype == np.float64 for layer in layers)
    network = Network(
        _topology(layers),
        input_shape,
        classes=classes,
        beta=[layer.beta for layer in layers],
        threshold=[layer.threshold for layer in layers],
        reset=reset,
        readout=readout,
        surrogate=surrogate,
        padding=[layer.padding for layer in layers if layer.kind == "conv2d"],
        pad_value=layers[0].border,
        dtype="float64" if wide else "float32",
        rng=np.random.default_rng(0),  # its weights are replaced
    )
    for layer, shape, target in zip(layers, shapes, network.layers):
        target.w[...] = _ordered(layer, shape.in_shape)
        target.b[...] = 0 if layer.b is None else layer.b
    settings = {"encoding": encoder.kind, "num_steps": encoder.num_steps}
    if readout == "membrane":
        settings["loss"] = "membrane"
    return Model(network, _for_channels(encoder, network), settings=settings, versions=versions() | (sources or {}))


def _check_layer(layer):
    """Raise InputError, with the layer's name, for values that no layer can have."""
    w = check.finite(f"weights of layer {layer.name}", layer.w)
    if w.ndim not in (2, 4) or (w.ndim == 4 and w.shape[0] != w.shape[1]):
        raise InputError(f"layer {layer.name}: weights of shape {w.shape} are neither (k, k, C, M) nor (N, M)")
    if layer.b is not None and check.finite(f"biases of layer {layer.name}", layer.b).shape != w.shape[-1:]:
        raise InputError(f"layer {layer.name}: biases must have shape {w.shape[-1:]}, got {np.shape(layer.b)}")
    if layer.kind == "linear" and (layer.padding, layer.pool) != (0, 1):
        raise InputError(f"layer {layer.name} is fully connected, and takes neither padding nor a pool")
    neurons = layer.neurons or layer.name
    if not 0 <= layer.beta <= 1:
        raise InputError(f"beta of layer {neurons} must be between 0 and 1, got {layer.beta:g}")
    if not (layer.threshold > 0 and np.isfinite(layer.threshold)):
        raise InputError(f"threshold of layer {neurons} must be above 0, got {layer.threshold:g}")
    check.choice(f"reset of layer {neurons}", layer.reset, lif.RESETS)
    check.choice(f"order of layer {layer.name}", layer.order, ORDERS)


def _topology(layers):
    """Return the notation of the layers, such as "8C3-MP2-10"."""
    terms = []
    for layer in layers:
        size = np.shape(layer.w)
        terms.append(f"{size[-1]}C{size[0]}" if layer.kind == "conv2d" else f"{size[-1]}")
        terms += [f"MP{layer.pool}"] * (layer.pool != 1)
    return "-".join(terms)


def _input_shape(layers, input_shape):
    """Return the shape of an image; only a fully connected first layer tells it."""
    if input_shape is not None:
        if not isinstance(input_shape, Iterable):
            raise InputError(f"input_shape must be (height, width, channels) or (length,), got {input_shape!r}")
        check_order(layers[0].w, input_shape)
        return input_shape
    if layers[0].kind == "linear":
        return np.shape(layers[0].w)[:1]
    raise InputError(
        f"layer {layers[0].name} is a convolution, whose weights do not tell the size of an image: "
        "input_shape must be given, (height, width, channels)"
    )


def check_order(w: np.ndarray, input_shape: Sequence[int]) -> None:
    """Raise InputError if a first convolution's weights show that an image's shape begins with its channels."""
    shape = tuple(input_shape)
    if np.ndim(w) == 4 and len(shape) == 3 and shape[0] == w.shape[2] != shape[2]:
        channels, height, width = shape
        raise InputError(
            f"input_shape must be height, width, channels, got {shape}, which seems to be torch's order; give "
            f"{height},{width},{channels}"
        )


def _shapes(layers, input_shape):
    """Return the topology's shapes; raise InputError for a layer that does not take what the one before hands on."""
    paddings = [layer.padding for layer in layers if layer.kind == "conv2d"]
    shapes = parse(_topology(layers), input_shape, paddings)
    for layer, shape in zip(layers, shapes):
        if np.shape(layer.w) == shape.w_shape:
            continue
        frame = "x".join(map(str, shape.in_shape)) + f" = {prod(shape.in_shape)}" * (len(shape.in_shape) == 3)
        if layer.kind == "conv2d":
            channels = shape.in_shape[-1]
            raise InputError(
                f"layer {layer.name} takes {layer.w.shape[2]} channels, but gets {channels}; groups are not carried"
            )
        raise InputError(
            f"layer {layer.name} takes {len(layer.w)} inputs, but gets {frame}: the input shape, a padding or a pool "
            "is not the one that it was trained with"
        )
    return shapes


def _reset(layers):
    """Return (reset, readout) of the network; all layers share a reset, but the last one may have none."""
    *hidden, last = layers
    resets = {layer.reset: layer.neurons or layer.name for layer in hidden + [last] * (last.reset != "none")}
    if "none" in resets:
        raise InputError(
            f"layer {resets['none']} has reset none, with which neurons never spike; only the last layer can have it"
        )
    if len(resets) > 1:
        described = " and ".join(f"{reset} (layer {name})" for reset, name in resets.items())
        raise InputError(f"the layers have resets {described}, but a network has one reset; train it with one")
    return next(iter(resets), "subtract"), "membrane" if last.reset == "none" else "spikes"


def _ordered(layer, frame):
    """Return a layer's weights with the rows in this library's order."""
    if layer.order == "hwc" or layer.kind == "conv2d" or len(frame) != 3:
        return layer.w
    height, width, channels = frame
    return layer.w.reshape(channels, height, width, -1).transpose(1, 2, 0, 3).reshape(layer.w.shape)


def _for_channels(encoder, network):
    """Return the encoder with a mean and a deviation for each channel of the network's input."""
    channels = len(network.pad_value)
    if len(encoder.mean) == channels:
        return encoder
    if len(encoder.mean) != 1:
        raise InputError(
            f"mean and deviation must be one number, or one for each of the {channels} channels, got {encoder.mean} "
            f"and {encoder.std}"
        )
    return replace(encoder, mean=encoder.mean * channels, std=encoder.std * channels)
