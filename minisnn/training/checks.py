"""Checks of a training: its parts fit together before it begins, and its numbers stay finite."""

from collections.abc import Sequence

import numpy as np

from .. import check, loss
from ..data.dataset import Dataset
from ..encode import KINDS, RECORDED, Encoder
from ..errors import InputError
from ..network import Network
from ..timing.layout import lanes_of, taps_of
from . import optim
from .settings import Settings


def check_fit(net: Network, data: Dataset, settings: Settings) -> None:
    """Raise InputError if network, data set and settings do not fit together."""
    if data.input_shape != net.input_shape:
        raise InputError(f"images of {data.name} have shape {data.input_shape}, the network takes {net.input_shape}")
    check_time(data, settings)
    if len(data.y_train) and data.y_train.min() == data.y_train.max():
        raise InputError(
            f"all training images of {data.name} are of class {data.y_train[0]}, which leaves nothing to learn; give "
            "images of at least two classes"
        )
    if net.classes < data.classes:
        raise InputError(
            f"{data.name} has {data.classes} classes, the network only {net.classes}; make its "
            f"last layer {data.classes}, or a multiple of it with classes={data.classes}"
        )
    if settings.augment and len(data.input_shape) == 1:
        raise InputError(f"augment shifts images, but {data.name} has flat rows of {data.input_shape[0]}; set it to 0")
    if settings.augment and settings.augment >= max(data.input_shape[:2]):
        height, width = data.input_shape[:2]
        raise InputError(
            f"augment must be less than the longer side of an image, {height}x{width} in {data.name}, got "
            f"{settings.augment}"
        )
    if net.readout == "membrane" and settings.loss != "membrane" and isinstance(settings.loss, str):
        raise InputError(
            f"loss {settings.loss} counts spikes, but with readout membrane the last layer "
            "never spikes; choose loss membrane"
        )
    if settings.learned and "threshold" in settings.learned and len(net.layers) == 1 and net.readout == "membrane":
        raise InputError("learn has threshold, but the only layer is the membrane readout, which has none")
    if settings.cycle_penalty is not None:
        _check_cycle_penalty(net, settings)
    if settings.rate_penalty is not None:
        _check_penalty(net, settings.rate_penalty)


def check_time(data: Dataset, settings: Settings) -> None:
    """Raise InputError if the encoding is not for such data, or the number of steps is not that of the recordings."""
    steps = data.num_steps
    fitting = RECORDED if steps else tuple(kind for kind in KINDS if kind not in RECORDED)
    if settings.encoding not in fitting:
        raise InputError(
            f"encoding {settings.encoding} does not fit {data.name}, which has "
            f"{f'recordings of {steps} steps' if steps else 'still images'}; choose one of {', '.join(fitting)}"
        )
    if steps and settings.num_steps != steps:
        raise InputError(
            f"num_steps must be {steps}, the steps of the recordings in {data.name}, got {settings.num_steps}; leave "
            "it out, or bin the events anew"
        )


def doubts(net: Network, data: Dataset, encoder: Encoder) -> list[str]:
    """Return a sentence for everything about a training that is possible, but is probably a mistake."""
    sentences = []
    height, width, channels = data.input_shape if len(data.input_shape) == 3 else (0, 0, 0)
    if 0 < height <= 4 < min(width, channels):
        sentences.append(
            f"images of shape ({height}, {width}, {channels}) seem to have their channels first; if so, use "
            "x.transpose(0, 2, 3, 1)"
        )
    for shape in (layer.shape for layer in net.layers):
        window = shape.pool * shape.cur_pool
        full = [size + 2 * shape.padding - shape.w_shape[0] + 1 for size in shape.in_shape[:2]]
        lost = [size - kept for size, kept in zip(full, shape.cur_shape)] if window > 1 else []
        if any(10 * lose > size for lose, size in zip(lost, full)):
            sentences.append(
                f"layer {shape.name}: windows of {window} leave out the last {lost[0]} rows and {lost[1]} columns "
                f"of {full[0]}x{full[1]} neurons; change the window or the padding to use all"
            )
    if sentence := len(data.x_test) and check.other_scale(data.x_test, encoder):
        sentences.append(f"test images: {sentence}")
    return sentences


def _check_cycle_penalty(net, settings):
    if len(net.layers) == 1:
        raise InputError("cycle_penalty prices spikes by what they cost the next layer, but there is only one layer")
    if settings.encoding == "counts":
        raise InputError(
            "cycle_penalty prices cycles of hardware, which takes events, not counts; choose encoding events"
        )
    shapes = [layer.shape for layer in net.layers]
    lanes_of(shapes, settings.lane_counts)
    taps_of(shapes, settings.tap_counts)


def _check_penalty(net, text):
    for part in loss.parse_penalty(text):
        if np.ndim(part) and len(part) != len(net.layers):
            raise InputError(
                f"rate_penalty {text!r} has {len(part)} values for {len(net.layers)} layers: "
                "give one for all, or one for each"
            )
    if net.readout == "membrane" and len(net.layers) == 1:
        raise InputError("rate_penalty needs a layer that spikes, but the only one is the membrane readout")


def not_finite(
    net: Network, inputs: np.ndarray, num_steps: int, grads: list[np.ndarray], learned: Sequence[str] = ()
) -> str:
    """Name the first thing that is not finite, in the order of computation, such as "the weights of layer 1 16 are"."""
    run = net.forward(inputs, num_steps, record=True)
    for index, layer in enumerate(net.layers):
        if not np.isfinite(optim.norm([layer.w, layer.b])):
            return f"the weights of layer {layer.name} are"
        if not np.isfinite(run.layers[index].mem).all():
            return f"the membranes of layer {layer.name} are"
    for index, layer in reversed(list(enumerate(net.layers))):
        if not np.isfinite(optim.norm(grads[2 * index : 2 * index + 2])):
            return f"the gradient of layer {layer.name} is"
    for name, grad in zip(learned, grads[2 * len(net.layers) :]):
        if not np.isfinite(optim.norm([grad])):
            return f"the gradient of {name} is"
    return f"the loss at layer {net.layers[-1].name} is"
