"""How the loops of the integers and of the cycle model are compiled."""

from numba import njit

kernel = njit(nogil=True, cache=True)
