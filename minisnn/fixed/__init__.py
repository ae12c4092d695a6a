"""The network in integers, bit for bit what the hardware computes: plain loops, to be read.

``minisnn/kernels/integers.py`` computes the same much faster, and runs wherever Numba can be imported. Imports the
network and the rows; ``quantize`` is where a float becomes an integer. Start with ``lif``, then ``network``.
"""

from ..lazy import attach

__getattr__, __dir__ = attach(__name__)
