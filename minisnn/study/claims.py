"""Claims about surrogates, latency and efficiency, each with a verdict that is computed from intervals.

A claim has one or more tests, each of which compares a number and its interval (:mod:`minisnn.study.intervals`) with
a bar. A test holds if the whole interval passes the bar, does not hold if the whole interval misses it, and is not
resolved otherwise. A claim holds if all its tests do, and does not hold if one of them does not. It is open until the
stages that it rests on are there. Settings were selected on validation (:mod:`minisnn.study.progress`); all numbers
here are results on test images.
"""

from ..fixed.early_exit import LOSSLESS
from .intervals import Interval, Seeds, interval
from .plan import FAMILIES, Plan
from .progress import Progress
from .results import efficiency

HOLDS, FAILS, UNSURE = "holds", "does not hold", "not resolved"
OPEN, MODEL = "open", "cannot be reproduced by a model"
EFFICIENT = "1.72 times the FPS/W of prior accelerators"
RATIO = 1.9  # bar of the ratio of images per joule
TITLES = {"fast_sigmoid": "fast sigmoid", "atan": "arctangent"}
PAPER = {  # what the paper says, by group
    "firing": "the fast sigmoid has a lower firing rate than the arctangent, at similar accuracy",
    "latency": "a cross-sweep of beta and threshold cuts latency by 48 % against the default, for 2.88 points",
    "efficiency": EFFICIENT,
}


def claims(
    so_far: Progress,
    plan: Plan,
    clock_mhz: float = 100.0,
    constants: dict[str, float] | None = None,
    other: tuple[str, Seeds] | None = None,
) -> list[dict]:
    """Return all claims of a study.

    Each claim is a dict of

    - ``group``, "base", "firing", "latency" or "efficiency"; ``what``, the comparison
    - ``tests``, list of {what, unit, sense, bar, value, low, high, verdict}
    - ``verdict``; ``note``

    `constants` are those of :func:`minisnn.timing.energy.load_constants`, `other` the name of the data and the default
    of a study on other inputs.
    """
    selected = so_far.selected
    all_claims = [
        *_default_claims(selected, plan),
        *(_fires_less(selected, beta, plan) for beta in plan.betas),
        *_latency_claims(so_far, plan),
        *(_other_claims(selected, plan, *other) if other else []),
        *_efficiency_claims(selected, plan, clock_mhz, constants),
        _claim("efficiency", EFFICIENT, [], MODEL, "the paper compares boards; here energy is modelled"),
    ]
    return [
        claim | {"note": claim["note"] or (so_far.lacks if claim["verdict"] == OPEN else "")} for claim in all_claims
    ]


def _default_claims(selected, plan):
    """Return the claim that the default is as good as its beta and threshold allow, where a plan says how good."""
    if plan.least is None:
        return []
    what = f"the default, beta {plan.beta:g} and threshold 1"
    if "default" not in selected:
        return [_open("base", what)]
    found = interval(lambda default: default.accuracy, selected["default"])
    return [_claim("base", what, [_test("test accuracy", "%", ">=", plan.least, found)])]


def _fires_less(selected, beta, plan):
    names = [f"{family} {beta:g}" for family in FAMILIES]
    what = f"fast sigmoid against arctangent at beta {beta:g}, each tuned"
    if not set(names) <= selected.keys():
        return _open("firing", what)
    ours, theirs = (selected[name] for name in names)
    rates = interval(lambda a, b: a.firing_rate / b.firing_rate, ours, theirs)
    tests = [_test("ratio of firing rates", "x", "<", 1.0, rates), _loss(ours, theirs, plan.tolerance)]
    words = " against ".join(selected[name].rows[0]["point"]["network"]["surrogate"] for name in names)
    return _claim("firing", f"{what}: {words}", tests)


def _latency_claims(so_far, plan):
    """Return the claims about latency: by bar, and each against the default whose answer is read early."""
    bars = (("cycles", f"at T = {plan.training['num_steps']}", plan.cut), ("steps", "with T free", plan.cut_with_steps))
    found = []
    for name, how, bar in bars:
        against = {"the default": "default", "the default read early": "early"}
        for words, kind in against.items():
            what = f"the fastest setting {how}, against {words}"
            if not {"default", name} <= so_far.selected.keys():
                found.append(_open("latency", what))
                continue
            rows = so_far.selected["default"].rows
            step = so_far.rows.early_step() if kind == "early" else None
            ours, theirs = so_far.selected[name], Seeds(rows, step)
            cut = _saved(ours, theirs)
            note = how_read(ours)
            if kind == "early":
                alone = _saved(theirs, Seeds(rows))
                lost = _lost(theirs, Seeds(rows))
                note += "; " * bool(note)
                note += f"read after step {step} (counted from 1), the default itself saves {_percent(alone)} for "
                note += f"{_points(lost)} points"
                bar = 0.0
            tests = [_test("latency cut", "%", ">" if kind == "early" else ">=", bar, cut)]
            tests.append(_loss(ours, theirs, plan.tolerance))
            found.append(_claim("latency", what, tests, note=note))
    return found


def _other_claims(selected, plan, dataset, default):
    """Return the claim about latency against the default of a study on other inputs."""
    what = f"the fastest setting with T free on {plan.dataset}, against the default on {dataset}"
    if "steps" not in selected:
        return [_open("latency", what)]
    ours = selected["steps"]
    cut = _saved(ours, default)
    tests = [_test("latency cut", "%", ">=", plan.cut_against, cut), _loss(ours, default, plan.tolerance)]
    return [_claim("latency", what, tests, note=how_read(ours))]


def _efficiency_claims(selected, plan, clock_mhz, constants):
    """Return the claims about modelled images per joule; their intervals are those of the model's constants."""
    found = []
    for name, how in (("cycles", f"at T = {plan.training['num_steps']}"), ("steps", "with T free")):
        what = f"the fastest setting {how}, against the default"
        if not {"default", name} <= selected.keys():
            found.append(_open("efficiency", what))
            continue
        ours, theirs = selected[name], selected["default"]
        ratio = efficiency(ours, theirs, clock_mhz, constants)
        tests = [_test("ratio of FPS/W", "x", ">=", RATIO, ratio), _loss(ours, theirs, plan.tolerance)]
        note = "its interval: each constant of the model is wrong by a factor of up to two, with any seed of each"
        found.append(_claim("efficiency", what, tests, note=note))
    return found


def how_read(seeds: Seeds) -> str:
    """Return when answers are read, if not after all steps, such as "early exit at a lead of 2"."""
    if seeds.margin is not None:
        return "early exit, lossless" if seeds.margin == LOSSLESS else f"early exit at a lead of {seeds.margin}"
    return ""


def _saved(ours, theirs):
    """Return the share of their latency that ours saves, with its interval."""
    return interval(lambda a, b: 1 - a.latency / b.latency, ours, theirs)


def _lost(ours, theirs):
    """Return the accuracy that ours loses against theirs, with its interval."""
    return interval(lambda a, b: b.accuracy - a.accuracy, ours, theirs)


def _loss(ours, theirs, bar):
    """Return the test that at most `bar` of accuracy is lost."""
    return _test("accuracy lost", "points", "<=", bar, _lost(ours, theirs))


def _test(what, unit, sense, bar, found):
    test = {"what": what, "unit": unit, "sense": sense, "bar": bar, **found._asdict()}
    return test | {"verdict": verdict(sense, bar, found)}


def verdict(sense: str, bar: float, found: Interval) -> str:
    """Return HOLDS, FAILS or UNSURE of a number with an interval; rounding errors decide nothing.

    Examples
    --------
    >>> [verdict(">=", 0.5, Interval(0.6, low, 0.7)) for low in (0.5, 0.49)], verdict("<", 1.0, Interval(1.2, 1.0, 1.4))
    (['holds', 'not resolved'], 'does not hold')
    """
    ends = [_passes(sense, bar, end) for end in (found.low, found.high)]
    return HOLDS if all(ends) else UNSURE if any(ends) else FAILS


def _passes(sense, bar, value):
    return {"<": value < bar, ">": value > bar, "<=": value <= bar + 1e-12, ">=": value >= bar - 1e-12}[sense]


def _claim(group, what, tests, decided=None, note=""):
    """Return a claim with its verdict."""
    verdicts = {test["verdict"] for test in tests}
    if decided is None:
        decided = FAILS if FAILS in verdicts else UNSURE if UNSURE in verdicts else HOLDS
    return {"group": group, "what": what, "tests": tests, "verdict": decided, "note": note}


def _open(group, what):
    """Return a claim without evidence."""
    return _claim(group, what, [], OPEN)


def _percent(found):
    return f"{100 * found.value:.1f} % ({100 * found.low:.1f} to {100 * found.high:.1f})"


def _points(found):
    return f"{100 * found.value:.2f} ({100 * found.low:.2f} to {100 * found.high:.2f})"
