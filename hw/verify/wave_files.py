"""Files of waveforms: a part cut out of a VCD, and the save file with the signals that GTKWave shows."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

# Signals that GTKWave shows: of the whole accelerator, then of each layer. In VHDL a stream has the names of its ports;
# MyHDL traces a bundle's signals only inside the blocks that use it.
STREAM = ("tvalid", "tready", "tdata", "tlast")
STREAMS = {"s_input": "stream_in.stream", "m_output": "scores.stream"}  # the port, and its signals in MyHDL
LAYER = (
    *("state", "reader_filled", "orders_scan", "scan_valid", "scan_ready"),
    *("walk_add", "walk_weight_address", "walk_neuron_address", "writer_claim"),
    *("turn_fire", "turn_address", "probe_fired", "spikes", "pooled", "next_word"),
)


def cut(source: Path, target: Path, first: int, last: int) -> list[tuple[str, int]]:
    """Copy the part of a VCD file from time `first` to `last`; return the full name and the width of each signal."""
    with open(source) as lines, open(target, "w") as out:
        names = declarations(lines, out)
        values: dict[str, str] = {}  # the last change of each signal before the part, by its code
        now, begun = 0, False
        for line in lines:
            if line[0] == "#":
                now = int(line[1:])
                if now > first and not begun:
                    begun = True
                    out.write(f"#{first}\n$dumpvars\n" + "".join(values.values()) + "$end\n")
                if now > last:
                    break
                if begun:
                    out.write(line)
            elif line[0] != "$" and line.strip():
                if begun:
                    out.write(line)
                else:
                    values[line.split()[-1] if line[0] in "bsr" else line[1:].strip()] = line
    return names


def declarations(lines: Iterator[str], out: TextIO) -> list[tuple[str, int]]:
    """Copy the declarations of a VCD file; return the full name and the width of each signal."""
    names: list[tuple[str, int]] = []
    scopes: list[str] = []
    for line in lines:
        words = line.split()
        if words[:1] == ["$date"]:  # the same run gives the same file
            out.write("$date today $end\n")
            next(lines), next(lines)
            continue
        out.write(line)
        if words[:2] == ["$scope", "module"]:
            scopes.append(words[2])
        elif words[:1] == ["$upscope"]:
            scopes.pop()
        elif words[:1] == ["$var"]:
            names.append((".".join([*scopes, words[4]]), 1 if words[1] == "string" else int(words[2])))
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
        Full name and width of each signal. A signal of a layer has the layer's name in front, joined by a dot (MyHDL)
        or an underscore (VHDL).
    """
    widths = dict(names)

    def shown(names: Iterable[str]) -> Iterator[str]:
        for name in names:
            width = widths[name]
            yield f"@{22 if width > 1 else 28}"  # GTKWave's flags: hexadecimal, binary
            yield f"{name}[{width - 1}:0]" if width > 1 else name

    def of_layer(layer: str) -> Iterator[str]:
        """Yield the wanted signals of a layer, wherever in its blocks they are; the shortest name wins."""
        inside = [name for name in widths if re.match(re.escape(layer) + "[._]", name)]
        for local in LAYER:
            matches = [name for name in inside if re.search(f"[._]{local}$", name)]
            if matches:
                yield min(matches, key=len)

    def of_streams(top: str) -> Iterator[str]:
        """Yield clock, reset and the signals of the streams."""
        yield from (f"{top}.clk", f"{top}.rst")
        for port, traced in STREAMS.items():
            for signal in STREAM:
                by_port = f"{top}.{port}_{signal}"
                yield by_port if by_port in widths else f"{top}.{traced}_{signal}"

    top = next(name for name in widths if name.endswith(".clk")).removesuffix(".clk")
    zoom = "*-8.0" + " -1" * 27  # about 60 cycles fit in a window
    lines = [
        f'[dumpfile] "{waveform}"',
        zoom,
        "@200",
        "-streams",
        *shown(of_streams(top)),
    ]
    layers: dict[str, int] = {}
    for name in widths:
        match = re.match(r"(.*\.(?:u_)?layer_?(\d*))\.(?:layer_)?control\.state$", name)
        if match:
            layers[match[1]] = int(match[2] or 0)
    for layer in sorted(layers, key=layers.__getitem__):
        lines += ["@200", f"-{re.split('[.]', layer)[-1]}", *shown(of_layer(layer))]
    return "\n".join([*lines, ""])
