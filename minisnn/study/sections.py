"""The sections of a study's report, as plain numbers: what was chosen, and what each figure and table shows.

Numbers of a setting are means over its seeds, and of the test images unless they are called validation. Nothing is
chosen by a test result but where a section says so, to show what that does.
"""

from collections import Counter

import numpy as np

from .. import surrogate as surrogates
from .. import topology
from ..errors import InputError
from ..timing import energy
from . import stages as study
from .claims import DEFAULTS, LABELS, claims, cost, firing_rate, floor, test
from .tables import describe, flat, largest, means, settings

SPLITS = 200  # of the test images, to measure what selection on them does
NUMBERS = ("accuracy", "firing_rate", "latency")


def of_study(plan, rows, clock_mhz=100.0, constants=None, pitfalls=None):
    """All sections.

    Parameters
    ----------
    plan : Plan or None
        None of a sweep without one.
    rows : list of rows
        Those that are done.
    clock_mhz : float
    constants : dict, optional
        Of the energy model, as of :func:`minisnn.timing.energy.load_constants`.
    pitfalls : list of dict, optional
        What :func:`minisnn.study.pitfalls` noted.

    Returns
    -------
    sections : dict
        By name, as :func:`minisnn.study.report.gather` tells.

    Examples
    --------
    >>> found = of_study(None, [])
    >>> sorted(found)
    ['claims', 'leaks', 'pitfalls', 'power', 'scales', 'timeline', 'trade']
    >>> found["claims"]["missing"]
    'A sweep has no default to compare with; the claims are those of minisnn reproduce.'
    """
    chosen = _choose(plan, rows)
    return {
        "scales": _scales(plan, rows),
        "leaks": _leaks(plan, rows),
        "trade": _trade(plan, rows, chosen),
        "timeline": _timeline(chosen),
        "power": _power(chosen, clock_mhz, constants),
        "claims": _claims(plan, rows, clock_mhz, constants),
        "pitfalls": _pitfalls(plan, rows, pitfalls),
    }


def _choose(plan, rows):
    """What sections of one or two settings show.

    Returns
    -------
    chosen : dict
        ``named``: dict of rows by seed, by name, the reference first; ``labels``; ``full``: whether they are those that
        claims rest on; ``how``: a sentence.
    """
    if not rows:
        return {"named": {}, "labels": {}, "full": False, "how": ""}
    if plan is None:
        return _choose_alone(rows)
    named = _settled(plan, rows)
    if "default" in named:
        return {
            "named": {name: named[name] for name in LABELS if name in named},
            "labels": LABELS,
            "full": True,
            "how": "Chosen on validation; full length, mean over the seeds.",
        }
    return _choose_screened(plan, study.Rows(plan, rows))


def _choose_screened(plan, among):
    """Before the last stage has ended: by the screening."""
    try:
        named = {"default": [among.default()], "named": among.screened(surrogate=f"fast_sigmoid:{plan.fast_sigmoid:g}")}
    except (InputError, ValueError):  # there is no row of the best scale, or more than one
        return {"named": {}, "labels": LABELS, "full": False, "how": ""}
    best, steps = among.best("fast_sigmoid"), plan.training["num_steps"]
    free = among.screened(beta=any, threshold=any, rate_penalty=any, num_steps=any)
    groups = {
        "leak": lambda of: of["num_steps"] == steps and not of["rate_penalty"] and of["surrogate"] == best,
        "priced": lambda of: of["num_steps"] == steps,
        "steps": lambda of: True,
    }
    named |= {
        name: among.trades([row for row in free if fits(study.of(row))], 1, plan.tolerance)
        for name, fits in groups.items()
    }
    different = {}
    for name, found in named.items():  # a stage that has not begun has nothing but the default
        if found and found not in different.values():
            different[name] = found
    return {
        "named": different,
        "labels": LABELS,
        "full": False,
        "how": "The study is not finished: chosen on validation in the screening, of one seed and fewer epochs. "
        "Claims do not rest on these.",
    }


def _choose_alone(rows):
    def judged(group, name):
        parts = [row["result"]["validation"] or row["result"]["test"] for row in group]
        return float(np.mean([part[name] for part in parts]))

    groups = settings(rows)
    best = max(groups, key=lambda group: (judged(group, "accuracy"), -judged(group, "latency")))
    near = [group for group in groups if judged(group, "accuracy") >= judged(best, "accuracy") - 0.01]
    on = (
        "validation"
        if all(row["result"]["validation"] for row in rows)
        else "the test images, for want of validation images,"
    )
    return {
        "named": {"default": best, "steps": min(near, key=lambda group: judged(group, "latency"))},
        "labels": {"default": "most accurate", "steps": "fastest within a point"},
        "full": False,
        "how": f"The file has no plan, so no default: chosen on {on} among all points.",
    }


def _settled(plan, rows):
    """Of :meth:`minisnn.study.stages.Rows.settled`; {} without a plan, or before its first stage."""
    try:
        return {} if plan is None else study.Rows(plan, rows).settled()
    except InputError:
        return {}


def _trades_of(chosen):
    """Names of what is compared with the default, in the order of what may be changed."""
    return [name for name in ("paper", "leak", "priced", "steps") if name in chosen["named"]]


def _scales(plan, rows):
    """Accuracy and firing rate by surrogate.

    Returns
    -------
    section : dict
        ``panels``: list of {title, xlabel, series: dict of list of (x, accuracy, firing rate) by family}; or
        ``missing``.
    """
    if plan is None:
        found = largest(rows, "surrogate")
    else:
        found = study.Rows(plan, rows).screened()
    found = [(surrogates.parse(group[0]["point"]["network"]["surrogate"]), means(group)) for group in settings(found)]
    named = [(curve, numbers) for curve, numbers in found if curve.gain == 1]
    if plan is not None:
        wanted = {*plan.scales, plan.fast_sigmoid, plan.atan}
        exact = [(curve, numbers) for curve, numbers in named if curve.scale in wanted]
    else:
        exact = named
    if len({curve.name for curve, _ in exact}) < 1 or len(exact) < 2:
        return {
            "missing": "At least two points that differ in the surrogate alone are needed"
            + (" (stage 1)." if plan else ".")
        }
    matched = [(curve, numbers) for curve, numbers in found if curve.name != "fast_sigmoid" or _as_high(curve, found)]
    parts = (
        ("as named", "scale (k of fast sigmoid, alpha of arctangent)", exact, lambda curve: curve.scale),
        ("by half-width", "half-width (membrane)", named, lambda curve: curve.half_width),
        ("by half-width, equally high", "half-width (membrane)", matched, lambda curve: curve.half_width),
    )
    return {
        "panels": [
            {"title": title, "xlabel": label, "series": _series(curves, x)}
            for title, label, curves, x in parts
            if curves
        ]
    }


def _as_high(curve, found):
    """Whether some arctangent of the study has this width and height."""
    return any(
        other.name == "atan" and str(surrogates.match_width_and_height("fast_sigmoid", other)) == str(curve)
        for other, _ in found
    )


def _series(curves, x):
    series = {}
    for curve, numbers in sorted(curves, key=lambda each: x(each[0])):
        series.setdefault(curve.name, []).append((x(curve), numbers["accuracy"], numbers["firing_rate"]))
    return series


def _leaks(plan, rows):
    """Beta x threshold.

    Returns
    -------
    section : dict
        ``betas, thresholds``; ``accuracy, firing_rate, latency``: lists of rows (beta) of values, None where there is
        no point; ``surrogate``; or ``missing``.
    """
    if plan is None:
        found = largest(rows, "beta", "threshold")
    else:
        among = study.Rows(plan, rows)
        try:
            found = among.screened(surrogate=among.best("fast_sigmoid"), beta=any, threshold=any)
        except InputError:
            found = []
    groups = {}
    for group in settings(found):
        network = group[0]["point"]["network"]
        pair = network["beta"], network["threshold"]
        if not any(isinstance(value, list) for value in pair):  # by layer: no place on an axis
            groups[pair] = means(group)
    if len(groups) < 2:
        return {
            "missing": "At least two points that differ in beta and threshold alone are needed"
            + (" (stage 2)." if plan else ".")
        }
    betas, thresholds = (sorted({pair[i] for pair in groups}) for i in (0, 1))
    return {
        "betas": betas,
        "thresholds": thresholds,
        "surrogate": found[0]["point"]["network"]["surrogate"],
        **{
            name: [[groups[b, t][name] if (b, t) in groups else None for t in thresholds] for b in betas]
            for name in NUMBERS
        },
    }


def front(points):
    """The Pareto front: settings to which no other is at least as good in both and better in one.

    Parameters
    ----------
    points : list of (latency, accuracy)

    Returns
    -------
    front : list of (latency, accuracy)
        By latency.

    Examples
    --------
    >>> front([(500, 0.90), (400, 0.88), (600, 0.89), (400, 0.85)])
    [(400, 0.88), (500, 0.9)]
    """
    best, found = -np.inf, []
    for latency, accuracy in sorted(set(points), key=lambda each: (each[0], -each[1])):
        if accuracy > best:
            found.append((latency, accuracy))
            best = accuracy
    return found


def _trade(plan, rows, chosen):
    """Accuracy against latency.

    Returns
    -------
    section : dict
        ``settings``: list of {kind, length, latency, accuracy, ..._range, seeds}; ``front``: of these; ``marks``:
        list of {label, latency, accuracy}, settings that are chosen under several names once; or ``missing``.
    """
    if not rows:
        return {"missing": "The file has no finished point."}
    found = []
    for group in settings(rows):
        numbers = flat(group[0], plan)
        found.append({name: numbers[name] for name in ("kind", "length")} | means(group))
    marks = {}
    for name in [name for name in (*DEFAULTS, *_trades_of(chosen)) if name in chosen["named"]]:
        group = chosen["named"][name]
        mark = marks.setdefault(group[0]["training"], {"labels": []} | means(group))
        mark["labels"].append(chosen["labels"][name])
    marks = [
        {"label": " = ".join(mark["labels"]), "latency": mark["latency"], "accuracy": mark["accuracy"]}
        for mark in marks.values()
    ]
    return {
        "settings": found,
        "front": front([(each["latency"], each["accuracy"]) for each in found]),
        "marks": marks,
        "how": chosen["how"],
    }


def _timeline(chosen):
    """Where the cycles go: the default, and the trade that may change the most.

    Returns
    -------
    section : dict
        ``parts``: list of {label, latency, layers, adds, waits, fires (by layer), begins, added, fires_at, ends (by
        layer and step)}; or ``missing``.
    """
    names = [name for name in ("default", *_trades_of(chosen)[-1:]) if name in chosen["named"]]
    parts = [_timeline_of(chosen["named"][name], chosen["labels"][name]) for name in names]
    if not parts:
        return {"missing": "Neither the default nor a trade has a finished point."}
    return {"parts": parts, "how": chosen["how"]}


def _timeline_of(rows, label):
    tests, network = [row["result"]["test"] for row in rows], rows[0]["point"]["network"]
    begins, added, fires, ends = (
        np.mean([each["timeline"][name] for each in tests], axis=0) for name in ("begins", "added", "fires", "ends")
    )
    layers = topology.parse(network["topology"], network["input_shape"], network["padding"])
    return {
        "label": label,
        "settings": describe(rows[0]["point"]).rsplit(", ", 2)[0],
        "latency": test(rows, "latency"),
        "layers": [layer.name for layer in layers],
        "lanes": rows[0]["result"]["lanes"],
        "begins": begins.tolist(),
        "added": added.tolist(),
        "fires_at": fires.tolist(),
        "ends": ends.tolist(),
        "adds": (added - begins).sum(axis=1).tolist(),
        "waits": (fires - added).sum(axis=1).tolist(),
        "fires": (ends - fires).sum(axis=1).tolist(),
    }


def _power(chosen, clock_mhz, constants=None):
    """Modelled energy and images a joule.

    Returns
    -------
    section : dict
        ``lines``: list of dict; ``constants``: list of (name, value, unit, source); ``clock_mhz``; or ``missing``.
    """
    named, labels = chosen["named"], chosen["labels"]
    if "default" not in named:
        return {"missing": "The default has no finished point."}
    reference = cost(named["default"])
    listed = [
        (labels[name], named[name], "pipelined") for name in ("default", "named", *_trades_of(chosen)) if name in named
    ]
    last = next((name for name in ("priced", "steps", "leak") if name in named), None)
    for name in dict.fromkeys(["default", last] if last else ["default"]):
        listed += [
            (f"{labels[name]}, {schedule} schedule", named[name], schedule) for schedule in ("dense", "layerwise")
        ]
    static = (constants or {}).get("static", energy.CONSTANTS["static"][0])
    lines = []
    for label, rows, schedule in listed:
        events, interval = cost(rows, schedule)
        ratio, low, high = energy.sensitivity((events, interval), reference, clock_mhz, constants)
        results = [row["result"]["test"] for row in rows]
        latency = float(
            np.mean([each["latency"] if schedule == "pipelined" else each[schedule]["latency"] for each in results])
        )
        lines.append(
            {
                "label": label,
                "accuracy": test(rows, "accuracy"),
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
        )
    table = [
        (name, (constants or {}).get(name, value), unit, "given" if name in (constants or {}) else source)
        for name, (value, unit, source) in energy.CONSTANTS.items()
    ]
    return {"lines": lines, "constants": table, "clock_mhz": clock_mhz, "how": chosen["how"]}


def _claims(plan, rows, clock_mhz, constants):
    """``list``: of ``claims.claims``; ``floor``: of ``claims.floor``, by default."""
    if plan is None:
        return {"missing": "A sweep has no default to compare with; the claims are those of minisnn reproduce."}
    settled = _settled(plan, rows)
    floors = {LABELS[name]: floor(settled[name]) for name in DEFAULTS if name in settled}
    return {
        "list": claims(settled, plan, clock_mhz, constants),
        "floors": floors,
        "settled": {
            name: {
                "settings": study.of(found[0]),
                "seeds": [row["point"]["training"]["seed"] for row in found],
                **{
                    key: [float(value) for value in values]
                    for key, values in (
                        ("validation_accuracy", [study.validation(row)["accuracy"] for row in found]),
                        ("accuracy", [row["result"]["test"]["accuracy"] for row in found]),
                        ("latency", [row["result"]["test"]["latency"] for row in found]),
                        ("firing_rate", [firing_rate(row) for row in found]),
                    )
                },
            }
            for name, found in settled.items()
        },
    }


def _pitfalls(plan, rows, noted=None):
    """What known mistakes do to the figures.

    Parameters
    ----------
    plan : Plan or None
    rows : list
        That are done.
    noted : list of dict, optional
        Further lines: {pitfall, setting, honest, wrong, seeds}, honest and wrong of some of accuracy, latency,
        firing_rate.

    Returns
    -------
    section : dict
        ``lines``: list of such dicts; ``optimism``: of :func:`optimism`, or None; or ``missing``.
    """
    lines = _one_step(_choose(plan, rows)) + _equal_scale(plan, rows) + list(noted or [])
    screened = [row for row in rows if plan is None or row["point"]["training"]["epochs"] == plan.screening]
    lines += _selection(screened)
    bias = optimism(screened)
    if not lines and not bias:
        return {"missing": "No point is finished that could show one."}
    return {"lines": lines, "optimism": bias}


def _one_step(chosen):
    lines = []
    for name in ("default", *_trades_of(chosen)):
        rows = chosen["named"].get(name, [])
        by_step = [row["result"]["test"].get("accuracy_by_step") for row in rows]
        if rows and all(by_step) and len(by_step[0]) > 1:
            lines.append(
                {
                    "pitfall": "accuracy read at the first step instead of all",
                    "setting": chosen["labels"][name],
                    "honest": {"accuracy": test(rows, "accuracy")},
                    "wrong": {"accuracy": float(np.mean([each[0] for each in by_step]))},
                    "seeds": len(rows),
                }
            )
    return lines


def _equal_scale(plan, rows):
    """Fast sigmoid relative to the arctangent: of equal width (honest), and of equal scale."""
    settled = _settled(plan, rows)
    if not {"atan", "wide", "same scale"} <= settled.keys():
        return []
    atan, rate = settled["atan"][0]["point"]["network"]["surrogate"], means(settled["atan"])["firing_rate"]
    parts = [{name: means(settled[each])[name] for name in NUMBERS} for each in ("wide", "same scale")]
    return [
        {
            "pitfall": "fast sigmoid of equal scale instead of equal width",
            "setting": f"beside {atan}, which fires {100 * rate:.2f} %",
            "honest": parts[0],
            "wrong": parts[1],
            "seeds": len(settled["wide"]),
        }
    ]


def _selection(rows):
    """The most accurate point, by validation and by test."""
    rows = [row for row in rows if row["result"]["validation"]]
    if len(rows) < 2:
        return []
    honest, wrong = (max(rows, key=lambda row: row["result"][part]["accuracy"]) for part in ("validation", "test"))
    parts = [{name: means([row])[name] for name in NUMBERS} for row in (honest, wrong)]
    return [
        {
            "pitfall": "best point chosen on the test images instead of validation",
            "setting": f"of {len(rows)} points",
            "honest": parts[0],
            "wrong": parts[1],
            "seeds": 1,
        }
    ]


def optimism(rows, splits=SPLITS):
    """What it adds to a point's accuracy that it was chosen on the images that are told of.

    Half of the test images, at random, choose the best of the points; the other half say what it is worth.

    Parameters
    ----------
    rows : list of dict
        Of :meth:`minisnn.study.store.Store.rows`; ``right`` of their test results tells which images were right.
    splits : int
        How often the images are halved.

    Returns
    -------
    found : dict or None
        ``mean``: accuracy on the choosing half less that on the other, mean over the splits; ``deviation``: of a split;
        ``points, images, splits``. None if there are fewer than two points of the same images.

    Examples
    --------
    30 points that are equally good, 80 %, each on 400 images: the best of them seems to be better, by luck alone.

    >>> rng, rows = np.random.default_rng(0), []
    >>> for _ in range(30):
    ...     right = np.packbits(rng.random(400) < 0.8).tobytes().hex()
    ...     rows.append({"point": {"data": {"digest": ""}}, "result": {"test": {"images": 400, "right": right}}})
    >>> found = optimism(rows)
    >>> 0.02 < found["mean"] < 0.08
    True
    """
    tests = [row["result"]["test"] for row in rows]
    counts = Counter((row["point"]["data"]["digest"], each["images"]) for row, each in zip(rows, tests))
    if not counts or max(counts.values()) < 2:
        return None
    same, _ = counts.most_common(1)[0]
    right = np.array(
        [
            np.unpackbits(np.frombuffer(bytes.fromhex(each["right"]), np.uint8), count=each["images"])
            for row, each in zip(rows, tests)
            if (row["point"]["data"]["digest"], each["images"]) == same
        ]
    )
    images, rng, bias = right.shape[1], np.random.default_rng(0), []
    for _ in range(splits):
        order = rng.permutation(images)
        choosing, other = right[:, order[: images // 2]], right[:, order[images // 2 :]]
        best = choosing.mean(axis=1).argmax()
        bias.append(choosing[best].mean() - other[best].mean())
    return {
        "mean": float(np.mean(bias)),
        "deviation": float(np.std(bias)),
        "points": len(right),
        "images": images,
        "splits": splits,
    }
