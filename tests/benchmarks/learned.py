"""Learned leak and threshold beside a sweep of them: python -m tests.benchmarks.learned [--dataset digits].

The sweep trains a network for each pair of beta and threshold, the same for all layers, and takes the pair that is
best on the validation images, as a mean over the seeds. Learning trains once per seed, from beta 0.5 and threshold 1
on. Both are measured on the test images as integers of 8 bits: accuracy, and the cycles of an image that the cycle
model predicts at the default lanes. An interrupted benchmark continues from its file of results.
"""

import argparse
from pathlib import Path

import numpy as np

from minisnn.commands import table
from minisnn.data import load as datasets
from minisnn.study import executors, sweep
from minisnn.study.point import key, make
from minisnn.study.store import Store
from minisnn.training.presets import choose

BETAS, THRESHOLDS = (0.25, 0.5, 0.75, 0.9), (0.5, 1.0, 1.5)
START = {"beta": 0.5, "threshold": 1.0}
LEARNED = ("beta", "threshold", "beta,threshold")


def plan(betas: list[float], thresholds: list[float]) -> dict[str, dict]:
    """Return the settings of the sweep, and of the trainings that learn, by a name for each."""
    pairs = {f"{beta:g}, {theta:g}": {"beta": beta, "threshold": theta} for beta in betas for theta in thresholds}
    return pairs | {f"learned: {names}": START | {"learn": names} for names in LEARNED}


def measured(rows: dict[str, dict], points: list[dict]) -> dict[str, float]:
    """Return the means of a setting over its seeds: validation and test accuracy, cycles."""
    results = [rows[key(point)]["result"] for point in points]
    return {
        "validation": float(np.mean([result["validation"]["accuracy"] for result in results])),
        "test": float(np.mean([result["test"]["accuracy"] for result in results])),
        "spread": float(np.ptp([result["test"]["accuracy"] for result in results])),
        "cycles": float(np.mean([result["test"]["latency"] for result in results])),
    }


def constants(rows: dict[str, dict], points: list[dict], name: str) -> str:
    """Return what the last epoch of the first seed had learned, by layer."""
    last = rows[key(points[0])]["result"]["history"][-1]
    return ", ".join(f"{value:.2f}" for value in last.get(name, []))


def report(results: dict[str, dict], learned: dict[str, str], trainings: int) -> str:
    """Return the table: the sweep's choice, its start, its most accurate on test (hindsight), and what is learned."""
    swept = {name: result for name, result in results.items() if name not in learned}
    # Of equals the one with the fewest cycles; means of the same accuracies may differ in their last bits.
    chosen = max(swept, key=lambda name: (round(swept[name]["validation"], 6), -swept[name]["cycles"]))
    hindsight = max(swept, key=lambda name: (round(swept[name]["test"], 6), -swept[name]["cycles"]))
    start = f"{START['beta']:g}, {START['threshold']:g}"
    shown = [(f"start: {start}", start, 1)] if start in swept else []
    shown += [(f"sweep, best on validation: {chosen}", chosen, len(swept))]
    shown += [(f"sweep, best on test (hindsight): {hindsight}", hindsight, len(swept))]
    shown += [(f"{name} ({values})", name, 1) for name, values in learned.items()]
    lines = [
        (
            words,
            count * trainings,
            f"{100 * results[name]['validation']:.2f} %",
            f"{100 * results[name]['test']:.2f} %",
            f"{100 * results[name]['spread']:.2f}",
            f"{results[name]['cycles']:,.0f}",
        )
        for words, name, count in shown
    ]
    return table(lines, ("beta, threshold", "trainings", "validation", "test", "range", "cycles"))


def main() -> None:
    """Run what is not in the file yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--data", help="folder of the data set's files")
    parser.add_argument("--epochs", type=int, help="default: the data set's")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--betas", type=float, nargs="+", default=BETAS)
    parser.add_argument("--thresholds", type=float, nargs="+", default=THRESHOLDS)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("learned.sqlite"), help="file of results")
    args = parser.parse_args()
    data = datasets.load(args.dataset, args.data)
    given = {} if args.epochs is None else {"epochs": args.epochs}
    points = {
        name: [make(data, *choose(args.dataset, settings | given | {"seed": seed})) for seed in range(args.seeds)]
        for name, settings in plan(args.betas, args.thresholds).items()
    }
    everything = [point for group in points.values() for point in group]
    workers = executors.Processes(args.workers)
    outcome = sweep.sweep(everything, args.out, args.dataset, workers, data_dir=args.data, progress=True)
    if outcome.failed or outcome.left:
        raise SystemExit(f"{outcome.failed} points failed, {outcome.left} are left; see {args.out}")
    with Store(args.out, read_only=True) as store:
        rows = {row["key"]: row for row in store.rows()}
    results = {name: measured(rows, group) for name, group in points.items()}
    learned = {}
    for name in points:
        if name.startswith("learned: "):
            found = [(one, constants(rows, points[name], one)) for one in name.removeprefix("learned: ").split(",")]
            learned[name] = "; ".join(f"{one} {values}" for one, values in found)
    print(report(results, learned, args.seeds))


if __name__ == "__main__":
    main()
