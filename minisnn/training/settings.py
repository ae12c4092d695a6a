"""The settings of a training: their defaults, and which values are valid."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypedDict

import numpy as np

from .. import encode, loss
from ..data.dataset import Dataset
from ..errors import InputError
from ..fixed.rounding import widths
from ..lif import LEARNABLE
from ..loss import Loss
from . import optim

# The least value of each whole number.
_LEAST = {"num_steps": 1, "epochs": 1, "batch_size": 1, "augment": 0, "patience": 1, "seed": 0}


@dataclass(frozen=True)
class Settings:
    """The settings of :func:`minisnn.training.train.fit`; raise InputError for a value that is not valid.

    Parameters
    ----------
    encoding : "direct", "rate", "latency"; of recordings "events" or "counts"
    num_steps : int
        T.
    loss : "rate", "membrane", "mse_count:0.8:0.05", or a function
        A function takes (spk, mem, labels, classes) and returns (value, dspk, dmem), as those of :mod:`minisnn.loss`.
    rate_penalty : "weight" or "weight:target", optional
        Each a number for all layers, or a list by layer.
    penalty_ramp : float
        Share of the training over which the penalty rises from 0 to its weight, linearly: the network learns first and
        saves spikes later.
    cycle_penalty : float, optional
        Weight of the clock cycles in the loss: a spike pays the additions that it causes in the next layer; see
        :mod:`minisnn.training.cycle_penalty`. It rises as `penalty_ramp` says.
    lanes : str or sequence of int, optional
        Lanes by layer for `cycle_penalty`, such as "32/32/8/8"; by default those of
        :func:`minisnn.timing.layout.default_lanes`.
    taps : str or sequence of int, optional
        Taps of an input that each layer adds at once, for `cycle_penalty`, such as "9/3/1/1"; by default 1.
    epochs, batch_size : int
    lr : float
        Peak learning rate.
    optimiser : "adam" or "sgd"
    schedule : "one_cycle", "cosine" or "constant"
    weight_decay : float
    clip : float, optional
        Largest norm of the gradient.
    augment : int
        Each image is shifted by up to this many pixels, its edge repeated.
    validation : float
        Share of the training images held out to choose the best epoch; with 0 the last epoch is kept.
    weight_bits : int or sequence of int, optional
        Learn with weights rounded to 2 to 16 bits, straight through: one width, or a list by layer.
    learn : str or sequence of str, optional
        Constants that each layer learns besides its weights: "beta", "threshold", "beta,threshold" or "none";
        see :mod:`minisnn.training.constants`.
    patience : int, optional
        Epochs without a better validation after which training stops.
    seed : int
    """

    encoding: str = "direct"
    num_steps: int = 10
    loss: str | Loss = "rate"
    rate_penalty: str | float | None = None
    cycle_penalty: float | None = None
    lanes: str | tuple | None = None
    taps: str | tuple | None = None
    penalty_ramp: float = 0.0
    epochs: int = 20
    batch_size: int = 32
    lr: float = 2e-3
    optimiser: str = "adam"
    schedule: str = "one_cycle"
    weight_decay: float = 0.0
    clip: float | None = None
    augment: int = 0
    validation: float = 0.1
    weight_bits: int | tuple | None = None
    learn: str | None = None
    patience: int | None = None
    seed: int = 0

    def __post_init__(self):
        for name, least in _LEAST.items():
            self._check_whole(name, least)
        self._check_number("lr", lambda v: v > 0, "a learning rate above 0")
        self._check_number("clip", lambda v: v > 0, "a norm above 0")
        self._check_number("cycle_penalty", lambda v: v >= 0, "at least 0")
        self._check_number("weight_decay", lambda v: v >= 0, "at least 0")
        self._check_number("penalty_ramp", lambda v: 0 <= v <= 1, "a share of the training, from 0 to 1")
        self._check_number("validation", lambda v: 0 <= v < 1, "a share of the training images, from 0 to below 1")
        if self.patience is not None and self.validation == 0:
            raise InputError("patience needs validation images; set validation to a share above 0")
        encode.Encoder(self.encoding, self.num_steps)
        loss.parse(self.loss)
        if self.rate_penalty is not None:
            loss.parse_penalty(self.rate_penalty)
        if self.weight_bits is not None:
            bits = widths(self.weight_bits, np.size(self.weight_bits))
            object.__setattr__(self, "weight_bits", bits if np.ndim(self.weight_bits) else bits[0])
        object.__setattr__(self, "learn", _learned(self.learn))
        for name, example in (("lanes", "32/8/8"), ("taps", "9/1/1")):
            value = _by_layer(name, getattr(self, name), example)
            object.__setattr__(self, name, value)
            if value is not None and self.cycle_penalty is None:
                raise InputError(
                    f"{name} {value} matter to a training only with a cycle_penalty; set one, or leave the {name} out"
                )
        optim.make(self.optimiser, [])
        optim.schedule(self.schedule)

    def plain(self) -> dict[str, Any]:
        """Return the fields as plain values; of a loss that is a function its name."""
        return {item.name: getattr(self, item.name) for item in fields(self)} | {"loss": loss.as_text(self.loss)}

    @property
    def learned(self) -> tuple[str, ...]:
        """The names in `learn`."""
        return tuple(self.learn.split(",")) if self.learn else ()

    @property
    def lane_counts(self) -> tuple[int, ...] | None:
        """The numbers in `lanes`."""
        return _counts(self.lanes)

    @property
    def tap_counts(self) -> tuple[int, ...] | None:
        """The numbers in `taps`."""
        return _counts(self.taps)

    def _check_whole(self, name, least):
        """Raise InputError unless the field is a whole number from `least`, and make it an ``int``."""
        value = getattr(self, name)
        if value is None and name == "patience":
            return
        if not isinstance(value, (int, np.integer)) or value < least:
            raise InputError(f"{name} must be a whole number from {least}, got {value!r}")
        object.__setattr__(self, name, int(value))  # JSON cannot hold NumPy's integers

    def _check_number(self, name: str, valid: Callable[[float], bool], words: str) -> None:
        """Raise InputError unless the field is a valid number, described by `words`, and make it a ``float``."""
        value = getattr(self, name)
        if value is None and name in ("clip", "cycle_penalty"):
            return
        try:
            value = float(value)
        except (TypeError, ValueError):
            value = np.nan
        if not (np.isfinite(value) and valid(value)):
            raise InputError(f"{name} must be {words}, got {getattr(self, name)!r}")
        object.__setattr__(self, name, value)


class Options(TypedDict, total=False):
    """The fields of :class:`Settings`, as :func:`minisnn.training.train.fit` takes them."""

    encoding: str
    num_steps: int
    loss: str | Loss
    rate_penalty: str | float | None
    cycle_penalty: float | None
    lanes: str | Sequence[int] | None
    taps: str | Sequence[int] | None
    penalty_ramp: float
    epochs: int
    batch_size: int
    lr: float
    optimiser: str
    schedule: str
    weight_decay: float
    clip: float | None
    augment: int
    validation: float
    weight_bits: int | Sequence[int] | None
    learn: str | None
    patience: int | None
    seed: int


def defaults(data: Dataset) -> dict[str, str | int]:
    """Return the settings that follow from a data set: recordings are events, with as many steps."""
    return {} if data.num_steps is None else {"encoding": "events", "num_steps": data.num_steps}


def _learned(value):
    """Return names of constants as one text in the order of LEARNABLE, which JSON holds as it is; None without any."""
    if value is None or value == "none":
        return None
    names = [name.strip() for name in value.split(",")] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)):
        names = [value]
    for name in names:
        if name not in LEARNABLE:
            raise InputError(f"learn must be beta, threshold, both as in beta,threshold, or none, got {value!r}")
    return ",".join(name for name in LEARNABLE if name in names) or None


def _counts(text):
    """Return the numbers of a text such as "32/8/8"; None without any."""
    return tuple(int(count) for count in str(text).split("/")) if text else None


def _by_layer(name, value, example):
    """Return numbers by layer as one text, which JSON holds as it is; None without any."""
    if value is None:
        return None
    counts = value.split("/") if isinstance(value, str) else value
    try:
        counts = [int(str(count)) for count in counts]
    except (TypeError, ValueError):
        counts = [0]
    if not counts or min(counts) < 1:
        raise InputError(f"{name} must be whole numbers from 1, one for each layer as in {example}, got {value!r}")
    return "/".join(map(str, counts))
