"""Waveforms: the file contains the signals in the window, and the save file names signals that exist."""

import re
import shutil

import numpy as np
import pytest
from myhdl import _bin

from minisnn.timing import cycles
from minisnn_hw.verify import cosimulate_hdl, waveform
from minisnn_hw.verify.simulate import binary_digits
from minisnn_hw.verify.wave_files import LAYER, STREAM
from tests.hw.networks import random_inputs, random_network


def parsed(path):
    """Return {name: [(time, value)]} of a VCD file."""
    scopes, names, changes, now = [], {}, {}, 0
    for line in path.read_text().splitlines():
        words = line.split()
        if words[:2] == ["$scope", "module"]:
            scopes.append(words[2])
        elif words[:1] == ["$upscope"]:
            scopes.pop()
        elif words[:1] == ["$var"]:
            names.setdefault(words[3], []).append(".".join([*scopes, words[4]]))
        elif line.startswith("#"):
            now = int(line[1:])
        elif words and line[0] in "bs":
            changes.setdefault(words[1], []).append((now, words[0][1:]))
        elif words and line[0] in "01":
            changes.setdefault(line[1:].strip(), []).append((now, line[0]))
    return {name: changes.get(code, []) for code, all_names in names.items() for name in all_names}


@pytest.fixture(scope="module")
def network():
    return random_network("7-3", (9,), np.random.default_rng(0), threshold=12)


def test_vcd_has_every_firing_pass_and_no_memories(network, tmp_path):
    inputs = random_inputs(network, 3, 1, np.random.default_rng(1))
    run = network.forward(inputs, 3, keep="spikes")
    times = cycles.timetable(cycles.Stimulus.of(network, inputs, run, 3), (3, 2))
    path = tmp_path / "w.vcd"
    compared = waveform.in_myhdl(network, inputs, 3, (3, 2), path)
    assert compared.same
    signals = parsed(path)
    assert not any("words(" in name for name in signals)
    fire = next(changes for name, changes in signals.items() if name.endswith("layer_1.layer_control.turn_fire"))
    rises = [time for time, value in fire if value == "1"]
    # From one firing pass to the next, a cycle being 10 ns.
    assert np.diff(rises).tolist() == (10 * np.diff(times["firing_starts"][0, 0])).tolist()
    shown = [
        line.split("[")[0]
        for line in path.with_suffix(".gtkw").read_text().splitlines()
        if re.match(r"accelerator\.", line)
    ]
    assert set(shown) <= set(signals)
    for block in ("stream_in", "scores"):
        assert [name for name in shown if name.startswith(f"accelerator.{block}.stream_")] == [
            f"accelerator.{block}.stream_{signal}" for signal in STREAM
        ]
    for layer in ("layer_1", "layer_2"):
        ends = [name.split(".")[-1] for name in shown if name.startswith(f"accelerator.{layer}.")]
        assert ends == list(LAYER)
    assert sum(line == "-layer_1" for line in path.with_suffix(".gtkw").read_text().splitlines()) == 1


def test_a_window_equals_that_part_of_the_whole(network, tmp_path):
    inputs = random_inputs(network, 3, 1, np.random.default_rng(1))
    waveform.in_myhdl(network, inputs, 3, (3, 2), tmp_path / "all.vcd")
    waveform.in_myhdl(network, inputs, 3, (3, 2), tmp_path / "part.vcd", window=(20, 40))
    everything, part = parsed(tmp_path / "all.vcd"), parsed(tmp_path / "part.vcd")
    start = min(changes[0][0] for changes in everything.values() if changes)  # the image's first word
    assert set(everything) == set(part)
    for name, changes in part.items():
        assert all(start + 200 <= time <= start + 410 for time, _ in changes), name
        before = [value for time, value in everything[name] if time <= start + 200]
        inside = [change for change in everything[name] if start + 200 < change[0] <= start + 410]
        assert changes == [(start + 200, before[-1]), *inside] if before else inside == changes, name


@pytest.mark.skipif(not shutil.which("ghdl"), reason="needs GHDL")
def test_fst_of_ghdl(network, tmp_path):
    inputs = random_inputs(network, 3, 1, np.random.default_rng(1))
    compared = waveform.in_ghdl(network, inputs, 3, (3, 2), tmp_path / "w.fst")
    assert compared.same and compared.prediction == network.forward(inputs, 3).scores[0].argmax()
    assert (tmp_path / "w.fst").stat().st_size > 500
    shown = (tmp_path / "w.gtkw").read_text()
    for pattern in (
        r"under_test\.clk\n",
        *(rf"under_test\.{port}_{signal}" for port in ("s_input", "m_output") for signal in STREAM),
        r"under_test\.u_layer_1\.control\.state\n",
        r"under_test\.u_layer_1\.(\w+\.)?turn_fire\n",
        r"under_test\.u_layer_2\.(\w+\.)?spikes\[1:0\]\n",
    ):
        assert re.search(pattern, shown), pattern
    assert "words\n" not in shown and "words[" not in shown


@pytest.mark.skipif(not shutil.which("ghdl"), reason="needs GHDL")
def test_a_design_that_differs_is_reported_in_ghdl(network, tmp_path, monkeypatch):
    words = cosimulate_hdl.load_words
    monkeypatch.setattr(cosimulate_hdl, "load_words", lambda *args: [*words(*args)[:-1], 1])  # the last threshold
    inputs = random_inputs(network, 3, 1, np.random.default_rng(1))
    assert not waveform.in_ghdl(network, inputs, 3, (3, 2), tmp_path / "w.fst").same


def test_quick_digits_are_those_of_myhdl():
    """Zero, both signs, powers of two and their neighbours, and more bits than a machine word has."""
    near = [sign * (1 << bits) + by for bits in (31, 64, 300) for sign in (1, -1) for by in (-1, 0, 1)]
    numbers = [*range(-40, 41), *near]
    assert [binary_digits(number) for number in numbers] == [_bin._int2bitstring(number) for number in numbers]
