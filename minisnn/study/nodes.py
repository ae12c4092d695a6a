"""Nodes of a Dask cluster: every job is sent to one of them, and a node that is unfit for the sweep is left out.

Dask gives a job to any worker, so one that lacks something would take job after job, since it fails them so fast.
"""

import pickle
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from functools import partial
from typing import Any

from .. import __version__
from ..errors import InputError
from .needs import UnfitError
from .workers import WorkerLostError

PATIENCE = 20.0  # seconds that a sweep waits for a fit node when all the present ones are left out


class LeftOutError(Exception):
    """A job that comes back untouched, because its node is left out; the message names the node and the mend."""


class Nodes(Executor):
    """The workers of a Dask cluster as one executor, those that have joined last included.

    A future raises LeftOutError or WorkerLostError if its node is left out or lost: the job may be submitted again.
    Other errors than those of Dask itself are taken as the node's: jobs make rows of their own errors.
    """

    def __init__(self, client: Any):
        self._client, self._pool = client, client.get_executor(pure=False, allow_other_workers=False)
        self._left_out: dict[str, str] = {}  # reasons by address
        self._fit: dict[str, int] = {}  # threads by address, as of the last look
        self._jobs: dict[Future, tuple[str, Future]] = {}  # address and Dask's future of each job under way
        self._none_fits_since: float | None = None
        self._lock = threading.Lock()  # Dask's own thread ends jobs, while ours may find their node lost

    @property
    def slots(self) -> int:
        """Number of jobs at a time: one per thread of each node that is not left out.

        Raise InputError if all nodes have been left out for too long.
        """
        present = self._present()
        with self._lock:
            lost = {job: where for job, where in self._jobs.items() if where[0] not in present}
            self._jobs = {job: where for job, where in self._jobs.items() if job not in lost}
            # A node that comes back, even under its old address, has been started again and gets another chance.
            self._left_out = {address: why for address, why in self._left_out.items() if address in present}
            self._fit = {address: count for address, count in present.items() if address not in self._left_out}
        for job, (address, dasks) in lost.items():
            dasks.cancel()
            job.set_exception(WorkerLostError(address))
        self._give_up_without_a_fit_node()
        return sum(self._fit.values())

    def _present(self):
        """Return the threads of each node that is there, by address; raise InputError if the scheduler is lost."""
        try:
            return self._client.nthreads()
        except (OSError, TimeoutError, CancelledError) as error:
            raise InputError(
                f"the Dask scheduler is lost ({error}); finished points are kept: start it again and repeat the "
                "command to continue"
            ) from error

    def _give_up_without_a_fit_node(self):
        if self._fit or not self._left_out:
            self._none_fits_since = None
            return
        now = time.monotonic()
        self._none_fits_since = self._none_fits_since or now
        if now - self._none_fits_since >= PATIENCE:
            first, *others = self._left_out.values()
            more = f", and {len(others)} more likewise" if others else ""
            raise InputError(
                f"no node of the cluster can compute these points: {first}{more}; finished points are kept: repeat the "
                "command then to continue"
            )

    def submit(self, fn: Callable, /, *args: Any, **kwargs: Any) -> Future:
        """Send a call to the node with the most free threads."""
        with self._lock:
            busy = Counter(address for address, _ in self._jobs.values())
            address = max(self._fit, key=lambda address: self._fit[address] - busy[address])
        # Dask's scheduler unpickles the function that it gets, and may lack minisnn. This one it has.
        dasks = self._pool.submit(pickle.loads, pickle.dumps(_Call(partial(fn, *args, **kwargs))), workers=[address])
        job: Future = Future()
        with self._lock:
            self._jobs[job] = address, dasks
        dasks.add_done_callback(lambda dasks: self._end(job, dasks))
        return job

    def _end(self, job, dasks):
        """Hand on how a job ended, unless its node was lost before."""
        with self._lock:
            address, _ = self._jobs.pop(job, (None, None))
        if address is None:
            return
        if dasks.cancelled():
            job.set_exception(CancelledError("the scheduler is lost"))
        elif (error := dasks.exception()) is None:
            job.set_result(dasks.result())
        elif _is_dasks_own(error):
            job.set_exception(error)
        else:
            job.set_exception(LeftOutError(self._leave_out(address, error)))

    def _leave_out(self, address, error):
        """Give a node no more jobs; return a sentence that says why."""
        lacks = str(error)
        if not isinstance(error, UnfitError):
            lacks = (
                f"cannot take jobs of minisnn {__version__} ({type(error).__name__}: {error}); install the same there"
            )
        with self._lock:
            return self._left_out.setdefault(address, f"node {address}: {lacks}, and start its worker again")

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Cancel the jobs under way."""
        self._pool.shutdown(wait=False)


class _Call:
    """A call that is made where it is unpickled, and whose result takes its place."""

    def __init__(self, call):
        self.call = call

    def __reduce__(self):
        return self.call, ()


def _is_dasks_own(error):
    """Return whether an error comes from Dask: a connection, a scheduler, or workers that died one after the other."""
    from distributed import KilledWorker
    from distributed.comm import CommClosedError

    return isinstance(error, (CancelledError, CommClosedError, KilledWorker, TimeoutError))
