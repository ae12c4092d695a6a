"""Files of waveforms: a part cut out of a VCD, and the save file with the signals that GTKWave shows."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TextIO

# Signals that GTKWave shows: of the whole accelerator, then of each layer, in whichever of its blocks they are.
STREAM = ("tvalid", "tready", "tdata", "tlast")
STREAMS = ("s_input", "m_output")
LAYER = (
    *("state", "reader_filled", "orders_scan", "scan_valid", "scan_ready"),
    *("walk_add", "walk_weight_address", "walk_addresses", "writer_claim"),
    *("turn_fire", "turn_address", "probe_fired", "spikes", "pooled", "next_word"),
)
STATE = r"(.*)\.(\w*stage_?(\d*))\.u_layer\.control\.state$"  # of a layer's control: (above, stage, its number)


def cut(source: Path, target: Path, zero: int, first: int, last: int) -> list[tuple[str, int]]:
    """Copy the part of a VCD file from time `first` to `last`, counted from `zero`.

    Return the full name and the width of each signal.
    """
    with open(source) as lines, open(target, "w") as out:
        names = declarations(lines, out)
        values: dict[str, str] = {}  # the last change of each signal before the part, by its code
        now, begun = 0, False
        for line in lines:
            if line[0] == "#":
                now = int(line[1:]) - zero
                if now > first and not begun:
                    begun = True
                    out.write(f"#{first}\n$dumpvars\n" + "".join(values.values()) + "$end\n")
                if now > last:
                    break
                if begun:
                    out.write(f"#{now}\n")
            elif line[0] != "$" and line.strip():
                if begun:
                    out.write(line)
                else:
                    values[line.split()[-1] if line[0] in "bsr" else line[1:].strip()] = line
    return names


def declarations(lines: Iterator[str], out: TextIO) -> list[tuple[str, int]]:
    """Copy the declarations of a VCD file; return the full name and the width of each signal."""
    names: list[tuple[str, int]] = []
    scopes: list[list[str]] = []
    for line in lines:
        words = line.split()
        if words[:1] == ["$date"]:  # the same run gives the same file
            out.write("$date today $end\n")
            next(lines), next(lines)
            continue
        if words[:2] == ["$scope", "module"]:
            names_here = words[2].split(".")  # a place in a loop of HDL is a scope for the loop and one for the block
            for name in names_here:
                out.write(f"$scope module {name} $end\n")
            scopes.append(names_here)
            continue
        if words[:1] == ["$upscope"]:
            out.write("$upscope $end\n" * len(scopes.pop()))
            continue
        out.write(line)
        if words[:1] == ["$var"]:
            names.append((".".join([*chain(*scopes), words[4]]), 1 if words[1] == "string" else int(words[2])))
        elif words[:1] == ["$enddefinitions"]:
            break
    return names


def save_file(waveform: str, names: Sequence[tuple[str, int]]) -> str:
    """Return a GTKWave save file: the streams, then the signals of each layer.

    Parameters
    ----------
    waveform : str
        Name of the waveform's file.
    names : sequence of (str, int)
        Full name and width of each signal.
    """
    widths = dict(names)
    layers = sorted((match for match in map(re.compile(STATE).match, widths) if match), key=lambda m: int(m[3] or 0))

    def shown(names: Iterable[str]) -> Iterator[str]:
        for name in names:
            width = widths[name]
            yield f"@{22 if width > 1 else 28}"  # GTKWave's flags: hexadecimal, binary
            yield f"{name}[{width - 1}:0]" if width > 1 else name

    def of_layer(layer: str) -> Iterator[str]:
        """Yield the wanted signals of a layer; of signals with one name, the one with the shortest path."""
        inside = [name for name in widths if name.startswith(f"{layer}.")]
        for local in LAYER:
            matches = [name for name in inside if name.endswith(f".{local}")]
            if matches:
                yield min(matches, key=len)

    top = layers[0][1]
    streams = [f"{port}_{signal}" for port in STREAMS for signal in STREAM]
    zoom = "*-8.0" + " -1" * 27  # about 60 cycles fit in a window
    lines = [f'[dumpfile] "{waveform}"', zoom, "@200", "-streams"]
    lines += shown(f"{top}.{name}" for name in ("clk", "rst", *streams))
    for layer in layers:
        lines += ["@200", f"-{layer[2]}", *shown(of_layer(f"{top}.{layer[2]}"))]
    return "\n".join([*lines, ""])
