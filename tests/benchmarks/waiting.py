"""CPU seconds of what a person waits for: python -m tests.benchmarks.waiting [--svhn MODEL.int.npz --data DIR].

Each command runs in a process of its own, the kernels compiled anew only where the table says "cold". With a quantised
SVHN network, it also counts images per CPU second, on one thread, of the integers and of the floats they stand for.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from minisnn import evaluate, load_data, load_integer
from minisnn.commands import table
from minisnn.fixed.quantize import dequantised

DIGITS = "inspect d.int.npz --lanes 11/32/5 --out inspect"  # as in the README
# Commands in their order, and the CPU seconds that each may take; those without a bar prepare the next.
COMMANDS = (
    ("train --out d.npz", "train, cold", 20),
    ("quantize d.npz", "", None),
    ("--help", "--help", 0.25),
    ("--version", "--version", 0.25),
    ("info d.npz", "info", 0.4),
    (DIGITS, "", None),
    (DIGITS, "inspect", 10),
)
MOST_IMAGES = 2000
REPEATS = 3


def cpu_seconds(words, folder):
    """CPU seconds of a command, user and system."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder / "kernels")}
    command = [sys.executable, "-m", "minisnn", *words.split()]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"minisnn {words} failed")
    return usage.ru_utime + usage.ru_stime


def images_per_second(run, count):
    """Images in a CPU second, by the quickest of some runs; the first compiles."""
    seconds = []
    for _ in range(REPEATS + 1):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return count / min(seconds[1:])


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.waiting", description=__doc__)
    parser.add_argument("--svhn", metavar="MODEL", help="quantised SVHN network")
    parser.add_argument("--data", metavar="DIR", help="folder with the files of SVHN")
    args = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "kernels").mkdir()
        for words, name, bar in COMMANDS:
            seconds = cpu_seconds(words, Path(folder))
            if bar is not None:
                rows.append((name, f"{seconds:.2f}", f"{bar:g}"))
    print(table(rows, ("command", "CPU s", "at most")))
    if args.svhn:
        model, data = load_integer(args.svhn), load_data("svhn", args.data)
        x, y = data.x_test[:MOST_IMAGES], data.y_test[:MOST_IMAGES]
        floats = dequantised(model, "float32", "numba")
        floats.network.threads = 1
        integers = images_per_second(lambda: model.evaluate(x, y, threads=1), len(x))
        reference = images_per_second(lambda: evaluate(floats, x, y), len(x))
        print(f"\nimages per CPU second: integers {integers:,.0f} (at least 1,000), floats {reference:,.0f}")


if __name__ == "__main__":
    main()
