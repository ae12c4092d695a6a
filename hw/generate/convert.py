"""Convert blocks to VHDL or Verilog: one block, with all blocks inside it, becomes one entity or module.

The same blocks give the same bytes, in any process and after any other conversion or simulation in it. A signal's name
begins with the names of the blocks that contain it; blocks of one kind side by side are numbered from 1:
``layer_1_narrow_lanes_lanes_lane_3_accumulate_result``.
"""

import re
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from myhdl import Signal
from myhdl._block import _Block
from myhdl.conversion import _misc
from myhdl.conversion._VHDLNameValidation import _vhdl_keywords

from .tools import shallow

HDLS = {"vhdl": ("VHDL", ".vhd", "--"), "verilog": ("Verilog", ".v", "//")}
VERILOG = """
always and assign begin buf bufif0 bufif1 case casex casez cell cmos config deassign default defparam design disable
edge else end endcase endconfig endfunction endgenerate endmodule endprimitive endspecify endtable endtask event for
force forever fork function generate genvar highz0 highz1 if ifnone incdir include initial inout input instance
integer join large liblist library localparam macromodule medium module nand negedge nmos nor noshowcancelled not
notif0 notif1 or output parameter pmos posedge primitive pull0 pull1 pulldown pullup pulsestyle_onevent
pulsestyle_ondetect rcmos real realtime reg release repeat rnmos rpmos rtran rtranif0 rtranif1 scalared showcancelled
signed small specify specparam strong0 strong1 supply0 supply1 table task time tran tranif0 tranif1 tri tri0 tri1
triand trior trireg unsigned use vectored wait wand weak0 weak1 while wire wor xnor xor
"""
KEYWORDS = {*_vhdl_keywords, *VERILOG.split()}
LABEL = r"(?<=begin: )\w+$|^\w+(?=: process)|(?<=end process )\w+(?=;)"  # maxpool's process is `join`
# Verilog runs a combinational block only when one of its inputs changes. An input that is 0 from the start never does,
# so a table would not be looked up for it. VHDL runs every process once at the start.
AWAKE = (
    "// Runs every combinational block once at the start, as VHDL does; synthesis removes it.",
    "reg awake = 0;",
    "initial awake <= 1;",
    "",
)


def convert(
    make: Callable,
    inputs: dict,
    outputs: dict,
    folder: str | Path,
    name: str = "dut",
    hdl: str = "vhdl",
    header: str = "",
    std_logic: bool = False,
) -> list[Path]:
    """Convert a block, and all blocks inside it, to one entity or module.

    Parameters
    ----------
    make : callable
        Called as ``make(clk=..., **inputs, **outputs)``; returns the block. Bind arguments that are not signals with
        ``functools.partial``.
    inputs, outputs : dict
        New signals, or bundles of them, for all ports except `clk`.
    folder : str or Path
        An existing folder for the files.
    name : str
        Name of the entity and of its file.
    hdl : "vhdl" or "verilog"
        VHDL-2008, or Verilog-2001.
    header : str
        A comment for the top of the file.
    std_logic : bool
        True for VHDL ports of type std_logic_vector; otherwise unsigned and signed.

    Returns
    -------
    files : list of Path
        Files in the order in which to analyse them; for VHDL the first is MyHDL's package.

    Raises
    ------
    ValueError
        If the language is unknown, or `name` is not an identifier.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from minisnn_hw.maxpool import maxpool
    >>> from minisnn_hw.ports import bit, word
    >>> inputs = {"valid": bit(), "first": bit(), "last": bit(), "spikes": word(4)}
    >>> outputs = {"word_valid": bit(), "word": word(4)}
    >>> with TemporaryDirectory() as folder:
    ...     [file.name for file in convert(maxpool, inputs, outputs, folder, "pool", "verilog")]
    ['pool.v']
    """
    check_name(name, hdl)
    language, suffix, comment = HDLS[hdl]
    design = shallow(make, clk=Signal(bool(0)), **inputs, **outputs)
    name_blocks(design)
    _misc._genLabel = _misc._LabelGenerator()  # MyHDL counts labels over the whole process
    options = {"no_testbench": True} if hdl == "verilog" else {"architecture": "rtl", "std_logic_ports": std_logic}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ports that are driven but not read, and the like
        shallow(
            design.convert,
            hdl=language,
            path=str(folder),
            name=name,
            initial_values=True,
            no_myhdl_header=True,
            **options,
        )
    file = Path(folder) / f"{name}{suffix}"
    files = [*Path(folder).glob("pck_myhdl_*.vhd"), file] if hdl == "vhdl" else [file]
    for path in files:
        words = header if path == file else "MyHDL's conversions between types."
        top = "".join(f"{comment} {line}".rstrip() + "\n" for line in words.splitlines()) + "\n" if header else ""
        path.write_text(top + _tidy(path.read_text(encoding="utf-8")), encoding="utf-8")
    return files


def check_name(name: str, hdl: str) -> None:
    """Raise ValueError unless the language is known and the name is an identifier in both languages."""
    if hdl not in HDLS:
        raise ValueError(f"hdl must be vhdl or verilog, got {hdl!r}")
    if not re.fullmatch("[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*", name) or name.lower() in KEYWORDS:
        raise ValueError(f"the name must be an identifier in VHDL and Verilog, such as accelerator, got {name!r}")


def name_blocks(design: Any) -> None:
    """Name the blocks inside a block by their functions; MyHDL's own names count over the whole process."""
    inner = [sub for sub in design.subs if isinstance(sub, _Block)]
    kinds = Counter(sub.func.__name__ for sub in inner)
    seen: Counter = Counter()
    # Otherwise a signal lane_1_x here and a signal x in block lane_1 would get the same name.
    taken = {*design.sigdict, *design.memdict, *kinds, *(sub.name for sub in design.subs if sub not in inner)}
    for sub in inner:
        name = sub.func.__name__
        if kinds[name] > 1:
            seen[name] += 1
            name += f"_{seen[name]}"
        while any(other.startswith(f"{name}_") for other in taken):
            name += "_block"
        sub.name = name
        name_blocks(sub)


def _tidy(text):
    """Make MyHDL's text legal and the same in every run.

    Labels that are keywords are renamed, sensitivity lists are sorted, blanks at line ends are stripped, and Verilog's
    combinational blocks run once at the start.
    """
    text = re.sub(LABEL, lambda match: match[0] + "_label" * (match[0] in KEYWORDS), text, flags=re.MULTILINE)
    lines = []
    for line in text.strip().splitlines():
        match = re.match(r"(.*: process|always @) ?\((?!posedge)(.*)\)( is| begin: \w+)$", line)
        if match:
            begin, names, end = match.groups()
            names = sorted(names.split(", "))
            if begin.startswith("always"):
                lines += AWAKE if AWAKE[0] not in lines else []
                names.append("awake")
            line = f"{begin} ({', '.join(names)}){end}"
        lines.append(line.rstrip())
    return "\n".join(lines) + "\n"
