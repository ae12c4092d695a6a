"""The study of Aliyev & Adegbija (DATE 2024) as stages of points, each chosen from the validation results before it.

1. scales      fast sigmoid and arctangent, as named; fast sigmoid as wide, and as wide and as high, as each arctangent
2. leaks       beta x threshold, at the best scale
3. penalties   a price on firing: at the default, at the fastest trade of stage 2, and at its two most accurate points,
               with narrower surrogates too
4. steps       fewer steps of time: at the most accurate point of stage 2, and at the fastest of stage 3 by accuracy
5. claims      what claims rest on, in full length and with several seeds

Stages 1 to 4 are a screening: one seed, fewer epochs. Nothing here looks at a test result.
"""

import time
from dataclasses import asdict, dataclass

from .. import surrogate as surrogates
from ..errors import InputError
from ..surrogate import Surrogate
from ..training.presets import choose
from . import sweep
from .pitfalls import measure as measure_pitfalls
from .point import key, make, opened, train
from .store import Store

STAGES = ("scales", "leaks", "penalties", "steps", "claims")
PAPER_LOSS = 0.0288  # of accuracy, for which the paper's cross-sweep cuts latency by 48 %


@dataclass(frozen=True)
class Plan:
    """What is studied, of one data set.

    Attributes
    ----------
    dataset : str
    training : dict
        Of Settings and Network, that all points share; what is not named is the data set's preset.
    screening, epochs : int
        Epochs of stages 1 to 4, and of stage 5.
    scales : tuple of float
        Of both surrogates.
    betas, thresholds : tuple of float
    penalties : tuple of str
        "weight" by layer, as of Settings.
    ramp : float
        Share of a training over which a penalty rises.
    narrower : tuple of float
        By what the scale of stage 2 is multiplied in stage 3.
    steps : tuple of int
        Fewer than the default's.
    seeds : tuple of int
        Of stage 5; the screening has the first.
    lanes : tuple of int
    margins : tuple of float
        What the screening's fastest may lose of the default's accuracy there, to be looked at in stages 4 and 5; below
        0 it must gain so much. A longer training gives the default more than those that pay for firing or have few
        steps, so more is asked of these here than in the end.
    tolerance : float
        Accuracy that a trade may lose against the default, in the end.

    Examples
    --------
    >>> from dataclasses import replace
    >>> plan = replace(plan_for("digits"), betas=(0.25, 0.5), seeds=(0, 1, 2))
    >>> plan.screening, plan.epochs, plan.tolerance  # what is not replaced stays
    (6, 12, 0.01)
    """

    dataset: str
    training: dict
    screening: int
    epochs: int
    scales: tuple
    betas: tuple
    thresholds: tuple
    penalties: tuple
    ramp: float
    narrower: tuple
    steps: tuple
    seeds: tuple
    lanes: tuple
    margins: tuple
    tolerance: float = 0.01
    # What claims compare with: the study's beta and threshold, snnTorch's scales.
    beta: float = 0.25
    threshold: float = 1.0
    fast_sigmoid: float = 25.0
    atan: float = 2.0


PLANS = {
    "digits": Plan(
        "digits",
        {"num_steps": 5, "validation": 0.2},
        6,
        12,
        (1, 4, 16),
        (0.25, 0.7),
        (0.5, 1.0, 1.5),
        ("0.3,0,0", "1,0,0"),
        0.7,
        (2,),
        (2, 3),
        (0, 1),
        (32, 8, 8),
        (0.0, 0.02),
    ),
    "svhn": Plan(
        "svhn",
        {"num_steps": 10, "validation": 0.15},
        8,
        24,
        (0.5, 1, 2, 4, 8, 16, 32),
        (0.25, 0.5, 0.7, 0.9),
        (0.5, 1.0, 1.5, 2.0),
        ("0.1,0,0,0", "0.3,0,0,0", "0.9,0.1,0,0", "0.9,0.5,0,0"),
        0.7,
        (2, 4),
        (2, 3, 4, 6),
        (0, 1, 2),
        (32, 32, 8, 8),
        (-0.03, -0.015, 0.0, 0.02),
    ),
}


def plan_for(dataset):
    """The plan for a data set.

    Parameters
    ----------
    dataset : str

    Returns
    -------
    plan : Plan

    Raises
    ------
    InputError
        If there is none.

    Examples
    --------
    >>> plan_for("digits").betas
    (0.25, 0.7)
    >>> plan_for("mnist")
    Traceback (most recent call last):
    minisnn.errors.InputError: there is no study of 'mnist', only of digits, svhn; minisnn sweep computes any grid
    """
    if dataset not in PLANS:
        raise InputError(
            f"there is no study of {dataset!r}, only of {', '.join(PLANS)}; minisnn sweep computes any grid"
        )
    return PLANS[dataset]


def run(plan, path, data, executor=None, *, budget=None, on_stage=lambda name, points: None, **options):
    """Compute all stages that are not in the file yet.

    Parameters
    ----------
    plan : Plan
    path : str or Path
        See :class:`minisnn.study.store.Store`.
    data : Dataset
        Of ``plan.dataset``.
    executor : optional
        As of :func:`minisnn.study.sweep.sweep`.
    budget : float, optional
        Minutes in all, after which no point is begun any more.
    on_stage : callable
        Called with (name, points) before each stage.
    **options
        Of :func:`minisnn.study.sweep.sweep`.

    Returns
    -------
    left : str
        The stage that was not finished for want of time; "" if all is done.

    Raises
    ------
    InputError
        If the file is of another plan.

    Examples
    --------
    In no time no point is begun; the same call with more time goes on from there:

    >>> import tempfile
    >>> from minisnn import load_data
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run(plan_for("digits"), f"{folder}/study.sqlite", load_data("digits"), sweep.Here(), budget=0,
    ...         on_stage=lambda name, points: print(f"stage {name}: {len(points)} points"))
    stage scales: 14 points
    'scales'
    """
    until = None if budget is None else time.monotonic() + 60 * budget
    with Store(path) as store:
        store.note("plan", asdict(plan))
    for name in STAGES:
        with Store(path) as store:
            points = stage(name, plan, data, store.rows())
        on_stage(name, points)
        minutes = None if until is None else max((until - time.monotonic()) / 60, 0)
        if sweep.sweep(points, path, plan.dataset, executor, budget=minutes, **options).left:
            return name
    return ""


def trained(store, row, data):
    """The model file of a row; it is trained again if the file of results came without models.

    Parameters
    ----------
    store : minisnn.study.store.Store
    row : dict
        Of :meth:`minisnn.study.store.Store.rows`.
    data : Dataset

    Returns
    -------
    file : bytes

    Raises
    ------
    TrainingError
        If the training fails.

    Examples
    --------
    >>> import tempfile
    >>> from minisnn import load_data
    >>> data = load_data("digits")
    >>> row = {"training": "t1", "point": make(data, {"topology": "16-10"}, {"epochs": 1, "num_steps": 2})}
    >>> with tempfile.TemporaryDirectory() as folder, Store(f"{folder}/study.sqlite") as store:
    ...     again = trained(store, row, data)
    ...     store.save("t1", again, [])
    ...     trained(store, row, data) == again  # now it is in the file
    True
    """
    return store.model(row["training"]) or train(row["point"], data)


def pitfalls(plan, store, data, names=("default", "leak", "priced")):
    """Measure :mod:`minisnn.study.pitfalls` on settled settings, all seeds, and note the means under "pitfalls".

    Nothing is done if they are noted already.

    Parameters
    ----------
    plan : Plan
    store : minisnn.study.store.Store
    data : Dataset
    names : sequence of str
        Of :meth:`Rows.settled`; those that are not settled are left out.

    Raises
    ------
    InputError
        If the study has no point of stage 1 yet.

    Examples
    --------
    >>> import tempfile
    >>> from dataclasses import replace
    >>> from minisnn import load_data
    >>> data = load_data("digits")
    >>> plan = replace(plan_for("digits"), training={"topology": "16-10", "num_steps": 2}, screening=1, epochs=1,
    ...                seeds=(0,), lanes=(8, 8))
    >>> part = {"accuracy": 0.9, "latency": 500.0}
    >>> with tempfile.TemporaryDirectory() as folder, Store(f"{folder}/study.sqlite") as store:
    ...     for number, surrogate in enumerate(("fast_sigmoid:4", "atan:4")):
    ...         store.save(str(number), None, [(str(number), point(plan, data, surrogate=surrogate), "done", "",
    ...                                         {"validation": part, "test": part}, 1.0)])
    ...     pitfalls(plan, store, data, names=["default"])
    ...     [(each["pitfall"], each["setting"], each["seeds"]) for each in store.noted("pitfalls")]
    [('deployed with the other reset order', 'default', 1), ('pooled before firing', 'default', 1)]
    """
    if store.noted("pitfalls") is not None:
        return
    found = []
    pairs = (
        ("deployed with the other reset order", "trained", "other reset"),
        ("pooled before firing", "trained, float", "pooled first"),
    )
    settled = Rows(plan, store.rows()).settled()
    for name in names:
        rows = settled.get(name, [])
        each = [measure_pitfalls(opened(trained(store, row, data)), data, plan.lanes) for row in rows]
        for pitfall, honest, wrong in pairs if each else ():
            means = [
                {key: sum(one[part][key] for one in each) / len(each) for key in each[0][part]}
                for part in (honest, wrong)
            ]
            found.append(
                {"pitfall": pitfall, "setting": name, "honest": means[0], "wrong": means[1], "seeds": len(each)}
            )
    store.note("pitfalls", found)


def point(plan, data, seed=None, full=False, **changes):
    """A point of the study: the default, with some settings changed.

    Parameters
    ----------
    plan : Plan
    data : Dataset
    seed : int, optional
        By default the first of the plan.
    full : bool
        In full length, as stage 5; else as the screening.
    **changes
        Settings of Network and Settings.

    Returns
    -------
    point : dict
        Of :func:`minisnn.study.point.make`.

    Raises
    ------
    InputError
        For a setting that cannot be.

    Examples
    --------
    >>> from minisnn import load_data
    >>> found = point(plan_for("digits"), load_data("digits"), threshold=1.5, full=True)
    >>> found["network"]["beta"], found["network"]["threshold"], found["training"]["epochs"]
    (0.25, 1.5, 12)
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


def stage(name, plan, data, rows):
    """The points of a stage.

    Parameters
    ----------
    name : str
        Of :data:`STAGES`.
    plan : Plan
    data : Dataset
    rows : list of dict
        What :meth:`minisnn.study.store.Store.rows` tells of the stages before.

    Returns
    -------
    points : list of dict

    Examples
    --------
    Stage 2 is a grid at the scale that stage 1 found best:

    >>> from minisnn import load_data
    >>> plan, data = plan_for("digits"), load_data("digits")
    >>> def row(accuracy, latency, **changes):
    ...     found, part = point(plan, data, **changes), {"accuracy": accuracy, "latency": latency}
    ...     return {"point": found, "status": "done", "result": {"validation": part, "test": part}}
    >>> rows = [row(0.85, 900.0, surrogate="fast_sigmoid:1"), row(0.90, 1000.0, surrogate="fast_sigmoid:4")]
    >>> points = stage("leaks", plan, data, rows)
    >>> {each["network"]["surrogate"] for each in points}
    {'fast_sigmoid:4'}
    >>> [(each["network"]["beta"], each["network"]["threshold"]) for each in points]
    [(0.25, 0.5), (0.25, 1.0), (0.25, 1.5), (0.7, 0.5), (0.7, 1.0), (0.7, 1.5)]
    """
    rows = Rows(plan, rows)
    points = {"scales": _scales, "leaks": _leaks, "penalties": _penalties, "steps": _steps, "claims": _claims}[name](
        plan, data, rows
    )
    return list({key(point): point for point in points}.values())


class Rows:
    """The rows of a study, and the choices that are made among them, on validation alone.

    Parameters
    ----------
    plan : Plan
    rows : list of dict
        Of those that failed none is looked at.

    Examples
    --------
    Of the screening; the default is at beta 0.25 and threshold 1:

    >>> from minisnn import load_data
    >>> plan, data = plan_for("digits"), load_data("digits")
    >>> def row(accuracy, latency, **changes):
    ...     found, part = point(plan, data, **changes), {"accuracy": accuracy, "latency": latency}
    ...     return {"point": found, "status": "done", "result": {"validation": part, "test": part}}
    >>> rows = Rows(plan, [
    ...     row(0.85, 900.0, surrogate="fast_sigmoid:1"), row(0.90, 1000.0, surrogate="fast_sigmoid:4"),
    ...     row(0.88, 1050.0, surrogate="atan:4"), row(0.92, 1100.0, surrogate="fast_sigmoid:4", threshold=0.5),
    ...     row(0.895, 700.0, surrogate="fast_sigmoid:4", threshold=1.5)])
    >>> rows.best("fast_sigmoid"), rows.default()["result"]["validation"]["accuracy"]
    ('fast_sigmoid:4', 0.9)
    >>> found = rows.screened(surrogate="fast_sigmoid:4", threshold=any)
    >>> [of(each)["threshold"] for each in found]
    [1.0, 0.5, 1.5]
    >>> [of(each)["threshold"] for each in rows.accurate(found, 1)]  # of highest accuracy
    [0.5]
    >>> [of(each)["threshold"] for each in rows.trades(found, 1, loss=0.01)]  # the fastest that loses no more than that
    [1.5]
    >>> plan.margins, [of(each)["threshold"] for each in rows.fastest(found)]  # that loses at most 0, and 0.02
    ((0.0, 0.02), [1.0, 1.5])

    In full length, nothing is said of a setting before all its seeds are there:

    >>> whole = [row(0.94, 950.0, surrogate="fast_sigmoid:4", full=True, seed=seed) for seed in plan.seeds]
    >>> some, all_of_them = Rows(plan, rows.rows + whole[:1]), Rows(plan, rows.rows + whole)
    >>> len(some.full()), [len(each.seeds(surrogate="fast_sigmoid:4")) for each in (some, all_of_them)]
    (1, [0, 2])
    >>> list(some.settled()), list(all_of_them.settled())  # nothing in full length is faster: "leak" is the default
    ([], ['default', 'same scale', 'paper', 'leak', 'priced', 'steps'])
    """

    def __init__(self, plan, rows):
        self.plan = plan
        self.rows = [row for row in rows if row["status"] == "done"]

    def screened(self, **wanted):
        """Rows of the screening with these settings.

        Parameters
        ----------
        **wanted
            By the names of :func:`of`. What is not named is the default's, but for the surrogate, which may be any; the
            builtin ``any`` is any.

        Returns
        -------
        rows : list of dict
        """
        return self._with(self.plan.screening, wanted)

    def full(self, **wanted):
        """Rows in full length, of all seeds; as :meth:`screened`."""
        return self._with(self.plan.epochs, wanted)

    def _with(self, epochs, wanted):
        wanted = {
            "beta": self.plan.beta,
            "threshold": self.plan.threshold,
            "rate_penalty": None,
            "num_steps": self.plan.training["num_steps"],
            "surrogate": any,
            **wanted,
        }
        return [
            row
            for row in self.rows
            if row["point"]["training"]["epochs"] == epochs
            and all(value is any or of(row)[name] == value for name, value in wanted.items())
        ]

    def best(self, family):
        """The surrogate of a family that is best on validation at the default's beta and threshold, of the screening.

        Parameters
        ----------
        family : "fast_sigmoid" or "atan"

        Returns
        -------
        surrogate : str
            Such as "atan:4".

        Raises
        ------
        InputError
            If there is no such row yet.
        """
        rows = [
            row
            for row in self.screened()
            if of(row)["surrogate"]
            in [f"{family}:{scale:g}" for scale in (*self.plan.scales, getattr(self.plan, family))]
        ]
        if not rows:
            raise InputError("the study has no point of stage 1 yet; let it go on")
        return of(max(rows, key=lambda row: (validation(row)["accuracy"], -validation(row)["latency"])))["surrogate"]

    def default(self):
        """The default at the best scale, of the screening.

        Returns
        -------
        row : dict

        Raises
        ------
        InputError
            If there is no such row yet.
        """
        (row,) = self.screened(surrogate=self.best("fast_sigmoid"))
        return row

    def trades(self, rows, count, loss):
        """The fastest rows that lose little of the default's accuracy, both on validation.

        Parameters
        ----------
        rows : list of dict
        count : int
            How many, at most.
        loss : float
            Accuracy that they may lose; below 0 they must gain so much.

        Returns
        -------
        rows : list of dict
            By latency.
        """
        floor = validation(self.default())["accuracy"] - loss
        fit = [row for row in rows if validation(row)["accuracy"] >= floor]
        return sorted(fit, key=lambda row: validation(row)["latency"])[:count]

    def fastest(self, rows):
        """Of the screening, the row of least latency at each of the plan's margins of accuracy, on validation."""
        return [row for margin in self.plan.margins for row in self.trades(rows, 1, margin)]

    @staticmethod
    def accurate(rows, count):
        """The rows of highest accuracy on validation."""
        return sorted(rows, key=lambda row: (-validation(row)["accuracy"], validation(row)["latency"]))[:count]

    def seeds(self, **wanted):
        """Rows in full length with these settings, by seed; none unless every seed of the plan is there."""
        rows = sorted(self.full(**wanted), key=lambda row: row["point"]["training"]["seed"])
        return rows if len(rows) == len(self.plan.seeds) else []

    def settled(self):
        """What claims are made of: dict of rows by seed, by name; those that are not whole yet are left out.

        "named" and "default" are the default at snnTorch's scale and at its best; "atan" and "atan named" the
        arctangent at its best scale and at snnTorch's; "wide" the fast sigmoid as wide as the former; "same scale" the
        fast sigmoid with its scale. Those that lose at most the tolerance of the default's mean accuracy, in the order
        of what may be changed: "leak" beta and threshold, "priced" surrogate and rate penalty too, "steps" T too; and
        "paper", beta and threshold with the loss that the paper allows itself. All are chosen on validation.
        """
        plan, atan = self.plan, self.best("atan")
        default = {"surrogate": self.best("fast_sigmoid")}
        wide = str(surrogates.match_width("fast_sigmoid", surrogates.parse(atan)))
        found = {
            "named": {"surrogate": f"fast_sigmoid:{plan.fast_sigmoid:g}"},
            "default": default,
            "atan": {"surrogate": atan},
            "atan named": {"surrogate": f"atan:{plan.atan:g}"},
            "wide": {"surrogate": wide},
            "same scale": {"surrogate": "fast_sigmoid:" + atan.partition(":")[2]},
        }
        found = {name: self.seeds(**settings) for name, settings in found.items()}
        priced = {"surrogate": any, "rate_penalty": any}
        groups = {
            "paper": ({}, PAPER_LOSS),
            "leak": ({}, plan.tolerance),
            "priced": (priced, plan.tolerance),
            "steps": (priced | {"num_steps": any}, plan.tolerance),
        }
        for name, (free, loss) in groups.items():
            found[name] = self._settle(found["default"], default | {"beta": any, "threshold": any} | free, loss)
        return {name: rows for name, rows in found.items() if rows}

    def _settle(self, default, free, loss):
        """Of least mean latency among those with these settings that lose no more than that."""
        settings = dict.fromkeys(tuple(of(row).items()) for row in self.full(**free))
        whole = [rows for rows in (self.seeds(**dict(each)) for each in settings) if rows]
        if not default:
            return []
        floor = mean(default, "accuracy") - loss
        return min((rows for rows in whole if mean(rows, "accuracy") >= floor), key=lambda rows: mean(rows, "latency"))


def mean(rows, name, part="validation"):
    """Mean over rows (seeds) of a number of ``validation`` or ``test``.

    Parameters
    ----------
    rows : list of dict
    name : str
        Such as "accuracy" or "latency".
    part : "validation" or "test"

    Returns
    -------
    mean : float

    Examples
    --------
    >>> mean([{"result": {"validation": {"latency": latency}}} for latency in (400, 500)], "latency")
    450.0
    """
    return sum(row["result"][part][name] for row in rows) / len(rows)


def of(row):
    """The settings of a row that a study changes, by name.

    Parameters
    ----------
    row : dict
        Of :meth:`minisnn.study.store.Store.rows`.

    Returns
    -------
    settings : dict
        ``surrogate, beta, threshold, num_steps, rate_penalty``.

    Examples
    --------
    >>> from minisnn import load_data
    >>> of({"point": point(plan_for("digits"), load_data("digits"), threshold=1.5)})
    {'surrogate': 'fast_sigmoid:25', 'beta': 0.25, 'threshold': 1.5, 'num_steps': 5, 'rate_penalty': None}
    """
    network, training = row["point"]["network"], row["point"]["training"]
    return {
        "surrogate": network["surrogate"],
        "beta": network["beta"],
        "threshold": network["threshold"],
        "num_steps": training["num_steps"],
        "rate_penalty": training["rate_penalty"],
    }


def validation(row):
    """What was found on the validation images, by which everything is chosen.

    Parameters
    ----------
    row : dict
        Of :meth:`minisnn.study.store.Store.rows`.

    Returns
    -------
    result : dict
        The part ``validation`` of :func:`minisnn.study.point.measure`.

    Examples
    --------
    >>> rows = [{"result": {"validation": {"accuracy": 0.91}, "test": {"accuracy": 0.90}}},
    ...         {"result": {"validation": {"accuracy": 0.90}, "test": {"accuracy": 0.93}}}]
    >>> max(rows, key=lambda row: validation(row)["accuracy"])["result"]["test"]  # and not the better test result
    {'accuracy': 0.9}
    """
    return row["result"]["validation"]


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


def _of_leaks(rows):
    return rows.screened(surrogate=rows.best("fast_sigmoid"), beta=any, threshold=any)


def _penalties(plan, data, rows):
    accurate = [of(row) for row in rows.accurate(_of_leaks(rows), 2)]
    best = surrogates.parse(rows.best("fast_sigmoid"))
    narrower = [
        each | {"surrogate": str(Surrogate(best.name, factor * best.scale))}
        for factor in plan.narrower
        for each in accurate
    ]
    bases = [
        of(rows.default()),
        *(of(row) for row in rows.trades(_of_leaks(rows), 1, plan.tolerance)),
        *accurate,
        *narrower,
    ]
    return [point(plan, data, **base | {"rate_penalty": penalty}) for base in bases for penalty in plan.penalties]


def _priced(rows):
    return [row for row in rows.screened(beta=any, threshold=any, rate_penalty=any) if of(row)["rate_penalty"]]


def _steps(plan, data, rows):
    chosen = rows.accurate(_of_leaks(rows), 1) + rows.fastest(_priced(rows))
    return [point(plan, data, **of(row) | {"num_steps": steps}) for row in chosen for steps in plan.steps]


def _candidates(plan, rows):
    """Settings that stage 5 computes in full, by what they are for: dict of list of dict."""
    fast_sigmoid, atan = rows.best("fast_sigmoid"), rows.best("atan")
    default = of(rows.default())
    leaks = _of_leaks(rows)
    priced = _priced(rows)
    fewer = [
        row
        for row in rows.screened(beta=any, threshold=any, rate_penalty=any, num_steps=any)
        if of(row)["num_steps"] < plan.training["num_steps"]
    ]
    wide = str(surrogates.match_width("fast_sigmoid", surrogates.parse(atan)))
    return {
        "default, as named": [default | {"surrogate": f"fast_sigmoid:{plan.fast_sigmoid:g}"}],
        "default, best scale": [default],
        "arctangent": [default | {"surrogate": name} for name in dict.fromkeys([atan, f"atan:{plan.atan:g}"])],
        "as wide as the arctangent": [default | {"surrogate": wide}],
        "same scales": [
            default | {"surrogate": f"{name}:{scale}"}
            for name, scale in (("fast_sigmoid", atan.partition(":")[2]), ("atan", fast_sigmoid.partition(":")[2]))
        ],
        "leak and threshold, paper's loss": [of(row) for row in rows.trades(leaks, 1, PAPER_LOSS)],
        "leak and threshold": [of(row) for row in rows.trades(leaks, 2, plan.tolerance)],
        "with rate penalty": [of(row) for row in rows.fastest(priced)],
        "fewer steps": [of(row) for row in rows.fastest(fewer)],
    }


def _claims(plan, data, rows):
    settings = [each for group in _candidates(plan, rows).values() for each in group]
    return [point(plan, data, seed=seed, full=True, **each) for each in settings for seed in plan.seeds]
