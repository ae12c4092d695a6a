"""The head of an entity's file: the block and the file that it comes from, its parameters, and its docstring."""

import inspect
from collections.abc import Callable
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

from .entities import Entity
from .wrap import wrapped

ROOM = Path(__file__).parents[2]  # hw/
LONG = 60  # characters of a value that is written out


def header(entity: Entity, hdl: str, more: str = "") -> str:
    """Return the head of an entity's file as a comment; `more` comes after the first line."""
    mark = {"vhdl": "--", "verilog": "//"}[hdl]
    lines = [f"{entity.name}: block {entity.func.__name__} of {file_of(entity.func)}", *more.splitlines()]
    facts = [f"{name} = {' or '.join(values)}" for name, values in _parameters(entity).items()]
    facts += [f"generic {name}: {_listed(values)}" for name, values in entity.generics.items()]
    if facts:
        lines += ["", *wrapped(f"With {', '.join(facts)}.", 0).splitlines()]
    lines += ["", *(inspect.getdoc(entity.func) or "").splitlines()]
    return "".join(f"{mark} {line}".rstrip() + "\n" for line in lines) + "\n"


def file_of(func: Callable) -> str:
    """Return the Python file of a block: ``hw/spike_scanner.py``, or the name of a file elsewhere."""
    path = Path(inspect.getsourcefile(func) or "?")
    return f"hw/{path.relative_to(ROOM).as_posix()}" if path.is_relative_to(ROOM) else path.name


def _parameters(entity: Entity) -> dict[str, list[str]]:
    """Return the different values of each parameter in the kinds of an entity, as text."""
    result: dict[str, dict[str, None]] = {}
    for kind in entity.kinds:
        for name, value in kind.parameters.items():
            for key, each in _scalars(name, value):
                if key not in entity.generics:
                    text = repr(each)
                    text = text if len(text) <= LONG else f"{text[: LONG - 8]} ... )"
                    result.setdefault(key, {})[text] = None
    return {name: list(values) for name, values in result.items()}


def _scalars(name: str, value: Any) -> list[tuple[str, Any]]:
    if is_dataclass(value) and not isinstance(value, type):
        return [
            (f"{name}.{key}", each) for key, each in vars(value).items() if isinstance(each, (int, str, type(None)))
        ]
    return [(name, value)] if isinstance(value, (int, str, tuple, type(None))) else []


def _listed(values: list[int]) -> str:
    return ", ".join(map(str, dict.fromkeys(values)))
