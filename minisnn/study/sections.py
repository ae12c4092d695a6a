"""Sections of a study's report, as plain numbers: what each figure and table shows.

The numbers of a setting are means over its seeds, on test images unless they are called validation. All choices are
made on validation. Sections of a study are here; those of a sweep, which has no plan, in ``sections_of_sweep``.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..timing import energy
from ..timing.cycles import waits
from .claims import TITLES, claims, how_read
from .intervals import Seeds, interval, means
from .plan import FAMILIES, Plan
from .progress import Progress, progress
from .results import cost, efficiency, firing_rate, floor, schedules_of, shapes_of, test_mean
from .selection import Rows, settings_of, validation
from .stages import beta_by_threshold, every_scale
from .tables import in_words, kind, settings

LABELS = {"default": "default", "cycles": "fastest at equal T", "steps": "fastest with T free"}
NUMBERS = ("accuracy", "firing_rate", "latency")


def of_study(
    plan: Plan,
    rows: list[dict],
    clock_mhz: float = 100.0,
    constants: dict[str, float] | None = None,
    pitfalls: list[dict] | None = None,
    other: tuple[str, Seeds] | None = None,
) -> dict[str, dict]:
    """Return all sections by name, described at :func:`minisnn.study.report.gather`.

    `rows` are all of a file; `constants` are those of the energy model, `pitfalls` the note of
    :func:`minisnn.study.pitfalls.note`, `other` the data and the default of a study on other inputs.
    """
    so_far = progress(plan, rows)
    named = {name: so_far.selected[name] for name in LABELS if name in so_far.selected}
    shown = {"named": named, "labels": LABELS, "how": "", "lacks": so_far.lacks}
    return {
        "reached": {"stages": [list(stage) for stage in so_far.stages], "lacks": so_far.lacks},
        "trials": _trials(so_far),
        "curves": _curves(so_far),
        "leaks": _leaks(so_far),
        "trade": _trade(so_far, rows),
        "timeline": timeline(shown),
        "power": power(shown, clock_mhz, constants),
        "claims": _claims(so_far, clock_mhz, constants, other),
        "pitfalls": {"lines": pitfalls} if pitfalls else {"missing": f"They are measured at the end: {so_far.lacks}."},
    }


def _missing(so_far, *needed):
    """Return a section that says what is missing if one of the stages is not complete, else None."""
    if all(so_far.has(stage) for stage in needed):
        return None
    return {"missing": f"This needs the stage {needed[-1]}: {so_far.lacks}."}


def _trials(so_far: Progress) -> dict:
    """Section "trials": validation accuracy by scale and learning rate, and what was chosen."""
    rows, plan = so_far.rows, so_far.rows.plan
    if missing := _missing(so_far, "trials"):
        return missing
    panels, choices = [], []
    for beta in plan.betas:
        series: dict[str, list] = {}
        for family in FAMILIES:
            for trial in rows.trials(beta, family):
                row = rows.row(trial, plan.seeds[0], plan.trial_epochs)
                if row:
                    scale = float(trial["surrogate"].split(":")[1])
                    series.setdefault(family, []).append((scale, trial["lr"], float(validation(row)["accuracy"])))
            if so_far.has("finalists"):
                choices.append(_choice(rows, beta, family))
        panels.append({"title": f"beta {beta:g}", "series": series})
    return {"panels": panels, "choices": choices, "epochs": plan.trial_epochs}


def _choice(rows, beta, family):
    choice = rows.choice(beta, family)
    second = choice.second and {name: choice.second[name] for name in ("surrogate", "lr")}
    return {
        "beta": beta,
        "surrogate": choice.setting["surrogate"],
        "lr": choice.setting["lr"],
        "epochs": choice.epochs,
        "validation_accuracy": choice.accuracy,
        "second": second,
        "behind": choice.behind,
        "error": choice.error,
        "tied": choice.tied,
    }


def numbers(seeds: Seeds, names: Sequence[str] = NUMBERS) -> dict[str, tuple[float, float, float]]:
    """Return accuracy, firing_rate and latency of a setting, or some of them, with intervals: (value, low, high)."""
    found = {name: interval(lambda of, name=name: getattr(of, name), seeds) for name in names}
    return {name: (value, low, high) for name, (value, low, high) in found.items()}


def rows_by_scale(rows: Rows) -> dict[str, list[list[dict]]]:
    """Return the rows by seed of each scale at the default's beta that has all seeds, by family."""
    return {family: list(filter(None, map(rows.seeds, of_scales))) for family, of_scales in every_scale(rows).items()}


def _curves(so_far: Progress) -> dict:
    """Section "curves": firing rate and latency against accuracy for all scales of both families."""
    if missing := _missing(so_far, "bases", "scales"):
        return missing
    plan, groups = so_far.rows.plan, rows_by_scale(so_far.rows)
    lines = {
        family: [
            {"surrogate": seeds[0]["point"]["network"]["surrogate"], "lr": seeds[0]["point"]["training"]["lr"]}
            | numbers(Seeds(seeds))
            for seeds in of_scales
        ]
        for family, of_scales in groups.items()
    }
    default = so_far.rows.seeds(so_far.rows.default())
    wanted = means(Seeds(default)).accuracy - plan.tolerance if default else None
    return {"lines": lines, "equal": None if wanted is None or not all(groups.values()) else equal(groups, wanted)}


def equal(groups: dict[str, list], wanted: float, names: Sequence[str] = ("firing_rate", "latency")) -> dict:
    """Return ratios of firing rates and latencies, fast sigmoid to arctangent, of the least that has an accuracy.

    `groups` are by family the rows by seed of several settings.
    """
    ours, theirs = (len(groups[family]) for family in FAMILIES)

    def least(of_scales, name):
        accuracy, number = (np.array([getattr(of, part) for of in of_scales]) for part in ("accuracy", name))
        near = accuracy >= np.minimum(wanted, accuracy.max(axis=0))  # in a draw where none is, the most accurate
        return np.where(near, number, np.inf).min(axis=0)

    def ratio(name):
        return lambda *of: least(of[:ours], name) / least(of[ours : ours + theirs], name)

    seeds = [Seeds(rows) for family in FAMILIES for rows in groups[family]]
    return {"accuracy": wanted} | {name: tuple(interval(ratio(name), *seeds)) for name in names}


def _leaks(so_far: Progress) -> dict:
    """Section "leaks": accuracy, firing rate and latency by beta and threshold."""
    if missing := _missing(so_far, "finalists", "leaks"):
        return missing
    rows, plan = so_far.rows, so_far.rows.plan
    cells = {(one["beta"], one["threshold"]): rows.seeds(one) for one in beta_by_threshold(rows)}
    found = {cell: numbers(Seeds(seeds)) for cell, seeds in cells.items() if seeds}
    default = rows.default()
    return {
        "betas": list(plan.betas),
        "thresholds": list(plan.thresholds),
        "surrogate": default["surrogate"],
        "lr": default["lr"],
        "seeds": len(plan.seeds),
        **{
            name: [
                [found[beta, theta][name][0] if (beta, theta) in found else None for theta in plan.thresholds]
                for beta in plan.betas
            ]
            for name in NUMBERS
        },
    }


def _trade(so_far: Progress, rows: list[dict]) -> dict:
    """Section "trade": accuracy against latency of all settings in full length, and of the default read early."""
    plan = so_far.rows.plan
    full = [row for row in rows if row["status"] == "done" and row["point"]["training"]["epochs"] == plan.epochs]
    if not full:
        return {"missing": f"No setting in full length is there: {so_far.lacks}."}
    points = []
    for group in settings(full):
        found = numbers(Seeds(group))
        points.append(
            {"kind": kind(group[0]["point"], plan), "seeds": len(group)}
            | {name: found[name][0] for name in NUMBERS}
            | {f"{name}_range": found[name][1:] for name in NUMBERS}
        )
    default = so_far.selected["default"].rows if "default" in so_far.selected else []
    early = [numbers(Seeds(default, step)) for step in range(1, plan.training["num_steps"] + 1)] if default else []
    marks: dict[tuple, dict] = {}  # a setting that is selected under several names has one mark
    for name, label in LABELS.items():
        if name in so_far.selected:
            seeds = so_far.selected[name]
            accuracy, latency, _ = means(seeds)
            words = ", ".join(filter(None, [describe_all(seeds.rows), how_read(seeds)]))
            key = (seeds.rows[0]["training"], seeds.margin)
            marks.setdefault(key, {"labels": [], "settings": words, "accuracy": accuracy, "latency": latency})[
                "labels"
            ].append(label)
    return {
        "settings": points,
        "early": [{name: of[name] for name in ("accuracy", "latency")} for of in early],
        "early_step": so_far.rows.early_step() if default else None,
        "marks": [
            {"label": " = ".join(mark["labels"])} | {name: mark[name] for name in ("settings", "latency", "accuracy")}
            for mark in marks.values()
        ],
    }


def describe_all(rows: list[dict]) -> str:
    """Return the main settings that rows of a setting share, in words."""
    point = rows[0]["point"]
    return in_words(point["network"] | point["training"])


# Where the cycles go.


def timeline(shown: dict[str, Any]) -> dict:
    """Return the section "timeline": the first and the last of the settings shown."""
    names = list(dict.fromkeys([name for name in shown["named"]][:1] + list(shown["named"])[-1:]))
    chosen = [shown["named"][name] for name in names]
    parts = [_timeline_part(seeds.rows, shown["labels"][name]) for name, seeds in zip(names, chosen)]
    if not parts:
        return {"missing": f"This needs the default: {shown['lacks']}."}
    ends_early = "All steps are shown, without early exit." if any(map(how_read, chosen)) else ""
    return {"parts": parts, "how": shown["how"] or ends_early}


def _timeline_part(rows, label):
    timelines = [row["result"]["test"]["timeline"] for row in rows]
    begins, added, fires, ends = (
        np.mean([timeline[name] for timeline in timelines], axis=0) for name in ("begins", "added", "fires", "ends")
    )
    layers = shapes_of(rows[0]["point"])
    return {
        "label": label,
        "settings": describe_all(rows),
        "latency": test_mean(rows, "latency"),
        "layers": [layer.name for layer in layers],
        "lanes": rows[0]["result"]["lanes"],
        "begins": begins.tolist(),
        "added": added.tolist(),
        "fires_at": fires.tolist(),
        "ends": ends.tolist(),
        "adds": (added - begins).sum(axis=1).tolist(),
        "waits": waits(added, fires).sum(axis=1).tolist(),
        "fires": [cycles * fires.shape[1] for cycles in rows[0]["result"]["test"]["firing_cycles"]],
    }


# Modelled energy.


def power(shown: dict[str, Any], clock_mhz: float, constants: dict[str, float] | None = None) -> dict:
    """Return the section "power": modelled energy, and images per joule."""
    named, labels = shown["named"], shown["labels"]
    if "default" not in named:
        return {"missing": f"This needs the default: {shown['lacks']}."}
    listed = [(labels[name], seeds, "pipelined") for name, seeds in named.items()]
    for name in dict.fromkeys(["default", list(named)[1 if len(named) > 1 else 0]]):
        for schedule in schedules_of(named[name].rows):
            listed.append((f"{labels[name]}, {schedule} schedule", Seeds(named[name].rows), schedule))
    given = constants or {}
    return {
        "lines": [_power_line(*setting, named["default"], clock_mhz, constants) for setting in listed],
        "constants": [
            (name, given.get(name, value), unit, "given" if name in given else source)
            for name, (value, unit, source) in energy.CONSTANTS.items()
        ],
        "clock_mhz": clock_mhz,
        "how": shown["how"],
    }


def _power_line(label, seeds, schedule, default, clock_mhz, constants):
    rows = seeds.rows
    events, interval = cost(rows, schedule, seeds.margin)
    ratio, low, high = efficiency(seeds, default, clock_mhz, constants, schedule)
    if seeds.margin is None:
        tests = [row["result"]["test"] for row in rows]
        latencies = [test["latency"] if schedule == "pipelined" else test[schedule]["latency"] for test in tests]
        accuracy, latency = test_mean(rows, "accuracy"), float(np.mean(latencies))
    else:
        accuracy, latency, _ = means(seeds)
    static = (constants or {}).get("static", energy.CONSTANTS["static"][0])
    return {
        "label": label,
        "accuracy": accuracy,
        "latency": latency,
        "latency_us": latency / clock_mhz,
        "fps": clock_mhz * 1e6 / interval,
        "dynamic": sum(energy.energy(events, constants).values()),
        "static": static * interval / (clock_mhz * 1e6),
        "shares": energy.shares(events, interval, clock_mhz, constants),
        "fps_per_watt": energy.fps_per_watt(events, interval, clock_mhz, constants),
        "ratio": ratio,
        "low": low,
        "high": high,
        "seeds": len(rows),
    }


# Claims.


def _claims(so_far, clock_mhz, constants, other):
    """Section "claims": their list, the default's floor, and the selected settings that they rest on."""
    selected = so_far.selected
    return {
        "list": claims(so_far, so_far.rows.plan, clock_mhz, constants, other),
        "floors": {LABELS["default"]: floor(selected["default"].rows)} if "default" in selected else {},
        "settled": {_title(name): _by_seed(seeds) for name, seeds in selected.items()},
    }


def _title(name):
    """Return the display name of a selected setting."""
    family, _, beta = name.partition(" ")
    return LABELS.get(name) or f"{TITLES[family]}, beta {beta}"


def _by_seed(seeds):
    """Return the settings of rows, and their results seed by seed."""
    rows, read = seeds.rows, [means(seeds._replace(rows=[row])) for row in seeds.rows]
    return {
        "settings": settings_of(rows[0]),
        "read": how_read(seeds),
        "seeds": [row["point"]["training"]["seed"] for row in rows],
        "validation_accuracy": [of and float(of["accuracy"]) for of in map(validation, rows)],
        "accuracy": [of.accuracy for of in read],
        "latency": [of.latency for of in read],
        "firing_rate": [firing_rate(row) for row in rows],
    }
