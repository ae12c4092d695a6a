"""Progress on a terminal: bars of at most 80 columns, and sentences on what takes time before the first result."""

import os
import sys
from typing import Any

LOG_SECONDS = 30  # between two lines where there is no terminal to show a bar
COLUMNS = 80
COMPILING = "compiling the kernels, once, some 20 s"


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
    return tqdm(total=total, initial=done, unit=unit, disable=not shown, **pace | options)


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
