"""The figures of the race as text: one table a setting, with the bars beside the ratios."""

from . import race

BARS = {
    "t10_b32": {
        "train_vs_snntorch": 5.5,
        "train_vs_spikingjelly": 4,
        "train_vs_compile": 3.3,
        "infer_vs_snntorch": 5,
        "infer_vs_spikingjelly": 5,
        "infer_vs_compile": 2.5,
        "infer_vs_jax": 3,
        "memory_vs_snntorch": 0.25,
        "memory_vs_folded": 0.2,
        "share_of_limit": 0.3,
    },
    "t25_b128": {
        "train_vs_snntorch": 6,
        "train_vs_spikingjelly": 2,
        "train_vs_compile": 3.3,
        "infer_vs_snntorch": 3,
        "infer_vs_spikingjelly": 3,
        "memory_vs_snntorch": 0.25,
        "memory_vs_folded": 0.2,
        "share_of_limit": 0.3,
    },
    "mlp": {"train_vs_snntorch": 3.5, "train_vs_folded": 2},
    "small": {"train_vs_snntorch": 4, "train_vs_folded": 2},
    "vgg9": {"train_vs_snntorch": 2.5, "train_vs_folded": 2, "memory_vs_folded": 0.5},
}
KINDS = {"train": "training, samples/s", "infer": "inference, samples/s", "memory": "peak memory of training, MB"}
NONE = "-"


def race_rows(result):
    """Rows of a setting: (kind, peer, its figure, ours with the same neuron, ratio), None where a peer is missing."""
    rows = []
    for kind in ("train", "infer"):
        speeds = result[f"{kind}_samples_per_s"]
        for peer, about in race.PEERS.items():
            if (key := f"{kind}_vs_{peer}") in result:
                rows.append((kind, peer, speeds.get(peer), speeds.get(f"minisnn/{about.neuron}"), result[key]))
    peaks = result.get("peak_mb", {})
    for peer, theirs in peaks.items():
        if peer != "minisnn":
            ours = peaks["minisnn"]
            rows.append(("memory", peer, theirs, ours, ours / theirs if ours and theirs else None))
    return rows


def times(kind, ratio):
    """A ratio as "3.7x", of memory as "0.26x"; "-" where a peer is missing."""
    return NONE if ratio is None else f"{ratio:.{2 if kind == 'memory' else 1}f}x"


def text(name, result):
    """One setting as lines of text."""
    if result["share_of_limit"] is None:
        return f"\n{name}: no figures, its time was over"
    bars = BARS.get(name, {})
    rows = [("", "peer", "minisnn", "ratio", "bar")]
    for kind, peer, theirs, ours, ratio in race_rows(result):
        figures = (NONE if value is None else f"{value:.0f}" for value in (theirs, ours))
        bar = bars.get(f"{kind}_vs_{peer}")
        rows.append(
            (f"{KINDS[kind]}: {race.PEERS[peer].title}", *figures, times(kind, ratio), "" if bar is None else f"{bar}x")
        )
    return "\n".join([_head(name, result), *_aligned(rows), _limits(result, bars), _agreement(result)])


def _head(name, result):
    rates = ", ".join(f"{100 * rate:.1f} %" for rate in result["firing_rates"])
    mark = "LOADED, figures are worthless: " if result.get("loaded") else ""
    return (
        f"\n{mark}{name}: {network(result)}, T = {result['num_steps']}, batch {result['batch_size']}, "
        f"{result['images']}, {result['rounds']} rounds; firing rates of the layers {rates}"
    )


def network(result):
    """The topology and what it takes, as "1024-10 on 784"."""
    return f"{result['topology']} on {'x'.join(map(str, result['input_shape']))}"


def _aligned(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))).rstrip()
        for row in rows
    ]


def _limits(result, bars):
    """Both limits, at the rate of NumPy's matrix product in the same run."""
    needed = result["needed_gflop"]
    bar = f", bar {bars['share_of_limit']}" if "share_of_limit" in bars else ""
    return (
        f"share of the limits (training, at {result['sgemm_gflops']:.0f} GFLOP/s of sgemm): "
        f"{result['share_of_limit']:.2f} of dense operations ({needed['dense']:.2f} GFLOP{bar}), "
        f"{result['share_of_limit_12x12']:.2f} of those for pooled pixels alone ({needed['pooled']:.2f} GFLOP), "
        f"{result['share_of_spike_limit']:.2f} of those that real spikes need ({needed['spikes']:.2f} GFLOP)"
    )


def _agreement(result):
    return "spike counts that differ from minisnn's: " + (
        ", ".join(
            f"{race.PEERS[peer].title} {100 * apart['share_that_differs']:.2f} %"
            for peer, apart in result["agreement_of_counts"].items()
        )
        or "no peer is here"
    )
