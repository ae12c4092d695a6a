"""Pages made from what is there already: the help of every command, tables of results, and a design's manual."""

import contextlib
import io
import os
import re
import shutil
from pathlib import Path

from minisnn.commands import COMMANDS, main

ROOT = Path(__file__).parents[2]


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


def commands(source: Path) -> None:
    """Write the page of all commands behind its introduction."""
    text = (source / "commands.md").read_text(encoding="utf-8")
    for command in COMMANDS:
        text += f"\n## {command}\n\n```text\n{help_of(command)}\n```\n"
    (source / "commands.md").write_text(text, encoding="utf-8")


def results(source: Path) -> None:
    """Copy the tables of results with their figures and files; a figure gets the words of its link."""
    folder = source / "results"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "tutorials/results", folder)
    for path in folder.glob("*.md"):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"\]\((svhn10k/[\w.]+\.(?:csv|json|sqlite))\)", r"](<\1>)", text), encoding="utf-8")


def put_manual(source: Path, manual: Path) -> None:
    """Put a design's manual at the end of the FPGA guide, its headings two levels lower."""
    text = manual.read_text(encoding="utf-8")
    blocks = re.split(r"(^```.*?^```$)", text, flags=re.M | re.S)
    lower = [block if block.startswith("```") else re.sub(r"^#", "###", block, flags=re.M) for block in blocks]
    page = source / "fpga.md"
    page.write_text(page.read_text(encoding="utf-8") + "".join(lower), encoding="utf-8")


def glossary(source: Path) -> None:
    """Copy the glossary."""
    shutil.copy2(ROOT / "docs/glossary.md", source / "glossary.md")


def prepare(source: Path, manual: Path) -> None:
    """Write all guides into the source folder of a build; `manual` is what `minisnn vhdl` has written for a design."""
    put_manual(source, manual)
    commands(source)
    results(source)
    glossary(source)
