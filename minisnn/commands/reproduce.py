"""Repeat the study of Aliyev & Adegbija (DATE 2024), from the data to the report, in one command.

First the protocol is written: what is tried, chosen and claimed. Then points are trained and measured in stages; each
stage is chosen from the validation results of those before it. The network selected in the end is checked in gates,
every spike, membrane and cycle, and written as VHDL. The same command continues an unfinished study. After --budget
minutes no point is started, and the report says what is missing.

svhn-authors trains the network of the authors' public code, in floats and integers: the accelerator does not compute
it. minisnn report --against then shows it beside the study of ours.
"""

import shlex
import shutil
import sys
from pathlib import Path

from ..errors import InputError
from . import counted, main
from .sweep import add_retry, add_workers, executor_of, line, tell_failures, tell_left_out

CHECKED = {"myhdl": 2, "ghdl": 1, "verilator": 20}  # images simulated: about half a minute


def add_arguments(parser):
    """Add the command's flags."""
    parser.add_argument(
        "--dataset",
        default="digits",
        metavar="NAME",
        help="digits, svhn or svhn-grey; digits-authors or svhn-authors (default: digits)",
    )
    parser.add_argument(
        "--data",
        metavar="DIR",
        help="folder with the data set's files (default: they are downloaded to ~/.cache/minisnn)",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder for all results; created if it does not exist"
    )
    add_workers(parser)
    add_retry(parser)


def run(args):
    """Run the study, and return the exit status: that of cosim or vhdl if the gates fail, 1 if points failed.

    The report is made all the same.
    """
    from ..data import load as datasets
    from ..study.plan import Variant, plan_for
    from ..study.store import Store

    plan = plan_for(args.dataset)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {args.out}: {error.strerror or error}; name another folder") from None
    data = datasets.load(plan.dataset, args.data, progress=True)
    path = args.out / "study.sqlite"
    with Store(path) as store:
        store.note("command", f"minisnn reproduce --dataset {args.dataset} --out DIR")
    if isinstance(plan, Variant):
        return _authors(plan, path, data, args)
    left = _stages(plan, path, data, args)
    if left:
        print(f"\ntime is up in stage {left}; repeat the same command to continue; the report so far:", flush=True)
        reported = _command("report", path, "--out", args.out / "report")
        return reported or tell_failures(_failed(path), path)
    _select(plan, path, data, args.out / "network.int.npz")
    checked = _hardware(args)
    if checked == 130:  # Ctrl-C, which is for all commands
        return checked
    reported = _command("report", path, "--out", args.out / "report")
    return checked or reported or tell_failures(_failed(path), path)


def _authors(variant, path, data, args):
    """Compute all points of the authors' variant, and report; return the exit status."""
    from ..study import authors

    left = _computed(authors.run, variant, path, data, args)
    if left:
        print(f"\ntime is up, {counted(left, 'point')} left; repeat the same command to continue", flush=True)
    reported = _command("report", path, "--out", args.out / "report")
    return reported or tell_failures(_failed(path), path)


def _stages(plan, path, data, args):
    """Compute all points; return the stage that is not finished, or ""."""
    from ..study import stages

    def tell(name, points):
        print(f"stage {name}: {counted(len(points), 'point')}", flush=True)

    return _computed(stages.run, plan, path, data, args, on_stage=tell)


def _computed(run, plan, path, data, args, **options):
    """Compute the points that are not in the file yet by a function such as ``stages.run``; return what it returns."""
    from tqdm import tqdm

    try:
        return run(
            plan,
            path,
            data,
            executor_of(args),
            budget=args.budget,
            threads=args.threads,
            data_dir=args.data,
            retry=args.retry,
            progress=True,
            on_row=lambda row: tqdm.write(line(*row), file=sys.stdout),
            on_left_out=tell_left_out,
            **options,
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"interrupted; finished points are in {path}; repeat the same command to continue"
        ) from None


def _failed(path):
    """Count the failed points of a study."""
    from ..study.store import Store

    with Store(path, read_only=True) as store:
        return sum(status == "failed" for status in store.status().values())


def _select(plan, path, data, out):
    """Measure the pitfalls, and write the integers of the selected network to a file."""
    from ..study import pitfalls
    from ..study.point import integers, model_file
    from ..study.progress import progress
    from ..study.store import Store

    with Store(path) as store:
        print("pitfalls: the trained weights in a different network", flush=True)
        pitfalls.note(plan, store, data)
        so_far = progress(plan, store.rows())
        if "cycles" not in so_far.selected:
            raise InputError(f"{path} has no network to select ({so_far.lacks}); minisnn report says why")
        first_seed, *_ = so_far.selected["cycles"].rows
        _, integer, _ = integers(first_seed["point"], model_file(first_seed, store, data), data)
    integer.save(out)
    columns = ("key", "point", "status", "reason", "result")
    print(f"selected:\n{line(*(first_seed[name] for name in columns))}", flush=True)


def _hardware(args):
    """Check the selected network in gates, and write it as VHDL; return the first exit status that is not 0, or 0."""
    model = args.out / "network.int.npz"
    folder = ["--data", args.data] if args.data else []
    simulator = _simulator(args.dataset)
    if simulator is None:
        print("the gates were NOT simulated: this needs GHDL or Verilator (apt install ghdl)", flush=True)
    elif status := _command("cosim", model, "--simulator", simulator, "--images", CHECKED[simulator], *folder):
        return status
    return _command("vhdl", model, "--out", args.out / "accelerator", *folder)


def _simulator(dataset):
    """Return the simulator to use, or None; MyHDL would take hours for a large network."""
    if dataset == "digits":
        return "myhdl"
    installed = [name for name in ("verilator", "ghdl") if shutil.which(name)]
    return installed[0] if installed else None


def _command(*words):
    """Print another command, and run it."""
    words = [str(word) for word in words]
    print(f"\n$ {shlex.join(['minisnn', *words])}", flush=True)
    return main(words)
