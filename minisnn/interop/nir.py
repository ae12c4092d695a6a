"""NIR, the Neuromorphic Intermediate Representation: networks from its files, and into them.

NIR writes a neuron as a differential equation, and minisnn steps it by ``dt`` (forward Euler, one input a step):

    LIF    tau*dv/dt = (v_leak - v) + r*I        U[t] = (1 - dt/tau)*V[t-1] + (r*dt/tau)*I[t]
    IF     dv/dt = r*I                           U[t] = V[t-1] + I[t]       its time unit is the step: r is 1
    both   spike where v > v_threshold, then v = v_reset

With v_leak and v_reset 0 that is ``lif`` with beta = 1 - dt/tau (IF: 1), reset "zero", and weights and biases times
r*dt/tau. Weights are (out, in) and (out, in, height, width), maps are (C, H, W) and are flattened in this order. A
SumPool2d of spikes with a Threshold below 1 after it is a maximum.

Source: Pedersen et al., Nature Communications 15, 8122 (2024), arXiv 2311.14641.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path

from .. import check
from ..errors import InputError
from ..model import Model
from . import nir_apart, nir_file
from .build import build
from .nir_layers import SNNTORCH_DT
from .nir_nodes import check_writable, nodes_and_edges
from .scale import Scale, encoder
from .snntorch import border


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
) -> Model:
    """Return the model of a NIR file, spike for spike.

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

    Returns
    -------
    model : Model
        In float64 if weights of the file are, else in float32; reset "zero".

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
    ...     model = from_nir(f"{folder}/net.nir", dt=1e-4, num_steps=25, input_scale=1)
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
) -> tuple[Model, list[str]]:
    """Return the model of :func:`from_nir`, and what was assumed, as sentences."""
    if dt is not None:
        _check_dt(dt)
    code, notes = encoder(encoding, num_steps, scale or Scale())
    content = nir_apart.read(Path(path), dt)
    try:
        model = build(
            content.layers,
            content.input_shape,
            code,
            classes=classes,
            surrogate=surrogate,
            sources={"nir": content.version},
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    model.dataset = dataset
    return model, [*notes, *border(model)]


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
