"""The description of a design for FuseSoC: what to lint, and what to simulate."""

from collections.abc import Sequence

TYPES = {"vhdl": "vhdlSource-93", "verilog": "verilogSource-2005"}
BENCH_TYPES = {"vhdl": "vhdlSource-2008", "verilog": "systemVerilogSource"}
# GHDL takes no design of one standard with a bench of another, so the design is read as VHDL-2008 beside its bench.
SIMULATE = {
    "vhdl": "{tool: ghdl, analyze_options: [--std=08]}",
    "verilog": "{tool: icarus, iverilog_options: [-g2012]}",
}


def core(name: str, hdl: str, sources: Sequence[str], bench: str = "", vectors: Sequence[str] = ()) -> str:
    """Return the text of NAME.core, with the targets lint (Verilog) and sim (with a testbench).

    Parameters
    ----------
    name : str
        The entity or module, which is the core's name too.
    hdl : "vhdl" or "verilog"
    sources : sequence of str
        Files of the design, in the order in which to analyse them.
    bench : str
        File of the testbench, whose top is NAME_bench; "" for none.
    vectors : sequence of str
        Files that the testbench reads.
    """
    kind = BENCH_TYPES[hdl] if bench and hdl == "vhdl" else TYPES[hdl]
    lines = [
        "CAPI=2:",
        f"# In this folder: fusesoc --cores-root . run --target={'sim' if bench else 'lint'} minisnn:snn:{name}",
        f"name: minisnn:snn:{name}:1.0.0",
        "description: A spiking neural network",
        "filesets:",
        "  design:",
        f"    file_type: {kind}",
        "    files:",
        *[f"      - {file}" for file in sources],
    ]
    if bench:
        lines += ["  bench:", "    files:", f"      - {bench}: {{file_type: {BENCH_TYPES[hdl]}}}"]
        lines += [f"      - {file}: {{file_type: user, copyto: {file}}}" for file in vectors]
    lines += ["targets:", f"  default: {{filesets: [design], toplevel: {name}}}"]
    if hdl == "verilog":
        lines += [
            "  lint:",
            "    flow: lint",
            "    flow_options: {tool: verilator, verilator_options: [-Wno-fatal]}",
            "    filesets: [design]",
            f"    toplevel: {name}",
        ]
    if bench:
        lines += [
            "  sim:",
            "    flow: sim",
            f"    flow_options: {SIMULATE[hdl]}",
            "    filesets: [design, bench]",
            f"    toplevel: {name}_bench",
        ]
    return "\n".join([*lines, ""])
