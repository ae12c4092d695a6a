"""Make a report of a study or a sweep: one page of HTML with its figures, and tables as CSV and JSON.

The file of results may be unfinished: what lacks points says so. Energy is modelled, never measured.
"""

from pathlib import Path

from . import table


def add_arguments(parser):
    """The command's flags."""
    parser.add_argument(
        "study", type=Path, metavar="STUDY.sqlite", help="file of results that minisnn reproduce or minisnn sweep wrote"
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder for report.html, figures and tables; it is made if it is not there",
    )
    parser.add_argument(
        "--clock-mhz",
        type=float,
        default=100.0,
        metavar="MHZ",
        help="clock at which frames a second and energy are told (default: 100)",
    )
    parser.add_argument(
        "--constants",
        type=Path,
        metavar="FILE.json",
        help='your own constants of the energy model, such as {"static": 0.1}; what is not named keeps its default',
    )
    parser.add_argument(
        "--copy",
        type=Path,
        metavar="FILE",
        help="also write the results without the trained models: one small file, with which a sweep goes on",
    )


def run(args):
    """Report as the arguments say."""
    from ..study import page, report
    from ..study.claims import OPEN
    from ..study.store import Store
    from ..timing.energy import load_constants

    constants = load_constants(args.constants) if args.constants else None
    found = report.gather(args.study, args.clock_mhz, constants)
    paths = page.write(found, args.out)
    claims = found["claims"]
    if "missing" in claims:
        print(claims["missing"])
    else:
        rows = [
            (f"{each['group']}: {each['what']}", *page.brief(each))
            for each in claims["list"]
            if each["verdict"] != OPEN
        ]
        print(table(rows, ("claim", "found", "points lost", "verdict")))
        print(page.still_open(claims["list"]), end="\n" * bool(page.still_open(claims["list"])))
    print()
    if args.copy:
        with Store(args.study, create=False) as store:
            store.copy_without_models(args.copy)
        paths = [*paths, args.copy]
    for path in paths:
        print(path)
