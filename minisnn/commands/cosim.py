"""Run test images through the accelerator's gates, and compare every spike, membrane and cycle.

The gates are simulated in MyHDL, a clock cycle at a time. For each image all spikes and membranes of all layers and
steps are compared with the integers, and the cycles of all that begins and ends with the model's.
"""

import json
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from os import cpu_count

from ..errors import InputError
from . import add_data_arguments, add_lanes_argument, positive, table

SIMULATORS = ("myhdl",)


def add_arguments(parser):
    """The command's flags."""
    parser.add_argument("model", metavar="MODEL", help="model file (.int.npz) that minisnn quantize wrote")
    add_data_arguments(parser)
    parser.add_argument("--images", type=positive, default=2, metavar="N", help="the first N test images (default: 2)")
    add_lanes_argument(parser)
    parser.add_argument("--word-every", type=positive, default=1, metavar="N",
                        help="cycles from one word of the input stream to the next (default: 1)")
    parser.add_argument("--simulator", default="myhdl", metavar="NAME", help="myhdl (default: myhdl)")
    parser.add_argument("--workers", type=positive, default=cpu_count(), metavar="N",
                        help="processes (default: all processors)")
    parser.add_argument("--json", action="store_true", help="print images, spike_mismatches, membrane_mismatches, "
                        "answer_mismatches and cycle_mismatches as JSON")


def run(args):
    """Co-simulate as the arguments say; exit status 1 if anything differs."""
    from .. import cycles
    from .. import data as datasets
    from ..fixed.model import load

    if args.simulator not in SIMULATORS:
        raise InputError(f"--simulator must be {' or '.join(SIMULATORS)}, got {args.simulator!r}")
    model = load(args.model)
    lanes = cycles.check_lanes(model.network, args.lanes or cycles.default_lanes(model.network))
    data = datasets.load_for(model, args.model, args.dataset, args.data, progress=not args.json)
    images, labels = data.x_test[:args.images], data.y_test[:args.images]
    inputs = next(model.run(images, batch_size=len(images)))[0]
    found = _simulate(model, inputs, lanes, args)
    totals = {name: sum(getattr(each, name) for each in found) for name in ("spikes", "membranes", "answers", "cycles")}
    if args.json:
        names = {"spikes": "spike", "membranes": "membrane", "answers": "answer", "cycles": "cycle"}
        print(json.dumps({"images": len(found), **{f"{names[n]}_mismatches": count for n, count in totals.items()},
                          "predictions": [each.prediction for each in found],
                          "cycles": [each.cycles_counted for each in found]}))
    else:
        _show(data.name, lanes, args.simulator, found, labels, totals)
    return 0 if all(each.same for each in found) else 1


def _simulate(model, inputs, lanes, args):
    """Compared of all images, in their order, from several processes."""
    from tqdm import tqdm

    from hw.accelerator import specify
    from hw.cosimulate import cosimulate
    try:
        specify(model.network, lanes)
    except ValueError as error:
        raise InputError(str(error)) from None
    count = inputs.shape[1]
    workers = min(args.workers, count)
    found = [None] * count
    with tqdm(total=count, unit="image", disable=args.json or not sys.stderr.isatty(), dynamic_ncols=True) as bar:
        if workers == 1:
            return cosimulate(model.network, inputs, model.num_steps, lanes, args.word_every, bar.update)
        # Each process takes every n-th image, so that it loads the weights once.
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            tasks = {pool.submit(cosimulate, model.network, inputs[:, first::workers], model.num_steps, lanes,
                                 args.word_every): first for first in range(workers)}
            for task in as_completed(tasks):
                part = task.result()
                found[tasks[task]::workers] = part
                bar.update(len(part))
    return found


def _show(dataset, lanes, simulator, found, labels, totals):
    print(f"{dataset}: {len(found)} images in {simulator}, lanes {'/'.join(map(str, lanes))}\n")
    rows = [(index, int(label), each.prediction, each.spikes, each.membranes, each.answers,
             f"{each.cycles_predicted:,}", f"{each.cycles_counted:,}", each.cycles)
            for index, (each, label) in enumerate(zip(found, labels))]
    print(table(rows, ("image", "class", "answer", "spikes differ", "membranes", "answers", "cycles predicted",
                       "counted", "differ")))
    print("\nThe gates do what the integers do, in the predicted cycles." if not any(totals.values()) else
          f"\nTHE GATES DIFFER: {totals['spikes']} spikes, {totals['membranes']} membranes, {totals['answers']} beats "
          f"of answers, {totals['cycles']} cycles.")
