"""The sparsity-aware accelerator in MyHDL, installed as ``minisnn_hw``.

    convert       a block, with all in it, to VHDL or Verilog
    build         the numbers of an accelerator for a network in integers
    cosimulate    images through the accelerator in MyHDL, beside the integers and the model of cycles

The rows, and the blocks around them, stand at the top, and can be lifted out: they import MyHDL and one another alone.
``accelerator`` is the whole, ``layer`` one layer of it; start there. ``parts/`` has small shared blocks. Tooling has
rooms of its own: ``generate/`` (numbers, words, HDL text), ``verify/``, ``synth/``, ``delivery/``.
"""

import os
from importlib import import_module

# Where each public name lives; imported when first used.
_PUBLIC = {"convert": "generate.convert", "build": "verify.cosimulate", "cosimulate": "verify.cosimulate"}
__all__ = list(_PUBLIC)


def __getattr__(name):
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_PUBLIC[name]}", __name__), name)


def __dir__():
    return sorted([*globals(), *__all__])


if os.environ.get("EAGER_IMPORT"):  # for tools that look at names without asking for them, such as pdoc
    globals().update({name: __getattr__(name) for name in __all__})
