"""The head of an entity's file: the block and the file that it comes from, its parameters, and its docstring."""

import inspect
import re
from collections.abc import Callable
from dataclasses import is_dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

from .entities import Entity
from .wrap import WIDTH

ROOM = Path(__file__).parents[2]  # hw/
LONG = 60  # characters of a value that is written out


def header(entity: Entity, hdl: str, more: str = "") -> str:
    """Return the head of an entity's file as a comment; `more` comes after the first line."""
    mark = {"vhdl": "--", "verilog": "//"}[hdl]
    lines = [f"{entity.name}: block {entity.func.__name__} of {file_of(entity.func)}", *more.splitlines()]
    facts = [f"{name} = {' or '.join(values)}" for name, values in _parameters(entity).items()]
    facts += [f"generic {name}: {_listed(values)}" for name, values in entity.generics.items()]
    if facts:
        lines += [*fill(f"With {', '.join(facts)}.", WIDTH - 3, subsequent_indent="    ").splitlines()]
    lines += ["", *plain(inspect.getdoc(entity.func) or "")]
    return "".join(f"{mark} {line}".rstrip() + "\n" for line in lines) + "\n"


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


def _parameters(entity: Entity) -> dict[str, list[str]]:
    """Return the different values of each parameter in the kinds of an entity, as text."""
    result: dict[str, dict[str, None]] = {}
    for kind in entity.kinds:
        for name, value in kind.parameters.items():
            for key, each in _scalars(name, value, inspect.getsource(entity.func)):
                if key not in entity.generics:
                    text = repr(each)
                    text = text if len(text) <= LONG else f"{text[: LONG - 8]} ... )"
                    result.setdefault(key, {})[text] = None
    return {name: list(values) for name, values in result.items()}


def _scalars(name: str, value: Any, source: str) -> list[tuple[str, Any]]:
    """Return what is written of an argument: itself, or those of its attributes that the block's source names."""
    if is_dataclass(value) and not isinstance(value, type):
        used = dict.fromkeys(re.findall(rf"\b{name}\.(\w+)", source))
        pairs = [(f"{name}.{key}", getattr(value, key)) for key in used]
        return [(key, each) for key, each in pairs if isinstance(each, (int, str, type(None)))]
    return [(name, value)] if isinstance(value, (int, str, tuple, type(None))) else []


def _listed(values: list[int]) -> str:
    return ", ".join(map(str, dict.fromkeys(values)))
