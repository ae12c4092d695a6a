"""The folder that ``minisnn vhdl`` writes: design, testbench, vectors, manual.

Imports the blocks and ``generate``, and of minisnn ``fixed`` and ``timing``. Start with ``deliver``.
"""

from minisnn.lazy import attributes

__getattr__ = attributes(__name__)
