"""The resources of an accelerator on an FPGA: cells, memories and their place, the clock; as tables, JSON and a
page.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from .families import FAMILIES


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
        From 1; 0 for memories of no layer. A layer's buffer is the one that it reads.
    words, width : int
        Words in use. A memory of one word is rightly a register.
    cells : dict of str to int
        Cells of each type; none if it is in registers.
    """

    name: str
    kind: str
    layer: int
    words: int
    width: int
    cells: dict

    def where(self, family: Any) -> str:
        """Return "block", "distributed", both, "registers", or "one word"."""
        found = {"block" if name in family.blocks else "distributed" for name in self.cells}
        return " and ".join(sorted(found)) or ("registers" if self.words > 1 else "one word")


@dataclass(frozen=True)
class Report:
    """Resources and clock of a design.

    Attributes
    ----------
    family : str
    tools : list of str
        Versions.
    cells : dict of str to int
    memories : list of Memory
    latches : list of str
    neuron_bits : int
        Bits of all weights and membranes, not rounded up.
    mhz : float or None
        Clock of the slowest path between two registers.
    placed : dict of str to int
        Sites used, by nextpnr's names.
    path : list of (float, str)
        The slowest path: delay in ns, and where it arrives.
    unplaced : str
        Reason why there is no clock.
    """

    family: str
    tools: list
    cells: dict
    memories: list
    latches: list
    neuron_bits: int
    mhz: float | None = None
    placed: dict | None = None
    path: list | None = None
    unplaced: str = ""

    @property
    def in_registers(self) -> list:
        """Memories of more than one word that became registers."""
        return [each for each in self.memories if not each.cells and each.words > 1]

    @property
    def faults(self) -> list[str]:
        """Sentences about latches and memories in registers, which a design must not have."""
        registers = [
            f"{each.name} ({each.kind}, {each.words} words of {each.width} bits) is in registers"
            for each in self.in_registers
        ]
        return registers + [f"{name} is a latch" for name in self.latches]

    @property
    def block_bits(self) -> int:
        """Bits of the block RAM used."""
        shapes = FAMILIES[self.family].blocks
        return sum(
            count * _bits_of(shapes[name])
            for each in self.memories
            for name, count in each.cells.items()
            if name in shapes
        )

    @property
    def needed_bits(self) -> int:
        """Bits of the weights and membranes that are in block RAM, each memory rounded up to whole blocks.

        Distributed RAM counts neither here nor in :attr:`block_bits`.
        """
        shapes = FAMILIES[self.family].blocks
        total = 0
        for each in self.memories:
            used = [name for name in each.cells if name in shapes]
            if used and each.kind in ("weights", "sums", "membranes"):
                total += min(
                    whole_blocks(each.words, each.width, shapes[name]) * _bits_of(shapes[name]) for name in used
                )
        return total

    @property
    def ratio(self) -> float:
        """Block RAM used, relative to what weights and membranes need; 0 without any."""
        return self.block_bits / self.needed_bits if self.needed_bits else 0.0

    def resource_rows(self) -> list:
        """Return rows of (resource, number)."""
        rows = [(name, f"{count:,}") for name, count in self.cells.items()]
        if self.mhz is not None and self.placed is not None:
            rows += [("TRELLIS_COMB placed", f"{self.placed.get('TRELLIS_COMB', 0):,}"), ("MHz", f"{self.mhz:.1f}")]
        return rows

    def memory_rows(self) -> list:
        """Return rows of (memory, number, words x bits, bits in all, place, cells); equal memories share a row."""
        groups: dict[tuple, list] = {}
        for each in self.memories:
            key = (each.layer, each.kind, each.words, each.width, each.where(FAMILIES[self.family]))
            groups.setdefault(key, []).append(each)
        rows = []
        for (layer, kind, words, width, where), members in groups.items():
            cells = sum((Counter(each.cells) for each in members), Counter())
            rows.append(
                (
                    f"layer {layer} {kind}" if layer else kind,
                    len(members),
                    f"{words} x {width}",
                    f"{len(members) * words * width:,}",
                    where,
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
            "mhz": self.mhz,
            "placed": self.placed,
            "critical_path": self.path,
            "unplaced": self.unplaced,
            "latches": self.latches,
            "memories_in_registers": [each.name for each in self.in_registers],
            "block_bits": self.block_bits,
            "block_bits_needed": self.needed_bits,
            "block_ratio": self.ratio,
            "weight_and_membrane_bits": self.neuron_bits,
            "memories": [
                {
                    "name": each.name,
                    "kind": each.kind,
                    "layer": each.layer,
                    "words": each.words,
                    "bits": each.words * each.width,
                    "where": each.where(family),
                    "cells": each.cells,
                }
                for each in self.memories
            ],
        }


def whole_blocks(words: int, width: int, shapes: Any) -> int:
    """Return the number of blocks that hold `words` words, used in the best of the `shapes`."""
    return min(-(-words // depth) * -(-width // bits) for depth, bits in shapes)


def _bits_of(shapes):
    """Return the bits of a block without those for parity: 16 Ki for ECP5."""
    depth, bits = shapes[0]
    return depth * bits


def markdown(report: Report, title: str, facts: Any = ()) -> str:
    """Return the report as a page; `facts` are further rows of the first table."""
    lines = [f"# {title}", "", f"{'; '.join(report.tools)}. Family {report.family}.", ""]
    lines += _markdown_table(("what", "how many"), [*report.resource_rows(), *facts])
    lines += [f"**{fault}.**\n" for fault in report.faults]
    if report.unplaced:
        lines += [f"Not placed and routed: {report.unplaced}.", ""]
    lines += _markdown_table(("memory", "number", "words x bits", "bits", "where", "cells"), report.memory_rows())
    lines += [
        f"Block RAM used: {report.block_bits:,} bits, {report.ratio:.2f}x of the weights and membranes in it, "
        f"rounded up to whole blocks ({report.needed_bits:,}). All weights and membranes: "
        f"{report.neuron_bits:,} bits.",
        "",
    ]
    if report.path:
        lines += [
            "The slowest path:",
            "",
            *_markdown_table(("ns", "to"), [(f"{ns:.2f}", f"`{net}`") for ns, net in report.path]),
        ]
    return "\n".join(lines)


def _markdown_table(header, rows):
    return [f"| {' | '.join(map(str, row))} |" for row in (header, ["---"] * len(header), *rows)] + [""]
