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
    """Return (curve, numbers, table) of a Surrogate, which :func:`derivative` reads.

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
def derivative(x, surrogate, buffer):
    """Return the surrogate gradient at the vector `x` = U - theta; `buffer` holds WIDTH numbers."""
    curve, numbers, table = surrogate
    scale, gain, zero, one = splat(numbers, SCALE), splat(numbers, GAIN), splat(numbers, ZERO), splat(numbers, ONE)
    if curve == FAST_SIGMOID:
        d = one + scale * absolute(x)
        slope = one / (d * d)
    elif curve == ATAN:
        z = splat(numbers, HALF_TURN) * x
        slope = splat(numbers, HALF_SCALE) / (one + z * z)
    elif curve == TRIANGULAR:
        slope = maximum(one - absolute(x) / scale, zero) / scale
    else:
        store(buffer, 0, x)
        _one_by_one(buffer, curve, numbers, table)
        slope = load(buffer, 0)
    return slope if numbers[GAIN] == 1 else slope * gain


@kernel
def _one_by_one(x, curve, numbers, table):
    """Compute the curves that have no vector instruction, in place."""
    scale, reach, pitch, zero, one = numbers[SCALE], numbers[REACH], numbers[PITCH], numbers[ZERO], numbers[ONE]
    for i in range(WIDTH):
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
