"""Checkpoints: everything that changes from epoch to epoch, so that a killed training continues with the same bits.

A checkpoint holds no state of a random generator: what is drawn in an epoch follows from the seed and the number of the
epoch (:func:`minisnn.rng.stream`), and the number of the epoch is the length of the history. Of the user's functions it
holds what follows from them: the values of schedules, the numbers that metrics gave, and of a loss and of metrics the
names. What a callback remembers, and its decision to stop, it does not hold.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ..check import is_number, is_whole
from ..errors import InputError
from ..files import lock
from ..model import check_history, portable, read, write
from .loop import Training

ANEW = "delete it to start anew"


@contextmanager
def alone(path: str | Path | None) -> Iterator[None]:
    """Keep other trainings away from a checkpoint; raise InputError if one writes it. None is no checkpoint."""
    if path is None:
        yield
        return
    with lock(f"{path}.lock", path) as mine:
        if not mine:
            raise InputError(f"another training writes here ({path}); wait until it ends, or name another file")
        yield


def save(path: str | Path, run: Training) -> None:
    """Write a training in progress to `path`: weights, best weights, the optimiser's state, history and identity."""
    about = _identity(run) | {"history": run.history, "best_accuracy": run.best_accuracy, "since_best": run.since_best}
    write(path, "checkpoint", about, _arrays(run))


def load(path: str | Path, run: Training) -> None:
    """Bring a new training to the state in which :func:`save` wrote it, in place.

    Raise InputError if the file is damaged, or belongs to a training with other settings, network or data.
    """
    about, arrays = read(path, "checkpoint", ANEW)
    _must_agree(path, about, _identity(run))
    _check_progress(path, about)
    for name, current in _arrays(run).items():
        stored = arrays.get(name)
        if stored is None or (stored.shape, stored.dtype) != (current.shape, current.dtype):
            raise InputError(f"{path} has no fitting array {name}; {ANEW}")
    for prefix, group in (("", run.arrays), ("best.", run.best)):
        for name, array in zip(run.names, group, strict=True):
            array[...] = arrays[prefix + name]
    run.constants.apply()
    for prefix, optimiser in _optimisers(run).items():
        optimiser.load({name.removeprefix(prefix): array for name, array in arrays.items()})
    run.history[:] = about["history"]
    run.best_accuracy, run.since_best = about["best_accuracy"], about["since_best"]


def _check_progress(path, about):
    """Raise InputError unless the progress of a checkpoint is plain numbers."""
    right = isinstance(about.get("history"), list) and is_number(about.get("best_accuracy"))
    if not right or not is_whole(about.get("since_best")):
        raise InputError(f"{path} lacks the progress of the training, or it is damaged; {ANEW}")
    check_history(path, about["history"], ANEW)


def _identity(run: Training) -> dict[str, dict]:
    """Describe settings, data and network, in the order in which a difference is reported."""
    # The order matters because another seed or data set also brings another pad_value. The backend is included because
    # reference and kernels add in different orders, so that the last bits differ.
    # Learned constants have changed since the beginning.
    network = portable(run.net.config()) | run.constants.initial | {"backend": run.net.backend}
    own = {"schedules": run.table, "metrics": list(run.metrics)}
    return {"settings": run.settings.plain() | own, "data": run.fingerprint, "network": network}


def _must_agree(path, about, expected):
    """Raise InputError if a checkpoint's identity differs from the expected one."""
    for part, values in expected.items():
        stored = about.get(part)
        if not isinstance(stored, dict):
            raise InputError(f"{path} lacks its {part}; {ANEW}")
        for name, value in values.items():
            if stored.get(name) != value:
                raise InputError(
                    f"{path} belongs to a training with {name} {stored.get(name)!r}, not {value!r}; "
                    f"resume with the options it was started with, or {ANEW}"
                )


def _arrays(run: Training) -> dict[str, np.ndarray]:
    """All that is learned, the best of it, and the optimisers' state, by name."""
    arrays = dict(zip(run.names, run.arrays, strict=True))
    best = {f"best.{name}": array for name, array in zip(run.names, run.best, strict=True)}
    states = {
        prefix + name: array
        for prefix, optimiser in _optimisers(run).items()
        for name, array in optimiser.state().items()
    }
    return arrays | best | states


def _optimisers(run):
    """The optimisers of a training, by the prefix of their arrays."""
    learned = {"constants.": run.constants.optimiser} if run.constants.names else {}
    return {"optimiser.": run.optimiser} | learned
