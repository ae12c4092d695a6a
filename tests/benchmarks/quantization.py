"""Accuracy lost to few bits: python -m tests.benchmarks.quantization --data DIR --out DIR [--bits 4 8] [--seeds 0 1 2].

For each seed the SVHN network is trained (T = 10, the command's preset, no validation split, the last epoch kept).
Then, for each width of the weights, it is quantised as it is, and quantised after some epochs of learning with
rounded weights; its partner in floats gets the same epochs, learning rate and images. All accuracies are of the whole
test set over all steps, the quantised ones of the integers. Rows are appended to quantization.csv in --out as they are
known; the same command goes on where it was stopped.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from minisnn import evaluate
from minisnn.commands import main as minisnn
from minisnn.commands import table
from minisnn.data import load as datasets
from minisnn.fixed.quantize import quantize
from minisnn.model import load
from minisnn.training.train import fine_tune

COLUMNS = ("seed", "weight_bits", "kind", "epochs", "accuracy")


class Rows:
    """The rows of a CSV file: each is measured once."""

    def __init__(self, path):
        self.path = Path(path)
        if not self.path.exists():
            self.path.write_text(",".join(COLUMNS) + "\n")
        with open(self.path, newline="") as file:
            self.known = {self._key(row): float(row["accuracy"]) for row in csv.DictReader(file)}

    @staticmethod
    def _key(row):
        return int(row["seed"]), int(row["weight_bits"]), row["kind"], int(row["epochs"])

    def get(self, seed, bits, kind, epochs, measure):
        """The accuracy of a row; `measure()` finds it if it is not known."""
        key = seed, bits, kind, epochs
        if key not in self.known:
            self.known[key] = measure()
            with open(self.path, "a", newline="") as file:
                csv.writer(file, lineterminator="\n").writerow([*key, f"{self.known[key]:.5f}"])
            print(
                f"seed {seed}, {bits or 'float'} bits, {kind}, {epochs} epochs more: {100 * self.known[key]:.2f} %",
                flush=True,
            )
        return self.known[key]


def show(rows, seeds, widths, epochs):
    """The table: accuracies and their losses, mean over the seeds (and the seeds, where there are several)."""

    def mean(values):
        values = 100 * np.array(values)
        return (
            f"{values.mean():.2f} ({', '.join(f'{v:.2f}' for v in values)})"
            if len(values) > 1
            else (f"{values[0]:.2f}")
        )

    lines = []
    for bits in widths:
        own = [s for s in seeds if (s, bits, "tuned", epochs) in rows.known]
        if not own:
            continue
        of = [
            [rows.known[s, b, kind, n] for s in own]
            for b, kind, n in ((bits, "post-training", 0), (bits, "tuned", epochs))
        ]
        partner = [[rows.known[s, 0, "float", n] for s in own] for n in (0, epochs)]
        lost = [[b - a for a, b in zip(*pair)] for pair in zip(of, partner)]
        lines.append(
            (bits, len(own), f"{100 * np.mean(of[0]):.2f}", mean(lost[0]), f"{100 * np.mean(of[1]):.2f}", mean(lost[1]))
        )
    print("\nAccuracy in %, and points lost against floats (of the same epochs), mean (by seed)\n")
    print(table(lines, ("bits", "seeds", "as it is", "lost", "fine-tuned", "lost")))


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.quantization",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--bits", type=int, nargs="+", default=[4, 8])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=5)
    args = parser.parse_args()
    rows = Rows(args.out / "quantization.csv")
    data = datasets.load("svhn", args.data)
    x, y = data.x_test, data.y_test
    for seed in args.seeds:
        path = args.out / f"svhn-seed{seed}.npz"
        if not path.exists() and minisnn(
            [
                "train",
                "--dataset",
                "svhn",
                "--data",
                args.data,
                "--steps",
                "10",
                "--validation",
                "0",
                "--seed",
                str(seed),
                "--out",
                str(path),
                "--resume",
            ]
        ):
            raise SystemExit(1)
        model = load(path)
        rows.get(seed, 0, "float", 0, lambda: evaluate(model, x, y).accuracy)
        for bits in args.bits:
            rows.get(
                seed,
                bits,
                "post-training",
                0,
                lambda: quantize(model, bits, images=data.x_train)[0].evaluate(x, y).accuracy,
            )
        for bits in [None, *args.bits]:
            kind = "tuned" if bits else "float"

            def tuned():
                after = fine_tune(model, data, args.epochs, bits)
                return (
                    quantize(after, bits, images=data.x_train)[0].evaluate(x, y) if bits else evaluate(after, x, y)
                ).accuracy

            rows.get(seed, bits or 0, kind, args.epochs, tuned)
    show(rows, args.seeds, args.bits, args.epochs)


if __name__ == "__main__":
    main()
