"""Parameters of a training that change from epoch to epoch: a table of values, computed before the training begins.

A schedule is a function from the epoch, counted from 0, to a value, or a list of values. Because the table is complete
before the first batch, a wrong value is told at once, a checkpoint holds the values themselves, and a training that is
resumed with other ones is refused.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .. import check
from .. import surrogate as surrogates
from ..errors import InputError
from ..surrogate import Surrogate
from .settings import Settings

Schedule = Callable[[int], Any] | Sequence[Any]
Table = dict[str, list]  # plain values by parameter, one for each epoch

# What can be scheduled, and the settings that a schedule stands in for. "surrogate" is the network's.
REPLACED: dict[str, tuple[str, ...]] = {
    "lr": ("lr", "schedule"),
    "rate_penalty": ("rate_penalty", "penalty_ramp"),
    "weight_decay": ("weight_decay",),
    "clip": ("clip",),
    "augment": ("augment",),
    "surrogate": (),
}


def ramp(start: float, end: float, epochs: int) -> Callable[[int], float]:
    """Return a schedule that goes from `start` to `end` in a straight line, and stays there.

    Parameters
    ----------
    start, end : float
    epochs : int
        Number of epochs until `end` is reached.

    Returns
    -------
    schedule : function of the epoch, from 0

    Examples
    --------
    A surrogate that becomes narrower over four epochs, ``fit(..., schedules={"surrogate": ramp(5, 25, epochs=4)})``:

    >>> [ramp(5, 25, epochs=4)(epoch) for epoch in range(6)]
    [5.0, 10.0, 15.0, 20.0, 25.0, 25.0]
    """
    check.whole("epochs", epochs)
    return lambda epoch: float(start + (end - start) * min(epoch / epochs, 1.0))


def cosine(start: float, end: float, epochs: int) -> Callable[[int], float]:
    """Return a schedule that goes from `start` to `end` along half a cosine, and stays there.

    Parameters
    ----------
    start, end : float
    epochs : int
        Number of epochs until `end` is reached.

    Returns
    -------
    schedule : function of the epoch, from 0

    Examples
    --------
    A learning rate that falls to 0 after the last of four epochs, ``fit(..., epochs=4, schedules={"lr": ...})``:

    >>> [round(cosine(0.004, 0, epochs=4)(epoch), 5) for epoch in range(5)]
    [0.004, 0.00341, 0.002, 0.00059, 0.0]
    """
    check.whole("epochs", epochs)
    return lambda epoch: float(end + (start - end) / 2 * (1 + math.cos(math.pi * min(epoch / epochs, 1.0))))


def tabulate(schedules: Mapping[str, Schedule], epochs: int, surrogate: Surrogate) -> Table:
    """Return the values of all schedules; a number for "surrogate" is the scale of a network's `surrogate`."""
    table: Table = {}
    for name, schedule in schedules.items():
        check.choice("a name in schedules", name, REPLACED)
        values = [schedule(epoch) for epoch in range(epochs)] if callable(schedule) else list(schedule)
        if len(values) != epochs:
            raise InputError(f"schedules: {name} has {len(values)} values for {epochs} epochs; give one for each")
        if name == "surrogate":
            values = [_surrogate(value, surrogate) for value in values]
        table[name] = [value.item() if isinstance(value, np.generic) else value for value in values]
    return table


def _surrogate(value, present):
    """Return a surrogate as text; a number is the scale of the present one."""
    if isinstance(value, (int, float, np.number)):
        if present.functions or present.table:
            raise InputError(f"schedules: surrogate {present.name} is a function of your own, which has no scale")
        value = replace(present, scale=float(value))
    return str(surrogates.parse(value))


def settings_of(settings: Settings, table: Table) -> list[Settings]:
    """Return the settings of each epoch; raise InputError, which names the epoch, if one is not valid."""
    result = []
    for epoch in range(settings.epochs):
        try:
            result.append(replace(settings, **{name: table[name][epoch] for name in table if name != "surrogate"}))
        except InputError as error:
            raise InputError(f"schedules: epoch {epoch + 1}: {error}") from None
    return result


def replaced_by(schedules: Iterable[str]) -> list[str]:
    """Return the names of the settings that schedules stand in for."""
    return [setting for name in schedules for setting in REPLACED.get(name, ())]


def check_free(schedules: Iterable[str], given: Mapping[str, Any]) -> None:
    """Raise InputError if a setting is given that a schedule stands in for."""
    for setting in replaced_by(schedules):
        if setting in given:
            raise InputError(f"schedules stands in for {setting}; leave {setting}={given[setting]!r} out")
