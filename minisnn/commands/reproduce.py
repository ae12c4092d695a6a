"""Repeat the study of Aliyev & Adegbija (DATE 2024), from the data to the report, in one command.

Stage by stage, points are trained and measured, and the next are chosen on validation images. What is chosen in the end
is checked in gates, every spike, membrane and cycle, and written as VHDL. The same command goes on from what is there;
after --budget minutes no point is begun any more, and the report says what is missing.
"""

import shlex
import shutil
import sys
from pathlib import Path

from ..errors import InputError
from . import main
from .sweep import add_workers, executor_of, line

CHECKED = {"myhdl": 2, "ghdl": 1, "verilator": 20}  # images: what takes half a minute


def add_arguments(parser):
    """The command's flags."""
    parser.add_argument("--dataset", default="digits", metavar="NAME", help="digits or svhn (default: digits)")
    parser.add_argument(
        "--data",
        metavar="DIR",
        help="folder with the data set's files (default: they are downloaded to ~/.cache/minisnn)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for all that comes of it")
    add_workers(parser)


def run(args):
    """Reproduce as the arguments say; exit status 1 if the gates differ."""
    from ..data import load as datasets
    from ..study import stages as study
    from ..study.point import integers
    from ..study.store import Store

    plan = study.plan_for(args.dataset)
    try:
        args.out.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {args.out}: {error.strerror or error}; name another folder") from None
    data = datasets.load(args.dataset, args.data, progress=True)
    path = args.out / "study.sqlite"
    with Store(path) as store:
        store.note("command", f"minisnn reproduce --dataset {args.dataset} --out DIR")
    left = _stages(plan, path, data, args)
    if left:
        print(f"\nthe time is up in stage {left}: the same command goes on; a report of what is there", flush=True)
        return _command("report", path, "--out", args.out / "report")
    with Store(path) as store:
        print("pitfalls: the same weights in another network", flush=True)
        study.pitfalls(plan, store, data)
        settled = study.Rows(plan, store.rows()).settled()
        chosen = settled.get("priced") or settled["default"]
        _, integer, _ = integers(chosen[0]["point"], study.trained(store, chosen[0], data), data)
        integer.save(args.out / "network.int.npz")
    print(f"chosen: {line(**chosen[0] | {'seconds': 0}).partition('  ')[2]}", flush=True)
    return _hardware(args) or _command("report", path, "--out", args.out / "report")


def _stages(plan, path, data, args):
    """Compute all points; the stage that is not finished, or ""."""
    from tqdm import tqdm

    from ..study import stages as study

    try:
        return study.run(
            plan,
            path,
            data,
            executor_of(args),
            budget=args.budget,
            threads=args.threads,
            data_dir=args.data,
            progress=True,
            on_stage=lambda name, points: print(f"stage {name}: {len(points)} points", flush=True),
            on_row=lambda row: tqdm.write(line(*row), file=sys.stdout),
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; what is done is in {path}, the same command goes on") from None


def _hardware(args):
    """The chosen network in gates, and as VHDL."""
    model = args.out / "network.int.npz"
    there = ["verilator"] * bool(shutil.which("verilator")) + ["ghdl"] * bool(shutil.which("ghdl"))
    simulator = "myhdl" if args.dataset == "digits" else (there or [None])[0]  # which takes hours where it is large
    folder = ["--data", args.data] if args.data else []
    if simulator is None:
        print("the gates were NOT simulated: that needs GHDL or Verilator (apt install ghdl)", flush=True)
    elif _command("cosim", model, "--simulator", simulator, "--images", CHECKED[simulator], *folder):
        return 1
    return _command("vhdl", model, "--out", args.out / "accelerator", *folder)


def _command(*words):
    """Another command, said before it is run."""
    words = [str(word) for word in words]
    print(f"\n$ {shlex.join(['minisnn', *words])}", flush=True)
    return main(words)
