"""Sweeps: the same rows with any kind and number of workers, whatever is killed."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

import minisnn
from minisnn.data import load as datasets
from minisnn.errors import InputError
from minisnn.study import executors, sweep
from minisnn.study import point as points_of
from minisnn.study.plan import MARGINS
from minisnn.study.results import firing_rate
from minisnn.study.store import STALE, Store, canonical

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def points(dataset):
    data = datasets.load(dataset)
    training = {"epochs": 2, "num_steps": 3, "batch_size": 16}
    return [
        points_of.make(data, {"topology": "4C3-MP2-3", "beta": beta}, training | {"seed": seed}, weight_bits=bits)
        for beta in (0.25, 0.9)
        for seed in (0, 1)
        for bits in (3, 8)
    ]


@pytest.fixture(scope="module")
def expected(points, dataset, tmp_path_factory):
    path = tmp_path_factory.mktemp("expected") / "study.sqlite"
    assert sweep.sweep(points, path, dataset, executors.Here()) == sweep.Outcome(8, 0, 0)
    return table(path)


def table(path):
    """Return the tables that must not depend on how they were computed."""
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return (
            db.execute("SELECT * FROM points ORDER BY key").fetchall(),
            db.execute("SELECT * FROM models ORDER BY training").fetchall(),
        )


def test_a_point_has_the_numbers_of_the_library(points, expected, dataset):
    """Compute the numbers of a row again, step by step: train, quantise, evaluate, predict cycles."""
    from minisnn.fixed.quantize import quantize
    from minisnn.timing import cycles
    from minisnn.training.settings import Settings

    data, point = datasets.load(dataset), points[0]
    options = {name: value for name, value in point["network"].items() if name not in ("topology", "input_shape")}
    net = minisnn.training.train.build("4C3-MP2-3", data, Settings(**point["training"]), **options)
    model = minisnn.fit(net, data, **point["training"])
    integer, _ = quantize(model, 3, images=data.x_train)
    result = integer.evaluate(data.x_test, data.y_test)
    stimulus = cycles.Stimulus.of_images(integer, data.x_test)
    (row,) = [json.loads(row[-1]) for row in expected[0] if row[0] == points_of.key(point)]
    assert row["test"]["accuracy"] == result.accuracy
    assert row["test"]["firing_rates"] == list(result.firing_rates)
    assert row["test"]["latency"] == cycles.predict(stimulus).latency.mean()
    assert row["test"]["layerwise"]["latency"] == cycles.predict(stimulus, schedule="layerwise").latency.mean()
    assert row["test"]["accuracy_float"] == minisnn.evaluate(model, data.x_test, data.y_test).accuracy
    assert row["test"]["accuracy_by_step"][-1] == result.accuracy
    blocks, steps = row["test"]["blocks"], integer.num_steps
    assert sum(blocks["images"]) == len(data.y_test) and len(blocks["images"]) == min(50, len(data.y_test))
    assert sum(right[-1] for right in blocks["right"]) == round(result.accuracy * len(data.y_test))
    rate = sum(blocks["spikes"]) / len(data.y_test) / blocks["neuron_steps"]
    assert rate == pytest.approx(firing_rate({"point": point, "result": row}))
    # An answer that is read after some steps takes as many cycles as a run of these steps alone.
    for step in range(1, steps + 1):
        alone = _alone(integer, stimulus, step)
        assert sum(spent[step - 1] for spent in blocks["cycles"]) == alone.latency.sum()
        assert row["test"]["latency_by_step"][step - 1] == alone.latency.mean()
    # Images end by the rule's words, one at a time; an answer takes as long as the steps alone, and a look at each.
    totals = np.concatenate([run.totals for _, run in integer.run(data.x_test)], axis=1)
    spent = np.array([_alone(integer, stimulus, step).latency for step in range(1, steps + 1)])
    for at, margin in enumerate(MARGINS):
        ends = [_end(totals[:, image].tolist(), margin) for image in range(len(data.y_test))]
        least = np.mean([spent[step, image] for image, (step, _) in enumerate(ends)])
        predicted = cycles.cycles(integer, data.x_test, margin=margin)
        assert least < row["test"]["latency_by_margin"][at] == predicted.latency.mean() < least + 100
        assert row["test"]["events_by_margin"][at]["cycles"] == predicted.interval
        right = sum(answer == label for (_, answer), label in zip(ends, data.y_test))
        assert row["test"]["accuracy_by_margin"][at] == right / len(data.y_test)
        assert sum(block[at] for block in blocks["right_by_margin"]) == right
    assert max(entry["validation_accuracy"] for entry in row["history"]) == row["validation"]["accuracy_float"]


def _alone(integer, stimulus, step):
    """Return the cycles of a run of the first steps alone."""
    from minisnn.timing import cycles

    return cycles.predict(cycles.Stimulus(integer.network, [frames[:step] for frames in stimulus.frames], step))


def _end(scores, margin):
    """Return the step, counted from 0, that ends an image with these scores by step, and its answer."""
    for step, now in enumerate(scores):
        answer = now.index(max(now))
        gains = [now[answer] - other - (rival < answer) for rival, other in enumerate(now) if rival != answer]
        if min(gains) >= min(margin, len(scores) - 1 - step):
            return step, answer
    raise AssertionError("the last step ends every image")


def test_points_that_share_a_training_are_trained_once(expected):
    rows, models = expected
    assert len(rows) == 8 and len(models) == 4


def test_two_processes_and_two_threads(points, expected, dataset, tmp_path):
    sweep.sweep(points, tmp_path / "s.sqlite", dataset, executors.Processes(2), threads=2)
    assert table(tmp_path / "s.sqlite") == expected


def test_a_sweep_continues_a_file(points, expected, dataset, tmp_path):
    path, seen = tmp_path / "s.sqlite", []
    assert sweep.sweep(points, path, dataset, executors.Here(), budget=0).left == 8
    sweep.sweep(points[:3], path, dataset, executors.Here(), on_row=seen.append)
    assert len(seen) == 3
    sweep.sweep(points, path, dataset, executors.Here(), on_row=seen.append)
    assert len(seen) == 8
    assert table(path) == expected
    sweep.sweep(points, path, dataset, executors.Here(), again=True, on_row=seen.append)
    assert len(seen) == 16 and table(path) == expected


def test_a_sweep_continues_a_copy_without_models(points, expected, dataset, tmp_path):
    path, small = tmp_path / "s.sqlite", tmp_path / "small.sqlite"
    sweep.sweep(points[:1], path, dataset, executors.Here())
    with Store(path) as store:
        store.copy_without_models(small)
    assert small.stat().st_size < path.stat().st_size and table(small)[1] == []
    seen = []
    sweep.sweep(points, small, dataset, executors.Here(), on_row=seen.append)
    assert len(seen) == 7 and table(small)[0] == expected[0]


def test_failures_are_recorded_and_stop_nothing(dataset, tmp_path):
    data, path = datasets.load(dataset), tmp_path / "s.sqlite"
    good = points_of.make(data, {"topology": "3"}, {"epochs": 1, "num_steps": 2})
    diverges = points_of.make(data, {"topology": "3"}, {"epochs": 1, "num_steps": 2, "lr": 1e38})
    lanes = points_of.make(data, {"topology": "3"}, {"epochs": 1, "num_steps": 2}, lanes=(99,))
    assert sweep.sweep([diverges, lanes, good], path, dataset, executors.Here()) == sweep.Outcome(1, 2, 0)
    with Store(path) as store:
        reasons = {row["key"]: row["reason"] for row in store.rows()}
    assert "not finite" in reasons[points_of.key(diverges)]
    assert "99" in reasons[points_of.key(lanes)]
    seen = []
    sweep.sweep([diverges, lanes, good], path, dataset, executors.Here(), on_row=seen.append)
    assert not seen
    sweep.sweep([diverges, lanes, good], path, dataset, executors.Here(), retry=True, on_row=seen.append)
    assert {row[0] for row in seen} == {points_of.key(diverges), points_of.key(lanes)}


def test_other_data_under_the_same_name(points, expected, dataset, tmp_path):
    """The sweep ends at once, and no point has failed; with the right data it goes on."""
    content = dict(np.load(dataset))
    other = tmp_path / "three.npz"
    np.savez(other, X=content["X"][::-1], y=content["y"][::-1])
    with pytest.raises(InputError, match="has another .*three.npz than the points are for; give it the same files"):
        sweep.sweep(points, tmp_path / "s.sqlite", str(other), executors.Here())
    with Store(tmp_path / "s.sqlite") as store:
        assert store.rows() == []
    sweep.sweep(points, tmp_path / "s.sqlite", dataset, executors.Here())
    assert table(tmp_path / "s.sqlite") == expected


class Poisoned:
    """Workers of which one dies at a certain training, and takes the jobs beside it with it."""

    slots = 3

    def __init__(self, poison):
        self.poison, self.deaths = poison, 0

    @contextmanager
    def open(self):
        self.under_way, self.broken = [], False
        with ThreadPoolExecutor(1) as pool:
            self.pool = pool
            yield self

    def submit(self, job, points, *args):
        if self.broken:
            raise BrokenProcessPool("broken")
        future = Future()
        if points_of.training_key(points[0]) == self.poison:
            self.deaths += 1
            self.broken = True
            for lost in [*self.under_way, future]:
                if not lost.done():
                    lost.set_exception(BrokenProcessPool("died"))
        elif len(self.under_way) % 2:  # every other job is still running when a neighbour dies
            future = self.pool.submit(job, points, *args)
        else:
            self.pool.submit(lambda: (time.sleep(0.2), future.done() or future.set_result(job(points, *args))))
        self.under_way.append(future)
        return future


def test_a_job_that_kills_its_workers_fails_and_no_other_does(points, expected, dataset, tmp_path):
    poison = points_of.training_key(points[2])
    workers = Poisoned(poison)
    outcome = sweep.sweep(points, tmp_path / "s.sqlite", dataset, workers)
    assert outcome == sweep.Outcome(6, 2, 0)
    assert workers.deaths == sweep.ATTEMPTS
    with Store(tmp_path / "s.sqlite") as store:
        assert {row["training"] for row in store.rows() if row["status"] == "failed"} == {poison}


def command(path, dataset, *flags):
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "minisnn",
            "sweep",
            "--dataset",
            dataset,
            "--out",
            path,
            "--topology",
            "4C3-MP2-3",
            "--epochs",
            "2",
            "--steps",
            "3",
            "--batch-size",
            "16",
            "--beta",
            "0.25",
            "0.9",
            "--seed",
            "0",
            "1",
            "--weight-bits",
            "3",
            "8",
            "--workers",
            "2",
            *flags,
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def workers_of(pid):
    """Return the driver's children that are workers; another one tracks semaphores."""
    workers = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent == pid and "spawn_main" in (path / "cmdline").read_text():
                workers.append(int(path.name))
        except OSError:  # it has ended
            pass
    return workers


def claimed(path, pid):
    """Return True while the driver with this process number has a training under way."""
    if not path.exists():
        return False
    with closing(sqlite3.connect(path, timeout=60)) as db:
        if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return False
        return bool(db.execute("SELECT count(*) FROM claims WHERE owner LIKE ?", (f"%:{pid}:%",)).fetchone()[0])


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def test_a_terminated_sweep_prints_nothing_of_semaphores(dataset, tmp_path):
    """Python's process that tidies up after it prints to its standard error, when all else has ended."""
    process = command(tmp_path / "s.sqlite", dataset, "--epochs", "100000")
    while not claimed(tmp_path / "s.sqlite", process.pid):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert "semaphore" not in process.communicate(timeout=300)[1]
    assert process.returncode == -signal.SIGTERM


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to find the workers")
def test_kill_anything_at_any_time(dataset, expected, tmp_path):
    """Kill -9 the driver, a worker, or both, at once or in the middle of work; then compare with undisturbed tables."""
    path, rng = tmp_path / "s.sqlite", random.Random(0)
    kills, struck, lost, rows_before = 0, 0, 0, 0
    while kills < 6:  # each of the three at once, and each later
        again = rows_before == len(expected[0])  # all is done: measure it once more
        process = command(path, dataset, *(["--again"] if again else []))
        while process.poll() is None and not claimed(path, process.pid):
            time.sleep(0.01)
        rows_before = 0 if again else rows_before
        time.sleep(rng.uniform(0, 1.0) if kills % 2 else 0)  # every other one as soon as a training is claimed
        struck += claimed(path, process.pid)
        victims = workers_of(process.pid)
        driver = kills % 3 != 1
        if kills % 3 and victims:
            kill(rng.choice(victims))
            lost += 1
        if driver:
            kill(process.pid)
        kills += 1
        assert "semaphore" not in process.communicate(timeout=120)[1]  # of a killed worker
        deadline = time.monotonic() + 10
        while any(
            Path(f"/proc/{pid}/stat").exists() and Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
            for pid in victims
        ):
            assert time.monotonic() < deadline, "a worker has outlived its driver"
            time.sleep(0.05)
        if path.exists():
            with sqlite3.connect(path) as db:
                assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    (rows,) = db.execute("SELECT count(*) FROM points").fetchone()
                    assert rows >= rows_before
                    rows_before = rows
    assert struck >= 3 and lost >= 2, "too few kills fell into work"
    process = command(path, dataset)
    out, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    assert "8 done, 0 failed, 0 left" in out
    assert table(path) == expected


def test_ctrl_c_keeps_finished_points(dataset, tmp_path):
    path = tmp_path / "s.sqlite"
    process = command(path, dataset, "--seed", *map(str, range(1000)))  # more than a fast machine does in that time
    for _ in range(2):  # the number of points, and the first point
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130 and "repeat the same command to continue" in error and "Traceback" not in error
    with Store(path) as store:
        assert 0 < len(store.rows()) < 4000
        assert store.claim("anything")


def test_two_drivers_share_a_file(dataset, expected, tmp_path):
    path = tmp_path / "s.sqlite"
    both = [command(path, dataset) for _ in range(2)]
    for process in both:
        out, error = process.communicate(timeout=300)
        assert process.returncode == 0 and "8 done" in out, error
    assert table(path) == expected
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM times").fetchone() == (8,), "a point was computed twice"


def test_claims(tmp_path):
    with Store(tmp_path / "s.sqlite") as ours, Store(tmp_path / "s.sqlite") as theirs:
        assert ours.claim("t") and ours.claim("t") and not theirs.claim("t")
        ours.release("t")
        assert theirs.claim("t") and not ours.claim("t")
        with sqlite3.connect(tmp_path / "s.sqlite") as db:  # no heartbeat for too long
            db.execute("UPDATE claims SET beat = beat - ?", (STALE + 1,))
        assert ours.claim("t")
        with sqlite3.connect(tmp_path / "s.sqlite") as db:  # a process that has ended
            gone = subprocess.Popen([sys.executable, "-c", ""])
            gone.wait()
            host, _, _ = ours.owner.rsplit(":", 2)
            db.execute("UPDATE claims SET owner = ?", (f"{host}:{gone.pid}:1",))
        assert theirs.claim("t")


def store_in(traceback):
    """Return the store that raised an error from its __init__."""
    return next(entry.frame.f_locals["self"] for entry in traceback if entry.name == "__init__")


def test_reading_leaves_a_copy_as_it_is(tmp_path):
    """A copy is no WAL file, so reading it must not need a folder that can be written, nor make files beside it."""
    path, folder = tmp_path / "s.sqlite", tmp_path / "a folder? 100% #1"
    folder.mkdir()
    with Store(path) as store:
        store.save("t", b"model", [("k", {"bits": 8}, "done", "", {"accuracy": 0.9}, 1.0)])
        store.copy_without_models(folder / "copy.sqlite")
        with pytest.raises(InputError, match="is the study itself"):
            store.copy_without_models(path)
        (folder / "model.npz").write_bytes(b"PK")
        with pytest.raises(InputError, match="model.npz exists and is no file of results; name another file"):
            store.copy_without_models(folder / "model.npz")
        (folder / "model.npz").unlink()
        assert store.model("t") == b"model"
    with Store(path, read_only=True) as store:
        assert store.status() == {"k": "done"}
    assert not list(tmp_path.glob("*-wal")) and not list(tmp_path.glob("*-shm"))
    before = (folder / "copy.sqlite").read_bytes()
    with Store(folder / "copy.sqlite", read_only=True) as store:
        assert store.status() == {"k": "done"} and list(folder.iterdir()) == [store.path]
        store.copy_without_models(folder / "copy of a copy.sqlite")
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            store.forget(["k"], failed_alone=False)
    assert (folder / "copy.sqlite").read_bytes() == before == (folder / "copy of a copy.sqlite").read_bytes()


def test_files_that_are_not_results(tmp_path):
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE points (x)")
    text = tmp_path / "text.sqlite"
    text.write_text("no database at all, but long enough to be looked at as if it were one" * 20)
    for path, words in ((other, "another program"), (text, "cannot use"), (tmp_path / "no" / "s.sqlite", "cannot use")):
        with pytest.raises(InputError, match=words):
            Store(path)
    version = tmp_path / "version.sqlite"
    Store(version).close()
    with sqlite3.connect(version) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    for path, words in ((other, "another program"), (version, "format version 99"), (text, "cannot use")):
        before = path.read_bytes()
        for read_only in (False, True):
            with pytest.raises(InputError, match=words) as refused:
                Store(path, read_only=read_only)
            with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
                store_in(refused.traceback)._db.execute("SELECT 1")
        assert path.read_bytes() == before and not path.with_name(f"{path.name}-wal").exists()
    with pytest.raises(InputError, match="does not exist"):
        Store(tmp_path / "missing.sqlite", read_only=True)


def test_dask_workers_one_of_them_killed(points, expected, dataset, tmp_path):
    distributed = pytest.importorskip("distributed", reason="needs pip install 'minisnn[cluster]'")
    seen = []
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        pids = [worker.pid for worker in cluster.workers.values()]

        def on_row(row):
            seen.append(row)
            if len(seen) == 1:
                kill(pids[0])

        executor = executors.Dask(cluster.scheduler_address)
        assert executor.slots == 2
        assert sweep.sweep(points, tmp_path / "s.sqlite", dataset, executor, on_row=on_row).done == 8
    assert table(tmp_path / "s.sqlite") == expected


def test_two_sweeps_with_one_dask_executor(points, expected, dataset, tmp_path):
    """A study sweeps once per stage with the same executor."""
    distributed = pytest.importorskip("distributed", reason="needs pip install 'minisnn[cluster]'")
    path = tmp_path / "s.sqlite"
    with distributed.LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as cluster:
        executor = executors.Dask(cluster.scheduler_address)
        assert sweep.sweep(points[:4], path, dataset, executor).done == 4
        assert executor.slots == 2
        assert sweep.sweep(points, path, dataset, executor).done == 8
    assert table(path) == expected


def test_no_dask_scheduler_answers(dataset, points, tmp_path):
    pytest.importorskip("distributed", reason="needs pip install 'minisnn[cluster]'")
    with pytest.raises(InputError, match="no Dask scheduler answers"):
        executors.Dask("tcp://127.0.0.1:9")


def test_dask_is_not_installed():
    with mock.patch.dict(sys.modules, distributed=None):  # an import of it fails
        with pytest.raises(InputError, match="pip install"):
            executors.Dask("tcp://127.0.0.1:8786")


def test_grid():
    choices = sweep.grid({"beta": [0.5, 0.9], "seed": [0, 1]})
    assert choices == [{"beta": beta, "seed": seed} for beta in (0.5, 0.9) for seed in (0, 1)]


def test_executors_run_where_they_say():
    with executors.Here().open() as executor:
        assert executor.submit(os.getpid).result() == os.getpid()
    processes = executors.Processes(2)
    assert processes.slots == 2
    with processes.open() as executor:
        assert executor.submit(os.getpid).result() != os.getpid()


def test_store(tmp_path):
    path = tmp_path / "s.sqlite"
    done = ("k1", {"bits": 8}, "done", "", {"accuracy": 0.9}, 1.5)
    failed = ("k2", {"bits": 99}, "failed", "too many bits", {}, 0.5)
    with Store(path) as store:
        store.save("t1", b"model", [done, failed])
        assert store.status() == {"k1": "done", "k2": "failed"} and store.model("t1") == b"model"
        assert store.seconds() == {"k1": 1.5, "k2": 0.5}
        assert store.model("t2") is None
        store.forget(["k1", "k2"], failed_alone=True)
        assert store.status() == {"k1": "done"}
        store.note("plan", {"dataset": "digits"})
        assert store.noted("plan") == {"dataset": "digits"} and store.noted("pitfalls") is None
        with pytest.raises(InputError, match="another plan"):
            store.note("plan", {"dataset": "mnist"})
        store.forget(["k1"], failed_alone=False)
        assert store.status() == {} and store.model("t1") == b"model"


def test_canonical():
    assert canonical({"b": 1, "a": (2, 3)}) == canonical({"a": [2, 3], "b": 1})
    with pytest.raises(ValueError):
        canonical(float("nan"))


def test_a_script_without_a_main_guard(tmp_path):
    """The workers import the script, which starts a sweep in each: one sentence says so, and nothing hangs."""
    script = tmp_path / "script.py"
    script.write_text("""
import sys
from minisnn import load_data, study, sweep
point = study.point.make(load_data("digits"), {"topology": "10"}, {"epochs": 1, "num_steps": 2})
sweep([point], sys.argv[1], "digits")
""")
    done = subprocess.run(
        [sys.executable, script, tmp_path / "s.sqlite"], capture_output=True, text=True, timeout=120, cwd=tmp_path
    )
    assert done.returncode == 1 and 'if __name__ == "__main__":' in done.stderr.splitlines()[-1]


def test_steps_that_recordings_do_not_have_are_refused_before_the_first_point():
    x, y = np.ones((10, 4, 5, 5, 2), np.uint8), np.arange(10) % 2
    data = minisnn.Dataset("mine", x, y, x, y, num_steps=4)
    with pytest.raises(InputError, match="num_steps must be 4, the steps of the recordings in mine, got 5"):
        points_of.make(data, {}, {"num_steps": 5})
    point = points_of.make(data, {}, {})
    assert (point["training"]["encoding"], point["training"]["num_steps"]) == ("events", 4)
