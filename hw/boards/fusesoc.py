"""The description of a delivered design for FuseSoC: what to lint, and what to simulate."""

from collections.abc import Sequence

# Files that the bench reads, under the names that it looks for.
VECTORS = ("load.txt", "images.txt", "expected.txt", "labels.txt")


def core(name: str, hdl: str, sources: Sequence[str], bench: str, vectors: Sequence[str]) -> str:
    """Return the text of NAME.core.

    Parameters
    ----------
    name : str
        The entity or module, which is the core's name too.
    hdl : "vhdl" or "verilog"
    sources : sequence of str
        Files of the design, in the order in which to analyse them.
    bench : str
        File of the testbench, whose top is NAME_bench.
    vectors : sequence of str
        Files that the testbench reads.
    """
    vhdl = hdl == "vhdl"
    lines = [
        "CAPI=2:",
        f"# fusesoc --cores-root . run --target sim minisnn:snn:{name}",
        f"name: minisnn:snn:{name}:1.0.0",
        "description: A spiking neural network, with a testbench that checks itself",
        "filesets:",
        "  design:",
        f"    file_type: {'vhdlSource-2008' if vhdl else 'verilogSource-2005'}",
        "    files:",
        *[f"      - {file}" for file in sources],
        "  bench:",
        "    files:",
        f"      - {bench}: {{file_type: {'vhdlSource-2008' if vhdl else 'systemVerilogSource'}}}",
        *[f"      - {file}: {{file_type: user, copyto: {file}}}" for file in vectors],
        "targets:",
        f"  default: {{filesets: [design], toplevel: {name}}}",
    ]
    if not vhdl:
        lines += [
            "  lint:",
            "    flow: lint",
            "    flow_options: {tool: verilator, verilator_options: [-Wno-fatal]}",
            "    filesets: [design]",
            f"    toplevel: {name}",
        ]
    options = "{tool: ghdl, analyze_options: [--std=08]}" if vhdl else "{tool: icarus, iverilog_options: [-g2012]}"
    lines += [
        "  sim:",
        "    flow: sim",
        f"    flow_options: {options}",
        "    filesets: [design, bench]",
        f"    toplevel: {name}_bench",
    ]
    return "\n".join([*lines, ""])
