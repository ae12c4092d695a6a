"""Sweeps: compute a list of points with any executor, into a file that survives any kill.

A job is one training and all points that share it. A process claims a job before it starts it, so that two processes
may share a file, and writes the job's rows when it ends. If a worker dies, only its job is lost, and is done again. The
rows depend on the points alone, not on the kind or number of workers. A worker that has other software or other data
computes nothing: a node of a cluster is left out, any other worker ends the sweep.
"""

import time
import warnings
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, wait
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from ..errors import InputError, TrainingError
from ..terminal import bar
from . import point as points_of
from .executors import Processes
from .needs import Needs, UnfitError, data_for, needs
from .nodes import LeftOutError
from .store import Store
from .workers import WorkerLostError

ATTEMPTS = 4  # after which a job whose worker dies has failed
BEAT = 5.0  # seconds between two heartbeats


def grid(axes: dict[str, list]) -> list[dict]:
    """Return the product of lists, one dict per combination; the last axis changes fastest."""
    return [dict(zip(axes, values)) for values in product(*axes.values())]


def _warn(sentence):
    warnings.warn(sentence, RuntimeWarning, stacklevel=2)


@dataclass(frozen=True)
class Outcome:
    """Numbers of a sweep's points that are done, that failed, and that are left because time ran out."""

    done: int
    failed: int
    left: int


def sweep(
    points: list[dict],
    path: str | Path,
    dataset: str | Path,
    executor: Any = None,
    *,
    threads: int = 1,
    data_dir: str | Path | None = None,
    budget: float | None = None,
    retry: bool = False,
    again: bool = False,
    on_row: Callable = lambda row: None,
    on_left_out: Callable = _warn,
    progress: bool = False,
) -> Outcome:
    """Compute the points that are not in the file yet.

    Parameters
    ----------
    points : list of dict
        Points of one data set, made by :func:`minisnn.study.point.make`.
    path : str or Path
        File of results, see :class:`minisnn.study.store.Store`; created if it does not exist.
    dataset : str or Path
        Name or file of the data set, as for :func:`minisnn.load_data`; workers load it themselves.
    executor : object with ``slots`` and ``open()``, optional
        One of :mod:`minisnn.study.executors`, by default ``Processes()``; or a custom object around any
        :class:`concurrent.futures.Executor`.
    threads : int, default 1
        Threads of each job; results do not depend on it.
    data_dir : str or Path, optional
        Folder of the data set's files, as for :func:`minisnn.load_data`.
    budget : float, optional
        Minutes after which no job is started; jobs that are running are finished.
    retry : bool, default False
        Compute failed points again.
    again : bool, default False
        Measure all points again, with the trained models in the file.
    on_row : callable
        Called with (key, point, status, reason, result, seconds) of each new row.
    on_left_out : callable
        Called with a sentence for each node of a cluster that is left out, because its software or data are others than
        this machine's; by default a RuntimeWarning.
    progress : bool, default False
        Show a progress bar.

    Returns
    -------
    outcome : Outcome
        Numbers of points ``done``, ``failed`` and ``left``.

    Raises
    ------
    InputError
        If the file cannot be used, or no worker has the software and data of this machine; finished points are kept.
    KeyboardInterrupt
        On Ctrl-C; finished points are kept.

    Examples
    --------
    >>> import tempfile
    >>> from minisnn import load_data, study
    >>> data = load_data("digits")
    >>> points = [study.point.make(data, {"topology": "16-10", "beta": beta}, {"epochs": 1, "num_steps": 2})
    ...           for beta in (0.5, 0.9)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sweep(points, f"{folder}/study.sqlite", "digits", study.executors.Here())
    Outcome(done=2, failed=0, left=0)
    """
    executor = executor or Processes()
    with Store(path) as store:
        if again or retry:
            store.forget([points_of.key(point) for point in points], failed_alone=not again)
        driver = _Driver(points, store, executor, (dataset, data_dir), threads, budget, on_row, on_left_out)
        return driver.drive(progress)


class _Driver:
    """A running sweep: submits jobs to workers and writes their rows."""

    def __init__(self, points, store, executor, source, threads, budget, on_row, on_left_out):
        self.store, self.executor, self.source, self.threads = store, executor, source, threads
        self.on_row, self.on_left_out, self.left_out = on_row, on_left_out, set()
        self.deadline = None if budget is None else time.monotonic() + 60 * budget
        self.points = {points_of.key(point): point for point in points}
        self.jobs = {}  # keys of the points by training
        for key, point in self.points.items():
            self.jobs.setdefault(points_of.training_key(point), []).append(key)
        self.attempts, self.running = Counter(), {}  # deaths by training; training by future
        self.written = set(store.status())
        self.last_beat = time.monotonic()

    def drive(self, progress):
        """Work until no point is left or time is up."""
        done = len(self.written & set(self.points))
        with bar(len(self.points), "point", shown=progress, done=done, smoothing=0, delay=0) as self.bar:
            finished = False
            while not finished:
                with self.executor.open() as workers:
                    finished = self._work(workers)
        status = self.store.status()
        counts = Counter(status.get(key, "left") for key in self.points)
        return Outcome(counts["done"], counts["failed"], counts["left"])

    def _work(self, workers):
        """Work until all is done (True) or the executor is broken (False)."""
        while True:
            self._see_others()
            waiting = self._waiting()
            if not self._submit_all(workers, waiting):
                return self._broken()
            if not self.running:
                if not waiting:
                    return True
                time.sleep(0.5)  # other processes compute what is left, or no node is there
                continue
            ended, _ = wait(self.running, timeout=BEAT / 5, return_when=FIRST_COMPLETED)
            if time.monotonic() - self.last_beat > BEAT:
                self.store.beat()
                self.last_beat = time.monotonic()
            if not all([self._collect(future) for future in ended]):  # a list: collect all of them
                return self._broken()

    def _waiting(self):
        """Trainings that nobody has finished and this process does not run; none after the deadline."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            return []
        running = set(self.running.values())
        return [
            training
            for training, keys in self.jobs.items()
            if training not in running and not self.written.issuperset(keys)
        ]

    def _submit_all(self, workers, waiting):
        """Submit jobs while there are free slots; return False if the executor is broken."""
        slots = self.executor.slots
        for training in waiting:
            # A job whose workers keep dying runs alone, so that no other job is blamed for it.
            suspect = any(self.attempts[name] > 1 for name in (training, *self.running.values()))
            is_free = len(self.running) < (min(slots, 1) if suspect else slots)
            if is_free and self.store.claim(training) and not self._submit(workers, training):
                return False
        return True

    def _submit(self, workers, training):
        """Submit a job; return False if the executor is broken."""
        points = [self.points[key] for key in self.jobs[training] if key not in self.written]
        wanted = needs(*self.source, points[0]["data"]["digest"])
        try:
            future = workers.submit(job, points, self.store.model(training), wanted, self.threads)
        except BrokenExecutor:
            self.store.release(training)
            return False
        self.running[future] = training
        return True

    def _see_others(self):
        """Take note of rows that this or another process has written."""
        new = set(self.store.status()) - self.written
        self.written |= new
        self.bar.update(len(new & set(self.points)))

    def _broken(self):
        """Give up all running jobs: when a worker dies, its executor is lost with it."""
        for training in self.running.values():
            self._died(training)
        self.running.clear()
        return False

    def _collect(self, future):
        """Write the rows of a job that ended; return False if the executor is broken."""
        training = self.running.pop(future)
        try:
            model, rows = future.result()
        except BrokenExecutor:
            self._died(training)
            return False
        except WorkerLostError:
            self._died(training)
            return True
        except LeftOutError as error:
            self.store.release(training)
            self._tell(str(error))
            return True
        except UnfitError as error:
            raise InputError(f"the workers cannot compute these points: {error}; finished points are kept") from error
        except Exception as error:
            if type(error).__name__ != "KilledWorker":  # Dask raises it after trying on several workers
                raise InputError(
                    f"the workers are lost ({type(error).__name__}: {error}); finished points are kept: start "
                    "the workers again and repeat the command to continue"
                ) from error
            self.attempts[training] = ATTEMPTS - 1
            self._died(training)
            return True
        self._write(training, model, rows)
        return True

    def _tell(self, sentence):
        """Say once that a node is left out."""
        if sentence not in self.left_out:
            self.left_out.add(sentence)
            self.on_left_out(sentence)

    def _write(self, training, model, rows):
        self.store.save(training, model, rows)
        for row in rows:
            self.on_row(row)
        self._see_others()

    def _died(self, training):
        """Count the death of a job's worker; after the last attempt, record its points as failed."""
        self.store.release(training)
        self.attempts[training] += 1
        if self.attempts[training] >= ATTEMPTS:
            reason = f"its worker process died {ATTEMPTS} times; is there too little memory?"
            keys = [key for key in self.jobs[training] if key not in self.written]
            self._write(training, None, [(key, self.points[key], "failed", reason, {}, 0.0) for key in keys])


def job(points: list[dict], file: bytes | None, needs: Needs, threads: int) -> tuple[bytes | None, list[tuple]]:
    """Train the points' network unless `file` is its model, and measure each point; runs on a worker.

    Return the model file if it is new, and a row (key, point, status, reason, result, seconds) for each point. Errors
    become the reasons of failed rows; raise UnfitError alone, if the worker lacks what any point needs.
    """
    start, is_known = time.perf_counter(), file is not None
    data = data_for(needs)
    try:
        file = file or points_of.train(points[0], data, threads)
    except Exception as error:  # any error: it must not stop the other jobs
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
    return (None if is_known else file), rows


def _failed(point, error, start, shares=1):
    """Row of a failed point; `shares` points share the time."""
    reason = str(error) if isinstance(error, (InputError, TrainingError)) else f"{type(error).__name__}: {error}"
    return points_of.key(point), point, "failed", reason, {}, (time.perf_counter() - start) / shares
