"""Work on several threads: kernels let go of Python's lock while they compute."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any


def each(function: Callable[[int], Any], count: int, threads: int | None) -> list[Any]:
    """Return function(0), ..., function(count - 1), computed on up to `threads` threads, or one for each processor."""
    threads = min(threads or _processors(), count)
    if threads <= 1:
        return [function(i) for i in range(count)]
    return list(_pool(threads, os.getpid()).map(function, range(count)))


@cache
def _processors():
    return os.cpu_count() or 1


@cache
def _pool(threads, process):
    """Return threads that wait for work; those of another process did not come along when it was forked."""
    return ThreadPoolExecutor(threads, "minisnn")
