"""The authors' variant: the network that the paper's public code trains, beside ours.

It has a population of 45 output neurons for each class, is to fire in each step in the right population and nowhere
else, begins with PyTorch's weights, and pools the currents before the neurons. Nothing of it is tuned: every scale of
both families is trained in full length with every seed. The accelerator does not compute it, so it is compared by
accuracy and firing rates, in floats and in integers.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from .. import surrogate as surrogates
from ..data.dataset import Dataset
from ..training.presets import divided
from .claims import TITLES
from .intervals import Seeds
from .markup import percent, with_ends
from .plan import FAMILIES, Plan, Variant
from .point import make
from .protocol import Words, listed
from .results import firing_rate, test_mean
from .sections import equal, numbers, rows_by_scale
from .selection import Rows
from .store import Store
from .sweep import sweep

NO_CLAIMS = (
    "The accelerator does not compute the authors' variant, because it pools currents before the neurons: accuracy and "
    "firing rates are compared, and there are no cycles."
)
NUMBERS = ("accuracy", "firing_rate")


def text(variant: Variant) -> Words:
    """Return what is computed, in words, as :func:`minisnn.study.protocol.text` does for a study."""
    given = variant.training
    return [
        [
            "What is compared",
            f"The authors' variant: {given['topology']} with {given['classes']} classes, so that a class has several "
            "neurons; pools of currents, before the neurons; squared distance of the spike counts from those of a "
            "network whose right neurons fire at each step and whose others never do; "
            f"T = {given['num_steps']}, beta {given['beta']:g}, threshold {given['threshold']:g}; first weights of "
            f"PyTorch; Adam at {given['lr']:g}, falling along a cosine over {given['epochs']} epochs of batches of "
            f"{given['batch_size']}, each image shifted by up to {given['augment']} pixels.",
            f"Fast sigmoid and arctangent, each at the scales {listed(variant.scales)}, with the seeds "
            f"{listed(variant.seeds)}. Nothing is tuned. Of each training the epoch is kept that is best on validation "
            "images.",
            "The accelerator adds one spike at a time and pools spikes; a pool of currents needs all of a step first. "
            "So this network has no cycles. It is measured in floats, and in integers with weights of 8 bits.",
            "A number is a mean over seeds and test images; its interval holds 95 % of the bootstrap's, as in the "
            "study of our network.",
        ]
    ]


def points(variant: Variant, data: Dataset) -> list[dict]:
    """Return the points of a variant: all scales of both families with the first seed, then with the others."""
    return [_point(variant, data, *of) for of in _trainings(variant)]


def _trainings(variant):
    return [(seed, family, scale) for seed in variant.seeds for scale in variant.scales for family in FAMILIES]


def _point(variant, data, seed, family, scale):
    given = variant.training | {"surrogate": f"{family}:{scale:g}", "seed": seed}
    return make(data, *divided(given))


def run(variant: Variant, path: str | Path, data: Dataset, executor: Any = None, **options: Any) -> int:
    """Write what is computed, and compute the points that are not in the file yet; return the number of points left.

    `executor` and `options` are those of :func:`minisnn.study.sweep.sweep`. Raise InputError if the file has another
    plan.
    """
    with Store(path) as store:
        store.note("plan", asdict(variant))
        store.note("protocol", text(variant))
    return sweep(points(variant, data), path, variant.dataset, executor, **options).left


def of_variant(variant: Variant, rows: list[dict], ours: tuple[Plan, list[dict]] | None = None) -> dict[str, dict]:
    """Return the sections of a variant's report, described at :func:`minisnn.study.report.gather`.

    `rows` are all of its file; `ours` the plan and the rows of a study on the same images.
    """
    groups = _groups(variant, [row for row in rows if row["status"] == "done"])
    lines = {family: [_line(seeds) for seeds in of] for family, of in groups.items()}
    section: dict[str, Any] = {"missing": "No scale is complete: each needs all seeds."}
    if any(lines.values()):
        section = {"lines": lines, "ours": _ours(*ours) if ours else {}, "equal": None}
        if all(groups.values()):
            best = max(line["accuracy"][0] for of in lines.values() for line in of)
            section["equal"] = equal(groups, best - variant.tolerance, NUMBERS[1:])
    total, done = len(_trainings(variant)), sum(row["status"] == "done" for row in rows)
    lacks = "" if done == total else f"{done} of {total} points are there"
    return {
        "authors": section,
        "reached": {"stages": [["trainings", done, total]], "lacks": lacks},
        "claims": {"missing": " ".join([NO_CLAIMS, *map(_best, filter(None, lines.values()))])},
    }


def _best(lines):
    """Return a sentence on the most accurate scale of a family."""
    best = max(lines, key=lambda line: line["accuracy"][0])
    accuracy, rate = (with_ends(best[name], percent) for name in NUMBERS)
    name = TITLES[surrogates.parse(best["surrogate"]).name]
    return f"The most accurate {name} is {best['surrogate']}: {accuracy} right at a firing rate of {rate}."


def _groups(variant, rows):
    """Return the rows by seed of each scale that has all seeds, by family."""
    by_setting: dict[tuple, dict] = {}
    for row in rows:
        point = row["point"]
        by_setting.setdefault(point["network"]["surrogate"], {})[point["training"]["seed"]] = row
    found: dict[str, list] = {}
    for family in FAMILIES:
        wanted = [by_setting.get(f"{family}:{scale:g}", {}) for scale in variant.scales]
        found[family] = [list(of.values()) for of in wanted if of.keys() == set(variant.seeds)]
    return found


def _line(rows):
    """Return the surrogate of a setting, its numbers in integers with intervals, and in floats."""
    return {
        "surrogate": rows[0]["point"]["network"]["surrogate"],
        "accuracy_float": test_mean(rows, "accuracy_float"),
        "firing_rate_float": float(np.mean([firing_rate(row, name="firing_rates_float") for row in rows])),
        "firing_rates": np.mean([row["result"]["test"]["firing_rates"] for row in rows], axis=0).tolist(),
        **_numbers(rows),
    }


def _numbers(rows):
    """Return accuracy and firing rate of a setting with their intervals, and the spikes of an image."""
    found = numbers(Seeds(rows), NUMBERS)
    most = rows[0]["result"]["test"]["blocks"]["neuron_steps"]
    return found | {"spikes": found["firing_rate"][0] * most}


def _ours(plan, rows):
    """Return our network's numbers at each scale that has all seeds, by family."""
    return {
        family: [{"surrogate": seeds[0]["point"]["network"]["surrogate"], **_numbers(seeds)} for seeds in of_scales]
        for family, of_scales in rows_by_scale(Rows(plan, rows)).items()
    }
