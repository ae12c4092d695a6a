"""Docstrings: what a user calls has full numpydoc with an example, examples run, and parameters are the signature's.

The other names need one sentence: more of the code than of the ceremony should meet the eye.
"""

import ast
import doctest
import importlib
import inspect
import types

import pytest
from numba.core.dispatcher import Dispatcher

import minisnn
import minisnn_hw
from tests.test_architecture import MODULES, PACKAGES, ROOMS, ROWS, modules_of, room

LIBRARY = [module for module in MODULES if not module.endswith("__main__")]
# A line that begins so is a riddle: "Of Settings.", "What it does", "Whether".
RIDDLES = ("Of ", "What ", "How ", "Whether ", "Likewise ")


def docstrings(path):
    """All docstrings of a file, as nodes with their first and last line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            yield node.body[0].value


def public(module):
    """(name, thing) of a module's functions and classes, and their methods, without a leading underscore."""
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__ or not callable(thing):
            continue
        if inspect.isclass(thing) and issubclass(thing, Exception):
            continue
        if isinstance(thing, (types.FunctionType, type, Dispatcher)):
            yield name, thing
        for method_name, method in vars(thing).items() if inspect.isclass(thing) else ():
            method = getattr(method, "__func__", None) or getattr(method, "fget", None) or method
            if inspect.isfunction(method) and not method_name.startswith("_"):
                yield f"{name}.{method_name}", method


def parameters(thing):
    """Names of what a function, a class or a compiled function takes."""
    return set(inspect.signature(getattr(thing, "py_func", thing)).parameters) - {"self", "cls"}


def documented(docstring, sections=("Parameters",)):
    """Names in such sections of a numpydoc docstring."""
    lines = inspect.cleandoc(docstring).splitlines()
    names, inside = set(), False
    for line, following in zip(lines, [*lines[1:], ""]):
        if set(following) == {"-"} and following:
            inside = line in sections
        elif inside and line and not line.startswith((" ", "-")):
            names |= {name.strip(" *") for name in line.split(" : ")[0].split(",")}
    return names


def user_facing():
    """(name, thing) of everything a user calls: the public names of both packages, and what the rows compute."""
    for package in (minisnn, minisnn_hw):
        for name in package.__all__:
            yield f"{package.__name__}.{name}", getattr(package, name)
    for row in ROWS:
        module = importlib.import_module(f"minisnn.{row}")
        for name in ("forward", "backward"):
            yield f"minisnn.{row}.{name}", getattr(module, name)


# Libraries that examples need, and that the core runs without.
NEEDED = {"interop.snntorch": "snntorch", "interop.compare": "snntorch", "interop.nir": "h5py"}


@pytest.mark.parametrize("name", LIBRARY)
def test_examples_run(name):
    if library := NEEDED.get(name.removeprefix("minisnn.")):
        pytest.importorskip(library)
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


@pytest.mark.parametrize("name", [module for module in LIBRARY if room(module) != "commands"])
def test_docstrings_agree_with_signatures(name):
    for label, thing in public(importlib.import_module(name)):
        assert thing.__doc__, f"{name}.{label} has no docstring"
        names = documented(thing.__doc__)
        assert not names or names <= parameters(thing), f"{name}.{label} documents {names - parameters(thing)}"


@pytest.mark.parametrize("name, thing", list(user_facing()), ids=[name for name, _ in user_facing()])
def test_what_a_user_calls_is_documented_in_full(name, thing):
    """Every parameter, the result, and an example; a method's example may stand in its class."""
    doc = thing.__doc__ or ""
    if "." not in thing.__qualname__:
        assert ">>> " in doc, f"{name} has no example"
    if inspect.isclass(thing) and issubclass(thing, Exception):
        return
    lacking = parameters(thing) - documented(doc, ("Parameters", "Other Parameters", "Attributes"))
    assert not lacking, f"{name} does not document {sorted(lacking)}"


@pytest.mark.parametrize("name", ROOMS)
def test_no_docstring_line_is_a_riddle(name):
    for module in modules_of(name):
        for docstring in docstrings(MODULES[module]):
            riddles = [line.strip() for line in docstring.value.splitlines() if line.strip().startswith(RIDDLES)]
            assert not riddles, f"{module}: {riddles}"


@pytest.mark.parametrize("package", PACKAGES)
def test_there_is_more_code_than_ceremony(package):
    """Lines of docstrings are at most 30 % of all lines."""
    paths = [path for module, path in MODULES.items() if module.split(".")[0] == package]
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)
    ceremony = sum(node.end_lineno - node.lineno + 1 for path in paths for node in docstrings(path))
    assert ceremony <= 0.3 * lines, f"{100 * ceremony / lines:.1f} % of {package} are docstrings"


def test_public_names():
    assert set(minisnn.__all__) <= set(dir(minisnn))
    for name in minisnn.__all__:
        assert getattr(minisnn, name).__doc__, name
    with pytest.raises(AttributeError):
        minisnn.no_such_name
