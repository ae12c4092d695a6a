"""Training: minibatches, validation, early stopping, and checkpoints that a killed run goes on from.

All chance comes from the seed, by purpose and epoch, so that nothing but the number of the epoch has to be
remembered of it: the same seed gives the same weights on any number of threads, and a run that was killed
and resumed ends with the bits of one that was not.
"""

import sys
import time
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import numpy as np

from .. import encode, loss
from ..errors import InputError, TrainingError
from ..model import Model
from ..network import Network
from ..rng import stream
from . import checkpoint as checkpoints
from . import optim
from .inference import accuracy_and_rates, evaluate, predict  # noqa: F401  (train, then ask)
from .settings import Settings
from .straight_through import StraightThrough

LOG_SECONDS = 30  # between two lines of progress where no terminal shows a bar


def build(topology, data, settings, **options):
    """A network for a training: its first weights are drawn from the seed, scaled to the data's encoding.

    Parameters
    ----------
    topology : str
    data : Dataset
    settings : Settings
    **options
        Of :class:`minisnn.network.Network`.

    Returns
    -------
    net : Network

    Raises
    ------
    InputError
        As :class:`minisnn.network.Network`.

    Examples
    --------
    Normalised pixels have a mean square of 1, spikes at the rates of the same pixels one of about 0.3. So with these
    the squared weights of one seed are that much larger:

    >>> from minisnn import load_data
    >>> data = load_data("digits")
    >>> direct, rate = (build("16C3-10", data, Settings(encoding=kind), backend="numpy") for kind in ("direct", "rate"))
    >>> round(float((rate.params[0] / direct.params[0]).mean()) ** 2, 2)
    3.34
    """
    encoder = encode.fit(settings.encoding, data.x_train, settings.num_steps, data.max_value)
    sample = encoder.encode(data.x_train[:256], stream(settings.seed, "encode"))
    mean_square = float(np.mean(np.square(sample, dtype=np.float64))) or 1.0  # 1 where all is black
    return Network(topology, data.input_shape, mean_square=mean_square, rng=stream(settings.seed, "init"), **options)


def fit(net, data, *, checkpoint=None, resume=False, progress=False, **settings):
    """Train a network.

    Parameters
    ----------
    net : Network
        Its parameters are changed in place; its `pad_value` is set to what a pixel of value 0 becomes.
    data : Dataset
        Its test part is never looked at. The validation images are the tail of the training images where
        neighbours belong together (``data.ordered``), else drawn at random.
    checkpoint : str or Path, optional
        File that is written after each epoch.
    resume : bool, default False
        Go on from `checkpoint` if it is there. The end is the same, bit for bit, as without interruption.
    progress : bool, default False
        Show a bar.
    **settings
        Of :class:`minisnn.training.settings.Settings`, such as ``epochs=10, num_steps=5``.

    Returns
    -------
    model : Model
        With the weights of the epoch that was best on the validation images (of equals the later; without
        validation the last), and a history of all epochs: epoch, lr (at its end), loss, train_accuracy (while
        learning, on the shifted images), validation_accuracy (None without), firing_rates, seconds.

    Raises
    ------
    InputError
        If a setting does not fit, or the checkpoint belongs to another training.
    TrainingError
        If a number is no longer finite; it names epoch, batch and layer.

    Examples
    --------
    >>> from minisnn import load_data
    >>> data = load_data("digits")
    >>> net = Network("64-10", data.input_shape, backend="numpy", rng=np.random.default_rng(0))
    >>> model = fit(net, data, epochs=3, num_steps=4)
    >>> evaluate(model, data.x_test, data.y_test).accuracy > 0.8
    True
    """
    settings = Settings(**settings)
    if resume and checkpoint is None:
        raise InputError("resume=True needs the checkpoint=... of the training to go on with")
    run = _Training(net, data, settings)
    if resume and Path(checkpoint).exists():
        checkpoints.load(checkpoint, run)
    from tqdm import tqdm

    pace = {} if sys.stderr.isatty() else {"mininterval": LOG_SECONDS, "delay": LOG_SECONDS}
    with tqdm(
        total=settings.epochs * run.batches,
        initial=run.epoch * run.batches,
        unit="batch",
        disable=not progress,
        dynamic_ncols=True,
        **pace,
    ) as bar:
        while run.epoch < settings.epochs and not run.stopped:
            with np.errstate(over="ignore", invalid="ignore"):  # each batch says in words what is not finite
                run.one_epoch(bar)
            if checkpoint is not None:
                checkpoints.save(checkpoint, run)
    for param, best in zip(net.params, run.best):
        param[...] = best
    return Model(net, run.encoder, settings.seed, data.name, asdict(settings), run.history)


def fine_tune(model, data, epochs, weight_bits=None, lr=None, **options):
    """Train a model for some epochs more, with rounded weights if `weight_bits` is given.

    Parameters
    ----------
    model : Model
        It is not changed.
    data : Dataset
        What it was trained on.
    epochs : int
    weight_bits : int or sequence of int, optional
        See ``Settings``; None for the float partner that a quantised one is compared with.
    lr : float, optional
        Peak learning rate, falling along a cosine; by default a quarter of the model's.
    **options
        `checkpoint`, `resume` and `progress` of :func:`fit`, and settings other than the model's.

    Returns
    -------
    model : Model

    Raises
    ------
    InputError
        If a setting does not fit.

    Examples
    --------
    >>> from minisnn import load_data
    >>> data = load_data("digits")
    >>> net = Network("64-10", data.input_shape, backend="numpy", rng=np.random.default_rng(0))
    >>> model = fit(net, data, epochs=3, num_steps=4)
    >>> fine_tune(model, data, 2, weight_bits=3).settings["weight_bits"]
    3
    """
    own = {name: value for name, value in model.settings.items() if name in Settings.__dataclass_fields__}
    settings = (
        own
        | {
            "epochs": epochs,
            "weight_bits": weight_bits,
            "schedule": "cosine",
            "lr": own.get("lr", Settings.lr) / 4 if lr is None else lr,
        }
        | options
    )
    net = Network(**model.network.config(), rng=np.random.default_rng(0))
    for ours, theirs in zip(net.params, model.network.params):
        ours[...] = theirs
    return fit(net, data, **settings)


def shifted(x, pixels, rng):
    """Each image of `x` (B, H, W, C) moved by up to `pixels` in both directions, its edge repeated.

    The edge and not zeros: a photograph goes on beyond its frame; on a black border the two agree.

    Parameters
    ----------
    x : ndarray of shape (B, H, W, C)
    pixels : int
    rng : numpy.random.Generator

    Returns
    -------
    moved : ndarray of shape (B, H, W, C)

    Examples
    --------
    >>> shifted(np.arange(9).reshape(1, 3, 3, 1), 1, np.random.default_rng(0))[0, :, :, 0]
    array([[3, 4, 5],
           [6, 7, 8],
           [6, 7, 8]])
    """
    batch, height, width, _ = x.shape
    dy, dx = rng.integers(-pixels, pixels + 1, (2, batch, 1))
    rows = np.clip(np.arange(height) + dy, 0, height - 1)
    columns = np.clip(np.arange(width) + dx, 0, width - 1)
    return x[np.arange(batch)[:, None, None], rows[:, :, None], columns[:, None, :]]


class _Training:
    """A training under way. What changes from epoch to epoch is kept by :mod:`minisnn.training.checkpoint`."""

    def __init__(self, net, data, settings):
        _check(net, data, settings)
        self.net, self.settings = net, settings
        (self.x, self.y), self.held_out = split(data, settings)
        self.encoder = encode.fit(settings.encoding, self.x, settings.num_steps, data.max_value)
        net.pad_value = self.encoder.pad_value
        # Batches of one size: the rest of an epoch's shuffle is left out.
        self.batches = max(len(self.x) // settings.batch_size, 1)
        self.optimiser = optim.make(settings.optimiser, net.params, settings.weight_decay)
        self.rounding = None
        if settings.weight_bits is not None:
            self.rounding = StraightThrough(net, self.encoder, settings.weight_bits)
        self.best = [p.copy() for p in net.params]
        self.best_accuracy, self.since_best = -1.0, 0
        self.history = []
        self.fingerprint = checkpoints.fingerprint(data)

    @property
    def epoch(self):
        """Epochs done."""
        return len(self.history)

    @property
    def stopped(self):
        """Whether early stopping ends the training."""
        return self.settings.patience is not None and self.since_best >= self.settings.patience

    def one_epoch(self, bar):
        """All batches once, then validation."""
        settings, net, start = self.settings, self.net, time.perf_counter()
        rng = stream(settings.seed, "epoch", self.epoch)
        if self.rounding is not None:
            self.rounding.choose_scales()  # here, so that they follow from what a checkpoint holds
        order = rng.permutation(len(self.x))
        total, right, seen, rates = 0.0, 0, 0, np.zeros(len(net.layers))
        for batch in range(self.batches):
            chosen = order[batch * settings.batch_size : (batch + 1) * settings.batch_size]
            x, y = self.x[chosen], self.y[chosen]
            if settings.augment:
                x = shifted(x, settings.augment, rng)
            value, run, lr = self._step(self.encoder.encode(x, rng, net.dtype), y, batch)
            total += value
            right += int((net.scores(run).argmax(axis=1) == y).sum())
            rates += run.rates
            seen += len(y)
            bar.set_postfix_str(
                f"epoch {self.epoch + 1}/{settings.epochs} loss {total / (batch + 1):.3f}" + self._last_words(),
                refresh=False,
            )
            bar.update()
        entry = {
            "epoch": self.epoch + 1,
            "lr": lr,
            "loss": total / self.batches,
            "train_accuracy": right / seen,
            "validation_accuracy": self._validate(),
            "firing_rates": (rates / self.batches).tolist(),
        }
        self.history.append(entry | {"seconds": time.perf_counter() - start})

    def _step(self, inputs, y, batch):
        """One batch forward, backward, and a step of the optimiser."""
        settings, net = self.settings, self.net
        step, steps = self.epoch * self.batches + batch, settings.epochs * self.batches
        with self._weights():
            run = net.forward(inputs, settings.num_steps)
            value, dspk, dmem = loss.parse(settings.loss)(run.spk, run.mem, y, net.classes)
            drates = None
            if settings.rate_penalty is not None:
                price, drates = loss.rate_penalty(run.rates, *loss.parse_penalty(settings.rate_penalty))
                ramp = min(step / (settings.penalty_ramp * steps), 1.0) if settings.penalty_ramp else 1.0
                value, drates = value + ramp * price, ramp * drates
            grads = net.backward(run, dspk, dmem, drates)
        if self.rounding is not None:
            self.rounding.pass_gradients(grads)
        lr = optim.schedule(settings.schedule)(step, steps, settings.lr)
        # A membrane that is not a number never spikes, so a loss on counts may stay finite; some surrogates
        # give it no gradient either. So loss, gradient and weights are looked at.
        finite = np.isfinite(value) and np.isfinite(optim.norm(grads))
        if finite:
            if settings.clip is not None:
                optim.clip(grads, settings.clip)
            self.optimiser.step(net.params, grads, lr)
            finite = np.isfinite(optim.norm(net.params))
        if not finite:
            culprit = _culprit(net, inputs, settings, grads)
            raise TrainingError(
                f"epoch {self.epoch + 1}, batch {batch + 1}: {culprit} not finite; try a "
                "smaller learning rate, or clip the gradient"
            )
        return value, run, lr

    def _weights(self):
        """Where the network has the weights that it learns with: its own, or rounded."""
        return nullcontext() if self.rounding is None else self.rounding.rounded_weights()

    def _validate(self):
        """Accuracy on the validation images; remembers the best weights."""
        if self.held_out is None:
            self.best = [p.copy() for p in self.net.params]
            return None
        rng = stream(self.settings.seed, "encode")
        if self.rounding is not None:
            self.rounding.choose_scales()  # those that quantize will choose for these weights
        with self._weights():
            accuracy = accuracy_and_rates(self.net, self.encoder, *self.held_out, rng).accuracy
        self.since_best = 0 if accuracy > self.best_accuracy else self.since_best + 1
        if accuracy >= self.best_accuracy:  # of equals the later: it has been trained for longer
            self.best, self.best_accuracy = [p.copy() for p in self.net.params], accuracy
        return accuracy

    def _last_words(self):
        if not self.history or self.history[-1]["validation_accuracy"] is None:
            return ""
        return f" validation {100 * self.history[-1]['validation_accuracy']:.1f} %"


def split(data, settings):
    """The training images and labels to learn from, and those held out.

    Parameters
    ----------
    data : Dataset
    settings : Settings
        Its `validation` and `seed` are read.

    Returns
    -------
    chosen : (x, y)
    held_out : (x, y), or None without validation

    Raises
    ------
    InputError
        If nothing is left for one of the two.

    Examples
    --------
    Where neighbours belong together the tail is held out, else some are drawn:

    >>> from minisnn.data.load import Dataset
    >>> x, y = np.arange(10).reshape(10, 1), np.zeros(10, int)
    >>> for ordered in (True, False):
    ...     data = Dataset("mine", x, y, x[:0], y[:0], 2, 9.0, ordered)
    ...     chosen, held_out = split(data, Settings(validation=0.3))
    ...     print(chosen[0].ravel(), held_out[0].ravel())
    [0 1 2 3 4 5 6] [7 8 9]
    [0 1 3 5 6 7 9] [2 4 8]
    """
    count = round(settings.validation * len(data.x_train))
    order = np.arange(len(data.x_train))
    if not data.ordered:
        order = stream(settings.seed, "split").permutation(order)
    if settings.validation and not 0 < count < len(order):
        raise InputError(
            f"validation {settings.validation} of {len(order)} images leaves nothing to "
            "validate or to train on; change it, or set it to 0"
        )
    chosen, held_out = np.sort(order[: len(order) - count]), np.sort(order[len(order) - count :])
    parts = [(data.x_train[i], data.y_train[i]) for i in (chosen, held_out)]
    return parts[0], (parts[1] if count else None)


def _check(net, data, settings):
    if data.input_shape != net.input_shape:
        raise InputError(f"images of {data.name} have shape {data.input_shape}, the network takes {net.input_shape}")
    if net.classes < data.classes:
        raise InputError(
            f"{data.name} has {data.classes} classes, the network only {net.classes}; make its "
            f"last layer {data.classes}, or a multiple of it with classes={data.classes}"
        )
    if settings.augment and len(data.input_shape) == 1:
        raise InputError(f"augment shifts images, but {data.name} has flat rows of {data.input_shape[0]}; set it to 0")
    if net.readout == "membrane" and settings.loss != "membrane":
        raise InputError(
            f"loss {settings.loss} counts spikes, but with readout membrane the last layer "
            "never spikes; choose loss membrane"
        )
    if settings.rate_penalty is not None:
        for part in loss.parse_penalty(settings.rate_penalty):
            if np.ndim(part) and len(part) != len(net.layers):
                raise InputError(
                    f"rate_penalty {settings.rate_penalty!r} has {len(part)} values for "
                    f"{len(net.layers)} layers: give one for all, or one for each"
                )
    if settings.rate_penalty is not None and net.readout == "membrane" and len(net.layers) == 1:
        raise InputError("rate_penalty needs a layer that spikes, but the only one is the membrane readout")


def _culprit(net, inputs, settings, grads):
    """The first thing that is not finite, in the order of computation, as 'the weights of layer Y are'."""
    run = net.forward(inputs, settings.num_steps, record=True)
    for index, layer in enumerate(net.layers):
        if not np.isfinite(optim.norm(net.params[2 * index : 2 * index + 2])):
            return f"the weights of layer {layer.name} are"
        if not np.isfinite(run.layers[index].mem).all():
            return f"the membranes of layer {layer.name} are"
    for index, layer in reversed(list(enumerate(net.layers))):
        if not np.isfinite(optim.norm(grads[2 * index : 2 * index + 2])):
            return f"the gradient of layer {layer.name} is"
    return f"the loss at layer {net.layers[-1].name} is"
