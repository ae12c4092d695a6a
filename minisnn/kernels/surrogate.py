"""The surrogate gradient inside a kernel: ``minisnn/surrogate.py`` as the number of a curve, its scale, and a table."""

from typing import Any

import numpy as np

from .simd import WIDTH, absolute, kernel, load, maximum, splat, store

# Curves by their numbers in compiled code; a test holds the names to those of ``minisnn/surrogate.py``.
FAMILIES = ("fast_sigmoid", "atan", "sigmoid", "triangular")
FAST_SIGMOID, ATAN, SIGMOID, TRIANGULAR = range(len(FAMILIES))
TABLE = -1  # of any curve
# Slots of the numbers that `as_numbers` returns.
SCALE, HALF_TURN, HALF_SCALE, GAIN, REACH, PITCH, ZERO, ONE = range(8)


def as_numbers(surrogate: Any, dtype: np.dtype) -> tuple[int, np.ndarray, np.ndarray]:
    """Return (curve, numbers, table) of a Surrogate, which :func:`slopes` reads.

    Raises
    ------
    ValueError
        For a custom curve that is not tabulated.
    """
    table = np.zeros(2, dtype) if surrogate.table is None else np.array(surrogate.table, dtype)
    if surrogate.table is not None:
        curve = TABLE
    elif surrogate.functions is None:
        curve = FAMILIES.index(surrogate.name)
    else:
        raise ValueError(
            f'surrogate {surrogate.name} is a function of your own: run it with backend="numpy", or '
            "pass the kernels surrogate.tabulate(reach)[0]"
        )
    scale, reach = dtype.type(surrogate.scale), dtype.type(surrogate.reach)
    half_turn = dtype.type(np.pi / 2) * scale
    pitch = dtype.type(len(table) - 1) / (reach + reach) if curve == TABLE else 0  # points per unit of membrane
    # 0 and 1 are here because a literal of Numba's would promote float32 to float64.
    return curve, np.array([scale, half_turn, scale / dtype.type(2), surrogate.gain, reach, pitch, 0, 1], dtype), table


@kernel
def slopes(mem, count, theta, surrogate, out):
    """Store the surrogate gradient at U - theta for `count` membranes, in whole vectors; `theta` is a vector.

    The curve is chosen here, outside the loops: a choice within them costs as much as a curve.
    """
    curve, numbers, table = surrogate
    scale, gain, zero, one = splat(numbers, SCALE), splat(numbers, GAIN), splat(numbers, ZERO), splat(numbers, ONE)
    if curve == FAST_SIGMOID:
        for i in range(0, count, WIDTH):
            d = one + scale * absolute(load(mem, i) - theta)
            store(out, i, one / (d * d) * gain)
    elif curve == ATAN:
        half_turn, half_scale = splat(numbers, HALF_TURN), splat(numbers, HALF_SCALE)
        for i in range(0, count, WIDTH):
            z = half_turn * (load(mem, i) - theta)
            store(out, i, half_scale / (one + z * z) * gain)
    elif curve == TRIANGULAR:
        for i in range(0, count, WIDTH):
            store(out, i, maximum(one - absolute(load(mem, i) - theta) / scale, zero) / scale * gain)
    else:
        for i in range(0, count, WIDTH):
            store(out, i, load(mem, i) - theta)
        _one_by_one(out, count, curve, numbers, table)


@kernel
def _one_by_one(x, count, curve, numbers, table):
    """Compute the curves that have no vector instruction, in place."""
    scale, reach, pitch, zero, one = numbers[SCALE], numbers[REACH], numbers[PITCH], numbers[ZERO], numbers[ONE]
    for i in range(count):
        if curve == SIGMOID:
            e = np.exp(-scale * abs(x[i]))
            d = one + e
            x[i] = scale * e / (d * d)
        else:  # a table
            position = (x[i] + reach) * pitch
            x[i] = zero
            if zero <= position < len(table) - 1:
                index = int(position)
                x[i] = table[index] + (position - np.floor(position)) * (table[index + 1] - table[index])
        x[i] *= numbers[GAIN]
