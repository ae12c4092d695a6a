"""Checkpoints: all that changes from epoch to epoch, so that a killed training goes on with the same bits.

No generator's state is among it: what is drawn in an epoch follows from the seed and the number of the epoch
(:func:`minisnn.rng.stream`), and the number of the epoch is the length of the history.

Examples
--------
A training that was cut off after its first epoch of two, and one that was not:

>>> from tempfile import TemporaryDirectory
>>> from tqdm import tqdm
>>> from minisnn import load_data
>>> from minisnn.training.settings import Settings
>>> from minisnn.training.train import _Training, build
>>> def begun():
...     data, settings = load_data("digits"), Settings(epochs=2, num_steps=4)
...     return _Training(build("64-10", data, settings, backend="numpy"), data, settings)
>>> whole, resumed = begun(), begun()
>>> whole.one_epoch(tqdm(disable=True))
>>> with TemporaryDirectory() as folder:
...     save(f"{folder}/half.npz", whole)
...     load(f"{folder}/half.npz", resumed)
>>> resumed.epoch
1
>>> for run in (whole, resumed):
...     run.one_epoch(tqdm(disable=True))
>>> all((a == b).all() for a, b in zip(whole.net.params, resumed.net.params))
True
"""

import zlib
from dataclasses import asdict

import numpy as np

from ..errors import InputError
from ..model import portable, read, write


def save(path, run):
    """Write a training under way to `path`, whole or not at all; ``fit`` does after each epoch.

    Parameters
    ----------
    path : str or Path
    run : train._Training
        Weights, best weights, the optimiser's state and the history are kept; of the rest only what tells it from
        another training.

    Raises
    ------
    InputError
        If it cannot be written there.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from minisnn import fit, load_data, Network
    >>> data = load_data("digits")
    >>> net = Network("10", data.input_shape, backend="numpy", rng=np.random.default_rng(0))
    >>> with TemporaryDirectory() as folder:
    ...     model = fit(net, data, epochs=1, num_steps=2, checkpoint=f"{folder}/checkpoint.npz")
    ...     about, arrays = read(f"{folder}/checkpoint.npz", "checkpoint")
    >>> sorted(arrays)  # Adam keeps two moments of each parameter, and counts its steps
    ['1.b', '1.w', 'best.1.b', 'best.1.w', 'optimiser.m.0', 'optimiser.m.1', 'optimiser.t', 'optimiser.v.0',
     'optimiser.v.1']
    >>> int(arrays["optimiser.t"])  # 1294 images are left to learn from: 40 batches of 32
    40
    """
    about = _identity(run) | {"history": run.history, "best_accuracy": run.best_accuracy, "since_best": run.since_best}
    write(path, "checkpoint", about, _arrays(run))


def load(path, run):
    """Bring a training that has just been set up to where :func:`save` was called.

    Parameters
    ----------
    path : str or Path
    run : train._Training
        With the settings, network and data set of the one that was saved; changed in place.

    Raises
    ------
    InputError
        If the file is damaged, or belongs to a training with another setting, network or data set.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from minisnn import fit, load_data, Network
    >>> def train(path, seed):
    ...     net = Network("10", (8, 8, 1), backend="numpy", rng=np.random.default_rng(0))
    ...     return fit(net, load_data("digits"), epochs=1, num_steps=2, seed=seed, checkpoint=path, resume=True)
    >>> with TemporaryDirectory() as folder:
    ...     model = train(f"{folder}/checkpoint.npz", seed=0)
    ...     try:
    ...         train(f"{folder}/checkpoint.npz", seed=1)
    ...     except InputError as error:
    ...         print(str(error).split("belongs ")[1])
    to a training with seed 0, not 1; resume with what it was started with, or delete it to start anew
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
    """What tells one training set from another: its name, size, and a checksum of images and labels.

    Parameters
    ----------
    data : minisnn.data.load.Dataset

    Returns
    -------
    marks : dict
        "dataset", "images", and "digest", the CRC-32 of the training images and then the labels.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from minisnn import load_data
    >>> data = load_data("digits")
    >>> fingerprint(data)
    {'dataset': 'digits', 'images': 1438, 'digest': 807184056}
    >>> one_label_else = data.y_train.copy()
    >>> one_label_else[0] = 9
    >>> fingerprint(replace(data, y_train=one_label_else))["digest"] == 807184056
    False
    """
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
                raise InputError(
                    f"{path} belongs to a training with {name} {theirs.get(name)!r}, "
                    f"not {value!r}; resume with what it was started with, or "
                    "delete it to start anew"
                )


def _arrays(run):
    names = run.net.param_names
    return (
        dict(zip(names, run.net.params))
        | {f"best.{name}": p for name, p in zip(names, run.best)}
        | {f"optimiser.{name}": a for name, a in run.optimiser.state().items()}
    )
