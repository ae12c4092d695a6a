"""One exercise: calls of the student's function, what they should return, and typical mistakes with their words."""

import copy
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np


def call(function, *arguments):
    """Call a function; an exercise whose function is a block of hardware simulates it instead."""
    return function(*arguments)


@dataclass(frozen=True)
class Exercise:
    """An exercise, as a function to be written.

    Attributes
    ----------
    name : str
        The function that the student writes.
    cases : list of tuples
        The arguments of each call.
    right : callable
        Takes the arguments of a case and returns what the function should return, or, with `use`, what follows from it.
    mistakes : dict
        Words -> a function as a student writes it, with this mistake.
    values : tuple of str
        What the function returns, for messages: one name, or one for each part of a tuple.
    axes : tuple of str
        What the axes of these arrays count, for messages: ("step", "neuron").
    backwards : bool
        The function walks back from the last step, so a message names the last value that differs: where the error
        arose. Otherwise it names the first one.
    use : callable
        How the function is used: ``use(function, *arguments)``.
    rtol, atol : float
        How near a float must be.
    """

    name: str
    cases: list
    right: Callable
    mistakes: dict
    values: tuple = ("result",)
    axes: tuple = ()
    backwards: bool = False
    use: Callable = call
    rtol: float = 1e-6
    atol: float = 1e-9
    doing: Callable = field(default=lambda *arguments: "")

    def check(self, function: Callable | None, file: str = "your file") -> str:
        """Return what is wrong with a student's function in one sentence, or an empty string if it is right."""
        if function is None:
            return f"{file} has no function named {self.name}"
        answers = [self._answer(function, case) for case in self.cases]
        expected = [self.right(*copy.deepcopy(case)) for case in self.cases]
        wrong = [k for k, (got, want) in enumerate(zip(answers, expected)) if self._difference(got, want)]
        if not wrong:
            return ""
        first = wrong[0]
        difference = self._difference(answers[first], expected[first])
        if isinstance(answers[first], _Stopped) and answers[first].kind is NotImplementedError:
            return f"not filled in yet: write {self.name} in {file}"
        where = self.doing(*self.cases[first])
        difference += f" ({where})" if where else ""
        for words, mistake in self.mistakes.items():
            alike = [self._answer(mistake, case) for case in self.cases]
            if not any(self._difference(got, want) for got, want in zip(answers, alike)):
                return f"{words}: {difference}"
        return difference

    def _answer(self, function, case):
        """Return what a function gives for a case, or why it stops."""
        try:
            with np.errstate(all="ignore"):
                return self.use(function, *copy.deepcopy(case))
        except Exception as error:  # whatever a student's code may raise
            return _Stopped(type(error), str(error), _line_of(error, function))

    def _difference(self, got: Any, want: Any) -> str:
        """Return in words where an answer differs from another; an empty string if it does not."""
        if isinstance(got, _Stopped) or isinstance(want, _Stopped):
            same = isinstance(got, _Stopped) and isinstance(want, _Stopped) and got.kind is want.kind
            return "" if same else str(got) if isinstance(got, _Stopped) else "it should stop"
        if len(self.values) > 1:
            if not isinstance(got, (tuple, list)) or len(got) != len(self.values):
                return f"{self.name} should return {len(self.values)} things: {', '.join(self.values)}"
            parts = zip(self.values, got, want)
        else:
            parts = [(self.values[0], got, want)]
        found = [words for name, a, b in parts if (words := self._of_value(name, a, b))]
        return "; ".join(found[:2])  # a wrong spike is explained by its membrane

    def _of_value(self, name, got, want):
        if got is None and want is not None:
            return f"{self.name} returns nothing (None) where it should return the {name}: is there a return?"
        if isinstance(want, (str, dict, type(None))) or isinstance(got, (str, dict, type(None))):
            return "" if got == want else f"{name} {got!r}, expected {want!r}"
        try:
            a, b = np.asarray(got), np.asarray(want)
            if a.shape != b.shape and a.ndim == b.ndim == 1 and not self.axes:
                return f"{name} {a.tolist()}, expected {b.tolist()}"
            if a.ndim == b.ndim == 2 and a.shape == b.shape[::-1] != b.shape:
                return f"{name} is turned: it has the {_shape(a)}, expected the {_shape(b)}{self._counted(b)}"
            if a.shape != b.shape:
                return f"{name} has the {_shape(a)}, expected the {_shape(b)}{self._counted(b)}"
            far = ~np.isclose(a.astype(np.float64), b.astype(np.float64), self.rtol, self.atol)
        except (TypeError, ValueError):
            return "" if got == want else f"{name} {got!r}, expected {want!r}"
        if not far.any():
            return ""
        if a.ndim and not self.axes:
            return f"{name} {a.tolist()}, expected {b.tolist()}"
        wrong = np.argwhere(far)
        step = wrong[-1, 0] if self.backwards else wrong[0, :1]
        at = tuple(int(k) for k in wrong[(wrong[:, :1] == step).all(axis=1)][0])
        place = ", ".join(f"{axis} {k}" for axis, k in zip(self.axes, at))
        words = f"{name} {_number(a[at])}, expected {_number(b[at])}{' at ' + place if place else ''}"
        return words + (f" ({everywhere})" if (everywhere := self._everywhere(a, b)) else "")

    def _counted(self, want):
        """Name what the axes of an expected array count."""
        return f" ({', '.join(self.axes)})" if len(self.axes) == want.ndim else ""

    def _everywhere(self, got, want):
        """Return in words what all values have in common, if one cause explains them; otherwise an empty string."""
        same = partial(np.allclose, rtol=self.rtol, atol=self.atol)
        if want.ndim == 0 or len(np.unique(want)) < 4:
            return ""  # too few different values to tell
        largest = np.unravel_index(np.abs(want).argmax(), want.shape)
        ratio = got[largest] / want[largest]
        if same(got, -want):
            return "every value has the wrong sign"
        if ratio and same(got, ratio * want):
            return f"every value is {ratio:.4g} times the expected one"
        if self.axes[0] in ("step", "cycle") and same(got[1:], want[:-1]):
            return f"every value comes one {self.axes[0]} late"
        if self.axes[0] in ("step", "cycle") and same(got[:-1], want[1:]):
            return f"every value comes one {self.axes[0]} early"
        return ""


@dataclass(frozen=True)
class _Stopped:
    """Why a student's function stopped, instead of an answer."""

    kind: type
    words: str
    line: int | None

    def __str__(self):
        where = f" in line {self.line}" if self.line else ""
        return f"it stops{where}: {self.kind.__name__}: {self.words}".rstrip(": ")


def _line_of(error, function):
    """Return the last line of the student's file that an error passed through."""
    file = getattr(getattr(function, "__code__", None), "co_filename", None) or getattr(function, "file", None)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return lines[-1] if lines else None


def _shape(array):
    return f"shape {array.shape}" if array.ndim else "shape of a single number"


def _number(value):
    """Write a number as briefly as it allows."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.5g}" if isinstance(value, float) else str(value)
