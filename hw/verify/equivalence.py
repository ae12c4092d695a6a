"""Proofs by Yosys that two netlists are equal for all inputs and at all times, by induction over the cycles.

    the Verilog that MyHDL writes  ==  the netlist that GHDL makes of the VHDL that MyHDL writes
    the accelerator with a probe   ==  the one without, on all other ports

Registers and words of memories are paired by name; Yosys shows that pairs which were equal in the last few cycles stay
equal. Only for small designs does a proof finish in reasonable time.
"""

import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from ..accelerator import design, ports
from ..generate.convert import convert
from ..generate.hierarchy.elaborate import unelaborated
from ..generate.tools import ToolError, call, need
from ..ports import bit
from ..spec import AcceleratorSpec

TOP = "dut"
# Each word of a memory becomes a register, so that words are paired, too.
READ = """read_verilog {file}
hierarchy -top {top}
proc
flatten
opt_clean
memory -nomap
memory_map
{more}
opt
opt_clean
rename {top} {name}
design -stash {name}
"""
# Merging cells whose inputs are paired saves much of the proof. Undefined values are modelled, because in cases that
# cannot occur GHDL gives a different value than MyHDL. The registers of a delay line have other names in the two
# languages, so induction needs more steps than the longest has registers.
PROVE = """design -copy-from gold -as gold gold
design -copy-from gate -as gate gate
equiv_make gold gate both
hierarchy -top both
async2sync
opt_merge -share_all
equiv_struct
equiv_simple -undef
equiv_induct -undef -seq 8
tee -q -o status.txt equiv_status
equiv_status -assert
"""


class NotEqual(AssertionError):
    """The designs are not proven equal; the message names the signals."""


def prove(gold: str, gate: str, unseen: str = "", timeout: float = 600) -> int:
    """Prove that two Verilog modules named ``dut`` are equal, and return the number of bits proven.

    `unseen` is a Yosys pattern of outputs of `gate` that `gold` does not have. Raise NotEqual, naming the first signals
    without a proof.
    """
    (yosys,) = need("yosys")
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        script = ""
        for name, text, more in (("gold", gold, ""), ("gate", gate, f"delete -port {TOP}/{unseen}" if unseen else "")):
            (folder / f"{name}.v").write_text(text, encoding="utf-8", newline="\n")
            script += READ.format(file=f"{name}.v", top=TOP, name=name, more=more)
        (folder / "prove.ys").write_text(script + PROVE, encoding="utf-8", newline="\n")
        status = folder / "status.txt"
        try:
            call([yosys, "-q", "-s", "prove.ys"], folder, timeout, may_warn=True)
        except ToolError:
            unproven = (
                re.findall(r"Unproven \$equiv \S+ (.*)", status.read_text(encoding="utf-8")) if status.is_file() else []
            )
            if not unproven:
                raise
            raise NotEqual(f"{len(unproven)} pairs are not proven equal: {'; '.join(unproven[:5])}") from None
        return int(re.findall(r"Of those cells (\d+) are proven", status.read_text(encoding="utf-8"))[0])


def prove_vhdl(make: Callable, signals: Callable, timeout: float = 600) -> int:
    """Prove that a block's Verilog equals GHDL's netlist of its VHDL; `signals` returns new (inputs, outputs)."""
    return prove(verilog_of(make, signals), netlist_of_vhdl(make, signals, timeout), timeout=timeout)


def prove_probe(spec: AcceleratorSpec, timeout: float = 600) -> int:
    """Prove that the accelerator's probe changes nothing on the other ports."""
    without, probed = (verilog_of(design(spec), lambda: ports(spec, seen)) for seen in (False, True))
    return prove(without, probed, "w:probe_*", timeout)


def verilog_of(make: Callable, signals: Callable) -> str:
    """Return a block as Verilog."""
    with TemporaryDirectory() as folder:
        inputs, outputs = signals()
        files = convert(unelaborated(make, clk=bit(), **inputs, **outputs), folder, TOP, "verilog")
        return "\n".join(file.read_text(encoding="utf-8") for file in files)


def netlist_of_vhdl(make: Callable, signals: Callable, timeout: float = 600) -> str:
    """Return a block as VHDL, synthesised by GHDL and written as Verilog."""
    (ghdl,) = need("ghdl")
    with TemporaryDirectory() as folder:
        inputs, outputs = signals()
        block = unelaborated(make, clk=bit(), **inputs, **outputs)
        files = [file.name for file in convert(block, folder, TOP, "vhdl")]
        verilog, vhdl = (
            call([ghdl, "--synth", "--std=08", f"--out={kind}", *files, "-e", TOP], folder, timeout, may_warn=True)
            for kind in ("verilog", "vhdl")
        )
    return mend(verilog, vhdl)


def mend(verilog: str, vhdl: str) -> str:
    """Repair the Verilog netlist of GHDL 2.0.0 with the help of its VHDL netlist, which is right.

    Yosys cannot read the VHDL. In Verilog, GHDL leaves out the default of a case (ghdl issue 2041), and writes an
    arithmetic shift to the right as a logical shift (issue 2750).
    """
    defaults = {}
    for name, choices in re.findall(r"with \w+ select (\w+) <=\n(.*?) when others;", vhdl, re.DOTALL):
        defaults[name] = _literal(choices.splitlines()[-1].strip())

    def complete(match):
        name = re.search(r": (\w+) <= ", match[0])[1]
        return match[0].replace("endcase", f"  default: {name} <= {defaults[name]};\n    endcase")

    verilog = re.sub(r"case \(\w+\)\n(?:(?!default).)*?endcase", complete, verilog, flags=re.DOTALL)
    return re.sub(r"(\$signed\(\w+\)) >> ", r"\1 >>> ", verilog)


def _literal(value):
    """Return a VHDL value in Verilog: '0', "0101", X"0f", (7 downto 0 => 'X') or a name."""
    if bits := re.fullmatch(r"""['"]([01X]+)['"]""", value):
        return f"{len(bits[1])}'b{bits[1].lower()}"
    if digits := re.fullmatch(r'X"([0-9a-fA-F]+)"', value):
        return f"{4 * len(digits[1])}'h{digits[1]}"
    if repeated := re.fullmatch(r"\((\d+) downto 0 => '(.)'\)", value):
        return f"{{{int(repeated[1]) + 1}{{1'b{repeated[2].lower()}}}}}"
    return value.removeprefix("wrap_")
