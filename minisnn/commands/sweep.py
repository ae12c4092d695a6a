"""Compute a grid of settings into one file: accuracy, firing rates, clock cycles and energy of each point.

The flags of network and training take several values; the grid is their product. Each point is trained, its best epoch
chosen on validation images, quantised, and measured on the test images over all steps. The file is SQLite. After an
interruption, even kill -9, the same command continues from the finished points; two processes may share the file.
A point that fails is recorded with its reason.
"""

import shlex
import sys
from pathlib import Path

from .. import terminal
from ..errors import InputError
from . import add_taps_argument, add_training_data_arguments, minutes, positive, widths, wrapped
from . import lanes as read_lanes
from .train import add_network, add_training

UNDER = 8  # columns by which further lines of a row are indented: the length of its key


def add_arguments(parser):
    """Add the command's flags; those that are not given are None."""
    add_training_data_arguments(parser.add_argument_group("data"))
    add_network(parser.add_argument_group("network, each flag with one or more values"), nargs="+")
    add_training(parser.add_argument_group("training, each flag with one or more values"), nargs="+")
    hardware = parser.add_argument_group("integers and hardware, each flag with one or more values")
    hardware.add_argument(
        "--weight-bits",
        type=widths,
        nargs="+",
        default=[8],
        metavar="BITS",
        help="bits of the integer weights: a number, or a list by layer such as 8,4,4,8 (default: 8)",
    )
    hardware.add_argument(
        "--finetune",
        type=int,
        nargs="+",
        default=[0],
        metavar="EPOCHS",
        help="epochs of further training with weights rounded to these bits (default: 0)",
    )
    hardware.add_argument(
        "--lanes",
        type=read_lanes,
        nargs="+",
        default=[None],
        metavar="N/N/...",
        help="lanes by layer, such as 32/32/8/8 (default: up to 32 for a convolution, 8 for a fully connected layer)",
    )
    add_taps_argument(hardware, nargs="+", default=[None])
    add_workers(parser)
    parser.add_argument(
        "--out", type=Path, default=Path("study.sqlite"), metavar="FILE", help="file of results (default: study.sqlite)"
    )
    add_retry(parser)
    parser.add_argument("--again", action="store_true", help="measure all points again, with the models in the file")


def add_retry(parser):
    """Add --retry."""
    parser.add_argument("--retry", action="store_true", help="compute failed points again")


def add_workers(parser):
    """Add flags that say which workers compute, and for how long."""
    group = parser.add_argument_group("machine")
    group.add_argument(
        "--workers", type=positive, metavar="N", help="number of worker processes (default: one per processor)"
    )
    group.add_argument(
        "--threads",
        type=positive,
        default=1,
        metavar="N",
        help="threads of each worker; results do not depend on it (default: 1)",
    )
    group.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="use the workers of this Dask scheduler instead, such as "
        "tcp://127.0.0.1:8786; needs pip install 'minisnn[cluster]'",
    )
    group.add_argument(
        "--budget",
        type=minutes,
        metavar="MINUTES",
        help="start no point after this many minutes; the same command continues later (default: no limit)",
    )


def executor_of(args):
    """Return the workers that the flags ask for."""
    from ..study import executors

    if args.dask and args.workers:
        raise InputError("--workers starts processes on this machine, --dask uses those of a cluster; give one of them")
    return executors.Dask(args.dask) if args.dask else executors.Processes(args.workers)


def run(args):
    """Run the sweep; return exit status 1 if a point failed."""
    from ..data import load as datasets
    from ..study import sweep
    from ..study.point import make
    from ..training.presets import choose

    given = {name: values for name, values in vars(args).items() if isinstance(values, list)}  # the grid's axes
    data = datasets.load(args.dataset, args.data, progress=True)
    points = []
    for values in sweep.grid(given):
        hardware = {name: values.pop(name) for name in ("weight_bits", "finetune", "lanes", "taps")}
        network, training = choose(args.dataset, values | {"detach_reset": args.detach_reset}, data)
        points.append(make(data, network, training, **hardware))
    print(f"{data.name}: {len(points)} point{'s' if len(points) > 1 else ''}, results in {args.out}", flush=True)
    outcome = run_points(points, args, retry=args.retry, again=args.again)
    print(f"{outcome.done} done, {outcome.failed} failed, {outcome.left} left: {args.out}")
    if outcome.left:
        print("repeat the same command to continue")
    print(f"next    {shlex.join(['minisnn', 'report', str(args.out), '--out', 'report'])}")
    return tell_failures(outcome.failed, args.out)


def run_points(points, args, **options):
    """Compute points, print a line for each, and say on Ctrl-C how to continue."""
    from tqdm import tqdm

    from ..study import sweep

    try:
        return sweep.sweep(
            points,
            args.out,
            args.dataset,
            executor_of(args),
            threads=args.threads,
            data_dir=args.data,
            budget=args.budget,
            progress=True,
            on_row=lambda row: tqdm.write(line(*row), file=sys.stdout),
            on_left_out=tell_left_out,
            **options,
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"interrupted; finished points are in {args.out}; repeat the same command to continue"
        ) from None


def tell_left_out(sentence):
    """Print to standard error that a node of a cluster is left out, above the bar."""
    from tqdm import tqdm

    tqdm.write(wrapped(f"minisnn: left out {sentence}"), file=sys.stderr)


def line(key, point, status, reason, result, seconds=None):
    """Return a row of results in words; what does not fit a terminal goes to further lines."""
    network, training = point["network"], point["training"]
    words = (
        f"{key[:6]}  {network['surrogate']:<18} beta {network['beta']} threshold {network['threshold']} "
        f"T {training['num_steps']} seed {training['seed']}"
    )
    words += f" penalty {training['rate_penalty']}" if training["rate_penalty"] else ""
    words += f" learn {training['learn']}" if training.get("learn") else ""
    if status == "failed":
        return wrapped(f"{words}  FAILED: {reason}", UNDER)
    test = result["test"]
    results = f"{100 * test['accuracy']:.2f} %"
    results += f"  {test['latency']:,.0f} cycles" if "latency" in test else ""  # none if currents are pooled
    results += "" if seconds is None else f"  {seconds:.0f} s"
    between = "  " if len(words) + 2 + len(results) <= terminal.width() else "\n" + " " * UNDER
    return wrapped(words, UNDER) + between + results


def tell_failures(count, path):
    """Print to standard error how many points failed, and how to go on; return the exit status."""
    if not count:
        return 0
    print(
        f"minisnn: {count} point{'s' if count > 1 else ''} failed; `minisnn report {path} --out report` lists why, and "
        "the same command with --retry computes them again",
        file=sys.stderr,
    )
    return 1
