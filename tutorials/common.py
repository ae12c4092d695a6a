"""Helpers that the lessons share: `save` writes a figure, `source` returns the source text of a function."""

import inspect
import re
from pathlib import Path

OUTPUT = Path(__file__).parent / "output"


def save(figure, name, seen):
    """Write a figure to tutorials/output/NAME.png, sharp enough for a projector; `seen` says in words what one sees."""
    OUTPUT.mkdir(exist_ok=True)
    figure.savefig(OUTPUT / f"{name}.png", dpi=200, metadata={"Description": seen})


def source(function):
    """Return the source text of a function without its docstring, which `help` shows."""
    return re.sub(r'\n *r?""".*?"""(?=\n)', "", inspect.getsource(function), count=1, flags=re.S)
