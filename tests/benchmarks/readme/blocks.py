"""Marked blocks of README and the guides: each function is one, its arguments are the sections that it needs."""

import numpy as np

from ..race import PEERS
from ..show import race_rows, times
from .record import RESULTS
from .words import (
    TITLES,
    accuracy,
    duration,
    item,
    layerwise_cycles,
    lost,
    paragraph,
    percent,
    rates,
    spikes_that_differ,
    table,
)


def intro(speed):
    race = speed["races"]["t10_b32"]
    faster, memory = race["train_vs_snntorch"], race["peak_mb"]["minisnn"] / race["peak_mb"]["snntorch"]
    return paragraph(
        f"""People train spiking networks in PyTorch, where automatic differentiation hides the learning rule, and
        build accelerators in HDL that was never shown to compute the same thing. Here the rule is written by hand, each
        backward line under the forward line that it undoes, and is proven against finite differences, torch and
        snnTorch. The same network exists four times: as plain NumPy to read, as Numba kernels to use (they train
        32C3-MP2-32C3-MP2-256-10 {faster:.1f} times as fast as snnTorch on the same two cores, with {memory:.2f} of the
        memory), in integers, and in gates. The gates equal the integers in every spike and every membrane, and a model
        of their timing in every clock cycle."""
    )


def start(times):
    return paragraph(
        f"""This took {times["block"] / 60:.1f} minutes after the installation, on two cores; most of it
        compiles kernels, once, and trains ({times["train_cold"]:.0f} s, and {times["train"]:.0f} s the next time).
        Training ends with the test accuracy, the firing rate of each layer, and `model.npz`."""
    )


def proof(tests):
    quick = "less than one" if tests["quick"] < 1 else f"{tests['quick']:.0f}"
    return paragraph(
        f"""This takes about {tests["all"]:.0f} minutes on two cores; `pytest -m quick` takes {quick}. Tests whose tools
        are missing are skipped, and pytest lists them. For all of them, add to the same environment"""
    )


def interop(interop):
    rows = interop["rows"]
    exact = [row for row in rows if not row["differ_double"]]
    others = [row for row in rows if row["differ_double"]]
    shares = [percent(row["differ_double"] / row["spikes"], 1) for row in others]
    words = paragraph(
        f"""`python -m tests.benchmarks.interop` lets snnTorch make networks at random and train them on digits for an
        epoch, imports them, and counts the spikes that differ, of all neurons, steps and {rows[0]["images"]:,} images,
        in single precision and, because sums in it depend on their order, in double. {len(exact)} of {len(rows)} are
        equal in every spike. The others have reset "subtract" with reset_delay=False, where snnTorch
        keeps more than the membrane: one that passed twice the threshold doubles the threshold of the next step. No
        reset here does that, and up to {max(shares, key=lambda share: float(share.split()[0]))} of as many spikes
        differ. The import is exact where the weights allow no such membrane. Where they do it says so, and with
        `--dataset` counts the spikes that differ; train on with reset_delay=True, or with `minisnn quantize
        --finetune`."""
    )
    return f"{words}\n" + spikes_that_differ(rows)


def nir(nir):
    rows = nir["rows"]
    exact = sum(not row["differ_double"] for row in rows)
    words = paragraph(
        f"""`python -m tests.benchmarks.interop_nir` lets snnTorch and minisnn make networks with reset zero at random
        and train them on digits for an epoch, writes them as NIR files, reads these by another library, and counts the
        spikes that differ, of all neurons and steps; "nir" is the file run by the equations of the format. {exact} of
        {len(rows)} are equal in every spike in double precision ([all networks]({RESULTS}/nir.md))."""
    )
    header = ("from > to", "networks", "spikes", "that differ", "in double precision")
    ways = {row["library"]: [] for row in rows}
    for row in rows:
        ways[row["library"]].append(row)
    sums = [
        (way, len(part), *(f"{sum(row[key] for row in part):,}" for key in ("spikes", "differ", "differ_double")))
        for way, part in ways.items()
    ]
    return f"{words}\n" + table(header, sums)


def results(digits, mnist, svhn, times):
    rows = [
        (
            "SVHN-10k",
            "32C3-MP2-32C3-MP2-256-10, T = 8",
            "`minisnn train --dataset svhn --data DIR --validation 0 --seed S`",
            accuracy(**svhn["accuracy"]),
            duration(svhn["seconds"]),
            rates(svhn["firing_rates"]),
        ),
        (
            "MNIST",
            "32C5-MP2-32C5-MP2-128-10, T = 5",
            "`minisnn train --dataset mnist --seed S`",
            accuracy(**mnist["accuracy"]),
            duration(mnist["seconds"]),
            rates(mnist["firing_rates"]),
        ),
        (
            "digits",
            "32C3-MP2-128-10, T = 5",
            "`minisnn train --seed S`",
            accuracy(**digits["accuracy"]),
            f"{duration(times['train'])}; {duration(times['train_cold'])} cold",
            rates(digits["firing_rates"]),
        ),
    ]
    header = ("data", "network", "command", "accuracy, mean (range)", "time", "firing rates")
    return table(header, rows)


def bits(bits):
    lose = lost(bits)

    def cost(width):
        return f"{width} bits cost {100 * np.mean(lose[width]['as it is']):.2f} points of test accuracy"

    def tuned(width):
        return f"{100 * np.mean(lose[width]['tuned']):.2f}"

    return paragraph(
        f"""SVHN-10k, T = 10: weights of {cost("3")}, or {tuned("3")} after 5 epochs of fine-tuning with rounded
        weights; {cost("4")}, or {tuned("4")}; {cost("8")}, or {tuned("8")}. Below 0 the integers are better than the
        floats; from 5 bits on the differences are chance. [All widths and seeds]({RESULTS}/bits.md)."""
    )


def cycles(cycles):
    designs, layerwise = cycles["designs"], layerwise_cycles(cycles)
    direct, best = designs["plain"], designs["600, windows, exit"]
    bottleneck = int(np.argmax(direct["utilisation"])) + 1
    ratios = {name: design["latency_cycles"]["mean"] / layerwise for name, design in designs.items()}
    balanced = [
        f"{designs[name]['adders']} adders take {_mean(designs[name])} ({ratios[name]:.3f}x)"
        for name in ("80", "210", "600")
    ]
    return paragraph(
        f"""The SVHN network of seed 0 with 8-bit weights ({percent(cycles["model"]["accuracy_after"])}), T = 10, takes
        {_mean(direct)} cycles an image at lanes 32/32/8/8, over all {direct["images"]:,} test images:
        **{ratios["plain"]:.3f}x** of what the same group's public RTL takes for the same
        spikes ("layerwise", known within some 2 % where it convolves), and {direct["latency_vs"]["dense"]:.3f}x of our
        own schedule with every spike set. With the lanes and taps that `--balance` finds, {balanced[0]},
        {balanced[1]}, and {balanced[2]}. If all positions of a pooling window fire at once, and an image ends when its
        answer is final (`--exit lossless`), {best["adders"]} adders take {_mean(best)} cycles,
        **{ratios["600, windows, exit"]:.3f}x** of layerwise, with the same answers.
        Additions take {direct["adding_vs_bound"]:.3f}x their lower bound. At 32/32/8/8 layer {bottleneck} is the
        bottleneck, busy in {percent(max(direct["utilisation"]), 1)} of a stream's cycles. [All designs, and where the
        cycles go]({RESULTS}/cycles.md)."""
    )


def gates(gates, gates_mnist, gates_svhn):
    runs = [*gates.values(), *gates_mnist.values(), *gates_svhn.values()]
    rows = [
        (
            f"`{run['command']}` ({hdl})",
            f"{run['images']:,}",
            f"{run['cycles']:,}",
            ", ".join(map(str, run["differences"])),
        )
        for section in (gates, gates_mnist, gates_svhn)
        for hdl, run in section.items()
    ]
    header = ("command", "images", "cycles counted = predicted", "spikes, membranes, answers, cycles that differ")
    assert not any(sum(run["differences"]) for run in runs), "the gates differ from the integers"
    return table(header, rows)


def model(model):
    micro = f"{1e6 * model['model_s_per_image']:.0f} microseconds"
    return paragraph(
        f"""For an image of digits the cycle model needs {micro} and MyHDL {model["myhdl_s_per_image"]:.1f} seconds,
        {float(f"{model['ratio']:.1g}"):,.0f} times as long (`python -m tests.benchmarks.hardware digits.int.npz`)."""
    )


def resources(resources, clocks, lanes, svhn_fit):
    best, plain = resources["digits, 11/32/5"], resources["digits, 32/8/8"]
    one_tap, all_taps = resources["digits, 8/8/2"], resources["digits, 8/8/2 `--taps 9/1/1`"]
    packed = best["packed"]
    svhn = resources["SVHN, 32/32/8/8"]
    more = all_taps["packed"]["total"] / one_tap["packed"]["total"]
    return (
        paragraph(
            f"""On a Lattice ECP5, by Yosys and nextpnr: the digits network with 8-bit weights takes {packed["total"]:,}
        LUT4 at lanes 11/32/5, as place and route packs them ({packed["logic"]:,} of logic, {packed["carry"]:,} of
        carries, {packed["distributed RAM"]:,} of distributed RAM), {best["cells"]["registers"]:,} registers,
        {best["cells"]["DP16KD"]} blocks of RAM and {best["cells"]["MULT18X18D"]} multipliers, and
        {best["latency_cycles"]:,.0f} cycles an image.
        At 8/8/2 it takes {one_tap["packed"]["total"]:,} LUT4 and {one_tap["latency_cycles"]:,.0f} cycles.
        {_clock(clocks)}
        No design has a latch, or a memory in registers. [All designs]({RESULTS}/resources.md)."""
        )
        + "\n"
        + paragraph(
            f"""Lanes belong where the cycles are: {"/".join(map(str, lanes["lanes"]))}, which `minisnn cycles --balance
        48 --taps 1/1/1` finds, takes {best["latency_cycles"] / plain["latency_cycles"]:.2f} of the cycles of 32/8/8
        with {packed["total"] / plain["packed"]["total"]:.2f} of the look-up tables. At 8/8/2 `--taps 9/1/1` saves
        {percent(1 - all_taps["latency_cycles"] / one_tap["latency_cycles"], 0)} of the cycles for {more:.1f} times the
        look-up tables: the convolution of pixels, computed once per image, is not the bottleneck of this network; the
        fully connected layer is."""
        )
        + "\n"
        + paragraph(
            f"""With 8-bit weights the SVHN network does not fit the largest ECP5: it needs {svhn["cells"]["DP16KD"]}
            DP16KD, and there are 208. With 4 bits [it fits]({RESULTS}/svhn_fit.md), at
            {svhn_fit["placed"]["mhz"]:.1f} MHz."""
        )
    )


def directions(directions):
    gates, seen = directions["gates"], directions["seen"]
    assert not sum(gates["differences"]), "the gates differ from the integers"
    return paragraph(
        f"""On test recordings {percent(directions["floats"])} of the directions are right in floats and
        {percent(directions["integers"])} with 8-bit weights. As VHDL in GHDL (`{gates["command"]}`) {gates["images"]}
        recordings take {gates["cycles"]:,} cycles, and no spike, membrane, beat of an answer or cycle differs from the
        integers and the cycle model. The same network on still images (`python -m tests.benchmarks.directions`) is
        right in {percent(seen["the sum of all steps"])} on the sum of all steps, and in {percent(seen["one step"])} on
        one step. Without the order of steps no network can be right in more than half."""
    )


def study(study):
    plan = study["plan"]
    lacks = study["reached"]["lacks"]
    return (
        paragraph(
            f"""Results on SVHN-10k (a 10,000-image split of SVHN, not the official benchmark): {plan["epochs"]} epochs,
            {len(plan["seeds"])} seeds, T = {plan["training"]["num_steps"]}, 8-bit weights, lanes
            {"/".join(map(str, plan["lanes"]))}. Every choice was made on validation images; in brackets, intervals of
            95 % over seeds and test images."""
        )
        + "\n"
        + "".join(item(sentence) for sentence in study["short"])
        + "\n"
        + paragraph(
            (f"The study is not finished: {lacks}. " if lacks else "")
            + f"[All claims, each with its bar, interval and verdict]({RESULTS}/study.md)."
        )
    )


def speed(speed, points):
    one, two = speed["races"]["t10_b32"], speed["races"]["t25_b128"]
    versions = ", ".join(
        f"{about.title} {speed['versions'][about.packages[-1]]}"
        for name, about in PEERS.items()
        if name not in ("compile", "folded") and speed["versions"].get(about.packages[-1])
    )
    return (
        paragraph(
            f"""How many times as fast as its peers minisnn is, and its share of their memory, on the same weights,
        images and labels: direct coding, beta 0.25, threshold 1, cross-entropy on counts, Adam. Medians of alternating
        runs in one process on two cores, against {versions}, on torch {speed["versions"]["torch"]} (CPU), by
        `python -m tests.benchmarks --json`. On a shared machine the ratios vary by some tenths from run to run. [All
        numbers, and the bars]({RESULTS}/speed.md)."""
        )
        + "\n"
        + _races(speed["races"])
        + "\n"
        + paragraph(
            f"""At T = 10 and at T = 25 training reaches {one["share_of_limit"]:.2f} and {two["share_of_limit"]:.2f} of
        the rate of NumPy's matrix product ({one["sgemm_gflops"]:.0f} and {two["sgemm_gflops"]:.0f} GFLOP/s in the same
        run), if operations are counted dense{_spike_limit(one, two)}."""
        )
        + "\n"
        + paragraph(
            f"""Points of a study (two of 8 epochs, T = 10, in one round): {points["minisnn"]:.0f} per hour, against
        {points["snnTorch"]:.0f} for a snnTorch script that does the same training but neither integers nor cycles:
        **{points["ratio"]:.1f}x** (`python -m tests.benchmarks.points --data DIR --rounds 1`)."""
        )
    )


def _races(races):
    """Return the table of ratios: a row for each race and kind, a column for each peer."""
    rows = []
    for name, race in races.items():
        if name == "weights_doubled":
            continue  # in the long table
        ratios = {(kind, peer): times(kind, ratio) for kind, peer, _, _, ratio in race_rows(race)}
        for kind, what in (("train", "training"), ("infer", "inference"), ("memory", "peak memory of training")):
            if any(of == kind for of, _ in ratios):
                rows.append((f"{TITLES[name]}: {what}", *(ratios.get((kind, peer), "") for peer in PEERS)))
    return table(("minisnn against", *(about.title for about in PEERS.values())), rows)


def _spike_limit(*races):
    """Say which share of the operations that real spikes need, where it was measured."""
    if not all("share_of_spike_limit" in race for race in races):
        return ""
    shares = " and ".join(f"{race['share_of_spike_limit']:.2f}" for race in races)
    needed = races[0]["needed_gflop"]
    return (
        f", and {shares} if only those are counted that real spikes need ({needed['spikes']:.2f} of "
        f"{needed['dense']:.2f} GFLOP at T = 10)"
    )


def _mean(design):
    return f"{design['latency_cycles']['mean']:,.0f}"


def _clock(clocks):
    """Say which clocks the placed designs reach."""
    reached = [f"{name.removeprefix('digits, ')} reaches {of['mhz']:.1f} MHz" for name, of in clocks.items()]
    return f"Placed and routed, {', '.join(reached[:-1])} and {reached[-1]}." if len(reached) > 1 else f"{reached[0]}."


BLOCKS = {
    function.__name__: function
    for function in (
        *(intro, start, proof, interop, nir, results, bits, cycles, gates, model, resources, directions, study, speed),
    )
}
