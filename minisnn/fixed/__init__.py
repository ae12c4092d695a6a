"""The network in integers, bit for bit what the hardware computes: plain loops that Numba compiles.

With NUMBA_DISABLE_JIT=1 they run as the Python that they are. Imports the network and the rows; ``quantize`` is where a
float becomes an integer. Start with ``lif``, then ``network``.
"""

from ..lazy import attributes

__getattr__ = attributes(__name__)
