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
from .point import key, make
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
    given = {
        "surrogate": f"fast_sigmoid:{plan.fast_sigmoid:g}",
        "beta": plan.beta,
        "threshold": plan.threshold,
        "epochs": plan.epochs if full else plan.screening,
        "seed": plan.seeds[0] if seed is None else seed,
        **plan.training,
        **changes,
    }
    if given.get("rate_penalty"):
        given["penalty_ramp"] = plan.ramp
    return make(data, *choose(plan.dataset, given), lanes=plan.lanes)


def stage(name: str, plan: Plan, data: Dataset, rows: list[dict]) -> list[dict]:
    """Return the points of a stage of STAGES; `rows` are the results of the stages before it."""
    stages = {"scales": _scales, "leaks": _leaks, "penalties": _penalties, "steps": _steps, "claims": _claims}
    points = stages[name](plan, data, Rows(plan, rows))
    return list({key(point): point for point in points}.values())  # several settings can lead to one point


def _scales(plan, data, rows):
    names = [f"fast_sigmoid:{plan.fast_sigmoid:g}", f"atan:{plan.atan:g}"]
    for scale in plan.scales:
        atan = Surrogate("atan", float(scale))
        names += [
            f"fast_sigmoid:{scale:g}",
            str(atan),
            str(surrogates.match_width("fast_sigmoid", atan)),
            str(surrogates.match_width_and_height("fast_sigmoid", atan)),
        ]
    return [point(plan, data, surrogate=name) for name in dict.fromkeys(names)]


def _leaks(plan, data, rows):
    best = rows.best("fast_sigmoid")
    return [
        point(plan, data, surrogate=best, beta=beta, threshold=threshold)
        for beta in plan.betas
        for threshold in plan.thresholds
    ]


def _penalties(plan, data, rows):
    leaks = _leak_rows(rows)
    accurate = [settings_of(row) for row in rows.accurate(leaks, 2)]
    best = surrogates.parse(rows.best("fast_sigmoid"))
    narrower = [
        settings | {"surrogate": str(Surrogate(best.name, factor * best.scale))}
        for factor in plan.narrower
        for settings in accurate
    ]
    fastest = [settings_of(row) for row in rows.trades(leaks, 1, plan.tolerance)]
    bases = [settings_of(rows.default()), *fastest, *accurate, *narrower]
    return [point(plan, data, **base | {"rate_penalty": penalty}) for base in bases for penalty in plan.penalties]


def _steps(plan, data, rows):
    bases = rows.accurate(_leak_rows(rows), 1) + rows.fastest(_penalty_rows(rows))
    return [point(plan, data, **settings_of(row) | {"num_steps": steps}) for row in bases for steps in plan.steps]


def _claims(plan, data, rows):
    """Every candidate for a selected setting, with all seeds."""
    candidates = [*_compared_surrogates(plan, rows), *_candidate_trades(plan, rows)]
    return [point(plan, data, seed=seed, full=True, **settings) for settings in candidates for seed in plan.seeds]


def _compared_surrogates(plan, rows):
    """Settings of the default, and of the surrogates that claims compare with it."""
    fast_sigmoid, atan = rows.best("fast_sigmoid"), rows.best("atan")
    wide = str(surrogates.match_width("fast_sigmoid", surrogates.parse(atan)))
    fast_sigmoid_scale, atan_scale = (name.partition(":")[2] for name in (fast_sigmoid, atan))
    names = [
        f"fast_sigmoid:{plan.fast_sigmoid:g}",
        fast_sigmoid,
        atan,
        f"atan:{plan.atan:g}",
        wide,
        f"fast_sigmoid:{atan_scale}",
        f"atan:{fast_sigmoid_scale}",
    ]
    default = settings_of(rows.default())
    return [default | {"surrogate": name} for name in dict.fromkeys(names)]


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
