"""No register needs an initial value, and no stream reaches another within a cycle: netlists of Yosys."""

import re
import subprocess

import numpy as np
import pytest

import minisnn as ms
from minisnn_hw.accelerator import design, ports
from minisnn_hw.delivery.deliver import deliver
from minisnn_hw.generate.specify import specify
from minisnn_hw.generate.tools import call
from minisnn_hw.verify.equivalence import verilog_of
from tests.hw.networks import random_network
from tests.hw.ports import needs

# topology, input shape, encoding, lanes, options of the network, taps
NETWORKS = {
    "spikes": ("5-4", (9,), "rate", (2, 3), {}, None),
    "pixels": ("3C3-MP2-4", (6, 6, 1), "direct", (2, 4), {}, None),
    "taps": ("3C3-2C2-4", (5, 5, 1), "direct", (3, 2, 2), {"reset": "zero"}, (9, 2, 1)),
    "membranes": ("4", (5,), "latency", (4,), {"readout": "membrane"}, None),
}
# All initial values are deleted, of registers and memories; tables stay logic, or they would be memories, too.
NETLIST = """read_verilog {sources}
hierarchy -top {top}
proc -norom
flatten
hierarchy -top {top}
opt_clean
memory_collect
opt
delete t:$meminit t:$meminit_v2
setattr -unset init w:*
setparam -set INIT 1'x t:$mem_v2
write_verilog -noattr {target}
"""


def files_of(name):
    """Return a delivery in Verilog: the design, its bench, a load, images and answers."""
    topology, shape, encoding, lanes, options, taps = NETWORKS[name]
    rng = np.random.default_rng(5)
    net = ms.Network(topology, shape, beta=0.75, threshold=0.3, rng=rng, **options)
    images = rng.random((3, *shape))
    model, _ = ms.quantize(ms.Model(net, ms.Encoder(encoding, 3)), images=images)
    return deliver(model, images, specify(model.network, lanes, taps=taps), "net", "verilog")


def passes(folder):
    """Return whether the bench passes in Icarus Verilog, where a register is X until it is written."""
    call(["iverilog", "-g2012", "-s", "net_bench", "-o", "net.vvp", "-c", "net.f", "net_bench.sv"], folder, 300)
    done = subprocess.run(["vvp", "-n", "net.vvp"], cwd=folder, capture_output=True, text=True, timeout=300)
    assert ("PASS" in done.stdout) == (done.returncode == 0), done.stdout
    return done.returncode == 0


def without_initial_values(folder, top="net"):
    """Replace a design by its netlist without initial values."""
    sources, netlist = (folder / f"{top}.f").read_text().split(), folder / "netlist.v"
    script = NETLIST.format(sources=" ".join(sources), target=netlist.name, top=top)
    call(["yosys", "-q", "-p", script], folder, 300, may_warn=True)
    (folder / f"{top}.f").write_text("netlist.v\n")
    text = netlist.read_text()
    assert "initial" not in text and not re.search(r"^ *reg .* = ", text, re.M)


@pytest.mark.parametrize("name", NETWORKS)
def test_no_initial_values_are_needed(name, tmp_path):
    """A netlist without them passes the delivered bench: every beat and every number of cycles."""
    needs("yosys", "iverilog")
    for file, text in files_of(name).items():
        (tmp_path / file).write_text(text)
    without_initial_values(tmp_path)
    assert passes(tmp_path)


def test_a_register_without_a_reset_is_noticed(tmp_path):
    """The test above can fail: without its reset, what the input stream takes stays unknown."""
    needs("yosys", "iverilog")
    for file, text in files_of("spikes").items():
        (tmp_path / file).write_text(text)
    source = tmp_path / "stream_in.v"
    text, process = source.read_text(), "begin: judge\n    if (rst)"
    assert text.count(process) == 1
    source.write_text(text.replace(process, process.replace("rst", "1'b0")))
    assert passes(tmp_path)  # with initial values it is right
    without_initial_values(tmp_path)
    assert not passes(tmp_path)


GIVEN = {
    "s_load": ("s_load_tdata", "s_load_tvalid", "s_load_tlast"),
    "s_input": ("s_input_tdata", "s_input_tvalid", "s_input_tlast"),
    "m_output": ("m_output_tready",),
}
SEEN = {
    "s_load": ("s_load_tready",),
    "s_input": ("s_input_tready",),
    "m_output": ("m_output_tdata", "m_output_tvalid", "m_output_tlast"),
}
PAIRS = [(a, b) for given, names in GIVEN.items() for a in names for seen in SEEN for b in SEEN[seen] if given != seen]


def paths(verilog, folder):
    """Return the pairs of PAIRS that are joined by a path without a register or memory."""
    (folder / "dut.v").write_text(verilog)
    script = "read_verilog dut.v; hierarchy -top dut; proc -norom; flatten; opt_clean; memory_collect; opt; "
    registers = "$dff,$dffe,$sdff,$sdffe,$sdffce,$mem_v2"
    for a, b in PAIRS:
        script += f"tee -q -a paths.txt select -count i:{a} %co*:-{registers} o:{b} %i; "
    call(["yosys", "-q", "-p", script], folder, 300, may_warn=True)
    counts = re.findall(r"(\d+) objects", (folder / "paths.txt").read_text())
    return {pair for pair, count in zip(PAIRS, counts, strict=True) if int(count)}


@pytest.mark.parametrize("input_bits", [0, 3])
def test_no_path_from_one_stream_to_another(input_bits, tmp_path):
    """What a stream is given reaches the outputs of the others through registers alone."""
    needs("yosys")
    network = random_network("2C2-MP2-4", (5, 5, 2), np.random.default_rng(0), input_bits=input_bits)
    spec = specify(network, [1, 3], load_bits=8)
    text = verilog_of(design(spec), lambda: ports(spec, False))
    for folder in ("whole", "joined"):
        (tmp_path / folder).mkdir()
    assert not paths(text, tmp_path / "whole")
    asked = "wanted = asked"  # the test can fail: here a load stops images in the cycle in which it is offered
    assert text.count(asked) == 1
    joined = text.replace(asked, "wanted = stream_tvalid || asked")
    assert paths(joined, tmp_path / "joined") == {("s_load_tvalid", "s_input_tready")}
