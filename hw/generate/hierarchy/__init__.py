"""From blocks to entities: how a design keeps its hierarchy in VHDL and Verilog, which MyHDL's own conversion flattens.

All that hangs on MyHDL's internals is in this room; setup.cfg pins the versions that were tried. Nothing here knows of
the accelerator. Start with ``kinds``: each kind of block, which is a function with its arguments, is made once more on
new signals (``arguments``, ``elaborate``) and converted by MyHDL alone (``module``), the blocks inside it being
instances (``instances``). Kinds that differ in a few numbers become one entity with generics (``entities``), named by
what differs (``variants``).

It hangs on MyHDL at these places:

- A block inside another is made without calling its function: ``_Block.__init__`` is replaced meanwhile. MyHDL looks
  up the source of the whole call stack at each block, and that of a process whenever it reads it; its ``inspect`` is
  replaced by one that looks up each source of a process once, and no other.
- MyHDL takes an instance for code that is written by hand: a block without parts whose ``vhdl_code`` is an object of
  its class ``_UserVhdlCode`` with a ``__str__`` of ours. MyHDL asks for the text when all signals have their names.
- What sub-blocks read and drive is told to MyHDL by ``_markUsed``, ``_markRead`` and ``_driven`` of the signals.
- MyHDL reads the source of a process by ``_instance._makeAST``, which is replaced by one that computes constants.
- MyHDL converts a copy of the block whose ``sigdict``, ``memdict`` and ``_inferInterface`` say names and ports. It
  calls the last when it knows what is driven and read.
- ``_memInfoMap`` keeps each memory for ever; what a conversion adds is taken out again.
"""

from minisnn.lazy import attributes

__getattr__ = attributes(__name__)
