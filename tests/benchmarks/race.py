"""What is raced: the same network, weights, images, labels and loss in every library."""

import time

import numpy as np

from minisnn import loss, optim
from minisnn.network import Network

TOPOLOGY, SHAPE = "32C3-MP2-32C3-MP2-256-10", (32, 32, 3)
BETA, THRESHOLD, LR = 0.25, 1.0, 1e-3


def network(threads, surrogate="fast_sigmoid:25", reset="subtract", gain=1.0):
    """Our network; its init makes every layer fire (default weights of PyTorch would leave nothing to compute)."""
    net = Network(TOPOLOGY, SHAPE, beta=BETA, threshold=THRESHOLD, surrogate=surrogate, reset=reset, threads=threads,
                  rng=np.random.default_rng(0))
    for w in net.params[::2]:
        w *= np.float32(gain)
    return net


def batch(size):
    """Smooth random images of mean 0 and variance 1, as normalised photographs are, and labels."""
    from scipy.ndimage import gaussian_filter
    rng = np.random.default_rng(1)
    x = gaussian_filter(rng.standard_normal((size, *SHAPE)), (0, 2, 2, 0))
    return (x / x.std()).astype(np.float32), rng.integers(0, 10, size)


def ours(net, num_steps):
    """(forward, step) as in peers.py."""
    adam = optim.Adam(net.params)

    def forward(x):
        return net.scores(net.forward(x[None], num_steps))

    def step(x, y):
        run = net.forward(x[None], num_steps)
        value, dspk, dmem = loss.rate(run.spk, run.mem, y, net.classes)
        adam.step(net.params, net.backward(run, dspk, dmem), LR)
        return value
    return forward, step


def sgemm():
    """Operations per second of NumPy's matrix product: the machine's practical limit."""
    a = np.random.default_rng(0).random((1024, 1024), np.float32)
    start = time.perf_counter()
    a @ a
    return 2 * 1024**3 / (time.perf_counter() - start)


def needed_operations(num_steps, size):
    """Of a training step: the constant input convolved once (forward, and for its weights' gradient), the other
    layers' three products a step. Counted dense, as if every input were a spike."""
    return 2 * size * (2 * 30 * 30 * 32 * 27 + 3 * num_steps * (13 * 13 * 32 * 288 + 1152 * 256 + 2560))


def alternate(functions, rounds):
    """Median seconds of each function, called in turns, after two calls that do not count."""
    times = {name: [] for name in functions}
    for turn in range(rounds + 2):
        for name, function in functions.items():
            start = time.perf_counter()
            result = function()
            if turn >= 2:
                times[name].append(result if name == "sgemm" else time.perf_counter() - start)
    return {name: float(np.median(values)) for name, values in times.items()}
