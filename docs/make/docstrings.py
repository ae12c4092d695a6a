"""Docstrings as pages show them: ports of blocks, and equations and tables in text."""

import itertools
import re


def with_ports(lines: list[str]) -> list[str]:
    """Show the ports of a block as notes: numpydoc knows no section of this name, and would drop it."""
    shown = list(lines)
    for number, line in enumerate(shown[:-1]):
        if line == "Ports" and set(shown[number + 1]) == {"-"}:
            shown[number : number + 2] = ["Notes", "-----", "**Ports**", ""]
    return shown


def as_it_stands(lines: list[str]) -> list[str]:
    """Show equations and tables as they stand in the source: an indented block, or lines in columns."""
    shown, last = [], ""
    blocks = [list(block) for _, block in itertools.groupby(lines, lambda line: not line.strip())]
    for number, block in enumerate(blocks):
        words = [line for line in block if line.strip()]
        indented = all(line.startswith("    ") for line in words)
        columns = len(words) > 1 and all(re.match(r"\S+ {2,}\S", line) for line in words)
        if words and number and not last.startswith((" ", ".", "-", "*", "=", ":")) and (indented or columns):
            block = ["::", "", *("    " * columns + line for line in block)]
        shown += block
        last = words[-1] if words else last
    return shown
