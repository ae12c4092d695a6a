"""minisnn inspect, sweep and reproduce as commands: the files they write, and their error messages."""

import io
import shutil
from contextlib import redirect_stdout

import pytest

from minisnn import terminal
from minisnn.commands import main
from minisnn.commands.sweep import line
from minisnn.fixed.model import load as load_integer
from minisnn.inspector import trace
from minisnn.study import plan as plans
from minisnn.study.stages import STAGES
from minisnn.study.store import Store
from tests.helpers import quantised_model
from tests.study.plans import small_plan

SMALL = small_plan(
    "digits",
    training={"topology": "8-10", "num_steps": 2, "validation": 0.2, "augment": 0},
    scales=(1,),
    rates=(8e-3,),
    betas=(0.25,),
    thresholds=(1.0,),
    cycle_penalties=(0.1,),
    steps=(1,),
    seeds=(0,),
    lanes=(8, 5),
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return quantised_model(tmp_path_factory.mktemp("model"), "12-10", "--epochs 2 --steps 3 --augment 0")


@pytest.mark.parametrize("more", ["--steps 0:2", "--exit 1"])
def test_inspect_leaves_all_that_it_names(model, tmp_path, capsys, more):
    out = tmp_path / "new" / "out"  # folders above it are created
    assert (
        main(
            [
                "inspect",
                str(model),
                "--image",
                "3",
                "--lanes",
                "4/5",
                "--out",
                str(out),
                *more.split(),
                "--float",
                str(model.with_name("m.npz")),
            ]
        )
        == 0
    )
    said = capsys.readouterr().out
    for name in (
        "trace.npz",
        "inspect.html",
        "waveform.vcd",
        "waveform.gtkw",
        "spikes.png",
        "membrane.png",
        "pipeline.png",
        "gradient.png",
    ):
        assert name in said and (out / name).stat().st_size > 100
    result = trace.load(out / "trace.npz")
    assert result.about["checked"] == {"simulator": "myhdl", "spikes": 0, "membranes": 0, "answers": 0, "cycles": 0}
    assert result.about["image"] == 3 and f"{result.latency:,} cycles" in said
    if more == "--exit 1":
        assert result.exit.margin == 1 and f"answered after {result.steps_taken} of 3 steps" in said


def test_a_loss_that_no_file_holds_leaves_out_the_gradients(model, tmp_path, capsys):
    integer = load_integer(model)
    integer.source["settings"]["loss"] = "function:mine"
    integer.save(tmp_path / "m.int.npz")
    flags = ["--out", str(tmp_path / "out"), "--simulator", "none", "--waveform", "none"]
    assert main(["inspect", str(tmp_path / "m.int.npz"), *flags]) == 0
    assert "gradients are left out: loss mine is a function, which no file holds" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"inspect.html", "trace.npz"}
    assert not (tmp_path / "out" / "gradient.png").exists()


def test_a_difference_to_the_gates_is_an_error(model, tmp_path, capsys, monkeypatch):
    from minisnn.timing import cycles

    late = cycles.predict

    def predict(*args, **options):
        result = late(*args, **options)
        result.firing_starts[:] += 1
        return result

    monkeypatch.setattr("minisnn_hw.verify.cosimulate.timing.predict", predict)
    assert main(["inspect", str(model), "--out", str(tmp_path / "out"), "--waveform", "none"]) == 1
    output = capsys.readouterr()
    assert "THE GATES DIFFER" in output.err and "cycles, NOT as in MyHDL" in output.out


@pytest.mark.parametrize(
    "flags, words",
    [
        ("--image 999", "--image must be 0 to 358"),
        ("--layer 3", "--layer must be 1 to 2"),
        ("--layer 0", "--layer must be 1 to 2"),
        ("--neuron 12 --layer 1", "--neuron must be 0 to 11 in layer 1"),
        ("--step 3", "--step must be 0 to 2"),
        ("--steps 1:9", "--steps must be within 0:3"),
        ("--simulator x", "--simulator must be one of"),
        ("--waveform x", "--waveform must be one of"),
        ("--lanes 99/1", "its lanes must be"),
        ("--steps 0:2 --waveform none", "--steps selects steps of a VCD"),
    ],
)
def test_what_inspect_does_not_take(model, tmp_path, capsys, flags, words):
    assert main(["inspect", str(model), "--out", str(tmp_path / "out"), *flags.split()]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_sweep_by_command(tmp_path, capsys):
    out = str(tmp_path / "s.sqlite")
    flags = [
        "sweep",
        "--topology",
        "10",
        "--epochs",
        "1",
        "--steps",
        "2",
        "--beta",
        "0.25",
        "0.5",
        "--weight-bits",
        "8",
        "99",
        "--rate-penalty",
        "0",
        "1",
        "--workers",
        "2",
        "--out",
        out,
    ]
    assert main(flags) == 1  # no weights of 99 bits
    said, error = capsys.readouterr()
    assert "4 done, 4 failed, 0 left" in said and "FAILED" in said and "99" in said
    assert max(len(row) for row in said.splitlines() if out not in row) <= terminal.COLUMNS
    assert "4 points failed; `minisnn report" in error and "--retry computes them again" in error
    with Store(out) as store:
        rows = store.rows()
    assert {row["point"]["network"]["beta"] for row in rows} == {0.25, 0.5}
    assert {row["point"]["training"]["rate_penalty"] for row in rows} == {"0", "1"}
    assert main([*flags, "--budget", "0"]) == 1


@pytest.mark.parametrize(
    "command, words",
    [
        ("sweep --beta 2", "beta must be between 0 and 1"),
        ("sweep --surrogate foo:1", "unknown surrogate"),
        ("sweep --dask tcp://127.0.0.1:9 --workers 2", "give one of them"),
        ("sweep --out no/s.sqlite", "cannot use"),
        ("reproduce --dataset mnist --out x", "no study of 'mnist'"),
        ("reproduce --out file/x", "cannot write"),
    ],
)
def test_what_sweep_and_reproduce_do_not_take(tmp_path, monkeypatch, capsys, command, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert main(command.split()) == 2
    assert words in capsys.readouterr().err


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory):
    """Return the folder of a small study that ran to its end, the gates included, and what it said."""
    out = tmp_path_factory.mktemp("reproduced") / "new" / "study"  # folders above it are created
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as said:
        patch.setitem(plans.PLANS, "digits", SMALL)
        assert main(["reproduce", "--out", str(out), "--workers", "2"]) == 0
    return out, said.getvalue()


def test_reproduce_runs_to_its_end(reproduced):
    out, said = reproduced
    stages = [line.split()[1] for line in said.splitlines() if line.startswith("stage ")]
    assert stages == [f"{name}:" for name in STAGES]
    commands = [line.split()[2] for line in said.splitlines() if line.startswith("$ ")]
    assert commands == ["cosim", "vhdl", "report"]
    assert "selected:\n" in said and "digits: 2 images in myhdl" in said
    assert "are open" not in said and "not computed" not in said
    figures = {path.name for path in (out / "report").glob("*.png")}
    assert figures == {"trade.png", "trials.png", "timeline.png", "curves.png", "leaks.png"}
    assert {path.name for path in out.iterdir()} == {"study.sqlite", "network.int.npz", "accelerator", "report"}
    assert list((out / "accelerator").rglob("*.vhd")) and (out / "report" / "report.html").stat().st_size > 10_000


@pytest.mark.parametrize("failing, status", [("cosim", 1), ("cosim", 2), ("vhdl", 2), ("cosim", 130)])
def test_reproduce_reports_even_if_the_gates_fail(reproduced, monkeypatch, capsys, failing, status):
    """The same command again: all points are there, so only the hardware and the report run, and a failure is told."""
    out, _ = reproduced
    monkeypatch.setitem(plans.PLANS, "digits", SMALL)
    monkeypatch.setattr(f"minisnn.commands.{failing}.run", lambda args: status)
    (out / "report" / "report.html").unlink(missing_ok=True)
    assert main(["reproduce", "--out", str(out), "--workers", "1"]) == status
    assert (out / "report" / "report.html").exists() == (status != 130)
    assert ("$ minisnn vhdl" in capsys.readouterr().out) == (failing == "vhdl")


def test_reproduce_tells_failed_points_and_computes_them_again(reproduced, tmp_path, monkeypatch, capsys):
    out = shutil.copytree(reproduced[0], tmp_path / "study")
    monkeypatch.setitem(plans.PLANS, "digits", SMALL)
    for command in ("cosim", "vhdl"):
        monkeypatch.setattr(f"minisnn.commands.{command}.run", lambda args: 0)
    with Store(out / "study.sqlite") as store:
        fewer = next(row for row in store.rows() if row["point"]["training"]["num_steps"] == 1)
        failed = fewer["key"], fewer["point"], "failed", "no memory", {}, 1.0
        store.forget([fewer["key"]], failed_alone=False)
        store.save("none", None, [failed])
    flags = ["reproduce", "--out", str(out), "--workers", "1"]
    assert main(flags) == 1
    assert "minisnn: 1 point failed; `minisnn report" in capsys.readouterr().err
    assert main([*flags, "--retry"]) == 0
    said, error = capsys.readouterr()
    assert fewer["key"][:6] in said and "failed" not in error


def test_rows_fit_a_terminal():
    """A short row is a line; a long one has its results, or its reason, on further lines."""
    network = {"surrogate": "atan:2", "beta": 0.5, "threshold": 1.0}
    training = {"num_steps": 10, "seed": 0, "rate_penalty": None}
    result = {"test": {"accuracy": 0.8691, "latency": 46_944.2}}
    settings = "063e5f  atan:2             beta 0.5 threshold 1.0 T 10 seed 0"
    row = "063e5fa", {"network": network, "training": training}
    assert line(*row, "done", "", result) == f"{settings}\n        86.91 %  46,944 cycles"
    result["test"]["latency"] = 9.0
    assert line(*row, "done", "", result) == f"{settings}  86.91 %  9 cycles"
    training["learn"] = "beta"
    assert " learn beta" in line(*row, "done", "", result, 75.0)
    training["learn"], training["rate_penalty"] = None, "1,0.5,0.25:0.125"
    penalty = " penalty\n        1,0.5,0.25:0.125"
    assert line(*row, "done", "", result, 75.0) == f"{settings}{penalty}\n        86.91 %  9 cycles  75 s"
    assert line(*row, "failed", "no memory", {}) == f"{settings}{penalty}  FAILED: no memory"
