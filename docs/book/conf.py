"""Settings of Sphinx for the book. `python -m docs.build` copies this folder, fills in pages, and runs Sphinx."""

import hashlib
import importlib.metadata
import os
from pathlib import Path

import minisnn
import minisnn_hw

PACKAGES = (Path(minisnn.__file__).parent, Path(minisnn_hw.__file__).parent)
code = b"".join(file.read_bytes() for folder in PACKAGES for file in sorted(folder.rglob("*.py")))

project = html_title = "minisnn"
author = "the minisnn authors"
copyright = author
version = release = minisnn.__version__
language = "en"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
]
exclude_patterns = ["_extra", "course/output"]
templates_path = ["_templates"]

# A cell's output is kept while its code and the library are the same.
nb_execution_mode = os.environ.get("MINISNN_BOOK_EXECUTE", "cache")
nb_execution_cache_path = str(Path(__file__).parents[1] / "cache" / hashlib.sha256(code).hexdigest()[:12])
nb_execution_timeout = 900
nb_execution_raise_on_error = True
nb_execution_excludepatterns = ["course/exercises/*"]  # functions that are still to be written
nb_merge_streams = True

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist", "attrs_inline"]
myst_dmath_double_inline = True  # $$...$$ right after a line of text
myst_heading_anchors = 3

# Docstrings are written for their readers in the source first; a list that RST takes for something else may stay so.
suppress_warnings = ["docutils"]
autosummary_generate = True
autodoc_typehints = "none"  # numpydoc has them in words
numpydoc_show_class_members = False

html_theme = "furo"
pygments_dark_style = "github-dark"
html_static_path = [
    "_static",
    *[str(file.locate()) for file in importlib.metadata.files("sphinx-mathjax-offline") if file.name == "tex-svg.js"],
]
mathjax_path = "tex-svg.js"  # one file with its fonts: no page asks another host
html_css_files = ["book.css"]
html_extra_path = ["_extra"]
html_copy_source = False
html_show_sourcelink = False


def ports(app, what, name, obj, options, lines):
    """Show the ports of a block as notes: numpydoc knows no section of this name, and would drop it."""
    for number, line in enumerate(lines[:-1]):
        if line == "Ports" and set(lines[number + 1]) == {"-"}:
            lines[number : number + 2] = ["Notes", "-----", "**Ports**", ""]


def indented(app, what, name, obj, options, lines):
    """Show an indented block of a docstring as it stands: equations and tables in text."""
    shown, last = [], ""
    for number, line in enumerate(lines):
        begins = number and not lines[number - 1].strip() and len(line) - len(line.lstrip()) >= 4
        if line.strip() and begins and last and not last.startswith((" ", ".", "-", "*", "=", ":")):
            shown += ["::", ""]
        shown.append(line)
        last = line if line.strip() else last
    lines[:] = shown


def setup(app):
    app.connect("autodoc-process-docstring", ports, priority=300)
    app.connect("autodoc-process-docstring", indented, priority=400)
