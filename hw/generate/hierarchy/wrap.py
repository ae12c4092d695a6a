"""Lines of at most 120 characters."""

import re

WIDTH = 120


def wrapped(line: str, margin: int) -> str:
    """Break a line after commas and the like; `margin` blanks begin it, and four more each line that continues it."""
    lines, here = [], " " * margin
    for word in re.split(r"(?<=[,;&]) |(?<= and) |(?<= or) ", line):
        if len(here) + 1 + len(word) > WIDTH and here.strip():
            lines.append(here)
            here = " " * (margin + 4)
        here += word if not here.strip() else f" {word}"
    return "\n".join([*lines, here])
