"""Text on a terminal: tables and paragraphs, bars of at most 80 columns, and sentences on what takes time."""

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from textwrap import fill
from typing import Any

LOG_SECONDS = 30  # between two lines where there is no terminal to show a bar
COLUMNS = 80
LOCK = threading.RLock()  # of all bars; tqdm's own is for several processes, and outlives a killed one
COMPILING = "compiling the kernels, once, some 10 s"


def say(sentence: str) -> None:
    """Print what a command is about to do, if somebody watches a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"{sentence}\n")
        sys.stderr.flush()


def bar(total: int | None, unit: str, *, shown: bool = True, done: int = 0, **options: Any) -> Any:
    """Return a tqdm bar; without a terminal it is a line now and then, of at most 80 columns."""
    from tqdm import tqdm

    if sys.stderr.isatty():  # some terminals do not know their width
        pace = {"dynamic_ncols": True} if os.get_terminal_size(sys.stderr.fileno()).columns else {"ncols": COLUMNS}
    else:
        pace = {"mininterval": LOG_SECONDS, "delay": LOG_SECONDS, "ncols": COLUMNS}
    tqdm.set_lock(LOCK)
    return tqdm(total=total, initial=done, unit=unit, disable=not shown, **pace | options)


@contextmanager
def phases(first: str) -> Iterator[Callable[[str], None]]:
    """Show the phase of a long piece of work and the time since its beginning; give a function that tells the phase."""
    with bar(None, "", bar_format="{desc} [{elapsed}]", desc=first) as line:

        def tell(phase: str) -> None:
            line.set_description_str(phase, refresh=False)
            line.update(0)

        yield tell


def begin(bar: Any) -> None:
    """Measure the pace of a bar from now, before its next update: the first piece of work compiled the kernels."""
    bar.initial = bar.n + 1
    bar.unpause()


def announce_compiling() -> None:
    """Let a terminal know when Numba compiles a kernel, which it does once for all runs; the first one is told."""
    from numba.core import event

    class Announcer(event.Listener):
        """Tells the first compilation."""

        told = False

        def on_start(self, event):
            """Say that the kernels are compiled."""
            if not self.told:
                self.told = True
                say(COMPILING)

        def on_end(self, event):
            """Say nothing."""

    event.register("numba:compile", Announcer())


def table(rows: Iterable[Sequence], header: Sequence[str]) -> str:
    """Return a table as text, the first column aligned to the left, the others to the right."""
    rows = [[str(cell) for cell in row] for row in (header, *rows)]
    columns = [max(len(row[i]) for row in rows) for i in range(len(header))]
    lines = []
    for first, *others in rows:
        cells = [first.ljust(columns[0])] + [cell.rjust(width) for cell, width in zip(others, columns[1:])]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * width for width in columns))
    return "\n".join(lines)


def width() -> int:
    """Return the columns that a line may fill: those of the terminal that shows it, and 80 at most."""
    try:
        return min(os.get_terminal_size(sys.stdout.fileno()).columns or COLUMNS, COLUMNS)
    except (OSError, ValueError):  # no terminal, or no file at all
        return COLUMNS


def wrapped(text: str, indent: int = 2) -> str:
    """Break a text that is longer than a terminal is wide between words; further lines are indented."""
    return fill(text, width(), subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)


def item(name: str, text: str, indent: int = 11) -> str:
    """Return a name and, from column `indent` on, its text, broken after commas only: a value stays beside its name."""
    line = f"{name:<{indent}}{text}".replace(" ", "\xa0").replace(",\xa0", ", ")  # no-break spaces
    return wrapped(line, indent).replace("\xa0", " ")


def named(values: Mapping[str, Any]) -> str:
    """Return values behind their names, such as "seed 0, lr 0.002"; "none" if there are none."""
    return ", ".join(f"{name} {value}" for name, value in values.items()) or "none"


def counted(number: int, noun: str) -> str:
    """Return a number and what it counts, such as "1 image" or "2,000 images"."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def by_x(shape: Iterable[int]) -> str:
    """Return a shape as text, such as "8x8x1"."""
    return "x".join(map(str, shape))
