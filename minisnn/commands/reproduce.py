"""Repeat the study of Aliyev & Adegbija (DATE 2024), from the data to the report, in one command.

Stage by stage, points are trained and measured, and the next are chosen on validation images. The same command goes on
from what is there; after --budget minutes no point is begun any more, and the report says what is missing.
"""

from pathlib import Path

from ..errors import InputError
from .sweep import add_workers, executor_of, line


def add_arguments(parser):
    """The command's flags."""
    parser.add_argument("--dataset", default="digits", metavar="NAME", help="digits or svhn (default: digits)")
    parser.add_argument("--data", metavar="DIR", help="folder with the data set's files (default: they are "
                        "downloaded to ~/.cache/minisnn)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for all that comes of it")
    add_workers(parser)


def run(args):
    """Reproduce as the arguments say."""
    import sys

    from tqdm import tqdm

    from .. import data as datasets
    from .. import study

    plan = study.plan_for(args.dataset)
    try:
        args.out.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {args.out}: {error.strerror or error}; name another folder") from None
    data = datasets.load(args.dataset, args.data, progress=True)
    path = args.out / "study.sqlite"
    try:
        left = study.run(plan, path, data, executor_of(args), budget=args.budget, threads=args.threads,
                         data_dir=args.data, progress=True,
                         on_stage=lambda name, points: print(f"stage {name}: {len(points)} points", flush=True),
                         on_row=lambda row: tqdm.write(line(*row), file=sys.stdout))
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; what is done is in {path}, the same command goes on") from None
    if left:
        print(f"the time is up in stage {left}; go on with the same command")
    return 0
