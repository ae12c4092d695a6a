"""Stages of a study: which points each one computes, given the validation results of the stages before it.

1. scales      the surrogates at several scales: fast sigmoid and arctangent with equal scale, with equal width, and
               with equal width and height
2. leaks       beta x threshold, at the best scale of the fast sigmoid
3. penalties   a rate penalty, at the default, at the fastest trade of stage 2, and at its two most accurate points,
               also with narrower surrogates
4. steps       fewer steps, at the most accurate point of stage 2 and the fastest points of stage 3
5. claims      the settings that claims rest on, in full length and with several seeds

Stages 1 to 4 are the screening: one seed, fewer epochs. No stage looks at test results.
"""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .. import surrogate as surrogates
from ..data.dataset import Dataset
from ..surrogate import Surrogate
from ..training.presets import choose
from .plan import PAPER_LOSS, Plan
from .point import make
from .selection import ANY, Rows, settings_of
from .store import Store
from .sweep import sweep

STAGES = ("scales", "leaks", "penalties", "steps", "claims")


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
    """Compute the points of all stages that are not in the file yet; return the stage left unfinished, or "".

    `executor` and `options` are those of :func:`minisnn.study.sweep.sweep`. No point is started after `budget`
    minutes. ``on_stage(name, points)`` is called before each stage. Raise InputError if the file has another plan.
    """
    deadline = None if budget is None else time.monotonic() + 60 * budget
    with Store(path) as store:
        store.note("plan", asdict(plan))
    for name in STAGES:
        with Store(path) as store:
            points = stage(name, plan, data, store.rows())
        on_stage(name, points)
        minutes = None if deadline is None else max((deadline - time.monotonic()) / 60, 0)
        if sweep(points, path, plan.dataset, executor, budget=minutes, **options).left:
            return name
    return ""


def point(plan: Plan, data: Dataset, seed: int | None = None, full: bool = False, **changes: Any) -> dict:
    """Return a point of the study: the default with some arguments of ``Network`` or ``Settings`` changed.

    `full` gives it the epochs of stage 5 instead of those of the screening; the default seed is the plan's first.
    """
    given = {**plan.training, **settings(plan, seed, full), **changes}
    if given["rate_penalty"]:
        given["penalty_ramp"] = plan.ramp
    return make(data, *choose(plan.dataset, given, data), lanes=plan.lanes)


def settings(plan: Plan, seed: int | None = None, full: bool = False, **changes: Any) -> dict[str, Any]:
    """Return the default's settings, epochs and seed, some of them changed: what tells points of a study apart.

    The values are those of :func:`minisnn.study.selection.identity`, in its order.
    """
    chosen = {
        "surrogate": f"fast_sigmoid:{plan.fast_sigmoid:g}",
        "beta": plan.beta,
        "threshold": plan.threshold,
        "num_steps": plan.training["num_steps"],
        "rate_penalty": None,
        "epochs": plan.epochs if full else plan.screening,
        "seed": plan.seeds[0] if seed is None else seed,
        **changes,
    }
    return chosen | {"surrogate": str(surrogates.parse(chosen["surrogate"]))}


def wanted(name: str, plan: Plan, rows: Rows) -> list[dict]:
    """Return the settings of the points of a stage of STAGES, each once; `rows` have the stages before it.

    Raise InputError if no point of an earlier stage that is needed for a choice has succeeded.
    """
    stages = {"scales": _scales, "leaks": _leaks, "penalties": _penalties, "steps": _steps, "claims": _claims}
    chosen = stages[name](plan, rows)  # several choices can lead to one point
    return list({tuple(setting.values()): setting for setting in chosen}.values())


def stage(name: str, plan: Plan, data: Dataset, rows: list[dict]) -> list[dict]:
    """Return the points of a stage of STAGES; `rows` are the results of the stages before it."""
    return [point(plan, data, **setting) for setting in wanted(name, plan, Rows(plan, rows))]


def _scales(plan, rows):
    names = [f"fast_sigmoid:{plan.fast_sigmoid:g}", f"atan:{plan.atan:g}"]
    for scale in plan.scales:
        atan = Surrogate("atan", float(scale))
        names += [
            f"fast_sigmoid:{scale:g}",
            str(atan),
            str(surrogates.match_width("fast_sigmoid", atan)),
            str(surrogates.match_width_and_height("fast_sigmoid", atan)),
        ]
    return [settings(plan, surrogate=name) for name in dict.fromkeys(names)]


def _leaks(plan, rows):
    best = rows.best("fast_sigmoid")
    return [
        settings(plan, surrogate=best, beta=beta, threshold=threshold)
        for beta in plan.betas
        for threshold in plan.thresholds
    ]


def _penalties(plan, rows):
    leaks = _leak_rows(rows)
    accurate = [settings_of(row) for row in rows.accurate(leaks, 2)]
    best = surrogates.parse(rows.best("fast_sigmoid"))
    narrower = [
        base | {"surrogate": str(Surrogate(best.name, factor * best.scale))}
        for factor in plan.narrower
        for base in accurate
    ]
    fastest = [settings_of(row) for row in rows.trades(leaks, 1, plan.tolerance)]
    bases = [settings_of(rows.default()), *fastest, *accurate, *narrower]
    return [settings(plan, **base | {"rate_penalty": penalty}) for base in bases for penalty in plan.penalties]


def _steps(plan, rows):
    bases = rows.accurate(_leak_rows(rows), 1) + rows.fastest(_penalty_rows(rows))
    return [settings(plan, **settings_of(row) | {"num_steps": steps}) for row in bases for steps in plan.steps]


def _claims(plan, rows):
    """Every candidate for a selected setting, with all seeds."""
    candidates = [*rows.compared().values(), *_candidate_trades(plan, rows)]
    return [settings(plan, seed, full=True, **candidate) for candidate in candidates for seed in plan.seeds]


def _candidate_trades(plan, rows):
    """Settings of the fastest screened rows within each tolerance of accuracy."""
    leaks = _leak_rows(rows)
    screened = rows.screened(beta=ANY, threshold=ANY, rate_penalty=ANY, num_steps=ANY)
    fewer_steps = [row for row in screened if settings_of(row)["num_steps"] < plan.training["num_steps"]]
    candidates = [
        *rows.trades(leaks, 1, PAPER_LOSS),
        *rows.trades(leaks, 2, plan.tolerance),
        *rows.fastest(_penalty_rows(rows)),
        *rows.fastest(fewer_steps),
    ]
    return [settings_of(row) for row in candidates]


def _leak_rows(rows):
    """Screened rows of stage 2."""
    return rows.screened(surrogate=rows.best("fast_sigmoid"), beta=ANY, threshold=ANY)


def _penalty_rows(rows):
    """Screened rows of stage 3, which have a rate penalty."""
    screened = rows.screened(beta=ANY, threshold=ANY, rate_penalty=ANY)
    return [row for row in screened if settings_of(row)["rate_penalty"]]
