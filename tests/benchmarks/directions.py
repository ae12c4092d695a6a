"""What still images tell of a motion: python -m tests.benchmarks.directions [--json].

Trains the network of moving-digits three times with the same settings: on the recordings, on the sum of their steps,
and on one step in the middle; still images are a constant current, as always. Each recording has a twin with the same
sum and the opposite direction, so on sums at most half of the answers can be right.
"""

import argparse
import json

import minisnn as ms
from minisnn.training.presets import choose
from minisnn.training.settings import Settings
from minisnn.training.train import build


def accuracy(data, num_steps, **changes):
    """Train on a data set with the settings of moving-digits, and return the test accuracy."""
    options, settings = choose("moving-digits", {"num_steps": num_steps, **changes}, data)
    net = build(options.pop("topology"), data, Settings(**settings), **options)
    model = ms.fit(net, data, **settings)
    return ms.evaluate(model, data.x_test, data.y_test).accuracy


def measure():
    """Return the test accuracy by what the network sees."""
    data = ms.load_data("moving-digits")
    steps = data.num_steps
    return {
        "steps in their order": accuracy(data, steps),
        "the sum of all steps": accuracy(data.still(), steps, encoding="direct"),
        "one step": accuracy(data.still(steps // 2), steps, encoding="direct"),
    }


def main():
    """Train, and print the accuracies."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.directions",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    measured = measure()
    if args.json:
        print(json.dumps(measured))
        return
    for seen, right in measured.items():
        print(f"{seen:22} {100 * right:.2f} %")


if __name__ == "__main__":
    main()
