"""Declarations of one type together, and the ports of a Verilog module in its head."""

import re

from .wrap import wrapped

ASSIGNMENT = r"(?:assign \w|\w+(?:\(.*\))? <= ).*;"
VHDL = re.compile(r"^(signal) (\w+)(: [^\n]*;)$")
VERILOG = re.compile(r"^((?:reg|wire)(?: signed)?(?: \[[^\]]*\])?) (\w+)(;)$")


def together(text: str, hdl: str) -> str:
    """Join successive declarations of signals of one type; those with a comment stay alone."""
    form = VHDL if hdl == "vhdl" else VERILOG
    lines: list[str] = []
    run: list[str] = []
    kind: tuple[str, str] | None = None

    def close():
        if kind is not None:
            lines.extend(wrapped(f"{kind[0]} {', '.join(run)}{kind[1]}", 0).splitlines())

    for line in text.splitlines():
        found = form.match(line)
        here = (found[1], found[3]) if found else None
        if here != kind or here is None:
            close()
            run, kind = [], here
        if found:
            run.append(found[2])
        else:
            lines.append(line)
    close()
    return "\n".join(lines) + "\n"


def head_of_module(text: str) -> str:
    """Declare the ports of a Verilog module in its head, as Verilog-2001 allows."""
    found = re.search(r"module (\w+) \(\n(.*?)\);\n\n((?:(?:input|output|reg|wire) [^\n]*;\n)*)", text, re.S)
    if not found:
        return text
    ports: dict[str, str] = {}
    for line in found[3].splitlines():
        ((kind, shape, name),) = re.findall(r"^(\w+) ((?:signed )?(?:\[[^\]]*\] )?)(\w+);$", line)
        if kind in ("input", "output"):
            ports[name] = f"{kind} {shape}".strip()
        elif kind == "reg":
            ports[name] = ports[name].replace("output", "output reg", 1)
    joined = ",\n".join(f"    {kind} {name}" for name, kind in ports.items())
    return text.replace(found[0], f"module {found[1]} (\n{joined}\n);\n\n", 1)


def laid_out(text: str, hdl: str) -> str:
    """Return an entity's text with ports and declarations of one type together, and no line that is too long."""
    text = re.sub(rf"(?m)^({ASSIGNMENT})\n\n(?={ASSIGNMENT}$)", r"\1\n", together(text, hdl))
    if hdl == "vhdl":
        text = re.sub(r"(?m)^type \w+ is \([\s\w,]+\);", _one_line, text)
        text = re.sub(r"(?m)^(use IEEE.numeric_std.all;|architecture .* is|begin)\n\n", r"\1\n", text)
        text = re.sub(r"(?m)\n\nbegin$", "\nbegin", text)
        ports = r"(?m)(?<=^    port \()\n(?: +.*\n)+?(?=    \);)"
        text = re.sub(ports, _ports_together, text)
    lines = [
        wrapped(line.strip(), len(line) - len(line.lstrip())) if len(line) > 120 else line for line in text.splitlines()
    ]
    return "\n".join(lines) + "\n"


def _one_line(found):
    return re.sub(r"\s+", " ", found[0]).replace("( ", "(").replace(" )", ")")


def _ports_together(found):
    """Join successive ports of one type in VHDL, a line for each type."""
    groups: list[tuple[str, list[str]]] = []
    for port in found[0].strip().split(";"):
        name, kind = port.strip().split(": ")
        if groups and groups[-1][0] == kind:
            groups[-1][1].append(name)
        else:
            groups.append((kind, [name]))
    joined = ";\n".join(f"        {', '.join(names)}: {kind}" for kind, names in groups)
    return f"\n{joined}\n"
