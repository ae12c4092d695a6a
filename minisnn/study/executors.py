"""Executors of a sweep: worker processes on this machine, no workers at all, or the workers of a Dask cluster.

An executor has ``slots``, the number of jobs at a time, and ``open()``, a context manager that returns a
:class:`concurrent.futures.Executor`. A sweep opens it again after a worker died.
"""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, suppress

from ..errors import InputError
from .nodes import Nodes
from .workers import WorkerLostError, Workers

STARTS = 4  # attempts to start workers
LIMITED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # NumPy's own threads


class Processes:
    """Worker processes on this machine, by default one per processor."""

    def __init__(self, workers: int | None = None):
        self.slots = workers or os.cpu_count() or 1

    @contextmanager
    def open(self) -> Iterator[Workers]:
        """Open the executor; on leaving, the workers end, and their unfinished jobs are lost.

        Raise InputError if workers cannot start, as in a script without a main guard.
        """
        # Each worker imports the script that started it. Without a guard, the script would start a sweep there.
        if getattr(multiprocessing.current_process(), "_inheriting", False):
            raise SystemExit(1)
        with _limited():
            workers = Workers(self.slots)
            try:
                if not any(_starts(workers) for _ in range(STARTS)):
                    raise InputError(
                        "the worker processes end as soon as they start; in a script, call sweep under "
                        'if __name__ == "__main__":, because each worker imports the script'
                    )
                yield workers
            finally:
                workers.shutdown(cancel_futures=True)


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
        client = self._connect()
        self._nodes = Nodes(client)
        try:
            yield self._nodes
        finally:
            self._nodes.shutdown()
            self._nodes = None
            with suppress(RuntimeError):  # Dask's own, at times, if the scheduler is lost
                client.close()


@contextmanager
def _limited() -> Iterator[None]:
    """Limit NumPy to one thread in the workers that start meanwhile: they read it when they import NumPy."""
    before = {name: os.environ.get(name) for name in LIMITED}
    os.environ |= {name: "1" for name in LIMITED}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


def _starts(workers):
    """Return whether a worker starts and answers."""
    try:
        return workers.submit(os.getpid).result() > 0
    except WorkerLostError:
        return False
