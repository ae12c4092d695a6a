"""The surrogate gradient inside a kernel: ``minisnn/surrogate.py`` read as a curve's number and its scale."""

import numpy as np
from numba import njit

FAMILIES = ("fast_sigmoid", "atan", "sigmoid", "triangular")
TABLE = len(FAMILIES)


def as_numbers(surrogate, dtype):
    """(curve, constants, table) of a Surrogate: what :func:`derivatives` reads.

    Raises
    ------
    ValueError
        For a curve of the user's own that is not tabulated.
    """
    table = np.zeros(2, dtype) if surrogate.table is None else np.array(surrogate.table, dtype)
    if surrogate.table is not None:
        curve = TABLE
    elif surrogate.functions is None:
        curve = FAMILIES.index(surrogate.name)
    else:
        raise ValueError(f"surrogate {surrogate.name} is a function of your own: run it with backend=\"numpy\", or "
                         "pass the kernels surrogate.tabulate(reach)[0]")
    scale = dtype.type(surrogate.scale)
    half_turn = dtype.type(np.pi / 2) * scale  # of atan
    reach = dtype.type(surrogate.reach)
    pitch = dtype.type(len(table) - 1) / (reach + reach) if curve == TABLE else 0  # points per unit of membrane
    numbers = [scale, half_turn, scale / dtype.type(2), surrogate.gain, reach, pitch, 0, 1]
    return curve, np.array(numbers, dtype), table


@njit(nogil=True, cache=True)
def derivatives(mem, threshold, curve, numbers, table, out):
    """out[i] = surrogate gradient at mem[i] - threshold; rows of one dtype.

    The numbers 0 and 1 come in `numbers` because a literal of Numba's would promote float32 to float64.
    """
    scale, half_turn, half_scale, gain, reach, pitch, zero, one = numbers
    if curve == 0:  # fast_sigmoid
        for i in range(len(mem)):
            d = one + scale * abs(mem[i] - threshold)
            out[i] = one / (d * d) * gain
    elif curve == 1:  # atan
        for i in range(len(mem)):
            z = half_turn * (mem[i] - threshold)
            out[i] = half_scale / (one + z * z) * gain
    elif curve == 2:  # sigmoid
        for i in range(len(mem)):
            e = np.exp(-scale * abs(mem[i] - threshold))
            d = one + e
            out[i] = scale * e / (d * d) * gain
    elif curve == 3:  # triangular
        for i in range(len(mem)):
            out[i] = max(one - abs(mem[i] - threshold) / scale, zero) / scale * gain
    else:
        last = len(table) - 1
        for i in range(len(mem)):
            position = (mem[i] - threshold + reach) * pitch
            out[i] = zero
            if zero <= position < last:
                index = int(position)
                weight = position - np.floor(position)
                out[i] = (table[index] + weight * (table[index + 1] - table[index])) * gain
