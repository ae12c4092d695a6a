"""Which pixels a network saw: the input scale of an imported network, as an encoder.

A network trained elsewhere saw (pixel / input_scale - mean) / std. Stored in the model's encoder, this makes it take
raw images, as networks trained here do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..encode import RECORDED, Encoder
from ..errors import InputError

DEFAULT_STEPS = 10  # as in a training here


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The pixels that a network saw, (pixel / input_scale - mean) / std; None where it was not said.

    Attributes
    ----------
    input_scale : float, optional
        255 for images of bytes that torchvision's ToTensor converts.
    mean, std : float or sequence of floats, optional
        As in torchvision's Normalize: in units of scaled pixels, one for all channels or one for each.
    max_value : float, optional
        The largest raw pixel; by default `input_scale`, or 1.
    """

    input_scale: float | None = None
    mean: Any = None
    std: Any = None
    max_value: float | None = None

    @property
    def given(self) -> bool:
        """True if anything is said about the pixels that the network saw."""
        return not (self.input_scale is None and self.mean is None and self.std is None)


def encoder(kind: str, num_steps: int | None, scale: Scale) -> tuple[Encoder, list[str]]:
    """Return the encoder of a scale, and the assumptions that were made, as sentences; raise InputError as Encoder."""
    factor = _above_zero("input_scale", 1.0 if scale.input_scale is None else scale.input_scale)
    most = factor if scale.max_value is None else _above_zero("max_value", scale.max_value)
    mean, std = _numbers("mean", scale.mean, 0.0), _numbers("std", scale.std, 1.0)
    length = max(len(mean), len(std))
    mean, std = (values * length if len(values) == 1 else values for values in (mean, std))
    if kind != "direct" and (scale.mean is not None or scale.std is not None):
        raise InputError(f"mean and std belong to direct coding; with {kind} coding pixels become spikes")
    if kind in RECORDED and scale.input_scale is not None:
        raise InputError(f"input_scale belongs to pixels; with {kind} coding recordings are taken as they are")
    steps = DEFAULT_STEPS if num_steps is None else num_steps
    notes = [f"the number of time steps was not given: {steps}"] * (num_steps is None)
    if not scale.given and kind == "direct":
        notes.append(
            f"inputs are taken as they are, up to {most:g}: no input scale was given, nor a mean and deviation (a "
            "network that saw bytes through torchvision's ToTensor has an input scale of 255)"
        )
    return Encoder(kind, steps, most, tuple(factor * m for m in mean), tuple(factor * s for s in std)), notes


def from_transform(transform: Any) -> tuple[Scale, list[str]]:
    """Return the scale that a transform of torchvision's gives, and notes on steps that do not scale.

    ToTensor (or ToImage and ToDtype with scale=True) and Normalize are read; steps that only resize, crop or lose
    colours are noted; any other step raises InputError, which names it.
    """
    scale, notes = Scale(), []
    for step in getattr(transform, "transforms", [transform]):
        name = type(step).__name__
        if name == "ToTensor" or (name == "ToDtype" and getattr(step, "scale", False)):
            scale = Scale(input_scale=255.0, mean=scale.mean, std=scale.std)
        elif name == "Normalize":
            if scale.mean is not None:
                raise InputError("the transform has two steps Normalize; join them into one")
            scale = Scale(input_scale=scale.input_scale, mean=_listed(step.mean), std=_listed(step.std))
        elif name in ("Resize", "CenterCrop", "Grayscale", "Pad"):
            notes.append(f"{name} of the transform is not carried: the model takes images after it")
        elif name not in ("ToImage", "PILToTensor", "Identity"):
            raise InputError(
                f"the step {name} of the transform cannot be carried; hand over the transform of the test images, of "
                "ToTensor and Normalize"
            )
    return scale, notes


def _listed(values: Any) -> Sequence[float]:
    return np.asarray(values, float).reshape(-1).tolist()


def _numbers(name, value, default):
    """Return one number or several as a tuple of floats."""
    try:
        values = np.asarray(default if value is None else value, float).reshape(-1)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.size == 0 or not np.isfinite(values).all() or (name == "std" and values.min() <= 0):
        words = "above 0" if name == "std" else "finite"
        raise InputError(f"{name} must be a number, or one for each channel, {words}, got {value!r}")
    return tuple(values.tolist())


def _above_zero(name, value):
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = 0.0
    if not (np.isfinite(number) and number > 0):
        raise InputError(f"{name} must be a number above 0, got {value!r}")
    return number
