"""The kinds of blocks in a design: each is elaborated and converted once, sub-blocks before the blocks around them."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, is_dataclass
from typing import Any

from myhdl._block import _Block

from .arguments import fresh, has_signals, key_of, signals_of
from .elaborate import elaborate, memories_forgotten
from .names import legal_port


@dataclass(eq=False)
class Port:
    """A port of an entity."""

    signal: Any  # a signal of its type
    out: bool
    argument: str  # the argument that it belongs to: ports of a bundle have the same one
    inner: int  # the id of the block's own signal

    @property
    def bits(self) -> int:
        """Width of the port."""
        return self.signal._nrbits or 1


@dataclass(eq=False)
class Kind:
    """A kind of block: one entity or module."""

    func: Callable
    number: int  # ``token`` stands for its name in texts until all kinds are known
    parameters: dict[str, Any]  # arguments without signals
    widths: dict[str, int]  # of the signals in its arguments
    numbers: dict[str, int] = field(default_factory=dict)  # whole numbers among the function's variables
    ports: dict[str, Port] = field(default_factory=dict)
    text: str = ""
    children: list["Child"] = field(default_factory=list)

    @property
    def token(self) -> str:
        """The name until names are given."""
        return f"KIND{self.number}KIND"


@dataclass(eq=False)
class Child:
    """A block inside another."""

    label: str
    kind: Kind
    actuals: dict[str, Any]  # the signal at each port
    place: str = ""  # its name in HDL, with those of the loops around it


def facts_of(kind: Kind) -> dict[str, Any]:
    """Return the numbers, words and flags that a block was given, by name; fields of a specification first."""
    values = kind.parameters.items()
    fields = {key: value for spec in _specs(kind) for key, value in vars(spec).items() if isinstance(value, (int, str))}
    return fields | {name: value for name, value in values if isinstance(value, (int, str))}


def computed_by(kind: Kind) -> dict[str, int]:
    """Return the whole numbers that the specifications of a block compute from their fields, by name."""
    pairs = [
        (spec, name) for spec in _specs(kind) for name, value in vars(type(spec)).items() if type(value) is property
    ]
    values = {name: getattr(spec, name) for spec, name in pairs}
    return {name: value for name, value in values.items() if type(value) is int}


def _specs(kind):
    return [value for value in kind.parameters.values() if is_dataclass(value) and not isinstance(value, type)]


def given(block: _Block) -> dict[str, Any]:
    """Return the arguments of a block by name, with defaults."""
    bound = inspect.signature(block.func).bind(*block.args, **block.kwargs)
    bound.apply_defaults()
    result: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        kind = inspect.signature(block.func).parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            result |= value
        else:
            result[name] = value
    return result


def ports_of(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the signals in arguments by the names of their ports."""
    return {legal_port(path): s for name, value in arguments.items() for path, s in signals_of(value, name)}


def owners_of(arguments: dict[str, Any]) -> dict[str, str]:
    """Return the argument that each port belongs to."""
    return {legal_port(path): name for name, value in arguments.items() for path, _ in signals_of(value, name)}


def kinds_of(block: _Block, convert: Callable, done: Callable[[], None] = lambda: None) -> list[Kind]:
    """Return all kinds of blocks in a design, the top last.

    Parameters
    ----------
    block : elaborated, or from ``unelaborated``
    convert : callable
        ``convert(kind, made, names, outside, children, top)`` writes the ports and the text of a kind.
    done : callable
        Called after each kind.
    """
    known: dict[Any, Kind] = {}
    kinds: list[Kind] = []

    def visit(block, top):
        key = (
            block.func,
            tuple(map(key_of, block.args)),
            tuple((name, key_of(value)) for name, value in block.kwargs.items()),
        )
        if key in known:
            return known[key]
        with memories_forgotten():
            made, names, outside = elaborate(
                block, tuple(map(fresh, block.args)), {name: fresh(value) for name, value in block.kwargs.items()}
            )
            children = {id(sub): visit(sub, False) for sub in made.subs if isinstance(sub, _Block)}
            arguments = given(made)
            kind = Kind(
                func=block.func,
                number=len(known),
                parameters={name: value for name, value in arguments.items() if not has_signals(value)},
                widths={name: signal._nrbits or 1 for name, signal in ports_of(arguments).items()},
                numbers={name: value for name, value in names.items() if type(value) is int and name not in arguments},
            )
            convert(kind, made, names, outside, children, top)
        for other in kinds:  # their arguments differ, but not what they make
            same = other.func is kind.func and other.text.replace(other.token, "") == kind.text.replace(kind.token, "")
            if same and not top:
                kind = other
                break
        else:
            kinds.append(kind)
        known[key] = kind
        done()
        return kind

    visit(block, True)
    return kinds
