"""Stages of a study, in the order of their worth: which points each one computes, given those before it.

    trials      scale and learning rate of each family at each beta, one seed, few epochs
    finalists   the best trials with the other seeds
    scales      all scales at the default's beta, each with its learning rate, in full length, all seeds
    bases       the settings chosen, in full length, all seeds: what each family and beta allows
    prices      a price on cycles at each beta, in full length, one seed
    learned     the default and the fastest priced settings with learned leaks and thresholds, in full length, one seed
    steps       fewer steps, of the default and of the fastest priced settings, in full length, one seed
    levers      the fastest settings of the three stages before with the other seeds
    refits      the default and what each bar is tested with, again, on all training images, all seeds
    leaks       beta by threshold at the default's scale and learning rate, in full length, all seeds

No stage looks at test results. A study that runs out of time has the first stages whole.
"""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..data.dataset import Dataset
from ..training.presets import choose
from . import protocol
from .intervals import Seeds
from .plan import FAMILIES, Plan
from .point import make
from .selection import Rows, Setting, settings_of
from .store import Store
from .sweep import sweep

Wanted = tuple[Setting, int, int]  # a setting, its epochs and its seed


def run(
    plan: Plan,
    path: str | Path,
    data: Dataset,
    executor: Any = None,
    *,
    budget: float | None = None,
    on_stage: Callable = lambda name, points: None,
    **options: Any,
) -> str:
    """Write the protocol, and compute the points that are not in the file yet; return the stage left unfinished, or "".

    `executor` and `options` are those of :func:`minisnn.study.sweep.sweep`. No point is started after `budget`
    minutes. ``on_stage(name, points)`` is called before each stage. Raise InputError if the file has another plan.
    """
    deadline = None if budget is None else time.monotonic() + 60 * budget
    with Store(path) as store:
        store.note("plan", asdict(plan))
        store.note("protocol", protocol.text(plan))
    for name in STAGES:
        with Store(path) as store:
            points = stage(name, plan, data, store.rows())
        on_stage(name, points)
        minutes = None if deadline is None else max((deadline - time.monotonic()) / 60, 0)
        if sweep(points, path, plan.dataset, executor, budget=minutes, **options).left:
            return name
    return ""


def point(plan: Plan, data: Dataset, chosen: Setting, epochs: int, seed: int) -> dict:
    """Return a point of the study."""
    given = {**plan.training, **chosen, "epochs": epochs, "seed": seed}
    if chosen["cycle_penalty"] is not None:
        given["penalty_ramp"] = plan.ramp
    return make(data, *choose(plan.dataset, given, data), lanes=plan.lanes)


def stage(name: str, plan: Plan, data: Dataset, rows: list[dict]) -> list[dict]:
    """Return the points of a stage of STAGES; `rows` are the results of the stages before it."""
    return [point(plan, data, *one) for one in wanted(name, Rows(plan, rows))]


def wanted(name: str, rows: Rows) -> list[Wanted]:
    """Return what a stage of STAGES computes, each once; `rows` have the stages before it.

    Raise InputError if no point of an earlier stage that is needed for a choice has succeeded.
    """
    chosen = STAGES[name](rows)  # several choices can lead to one point
    return list({(*one.values(), epochs, seed): (one, epochs, seed) for one, epochs, seed in chosen}.values())


def _cells(plan):
    return [(beta, family) for beta in plan.betas for family in FAMILIES]


def _trials(rows):
    plan = rows.plan
    return [(trial, plan.trial_epochs, plan.seeds[0]) for cell in _cells(plan) for trial in rows.trials(*cell)]


def _finalists(rows):
    plan = rows.plan
    finalists = [trial for cell in _cells(plan) for trial in rows.finalists(*cell)]
    return [(trial, plan.trial_epochs, seed) for trial in finalists for seed in plan.seeds[1:]]


def _all_seeds(rows, settings):
    return [(one, rows.plan.epochs, seed) for one in settings for seed in rows.plan.seeds]


def _first_seed(rows, settings):
    return [(one, rows.plan.epochs, rows.plan.seeds[0]) for one in settings]


def bases(rows: Rows) -> list[Setting]:
    """Return the setting chosen for each beta and family."""
    return [rows.choice(*cell).setting for cell in _cells(rows.plan)]


def priced(rows: Rows) -> list[Setting]:
    """Return the fast sigmoid of each beta with each price on cycles."""
    chosen = [rows.choice(beta, "fast_sigmoid").setting for beta in rows.plan.betas]
    return [one | {"cycle_penalty": float(weight)} for one in chosen for weight in rows.plan.cycle_penalties]


def _followed(rows):
    """Return the default, and the fastest priced settings."""
    return [rows.default(), *rows.fastest(priced(rows), rows.plan.followed)]


def learned(rows: Rows) -> list[Setting]:
    """Return the default, and the fastest priced settings, with constants that each layer learns."""
    return [one | {"learn": rows.plan.learned} for one in _followed(rows)]


def with_fewer_steps(rows: Rows) -> list[Setting]:
    """Return the default, and the fastest priced settings, with each number of steps."""
    return [one | {"num_steps": steps} for one in _followed(rows) for steps in rows.plan.steps]


EXITS = {"cycles": False, "steps": True}  # by bar, whether answers may be read by early exit


def candidates(rows: Rows) -> dict[str, list[Setting]]:
    """Return the settings of which each bar's is chosen, by the bar.

    They are "cycles", at equal T, and "steps", with T free and early exit.
    """
    equal = [*bases(rows), *priced(rows), *learned(rows)]
    among = {"cycles": equal, "steps": [*equal, *with_fewer_steps(rows)]}
    return {name: rows.fastest(settings, rows.plan.followed, EXITS[name]) for name, settings in among.items()}


def finals(rows: Rows) -> dict[str, Seeds]:
    """Return the default, and what each bar is tested with, by the bar: rows by seed, and when answers are read."""
    found = {name: rows.final(settings, EXITS[name]) for name, settings in candidates(rows).items()}
    default = Seeds(rows.seeds(rows.default()))
    return {name: seeds for name, seeds in {"default": default, **found}.items() if seeds and seeds.rows}


def refit(seeds: Seeds) -> Setting:
    """Return the setting of rows, to be trained on the images too that were held out to choose it."""
    return settings_of(seeds.rows[0]) | {"validation": 0.0}


def every_scale(rows: Rows) -> dict[str, list[Setting]]:
    """Return all scales at the default's beta, each with its learning rate, by family."""
    plan = rows.plan
    return {family: [rows.tuned_scale(plan.beta, family, scale) for scale in plan.scales] for family in FAMILIES}


def beta_by_threshold(rows: Rows) -> list[Setting]:
    """Return the default with every beta and threshold."""
    default, plan = rows.default(), rows.plan
    return [default | {"beta": beta, "threshold": theta} for beta in plan.betas for theta in plan.thresholds]


STAGES: dict[str, Callable[[Rows], list[Wanted]]] = {
    "trials": _trials,
    "finalists": _finalists,
    "scales": lambda rows: _all_seeds(rows, [one for group in every_scale(rows).values() for one in group]),
    "bases": lambda rows: _all_seeds(rows, bases(rows)),
    "prices": lambda rows: _first_seed(rows, priced(rows)),
    "learned": lambda rows: _first_seed(rows, learned(rows)),
    "steps": lambda rows: _first_seed(rows, with_fewer_steps(rows)),
    "levers": lambda rows: _all_seeds(rows, [one for group in candidates(rows).values() for one in group]),
    "refits": lambda rows: _all_seeds(rows, map(refit, finals(rows).values())),
    "leaks": lambda rows: _all_seeds(rows, beta_by_threshold(rows)),
}
