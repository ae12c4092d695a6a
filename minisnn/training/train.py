"""Train a network: build it, fit it to a data set, fine-tune it.

All randomness follows from the seed, by purpose and epoch, so that the number of the epoch is the only random state to
remember: the same seed gives the same weights on any number of threads, and a run that was killed and resumed ends with
the same bits as one that was not.
"""

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from .. import check, encode
from ..data.dataset import Dataset
from ..errors import InputError
from ..loss import parse as parse_loss
from ..model import Model
from ..network import Network
from ..rng import stream
from ..terminal import bar
from . import checkpoint as checkpoints
from .checks import doubts
from .loop import Metric, Training
from .schedules import Schedule, check_free, replaced_by, tabulate
from .settings import Options, Settings, defaults

Callback = Callable[[Model], bool | None]
BAR = "{percentage:3.0f}%|{bar}| {elapsed}, {remaining} left{postfix}"


def build(topology: str, data: Dataset, settings: Settings, **options: Any) -> Network:
    """Build a network whose first weights are drawn from the seed, scaled to the data's encoding.

    `options` are those of :class:`minisnn.network.Network`.
    """
    encoder = encode.fit(settings.encoding, data.x_train, settings.num_steps, data.max_value)
    sample = encoder.encode(data.x_train[:256], stream(settings.seed, "encode"))
    mean_square = float(np.mean(np.square(sample, dtype=np.float64))) or 1.0  # 1 if all pixels are black
    return Network(topology, data.input_shape, mean_square=mean_square, rng=stream(settings.seed, "init"), **options)


def fit(
    net: Network,
    data: Dataset,
    *,
    metrics: Mapping[str, Metric] | None = None,
    callbacks: Callback | Sequence[Callback] = (),
    schedules: Mapping[str, Schedule] | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    progress: bool = False,
    encoder: encode.Encoder | None = None,
    **settings: Unpack[Options],
) -> Model:
    """Train a network.

    Parameters
    ----------
    net : Network
        Its parameters are changed in place, and the leaks and thresholds that ``learn`` names; its `pad_value` is set
        to the encoded value of a black pixel.
    data : Dataset
        Its test part is read only to warn of another scale. The validation images are the tail of the training images
        where neighbours belong together (``data.ordered``), else a random choice.
    metrics : dict of functions, optional
        Each takes the scores (n, classes) and the labels (n,) of all validation images, and returns a number, which the
        history holds under its name.
    callbacks : function, or sequence of functions, optional
        Each is called after every epoch with a Model of the network as it is now; ``model.history[-1]`` is the epoch.
        The training stops after an epoch for which one returns True.
    schedules : dict, optional
        Values by epoch of "lr", "rate_penalty", "weight_decay", "clip" or "augment", in place of these settings, or of
        "surrogate" (a number is its scale): a function of the epoch, counted from 0, such as
        ``cosine(0.004, 0, epochs=20)``, or a list. The network has its own surrogate again at the end.
    checkpoint : str or Path, optional
        File to write after each epoch, before the callbacks.
    resume : bool, default False
        Continue from `checkpoint` if it exists. The result equals that of an uninterrupted run, bit for bit, if the
        functions are the same: the file holds their names and values, not their code. Callbacks are called for the last
        epoch in it first, so one that stopped the training stops it again; what they remember is not in the file.
    progress : bool, default False
        Show a bar.
    encoder : Encoder, optional
        Mean and deviation of the pixels; by default those of the training images.
    **settings
        Fields of :class:`minisnn.training.settings.Settings`, such as ``epochs=10, num_steps=5``. The steps of
        recordings are those that they have. `loss` may be a function that takes (spk, mem, labels, classes), as those
        of :mod:`minisnn.loss` do, and returns (value, dspk, dmem): the mean over the batch, and its gradients or None.

    Returns
    -------
    model : Model
        With the weights of the epoch that was best on the validation images (the later of two equals; without
        validation, the last epoch), and a history of all epochs: epoch, lr (at its end), loss, train_accuracy
        (during training, on the shifted images), validation_accuracy (None without), firing_rates, metrics, seconds,
        and the learned constants by layer, at its end.

    Raises
    ------
    InputError
        If a setting does not fit, a function returns something else than it should, or the checkpoint belongs to
        another training or is written by another process. What is possible but probably a mistake is a warning:
        channels first, pools that leave out many neurons, test images of another scale.
    TrainingError
        If a number is no longer finite; the message names epoch, batch and layer.

    Examples
    --------
    >>> from minisnn import evaluate, load_data
    >>> data = load_data("digits")
    >>> net = Network("64-10", data.input_shape, backend="numpy", rng=np.random.default_rng(0))
    >>> model = fit(net, data, epochs=3, num_steps=4)
    >>> evaluate(model, data.x_test, data.y_test).accuracy > 0.8
    True

    Your own loss, here with softer gradients, a metric, and an end as soon as it is good enough:

    >>> from minisnn import loss
    >>> def softer(spk, mem, labels, classes):
    ...     value, dspk, dmem = loss.rate(spk, mem, labels, classes)
    ...     return value, np.tanh(dspk), dmem
    >>> def first_two(scores, labels):
    ...     return (scores.argsort(axis=1)[:, -2:] == labels[:, None]).any(axis=1).mean()
    >>> model = fit(net, data, epochs=9, num_steps=4, loss=softer, metrics={"first two": first_two},
    ...             callbacks=lambda model: model.history[-1]["first two"] > 0.9)
    >>> len(model.history) < 9, model.history[-1]["first two"] > 0.9, model.settings["loss"]
    (True, True, 'function:softer')
    """
    check.kind("net", net, Network, "such as Network(topology, data.input_shape, rng=...) makes")
    check.kind("data", data, Dataset, "such as load_data returns")
    chosen, table = _chosen(net, data, settings, schedules or {})
    called = _callbacks(callbacks)
    if resume and checkpoint is None:
        raise InputError("resume=True needs the checkpoint=... of the training to continue")
    run = Training(net, data, chosen, table, metrics, encoder)
    for sentence in doubts(net, data, run.encoder):
        warnings.warn(sentence, stacklevel=2)
    with checkpoints.alone(checkpoint):
        if resume and checkpoint is not None and Path(checkpoint).exists():
            checkpoints.load(checkpoint, run)
        _all_epochs(run, checkpoint, progress, called)
    for array, best in zip(run.arrays, run.best, strict=True):
        array[...] = best
    run.constants.apply()
    return run.model()


def _chosen(net, data, given, schedules):
    """Return Settings, and the table of scheduled values; raise InputError for a name that does not exist."""
    known = list(Settings.__dataclass_fields__)
    for name in given:
        if name not in known:
            hint = check.near(name, known) or f" choose from {', '.join(known)}"
            raise InputError(f"fit has no setting {name!r};{hint}")
    check_free(schedules, given)
    chosen = Settings(**defaults(data) | given | ({"schedule": "constant"} if "lr" in schedules else {}))
    return chosen, tabulate(schedules, chosen.epochs, net.surrogate)


def _callbacks(given):
    """Return the callbacks as a list."""
    callbacks = [given] if callable(given) else list(given)
    return [check.takes(f"callback {check.called(callback)}", callback, ("model",)) for callback in callbacks]


def _all_epochs(run, checkpoint, shown, callbacks):
    """Train to the end, or until a callback stops it; write the checkpoint after each epoch, before the callbacks."""
    with _bar(run, shown) as batches:
        stop = run.epoch > 0 and not run.finished and _stop(callbacks, run)  # a checkpoint does not hold this decision
        while not (stop or run.finished):
            with np.errstate(over="ignore", invalid="ignore"):  # each batch reports what is not finite
                run.one_epoch(batches)
            if checkpoint is not None:
                checkpoints.save(checkpoint, run)
            stop = _stop(callbacks, run)


def _stop(callbacks, run):
    """Call all callbacks, and return whether one of them asks to stop."""
    answers = [callback(run.model()) for callback in callbacks]
    for callback, answer in zip(callbacks, answers):
        if not (answer is None or isinstance(answer, (bool, np.bool_))):
            raise InputError(
                f"callback {check.called(callback)} must return True to stop the training, or nothing, got {answer!r}"
            )
    return any(answers)


def _bar(run, shown):
    """Progress bar in batches, which continues where a checkpoint ended and appears with the first batch."""
    total, done = run.settings.epochs * run.batches, run.epoch * run.batches
    options = {"delay": 0.01} if sys.stderr.isatty() else {}
    return bar(total, "batch", shown=shown, done=done, bar_format=BAR, **options)


def fine_tune(
    model: Model,
    data: Dataset,
    epochs: int,
    weight_bits: int | list[int] | tuple[int, ...] | None = None,
    lr: float | None = None,
    **options: Any,
) -> Model:
    """Train a copy of a model for some more epochs, with rounded weights if `weight_bits` is given.

    The encoder stays the model's, whose weights were learned with it.
    The peak learning rate, by default a quarter of the model's, falls along a cosine. `options` are `checkpoint`,
    `resume` and `progress` of :func:`fit`, and settings that differ from the model's.
    """
    original = {name: value for name, value in model.settings.items() if name in Settings.__dataclass_fields__}
    if "loss" in options:
        original["loss"] = options["loss"]
    parse_loss(original.get("loss", Settings.loss))
    try:
        Settings(**original)
    except InputError as error:
        raise InputError(f"the model's file is damaged: of its settings, {error}; train it again") from None
    settings = original | {
        "epochs": epochs,
        "weight_bits": weight_bits,
        "schedule": "cosine",
        "lr": original.get("lr", Settings.lr) / 4 if lr is None else lr,
    }
    for name in replaced_by(options.get("schedules") or {}):
        settings.pop(name, None)
    net = Network(**model.network.config(), rng=np.random.default_rng(0))
    for copied, param in zip(net.params, model.network.params):
        copied[...] = param
    return fit(net, data, encoder=model.encoder, **settings | options)
