"""The training loop: epochs of minibatches, each followed by a validation that decides whether to keep the weights."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np

from .. import check, encode, loss
from .. import surrogate as surrogates
from ..data.dataset import Dataset
from ..errors import InputError, TrainingError
from ..lif import LEARNABLE
from ..model import Model
from ..network import Network
from ..result import Run
from ..rng import stream
from ..terminal import begin
from . import optim, schedules
from .checks import check_fit, not_finite
from .constants import Constants
from .cycle_penalty import CyclePenalty
from .images import shifted, split
from .inference import accuracy_and_rates
from .settings import Settings
from .straight_through import StraightThrough

# The names in an entry of the history; a metric has another.
ENTRY = ("epoch", "lr", "loss", "train_accuracy", "validation_accuracy", "firing_rates", "seconds", *LEARNABLE)
Metric = Callable[[np.ndarray, np.ndarray], float]  # of the scores (n, classes) and the labels (n,)


class Training:
    """A training in progress; :mod:`minisnn.training.checkpoint` stores what changes from epoch to epoch.

    `table` holds the values of scheduled parameters, `metrics` are measured on the validation images after each epoch.
    """

    def __init__(
        self,
        net: Network,
        data: Dataset,
        settings: Settings,
        table: schedules.Table | None = None,
        metrics: Mapping[str, Metric] | None = None,
        encoder: encode.Encoder | None = None,
    ):
        self.table, self.metrics = table or {}, dict(metrics or {})
        self.planned = schedules.settings_of(settings, self.table)
        for before, planned in zip([None, *self.planned], self.planned):
            if planned != before:
                check_fit(net, data, planned)
        self._check_metrics(settings)
        self.net, self.settings = net, settings
        self.data = data
        self.chosen, self.held_out = split(data, settings)
        if encoder is None:
            encoder = encode.fit(settings.encoding, data.x_train, settings.num_steps, data.max_value, self.chosen)
        self.encoder = replace(encoder, kind=settings.encoding, num_steps=settings.num_steps)
        net.pad_value = self.encoder.pad_value
        # All batches have one size: the rest of an epoch's shuffle is left out.
        self.batches = max(len(self.chosen) // settings.batch_size, 1)
        self.optimiser = optim.make(settings.optimiser, net.params, settings.weight_decay, net.backend, net.threads)
        self.constants = Constants(net, settings.learned, settings.optimiser)
        self.cycle_penalty = None
        if settings.cycle_penalty is not None:
            hardware = {"lanes": settings.lane_counts, "taps": settings.tap_counts}
            self.cycle_penalty = CyclePenalty(net, self.encoder, weight=settings.cycle_penalty, **hardware)
        self.rounding = None
        if settings.weight_bits is not None:
            self.rounding = StraightThrough(net, self.encoder, settings.weight_bits)
        self.best = [array.copy() for array in self.arrays]
        self.best_accuracy, self.since_best = -1.0, 0
        self.begun = False  # True after the first batch of this process, which may have compiled the kernels
        self.history: list[dict] = []
        self.fingerprint = data.fingerprint()

    @property
    def epoch(self) -> int:
        """Number of completed epochs."""
        return len(self.history)

    @property
    def arrays(self) -> list[np.ndarray]:
        """All that is learned: weights, biases, and the free numbers of learned constants."""
        return [*self.net.params, *self.constants.free]

    @property
    def names(self) -> list[str]:
        """The names of `arrays`."""
        return [*self.net.param_names, *self.constants.free_names]

    @property
    def finished(self) -> bool:
        """True after the last epoch, or if patience is lost."""
        patience = self.settings.patience
        return self.epoch >= self.settings.epochs or (patience is not None and self.since_best >= patience)

    def one_epoch(self, bar: Any) -> None:
        """Train on every batch once, validate, and add an entry to the history; `bar` is a tqdm bar."""
        settings, net, start = self.planned[self.epoch], self.net, time.perf_counter()
        self.optimiser.weight_decay = settings.weight_decay
        if self.rounding is not None:
            self.rounding.choose_scales()  # here, so that they follow from what a checkpoint holds
        total, right, seen, rates = 0.0, 0, 0, np.zeros(len(net.layers))
        for batch, (inputs, y) in enumerate(self.inputs(self.epoch)):
            with self._surrogate():
                value, run, lr = self._step(inputs, y, batch)
            total += value
            right += int((net.scores(run).argmax(axis=1) == y).sum())
            rates += run.rates
            seen += len(y)
            if not self.begun:
                self.begun = True
                begin(bar)
            bar.set_postfix_str(self._progress(total / (batch + 1)), refresh=False)
            bar.update()
        accuracy, measured = self._validate()
        entry = {
            "epoch": self.epoch + 1,
            "lr": lr,
            "loss": total / self.batches,
            "train_accuracy": right / seen,
            "validation_accuracy": accuracy,
            "firing_rates": (rates / self.batches).tolist(),
            **self.constants.history(),
        }
        self.history.append(entry | measured | {"seconds": time.perf_counter() - start})

    def inputs(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the inputs of the network and the labels of each batch of an epoch, counted from 0: shuffled, shifted,
        encoded.
        """
        settings = self.planned[epoch]
        rng = stream(settings.seed, "epoch", epoch)
        order = self.chosen[rng.permutation(len(self.chosen))]
        for batch in range(self.batches):
            chosen = order[batch * settings.batch_size : (batch + 1) * settings.batch_size]
            x, y = self.data.x_train[chosen], self.data.y_train[chosen]
            if settings.augment:
                x = shifted(x, settings.augment, rng)
            yield self.encoder.encode(x, rng, self.net.dtype), y

    def _step(self, inputs: np.ndarray, y: np.ndarray, batch: int) -> tuple[float, Run, float]:
        """One batch forward and backward, and a step of the optimiser; return loss, run and learning rate."""
        settings, net = self.planned[self.epoch], self.net
        step, steps = self.epoch * self.batches + batch, settings.epochs * self.batches
        with self._weights():
            run = net.forward(inputs, settings.num_steps)
            value, dspk, dmem = loss.parse(settings.loss)(run.spk, run.mem, y, net.classes)
            if net.readout == "membrane" and dmem is None:
                raise InputError(
                    f"loss {check.called(settings.loss)} returns no dmem, but with readout membrane the last layer "
                    "never spikes; return the gradient with respect to the membranes"
                )
            price, drates, dcounts = self._penalties(run, inputs, step, steps)
            value += price
            grads = net.backward(run, dspk, dmem, drates, dcounts, settings.learned, retain=False)
        if self.rounding is not None:
            self.rounding.pass_gradients(grads)
        of_weights, of_constants = grads[: len(net.params)], grads[len(net.params) :]
        self.constants.pass_gradients(of_constants)
        lr = optim.schedule(settings.schedule)(step, steps, settings.lr)
        # A membrane that is not a number never spikes, so a loss of spike counts may stay finite; some surrogates
        # give it no gradient either. Therefore loss, gradient and weights are all checked.
        finite = np.isfinite(value) and np.isfinite(optim.norm(grads))
        if finite:
            if settings.clip is not None:
                optim.clip(grads, settings.clip)
            self.optimiser.step(net.params, of_weights, lr)
            self.constants.step(of_constants, lr)
            finite = np.isfinite(optim.norm(net.params))
        if not finite:
            what = not_finite(net, inputs, settings.num_steps, grads, settings.learned)
            raise TrainingError(
                f"epoch {self.epoch + 1}, batch {batch + 1}: {what} not finite; try a smaller learning rate, or clip "
                "the gradient"
            )
        return value, run, lr

    def _penalties(self, run, inputs, step, steps):
        """Return the penalties at one of `steps` steps of the optimiser, and the gradients of rates and counts."""
        settings = self.planned[self.epoch]
        ramp = min(step / (settings.penalty_ramp * steps), 1.0) if settings.penalty_ramp else 1.0
        total, drates, dcounts = 0.0, None, None
        if settings.rate_penalty is not None:
            price, drates = loss.rate_penalty(run.rates, *loss.parse_penalty(settings.rate_penalty))
            total, drates = ramp * price, ramp * drates
        if self.cycle_penalty is not None:
            price, dcounts = self.cycle_penalty(self.net.counts(run), inputs, ramp)
            total += price
        return total, drates, dcounts

    def _weights(self):
        """Context in which the network has the weights that it learns with: its own, or rounded ones."""
        return nullcontext() if self.rounding is None else self.rounding.rounded_weights()

    @contextmanager
    def _surrogate(self) -> Iterator[None]:
        """Give the network the surrogate of the epoch inside the context, and its own afterwards."""
        own = self.net.surrogate
        if "surrogate" in self.table:
            self.net.surrogate = surrogates.parse(self.table["surrogate"][self.epoch])
        try:
            yield
        finally:
            self.net.surrogate = own

    def model(self) -> Model:
        """Return a model of the network as it is now; the weights are shared."""
        scheduled = {"lr": max(planned.lr for planned in self.planned), "schedules": self.table} if self.table else {}
        settings = self.planned[-1].plain() | scheduled
        return Model(self.net, self.encoder, self.settings.seed, self.data.name, settings, list(self.history))

    def _check_metrics(self, settings):
        """Raise InputError unless the metrics can be measured, and have names of their own."""
        if self.metrics and settings.validation == 0:
            raise InputError("metrics are measured on validation images; set validation to a share above 0")
        for name, metric in self.metrics.items():
            if not isinstance(name, str) or name in ENTRY:
                raise InputError(f"a metric cannot have the name {name!r}; the history uses {', '.join(ENTRY)}")
            check.takes(f"metric {name}", metric, ("scores", "labels"))

    def _validate(self):
        """Return the accuracy and the metrics on the validation images, and keep the best weights."""
        if self.held_out is None:
            self.best = [array.copy() for array in self.arrays]
            return None, {}
        rng = stream(self.settings.seed, "encode")
        if self.rounding is not None:
            self.rounding.choose_scales()  # those that quantize will choose for these weights
        with self._weights():
            x, y = self.data.x_train[self.held_out], self.data.y_train[self.held_out]
            scores: list[np.ndarray] = []
            watch = {"watch": lambda run: scores.append(self.net.scores(run))} if self.metrics else {}
            accuracy = accuracy_and_rates(self.net, self.encoder, x, y, rng, **watch).accuracy
        self.since_best = 0 if accuracy > self.best_accuracy else self.since_best + 1
        if accuracy >= self.best_accuracy:  # the later of two equals: it was trained for longer
            self.best, self.best_accuracy = [array.copy() for array in self.arrays], accuracy
        return accuracy, {name: _measured(name, metric, scores, y) for name, metric in self.metrics.items()}

    def _progress(self, mean_loss):
        """Text beside the progress bar."""
        text = f"epoch {self.epoch + 1}/{self.settings.epochs} loss {mean_loss:.3f}"
        if self.history and self.history[-1]["validation_accuracy"] is not None:
            text += f" validation {100 * self.history[-1]['validation_accuracy']:.1f} %"
        return text


def _measured(name, metric, scores, labels):
    """Return the value of a metric of the user's; raise InputError unless it is a finite number."""
    value = metric(np.concatenate(scores), labels)
    if np.ndim(value) or np.asarray(value).dtype.kind not in "buif" or not np.isfinite(value):
        got = f"an array of shape {np.shape(value)}" if np.ndim(value) else repr(value)
        raise InputError(f"metric {name} must return one finite number, got {got}")
    return float(value)
