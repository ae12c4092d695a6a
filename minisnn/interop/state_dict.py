"""A network of snnTorch from the file that people save: ``torch.save(net.state_dict(), "weights.pt")``.

The file holds weights, and of every ``snn.Leaky`` beta, threshold and the number of its reset. It does not hold which
pools the network has, stride, dilation and padding of its convolutions, inhibition, state_quant and reset_delay of its
neurons, nor functions without weights between layers. Groups show in the shapes of weights. It is read with
``weights_only``: nothing is unpickled that could run code.
"""

import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..model import kind_of
from ..topology import LayerShape, parse
from .build import check_order
from .chain import Neurons, Norm, Part, Pool, Weights
from .libraries import torch_library
from .modules import array, check_graded, conv2d_weights, linear_weights, named, neurons, norm_factors, scalar

RESETS = ("subtract", "zero", "none")  # by snnTorch's number
EPS = 1e-5  # of torch's batch normalisation by default
# The entries of a layer that are needed, and those that may stand beside them.
NORM = {"running_mean", "running_var"}, {"weight", "bias", "num_batches_tracked"}
NEURONS = {"beta", "threshold", "reset_mechanism_val"}, {"graded_spikes_factor", "mem"}
WEIGHTS = {"weight"}, {"bias"}
OTHERS = {("alpha",): "Synaptic or Alpha", ("R", "C"): "Lapicque"}  # neurons of snnTorch, by entries of theirs alone
_ONLY = "; of snnTorch's neurons, snn.Leaky is read"


def read(
    path: str | Path,
    topology: str | None = None,
    input_shape: Sequence[int] | None = None,
    *,
    padding: int | str | Sequence = 0,
    beta: float | Sequence[float] | None = None,
    threshold: float | Sequence[float] | None = None,
    reset: str | None = None,
) -> tuple[list[Part], list[str]]:
    """Return the parts of a network in a file, and notes on what was assumed.

    `topology` names the pools, and is checked against the weights. `beta`, `threshold` and `reset` are needed only
    where the file holds no neurons; a `reset` of "subtract_then_leak" says that reset_delay is False.
    """
    notes: list[str] = []
    groups = _groups(_entries(path, notes))
    _check_recurrent(groups)
    parts = [part for name, group in groups.items() for part in _part(name, group, notes)]
    weights = [part for part in parts if isinstance(part, Weights)]
    if not weights:
        raise InputError(f"{path} holds no weights of a convolution or a fully connected layer")
    parts = _completed(path, parts, {"beta": beta, "threshold": threshold, "reset": reset}, notes)
    shapes = _shapes(path, weights, topology, input_shape, padding)
    parts = _with_pools(parts, shapes, notes)
    return parts, [*notes, _untold(shapes)]


def _untold(shapes):
    """Return a sentence on what no entry of a file tells."""
    assumed = ["no inhibition and no state_quant of neurons", "no functions such as ReLU between layers"]
    if any(shape.kind == "conv2d" for shape in shapes):
        paddings = [] if any(shape.padding for shape in shapes) else ["no padding"]
        pools = [] if any(shape.pool > 1 for shape in shapes) else ["no pools"]
        assumed = ["stride 1", "dilation 1", *paddings, *pools, *assumed]
    return f"the file does not say, so it is assumed: {', '.join(assumed)}"


# The file


def _entries(path, notes):
    """Return the tensors of a file by name: the file's own, or those of the one state_dict in a checkpoint."""
    stored = _loaded(Path(path))
    if _is_state_dict(stored):
        return stored
    nested = [name for name, value in stored.items() if _is_state_dict(value)] if isinstance(stored, dict) else []
    if len(nested) > 1:
        raise InputError(
            f"{path} holds {len(nested)} state_dicts ({', '.join(map(repr, nested))}); save the one to import"
        )
    if not nested:
        raise InputError(f"{path} is no state_dict; save one with torch.save(net.state_dict(), ...)")
    notes.append(f"the file is a checkpoint, of which the entry {nested[0]!r} is read")
    return stored[nested[0]]


def _loaded(path):
    """Return the content of a file of torch.save, as far as it is tensors and plain values."""
    torch = torch_library()
    if not path.is_file():
        wrong = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"{path} {wrong}; name a file that torch.save wrote")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path} is damaged, or holds more than tensors, such as a whole module, which is not loaded because that "
            "could run code; save torch.save(net.state_dict(), ...), or use minisnn.from_snntorch(net) in Python"
        ) from error
    except Exception as error:  # zipfile, pickle and torch raise many types on a damaged file
        raise InputError(f"{path} is {_instead(path)}; name a file of torch.save(net.state_dict(), ...)") from error


def _instead(path):
    """Return what a file is that torch cannot load."""
    if path.stat().st_size == 0:
        return "empty"
    kind = kind_of(path)
    return f"already a {kind} of minisnn, and needs no import" if kind else "damaged, or no file of torch.save"


def _is_state_dict(value):
    """Return True for a dictionary of tensors by name."""
    torch = torch_library()
    tensors = isinstance(value, dict) and all(isinstance(tensor, torch.Tensor) for tensor in value.values())
    return tensors and len(value) > 0 and all(isinstance(name, str) for name in value)


def _groups(entries):
    """Return the entries by layer, {"0": {"weight": ..., "bias": ...}, "1": {"beta": ...}}, in the file's order."""
    torch = torch_library()
    groups: dict[str, dict[str, Any]] = {}
    for key, tensor in entries.items():
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_complex():
            raise InputError(f"the entry {key!r} is sparse, quantised or complex; only plain real tensors are read")
        layer, _, name = key.rpartition(".")
        groups.setdefault(layer, {})[name] = tensor
    return groups


# The layers


def _check_recurrent(groups):
    """Raise InputError for weights that belong to recurrent neurons."""
    for name in groups:
        layer, _, inner = name.rpartition(".")
        if inner == "recurrent" and "threshold" in groups.get(layer, ()):
            raise InputError(f"layer {layer!r} is of recurrent neurons, such as RLeaky, which cannot be carried{_ONLY}")


def _part(name, group, notes):
    """Return the part that a layer's entries make, as a list; raise InputError, which names the layer, for others."""
    label = repr(name)
    if _has(group, NORM):
        notes.append(
            f"{label} (BatchNorm) is folded into the weights before it, with its running mean and variance; its eps is "
            f"not in the file: {EPS:g}, torch's default, is assumed"
        )
        stored = [group.get(entry) for entry in ("weight", "bias", "running_mean", "running_var")]
        if len({tensor.shape for tensor in stored if tensor is not None}) > 1:
            raise InputError(f"layer {label} has entries of different shapes; save it again")
        factor, shift = norm_factors(*stored, EPS)
        return [Norm(name=named(name, "BatchNorm"), factor=factor, shift=shift)]
    if _has(group, NEURONS):
        return [_neurons(named(name, "Leaky"), group)]
    if _has(group, WEIGHTS) and group["weight"].ndim in (2, 4):
        return [_weights(named(name, "Conv2d" if group["weight"].ndim == 4 else "Linear"), group)]
    for entries, kinds in OTHERS.items():
        if {"threshold", *entries} <= set(group):
            raise InputError(f"layer {label} is of {kinds} neurons, which cannot be carried{_ONLY}")
    raise InputError(
        f"layer {label} with the entries {', '.join(group)} cannot be carried; convolutions, fully connected layers, "
        "BatchNorm and snn.Leaky are read"
    )


def _has(group, entries):
    """Return True if a layer has the needed entries, and no others than those that may stand beside them."""
    needed, others = entries
    return needed <= set(group) <= needed | others


def _weights(name, group):
    tensor = group["weight"]
    if tensor.ndim == 4 and tensor.shape[2] != tensor.shape[3]:
        height, width = tensor.shape[2:]
        raise InputError(f"layer {name}: a kernel of {height}x{width} cannot be carried, only a square one")
    w = conv2d_weights(tensor) if tensor.ndim == 4 else linear_weights(tensor)
    return Weights(name=name, w=w, b=array(group["bias"]) if "bias" in group else None)


def _neurons(name, group):
    if "graded_spikes_factor" in group:
        check_graded(name, group["graded_spikes_factor"])
    number = scalar(name, "reset_mechanism_val", group["reset_mechanism_val"])
    if number not in range(len(RESETS)):
        raise InputError(f"layer {name}: reset_mechanism_val must be 0, 1 or 2, got {number:g}")
    beta, threshold = scalar(name, "beta", group["beta"]), scalar(name, "threshold", group["threshold"])
    return Neurons(name=name, beta=beta, threshold=threshold, reset=RESETS[int(number)])


# What the file lacks


def _completed(path, parts, given, notes):
    """Return the parts with neurons after each layer of weights: those of the file, or else those that are given.

    `given` maps beta, threshold and reset to a value for all layers, to one for each, or to None.
    """
    body = [part for part in parts if not isinstance(part, Neurons)]
    found = [part for part in parts if isinstance(part, Neurons)]
    layers = sum(isinstance(part, Weights) for part in body)
    wanted = _by_layer(given, layers)
    if not found:
        found = [_made(path, number, values) for number, values in enumerate(wanted, 1)]
        parts = [*body, *found]
    if len(found) != layers:
        raise InputError(
            f"{path} holds {layers} layers of weights and {len(found)} of neurons (snn.Leaky), but each layer of "
            "weights needs neurons of its own"
        )
    agreed = [_agreeing(path, part, values) for part, values in zip(found, wanted)]
    if given["reset"] is None and any(part.reset == "subtract" for part in agreed):
        notes.append(
            "the file does not hold reset_delay: True, snnTorch's default, is assumed (reset subtract_then_leak stands "
            "for False)"
        )
    made = iter([neurons(part.name, part.beta, part.threshold, part.reset, notes) for part in agreed])
    if parts == [*body, *found]:  # all neurons stand behind all weights, so the order of the parts says nothing
        return _interleaved(body, made)
    return [next(made) if isinstance(part, Neurons) else part for part in parts]


def _by_layer(given, layers):
    """Return the given values of each layer, as a dictionary without those that were not given."""
    for name, value in given.items():
        if isinstance(value, (list, tuple)) and len(value) != layers:
            raise InputError(f"{name} has {len(value)} values for {layers} layers: give one for all, or one for each")
    return [
        {
            name: value[index] if isinstance(value, (list, tuple)) else value
            for name, value in given.items()
            if value is not None
        }
        for index in range(layers)
    ]


def _made(path, number, values):
    """Return neurons of given values; the file holds none."""
    for name in ("beta", "threshold", "reset"):
        if name not in values:
            raise InputError(f"{name} must be given, because {path} holds no neurons of snnTorch")
    return Neurons(name=f"neurons {number}", **values)


def _agreeing(path, part, values):
    """Return neurons with the reset that is given; raise InputError if a given value contradicts them."""
    for name, value in values.items():
        stored = getattr(part, name)
        if value != stored and (stored, value) != ("subtract", "subtract_then_leak"):
            raise InputError(f"{name} {value} contradicts {path}, whose layer {part.name} has {stored}; leave it out")
    return replace(part, reset=values.get("reset", part.reset))


def _interleaved(body, made):
    """Return each layer of weights, with its normalisation, followed by its neurons."""
    parts: list[Part] = []
    for part in body:
        if isinstance(part, Weights) and parts:
            parts.append(next(made))
        parts.append(part)
    return [*parts, next(made)]


def _shapes(path, weights, topology, input_shape, padding):
    """Return the shapes of the topology, by default of the weights without pools; raise InputError if they differ."""
    held = [_notation(part) for part in weights]
    if input_shape is None and weights[0].w.ndim == 2:
        input_shape = weights[0].w.shape[:1]
    if input_shape is None:
        raise InputError(
            f"input_shape must be given, (height, width, channels), because {path} begins with a convolution"
        )
    check_order(weights[0].w, input_shape)
    shapes = parse("-".join(held) if topology is None else topology, input_shape, padding)
    terms = [shape.name.split()[1].partition("-")[0] for shape in shapes]
    if terms != held:
        raise InputError(f"topology {topology} does not fit {path}, which holds {'-'.join(held)} and tells no pools")
    return shapes


def _notation(part):
    """Return the notation of a layer without its pool, such as 8C3."""
    size = part.w.shape
    return f"{size[-1]}C{size[0]}" if len(size) == 4 else f"{size[-1]}"


def _with_pools(parts: list[Part], shapes: Sequence[LayerShape], notes: list[str]) -> list[Part]:
    """Return the parts with the paddings and pools of the topology."""
    remaining, result, shape = iter(shapes), [], shapes[0]
    for index, part in enumerate(parts):
        if isinstance(part, Weights):
            shape = next(remaining)
            part = replace(part, padding=shape.padding)
        result.append(part)
        if isinstance(part, Neurons) and shape.pool > 1:
            _check_place(parts, index, shape)
            result.append(Pool(name=f"MP{shape.pool}", window=shape.pool))
    if any(shape.pool > 1 for shape in shapes):
        notes.append(
            "the file does not hold the pools: each is taken as MaxPool2d after the neurons (Conv2d, Leaky, "
            "MaxPool2d); with AvgPool2d, or a pool before the neurons, spikes differ"
        )
    return result


def _check_place(parts, index, shape):
    """Raise InputError if a pool after these neurons contradicts the numbers that an nn.Sequential gives its layers."""
    before, here = _place(parts[index - 1]), _place(parts[index])
    after = _place(parts[index + 1]) if index + 1 < len(parts) else None
    if before and here and before[0] == here[0] and here[1] - before[1] > 1:
        raise InputError(
            f"topology: MP{shape.pool} pools spikes, after the neurons, but a layer without weights stands between "
            f"{before[2]} and {here[2]}: if it is the pool, move it behind the neurons (Conv2d, Leaky, MaxPool2d) and "
            "train on from these weights; if not, use minisnn.from_snntorch(net) in Python"
        )
    if here and after and here[0] == after[0] and after[1] - here[1] < 2:
        raise InputError(f"topology: MP{shape.pool} has no place in the network, where {after[2]} follows {here[2]}")


def _place(part):
    """Return (container, number, name) of a part of an nn.Sequential, or None for a name without a number."""
    container, _, number = part.name.partition(" (")[0].strip("'").rpartition(".")
    return (container, int(number), part.name) if number.isdecimal() else None
