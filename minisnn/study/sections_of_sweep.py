"""Sections of the report of a sweep, which has no plan and so no default: what its points share and differ in."""

import numpy as np

from .. import surrogate as surrogates
from .intervals import Seeds
from .results import is_timed
from .sections import NUMBERS, power, timeline
from .tables import kind, largest, means, settings

NO_CLAIMS = "A sweep has no default to compare with; claims are checked by minisnn reproduce."
UNTIMED = "Points that pool currents have no cycles, and are in the last table alone."


def of_sweep(rows: list[dict], clock_mhz: float = 100.0, constants: dict[str, float] | None = None) -> dict[str, dict]:
    """Return all sections by name, described at :func:`minisnn.study.report.gather`; `rows` are all of a file."""
    done = [row for row in rows if row["status"] == "done"]
    rows = [row for row in done if is_timed(row["point"])]
    shown = _shown(rows)
    return {
        "scales": _scales(rows),
        "leaks": _leaks(rows),
        "trade": _trade(rows, shown),
        "timeline": timeline(shown),
        "power": power(shown, clock_mhz, constants),
        "claims": {"missing": NO_CLAIMS if len(rows) == len(done) else f"{NO_CLAIMS} {UNTIMED}"},
    }


def _shown(rows):
    """Return the most accurate setting of a sweep, and the fastest one within a point of accuracy."""
    if not rows:
        return {"named": {}, "labels": {}, "how": "", "lacks": "the file has no finished point"}

    def score(group, name):
        return float(np.mean([(row["result"]["validation"] or row["result"]["test"])[name] for row in group]))

    groups = settings(rows)
    best = max(groups, key=lambda group: (score(group, "accuracy"), -score(group, "latency")))
    near = [group for group in groups if score(group, "accuracy") >= score(best, "accuracy") - 0.01]
    has_validation = all(row["result"]["validation"] for row in rows)
    images = "validation" if has_validation else "the test images, because there are no validation images,"
    return {
        "named": {"default": Seeds(best), "steps": Seeds(min(near, key=lambda group: score(group, "latency")))},
        "labels": {"default": "most accurate", "steps": "fastest within a point"},
        "lacks": "",
        "how": f"The file has no plan, and so no default: these settings were chosen on {images} among all points.",
    }


def _scales(rows):
    """Section "scales": accuracy and firing rate by surrogate."""
    varied = largest(rows, "surrogate")
    curves = [(surrogates.parse(group[0]["point"]["network"]["surrogate"]), means(group)) for group in settings(varied)]
    original = [(curve, found) for curve, found in curves if curve.gain == 1]
    if len(original) < 2:
        return {"missing": "This needs at least two points that differ only in the surrogate."}
    panels = (
        ("by scale", "scale (k of fast sigmoid, alpha of arctangent)", lambda curve: curve.scale),
        ("by half-width", "half-width (membrane)", lambda curve: curve.half_width),
    )
    return {"panels": [{"title": title, "xlabel": label, "series": _series(original, x)} for title, label, x in panels]}


def _series(points, x):
    """Return lists of (x, accuracy, firing rate) by family of surrogates, in the order of x."""
    series = {}
    for curve, numbers in sorted(points, key=lambda point: x(point[0])):
        series.setdefault(curve.name, []).append((x(curve), numbers["accuracy"], numbers["firing_rate"]))
    return series


def _leaks(rows):
    """Section "leaks": accuracy, firing rate and latency by beta and threshold."""
    varied = largest(rows, "beta", "threshold")
    groups = {}
    for group in settings(varied):
        network = group[0]["point"]["network"]
        pair = network["beta"], network["threshold"]
        if not any(isinstance(value, list) for value in pair):  # values by layer have no place on an axis
            groups[pair] = means(group)
    if len(groups) < 2:
        return {"missing": "This needs at least two points that differ only in beta and threshold."}
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


def _trade(rows, shown):
    """Section "trade": accuracy against latency."""
    if not rows:
        return {"missing": "The file has no finished point."}
    points = [{"kind": kind(group[0]["point"], None)} | means(group) for group in settings(rows)]
    marks = [{"label": shown["labels"][name]} | means(seeds.rows) for name, seeds in shown["named"].items()]
    return {
        "settings": points,
        "front": front([(point["latency"], point["accuracy"]) for point in points]),
        "marks": [{name: mark[name] for name in ("label", "latency", "accuracy")} for mark in marks],
        "how": shown["how"],
    }


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
