"""Whether the machine was free for the race: under load the figures are worthless.

The threads of a peer wait for each other in a loop that spins, so a single busy core beside them slows them far more
than it slows us, and every ratio grows. Two things are measured before the race and after each of its settings: the
rate of NumPy's matrix product, against the best of all that were seen, and the share of the cores that busy threads
of this process get.
"""

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from . import race

ENOUGH_CPU, ENOUGH_SGEMM = 0.9, 0.75
SETTLE = 0.5  # seconds until the spinning threads of the libraries sleep


def take(threads):
    """Measure now: {"cpu_share": ..., "sgemm_gflops": ...}."""
    time.sleep(SETTLE)
    share = cpu_share(threads)
    best = min(race.sgemm() for _ in range(3))
    return {"cpu_share": share, "sgemm_gflops": race.SGEMM_OPERATIONS / best / 1e9}


def cpu_share(threads, seconds=1.0):
    """Return the share of `threads` cores that as many busy threads of this process get."""
    block = bytes(1 << 20)

    def work(until):
        while time.perf_counter() < until:
            hashlib.sha256(block)  # runs beside the other threads: it releases the interpreter's lock

    with ThreadPoolExecutor(threads) as pool:
        wall, cpu = time.perf_counter(), time.process_time()
        list(pool.map(work, [wall + seconds] * threads))
        return (time.process_time() - cpu) / (time.perf_counter() - wall) / threads


def complaint(takes, seen=None):
    """Say how far one of `takes` is below the best of those `seen` (by default the same), or return an empty text."""
    best = max(take["sgemm_gflops"] for take in seen or takes)
    share, rate = (min(take[key] for take in takes) for key in ("cpu_share", "sgemm_gflops"))
    if share < ENOUGH_CPU:
        return f"the machine is loaded: busy threads get {100 * share:.0f} % of their cores"
    if rate < ENOUGH_SGEMM * best:
        return f"the machine is loaded: its matrix product fell from {best:.0f} to {rate:.0f} GFLOP/s"
    return ""


@contextmanager
def cores(threads):
    """Keep this process and its children on as many cores as there are threads: some libraries take all they see."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:threads])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
