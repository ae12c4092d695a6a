"""Docstrings: all public names have an example that runs, and tell the parameters of the signature."""

import doctest
import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest
from numba.core.dispatcher import Dispatcher

import minisnn

ROOT = Path(__file__).parents[2]

MODULES = [
    "minisnn",
    *(
        module.name
        for module in pkgutil.walk_packages(minisnn.__path__, "minisnn.")
        if not module.name.endswith("__main__")
    ),
]


def public(module):
    """(name, thing, class) of what carries no underscore: functions and classes of a module, methods and properties."""
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__ or not callable(thing):
            continue
        if inspect.isclass(thing) and issubclass(thing, Exception):
            continue
        if isinstance(thing, (types.FunctionType, type, Dispatcher)):
            yield name, thing, None
        for method_name, method in vars(thing).items() if inspect.isclass(thing) else ():
            method = getattr(method, "__func__", None) or getattr(method, "fget", None) or method
            if inspect.isfunction(method) and not method_name.startswith("_"):
                yield f"{name}.{method_name}", method, thing


def example(docstring):
    """The lines of code in a docstring."""
    lines = (line.strip() for line in (docstring or "").splitlines())
    return "\n".join(line for line in lines if line.startswith((">>>", "...")))


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


@pytest.mark.parametrize("name", [m for m in MODULES if "commands" not in m])
def test_docstrings_agree_with_signatures(name):
    for label, thing, _ in public(importlib.import_module(name)):
        assert thing.__doc__, f"{name}.{label} has no docstring"
        parameters = set(inspect.signature(getattr(thing, "py_func", thing)).parameters) - {"self", "cls"}
        said = documented(thing.__doc__)
        assert not said or said <= parameters, f"{name}.{label} documents {said - parameters}, which it does not take"


@pytest.mark.parametrize("name", [m for m in MODULES if "commands" not in m])  # their docs are --help
def test_every_public_name_has_an_example(name):
    """Of its own, or, of a method or property, that of its class."""
    for label, thing, of in public(importlib.import_module(name)):
        of_class = of and re.search(rf"\b{label.rpartition('.')[2]}\b", example(of.__doc__))
        assert example(thing.__doc__) or of_class, f"{name}.{label} has no example"


def test_pages_are_built(tmp_path):
    """As README says, without a warning."""
    pytest.importorskip("pdoc")
    files = [
        str(path)
        for folder in ("", "fixed", "kernels")
        for path in sorted((ROOT / "minisnn" / folder).glob("*.py"))
        if not path.name.startswith("__")
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pdoc", "-d", "numpy", "-o", str(tmp_path), "minisnn", *files, "hw"],
        cwd=ROOT,
        env=os.environ | {"EAGER_IMPORT": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0 and "Warn" not in done.stderr, done.stderr
    assert "beta*U[t]" in (tmp_path / "minisnn/lif.html").read_text(encoding="utf-8")
    assert (tmp_path / "hw/accelerator.html").exists()


def test_public_names():
    assert set(minisnn.__all__) <= set(dir(minisnn))
    for name in minisnn.__all__:
        assert getattr(minisnn, name).__doc__, name
    with pytest.raises(AttributeError):
        minisnn.no_such_name
