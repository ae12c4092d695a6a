"""Compute a grid of settings into one file: accuracy, firing rates, clock cycles and energy of each point.

Flags of network and training take several values: the grid is their product. Each point is trained, its epoch chosen
on validation images, quantised, and measured on all steps of the test images. The file is SQLite; whatever is killed,
the same command goes on from what is there, and two processes may share the file. A point that fails is recorded with
its reason.
"""

import shlex
import sys
from pathlib import Path

from ..errors import InputError
from ..training.presets import choose
from . import add_training_data_arguments, add_wide_argument, positive, widths
from . import lanes as read_lanes
from .train import add_network, add_training

AXES = (
    "topology",
    "classes",
    "padding",
    "beta",
    "threshold",
    "reset",
    "readout",
    "surrogate",
    "encoding",
    "num_steps",
    "loss",
    "rate_penalty",
    "penalty_ramp",
    "epochs",
    "batch_size",
    "lr",
    "optimiser",
    "schedule",
    "weight_decay",
    "clip",
    "patience",
    "augment",
    "validation",
    "seed",
    "weight_bits",
    "finetune",
    "lanes",
)


def add_arguments(parser):
    """The command's flags; those that were not given are None."""
    add_training_data_arguments(parser.add_argument_group("data"))
    add_network(parser.add_argument_group("network, each flag with one value or more"), nargs="+")
    add_training(parser.add_argument_group("training, each flag with one value or more"), nargs="+")
    hardware = parser.add_argument_group("integers and hardware, each flag with one value or more")
    hardware.add_argument(
        "--weight-bits",
        type=widths,
        nargs="+",
        default=[8],
        metavar="BITS",
        help="of the integers: one number, or a list by layer 8,4,4,8 (default: 8)",
    )
    hardware.add_argument(
        "--finetune",
        type=int,
        nargs="+",
        default=[0],
        metavar="EPOCHS",
        help="more training with weights rounded to these bits (default: 0)",
    )
    hardware.add_argument(
        "--lanes",
        type=read_lanes,
        nargs="+",
        default=[None],
        metavar="N/N/...",
        help="such as 32/32/8/8 (default: up to 32 for a convolution, 8 for a fully connected layer)",
    )
    add_wide_argument(hardware)
    add_workers(parser)
    parser.add_argument(
        "--out", type=Path, default=Path("study.sqlite"), metavar="FILE", help="file of results (default: study.sqlite)"
    )
    parser.add_argument("--retry", action="store_true", help="compute points that failed again")
    parser.add_argument("--again", action="store_true", help="measure all points again, with the models in the file")


def add_workers(parser):
    """Who computes, and how long."""
    group = parser.add_argument_group("machine")
    group.add_argument("--workers", type=positive, metavar="N", help="processes (default: one for each processor)")
    group.add_argument(
        "--threads",
        type=positive,
        default=1,
        metavar="N",
        help="of each process; the result does not depend on it (default: 1)",
    )
    group.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="use the workers of this Dask scheduler, such as "
        "tcp://127.0.0.1:8786, instead; needs pip install 'minisnn[cluster]'",
    )
    group.add_argument(
        "--budget",
        type=float,
        metavar="MINUTES",
        help="begin no point after so many minutes; the same command goes on later (default: no limit)",
    )


def executor_of(args):
    """The workers that the flags name."""
    from ..study import sweep

    if args.dask and args.workers:
        raise InputError("--workers are processes of this machine, --dask has its own; give one of them")
    return sweep.Dask(args.dask) if args.dask else sweep.Processes(args.workers)


def run(args):
    """Sweep as the arguments say; exit status 1 if a point has failed."""
    from ..data import load as datasets
    from ..study import sweep
    from ..study.point import make

    given = {name: getattr(args, name) for name in AXES if getattr(args, name) is not None}
    data = datasets.load(args.dataset, args.data, progress=True)
    points = []
    for values in sweep.grid(given):
        own = {name: values.pop(name) for name in ("weight_bits", "finetune", "lanes")}
        network, training = choose(args.dataset, values | {"detach_reset": args.detach_reset})
        points.append(make(data, network, training, wide=args.wide, **own))
    print(f"{data.name}: {len(points)} point{'s' if len(points) > 1 else ''} into {args.out}", flush=True)
    outcome = run_points(points, args, retry=args.retry, again=args.again)
    print(f"{outcome.done} done, {outcome.failed} failed, {outcome.left} left: {args.out}")
    if outcome.left:
        print("go on with the same command")
    print(f"next    {shlex.join(['minisnn', 'report', str(args.out), '--out', 'report'])}")
    return 1 if outcome.failed else 0


def run_points(points, args, **options):
    """:func:`minisnn.study.sweep.sweep` with a line for each point, and words for Ctrl-C."""
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
            **options,
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; what is done is in {args.out}, the same command goes on") from None


def line(key, point, status, reason, result, seconds, **_):
    """A row in words."""
    network, training = point["network"], point["training"]
    words = (
        f"{key[:6]}  {network['surrogate']:<18} beta {network['beta']} theta {network['threshold']} "
        f"T {training['num_steps']} seed {training['seed']}"
    )
    words += f" penalty {training['rate_penalty']}" if training["rate_penalty"] else ""
    if status == "failed":
        return f"{words}  FAILED: {reason}"
    test = result["test"]
    return f"{words}  {100 * test['accuracy']:.2f} %  {test['latency']:,.0f} cycles  {seconds:.0f} s"
