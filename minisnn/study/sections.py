"""Sections of a study's report, as plain numbers: what each figure and table shows.

The numbers of a setting are means over its seeds, on test images unless they are called validation. Choices are made on
validation; where a section chooses by test results, it does so to show the effect, and says so.
"""

from collections import Counter
from typing import Any

import numpy as np

from .. import surrogate as surrogates
from .. import topology
from ..errors import InputError
from ..timing import energy
from ..timing.cycles import waits
from .claims import DEFAULTS, LABELS, claims, cost, firing_rate, floor, schedules_of, test_mean
from .plan import Plan
from .progress import progress
from .selection import ANY, Rows, settings_of, validation
from .tables import describe, flat, largest, means, settings

SPLITS = 200  # number of random halves of the test images that measure the optimism bias
NUMBERS = ("accuracy", "firing_rate", "latency")
NO_CLAIMS = "A sweep has no default to compare with; claims are checked by minisnn reproduce."


def of_study(
    plan: Plan | None,
    rows: list[dict],
    clock_mhz: float = 100.0,
    constants: dict[str, float] | None = None,
    pitfalls: list[dict] | None = None,
) -> dict[str, dict]:
    """Return all sections by name, described at :func:`minisnn.study.report.gather`.

    `rows` are all of a file. A sweep has no `plan`. `constants` are those of the energy model, `pitfalls` the note
    of :func:`minisnn.study.pitfalls.note`.
    """
    so_far = None if plan is None else progress(plan, rows)
    rows = [row for row in rows if row["status"] == "done"]
    shown = _shown(plan, rows, so_far)
    return {
        "scales": _scales(plan, rows),
        "leaks": _leaks(plan, rows),
        "trade": _trade(plan, rows, shown),
        "timeline": _timeline(shown),
        "power": _power(shown, clock_mhz, constants),
        "claims": _claims(plan, so_far, clock_mhz, constants),
        "pitfalls": _pitfalls(plan, rows, shown, so_far, pitfalls),
    }


# Settings that several sections show: {"named": rows by seed, by name; "labels": by name; "how": a sentence}.


def _shown(plan, rows, so_far):
    """Return the settings to show: the selected ones, or the best so far."""
    if not rows:
        return {"named": {}, "labels": {}, "how": ""}
    if plan is None:
        return _shown_of_sweep(rows)
    if "default" in so_far.selected:
        return {
            "named": {name: so_far.selected[name] for name in LABELS if name in so_far.selected},
            "labels": LABELS,
            "how": "Settings were selected on validation; numbers are full-length means over the seeds.",
        }
    return _shown_of_screening(plan, Rows(plan, rows), so_far.lacks)


def _shown_of_screening(plan, rows, lacks):
    """Return the settings to show while the default `lacks` points in full length."""
    try:
        named = {"default": [rows.default()], "named": rows.screened(surrogate=f"fast_sigmoid:{plan.fast_sigmoid:g}")}
    except (InputError, ValueError):  # no row at the best scale, or more than one
        return {"named": {}, "labels": LABELS, "how": ""}
    best, steps = rows.best("fast_sigmoid"), plan.training["num_steps"]
    candidates = rows.screened(beta=ANY, threshold=ANY, rate_penalty=ANY, num_steps=ANY)
    priced = [row for row in candidates if settings_of(row)["num_steps"] == steps]
    leaks = [row for row in priced if settings_of(row)["surrogate"] == best and not settings_of(row)["rate_penalty"]]
    for name, group in (("leak", leaks), ("priced", priced), ("steps", candidates)):
        named[name] = rows.trades(group, 1, plan.tolerance)
    different = {}
    for name, group in named.items():  # before a stage begins, its best setting is that of the stage before
        if group and group not in different.values():
            different[name] = group
    return {
        "named": different,
        "labels": LABELS,
        "how": "These settings were selected on validation in the screening, with one seed and fewer epochs; no claim "
        f"rests on them. What is missing: {lacks}.",
    }


def _shown_of_sweep(rows):
    """Return the most accurate setting of a sweep, and the fastest one within a point of accuracy."""

    def score(group, name):
        return float(np.mean([(row["result"]["validation"] or row["result"]["test"])[name] for row in group]))

    groups = settings(rows)
    best = max(groups, key=lambda group: (score(group, "accuracy"), -score(group, "latency")))
    near = [group for group in groups if score(group, "accuracy") >= score(best, "accuracy") - 0.01]
    has_validation = all(row["result"]["validation"] for row in rows)
    images = "validation" if has_validation else "the test images, because there are no validation images,"
    return {
        "named": {"default": best, "steps": min(near, key=lambda group: score(group, "latency"))},
        "labels": {"default": "most accurate", "steps": "fastest within a point"},
        "how": f"The file has no plan, and so no default: these settings were chosen on {images} among all points.",
    }


def _trades_of(shown):
    """Return the names of the settings that are compared with the default; each may vary more than the one before."""
    return [name for name in ("paper", "leak", "priced", "steps") if name in shown["named"]]


# Scales, and beta x threshold.


def _scales(plan, rows):
    """Section "scales": accuracy and firing rate by surrogate."""
    varied = largest(rows, "surrogate") if plan is None else Rows(plan, rows).screened()
    curves = [(surrogates.parse(group[0]["point"]["network"]["surrogate"]), means(group)) for group in settings(varied)]
    original = [(curve, numbers) for curve, numbers in curves if curve.gain == 1]
    by_scale = original
    if plan is not None:
        scales = {*plan.scales, plan.fast_sigmoid, plan.atan}
        by_scale = [(curve, numbers) for curve, numbers in original if curve.scale in scales]
    if len(by_scale) < 2:
        return {"missing": f"This needs at least two points that differ only in the surrogate{_stage(plan, 1)}."}
    matched = [
        (curve, numbers) for curve, numbers in curves if curve.name != "fast_sigmoid" or _matches_an_atan(curve, curves)
    ]
    panels = (
        ("by scale", "scale (k of fast sigmoid, alpha of arctangent)", by_scale, lambda curve: curve.scale),
        ("by half-width", "half-width (membrane)", original, lambda curve: curve.half_width),
        ("by half-width, at equal height", "half-width (membrane)", matched, lambda curve: curve.half_width),
    )
    return {
        "panels": [
            {"title": title, "xlabel": label, "series": _series(points, x)}
            for title, label, points, x in panels
            if points
        ]
    }


def _stage(plan, number):
    """Return which stage of a study computes what is missing."""
    return f" (stage {number})" if plan else ""


def _matches_an_atan(curve, curves):
    """Return True if some arctangent of the study has this fast sigmoid's width and height."""
    atans = [other for other, _ in curves if other.name == "atan"]
    return any(str(surrogates.match_width_and_height("fast_sigmoid", atan)) == str(curve) for atan in atans)


def _series(points, x):
    """Return lists of (x, accuracy, firing rate) by family of surrogates, in the order of x."""
    series = {}
    for curve, numbers in sorted(points, key=lambda point: x(point[0])):
        series.setdefault(curve.name, []).append((x(curve), numbers["accuracy"], numbers["firing_rate"]))
    return series


def _leaks(plan, rows):
    """Section "leaks": accuracy, firing rate and latency by beta and threshold."""
    varied = _leak_rows(plan, rows)
    groups = {}
    for group in settings(varied):
        network = group[0]["point"]["network"]
        pair = network["beta"], network["threshold"]
        if not any(isinstance(value, list) for value in pair):  # values by layer have no place on an axis
            groups[pair] = means(group)
    if len(groups) < 2:
        return {"missing": f"This needs at least two points that differ only in beta and threshold{_stage(plan, 2)}."}
    betas = sorted({beta for beta, _ in groups})
    thresholds = sorted({threshold for _, threshold in groups})
    return {
        "betas": betas,
        "thresholds": thresholds,
        "surrogate": varied[0]["point"]["network"]["surrogate"],
        **{
            name: [[groups.get((beta, threshold), {}).get(name) for threshold in thresholds] for beta in betas]
            for name in NUMBERS
        },
    }


def _leak_rows(plan, rows):
    if plan is None:
        return largest(rows, "beta", "threshold")
    screening = Rows(plan, rows)
    try:
        return screening.screened(surrogate=screening.best("fast_sigmoid"), beta=ANY, threshold=ANY)
    except InputError:  # stage 1 has no results yet
        return []


# Accuracy against latency.


def front(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the Pareto front of (latency, accuracy), by latency.

    It has the points that no other beats: at least as good in both numbers, and better in one.
    """
    most, result = -np.inf, []
    for latency, accuracy in sorted(set(points), key=lambda point: (point[0], -point[1])):
        if accuracy > most:
            result.append((latency, accuracy))
            most = accuracy
    return result


def _trade(plan, rows, shown):
    """Section "trade": accuracy against latency."""
    if not rows:
        return {"missing": "The file has no finished point."}
    points = []
    for group in settings(rows):
        columns = flat(group[0], plan)
        points.append({name: columns[name] for name in ("kind", "length")} | means(group))
    marks = {}  # by training: a setting that is selected under several names has one mark
    for name in (*DEFAULTS, *_trades_of(shown)):
        if name in shown["named"]:
            group = shown["named"][name]
            mark = marks.setdefault(group[0]["training"], {"labels": []} | means(group))
            mark["labels"].append(shown["labels"][name])
    return {
        "settings": points,
        "front": front([(point["latency"], point["accuracy"]) for point in points]),
        "marks": [
            {"label": " = ".join(mark["labels"]), "latency": mark["latency"], "accuracy": mark["accuracy"]}
            for mark in marks.values()
        ],
        "how": shown["how"],
    }


# Where the cycles go.


def _timeline(shown):
    """Section "timeline": the default, and the trade that may vary the most."""
    names = [name for name in ("default", *_trades_of(shown)[-1:]) if name in shown["named"]]
    parts = [_timeline_part(shown["named"][name], shown["labels"][name]) for name in names]
    if not parts:
        return {"missing": "Neither the default nor a faster setting has a finished point."}
    return {"parts": parts, "how": shown["how"]}


def _timeline_part(rows, label):
    network = rows[0]["point"]["network"]
    timelines = [row["result"]["test"]["timeline"] for row in rows]
    begins, added, fires, ends = (
        np.mean([timeline[name] for timeline in timelines], axis=0) for name in ("begins", "added", "fires", "ends")
    )
    layers = topology.parse(network["topology"], network["input_shape"], network["padding"])
    return {
        "label": label,
        "settings": describe(rows[0]["point"]).rsplit(", ", 2)[0],
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


def _power(shown, clock_mhz, constants=None):
    """Section "power": modelled energy, and images per joule."""
    named, labels = shown["named"], shown["labels"]
    if "default" not in named:
        return {"missing": "The default has no finished point."}
    listed = [
        (labels[name], named[name], "pipelined") for name in ("default", "named", *_trades_of(shown)) if name in named
    ]
    last = next((name for name in ("priced", "steps", "leak") if name in named), "default")
    for name in dict.fromkeys(["default", last]):
        for schedule in schedules_of(named[name]):
            listed.append((f"{labels[name]}, {schedule} schedule", named[name], schedule))
    reference = cost(named["default"])
    given = constants or {}
    return {
        "lines": [_power_line(*setting, reference, clock_mhz, constants) for setting in listed],
        "constants": [
            (name, given.get(name, value), unit, "given" if name in given else source)
            for name, (value, unit, source) in energy.CONSTANTS.items()
        ],
        "clock_mhz": clock_mhz,
        "how": shown["how"],
    }


def _power_line(label, rows, schedule, reference, clock_mhz, constants):
    events, interval = cost(rows, schedule)
    ratio, low, high = energy.sensitivity((events, interval), reference, clock_mhz, constants)
    tests = [row["result"]["test"] for row in rows]
    latencies = [test["latency"] if schedule == "pipelined" else test[schedule]["latency"] for test in tests]
    latency = float(np.mean(latencies))
    static = (constants or {}).get("static", energy.CONSTANTS["static"][0])
    return {
        "label": label,
        "accuracy": test_mean(rows, "accuracy"),
        "latency": latency,
        "latency_us": latency / clock_mhz,
        "fps": clock_mhz * 1e6 / interval,
        "dynamic": sum(energy.energy(events, constants).values()),
        "static": static * interval / (clock_mhz * 1e6),
        "fps_per_watt": energy.fps_per_watt(events, interval, clock_mhz, constants),
        "ratio": ratio,
        "low": low,
        "high": high,
        "seeds": len(rows),
    }


# Claims.


def _claims(plan, so_far, clock_mhz, constants):
    """Section "claims": their list, the floors of the defaults, and the selected settings that they rest on."""
    if plan is None:
        return {"missing": NO_CLAIMS}
    selected = so_far.selected
    return {
        "list": claims(selected, plan, clock_mhz, constants, so_far.lacks),
        "floors": {LABELS[name]: floor(selected[name]) for name in DEFAULTS if name in selected},
        "settled": {name: _by_seed(group) for name, group in selected.items()},
    }


def _by_seed(rows):
    """Return the settings of rows, and their results seed by seed."""
    tests = [row["result"]["test"] for row in rows]
    return {
        "settings": settings_of(rows[0]),
        "seeds": [row["point"]["training"]["seed"] for row in rows],
        "validation_accuracy": [float(validation(row)["accuracy"]) for row in rows],
        "accuracy": [float(test["accuracy"]) for test in tests],
        "latency": [float(test["latency"]) for test in tests],
        "firing_rate": [firing_rate(row) for row in rows],
    }


# Pitfalls.


def _pitfalls(plan, rows, shown, so_far, noted=None):
    """Section "pitfalls": how known mistakes change the results."""
    screened = [row for row in rows if plan is None or row["point"]["training"]["epochs"] == plan.screening]
    selected = so_far.selected if so_far else {}
    lines = _first_step(shown) + _equal_scale(selected) + list(noted or []) + _chosen_by_test(screened)
    bias = optimism(screened)
    if not lines and not bias:
        return {"missing": "No finished point can show a pitfall yet."}
    return {"lines": lines, "optimism": bias}


def _first_step(shown):
    """Return lines that compare the answer after step 0 with the answer after all steps."""
    lines = []
    for name in ("default", *_trades_of(shown)):
        rows = shown["named"].get(name, [])
        by_step = [row["result"]["test"].get("accuracy_by_step") for row in rows]
        if rows and all(by_step) and len(by_step[0]) > 1:
            lines.append(
                {
                    "pitfall": "accuracy read after step 0 instead of after all steps",
                    "setting": shown["labels"][name],
                    "honest": {"accuracy": test_mean(rows, "accuracy")},
                    "wrong": {"accuracy": float(np.mean([accuracies[0] for accuracies in by_step]))},
                    "seeds": len(rows),
                }
            )
    return lines


def _equal_scale(selected):
    """Return a line that compares fast sigmoids with the arctangent's width (right) and its scale (wrong)."""
    if not {"atan", "wide", "same scale"} <= selected.keys():
        return []
    atan, rate = selected["atan"][0]["point"]["network"]["surrogate"], means(selected["atan"])["firing_rate"]
    return [
        {
            "pitfall": "fast sigmoid of equal scale instead of equal width",
            "setting": f"compared with {atan}, firing rate {100 * rate:.2f} %",
            "honest": _numbers_of(selected["wide"]),
            "wrong": _numbers_of(selected["same scale"]),
            "seeds": len(selected["wide"]),
        }
    ]


def _chosen_by_test(rows):
    """Return a line that compares the most accurate point on validation (right) with that on test images (wrong)."""
    rows = [row for row in rows if row["result"]["validation"]]
    if len(rows) < 2:
        return []
    by_validation, by_test = (
        max(rows, key=lambda row: row["result"][part]["accuracy"]) for part in ("validation", "test")
    )
    return [
        {
            "pitfall": "best point chosen on the test images instead of validation",
            "setting": f"among {len(rows)} points",
            "honest": _numbers_of([by_validation]),
            "wrong": _numbers_of([by_test]),
            "seeds": 1,
        }
    ]


def _numbers_of(rows):
    """Return the means of NUMBERS over rows."""
    all_means = means(rows)
    return {name: all_means[name] for name in NUMBERS}


def optimism(rows: list[dict], splits: int = SPLITS) -> dict[str, Any] | None:
    """Return the optimism bias from selecting a point on the images that its accuracy is reported on.

    In each of `splits`, a random half of the test images selects the most accurate point; the bias is its accuracy on
    this half less its accuracy on the other. ``mean`` and ``deviation`` are over splits; ``points, images, splits`` are
    counts. None if fewer than two points have the same test images.
    """
    right = _right_by_point(rows)
    if right is None:
        return None
    images, rng, bias = right.shape[1], np.random.default_rng(0), []
    for _ in range(splits):
        order = rng.permutation(images)
        selecting, other = right[:, order[: images // 2]], right[:, order[images // 2 :]]
        best = selecting.mean(axis=1).argmax()
        bias.append(selecting[best].mean() - other[best].mean())
    return {
        "mean": float(np.mean(bias)),
        "deviation": float(np.std(bias)),
        "points": len(right),
        "images": images,
        "splits": splits,
    }


def _right_by_point(rows):
    """Return which test images each point gets right, (points, images), for the largest group with equal images."""
    groups = Counter((row["point"]["data"]["digest"], row["result"]["test"]["images"]) for row in rows)
    if not groups or max(groups.values()) < 2:
        return None
    (digest, images), _ = groups.most_common(1)[0]
    bits = [
        bytes.fromhex(row["result"]["test"]["right"])
        for row in rows
        if (row["point"]["data"]["digest"], row["result"]["test"]["images"]) == (digest, images)
    ]
    return np.array([np.unpackbits(np.frombuffer(packed, np.uint8), count=images) for packed in bits])
