"""The authors' variant, trained by minisnn and by a torch loop: python -m tests.benchmarks.parity --data DIR --out DIR.

Both begin with the same weights and see the same batches, with the same shifts of images, in the same order; Adam, its
schedule and the loss are the same. No epoch is chosen: both train on all training images, and what the last epoch left
is measured on the test images, in floats. In the first steps they differ by rounding alone; a spike that rounding moves
then makes two networks of one seed as different as two seeds, so means over seeds are compared.

Each training has a file of its own in the folder, a checkpoint until it is finished, and then its record. So a run that
was interrupted continues, and two may share the folder if their seeds or families differ. Needs pip install '.[peers]'.
"""

import argparse
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from minisnn.commands import counted, table
from minisnn.data import load as datasets
from minisnn.data.dataset import Dataset
from minisnn.files import atomic_write
from minisnn.network import Network
from minisnn.study.plan import FAMILIES, VARIANTS, Variant
from minisnn.training.inference import evaluate
from minisnn.training.loop import Training
from minisnn.training.presets import divided
from minisnn.training.settings import Settings
from minisnn.training.train import build, fit

from .authors_torch import Trainer

LIBRARIES = ("minisnn", "torch")


def first(variant: Variant, data: Dataset, given: dict[str, Any], threads: int) -> tuple[Network, dict[str, Any]]:
    """Return the network with its first weights, and the fields of ``Settings``; all training images are learned."""
    options, training = divided(variant.training | {"validation": 0.0} | given)
    topology = options.pop("topology")
    return build(topology, data, Settings(**training), threads=threads, **options), training


def by_minisnn(net: Network, data: Dataset, training: dict[str, Any], checkpoint: Path) -> dict[str, Any]:
    """Train by ``fit``, and return what the last epoch left."""
    model = fit(net, data, checkpoint=checkpoint, resume=True, progress=True, **training)
    result = evaluate(model, data.x_test, data.y_test)
    return {
        "accuracy": result.accuracy,
        "firing_rates": list(result.firing_rates),
        "losses": [epoch["loss"] for epoch in model.history],
        "seconds": sum(epoch["seconds"] for epoch in model.history),
    }


def by_torch(net: Network, data: Dataset, training: dict[str, Any], checkpoint: Path) -> dict[str, Any]:
    """Train by the torch loop on the batches of minisnn, and return what the last epoch left."""
    source = Training(net, data, Settings(**training))  # of batches alone
    settings, start = source.settings, time.perf_counter()
    trainer = Trainer(net, settings.num_steps, settings.lr, settings.epochs, source.batches)
    if checkpoint.exists():
        trainer.load(checkpoint)
    for epoch in range(len(trainer.losses), settings.epochs):
        batches = tqdm(source.inputs(epoch), f"epoch {epoch + 1}/{settings.epochs}", source.batches, leave=False)
        trainer.losses.append(float(np.mean([trainer.step(*batch) for batch in batches])))
        trainer.save(checkpoint)
    accuracy, rates = trainer.evaluate(_test_batches(data, source.encoder))
    return {
        "accuracy": accuracy,
        "firing_rates": rates,
        "losses": trainer.losses,
        "seconds": time.perf_counter() - start,  # since it was last begun
    }


def _test_batches(data, encoder, size=128) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    for start in range(0, len(data.x_test), size):
        yield encoder.encode(data.x_test[start : start + size]), data.y_test[start : start + size]


def report(record: list[dict[str, Any]]) -> str:
    """Return a table of all trainings, and by surrogate the difference of the libraries' means beside seed noise."""
    rows = [
        (
            one["surrogate"],
            one["seed"],
            one["library"],
            f"{100 * one['accuracy']:.2f} %",
            ", ".join(f"{100 * rate:.2f}" for rate in one["firing_rates"]) + " %",
            f"{one['losses'][-1]:.4g}",
        )
        for one in sorted(record, key=lambda one: (one["surrogate"], one["seed"], one["library"]))
    ]
    parts = [table(rows, ("surrogate", "seed", "library", "accuracy", "firing rates by layer", "last loss"))]
    for surrogate in dict.fromkeys(one["surrogate"] for one in record):
        for name, values in _by_library(record, surrogate).items():
            ours, theirs = (values[library] for library in LIBRARIES)
            if min(len(ours), len(theirs)) < 2:
                parts.append(f"{surrogate}, {name}: seed noise needs two seeds of each")
                continue
            difference = float(np.mean(ours) - np.mean(theirs))
            noise = float(np.sqrt(np.var(ours, ddof=1) / len(ours) + np.var(theirs, ddof=1) / len(theirs)))
            verdict = "within two standard errors" if abs(difference) <= 2 * noise else "APART"
            parts.append(
                f"{surrogate}, {name}: minisnn {100 * np.mean(ours):.2f} %, torch {100 * np.mean(theirs):.2f} %, "
                f"difference {100 * difference:+.2f}, standard error {100 * noise:.2f}: {verdict}"
            )
    return "\n".join(parts)


def _by_library(record, surrogate):
    """Return by name the values of each seed, by library; the firing rate is the mean of the layers'."""
    of = {"accuracy": lambda one: one["accuracy"], "firing rate": lambda one: float(np.mean(one["firing_rates"]))}
    return {
        name: {
            library: [value(one) for one in record if (one["surrogate"], one["library"]) == (surrogate, library)]
            for library in LIBRARIES
        }
        for name, value in of.items()
    }


def main(argv: list[str] | None = None) -> None:
    """Train what has no record yet, and print all records."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.parity",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--variant", choices=VARIANTS, default="svhn-authors")
    parser.add_argument("--data", help="folder of the data set's files")
    parser.add_argument("--epochs", type=int, help="default: the variant's")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--scales", type=float, nargs="+", default=[4.0])
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=FAMILIES)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("parity"), help="folder of records and checkpoints")
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    variant = VARIANTS[args.variant]
    data = datasets.load(variant.dataset, args.data)
    args.out.mkdir(parents=True, exist_ok=True)
    wanted = [
        (seed, f"{family}:{scale:g}", library)
        for seed in args.seeds
        for scale in args.scales
        for family in args.families
        for library in LIBRARIES
    ]
    for seed, surrogate, library in wanted:
        given = {"surrogate": surrogate, "seed": seed} | ({"epochs": args.epochs} if args.epochs else {})
        net, training = first(variant, data, given, args.threads)
        about = {"variant": args.variant, "surrogate": surrogate, "seed": seed, "library": library}
        about |= {"epochs": training["epochs"], "images": data.fingerprint()["digest"]}
        name = "-".join(map(str, about.values())).replace(":", "-")
        finished, checkpoint = args.out / f"{name}.json", args.out / f"{name}.checkpoint"
        if not finished.exists():
            train = by_minisnn if library == "minisnn" else by_torch
            result = about | train(net, data, training, checkpoint)
            atomic_write(finished, (json.dumps(result, indent=1) + "\n").encode())
        checkpoint.unlink(missing_ok=True)
    record = [json.loads(path.read_text()) for path in sorted(args.out.glob("*.json"))]
    for variant_name, epochs in sorted({(one["variant"], one["epochs"]) for one in record}):
        shown = [one for one in record if (one["variant"], one["epochs"]) == (variant_name, epochs)]
        print(f"{variant_name}, {counted(epochs, 'epoch')}\n\n{report(shown)}\n")


if __name__ == "__main__":
    main()
