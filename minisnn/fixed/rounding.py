"""Weights in few bits: one scale a layer, symmetric integers around 0."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import check
from ..encode import Encoder
from ..errors import InputError


def scale(w: np.ndarray, bits: int) -> float:
    """Return the scale with the least squared error for weights in `bits` bits, clipped to +-(2**(bits-1) - 1).

    The scale is the value of an integer 1, in units of `w`. Above 8 bits nothing is clipped.
    """
    most = (1 << (bits - 1)) - 1
    largest = float(np.abs(w).max(initial=0)) or 1.0
    # The widest scale clips nothing. Narrower ones clip a few weights and round the others more finely.
    candidates = largest / most * np.linspace(1, 0.2, 81 if bits <= 8 else 1)
    flat = np.asarray(w, np.float64).ravel()
    errors = [np.square(flat - s * np.clip(np.rint(flat / s), -most, most)).sum() for s in candidates]
    return float(candidates[int(np.argmin(errors))])


def rounded(w: np.ndarray, s: float, bits: int) -> np.ndarray:
    """Return the integers nearest to w / s within `bits` bits, symmetric, as float64; halves go to the even one."""
    most = (1 << (bits - 1)) - 1
    return np.clip(np.rint(np.asarray(w, np.float64) / s), -most, most)


def input_factors(
    encoder: Encoder, w_shape: tuple[int, ...], low: float = 0.0, step: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return (f, o) such that a normalised input is f*p + o, for a pixel low + step*p that is stored as the integer p.

    Both have the shape (rows, 1), one for every row of the first layer's weights (of a convolution: every channel), or
    (1,) where the inputs are spikes; they broadcast against weights of `w_shape`.
    """
    if encoder.kind != "direct":
        return np.ones(1), np.zeros(1)
    mean, std = (np.asarray(v, np.float64)[:, None] for v in (encoder.mean, encoder.std))
    if len(w_shape) == 2 and len(mean) > 1:  # maps flattened: channels run fastest
        mean, std = (np.tile(v, (w_shape[0] // len(mean), 1)) for v in (mean, std))
    return step / std, (low - mean) / std


def widths(weight_bits: int | Sequence[int], count: int) -> list[int]:
    """Return one width for each of `count` layers, from one for all or one for each.

    Raise InputError if there are more or fewer, or if one is not 2 to 16.
    """
    given: Any = list(weight_bits) if np.ndim(weight_bits) else [weight_bits] * count  # type: ignore[arg-type]
    if len(given) != count:
        raise InputError(f"weight_bits has {len(given)} values for {count} layers: give one for all, or one for each")
    return [check.whole("weight_bits", width, 2, 16) for width in given]
