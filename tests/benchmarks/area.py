"""Check the estimate of cells against Yosys: python -m tests.benchmarks.area [--json] [--file area.json].

Each design is converted to Verilog and mapped to ECP5: what Yosys counts, and the look-up tables as nextpnr packs them.
The costs in hw/synth/area.py are fitted to some designs; the others are the check. Networks have random weights: a
design contains none, only their widths.

Every result is kept in the file at once, so that the command goes on where it was interrupted. Without --json it prints
the costs.
"""

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from minisnn import Encoder, Model, Network, quantize
from minisnn.files import atomic_write
from minisnn_hw.generate.specify import specify
from minisnn_hw.spec import AcceleratorSpec, LayerSpec
from minisnn_hw.synth.area import CELL_TABLES, PARTS, parts
from minisnn_hw.synth.synthesize import synthesize, verilog_of

# Topology, shape and coding of the input, options of the network.
DIGITS = ("32C3-MP2-128-10", (8, 8, 1), "direct", {"padding": 1, "beta": 0.5})
FLAT = ("128-10", (28, 28, 1), "rate", {"beta": 0.9})
FLAT_PIXELS = ("128-10", (28, 28, 1), "direct", {"beta": 0.5})
SMALL = ("20-10", (8,), "rate", {"beta": 0.5})
DEEP = ("64-32-10", (16,), "rate", {"beta": 0.9})
LARGE_KERNEL = ("16C5-MP2-10", (12, 12, 1), "direct", {"beta": 0.5})
ONE = ("8C3-MP2-10", (10, 10, 1), "rate", {"beta": 0.5})
SVHN = ("32C3-MP2-32C3-MP2-256-10", (32, 32, 3), "direct", {"beta": 0.25})

# The trained networks of README, with weights of 8 bits: bits of a pixel, and of each layer's membranes.
TRAINED = {"digits": (DIGITS, 5, (20, 19, 18)), "svhn": (SVHN, 8, (24, 19, 21, 19))}
# name: network, weight bits, lanes, taps
FIT = {
    "20-10, 1/1": (SMALL, 8, (1, 1), (1, 1)),
    "64-32-10, 4/4/2": (DEEP, 8, (4, 4, 2), (1, 1, 1)),
    "784-128-10, 8/2": (FLAT, 8, (8, 2), (1, 1)),
    "8C3-MP2-10, 4/10": (ONE, 4, (4, 10), (1, 1)),
    "8C3-MP2-10, 4/5, a row of taps": (ONE, 4, (4, 5), (3, 1)),
    "8C3-MP2-10, 2/5, all taps": (ONE, 4, (2, 5), (9, 1)),
    "digits, 1/1/1": (DIGITS, 8, (1, 1, 1), (1, 1, 1)),
    "digits, 4/4/2": (DIGITS, 8, (4, 4, 2), (1, 1, 1)),
    "digits, 2/2/1, all taps": (DIGITS, 8, (2, 2, 1), (9, 1, 1)),
}
CHECK = {
    "64-32-10, 16/8/5": (DEEP, 8, (16, 8, 5), (1, 1, 1)),
    "784-128-10 of pixels, 4/2": (FLAT_PIXELS, 6, (4, 2), (1, 1)),
    "digits, 2/8/5": (DIGITS, 8, (2, 8, 5), (1, 1, 1)),
    "16C5-MP2-10, 2/5, a row of taps": (LARGE_KERNEL, 4, (2, 5), (5, 1)),
}
DESIGNS = FIT | CHECK


def spec_of(name):
    """Return the numbers of a design."""
    network, bits, lanes, taps = DESIGNS[name]
    return specify(integers_of(network, bits), lanes, taps=taps)


def integers_of(network, bits):
    """Return a network in integers, with random weights."""
    topology, shape, coding, options = network
    net = Network(topology, shape, rng=np.random.default_rng(0), **options)
    black = np.zeros((1, *shape), np.uint8)
    return quantize(Model(net, Encoder(coding, 10)), bits, images=black)[0].network


def spec_of_trained(name, lanes, taps=None):
    """Return the numbers of a design of a trained network, of which nothing but its widths matters."""
    network, input_bits, membranes = TRAINED[name]
    integers = integers_of(network, 8)
    layers = tuple(replace(layer, membrane_bits=bits) for layer, bits in zip(integers.layers, membranes))
    return specify(replace(integers, layers=layers, input_bits=input_bits), lanes, taps=taps)


def spec_of_row(row):
    """Return the numbers of a design that was mapped, as they were then."""
    layers = tuple(LayerSpec(**layer) for layer in row["spec"]["layers"])
    return AcceleratorSpec(**row["spec"] | {"layers": layers})


def mapped(name, timeout):
    """Return the cells of a design as the tools count them."""
    spec = spec_of(name)
    report = synthesize(verilog_of(spec), spec, timeout=timeout, place=False)
    if report.faults:
        raise SystemExit(f"area: {name}: {'; '.join(report.faults)}")
    return {
        "tools": report.tools,
        "spec": asdict(spec),
        "tables": sum(report.packed.values()),
        "of these": report.packed,
        "cells": report.cells["DPR16X4"],
        "blocks": report.cells["DP16KD"],
        "multipliers": report.cells["MULT18X18D"],
        "registers": report.cells["registers"],
    }


def fitted(rows):
    """Return the costs of the parts of logic, in look-up tables, by least squares of relative errors, none below 0."""
    designs = [rows[name] for name in FIT]
    sizes = np.array([list(parts(spec_of_row(row)).values()) for row in designs])
    logic = np.array([row["tables"] - CELL_TABLES * row["cells"] for row in designs])
    costs, _ = nnls(sizes / logic[:, None], np.ones(len(logic)))
    return {part: float(f"{cost:.3g}") for part, cost in zip(PARTS, costs)}


def main():
    """Map what is not mapped yet, and print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.area",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--file", type=Path, default=Path("area.json"), help="results so far (default: area.json)")
    parser.add_argument("--timeout", type=float, default=3600, metavar="SECONDS", help="for each tool (default: 3600)")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    args = parser.parse_args()
    rows = json.loads(args.file.read_text()) if args.file.exists() else {}
    for name in DESIGNS:
        if name not in rows:
            rows[name] = mapped(name, args.timeout)
            atomic_write(args.file, json.dumps(rows).encode())
    print(json.dumps({name: rows[name] for name in DESIGNS}) if args.json else fitted(rows))


if __name__ == "__main__":
    main()
