"""Tables too long for README, as files: each function is one, its arguments are the sections whose numbers it needs."""

import re

import numpy as np

from minisnn.study.claim_words import bar, quantity, with_interval
from minisnn.study.tables import in_words

from ..race import PEERS
from ..show import BARS, KINDS, race_rows, times
from .record import RESULTS
from .sections import DESIGNS, LEVERS
from .words import (
    TITLES,
    accuracy,
    item,
    layerwise_cycles,
    lost,
    paragraph,
    percent,
    rates,
    spikes_that_differ,
    table,
    whole,
)

CLOCK_MHZ = 100  # at which cycles are told as time


def bits(bits):
    lose = lost(bits)

    def points(values):
        return f"{100 * np.mean(values):.2f} ({', '.join(f'{100 * value:.2f}' for value in values)})"

    rows = [
        (
            width,
            percent(np.mean(bits[width]["as it is"])),
            points(lose[width]["as it is"]),
            percent(np.mean(bits[width]["tuned"])),
            points(lose[width]["tuned"]),
        )
        for width in sorted(lose, key=int)
    ]
    header = ("bits", "post-training accuracy", "lost", "fine-tuned accuracy", "lost")
    return (
        "# What few bits cost\n\n"
        + paragraph(
            """SVHN-10k, T = 10. Points of test accuracy that integers lose, by the width of their weights: mean over
            the seeds 0, 1, 2, and each seed. "Post-training" compares with the trained floats; "fine-tuned" had 5 more
            epochs with rounded weights, and is compared with floats that had 5 more epochs too. Below 0 the integers
            are better. Each accuracy is in [quantization.csv](svhn/quantization.csv)."""
        )
        + "\n"
        + table(header, rows)
    )


def cycles(cycles, cycles_rate):
    direct, rate = cycles["designs"]["plain"], cycles_rate["designs"]["plain"]
    layerwise = layerwise_cycles(cycles)
    rows = [_design(flags, cycles["designs"][name], layerwise) for name, flags in LEVERS.items()]
    header = ("flags", "adders", "lanes", "taps", "latency, cycles", "interval", "layerwise", "dense", "µs", "images/s")
    stopped = [cycles["designs"][name]["exit"] for name in ("600, windows, exit", "600, all")]
    return (
        "# Clock cycles of the SVHN network\n\n"
        + paragraph(
            f"""Seed 0, 8-bit weights, T = 10, all {direct["images"]:,} test images, by `minisnn cycles`.
            {_accuracies("Direct", cycles["model"])} Latency is that of an image alone: mean (least to most); the
            interval is from one image to the next in a stream. "Layerwise" is the schedule of the same group's public
            RTL on the same spikes, at lanes 32/32/8/8: {layerwise:,.0f} cycles, known within some 2 % where it
            convolves spikes. "Dense" is our design of the row with every spike set. Microseconds and images a second
            are at {CLOCK_MHZ} MHz, an assumption: this network with weights of 8 bits has not been placed;
            [resources](resources.md) has the clocks of those that were."""
        )
        + "\n"
        + table(header, [*rows, _design("rate coding, --lanes 32/32/8/8", rate, layerwise)])
        + "\n"
        + paragraph(
            f"""`--exit lossless` changes no answer, and an image takes {stopped[0]["mean_steps"]:.2f} of its steps in
            the mean. `--exit 2` stops at a lead of two spikes, after {stopped[1]["mean_steps"]:.2f} steps; it loses
            {100 * stopped[1]["loss"]:.2f} points ({100 * stopped[1]["loss_low"]:.2f} to
            {100 * stopped[1]["loss_high"]:.2f}). {_accuracies("Rate", cycles_rate["model"])}"""
        )
        + "\n"
        + paragraph(
            f"""Additions take {direct["adding_vs_bound"]:.3f}x (rate: {rate["adding_vs_bound"]:.3f}x) their lower
            bound, which is, for each layer and step, the greater of the additions, and the spikes plus the words of
            zeros. An image takes {direct["latency_vs_bound"]:.3f}x ({rate["latency_vs_bound"]:.3f}x) the time that this
            bound and the firing passes would take. Where the cycles of a single image go, with direct coding at
            32/32/8/8:"""
        )
        + "\n"
        + _layers(direct)
        + "\n"
        + paragraph(
            """The second convolution has 32 channels, so more than 32 lanes cannot help it; `--taps` does, and then
            `--positions`, for its firing passes are a large part of what is left."""
        )
    )


def _design(flags, design, layerwise):
    """Return a row of the table of designs."""
    mean, least, most = (design["latency_cycles"][part] for part in ("mean", "min", "max"))
    lanes, taps = ("/".join(map(str, design[name])) for name in ("lanes", "taps"))
    return (
        f"`{flags}`" if flags.startswith("--") else flags,
        design["adders"],
        lanes,
        taps,
        f"{mean:,.0f} ({least:,} to {most:,})",
        f"{design['interval_cycles']:,.0f}",
        f"{mean / layerwise:.3f}x",
        f"{design['latency_vs']['dense']:.3f}x",
        f"{mean / CLOCK_MHZ:,.0f}",
        f"{CLOCK_MHZ * 1e6 / design['interval_cycles']:,.0f}",
    )


def _layers(design):
    """Return the table that says where the cycles of an image go."""
    mean = design["latency_cycles"]["mean"]
    names = ("1 32C3-MP2 (pixels, once an image)", "2 32C3-MP2", "3 256", "4 10")
    counts = (design[key] for key in ("lanes", "adding_cycles", "firing_cycles", "utilisation"))
    rows = [
        (name, lanes, f"{adds:,.0f}", f"{fires:,.0f}", f"{mean - adds - fires:,.0f}", percent(busy, 1))
        for name, lanes, adds, fires, busy in zip(names, *counts)
    ]
    return table(("layer", "lanes", "adds", "firing pass", "waits or idle", "busy in a stream"), rows)


def _accuracies(coding, model):
    return (
        f"{coding} coding reaches {percent(model['accuracy_before'])} in floats and {percent(model['accuracy_after'])} "
        f"in integers, with firing rates of {rates(model['firing_rates_after'])}."
    )


def resources(resources, clocks):
    header = (
        "network, lanes",
        "LUT4",
        "logic",
        "carry",
        "distributed RAM",
        "registers",
        "DP16KD",
        "MULT18",
        "block RAM",
    )
    rows = []
    for name, of in resources.items():
        cells, packed = of["cells"], of["packed"]
        counts = (*packed.values(), cells["registers"], cells["DP16KD"], cells["MULT18X18D"])
        micro = (*(f"{count:,}" for count in counts), f"{of['block_ratio']:.2f}x", f"{of['latency_cycles']:,.0f}")
        rows.append((name, *micro))
    placed = [
        (name, f"{of['mhz']:.1f}", f"{of['latency_cycles']:,.0f}", f"{of['latency_cycles'] / of['mhz']:.1f}")
        for name, of in clocks.items()
    ]
    tools = "; ".join(next(iter(resources.values()))["tools"])
    return (
        "# Resources on an FPGA\n\n"
        + paragraph(
            f"""Lattice ECP5, 85k device, by {tools}, with `minisnn synth`: the digits and SVHN networks with 8-bit
            weights, and their mean latency over all test images. LUT4 are counted as nextpnr packs them, and are the
            sum of the three columns after it: Yosys itself counts only those of logic. A carry takes two for each bit
            pair, and 16 words of 4 bits of distributed RAM take six. DP16KD are blocks of 16 Ki bits. "Block RAM" is
            the number of blocks used, relative to what the weights and membranes in them need, each memory rounded up
            to whole blocks."""
        )
        + "\n"
        + table((*header, "latency, cycles"), rows)
        + "\n"
        + paragraph("The clocks are each that of one placement (`--seed 1`, unless stated), speed grade 6:")
        + "\n"
        + table(("network, lanes", "MHz", "latency, cycles", "latency, us"), placed)
    )


def area(area, resources):
    from minisnn_hw.synth.area import COSTS, estimate

    from ..area import FIT, spec_of_row, spec_of_trained

    lines, errors = [], []
    designs = [(name, spec_of_row(row), row) for name, row in area.items()]
    for name, of in resources.items():
        model, flags = DESIGNS[name]
        cells, numbers = of["cells"], [tuple(map(int, word.split("/"))) for word in flags.split()[1::2]]
        counted = {"tables": of["packed"]["total"], "cells": cells["DPR16X4"], "blocks": cells["DP16KD"]}
        counted |= {"multipliers": cells["MULT18X18D"]}
        designs.append((f"{name} (trained)", spec_of_trained(model, *numbers), counted))
    for name, spec, row in designs:
        guess = estimate(spec)
        error = guess.tables / row["tables"] - 1
        if name not in FIT:
            errors.append(abs(error))
        pairs = ((row[of], getattr(guess, of)) for of in ("tables", "cells", "blocks", "multipliers"))
        tables, *others = (f"{counted:,} / {estimated:,}" for counted, estimated in pairs)
        lines.append((name, "fit" if name in FIT else "check", tables, f"{100 * error:+.1f} %", *others))
    costs = [(part, f"{cost:g}") for part, cost in COSTS["ecp5"].items()]
    header = ("design", "part of", "look-up tables", "error", "cells of 16 x 4", "block RAMs", "multipliers")
    return (
        "# The estimate of cells\n\n"
        + paragraph(
            f"""What the tools counted for an ECP5, and what `minisnn cycles` estimates before any tool runs:
            {"; ".join(next(iter(area.values()))["tools"])}, look-up tables as packed. Memories are placed by Yosys' own
            rule; look-up tables of logic are a sum over the parts of a design, with a cost for each part that was
            fitted to the designs of the fit. The {len(errors)} of the check are off by {percent(np.median(errors), 1)}
            (median) and {percent(max(errors), 1)} (most). Names tell lanes. Those marked as trained are the designs of
            [resources](resources.md), with the gates that were measured there; the other networks have random weights,
            because a design contains none, only their widths."""
        )
        + "\n"
        + table(header, sorted(lines, key=lambda line: line[1]))
        + "\n"
        + paragraph("Look-up tables of logic for a unit of each part, as `hw/synth/area.py` explains them:")
        + "\n"
        + table(("part", "look-up tables"), costs)
    )


def svhn_fit(svhn_fit):
    rows = []
    for width, of in svhn_fit["fits"].items():
        for point in of["front"]:
            by_layer = ("/".join(map(str, point[name])) for name in ("lanes", "taps"))
            cells = point["estimated"].values()
            numbers = (point["adders"], *cells, point["latency_cycles"])
            accuracy = percent(of["accuracy"])
            rows.append((width, accuracy, *by_layer, *(f"{number:,.0f}" for number in numbers)))
    header = ("bits", "accuracy", "lanes", "taps", "adders", "look-up tables", "block RAMs", "multipliers")
    return (
        "# The SVHN network on an ECP5 85F\n\n"
        + paragraph(
            """Designs of 32C3-MP2-32C3-MP2-256-10 that fit by the estimate, of which [a table](area.md) says how good
            it is: 208 block RAMs, nine tenths of the look-up tables, 156 multipliers. With weights of 8 bits the
            command finds none: the memories alone are too large. Accuracy is that of the integers after
            quantisation, without fine-tuning; [bits](bits.md) says what that wins back. Cycles are the mean of the
            first 16 test images."""
        )
        + "\n"
        + table((*header, "cycles"), rows)
        + "\n## One of them, placed and routed\n\n"
        + _placed(svhn_fit["placed"])
    )


def _placed(design):
    """Say what place and route made of a design, and what follows for the time of an image."""
    mhz, packed, lanes = design["mhz"], design["packed"]["total"], "/".join(map(str, design["lanes"]))
    tools = " and ".join(re.search(r"(Yosys |nextpnr-)[\d.]+", tool)[0] for tool in design["tools"])
    begin, end = (f"`{design['critical_path'][at][1]}`" for at in (0, -1))
    return paragraph(
        f"""The design of 4 bits with lanes {lanes} reaches {mhz:.1f} MHz with {tools}. It has {packed:,} look-up tables
        as packed ({design["estimated_look_up_tables"]:,} by the estimate), {design["cells"]["registers"]:,} registers,
        {design["cells"]["DP16KD"]} block RAMs and {design["cells"]["MULT18X18D"]} multipliers. At that clock, over all
        test images, an image has its answer after {design["latency_cycles"] / mhz:,.0f} us
        ({design["latency_cycles"]:,.0f} cycles), and {1e6 * mhz / design["interval_cycles"]:,.0f} images pass in a
        second, at {percent(design["accuracy"])}. The longest path is from {begin} to {end}."""
    )


def study(study):
    claims = [
        (claim["group"], claim["what"], f"{quantity(test)} {bar(test)}", with_interval(test), test["verdict"])
        for claim in study["list"]
        for test in claim["tests"]
    ]
    notes = dict.fromkeys(claim["note"] for claim in study["list"] if claim["note"])
    settings = [
        (
            name,
            ", ".join(filter(None, [in_words(of["settings"], "learning rate"), of["read"]])),
            accuracy(np.mean(of["accuracy"]), min(of["accuracy"]), max(of["accuracy"])),
            whole(of["latency"]),
            percent(np.mean(of["firing_rate"])),
        )
        for name, of in study["settled"].items()
    ]
    lacks = study["reached"]["lacks"]
    return (
        "# The study on SVHN-10k\n\n"
        + paragraph(
            f"""{study["plan"]["epochs"]} epochs, the seeds {", ".join(map(str, study["plan"]["seeds"]))}. All points
            are in [results.csv](svhn/results.csv), the numbers behind the claims in [claims.json](svhn/claims.json),
            and both in [study.sqlite](svhn/study.sqlite), without the trained models."""
        )
        + "\n## Claim by claim\n\n"
        + table(("group", "claim", "test", "result (interval of 95 %)", "verdict"), claims)
        + "\n"
        + "".join(item(f"{note[0].upper()}{note[1:]}.") for note in notes)
        + "\n## Settings compared\n\nMeans over the seeds, and their range.\n\n"
        + table(("name", "settings", "test accuracy", "latency, cycles", "firing rate"), settings)
        + "\n## What was reached\n\n"
        + paragraph(f"The study is not finished: {lacks}." if lacks else "All stages are complete.")
        + "\n"
        + table(
            ("stage", "points there", "points"),
            [(name, there, "-" if of is None else of) for name, there, of in study["reached"]["stages"]],
        )
        + "\n"
        + "".join(item(f"A departure from the protocol: {each}") for each in study["plan"]["departures"])
    )


def speed(speed):
    rows, limits = [], []
    for name, title in TITLES.items():
        if name not in speed["races"]:
            continue
        race = speed["races"][name]
        for kind, peer, theirs, ours, ratio in race_rows(race):
            figures = ("-" if value is None else f"{value:.0f}" for value in (theirs, ours))
            bar = BARS.get(name, {}).get(f"{kind}_vs_{peer}")
            rows.append((title, KINDS[kind], PEERS[peer].title, *figures, times(kind, ratio), f"{bar}x" if bar else ""))
        if "needed_gflop" in race:
            needed = race["needed_gflop"].values()
            shares = (race[f"share_of_{key}"] for key in ("limit", "limit_12x12", "spike_limit"))
            cells = (f"{gflop:.2f}: {share:.2f}" for gflop, share in zip(needed, shares))
            limits.append((title, f"{race['sgemm_gflops']:.0f}", *cells, rates(race["firing_rates"])))
    text = (
        "# Speed against snnTorch, SpikingJelly, torch and JAX\n\n"
        + paragraph(
            """Direct coding, beta 0.25, threshold 1, cross-entropy on counts, Adam; the same weights, images and
            labels. Medians of alternating runs in one process on two cores; each peer has its own surrogate and reset
            order, and minisnn the same. snnTorch and SpikingJelly are written as their manuals do; torch.compile,
            folded torch and JAX as fast as they could be made: all steps folded into the batch (JAX: a scan), the
            constant image convolved once, channels last, fused Adam. The spike counts of all agree (at T = 25, sums in
            another order flip some of them)."""
        )
        + "\n"
        + table(("network", "what", "peer", "peer's", "minisnn's", "ratio", "bar"), rows)
    )
    if limits:
        header = ("network", "sgemm, GFLOP/s", "dense", "dense, pooled pixels", "real spikes", "firing rates")
        text += "\n" + paragraph(
            """GFLOP that a step of training needs, and its share of the rate of NumPy's matrix product: counted as if
            every input were a spike, the same without the pixels that no pool reads, and for the spikes there are."""
        )
        text += "\n" + table(header, limits)
    return text


def nir(nir):
    return (
        "# Networks in NIR files\n\n"
        + paragraph(
            """Spikes that differ between the network that was written and the one that was read, of all neurons and
            steps, by `python -m tests.benchmarks.interop_nir`; "nir" is the file run by the equations of the format."""
        )
        + "\n"
        + spikes_that_differ(nir["rows"])
    )


def boards(bitstreams, lines, buses):
    cells = {
        "look-up tables": ("TRELLIS_COMB", "LUT4"),
        "registers": ("TRELLIS_FF", "DFF"),
        "block RAM": ("DP16KD", "BSRAM"),
    }
    placed, told = [], []
    for board, of in bitstreams.items():
        used = of["built"]["used"]
        shown = [next(used[name] for name in names if name in used) for names in cells.values()]
        seconds = [f"{each['processors']:.0f}" for each in of["built"]["seconds"].values()]
        clock = (f"{of['built']['mhz']:.1f}", f"{of['built']['clock_mhz']:g}")
        placed.append((f"`{board}`", _by_layer(of), *(f"{one:,} of {all_:,}" for one, all_ in shown), *clock, *seconds))
    for board, of in lines.items():
        line = of["simulated"]
        there_back = f"{line['bytes_there']:.1f}, {line['bytes_back']}"
        cycles = (f"{line['line_cycles']:,.0f}", f"{line['computing_cycles']:,.0f}")
        counts = (line["images"], line["different"], f"{line['load_bytes']:,}")
        told.append((f"`{board}`", _by_layer(of), *counts, there_back, *cycles))
    header = ("board", "lanes", *cells, "clock, MHz", "needs", "Yosys, s", "nextpnr, s", "packer, s")
    return (
        "# Boards and buses\n\n"
        + paragraph(
            """The digits network with 8-bit weights. No bitstream has met a board yet: these are reports of tools, and
            simulations."""
        )
        + "\n## Bitstreams\n\n"
        + paragraph(
            """With the lanes that the command takes, and seed 1. Seconds are those of processors, at the machine's load
            that is named below; a busy machine makes them longer. `nextpnr.json` in the folder is the whole report."""
        )
        + "\n"
        + table(header, placed)
        + "\n## Answers through the serial line\n\n"
        + paragraph(
            """The whole board in Verilator, all test images. Bytes are those of an image's frame and its answer's; the
            cycles are an image's average, at 115,200 bits a second on the line, and for an image alone in the
            accelerator by the cycle model."""
        )
        + "\n"
        + table(
            (
                *("board", "lanes", "images", "different from the integers", "load, bytes", "bytes there, back"),
                *("cycles on the line", "computing"),
            ),
            told,
        )
        + "\n## The wrapper with AXI\n\n"
        + paragraph(
            """The Verilog in Icarus under cocotb, with models of the buses by others (cocotbext-axi). A stall comes at
            random in 60 of 100 cycles. Each width of the streams has a design of its own, and runs all of this:"""
        )
        + "\n"
        + table(
            ("what is compared with the integers", "stalls in", "stalls out", "runs"),
            [
                ("the answers of two loads, one after the other", "without, with", "without, with", 4),
                ("the answers after a reset, at 4 moments of each load", "without, with", "without, with", 16),
                ("a second load, offered while images are under way", "without, with", "the same", 2),
                ("the answers after a flush, at 5 moments", "without", "with", 5),
                ("registers, and what AXI4-Lite must refuse", "without", "without", 1),
                ("loads and images that are too short or too long", "without", "without", 1),
            ],
        )
        + "\n"
        + table(("streams, bits", "result"), [(width, "passed") for width in buses["cocotb"]])
        + "\n## FuseSoC\n\n"
        + paragraph("`minisnn vhdl` writes a core beside the design. A simulation compares an image with the integers.")
        + "\n"
        + table(
            ("folder", "target", "result"),
            [
                (f"`{flags}`", target, "no complaint" if target == "lint" else "PASS" if passed else "FAIL")
                for flags, target, passed in buses["fusesoc"]
            ],
        )
    )


def _by_layer(of):
    return "/".join(map(str, of["lanes"]))


_ALL = (bits, cycles, resources, area, svhn_fit, study, speed, nir, boards)
FILES = {f"{RESULTS}/{function.__name__}.md": function for function in _ALL}
