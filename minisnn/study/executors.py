"""Executors of a sweep: worker processes on this machine, no workers at all, or the workers of a Dask cluster.

An executor has ``slots``, the number of jobs at a time, and ``open()``, a context manager that returns a
:class:`concurrent.futures.Executor`. A sweep opens it again after a worker died.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager

from ..errors import InputError
from .nodes import Nodes

STARTS = 4  # attempts to start workers
LIMITED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # NumPy's own threads


def start_quiet_tracker() -> None:
    """Start Python's process that tidies up after a kill, without its warning that it did."""
    if sys.platform == "win32":
        return  # which has no such process
    from multiprocessing import resource_tracker

    quiet = "ignore:resource_tracker"
    sys.warnoptions.append(quiet)  # it takes them over when it starts, and there is no other way to it
    try:
        resource_tracker.ensure_running()
    finally:
        sys.warnoptions.remove(quiet)


class Processes:
    """Worker processes on this machine, by default one per processor."""

    def __init__(self, workers: int | None = None):
        self.slots = workers or os.cpu_count() or 1

    @contextmanager
    def open(self) -> Iterator[ProcessPoolExecutor]:
        """Open the executor; on leaving, the workers end, and so do their unfinished jobs.

        Raise InputError if workers cannot start, as in a script without a main guard.
        """
        # Each worker imports the script that started it. Without a guard, the script would start a sweep there.
        if getattr(multiprocessing.current_process(), "_inheriting", False):
            raise SystemExit(1)
        for _ in range(STARTS):
            with self._pool() as executor:
                try:
                    executor.submit(os.getpid).result()
                except BrokenExecutor:
                    continue
                yield executor
                return
        raise InputError(
            "the worker processes end as soon as they start; in a script, call sweep under "
            'if __name__ == "__main__":, because each worker imports the script'
        )

    @contextmanager
    def _pool(self) -> Iterator[ProcessPoolExecutor]:
        """Start worker processes that end with this one."""
        context = multiprocessing.get_context("spawn")  # fork would copy the locks of our threads
        workers_end, our_end = context.Pipe(duplex=False)
        start_quiet_tracker()
        before = {name: os.environ.get(name) for name in LIMITED}
        os.environ |= {name: "1" for name in LIMITED}  # workers read them when they import NumPy
        executor = ProcessPoolExecutor(self.slots, context, _end_with_parent, (workers_end,))
        try:
            yield executor
            executor.shutdown()
        finally:
            our_end.close()  # workers that are still busy end
            executor.shutdown(cancel_futures=True)
            workers_end.close()
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name)
                else:
                    os.environ[name] = value


class Here:
    """No worker processes: this process does one job after the other. For small sweeps, and for debugging."""

    slots = 1

    @contextmanager
    def open(self) -> Iterator[ThreadPoolExecutor]:
        """Open an executor with one thread."""
        with ThreadPoolExecutor(1) as executor:
            yield executor


class Dask:
    """Workers of a Dask cluster (``pip install 'minisnn[cluster]'``).

    `address` is the scheduler's, such as ``tcp://127.0.0.1:8786``; the workers of each machine are started with ``dask
    worker --nthreads 4``, also while a sweep runs. Every machine needs the same minisnn, NumPy and Numba, and the data
    set's files at the same path, or in its cache folder; one that lacks them is left out, see
    :class:`minisnn.study.nodes.Nodes`. Raise InputError if dask.distributed is not installed, or no scheduler answers.
    """

    def __init__(self, address: str):
        try:
            from distributed import Client
        except ImportError:
            raise InputError("--dask needs dask.distributed: pip install 'minisnn[cluster]'") from None
        self.address, self._client_class = address, Client
        self._nodes: Nodes | None = None  # while the executor is open
        self._connect().close()  # says at once if no scheduler answers

    def _connect(self):
        """Return a new client; raise InputError if no scheduler answers."""
        try:
            return self._client_class(self.address, timeout="10s", set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise InputError(
                f"no Dask scheduler answers at {self.address} ({error}); start one with dask scheduler, and "
                "workers with dask worker"
            ) from None

    @property
    def slots(self) -> int:
        """Number of jobs at a time: one per thread of each worker."""
        if self._nodes is not None:
            return self._nodes.slots
        with self._connect() as client:
            return sum(client.nthreads().values())

    @contextmanager
    def open(self) -> Iterator[Executor]:
        """Open the executor with a client of its own; on leaving, unfinished jobs are cancelled."""
        with self._connect() as client:
            self._nodes = Nodes(client)
            try:
                yield self._nodes
            finally:
                self._nodes.shutdown()
                self._nodes = None


def _end_with_parent(pipe):
    """End this worker when the driver closes its end of the pipe or is killed, even by kill -9."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver handles Ctrl-C

    def wait_for_end():
        try:
            pipe.recv()
        except (EOFError, OSError):
            os._exit(1)

    threading.Thread(target=wait_for_end, daemon=True).start()
