"""Points of a study in an hour: python -m tests.benchmarks.points --data DIR [--epochs 8] [--rounds 3].

A sweep of two points (32C3-MP2-32C3-MP2-256-10 on SVHN, T = 10, batches of 64, two processes of one thread) against a
snnTorch script that trains the same network on as many images and asks it about as many, in the better of two ways: two
processes of one thread, or one after the other on two threads. Ours also quantises, and predicts cycles of three
schedules. In turns; the start of the processes counts on both sides.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from minisnn.commands import table
from minisnn.data import load as datasets
from minisnn.study import executors, sweep
from minisnn.study.point import make
from minisnn.study.workers import Workers
from minisnn.training.presets import choose

POINTS = 2


def ours(data, data_dir, epochs):
    """A sweep of two points."""
    settings = {"num_steps": 10, "epochs": epochs, "surrogate": "fast_sigmoid:25", "beta": 0.25, "validation": 0.15}
    points = [make(data, *choose("svhn", settings | {"seed": seed})) for seed in range(POINTS)]
    with tempfile.TemporaryDirectory() as folder:
        outcome = sweep.sweep(
            points, Path(folder) / "study.sqlite", "svhn", executors.Processes(POINTS), data_dir=data_dir
        )
    assert outcome.done == POINTS, outcome


def script(data_dir, epochs, seed, threads):
    """The same training in snnTorch, as its tutorials write it; validation after each epoch, then the test."""
    import torch

    from minisnn.network import Network

    from . import peers

    torch.set_num_threads(threads)
    data = datasets.load("svhn", data_dir)
    held_out = round(0.15 * len(data.x_train))
    x = (data.x_train / 255 - 0.5).astype(np.float32)
    learn, check = slice(0, len(x) - held_out), slice(len(x) - held_out, None)
    net = Network("32C3-MP2-32C3-MP2-256-10", (32, 32, 3), rng=np.random.default_rng(seed))
    forward, step = peers.snntorch(net, 10)
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        order = rng.permutation(len(x[learn]))
        for start in range(0, len(order) - 63, 64):
            chosen = order[start : start + 64]
            step(*peers.tensors(x[learn][chosen], data.y_train[learn][chosen]))
        _ask(forward, x[check], data.y_train[check])
    return _ask(forward, (data.x_test / 255 - 0.5).astype(np.float32), data.y_test)


def _ask(forward, x, y):
    import torch

    from . import peers

    with torch.no_grad():
        right = 0
        for start in range(0, len(x), 256):
            images, labels = peers.tensors(x[start : start + 256], y[start : start + 256])
            right += int((forward(images).argmax(1) == labels).sum())
    return right / len(x)


def theirs(data_dir, epochs, workers, threads):
    """Two trainings in processes of their own."""
    with Workers(workers) as pool:
        list(pool.map(script, *zip(*[(data_dir, epochs, seed, threads) for seed in range(POINTS)])))


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.points",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    data = datasets.load("svhn", args.data)
    runs = {
        "minisnn sweep": lambda: ours(data, args.data, args.epochs),
        "snnTorch, 2 processes": lambda: theirs(args.data, args.epochs, 2, 1),
        "snnTorch, 2 threads": lambda: theirs(args.data, args.epochs, 1, 2),
    }
    times = {name: [] for name in runs}
    for _ in range(args.rounds):
        for name, function in runs.items():
            start = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - start)
            print(f"{name}: {times[name][-1]:.1f} s", flush=True)
    medians = {name: float(np.median(values)) for name, values in times.items()}
    best = min(value for name, value in medians.items() if name.startswith("snnTorch"))
    print(
        table(
            [(name, f"{3600 * POINTS / value:.0f}", f"{best / value:.2f}x") for name, value in medians.items()],
            (f"points of {args.epochs} epochs", "an hour", "against the better snnTorch"),
        )
    )


if __name__ == "__main__":
    main()
