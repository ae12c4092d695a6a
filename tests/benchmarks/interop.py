"""Spikes that differ between snnTorch and the imported model: python -m tests.benchmarks.interop [--json].

Networks are made at random by snnTorch itself (convolutions or none, kernels, paddings, biases, batch normalisation,
pools, dropout, a leak and a threshold for each layer, learned or not), with each reset and reset_delay in turn, trained
for an epoch on digits, imported, and run on 1,000 images in both libraries. Sums in float32 depend on their order, so
the same is counted in double precision.
"""

import argparse
import json
import sys
import warnings
from dataclasses import asdict, dataclass

import numpy as np

import minisnn as ms
from minisnn.commands import table
from minisnn.interop.compare import compare

IMAGES, STEPS = 1000, 10
RESETS = (("subtract", True), ("zero", True), ("zero", False), ("subtract", False))


@dataclass(frozen=True)
class Row:
    """One network: the way it went, its layers, its reset, and what was counted."""

    library: str
    layers: str
    reset: str
    images: int
    accuracy: float
    spikes: int
    differ: int
    differ_double: int


def make(number):
    """Return a network of snnTorch, made at random, and the notation of its layers."""
    import snntorch as snn
    import torch
    from torch import nn

    rng = np.random.default_rng(number)
    torch.manual_seed(number)
    reset, delay = RESETS[number % len(RESETS)]

    def neurons(last=False):
        return snn.Leaky(
            float(rng.uniform(0.4, 1)),
            threshold=float(rng.uniform(0.3, 1.2)),
            learn_beta=bool(rng.integers(2)),
            learn_threshold=bool(rng.integers(2)),
            reset_mechanism=reset,
            reset_delay=delay,
            init_hidden=True,
            output=last,
        )

    layers, words, side, channels = [], [], 8, 1
    for _ in range(rng.integers(3)):
        kernel, padding, maps = int(rng.integers(2, 4)), int(rng.integers(2)), int(rng.integers(4, 13))
        side += 2 * padding - kernel + 1
        bias, norm = rng.integers(2, size=2)
        pool = int(side > 4 and rng.integers(2))
        layers += [nn.Conv2d(channels, maps, kernel, padding=padding, bias=bool(bias))]
        layers += [nn.BatchNorm2d(maps)] * norm + [neurons()] + [nn.MaxPool2d(2)] * pool
        words += [f"{maps}C{kernel}{'+BN' * norm}"] + ["MP2"] * pool
        side, channels = side >> pool, maps
    layers += [nn.Flatten()] + [nn.Dropout(0.1)] * rng.integers(2)
    size = side * side * channels
    for units in [*rng.integers(20, 60, rng.integers(2)).tolist(), 10]:
        layers += [nn.Linear(size, units), neurons(last=units == 10)]
        words += [str(units)]
        size = units
    return nn.Sequential(*layers), "-".join(words)


def train(net, x, y):
    """Train for an epoch, as snnTorch's tutorials do."""
    import torch
    from snntorch import utils

    optimiser = torch.optim.Adam(net.parameters(), 5e-3)
    for part in torch.randperm(len(x)).split(64)[:-1]:
        utils.reset(net)
        outputs = [net(x[part]) for _ in range(STEPS)]
        counts = sum(out[0] if isinstance(out, tuple) else out for out in outputs)
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(counts, y[part]).backward()
        optimiser.step()


def measure(number, data):
    """Make, train, import and compare one network."""
    import torch

    net, layers = make(number)
    train(net, torch.from_numpy(data.x_train.transpose(0, 3, 1, 2) / np.float32(16)), torch.from_numpy(data.y_train))
    images = data.x_train[:IMAGES]
    single = imported(net)
    found = compare(single, net, images)
    net = net.double()
    double = imported(net)
    double.network.backend = "numpy"  # the reference
    exact = compare(double, net, images)
    reset, delay = RESETS[number % len(RESETS)]
    return Row(
        "snnTorch",
        layers,
        f"{reset}, reset_delay={delay}",
        len(images),
        ms.evaluate(single, data.x_test, data.y_test).accuracy,
        sum(layer.spikes for layer in exact),
        sum(layer.differ for layer in found),
        sum(layer.differ for layer in exact),
    )


def imported(net):
    """Return the model of a network; what is folded and left out is known here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ms.from_snntorch(net, (8, 8, 1), num_steps=STEPS, input_scale=16)


def text(rows):
    """Return the table."""
    cells = [
        (
            *(row.library, row.layers, row.reset, row.images, f"{100 * row.accuracy:.1f} %"),
            *(f"{count:,}" for count in (row.spikes, row.differ, row.differ_double)),
        )
        for row in rows
    ]
    return table(cells, ("library", "layers", "reset", "images", "accuracy", "spikes", "differ", "differ, double"))


def main(argv=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.interop",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--networks", type=int, default=12, metavar="N")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    args = parser.parse_args(argv)
    import torch

    torch.set_num_threads(1)  # the networks are small
    data = ms.load_data("digits")
    rows = [measure(number, data) for number in range(args.networks)]
    print(json.dumps([asdict(row) for row in rows]) if args.json else text(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
