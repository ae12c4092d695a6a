"""Settings of Sphinx for the book. `python -m docs.build` copies this folder, fills in pages, and runs Sphinx."""

import hashlib
import importlib.metadata
import os
from pathlib import Path

import minisnn
import minisnn_hw
from docs.make import docstrings

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


def prepared(app, what, name, obj, options, lines):
    """Prepare a docstring for numpydoc."""
    lines[:] = docstrings.as_it_stands(docstrings.with_ports(lines))


def setup(app):
    app.connect("autodoc-process-docstring", prepared, priority=400)
