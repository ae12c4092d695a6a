"""Generated HDL is clean in every tool: no latch in Yosys, no warning in GHDL, in Verilator none without a reason."""

import re

import numpy as np
import pytest

from minisnn_hw.accelerator import design, ports
from minisnn_hw.generate.convert import convert
from minisnn_hw.generate.hierarchy.elaborate import unelaborated
from minisnn_hw.generate.specify import specify
from minisnn_hw.generate.tools import call, need
from tests.hw.networks import random_network
from tests.hw.ports import bit, needs

# Verilator's warnings that are let pass, each with its reason.
WAIVED = {
    # MyHDL writes sums and comparisons of words of different widths without casts. What Verilog makes of them is what
    # MyHDL computes: all results are compared with the integers.
    "WIDTH": "",
    # A non-blocking initial value arrives after every combinational block has begun to wait, so that each runs once.
    "INITIALDLY": "",
    # A port that nobody reads stays open: the row of a neuron in a layer whose taps are added one after the other.
    "PINCONNECTEMPTY": "",
    # Products and sums have their full width, and an address takes their lowest bits: the others are always 0. Ports
    # that layers share, such as the address of the load, are as wide as the widest of them needs.
    "UNUSEDSIGNAL": "Bits of signal are not used",
}
NETWORKS = {
    "pixels": (("2C2-MP2-4", (5, 5, 2), 3), [2, 3], None),
    "all taps of pixels": (("2C2-4", (3, 3, 1), 2), [1, 2], (4, 1)),
    "second bank": (("2C2-4", (3, 3, 1), 2), [1, 2], None),
    "second bank, all taps": (("2C2-4", (3, 3, 1), 2), [1, 2], (4, 1)),
    "windows of spikes": (("3C3-MP2-4", (6, 6, 2), 0), [2, 2], (9, 1)),
    "windows, second bank": (("2C2-MP2-4", (5, 5, 2), 3), [2, 3], (4, 1)),
    "tiny": (("1C2-2", (3, 3, 1), 2), [1, 1], None),
    "all taps of spikes": (("3C3-4", (6, 6, 2), 0), [3, 2], (9, 1)),
    "rows of taps": (("3C3-MP2-4C2-4", (6, 6, 2), 2), [3, 2, 2], (3, 2, 1)),
}
LATCHES = "hierarchy -top {top}; proc"  # the part of a synthesis that makes latches, the same in all families
SYNTHESES = [f"synth_{family} -top {{top}}" for family in ("ecp5", "gowin", "ice40", "xilinx")]
LATCH = "module latched(input on, input [1:0] from, output reg [1:0] to); integer i; always @* begin if (on) to = 0; "
LATCH += "for (i = 0; i < 2; i = i + 1) if (on) to[i] = from[i]; end endmodule"


def converted(name, folder, hdl):
    """Convert a small accelerator with its probe, and return the files."""
    (topology, shape, bits), lanes, taps = NETWORKS[name]
    network = random_network(topology, shape, np.random.default_rng(0), input_bits=bits)
    options = {"second_bank": "second bank" in name, "positions": (4, 1) if "windows" in name else None}
    spec = specify(network, lanes, max_steps=3, load_bits=8, taps=taps, **options)
    inputs, outputs = ports(spec)
    return convert(unelaborated(design(spec), clk=bit(), **inputs, **outputs), folder, "accelerator", hdl)


@pytest.mark.parametrize("name", NETWORKS)
def test_verilog_has_no_latch_and_no_warning_without_a_reason(name, tmp_path):
    needs("verilator", "yosys")
    files = [file.name for file in converted(name, tmp_path, "verilog")]
    rules = [
        f'lint_off -rule {rule} -file "*" -match "*{text}*"' if text else f"lint_off -rule {rule}"
        for rule, text in WAIVED.items()
    ]
    (tmp_path / "waived.vlt").write_text("\n".join(["`verilator_config", *rules, ""]))
    call(["verilator", "--lint-only", "-Wall", "--top-module", "accelerator", "waived.vlt", *files], tmp_path, 120)
    assert latches(files, "accelerator", LATCHES, tmp_path) == []


@pytest.mark.parametrize("standard", ["93", "08"])
@pytest.mark.parametrize(
    "name", ["pixels", "all taps of spikes", "rows of taps", "second bank, all taps", "windows of spikes"]
)
def test_ghdl_warns_of_nothing(name, standard, tmp_path):
    needs("ghdl")
    files = [file.name for file in converted(name, tmp_path, "vhdl")]
    flags = [f"--std={standard}", "--warn-unused", "--warn-hide", "--warn-others", "--warn-static", "--warn-shared"]
    call(["ghdl", "-a", *flags, *files], tmp_path, 120)
    call(["ghdl", "-e", *flags, "--warn-binding", "--warn-default-binding", "accelerator"], tmp_path, 120)


def latches(files, top, synthesis, folder):
    """Return what Yosys says of latches, in its log or by their cells."""
    (yosys,) = need("yosys")
    script = f"read_verilog {' '.join(files)}; {synthesis}; tee -o cells.txt select -list t:*latch* t:*LATCH* t:LD*"
    call([yosys, "-q", "-l", "log.txt", "-p", script.format(top=top)], folder, 300, may_warn=True)
    log = (folder / "log.txt").read_text()
    return re.findall(r"^Latch inferred.*", log, re.MULTILINE) + (folder / "cells.txt").read_text().split()


@pytest.mark.more
@pytest.mark.parametrize("synthesis", SYNTHESES)
def test_every_family_takes_a_design_and_makes_no_latch(synthesis, tmp_path):
    needs("yosys")
    files = [file.name for file in converted("tiny", tmp_path, "verilog")]
    assert latches(files, "accelerator", synthesis, tmp_path) == []


def test_a_latch_is_noticed(tmp_path):
    needs("yosys")
    (tmp_path / "latched.v").write_text(LATCH)
    assert latches(["latched.v"], "latched", LATCHES, tmp_path)
