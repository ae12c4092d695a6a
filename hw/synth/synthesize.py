"""Synthesis of the accelerator: Yosys maps it, nextpnr packs, places and routes it if it is installed.

The netlist shows which cells each memory of the design became. A memory without cells is in registers, and that is a
failure, as is a latch.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..accelerator import design, ports
from ..generate.convert import Design, converted
from ..generate.hierarchy.elaborate import unelaborated
from ..generate.memories import Place, memories
from ..generate.tools import ToolError, call, need, version
from ..ports import bit
from ..spec import AcceleratorSpec
from .families import FAMILIES
from .phase import phase_of
from .resources import Memory, Report

TOP = "accelerator"
# The use of a look-up table, by nextpnr's name of its mode.
PARTS = {"LOGIC": "logic", "CCU2": "carry", "DPRAM": "distributed RAM", "RAMW_BLOCK": "distributed RAM"}


@lru_cache(maxsize=2)
def _design(spec: AcceleratorSpec) -> Design:
    """Return the accelerator without the probe in Verilog."""
    inputs, outputs = ports(spec, False)
    return converted(unelaborated(design(spec), clk=bit(), **inputs, **outputs), TOP, "verilog")


def verilog_of(spec: AcceleratorSpec) -> str:
    """Return the accelerator without the probe, as Verilog for Yosys."""
    whole = _design(spec)
    return without_clearing("\n".join(whole.files[file] for file in whole.sources))


def without_clearing(text: str) -> str:
    """Return Verilog without the loops that clear the memories.

    Yosys would spend more time on them than on everything else. The design does not need them: it reads a word only
    after it has written or loaded it.
    """
    return re.sub(r"initial begin: INITIALIZE_WORDS\n.*?\nend\n", "", text, flags=re.DOTALL)


def places(spec: AcceleratorSpec) -> list[Place]:
    """Return the memories of an accelerator, as they are in its Verilog."""
    return memories(_design(spec).top)


def memories_of(spec: AcceleratorSpec, cells: dict[str, dict] | None = None) -> list[Memory]:
    """Return the memories of an accelerator; `cells` are the cells of each memory, by the memory's name."""
    result = []
    for place in places(spec):
        layer, name = spec.layers[place.layer - 1], f"{place.path}.words"
        # A memory may have more words than are in use. Memories of the whole design count as the last layer's (-1).
        used = {
            "buffer": 2 * layer.in_words,
            "biases": layer.groups,
            "scores": layer.groups,
            "sums": layer.bank_depth,
            "membranes": layer.depth,
        }
        words = min(used.get(place.contents, place.words), place.words)
        result.append(Memory(name, place.contents, place.layer, words, place.width, (cells or {}).get(name, {})))
    return result


def neuron_bits(spec: AcceleratorSpec) -> int:
    """Return the bits of all weights and membranes, which every network of these widths needs."""
    total = 0
    for layer in spec.layers:
        fan_in = layer.inputs if layer.flat else layer.in_channels * layer.kernel**2
        neurons = layer.out_height * layer.out_width * layer.out_channels
        total += fan_in * layer.out_channels * layer.weight_bits + neurons * layer.membrane_bits
    return total


def synthesize(
    text: str,
    spec: AcceleratorSpec,
    family: str = "ecp5",
    seed: int = 1,
    timeout: float = 3600,
    place: bool = True,
    tell: Callable[[str], object] = lambda phase: None,
) -> Report:
    """Synthesise a design with Yosys; pack, place and route it with nextpnr if that is installed and fits the family.

    Parameters
    ----------
    text : str
        Verilog, from :func:`verilog_of`.
    spec : minisnn_hw.spec.AcceleratorSpec
    family : str
        A key of :data:`FAMILIES`.
    seed : int
        Seed of the placement.
    timeout : float
        Seconds for each tool.
    place : bool
        False to stop after the packing, which counts look-up tables, without place and route.
    tell : callable
        Called twice a second with what the tools are doing, in a few words.

    Returns
    -------
    report : Report

    Raises
    ------
    ToolError
        If Yosys is missing, or a tool fails.

    Examples
    --------
    >>> spec = specify(integer.network, lanes=(4, 2))  # doctest: +SKIP
    >>> report = synthesize(verilog_of(spec), spec, place=False)  # doctest: +SKIP
    >>> report.faults  # doctest: +SKIP
    []
    """
    kind = FAMILIES[family]
    (yosys,) = need(kind.yosys)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "design.v").write_text(text, encoding="utf-8", newline="\n")
        (folder / "map.ys").write_text(
            "\n".join(
                [
                    "read_verilog design.v",
                    f"hierarchy -top {TOP}",
                    "proc",
                    "opt_clean",
                    "tee -q -o latches.txt select -list t:$dlatch t:$adlatch t:$dlatchsr t:$sr",
                    *kind.commands(TOP),
                    "write_json netlist.json",
                    "",
                ]
            ),
            encoding="utf-8",
            newline="\n",
        )

        def tick():
            tell(phase_of(folder))

        call([yosys, "-q", "-L", "yosys.log", "-s", "map.ys"], folder, timeout, True, tick)
        cells = json.loads((folder / "netlist.json").read_text(encoding="utf-8"))["modules"][TOP]["cells"]
        latches = (folder / "latches.txt").read_text(encoding="utf-8").split()
        types = Counter(cell["type"] for cell in cells.values())
        counts = {
            name: sum(count for cell_type, count in types.items() if re.fullmatch(pattern, cell_type))
            for name, pattern in kind.cells.items()
        }
        memories = memories_of(spec, _cells_of_memories(cells, kind))
        report = Report(family, [version(yosys)], counts, memories, latches, neuron_bits(spec))
        more = _implement(kind, counts, folder, seed, timeout, place, tick)
    return Report(**vars(report) | more | {"tools": report.tools + more.get("tools", [])})


def _cells_of_memories(cells, family):
    """Return {name of a memory: {type: count}}; Yosys names a memory's cells ``NAME.words.1.0``."""
    result = {}
    for name, cell in cells.items():
        at = re.match(r"(.*\bwords)\.", name)
        if at and (cell["type"] in family.blocks or re.fullmatch(family.distributed, cell["type"])):
            result.setdefault(at[1], Counter())[cell["type"]] += 1
    return {name: dict(counts) for name, counts in result.items()}


def _implement(family, counts, folder, seed, timeout, place, tick) -> dict[str, Any]:
    """Return nextpnr's part of the report."""
    if not family.place:
        return {"unplaced": "nextpnr is not used for this family"}
    try:
        (tool,) = need(family.place[0])
    except ToolError as error:
        return {"unplaced": str(error)}
    result = {"tools": [version(tool)], "packed": _pack([tool, *family.place[1:]], folder, timeout, tick)}
    if not place:
        return result | {"unplaced": "place and route was switched off"}
    for name, most in family.available.items():
        if counts[name] > most:
            return result | {"unplaced": f"the design needs {counts[name]} {name}, and the device has {most}"}
    try:
        return result | _place([tool, *family.place[1:]], folder, seed, timeout, tick)
    except ToolError as error:  # what is known already is not lost
        return result | {"unplaced": str(error)}


def _pack(nextpnr, folder, timeout, tick):
    """Return the look-up tables that each of the :data:`PARTS` takes; more than Yosys knows.

    Two for each cell of carry, and for the cells that nextpnr adds where a chain of carries begins and ends; six for 16
    words of 4 bits of distributed RAM.
    """
    flags = ["--json", "netlist.json", "--pack-only", "--write", "packed.json", "-q", "-l", "nextpnr.log"]
    call([*nextpnr, *flags], folder, timeout, True, tick)
    (packed,) = json.loads((folder / "packed.json").read_text(encoding="utf-8"))["modules"].values()
    tables = [cell for cell in packed["cells"].values() if cell["type"] == "TRELLIS_COMB"]
    used = Counter(PARTS[cell["parameters"].get("MODE") or "LOGIC"] for cell in tables)
    return {part: used[part] for part in dict.fromkeys(PARTS.values())}


def _place(nextpnr, folder, seed, timeout, tick):
    """Return clock, sites and the slowest path of a placed and routed design."""
    flags = ["--json", "netlist.json", "--report", "timing.json", "--seed", str(seed), "-q", "-l", "nextpnr.log"]
    # A missed frequency must not be an error: the frequency reached is what we want to know.
    call([*nextpnr, *flags, "--freq", "110", "--timing-allow-fail"], folder, timeout, True, tick)
    timing = json.loads((folder / "timing.json").read_text(encoding="utf-8"))
    slowest = min(timing["fmax"], key=lambda clock: timing["fmax"][clock]["achieved"])
    edge = f"posedge {slowest}"
    path = next((path["path"] for path in timing["critical_paths"] if path["from"] == path["to"] == edge), [])
    return {
        "mhz": timing["fmax"][slowest]["achieved"],
        "placed": {name: site["used"] for name, site in timing["utilization"].items() if site["used"]},
        "path": [
            (round(step["delay"], 2), step.get("net") or f"{step['to']['cell']}.{step['to']['port']}") for step in path
        ],
    }
