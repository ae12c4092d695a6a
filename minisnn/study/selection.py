"""Selection: every choice of a study, made on validation images alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import surrogate as surrogates
from ..errors import InputError
from .intervals import Seeds
from .plan import FAMILIES, MARGINS, Plan

VARIED = ("surrogate", "beta", "threshold", "lr", "num_steps", "cycle_penalty", "learn", "validation")
Setting = dict[str, Any]  # values of VARIED


@dataclass(frozen=True)
class Choice:
    """The setting chosen for a family at a beta, and how sure the choice is.

    Attributes
    ----------
    setting : dict
    epochs : int
        Those of the trainings that decided.
    accuracy : float
        Mean validation accuracy over their seeds.
    second : dict or None
        The next best.
    behind : float
        Accuracy minus that of the second.
    error : float
        Standard error of that difference over the seeds; 0 with one seed.
    """

    setting: Setting
    epochs: int
    accuracy: float
    second: Setting | None = None
    behind: float = 0.0
    error: float = 0.0

    @property
    def tied(self) -> bool:
        """True if the second is within one standard error."""
        return self.second is not None and self.behind <= self.error


class Rows:
    """The finished rows of a study, and the choices made among them; failed rows are ignored.

    `rows` are those of :meth:`minisnn.study.store.Store.rows`.
    """

    def __init__(self, plan: Plan, rows: list[dict]):
        self.plan = plan
        self.rows = [row for row in rows if row["status"] == "done"]
        self._by_identity = {identity(row): row for row in self.rows}

    def row(self, setting: Setting, seed: int, epochs: int) -> dict | None:
        """Return the row of a setting, or None."""
        return self._by_identity.get((*setting.values(), epochs, seed))

    def seeds(self, setting: Setting, epochs: int | None = None) -> list[dict]:
        """Return the rows of a setting by seed, in full length by default; [] until every seed is done."""
        epochs = self.plan.epochs if epochs is None else epochs
        rows = [self.row(setting, seed, epochs) for seed in self.plan.seeds]
        return [row for row in rows if row] if all(rows) else []

    def trials(self, beta: float, family: str) -> list[Setting]:
        """Return the settings tried for a family at a beta, whether they are done or not."""
        return [
            setting(self.plan, surrogate=f"{family}:{scale:g}", beta=beta, lr=rate)
            for scale in self.plan.scales
            for rate in self.plan.rates
        ]

    def finalists(self, beta: float, family: str) -> list[Setting]:
        """Return the best trials of one seed, best first; raise InputError if none has succeeded."""
        plan = self.plan
        tried = [(trial, self.row(trial, plan.seeds[0], plan.trial_epochs)) for trial in self.trials(beta, family)]
        done = [(trial, row) for trial, row in tried if row]
        if not done:
            raise InputError(
                f"no trial of {family} at beta {beta:g} has succeeded, and the next stages need one; minisnn reproduce "
                "--retry computes failed points again"
            )
        best = sorted(done, key=lambda pair: (-validation(pair[1])["accuracy"], validation(pair[1])["latency"]))
        return [trial for trial, _ in best[: plan.finalists]]

    def choice(self, beta: float, family: str) -> Choice:
        """Return the setting with the highest mean validation accuracy over the seeds; of equals the first.

        At the default's beta it is one of all scales in full length, as soon as these are there; else a finalist.
        """
        plan, finalists = self.plan, self.finalists(beta, family)
        scales = [self.tuned_scale(beta, family, scale) for scale in plan.scales] if beta == plan.beta else []
        found = self._best(scales, plan.epochs) or self._best(finalists, plan.trial_epochs)
        if found:
            return found
        row = self.row(finalists[0], plan.seeds[0], plan.trial_epochs)  # the other seeds of all finalists failed
        assert row is not None, "a finalist has a trial that succeeded"
        return Choice(finalists[0], plan.trial_epochs, validation(row)["accuracy"])

    def _best(self, settings, epochs):
        """Return the choice among those of the settings that have all seeds; None without any."""
        whole = [(given, self.seeds(given, epochs)) for given in settings]
        scores = [(given, np.array([validation(row)["accuracy"] for row in rows])) for given, rows in whole if rows]
        if not scores:
            return None
        (first, best), *others = sorted(scores, key=lambda pair: -pair[1].mean())
        if not others:
            return Choice(first, epochs, float(best.mean()))
        second, its = others[0]
        error = float(np.std(best - its, ddof=1) / np.sqrt(len(best))) if len(best) > 1 else 0.0
        return Choice(first, epochs, float(best.mean()), second, float((best - its).mean()), error)

    def default(self) -> Setting:
        """Return the default: the fast sigmoid chosen at the plan's beta."""
        return self.choice(self.plan.beta, "fast_sigmoid").setting

    def tuned_scale(self, beta: float, family: str, scale: float) -> Setting:
        """Return a scale with the learning rate that is better for it in the trials of one seed."""
        plan = self.plan
        tried = [
            (trial, self.row(trial, plan.seeds[0], plan.trial_epochs))
            for trial in self.trials(beta, family)
            if trial["surrogate"] == str(surrogates.parse(f"{family}:{scale:g}"))
        ]
        done = [(validation(row)["accuracy"], -trial["lr"], index) for index, (trial, row) in enumerate(tried) if row]
        return tried[max(done)[2] if done else 0][0]

    def fastest(self, settings: list[Setting], count: int, exits: bool = False) -> list[Setting]:
        """Return the fastest settings, by the first seed in full length, that lose at most the tolerance.

        With `exits` a setting may be read by early exit, at the margin that makes it fastest.
        """
        plan = self.plan
        rows = [self.row(given, plan.seeds[0], plan.epochs) for given in settings]
        default = self.row(self.default(), plan.seeds[0], plan.epochs)
        if default is None:
            return []
        least = validation(default)["accuracy"] - plan.tolerance
        near = []
        for given, row in zip(settings, rows):
            read = [numbers for _, numbers in readings([row], exits)] if row else []
            latencies = [latency for accuracy, latency in read if accuracy >= least]
            near += [(min(latencies), given)] if latencies else []
        return [given for _, given in sorted(near, key=lambda pair: pair[0])[:count]]

    def final(self, settings: list[Setting], exits: bool = False) -> Seeds | None:
        """Return the rows by seed of the setting that a bar is tested with, and when they are read; None without any.

        It is the fastest of those whose mean loss is at most half of the tolerance, or, if there is none, the one that
        loses least. With `exits` a setting may be read by early exit.
        """
        whole = [rows for rows in map(self.seeds, settings) if rows]
        default = self.seeds(self.default())
        if not whole or not default:
            return None
        least = mean(default, "accuracy") - self.plan.tolerance / 2
        read = [one for rows in whole for one in readings(rows, exits)]
        near = [(latency, seeds) for seeds, (accuracy, latency) in read if accuracy >= least]
        if near:
            return min(near, key=lambda pair: pair[0])[1]
        return max(read, key=lambda pair: pair[1][0])[0]

    def early_step(self) -> int:
        """Return the fewest steps after which the default's answer loses at most the tolerance, by validation."""
        rows = self.seeds(self.default())
        by_step = np.mean([validation(row)["accuracy_by_step"] for row in rows], axis=0)
        return int(np.argmax(by_step >= by_step[-1] - self.plan.tolerance)) + 1


def setting(plan: Plan, **changes: Any) -> Setting:
    """Return the values of VARIED, in order: those of the plan's default but for the changes."""
    chosen = {
        "surrogate": f"{FAMILIES[0]}:1",
        "beta": plan.beta,
        "threshold": 1.0,
        "lr": plan.rates[0],
        "num_steps": plan.training["num_steps"],
        "cycle_penalty": None,
        "learn": None,
        "validation": plan.training["validation"],
        **changes,
    }
    return chosen | {"surrogate": str(surrogates.parse(chosen["surrogate"]))}


def readings(rows: list[dict], exits: bool) -> list[tuple[Seeds, tuple[float, float]]]:
    """Return when the answers of rows of one setting may be read, each with mean validation accuracy and latency.

    They are read after all steps; with `exits` also by early exit at each margin, where rows have results of it.
    """
    found = [(Seeds(rows), (mean(rows, "accuracy"), mean(rows, "latency")))]
    if exits and all("accuracy_by_margin" in validation(row) for row in rows):
        accuracy, latency = (
            np.mean([validation(row)[f"{name}_by_margin"] for row in rows], axis=0) for name in ("accuracy", "latency")
        )
        found += [
            (Seeds(rows, margin=margin), (float(right), float(spent)))
            for margin, right, spent in zip(MARGINS, accuracy, latency, strict=True)
        ]
    return found


def mean(rows: list[dict], name: str, part: str = "validation") -> float:
    """Return the mean over rows of a result, such as "accuracy" or "latency", on "validation" or "test" images."""
    return sum(row["result"][part][name] for row in rows) / len(rows)


def settings_of(row: dict) -> Setting:
    """Return the values of VARIED of a row."""
    point = {"cycle_penalty": None, "learn": None} | row["point"]["network"] | row["point"]["training"]
    return {name: point[name] for name in VARIED}


def identity(row: dict) -> tuple:
    """Return what distinguishes a row from the others of its study: its settings, epochs and seed."""
    training = row["point"]["training"]
    values = (*settings_of(row).values(), training["epochs"], training["seed"])
    return tuple(tuple(value) if isinstance(value, list) else value for value in values)  # lists by layer


def validation(row: dict) -> dict[str, Any]:
    """Return a row's results on validation images, which all choices use; None of a refit, which held out none."""
    return row["result"]["validation"]
