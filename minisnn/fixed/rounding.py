"""Weights in few bits: one scale a layer, symmetric integers around 0."""

import numpy as np

from ..errors import InputError


def scale(w, bits):
    """The scale of least squared error for weights in few bits, clipped to +-(2**(bits-1) - 1).

    Parameters
    ----------
    w : ndarray
    bits : int
        2 to 16. Above 8 bits nothing is clipped.

    Returns
    -------
    s : float
        What 1 stands for, in units of `w`.

    Examples
    --------
    >>> scale(np.array([-3.0, 1.0, 2.0]), 3)
    1.0
    >>> round(scale(np.array([-1.0] * 9 + [2.0]), 2), 3)  # one weight is clipped, so that nine come out nearly right
    1.1
    """
    most = (1 << (bits - 1)) - 1
    largest = float(np.abs(w).max(initial=0)) or 1.0
    # The widest scale clips nothing. Narrower ones clip a few weights and round the others more finely.
    candidates = largest / most * np.linspace(1, 0.2, 81 if bits <= 8 else 1)
    flat = np.asarray(w, np.float64).ravel()
    errors = [np.square(flat - s * np.clip(np.rint(flat / s), -most, most)).sum() for s in candidates]
    return float(candidates[int(np.argmin(errors))])


def rounded(w, s, bits):
    """Integers of least distance to w / s within `bits` bits, symmetric; as float64. Halves go to the even one.

    Parameters
    ----------
    w : ndarray
    s : float
        As of :func:`scale`.
    bits : int

    Returns
    -------
    integers : ndarray of float64, of the shape of `w`

    Examples
    --------
    >>> rounded([-9.0, -0.5, 0.6, 1.5], 1.0, 3).tolist()  # 3 bits: -3 to 3, and never -4
    [-3.0, -0.0, 1.0, 2.0]
    """
    most = (1 << (bits - 1)) - 1
    return np.clip(np.rint(np.asarray(w, np.float64) / s), -most, most)


def input_factors(encoder, w_shape, low=0.0, step=1.0):
    """(f, o): a normalised input is f*p + o for the integer p of a pixel low + step*p.

    Both have the shape (rows, 1), one for every row of weights (of a convolution: every channel), or (1,) where the
    inputs are spikes; they broadcast against weights of `w_shape`.

    Parameters
    ----------
    encoder : Encoder
    w_shape : tuple of int
        Of the first layer's weights.
    low, step : float
        As of :class:`minisnn.fixed.model.Pixels`.

    Examples
    --------
    A pixel of 192 becomes (192 - 128) / 64 = 1, and so do factor and offset say:

    >>> from minisnn.encode import Encoder
    >>> f, o = input_factors(Encoder("direct", 10, 255.0, (128.0,), (64.0,)), (784, 10))
    >>> f.tolist(), o.tolist(), float(f.item() * 192 + o.item())
    ([[0.015625]], [[-2.0]], 1.0)
    """
    if encoder.kind != "direct":
        return np.ones(1), np.zeros(1)
    mean, std = (np.asarray(v, np.float64)[:, None] for v in (encoder.mean, encoder.std))
    if len(w_shape) == 2 and len(mean) > 1:  # maps flattened: channels run fastest
        mean, std = (np.tile(v, (w_shape[0] // len(mean), 1)) for v in (mean, std))
    return step / std, (low - mean) / std


def widths(weight_bits, count):
    """One width for each of `count` layers, of a number for all or one for each; 2 to 16 bits.

    Raises
    ------
    InputError
        If they are not so many, or no such widths.

    Examples
    --------
    >>> widths(8, 3), widths((8, 4, 8), 3)
    ([8, 8, 8], [8, 4, 8])
    >>> widths((8, 4), 3)
    Traceback (most recent call last):
    minisnn.errors.InputError: weight_bits has 2 values for 3 layers: give one for all, or one for each
    """
    given = [weight_bits] * count if np.ndim(weight_bits) == 0 else list(weight_bits)
    if len(given) != count:
        raise InputError(f"weight_bits has {len(given)} values for {count} layers: give one for all, or one for each")
    return [whole_number("weight_bits", width, 2, 16) for width in given]


def whole_number(name, value, least, most):
    """`value` as an int.

    Raises
    ------
    InputError
        If it is none, or out of range.

    Examples
    --------
    >>> whole_number("guard", np.int64(4), 0, 16)
    4
    >>> whole_number("guard", 4.5, 0, 16)
    Traceback (most recent call last):
    minisnn.errors.InputError: guard must be a whole number from 0 to 16, got 4.5
    """
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not least <= value <= most:
        raise InputError(f"{name} must be a whole number from {least} to {most}, got {value!r}")
    return int(value)
