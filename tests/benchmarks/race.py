"""The networks of the race, their weights, images, labels and loss, the same in every library; and our own entry."""

import os
import shutil
import time
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from math import prod
from pathlib import Path

import numpy as np

from minisnn import encode, loss
from minisnn.data import load as data
from minisnn.errors import InputError
from minisnn.network import Network
from minisnn.training import optim

TOPOLOGY, SHAPE, CLASSES = "32C3-MP2-32C3-MP2-256-10", (32, 32, 3), 10
BETA, THRESHOLD, LR = 0.25, 1.0, 1e-3
SLOPE = 25  # of the fast sigmoid

# The neuron and surrogate of each peer; ours races against it with the same. "Subtractive reset" means
# beta*U - theta*S to snnTorch and beta*(U - theta*S) to SpikingJelly. The other peers have snnTorch's.
NEURONS = {
    "snntorch": {"surrogate": f"fast_sigmoid:{SLOPE}", "reset": "subtract"},
    "spikingjelly": {"surrogate": "atan:2", "reset": "subtract_then_leak"},
}


@dataclass(frozen=True)
class Peer:
    """Another library: its name in tables, the file here and the function in it that make its entry, its packages."""

    title: str
    file: str
    function: str
    packages: tuple
    neuron: str = "snntorch"


PEERS = {
    "snntorch": Peer("snnTorch", "peers", "snntorch", ("torch", "snntorch")),
    "spikingjelly": Peer("SpikingJelly", "peers", "spikingjelly", ("torch", "spikingjelly"), "spikingjelly"),
    "compile": Peer("torch.compile", "folded", "compiled", ("torch",)),
    "folded": Peer("folded torch", "folded", "folded", ("torch",)),
    "jax": Peer("JAX", "scan", "scan", ("jax",)),
}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A network with T and batch size; the peers it races in training, in inference and in peak memory.

    `rounds` are cut short when the setting has taken `minutes`.
    """

    num_steps: int
    size: int
    rounds: int
    minutes: float = 1
    topology: str = TOPOLOGY
    shape: tuple = SHAPE
    padding: int | str = 0
    gain: float = 1.0
    train: tuple = ("snntorch", "spikingjelly", "compile", "folded")
    infer: tuple = (*train, "jax")
    memory: tuple = ("snntorch", "spikingjelly", "folded")

    @property
    def peers(self) -> tuple:
        """Names of the peers that this setting needs."""
        return tuple(name for name in PEERS if name in (*self.train, *self.infer, *self.memory))


SETTINGS = {
    "t10_b32": Setting(num_steps=10, size=32, rounds=11, minutes=3),
    "t25_b128": Setting(num_steps=25, size=128, rounds=7, minutes=6.5),
}
_PAIR: dict = {"train": ("snntorch", "folded"), "infer": (), "memory": ()}
NETS = {
    "mlp": Setting(topology="1024-10", shape=(784,), num_steps=25, size=128, rounds=11, **_PAIR),
    "small": Setting(topology="8C3-MP2-16C3-MP2-10", shape=(28, 28, 1), num_steps=10, size=32, rounds=15, **_PAIR),
    "vgg9": Setting(
        topology="64C3-112C3-MP2-192C3-216C3-MP2-480C3-504C3-560C3-MP2-1064-10",
        padding="same",
        num_steps=4,
        size=16,
        rounds=7,
        minutes=2.5,
        **_PAIR | {"memory": ("folded",)},
    ),
}
MANUALS = ("snntorch", "spikingjelly")
DOUBLED = Setting(num_steps=10, size=32, rounds=5, gain=2.0, train=MANUALS, infer=MANUALS, memory=())


def lacks(peer: str) -> str:
    """Say what a peer lacks on this machine, or return an empty text."""
    missing = [name for name in PEERS[peer].packages if find_spec(name) is None]
    if not missing and peer == "compile" and not any(map(shutil.which, ("g++", "clang++", os.environ.get("CXX", "")))):
        missing = ["g++"]
    return ", ".join(missing)


def entry(peer: str, net: Network, num_steps: int, x: np.ndarray, y: np.ndarray) -> tuple:
    """Return (infer, train) of a library with our weights: without arguments, spike counts and one step of training.

    `train` is None where a library does not train here.
    """
    if peer == "minisnn":
        infer, step = ours(net, num_steps)
        return lambda: infer(x), lambda: step(x, y)
    file = import_module(f".{PEERS[peer].file}", __package__)
    infer, step = getattr(file, PEERS[peer].function)(net, num_steps)
    images, labels = file.tensors(x, y)
    return lambda: infer(images), step and (lambda: step(images, labels))


def network(threads, peer="snntorch", setting=SETTINGS["t10_b32"]):
    """Our network of a setting, with the neuron of `peer` and all weights times the setting's gain.

    The weights are minisnn's own first ones for every library: PyTorch's default leaves layers nearly silent,
    and then there is nothing to compute.
    """
    net = Network(
        setting.topology,
        setting.shape,
        padding=setting.padding,
        beta=BETA,
        threshold=THRESHOLD,
        threads=threads,
        rng=np.random.default_rng(0),
        **NEURONS[PEERS[peer].neuron],
    )
    for layer in net.layers:
        layer.w *= np.float32(setting.gain)
    return net


def batch(size, shape=SHAPE):
    """Return (images, labels, description): SVHN below the folder MINISNN_TEST_DATA, or else smooth random images.

    Both have mean 0 and variance 1, float32, channels last. SVHN is for networks that take 32x32x3.
    """
    rng = np.random.default_rng(1)
    if (folder := os.environ.get("MINISNN_TEST_DATA")) and shape == SHAPE:
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

    side = round(prod(shape) ** 0.5)
    frame = shape if len(shape) == 3 else (side, side, 1)  # a flat row is a square image
    x = gaussian_filter(rng.standard_normal((size, *frame)), (0, 2, 2, 0)).reshape(size, *shape)
    return (x / x.std()).astype(np.float32), rng.integers(0, CLASSES, size), "smooth random images"


def ours(net, num_steps):
    """(forward, step) of minisnn: spike counts of a batch, one step of training."""
    adam = optim.Adam(net.params, threads=net.threads)

    def forward(x):
        return net.scores(net.forward(x[None], num_steps))

    def step(x, y):
        run = net.forward(x[None], num_steps)
        value, dspk, dmem = loss.rate(run.spk, run.mem, y, net.classes)
        adam.step(net.params, net.backward(run, dspk, dmem, retain=False), LR)
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
