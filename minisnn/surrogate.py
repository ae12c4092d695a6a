"""Surrogate gradients: smooth curves that replace the step function when the network learns.

A neuron spikes when x = U - theta is above 0. The derivative of that step is 0 everywhere and infinite at x = 0, so
nothing could be learned through it. A surrogate keeps the step in the forward pass and takes the derivative of a
similar curve in the backward pass:

    family         derivative                          curve                         half-width   peak
    -------------  ----------------------------------  ----------------------------  -----------  ------
    fast_sigmoid   1 / (1 + k|x|)^2                    x / (1 + k|x|)                (sqrt2-1)/k  1
    atan           (a/2) / (1 + (pi a x / 2)^2)        arctan(pi a x / 2) / pi       2/(pi a)     a/2
    sigmoid        k e^(-kx) / (1 + e^(-kx))^2         1 / (1 + e^(-kx))             1.7627/k     k/4
    triangular     max(0, 1 - |x|/w) / w               its integral from -w          w/2          1/w

The half-width is the distance from the threshold at which the derivative has fallen to half its peak. Equal scales do
not make families comparable: use :func:`match_width`, or :func:`match_width_and_height` if the peaks are to agree as
well.

Sources: fast_sigmoid: Zenke & Ganguli, Neural Computation 30 (2018), eq. 4. atan: Fang et al., ICCV 2021
(arXiv 2007.05785). sigmoid: the logistic function, e.g. Neftci, Mostafa & Zenke, IEEE SPM 36 (2019).
triangular: Bellec et al., NeurIPS 2018 (arXiv 1803.09574), with the height that makes the area 1.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .errors import InputError


@dataclass(frozen=True)
class Family:
    """One row of the table above; `curve` and `derivative` are functions of (scale, x)."""

    curve: Callable
    derivative: Callable
    half_width: float  # at scale 1
    scale_is_width: bool = False  # else the scale is a slope, and the half-width falls with it


def _fast_sigmoid_derivative(k, x):
    d = 1 + k * np.abs(x)
    return 1 / (d * d)


def _atan_derivative(a, x):
    z = math.pi / 2 * a * x
    return a / 2 / (1 + z * z)


def _sigmoid(k, x):
    e = np.exp(-k * np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def _sigmoid_derivative(k, x):
    e = np.exp(-k * np.abs(x))  # |x|: the derivative is even, and e^(kx) cannot overflow
    d = 1 + e
    return k * e / (d * d)


def _triangular(w, x):
    z = np.clip(x / w, -1, 1)
    return 0.5 + z - np.sign(z) * z * z / 2


# The kernels evaluate the expressions of these derivatives in the same order, so that the two agree bit for bit.
_FAMILIES = {
    "fast_sigmoid": Family(
        curve=lambda k, x: x / (1 + k * np.abs(x)),
        derivative=_fast_sigmoid_derivative,
        half_width=math.sqrt(2) - 1,
    ),
    "atan": Family(
        curve=lambda a, x: np.arctan(math.pi / 2 * a * x) / math.pi,
        derivative=_atan_derivative,
        half_width=2 / math.pi,
    ),
    "sigmoid": Family(
        curve=_sigmoid,
        derivative=_sigmoid_derivative,
        half_width=math.log(3 + 2 * math.sqrt(2)),
    ),
    "triangular": Family(
        curve=_triangular,
        derivative=lambda w, x: np.maximum(1 - np.abs(x) / w, 0) / w,
        half_width=0.5,
        scale_is_width=True,
    ),
}
FAMILIES = tuple(_FAMILIES)


@dataclass(frozen=True)
class Surrogate:
    """A curve and its derivative, in x = U - theta.

    Parameters
    ----------
    name : str
        One of ``fast_sigmoid``, ``atan``, ``sigmoid``, ``triangular``, or any name for a curve of
        your own (then `functions` is needed).
    scale : float
        k, alpha or w of the table above; in units of 1/membrane (w: of membrane). Above 0.
    gain : float, default 1
        Factor on curve and derivative: the height of the surrogate.
    functions : (curve, derivative), optional
        Your own pair of functions of an ndarray. They run on ``backend="numpy"``; for the kernels pass
        ``surrogate.tabulate(...)``.
    table : tuple of float, optional
        Set by :meth:`tabulate`: the derivative at equal steps over [-reach, reach].
    reach : float, default 0
        Half of the range of `table`; the derivative is 0 beyond it.

    Raises
    ------
    InputError
        For an unknown name without `functions`, or a scale or gain that is not a positive number.

    Examples
    --------
    >>> s = Surrogate("fast_sigmoid", 25.0)
    >>> float(s.derivative(np.float64(0.0))), round(float(s.derivative(np.float64(0.04))), 4)
    (1.0, 0.25)
    >>> str(s)
    'fast_sigmoid:25'
    >>> s.peak, round(s.half_width, 4), float(s.derivative(np.float64(s.half_width)).round(12))
    (1.0, 0.0166, 0.5)

    The derivative is that of the curve:

    >>> x, step = np.array([-0.1, 0.0, 0.3]), 1e-6
    >>> bool(np.allclose((s.curve(x + step) - s.curve(x - step)) / (2 * step), s.derivative(x), rtol=1e-4))
    True
    """

    name: str
    scale: float
    gain: float = 1.0
    functions: tuple | None = None
    table: tuple | None = None
    reach: float = 0.0

    def __post_init__(self):
        if self.name not in FAMILIES and self.functions is None and self.table is None:
            raise InputError(f"unknown surrogate {self.name!r}: choose one of {', '.join(FAMILIES)}")
        for field in ("scale", "gain"):
            value = getattr(self, field)
            if not (isinstance(value, (int, float)) and math.isfinite(value) and value > 0):
                raise InputError(f"the {field} of surrogate {self.name} must be a number above 0, got {value!r}")

    def __str__(self):
        return f"{self.name}:{self.scale:.9g}" + (f":{self.gain:.9g}" if self.gain != 1 else "")

    def curve(self, x: np.ndarray) -> np.ndarray:
        """Return the smooth step times `gain`; only its differences matter. Raise InputError for a table, which has
        none.
        """
        if self.table is not None:
            raise InputError("a tabulated surrogate has a derivative only: use the one it was made from")
        x = np.asarray(x)
        raw = self.functions[0](x) if self.functions else _FAMILIES[self.name].curve(x.dtype.type(self.scale), x)
        return raw * x.dtype.type(self.gain)

    def derivative(self, x: np.ndarray) -> np.ndarray:
        """Return the surrogate gradient at `x` = U - theta, an array in units of the membrane."""
        x = np.asarray(x)
        if self.table is not None:
            raw = _interpolate(x, np.asarray(self.table, x.dtype), x.dtype.type(self.reach))
        elif self.functions:
            raw = self.functions[1](x)
        else:
            raw = _FAMILIES[self.name].derivative(x.dtype.type(self.scale), x)
        return raw * x.dtype.type(self.gain)

    @property
    def peak(self) -> float:
        """Height of the derivative at the threshold."""
        return float(self.derivative(np.zeros(1))[0])

    @property
    def half_width(self) -> float:
        """Distance from the threshold at which the derivative is half its peak, in units of membrane."""
        if self.name in FAMILIES and self.functions is None and self.table is None:
            family = _FAMILIES[self.name]
            return family.half_width * (self.scale if family.scale_is_width else 1 / self.scale)
        x = np.linspace(0, self.reach or 10 / self.scale, 100_001)
        return float(x[np.argmax(self.derivative(x) <= self.peak / 2)])

    def tabulate(self, reach: float, points: int = 4097) -> tuple["Surrogate", float]:
        """Return (table, error): the same derivative as a table for the kernels, and its largest interpolation error.

        The table has an odd number of `points` over [-reach, reach]; outside, the derivative is 0. The error is the
        largest difference halfway between points, and at the two ends.
        """
        if points < 3 or points % 2 == 0:
            raise InputError(f"a surrogate table needs an odd number of points, at least 3, got {points}")
        if not reach > 0:
            raise InputError(f"the reach of a surrogate table must be above 0, got {reach}")
        x = np.linspace(-reach, reach, points)
        table = Surrogate(self.name, self.scale, 1.0, table=tuple(self.derivative(x).tolist()), reach=float(reach))
        between = np.concatenate([(x[1:] + x[:-1]) / 2, [-reach, reach]])
        lost = np.abs(table.derivative(between) - self.derivative(between))
        lost[-2:] = np.abs(self.derivative(between[-2:]))  # what is cut off beyond the ends
        return table, float(lost.max())


def _interpolate(x, table, reach):
    position = (x + reach) * (x.dtype.type(len(table) - 1) / (reach + reach))
    inside = (position >= 0) & (position < len(table) - 1)
    index = np.where(inside, position, 0).astype(np.int64)
    weight = np.where(inside, position, 0) - index.astype(x.dtype)
    return np.where(inside, table[index] + weight * (table[index + 1] - table[index]), x.dtype.type(0))


def from_half_width(name: str, half_width: float) -> Surrogate:
    """Return the surrogate of a family whose derivative is half its peak at distance `half_width`."""
    if name not in FAMILIES:
        raise InputError(f"unknown surrogate {name!r}: choose one of {', '.join(FAMILIES)}")
    if not half_width > 0:
        raise InputError(f"the half-width of a surrogate must be above 0, got {half_width}")
    family = _FAMILIES[name]
    return Surrogate(name, half_width / family.half_width if family.scale_is_width else family.half_width / half_width)


def match_width(name: str, other: Surrogate) -> Surrogate:
    """Return the surrogate of family `name` that is as wide as `other`: k = 0.65 alpha between fast_sigmoid and
    atan.
    """
    return from_half_width(name, other.half_width)


def match_width_and_height(name: str, other: Surrogate) -> Surrogate:
    """Return the surrogate of family `name` that is as wide and as high as `other`, by its `gain`."""
    matched = match_width(name, other)
    return Surrogate(name, matched.scale, other.peak / matched.peak)


def parse(text: str | Surrogate) -> Surrogate:
    """Read ``"fast_sigmoid:25"``, or with a gain ``"fast_sigmoid:25:0.5"``; a Surrogate is returned unchanged."""
    if isinstance(text, Surrogate):
        return text
    name, *words = str(text).split(":")
    if name not in FAMILIES:
        raise InputError(f"unknown surrogate {name!r}: choose one of {', '.join(FAMILIES)}")
    try:
        numbers = [float(word) for word in words]
        assert 1 <= len(words) <= 2
    except (ValueError, AssertionError):
        raise InputError(
            f"surrogate {text!r} is not of the form name:scale or name:scale:gain, for example fast_sigmoid:25"
        ) from None
    return Surrogate(name, numbers[0], numbers[1] if len(numbers) > 1 else 1.0)
