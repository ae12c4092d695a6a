"""Weights in few bits: one scale a layer, symmetric integers around 0."""

import numpy as np

from .errors import InputError


def scale(w, bits):
    """The scale of least squared error for weights `w` in `bits` bits, clipped to +-(2**(bits-1) - 1).

    Examples
    --------
    >>> scale(np.array([-3.0, 1.0, 2.0]), 3)
    1.0
    """
    most = (1 << (bits - 1)) - 1
    largest = float(np.abs(w).max(initial=0)) or 1.0
    # The widest scale clips nothing. Narrower ones clip a few weights and round the others more finely.
    candidates = largest / most * np.linspace(1, 0.2, 81 if bits <= 8 else 1)
    flat = np.asarray(w, np.float64).ravel()
    errors = [np.square(flat - s * np.clip(np.rint(flat / s), -most, most)).sum() for s in candidates]
    return float(candidates[int(np.argmin(errors))])


def rounded(w, s, bits):
    """Integers of least distance to w / s within `bits` bits, symmetric."""
    most = (1 << (bits - 1)) - 1
    return np.clip(np.rint(np.asarray(w, np.float64) / s), -most, most)


def input_factors(encoder, w_shape, low=0.0, step=1.0):
    """(f, o): a normalised input is f*p + o for the integer p of a pixel low + step*p.

    Both have the shape (rows, 1), one for every row of weights (of a convolution: every channel), or (1,) where the
    inputs are spikes; they broadcast against weights of `w_shape`.
    """
    if encoder.kind != "direct":
        return np.ones(1), np.zeros(1)
    mean, std = (np.asarray(v, np.float64)[:, None] for v in (encoder.mean, encoder.std))
    if len(w_shape) == 2 and len(mean) > 1:  # maps flattened: channels run fastest
        mean, std = (np.tile(v, (w_shape[0] // len(mean), 1)) for v in (mean, std))
    return step / std, (low - mean) / std


def widths(weight_bits, count):
    """One width for each of `count` layers, of a number for all or one for each; 2 to 16 bits."""
    given = [weight_bits] * count if np.ndim(weight_bits) == 0 else list(weight_bits)
    if len(given) != count:
        raise InputError(f"weight_bits has {len(given)} values for {count} layers: give one for all, or one for each")
    return [whole_number("weight_bits", width, 2, 16) for width in given]


def whole_number(name, value, least, most):
    """`value` as an int; an InputError names what is none, or is out of range."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not least <= value <= most:
        raise InputError(f"{name} must be a whole number from {least} to {most}, got {value!r}")
    return int(value)
