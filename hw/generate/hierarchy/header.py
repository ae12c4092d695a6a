"""The head of an entity's file: what it does, its ports and generics, latency, and the Python that it comes from."""

import inspect
import re
from collections.abc import Callable
from dataclasses import is_dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

from .entities import Entity
from .generics import bits_of
from .origins import meaning
from .source import comments, text_of
from .wrap import WIDTH

ROOM = Path(__file__).parents[2]  # hw/
LONG = 60  # characters of a value that is written out


def header(entity: Entity, hdl: str, more: str = "") -> str:
    """Return the head of an entity's file as a comment; `more` comes after the first line.

    The purpose of the block comes first, then its ports and generics in this build, latency and throughput, and at last
    the Python that it comes from.
    """
    mark = {"vhdl": "--", "verilog": "//"}[hdl]
    first, sections, promise = _parts(inspect.getdoc(entity.func) or "")
    lines = fill(f"{entity.name}: {first}", WIDTH - 3, break_on_hyphens=False).splitlines()
    lines += more.splitlines()
    lines += ["", *sections[""]] if sections[""] else []
    arguments = {port.argument for kind in entity.kinds for port in kind.ports.values()}
    if ports := _entries(sections.get("Ports", []), arguments):
        lines += ["", "Ports", *ports]
    if entity.generics:
        lines += ["", "Generics", *_generics(entity)]
    lines += ["", *promise] if promise else []
    facts = "".join(f", {name} = {value}" for name, value in _parameters(entity).items())
    origin = f"From block {entity.func.__name__} of {file_of(entity.func)}{', with' * bool(facts)}{facts[1:]}."
    lines += ["", *fill(origin, WIDTH - 3, subsequent_indent="    ", break_on_hyphens=False).splitlines()]
    return "".join(f"{mark} {line}".rstrip() + "\n" for line in lines) + "\n"


def _parts(doc: str) -> tuple[str, dict[str, list[str]], list[str]]:
    """Return a docstring's first sentence, its sections by title, of which "" is the text before, and its promise."""
    text, _, promise = doc.partition("\n\nLatency")
    first, _, rest = text.partition("\n\n")
    sections: dict[str, list[str]] = {"": []}
    title = ""
    for line, following in zip(lines := rest.splitlines(), [*lines[1:], ""]):
        if following and set(following) == {"-"}:
            title = line
            sections[title] = []
        elif not (line and set(line) == {"-"}):
            sections[title].append(line)
    for title, lines in sections.items():
        sections[title] = "\n".join(lines).strip("\n").splitlines()
    return " ".join(first.split()), sections, f"Latency{promise}".splitlines() if promise else []


def _split(lines: list[str]) -> list[list[str]]:
    """Return the entries of a section, each with the lines that belong to it."""
    entries: list[list[str]] = []
    for line in lines:
        if line.startswith(" ") and entries:
            entries[-1].append(line)
        elif line:
            entries.append([line])
    return entries


def _names(entry: list[str]) -> list[str]:
    return entry[0].partition(" : ")[0].split(", ")


def _entries(lines: list[str], wanted: set[str]) -> list[str]:
    """Return the entries of a section that are about names that are wanted."""
    kept = [entry for entry in _split(lines) if set(_names(entry)) & wanted]
    return plain("Ports\n-----\n" + "\n".join(line for entry in kept for line in entry))[1:]


def _meanings(lines: list[str]) -> dict[str, str]:
    """Return what a docstring says of each parameter."""
    return {name: " ".join(" ".join(entry[1:]).split()) for entry in _split(lines) for name in _names(entry)}


def _field(entity: Entity, name: str) -> str:
    """Return what a specification among the block's parameters says of a field, or ""."""
    name = name.removeprefix("number_of_")
    for spec in entity.kinds[0].parameters.values():
        if is_dataclass(spec) and not isinstance(spec, type) and hasattr(spec, name):
            described = (
                inspect.getdoc(getattr(type(spec), name, None))
                if not isinstance(vars(type(spec)).get(name), int)
                else ""
            )
            return described or _meanings(_parts(inspect.getdoc(type(spec)) or "")[1].get("Attributes", [])).get(
                name, ""
            )
    return ""


def _generics(entity: Entity) -> list[str]:
    """Return a line for each generic, and one for all that are widths of signals by whose names they are called."""
    lines: list[str] = []
    widths: dict[str, list[str]] = {}  # by the place of the signals
    for name in entity.generics:
        about = _about(entity, name)
        width = re.fullmatch(r"width of (\w+)(, in \w+)?", about)
        if width and name == bits_of(width[1]):
            widths.setdefault(width[2] or "", []).append(name)
        else:
            lines.append(f"{name}: {about}")
    for where, names in widths.items():
        several = "s" * (len(names) > 1)
        lines.append(f"{', '.join(names)}: width{several} of the signal{several} so called{where}")
    folded = (fill(line, WIDTH - 3, subsequent_indent="    ", break_on_hyphens=False) for line in lines)
    return [part for line in folded for part in line.splitlines()]


def _about(entity: Entity, name: str) -> str:
    """Return what a generic is; what is only handed on to a sub-block is explained as it is there."""
    source = entity.sources.get(name, "")
    if passed := re.fullmatch(r"`(\w+)` of (\w+)", source):
        about = _about(entity.below[passed[2]], passed[1])
        return about if ", in " in about else f"{about}, in {passed[2]}"
    meanings = _meanings(_parts(inspect.getdoc(entity.func) or "")[1].get("Parameters", []))
    said = source or _field(entity, name) or meanings.get(name) or comments(entity.func)[0].get(name)
    return (said or meaning(entity.func, name) or f"`{name}` of the specification").rstrip(".")


def plain(doc: str) -> list[str]:
    """Return a docstring's lines in less room: entries of sections as ``name (in): meaning``, no lines under titles."""
    lines: list[str] = []
    entry = ""

    def close():
        nonlocal entry
        if entry:
            lines.extend(fill(entry, WIDTH - 3, subsequent_indent="    ", break_on_hyphens=False).splitlines())
        entry = ""

    inside, given = False, doc.splitlines()
    for line, following in zip(given, [*given[1:], ""]):
        if following and set(following) == {"-"}:
            close()
            inside = True
            lines.append(line)
        elif inside and line.startswith("    "):
            entry += f"{' ' if '):' in entry else ': '}{line.strip()}" if entry else line
        elif inside and " : " in line:
            close()
            entry = line.replace(" : ", " (", 1) + ")"
        elif not (line and set(line) == {"-"}):
            close()
            inside = inside and not line
            lines.append(line)
    close()
    return lines


def file_of(func: Callable) -> str:
    """Return the Python file of a block: ``hw/spike_scanner.py``, or the name of a file elsewhere."""
    path = Path(inspect.getsourcefile(func) or "?")
    return f"hw/{path.relative_to(ROOM).as_posix()}" if path.is_relative_to(ROOM) else path.name


def _parameters(entity: Entity) -> dict[str, str]:
    """Return the value of each parameter that all kinds of an entity share, as text."""
    result: dict[str, dict[str, None]] = {}
    for kind in entity.kinds:
        for name, value in kind.parameters.items():
            for key, each in _scalars(name, value, text_of(entity.func)):
                text = repr(each)
                result.setdefault(key, {})[text if len(text) <= LONG else f"{text[: LONG - 8]} ... )"] = None
    shared = {key: next(iter(values)) for key, values in result.items() if len(values) == 1}
    frac = shared.get("frac") or shared.get("spec.frac")
    beta = shared.pop("beta", shared.pop("spec.beta", ""))
    if frac and beta.isdigit():  # the leak is the integer beta, divided
        shared["leak"] = f"{beta}/{1 << int(frac)}"
    return shared


def _scalars(name: str, value: Any, source: str) -> list[tuple[str, Any]]:
    """Return what is written of an argument: itself, or those of its attributes that the block's source names."""
    if is_dataclass(value) and not isinstance(value, type):
        used = dict.fromkeys(re.findall(rf"\b{name}\.(\w+)", source))
        pairs = [(f"{name}.{key}", getattr(value, key)) for key in used]
        return [(key, each) for key, each in pairs if isinstance(each, (int, str, type(None)))]
    return [(name, value)] if isinstance(value, (int, str, tuple, type(None))) else []
