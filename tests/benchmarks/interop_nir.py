"""Spikes that differ after NIR files: python -m tests.benchmarks.interop_nir [--networks N] [--json].

Networks are made at random and trained for an epoch on digits, by snnTorch and by minisnn, written as NIR files, and
read by another library; then all layers' spikes on 1,000 images are compared:

    snnTorch > minisnn      written by snnTorch and the package nir
    minisnn > nir           read by the package nir, and run by the equations of the format (tests/interop/equations.py)
    minisnn > snnTorch      read by snnTorch; it cannot read pools, and not what does not leak
    minisnn > minisnn       written and read here

Each network is compared in single precision, in which sums depend on their order, and in double precision.
"""

import argparse
import contextlib
import io
import json
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import minisnn as ms
from minisnn.interop.compare import compare
from tests.interop import equations

from .interop import STEPS, Row, text, train

IMAGES, DT = 1000, 1e-4


def from_snntorch(number, data, folder) -> Iterator[Row]:
    """Compare a network of snnTorch's with the model that its NIR file becomes."""
    import nir
    import torch
    from snntorch.export_nir import export_to_nir

    torch.set_num_threads(1)  # the networks are small
    net, layers, delay = make(number)
    train(net, torch.from_numpy(data.x_train.transpose(0, 3, 1, 2) / np.float32(16)), torch.from_numpy(data.y_train))
    with quiet():
        graph = export_to_nir(net, torch.zeros(1, 1, 8, 8), ignore_dims=[0])
    counts = []
    for double in (False, True):
        if double:
            net = net.double()
            widen(graph, net)
        nir.write(folder / "net.nir", graph)
        model = ms.from_nir(folder / "net.nir", DT, num_steps=STEPS, input_scale=16, reset="zero")
        model.network.backend = "numpy" if double else "numba"
        counts.append(compare(model, net, data.x_train[:IMAGES]))
        accuracy = ms.evaluate(model, data.x_test, data.y_test).accuracy
    yield row("snnTorch > minisnn", layers, f"zero, reset_delay={delay}", accuracy, counts)


def widen(graph, net):
    """Put double precision into a graph of a network, which snnTorch itself cannot write."""
    import nir
    import snntorch as snn

    leaks = iter(module.beta.numpy() for module in net.modules() if isinstance(module, snn.Leaky))
    for node in graph.nodes.values():
        for field in ("weight", "bias", "v_threshold", "v_leak", "v_reset"):
            if hasattr(node, field):
                setattr(node, field, np.asarray(getattr(node, field), np.float64))
        if isinstance(node, nir.LIF):
            node.tau = DT / (1 - next(leaks))
            node.r = node.tau / DT


def make(number):
    """Return a network of snnTorch, made at random, the notation of its layers, and its reset_delay."""
    import snntorch as snn
    import torch
    from torch import nn

    rng = np.random.default_rng(number)
    torch.manual_seed(number)
    delay = bool(number % 2)

    def neurons(*shape):
        beta, threshold = float(rng.uniform(0.3, 0.98)), float(rng.uniform(0.3, 1.2))
        constants = {"beta": torch.full(shape, beta), "threshold": torch.full(shape, threshold)}  # NIR needs vectors
        return snn.Leaky(**constants, reset_mechanism="zero", reset_delay=delay, init_hidden=True)

    layers, words, side, channels = [], [], 8, 1
    for _ in range(number % 3):
        kernel, padding, maps = int(rng.integers(2, 4)), int(rng.integers(2)), int(rng.integers(4, 10))
        side += 2 * padding - kernel + 1
        layers += [nn.Conv2d(channels, maps, kernel, padding=padding, bias=bool(rng.integers(2)))]
        layers += [neurons(maps, side, side)]
        words, channels = [*words, f"{maps}C{kernel}"], maps
    layers += [nn.Flatten()]
    size = side * side * channels
    for units in [*rng.integers(20, 60, rng.integers(2)).tolist(), 10]:
        layers += [nn.Linear(size, units, bias=bool(rng.integers(2))), neurons(units)]
        words, size = [*words, str(units)], units
    return nn.Sequential(*layers), "-".join(words), delay


def from_minisnn(number, data, folder) -> Iterator[Row]:
    """Compare a network of minisnn's with what others, and itself, make of its NIR file."""
    single = trained(number, data)
    accuracy = ms.evaluate(single, data.x_test, data.y_test).accuracy
    models = (single, in_double(single))
    ways = {"minisnn > nir": by_equations, "minisnn > minisnn": by_minisnn}
    if not any(layer.shape.pool > 1 or layer.beta == 1 for layer in single.network.layers):
        ways["minisnn > snnTorch"] = by_snntorch
    for library, way in ways.items():
        counts = []
        for model in models:
            ms.to_nir(model, folder / "net.nir", DT)
            counts.append(way(model, folder / "net.nir", data.x_train[:IMAGES]))
        yield row(library, single.network.topology, "zero", accuracy, counts)


def trained(number, data):
    """Return a network with layers at random, trained for an epoch."""
    rng = np.random.default_rng(number)
    words, paddings = [], []
    for _ in range(number % 3):
        words += [f"{rng.integers(4, 10)}C{rng.integers(2, 4)}"] + ["MP2"] * int(number % 2 and len(words) < 2)
        paddings.append(int(rng.integers(2)))
    words += [str(units) for units in (*rng.integers(20, 60, rng.integers(2)), 10)]
    layers = sum(word[:2] != "MP" for word in words)
    betas = rng.uniform(0.3, 0.98, layers)
    betas[0] = 1 if number % 4 == 3 else betas[0]
    constants = {"beta": betas, "threshold": rng.uniform(0.3, 1.2, layers), "reset": "zero"}
    net = ms.Network("-".join(words), data.input_shape, padding=paddings, **constants, rng=rng)
    return ms.fit(net, data, epochs=1, num_steps=STEPS, seed=number)


def in_double(model):
    """Return the same model in double precision, on the reference."""
    config = model.network.config() | {"dtype": "float64", "backend": "numpy"}
    net = ms.Network(**config, rng=np.random.default_rng(0))
    net.params = model.network.params
    return ms.Model(net, model.encoder)


def by_equations(model, path, images):
    """Count spikes, and those that differ from the equations of the file."""
    import nir

    graph = nir.read(path)
    inputs = np.repeat(images.transpose(0, 3, 1, 2)[None], STEPS, axis=0)
    outputs = equations.outputs(graph, inputs, DT)
    theirs = [spk for name, spk in outputs.items() if isinstance(graph.nodes[name], (nir.LIF, nir.IF))]
    return counted(spikes(model, images), theirs)


def by_minisnn(model, path, images):
    """Count spikes, and those that differ in the model that is read."""
    again = ms.from_nir(path, DT, num_steps=STEPS, input_scale=1, max_value=16, reset="zero")
    again.network.backend = model.network.backend
    return counted(spikes(model, images), [np.moveaxis(spk, -1, 2) for spk in spikes(again, images)])


def by_snntorch(model, path, images):
    """Count spikes, and those that differ in the network that snnTorch reads."""
    import nir
    import torch
    from snntorch.import_nir import import_from_nir

    torch.set_num_threads(1)
    with quiet():
        net = import_from_nir(nir.read(path))
    for module in net.modules():
        if isinstance(module, torch.nn.Flatten):
            module.start_dim = 1  # its reader forgets that torch's first dimension is the batch
    again = ms.from_nir(path, DT, num_steps=STEPS, input_scale=1, max_value=16, reset="zero")
    again.network.backend = model.network.backend
    return compare(again, net.double() if again.network.dtype == np.float64 else net, images)


def spikes(model, images):
    """Return the spikes of every layer, (T, B, ...)."""
    run = model.network.forward(model.encoder.encode(images, dtype=model.network.dtype), STEPS, record=True)
    return [layer.spk for layer in run.layers]


@dataclass(frozen=True)
class Counts:
    """Spikes of a layer, and those that differ, as ``compare`` returns them."""

    spikes: int
    differ: int


def counted(ours, theirs):
    """Count the spikes of every layer; theirs are channels first, with the neurons that a pool leaves out."""
    found = []
    for spk, other in zip(ours, theirs, strict=True):
        if spk.ndim == 5:
            other = np.moveaxis(other, 2, -1)[:, :, : spk.shape[2], : spk.shape[3]]
        found.append(Counts(int(np.count_nonzero(spk)), int(np.count_nonzero(spk != other))))
    return found


def row(library, layers, reset, accuracy, counts):
    """Return the row of a network, from the counts of its layers in single and in double precision."""
    single, double = counts
    differ = [sum(layer.differ for layer in found) for found in (single, double)]
    return Row(library, layers, reset, IMAGES, accuracy, sum(layer.spikes for layer in single), *differ)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hide what snnTorch prints, and the warning that it calls an old function of nirtorch's."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def main(argv=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.interop_nir",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--networks", type=int, default=6, metavar="N", help="networks of each library (default: 6)")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    args = parser.parse_args(argv)
    data = ms.load_data("digits")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(args.networks):
            for measure in (from_snntorch, from_minisnn):
                rows += measure(number, data, Path(folder))
    rows.sort(key=lambda row: row.library)
    print(json.dumps([asdict(row) for row in rows]) if args.json else text(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
