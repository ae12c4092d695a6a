"""From a network in integers to HDL text: the numbers of a design, the words of its streams, VHDL and Verilog.

Imports the blocks, and of minisnn ``fixed`` and ``timing``. Start with ``specify``, then ``convert``. The room is not
named build, for ``build`` is a function that the package exports.
"""

from minisnn.lazy import attributes

__getattr__ = attributes(__name__)
