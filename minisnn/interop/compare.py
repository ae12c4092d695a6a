"""A model and the module of snnTorch that it came from, on the same images: the spikes that differ, layer by layer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from .. import check
from ..errors import InputError
from ..model import Model
from ..rng import stream
from ..terminal import counted
from . import reset_delay
from .libraries import snntorch_library, torch_library
from .snntorch import network_of

COUNTED = 1000  # images of a data set on which an import counts: snnTorch is slow


@dataclass(frozen=True)
class Difference:
    """Spikes of a layer in both libraries, over all images and steps.

    Attributes
    ----------
    name : str
        Number and notation of the layer, such as ``"1 32C3-MP2"``.
    spikes : int
        Number of spikes in snnTorch.
    differ : int
        Number of neurons and steps at which one fires and the other does not.
    """

    name: str
    spikes: int
    differ: int


def compare(model: Model, module: Any, images: np.ndarray, batch_size: int = 256) -> list[Difference]:
    """Count the spikes that differ between a model and the module that it was imported from or exported to.

    Both get the model's encoding of the images; convolutions and linear layers of a module in double precision get
    spikes in double precision, which snnTorch gives in single.

    Parameters
    ----------
    model : Model
    module : torch.nn.Module
        Called for each step with the images (B, C, H, W), or (B, N) for a network of flat rows; a module whose forward
        runs all steps by itself is called once.
    images : ndarray of shape (n, H, W, C) or (n, N)
        Raw images, as the model takes them.
    batch_size : int, default 256

    Returns
    -------
    differences : list of Difference
        One for each layer.

    Raises
    ------
    InputError
        If the images do not fit, or the module has other layers of neurons than the model.

    Examples
    --------
    >>> from minisnn import Encoder, Network
    >>> from minisnn.interop.snntorch import to_snntorch
    >>> net = Network("4-3", (5,), backend="numpy", rng=np.random.default_rng(0))
    >>> model = Model(net, Encoder("direct", 6, max_value=1.0))
    >>> [layer.differ for layer in compare(model, to_snntorch(model), np.eye(5))]
    [0, 0]
    """
    check.kind("model", model, Model, "as from_snntorch returns it")
    net, num_steps = model.network, model.encoder.num_steps
    images = check.images(images, net.input_shape, model.encoder.recorded_steps)
    rng = stream(model.seed, "encode")
    spikes, differ = np.zeros((2, len(net.layers)), np.int64)
    with _recorded(module, len(net.layers)) as record:
        for start in range(0, len(images), batch_size):
            inputs = model.encoder.encode(images[start : start + batch_size], rng, net.dtype)
            _run(module, inputs, num_steps, record)
            ours = net.forward(inputs, num_steps, record=True).layers
            for index, (layer, theirs) in enumerate(zip(net.layers, record)):
                theirs = _as_ours(np.array(theirs), layer.shape.out_shape)
                spikes[index] += np.count_nonzero(theirs)
                differ[index] += np.count_nonzero(theirs != ours[index].spk)
    return [Difference(layer.name, int(n), int(d)) for layer, n, d in zip(net.layers, spikes, differ)]


def reset_delay_counted(model: Model, images: np.ndarray) -> list[str]:
    """Return a sentence on how many spikes of images differ from snnTorch's with reset_delay=False.

    There is none if none can differ, or if snntorch is not installed, which runs the network.
    """
    if not reset_delay.notes(model) or find_spec("snntorch") is None:
        return []
    images = images[:COUNTED]
    found = compare(model, network_of(model), images)
    spikes, differ = sum(layer.spikes for layer in found), sum(layer.differ for layer in found)
    layers = ", ".join(f"{layer.differ:,} in layer {layer.name}" for layer in found)
    differing = f" ({layers}); train on with reset_delay=True, or with minisnn quantize --finetune" if differ else ""
    return [
        f"on {counted(len(images), 'test image')} snnTorch with reset_delay=False gives {counted(spikes, 'spike')}, "
        f"and {differ:,} differ here{differing}"
    ]


@contextmanager
def _recorded(module, layers) -> Iterator[list[list[np.ndarray]]]:
    """Let a module run as in evaluation, and yield the spikes of its layers of neurons, to which each call adds."""
    torch, snn = torch_library(), snntorch_library()
    neurons = [leaf for leaf in module.modules() if isinstance(leaf, snn.Leaky)]
    if len(neurons) != layers:
        raise InputError(f"the module has {len(neurons)} layers snn.Leaky, the model has {layers} layers")
    record: list[list[np.ndarray]] = [[] for _ in neurons]
    modes = [(leaf, leaf.training) for leaf in module.modules()]
    hooks = [leaf.register_forward_hook(_keeper(kept)) for leaf, kept in zip(neurons, record)]
    for leaf in module.modules():
        if isinstance(leaf, (torch.nn.Conv2d, torch.nn.Linear)):
            hooks.append(leaf.register_forward_pre_hook(lambda leaf, args: (args[0].to(leaf.weight.dtype),)))
    try:
        module.eval()
        with torch.no_grad():
            yield record
    finally:
        for hook in hooks:
            hook.remove()
        for leaf, mode in modes:
            leaf.training = mode


def _keeper(kept):
    """Return a hook that keeps the spikes of each call of a layer of neurons."""

    def keep(leaf, arguments, output):
        kept.append((output[0] if isinstance(output, tuple) else output).numpy())

    return keep


def _run(module, inputs, num_steps, record):
    """Call a module once a step, or once if it runs all steps by itself, with an empty record and membranes of 0."""
    for kept in record:
        kept.clear()
    for leaf in module.modules():
        if isinstance(leaf, snntorch_library().Leaky):
            leaf.reset_mem()
    steps = [_as_theirs(module, step) for step in inputs]
    module(steps[0])
    if num_steps > 1 and len(record[0]) == 1:
        for step in range(1, num_steps):
            module(steps[step % len(steps)])
    calls = {len(kept) for kept in record}
    if calls != {num_steps}:
        raise InputError(f"the module ran {max(calls)} time steps of an image, the model has {num_steps}")


def _as_theirs(module, x):
    """Return images (B, H, W, C) as a tensor, channels first; flat where a linear layer takes them as they come."""
    torch = torch_library()
    if x.ndim == 4:
        x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    first = next(leaf for leaf in module.modules() if isinstance(leaf, (torch.nn.Conv2d, torch.nn.Linear)))
    if isinstance(first, torch.nn.Linear):
        x = x.reshape(len(x), -1)
    return torch.from_numpy(x)


def _as_ours(spikes, shape):
    """Return spikes (T, B, C, H, W) with channels last, without the neurons outside whole pooling windows."""
    if len(shape) == 3 and spikes.ndim == 5:
        spikes = spikes.transpose(0, 1, 3, 4, 2)[:, :, : shape[0], : shape[1]]
    return spikes.reshape(*spikes.shape[:2], *shape)
