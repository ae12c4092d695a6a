"""A trained network in a file: one .npz of plain arrays and a JSON text; nothing is pickled."""

import io
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from . import __version__, check
from .archive import read_arrays
from .encode import Encoder
from .errors import InputError
from .files import atomic_write
from .network import BACKENDS, Network
from .result import Run
from .rng import stream
from .terminal import item, named
from .topology import parse

FORMAT = 1
# What the parts of a damaged file raise where they are used.
BAD_PARTS = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError, RecursionError, MemoryError)
# A setting that means nothing beside the schedule of another.
_REPLACED = {"lr": "schedule", "rate_penalty": "penalty_ramp"}
_MOST_PIXEL = 1e30  # float32 holds it, and float64 its square


@dataclass(repr=False)
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
    >>> again  # doctest: +ELLIPSIS
    Model(64-10 on digits, direct, T = 4, 2 epochs, validation accuracy ... %)

    ``print(again)`` shows layers, encoding and settings too. Spikes of the first layer, for one image:

    >>> again.run(data.x_test[:1]).layers[0].spk.shape
    (4, 1, 64)
    """

    network: Network
    encoder: Encoder
    seed: int = 0
    dataset: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=lambda: versions())

    def __repr__(self):
        return (
            f"Model({self.network.topology} on {self.dataset or 'no data set'}, {self.encoder.kind}, "
            f"T = {self.encoder.num_steps}, {_result(self.history, self.versions)})"
        )

    def __str__(self):
        surrogate = _scheduled(self.settings, self.history).get("surrogate", str(self.network.surrogate))
        lines = [
            self.network.described(surrogate),
            item("encoding", str(self.encoder)),
            item(*origin(self.dataset, self.seed, self.versions)),
            item("settings", named(_shown(self.settings, self.history))),
            item("history", _summary(self.history)),
        ]
        return "\n".join(lines)

    def run(self, images: np.ndarray, record: bool = True) -> Run:
        """Return the run of the network on raw images (B, ...), with the spikes and membranes of every layer.

        All images are one batch; with ``record=False`` the kernels keep the last layer alone. Raise InputError if the
        images do not fit.
        """
        images, _ = check.images_for(self, images)
        inputs = self.encoder.encode(images, stream(self.seed, "encode"), self.network.dtype)
        return self.network.forward(inputs, self.encoder.num_steps, record)

    def save(self, path: str | Path) -> None:
        """Write the model to `path` (.npz), completely or not at all.

        The seconds of the history are left out: the same training gives the same file, byte for byte.
        """
        write(path, "model", self.about(), dict(zip(self.network.param_names, self.network.params)))

    def about(self) -> dict[str, Any]:
        """Return everything that a file holds besides the weights, as plain values."""
        return {
            "network": portable(self.network.config()),
            "encoder": self.encoder.config(),
            "seed": self.seed,
            "dataset": self.dataset,
            "settings": self.settings,
            "versions": self.versions,
            "history": [{k: v for k, v in entry.items() if k != "seconds"} for entry in self.history],
        }

    @classmethod
    def load(cls, path: str | Path, backend: str = "numba", threads: int | None = None) -> "Model":
        """Read a model that :meth:`save` wrote; backend and threads belong to the machine, not to the model.

        Raise InputError if the file is missing, damaged, of another format version, or its parts do not fit together.
        """
        check.choice("backend", backend, BACKENDS)
        if threads is not None:
            check.whole("threads", threads)
        about, arrays = read(path, "model")
        _check_shapes(path, about.get("network"), arrays)
        try:
            network = Network(**about["network"], backend=backend, threads=threads, rng=np.random.default_rng(0))
            check_encoder(about["encoder"])
            encoder = Encoder.from_config(about["encoder"])
        except BAD_PARTS as error:
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


def imported_from(versions: Mapping[str, str]) -> str:
    """Return the library that a network was imported from, with its version, by the model's versions; "" for none."""
    if "nir" in versions:
        return f"NIR (nir {versions['nir']})"
    return f"snnTorch (torch {versions['torch']})" if "torch" in versions else ""


def origin(dataset: str, seed: int, versions: Mapping[str, str]) -> tuple[str, str]:
    """Return a label and words on where a network comes from: its training here, or another library."""
    if not (source := imported_from(versions)):
        return "trained", f"on {dataset or 'nothing'}, seed {seed}, by {named(versions)}"
    own = {name: value for name, value in versions.items() if name not in ("nir", "torch")}
    return "imported", f"from {source}{f', for {dataset}' if dataset else ''}, by {named(own)}"


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


def _check_shapes(path, config, arrays):
    """Raise InputError unless the weights have the shapes of the topology, before a network of that size is made."""
    try:
        shapes = parse(config["topology"], config["input_shape"], config["padding"])
    except BAD_PARTS:
        return  # the network refuses it, and says why
    for number, shape in enumerate(shapes, 1):
        stored = arrays.get(f"{number}.w")
        if stored is not None and stored.shape != shape.w_shape:
            raise InputError(
                f"{path}: array {number}.w is {stored.dtype} of shape {stored.shape}, topology {config['topology']} "
                f"needs shape {shape.w_shape}; train or export it again"
            )


def _about_training(path, about):
    """Return seed, data set, settings, history and versions of a model file, with their types checked."""
    kinds = {"seed": int, "dataset": str, "settings": dict, "history": list, "versions": dict}
    for name, kind in kinds.items():
        if not isinstance(about.get(name), kind):
            raise InputError(
                f"{path}: field {name} must be a {kind.__name__}, got {about.get(name)!r}; train or export it again"
            )
    if not check.is_whole(about["seed"]):
        raise InputError(f"{path}: seed must be a whole number from 0, got {about['seed']!r}; train or export it again")
    check_history(path, about["history"])
    scheduled = about["settings"].get("schedules", {})
    if not isinstance(scheduled, dict) or not all(isinstance(v, list) and v for v in scheduled.values()):
        raise InputError(f"{path}: schedules must be lists of values by name, got {scheduled!r}; train it again")
    return {name: about[name] for name in kinds}


def write(path: str | Path, kind: str, about: dict, arrays: dict, compressed: bool = False) -> None:
    """Write a .npz of `arrays` and the plain values `about`, marked as a file of `kind`, completely or not at all."""
    text = json.dumps({"kind": kind, "format": FORMAT, **about}, allow_nan=False)
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, about=np.array(text), **arrays)
    atomic_write(path, file.getvalue())


def read(path: str | Path, kind: str, remedy: str = "") -> tuple[dict, dict]:
    """Return (about, arrays) of a file that :func:`write` wrote; raise InputError if it is damaged or of another kind.

    The error ends in `remedy`, by default that another file should be named.
    """
    path = Path(path)
    again = remedy or "train again"
    remedy = remedy or _named_instead(path, kind)
    if not path.is_file():
        wrong = "is a folder" if path.is_dir() else "is no file" if path.exists() else "does not exist"
        raise InputError(f"{path} {wrong}; {remedy}")
    try:
        arrays = read_arrays(path)
    except InputError as error:
        raise InputError(f"{error}; {remedy}") from error
    try:
        about = json.loads(str(arrays.pop("about")), parse_constant=_no_number)
        actual_kind, version = about.pop("kind"), about.pop("format")
    except (KeyError, AttributeError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is not a {kind} file of minisnn; {remedy}") from error
    if actual_kind != kind:
        raise InputError(_other_kind(path, actual_kind, kind))
    if version != FORMAT:
        raise InputError(
            f"{path} has format version {version}, this minisnn ({__version__}) reads version "
            f"{FORMAT}; use the version of minisnn that wrote it, or {again}"
        )
    return about, arrays


def _named_instead(path, kind):
    """Return the file to name instead of one that is not of `kind`."""
    remedy = f"name a {kind} file (.npz) that minisnn wrote"
    if path.suffix not in (".pt", ".pth", ".nir"):
        return remedy
    return f"{remedy}: minisnn import makes a model of a network of snnTorch or NIR"


def kind_of(path: str | Path) -> str:
    """Return the kind of a file that :func:`write` wrote, such as "model"; "" if it is no such file."""
    try:
        return str(json.loads(str(read_arrays(path, {"about"})["about"]))["kind"])
    except (InputError, *BAD_PARTS):
        return ""


def _other_kind(path, actual, wanted):
    """Sentence on a file of another kind; floats in place of integers, or the reverse, are the likely mistake."""
    name = path.name.removesuffix(".npz").removesuffix(".int")
    if (actual, wanted) == ("model", "quantized model"):
        integers = path.with_name(f"{name}.int.npz")
        return f"{path} holds floats; this command needs integers: run `minisnn quantize {path}` and use {integers}"
    if (actual, wanted) == ("quantized model", "model"):
        return f"{path} holds integers; this command needs floats: use the model that it was quantized from"
    return f"{path} is a {actual} file, not a {wanted} file; name another"


def _no_number(text):
    """Refuse the NaN and Infinity that Python's JSON takes."""
    raise ValueError(f"{text} is not a number")


def check_encoder(config: dict) -> None:
    """Raise ValueError unless the values of a file's encoder are numbers."""
    if not check.is_number(config.get("max_value", 1), 0, _MOST_PIXEL):
        raise ValueError(f"max_value must be a number of up to {_MOST_PIXEL:g}, got {config['max_value']!r}")
    if not check.is_whole(config["num_steps"], 1):
        raise ValueError(f"num_steps must be a whole number from 1, got {config['num_steps']!r}")
    for name in ("mean", "std"):
        values = config[name]
        if not isinstance(values, list) or not all(
            check.is_number(value, -_MOST_PIXEL, _MOST_PIXEL) for value in values
        ):
            raise ValueError(f"{name} must be a list of numbers of up to {_MOST_PIXEL:g}, got {values!r}")


def check_history(path: str | Path, history: list, remedy: str = "train it again") -> None:
    """Raise InputError, which ends in `remedy`, unless each epoch has the numbers that reports and figures show."""
    for number, entry in enumerate(history, 1):
        if not isinstance(entry, dict):
            raise InputError(f"{path}: entry {number} of history is not an epoch; {remedy}")
        for name in ("epoch", "loss", "train_accuracy", "validation_accuracy"):
            value = entry.get(name)
            missing = value is None and not (name == "validation_accuracy" and name in entry)
            if missing or not (value is None or check.is_number(value)):
                raise InputError(
                    f"{path}: {name} in entry {number} of history must be a number, got {value!r}; {remedy}"
                )


def _shown(settings, history):
    """Return the settings that are given and not shown elsewhere, with the ends of scheduled values."""
    scheduled = _scheduled(settings, history)
    left_out = {"seed", "encoding", "num_steps", "schedules", *(_REPLACED.get(name) for name in scheduled)}
    shown = {name: value for name, value in settings.items() if value is not None and name not in left_out}
    shown |= {name: ends for name, ends in scheduled.items() if name != "surrogate"}  # which stands below the layers
    epochs = shown.get("epochs")
    if history and check.is_whole(epochs) and len(history) < epochs:
        shown["epochs"] = f"{len(history)} of {epochs}"
    return shown


def _scheduled(settings, history):
    """Return the first and the last value of each schedule that training reached, in words."""
    schedules = settings.get("schedules", {})
    last = len(history) - 1  # without a history all values are shown
    return {
        name: " to ".join(_number(value) for value in (values[0], values[min(last, len(values) - 1)]))
        for name, values in schedules.items()
    }


def _number(value):
    return f"{value:.4g}" if check.is_number(value) else str(value)


def _result(history, versions):
    """The number of epochs, and the accuracy of the best one, in words; or where the network comes from."""
    if not history:
        source = imported_from(versions)
        return f"imported from {source}" if source else "not trained"
    epochs, best = _epochs(history), _best(history)
    return epochs if best is None else f"{epochs}, validation accuracy {100 * best['validation_accuracy']:.2f} %"


def _epochs(history):
    return f"{len(history)} epoch{'s' * (len(history) > 1)}"


def _summary(history):
    """The last epoch and the best one, in words."""
    if not history:
        return "none"
    last, best = history[-1], _best(history)
    text = f"{_epochs(history)}, last loss {last['loss']:.4f}, training accuracy {100 * last['train_accuracy']:.2f} %"
    if best is None:
        return text + ", no validation"
    accuracy = 100 * best["validation_accuracy"]
    return text + f", best validation accuracy {accuracy:.2f} % in epoch {best['epoch']}"


def _best(history):
    """The epoch whose weights were kept: the later of two equals; None without validation."""
    validated = [entry for entry in history if entry["validation_accuracy"] is not None]
    return max(reversed(validated), key=lambda entry: entry["validation_accuracy"], default=None)


def _short(error):
    return (str(error).splitlines() or [type(error).__name__])[0]
