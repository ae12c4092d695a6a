"""Small blocks that several larger ones share: memories, registers, pipeline stages, tables, the adder with its memory.

Imports MyHDL alone.
"""

from minisnn.lazy import attributes

__getattr__ = attributes(__name__)
