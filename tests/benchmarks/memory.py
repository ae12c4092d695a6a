"""Peak memory of training over imports, of each library in a fresh process of its own (Linux).

Not by ``ru_maxrss``: a process inherits that from the one that started it, and its imports count in it. The
kernel's own mark is set back after the imports instead, and read after the training.
"""

import subprocess
import sys
from pathlib import Path

STEPS = 3


def peak(library, num_steps, size, threads):
    """MB that STEPS steps of training take at their highest, over what the process had after its imports.

    Ours includes loading the compiled kernels; run it once before, so that they are compiled and cached.
    """
    arguments = [library, str(num_steps), str(size), str(threads)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.memory", *arguments], check=True, capture_output=True, text=True
    )
    return float(done.stdout.split()[-1])


def _status(field):
    """A line of /proc/self/status, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def _train(library, num_steps, size, threads):
    from minisnn.kernels import network  # noqa: F401  (Numba)

    from . import race

    peer = "snntorch" if library == "minisnn" else library
    net = race.network(threads, peer)
    x, y, _ = race.batch(size)
    if library == "minisnn":

        def prepare():
            return race.ours(net, num_steps)[1], (x, y)
    else:
        import torch

        from . import peers

        torch.set_num_threads(threads)
        make, batch = getattr(peers, library), peers.tensors(x, y)
        make(net, 1)  # imports its library

        def prepare():
            return make(net, num_steps)[1], batch

    Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts again from VmRSS
    before = _status("VmRSS")
    step, batch = prepare()
    for _ in range(STEPS):
        step(*batch)
    return _status("VmHWM") - before


if __name__ == "__main__":
    print(_train(sys.argv[1], *map(int, sys.argv[2:])))
