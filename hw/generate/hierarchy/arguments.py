"""The arguments of a block: the signals in them, which become ports, and what else distinguishes two blocks."""

from collections.abc import Iterator
from copy import copy, deepcopy
from types import ModuleType
from typing import Any

from myhdl import EnumType, ResetSignal, Signal
from myhdl._block import _Block
from myhdl._enum import EnumItemType
from myhdl._instance import _Instantiator
from myhdl._ShadowSignal import _TristateSignal
from myhdl._Signal import _Signal


def members(value: Any) -> list[tuple[str, Any]]:
    """Return (name, part) of an object, tuple or list that may hold signals."""
    if isinstance(value, (_Signal, _Block, _Instantiator, EnumType, ModuleType, type, str)) or callable(value):
        return []
    if hasattr(value, "_fields"):  # a named tuple
        return [(name, getattr(value, name)) for name in value._fields]
    if isinstance(value, (list, tuple)):
        return [(str(index), part) for index, part in enumerate(value)]
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    return [*getattr(value, "__dict__", {}).items(), *((n, getattr(value, n)) for n in slots if hasattr(value, n))]


def signals_of(value: Any, name: str, above: tuple[int, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield (name, signal) of the signals in an argument: ``bus``, ``bus_data``, ``words_0``, ``bus_request_valid``."""
    if isinstance(value, _Signal):
        yield name, value
    elif id(value) not in above:  # a bundle may know its owner
        for part, each in members(value):
            yield from signals_of(each, f"{name}_{part}", (*above, id(value)))


def has_signals(value: Any) -> bool:
    """Return whether there is a signal in an argument."""
    return any(True for _ in signals_of(value, ""))


def like(signal: Any) -> Any:
    """Return a new signal of the same type, range and initial value.

    Raise TypeError for what cannot be a port between entities.
    """
    if isinstance(signal, _TristateSignal) or isinstance(signal._init, EnumItemType):
        kind = "tristate" if isinstance(signal, _TristateSignal) else "enumerated"
        raise TypeError(f"a port between two blocks cannot be {kind}; hand over a word, or keep it in one block")
    if isinstance(signal, ResetSignal):
        return ResetSignal(signal._init, signal.active, signal.isasync)
    return Signal(deepcopy(signal._init))


def fresh(value: Any) -> Any:
    """Return an argument with new signals; what holds none is handed on as it is."""
    if isinstance(value, _Signal):
        return like(value)
    if not has_signals(value):
        return value
    parts = {name: fresh(part) for name, part in members(value)}
    if hasattr(value, "_fields"):
        return type(value)(**parts)
    if isinstance(value, (list, tuple)):
        return type(value)(parts.values())
    result = copy(value)
    for name, part in parts.items():
        object.__setattr__(result, name, part)  # the bundle may be frozen
    return result


def key_of(value: Any) -> Any:
    """Return what two arguments have in common that make the same block of a function."""
    if isinstance(value, _Signal):
        reset = (value.active, value.isasync) if isinstance(value, ResetSignal) else ()
        kind = type(value._init).__name__
        return "signal", kind, value._nrbits, value._min, value._max, str(value._init), reset
    if has_signals(value):
        return type(value), tuple((name, key_of(part)) for name, part in members(value))
    try:
        hash(value)
    except TypeError:
        value = repr(value)
    return type(value), value
