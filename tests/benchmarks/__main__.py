"""Race minisnn against snnTorch and SpikingJelly: python -m tests.benchmarks [--json] [--quick].

The network 32C3-MP2-32C3-MP2-256-10 on 32x32x3, direct coding, beta 0.25, threshold 1, subtractive reset,
cross-entropy on counts, Adam; identical weights, images and labels. All run in one process in turns, on the same
number of threads, and ratios of medians are printed; peak memory is measured for each in a process of its own.
"""

import argparse
import json
import sys
from importlib.metadata import PackageNotFoundError, version

from tqdm import tqdm

from . import race

SETTINGS = {"t10_b32": (10, 32, 11), "t25_b128": (25, 128, 3)}  # T, batch, rounds
PEERS = tuple(race.NEURONS)
BARS = {
    "train_vs_snntorch": 3,
    "train_vs_spikingjelly": 4,
    "infer_vs_snntorch": 5,
    "infer_vs_spikingjelly": 5,
    "memory_vs_snntorch": 1 / 3,
    "share_of_limit": 0.3,
}
BARS_25 = BARS | {"train_vs_spikingjelly": 2, "infer_vs_snntorch": 3, "infer_vs_spikingjelly": 3}


def show(result, bars):
    """One setting as lines of text."""
    print(
        f"\nT = {result['num_steps']}, batch {result['batch_size']}, {result['images']}: firing rates of the layers "
        + ", ".join(f"{100 * rate:.1f} %" for rate in result["firing_rates"])
    )
    rows = [("", *PEERS, *(f"minisnn / {peer}" for peer in PEERS))]
    for kind, label in (("train", "training, samples/s"), ("infer", "inference, samples/s")):
        speeds = result[f"{kind}_samples_per_s"]
        rows.append(
            (
                label,
                *(f"{speeds[peer]:.0f}" for peer in PEERS),
                *(
                    f"{speeds[f'minisnn/{peer}']:.0f} = {result[f'{kind}_vs_{peer}']:.1f}x"
                    f" (bar {bars[f'{kind}_vs_{peer}']}x)"
                    for peer in PEERS
                ),
            )
        )
    if "peak_mb" in result:
        peaks = result["peak_mb"]
        rows.append(
            (
                "peak memory of training, MB",
                *(f"{peaks[peer]:.0f}" for peer in PEERS),
                f"{peaks['minisnn']:.0f} = {result['memory_vs_snntorch']:.2f}x (bar 0.33x)",
                f"{peaks['minisnn']:.0f} = {peaks['minisnn'] / peaks['spikingjelly']:.2f}x",
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print(
            "  ".join(
                cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))
            ).rstrip()
        )
    print(
        f"share of the limit (training): {result['share_of_limit']:.2f} of {result['sgemm_gflops']:.0f} GFLOP/s "
        "(bar 0.3; operations are counted dense, silent inputs are skipped)"
    )
    print(
        "spike counts that differ from minisnn's: "
        + ", ".join(
            f"{peer} {100 * apart['share_that_differs']:.2f} %" for peer, apart in result["agreement_of_counts"].items()
        )
    )


def main(argv=None):
    """Measure and print; exit status 2 where a peer is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--quick", action="store_true", help="T = 10, batch 32 alone, 3 rounds")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args(argv)
    try:
        versions = {name: version(name) for name in ("numpy", "numba", "torch", *PEERS)}
    except PackageNotFoundError as error:
        print(f"benchmarks: {error.name} is missing; pip install torch==2.13.0 snntorch spikingjelly", file=sys.stderr)
        return 2
    from . import memory, throughput

    def measure(num_steps, size, rounds, gain=1.0):
        turns = (rounds + 1) * (4 + 5)
        with tqdm(total=turns, desc=f"T = {num_steps}, batch {size}", unit="turn") as bar:
            return throughput.measure(num_steps, size, rounds, args.threads, gain, bar.update)

    results = {}
    for key, (num_steps, size, rounds) in list(SETTINGS.items())[: 1 if args.quick else None]:
        result = measure(num_steps, size, 3 if args.quick else rounds)
        result["peak_mb"] = {
            name: memory.peak(name, num_steps, size, args.threads)
            for name in tqdm(("minisnn", *PEERS), desc="peak memory", unit="library")
        }
        result["memory_vs_snntorch"] = result["peak_mb"]["minisnn"] / result["peak_mb"]["snntorch"]
        results[key] = result
    if not args.quick:
        results["weights_doubled"] = measure(10, 32, 5, gain=2.0)
    if args.json:
        print(json.dumps(results.pop("t10_b32") | results | {"threads": args.threads, "versions": versions}))
        return 0
    print(f"{args.threads} threads; " + ", ".join(f"{name} {number}" for name, number in versions.items()))
    for key, result in results.items():
        if key == "weights_doubled":
            print("\nThe same with all weights doubled, so that more fires (no bars):", end="")
        show(result, BARS_25 if key == "t25_b128" else BARS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
