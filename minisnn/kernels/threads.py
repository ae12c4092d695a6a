"""Work on several threads: kernels let go of Python's lock while they compute."""

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from threading import get_native_id
from typing import Any


def each(function: Callable[[int], Any], count: int, threads: int | None) -> list[Any]:
    """Return [function(0), ..., function(count - 1)], computed on up to `threads` threads, or one for each processor.

    The caller is one of them: it begins while the others wake up, and does not wait for one that comes too late.
    """
    threads = min(threads or len(_processors()), count)
    if threads <= 1:
        return [function(i) for i in range(count)]
    results, left = [None] * count, iter(range(count))

    def work():
        for i in left:  # each thread takes the next number
            results[i] = function(i)

    helpers = _helpers(threads - 1, os.getpid())
    helpers.keep_apart()
    futures = [helpers.submit(work) for _ in range(threads - 1)]
    try:
        work()
    finally:
        late = [future for future in futures if not future.cancel()]
        for future in late:
            future.result()
    return results


class _Helpers(ThreadPoolExecutor):
    """Threads that wait for work, on other processors than the caller.

    Linux may wake a thread on the processor of the one that wakes it, even if others are idle, and moves it only when
    the two have shared it for some milliseconds, which is as long as a whole pass. So each is told where not to run.
    """

    def __init__(self, threads):
        self.ids, self.free = [], None
        super().__init__(threads, "minisnn", lambda: self.ids.append(get_native_id()))

    def keep_apart(self):
        """Keep all helpers off the processor on which the caller is now."""
        where = _where()
        if where is None or (here := where()) == self.free:
            return
        if others := _processors() - {here}:
            with suppress(OSError):  # a sandbox may forbid it; only time is lost
                for thread in self.ids:
                    os.sched_setaffinity(thread, others)
        self.free = here if len(self.ids) == self._max_workers else None


@cache
def _helpers(threads, process):
    """Return helpers; those of another process did not come along when it was forked."""
    return _Helpers(threads)


def _processors():
    """Return the processors that the caller may use."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


@cache
def _where():
    """Return a function that tells which processor runs the caller, or None where threads cannot be moved."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    return getattr(ctypes.CDLL(None), "sched_getcpu", None)
