"""The resources of an accelerator on an FPGA: cells, memories, clock; as rows of tables, as JSON and as a page."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .families import FAMILIES, Family


@dataclass(frozen=True)
class Memory:
    """A memory of the design, and the cells that hold it.

    Attributes
    ----------
    name : str
        Name of its words in the Verilog.
    kind : str
        "weights", "biases", "sums", "membranes", "buffer", "scores" or "stamps". A layer of pixels has sums (currents)
        and membranes; a layer of spikes has only sums, which are its membranes.
    layer : int
        Number of the layer, from 1; 0 if it belongs to none. A layer's buffer is the one that it reads.
    words, width : int
        Words in use, and bits of a word. A memory of one word may be a register.
    cells : dict of str to int
        Cells of each type; none if it is in registers.
    """

    name: str
    kind: str
    layer: int
    words: int
    width: int
    cells: dict[str, int]

    def where(self, family: Family) -> str:
        """Return "block", "distributed", "block and distributed", "registers" or "one word"."""
        kinds = {"block" if name in family.blocks else "distributed" for name in self.cells}
        return " and ".join(sorted(kinds)) or ("registers" if self.words > 1 else "one word")


@dataclass(frozen=True)
class Report:
    """Resources and clock of a design.

    Attributes
    ----------
    family : str
    tools : list of str
        Versions.
    cells : dict of str to int
        Number of cells by name.
    memories : list of Memory
    latches : list of str
        Names of latches, of which there should be none.
    neuron_bits : int
        Bits of all weights and membranes, not rounded up.
    packed : dict of str to int, or None
        Look-up tables in use, by what they are used for; None if the design was not packed. Yosys counts only those of
        logic, as cells.
    mhz : float or None
        Clock frequency, limited by the slowest path between two registers; None if the design was not placed.
    placed : dict of str to int, or None
        Number of sites in use, by nextpnr's names.
    path : list of (float, str), or None
        The slowest path: each delay in ns, and the net that it leads to.
    unplaced : str
        The reason why the design was not placed and routed.
    """

    family: str
    tools: list[str]
    cells: dict[str, int]
    memories: list[Memory]
    latches: list[str]
    neuron_bits: int
    packed: dict[str, int] | None = None
    mhz: float | None = None
    placed: dict[str, int] | None = None
    path: list[tuple[float, str]] | None = None
    unplaced: str = ""

    @property
    def in_registers(self) -> list[Memory]:
        """Memories of more than one word that became registers."""
        return [memory for memory in self.memories if not memory.cells and memory.words > 1]

    @property
    def faults(self) -> list[str]:
        """A sentence for each latch and each memory in registers; a design must have neither."""
        registers = [
            f"{memory.name} ({memory.kind}, {memory.words} words of {memory.width} bits) is in registers"
            for memory in self.in_registers
        ]
        return registers + [f"{name} is a latch" for name in self.latches]

    @property
    def block_bits(self) -> int:
        """Bits of the block RAMs in use."""
        shapes = FAMILIES[self.family].blocks
        return sum(
            count * _bits_of(shapes[name])
            for memory in self.memories
            for name, count in memory.cells.items()
            if name in shapes
        )

    @property
    def needed_bits(self) -> int:
        """Bits that the weights and membranes in block RAM need, each memory rounded up to whole blocks.

        Distributed RAM is ignored here and in :attr:`block_bits`.
        """
        shapes = FAMILIES[self.family].blocks
        total = 0
        for memory in self.memories:
            used = [shapes[name] for name in memory.cells if name in shapes]
            if used and memory.kind in ("weights", "sums", "membranes"):
                total += min(whole_blocks(memory.words, memory.width, shape) * _bits_of(shape) for shape in used)
        return total

    @property
    def ratio(self) -> float:
        """Block RAM in use relative to what the weights and membranes in it need; 0 without any."""
        return self.block_bits / self.needed_bits if self.needed_bits else 0.0

    def resource_rows(self) -> list[tuple[str, str]]:
        """Return rows of (resource, number)."""
        counts = dict(self.cells)
        if self.packed:
            del counts["LUT4"]
            parts = {f"of these, {part}": count for part, count in self.packed.items()}
            counts = {"LUT4 as packed": sum(self.packed.values())} | parts | counts
        rows = [(name, f"{count:,}") for name, count in counts.items()]
        return rows if self.mhz is None else [*rows, ("MHz", f"{self.mhz:.1f}")]

    def memory_rows(self) -> list[tuple]:
        """Return rows of (memory, number, words x bits, bits in total, place, cells); equal memories share a row."""
        groups: dict[tuple, list] = {}
        for memory in self.memories:
            place = memory.where(FAMILIES[self.family])
            key = (memory.layer, memory.kind, memory.words, memory.width, place)
            groups.setdefault(key, []).append(memory)
        rows = []
        for (layer, kind, words, width, place), members in groups.items():
            cells = sum((Counter(memory.cells) for memory in members), Counter())
            rows.append(
                (
                    f"layer {layer} {kind}" if layer else kind,
                    len(members),
                    f"{words} x {width}",
                    f"{len(members) * words * width:,}",
                    place,
                    ", ".join(f"{count} {name}" for name, count in cells.items()) or "-",
                )
            )
        return rows

    def as_dict(self) -> dict:
        """Return plain values for JSON."""
        family = FAMILIES[self.family]
        return {
            "family": self.family,
            "tools": self.tools,
            "cells": self.cells,
            "packed": self.packed and {"total": sum(self.packed.values()), **self.packed},
            "mhz": self.mhz,
            "placed": self.placed,
            "critical_path": self.path,
            "unplaced": self.unplaced,
            "latches": self.latches,
            "memories_in_registers": [memory.name for memory in self.in_registers],
            "block_bits": self.block_bits,
            "block_bits_needed": self.needed_bits,
            "block_ratio": self.ratio,
            "weight_and_membrane_bits": self.neuron_bits,
            "memories": [
                {
                    "name": memory.name,
                    "kind": memory.kind,
                    "layer": memory.layer,
                    "words": memory.words,
                    "bits": memory.words * memory.width,
                    "where": memory.where(family),
                    "cells": memory.cells,
                }
                for memory in self.memories
            ],
        }


def whole_blocks(words: int, width: int, shapes: Iterable[tuple[int, int]]) -> int:
    """Return the number of block RAMs that `words` words of `width` bits need, in the best of the `shapes`."""
    return min(-(-words // depth) * -(-width // bits) for depth, bits in shapes)


def _bits_of(shapes):
    """Return the bits of a block RAM without those for parity: 16 Ki for ECP5."""
    depth, bits = shapes[0]
    return depth * bits


def markdown(report: Report, title: str, facts: Sequence[tuple[str, str]] = ()) -> str:
    """Return the report as a page in Markdown; `facts` are further rows of the first table."""
    lines = [f"# {title}", "", f"{'; '.join(report.tools)}. Family {report.family}.", ""]
    lines += _markdown_table(("resource", "number"), [*report.resource_rows(), *facts])
    lines += [f"**{fault}.**\n" for fault in report.faults]
    if report.unplaced:
        lines += [f"Not placed and routed: {report.unplaced}.", ""]
    lines += _markdown_table(("memory", "number", "words x bits", "bits", "place", "cells"), report.memory_rows())
    lines += [
        f"Block RAM in use: {report.block_bits:,} bits. The weights and membranes in it need {report.needed_bits:,} "
        f"bits, rounded up to whole blocks; the ratio is {report.ratio:.2f}. All weights and membranes, in block RAM "
        f"and elsewhere: {report.neuron_bits:,} bits.",
        "",
    ]
    if report.path:
        lines += [
            "The slowest path between two registers, which limits the clock:",
            "",
            *_markdown_table(("ns", "to"), [(f"{ns:.2f}", f"`{net}`") for ns, net in report.path]),
        ]
    return "\n".join(lines)


def _markdown_table(header, rows):
    return [f"| {' | '.join(map(str, row))} |" for row in (header, ["---"] * len(header), *rows)] + [""]
