"""Training: minibatches, validation, early stopping, and checkpoints that a killed run goes on from.

All chance comes from the seed, by purpose and epoch, so that nothing but the number of the epoch has to be
remembered of it: the same seed gives the same weights on any number of threads, and a run that was killed
and resumed ends with the bits of one that was not.
"""

import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from . import encode, loss, optim
from .errors import InputError, TrainingError
from .model import Model, portable, read, set_params, write


@dataclass(frozen=True)
class Settings:
    """How a network is trained; see :func:`fit`."""

    encoding: str = "direct"
    num_steps: int = 10
    loss: str = "rate"
    rate_penalty: str | None = None
    epochs: int = 20
    batch_size: int = 32
    lr: float = 2e-3
    optimiser: str = "adam"
    schedule: str = "one_cycle"
    weight_decay: float = 0.0
    clip: float | None = None
    augment: int = 0
    validation: float = 0.1
    patience: int | None = None
    seed: int = 0

    def __post_init__(self):
        for name, least in (("num_steps", 1), ("epochs", 1), ("batch_size", 1), ("augment", 0), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, (int, np.integer)) or value < least:
                raise InputError(f"{name} must be a whole number from {least}, got {value!r}")
        if self.patience is not None and not (isinstance(self.patience, int) and self.patience >= 1):
            raise InputError(f"patience must be a whole number of epochs from 1, got {self.patience!r}")
        if not (np.isfinite(self.lr) and self.lr > 0):
            raise InputError(f"the learning rate must be above 0, got {self.lr!r}")
        if self.clip is not None and not self.clip > 0:
            raise InputError(f"clip must be a norm above 0, got {self.clip!r}")
        if not 0 <= self.validation < 1:
            raise InputError(f"validation must be a share of the training images, from 0 to below 1, "
                             f"got {self.validation!r}")
        if self.patience is not None and self.validation == 0:
            raise InputError("patience needs a validation part; give a validation share above 0")
        loss.parse(self.loss)
        if self.rate_penalty is not None:
            loss.parse_penalty(self.rate_penalty)
        optim.schedule(self.schedule)


@dataclass(frozen=True)
class Result:
    """What :func:`evaluate` found: accuracy over all steps, mean firing rate of each layer, counts."""

    accuracy: float
    firing_rates: tuple
    images: int
    num_steps: int


def stream(seed, purpose, epoch=0):
    """The Generator for one purpose ("init", "split", "epoch" or "encode") of a seed.

    Examples
    --------
    >>> float(stream(0, "init").random()) == float(stream(0, "init").random())
    True
    """
    key = ("init", "split", "epoch", "encode").index(purpose)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(key, epoch)))


def fit(net, data, *, checkpoint=None, resume=False, progress=False, **settings):
    """Train a network.

    Parameters
    ----------
    net : Network
        Its parameters are changed in place; its `pad_value` is set to what a pixel of value 0 becomes.
    data : Dataset
        Its test part is never looked at.
    checkpoint : str or Path, optional
        File that is written after each epoch.
    resume : bool, default False
        Go on from `checkpoint` if it is there.
    progress : bool, default False
        Show a bar.
    **settings
        Of :class:`Settings`: encoding "direct" | "rate" | "latency", num_steps (T), loss "rate" | "membrane" |
        "mse_count:0.8:0.05", rate_penalty "weight" | "weight:target", epochs, batch_size, lr (peak learning rate),
        optimiser "adam" | "sgd", schedule "one_cycle" | "cosine" | "constant", weight_decay, clip (gradient
        norm), augment (each image is shifted by up to so many pixels, its edge repeated), validation (share of
        the training images set apart: the tail where neighbours belong together, else drawn at random; the
        weights of the epoch that is best on them are kept; 0: all are trained on, the last epoch is kept),
        patience (epochs without a better one after which training stops), seed.

    Returns
    -------
    model : Model

    Raises
    ------
    InputError
        If a setting does not fit, or the checkpoint belongs to another training.
    TrainingError
        If a number is no longer finite.

    Examples
    --------
    >>> from minisnn import Network, load_data
    >>> data = load_data("digits")
    >>> net = Network("64-10", data.input_shape, backend="numpy", rng=np.random.default_rng(0))
    >>> model = fit(net, data, epochs=3, num_steps=4)
    >>> evaluate(model, data.x_test, data.y_test).accuracy > 0.8
    True
    """
    settings = Settings(**settings)
    run = _Training(net, data, settings)
    if resume and checkpoint is not None and Path(checkpoint).exists():
        run.load(checkpoint)
    from tqdm import tqdm
    with tqdm(total=settings.epochs * run.batches, initial=run.epoch * run.batches, unit="batch",
              disable=not progress, dynamic_ncols=True) as bar:
        while run.epoch < settings.epochs and not run.stopped:
            run.one_epoch(bar)
            if checkpoint is not None:
                run.save(checkpoint)
    for param, best in zip(net.params, run.best):
        param[...] = best
    return Model(net, run.encoder, settings.seed, data.name, asdict(settings), run.history)


def evaluate(model, x, y, batch_size=256):
    """Accuracy over all T steps, and firing rates.

    Parameters
    ----------
    model : Model
    x : ndarray of shape (n, ...)
        Raw images, as in a Dataset.
    y : ndarray of int, shape (n,)
    batch_size : int, default 256

    Returns
    -------
    result : Result
        The chance in "rate" coding comes from the model's seed.
    """
    return _evaluate(model.network, model.encoder, x, y, batch_size, stream(model.seed, "encode"))


def predict(model, x, batch_size=256):
    """The class of each image, (n,); arguments as of :func:`evaluate`."""
    rng = stream(model.seed, "encode")
    scores = [model.network.scores(_run(model.network, model.encoder, x[i:i + batch_size], rng))
              for i in range(0, len(x), batch_size)]
    return np.concatenate(scores).argmax(axis=1)


def _run(net, encoder, x, rng):
    if x.shape[1:] != net.input_shape:
        raise InputError(f"images of shape {x.shape[1:]} do not fit a network for {net.input_shape}")
    return net.forward(encoder.encode(x, rng, net.dtype), encoder.num_steps)


def _evaluate(net, encoder, x, y, batch_size, rng):
    right, rates = 0, np.zeros(len(net.layers))
    for i in range(0, len(x), batch_size):
        run = _run(net, encoder, x[i:i + batch_size], rng)
        right += int((net.scores(run).argmax(axis=1) == y[i:i + batch_size]).sum())
        rates += run.rates * run.spk.shape[1]
    return Result(right / len(x), tuple((rates / len(x)).tolist()), len(x), encoder.num_steps)


def shifted(x, pixels, rng):
    """Each image of `x` (B, H, W, C) moved by up to `pixels` in both directions, its edge repeated.

    Examples
    --------
    >>> shifted(np.arange(4).reshape(1, 2, 2, 1), 1, np.random.default_rng(0)).shape
    (1, 2, 2, 1)
    """
    batch, height, width, _ = x.shape
    dy, dx = rng.integers(-pixels, pixels + 1, (2, batch, 1))
    rows = np.clip(np.arange(height) + dy, 0, height - 1)
    columns = np.clip(np.arange(width) + dx, 0, width - 1)
    return x[np.arange(batch)[:, None, None], rows[:, :, None], columns[:, None, :]]


class _Training:
    """A training under way: all that changes from epoch to epoch, and nothing else, is in its checkpoint."""

    def __init__(self, net, data, settings):
        _check(net, data, settings)
        self.net, self.settings = net, settings
        (self.x, self.y), self.held_out = _split(data, settings)
        self.encoder = encode.fit(settings.encoding, self.x, settings.num_steps, data.max_value)
        net.pad_value = self.encoder.pad_value
        self.batches = max(len(self.x) // settings.batch_size, 1)  # the rest of an epoch's shuffle is left out
        self.optimiser = optim.make(settings.optimiser, net.params, settings.weight_decay)
        self.best = [p.copy() for p in net.params]
        self.best_accuracy, self.since_best = -1.0, 0
        self.history = []
        self.fingerprint = {"dataset": data.name, "images": len(data.x_train),
                            "digest": zlib.crc32(np.ascontiguousarray(data.x_train))}

    @property
    def epoch(self):
        return len(self.history)

    @property
    def stopped(self):
        """Whether early stopping ends the training."""
        return self.settings.patience is not None and self.since_best >= self.settings.patience

    def one_epoch(self, bar):
        settings, net = self.settings, self.net
        rng = stream(settings.seed, "epoch", self.epoch)
        order = rng.permutation(len(self.x))
        total, right, seen, rates = 0.0, 0, 0, np.zeros(len(net.layers))
        for batch in range(self.batches):
            chosen = order[batch * settings.batch_size:(batch + 1) * settings.batch_size]
            x, y = self.x[chosen], self.y[chosen]
            if settings.augment:
                x = shifted(x, settings.augment, rng)
            value, run, lr = self._step(self.encoder.encode(x, rng, net.dtype), y, batch)
            total += value
            right += int((net.scores(run).argmax(axis=1) == y).sum())
            rates += run.rates
            seen += len(y)
            bar.set_postfix_str(f"epoch {self.epoch + 1}/{settings.epochs} loss {total / (batch + 1):.3f}"
                                + self._last_words(), refresh=False)
            bar.update()
        self._close(total / self.batches, right / seen, rates / self.batches, lr)

    def _step(self, inputs, y, batch):
        """One batch forward, backward, and a step of the optimiser."""
        settings, net = self.settings, self.net
        run = net.forward(inputs, settings.num_steps)
        value, dspk, dmem = loss.parse(settings.loss)(run.spk, run.mem, y, net.classes)
        drates = None
        if settings.rate_penalty is not None:
            price, drates = loss.rate_penalty(run.rates, *loss.parse_penalty(settings.rate_penalty))
            value += price
        grads = net.backward(run, dspk, dmem, drates)
        norm = optim.clip(grads, np.inf if settings.clip is None else settings.clip)
        if not (np.isfinite(value) and np.isfinite(norm)):
            # A membrane that is not a number never spikes, so a loss on counts may stay finite: the norm tells.
            raise TrainingError(f"epoch {self.epoch + 1}, batch {batch + 1}: {_culprit(net, inputs, settings, grads)} "
                                "not finite; try a smaller learning rate, or clip the gradient")
        step = self.epoch * self.batches + batch
        lr = optim.schedule(settings.schedule)(step, settings.epochs * self.batches, settings.lr)
        self.optimiser.step(net.params, grads, lr)
        return value, run, lr

    def _close(self, value, accuracy, rates, lr):
        """End of an epoch: validate, remember the best, write the history."""
        validation = None
        if self.held_out is not None:
            rng = stream(self.settings.seed, "encode")
            validation = _evaluate(self.net, self.encoder, *self.held_out, 256, rng).accuracy
        better = validation is None or validation > self.best_accuracy
        self.since_best = 0 if better else self.since_best + 1
        if better or validation == self.best_accuracy:  # of equals the later: it has been trained for longer
            self.best = [p.copy() for p in self.net.params]
            self.best_accuracy = self.best_accuracy if validation is None else validation
        self.history.append({"epoch": self.epoch + 1, "lr": lr, "loss": value, "train_accuracy": accuracy,
                             "validation_accuracy": validation, "firing_rates": rates.tolist()})

    def _last_words(self):
        if not self.history or self.history[-1]["validation_accuracy"] is None:
            return ""
        return f" validation {100 * self.history[-1]['validation_accuracy']:.1f} %"

    def save(self, path):
        about = {"network": portable(self.net.config()), "settings": asdict(self.settings), "data": self.fingerprint,
                 "history": self.history, "best_accuracy": self.best_accuracy, "since_best": self.since_best}
        arrays = dict(zip(self.net.param_names, self.net.params))
        arrays |= {f"best.{name}": p for name, p in zip(self.net.param_names, self.best)}
        arrays |= {f"optimiser.{name}": a for name, a in self.optimiser.state().items()}
        write(path, "checkpoint", about, arrays)

    def load(self, path):
        about, arrays = read(path, "checkpoint")
        try:
            self._same(path, about)
            set_params(path, self.net, arrays)
            self.best = [arrays[f"best.{name}"] for name in self.net.param_names]
            self.optimiser.load({name.removeprefix("optimiser."): a for name, a in arrays.items()})
            self.history = about["history"]
            self.best_accuracy, self.since_best = about["best_accuracy"], about["since_best"]
        except KeyError as error:
            raise InputError(f"{path} lacks {error}; delete it to start anew") from error

    def _same(self, path, about):
        """The checkpoint must be of this very training."""
        ours = {"network": portable(self.net.config()), "settings": asdict(self.settings), "data": self.fingerprint}
        for part, values in ours.items():
            for name, value in values.items():
                if about[part].get(name) != value:
                    raise InputError(f"{path} belongs to a training with {name} {about[part].get(name)!r}, not "
                                     f"{value!r}; resume with the same settings, or delete it to start anew")


def _split(data, settings):
    """((x, y) to train on, (x, y) held out or None)."""
    count = round(settings.validation * len(data.x_train))
    order = np.arange(len(data.x_train))
    if not data.ordered:
        order = stream(settings.seed, "split").permutation(order)
    if settings.validation and not 0 < count < len(order):
        raise InputError(f"a validation share of {settings.validation} of {len(order)} images leaves nothing to "
                         "validate or to train on; change it, or set it to 0")
    chosen, held_out = np.sort(order[:len(order) - count]), np.sort(order[len(order) - count:])
    parts = [(data.x_train[i], data.y_train[i]) for i in (chosen, held_out)]
    return parts[0], (parts[1] if count else None)


def _check(net, data, settings):
    if data.input_shape != net.input_shape:
        raise InputError(f"images of {data.name} have shape {data.input_shape}, the network takes {net.input_shape}")
    if net.classes < data.classes:
        raise InputError(f"{data.name} has {data.classes} classes, the network only {net.classes}; make its last layer "
                         f"{data.classes}, or a multiple of it with classes={data.classes}")
    if settings.augment and len(data.input_shape) == 1:
        raise InputError(f"augment shifts images, but {data.name} has flat rows of {data.input_shape[0]}; set it to 0")
    if net.readout == "membrane" and settings.loss.split(":")[0] != "membrane":
        raise InputError(f"loss {settings.loss} counts spikes, but with readout membrane the last layer never "
                         "spikes; choose loss membrane")
    if settings.rate_penalty is not None and net.readout == "membrane" and len(net.layers) == 1:
        raise InputError("a rate penalty needs a layer that spikes")


def _culprit(net, inputs, settings, grads):
    """Which layer has the first number that is not finite, in the order of computation, as 'X of layer Y are'."""
    run = net.forward(inputs, settings.num_steps, record=True)
    for index, layer in enumerate(net.layers):
        if not all(np.isfinite(p).all() for p in net.params[2 * index:2 * index + 2]):
            return f"the weights of layer {layer.name} are"
        if not np.isfinite(run.layers[index].mem).all():
            return f"the membranes of layer {layer.name} are"
    for index, layer in reversed(list(enumerate(net.layers))):
        if not all(np.isfinite(g).all() for g in grads[2 * index:2 * index + 2]):
            return f"the gradient of layer {layer.name} is"
    return f"the loss of layer {net.layers[-1].name} is"
