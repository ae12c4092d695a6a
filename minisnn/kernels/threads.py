"""Work on several threads: kernels let go of Python's lock while they compute."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any


def each(function: Callable[[int], Any], count: int, threads: int | None) -> list[Any]:
    """Return [function(0), ..., function(count - 1)], computed on up to `threads` threads, or one for each processor.

    The caller is one of them: it begins while the others wake up, and does not wait for one that comes too late.
    """
    threads = min(threads or _processors(), count)
    if threads <= 1:
        return [function(i) for i in range(count)]
    results, left = [None] * count, iter(range(count))

    def work():
        for i in left:  # each thread takes the next number
            results[i] = function(i)

    helpers = [_pool(threads - 1, os.getpid()).submit(work) for _ in range(threads - 1)]
    try:
        work()
    finally:
        late = [helper for helper in helpers if not helper.cancel()]
        for helper in late:
            helper.result()
    return results


@cache
def _processors():
    return os.cpu_count() or 1


@cache
def _pool(threads, process):
    """Return threads that wait for work; those of another process did not come along when it was forked."""
    return ThreadPoolExecutor(threads, "minisnn")
