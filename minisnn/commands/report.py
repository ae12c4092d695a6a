"""Make a report of a study or a sweep: one HTML page with its figures, and tables as CSV and JSON.

The study may be unfinished: sections that lack points say so. Energy is modelled, never measured.
"""

from pathlib import Path

from .. import terminal
from . import wrapped


def add_arguments(parser):
    """Add the command's flags."""
    parser.add_argument(
        "study", type=Path, metavar="STUDY.sqlite", help="file of results that minisnn reproduce or minisnn sweep wrote"
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder for report.html, figures and tables; created if it does not exist",
    )
    parser.add_argument(
        "--against",
        type=Path,
        metavar="OTHER.sqlite",
        help="file of another study of the same images: on other inputs, as svhn for svhn-grey, with whose default "
        "the fastest setting is compared too; or svhn for svhn-authors, beside whose network it is shown",
    )
    parser.add_argument(
        "--clock-mhz",
        type=float,
        default=100.0,
        metavar="MHZ",
        help="clock for which frames per second and energy are computed (default: 100)",
    )
    parser.add_argument(
        "--constants",
        type=Path,
        metavar="FILE.json",
        help='custom constants of the energy model, such as {"static": 0.1}; constants left out keep their defaults',
    )
    parser.add_argument(
        "--copy",
        type=Path,
        metavar="FILE",
        help="also write the results without the trained models to a small file, which a sweep can continue",
    )


def run(args):
    """Write the report, and print its claims and the paths of its files."""
    terminal.say("computing tables and drawing figures")
    from ..study import page, report
    from ..study.claim_words import quantity, still_open, with_interval
    from ..study.claims import OPEN
    from ..study.store import Store
    from ..timing.energy import load_constants

    constants = load_constants(args.constants) if args.constants else None
    contents = report.gather(args.study, args.clock_mhz, constants, args.against)
    paths = page.write(contents, args.out)
    claims = contents["claims"]
    if "missing" in claims:
        print(wrapped(claims["missing"], 0))
    else:
        closed = [claim for claim in claims["list"] if claim["verdict"] != OPEN]
        for claim in closed:
            numbers = ", ".join(f"{quantity(test)} {with_interval(test)}" for test in claim["tests"])
            print(wrapped(f"{claim['group']}: {claim['what']}"))
            print(wrapped(f"  {claim['verdict']}" + f": {numbers}" * bool(numbers), 4))
        if len(closed) < len(claims["list"]):
            print(wrapped(still_open(claims["list"])))
    print()
    if args.copy:
        with Store(args.study, read_only=True) as store:
            store.copy_without_models(args.copy)
        paths = [*paths, args.copy]
    for path in paths:
        print(path)
