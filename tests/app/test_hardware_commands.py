"""minisnn cycles and minisnn cosim: what they print, for people and as JSON."""

import json

import numpy as np
import pytest

from minisnn.commands import main
from minisnn.data.load import load as load_data
from minisnn.fixed.model import load
from minisnn.timing import cycles
from minisnn_hw.generate.specify import specify
from minisnn_hw.synth.area import estimate, memory_bits
from minisnn_hw.synth.devices import DEVICES
from minisnn_hw.verify import cosimulate as cosim
from tests.helpers import quantised_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small convolutional network, trained and quantised on the command line."""
    return quantised_model(tmp_path_factory.mktemp("model"), "4C3-MP2-10", "--epochs 4 --steps 2", "--weight-bits 6")


def test_cycles_prints_layers_and_ratios_and_draws_a_figure(model, tmp_path, capsys):
    figure = tmp_path / "c.png"
    assert main(["cycles", str(model), "--lanes", "2/5", "--figure", str(figure)]) == 0
    output = capsys.readouterr().out
    for expected in (
        "digits: 359 images, T = 2, lanes 2/5, pipelined",
        "price     7 adders, 7 neurons, 2 multipliers, ",
        "estimated: ",
        "latency   ",
        "interval  ",
        "1 4C3-MP2",
        "x bound",
        "their lower bound",
        "x that of layerwise",
        "x that of dense",
        f"figure  {figure}",
    ):
        assert expected in output
    assert figure.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("schedule", cycles.SCHEDULES)
def test_cycles_json_agrees_with_the_library(model, capsys, schedule):
    arguments = ["cycles", str(model), "--images", "30", "--lanes", "4/5", "--schedule", schedule, "--word-every", "2"]
    assert main([*arguments, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    integer = load(model)
    stimulus = cycles.Stimulus.of_images(integer, load_data("digits").x_test[:30])
    expected = cycles.predict(stimulus, (4, 5), schedule, 2)
    assert printed["latency_cycles"] == {
        "mean": expected.latency.mean(),
        "min": expected.latency.min(),
        "max": expected.latency.max(),
    }
    assert printed["interval_cycles"] == expected.interval and printed["utilisation"] == list(expected.utilisation)
    assert (printed["images"], printed["lanes"], printed["schedule"]) == (30, [4, 5], schedule)
    assert main(arguments) == 0
    assert f"{expected.latency.mean():,.0f} cycles" in capsys.readouterr().out


def test_balance(model, capsys):
    assert main(["cycles", str(model), "--balance", "6", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["adders"] <= 6
    assert main(["cycles", str(model), "--lanes", "1/5", "--json"]) == 0
    assert printed["latency_cycles"]["mean"] < json.loads(capsys.readouterr().out)["latency_cycles"]["mean"]


def test_balance_keeps_to_every_budget(model, capsys):
    """Taps are chosen too, and each budget binds: fewer of anything cost cycles."""
    wide = model.with_name("wide.int.npz")  # weights of 6 bits would be in look-up tables

    def balanced(*flags):
        assert main(["cycles", str(wide), "--balance", "46", "--json", *flags]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["adders"] <= 46
        spec = specify(load(wide).network, found["lanes"], taps=found["taps"])
        return found["latency_cycles"]["mean"], found, estimate(spec).blocks

    assert main(["quantize", str(model.with_name("m.npz")), "--weight-bits", "16", "--out", str(wide)]) == 0
    capsys.readouterr()
    fastest, free, blocks = balanced()
    assert free["taps"][0] > 1
    latency, found, _ = balanced("--multipliers", "6")
    assert latency > fastest and found["multipliers"] <= 6 < free["multipliers"]
    latency, _, fewer = balanced("--block-ram", str(blocks - 1))
    assert latency > fastest and fewer < blocks
    latency, found, _ = balanced("--taps", "1/1")
    assert latency > fastest and found["taps"] == [1, 1]


def test_designs_that_fit_a_device(model, capsys, tmp_path):
    """Each is faster than all that are smaller, and fits; the last is the one that is described."""
    figure, network, device = tmp_path / "front.png", load(model).network, DEVICES["ecp5-25k"]
    flags = ["cycles", str(model), "--balance", "40", "--device", "ecp5-25k"]
    assert main([*flags, "--json", "--figure", str(figure)]) == 0
    printed = json.loads(capsys.readouterr().out)
    front = printed["front"]
    assert len(front) > 2 and figure.read_bytes().startswith(b"\x89PNG")
    for point in front:
        spec = specify(network, point["lanes"], taps=point["taps"])
        area = estimate(spec, device.family)
        assert not area.lacking(device) and point["adders"] <= 40
        assert point["memory_bits"] == memory_bits(spec)
        assert point["estimated"] == {
            "look_up_tables": area.tables,
            "block_rams": area.blocks,
            "multipliers_18x18": area.multipliers,
        }
    for smaller, larger in zip(front, front[1:]):
        assert smaller["estimated"]["look_up_tables"] < larger["estimated"]["look_up_tables"]
        assert smaller["latency_cycles"] > larger["latency_cycles"]
    assert all(printed[name] == front[-1][name] for name in ("lanes", "taps", "adders", "memory_bits", "estimated"))
    assert main([*flags, "--images", "16"]) == 0
    output = capsys.readouterr().out
    assert "Designs that fit a Lattice ECP5 25F" in output and max(map(len, output.splitlines())) <= 80


def test_taps(model, capsys):
    """All taps at once take fewer cycles and more adders; all positions take more neurons; layerwise has neither."""
    results = []
    for more in ([], ["--taps", "9/1"], ["--taps", "9/1", "--positions", "4/1"]):
        assert main(["cycles", str(model), "--lanes", "4/10", "--json", *more]) == 0
        results.append(json.loads(capsys.readouterr().out))
    assert [(result["adders"], result["neurons"]) for result in results] == [(14, 14), (46, 14), (46, 26)]
    one, all_taps, windows = (result["latency_cycles"]["mean"] for result in results)
    assert all_taps < 0.8 * one and windows < 0.9 * all_taps
    assert results[2]["firing_cycles"] == [results[1]["firing_cycles"][0] / 4, results[1]["firing_cycles"][1]]
    layerwise = [result["latency_cycles"]["mean"] / result["latency_vs"]["layerwise"] for result in results]
    assert layerwise == pytest.approx([layerwise[0]] * 3)


def test_a_batch_changes_nothing(model):
    """The stimulus is the same in one batch or several, on one thread or two."""
    integer, images = load(model), load_data("digits").x_test
    whole = cycles.Stimulus.of_images(integer, images, threads=1)
    assert whole.images == 359
    for a, b in zip(whole.first(300).frames, cycles.Stimulus.of_images(integer, images[:300], threads=2).frames):
        assert np.array_equal(a, b)


def test_cosim(model, capsys):
    arguments = ["cosim", str(model), "--images", "2", "--lanes", "4/10"]
    assert main([*arguments, "--json"]) == 0  # in two processes
    printed = json.loads(capsys.readouterr().out)
    assert {
        name: printed[name]
        for name in ("images", "spike_mismatches", "membrane_mismatches", "answer_mismatches", "cycle_mismatches")
    } == {"images": 2, "spike_mismatches": 0, "membrane_mismatches": 0, "answer_mismatches": 0, "cycle_mismatches": 0}
    integer = load(model)
    images = load_data("digits").x_test[:2]
    _, run = next(integer.run(images))
    assert printed["predictions"] == run.scores.argmax(axis=1).tolist()
    assert printed["cycles"] == cycles.predict(cycles.Stimulus.of_images(integer, images), (4, 10)).latency.tolist()
    assert main([*arguments, "--workers", "1"]) == 0
    output = capsys.readouterr().out
    assert "The gates compute what the integers compute, in the predicted cycles." in output
    assert len([line for line in output.splitlines() if line[:1].isdigit()]) == 2


def test_cosim_fails_if_anything_differs(model, capsys, monkeypatch):
    from minisnn_hw.generate.words import load_words

    def wrong_threshold(network, spec, *rest):
        return [*load_words(network, spec, *rest)[:-1], 1]

    monkeypatch.setattr(cosim, "load_words", wrong_threshold)
    assert main(["cosim", str(model), "--images", "1", "--workers", "1"]) == 1
    assert "THE GATES DIFFER" in capsys.readouterr().out
