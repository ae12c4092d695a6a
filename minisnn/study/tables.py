"""The points of a study as flat tables: each a dict of numbers, in CSV or JSON, and settings as means over seeds."""

import csv
import io
import json

import numpy as np

from ..timing import energy
from .claims import cost, firing_rate
from .store import canonical

SCREENING, FULL, ALONE = "screening", "full length", "point"


def describe(point):
    """The settings of a point in words.

    Parameters
    ----------
    point : dict
        Of :func:`minisnn.study.point.make`.

    Returns
    -------
    words : str

    Examples
    --------
    >>> from minisnn import load_data
    >>> from minisnn.study import point
    >>> describe(point.make(load_data("digits"), {"beta": 0.7, "threshold": [1.0, 2.0]}, {"seed": 3, "epochs": 20}))
    'fast_sigmoid:5, beta 0.7, threshold [1.0, 2.0], T 10, 20 epochs, seed 3'
    """
    network, training = point["network"], point["training"]
    words = [
        network["surrogate"],
        f"beta {network['beta']}",
        f"threshold {network['threshold']}",
        f"T {training['num_steps']}",
    ]
    if training["rate_penalty"]:
        words.append(f"penalty {training['rate_penalty']}")
    epochs = training["epochs"]
    return ", ".join(words + [f"{epochs} epoch{'s' * (epochs != 1)}", f"seed {training['seed']}"])


def _kind(point, plan):
    """What of the default a point changes."""
    if plan is None:
        return ALONE
    network, training = point["network"], point["training"]
    if training["num_steps"] != plan.training["num_steps"]:
        return "fewer steps"
    if training["rate_penalty"]:
        return "rate penalty"
    changed = (network["beta"], network["threshold"]) != (plan.beta, plan.threshold)
    return "beta, threshold" if changed else "surrogate"


def flat(row, plan=None, clock_mhz=100.0, constants=None):
    """A row of ``results.csv``: settings and main numbers; what a failed point has not is None.

    Parameters
    ----------
    row : dict
        Of :meth:`minisnn.study.store.Store.rows`.
    plan : Plan, optional
        Of the study that it is of.
    clock_mhz : float
    constants : dict, optional
        As of :func:`minisnn.timing.energy.load_constants`.

    Returns
    -------
    found : dict
        Plain values, by column.

    Examples
    --------
    >>> from minisnn import load_data
    >>> from minisnn.study import point
    >>> row = {"key": "1", "status": "failed", "reason": "its worker process died", "result": {},
    ...        "point": point.make(load_data("digits"), {"beta": 0.7}, {"num_steps": 5})}
    >>> found = flat(row)
    >>> found["beta"], found["num_steps"], found["weight_bits"], found["accuracy"]
    (0.7, 5, 8, None)
    """
    point, result, done = row["point"], row["result"], row["status"] == "done"
    network, training = point["network"], point["training"]
    length = {plan.screening: SCREENING, plan.epochs: FULL}.get(training["epochs"], "") if plan else ""
    found = {
        "key": row["key"],
        "status": row["status"],
        "reason": row["reason"],
        "kind": _kind(point, plan),
        "length": length,
        "dataset": point["data"]["name"],
        **{name: network[name] for name in ("topology", "surrogate", "beta", "threshold", "reset")},
        **{name: training[name] for name in ("num_steps", "encoding", "loss", "rate_penalty", "epochs", "seed")},
        **point["integers"],
        **point["hardware"],
    }
    validation, test_part = (result.get(name) or {} if done else {} for name in ("validation", "test"))
    for name in ("accuracy", "latency"):
        found[f"validation_{name}"] = validation.get(name)
    for name in ("accuracy", "accuracy_float", "latency", "interval"):
        found[name] = test_part.get(name)
    found["firing_rate"] = firing_rate(row) if done else None
    found["firing_rates"] = test_part.get("firing_rates")
    for schedule in ("dense", "layerwise"):
        found[f"{schedule}_latency"] = test_part[schedule]["latency"] if done else None
    found["clock_mhz"] = clock_mhz
    found["modelled_fps_per_watt"] = energy.fps_per_watt(*cost([row]), clock_mhz, constants) if done else None
    return found


def as_csv(points):
    """The text of ``results.csv``.

    Parameters
    ----------
    points : list of dict
        Of :func:`flat`: all have the same names.

    Returns
    -------
    text : str
        "" without points.

    Examples
    --------
    >>> done, failed = {"beta": 0.5, "accuracy": 0.98, "lanes": (32, 8)}, {"beta": 0.9, "accuracy": None, "lanes": None}
    >>> print(as_csv([done, failed]))
    beta,accuracy,lanes
    0.5,0.98,32/8
    0.9,,
    <BLANKLINE>
    """
    text = io.StringIO()
    if points:
        writer = csv.DictWriter(text, list(points[0]), lineterminator="\n")
        writer.writeheader()
        for point in points:
            writer.writerow(
                {
                    name: "/".join(map(str, value)) if isinstance(value, (list, tuple)) else value
                    for name, value in point.items()
                }
            )
    return text.getvalue()


def as_json(value):
    """The text of a JSON file.

    Parameters
    ----------
    value : list, dict or other plain value

    Returns
    -------
    text : str

    Examples
    --------
    >>> as_json([1, None])
    '[\\n 1,\\n null\\n]\\n'
    """
    return json.dumps(value, indent=1) + "\n"


def settings(rows, free=()):
    """Rows in groups that differ in the seed, and in these settings of network and training, alone.

    Parameters
    ----------
    rows : list of dict
        Of :meth:`minisnn.study.store.Store.rows`.
    free : sequence of str

    Returns
    -------
    groups : list of list of dict

    Examples
    --------
    >>> rows = [{"point": {"network": {"beta": beta}, "training": {"seed": seed}}} for beta in (0.5, 0.9)
    ...         for seed in (0, 1)]
    >>> [len(group) for group in settings(rows)], [len(group) for group in settings(rows, free=["beta"])]
    ([2, 2], [4])
    """
    groups = {}
    for row in rows:
        point = row["point"]
        parts = {
            name: {key: value for key, value in point[name].items() if key not in ("seed", *free)}
            for name in ("network", "training")
        }
        groups.setdefault(canonical(point | parts), []).append(row)
    return list(groups.values())


def means(rows):
    """Mean numbers of a setting's rows, and their ranges.

    Parameters
    ----------
    rows : list of dict
        Of one setting: its seeds.

    Returns
    -------
    means : dict
        ``accuracy, latency, firing_rate``: float; ``accuracy_range`` and so on: (least, greatest); ``seeds``: int.

    Examples
    --------
    >>> network = {"topology": "16-10", "input_shape": (4,), "padding": []}
    >>> rows = [{"point": {"network": network},
    ...          "result": {"test": {"accuracy": accuracy, "latency": 400.0, "firing_rates": [0.1, 0.1]}}}
    ...         for accuracy in (0.75, 0.5)]
    >>> found = means(rows)
    >>> found["accuracy"], found["accuracy_range"], found["seeds"]
    (0.625, (0.5, 0.75), 2)
    """
    each = {
        "accuracy": [row["result"]["test"]["accuracy"] for row in rows],
        "latency": [row["result"]["test"]["latency"] for row in rows],
        "firing_rate": [firing_rate(row) for row in rows],
    }
    return (
        {name: float(np.mean(values)) for name, values in each.items()}
        | {f"{name}_range": (min(values), max(values)) for name, values in each.items()}
        | {"seeds": len(rows)}
    )


def largest(rows, *free):
    """Of a sweep without a plan: the most settings that differ in these alone.

    Parameters
    ----------
    rows : list of rows
    *free : str
        Names of settings.

    Returns
    -------
    rows : list of rows

    Examples
    --------
    Two values of beta with one threshold, and one with another:

    >>> from minisnn import load_data
    >>> from minisnn.study import point
    >>> data = load_data("digits")
    >>> rows = [{"point": point.make(data, {"beta": beta, "threshold": threshold}, {})}
    ...         for beta, threshold in ((0.5, 1.0), (0.9, 1.0), (0.5, 2.0))]
    >>> [row["point"]["network"]["beta"] for row in largest(rows, "beta")]
    [0.5, 0.9]
    """
    groups = settings(rows, free)
    return max(groups, key=lambda group: len(settings(group)), default=[])
