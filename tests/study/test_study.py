"""The study: choices by validation alone, and the same tables from any workers."""

import copy
import random
import sqlite3
from dataclasses import replace

import numpy as np
import pytest

import minisnn
from minisnn.data import load as datasets
from minisnn.errors import InputError
from minisnn.study import executors, pitfalls
from minisnn.study import stages as study
from minisnn.study.plan import plan_for
from minisnn.study.point import key, training_key
from minisnn.study.progress import progress
from minisnn.study.selection import ANY, Rows, mean, settings_of
from minisnn.study.store import Store
from tests.study.plans import small_plan


@pytest.fixture(scope="module")
def plan(dataset):
    return small_plan(dataset, epochs=2)


@pytest.fixture(scope="module")
def data(dataset):
    return datasets.load(dataset)


def rows_of(plan, data, rng):
    """Return random results for all points of the screening."""
    rows = []
    for name in study.STAGES[:4]:
        known = {row["key"] for row in rows}
        for point in (point for point in study.stage(name, plan, data, rows) if key(point) not in known):
            parts = {
                part: {"accuracy": rng.random(), "latency": rng.uniform(1e3, 1e5)} for part in ("validation", "test")
            }
            rows.append(
                {
                    "key": key(point),
                    "training": training_key(point),
                    "point": point,
                    "status": "done",
                    "reason": "",
                    "result": parts,
                }
            )
    return rows


def test_choices_do_not_look_at_the_test(plan, data):
    rng = random.Random(0)
    for _ in range(5):
        rows = rows_of(plan, data, rng)
        others = copy.deepcopy(rows)
        for row in others:
            row["result"]["test"] = {"accuracy": rng.random(), "latency": rng.uniform(1e3, 1e5)}
        for name in study.STAGES:
            assert study.stage(name, plan, data, rows) == study.stage(name, plan, data, others)
        swapped = copy.deepcopy(rows)  # but they do look at validation
        best = Rows(plan, rows).best("fast_sigmoid")
        for row in swapped:
            row["result"]["validation"]["accuracy"] = 1 - row["result"]["validation"]["accuracy"]
        assert Rows(plan, swapped).best("fast_sigmoid") != best


def test_trades_are_the_fastest_that_lose_no_more_than_allowed(plan, data):
    rows = Rows(plan, rows_of(plan, data, random.Random(1)))
    least = rows.default()["result"]["validation"]["accuracy"] - 0.3
    trades = rows.trades(rows.rows, 3, 0.3)
    accurate_enough = [row for row in rows.rows if row["result"]["validation"]["accuracy"] >= least]
    slowest = max(row["result"]["validation"]["latency"] for row in trades)
    assert len(trades) == min(3, len(accurate_enough)) and all(row in accurate_enough for row in trades)
    assert sum(row["result"]["validation"]["latency"] < slowest for row in accurate_enough) == len(trades) - 1


def test_a_selected_setting_has_all_seeds(plan, data):
    rows = rows_of(plan, data, random.Random(2))
    for point in study.stage("claims", plan, data, rows):
        seed = point["training"]["seed"]
        part = {"accuracy": 0.9 + 0.01 * seed, "latency": 1000.0 + seed}
        rows.append(
            {
                "key": key(point),
                "training": training_key(point),
                "point": point,
                "status": "done",
                "reason": "",
                "result": {"validation": part, "test": part},
            }
        )
    selected = progress(plan, rows).selected
    assert {"named", "default", "atan", "wide", "leak", "priced", "steps", "paper"} <= set(selected)
    assert all([row["point"]["training"]["seed"] for row in group] == [0, 1] for group in selected.values())
    assert mean(selected["default"], "accuracy", "test") == pytest.approx(0.905)
    assert progress(plan, rows).lacks == ""


def test_the_same_study_twice(plan, data, tmp_path):
    tables = []
    for name, workers in (("a", executors.Here()), ("b", executors.Processes(2))):
        path, seen = tmp_path / f"{name}.sqlite", []
        assert study.run(plan, path, data, workers, on_stage=lambda stage, points: seen.append(stage)) == ""
        assert tuple(seen) == study.STAGES
        with Store(path) as store:
            pitfalls.note(plan, store, data)
            assert store.noted("pitfalls")
        with sqlite3.connect(path) as db:
            tables.append(
                [db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in ("points", "models", "notes")]
            )
    assert tables[0] == tables[1]
    assert {row[3] for row in tables[0][0]} == {"done"}


def test_no_point_starts_after_the_budget(plan, data, tmp_path):
    path = tmp_path / "s.sqlite"
    assert study.run(plan, path, data, executors.Here(), budget=0) == "scales"
    with pytest.raises(InputError, match="another plan"):
        study.run(replace(plan, tolerance=0.4), path, data, executors.Here())


def test_no_plan():
    with pytest.raises(InputError, match="no study of 'mnist'"):
        plan_for("mnist")


def screened(plan, data, accuracy, latency, **changes):
    """A finished row with these results."""
    part = {"accuracy": accuracy, "latency": latency}
    result = {"validation": part, "test": part}
    return {"point": study.point(plan, data, **changes), "status": "done", "result": result}


def test_choices_by_hand():
    """Choices among five rows whose numbers can be checked by eye."""
    plan, digits = plan_for("digits"), datasets.load("digits")
    best = "fast_sigmoid:4"
    rows = Rows(
        plan,
        [
            screened(plan, digits, 0.85, 900.0, surrogate="fast_sigmoid:1"),
            screened(plan, digits, 0.90, 1000.0, surrogate=best),
            screened(plan, digits, 0.88, 1050.0, surrogate="atan:4"),
            screened(plan, digits, 0.92, 1100.0, surrogate=best, threshold=0.5),
            screened(plan, digits, 0.895, 700.0, surrogate=best, threshold=1.5),
            {"status": "failed"},
        ],
    )

    def thresholds(chosen):
        return [settings_of(row)["threshold"] for row in chosen]

    assert rows.best("fast_sigmoid") == best and rows.best("atan") == "atan:4"
    assert rows.default()["result"]["validation"]["accuracy"] == 0.90
    leaks = rows.screened(surrogate=best, threshold=ANY)
    assert thresholds(leaks) == [1.0, 0.5, 1.5] and repr(ANY) == "ANY"
    assert thresholds(rows.accurate(leaks, 1)) == [0.5]
    assert thresholds(rows.trades(leaks, 1, loss=0.01)) == [1.5]
    assert plan.margins == (0.0, 0.02) and thresholds(rows.fastest(leaks)) == [1.0, 1.5]

    grid = study.stage("leaks", plan, digits, rows.rows)
    assert {point["network"]["surrogate"] for point in grid} == {best}
    pairs = [(point["network"]["beta"], point["network"]["threshold"]) for point in grid]
    assert pairs == [(beta, threshold) for beta in plan.betas for threshold in plan.thresholds]


def test_a_spike_of_the_other_reset_subtracts_too_little():
    """At beta 0.25, "subtract_then_leak" subtracts a quarter of the threshold, so neurons spike more often."""
    digits = datasets.load("digits")
    some = replace(digits, x_test=digits.x_test[:50], y_test=digits.y_test[:50])
    net = minisnn.Network("4C3-MP2-10", some.input_shape, beta=0.25, reset="subtract", rng=np.random.default_rng(0))
    model = minisnn.Model(net, minisnn.Encoder("direct", 4, 16.0, (5.0,), (6.0,)), dataset="digits")
    results = pitfalls.measure(model, some, lanes=(4, 2))
    assert list(results) == ["trained", "other reset", "trained, float", "pooled first"]
    assert results["other reset"]["firing_rate"] > 1.2 * results["trained"]["firing_rate"]
    assert results["other reset"]["latency"] > results["trained"]["latency"]
