"""Tables of a study: its points as flat dicts, CSV and JSON; rows grouped by setting, with means over seeds."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..timing import energy
from .plan import Plan, Variant
from .results import cost, firing_rate
from .store import canonical

ALONE = "point"  # kind of a point of a sweep, or of the authors' variant


def describe(point: dict) -> str:
    """Return a point's main settings in words, such as "atan:2, beta 0.7, threshold 1.0, lr 0.01, ..., seed 3"."""
    words, training = in_words(point["network"] | point["training"]), point["training"]
    return f"{words}, {training['epochs']} epoch{'s' * (training['epochs'] != 1)}, seed {training['seed']}"


def in_words(values: dict[str, Any], rate: str = "lr") -> str:
    """Return the main settings of a network and its training in words; `rate` is the word for the learning rate."""
    words = [
        values["surrogate"],
        f"beta {values['beta']}",
        f"threshold {values['threshold']}",
        f"{rate} {values['lr']:g}",
        f"T {values['num_steps']}",
    ]
    if values.get("rate_penalty"):
        words.append(f"penalty {values['rate_penalty']}")
    if values.get("cycle_penalty"):
        words.append(f"cycle penalty {values['cycle_penalty']:g}")
    if values.get("learn"):
        words.append(f"learned {values['learn']}")
    if not values["validation"]:
        words.append("all training images")
    return ", ".join(words)


def kind(point: dict, plan: Plan | Variant | None) -> str:
    """Return what a point is for: "trial", or which settings it changes."""
    network, training = point["network"], point["training"]
    if not isinstance(plan, Plan):
        return ALONE
    if training["epochs"] == plan.trial_epochs:
        return "trial"
    if training["validation"] != plan.training["validation"]:
        return "refit"
    if training["num_steps"] != plan.training["num_steps"]:
        return "fewer steps"
    if training.get("learn"):
        return "learned"
    if training.get("cycle_penalty"):
        return "price on cycles"
    return "tuned" if network["threshold"] == 1 else "threshold"


def flat(
    row: dict, plan: Plan | Variant | None = None, clock_mhz: float = 100.0, constants: dict[str, float] | None = None
) -> dict[str, Any]:
    """Return a row of ``results.csv``: settings and main numbers; those that a point lacks are None.

    `row` is one of :meth:`minisnn.study.store.Store.rows`; `constants` are those of the energy model.
    """
    point, network, training = row["point"], row["point"]["network"], row["point"]["training"]
    return {
        "key": row["key"],
        "status": row["status"],
        "reason": row["reason"],
        "kind": kind(point, plan),
        "dataset": point["data"]["name"],
        **{name: network[name] for name in ("topology", "surrogate", "beta", "threshold", "reset")},
        **{name: training[name] for name in ("num_steps", "encoding", "loss", "lr", "rate_penalty")},
        **{name: training.get(name) for name in ("cycle_penalty", "learn")},
        **{name: training[name] for name in ("epochs", "seed")},
        **point["integers"],
        **point["hardware"],
        **_numbers(row, clock_mhz, constants),
    }


def _numbers(row, clock_mhz, constants):
    """Results of a row, None where it has none."""
    done = row["status"] == "done"
    validation = (row["result"]["validation"] if done else None) or {}
    test = row["result"]["test"] if done else {}
    return {
        "validation_accuracy": validation.get("accuracy"),
        "validation_latency": validation.get("latency"),
        **{name: test.get(name) for name in ("accuracy", "accuracy_float", "latency", "interval")},
        "firing_rate": firing_rate(row) if done else None,
        "firing_rates": test.get("firing_rates"),
        **{f"{name}_latency": test.get(name, {}).get("latency") for name in ("dense", "layerwise")},
        "clock_mhz": clock_mhz,
        "modelled_fps_per_watt": energy.fps_per_watt(*cost([row]), clock_mhz, constants) if "events" in test else None,
    }


def as_csv(points: list[dict]) -> str:
    """Return the text of ``results.csv`` for points of :func:`flat`; lists are joined by "/". Without points, ""."""
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


def as_json(value: Any) -> str:
    """Return the text of a JSON file of plain values."""
    return json.dumps(value, indent=1) + "\n"


def settings(rows: list[dict], free: Sequence[str] = ()) -> list[list[dict]]:
    """Group rows by setting: those of a group differ only in the seed and in the `free` settings."""
    groups: dict[str, list[dict]] = {}
    for row in rows:
        point = row["point"]
        parts = {
            name: {key: value for key, value in point[name].items() if key not in ("seed", *free)}
            for name in ("network", "training")
        }
        groups.setdefault(canonical(point | parts), []).append(row)
    return list(groups.values())


def means(rows: list[dict]) -> dict[str, Any]:
    """Return the means of accuracy, latency and firing_rate over a setting's seeds, and "..._range": (least, greatest).

    The number of rows is ``seeds``.
    """
    values_of = {
        "accuracy": [row["result"]["test"]["accuracy"] for row in rows],
        "latency": [row["result"]["test"]["latency"] for row in rows],
        "firing_rate": [firing_rate(row) for row in rows],
    }
    return (
        {name: float(np.mean(values)) for name, values in values_of.items()}
        | {f"{name}_range": (min(values), max(values)) for name, values in values_of.items()}
        | {"seeds": len(rows)}
    )


def largest(rows: list[dict], *free: str) -> list[dict]:
    """Return the rows that differ only in the seed and the `free` settings, from the group with the most settings."""
    groups = settings(rows, free)
    return max(groups, key=lambda group: len(settings(group)), default=[])
