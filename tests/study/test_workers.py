"""Workers: whatever one of them is killed in, it takes its own job alone, and nobody waits for it."""

import os
import signal
import time
from concurrent.futures import wait
from multiprocessing import connection

import pytest

from minisnn.study import executors
from minisnn.study.workers import WorkerLostError

SOON = 120  # seconds; a wait that does not end is the fault looked for


def die_in_the_middle_of_the_answer():
    """Let this worker send half of what it answers, and be killed."""
    send = connection.Connection._send

    def half(pipe, content):
        send(pipe, content[: len(content) // 2])
        os.kill(os.getpid(), signal.SIGKILL)

    connection.Connection._send = half
    return bytes(1000)


def slow():
    time.sleep(2)
    return os.getpid()


@pytest.fixture
def workers():
    with executors.Processes(2).open() as workers:
        yield workers


def test_a_worker_dies_in_the_middle_of_its_answer(workers):
    other, lost = workers.submit(slow), workers.submit(die_in_the_middle_of_the_answer)
    with pytest.raises(WorkerLostError):
        lost.result(SOON)
    assert os.getpid() not in (workers.submit(os.getpid).result(SOON), other.result(SOON))


def test_a_worker_dies_while_another_starts(workers):
    first = workers.submit(os.getpid).result(SOON)
    jobs = [workers.submit(slow) for _ in range(2)]  # the second worker starts for the second job
    os.kill(first, signal.SIGKILL)
    wait(jobs, SOON)
    (lost,) = [job for job in jobs if isinstance(job.exception(0), WorkerLostError)]
    assert [job.result(0) != first for job in jobs if job is not lost] == [True]


def test_an_idle_worker_dies(workers):
    os.kill(workers.submit(os.getpid).result(SOON), signal.SIGKILL)
    with pytest.raises(WorkerLostError):
        workers.submit(os.getpid).result(SOON)
    assert workers.submit(os.getpid).result(SOON) != os.getpid()


def test_leaving_ends_busy_workers():
    start = time.monotonic()
    with pytest.raises(KeyError), executors.Processes(2).open() as workers:
        jobs = [workers.submit(time.sleep, 10 * SOON) for _ in range(4)]  # two of them wait
        raise KeyError
    assert time.monotonic() - start < SOON and all(job.done() for job in jobs)


def test_shutdown_waits_for_jobs():
    with executors.Processes(1).open() as workers:
        jobs = [workers.submit(slow) for _ in range(2)]
        workers.shutdown()
        assert jobs[0].result(0) == jobs[1].result(0) != os.getpid()


def test_an_error_tells_where_in_the_worker_it_came_from(workers):
    with pytest.raises(ZeroDivisionError) as raised:
        workers.submit(divmod, 1, 0).result(SOON)
    assert "in _answer" in raised.value.__notes__[0]
    with pytest.raises(Exception, match="pickle"):
        workers.submit(lambda: None)
    assert workers.submit(divmod, 7, 2).result(SOON) == (3, 1)
