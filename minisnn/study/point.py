"""Points of a study: train one, keep its best epoch on validation, quantise it, and measure what claims need.

A point is a plain dict with five parts:

    data       name and digest of the data set
    network    arguments of minisnn.network.Network
    training   fields of minisnn.training.settings.Settings
    integers   weight_bits, and the epochs of fine-tuning with rounded weights
    hardware   lanes and taps (None for the defaults)

Points that differ only in integers and hardware share a training.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from ..data.dataset import Dataset
from ..fixed.early_exit import Stops, stops
from ..fixed.model import IntegerModel
from ..fixed.quantize import Losses, quantize
from ..model import Model
from ..model import load as load_model
from ..network import Network
from ..timing import cycles, events, layout
from ..training.checks import check_time
from ..training.images import split
from ..training.inference import evaluate
from ..training.settings import Settings, defaults
from ..training.train import build, fine_tune, fit
from .plan import MARGINS
from .results import is_timed
from .store import Store, canonical

BLOCKS = 50  # of test images, for intervals


def digest(data: Dataset) -> str:
    """Return a digest of all images and labels of a data set, 16 hexadecimal digits."""
    result = sha256()
    for array in (data.x_train, data.y_train, data.x_test, data.y_test):
        result.update(f"{array.dtype}{array.shape}".encode())
        result.update(np.ascontiguousarray(array).data)
    return result.hexdigest()[:16]


def make(
    data: Dataset,
    network: dict[str, Any],
    training: dict[str, Any],
    weight_bits: int | Sequence[int] = 8,
    finetune: int = 0,
    lanes: Sequence[int] | None = None,
    taps: Sequence[int] | None = None,
) -> dict:
    """Return a point with every setting spelt out.

    `network` and `training` are arguments of ``Network`` and fields of ``Settings``; anything omitted gets its default.
    `finetune` counts epochs. Raise InputError if a setting is not valid.
    """
    if training.get("cycle_penalty") is not None:
        training = training | {"lanes": lanes, "taps": taps}  # priced on the hardware that cycles are counted on
    checked = Settings(**defaults(data) | training)
    check_time(data, checked)
    settings = asdict(checked)
    for name in ("learn", "cycle_penalty", "lanes", "taps"):
        if settings[name] is None:
            del settings[name]  # so that points of before have their keys
    options = {"topology": f"256-{data.classes}", **network}
    net = Network(input_shape=data.input_shape, rng=np.random.default_rng(0), **options)  # checks its arguments
    config = {name: value for name, value in net.config().items() if name not in ("backend", "threads", "pad_value")}
    if "init" in network:  # of which a network's config says nothing
        config["init"] = network["init"]
    for name in ("beta", "threshold"):  # lists by layer; one number if all layers are equal
        if len(set(config[name])) == 1:
            config[name] = config[name][0]
    return {
        "data": {"name": data.name, "digest": digest(data)},
        "network": config,
        "training": settings,
        "integers": {"weight_bits": weight_bits, "finetune": finetune},
        "hardware": {name: value and list(value) for name, value in (("lanes", lanes), ("taps", taps))},
    }


def key(point: dict) -> str:
    """Return the key of a point, 16 hexadecimal digits: equal settings have equal keys."""
    return sha256(canonical(point).encode()).hexdigest()[:16]


def training_key(point: dict) -> str:
    """Return the key of a point's training, which points that differ only in integers and hardware share."""
    return key({name: point[name] for name in ("data", "network", "training")})


def train(point: dict, data: Dataset, threads: int | None = None) -> bytes:
    """Train a point's network and return its model file; the result does not depend on `threads`.

    Raise TrainingError if the training fails.
    """
    options = {name: value for name, value in point["network"].items() if name not in ("topology", "input_shape")}
    net = build(point["network"]["topology"], data, Settings(**point["training"]), threads=threads, **options)
    model = fit(net, data, **point["training"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.npz"
        model.save(path)
        return path.read_bytes()


def opened(file: bytes, threads: int | None = None) -> Model:
    """Return the model in the bytes of a model file; raise InputError if they are no model file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.npz"
        path.write_bytes(file)
        return load_model(path, threads=threads)


def model_file(row: dict, store: Store, data: Dataset) -> bytes:
    """Return the model file of a row; train it again if the store is a copy without models."""
    return store.model(row["training"]) or train(row["point"], data)


def integers(point: dict, file: bytes, data: Dataset, threads: int | None = None) -> tuple[Model, IntegerModel, Losses]:
    """Return a point's float model (fine-tuned if the point asks for it), its integers, and what rounding lost.

    `file` is the model file that :func:`train` returned.
    """
    options, model = point["integers"], opened(file, threads)
    if options["finetune"]:
        model = fine_tune(model, data, options["finetune"], options["weight_bits"])
    return model, *quantize(model, options["weight_bits"], images=data.x_train)


def measure(point: dict, file: bytes, data: Dataset, threads: int | None = None) -> dict[str, Any]:
    """Measure a trained point; return plain values that JSON can hold.

    - ``validation`` (None without validation images) and ``test``: accuracy (integers, all steps), accuracy_float,
      accuracy_by_step and latency_by_step (of the answer after each step), accuracy_by_margin and latency_by_margin (of
      the answer of early exit at each of MARGINS; without them for a membrane readout), firing_rates, latency, interval
    - ``test`` also has latency and interval of the schedules "dense" and "layerwise", the events of each schedule for
      ``energy``, those of early exit (events_by_margin), the mean begins, added, fires and ends by layer and step, and
      ``blocks`` of consecutive images: sums of images, of right answers and cycles (both by the step after which the
      answer is read, and by margin), and of spikes; ``neuron_steps`` is the most spikes that an image can have
    - ``lanes``, ``taps``; ``lost``, the rounding loss by layer; ``history`` of the training

    A network that pools currents, which the accelerator does not compute, has accuracies, firing rates in integers and
    in floats (firing_rates_float), and ``blocks`` alone.
    """
    model, integer, losses = integers(point, file, data, threads)
    _, held_out = split(data, Settings(**point["training"]))
    validation = None if held_out is None else (data.x_train[held_out], data.y_train[held_out])
    measured = _timed if is_timed(point) else _untimed
    return {
        **measured(point["hardware"], model, integer, validation, (data.x_test, data.y_test), threads),
        "lost": [asdict(layer) for layer in losses.layers],
        "history": [
            {name: value for name, value in entry.items() if name != "seconds"} for entry in opened(file).history
        ],
    }


def _untimed(hardware, model, integer, validation, test, threads):
    """Return results on validation images (None without) and on test images, without cycles.

    Raise InputError if the point asks for hardware.
    """
    if any(hardware.values()):
        layout.check_lanes(integer.network, hardware["lanes"])
    parts = {}
    for name, images in (("validation", validation), ("test", test)):
        parts[name] = None if images is None else _without_cycles(model, integer, *images, threads)
    return parts


def _without_cycles(model, integer, x, y, threads):
    right, spikes, start = [], [], 0
    for inputs, run in integer.run(x, threads=threads):
        labels = y[start : start + inputs.shape[1]]
        start += inputs.shape[1]
        right.append(run.scores.argmax(axis=1) == labels)
        spikes.append(run.spike_counts.sum(axis=2))
    hits, counts = np.concatenate(right), np.concatenate(spikes)
    rates, neuron_steps = _rates(integer, counts)
    floats = evaluate(model, x, y)
    sums = {"images": np.ones(len(y), int), "spikes": counts.sum(axis=1), "right": hits[:, None].astype(int)}
    return {
        "accuracy": float(hits.mean()),
        "accuracy_float": floats.accuracy,
        "images": len(y),
        "firing_rates": rates,
        "firing_rates_float": list(floats.firing_rates),
        "blocks": _blocks(sums) | {"neuron_steps": neuron_steps},
    }


def _rates(integer, counts):
    """Firing rates by layer of spikes counted by image and layer, and the most spikes that an image can have."""
    neuron_steps = np.array([layer.layer.neurons for layer in integer.network.layers]) * integer.num_steps
    return (counts.sum(axis=0) / (neuron_steps * len(counts))).tolist(), int(neuron_steps.sum())


def _timed(hardware, model, integer, validation, test, threads):
    """Return results on validation images (None without) and on test images, and the lanes and taps of their cycles."""
    lanes = layout.check_lanes(integer.network, hardware["lanes"] or layout.default_lanes(integer.network))
    taps = layout.check_taps(integer.network, hardware["taps"])
    of_validation = None
    if validation is not None:
        of_validation = _measure_images(model, integer, *validation, lanes, taps, threads)[1]
    timed, of_test, blocks = _measure_images(model, integer, *test, lanes, taps, threads)
    return {
        "validation": of_validation,
        "test": of_test | {"blocks": blocks} | _timeline(timed[0][1]) | _costs(timed, lanes, taps),
        "lanes": list(lanes),
        "taps": list(taps),
    }


def _measure_images(model, integer, x, y, lanes, taps, threads):
    """Return (stimuli with their predicted cycles, results, results by block) of images and their labels.

    The stimuli are that of all steps, and those of early exit at each of MARGINS, where the readout allows it.
    """
    frames, right, exits, spikes, start = [], [], [], [], 0
    for inputs, run in integer.run(x, "spikes", threads):
        labels = y[start : start + inputs.shape[1]]
        start += inputs.shape[1]
        frames.append(cycles.Stimulus.of(integer.network, inputs, run, integer.num_steps).frames)
        right.append(_answers_by_step(integer, run) == labels)
        exits.append(_early_exits(integer, run))
        spikes.append(run.spike_counts.sum(axis=2))
    by_step, counts = np.concatenate(right, axis=1).T, np.concatenate(spikes)
    frames_by_layer = [np.concatenate(batches, axis=1) for batches in zip(*frames)]
    stimulus = cycles.Stimulus(integer.network, frames_by_layer, integer.num_steps)
    predicted = cycles.predict(stimulus, lanes, taps=taps)
    rates, neuron_steps = _rates(integer, counts)
    cycles_by_step = _latency_by_step(predicted)[:, -by_step.shape[1] :]
    results = {
        "accuracy": float(by_step[:, -1].mean()),
        "accuracy_float": evaluate(model, x, y).accuracy,
        "images": len(y),
        "firing_rates": rates,
        "latency": float(predicted.latency.mean()),
        "interval": predicted.interval,
    }
    sums = {"images": np.ones(len(y), int), "spikes": counts.sum(axis=1)}
    read = {"": (by_step, cycles_by_step)}
    ended = [replace(stimulus, stops=Stops(*map(np.concatenate, zip(*batches)))) for batches in zip(*exits)]
    timed = [(stimulus, predicted), *((each, cycles.predict(each, lanes, taps=taps)) for each in ended)]
    if ended:
        hits = np.stack([each.stops.answers == y for each in ended], axis=1)
        read["_by_margin"] = hits, np.stack([of_margin.latency for _, of_margin in timed[1:]], axis=1)
    for when, (hits, spent) in read.items():
        results[f"accuracy{when or '_by_step'}"] = hits.mean(axis=0).tolist()
        results[f"latency{when or '_by_step'}"] = spent.mean(axis=0).tolist()
        sums |= {f"right{when}": hits.astype(int), f"cycles{when}": spent}
    blocks = _blocks(sums) | {"neuron_steps": neuron_steps}
    return timed, results, blocks


def _latency_by_step(predicted):
    """Cycles until an answer that is read after each step, (B, T): what follows a last firing pass stays the same."""
    ends = predicted.ends[:, -1]
    return ends + (predicted.latency - ends[:, -1])[:, None]


def _blocks(sums):
    """Sums over blocks of consecutive images, of which intervals are made; `sums` are arrays (images, ...) by name."""
    images = len(sums["images"])
    starts = np.linspace(0, images, min(BLOCKS, images), endpoint=False).astype(int)
    return {name: np.add.reduceat(values, starts).tolist() for name, values in sums.items()}


def _answers_by_step(integer, run):
    """Answers after each step, (T, B): of the spikes counted so far; of a membrane readout the last alone."""
    if integer.network.readout == "membrane":
        return run.scores.argmax(axis=1)[None]
    return run.totals.argmax(axis=2)


def _early_exits(integer, run):
    """Where images end at each of MARGINS; [] for a membrane readout."""
    if integer.network.readout == "membrane":
        return []
    return [stops(run.totals, integer.network.neurons_per_class, margin) for margin in MARGINS]


def _timeline(predicted):
    """Results that say when layers work."""
    return {
        "latency_range": [int(predicted.latency.min()), int(predicted.latency.max())],
        "bound": float(predicted.least.mean()),
        "firing_cycles": predicted.firing.tolist(),
        "timeline": {
            "begins": predicted.begins.mean(axis=0).tolist(),
            "added": predicted.added.mean(axis=0).tolist(),
            "fires": predicted.firing_starts.mean(axis=0).tolist(),
            "ends": predicted.ends.mean(axis=0).tolist(),
        },
    }


def _costs(timed, lanes, taps):
    """Results of the other schedules, the events of all three, and those of early exit."""
    ours, *ended = [events.count(each, lanes, "pipelined", taps, predicted=predicted) for each, predicted in timed]
    results, stimulus = {"events": {"pipelined": ours}}, timed[0][0]
    for schedule in ("dense", "layerwise"):
        predicted = cycles.predict(stimulus, lanes, schedule, taps=taps)
        results[schedule] = {"latency": float(predicted.latency.mean()), "interval": predicted.interval}
        results["events"][schedule] = events.count(stimulus, lanes, schedule, taps, predicted=predicted)
    if ended:
        results["events_by_margin"] = ended
    return results
