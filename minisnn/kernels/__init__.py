"""The rows again, compiled by Numba: same file names, same signatures, same numbers, much faster.

Imports NumPy and Numba alone. Start with ``lif``, then ``network``; ``simd``, ``products`` and ``windows`` are the
engine below them.
"""

from ..lazy import attributes

__getattr__ = attributes(__name__)
