"""The compiler of the integers' and the cycle model's loops."""

from numba import njit

kernel = njit(nogil=True, cache=True)
