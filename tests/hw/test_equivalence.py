"""Proofs for all inputs and all times, at small parameters: Verilog equals VHDL, and the probe changes nothing.

The proofs of whole accelerators, of some thousand bits, include the blocks inside them.
"""

from functools import partial

import numpy as np
import pytest

from minisnn_hw import spec as numbers
from minisnn_hw.accelerator import design, ports
from minisnn_hw.conv2d import conv2d
from minisnn_hw.generate.specify import specify
from minisnn_hw.lif import lif
from minisnn_hw.linear import linear
from minisnn_hw.maxpool import maxpool
from minisnn_hw.ports import Scan, Walk
from minisnn_hw.spike_scanner import spike_scanner
from minisnn_hw.verify import equivalence
from tests.hw.networks import random_network
from tests.hw.ports import bit, full, needs, plain, signed, word


@pytest.fixture(autouse=True)
def few_bits(monkeypatch):
    """Make counters of cycles as narrow as the rest, to keep the proofs short."""
    monkeypatch.setattr(numbers, "COUNTER_BITS", 4)


def small(topology, shape, lanes, taps=None, **options):
    """Return the spec of a whole accelerator with the smallest widths."""
    network = random_network(
        topology, shape, np.random.default_rng(0), bits=2, membrane_bits=4, guard=1, threshold=3, **options
    )
    return specify(network, lanes, max_steps=2, load_bits=8, taps=taps)


def neuron(rounding):
    make = partial(lif, beta=3, frac=2, reset="subtract", towards_zero=rounding)
    return make, lambda: (
        {"fires": word(3), "v": signed(5), "addend": signed(4), "threshold": word(4), "clear": bit()},
        {"spike": bit(), "membrane": word(5), "kept": signed(5)},
    )


def scanner():
    make = plain(partial(spike_scanner, height=2, width=2, channels=4, flat=False), scan=Scan)
    return make, lambda: full(
        make,
        lambda: (
            {"rst": bit(), "start": bit(), "read_data": word(2), "ready": bit()},
            {
                "busy": bit(),
                "read": bit(),
                "read_address": word(3),
                "follows": bit(),
                "present": bit(),
                "valid": bit(),
                "y": word(1),
                "x": word(1),
                "channel": word(2),
                "index": word(1),
            },
        ),
    )


def taps():
    make = plain(
        partial(conv2d, taps=1, kernel=2, padding=0, out_height=2, out_width=2, groups=2), scan=Scan, walk=Walk
    )
    return make, lambda: full(
        make,
        lambda: (
            {"rst": bit(), "valid": bit(), "y": word(2), "x": word(2), "channel": word(1), "index": word(1)},
            {
                "ready": bit(),
                "move": bit(),
                "load": bit(),
                "busy": bit(),
                "add": bit(),
                "weight_address": word(4),
                "banks": word(1),
                "addresses": word(3),
            },
        ),
    )


def rows():
    make = plain(partial(linear, groups=3), scan=Scan, walk=Walk)
    return make, lambda: full(
        make,
        lambda: (
            {"rst": bit(), "valid": bit(), "y": word(1), "x": word(1), "channel": word(3), "index": word(2)},
            {
                "ready": bit(),
                "move": bit(),
                "load": bit(),
                "busy": bit(),
                "add": bit(),
                "weight_address": word(5),
                "banks": word(1),
                "addresses": word(2),
            },
        ),
    )


def pool():
    return maxpool, lambda: (
        {"valid": bit(), "first": bit(), "last": bit(), "spikes": word(3)},
        {"word_valid": bit(), "word": word(3)},
    )


BLOCKS = {
    "lif": partial(neuron, False),
    "lif towards zero": partial(neuron, True),
    "scanner": scanner,
    "conv2d": taps,
    "linear": rows,
    "maxpool": pool,
}


@pytest.mark.parametrize("name", BLOCKS)
def test_block_is_the_same_in_vhdl(name):
    needs("yosys", "ghdl")
    assert equivalence.prove_vhdl(*BLOCKS[name]()) > 0


def test_accelerator_is_the_same_in_vhdl():
    """The whole accelerator: streams, loader, buffer, scanner, lanes, firing pass, scores."""
    needs("yosys", "ghdl")
    spec = small("2", (3,), [1])
    assert equivalence.prove_vhdl(design(spec), lambda: ports(spec, False)) > 300


@pytest.mark.parametrize("case", ["spikes, taps, pool", "pixels, membranes"])
def test_probe_changes_nothing(case):
    needs("yosys")
    spec = (
        small("1C2-MP2-2", (3, 3, 1), [1, 1], (4, 1))
        if "pool" in case
        else small("2", (3,), [1], input_bits=2, readout="membrane")
    )
    assert equivalence.prove_probe(spec) > 300


def test_a_different_design_is_refused():
    """The proof fails for >= in place of > in the neuron, and for a probe that changes one other port."""
    needs("yosys")
    gold = equivalence.verilog_of(*neuron(False))
    compared = "(u > theta)"
    assert gold.count(compared) == 1
    with pytest.raises(equivalence.NotEqual, match="spike"):
        equivalence.prove(gold, gold.replace(compared, "(u >= theta)"))
    spec = small("2", (3,), [1])
    without, probed = (equivalence.verilog_of(design(spec), lambda: ports(spec, seen)) for seen in (False, True))
    head, loaded, tail = probed.rpartition("assign loaded = good;")  # the top's, which is the last module
    assert loaded
    with pytest.raises(equivalence.NotEqual, match="loaded"):
        equivalence.prove(
            without,
            f"{head}assign loaded = good && !probe_fired;{tail}",
            "w:probe_*",
        )


def test_a_netlist_of_ghdl_without_the_repair_is_refused(monkeypatch):
    """The repair is needed: in the netlist that GHDL 2.0.0 writes, a table loses its last value."""
    needs("yosys", "ghdl")
    monkeypatch.setattr(equivalence, "mend", lambda verilog, vhdl: verilog)
    with pytest.raises(equivalence.NotEqual, match="find_y"):
        equivalence.prove_vhdl(*taps())
