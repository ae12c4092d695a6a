"""The parts of a torch module: its convolutions, linear layers, normalisations, neurons and pools, in their order.

InputError, which names the layer, is raised for anything else: a stride, a pool that averages, another neuron.
"""

from collections.abc import Callable
from os import PathLike
from typing import Any

import numpy as np

from ..errors import InputError
from .chain import Border, Neurons, Norm, Part, Pool, Weights
from .libraries import snntorch_library, torch_library

LIBRARIES = ("torch.", "snntorch.")
RESETS = {"_base_sub": "subtract", "_base_zero": "zero", "_base_int": "none"}  # by the state function of snn.Leaky
NO_RESET = (
    "{name} has no reset: the class with the largest membrane, summed over the steps, is the answer, and its spikes in "
    "snnTorch are not counted"
)
WRAPPERS = {"OptimizedModule": "_orig_mod", "DataParallel": "module", "DistributedDataParallel": "module"}
REGISTERED = (
    "the submodules are taken in the order in which they were registered, and functions that forward calls, such as "
    "F.max_pool2d, are not seen"
)
CLAMPED = "{name}: beta {beta:g} is taken as {clamped:g}, as snnTorch clamps it between 0 and 1"


def read(module: Any) -> tuple[list[Part], list[str]]:
    """Return the parts of a module, and notes on what was assumed, folded or left out."""
    nn = torch_library().nn
    if isinstance(module, dict | str | PathLike):
        given = "a state_dict" if isinstance(module, dict) else "a path"
        raise InputError(
            f"module must be a torch.nn.Module, got {given}; load a state_dict into its module first, or import its "
            "file by minisnn import weights.pt, which is minisnn.interop.snntorch.load_state_dict in Python"
        )
    if not isinstance(module, nn.Module):
        raise InputError(f"module must be a torch.nn.Module, got {type(module).__name__}")
    notes: list[str] = []
    parts = [part for name, leaf in _leaves(module, notes) for part in _parts(name, leaf, notes)]
    return parts, notes


def _leaves(module, notes):
    """Yield (name, module) of every module without submodules, in the order of registration."""
    nn = torch_library().nn
    own_forward = False
    neurons: dict[Any, str] = {}  # each with its first name
    for path, inner in module.named_modules(remove_duplicate=False):
        kind = type(inner)
        if any(inner.children()):
            own_forward |= kind is not nn.Sequential
            if kind.__module__.startswith(LIBRARIES) and kind not in (nn.Sequential, nn.ModuleList, nn.ModuleDict):
                raise InputError(f"layer {named(path, kind.__name__)} cannot be carried{_why(kind, nn)}")
            if own := [name for name, _ in inner.named_parameters(recurse=False)]:
                raise InputError(
                    f"module {path or kind.__name__} has the parameter {own[0]} of its own, which no layer uses"
                )
        else:
            name = named(path, kind.__name__)
            if kind.__module__.startswith("snntorch.") and neurons.setdefault(inner, name) != name:
                raise InputError(f"layer {name} is the module {neurons[inner]}; every layer needs neurons of its own")
            yield name, inner
    if own_forward:
        notes.append(REGISTERED)


def _parts(name, leaf, notes):
    """Return the parts that a leaf makes, none or one."""
    torch, snn = torch_library(), snntorch_library()
    nn = torch.nn
    readers: dict[type, Callable[..., Part]] = {
        nn.Conv2d: _conv2d,
        nn.Linear: _linear,
        nn.BatchNorm1d: _norm,
        nn.BatchNorm2d: _norm,
        snn.Leaky: _leaky,
        nn.MaxPool2d: _max_pool,
        nn.ZeroPad2d: _border,
        nn.ConstantPad2d: _border,
    }
    kind = type(leaf)  # a subclass may compute something else
    if kind in readers:
        _check_stored(name, leaf)
        return [readers[kind](name, leaf, notes)]
    if kind is nn.Flatten:
        _check(name, leaf, start_dim=1, end_dim=-1)
    elif kind.__module__ == "torch.nn.modules.dropout":
        notes.append(f"{name} is left out, as in evaluation")
    elif kind is not nn.Identity and not isinstance(leaf, nn.modules.loss._Loss):
        raise InputError(f"layer {name} cannot be carried{_why(kind, nn)}")
    return []


def _check_stored(name, leaf):
    """Raise InputError for weights that torch computes anew at each call, and for those that have no values."""
    for what in ("weight", "bias"):
        if hasattr(leaf, what) and what not in leaf._parameters:
            raise InputError(
                f"layer {name}: its {what} is computed anew at each call, by pruning, weight_norm or spectral_norm; "
                "make it permanent first (torch.nn.utils.prune.remove, remove_weight_norm or remove_spectral_norm)"
            )
    if any(tensor.is_meta for tensor in [*leaf.parameters(), *leaf.buffers()]):
        raise InputError(f"layer {name} is on the device meta, which holds no values; load its state_dict first")


def _why(kind, nn):
    """Return the reason why a kind of layer is not carried, with the cure if there is one."""
    if kind in (nn.AvgPool2d, nn.AdaptiveAvgPool2d):
        return ": the average of spikes is no spike; use MaxPool2d after the neurons, and train on"
    if kind.__module__.startswith("snntorch"):
        return ": of snnTorch's neurons, snn.Leaky is read"
    if kind.__name__.startswith("Parametrized"):
        return ": remove its parametrizations first (torch.nn.utils.parametrize.remove_parametrizations)"
    if kind.__name__.startswith("Lazy"):
        return ": it has no size yet; run the network on an image first"
    if kind.__name__ in WRAPPERS:
        return f": it wraps the network; hand over its {WRAPPERS[kind.__name__]}"
    return "; Conv2d, Linear, BatchNorm, snn.Leaky, MaxPool2d, Flatten and Dropout are read"


def _check(name, leaf, **wanted):
    """Raise InputError, which names layer and argument, unless the arguments of a leaf have the wanted values."""
    for argument, value in wanted.items():
        got = getattr(leaf, argument)
        if got not in (value, (value, value)):
            raise InputError(f"layer {name}: {argument}={got!r} cannot be carried, only {argument}={value!r}")


def named(path: str, kind: str) -> str:
    """Return a layer's name as messages have it: in quotes, because many are numbers, which count from 0."""
    return f"{path!r} ({kind})" if path else kind


def array(tensor: Any) -> np.ndarray:
    """Return a tensor as an array of float32, or float64 if it is in double precision."""
    torch = torch_library()
    tensor = tensor.detach().cpu()
    return tensor.to(torch.float64 if tensor.dtype == torch.float64 else torch.float32).numpy()


def scalar(name: str, what: str, tensor: Any) -> float:
    """Return the one value of a tensor; raise InputError if neurons differ. float32 gives the shortest decimal."""
    values = array(tensor).reshape(-1)
    if values.size == 0:
        raise InputError(f"layer {name}: {what} is empty")
    if not np.isfinite(values).all():
        raise InputError(f"layer {name}: {what} must be finite, but is NaN or infinite; train it again")
    if (values != values[0]).any():
        raise InputError(
            f"layer {name}: {what} differs between neurons ({values.min():g} to {values.max():g}), but a layer has one"
        )
    return float(str(values[0]))


def check_graded(name: str, factor: Any) -> None:
    """Raise InputError, which names the layer, unless its spikes are 1."""
    if (value := scalar(name, "graded_spikes_factor", factor)) != 1:
        raise InputError(f"layer {name}: graded_spikes_factor={value:g} cannot be carried, only spikes of 1")


def conv2d_weights(tensor: Any) -> np.ndarray:
    """Return the weights (M, C, k, k) of a convolution in this library's layout, (k, k, C, M)."""
    return array(tensor).transpose(2, 3, 1, 0)


def linear_weights(tensor: Any) -> np.ndarray:
    """Return the weights (M, N) of a fully connected layer in this library's layout, (N, M)."""
    return array(tensor).T


def norm_factors(weight: Any, bias: Any, mean: Any, variance: Any, eps: float) -> tuple[np.ndarray, np.ndarray]:
    """Return (factor, shift) of a batch normalisation in evaluation; weight and bias may be None."""
    mean, variance = (array(tensor).astype(np.float64) for tensor in (mean, variance))
    factor = (1.0 if weight is None else array(weight)) / np.sqrt(variance + eps)
    return factor, (0.0 if bias is None else array(bias)) - mean * factor


def neurons(name: str, beta: float, threshold: float, reset: str, notes: list[str]) -> Neurons:
    """Return neurons, with beta clamped as snnTorch does at every step."""
    clamped = min(max(beta, 0.0), 1.0)
    if clamped != beta:
        notes.append(CLAMPED.format(name=name, beta=beta, clamped=clamped))
    if reset == "none":
        notes.append(NO_RESET.format(name=name))
    return Neurons(name=name, beta=clamped, threshold=threshold, reset=reset)


# The kinds of leaves


def _bias(leaf):
    return None if leaf.bias is None else array(leaf.bias)


def _conv2d(name, leaf, notes):
    _check(name, leaf, stride=1, dilation=1, groups=1)
    height, width = leaf.kernel_size
    if height != width:
        raise InputError(f"layer {name}: kernel_size={leaf.kernel_size} cannot be carried, only a square kernel")
    padding = {"valid": (0, 0), "same": ((height - 1) / 2,) * 2}.get(leaf.padding, leaf.padding)
    if padding[0] != padding[1] or padding[0] != int(padding[0]):
        raise InputError(
            f"layer {name}: padding={leaf.padding!r} cannot be carried, only one that is equal on all sides"
        )
    if padding[0]:
        _check(name, leaf, padding_mode="zeros")
    return Weights(name=name, w=conv2d_weights(leaf.weight), b=_bias(leaf), padding=int(padding[0]))


def _border(name, leaf, notes):
    if len(set(leaf.padding)) != 1:
        raise InputError(
            f"layer {name}: padding={leaf.padding!r} cannot be carried, only one that is equal on all sides"
        )
    return Border(name=name, padding=leaf.padding[0], value=float(leaf.value))


def _linear(name, leaf, notes):
    return Weights(name=name, w=linear_weights(leaf.weight), b=_bias(leaf))


def _norm(name, leaf, notes):
    if leaf.running_mean is None:
        raise InputError(
            f"layer {name} keeps no running mean and variance, so it differs from batch to batch and cannot be folded"
        )
    notes.append(f"{name} is folded into the weights before it, with its running mean and variance")
    factor, shift = norm_factors(leaf.weight, leaf.bias, leaf.running_mean, leaf.running_var, leaf.eps)
    return Norm(name=name, factor=factor, shift=shift)


def _max_pool(name, leaf, notes):
    window = leaf.kernel_size if isinstance(leaf.kernel_size, int) else leaf.kernel_size[0]
    _check(name, leaf, kernel_size=window, stride=window, padding=0, dilation=1, ceil_mode=False, return_indices=False)
    return Pool(name=name, window=window)


def _leaky(name, leaf, notes):
    _check(name, leaf, inhibition=False, state_quant=False)
    check_graded(name, leaf.graded_spikes_factor)
    _check_step(name, leaf)
    reset = RESETS.get(getattr(getattr(leaf, "state_function", None), "__name__", ""))
    if reset is None:
        raise InputError(f"layer {name}: snntorch {snntorch_library().__version__} is not read, only 1.0 and later")
    stored = list(leaf.reset_dict)[int(leaf.reset_mechanism_val)]
    if stored != reset:
        raise InputError(
            f"layer {name} was made with reset_mechanism={reset!r}, which it runs, and then got {stored!r} from a "
            f"file; make it with reset_mechanism={stored!r}, and load the file again"
        )
    if reset == "subtract" and not leaf.reset_delay:
        reset = "subtract_then_leak"
    beta, threshold = scalar(name, "beta", leaf.beta), scalar(name, "threshold", leaf.threshold)
    return neurons(name, beta, threshold, reset, notes)


def _check_step(name, leaf):
    """Raise InputError unless a neuron fires strictly above the threshold, as all of snnTorch's surrogates do."""
    torch = torch_library()
    with torch.no_grad():
        fired = leaf.spike_grad(torch.tensor([-1.0, -1e-6, 0.0, 1e-6, 1.0]))
    if fired.tolist() != [0, 0, 0, 1, 1]:
        raise InputError(f"layer {name}: its spike_grad is no step at the threshold, strictly above which it fires")
