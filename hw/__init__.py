"""The sparsity-aware accelerator in MyHDL, installed as ``minisnn_hw``.

    specify       the numbers of an accelerator for a network in integers
    convert       a block, and all blocks inside it, to VHDL or Verilog
    build         like `specify`, with a load that takes few cycles, for simulation
    cosimulate    images through the accelerator in MyHDL, compared with the integers and the cycle model
    deliver       the files of a design: VHDL or Verilog, testbench, vectors, manual
    synthesize    the cells of an FPGA that a design takes, by Yosys

The blocks of a layer, and those around it, stand at the top, and can be lifted out: they import MyHDL and one another
alone.
``accelerator`` is the whole, ``layer`` one layer of it; start there. ``parts/`` has small shared blocks. Tooling has
rooms of its own: ``generate/`` (numbers, words, HDL text), ``verify/``, ``synth/``, ``delivery/``, ``boards/``.
"""

from minisnn.lazy import attach

# Where each public name lives. Names, and modules such as `minisnn_hw.lif`, are imported when first used.
_PUBLIC = {
    "specify": "generate.specify:specify",
    "convert": "generate.convert:convert",
    "build": "verify.cosimulate:build",
    "cosimulate": "verify.cosimulate:cosimulate",
    "deliver": "delivery.deliver:deliver",
    "synthesize": "synth.synthesize:synthesize",
}
__all__ = list(_PUBLIC)
__getattr__, __dir__ = attach(__name__, _PUBLIC)
