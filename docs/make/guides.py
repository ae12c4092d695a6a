"""Pages that stand in the repository, with what is made for the book: the help of commands, a design's manual."""

import contextlib
import io
import os
import re
import shutil
from pathlib import Path

from minisnn.commands import COMMANDS, main

from .lessons import with_drawings
from .places import ROOT, place, relinked


def help_of(command: str) -> str:
    """Return what a command prints for --help, at the width of a page."""
    printed = io.StringIO()
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "100"
    try:
        with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
            main([command, "--help"])
    finally:
        os.environ.pop("COLUMNS")
        if before is not None:
            os.environ["COLUMNS"] = before
    return printed.getvalue().rstrip()


def commands() -> str:
    """Return what every command prints for --help, as sections."""
    return "".join(f"\n## {command}\n\n```text\n{help_of(command)}\n```\n" for command in COMMANDS)


def folded(manual: Path) -> str:
    """Return a design's manual for the end of the page about it: its title one level lower, its sections folded."""
    head, *rest = re.split(r"^## (.+)\n", manual.read_text(encoding="utf-8"), flags=re.M)
    sections = [
        f"<details><summary>{title}</summary>\n\n{text.strip()}\n\n</details>\n"
        for title, text in zip(rest[::2], rest[1::2])
    ]
    return "\n".join([f"#{head.lstrip()}", *sections])


def copy(path: Path, source: Path, repository: str, more: str = "") -> None:
    """Copy a page of the repository to its place in the book, with `more` at its end."""
    name = path.relative_to(ROOT).as_posix()
    text = with_drawings(relinked(path.read_text(encoding="utf-8") + more, name, repository))
    to = source / (place(name) or name)
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(text, encoding="utf-8", newline="\n")


def prepare(source: Path, manual: Path, repository: str) -> None:
    """Write all guides into the source folder of a build; `manual` is what `minisnn vhdl` has written for a design."""
    for name in ("results", "figures"):
        shutil.rmtree(source / name, ignore_errors=True)
        shutil.copytree(ROOT / "tutorials" / name, source / name)
    more = {"commands": commands(), "manual": folded(manual)}
    pages = [ROOT / "docs/glossary.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "tutorials/results").glob("*.md"))]
    for page in pages + sorted((ROOT / "docs/book").glob("*.md")):
        copy(page, source, repository, more.get(page.stem, "") if page.parent.name == "book" else "")
