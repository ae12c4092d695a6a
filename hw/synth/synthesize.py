"""Synthesis of the accelerator: Yosys maps it, nextpnr places and routes it if it is installed.

The netlist shows which cells each memory of the design became. A memory without cells is in registers, and that is a
failure, as is a latch.
"""

import json
import re
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..accelerator import design, ports
from ..generate.convert import convert
from ..generate.tools import ToolError, call, need, version
from .families import FAMILIES
from .resources import Memory, Report

TOP = "accelerator"


def verilog_of(spec: Any) -> str:
    """Return the accelerator without the probe, as Verilog for Yosys."""
    with TemporaryDirectory() as folder:
        (file,) = convert(design(spec), *ports(spec, False), folder, TOP, "verilog")
        text = file.read_text()
    # Yosys takes longer over loops that clear the memories than over all the rest. The design needs none of them: it
    # reads no word that it has not written, or that was not loaded, since the reset.
    return re.sub(r"initial begin: INITIALIZE_\w+_WORDS\n.*?\nend\n", "", text, flags=re.DOTALL)


def memories_of(text: str, spec: Any, cells: dict | None = None) -> list[Memory]:
    """Return the memories of a converted accelerator; `cells` are the cells of each memory, by its name."""
    found = re.findall(r"^\s*(?:\(\*.*\*\)\s*)?reg (?:signed )?\[(\d+):0\] (\w+_words) \[0:(\d+)-1\];", text, re.M)
    result: list[Memory] = []
    of_layer: Counter = Counter()
    for high, name, words in found:
        at = re.search(r"(layer|spike_buffer)_?(\d*)", name)
        layer = int(at[2] or 1) if at else 0
        kind = next(
            (
                kind
                for part, kind in (
                    ("spike_buffer", "buffer"),
                    ("scores", "scores"),
                    ("accumulate", "sums"),
                    ("lane", "membranes"),
                    ("layer", ""),
                )
                if part in name
            ),
            "stamps",
        )
        if not kind:  # a layer's own: first weights, then biases
            kind = ("weights", "biases")[of_layer[layer]]
            of_layer[layer] += 1
        each = spec.layers[layer - 1]
        used = {"biases": each.groups, "scores": each.groups, "sums": each.bank_depth, "membranes": each.depth}
        result.append(
            Memory(
                name,
                kind,
                layer,
                min(used.get(kind, int(words)), int(words)),
                int(high) + 1,
                (cells or {}).get(name, {}),
            )
        )
    return result


def neuron_bits(spec: Any) -> int:
    """Return the bits of weights and membranes, which no network of these widths can do without."""
    total = 0
    for each in spec.layers:
        fan_in = each.inputs if each.flat else each.in_channels * each.kernel**2
        neurons = each.out_height * each.out_width * each.out_channels
        total += fan_in * each.out_channels * each.weight_bits + neurons * each.membrane_bits
    return total


def synthesize(
    text: str, spec: Any, family: str = "ecp5", seed: int = 1, timeout: float = 3600, place: bool = True
) -> Report:
    """Synthesise a design, and place and route it if the family has an installed tool for that.

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
        False to run only Yosys.

    Returns
    -------
    report : Report

    Raises
    ------
    ToolError
        If Yosys is missing, or a tool fails.

    Examples
    --------
    >>> report = synthesize(verilog_of(spec), spec)  # doctest: +SKIP
    >>> report.faults()  # doctest: +SKIP
    []
    """
    kind, (yosys,) = FAMILIES[family], need("yosys")
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "design.v").write_text(text)
        (folder / "map.ys").write_text(
            "\n".join(
                [
                    "read_verilog design.v",
                    f"hierarchy -top {TOP}",
                    "proc",
                    "opt_clean",
                    "tee -q -o latches.txt select -list t:$dlatch t:$adlatch t:$dlatchsr t:$sr",
                    f"{kind.synthesis} -top {TOP}",
                    "write_json netlist.json",
                    "",
                ]
            )
        )
        call([yosys, "-q", "-s", "map.ys"], folder, timeout, may_warn=True)
        cells = json.loads((folder / "netlist.json").read_text())["modules"][TOP]["cells"]
        latches = (folder / "latches.txt").read_text().split()
        types = Counter(cell["type"] for cell in cells.values())
        counts = {
            name: sum(types[each] for each in types if re.fullmatch(pattern, each))
            for name, pattern in kind.cells.items()
        }
        memories = memories_of(text, spec, _cells_of_memories(cells, kind))
        report = Report(family, [version(yosys)], counts, memories, latches, neuron_bits(spec))
        more: dict[str, Any] = (
            _place(kind, counts, folder, seed, timeout) if place else {"unplaced": "it was not asked for"}
        )
    return Report(**vars(report) | more | {"tools": report.tools + more.get("tools", [])})


def _cells_of_memories(cells, family):
    """Return {name of a memory: {type: count}}; Yosys names a memory's cells ``NAME_words.1.0``."""
    result = {}
    for name, cell in cells.items():
        at = re.match(r"(?:.*\.)?(\w+_words)\.", name)
        if at and (cell["type"] in family.blocks or re.fullmatch(family.distributed, cell["type"])):
            result.setdefault(at[1], Counter())[cell["type"]] += 1
    return {name: dict(counts) for name, counts in result.items()}


def _place(family, counts, folder, seed, timeout):
    """Return nextpnr's part of the report."""
    if not family.place:
        return {"unplaced": "there is no place and route for this family"}
    for name, most in family.available.items():
        if counts[name] > most:
            return {"unplaced": f"it needs {counts[name]} {name} and the device has {most}"}
    try:
        (tool,) = need(family.place[0])
    except ToolError as error:
        return {"unplaced": str(error)}
    # A frequency that is not met must not be an error: it is what we ask for.
    call(
        [
            tool,
            *family.place[1:],
            "--json",
            "netlist.json",
            "--freq",
            "110",
            "--timing-allow-fail",
            "--report",
            "timing.json",
            "--seed",
            str(seed),
            "-q",
        ],
        folder,
        timeout,
        may_warn=True,
    )
    timing = json.loads((folder / "timing.json").read_text())
    slowest = min(timing["fmax"], key=lambda clock: timing["fmax"][clock]["achieved"])
    edge = f"posedge {slowest}"
    path = next((each["path"] for each in timing["critical_paths"] if each["from"] == each["to"] == edge), [])
    return {
        "tools": [version(tool)],
        "mhz": timing["fmax"][slowest]["achieved"],
        "placed": {name: each["used"] for name, each in timing["utilization"].items() if each["used"]},
        "path": [
            (round(step["delay"], 2), step.get("net") or f"{step['to']['cell']}.{step['to']['port']}") for step in path
        ],
    }
