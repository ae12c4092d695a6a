"""The network in integers, bit for bit what the hardware computes: plain loops that Numba compiles.

With NUMBA_DISABLE_JIT=1 they run as the Python that they are. No float is in here; :mod:`minisnn.fixed.quantize` is
where a float becomes an integer.
"""

from numba import njit

kernel = njit(nogil=True, cache=True)
