"""Packages that load their modules when these are first used, so that importing a package stays quick."""

import os
import pkgutil
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any


def attributes(package: str, public: Mapping[str, str] | None = None) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package: ``public`` maps a name to "module:attribute"; others are its modules."""
    public = public or {}

    def __getattr__(name: str) -> Any:
        if name in public:
            module, _, attribute = public[name].partition(":")
            return getattr(import_module(f"{package}.{module}"), attribute)
        if name.startswith("_") or find_spec(f"{package}.{name}") is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return import_module(f"{package}.{name}")

    return __getattr__


def attach(
    package: str, public: Mapping[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and ``__dir__`` of a package that exports ``public`` and its modules.

    With EAGER_IMPORT set, all names are imported at once, for tools that look at names without asking for them.
    """
    module, attribute, public = sys.modules[package], attributes(package, public), public or {}
    if os.environ.get("EAGER_IMPORT"):
        vars(module).update({name: attribute(name) for name in public})

    def __dir__() -> list[str]:
        modules = [info.name for info in pkgutil.iter_modules(module.__path__) if not info.name.startswith("_")]
        return sorted({*vars(module), *public, *modules})

    return attribute, __dir__
