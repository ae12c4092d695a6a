"""Claims of Aliyev & Adegbija (DATE 2024), each with a verdict that is computed from the numbers.

A claim has one or more tests, each of which compares a number with a bar. It holds if every seed passes all its tests;
if their means do, but not every seed, the verdict says how many. It is open until the whole study is there, and nothing
holds against a network that has hardly learned: silence is fast. The settings were selected on validation
(:mod:`minisnn.study.progress`); all numbers here are results on test images.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import topology
from ..timing import energy
from .plan import PAPER_LOSS, Plan

CUT, CUT_WITH_STEPS = 0.48, 0.70  # bars of the latency saved: with the default's T, and with fewer steps
RATIO = 1.9  # bar of the ratio of images per joule
MUCH_LESS = 0.1  # accuracy; a network that is worse by this much has learned too little to compare with
HOLDS, FAILS, OPEN, MODEL = "holds", "does not hold here", "open", "cannot be reproduced by a model"
UNFAIR = "no fair comparison"  # it would hold, but only against a network that has hardly learned
DEFAULTS = ("default", "named")

LABELS = {  # display name of each selected setting
    "default": "default, best scale",
    "named": "default, snnTorch's scale",
    "paper": "beta, threshold (paper's loss)",
    "leak": "beta, threshold",
    "priced": "beta, threshold, surrogate, penalty",
    "steps": "beta, threshold, surrogate, penalty, T",
    "atan": "arctangent, best scale",
    "atan named": "arctangent, snnTorch's scale",
    "wide": "fast sigmoid as wide as the arctangent",
    "same scale": "fast sigmoid at the arctangent's scale",
}
FIRES_LESS = "the fast sigmoid has a lower firing rate than the arctangent, at similar accuracy"
CUTS = "a cross-sweep of beta and threshold cuts latency by 48 % against the default, for 2.88 points of accuracy"
EFFICIENT = "1.72 times the FPS/W of prior accelerators"


def claims(
    selected: dict[str, list[dict]],
    plan: Plan,
    clock_mhz: float,
    constants: dict[str, float] | None = None,
    lacks: str = "",
) -> list[dict]:
    """Return all claims of a study; those whose selected settings are missing are open.

    Each claim is a dict of

    - ``group``, "firing", "latency" or "efficiency"; ``paper``, the paper's sentence or ""; ``what``, what is compared
    - ``tests``, list of {what, unit, sense, bar, mean, by_seed}
    - ``range``, of the first test's mean if the energy model's constants are off by a factor of up to 2; or None
    - ``verdict``; ``passed``, the number of seeds that pass all tests, of ``seeds``; ``note``

    `constants` are those of :func:`minisnn.timing.energy.load_constants`; `lacks` is what keeps claims open, of
    :class:`minisnn.study.progress.Progress`.
    """
    all_claims = [
        *_firing_claims(selected, plan),
        *_latency_claims(selected, plan),
        _board_claim(),
        *_efficiency_claims(selected, plan, clock_mhz, constants),
    ]
    return [claim | {"note": claim["note"] or (lacks if claim["verdict"] == OPEN else "")} for claim in all_claims]


def _firing_claims(selected, plan):
    pairs = (
        ("default", "atan", "each at its best scale"),
        ("named", "atan named", f"at snnTorch's scales ({plan.fast_sigmoid:g} and {plan.atan:g})"),
        ("same scale", "atan", "at equal scale (the arctangent's best)"),
        ("wide", "atan", "at equal half-width (that of the arctangent at its best scale)"),
    )
    return [_fires_less(selected, *pair, plan.tolerance) for pair in pairs]


def _latency_claims(selected, plan):
    trades = (
        ("paper", CUT, PAPER_LOSS),
        ("leak", CUT, plan.tolerance),
        ("priced", CUT, plan.tolerance),
        ("steps", CUT_WITH_STEPS, plan.tolerance),
    )
    return [_cuts(selected, name, base, bar, loss) for base in DEFAULTS for name, bar, loss in trades]


def _board_claim():
    return {
        "group": "efficiency",
        "paper": EFFICIENT,
        "what": "this accelerator against those of other work",
        "tests": [],
        "range": None,
        "verdict": MODEL,
        "passed": 0,
        "seeds": 0,
        "note": "the paper compares boards; here energy is modelled, so only ratios between settings are meaningful",
    }


def _efficiency_claims(selected, plan, clock_mhz, constants):
    model = (clock_mhz, constants)
    between_settings = [
        _efficient(selected, name, base, "pipelined", RATIO, plan.tolerance, *model)
        for base in DEFAULTS
        for name in ("leak", "priced", "steps")
    ]
    between_schedules = [
        _efficient(selected, "priced", base, schedule, 1.0, None, *model)
        for base in ("priced", "default")
        for schedule in ("dense", "layerwise")
    ]
    return between_settings + between_schedules


def _fires_less(selected, name, other, how, tolerance):
    if not {name, other} <= selected.keys():
        return _open("firing", FIRES_LESS, how)
    ours, theirs = selected[name], selected[other]
    names = " against ".join(_short_surrogate(rows) for rows in (ours, theirs))
    our_rates, their_rates = _test_values(ours, "firing_rate"), _test_values(theirs, "firing_rate")
    rates = _ratio_test("ratio of firing rates", "x", "<", 1.0, our_rates, their_rates)
    return _claim("firing", FIRES_LESS, f"{how}: {names}", ours, theirs, [rates, _loss_test(ours, theirs, tolerance)])


def _short_surrogate(rows):
    """Return the name of a setting's surrogate with numbers of at most four digits."""
    family, *numbers = rows[0]["point"]["network"]["surrogate"].split(":")
    return ":".join([family, *(f"{float(number):.4g}" for number in numbers)])


def _cuts(selected, name, base, bar, loss):
    what = f"{LABELS[name]}; against {LABELS[base]}"
    paper = CUTS if name == "paper" else ""
    if not {name, base} <= selected.keys():
        return _open("latency", paper, what)
    ours, theirs = selected[name], selected[base]
    latencies = _test_values(ours, "latency"), _test_values(theirs, "latency")
    cut = _ratio_test("latency cut", "%", ">=", bar, *latencies, lambda ratio: 1 - ratio)
    tests = [cut, _loss_test(ours, theirs, loss)]
    return _claim("latency", paper, what, ours, theirs, tests, note=_reach_note(theirs, name, cut))


def _efficient(selected, name, base, schedule, bar, tolerance, clock_mhz, constants):
    """Claim that a setting, pipelined, computes more images per joule than the base with the given schedule."""
    base_label = "the same network" if base == name else LABELS[base]
    against = LABELS[base] if schedule == "pipelined" else f"the {schedule} schedule of {base_label}"
    what = f"{LABELS[name]}; against {against}"
    if not {name, base} <= selected.keys():
        return _open("efficiency", "", what)
    ours, theirs = selected[name], selected[base]
    if schedule not in ("pipelined", *schedules_of(theirs)):
        note = f"the {schedule} schedule has not been computed for these points; run the study again"
        return _open("efficiency", "", what, note)

    def ratio(our_rows, their_rows):
        return energy.sensitivity(cost(our_rows), cost(their_rows, schedule), clock_mhz, constants)

    mean, low, high = ratio(ours, theirs)
    by_seed = [ratio([our_row], [their_row])[0] for our_row, their_row in zip(ours, theirs)]
    tests = [_test("ratio of FPS/W", "x", ">=" if bar > 1 else ">", bar, mean, by_seed)]
    if tolerance is not None:
        tests.append(_loss_test(ours, theirs, tolerance))
    if not passes(tests[0], mean):
        note = "the ratio is below its bar"
    elif passes(tests[0], low):
        note = "the ratio passes its bar, even at the low end of its range"
    else:
        note = "the ratio passes its bar, but not at the low end of its range"
    return _claim("efficiency", "", what, ours, theirs, tests, (low, high), note)


def _claim(group, paper, what, ours, theirs, tests, bounds=None, note=""):
    """Return a claim with its verdict."""
    seeds = len(tests[0]["by_seed"])
    passed = sum(all(passes(test, test["by_seed"][seed]) for test in tests) for seed in range(seeds))
    weak = _weak_note(group, ours, theirs)
    return {
        "group": group,
        "paper": paper,
        "what": what,
        "tests": tests,
        "range": bounds,
        "verdict": _verdict(tests, passed, seeds, weak),
        "passed": passed,
        "seeds": seeds,
        "note": "; ".join(filter(None, (weak, note))),
    }


def _verdict(tests, passed, seeds, weak):
    """Return the verdict of tests that so many of the seeds pass; `weak` says why the comparison is not fair, or ""."""
    if not passed or not all(passes(test, test["mean"]) for test in tests):
        return FAILS
    if weak:
        return UNFAIR
    return HOLDS if passed == seeds else f"{HOLDS} in {passed} of {seeds} seeds"


def _open(group, paper, what, note=""):
    """Return a claim without evidence."""
    return {
        "group": group,
        "paper": paper,
        "what": what,
        "tests": [],
        "range": None,
        "verdict": OPEN,
        "passed": 0,
        "seeds": 0,
        "note": note,
    }


def _test(what, unit, sense, bar, mean, by_seed):
    return {
        "what": what,
        "unit": unit,
        "sense": sense,
        "bar": bar,
        "mean": float(mean),
        "by_seed": [float(value) for value in by_seed],
    }


def _ratio_test(what, unit, sense, bar, ours, theirs, change: Callable = lambda ratio: ratio):
    """Return the test of a ratio of means, with the ratio of each seed beside it."""
    return _test(what, unit, sense, bar, change(ours.mean() / theirs.mean()), change(ours / theirs))


def _loss_test(ours, theirs, bar):
    """Return the test that at most `bar` of accuracy is lost."""
    lost = _test_values(theirs, "accuracy") - _test_values(ours, "accuracy")
    return _test("accuracy lost", "points", "<=", bar, lost.mean(), lost)


def passes(test: dict, value: float) -> bool:
    """Return True if a value passes the bar of a claim's test; rounding errors decide nothing."""
    bar = test["bar"]
    return {"<": value < bar, ">": value > bar, "<=": value <= bar + 1e-12, ">=": value >= bar - 1e-12}[test["sense"]]


def _weak_note(group, ours, theirs):
    """Return a note if the network compared with has learned so little that its few spikes mean nothing."""
    our_accuracy, their_accuracy = test_mean(ours, "accuracy"), test_mean(theirs, "accuracy")
    chance = 1 / theirs[0]["point"]["network"]["classes"]
    what, number = ("arctangent", "firing rate") if group == "firing" else ("default", "latency")
    right = f"{100 * their_accuracy:.1f} % of the test images are right"
    if our_accuracy - their_accuracy >= MUCH_LESS:
        return (
            f"the {what} has learned much less: {right}, against {100 * our_accuracy:.1f} %, so its low {number} means "
            "little"
        )
    if their_accuracy - chance < MUCH_LESS:
        return f"the {what} has hardly learned: {right}, where guesses give {100 * chance:.1f} %"
    return ""


def _reach_note(base, name, cut):
    """Return a note that compares a bar that was missed with the most that any training could reach."""
    bound = floor(base)
    if passes(cut, cut["mean"]) or not bound:
        return ""
    most = bound["cut_with_steps" if name == "steps" else "cut"]
    return (
        f"no training could cut more than {100 * most:.1f} %, because the pixels' additions are the same for all "
        f"settings: the bar is {'within' if most >= cut['bar'] else 'beyond'} reach"
    )


def floor(rows: list[dict]) -> dict[str, float] | None:
    """Return the cycles that no training can save, because they depend on the pixels only.

    `rows` are the seeds of one setting. The result is None unless its coding is direct; else ``additions`` of the
    pixels in layer 1; ``whole``, from the first pixel to the last addition plus T firing passes of layer 1;
    ``one_step``, the same with one firing pass; the mean ``latency``; and the largest shares of it that could be cut,
    ``cut`` with this T and ``cut_with_steps`` with a single step.
    """
    if any(row["point"]["training"]["encoding"] != "direct" for row in rows):
        return None
    times = [row["result"]["test"]["timeline"] for row in rows]
    last, first = (float(np.mean([time[name][0][0] for time in times])) for name in ("added", "begins"))
    firing_pass = rows[0]["result"]["test"]["firing_cycles"][0]
    steps, latency = rows[0]["point"]["training"]["num_steps"], test_mean(rows, "latency")
    whole, one_step = last + steps * firing_pass, last + firing_pass
    return {
        "additions": last - first,
        "whole": whole,
        "one_step": one_step,
        "latency": latency,
        "cut": 1 - whole / latency,
        "cut_with_steps": 1 - one_step / latency,
    }


def test_mean(rows: list[dict], name: str) -> float:
    """Return the mean over rows of a test result: "accuracy", "latency", "interval", or "firing_rate"."""
    return float(np.mean(_test_values(rows, name)))


def _test_values(rows, name):
    """Test result of each row, an ndarray."""
    if name == "firing_rate":
        return np.array([firing_rate(row) for row in rows])
    return np.array([row["result"]["test"][name] for row in rows])


def firing_rate(row: dict, part: str = "test") -> float:
    """Return a row's spikes per neuron and step over all layers, so that layers count by their neurons."""
    network = row["point"]["network"]
    layers = topology.parse(network["topology"], network["input_shape"], network["padding"])
    return float(np.average(row["result"][part]["firing_rates"], weights=[layer.neurons for layer in layers]))


def schedules_of(rows: list[dict]) -> list[str]:
    """Return the schedules to compare with that all rows have results of."""
    return [name for name in ("dense", "layerwise") if all(name in row["result"]["test"] for row in rows)]


def cost(rows: list[dict], schedule: str = "pipelined") -> tuple[dict[str, Any], float]:
    """Return an image's events, of :func:`minisnn.timing.energy.count`, and the interval in cycles: means over rows."""
    tests = [row["result"]["test"] for row in rows]
    events = [test["events"][schedule] for test in tests]
    intervals = [test["interval"] if schedule == "pipelined" else test[schedule]["interval"] for test in tests]
    return {name: float(np.mean([counts[name] for counts in events])) for name in events[0]}, float(np.mean(intervals))
