"""Drawings of the course, the book and the slides: one file for each, in the words of `style.py`.

`python -m docs.drawings` writes NAME.svg and NAME-dark.svg beside each NAME.py.
"""

import importlib
from pathlib import Path

FOLDER = Path(__file__).parent


def names():
    """Return the names of all drawings."""
    return sorted(path.stem for path in FOLDER.glob("[a-z]*.py") if path.stem != "style")


def draw(name):
    """Return a drawing, by its name."""
    return importlib.import_module(f"{__name__}.{name}").draw()


def make(name):
    """Return the text of each file of a drawing, by the file's name."""
    drawing = draw(name)
    return {f"{name}.svg": drawing.svg("light"), f"{name}-dark.svg": drawing.svg("dark")}
