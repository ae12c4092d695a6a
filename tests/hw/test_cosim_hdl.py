"""minisnn cosim in GHDL and Verilator: spikes and membranes of the integers, cycles of the model, and faults found."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from minisnn.commands import main
from minisnn.data.load import load as load_data
from minisnn.fixed.model import load
from minisnn.timing import cycles
from minisnn_hw import accelerator
from minisnn_hw.generate.tools import ToolError
from minisnn_hw.verify import cosimulate as in_myhdl
from minisnn_hw.verify import cosimulate_hdl, hdl_host
from minisnn_hw.verify.comparison import Compared
from tests.helpers import quantised_model
from tests.hw.networks import random_inputs, random_network

# topology, input shape, lanes, T, options of the network, taps
NETWORKS = {
    "spikes": ("2C2-MP3-3C1-4", (8, 5, 3), (1, 3, 2), 2, {"reset": "subtract_then_leak"}, None),
    "pixels": ("3C3-MP2-4", (6, 6, 2), (2, 4), 3, {"input_bits": 4, "padding": 1}, None),
    "membranes": ("4-6", (5,), (4, 4), 4, {"readout": "membrane", "classes": 3, "membrane_bits": 31}, None),
    "one word": ("1", (1,), (1,), 4, {"threshold": 4}, None),
    "windows": ("3C3-MP2-3C2-MP2-4", (8, 10, 1), (2, 2, 3), 2, {"input_bits": 4, "padding": 1}, (9, 4, 1)),
    "taps": ("3C3-4C2-4", (5, 4, 2), (2, 4, 3), 2, {"input_bits": 4, "padding": 1}, (3, 4, 1)),
}
POSITIONS = {"windows": (4, 4, 1)}
SIMULATORS = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            not all(map(shutil.which, tools)), reason=f"{name} is not installed: apt install {' '.join(tools)}"
        ),
    )
    for name, tools in hdl_host.SIMULATORS.items()
]
GHDL, VERILATOR = SIMULATORS


def case(name, images=3):
    """Return a network and the other arguments of `cosimulate`."""
    topology, shape, lanes, num_steps, options, taps = NETWORKS[name]
    rng = np.random.default_rng(4)
    network = random_network(topology, shape, rng, **options)
    inputs = random_inputs(network, num_steps, images, rng)
    inputs[:, 0] = 0  # an empty image
    return network, inputs, num_steps, lanes, taps


def simulate(name, simulator, images=3, word_every=1, workers=1):
    """Cosimulate; return the comparison of each image."""
    network, inputs, num_steps, lanes, taps = case(name, images)
    arguments = network, inputs, num_steps, lanes, simulator, word_every, workers, taps
    results = dict(cosimulate_hdl.cosimulate(*arguments, positions=POSITIONS.get(name)))
    return [results[image] for image in range(images)]


@pytest.mark.parametrize(
    "name, simulator, word_every",
    [
        *[pytest.param(name, *GHDL.values, 2, marks=GHDL.marks) for name in ("spikes", "membranes", "taps", "windows")],
        *[pytest.param(name, *VERILATOR.values, 1, marks=VERILATOR.marks) for name in ("membranes", "windows")],
    ],
)
def test_equals_the_integers_and_the_model(name, simulator, word_every):
    results = simulate(name, simulator, word_every=word_every)
    network, inputs, num_steps, lanes, taps = case(name)
    run, predicted = in_myhdl.reference(
        network, inputs, num_steps, lanes, word_every, taps, positions=POSITIONS.get(name)
    )
    assert run.spk[0].any() and min(map(np.min, run.mem)) < 0 < max(map(np.max, run.mem))
    assert all(result.same for result in results)
    assert [result.prediction for result in results] == run.scores.argmax(axis=1).tolist()
    assert [result.cycles_counted for result in results] == predicted.latency.tolist()


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_records_may_come_through_a_file(simulator, monkeypatch):
    """As on Windows, where no path names a pipe; the file is read while it grows, and to its end."""
    monkeypatch.setattr(hdl_host, "DESCRIPTORS", "/no/such/folder")
    monkeypatch.setattr(hdl_host.Path, "symlink_to", None)
    results = simulate("spikes", simulator)
    assert all(image.same for image in results)


@pytest.mark.parametrize("simulator", [GHDL])
def test_a_wrong_leak_is_reported(simulator, monkeypatch):
    """A faulty design gives the differences of integers with the same fault; all simulators share the comparison."""

    def leaky(spec):
        first, *others = spec.layers
        return replace(spec, layers=(replace(first, beta=first.beta - 1), *others))

    words = cosimulate_hdl.load_words
    monkeypatch.setattr(cosimulate_hdl, "design", lambda spec: accelerator.design(leaky(spec)))
    assert not any(result.cycles_counted for result in simulate("pixels", simulator))  # it refuses the load
    monkeypatch.setattr(cosimulate_hdl, "load_words", lambda net, spec, *rest: words(net, leaky(spec), *rest))
    results = simulate("pixels", simulator)
    assert results[1].membranes > 0 and not results[1].same
    network, inputs, num_steps, lanes, taps = case("pixels")
    first, *others = network.layers
    wrong = replace(network, layers=(replace(first, beta=first.beta - 1), *others)).forward(inputs, 3, "membranes")
    right = network.forward(inputs, 3, "membranes")
    for image, result in enumerate(results):
        assert (result.spikes, result.membranes) == tuple(
            sum(int((a[:, image] != b[:, image]).sum()) for a, b in zip(*both))
            for both in ((wrong.spk, right.spk), (wrong.mem, right.mem))
        )
        assert result.prediction == wrong.scores[image].argmax()


@pytest.mark.parametrize("simulator", [GHDL])
def test_unpredicted_cycles_are_reported(simulator, monkeypatch):
    predict = cycles.predict
    monkeypatch.setattr(
        cycles,
        "predict",
        lambda *args, **options: (lambda times: replace(times, ends=times.ends + 1))(predict(*args, **options)),
    )
    assert [(result.cycles, result.spikes, result.membranes) for result in simulate("one word", simulator)] == [
        (4, 0, 0)
    ] * 3


@pytest.mark.parametrize("simulator", ["myhdl", *SIMULATORS])
def test_a_design_that_stops_is_reported(simulator, monkeypatch):
    """After an incomplete load no image is taken, so everything is missing."""
    words = cosimulate_hdl.load_words
    for module in (cosimulate_hdl, in_myhdl):
        monkeypatch.setattr(module, "load_words", lambda *args: words(*args)[:-1])
    if simulator == "myhdl":
        network, inputs, num_steps, lanes, taps = case("one word")
        results = in_myhdl.cosimulate(network, inputs, num_steps, lanes, taps=taps)
    else:
        results = simulate("one word", simulator)
    assert len(results) == 3
    for result in results:
        assert (result.prediction, result.cycles_counted) == (-1, 0)
        assert result.spikes == result.membranes == 4 and result.answers == 2 and result.cycles == 4 * 4 + 2


@pytest.mark.parametrize("simulator", [GHDL])
def test_a_truncation_is_a_failure(simulator, monkeypatch):
    convert = hdl_host.convert

    def truncating(*args, **options):
        files = convert(*args, **options)
        head, end = files[-1].read_text().rsplit("end architecture", 1)
        files[-1].write_text(f"""{head}
            process (clk) is
                variable short: unsigned(1 downto 0);
            begin
                short := to_unsigned(4 + to_integer(unsigned'("" & clk)), 2);
            end process;
            end architecture{end}""")
        return files

    monkeypatch.setattr(hdl_host, "convert", truncating)
    with pytest.raises(ToolError, match="the simulation in GHDL failed: .*truncated"):
        simulate("one word", simulator)


@pytest.mark.parametrize("simulator", [GHDL])
def test_closing_early_ends_the_simulations(simulator, monkeypatch):
    started = []

    class Remembered(hdl_host.Simulation):
        def __init__(self, *args):
            super().__init__(*args)
            started.append(self)

    monkeypatch.setattr(hdl_host, "Simulation", Remembered)
    network, inputs, num_steps, lanes, _ = case("pixels", 40)
    results = cosimulate_hdl.cosimulate(network, inputs, num_steps, lanes, simulator, workers=2)
    next(results)
    assert any(simulation.process.poll() is None for simulation in started)
    results.close()
    assert len(started) == 2 and all(simulation.process.poll() is not None for simulation in started)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small convolutional network, trained and quantised on the command line."""
    return quantised_model(tmp_path_factory.mktemp("model"), "4C3-MP2-10", "--epochs 8 --steps 3", "--weight-bits 6")


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_command(model, simulator, tmp_path, monkeypatch, capsys):
    """With more than 20 images, only those that differ are listed: here none.

    The folder for temporary files has a space in its name: Verilator's makefile cannot build there, so that its program
    is built elsewhere and put there.
    """
    (tmp_path / "a b").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "a b"))
    capsys.readouterr()
    arguments = ["cosim", str(model), "--images", "25", "--lanes", "4/10", "--simulator", simulator]
    if simulator == "ghdl":
        assert main(arguments) == 0
        output = capsys.readouterr().out
        assert "digits: 25 images in ghdl, lanes 4/10" in output and "image " not in output
        assert "differences  0 spikes, 0 membranes, 0 beats of answers, 0 cycles" in output
        assert output.endswith("The gates compute what the integers compute, in the predicted cycles.\n")
    margin, options = {"ghdl": (None, {}), "verilator": (1, {"taps": (9, 1), "positions": (4, 1)})}[simulator]
    more = [] if margin is None else ["--exit", str(margin), "--taps", "9/1", "--positions", "4/1"]
    assert main([*arguments, *more, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["images"] == 25 and not any(count for name, count in printed.items() if name.endswith("mismatches"))
    integer, images = load(model), load_data("digits").x_test[:25]
    stimulus = cycles.Stimulus.of_images(integer, images, margin=margin)
    _, run = next(integer.run(images))
    answers = run.scores.argmax(axis=1) if margin is None else stimulus.stops.answers
    assert margin is None or 1 <= (stimulus.stops.steps < 3).sum() < 25
    assert printed["predictions"] == answers.tolist()
    assert printed["cycles"] == cycles.predict(stimulus, (4, 10), **options).latency.tolist()


@pytest.mark.parametrize(
    "simulator, words",
    [
        ("ghdl", "GHDL is not on PATH; on Debian: apt install ghdl\n"),
        ("verilator", "Verilator and g++ and make are not on PATH; on Debian: apt install verilator g++ make\n"),
    ],
)
def test_a_missing_tool(model, simulator, words, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    assert main(["cosim", str(model), "--simulator", simulator]) == 2
    assert capsys.readouterr().err == f"minisnn: error: {words}"


def test_ctrl_c_reports_progress(model, monkeypatch, capsys):
    def interrupted(*args, **options):
        yield (
            0,
            Compared(
                prediction=3, spikes=1, membranes=2, answers=0, cycles_predicted=100, cycles_counted=104, cycles=4
            ),
        )
        raise KeyboardInterrupt

    monkeypatch.setattr(cosimulate_hdl, "cosimulate", interrupted)
    assert main(["cosim", str(model), "--simulator", "ghdl", "--images", "9"]) == 130
    assert capsys.readouterr().err == (
        "minisnn: interrupted after 1 of 9 images; "
        "differences so far: 1 spikes, 2 membranes, 0 beats of answers, 4 cycles\n"
    )


def test_differing_images_are_listed(model, monkeypatch, capsys):
    right = Compared(prediction=3, spikes=0, membranes=0, answers=0, cycles_predicted=100, cycles_counted=100, cycles=0)
    monkeypatch.setattr(
        cosimulate_hdl,
        "cosimulate",
        lambda *args, **options: (
            item for item in [*((n, right) for n in range(30, 1, -1)), (1, replace(right, spikes=7)), (0, right)]
        ),
    )
    assert main(["cosim", str(model), "--simulator", "ghdl", "--images", "31"]) == 1
    output = capsys.readouterr().out
    assert [line.split()[0] for line in output.splitlines() if line[:1].isdigit()] == ["1"]
    assert "THE GATES DIFFER in 1 of 31 images." in output
