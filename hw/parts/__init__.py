"""Small blocks that several larger ones share: memories, registers, pipeline stages, tables, the adder with its memory.

The modules import MyHDL alone; this file only loads them when they are first used.
"""

from minisnn.lazy import attributes

__getattr__ = attributes(__name__)
