"""Recordings on the command line, from the training to gates, VHDL and the inspector's page."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from minisnn.commands import main
from minisnn.fixed.model import load
from tests.helpers import quantised_model
from tests.test_events import nmnist_folder

STEPS = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with recordings of two classes, a bar that moves down or up, with counts above 1, and a model."""
    folder = tmp_path_factory.mktemp("events")
    rng = np.random.default_rng(0)
    x = (rng.random((120, STEPS, 5, 5, 2)) < 0.05).astype(np.uint8)
    y = rng.integers(0, 2, 120)
    for recording, label in zip(x, y):
        for step in range(STEPS):
            recording[step, 1 + (STEPS - 1 - step if label else step), :, 1] += 3
    np.savez(folder / "bars.npz", events=x, y=y)
    quantised_model(
        folder,
        "4C3-2",
        f"--dataset {folder / 'bars.npz'} --epochs 40 --batch-size 16 --lr 0.05",
        f"--dataset {folder / 'bars.npz'}",
    )
    return folder


def run(folder, *words):
    return main([*words, "--dataset", str(folder / "bars.npz")])


def test_training_says_how_events_are_taken(folder, capsys):
    flags = [
        "--topology",
        "2",
        "--epochs",
        "1",
        "--backend",
        "numpy",
        "--figure",
        "none",
        "--out",
        str(folder / "t.npz"),
    ]
    assert run(folder, "train", *flags, "--encoding", "counts") == 0
    out = " ".join(capsys.readouterr().out.split())
    last = "24 test recordings: the last of 120, because the file has no events_test"
    assert f"96 training and {last}; 2, T = 3," in out
    assert "of which the network sees their number, which is for floats only" in out
    assert run(folder, "train", *flags) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "events: 3 steps of 5x5x2; up to 4 in a step, of which the network sees 0 or 1 (an event, or several)" in out
    assert main(["info", str(folder / "t.npz")]) == 0
    assert "encoding   events, 3 steps, counts up to 4, taken as 0 or 1" in capsys.readouterr().out


def test_floats_integers_and_cycles(folder, capsys):
    assert run(folder, "evaluate", str(folder / "m.npz"), "--json") == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] > 0.8  # the two classes have the same sums over steps
    assert (
        run(folder, "quantize", str(folder / "m.npz"), "--out", str(folder / "again.int.npz"), "--finetune", "1") == 0
    )
    assert run(folder, "cycles", str(folder / "m.int.npz"), "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["num_steps"] == STEPS


def test_gates_equal_the_integers(folder, capsys):
    assert run(folder, "cosim", str(folder / "m.int.npz"), "--images", "2", "--workers", "1", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    kinds = ("spike", "membrane", "answer", "cycle")
    assert printed["images"] == 2 and not any(printed[f"{kind}_mismatches"] for kind in kinds)


def test_vhdl_of_recordings_simulates(folder):
    if shutil.which("ghdl") is None:
        pytest.skip("ghdl is missing")
    out = folder / "vhdl"
    assert run(folder, "vhdl", str(folder / "m.int.npz"), "--out", str(out), "--images", "2") == 0
    assert "3 frames of spikes, one per step" in (out / "README.md").read_text()
    done = subprocess.run([sys.executable, out / "run.py"], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


def test_inspect_shows_all_events_of_a_pixel(folder):
    out, model = folder / "inspect", str(folder / "m.int.npz")
    assert run(folder, "inspect", model, "--out", str(out), "--simulator", "none", "--waveform", "none") == 0
    page = (out / "inspect.html").read_text()
    assert '"image": {' in page and '"shape": [5, 5, 1]' in page  # both polarities and all steps added up
    assert (out / "gradient.png").is_file()
    with np.load(out / "trace.npz") as stored:
        np.testing.assert_array_equal(stored["1.frames"], stored["image"] > 0)


def test_nmnist_is_binned_into_the_steps_of_the_model(tmp_path, capsys):
    nmnist_folder(tmp_path / "data", 1)
    words = ["--dataset", "n-mnist", "--data", str(tmp_path / "data")]
    flags = "--topology 10 --steps 4 --epochs 1 --validation 0 --backend numpy --figure none".split()
    model = str(tmp_path / "m.npz")
    assert main(["train", *words, *flags, "--out", model]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "events: 4 steps of 75 ms, 34x34 pixels, off and on apart; " in out and "come later and are left out" in out
    assert main(["quantize", model, "--data", str(tmp_path / "data")]) == 0
    assert load(tmp_path / "m.int.npz").num_steps == 4
