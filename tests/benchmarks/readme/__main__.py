"""Measure README's numbers: python -m tests.benchmarks.readme [SECTION ...] [--data DIR] [--again] [--list].

Each section runs the commands that a reader can run, and its numbers go into tutorials/results/readme.json; the
marked blocks of README and of the guides, and the tables in tutorials/results/, are then made anew from all numbers. A
test holds them equal, so nobody types a number. Without names, all sections are measured whose sources have changed
since; a section that lacks its data or tools is left out with a sentence. After an interruption the same command goes
on where it stopped.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

from . import record
from .sections import IDLE, SECTIONS
from .shop import Missing, Shop, state
from .texts import texts


def main(argv=None):
    """Measure what is asked for; return 1 if a section was left out, 2 if one does not exist."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.readme",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--data", metavar="DIR", help="folder with the folders svhn10k and mnist")
    parser.add_argument("--again", action="store_true", help="measure also what was measured on the present sources")
    parser.add_argument("--list", action="store_true", help="only say what each section is, and whether it is of today")
    parser.add_argument("--text", action="store_true", help="only make the texts anew, from the numbers that there are")
    parser.add_argument("--folder", default=record.ROOT / "build/readme", metavar="DIR", help="for models and memory")
    args = parser.parse_args(argv)
    for name in args.sections:
        if name not in SECTIONS:
            print(f"readme: there is no section {name!r}; the sections are {', '.join(SECTIONS)}", file=sys.stderr)
            return 2
    if args.list:
        for name in SECTIONS:
            print(f"{name:12} {'as of the present' if _present(name) else 'to be measured':18} {_about(name)}")
        return 0
    if args.text:
        record.write(texts(record.load()))
        return 0
    return 1 if _measure(args) else 0


def _about(name):
    return SECTIONS[name].__doc__.split("\n")[0]


def _present(name):
    """Return True if a section's commands ran on sources as they are now."""
    commands = record.load().get(name, {}).get("commands", {})
    return bool(commands) and all(state(command) == then for command, then in commands.items())


def _measure(args):
    """Measure the sections, write after each, and return how many were left out."""
    shop = Shop(args.folder, args.data, args.again)
    names = args.sections or [name for name in SECTIONS if args.again or not _present(name)]
    left_out = 0
    for count, name in enumerate(names, 1):
        print(f"{name} ({count} of {len(names)}): {_about(name)}", file=sys.stderr, flush=True)
        shop.begin()
        start, load = time.perf_counter(), os.getloadavg()[0]
        if name in IDLE and load > 0.5:
            print(f"  it measures time, and the load is {load:.1f}: measure it again when it is 0", file=sys.stderr)
        try:
            measured = SECTIONS[name](shop)
        except Missing as error:
            print(f"  left out: {error}", file=sys.stderr)
            left_out += 1
            continue
        records = record.load()
        records[name] = {
            "measured": measured,
            "commands": {command: state(command) for command in shop.commands},
            "date": date.today().isoformat(),
            "commit": _commit(),
            "machine": f"{_processor()}, {os.cpu_count()} processors, load {load:.1f}",
            "note": shop.note,
        }
        record.save(records)
        record.write(texts(records))
        print(f"  done in {time.perf_counter() - start:.0f} s", file=sys.stderr)
    return left_out


def _commit():
    words = ["git", "-C", str(record.ROOT), "describe", "--always", "--dirty", "--exclude", "*"]
    return subprocess.run(words, capture_output=True, text=True).stdout.strip()


def _processor():
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    sys.exit(main())
