"""Race minisnn against snnTorch and SpikingJelly: python -m tests.benchmarks [--json] [--quick].

The network 32C3-MP2-32C3-MP2-256-10 on 32x32x3, direct coding, beta 0.25, threshold 1, subtractive reset,
cross-entropy on counts, Adam; identical weights, images and labels. All run in one process in turns, on the same
number of threads, and ratios of medians are printed; peak memory is measured for each in a process of its own.
"""

import argparse
import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

SETTINGS = {"": (10, 32, 11), "t25_b128": (25, 128, 3)}  # T, batch, rounds
PEERS = ("snntorch", "spikingjelly")
BARS = {"train_vs_snntorch": 3, "train_vs_spikingjelly": 4, "infer_vs_snntorch": 5, "infer_vs_spikingjelly": 5,
        "memory_vs_snntorch": 1 / 3, "share_of_limit": 0.3}
BARS_25 = BARS | {"train_vs_spikingjelly": 2, "infer_vs_snntorch": 3, "infer_vs_spikingjelly": 3}


def measure(num_steps, size, rounds, threads, gain=1.0):
    """Throughput ratios at one setting."""
    import numpy as np
    import torch

    from . import peers, race
    torch.set_num_threads(threads)
    x, y = race.batch(size)
    tx, ty = torch.tensor(x).permute(0, 3, 1, 2).contiguous(), torch.tensor(y)
    # SpikingJelly has its own surrogate and reset order, so it races against ours with the same ones.
    nets = {"minisnn": race.network(threads, gain=gain),
            "minisnn_as_sj": race.network(threads, "atan:2", "subtract_then_leak", gain)}
    run = nets["minisnn"].forward(x[None], num_steps)
    makers = {"snntorch": peers.snntorch, "spikingjelly": peers.spikingjelly}
    contestants = {name: race.ours(net, num_steps) for name, net in nets.items()}
    contestants |= {name: make(nets["minisnn"], num_steps) for name, make in makers.items()}
    counts = {name: np.asarray((forward(x) if name in nets else forward(tx).detach()))
              for name, (forward, _) in contestants.items()}
    apart = {peer: float(np.abs(counts[peer] - counts[name]).mean() / counts[name].mean())
             for peer, name in (("snntorch", "minisnn"), ("spikingjelly", "minisnn_as_sj"))}

    def inference(name):
        forward, _ = contestants[name]
        if name in nets:
            return lambda: forward(x)

        def call():
            with torch.no_grad():
                forward(tx)
        return call
    infer = race.alternate({name: inference(name) for name in contestants}, rounds)
    steps = {name: (lambda s=step, n=name: s(x, y) if n in nets else s(tx, ty))
             for name, (_, step) in contestants.items()}
    train = race.alternate(steps | {"sgemm": race.sgemm}, rounds)
    return {
        "train_vs_snntorch": train["snntorch"] / train["minisnn"],
        "train_vs_spikingjelly": train["spikingjelly"] / train["minisnn_as_sj"],
        "infer_vs_snntorch": infer["snntorch"] / infer["minisnn"],
        "infer_vs_spikingjelly": infer["spikingjelly"] / infer["minisnn_as_sj"],
        "share_of_limit": race.needed_operations(num_steps, size) / train["sgemm"] / train["minisnn"],
        "train_samples_per_s": {name: size / train[name] for name in contestants},
        "infer_samples_per_s": {name: size / infer[name] for name in infer},
        "sgemm_gflops": train["sgemm"] / 1e9, "firing_rates": run.rates.tolist(), "counts_apart": apart,
        "T": num_steps, "batch": size, "rounds": rounds}


def peak_memory(library, num_steps, size, threads):
    """MB over its imports of three training steps of a library, in a process of its own."""
    code = f"from tests.benchmarks.__main__ import _peak; _peak({library!r}, {num_steps}, {size}, {threads})"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def _peak(library, num_steps, size, threads):
    """Runs in the process of :func:`peak_memory` (Linux). Kernels are loaded from Numba's cache before the count."""
    from pathlib import Path

    from . import race
    x, y = race.batch(size)
    net = race.network(threads)
    if library == "minisnn":
        race.ours(race.network(threads), 1)[1](x[:1], y[:1])  # loads the kernels
        step, arguments = race.ours(net, num_steps)[1], (x, y)
    else:
        import torch

        from . import peers
        torch.set_num_threads(threads)
        __import__(library)
        step = getattr(peers, library)(net, num_steps)[1]
        arguments = torch.tensor(x).permute(0, 3, 1, 2).contiguous(), torch.tensor(y)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from what is in use now

    def memory(field):
        return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines()
                    if line.startswith(field))
    before = memory("VmRSS")
    for _ in range(3):
        step(*arguments)
    print((memory("VmHWM") - before) / 1024)


def show(result, bars):
    """One setting as lines of text."""
    print(f"\nT = {result['T']}, batch {result['batch']}: firing rates of the layers "
          + ", ".join(f"{100 * rate:.1f} %" for rate in result["firing_rates"]))
    rows = [("", "minisnn", "snnTorch", "SpikingJelly", "vs snnTorch", "vs SpikingJelly")]
    for kind, label in (("train", "training, samples/s"), ("infer", "inference, samples/s")):
        speeds = result[f"{kind}_samples_per_s"]
        ratios = [f"{result[f'{kind}_vs_{peer}']:.2f}x (bar {bars[f'{kind}_vs_{peer}']}x)" for peer in PEERS]
        rows.append((label, *(f"{speeds[name]:.0f}" for name in ("minisnn", *PEERS)), *ratios))
    if "memory_vs_snntorch" in result:
        peaks = result["peak_mb"]
        rows.append(("peak of training, MB", *(f"{peaks[name]:.0f}" for name in ("minisnn", *PEERS)),
                     f"{result['memory_vs_snntorch']:.3f} (bar 0.333)", ""))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))))
    print(f"share of the limit (training): {result['share_of_limit']:.2f} of {result['sgemm_gflops']:.0f} GFLOP/s "
          f"(bar 0.3; dense operations are counted, silent inputs are skipped)")
    print("mean difference of spike counts to minisnn's: "
          + ", ".join(f"{name} {100 * apart:.2f} %" for name, apart in result["counts_apart"].items()))


def main():
    """Measure, print; exit status 2 where a peer is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--quick", action="store_true", help="T = 10, batch 32 alone, few rounds")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    try:
        versions = {name: version(name) for name in ("numpy", "numba", "torch", *PEERS)}
    except PackageNotFoundError as error:
        print(f"benchmarks: {error.name} is missing; pip install torch==2.13.0 snntorch spikingjelly", file=sys.stderr)
        return 2
    results = {}
    for key, (num_steps, size, rounds) in list(SETTINGS.items())[:1 if args.quick else None]:
        print(f"measuring T = {num_steps}, batch {size} ...", file=sys.stderr)
        result = measure(num_steps, size, 3 if args.quick else rounds, args.threads)
        result["peak_mb"] = {name: peak_memory(name, num_steps, size, args.threads)
                             for name in ("minisnn", *PEERS)}
        result["memory_vs_snntorch"] = result["peak_mb"]["minisnn"] / result["peak_mb"]["snntorch"]
        results[key] = result
    if not args.quick:
        print("measuring with weights doubled, for more spikes ...", file=sys.stderr)
        results["weights_doubled"] = measure(10, 32, 5, args.threads, gain=2.0)
    if args.json:
        print(json.dumps(results.pop("") | results | {"threads": args.threads, "versions": versions}))
        return 0
    print(f"{args.threads} threads; " + ", ".join(f"{name} {number}" for name, number in versions.items()))
    for key, result in results.items():
        if key == "weights_doubled":
            print("\nThe same with all weights doubled, so that more fires (no bars):", end="")
        show(result, BARS_25 if key == "t25_b128" else BARS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
