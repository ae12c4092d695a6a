"""What Aliyev & Adegbija (DATE 2024) say, and whether it holds in a study: every verdict is computed from the numbers.

A claim is made of one or more tests, each of a number against a bar; it holds if the means over the seeds pass all of
them. Its settings were chosen on validation (``Rows.settled``); all numbers here are of the test
images.
"""

import numpy as np

from .. import topology
from ..timing import energy
from .stages import PAPER_LOSS

CUT, CUT_WITH_STEPS, RATIO = 0.48, 0.70, 1.9  # the bars: of latency at equal T, with T free; of images a joule
HARDLY = 0.1  # of accuracy: what learns so much less is no base to compare with
HOLDS, FAILS, OPEN, MODEL = "holds", "does not hold here", "not computed yet", "cannot be reproduced by a model"
DEFAULTS = ("default", "named")

LABELS = {  # of what settles, by its name
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
FIRES_LESS = "fast sigmoid fires less than arctangent, at similar accuracy"
CUTS = "a cross-sweep of beta and threshold cuts latency by 48 % for 2.88 points of accuracy, against the default"
EFFICIENT = "1.72 times the FPS/W of prior accelerators"


def claims(settled, plan, clock_mhz, constants=None):
    """All claims of a study.

    Parameters
    ----------
    settled : dict of list of rows
        Of :meth:`minisnn.study.stages.Rows.settled`: by seed. What is missing leaves its claims open.
    plan : Plan
    clock_mhz : float
    constants : dict, optional
        As of :func:`minisnn.timing.energy.load_constants`.

    Returns
    -------
    claims : list of dict
        ``group``: "firing", "latency" or "efficiency"; ``paper``: what it says, or ""; ``what``: what is compared;
        ``tests``: list of {what, unit, sense, bar, mean, by_seed}; ``range``: (least, greatest) value of the first
        test's mean if the energy model's constants are off by up to 2, or None; ``verdict``; ``passed``: seeds that
        pass all tests; ``seeds``; ``note``.

    Examples
    --------
    The cut must be 48 %, for a point of accuracy at most:

    >>> def rows(accuracy, latency):  # one seed
    ...     test = {"accuracy": accuracy, "latency": latency, "interval": latency,
    ...             "events": {"pipelined": {"cycles": latency}}}
    ...     return [{"point": {"training": {"encoding": "rate"}}, "result": {"test": test}}]
    >>> from minisnn.study.stages import plan_for
    >>> for accuracy, latency in ((0.895, 500), (0.895, 530), (0.88, 500)):
    ...     settled = {"default": rows(0.90, 1000), "leak": rows(accuracy, latency)}
    ...     claim = next(each for each in claims(settled, plan_for("digits"), 100.0) if len(each["tests"]) == 2)
    ...     print([round(test["mean"], 3) for test in claim["tests"]], claim["verdict"])
    [0.5, 0.005] holds
    [0.47, 0.005] does not hold here
    [0.5, 0.02] does not hold here
    """
    found = [
        _fires_less(settled, *pair, plan.tolerance)
        for pair in (
            ("default", "atan", "each at its best scale, as named"),
            ("named", "atan named", f"at snnTorch's scales ({plan.fast_sigmoid:g} and {plan.atan:g})"),
            ("same scale", "atan", "at equal scale, the arctangent's best"),
            ("wide", "atan", "at equal half-width, that of the arctangent's best"),
        )
    ]
    for base in DEFAULTS:
        found += [
            _cuts(settled, name, base, bar, loss)
            for name, bar, loss in (
                ("paper", CUT, PAPER_LOSS),
                ("leak", CUT, plan.tolerance),
                ("priced", CUT, plan.tolerance),
                ("steps", CUT_WITH_STEPS, plan.tolerance),
            )
        ]
    found.append(
        {
            "group": "efficiency",
            "paper": EFFICIENT,
            "what": "the accelerator against other work's",
            "tests": [],
            "range": None,
            "verdict": MODEL,
            "passed": 0,
            "seeds": 0,
            "note": "it compares boards; here energy is modelled, and only ratios between our settings mean anything",
        }
    )
    found += [
        _efficient(settled, name, "pipelined", base, "pipelined", RATIO, plan.tolerance, clock_mhz, constants)
        for base in DEFAULTS
        for name in ("leak", "priced", "steps")
    ]
    found += [
        _efficient(settled, "priced", "pipelined", base, schedule, 1.0, None, clock_mhz, constants)
        for base in ("priced", "default")
        for schedule in ("dense", "layerwise")
    ]
    return found


def floor(rows):
    """Cycles that no training can save: those of the pixels, which are the same for all settings.

    Parameters
    ----------
    rows : list of rows
        Of one setting, with direct coding.

    Returns
    -------
    floor : dict or None
        ``additions``: of the pixels, in layer 1; ``whole``: from the first pixel to the last addition, and T firing
        passes of layer 1; ``one_step``: the same with one; ``latency``: mean; ``cut, cut_with_steps``: the largest
        shares of it that could be cut at equal T, and with T free. None if the coding is not direct.

    Examples
    --------
    The pixels are added from cycle 64 to 164; then layer 1 fires at each of 4 steps, 10 cycles each:

    >>> row = {"point": {"training": {"encoding": "direct", "num_steps": 4}},
    ...        "result": {"test": {"timeline": {"begins": [[64]], "added": [[164]]}, "firing_cycles": [10, 2],
    ...                            "latency": 408.0}}}
    >>> found = floor([row])
    >>> found["additions"], found["whole"], found["one_step"], found["cut"]
    (100.0, 204.0, 174.0, 0.5)
    """
    if any(row["point"]["training"]["encoding"] != "direct" for row in rows):
        return None
    times = [row["result"]["test"]["timeline"] for row in rows]
    last, first = (float(np.mean([time[name][0][0] for time in times])) for name in ("added", "begins"))
    passes = rows[0]["result"]["test"]["firing_cycles"][0]
    steps, latency = rows[0]["point"]["training"]["num_steps"], test(rows, "latency")
    whole, one_step = last + steps * passes, last + passes
    return {
        "additions": last - first,
        "whole": whole,
        "one_step": one_step,
        "latency": latency,
        "cut": 1 - whole / latency,
        "cut_with_steps": 1 - one_step / latency,
    }


def test(rows, name):
    """Mean over rows of a number of their test result.

    Parameters
    ----------
    rows : list of rows
        Of one setting: its seeds.
    name : str
        Such as "accuracy", "latency", "interval"; or "firing_rate".

    Returns
    -------
    mean : float

    Examples
    --------
    >>> test([{"result": {"test": {"latency": latency}}} for latency in (400, 500)], "latency")
    450.0
    """
    return float(np.mean(_each(rows, name)))


def firing_rate(row, part="test"):
    """Spikes per neuron and step over all layers: each layer counts by its neurons.

    Parameters
    ----------
    row : dict
        A point and its result, as of :meth:`minisnn.study.store.Store.rows`.
    part : "test" or "validation"

    Returns
    -------
    rate : float

    Examples
    --------
    90 neurons fire 10 %, 10 fire 50 %: that is not 30 %, but

    >>> row = {"point": {"network": {"topology": "90-10", "input_shape": (4,), "padding": []}},
    ...        "result": {"test": {"firing_rates": [0.1, 0.5]}}}
    >>> round(firing_rate(row), 3)
    0.14
    """
    network = row["point"]["network"]
    layers = topology.parse(network["topology"], network["input_shape"], network["padding"])
    return float(np.average(row["result"][part]["firing_rates"], weights=[layer.neurons for layer in layers]))


def cost(rows, schedule="pipelined"):
    """What an image costs, mean over rows, as :mod:`minisnn.timing.energy` takes it.

    Parameters
    ----------
    rows : list of rows
        Of one setting: its seeds.
    schedule : str
        One of ``minisnn.timing.cycles.SCHEDULES``.

    Returns
    -------
    events : dict of float
        Of :func:`minisnn.timing.energy.count`.
    interval : float
        Cycles between two answers.

    Examples
    --------
    >>> rows = [{"result": {"test": {"events": {"pipelined": {"addition_bits": bits}}, "interval": 50.0}}}
    ...         for bits in (800, 1000)]
    >>> cost(rows)
    ({'addition_bits': 900.0}, 50.0)
    """
    events = [row["result"]["test"]["events"][schedule] for row in rows]
    tests = [row["result"]["test"] for row in rows]
    intervals = [each["interval"] if schedule == "pipelined" else each[schedule]["interval"] for each in tests]
    return {name: float(np.mean([each[name] for each in events])) for name in events[0]}, float(np.mean(intervals))


def _each(rows, name):
    """A number of each row's test result, an ndarray."""
    if name == "firing_rate":
        return np.array([firing_rate(row) for row in rows])
    return np.array([row["result"]["test"][name] for row in rows])


def _ratio(what, unit, sense, bar, ours, theirs, change=lambda ratio: ratio):
    """A test of the ratio of means; of each seed for itself beside it."""
    return _test(what, unit, sense, bar, change(ours.mean() / theirs.mean()), change(ours / theirs))


def _test(what, unit, sense, bar, mean, by_seed):
    return {
        "what": what,
        "unit": unit,
        "sense": sense,
        "bar": bar,
        "mean": float(mean),
        "by_seed": [float(value) for value in by_seed],
    }


def _lost(ours, theirs, bar):
    """The test that no more accuracy is lost than that."""
    lost = _each(theirs, "accuracy") - _each(ours, "accuracy")
    return _test("accuracy lost", "points", "<=", bar, lost.mean(), lost)


def passes(test, value):
    """Whether a value passes a test; differences that are only rounding do.

    Parameters
    ----------
    test : dict
        Of :func:`claims`: its ``sense`` ("<", ">", "<=" or ">=") and ``bar`` are read.
    value : float

    Returns
    -------
    passes : bool

    Examples
    --------
    >>> 0.9 - 0.89  # a point of accuracy
    0.010000000000000009
    >>> passes({"sense": "<=", "bar": 0.01}, 0.9 - 0.89), passes({"sense": "<=", "bar": 0.01}, 0.0101)
    (True, False)
    """
    bar = test["bar"]
    return {"<": value < bar, ">": value > bar, "<=": value <= bar + 1e-12, ">=": value >= bar - 1e-12}[test["sense"]]


def _claim(group, paper, what, tests, bounds=None, notes=()):
    """A claim with its verdict; of the notes those that say something."""
    seeds = len(tests[0]["by_seed"])
    passed = sum(all(passes(each, each["by_seed"][seed]) for each in tests) for seed in range(seeds))
    failed = [each["what"] for each in tests if not passes(each, each["mean"])]
    return {
        "group": group,
        "paper": paper,
        "what": what,
        "tests": tests,
        "range": bounds,
        "verdict": FAILS if failed else HOLDS,
        "passed": passed,
        "seeds": seeds,
        "note": "; ".join(filter(None, notes)),
    }


def _open(group, paper, what, names):
    missing = " and ".join(LABELS[name] for name in dict.fromkeys(names))
    return {
        "group": group,
        "paper": paper,
        "what": what,
        "tests": [],
        "range": None,
        "verdict": OPEN,
        "passed": 0,
        "seeds": 0,
        "note": f"not all seeds of these settings are in the file yet: {missing}",
    }


def _fires_less(settled, ours, theirs, how, tolerance):
    missing = [name for name in (ours, theirs) if name not in settled]
    if missing:
        return _open("firing", FIRES_LESS, how, missing)
    ours, theirs = settled[ours], settled[theirs]
    names = " against ".join(rows[0]["point"]["network"]["surrogate"] for rows in (ours, theirs))
    rates = _ratio("firing rate, relative", "x", "<", 1.0, _each(ours, "firing_rate"), _each(theirs, "firing_rate"))
    return _claim("firing", FIRES_LESS, f"{how}: {names}", [rates, _lost(ours, theirs, tolerance)])


def _cuts(settled, name, base, bar, loss):
    what = f"{LABELS[name]}; against {LABELS[base]}"
    paper = CUTS if name == "paper" else ""
    missing = [each for each in (name, base) if each not in settled]
    if missing:
        return _open("latency", paper, what, missing)
    ours, theirs = settled[name], settled[base]
    cut = _ratio("latency cut", "%", ">=", bar, _each(ours, "latency"), _each(theirs, "latency"), lambda x: 1 - x)
    return _claim(
        "latency", paper, what, [cut, _lost(ours, theirs, loss)], notes=(_weak(theirs, ours), _reach(theirs, name, cut))
    )


def _weak(base, ours):
    """That a base which has learned far less says nothing by its few cycles."""
    ours, theirs = test(ours, "accuracy"), test(base, "accuracy")
    if ours - theirs < HARDLY:
        return ""
    return (
        f"the default has hardly learned: {100 * theirs:.1f} % of the test images against {100 * ours:.1f} %, so "
        "its few spikes are no bargain"
    )


def _reach(base, name, cut):
    """What a bar that is not reached asks for, beside what any training could reach."""
    least = floor(base)
    if passes(cut, cut["mean"]) or not least:
        return ""
    most = least["cut_with_steps" if name == "steps" else "cut"]
    return (
        f"no training could cut more than {100 * most:.1f} %, for the pixels' additions are the same for all "
        f"settings: the bar is {'within' if most >= cut['bar'] else 'beyond'} reach"
    )


def _efficient(settled, name, schedule, base, other, bar, tolerance, clock_mhz, constants):
    against = (
        LABELS[base]
        if other == "pipelined"
        else (f"{other} schedule of " + ("the same network" if base == name else LABELS[base]))
    )
    what = f"{LABELS[name]}; over {against}"
    missing = [each for each in (name, base) if each not in settled]
    if missing:
        return _open("efficiency", "", what, missing)
    ours, theirs = settled[name], settled[base]
    middle, low, high = energy.sensitivity(cost(ours, schedule), cost(theirs, other), clock_mhz, constants)
    each = [
        energy.sensitivity(cost([a], schedule), cost([b], other), clock_mhz, constants)[0] for a, b in zip(ours, theirs)
    ]
    tests = [_test("FPS/W, relative", "x", ">=" if bar > 1 else ">", bar, middle, each)]
    if tolerance is not None:
        tests.append(_lost(ours, theirs, tolerance))
    worst = "even at the least value of the range" if passes(tests[0], low) else "not at the least value of the range"
    note = f"the ratio passes its bar, {worst}" if passes(tests[0], middle) else "the ratio is below its bar"
    return _claim("efficiency", "", what, tests, (low, high), (_weak(theirs, ours), note))
