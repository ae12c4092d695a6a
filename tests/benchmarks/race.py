"""One network, its weights, images, labels and loss, the same in every library; and our own entry in the race."""

import os
import time
from pathlib import Path

import numpy as np

from minisnn import encode, loss
from minisnn.data import load as data
from minisnn.errors import InputError
from minisnn.network import Network
from minisnn.training import optim

TOPOLOGY, SHAPE, CLASSES = "32C3-MP2-32C3-MP2-256-10", (32, 32, 3), 10
BETA, THRESHOLD, LR = 0.25, 1.0, 1e-3

# The neuron and surrogate of each peer; ours races against it with the same. "Subtractive reset" means
# beta*U - theta*S to snnTorch and beta*(U - theta*S) to SpikingJelly.
NEURONS = {
    "snntorch": {"surrogate": "fast_sigmoid:25", "reset": "subtract"},
    "spikingjelly": {"surrogate": "atan:2", "reset": "subtract_then_leak"},
}


def network(threads, peer="snntorch", gain=1.0):
    """Our network, with the neuron of `peer` and all weights times `gain`.

    The weights are minisnn's own first ones for every library: PyTorch's default leaves layers nearly silent,
    and then there is nothing to compute.
    """
    net = Network(
        TOPOLOGY, SHAPE, beta=BETA, threshold=THRESHOLD, threads=threads, rng=np.random.default_rng(0), **NEURONS[peer]
    )
    for layer in net.layers:
        layer.w *= np.float32(gain)
    return net


def batch(size):
    """Return (images, labels, description): SVHN below the folder MINISNN_TEST_DATA, or else smooth random images.

    Both have mean 0 and variance 1, float32, channels last.
    """
    rng = np.random.default_rng(1)
    if folder := os.environ.get("MINISNN_TEST_DATA"):
        files = sorted(Path(folder).rglob("train_32x32.mat"))
        if not files:
            raise InputError(
                f"there is no train_32x32.mat below MINISNN_TEST_DATA={folder}: name SVHN's folder, "
                "or unset the variable"
            )
        svhn = data.load("svhn", files[0].parent, download=False)
        chosen = rng.choice(len(svhn.x_train), size, replace=False)
        encoder = encode.fit("direct", svhn.x_train, num_steps=1, max_value=svhn.max_value)
        return encoder.encode(svhn.x_train[chosen], rng)[0], svhn.y_train[chosen], "SVHN"
    from scipy.ndimage import gaussian_filter

    x = gaussian_filter(rng.standard_normal((size, *SHAPE)), (0, 2, 2, 0))
    return (x / x.std()).astype(np.float32), rng.integers(0, CLASSES, size), "smooth random images"


def ours(net, num_steps):
    """(forward, step) of minisnn: spike counts of a batch, one step of training."""
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
    """Seconds of NumPy's 1024 x 1024 x 1024 product, median of 3 in a row after one that does not count."""
    a = np.random.default_rng(0).random((1024, 1024), np.float32)
    times = []
    for _ in range(4):
        start = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - start)
    return float(np.median(times[1:]))


SGEMM_OPERATIONS = 2 * 1024**3


def needed_operations(num_steps, size, second=13 * 13):
    """Floating-point operations of a training step, counted dense, as if every input were a spike.

    The constant input is convolved once (forward, and for the gradient of its weights); every other layer has
    its three products at each step. `second` is the number of pixels of the second convolution: 13 x 13 as
    the peers compute it, 12 x 12 of which the pool reads.
    """
    return 2 * size * (2 * 30 * 30 * 32 * 27 + 3 * num_steps * (second * 32 * 288 + 1152 * 256 + 2560))
