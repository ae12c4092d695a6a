"""minisnn inspect, sweep and reproduce as commands: the files they write, and their error messages."""

import io
from contextlib import redirect_stdout

import pytest

from minisnn.commands import main
from minisnn.inspector import trace
from minisnn.study import plan as plans
from minisnn.study.stages import STAGES
from minisnn.study.store import Store
from tests.helpers import quantised_model

SMALL = plans.Plan(
    dataset="digits",
    training={"topology": "8-10", "num_steps": 2, "validation": 0.2, "augment": 0},
    screening=1,
    epochs=2,
    scales=(1,),
    betas=(0.25,),
    thresholds=(1.0,),
    penalties=("0.1,0",),
    ramp=0.5,
    narrower=(),
    steps=(1,),
    seeds=(0,),
    lanes=(8, 5),
    margins=(0.1,),
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return quantised_model(tmp_path_factory.mktemp("model"), "12-10", "--epochs 2 --steps 3 --augment 0")


def test_inspect_leaves_all_that_it_names(model, tmp_path, capsys):
    out = tmp_path / "out"
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
                "--steps",
                "0:2",
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
    said = capsys.readouterr().out
    assert "4 done, 4 failed, 0 left" in said and "FAILED" in said and "99" in said
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
        ("reproduce --out no/x", "cannot write"),
    ],
)
def test_what_sweep_and_reproduce_do_not_take(tmp_path, monkeypatch, capsys, command, words):
    monkeypatch.chdir(tmp_path)
    assert main(command.split()) == 2
    assert words in capsys.readouterr().err


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory):
    """Return the folder of a small study that ran to its end, the gates included, and what it said."""
    out = tmp_path_factory.mktemp("reproduced") / "study"
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
    assert "selected: " in said and "digits: 2 images in myhdl" in said
    assert "are open" not in said and "not computed" not in said
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
