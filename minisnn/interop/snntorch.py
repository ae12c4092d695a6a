"""Networks of snnTorch as models of this library, and back.

The neuron of ``snn.Leaky`` is one of ours. With R the spike that the stored membrane M gives at the start of a step, it
computes U = beta*M + I - theta*R (subtract) or beta*(1 - R)*M + I (zero) and fires if U - theta > 0. With reset_delay
M is U, so R is the spike of the step before. Without it M is U - theta*(S - R), or U - U*(S - R):

    reset_mechanism  reset_delay  here                why
    ---------------  -----------  ------------------  -------------------------------------------------------
    "subtract"       True         subtract            R = S[t-1]
    "zero"           True         zero                R = S[t-1]
    "zero"           False        zero                M is 0 after a spike, so R is never 1
    "subtract"       False        subtract_then_leak  R is 0 as long as no membrane passes 2*theta: ``reset_delay``
    "none"           either       none                a last layer that is read by its membranes

All start at M = 0, so the first step is U = I. The membrane that snnTorch returns is ours, before the reset, except
without reset_delay, where it is the one after the reset.
"""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import check
from ..errors import InputError
from ..model import Model
from . import modules, reset_delay, state_dict
from .build import build
from .chain import joined
from .libraries import snntorch_library, torch_library
from .scale import Scale, encoder, from_transform

ATAN = "atan:2"  # snnTorch's default surrogate
SURROGATES = ("atan", "fast_sigmoid", "sigmoid")  # the same families, with the same scale, in snnTorch


def from_snntorch(
    module: Any,
    input_shape: Sequence[int] | None = None,
    *,
    num_steps: int | None = None,
    encoding: str = "direct",
    transform: Any = None,
    input_scale: float | None = None,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    max_value: float | None = None,
    classes: int | None = None,
    dataset: str = "",
    surrogate: str = ATAN,
) -> Model:
    """Return the model of a trained network of snnTorch, spike for spike.

    Parameters
    ----------
    module : torch.nn.Module
        Layers of Conv2d or Linear, then perhaps BatchNorm (folded with its running mean and variance), then
        ``snn.Leaky``, then perhaps MaxPool2d; Flatten and Dropout may stand anywhere. An ``nn.Sequential``, or a module
        with a forward of its own, whose submodules are taken in the order in which they were registered: functions
        that its forward calls, such as ``F.max_pool2d``, are not seen.
    input_shape : (H, W, C) or (N,), optional
        Shape of one image, channels last; needed if the first layer is a convolution.
    num_steps : int, optional
        Time steps of an image; 10 if it is not given, with a warning.
    encoding : "direct", "rate", "latency", "events" or "counts"
        "direct": the network saw the same image at every step; "rate": spikes as of ``spikegen.rate``; "events" and
        "counts": recordings of event cameras, as 0 and 1 or as numbers of events.
    transform : optional
        A transform of torchvision's, from which input scale, mean and deviation are read.
    input_scale : float, optional
        The network saw pixel / input_scale: 255 for bytes through ToTensor. By default inputs are taken as they are,
        with a warning.
    mean, std : float or sequence of float, optional
        As in torchvision's Normalize, after the scale; one for all channels or one for each.
    max_value : float, optional
        The largest raw pixel; by default `input_scale`, or 1.
    classes : int, optional
        Number of classes; by default one for each neuron of the last layer.
    dataset : str, optional
        Name of the data set that the network was trained on; commands then use it by default.
    surrogate : str, default "atan:2"
        Used only if the model is trained further; the default is snnTorch's.

    Returns
    -------
    model : Model
        In float64 if the module is in double precision.

    Raises
    ------
    InputError
        If a layer cannot be carried, with its name; or if torch or snntorch is not installed.

    Warns
    -----
    UserWarning
        For each thing that was assumed, folded or left out.

    Examples
    --------
    >>> import snntorch as snn
    >>> from torch import nn
    >>> net = nn.Sequential(
    ...     nn.Conv2d(1, 4, 3), snn.Leaky(0.9, init_hidden=True), nn.MaxPool2d(2), nn.Flatten(),
    ...     nn.Linear(4 * 3 * 3, 10), snn.Leaky(0.9, init_hidden=True, output=True),
    ... )
    >>> model = from_snntorch(net, (8, 8, 1), num_steps=25, input_scale=16)
    >>> model.network.topology, model.network.betas, model.network.reset
    ('4C3-MP2-10', (0.9, 0.9), 'subtract')
    """
    parts, notes = modules.read(module)
    scale, skipped = _scale(transform, Scale(input_scale=input_scale, mean=mean, std=std, max_value=max_value))
    code, assumed = encoder(encoding, num_steps, scale)
    try:
        model = _model(parts, input_shape, code, classes, dataset, surrogate)
    except InputError as error:
        if modules.REGISTERED not in notes:
            raise
        raise InputError(f"{error}; {modules.REGISTERED}") from None
    for note in [*notes, *skipped, *assumed, *reset_delay.notes(model), *border(model)]:
        warnings.warn(note, stacklevel=2)
    return model


def load_state_dict(
    path: str | Path,
    topology: str | None = None,
    input_shape: Sequence[int] | None = None,
    *,
    padding: int | str | Sequence = 0,
    beta: float | Sequence[float] | None = None,
    threshold: float | Sequence[float] | None = None,
    reset: str | None = None,
    num_steps: int | None = None,
    encoding: str = "direct",
    scale: Scale | None = None,
    classes: int | None = None,
    dataset: str = "",
    surrogate: str = ATAN,
) -> tuple[Model, list[str]]:
    """Return the model of a file of ``torch.save(net.state_dict(), path)``, and notes on what was assumed.

    Parameters
    ----------
    path : str or Path
    topology : str, optional
        Such as ``"8C3-MP2-10"``: the pools, which the file does not hold; without it there are none.
    input_shape : (H, W, C) or (N,), optional
        Shape of one image, channels last; needed if the first layer is a convolution.
    padding : int, "same", or one of these per convolution
        The file does not hold it.
    beta, threshold : float or sequence of float, optional
        One for all layers, or one for each; needed only if the file holds no ``snn.Leaky``.
    reset : str, optional
        "subtract_then_leak" if reset_delay is False in a network with reset "subtract", which the file does not say;
        needed if it holds no ``snn.Leaky``.
    num_steps, encoding, classes, dataset, surrogate
        As in :func:`from_snntorch`.
    scale : Scale, optional
        The pixels that the network saw; by default inputs are taken as they are.

    Returns
    -------
    model : Model
    notes : list of str
        Things that were assumed, folded or left out, as sentences.

    Raises
    ------
    InputError
        If the file is damaged or holds more than tensors, or a layer cannot be carried; or if torch is not installed.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import snntorch as snn, torch
    >>> net = torch.nn.Sequential(torch.nn.Linear(64, 10), snn.Leaky(0.75, init_hidden=True))
    >>> with TemporaryDirectory() as folder:
    ...     torch.save(net.state_dict(), f"{folder}/weights.pt")
    ...     model, notes = load_state_dict(f"{folder}/weights.pt", num_steps=25, scale=Scale(input_scale=255))
    >>> model.network.topology, model.network.betas, len(notes)
    ('10', (0.75,), 2)
    """
    parts, notes = state_dict.read(
        path, topology, input_shape, padding=padding, beta=beta, threshold=threshold, reset=reset
    )
    code, assumed = encoder(encoding, num_steps, scale or Scale())
    model = _model(parts, input_shape, code, classes, dataset, surrogate)
    return model, [*notes, *assumed, *reset_delay.notes(model), *border(model)]


def _scale(transform, given):
    """Return the scale of a transform, or the given one, and notes."""
    if transform is None:
        return given, []
    if given.given:
        raise InputError("give either transform, or input_scale, mean and std")
    found, notes = from_transform(transform)
    return replace(found, max_value=given.max_value), notes


def _model(parts, input_shape, code, classes, dataset, surrogate):
    """Return the model of a chain of parts."""
    versions = {"torch": str(torch_library().__version__)}
    model = build(joined(parts), input_shape, code, classes=classes, surrogate=surrogate, sources=versions)
    model.dataset = dataset
    return model


def border(model: Model) -> list[str]:
    """Return a sentence if the first layer pads with another value than a pixel of 0, which gates cannot do."""
    net, first = model.network, model.network.layers[0].shape
    if first.padding == 0 or np.allclose(net.pad_value, model.encoder.pad_value, rtol=1e-5, atol=1e-6):
        return []
    return [
        f"layer {first.name} pads with {net.pad_value[0]:g}, which is no pixel of value 0 after the normalisation: the "
        "model runs, but cannot be quantised; for hardware train with a mean of 0, or without padding"
    ]


def to_snntorch(model: Model) -> Any:
    """Return a model as a network of snnTorch: an ``nn.Sequential`` that takes one step at a call.

    Parameters
    ----------
    model : Model

    Returns
    -------
    module : torch.nn.Sequential
        Its neurons keep their state (``init_hidden=True``): call ``snntorch.utils.reset(module)`` before an image. A
        call with ``model.encoder``'s inputs, channels first, returns (spikes, membranes) of the last layer.

    Raises
    ------
    InputError
        If the border of the first layer differs between channels; or if torch or snntorch is not installed.

    Warns
    -----
    UserWarning
        For reset "subtract_then_leak", if the weights allow membranes above twice the threshold, after which snnTorch's
        ``reset_delay=False`` differs, and for a surrogate that it has not.

    Examples
    --------
    >>> import numpy as np
    >>> from minisnn import Encoder, Network
    >>> net = Network("4C3-MP2-10", (8, 8, 1), beta=0.9, rng=np.random.default_rng(0))
    >>> module = to_snntorch(Model(net, Encoder("direct", 25)))
    >>> [type(layer).__name__ for layer in module]
    ['Conv2d', 'Leaky', 'MaxPool2d', 'Flatten', 'Linear', 'Leaky']
    """
    check.kind("model", model, Model, "as fit and load_model return it")
    module = network_of(model)
    for note in _differences(model):
        warnings.warn(note, stacklevel=2)
    return module


def network_of(model: Model) -> Any:
    """Return the module of :func:`to_snntorch`, without its warnings."""
    torch, snn = torch_library(), snntorch_library()
    net = model.network
    layers: list[Any] = []
    for layer in net.layers:
        shape = layer.shape
        if layer is net.layers[0] and shape.padding and any(net.pad_value):
            layers.append(_border(net.pad_value, shape.padding))
        elif shape.kind == "linear" and len(shape.in_shape) == 3:
            layers.append(torch.nn.Flatten())
        layers.append(_weights(layer, padding=0 if layers and layer is net.layers[0] else shape.padding))
        last = layer is net.layers[-1]
        if shape.cur_pool > 1:
            layers.append(torch.nn.MaxPool2d(shape.cur_pool))
        layers.append(
            snn.Leaky(
                torch.tensor(layer.beta, dtype=torch.float64),
                torch.tensor(layer.threshold, dtype=torch.float64),
                spike_grad=_spike_grad(net.surrogate),
                reset_mechanism=layer.reset.partition("_")[0],
                reset_delay=layer.reset != "subtract_then_leak",
                init_hidden=True,
                output=last,
            )
        )
        if shape.pool > 1:
            layers.append(torch.nn.MaxPool2d(shape.pool))
    return torch.nn.Sequential(*layers).to(torch.float64 if net.dtype == "float64" else torch.float32)


def _border(values, padding):
    """Return the layer that pads a normalised image as the first layer here does."""
    if len(set(values)) > 1:
        raise InputError(
            f"the first layer pads with another value in each channel, {values}, which torch cannot; normalise all "
            "channels alike, or train without padding"
        )
    return torch_library().nn.ConstantPad2d(padding, values[0])


def _weights(layer, padding):
    """Return the layer of torch with a layer's weights and biases, its rows counted channels first."""
    torch, shape = torch_library(), layer.shape
    w = torch.tensor(layer.w)
    if shape.kind == "conv2d":
        made = torch.nn.Conv2d(shape.w_shape[2], shape.w_shape[3], shape.w_shape[0], padding=padding)
        w = w.permute(3, 2, 0, 1)
    else:
        made = torch.nn.Linear(*shape.w_shape)
        if len(shape.in_shape) == 3:
            w = w.reshape(*shape.in_shape, -1).permute(2, 0, 1, 3).flatten(0, 2)
        w = w.T
    made.weight = torch.nn.Parameter(w.contiguous())
    made.bias = torch.nn.Parameter(torch.tensor(layer.b))
    return made


def _spike_grad(surrogate):
    """Return snnTorch's surrogate of the same family and scale; its default for one that it has not."""
    families = snntorch_library().surrogate
    return getattr(families, surrogate.name)(surrogate.scale) if surrogate.name in SURROGATES else families.atan()


def _differences(model):
    """Return a sentence for each thing that snnTorch does not do in the same way."""
    net, notes = model.network, reset_delay.notes(model)
    if net.surrogate.name not in SURROGATES:
        notes.append(f"the surrogate {net.surrogate} becomes snnTorch's atan, which matters only in further training")
    return notes
