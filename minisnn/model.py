"""A trained network in a file: one .npz of plain arrays and a JSON text; nothing is pickled."""

import json
import platform
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from . import __version__, check
from .encode import Encoder
from .errors import InputError
from .files import atomic_write
from .network import BACKENDS, Network

FORMAT = 1


@dataclass
class Model:
    """A trained network with its encoder and its origin.

    Attributes
    ----------
    network : Network
    encoder : Encoder
    seed : int
    dataset : str
    settings : dict
        Settings of the training, as plain values.
    history : list of dict
        One entry per epoch: epoch, lr, loss, train_accuracy, validation_accuracy, firing_rates, seconds.
    versions : dict
        Versions of minisnn, numpy and python at the time of training.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from minisnn import fit, load_data, predict
    >>> data = load_data("digits")
    >>> net = Network("64-10", data.input_shape, backend="numpy", rng=np.random.default_rng(0))
    >>> model = fit(net, data, epochs=2, num_steps=4)
    >>> with TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/model.npz")
    ...     again = Model.load(f"{folder}/model.npz", backend="numpy")
    >>> bool((predict(again, data.x_test) == predict(model, data.x_test)).all())
    True
    >>> again.dataset, again.settings["lr"], [entry["epoch"] for entry in again.history]
    ('digits', 0.002, [1, 2])
    """

    network: Network
    encoder: Encoder
    seed: int = 0
    dataset: str = ""
    settings: dict = field(default_factory=dict)
    history: list = field(default_factory=list)
    versions: dict = field(default_factory=lambda: versions())

    def save(self, path: str | Path) -> None:
        """Write the model to `path` (.npz), completely or not at all.

        The seconds of the history are left out: the same training gives the same file, byte for byte.
        """
        about = {
            "network": portable(self.network.config()),
            "encoder": self.encoder.config(),
            "seed": self.seed,
            "dataset": self.dataset,
            "settings": self.settings,
            "versions": self.versions,
            "history": [{k: v for k, v in entry.items() if k != "seconds"} for entry in self.history],
        }
        write(path, "model", about, dict(zip(self.network.param_names, self.network.params)))

    @classmethod
    def load(cls, path: str | Path, backend: str = "numba", threads: int | None = None) -> "Model":
        """Read a model that :meth:`save` wrote; backend and threads belong to the machine, not to the model.

        Raise InputError if the file is missing, damaged, of another format version, or its parts do not fit together.
        """
        check.choice("backend", backend, BACKENDS)
        if threads is not None:
            check.whole("threads", threads)
        about, arrays = read(path, "model")
        try:
            network = Network(**about["network"], backend=backend, threads=threads, rng=np.random.default_rng(0))
            encoder = Encoder.from_config(about["encoder"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path} describes a network that cannot be built ({_short(error)}); train or export it again"
            ) from error
        if len(encoder.mean) != len(network.pad_value):
            raise InputError(
                f"{path}: the encoding is for {len(encoder.mean)} channels, the network takes "
                f"{len(network.pad_value)}; train or export it again"
            )
        set_params(path, network, arrays)
        return cls(network, encoder, **_about_training(path, about))


def load(path: str | Path, backend: str = "numba", threads: int | None = None) -> Model:
    """Read a model file that :meth:`Model.save` wrote.

    Parameters
    ----------
    path : str or Path
    backend : "numba" or "numpy"
    threads : int, optional
        Threads of the kernels; all processors by default.

    Returns
    -------
    model : Model

    Raises
    ------
    InputError
        If the file is missing, damaged, of another format version, or its parts do not fit together.

    Examples
    --------
    >>> load("no_such_model.npz")
    Traceback (most recent call last):
    minisnn.errors.InputError: no_such_model.npz does not exist; name a model file (.npz) that minisnn wrote
    """
    return Model.load(path, backend, threads)


def portable(config: dict) -> dict:
    """Return a network's config without the arguments that belong to the machine."""
    return {key: value for key, value in config.items() if key not in ("backend", "threads")}


def versions() -> dict[str, str]:
    """Return the versions of minisnn, numpy and python, by name."""
    return {"minisnn": __version__, "numpy": np.__version__, "python": platform.python_version()}


def set_params(path: str | Path, network: Network, arrays: dict) -> None:
    """Copy the arrays of a file into a network's parameters, after checking names, shapes and numbers."""
    for name, param in zip(network.param_names, network.params):
        array = arrays.get(name)
        if array is None:
            raise InputError(f"{path} lacks the array {name} of topology {network.topology}; train or export it again")
        if (array.shape, array.dtype) != (param.shape, param.dtype):
            raise InputError(
                f"{path}: array {name} is {array.dtype} of shape {array.shape}, topology "
                f"{network.topology} needs {param.dtype} of shape {param.shape}; "
                "train or export it again"
            )
        if not np.isfinite(array).all():
            raise InputError(f"{path}: array {name} has values that are not finite; train it again")
        param[...] = array


def _about_training(path, about):
    """Return seed, data set, settings, history and versions of a model file, with their types checked."""
    kinds = {"seed": int, "dataset": str, "settings": dict, "history": list, "versions": dict}
    for name, kind in kinds.items():
        if not isinstance(about.get(name), kind):
            raise InputError(
                f"{path}: field {name} must be a {kind.__name__}, got {about.get(name)!r}; train or export it again"
            )
    needed = {"epoch", "loss", "train_accuracy", "validation_accuracy"}
    if not all(isinstance(entry, dict) and needed <= entry.keys() for entry in about["history"]):
        raise InputError(f"{path}: each entry of history must contain {', '.join(sorted(needed))}; train it again")
    return {name: about[name] for name in kinds}


def write(path: str | Path, kind: str, about: dict, arrays: dict, compressed: bool = False) -> None:
    """Write a .npz of `arrays` and the plain values `about`, marked as a file of `kind`, completely or not at all."""
    text = json.dumps({"kind": kind, "format": FORMAT, **about}, allow_nan=False)
    with atomic_write(path) as file:
        (np.savez_compressed if compressed else np.savez)(file, about=np.array(text), **arrays)


def read(path: str | Path, kind: str) -> tuple[dict, dict]:
    """Return (about, arrays) of a file that :func:`write` wrote; raise InputError if it is damaged or of another
    kind.
    """
    path = Path(path)
    if not path.is_file():
        wrong = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"{path} {wrong}; name a {kind} file (.npz) that minisnn wrote")
    try:
        with np.load(path, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content}
        about = json.loads(str(arrays.pop("about")))
        actual_kind, version = about.pop("kind"), about.pop("format")
    except (KeyError, AttributeError, TypeError, json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path} is not a {kind} file of minisnn; name one that minisnn wrote") from error
    except (OSError, ValueError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            f"{path} is damaged or not a .npz of plain arrays ({_short(error)}); write it again"
        ) from error
    if actual_kind != kind:
        raise InputError(f"{path} is a {actual_kind} file, not a {kind} file; name another")
    if version != FORMAT:
        raise InputError(
            f"{path} has format version {version}, this minisnn ({__version__}) reads version "
            f"{FORMAT}; use the version of minisnn that wrote it, or train again"
        )
    return about, arrays


def _short(error):
    return (str(error).splitlines() or [type(error).__name__])[0]
