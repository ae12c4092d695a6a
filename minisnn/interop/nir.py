"""NIR, the Neuromorphic Intermediate Representation: networks from its files, and into them.

NIR writes a neuron as a differential equation, and minisnn steps it by ``dt`` (forward Euler, one input a step):

    LIF    tau*dv/dt = (v_leak - v) + r*I        U[t] = (1 - dt/tau)*V[t-1] + (r*dt/tau)*I[t]
    IF     dv/dt = r*I                           U[t] = V[t-1] + I[t]       its time unit is the step: r is 1
    both   spike where v > v_threshold, then v = v_reset

With v_leak and v_reset 0 that is ``lif`` with beta = 1 - dt/tau (IF: 1), reset "zero", and weights and biases times
r*dt/tau. A file cannot tell another reset: snnTorch writes ``snn.Leaky`` of every ``reset_mechanism`` as the same LIF.
Weights are (out, in) and (out, in, height, width), maps are (C, H, W) and are flattened in this order. A SumPool2d of
spikes with a Threshold below 1 after it is a maximum.

Source: Pedersen et al., Nature Communications 15, 8122 (2024), arXiv 2311.14641.
"""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from math import prod
from pathlib import Path

from .. import check
from ..errors import InputError
from ..model import Model
from . import nir_apart, nir_file, reset_delay
from .build import build
from .nir_layers import SNNTORCH_DT
from .nir_nodes import check_writable, nodes_and_edges
from .scale import Scale, encoder
from .snntorch import border

RESETS = ("zero", "subtract", "subtract_then_leak")  # that the network in a file may have had
LOW_BETA = 0.1  # from which on a membrane forgets a step within the next; more likely dt is wrong
ASSUMED_RESET = (
    "reset zero, as NIR defines LIF and IF: the file does not say whether its network had it. snnTorch writes networks "
    "with reset subtract, its default, in the same way: for those give reset subtract, or import their state_dict "
    "(minisnn import weights.pt)"
)


def from_nir(
    path: str | Path,
    dt: float | None = None,
    *,
    num_steps: int | None = None,
    encoding: str = "direct",
    input_scale: float | None = None,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    max_value: float | None = None,
    classes: int | None = None,
    dataset: str = "",
    surrogate: str = "fast_sigmoid:5",
    reset: str | None = None,
    input_shape: Sequence[int] | None = None,
) -> Model:
    """Return the model of a NIR file, spike for spike if its network had the reset that is given or assumed.

    A file is one line of Conv2d, Linear or Affine nodes, each with LIF or IF neurons after it, and perhaps a SumPool2d
    and a Threshold below 1, which is a maximum of spikes; Flatten nodes before the first fully connected layer. The
    last layer is fully connected.

    Parameters
    ----------
    path : str or Path
    dt : float, optional
        One time step, in the unit of the file's time constants (seconds): 1e-4 for files of snnTorch. A file of IF
        neurons alone needs none.
    num_steps : int, optional
        Time steps of an image; 10 if it is not given, with a warning.
    encoding : "direct", "rate", "latency", "events" or "counts"
        The code of an image in the file's input: the same current at every step, or spikes.
    input_scale : float, optional
        The network saw pixel / input_scale. By default inputs are taken as they are, with a warning.
    mean, std : float or sequence of float, optional
        The network saw scaled pixels minus the mean, divided by the deviation; one for all channels or one for each.
    max_value : float, optional
        The largest raw pixel; by default `input_scale`, or 1.
    classes : int, optional
        Number of classes; by default one for each neuron of the last layer.
    dataset : str, optional
        Name of the data set that the network was trained on; commands then use it by default.
    surrogate : str, default "fast_sigmoid:5"
        Used only if the model is trained further.
    reset : "zero", "subtract" or "subtract_then_leak", optional
        The reset of the network that was written, which a file does not hold. By default "zero", as NIR defines its
        neurons, with a warning. A network of snnTorch has "subtract" by default, or "subtract_then_leak" with
        ``reset_delay=False``, and is written in the same way.
    input_shape : (H, W, C), optional
        Shape of one image, for a file that takes flat rows: pixels count channels first, as torch flattens them.

    Returns
    -------
    model : Model
        In float64 if weights of the file are, else in float32.

    Raises
    ------
    InputError
        If the file is damaged or no NIR file, or a node cannot be carried, with its name; or if h5py is not installed.

    Warns
    -----
    UserWarning
        For each thing that was assumed.

    Examples
    --------
    A network that is written, and read again:

    >>> import numpy as np
    >>> from tempfile import TemporaryDirectory
    >>> from minisnn import Encoder, Network
    >>> net = Network("4C3-MP2-10", (8, 8, 1), beta=(0.9, 0.5), reset="zero", rng=np.random.default_rng(0))
    >>> with TemporaryDirectory() as folder:
    ...     to_nir(Model(net, Encoder("direct", 25, 1.0)), f"{folder}/net.nir", dt=1e-4)
    ...     model = from_nir(f"{folder}/net.nir", dt=1e-4, num_steps=25, input_scale=1, reset="zero")
    >>> model.network.topology, model.network.betas, model.network.reset
    ('4C3-MP2-10', (0.9, 0.5), 'zero')
    """
    model, notes = load(
        path,
        dt,
        num_steps=num_steps,
        encoding=encoding,
        scale=Scale(input_scale=input_scale, mean=mean, std=std, max_value=max_value),
        classes=classes,
        dataset=dataset,
        surrogate=surrogate,
        reset=reset,
        input_shape=input_shape,
    )
    for note in notes:
        warnings.warn(note, stacklevel=2)
    return model


def load(
    path: str | Path,
    dt: float | None = None,
    *,
    num_steps: int | None = None,
    encoding: str = "direct",
    scale: Scale | None = None,
    classes: int | None = None,
    dataset: str = "",
    surrogate: str = "fast_sigmoid:5",
    reset: str | None = None,
    input_shape: Sequence[int] | None = None,
) -> tuple[Model, list[str]]:
    """Return the model of :func:`from_nir`, and what was assumed, as sentences."""
    if dt is not None:
        _check_dt(dt)
    if reset is not None:
        check.choice("reset", reset, RESETS)
    code, notes = encoder(encoding, num_steps, scale or Scale())
    content = nir_apart.read(Path(path), dt)
    input_shape = _input_shape(path, content, input_shape)
    try:
        model = build(
            [replace(layer, reset=reset or "zero") for layer in content.layers],
            input_shape,
            code,
            classes=classes,
            surrogate=surrogate,
            sources={"nir": content.version},
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    model.dataset = dataset
    assumed = [ASSUMED_RESET] * (reset is None)
    return model, [*notes, *assumed, *reset_delay.notes(model), *_low_betas(content.layers, dt), *border(model)]


def _input_shape(path, content, given):
    """Return the shape of an image: the file's, or the one that is given for its flat rows."""
    if given is None or tuple(given) == content.input_shape:
        return content.input_shape
    if len(content.input_shape) > 1:
        raise InputError(
            f"input_shape {tuple(given)} contradicts {path}, whose images are {content.input_shape}; leave it out"
        )
    if prod(given) != content.input_shape[0]:
        raise InputError(
            f"input_shape {tuple(given)} has {prod(given)} pixels, but {path} takes rows of {content.input_shape[0]}; "
            "give height, width and channels of one image"
        )
    return tuple(given)


def _low_betas(layers, dt):
    """Return a sentence if a dt keeps next to nothing of membranes, which a wrong one does."""
    low = [layer for layer in layers if layer.beta < LOW_BETA]
    if not low:
        return []
    least = min(layer.beta for layer in low)
    words = "equals" if least == 0 else "is nearly"
    kept = "no membrane is" if least == 0 else "hardly any membrane is"
    named = ", ".join(layer.neurons for layer in low)
    return [
        f"dt {dt:g} {words} tau of {named}, so that beta is {least:.2g}: {kept} kept from step to step; is dt right?"
    ]


def to_nir(model: Model, path: str | Path, dt: float = SNNTORCH_DT) -> None:
    """Write a model as a NIR file, which other libraries of spiking networks and neuromorphic hardware read.

    The file's input are raw pixels, the same at every step, of a model with direct coding: the normalisation is folded
    into the first layer. Of the other codings it are their spikes. NIR does not hold the number of steps or classes.
    A maximum pool is written as a SumPool2d and a Threshold of one half, and neurons that do not leak as IF.

    Parameters
    ----------
    model : Model
        With reset "zero": NIR has no other that minisnn has.
    path : str or Path
    dt : float, default 1e-4
        One time step, in seconds: time constants are dt / (1 - beta). The default is that of snnTorch's reader.

    Raises
    ------
    InputError
        If NIR cannot express the network, or the file cannot be written; or if h5py is not installed.

    Examples
    --------
    See :func:`from_nir`, which reads the file again; a network that subtracts its threshold is refused:

    >>> import numpy as np
    >>> from minisnn import Encoder, Network
    >>> net = Network("4-3", (5,), rng=np.random.default_rng(0))
    >>> to_nir(Model(net, Encoder("direct", 25)), "net.nir")
    Traceback (most recent call last):
    minisnn.errors.InputError: neurons of NIR are reset to a value, and lack reset 'subtract'; train with reset 'zero'
    """
    check.kind("model", model, Model, "as fit and load_model return it")
    _check_dt(dt)
    check_writable(model.network)
    nodes, edges = nodes_and_edges(model, dt)
    nir_file.write(path, nodes, edges)


def _check_dt(dt):
    if not (check.is_number(dt) and dt > 0):
        raise InputError(f"dt must be a number above 0, in the unit of the time constants, got {dt!r}")
