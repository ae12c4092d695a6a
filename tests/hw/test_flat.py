"""The hierarchy changes nothing: netlists of the entities equal those of MyHDL's own flat conversion, proven by ABC.

The oracle is MyHDL's ``block.convert``, which makes one module of a whole accelerator. Yosys joins both netlists at
their inputs, and ABC proves for all inputs and at all times that no output differs; names play no part.
"""

import re
import shutil
import subprocess
import warnings

import numpy as np
import pytest
from myhdl import Signal

from minisnn_hw import spec as numbers
from minisnn_hw.accelerator import design, ports
from minisnn_hw.generate.convert import convert
from minisnn_hw.generate.hierarchy.elaborate import unelaborated, without_sources
from minisnn_hw.generate.specify import specify
from minisnn_hw.generate.tools import call
from tests.hw.networks import random_network
from tests.hw.ports import needs

SMALL = {"bits": 2, "membrane_bits": 4, "guard": 1, "threshold": 3}
# topology, input shape, lanes, taps, with the probe, options of the network
NETWORKS = {
    "two layers": ("2-2", (2,), (1, 2), None, False, {}),
    "direct": ("1C2-2", (2, 2, 1), (1, 1), None, False, {"input_bits": 1}),
    "odd frame, pool": ("2C2-MP2-1", (3, 3, 1), (1, 1), None, False, {}),
    "all taps": ("1C2-1", (2, 2, 1), (1, 1), (4, 1), False, {}),
    "rows of taps": ("1C2-1", (2, 2, 1), (1, 1), (2, 1), False, {}),
    "membrane readout, probe": ("2", (3,), (1,), None, True, {"readout": "membrane"}),
}
JOIN = """read_verilog {sources}
hierarchy -check -top dut
proc
flatten
opt_clean
memory -nomap
memory_map
opt_expr
opt_clean
rename dut {name}
design -stash {name}
"""
MITER = """design -copy-from gold -as gold gold
design -copy-from gate -as gate gate
miter -equiv -flatten -make_outputs gold gate miter
hierarchy -top miter
delete -output w:gold_* w:gate_*
async2sync
setundef -undriven -init -zero
opt_expr
opt_clean
techmap
dfflegalize -cell $_DFF_P_ 01
opt -nodffe -nosdff
simplemap
aigmap
opt_clean
write_aiger -zinit miter.aig
"""


def both(name, folder):
    """Write an accelerator flat and with its hierarchy; return the files of each."""
    topology, shape, lanes, taps, probed, options = NETWORKS[name]
    network = random_network(topology, shape, np.random.default_rng(0), **SMALL, **options)
    # With fewer bits MyHDL would index a slice of the checksum, which is no Verilog.
    spec = specify(network, lanes, max_steps=2, load_bits=32, taps=taps)
    inputs, outputs = ports(spec, probed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with without_sources():
            flat = design(spec)(clk=Signal(bool(0)), **inputs, **outputs)
        options = {"no_testbench": True, "initial_values": True, "no_myhdl_header": True}
        flat.convert(hdl="Verilog", path=str(folder), name="dut", **options)
    (folder / "dut.v").rename(folder / "flat.v")
    inputs, outputs = ports(spec, probed)
    block = unelaborated(design(spec), clk=Signal(bool(0)), **inputs, **outputs)
    return ["flat.v"], [file.name for file in convert(block, folder, "dut", "verilog")]


def proven(gold, gate, folder):
    """Return whether ABC proves that two netlists are equal; False if it finds a difference."""
    script = "".join(
        JOIN.format(sources=" ".join(files), name=name) for name, files in (("gold", gold), ("gate", gate))
    )
    (folder / "miter.ys").write_text(script + MITER)
    call(["yosys", "-q", "-s", "miter.ys"], folder, 600, may_warn=True)
    abc = shutil.which("yosys-abc") or shutil.which("berkeley-abc")
    steps = "read_aiger miter.aig; strash; scorr; print_stats; pdr -T 60; print_status"
    done = subprocess.run([abc, "-c", steps], cwd=folder, capture_output=True, text=True, timeout=300)
    said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    if "Property proved" in said:
        return True
    assert "asserted in frame" in said, said[-2000:]
    return False


@pytest.fixture(autouse=True)
def few_bits(monkeypatch):
    """Make counters of cycles narrow, to keep the proofs short."""
    monkeypatch.setattr(numbers, "COUNTER_BITS", 4)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_hierarchy_equals_the_flat_netlist(name, tmp_path):
    needs("yosys")
    gold, gate = both(name, tmp_path)
    assert len(gate) > 12
    assert proven(gold, gate, tmp_path)


def test_a_netlist_that_differs_is_noticed(tmp_path):
    """The proof can fail: here the load of half of all other designs is accepted."""
    needs("yosys")
    gold, gate = both("membrane readout, probe", tmp_path)
    text = (tmp_path / "load_check.v").read_text()
    assert " != " in text
    (tmp_path / "load_check.v").write_text(text.replace(" != ", " == ", 1))
    assert not proven(gold, gate, tmp_path)
