"""Numbers of finished rows: means over the seeds of a setting, and what no training can save."""

from typing import Any

import numpy as np

from .. import topology
from ..timing import energy
from ..timing.layout import why_not_computed
from .intervals import Interval, Seeds
from .plan import MARGINS


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


def firing_rate(row: dict, part: str = "test", name: str = "firing_rates") -> float:
    """Return a row's spikes per neuron and step over all layers, so that layers count by their neurons."""
    weights = [layer.neurons for layer in shapes_of(row["point"])]
    return float(np.average(row["result"][part][name], weights=weights))


def shapes_of(point: dict) -> tuple[topology.LayerShape, ...]:
    """Return the shapes of a point's layers; raise InputError if its topology cannot be read."""
    network = point["network"]
    return topology.parse(network["topology"], network["input_shape"], network["padding"])


def is_timed(point: dict) -> bool:
    """Return whether a point has cycles: the accelerator does not compute every network."""
    return not why_not_computed(shapes_of(point))


def schedules_of(rows: list[dict]) -> list[str]:
    """Return the schedules to compare with that all rows have results of."""
    return [name for name in ("dense", "layerwise") if all(name in row["result"]["test"] for row in rows)]


def cost(rows: list[dict], schedule: str = "pipelined", margin: float | None = None) -> tuple[dict[str, Any], float]:
    """Return an image's events, of :func:`minisnn.timing.events.count`, and the interval in cycles: means over rows.

    With a `margin`, one of MARGINS, they are those of early exit.
    """
    tests = [row["result"]["test"] for row in rows]
    if margin is None:
        events = [test["events"][schedule] for test in tests]
        intervals = [test["interval"] if schedule == "pipelined" else test[schedule]["interval"] for test in tests]
    else:
        events = [test["events_by_margin"][MARGINS.index(margin)] for test in tests]
        intervals = [counts["cycles"] for counts in events]
    return {name: float(np.mean([counts[name] for counts in events])) for name in events[0]}, float(np.mean(intervals))


def efficiency(
    ours: Seeds,
    theirs: Seeds,
    clock_mhz: float,
    constants: dict[str, float] | None = None,
    schedule: str = "pipelined",
) -> Interval:
    """Return the ratio of the modelled images per joule of two settings; `schedule` is that of `ours`.

    The ratio is that of the means over seeds. Its interval is the widest of all pairs of a seed of each, where each
    constant of the model may be wrong by a factor of up to two, see :func:`minisnn.timing.energy.sensitivity`.
    """
    ratio, _, _ = energy.sensitivity(
        cost(ours.rows, schedule, ours.margin), cost(theirs.rows, margin=theirs.margin), clock_mhz, constants
    )
    one_of_each = [
        energy.sensitivity(
            cost([mine], schedule, ours.margin), cost([other], margin=theirs.margin), clock_mhz, constants
        )
        for mine in ours.rows
        for other in theirs.rows
    ]
    return Interval(ratio, min(low for _, low, _ in one_of_each), max(high for _, _, high in one_of_each))
