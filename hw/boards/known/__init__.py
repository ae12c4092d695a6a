"""Boards, one a file, named as the command line names them.

Each file holds a BOARD with the pins of a public constraints file, which it cites. A new board needs its file, and
nothing else. This folder imports ``board`` and the devices alone.
"""

from minisnn.lazy import attributes

__getattr__ = attributes(__name__)
