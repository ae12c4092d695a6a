"""Throughput: all libraries in one process, in turns, so that a busy machine is busy for all of them."""

import time
from functools import partial

import numpy as np

from . import race

PAUSE = 0.2  # seconds between turns: the threads of OpenBLAS and OpenMP spin for a while before they sleep


def measure(num_steps, size, rounds, threads, gain=1.0, progress=lambda: None):
    """Ratios, samples per second and firing rates at one setting, as a dict."""
    import torch

    from . import peers

    torch.set_num_threads(threads)
    x, y, images = race.batch(size)
    tx, ty = peers.tensors(x, y)
    nets = {peer: race.network(threads, peer, gain) for peer in race.NEURONS}
    rates = nets["snntorch"].forward(x[None], num_steps).rates
    forwards, steps, agreement = {}, {}, {}
    for peer, net in nets.items():
        their_forward, their_step = getattr(peers, peer)(net, num_steps)
        our_forward, our_step = race.ours(net, num_steps)
        agreement[peer] = _agreement(our_forward(x), torch.no_grad()(their_forward)(tx).numpy())
        forwards[f"minisnn/{peer}"] = lambda f=our_forward: f(x)
        forwards[peer] = partial(torch.no_grad()(their_forward), tx)
        steps[f"minisnn/{peer}"] = lambda f=our_step: f(x, y)
        steps[peer] = lambda f=their_step: f(tx, ty)
    infer = alternate(forwards, rounds, progress)
    train = alternate(steps | {"sgemm": race.sgemm}, rounds, progress)

    result = {}
    for peer in nets:
        for name, times in (("train", train), ("infer", infer)):
            ratios = times[peer] / times[f"minisnn/{peer}"]
            result[f"{name}_vs_{peer}"] = float(np.median(times[peer]) / np.median(times[f"minisnn/{peer}"]))
            result[f"{name}_vs_{peer}_range"] = [float(ratios.min()), float(ratios.max())]
    flops = race.SGEMM_OPERATIONS / float(np.median(train["sgemm"]))
    ours = float(np.median(train["minisnn/snntorch"]))
    for key, second in (("share_of_limit", 13 * 13), ("share_of_limit_12x12", 12 * 12)):
        result[key] = race.needed_operations(num_steps, size, second) / flops / ours
    return result | {
        "train_samples_per_s": {name: size / float(np.median(t)) for name, t in train.items() if name != "sgemm"},
        "infer_samples_per_s": {name: size / float(np.median(t)) for name, t in infer.items()},
        "sgemm_gflops": flops / 1e9,
        "firing_rates": rates.tolist(),
        "firing_rates_after_training": nets["snntorch"].forward(x[None], num_steps).rates.tolist(),
        "agreement_of_counts": agreement,
        "images": images,
        "num_steps": num_steps,
        "batch_size": size,
        "rounds": rounds,
    }


def alternate(functions, rounds, progress=lambda: None):
    """Seconds of each function in each round, called in turns; a first round does not count.

    A function that returns seconds itself, as ``race.sgemm``, is taken at its word.
    """
    times = {name: [] for name in functions}
    for turn in range(rounds + 1):
        for name, function in functions.items():
            time.sleep(PAUSE)
            start = time.perf_counter()
            result = function()
            seconds = result if name == "sgemm" else time.perf_counter() - start
            if turn:
                times[name].append(seconds)
            progress()
    return {name: np.array(values) for name, values in times.items()}


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
