"""Sweeps on a cluster whose nodes have other software or other data: these are left out, and the rows are the same.

Scheduler and workers are processes of their own, each with its own folders of packages and of data.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

import minisnn
from minisnn.commands import main
from minisnn.data import load as datasets
from minisnn.errors import InputError
from minisnn.study import executors, needs, nodes, sweep
from minisnn.study import point as points_of
from minisnn.study.store import Store
from minisnn.study.workers import WorkerLostError

PACKAGE = Path(minisnn.__file__).parent
NUMPY = f"numpy {np.__version__}"
pytestmark = pytest.mark.filterwarnings("ignore:Mismatched versions")  # Dask's own word on it
NO_MINISNN = {"minisnn/__init__.py": "raise ImportError('hidden')\n"}


@pytest.fixture
def points(dataset, tmp_path, monkeypatch):
    """Four points, of data in the file three.npz of the present folder."""
    here = tmp_path / "here"
    here.mkdir()
    shutil.copy(dataset, here / "three.npz")
    monkeypatch.chdir(here)
    data = datasets.load("three.npz")
    training = {"epochs": 1, "num_steps": 2}
    return [points_of.make(data, {"topology": "3"}, training | {"seed": seed}) for seed in range(4)]


def rows(path):
    with Store(path, read_only=True) as store:
        return store.rows()


class Cluster:
    """A scheduler that lacks minisnn, and workers, each with one thread."""

    def __init__(self, folder):
        self.folder, self.processes, self.starts = folder, [], 0
        file = folder / "scheduler.json"
        hidden = self.packages(NO_MINISNN)
        self.scheduler = self._start("scheduler", "--port", "0", "--scheduler-file", file, path=hidden)
        self._wait(lambda: file.is_file() and file.stat().st_size)
        self.address = json.loads(file.read_text())["address"]
        self.executor = executors.Dask(self.address)

    def packages(self, files):
        """Return a new folder with these files, to be searched before all installed packages."""
        folder = self.folder / f"packages{self.starts}"
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content)
        return folder

    def start(self, path=None, cwd=None):
        """Start a worker."""
        return self._start("worker", self.address, "--nthreads", "1", "--no-nanny", path=path, cwd=cwd)

    def join(self):
        """Wait until all workers that have not ended have joined."""
        living = sum(process.poll() is None for process in self.processes) - 1
        self._wait(lambda: self.count() == living)

    def add(self, **options):
        """Start a worker, and wait until it has joined."""
        worker = self.start(**options)
        self.join()
        return worker

    def count(self):
        """Return the number of workers, whether a sweep is running or not."""
        return self.executor.slots if self.executor._nodes is None else len(self.executor._nodes._present())

    def _start(self, program, *words, path=None, cwd=None):
        command = [sys.executable, "-m", f"distributed.cli.dask_{program}", *map(str, words), "--no-dashboard"]
        self.starts += 1
        log = open(self.folder / f"{program}{self.starts}.log", "w")
        environment = os.environ | {"PYTHONPATH": str(path or ""), "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=log, stderr=log)
        log.close()
        self.processes.append(process)
        return process

    def _wait(self, happened):
        end = time.monotonic() + 300
        while not happened():
            assert time.monotonic() < end and self.processes[-1].poll() is None
            time.sleep(0.1)

    def end(self, processes):
        for process in processes:
            process.send_signal(signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    pytest.importorskip("distributed", reason="needs pip install 'minisnn[cluster]'")
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.end(cluster.processes)


@pytest.fixture
def cluster(scheduler):
    """A scheduler without workers; those that a test starts end with it."""
    yield scheduler
    workers = [process for process in scheduler.processes if process is not scheduler.scheduler]
    scheduler.end(workers)
    scheduler.processes = [scheduler.scheduler]
    if scheduler.scheduler.poll() is None:
        scheduler.join()


def unfit(cluster, kind):
    """Start a worker that is unfit, and return it with the folder in which it runs."""
    folder = cluster.folder / f"other{cluster.starts}"
    folder.mkdir()
    if kind == "data":
        content = dict(np.load("three.npz"))
        np.savez(folder / "three.npz", X=content["X"][::-1], y=content["y"][::-1])
        return cluster.start(cwd=folder), folder
    if kind == "no data":
        return cluster.start(cwd=folder), folder
    if kind == "numpy":
        path = cluster.packages({"numpy-1.99.9.dist-info/METADATA": "Name: numpy\nVersion: 1.99.9\n"})
    elif kind == "no minisnn":
        path = cluster.packages(NO_MINISNN)
    else:
        path = cluster.packages({})
        copy = shutil.copytree(PACKAGE, path / "minisnn", ignore=shutil.ignore_patterns("__pycache__"))
        changed = copy / {"version": "__init__.py", "sources": "lif.py", "older": "study/needs.py"}[kind]
        text = changed.read_text("utf-8")
        texts = {
            "version": text.replace(f'"{minisnn.__version__}"', '"0"'),
            "sources": f"{text}# other\n",
            "older": "# without what is newer\n",
        }
        changed.write_text(texts[kind], "utf-8")
    return cluster.start(path=path), folder


WORDS = {
    "data": "has another three.npz than the points are for; give it the same files",
    "no data": "cannot load three.npz",
    "numpy": f"has numpy 1.99.9, but the sweep was started with {NUMPY}; install the same there",
    "no minisnn": f"cannot take jobs of minisnn {minisnn.__version__} (ImportError: hidden); install the same there",
    "version": "has minisnn 0 (sources ",
    "sources": f"has minisnn {minisnn.__version__} (sources ",
    "older": "(ImportError: cannot import name",
}


def test_a_sweep_without_a_fit_node_ends_with_the_mend(points, cluster, tmp_path, monkeypatch):
    """It ends when all seven are left out, each for a reason of its own."""
    monkeypatch.setattr(nodes, "PATIENCE", 0)
    for kind in WORDS:
        unfit(cluster, kind)
    cluster.join()
    told = []
    with pytest.raises(InputError, match="no node of the cluster can compute these points: node tcp") as refused:
        sweep.sweep(points, tmp_path / "s.sqlite", "three.npz", cluster.executor, on_left_out=told.append)
    assert "and 6 more likewise; finished points are kept" in str(refused.value)
    assert len(told) == len(WORDS)
    for words in WORDS.values():
        (sentence,) = [sentence for sentence in told if words in sentence]
        assert sentence.startswith("node tcp://") and sentence.endswith(", and start its worker again")
    assert rows(tmp_path / "s.sqlite") == [], "no point failed"


def test_a_sweep_goes_on_without_unfit_nodes(points, cluster, tmp_path):
    """A fit node among three unfit ones; when its first point is done it dies, and another unfit one joins."""
    for kind in ("data", "numpy", "no minisnn"):
        unfit(cluster, kind)
    fit = cluster.add()
    told = []

    def on_row(row):
        if fit.poll() is None:
            cluster.end([fit])
            unfit(cluster, "version")
            cluster.join()

    def on_left_out(sentence):
        told.append(sentence)
        if WORDS["version"] in sentence:
            cluster.add()

    outcome = sweep.sweep(
        points, tmp_path / "s.sqlite", "three.npz", cluster.executor, on_row=on_row, on_left_out=on_left_out
    )
    assert outcome == sweep.Outcome(4, 0, 0)
    assert len(told) == len(set(told)) and sum(WORDS["version"] in sentence for sentence in told) == 1
    sweep.sweep(points, tmp_path / "here.sqlite", "three.npz", executors.Here())
    assert rows(tmp_path / "s.sqlite") == rows(tmp_path / "here.sqlite")


def test_a_fit_node_joins_late(points, cluster, tmp_path):
    unfit(cluster, "data")
    cluster.join()
    started = []

    def on_left_out(sentence):
        started.append(cluster.add())

    outcome = sweep.sweep(points, tmp_path / "s.sqlite", "three.npz", cluster.executor, on_left_out=on_left_out)
    assert outcome == sweep.Outcome(4, 0, 0) and len(started) == 1


def test_a_node_is_mended_and_started_again(points, cluster, tmp_path):
    bad, folder = unfit(cluster, "data")
    cluster.join()

    def on_left_out(sentence):
        cluster.end([bad])
        shutil.copy("three.npz", folder)
        cluster.add(cwd=folder)

    outcome = sweep.sweep(points, tmp_path / "s.sqlite", "three.npz", cluster.executor, on_left_out=on_left_out)
    assert outcome == sweep.Outcome(4, 0, 0)


def test_the_command_names_the_node(points, cluster, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(nodes, "PATIENCE", 0)
    unfit(cluster, "numpy")
    cluster.join()
    words = ["sweep", "--dataset", "three.npz", "--topology", "3", "--epochs", "1", "--steps", "2"]
    words += ["--dask", cluster.address, "--out", str(tmp_path / "s.sqlite")]
    assert main(words) == 2
    errors = capfd.readouterr().err
    assert "left out node tcp://" in errors and "no node of the cluster can compute" in errors
    cluster.add()
    assert main(words) == 0
    output = capfd.readouterr()
    assert "1 done, 0 failed, 0 left" in output.out


def test_the_scheduler_is_lost(points, cluster, tmp_path):
    """The last test of the cluster."""
    cluster.add()
    with pytest.raises(InputError, match="lost.*finished points are kept.*repeat the command"):
        sweep.sweep(
            points,
            tmp_path / "s.sqlite",
            "three.npz",
            cluster.executor,
            on_row=lambda row: cluster.end([cluster.scheduler]),
        )
    assert [row["status"] for row in rows(tmp_path / "s.sqlite")] == ["done"]


class Client:
    """A client of Dask whose nodes and futures a test sets by hand."""

    def __init__(self, threads):
        self.threads, self.sent = threads, []

    def nthreads(self):
        return self.threads

    def get_executor(self, **options):
        return self

    def submit(self, function, payload, workers):
        self.sent.append((workers, Future()))
        return self.sent[-1][1]


def test_jobs_go_to_the_node_with_the_most_free_threads():
    client = Client({"a": 1, "b": 3})
    workers = nodes.Nodes(client)
    assert workers.slots == 4
    for _ in range(4):
        workers.submit(len, ())
    assert sorted(sent for sent, _ in client.sent) == [["a"], ["b"], ["b"], ["b"]]


def test_a_job_is_lost_with_its_node():
    """Whatever Dask says of it afterwards; a job on another node goes on."""
    client = Client({"a": 1, "b": 1})
    workers = nodes.Nodes(client)
    assert workers.slots == 2
    jobs = [workers.submit(len, ()), workers.submit(len, ())]
    (((gone,), lost), (_, kept)) = client.sent
    del client.threads[gone]
    assert workers.slots == 1
    with pytest.raises(WorkerLostError, match=gone):
        jobs[0].result(timeout=0)
    assert lost.cancelled() and not jobs[1].done()
    kept.set_result(0)
    assert jobs[1].result(timeout=0) == 0


@pytest.mark.parametrize("name", ["KilledWorker", "CommClosedError", "TimeoutError"])
def test_an_error_of_dask_leaves_no_node_out(name):
    distributed = pytest.importorskip("distributed", reason="needs pip install 'minisnn[cluster]'")
    error = {
        "KilledWorker": distributed.KilledWorker("task", None, 3),
        "CommClosedError": distributed.comm.CommClosedError("closed"),
        "TimeoutError": TimeoutError("late"),
    }[name]
    client = Client({"a": 1})
    workers = nodes.Nodes(client)
    assert workers.slots == 1
    job = workers.submit(len, ())
    client.sent[0][1].set_exception(error)
    with pytest.raises(type(error)):
        job.result(timeout=0)
    assert workers.slots == 1


def test_a_node_that_was_left_out_and_comes_back_gets_another_chance():
    client = Client({"a": 1, "b": 1})
    workers = nodes.Nodes(client)
    assert workers.slots == 2
    job = workers.submit(len, ())
    ((address,), dasks) = client.sent[0]
    dasks.set_exception(needs.UnfitError("host has another file"))
    with pytest.raises(nodes.LeftOutError, match=f"node {address}: host has another file, and start its worker again"):
        job.result(timeout=0)
    assert workers.slots == 1
    threads = client.threads.pop(address)
    assert workers.slots == 1
    client.threads[address] = threads
    assert workers.slots == 2


def test_the_library_warns_of_a_node_that_is_left_out():
    with pytest.warns(RuntimeWarning, match="node a: reason"):
        sweep._warn("node a: reason")


def test_needs(points):
    """A worker that has all of them loads the data; another names what it lacks."""
    wanted = needs.needs("three.npz", None, points[0]["data"]["digest"])
    assert wanted.software[0].startswith(f"minisnn {minisnn.__version__} (sources ") and wanted.software[1] == NUMPY
    assert points_of.digest(needs.data_for(wanted)) == points[0]["data"]["digest"]
    shutil.copy("three.npz", "kept.npz")
    for name, words in (("missing.npz", "cannot load missing.npz"), ("kept.npz", "")):
        other = needs.needs(name, None, points[0]["data"]["digest"])
        if words:
            with pytest.raises(needs.UnfitError, match=words):
                needs.data_for(other)
        else:
            needs.data_for(other)


def test_a_mended_worker_is_looked_at_anew(points):
    """Errors are not kept: the same process takes the data once they are there."""
    wanted = needs.needs("late.npz", None, points[0]["data"]["digest"])
    with pytest.raises(needs.UnfitError, match="cannot load late.npz"):
        needs.data_for(wanted)
    shutil.copy("three.npz", "late.npz")
    needs.data_for(wanted)
