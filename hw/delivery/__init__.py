"""The folder that ``minisnn vhdl`` writes: design, testbench, vectors, manual.

This room imports the blocks, ``generate``, ``minisnn.fixed`` and ``minisnn.timing``. Start with ``deliver``.
"""

from minisnn.lazy import attributes

__getattr__ = attributes(__name__)
