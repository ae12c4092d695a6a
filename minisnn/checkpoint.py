"""Checkpoints: all that changes from epoch to epoch, so that a killed training goes on with the same bits.

No generator's state is among it: what is drawn in an epoch follows from the seed and the number of the epoch
(:func:`minisnn.settings.stream`), and the number of the epoch is the length of the history.
"""

import zlib
from dataclasses import asdict

import numpy as np

from .errors import InputError
from .model import portable, read, write


def save(path, run):
    """Write a training under way (``train._Training``) to `path`, whole or not at all."""
    about = _identity(run) | {"history": run.history, "best_accuracy": run.best_accuracy,
                              "since_best": run.since_best}
    write(path, "checkpoint", about, _arrays(run))


def load(path, run):
    """Bring a training that has just been set up to where :func:`save` was called.

    Raises
    ------
    InputError
        If the file is damaged, or belongs to a training with another setting, network or data set.
    """
    about, found = read(path, "checkpoint")
    _must_agree(path, about, _identity(run))
    for name, ours in _arrays(run).items():
        if name not in found or (found[name].shape, found[name].dtype) != (ours.shape, ours.dtype):
            raise InputError(f"{path} has no fitting array {name}; delete it to start anew")
    for group, ours in (("", run.net.params), ("best.", run.best)):
        for name, array in zip(run.net.param_names, ours):
            array[...] = found[group + name]
    run.optimiser.load({name.removeprefix("optimiser."): array for name, array in found.items()})
    try:
        run.history[:] = about["history"]
        run.best_accuracy, run.since_best = about["best_accuracy"], about["since_best"]
    except (KeyError, TypeError) as error:
        raise InputError(f"{path} does not tell how far the training was; delete it to start anew") from error


def fingerprint(data):
    """What tells one training set from another: its name, size, and a checksum of images and labels."""
    digest = zlib.crc32(np.ascontiguousarray(data.y_train), zlib.crc32(np.ascontiguousarray(data.x_train)))
    return {"dataset": data.name, "images": len(data.x_train), "digest": digest}


def _identity(run):
    # The backend belongs to it: reference and kernels add in different orders, so the last bits differ.
    network = portable(run.net.config()) | {"backend": run.net.backend}
    # In the order in which a difference is told: another seed or data set brings another pad_value with it.
    return {"settings": asdict(run.settings), "data": run.fingerprint, "network": network}


def _must_agree(path, about, ours):
    for part, values in ours.items():
        theirs = about.get(part)
        if not isinstance(theirs, dict):
            raise InputError(f"{path} lacks its {part}; delete it to start anew")
        for name, value in values.items():
            if theirs.get(name) != value:
                raise InputError(f"{path} belongs to a training with {name} {theirs.get(name)!r}, "
                                 f"not {value!r}; resume with what it was started with, or "
                                 "delete it to start anew")


def _arrays(run):
    names = run.net.param_names
    return (dict(zip(names, run.net.params)) | {f"best.{name}": p for name, p in zip(names, run.best)}
            | {f"optimiser.{name}": a for name, a in run.optimiser.state().items()})
