"""Worker processes of this machine, each on a pipe of its own.

``concurrent.futures.ProcessPoolExecutor`` joins all workers by the same two pipes and their locks. If one is killed in
the middle of its result, or while another starts, the others and the driver may wait for ever (Python 3.11). Here
workers share nothing: a worker's end closes its pipe, which wakes the thread that waits for its answer, and no other
job is lost.
"""

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any


class WorkerLostError(Exception):
    """A job whose worker is no longer there."""


class Workers(Executor):
    """Up to `count` worker processes, which start when jobs need them and end with this process, even by kill -9.

    A future raises WorkerLostError if its worker ends before its job: the job may be submitted again, and a new worker
    takes the place.
    """

    def __init__(self, count: int):
        self._threads = ThreadPoolExecutor(count)  # one for each job under way; it waits for the worker's answer
        self._idle: list[Connection] = []
        self._processes: list[Any] = []
        self._closed, self._lock = False, threading.Lock()

    def submit(self, fn: Callable, /, *args: Any, **kwargs: Any) -> Future:
        """Send a call to an idle worker, or to a new one."""
        return self._threads.submit(self._send, pickle.dumps(partial(fn, *args, **kwargs)))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers: when all jobs have ended, or at once with `cancel_futures`, and their jobs are lost."""
        if not cancel_futures:
            self._threads.shutdown()
        with self._lock:
            self._closed = True
        for process in self._processes:
            process.kill()  # an idle one has nothing to lose
        self._threads.shutdown(cancel_futures=True)
        for process in self._processes:
            process.join()

    def _send(self, call):
        """Return what a worker answers to a call, or raise the error that it answers with."""
        try:
            pipe = self._idle.pop()
        except IndexError:
            pipe = self._start()
        try:
            pipe.send_bytes(call)
            answer = pipe.recv_bytes()
        except (EOFError, OSError):
            pipe.close()
            raise WorkerLostError("a worker process has ended before its job") from None
        self._idle.append(pipe)
        is_result, value = pickle.loads(answer)
        if not is_result:
            raise value
        return value

    def _start(self):
        """Start a worker; return our end of its pipe."""
        context = multiprocessing.get_context("spawn")  # fork would copy the locks of our threads
        with self._lock:
            if self._closed:
                raise WorkerLostError("the workers have ended")
            ours, workers_end = context.Pipe()
            process = context.Process(target=_work, args=(workers_end,), daemon=True)
            try:
                process.start()
            except BrokenPipeError:
                pass  # it has ended already, so our end of its pipe says so
            else:
                self._processes.append(process)
            finally:
                workers_end.close()  # so that the worker alone holds it
        return ours


def _work(pipe):
    """Answer calls until the driver's end of the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver handles Ctrl-C
    calls = SimpleQueue()
    threading.Thread(target=_receive, args=(pipe, calls), daemon=True).start()
    while True:
        answer = _answer(calls.get())
        try:
            pipe.send_bytes(answer)
        except OSError:  # the driver is gone
            os._exit(1)


def _receive(pipe, calls):
    """Hand on the calls that come in; end this worker with the driver, also in the middle of a job."""
    try:
        while True:
            calls.put(pipe.recv_bytes())
    finally:
        os._exit(1)


def _answer(call):
    """Make a call; return whether it has a result, and that or its error."""
    try:
        return pickle.dumps((True, pickle.loads(call)()))
    except Exception as error:
        error.add_note(traceback.format_exc())  # which an error leaves behind when it is pickled
        return pickle.dumps((False, error))
