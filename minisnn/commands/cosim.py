"""Run test images through the accelerator's gates, and compare every spike, membrane and cycle.

The gates are simulated a clock cycle at a time: as they are written in MyHDL (about 1,000 cycles a second), as VHDL in
GHDL (some 10,000), or as Verilog in Verilator (about a million). For each image all spikes and membranes of all layers
and steps are compared with the integers, and the cycles of all that begins and ends with the model's.
"""

import json
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from multiprocessing import get_context
from os import cpu_count

from ..errors import InputError
from . import add_data_arguments, add_lanes_argument, add_wide_argument, positive, table

SIMULATORS = ("myhdl", "ghdl", "verilator")
LISTED = 20  # images; of more, only those that differ are in the table


def add_arguments(parser):
    """The command's flags."""
    parser.add_argument("model", metavar="MODEL", help="model file (.int.npz) that minisnn quantize wrote")
    add_data_arguments(parser)
    parser.add_argument("--images", type=positive, default=2, metavar="N", help="the first N test images (default: 2)")
    add_lanes_argument(parser)
    add_wide_argument(parser)
    parser.add_argument(
        "--word-every",
        type=positive,
        default=1,
        metavar="N",
        help="cycles from one word of the input stream to the next (default: 1)",
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
        help="simulations at once (default: all processors)",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print images, spike_mismatches, membrane_mismatches, answer_mismatches and cycle_mismatches as JSON",
    )


def run(args):
    """Co-simulate as the arguments say; exit status 1 if anything differs."""
    from tqdm import tqdm

    from ..data import load as datasets
    from ..fixed.model import load
    from ..timing import layout

    if args.simulator not in SIMULATORS:
        raise InputError(f"--simulator must be myhdl, ghdl or verilator, got {args.simulator!r}")
    model = load(args.model)
    lanes = layout.check_lanes(model.network, args.lanes or layout.default_lanes(model.network))
    data = datasets.load_for(model, args.model, args.dataset, args.data, progress=not args.json)
    images, labels = data.x_test[: args.images], data.y_test[: args.images]
    found = {}
    hidden = args.json or not sys.stderr.isatty()
    try:
        with (
            closing(_simulate(model, images, lanes, args)) as results,
            tqdm(total=len(images), unit="image", disable=hidden, dynamic_ncols=True) as bar,
        ):
            for image, each in results:
                found[image] = each
                bar.update()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"interrupted after {len(found)} of {len(images)} images, in which {_differences(_totals(found))} differ"
        ) from None
    found = dict(sorted(found.items()))
    totals = _totals(found)
    if args.json:
        names = {"spikes": "spike", "membranes": "membrane", "answers": "answer", "cycles": "cycle"}
        print(
            json.dumps(
                {
                    "images": len(found),
                    **{f"{names[n]}_mismatches": count for n, count in totals.items()},
                    "predictions": [each.prediction for each in found.values()],
                    "cycles": [each.cycles_counted for each in found.values()],
                }
            )
        )
    else:
        print(f"{data.name}: {len(found)} images in {args.simulator}, lanes {'/'.join(map(str, lanes))}\n")
        _show(found, labels, totals)
    return 1 if any(totals.values()) else 0


def _simulate(model, images, lanes, args):
    """Generate (image, Compared) as they are done."""
    import numpy as np

    from minisnn_hw.generate.tools import ToolError
    from minisnn_hw.verify.cosimulate import build
    from minisnn_hw.verify.cosimulate_hdl import cosimulate

    try:
        build(model.network, lanes, model.num_steps, args.wide)
    except ValueError as error:
        raise InputError(str(error)) from None
    inputs = np.concatenate(list(model.inputs(images)), axis=1)
    try:
        if args.simulator == "myhdl":
            yield from _in_myhdl(model, inputs, lanes, args)
        else:
            with closing(
                cosimulate(
                    model.network,
                    inputs,
                    model.num_steps,
                    lanes,
                    args.simulator,
                    args.word_every,
                    args.workers,
                    args.wide,
                )
            ) as results:
                yield from results
    except ToolError as error:
        raise InputError(str(error)) from None


def _in_myhdl(model, inputs, lanes, args):
    """The same, from several processes: each takes every n-th image, so that it loads the weights once."""
    from minisnn_hw.verify.cosimulate import cosimulate

    count = inputs.shape[1]
    workers = min(args.workers, count)
    if workers == 1:
        yield from enumerate(cosimulate(model.network, inputs, model.num_steps, lanes, args.word_every, args.wide))
        return
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        tasks = {
            pool.submit(
                cosimulate, model.network, inputs[:, first::workers], model.num_steps, lanes, args.word_every, args.wide
            ): first
            for first in range(workers)
        }
        for task in as_completed(tasks):
            yield from zip(range(tasks[task], count, workers), task.result())


def _totals(found):
    return {
        name: sum(getattr(each, name) for each in found.values())
        for name in ("spikes", "membranes", "answers", "cycles")
    }


def _differences(totals):
    return (
        f"{totals['spikes']} spikes, {totals['membranes']} membranes, {totals['answers']} beats of answers, "
        f"{totals['cycles']} cycles"
    )


def _show(found, labels, totals):
    listed = {index: each for index, each in found.items() if len(found) <= LISTED or not each.same}
    if listed:
        rows = [
            (
                index,
                int(labels[index]),
                each.prediction,
                each.spikes,
                each.membranes,
                each.answers,
                f"{each.cycles_predicted:,}",
                f"{each.cycles_counted:,}",
                each.cycles,
            )
            for index, each in listed.items()
        ]
        print(
            table(
                rows,
                (
                    "image",
                    "class",
                    "answer",
                    "spikes differ",
                    "membranes",
                    "answers",
                    "cycles predicted",
                    "counted",
                    "differ",
                ),
            )
            + "\n"
        )
    print(
        f"right    {sum(each.prediction == label for each, label in zip(found.values(), labels))} of {len(found)}\n"
        f"cycles   {sum(each.cycles_counted for each in found.values()):,} counted, "
        f"{sum(each.cycles_predicted for each in found.values()):,} predicted\n"
        f"differ   {_differences(totals)}\n"
    )
    print(
        f"THE GATES DIFFER in {sum(not each.same for each in found.values())} of {len(found)} images."
        if any(totals.values())
        else "The gates do what the integers do, in the predicted cycles."
    )
