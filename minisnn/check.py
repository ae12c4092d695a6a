"""Checks of what a user passes in; each raises InputError with one sentence that says what is wrong and the remedy."""

import inspect
import math
import sys
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np

from .errors import InputError

LARGEST = sys.float_info.max
SAMPLE = 1000  # images whose mean and deviation stand for all
DARK = 10  # so many images cannot all be dark by chance


def whole(name: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """Return a whole number from `least`, and up to `most` if given, as an int."""
    number = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not number or value < least or (most is not None and value > most):
        limit = "" if most is None else f" to {most}"
        raise InputError(f"{name} must be a whole number from {least}{limit}, got {value!r}")
    return int(value)


def is_number(value: Any, least: float = -math.inf, most: float = math.inf) -> bool:
    """Return True for a finite int or float of Python's from `least` to `most`, as JSON holds it."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and abs(value) <= LARGEST and least <= value <= most


def is_whole(value: Any, least: int = 0) -> bool:
    """Return True for an int of Python's from `least`, of at most 64 bits."""
    return isinstance(value, int) and is_number(value, least, 2**63 - 1)


def choice(name: str, value: Any, choices: Any) -> Any:
    """Return a value that is one of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
    return value


def near(name: str, names: Iterable[str]) -> str:
    """Return " did you mean ...?" with the nearest of the names, or nothing if none is near."""
    nearest = get_close_matches(name, names, 1)
    return f" did you mean {nearest[0]}?" if nearest else ""


def generator(rng: Any) -> np.random.Generator:
    """Return a random generator unchanged."""
    if not isinstance(rng, np.random.Generator):
        raise InputError(f"rng must be a NumPy generator such as np.random.default_rng(0), got {rng!r}")
    return rng


def kind(name: str, value: Any, wanted: type, source: str) -> Any:
    """Return an object of the class `wanted` unchanged; `source` says where such an object comes from."""
    if not isinstance(value, wanted):
        raise InputError(f"{name} must be a {wanted.__name__}, {source}, got {type(value).__name__}")
    return value


def takes(name: str, function: Any, arguments: Sequence[str]) -> Any:
    """Return a function of the user's unchanged; it must take the arguments."""
    wanted = f"({', '.join(arguments)})"
    if not callable(function):
        raise InputError(f"{name} must be a function of {wanted}, got {function!r}")
    try:
        signature = inspect.signature(function)
    except ValueError:  # some functions in C have none
        return function
    try:
        signature.bind(*arguments)
    except TypeError:
        raise InputError(f"{name} is called with {wanted}, but takes {signature}; change its arguments") from None
    return function


def called(function: Any) -> str:
    """Return the name of a function of the user's, as messages and files have it."""
    function = getattr(function, "func", function)  # functools.partial
    return getattr(function, "__name__", type(function).__name__)


def finite(name: str, x: Any) -> np.ndarray:
    """Return numbers as an array; NaN and infinity are refused."""
    try:
        x = np.asarray(x)
    except ValueError:
        raise InputError(f"{name} must be an array of numbers, but its rows have different lengths") from None
    if x.dtype.kind not in "buif":
        raise InputError(f"{name} must be numbers, got {x.dtype}; convert them with astype")
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        raise InputError(f"{name} must be finite, but some are NaN or infinite; remove or replace them")
    return x


def images(x: Any, shape: tuple[int, ...], recorded_steps: int | None = None) -> np.ndarray:
    """Return raw images as an array of shape ``(n, *shape)``, or recordings as one of ``(n, T, *shape)``."""
    x = finite("images", x)
    if recorded_steps is not None:
        return _recordings(x, recorded_steps, shape)
    if x.ndim == 0 or x.shape[1:] != shape or len(x) == 0:
        raise InputError(
            f"images must have shape (n, {', '.join(map(str, shape))}) to fit the network, got {x.shape}"
            f"{_shape_remedy(x.shape[1:], shape)}"
        )
    return x


def _shape_remedy(given, shape):
    """Return how images of as many pixels fit a network that was imported for flat rows, or for torch's order."""
    if len(given) != 3 or math.prod(given) != math.prod(shape):
        return ""
    return f"; for an imported network, add --input-shape {','.join(map(str, given))} to minisnn import"


def _recordings(x, steps, shape):
    if x.ndim < 2 or x.shape[2:] != shape or len(x) == 0:
        raise InputError(
            f"recordings must have shape (n, {', '.join(map(str, (steps, *shape)))}) to fit the network, got {x.shape}"
        )
    if x.shape[1] != steps:
        raise InputError(
            f"the recordings have {x.shape[1]} steps, the model was trained on {steps}; bin the events into as many"
        )
    return counts("recordings", x)


def counts(name: str, x: np.ndarray) -> np.ndarray:
    """Return counts of events, which are uint8, unchanged."""
    if x.dtype != np.uint8:
        raise InputError(f"{name} must be uint8, counts of events, got {x.dtype}; convert them with astype('uint8')")
    return x


def labels(y: Any, count: int, classes: int, name: str = "labels") -> np.ndarray:
    """Return the classes of `count` images, 0 to `classes` - 1, as int64."""
    y = np.asarray(y)
    if y.shape != (count,) or y.dtype.kind not in "uif" or (y.dtype.kind == "f" and not (y == np.floor(y)).all()):
        raise InputError(
            f"{name} must be whole numbers, one for each of {count} images, got {y.dtype} of shape {y.shape}"
        )
    if count and (y.min() < 0 or y.max() >= classes):
        remedy = "; labels count from 0: subtract 1" if y.min() == 1 and y.max() == classes else ""
        raise InputError(
            f"{name} must be 0 to {classes - 1}, one for each class, got {y.min():g} to {y.max():g}{remedy}"
        )
    return y.astype(np.int64)


def other_scale(x: np.ndarray, encoder: Any) -> str:
    """Return a sentence if images have another scale than the encoder was made for, such as 0 to 1 instead of 0 to 255.

    It is empty if they have the same. For another scale the largest value, the deviation and the mean must all be more
    than four times too large, or all too small: one hot pixel or one wrong image changes the largest value alone.
    Counts of events have no scale: more of them are more events.
    """
    if encoder.recorded_steps is not None:
        return ""
    sample = np.asarray(x[:: -(-len(x) // SAMPLE)], np.float64)
    sample_mean, sample_deviation = float(sample.mean()), float(sample.std())
    means, deviations = np.array(encoder.mean), np.array(encoder.std)
    mean, deviation = float(means.mean()), float(np.sqrt((deviations**2).mean() + means.var()))
    directions = [_direction(max(float(x.max()), -float(x.min())), encoder.max_value)]
    if (mean, deviation) != (0.0, 1.0):  # those of an encoder that was not fitted to images
        if sample_deviation > 0:  # images of one value have no deviation at any scale
            directions.append(_direction(sample_deviation, deviation))
        if abs(mean) > 0.01 * deviation:  # else it is 0 but for chance
            directions.append(_direction(abs(sample_mean), abs(mean)))
    if all(way > 0 for way in directions) or (len(x) >= DARK and all(way < 0 for way in directions)):
        return (
            f"the images' pixels go up to {np.max(x):g}, those that the model was trained on up to "
            f"{encoder.max_value:g}; bring them to the same scale{_scale_remedy(np.max(x), encoder)}"
        )
    return ""


def _scale_remedy(largest, encoder):
    """Return how to import a network whose input scale was forgotten: it takes inputs as they are, up to 1."""
    if not largest > encoder.max_value == 1:
        return ""
    return f", or, for an imported network, add --input-scale {largest:g} to minisnn import"


def _direction(value, expected):
    """Return 1 for a value that is more than four times as large as expected, -1 for one that is as much smaller."""
    return int(value > 4 * expected) - int(value < expected / 4)


def images_for(model: Any, x: Any, y: Any = None) -> tuple[np.ndarray, Any]:
    """Return images, and labels if given, that fit a float or integer model in shape, scale and classes."""
    x = images(x, model.network.input_shape, model.encoder.recorded_steps)
    if sentence := other_scale(x, model.encoder):
        raise InputError(sentence)
    return x, None if y is None else labels(y, len(x), model.network.classes)


def gradient(name: str, value: Any, like: np.ndarray) -> np.ndarray:
    """Return the gradient of `like` in its dtype, contiguous."""
    value = np.asarray(value)
    if value.shape != like.shape or value.dtype.kind not in "buif":
        raise InputError(
            f"{name} must be numbers of the shape of what the run returned, {like.shape}, got {value.dtype} of shape "
            f"{value.shape}"
        )
    return np.ascontiguousarray(value, like.dtype)
