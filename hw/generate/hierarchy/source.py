"""The Python source of a block: its lines, and the order of names and the comments, which processes do not tell."""

import inspect
import io
import re
import tokenize
from collections import Counter
from collections.abc import Callable
from functools import cache
from textwrap import fill

from .wrap import WIDTH


def lines_of(func: Callable) -> tuple[list[str], int]:
    """Return a function's lines and the number of the first, as ``inspect.getsourcelines``; each is searched once."""
    return _lines(func.__code__)


def text_of(func: Callable) -> str:
    """Return the text of a function, as ``inspect.getsource``."""
    return "".join(lines_of(func)[0])


_lines = cache(inspect.getsourcelines)


@cache
def _tokens(func):
    return list(tokenize.generate_tokens(io.StringIO(text_of(func)).readline))


def places(func: Callable) -> dict[str, int]:
    """Return the place at which each name appears first in a function."""
    result: dict[str, int] = {}
    for token in _tokens(func):
        if token.type == tokenize.NAME:
            result.setdefault(token.string, len(result))
    return result


@cache
def comments(func: Callable) -> tuple[dict[str, str], dict[tuple[str, int], str]]:
    """Return the comments in a function: on declarations by name, and on assignments by (name, number from 1).

    A comment stands at the end of its line, or on lines of its own above. One on the declaration of several names
    belongs to the first, or to the one that it begins with: ``# rest: what is left``.
    """
    notes: dict[int, str] = {
        token.start[0]: token.string[1:].strip() for token in _tokens(func) if token.type == tokenize.COMMENT
    }
    declared: dict[str, str] = {}
    assigned: dict[tuple[str, int], str] = {}
    count: Counter = Counter()
    above, opened = "", ""  # opened: the names of a declaration that goes on
    for number, line in enumerate(text_of(func).splitlines(), 1):
        code, note = line.strip(), notes.get(number, "")
        if code.startswith("#"):
            above = f"{above} {note}".strip()
            continue
        note, above = f"{above} {note}".strip(), ""
        if found := re.match(r"(\w+(?:\.\w+)*)\.next\b.*? = ", code):
            name = found[1].replace(".", "_")
            count[name] += 1
            if note:
                assigned[name, count[name]] = note
            continue
        if found := re.match(r"(\w+(?:, \w+)*) = ", code):
            opened = found[1]
        if note and opened:
            names = opened.split(", ")
            about = re.match(r"(\w+): ", note)
            if about and about[1] in names:
                declared[about[1]] = note.removeprefix(about[0])
            else:
                declared[names[0]] = note
        if code.endswith((")", "]")) and not line.startswith("        "):
            opened = ""
    return declared, assigned


def with_comments(text: str, func: Callable, hdl: str) -> str:
    """Return an entity's text with the comments that its block has beside signals and assignments."""
    mark = {"vhdl": "--", "verilog": "//"}[hdl]
    declared, assigned = comments(func)
    declared = dict(declared)
    count: Counter = Counter()
    lines = []
    for line in text.splitlines():
        note = None
        if found := re.match(r"(?:signal|reg|wire) (?:signed )?(?:\[\S+\] )?(\w+?)(?:_reg|_net)?\b", line):
            note = declared.pop(found[1], None) if found[1] in declared else None
        elif found := re.match(r"\s*(?:assign )?(\w+?)(?:_reg|_net)?(?:[\[(][^=]*[\])])? <?= ", line):
            count[found[1]] += 1
            note = assigned.get((found[1], count[found[1]]))
        if note and len(line) + len(note) + 5 > 120:
            begin = f"{line[: len(line) - len(line.lstrip())]}{mark} "
            lines += fill(
                note, WIDTH, initial_indent=begin, subsequent_indent=begin, break_on_hyphens=False
            ).splitlines()
            note = None
        lines.append(f"{line}  {mark} {note}" if note else line)
    return "\n".join(lines) + "\n"
