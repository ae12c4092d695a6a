"""Throughput: all libraries in one process, in turns, so that a busy machine is busy for all of them."""

import json
import time
from statistics import median

import numpy as np
from tqdm import tqdm

from . import child, limits, race

PAUSE = 0.2  # seconds between turns: the threads of OpenBLAS and OpenMP spin for a while before they sleep
BURST = 0.25  # seconds of a turn, in which as many calls are made as in a training that goes on


SHARES = {"share_of_limit": "dense", "share_of_limit_12x12": "pooled", "share_of_spike_limit": "spikes"}


def nothing(setting):
    """Return the keys of ratios and shares without figures."""
    keys = [f"{kind}_vs_{peer}" for kind in ("train", "infer") for peer in getattr(setting, kind)]
    return dict.fromkeys([*keys, *SHARES])


def measure(setting, threads, peers, progress=lambda: None):
    """Ratios, samples per second and firing rates of a setting, as a dict; a peer that is not in `peers` has None.

    After the setting's minutes no further round begins, and none of the peers joins.
    """
    until = time.monotonic() + 60 * setting.minutes
    x, y, images = race.batch(setting.size, setting.shape)
    entries, agreement, first_call = {}, {}, {}
    for partner in dict.fromkeys(race.PEERS[peer].neuron for peer in setting.peers):
        entries[f"minisnn/{partner}"] = race.entry(
            "minisnn", race.network(threads, partner, setting), setting.num_steps, x, y
        )
    net = race.network(threads, "snntorch", setting)
    for peer in setting.peers:
        if peer not in peers or time.monotonic() > until:
            continue
        entries[peer] = _entry(peer, threads, setting, x, y)
        ours, start = entries[partner_of(peer)][0](), time.monotonic()
        agreement[peer] = _agreement(ours, np.asarray(entries[peer][0]()))
        first_call[peer] = time.monotonic() - start
    before = net.forward(x[None], setting.num_steps, record=True)
    needed = _operations(net, before, setting)

    infer = _functions(entries, setting.infer, 0)
    infer = alternate(infer, setting.rounds, until - 60 * 0.6 * setting.minutes, progress)
    # A graph of training compiles up to twice as long as one of inference, and nothing stops a compiler on its way.
    late = [peer for peer, seconds in first_call.items() if time.monotonic() + 2 * seconds > until]
    train = _functions(entries, setting.train, 1, late)
    train = alternate(train | {"sgemm": race.sgemm}, setting.rounds, until, progress)

    result = {}
    for kind, peers, times in (("train", setting.train, train), ("infer", setting.infer, infer)):
        for peer in peers:
            result |= _ratios(f"{kind}_vs_{peer}", times.get(peer), times.get(partner_of(peer)))
    flops = race.SGEMM_OPERATIONS / median(train["sgemm"])
    ours = median(train["minisnn/snntorch"])
    return (
        result
        | {key: needed[kind] / flops / ours for key, kind in SHARES.items()}
        | {
            "needed_gflop": {kind: operations / 1e9 for kind, operations in needed.items()},
            "train_samples_per_s": {name: setting.size / median(t) for name, t in train.items() if name != "sgemm"},
            "infer_samples_per_s": {name: setting.size / median(t) for name, t in infer.items()},
            "sgemm_gflops": flops / 1e9,
            "firing_rates": before.rates.tolist(),
            "agreement_of_counts": agreement,
            "images": images,
            "topology": setting.topology,
            "input_shape": list(setting.shape),
            "num_steps": setting.num_steps,
            "batch_size": setting.size,
            "rounds": len(train["sgemm"]),
        }
    )


def partner_of(peer):
    """Return the name of our entry that has the neuron of `peer`."""
    return f"minisnn/{race.PEERS[peer].neuron}"


def _entry(peer, threads, setting, x, y):
    if "torch" in race.PEERS[peer].packages:
        import torch

        torch.set_num_threads(threads)
    return race.entry(peer, race.network(threads, peer, setting), setting.num_steps, x, y)


def _functions(entries, peers, kind, late=()):
    """Return the functions that run in turns: our entry, and each peer that is here after ours with its neuron."""
    here = [peer for peer in peers if peer in entries and peer not in late]
    names = ["minisnn/snntorch"] * bool(peers) + [name for peer in here for name in (partner_of(peer), peer)]
    return {name: entries[name][kind] for name in dict.fromkeys(names)}


def _operations(net, run, setting):
    """Operations of a training step: dense as the peers compute it, dense for pooled pixels, and of real spikes."""
    shapes = [layer.shape for layer in net.layers]
    counts = {
        name: limits.dense(shapes, setting.num_steps, setting.size, pooled)
        for name, pooled in (("dense", False), ("pooled", True))
    }
    return counts | {"spikes": limits.spikes(shapes, [layer.inputs for layer in run.layers])}


def _ratios(key, theirs, ours):
    """Return the ratio of the medians, and the range over the rounds; None for a peer that is missing."""
    if theirs is None:
        return {key: None, f"{key}_range": None}
    ratios = theirs / ours
    return {key: median(theirs) / median(ours), f"{key}_range": [float(ratios.min()), float(ratios.max())]}


def alternate(functions, rounds, until=float("inf"), progress=lambda: None):
    """Seconds of a call of each function in each round, in turns; a first round does not count.

    A function that returns seconds itself, as ``race.sgemm``, is taken at its word. When the moment `until` is over, no
    round begins but the first that counts.
    """
    times = {name: [] for name in functions}
    for turn in range(rounds + 1):
        if turn > 1 and time.monotonic() > until:
            break
        for name, function in functions.items():
            time.sleep(PAUSE)
            seconds = function() if name == "sgemm" else _seconds(function)
            if turn:
                times[name].append(seconds)
            progress()
    return {name: np.array(values) for name, values in times.items()}


def _seconds(function):
    """Call a function again and again for a BURST, at least once, and return the median of the calls.

    If there is more than one, the first does not count: processors that have slept for a PAUSE are slow at first.
    """
    times, end = [], time.perf_counter() + BURST
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return median(times[1:] or times)


def _agreement(ours, theirs):
    """Compare the spike counts (B, 10) of two libraries that have the same weights.

    Sums in another order round differently in float32; a membrane that lands on the other side of the threshold
    changes what comes after it.
    """
    apart = np.abs(ours - theirs)
    return {
        "largest_difference": float(apart.max()),
        "share_that_differs": float((apart > 0).mean()),
        "mean_difference_over_mean_count": float(apart.mean() / theirs.mean()),
    }


if __name__ == "__main__":
    _setting, (_threads, *_peers) = child.setting()
    _turns = (_setting.rounds + 1) * 2 * (len(_setting.train) + len(_setting.infer))
    with tqdm(total=_turns, desc=f"T = {_setting.num_steps}, batch {_setting.size}", unit="turn") as _bar:
        _result = measure(_setting, int(_threads), _peers, _bar.update)
    print(json.dumps(_result))
