"""Where the numbers of a block come from, by its Python source: ports, parameters, and expressions of those."""

import ast
import inspect
from collections.abc import Callable, Iterator
from functools import cache
from textwrap import dedent

from .source import text_of


@cache
def _function(func: Callable) -> ast.FunctionDef:
    (node,) = ast.parse(dedent(text_of(func))).body
    assert isinstance(node, ast.FunctionDef)
    return node


@cache
def assigned(func: Callable) -> dict[str, ast.expr]:
    """Return the expression that each variable of a block, or of its processes, gets first."""
    result: dict[str, ast.expr] = {}
    for node in ast.walk(_function(func)):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            for name, value in _pairs(node.targets[0], node.value):
                result.setdefault(name, value)
    return result


def _pairs(target, value) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple):
        each = value.elts if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts) else None
        one = value.elt if isinstance(value, ast.ListComp) else value  # a, b = [Signal(...) for _ in range(2)]
        for at, part in enumerate(target.elts):
            yield from _pairs(part, each[at] if each else one)


def shape_of(func: Callable, name: str) -> str:
    """Return the source of the expression that gives a signal its shape, or "" if it is a port or a bundle's."""
    value = assigned(func).get(name)
    value = value.elt if isinstance(value, ast.ListComp) else value
    return ast.unparse(value) if value is not None else ""


def alias_of(func: Callable, name: str) -> str:
    """Return the variable, parameter or field that a variable is another name for, or ""."""
    value = assigned(func).get(name)
    return value.id if isinstance(value, ast.Name) else value.attr if isinstance(value, ast.Attribute) else ""


def sources(func: Callable, name: str) -> list[str]:
    """Return what the value or shape of a variable comes from: ``len(port)``, and names of parameters and fields."""
    found: dict[str, None] = {}
    known, seen = assigned(func), {name}

    def visit(node):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len":
            found[f"len({_dotted(node.args[0])})"] = None
        elif isinstance(node, ast.Attribute) and node.attr in ("min", "max") and _dotted(node.value):
            found[f"len({_dotted(node.value)})"] = None
        elif isinstance(node, ast.Attribute):
            found[node.attr] = None
        elif isinstance(node, ast.Name):
            found[node.id] = None
            if node.id in known and node.id not in seen:
                seen.add(node.id)
                visit(known[node.id])
        else:
            for child in ast.iter_child_nodes(node):
                visit(child)

    if name in known:
        visit(known[name])
    return list(found)


def _dotted(node) -> str:
    """Return the port's name of a signal, or of a bundle's."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}_{node.attr}"
    return ""


@cache
def argument(func: Callable, child: Callable, label: str, parameter: str) -> str:
    """Return the source of what a block hands to a sub-block as a parameter, or "" if that is not one expression."""
    known, found = assigned(func), set()
    own = known.get(label)
    for call in _calls([own] if own is not None else [], child) or _calls(ast.walk(_function(func)), child):
        given: list[ast.expr | None] = []
        for each in call.args:
            if isinstance(each, ast.Starred):
                inner = known.get(each.value.id) if isinstance(each.value, ast.Name) else each.value
                given += inner.elts if isinstance(inner, ast.Tuple) else [None]
            else:
                given.append(each)
        named = dict(zip(inspect.signature(child).parameters, given)) | {key.arg: key.value for key in call.keywords}
        value = named.get(parameter)
        found.add("" if value is None or None in given else ast.unparse(value))
    return found.pop() if len(found) == 1 else ""


def _calls(nodes, child) -> list[ast.Call]:
    calls = [node for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    return [call for call in calls if getattr(call.func, "id", "") == child.__name__]


@cache
def statements(func: Callable) -> list[tuple[frozenset[str], str]]:
    """Return the names in each statement and condition of a block's processes, and in each slice of a signal.

    Signals of bundles have their ports' names. With the names comes the source.
    """
    found: list[ast.AST] = []
    for process in ast.walk(_function(func)):
        if isinstance(process, ast.FunctionDef) and process is not _function(func):
            for node in ast.walk(process):
                found += [node.test] if isinstance(node, (ast.If, ast.IfExp)) else []
                found += [node] if isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr)) else []
    for node in ast.walk(_function(func)):
        if isinstance(node, ast.Call) and len(node.args) == 2 and not node.keywords:
            found.append(node)
    return [(frozenset(_names(node)), ast.unparse(node)) for node in found]


def _names(node):
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute) and each.attr != "next":
            yield _dotted(each)
            yield each.attr
        elif isinstance(each, ast.Name):
            yield each.id


@cache
def equal_widths(func: Callable) -> list[tuple[str, ...]]:
    """Return the signals whose widths a block asserts to be equal: ``assert len(a) == len(b)``."""
    result = []
    for node in ast.walk(_function(func)):
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare):
            sides = [node.test.left, *node.test.comparators]
            calls = [side for side in sides if isinstance(side, ast.Call) and getattr(side.func, "id", "") == "len"]
            if len(calls) == len(sides) and all(isinstance(op, ast.Eq) for op in node.test.ops):
                result.append(tuple(_dotted(call.args[0]) for call in calls))
    return result


@cache
def meaning(func: Callable, name: str) -> str:
    """Return the expression behind a variable of a block, as its source has it, or ""."""
    value = assigned(func).get(name)
    return ast.unparse(value) if value is not None else ""


@cache
def ranges(func: Callable) -> list[str]:
    """Return the names in the ranges over which a block and its processes loop."""
    calls = [node for node in ast.walk(_function(func)) if isinstance(node, ast.Call)]
    return list(
        dict.fromkeys(name for call in calls if getattr(call.func, "id", "") == "range" for name in _names(call))
    )
