"""Waveforms: the file contains the signals in the window, and the save file names signals that exist."""

import re
import shutil

import numpy as np
import pytest
from myhdl import _bin

from minisnn.timing import cycles
from minisnn_hw import specify
from minisnn_hw.accelerator import ports
from minisnn_hw.verify import cosimulate_hdl, waveform
from minisnn_hw.verify.simulate import binary_digits
from minisnn_hw.verify.wave_files import LAYER, STREAM, STREAMS
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


def check_ports(path, spec):
    """Assert that the top's ports have the widths of the delivered design."""
    declared = re.findall(r"^ *\$var \w+ (\d+) \S+ (\w+)", path.read_text(), re.M)
    shown = {name: int(width) for width, name in reversed(declared)}  # the top's come first in the file
    inputs, outputs = ports(spec, probed=False)
    for name, port in (inputs | outputs).items():
        assert shown[name] == len(port), name


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
    check_ports(path, specify(network, (3, 2)))
    fire = signals["accelerator.u_stage_1.u_layer.control.turn_fire"]
    rises = [time for time, value in fire if value == "1"]
    # From one firing pass to the next, a cycle being 10 ns.
    assert np.diff(rises).tolist() == (10 * np.diff(times["firing_starts"][0, 0])).tolist()
    groups = shown(path.with_suffix(".gtkw"), "accelerator")
    assert list(groups) == ["streams", "u_stage_1", "u_stage_2"]
    streams = [f"{port}_{signal}" for port in STREAMS for signal in STREAM]
    assert groups.pop("streams") == ["clk", "rst", *streams]
    for layer, names in groups.items():
        assert [name.split(".")[-1] for name in names] == list(LAYER)
        assert {f"accelerator.{name}" for name in names} <= set(signals) and all(n.startswith(layer) for n in names)


def test_an_addition_follows_the_last_firing_by_seven_cycles(network, tmp_path):
    """Then what a neuron keeps is written; the lanes rely on it, and nothing between layer and lanes waits for it."""
    inputs = np.ones_like(random_inputs(network, 3, 1, np.random.default_rng(1)))
    waveform.in_myhdl(network, inputs, 3, (3, 2), tmp_path / "w.vcd")
    signals = parsed(tmp_path / "w.vcd")
    fires, adds = (signals[f"accelerator.u_stage_1.u_layer.neurons.{name}"] for name in ("turn_fire", "walk_add"))
    ends = [time - 10 for time, value in fires if value == "0" and time > 0]  # a cycle is 10 ns
    starts = [time for time, value in adds if value == "1"]
    apart = [(start - max(end for end in ends if end < start)) // 10 for start in starts if start > ends[0]]
    assert min(apart) == 7


def shown(save_file, top):
    """Return the signals of each group in a save file, without the top's name and widths."""
    groups = {}
    for line in save_file.read_text().splitlines():
        if line.startswith("-"):
            groups[line[1:]] = []
        elif line.startswith(f"{top}."):
            groups[next(reversed(groups))].append(line.removeprefix(f"{top}.").split("[")[0])
    return groups


@pytest.mark.skipif(not shutil.which("verilator"), reason="needs Verilator")
@pytest.mark.skipif(not shutil.which("ghdl"), reason="needs GHDL")
def test_all_simulators_show_the_same_hierarchy(network, tmp_path):
    """The same signals have the same names, and change at the same times to the same values; with early exit."""
    inputs = random_inputs(network, 3, 1, np.random.default_rng(1))
    answers = [
        getattr(waveform, f"in_{name}")(network, inputs, 3, (3, 2), tmp_path / name / "w.vcd", margin=1)
        for name in ("myhdl", "verilator", "ghdl")
        if (tmp_path / name).mkdir() is None
    ]
    assert all(answer.same for answer in answers)
    tops = {"myhdl": "accelerator", "verilator": "TOP.dut", "ghdl": "bench.under_test"}
    files = [shown(tmp_path / name / "w.gtkw", top) for name, top in tops.items()]
    assert files[0] == files[1] == files[2]
    ours, theirs = (
        {
            key.removeprefix(f"{tops[name]}.").replace("[", "(").replace("]", ")"): value
            for key, value in parsed(tmp_path / name / "w.vcd").items()
        }
        for name in ("myhdl", "verilator")
    )
    assert {name.rpartition(".")[0] for name in ours} <= {name.rpartition(".")[0] for name in theirs}
    for name in (name for names in files[0].values() for name in names):
        # The hosts differ while they offer no word, and MyHDL writes the names of states.
        if not name.startswith("s_input") and not name.endswith(".state"):
            a, b = (settled(signals[name], 10 * answers[0].cycles_counted - 10) for signals in (ours, theirs))
            assert a == b, name


def settled(changes, end):
    """Return the value of a signal at the end of each time at which it changed, without repetitions."""
    last = {time: int(value, 2) for time, value in changes if time <= end}
    values = list(last.items())
    return [values[0], *(now for before, now in zip(values, values[1:]) if before[1] != now[1])]


def test_a_window_equals_that_part_of_the_whole(network, tmp_path):
    inputs = random_inputs(network, 3, 1, np.random.default_rng(1))
    waveform.in_myhdl(network, inputs, 3, (3, 2), tmp_path / "all.vcd")
    waveform.in_myhdl(network, inputs, 3, (3, 2), tmp_path / "part.vcd", window=(20, 40))
    everything, part = parsed(tmp_path / "all.vcd"), parsed(tmp_path / "part.vcd")
    start = min(changes[0][0] for changes in everything.values() if changes)
    assert start == 0  # the image's first word
    assert set(everything) == set(part)
    for name, changes in part.items():
        assert all(200 <= time <= 410 for time, _ in changes), name
        before = [value for time, value in everything[name] if time <= 200]
        inside = [change for change in everything[name] if 200 < change[0] <= 410]
        assert changes == [(200, before[-1]), *inside] if before else inside == changes, name


@pytest.mark.skipif(not shutil.which("ghdl"), reason="needs GHDL")
def test_fst_of_ghdl(network, tmp_path):
    inputs = random_inputs(network, 3, 1, np.random.default_rng(1))
    compared = waveform.in_ghdl(network, inputs, 3, (3, 2), tmp_path / "w.fst")
    assert compared.same and compared.prediction == network.forward(inputs, 3).scores[0].argmax()
    assert (tmp_path / "w.fst").stat().st_size > 500
    text = (tmp_path / "w.gtkw").read_text()
    assert "bench.under_test.u_stage_2.u_layer.pool.spikes[1:0]" in text
    assert "words\n" not in text and "words[" not in text


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
