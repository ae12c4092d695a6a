"""From blocks to VHDL or Verilog."""

import warnings
from pathlib import Path

from myhdl import Signal

HDLS = {"vhdl": ("VHDL", ".vhd"), "verilog": ("Verilog", ".v")}


def convert(make, inputs, outputs, folder, name="dut", hdl="vhdl"):
    """Convert a block, and all blocks in it, to one entity or module.

    Parameters
    ----------
    make : callable
        Called as ``make(clk=..., **inputs, **outputs)``; returns the block.
    inputs, outputs : dict of str to Signal
        Its ports but `clk`, fresh.
    folder : str or Path
        Where to write; it must exist.
    name : str
        Of the entity, and of its file.
    hdl : "vhdl" or "verilog"

    Returns
    -------
    files : list of Path
        To analyse in this order; for VHDL the first is MyHDL's package.

    Raises
    ------
    ValueError
        For another language.
    """
    if hdl not in HDLS:
        raise ValueError(f"hdl must be vhdl or verilog, got {hdl!r}")
    language, suffix = HDLS[hdl]
    design = make(clk=Signal(bool(0)), **inputs, **outputs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ports that are driven but not read, and the like
        options = {"no_testbench": True} if hdl == "verilog" else {}
        design.convert(hdl=language, path=str(folder), name=name, initial_values=True, **options)
    file = Path(folder) / f"{name}{suffix}"
    return [*Path(folder).glob("pck_myhdl_*.vhd"), file] if hdl == "vhdl" else [file]
