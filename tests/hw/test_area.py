"""The estimate of cells: memories by hand, and logic against designs that Yosys mapped and the fit did not see."""

import json
from pathlib import Path

import numpy as np
import pytest

from minisnn_hw.generate.specify import specify
from minisnn_hw.synth import area
from minisnn_hw.synth.devices import DEVICES
from minisnn_hw.synth.families import FAMILIES
from tests.benchmarks import area as measured
from tests.hw.networks import random_network

RECORDS = json.loads((Path(__file__).parents[2] / "tutorials/results/readme.json").read_text())
ROWS = RECORDS["area"]["measured"]


@pytest.mark.parametrize(
    "words, width, blocks, cells",
    [
        (512, 36, 1, 0),
        (512, 40, 2, 0),
        (513, 36, 2, 0),  # two blocks of 1024 words of 18 bits
        (17_000, 1, 2, 0),
        (2048, 9, 1, 0),
        (64, 20, 0, 20),  # 80 for the cells, 32 for the choice among 4 rows of them: less than 128 for a block
        (64, 21, 1, 0),
        (2, 512, 0, 128),
        (20, 15, 0, 8),
    ],
)
def test_a_memory_by_hand(words, width, blocks, cells):
    placed = area.place(words, width)
    assert (placed.blocks, placed.cells) == (blocks, cells)


def test_multipliers_by_hand():
    """A multiplier for each lane and tap of pixels, and for each lane whose leak, 5/8, is no shift."""
    network = random_network("2C3-4", (5, 5, 1), np.random.default_rng(0), input_bits=4, beta=5)
    assert area.estimate(specify(network, (2, 3), taps=(9, 1))).multipliers == 2 * 9 + 2 + 3
    shift = random_network("2C3-4", (5, 5, 1), np.random.default_rng(0), beta=4)
    assert area.estimate(specify(shift, (2, 3), taps=(9, 1))).multipliers == 0


def test_what_a_device_lacks_is_named():
    design = area.Area(tables=20_000, cells=400, blocks=50, multipliers=49)
    device = DEVICES["gw2ar-18"]
    assert not area.Area(18_000, 300, 46, 48).lacking(device)
    assert design.lacking(device) == [
        "50 block RAMs, of which the Gowin GW2AR-18 has 46",
        "about 20,000 look-up tables, of which it has 20,736",
        "49 multipliers, of which it has 48",
        "400 cells of small memories, for which it has 648 places",
    ]
    assert {device.family for device in DEVICES.values()} == set(area.COSTS) <= set(FAMILIES)


def test_a_search_estimates_as_a_single_design_is_estimated():
    network = random_network("6C3-MP2-9-4", (8, 8, 1), np.random.default_rng(0), input_bits=4)
    estimated = area.estimates(network, "ecp5")
    for lanes, taps in (((1, 1, 1), (1, 1, 1)), ((6, 4, 3), (3, 1, 1)), ((2, 9, 4), (9, 1, 1))):
        assert estimated(lanes, taps) == area.estimate(specify(network, lanes, taps=taps))


def test_costs_are_those_of_the_fit():
    assert measured.fitted(ROWS) == area.COSTS["ecp5"]


def test_designs_that_the_fit_did_not_see():
    """Half of the look-up tables are within 15 %; block RAMs and cells of memory are those of Yosys."""
    errors = []
    for name in measured.CHECK:
        row = ROWS[name]
        guess = area.estimate(measured.spec_of_row(row))
        errors.append(abs(guess.tables / row["tables"] - 1))
        assert (guess.blocks, guess.cells, guess.multipliers) == (row["blocks"], row["cells"], row["multipliers"]), name
    trained = RECORDS["resources"]["measured"]
    for name, network, *numbers in (
        ("digits, 32/8/8", "digits", (32, 8, 8)),
        ("digits, 11/32/5", "digits", (11, 32, 5)),
        ("digits, 8/8/2", "digits", (8, 8, 2)),
        ("digits, 8/8/2 `--taps 9/1/1`", "digits", (8, 8, 2), (9, 1, 1)),
        ("digits, 4/4/2", "digits", (4, 4, 2)),
        ("SVHN, 32/32/8/8", "svhn", (32, 32, 8, 8)),
    ):
        guess, cells = area.estimate(measured.spec_of_trained(network, *numbers)), trained[name]["cells"]
        errors.append(abs(guess.tables / trained[name]["packed"]["total"] - 1))
        assert abs(guess.blocks - cells["DP16KD"]) <= 1
    assert len(errors) >= 8 and np.median(errors) < 0.15
