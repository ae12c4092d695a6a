"""Peak memory of training over imports, of each library in a fresh process of its own (Linux).

Not by ``ru_maxrss``: a process inherits that from the one that started it, and its imports count in it. The
kernel's own mark is set back after the imports instead, and read after the training.
"""

import time
from pathlib import Path

import numpy as np

from . import child, race

STEPS = 3


def peak(library, setting, threads, seconds):
    """MB that STEPS steps of training take at their highest, over what the process had after its imports.

    None if the library is missing, or `seconds` are over. Ours includes loading the compiled kernels; run it once
    before, so that they are compiled and cached.
    """
    if library != "minisnn" and race.lacks(library):
        return None
    return child.call("memory", setting, seconds, library, threads)


def peaks(setting, threads, until, progress=lambda: None):
    """Peaks of a setting as {"peak_mb": {library: MB}, "memory_vs_...": ratio}; None after the moment `until`."""
    found = {}
    for library in ("minisnn", *setting.memory):
        found[library] = peak(library, setting, threads, until - time.monotonic())
        progress()
    ours, *theirs = found.items()
    ratios = {f"memory_vs_{peer}": ours[1] / mb if ours[1] and mb else None for peer, mb in theirs}
    return ratios | {"peak_mb": found}


def _status(field):
    """A line of /proc/self/status, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def _train(library, setting, threads):
    from minisnn.kernels import products

    products.pack_transpose(np.zeros((1, 1, 1, 1), np.float32))  # Numba imports half of itself when one function runs
    peer = "snntorch" if library == "minisnn" else library
    net = race.network(threads, peer, setting)
    x, y, _ = race.batch(setting.size, setting.shape)
    if library != "minisnn":
        if "torch" in race.PEERS[library].packages:
            import torch

            torch.set_num_threads(threads)
        race.entry(library, net, 1, x, y)  # imports its library

    Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts again from VmRSS
    before = _status("VmRSS")
    _, step = race.entry(library, net, setting.num_steps, x, y)
    for _ in range(STEPS):
        step()
    return _status("VmHWM") - before


if __name__ == "__main__":
    _setting, (_library, _threads) = child.setting()
    print(_train(_library, _setting, int(_threads)))
