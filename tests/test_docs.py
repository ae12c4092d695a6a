"""Docstrings: their examples run, and their parameters are those of the signature."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import minisnn

MODULES = ["minisnn", *(module.name for module in pkgutil.walk_packages(minisnn.__path__, "minisnn.")
                        if not module.name.endswith("__main__"))]


def public(module):
    """Functions, classes and methods of a module that carry no underscore."""
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(thing):
            yield name, thing
        elif inspect.isclass(thing) and not issubclass(thing, Exception):
            yield name, thing
            for method_name, method in vars(thing).items():
                if inspect.isfunction(method) and not method_name.startswith("_"):
                    yield f"{name}.{method_name}", method


def documented(docstring):
    """Names in the Parameters section of a numpydoc docstring."""
    lines = inspect.cleandoc(docstring).splitlines()
    names, inside = set(), False
    for line, following in zip(lines, [*lines[1:], ""]):
        if set(following) == {"-"} and following:
            inside = line == "Parameters"
        elif inside and line and not line.startswith((" ", "-")):
            names |= {name.strip(" *") for name in line.split(" : ")[0].split(",")}
    return names


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


@pytest.mark.parametrize("name", [m for m in MODULES if "kernels" not in m and "commands" not in m])
def test_docstrings_agree_with_signatures(name):
    for label, thing in public(importlib.import_module(name)):
        assert thing.__doc__, f"{name}.{label} has no docstring"
        parameters = set(inspect.signature(thing).parameters) - {"self", "cls", "args", "kwargs"}
        said = documented(thing.__doc__)
        assert not said or said <= parameters, f"{name}.{label} documents {said - parameters}, which it does not take"


def test_public_names():
    assert set(minisnn.__all__) <= set(dir(minisnn))
    for name in minisnn.__all__:
        assert getattr(minisnn, name).__doc__, name
    with pytest.raises(AttributeError):
        minisnn.no_such_name
