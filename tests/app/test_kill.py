"""kill -9 at random moments of a training: --resume ends with the bytes of an uninterrupted run."""

import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from minisnn.model import load, read

ROOT = Path(__file__).parents[2]
KILLS = 12


def start(out, dataset, *flags):
    """Start the command and return its process when training begins (its first line is printed)."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "minisnn",
            "train",
            "--dataset",
            dataset,
            "--out",
            out,
            "--topology",
            "8C3-12-3",
            "--epochs",
            "60",
            "--steps",
            "3",
            "--augment",
            "1",
            "--encoding",
            "rate",
            "--backend",
            "numpy",
            "--figure",
            "none",
            *flags,
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.first_line = process.stdout.readline()
    return process


def finish(process):
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    return out


def no_file_is_corrupt(out):
    """Assert that every file with a final name is complete."""
    checkpoint = out.with_name(out.name + ".checkpoint")
    if checkpoint.exists():
        assert read(checkpoint, "checkpoint")[0]["history"]
    if out.exists():
        load(out, backend="numpy")
    temporary = re.compile(rf"{re.escape(out.name)}(\.checkpoint)?\.([0-9a-f]{{8}}\.part|lock)")
    names = {path.name for path in out.parent.iterdir()} - {out.name, checkpoint.name}
    assert all(temporary.fullmatch(name) for name in names), names


def test_kill_and_resume(tmp_path, dataset):
    (tmp_path / "straight").mkdir()
    straight = tmp_path / "straight" / "m.npz"
    process = start(straight, dataset)
    begun = time.monotonic()
    finish(process)
    duration = time.monotonic() - begun
    rng, kills, ends, epochs = random.Random(0), 0, 0, set()
    while kills < KILLS:
        folder = tmp_path / f"run{ends}"
        folder.mkdir()
        out = folder / "m.npz"
        process = start(out, dataset)
        for _ in range(3):  # a run is killed up to three times
            time.sleep(rng.uniform(0, duration / 2))
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += process.returncode == -signal.SIGKILL
            no_file_is_corrupt(out)
            if (folder / "m.npz.checkpoint").exists():
                epochs.add(len(read(folder / "m.npz.checkpoint", "checkpoint")[0]["history"]))
            process = start(out, dataset, "--resume")
        finish(process)
        assert out.read_bytes() == straight.read_bytes()
        no_file_is_corrupt(out)
        assert not {"m.npz.checkpoint", "m.npz.checkpoint.lock"} & {path.name for path in folder.iterdir()}
        ends += 1
    assert len(epochs) > 3  # the kills fell on different epochs


def started(out, dataset, checkpoint):
    """Start a training without an end, and return its process after its first epoch."""
    process = start(out, dataset, "--epochs", "100000")
    while not checkpoint.exists():
        time.sleep(0.02)
        assert process.poll() is None
    return process


def test_a_second_training_in_the_same_place_is_refused(tmp_path, dataset):
    out, checkpoint = tmp_path / "m.npz", tmp_path / "m.npz.checkpoint"
    process = started(out, dataset, checkpoint)
    for flags in ((), ("--resume",)):
        second = start(out, dataset, "--epochs", "100000", *flags)
        _, error = second.communicate(timeout=60)
        sentence = f"another training writes here ({checkpoint}); wait until it ends, or name another file"
        assert (second.returncode, error) == (2, f"minisnn: error: {sentence}\n")
    assert process.poll() is None
    process.kill()  # its lock ends with it, although the lock's file stays
    process.communicate()
    assert (tmp_path / "m.npz.checkpoint.lock").exists()
    third = start(out, dataset)
    _, error = third.communicate(timeout=60)
    assert third.returncode == 2 and "an interrupted training left" in error


def test_ctrl_c_keeps_the_completed_epochs_and_says_how_to_continue(tmp_path, dataset):
    out, checkpoint = tmp_path / "m.npz", tmp_path / "m.npz.checkpoint"
    process = started(out, dataset, checkpoint)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 130
    sentence = "interrupted; the completed epochs are kept: continue with the same command and --resume"
    assert error == f"minisnn: {sentence}\n"
    assert read(checkpoint, "checkpoint")[0]["history"] and not out.exists()
