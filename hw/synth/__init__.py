"""The cost of a design on an FPGA: look-up tables, memories, clock, by Yosys and nextpnr.

Imports the blocks and ``generate``. Start with ``synthesize``.
"""

from minisnn.lazy import attributes

__getattr__ = attributes(__name__)
