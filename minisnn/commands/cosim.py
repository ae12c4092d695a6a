"""Run test images through the accelerator's gates, and compare every spike, membrane and cycle.

The gates are simulated cycle by cycle: as MyHDL (about 1,000 cycles per second), as VHDL in GHDL (about 10,000) or as
Verilog in Verilator (about a million). For each image, all spikes and membranes of all layers and steps are compared
with the integers, and the cycles in which steps and firing passes begin and end with the cycle model.
"""

import json
import sys
from contextlib import closing
from os import cpu_count

from ..errors import InputError
from . import (
    add_data_arguments,
    add_exit_argument,
    add_lanes_argument,
    add_load_beta_argument,
    add_positions_argument,
    add_second_bank_argument,
    add_taps_argument,
    counted,
    first_images,
    needs_room,
    of_layers,
    positive,
    table,
)

SIMULATORS = ("myhdl", "ghdl", "verilator")
LISTED = 20  # with more images, the table lists only those that differ


def add_arguments(parser):
    """Add the command's flags."""
    parser.add_argument("model", metavar="MODEL", help="model file (.int.npz) that minisnn quantize wrote")
    add_data_arguments(parser)
    parser.add_argument("--images", type=positive, default=2, metavar="N", help="number of test images (default: 2)")
    add_lanes_argument(parser)
    add_taps_argument(parser)
    add_positions_argument(parser)
    add_second_bank_argument(parser)
    add_load_beta_argument(parser)
    add_exit_argument(parser)
    parser.add_argument(
        "--word-every",
        type=positive,
        default=1,
        metavar="N",
        help="least number of cycles from one word of the input stream to the next (default: 1)",
    )
    parser.add_argument(
        "--simulator",
        default="myhdl",
        metavar="NAME",
        help="myhdl, ghdl (apt install ghdl) or verilator (apt install verilator g++ make) (default: myhdl)",
    )
    parser.add_argument(
        "--workers",
        type=positive,
        default=cpu_count(),
        metavar="N",
        help="number of simulations that run at the same time (default: all processors)",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print images, spike_mismatches, membrane_mismatches, answer_mismatches and cycle_mismatches as JSON",
    )


def run(args):
    """Cosimulate; return 1 if anything differs, else 0."""
    from .. import terminal
    from ..data import load as datasets
    from ..fixed.early_exit import check_readout
    from ..fixed.model import load
    from ..timing import layout

    if args.simulator not in SIMULATORS:
        raise InputError(f"--simulator must be myhdl, ghdl or verilator, got {args.simulator!r}")
    model = load(args.model)
    if args.exit:
        check_readout(model.network.readout)
    lanes = layout.check_lanes(model.network, args.lanes or layout.default_lanes(model.network))
    taps = layout.check_taps(model.network, args.taps)
    positions = layout.check_positions(model.network, taps, args.positions)
    data = datasets.load_for(model, args.model, args.dataset, args.data, progress=not args.json)
    images, labels = first_images(data, args.images)
    results = {}
    if not args.json:
        in_myhdl = args.simulator == "myhdl"
        terminal.say("loading the network" if in_myhdl else f"building the accelerator for {args.simulator}")
    hidden = args.json or not sys.stderr.isatty()
    try:
        with (
            needs_room(),
            terminal.bar(len(images), "image", shown=not hidden) as bar,
            closing(_simulate(model, images, lanes, args, lambda: _tell(bar, images, args))) as compared,
        ):
            for image, result in compared:
                results[image] = result
                bar.update()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"interrupted after {len(results)} of {counted(len(images), 'image')}; differences so far: "
            f"{_differences(_totals(results))}"
        ) from None
    results = dict(sorted(results.items()))
    totals = _totals(results)
    if args.json:
        print(json.dumps(_as_json(results, totals)))
    else:
        layers = of_layers(lanes, taps, args.second_bank, positions)
        print(f"{data.name}: {counted(len(results), 'image')} in {args.simulator}, {layers}\n")
        _show(results, labels, totals)
    return 1 if any(totals.values()) else 0


def _tell(bar, images, args):
    """Let a terminal know that the simulation begins, which may take a minute for its first image."""
    from .. import terminal

    if not args.json:
        bar.clear()
        terminal.say(f"simulating {counted(len(images), 'image')} in {args.simulator}")
        bar.refresh()


def _simulate(model, images, lanes, args, begun):
    """Yield (image, Compared) as each image is done; `begun` is called when the hardware is built."""
    import numpy as np

    from minisnn_hw.generate.tools import ToolError
    from minisnn_hw.verify.cosimulate import build
    from minisnn_hw.verify.cosimulate_hdl import cosimulate

    try:
        build(model.network, lanes, model.num_steps, args.taps, args.load_beta, args.second_bank, args.positions)
    except ValueError as error:
        raise InputError(str(error)) from None
    inputs = np.concatenate(list(model.inputs(images)), axis=1)
    if args.simulator == "myhdl":
        yield from _in_myhdl(model, inputs, lanes, args)
        return
    options = {
        "word_every": args.word_every,
        "workers": args.workers,
        "taps": args.taps,
        "second_bank": args.second_bank,
        "positions": args.positions,
        "load_beta": args.load_beta,
        "margin": args.exit,
        "begun": begun,
    }
    try:
        with closing(cosimulate(model.network, inputs, model.num_steps, lanes, args.simulator, **options)) as compared:
            yield from compared
    except ToolError as error:
        raise InputError(str(error)) from None


def _in_myhdl(model, inputs, lanes, args):
    """Yield (image, Compared) from several processes; each loads the weights once, for every n-th image."""
    from concurrent.futures import as_completed

    from minisnn_hw.verify.cosimulate import cosimulate

    from ..study.executors import Processes
    from ..study.workers import WorkerLostError

    count = inputs.shape[1]
    workers = min(args.workers, count)
    options = {"word_every": args.word_every, "taps": args.taps, "load_beta": args.load_beta, "margin": args.exit}
    options |= {"second_bank": args.second_bank, "positions": args.positions}
    if workers == 1:
        yield from enumerate(cosimulate(model.network, inputs, model.num_steps, lanes, **options))
        return
    with Processes(workers).open() as pool:
        tasks = {
            pool.submit(cosimulate, model.network, inputs[:, first::workers], model.num_steps, lanes, **options): first
            for first in range(workers)
        }
        for task in as_completed(tasks):
            try:
                compared = task.result()
            except WorkerLostError as lost:
                raise InputError(f"{lost}; is there too little memory? try fewer --workers") from None
            yield from zip(range(tasks[task], count, workers), compared)


def _totals(results):
    """Return the number of differences of each kind, over all images."""
    kinds = ("spikes", "membranes", "answers", "cycles")
    return {kind: sum(getattr(result, kind) for result in results.values()) for kind in kinds}


def _differences(totals):
    return (
        f"{totals['spikes']} spikes, {totals['membranes']} membranes, {totals['answers']} beats of answers, "
        f"{totals['cycles']} cycles"
    )


def _as_json(results, totals):
    """Return the values that --json prints."""
    return {
        "images": len(results),
        "spike_mismatches": totals["spikes"],
        "membrane_mismatches": totals["membranes"],
        "answer_mismatches": totals["answers"],
        "cycle_mismatches": totals["cycles"],
        "predictions": [result.prediction for result in results.values()],
        "cycles": [result.cycles_counted for result in results.values()],
    }


def _show(results, labels, totals):
    listed = {image: result for image, result in results.items() if len(results) <= LISTED or not result.same}
    if listed:
        _show_images(listed, labels)
    right = sum(result.prediction == label for result, label in zip(results.values(), labels))
    cycles = sum(result.cycles_counted for result in results.values())
    predicted = sum(result.cycles_predicted for result in results.values())
    print(f"correct      {right} of {counted(len(results), 'answer')}")
    print(f"latency      {cycles:,} cycles counted, {predicted:,} predicted, over all images")
    print(f"differences  {_differences(totals)}\n")
    if any(totals.values()):
        different = sum(not result.same for result in results.values())
        print(f"THE GATES DIFFER in {different} of {counted(len(results), 'image')}.")
    else:
        print("The gates compute what the integers compute, in the predicted cycles.")


def _show_images(results, labels):
    """Print a row per image: the answer, the latency in cycles, and the number of differences of each kind."""
    rows = []
    for image, result in results.items():
        latency = (f"{result.cycles_counted:,}", f"{result.cycles_predicted:,}")
        differences = (result.spikes, result.membranes, result.answers, result.cycles)
        rows.append((image, int(labels[image]), result.prediction, *latency, *differences))
    wrong = ("spikes", "membranes", "beats", "cycles")
    print("Cycles, counted and predicted; the last four columns count differences\n")
    print(table(rows, ("image", "class", "answer", "latency", "predicted", *wrong)) + "\n")
