"""One point of a study: train, choose the epoch on validation, make integers, and measure all that a claim needs.

A point is a plain dict of four parts, each of plain values:

    data       name and digest of the data set
    network    arguments of minisnn.network.Network
    training   fields of minisnn.training.settings.Settings
    integers   weight_bits, and epochs of fine-tuning with rounded weights
    hardware   lanes (or None for the default), wide

Points that differ in integers and hardware alone share a training.
"""

import tempfile
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import numpy as np

from ..fixed.quantize import quantize
from ..model import load as load_model
from ..network import Network
from ..timing import cycles, energy
from ..training.images import split
from ..training.settings import Settings
from ..training.train import build, fine_tune, fit
from .store import canonical


def digest(data):
    """What tells a data set from another: a digest of all its images and labels.

    Parameters
    ----------
    data : Dataset

    Returns
    -------
    digest : str
        16 hexadecimal digits.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from minisnn import load_data
    >>> data = load_data("digits")
    >>> digest(data)
    '2e12afa0f5942a69'
    >>> digest(replace(data, y_test=data.y_test[::-1].copy())) == digest(data)
    False
    """
    found = sha256()
    for array in (data.x_train, data.y_train, data.x_test, data.y_test):
        found.update(f"{array.dtype}{array.shape}".encode())
        found.update(np.ascontiguousarray(array))
    return found.hexdigest()[:16]


def make(data, network, training, weight_bits=8, finetune=0, lanes=None, wide=False):
    """A point, with every setting spelt out.

    Parameters
    ----------
    data : Dataset
    network, training : dict
        Of Network and Settings: what is not named has its default.
    weight_bits : int or sequence of int
    finetune : int
        Epochs.
    lanes : sequence of int, optional
    wide : bool

    Returns
    -------
    point : dict

    Raises
    ------
    InputError
        For a setting that cannot be.

    Examples
    --------
    >>> from minisnn import load_data
    >>> point = make(load_data("digits"), {"topology": "16-10", "beta": 0.7}, {"epochs": 1}, weight_bits=6)
    >>> point["network"]["beta"], point["network"]["reset"], point["integers"]  # what was not named has its default
    (0.7, 'subtract', {'weight_bits': 6, 'finetune': 0})
    """
    settings = asdict(Settings(**training))
    options = {"topology": f"256-{data.classes}", **network}
    net = Network(input_shape=data.input_shape, rng=np.random.default_rng(0), **options)  # which checks them
    config = {name: value for name, value in net.config().items() if name not in ("backend", "threads", "pad_value")}
    config |= {
        name: value[0] for name, value in config.items() if name in ("beta", "threshold") and len(set(value)) == 1
    }
    lanes = None if lanes is None else list(lanes)
    return {
        "data": {"name": data.name, "digest": digest(data)},
        "network": config,
        "training": settings,
        "integers": {"weight_bits": weight_bits, "finetune": finetune},
        "hardware": {"lanes": lanes, "wide": bool(wide)},
    }


def key(point):
    """Of a point: the same for the same settings.

    Parameters
    ----------
    point : dict

    Returns
    -------
    key : str
        16 hexadecimal digits.

    Examples
    --------
    >>> from minisnn import load_data
    >>> data = load_data("digits")
    >>> same = [make(data, {"beta": 0.5}, {}), make(data, {}, {"seed": 0}), make(data, {"beta": 0.7}, {})]
    >>> [key(point) == key(same[0]) for point in same]  # 0.5 and 0 are the defaults
    [True, True, False]
    """
    return sha256(canonical(point).encode()).hexdigest()[:16]


def training_key(point):
    """Of its training: points that share it differ in integers and hardware alone.

    Parameters
    ----------
    point : dict

    Returns
    -------
    key : str
        16 hexadecimal digits.

    Examples
    --------
    >>> from minisnn import load_data
    >>> data = load_data("digits")
    >>> wide, narrow = (make(data, {}, {}, weight_bits=bits) for bits in (8, 4))
    >>> key(wide) == key(narrow), training_key(wide) == training_key(narrow)  # trained once, quantised twice
    (False, True)
    """
    return key({name: point[name] for name in ("data", "network", "training")})


def train(point, data, threads=None):
    """Train.

    Parameters
    ----------
    point : dict
    data : Dataset
    threads : int, optional
        All processors by default; the result does not depend on it.

    Returns
    -------
    file : bytes
        A model file.

    Raises
    ------
    TrainingError
        If the training fails.

    Examples
    --------
    >>> from minisnn import load_data
    >>> data = load_data("digits")
    >>> point = make(data, {"topology": "16-10"}, {"epochs": 1, "num_steps": 2})
    >>> train(point, data) == train(point, data, threads=1)  # the same settings give the same file, byte for byte
    True
    """
    options = {name: value for name, value in point["network"].items() if name not in ("topology", "input_shape")}
    net = build(point["network"]["topology"], data, Settings(**point["training"]), threads=threads, **options)
    model = fit(net, data, **point["training"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.npz"
        model.save(path)
        return path.read_bytes()


def opened(file, threads=None):
    """The model of a model file's bytes.

    Parameters
    ----------
    file : bytes
        From :func:`train`.
    threads : int, optional

    Returns
    -------
    model : minisnn.model.Model

    Raises
    ------
    InputError
        If it is no model file.

    Examples
    --------
    >>> from minisnn import load_data
    >>> data = load_data("digits")
    >>> point = make(data, {"topology": "16-10"}, {"epochs": 1, "num_steps": 2})
    >>> model = opened(train(point, data))
    >>> model.network.param_names, len(model.history)
    (['1.w', '1.b', '2.w', '2.b'], 1)
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.npz"
        path.write_bytes(file)
        return load_model(path, threads=threads)


def integers(point, file, data, threads=None):
    """The float model that is quantised, its integers, and what was lost.

    Parameters
    ----------
    point : dict
    file : bytes
        From :func:`train`.
    data : Dataset
    threads : int, optional

    Returns
    -------
    model : minisnn.model.Model
        Of the file; if the point asks for it, fine-tuned with rounded weights.
    integer : fixed.model.IntegerModel
    losses : minisnn.fixed.quantize.Losses

    Examples
    --------
    >>> from minisnn import load_data
    >>> data = load_data("digits")
    >>> point = make(data, {"topology": "16-10"}, {"epochs": 1, "num_steps": 2})
    >>> model, integer, losses = integers(point, train(point, data), data)
    >>> [layer.weight_bits for layer in losses.layers], int(np.abs(integer.network.layers[0].w).max())
    ([8, 8], 127)
    """
    asked, model = point["integers"], opened(file, threads)
    if asked["finetune"]:
        model = fine_tune(model, data, asked["finetune"], asked["weight_bits"])
    return model, *quantize(model, asked["weight_bits"], images=data.x_train)


def measure(point, file, data, threads=None):
    """What a study needs to know of a trained point.

    Parameters
    ----------
    point : dict
    file : bytes
        From :func:`train`.
    data : Dataset
    threads : int, optional

    Returns
    -------
    result : dict
        Plain values. ``validation`` (None without validation images) and ``test`` have: accuracy (of the integers,
        over all steps), accuracy_float, accuracy_by_step (of the answer after each step), right (each image, in
        hexadecimal), firing_rates, latency, interval. ``test`` also: the same two for schedules "dense" and
        "layerwise", events of each schedule for ``energy``, and mean begins, added, fires, ends by layer
        and step. ``lost``: what quantisation lost. ``history``: of the training.

    Examples
    --------
    >>> from minisnn import load_data
    >>> data = load_data("digits")
    >>> point = make(data, {"topology": "16-10"}, {"epochs": 1, "num_steps": 2})
    >>> result = measure(point, train(point, data), data)
    >>> sorted(result)
    ['history', 'lanes', 'lost', 'test', 'validation']
    >>> test = result["test"]
    >>> right = np.unpackbits(np.frombuffer(bytes.fromhex(test["right"]), np.uint8))[:test["images"]]
    >>> test["accuracy"] == float(right.mean()) == test["accuracy_by_step"][-1]  # which images are right is kept, too
    True
    >>> test["bound"] < test["latency"] < test["dense"]["latency"]
    True
    """
    model, integer, losses = integers(point, file, data, threads)
    history, hardware = opened(file).history, point["hardware"]
    lanes = cycles.check_lanes(integer.network, hardware["lanes"] or cycles.default_lanes(integer.network))
    _, held_out = split(data, Settings(**point["training"]))
    parts = {"validation": held_out, "test": (data.x_test, data.y_test)}
    found = {
        name: images and _measure_part(model, integer, *images, lanes, hardware["wide"], threads, name == "test")
        for name, images in parts.items()
    }
    return {
        **found,
        "lanes": list(lanes),
        "lost": [asdict(layer) for layer in losses.layers],
        "history": [{name: value for name, value in entry.items() if name != "seconds"} for entry in history],
    }


def _measure_part(model, integer, x, y, lanes, wide, threads, all_schedules):
    from ..training.inference import evaluate

    frames, right, by_step, fired = [], [], [], 0
    for inputs, run in integer.run(x, "spikes", threads):
        part = y[sum(map(len, right)) :][: inputs.shape[1]]
        frames.append(cycles.Stimulus.of(integer.network, inputs, run, integer.num_steps).frames)
        right.append(run.scores.argmax(axis=1) == part)
        by_step.append(_answers_by_step(integer, run) == part)
        fired = fired + run.fired.sum(axis=(0, 2))
    right = np.concatenate(right)
    stimulus = cycles.Stimulus(
        integer.network, [np.concatenate(each, axis=1) for each in zip(*frames)], integer.num_steps
    )
    neurons = np.array([each.layer.neurons for each in integer.network.layers])
    predicted = cycles.predict(stimulus, lanes, wide=wide)
    result = {
        "accuracy": float(right.mean()),
        "accuracy_float": evaluate(model, x, y).accuracy,
        "right": np.packbits(right).tobytes().hex(),
        "images": len(y),
        "firing_rates": (fired / (neurons * len(y) * integer.num_steps)).tolist(),
        "latency": float(predicted.latency.mean()),
        "interval": predicted.interval,
    }
    if not integer.network.readout == "membrane":
        result["accuracy_by_step"] = np.concatenate(by_step, axis=1).mean(axis=1).tolist()
    if all_schedules:
        result |= {
            "latency_range": [int(predicted.latency.min()), int(predicted.latency.max())],
            "bound": float(predicted.least.mean()),
            "firing_cycles": predicted.firing.tolist(),
            "timeline": {
                name: getattr(predicted, name).mean(axis=0).tolist() for name in ("begins", "added", "fires", "ends")
            },
            "events": {"pipelined": energy.count(stimulus, lanes, "pipelined", wide)},
        }
        for schedule in ("dense", "layerwise"):
            other = cycles.predict(stimulus, lanes, schedule, wide=wide and schedule != "layerwise")
            result[schedule] = {"latency": float(other.latency.mean()), "interval": other.interval}
            result["events"][schedule] = energy.count(stimulus, lanes, schedule, wide and schedule != "layerwise")
    return result


def _answers_by_step(integer, run):
    """The answer after each step, (T, B): of the spikes counted so far."""
    from ..loss import class_sums

    counts = class_sums(run.spk[-1].reshape(*run.spk[-1].shape[:2], -1).astype(np.int64), integer.network.classes)
    return counts.cumsum(axis=0).argmax(axis=2)
