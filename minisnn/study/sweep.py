"""A grid of points, computed by any executor, into one file that survives whatever is killed.

A job is one training with all the points that share it; it gets a claim, so that two processes may share a file, and
its rows are written when it ends. A worker that dies takes no row with it: its job is done again. The rows follow from
the points alone, on whatever and however many workers.
"""

import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from ..data import load as datasets
from ..errors import InputError, TrainingError
from ..training.train import LOG_SECONDS
from . import point as points_of
from .store import Store

ATTEMPTS = 4  # of a job whose worker dies
BEAT = 5.0  # seconds between two signs of life
LIMITED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # NumPy's own threads


def grid(axes):
    """The product of lists: one dict for each choice, the last axis changing fastest.

    Parameters
    ----------
    axes : dict of str to list

    Returns
    -------
    choices : list of dict

    Examples
    --------
    >>> grid({"beta": [0.5, 0.9], "seed": [0, 1]})[1]
    {'beta': 0.5, 'seed': 1}
    """
    return [dict(zip(axes, values)) for values in product(*axes.values())]


@dataclass(frozen=True)
class Outcome:
    """How a sweep ended.

    Attributes
    ----------
    done, failed, left : int
        How many of its points are done, failed, and left (for want of time).

    Examples
    --------
    A budget of no minutes: no job is begun.

    >>> import tempfile
    >>> from minisnn import load_data
    >>> data = load_data("digits")
    >>> points = [points_of.make(data, {"topology": "16-10", "beta": beta}, {"epochs": 1, "num_steps": 2})
    ...           for beta in (0.5, 0.9)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     outcome = run(points, f"{folder}/study.sqlite", "digits", Here(), budget=0)
    >>> outcome
    Outcome(done=0, failed=0, left=2)
    """

    done: int
    failed: int
    left: int


class Processes:
    """Worker processes on this machine, as an executor that :func:`run` can open again when one has died.

    Parameters
    ----------
    workers : int, optional
        By default one for each processor.

    Examples
    --------
    >>> processes = Processes(2)
    >>> processes.slots  # jobs at a time
    2
    >>> with processes.open() as executor:  # each worker is a new Python
    ...     executor.submit(pow, 2, 10).result()
    1024
    """

    def __init__(self, workers=None):
        self.slots = workers or os.cpu_count()

    @contextmanager
    def open(self):
        """The executor; at the end, however it comes, the workers are gone, and jobs under way with them."""
        context = multiprocessing.get_context("spawn")  # fork would copy our threads' locks
        theirs, ours = context.Pipe(duplex=False)
        before = {name: os.environ.get(name) for name in LIMITED}
        os.environ |= {name: "1" for name in LIMITED}  # workers read it when they import NumPy
        executor = ProcessPoolExecutor(self.slots, context, _leave_with_parent, (theirs,))
        try:
            yield executor
            executor.shutdown()
        finally:
            ours.close()  # whoever is still at work leaves
            executor.shutdown(cancel_futures=True)
            theirs.close()
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


class Here:
    """No workers: this process does one job after the other. For small sweeps, and to debug.

    Examples
    --------
    >>> with Here().open() as executor:
    ...     executor.submit(os.getpid).result() == os.getpid()  # no other process
    True
    """

    slots = 1

    @contextmanager
    def open(self):
        """The executor: a thread."""
        with ThreadPoolExecutor(1) as executor:
            yield executor


class Dask:
    """Workers of a Dask cluster (``pip install 'minisnn[cluster]'``).

    Parameters
    ----------
    address : str
        Of its scheduler, such as ``tcp://127.0.0.1:8786``. The data set's files must be at the same place on each
        machine, or in its cache folder.

    Raises
    ------
    InputError
        If dask.distributed is not installed, or nobody answers.

    Examples
    --------
    Without the package:

    >>> from unittest import mock
    >>> with mock.patch.dict(sys.modules, distributed=None):  # as if it were not installed
    ...     Dask("tcp://127.0.0.1:8786")
    Traceback (most recent call last):
    minisnn.errors.InputError: --dask needs dask.distributed: pip install 'minisnn[cluster]'

    With ``dask scheduler``, and on two machines ``dask worker --nthreads 4``:

    >>> dask = Dask("tcp://127.0.0.1:8786")  # doctest: +SKIP
    >>> dask.slots  # doctest: +SKIP
    8
    >>> with dask.open() as executor:  # doctest: +SKIP
    ...     executor.submit(pow, 2, 10).result()
    1024
    """

    def __init__(self, address):
        try:
            from distributed import Client
        except ImportError:
            raise InputError("--dask needs dask.distributed: pip install 'minisnn[cluster]'") from None
        try:
            self.client = Client(address, timeout="10s", set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise InputError(
                f"no Dask scheduler answers at {address} ({error}); start one with dask scheduler, and "
                "workers with dask worker"
            ) from None

    @property
    def slots(self):
        """Jobs at a time: one for each thread of each worker."""
        return max(sum(self.client.nthreads().values()), 1)

    @contextmanager
    def open(self):
        """The executor; at the end jobs under way are cancelled."""
        executor = self.client.get_executor()
        try:
            yield executor
        finally:
            executor.shutdown(wait=False)
            self.client.close()


def _leave_with_parent(line):
    """A worker ends when the driver does, or lets the line fall: kill -9 of the driver leaves nobody behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's business

    def wait_for_end():
        try:
            line.recv()
        except (EOFError, OSError):
            os._exit(1)

    threading.Thread(target=wait_for_end, daemon=True).start()


def sweep(
    points,
    path,
    dataset,
    executor=None,
    *,
    threads=1,
    data_dir=None,
    budget=None,
    retry=False,
    again=False,
    on_row=lambda row: None,
    progress=False,
):
    """Compute points that are not in the file yet.

    Parameters
    ----------
    points : list of dict
        From :func:`minisnn.study.point.make`, all of one data set.
    path : str or Path
        The file, see :class:`minisnn.study.store.Store`.
    dataset, data_dir : str, str or Path or None
        As of :func:`minisnn.load_data`; workers load it themselves.
    executor : object with ``slots`` and ``open()``, optional
        :class:`Processes` by default, :class:`Dask`, or one of your own around any
        :class:`concurrent.futures.Executor`.
    threads : int, default 1
        Of each job; no result depends on it.
    budget : float, optional
        Minutes after which no job is begun any more; those under way are finished.
    retry : bool, default False
        Compute failed points again.
    again : bool, default False
        Measure all points again, with the trained models that are in the file.
    on_row : callable
        Called with (key, point, status, reason, result, seconds) of each new row.
    progress : bool, default False
        Show a bar.

    Returns
    -------
    outcome : Outcome

    Raises
    ------
    InputError
        If the file cannot be used.
    KeyboardInterrupt
        On Ctrl-C; what is done is kept.

    Examples
    --------
    >>> import tempfile
    >>> from minisnn import load_data
    >>> data = load_data("digits")
    >>> points = [points_of.make(data, {"topology": "16-10", "beta": beta}, {"epochs": 1, "num_steps": 2})
    ...           for beta in (0.5, 0.9)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sweep(points, f"{folder}/study.sqlite", "digits", Here()).done
    2
    """
    executor = executor or Processes()
    with Store(path) as store:
        if again or retry:
            store.forget([points_of.key(point) for point in points], failed_alone=not again)
        driver = _Driver(points, store, executor, (str(dataset), data_dir and str(data_dir), threads), budget, on_row)
        return driver.drive(progress)


class _Driver:
    """A sweep under way."""

    def __init__(self, points, store, executor, options, budget, on_row):
        self.store, self.executor, self.options, self.on_row = store, executor, options, on_row
        self.until = None if budget is None else time.monotonic() + 60 * budget
        self.points = {points_of.key(point): point for point in points}
        self.jobs = {}  # training -> its keys
        for key, point in self.points.items():
            self.jobs.setdefault(points_of.training_key(point), []).append(key)
        self.attempts, self.flying = Counter(), {}
        self.written = set(store.status())

    def drive(self, progress):
        """Until nothing is left, or the time is up."""
        from tqdm import tqdm

        done = len(self.written & set(self.points))
        pace = {} if sys.stderr.isatty() else {"mininterval": LOG_SECONDS}
        with tqdm(
            total=len(self.points),
            initial=done,
            unit="point",
            disable=not progress,
            dynamic_ncols=True,
            smoothing=0,
            **pace,
        ) as self.bar:
            while True:
                with self.executor.open() as workers:
                    if self._with(workers):
                        break
        status = self.store.status()
        found = Counter(status.get(key, "left") for key in self.points)
        return Outcome(found["done"], found["failed"], found["left"])

    def _with(self, workers):
        """Work until all is done (True), or the workers are broken (False)."""
        beaten = time.monotonic()
        while True:
            self._see_others()
            late = self.until is not None and time.monotonic() > self.until
            waiting = (
                []
                if late
                else [
                    training
                    for training, keys in self.jobs.items()
                    if training not in self.flying.values() and not self.written.issuperset(keys)
                ]
            )
            for training in waiting:
                # A job whose workers keep dying runs alone, so that no other is blamed for it.
                suspect = self.attempts[training] > 1 or any(self.attempts[t] > 1 for t in self.flying.values())
                if len(self.flying) >= (1 if suspect else self.executor.slots) or not self.store.claim(training):
                    continue
                if not self._submit(workers, training):
                    return self._broken()
            if not self.flying:
                if not waiting:
                    return True
                time.sleep(0.5)  # others are at what is left
                continue
            ended, _ = wait(self.flying, timeout=BEAT / 5, return_when=FIRST_COMPLETED)
            if time.monotonic() - beaten > BEAT:
                self.store.beat()
                beaten = time.monotonic()
            results = [self._collect(future) for future in ended]
            if "broken" in results:
                return self._broken()

    def _see_others(self):
        """Rows that another process has written meanwhile."""
        new = set(self.store.status()) - self.written
        self.written |= new
        self.bar.update(len(new & set(self.points)))

    def _submit(self, workers, training):
        keys = [key for key in self.jobs[training] if key not in self.written]
        model = self.store.model(training)
        try:
            future = workers.submit(job, [self.points[key] for key in keys], model, *self.options)
        except BrokenExecutor:
            self.store.release(training)
            return False
        self.flying[future] = training
        return True

    def _broken(self):
        """A worker has died, and with it the executor: what was under way is lost."""
        for training in self.flying.values():
            self._died(training)
        self.flying.clear()
        return False

    def _collect(self, future):
        """Write what a job found; "broken" if its worker has died."""
        training = self.flying.pop(future)
        try:
            model, rows = future.result()
        except BrokenExecutor:
            self._died(training)
            return "broken"
        except Exception as error:
            if type(error).__name__ != "KilledWorker":  # of Dask, which has tried elsewhere by then
                raise InputError(
                    f"the workers are lost ({type(error).__name__}: {error}); what is done is kept: start "
                    "them again, and the same command goes on"
                ) from error
            self.attempts[training] = ATTEMPTS - 1
            self._died(training)
            return "died"
        self._write(training, model, rows)
        return "done"

    def _write(self, training, model, rows):
        self.store.save(training, model, rows)
        for row in rows:
            self.on_row(row)
        self._see_others()

    def _died(self, training):
        self.store.release(training)
        self.attempts[training] += 1
        if self.attempts[training] >= ATTEMPTS:
            reason = f"its worker process died {ATTEMPTS} times; is there too little memory?"
            self._write(
                training,
                None,
                [
                    (key, self.points[key], "failed", reason, {}, 0.0)
                    for key in self.jobs[training]
                    if key not in self.written
                ],
            )


def job(points, file, dataset, data_dir, threads):
    """What a worker does: train unless there is a model, and measure each point.

    Parameters
    ----------
    points : list of dict
        That share a training.
    file : bytes or None
        Its model, if it is known.
    dataset, data_dir : str, str or None
    threads : int

    Returns
    -------
    file : bytes or None
        The model, if it is new.
    rows : list of (key, point, status, reason, result, seconds)

    Examples
    --------
    A job whose data are not those of the points fails with a reason, and stops no other:

    >>> from minisnn import load_data
    >>> data = load_data("digits")
    >>> points = [points_of.make(data, {"topology": "16-10", "beta": beta}, {"epochs": 1, "num_steps": 2})
    ...           for beta in (0.5, 0.9)]
    >>> points[0]["data"]["digest"] = "another"
    >>> file, rows = job(points[:1], None, "digits", None, 1)
    >>> file, rows[0][2], "is not the data that the points are for" in rows[0][3]
    (None, 'failed', True)
    >>> file, rows = job(points[1:], None, "digits", None, 1)
    >>> rows[0][2], file == points_of.train(points[1], data)  # the model is new: it belongs in the file
    ('done', True)
    """
    start, known = time.perf_counter(), file is not None
    try:
        data = _data(dataset, data_dir, points[0]["data"]["digest"])
        file = file or points_of.train(points[0], data, threads)
    except Exception as error:  # whatever it is: it must not stop the other points
        return None, [_failed(point, error, start, len(points)) for point in points]
    share = (time.perf_counter() - start) / len(points)
    rows = []
    for point in points:
        start = time.perf_counter() - share
        try:
            result = points_of.measure(point, file, data, threads)
            rows.append((points_of.key(point), point, "done", "", result, time.perf_counter() - start))
        except Exception as error:
            rows.append(_failed(point, error, start))
    return (None if known else file), rows


def _failed(point, error, start, shares=1):
    sentence = str(error) if isinstance(error, (InputError, TrainingError)) else f"{type(error).__name__}: {error}"
    return points_of.key(point), point, "failed", sentence, {}, (time.perf_counter() - start) / shares


@lru_cache(maxsize=1)  # of this worker
def _loaded(dataset, data_dir):
    data = datasets.load(dataset, data_dir)
    return data, points_of.digest(data)


def _data(dataset, data_dir, wanted):
    data, found = _loaded(dataset, data_dir)
    if found != wanted:
        raise InputError(
            f"{dataset} on {socket.gethostname()} is not the data that the points are for; give all "
            "machines the same files"
        )
    return data
