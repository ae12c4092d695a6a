"""Race minisnn against torch and JAX: python -m tests.benchmarks [--json] [--quick] [--nets] [--anyway].

Direct coding, beta 0.25, threshold 1, subtractive reset, cross-entropy on counts, Adam; identical weights, images and
labels, and spike counts that are compared. All run in one process in turns, on the same number of threads, and ratios
of medians are printed beside their bars; peak memory is measured for each in a process of its own.

The peers: snnTorch and SpikingJelly as their manuals write it, and each as fast as it could be made, plain torch with
all steps folded into the batch, eager and by torch.compile, and JAX (inference). A peer that is not installed
(pip install '.[peers]') has no figure.

The network is 32C3-MP2-32C3-MP2-256-10 on 32x32x3; --nets races others. On a machine that is busy the figures are
worthless: the race is refused, or, with --anyway and --json, marked. --json has everything, within 14 minutes on two
cores.
"""

import argparse
import json
import sys
import time
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

from tqdm import tqdm

from . import child, load, memory, race, show, throughput

BUDGET = 13.2  # minutes, after which no measurement goes on
GRACE = 1.5  # minutes that the last round of a setting may take longer than its time


def main(argv=None):
    """Measure and print; exit status 1 where load refuses or spoils the figures that are printed as text."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print all figures as JSON, the other networks' too")
    parser.add_argument("--quick", action="store_true", help="T = 10, batch 32 alone, 3 rounds")
    parser.add_argument("--nets", action="store_true", help="the other networks instead")
    parser.add_argument("--anyway", action="store_true", help="go on, and mark the figures, if the machine is loaded")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args(argv)
    with load.cores(args.threads):
        return _run(args)


def _run(args):
    end = time.monotonic() + 60 * BUDGET
    takes = [load.take(args.threads)]
    if (words := load.complaint(takes)) and not (args.json or args.anyway):
        print(f"benchmarks: {words}; try again when it is idle, or go on with --anyway", file=sys.stderr)
        return 1
    results = {name: _measure(name, setting, args, end, takes) for name, setting in _chosen(args).items()}
    words = load.complaint(takes)
    if args.json:
        print(json.dumps(_as_json(results, takes, args)))
    else:
        versions = ", ".join(f"{name} {number or 'missing'}" for name, number in _versions().items())
        print(f"{args.threads} threads; {versions}")
        for name, result in results.items():
            print(show.text(name, result))
    if words:
        print(f"benchmarks: {words}; figures that are marked are worthless", file=sys.stderr)
    return 1 if words and not args.json else 0


def _chosen(args):
    """Return the settings to be measured, in turn."""
    if args.quick:
        name, setting = next(iter(race.SETTINGS.items()))
        return {name: replace(setting, rounds=min(3, setting.rounds))}
    if args.json:
        first, *others = race.SETTINGS.items()  # short ones first: a long one that is late costs itself alone
        return dict([first, *race.NETS.items(), *others, ("weights_doubled", race.DOUBLED)])
    return race.NETS if args.nets else race.SETTINGS | {"weights_doubled": race.DOUBLED}


def _measure(name, setting, args, end, takes):
    """Measure a setting between two takes of the load; all ends at the moment `end`."""
    peers = [peer for peer in setting.peers if not race.lacks(peer)]
    seconds = min(60 * (setting.minutes + GRACE), end - time.monotonic())
    result = child.call("throughput", setting, seconds, args.threads, *peers) or throughput.nothing(setting)
    if setting.memory:
        with tqdm(total=1 + len(setting.memory), desc=f"{name}, memory", unit="library") as bar:
            result |= memory.peaks(setting, args.threads, end, bar.update)
    takes.append(load.take(args.threads))
    return result | {"loaded": bool(load.complaint(takes[-2:], takes))}


def _as_json(results, takes, args):
    """Return all figures; those of the first setting stand at the top."""
    nets = {name: results[name] for name in race.NETS if name in results}
    top, *others = (name for name in results if name not in nets)
    return (
        results[top]
        | {name: results[name] for name in others}
        | ({"nets": nets} if nets else {})
        | {"loaded": bool(load.complaint(takes)), "load": takes, "threads": args.threads, "versions": _versions()}
    )


def _versions():
    """Return the version of each package, None for one that is missing."""
    found = {}
    for name in dict.fromkeys(["numpy", "numba", *(name for peer in race.PEERS.values() for name in peer.packages)]):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


if __name__ == "__main__":
    sys.exit(main())
