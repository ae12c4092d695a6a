"""Proof that gates equal integers: simulation in MyHDL, GHDL and Verilator, equivalence, waveforms.

Imports the blocks and ``generate``, and of minisnn ``fixed`` and ``timing``. Start with ``cosimulate``.
"""

from minisnn.lazy import attributes

__getattr__ = attributes(__name__)
