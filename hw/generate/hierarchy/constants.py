"""Constants in the processes of a block, computed before MyHDL writes them; a branch never taken is left out."""

import ast
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

from myhdl import _instance
from myhdl._Signal import _Signal

_OPERATIONS: dict[type, Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_make = _instance._makeAST


@contextmanager
def constants_computed() -> Iterator[None]:
    """Let MyHDL read the source of processes with constants computed."""
    with patch.object(_instance, "_makeAST", _computed):
        yield


def _computed(function):
    """Return the syntax tree of a process in which constants are computed."""
    names = dict(function.__globals__)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        try:
            names[name] = cell.cell_contents
        except ValueError:  # a variable that its block has not set yet
            names.pop(name, None)
    for name in function.__code__.co_varnames:
        names.pop(name, None)
    return _Compute(names).visit(_make(function))


def _constant(value, node):
    """Return a number as the parser would: a negative one is the opposite of another."""
    if type(value) is int and value < 0:
        positive = ast.copy_location(ast.Constant(-value), node)
        return ast.copy_location(ast.UnaryOp(ast.USub(), positive), node)
    return ast.copy_location(ast.Constant(value), node)


def _value(node):
    """Return the number or truth value that a node is, or None."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = _value(node.operand)
        return None if number is None else -number
    return node.value if isinstance(node, ast.Constant) and type(node.value) in (int, bool) else None


class _Compute(ast.NodeTransformer):
    """Compute what is constant, given the values of the names around a process."""

    def __init__(self, names):
        self.names = names

    def _known(self, node):
        """Return what a name, or an attribute of one, stands for, or None."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id)
        if isinstance(node, ast.Attribute) and node.attr not in ("next", "val", "min", "max"):
            return getattr(self._known(node.value), node.attr, None)
        return None

    def visit_Name(self, node):
        """Replace the name of a constant."""
        value = self.names.get(node.id) if isinstance(node.ctx, ast.Load) else None
        return _constant(value, node) if type(value) in (int, bool) else node

    def visit_Attribute(self, node):
        """Replace a number of a specification."""
        value = self._known(node) if isinstance(node.ctx, ast.Load) else None
        return _constant(value, node) if type(value) in (int, bool) else node

    def visit_Call(self, node):
        """Replace the width of a signal; a name that is called is no constant."""
        if isinstance(node.func, ast.Name) and node.func.id == "len":
            signal = self._known(node.args[0])
            return _constant(len(signal), node) if isinstance(signal, _Signal) else node
        node.args = [self.visit(each) for each in node.args]
        for each in node.keywords:
            each.value = self.visit(each.value)
        return node

    def visit_BinOp(self, node):
        """Compute an operation of two constants; adding 0, or shifting by 0, does nothing."""
        self.generic_visit(node)
        left, right, operation = _value(node.left), _value(node.right), _OPERATIONS.get(type(node.op))
        if operation and left is not None and right is not None:
            return _constant(int(operation(left, right)), node)
        idle = (ast.Add, ast.Sub, ast.LShift, ast.RShift)
        return node.left if right == 0 and type(right) is int and isinstance(node.op, idle) else node

    def visit_Compare(self, node):
        """Compare two constants."""
        self.generic_visit(node)
        left, right = _value(node.left), _value(node.comparators[0])
        operation = _OPERATIONS.get(type(node.ops[0])) if len(node.ops) == 1 else None
        known = operation and left is not None and right is not None
        return _constant(operation(left, right), node) if known else node

    def visit_UnaryOp(self, node):
        """Compute the opposite of a truth value."""
        self.generic_visit(node)
        value = _value(node.operand) if isinstance(node.op, ast.Not) else None
        return node if value is None else _constant(not value, node)

    def visit_BoolOp(self, node):
        """Leave out what does not matter, and what comes behind a value that decides."""
        self.generic_visit(node)
        decides = isinstance(node.op, ast.Or)
        parts = [part for part in node.values if _value(part) is None or bool(_value(part)) is decides]
        if any(_value(part) is not None for part in parts):
            return _constant(decides, node)
        if not parts:
            return _constant(not decides, node)
        node.values = parts
        return parts[0] if len(parts) == 1 else node

    def visit_IfExp(self, node):
        """Take the value that a constant condition chooses."""
        self.generic_visit(node)
        value = _value(node.test)
        return node if value is None else node.body if value else node.orelse

    def visit_If(self, node):
        """Take the branch that a constant condition chooses; leave out one that does nothing."""
        self.generic_visit(node)
        value = _value(node.test)
        if value is not None:
            return node.body if value else node.orelse
        if not node.body:
            if not node.orelse:
                return None
            node.body = [ast.copy_location(ast.Pass(), node)]
        return node

    def visit_For(self, node):
        """Write a loop of one turn without the loop."""
        node.iter = self.visit(node.iter)
        turns = [_value(each) for each in getattr(node.iter, "args", ())]
        if turns == [1] and isinstance(node.iter.func, ast.Name) and node.iter.func.id == "range":
            inner = _Compute(self.names | {node.target.id: 0})
            node = ast.copy_location(ast.If(ast.copy_location(ast.Constant(True), node), node.body, []), node)
            return inner.visit_If(node)
        node.body = [kept for each in node.body for kept in _listed(self.visit(each))]
        return node


def _listed(node):
    return node if isinstance(node, list) else [] if node is None else [node]
