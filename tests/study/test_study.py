"""The study: stages that follow from validation alone, and the same tables twice."""

import copy
import random
import sqlite3
from dataclasses import replace

import pytest

from minisnn.data import load as datasets
from minisnn.errors import InputError
from minisnn.study import stages as study
from minisnn.study import sweep
from minisnn.study.point import key, training_key
from minisnn.study.store import Store


@pytest.fixture(scope="module")
def plan(dataset):
    return study.Plan(
        dataset,
        {"topology": "4C3-MP2-3", "num_steps": 3, "validation": 0.2, "batch_size": 16},
        1,
        2,
        (1, 4),
        (0.25, 0.7),
        (0.5, 1.0),
        ("1,0",),
        0.5,
        (2,),
        (2,),
        (0, 1),
        (2, 3),
        (0.2, 0.5),
        tolerance=0.5,
    )


@pytest.fixture(scope="module")
def data(dataset):
    return datasets.load(dataset)


def rows_of(plan, data, rng):
    """Made-up results of the screening, for choices to be made of."""
    rows = []
    for name in study.STAGES[:4]:
        known = {row["key"] for row in rows}
        for point in (each for each in study.stage(name, plan, data, rows) if key(each) not in known):
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
        swapped = copy.deepcopy(rows)  # and they do look at validation
        best = study.Rows(plan, rows).best("fast_sigmoid")
        for row in swapped:
            row["result"]["validation"]["accuracy"] = 1 - row["result"]["validation"]["accuracy"]
        assert study.Rows(plan, swapped).best("fast_sigmoid") != best


def test_trades_are_the_fastest_that_lose_no_more(plan, data):
    rows = study.Rows(plan, rows_of(plan, data, random.Random(1)))
    floor = rows.default()["result"]["validation"]["accuracy"] - 0.3
    found = rows.trades(rows.rows, 3, 0.3)
    fit = [row for row in rows.rows if row["result"]["validation"]["accuracy"] >= floor]
    slowest = max(row["result"]["validation"]["latency"] for row in found)
    assert len(found) == min(3, len(fit)) and all(row in fit for row in found)
    assert sum(row["result"]["validation"]["latency"] < slowest for row in fit) == len(found) - 1


def test_settled_needs_all_seeds(plan, data):
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
    settled = study.Rows(plan, rows).settled()
    assert {"named", "default", "atan", "wide", "leak", "priced", "steps", "paper"} <= set(settled)
    assert all([row["point"]["training"]["seed"] for row in each] == [0, 1] for each in settled.values())
    assert study.mean(settled["default"], "accuracy", "test") == pytest.approx(0.905)
    last = [row for row in rows if row["point"]["training"]["seed"] == 1]
    assert study.Rows(plan, [row for row in rows if row not in last]).settled() == {}


def test_the_same_study_twice(plan, data, tmp_path):
    tables = []
    for name, workers in (("a", sweep.Here()), ("b", sweep.Processes(2))):
        path, seen = tmp_path / f"{name}.sqlite", []
        assert study.run(plan, path, data, workers, on_stage=lambda stage, points: seen.append(stage)) == ""
        assert tuple(seen) == study.STAGES
        with Store(path) as store:
            study.pitfalls(plan, store, data)
            assert store.noted("pitfalls")
        with sqlite3.connect(path) as db:
            tables.append(
                [db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in ("points", "models", "notes")]
            )
    assert tables[0] == tables[1]
    assert {row[3] for row in tables[0][0]} == {"done"}


def test_a_budget_ends_it_and_it_goes_on(plan, data, tmp_path):
    path = tmp_path / "s.sqlite"
    assert study.run(plan, path, data, sweep.Here(), budget=0) == "scales"
    with pytest.raises(InputError, match="another plan"):
        study.run(replace(plan, tolerance=0.4), path, data, sweep.Here())


def test_no_plan():
    with pytest.raises(InputError, match="no study of 'mnist'"):
        study.plan_for("mnist")
