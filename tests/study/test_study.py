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
from minisnn.study.plan import MARGINS, plan_for
from minisnn.study.point import key, training_key
from minisnn.study.progress import progress
from minisnn.study.selection import Rows, setting, settings_of, validation
from minisnn.study.store import Store
from tests.study.plans import small_plan


@pytest.fixture(scope="module")
def plan(dataset):
    return small_plan(dataset)


@pytest.fixture(scope="module")
def data(dataset):
    return datasets.load(dataset)


def row_of(plan, data, setting, epochs, seed, accuracy, latency):
    """Return a finished row with these results, on validation and on test images."""
    point = study.point(plan, data, setting, epochs, seed)
    part = {"accuracy": accuracy, "latency": latency, "accuracy_by_step": [accuracy / 2, accuracy - 0.1, accuracy]}
    result = {"validation": part, "test": part}
    keys = {"key": key(point), "training": training_key(point)}
    return keys | {"point": point, "status": "done", "reason": "", "result": result}


def rows_of(plan, data, rng, stages=study.STAGES):
    """Return random results for all points of these stages."""
    rows = []
    for name in stages:
        known = {row["key"] for row in rows}
        for one in study.wanted(name, Rows(plan, rows)):
            row = row_of(plan, data, *one, rng.random(), rng.uniform(1e3, 1e5))
            rows += [row] if row["key"] not in known else []
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
        chosen, same = progress(plan, rows).selected, progress(plan, others).selected
        assert {name: [row["key"] for row in group.rows] for name, group in chosen.items()} == {
            name: [row["key"] for row in group.rows] for name, group in same.items()
        }
        for row in others:  # but they do look at validation
            row["result"]["validation"]["accuracy"] = 1 - row["result"]["validation"]["accuracy"]
        assert Rows(plan, others).finalists(0.25, "atan") != Rows(plan, rows).finalists(0.25, "atan")


def test_stages_ask_for_what_the_protocol_says(plan, data):
    rows = Rows(plan, rows_of(plan, data, random.Random(1)))
    asked = {name: study.wanted(name, rows) for name in study.STAGES}
    assert len(asked["trials"]) == 2 * 2 * 4 and {one[1:] for one in asked["trials"]} == {(1, 0)}
    assert {one["threshold"] for one, _, _ in asked["trials"]} == {1.0}
    assert len(asked["finalists"]) == 4 * 2 and {one[1:] for one in asked["finalists"]} == {(1, 1)}
    assert {one[1:] for one in asked["bases"]} == {(2, 0), (2, 1)} and len(asked["bases"]) == 8
    assert [one["cycle_penalty"] for one, _, _ in asked["prices"]] == [0.5, 0.5]
    assert {one["learn"] for one, _, _ in asked["learned"]} == {"beta,threshold"} and len(asked["learned"]) == 2
    assert {(one["num_steps"], one["learn"]) for one, _, _ in asked["steps"]} == {(2, None)}
    assert len(asked["scales"]) == 2 * 2 * 2 and len(asked["leaks"]) == 2 * 2 * 2
    points = study.stage("prices", plan, data, rows.rows)
    assert all(point["training"]["lanes"] == "2/3" for point in points)  # cycles are priced on the lanes of the plan
    assert {point["training"]["penalty_ramp"] for point in points} == {0.5}


def test_the_higher_mean_of_the_finalists_is_chosen_and_ties_are_told(plan, data):
    three = replace(plan, seeds=(0, 1, 2))
    tried = Rows(three, []).trials(0.25, "atan")
    accuracies = {0: (0.80, 0.60, 0.61), 1: (0.79, 0.70, 0.72), 2: (0.50,), 3: (0.40,)}
    rows = [
        row_of(three, data, tried[index], 1, seed, accuracy, 1000.0)
        for index, values in accuracies.items()
        for seed, accuracy in enumerate(values)
    ]
    found = Rows(three, rows)
    assert found.finalists(0.25, "atan") == [tried[0], tried[1]]
    choice = found.choice(0.25, "atan")
    assert (choice.setting, choice.second) == (tried[1], tried[0])
    differences = np.array([-0.01, 0.10, 0.11])
    assert choice.behind == pytest.approx(differences.mean())
    assert choice.error == pytest.approx(differences.std(ddof=1) / np.sqrt(3))
    assert not choice.tied
    rows[1]["result"]["validation"]["accuracy"] = 0.78  # the first finalist at seed 1: differences -0.01, -0.08, 0.11
    assert Rows(three, rows).choice(0.25, "atan").tied
    with pytest.raises(InputError, match="no trial of fast_sigmoid at beta 0.7 has succeeded"):
        found.choice(0.7, "fast_sigmoid")


def test_final_settings_by_hand(plan, data):
    """The default at 0.90; at a tolerance of 0.1 a mean loss of 0.05 is allowed in the end."""
    plan = replace(plan, tolerance=0.1)
    trials = [
        row_of(plan, data, trial, 1, seed, 0.5, 1e3)
        for trial in Rows(plan, []).trials(0.25, "fast_sigmoid")
        for seed in (0, 1)
    ]
    default = Rows(plan, trials).default()
    fast, faster, poor = (default | {"cycle_penalty": weight} for weight in (0.1, 0.2, 0.3))
    numbers = {0: (default, 0.90, 1000.0), 1: (fast, 0.86, 700.0), 2: (faster, 0.84, 500.0), 3: (poor, 0.7, 100.0)}
    rows = [row_of(plan, data, one, 2, seed, *of) for one, *of in numbers.values() for seed in (0, 1)]
    found = Rows(plan, trials + rows)
    assert found.fastest([default, fast, faster, poor], 2) == [faster, fast]
    assert settings_of(found.final([default, fast, faster]).rows[0]) == fast
    assert settings_of(found.final([faster, poor]).rows[0]) == faster  # none is within half the tolerance
    assert found.final([default | {"num_steps": 2}]) is None
    assert found.early_step() == 2  # 0.45, 0.80, 0.90
    assert Rows(replace(plan, tolerance=0.09), trials + rows).early_step() == 3


def test_early_exit_is_one_more_choice_where_it_is_allowed(plan, data):
    """The default at 0.90 and 1,000 cycles; a lead of 2 ends its images at 0.86 and 400, one of 1 at 0.70 and 100."""
    plan = replace(plan, tolerance=0.1)
    default = Rows(plan, []).trials(0.25, "fast_sigmoid")[0]
    fast = default | {"cycle_penalty": 0.1}
    trials = [row_of(plan, data, default, 1, seed, 0.5, 1e3) for seed in (0, 1)]
    rows = [row_of(plan, data, default, 2, seed, 0.9, 1000.0) for seed in (0, 1)]
    rows += [row_of(plan, data, fast, 2, seed, 0.88, 500.0) for seed in (0, 1)]
    for row in rows[:2]:
        row["result"]["validation"] |= {
            "accuracy_by_margin": [0.70, 0.86] + [0.90] * (len(MARGINS) - 2),
            "latency_by_margin": [100.0, 400.0] + [900.0] * (len(MARGINS) - 2),
        }
    found = Rows(plan, trials + rows)
    assert found.fastest([default, fast], 2) == [fast, default]
    assert found.fastest([default, fast], 2, exits=True) == [default, fast]
    assert (found.final([default, fast]).rows, found.final([default, fast]).margin) == (rows[2:], None)
    chosen = found.final([default, fast], exits=True)
    assert (chosen.rows, chosen.margin) == (rows[:2], MARGINS[1])


def test_the_same_study_twice(plan, data, tmp_path):
    tables = []
    for name, workers in (("a", executors.Here()), ("b", executors.Processes(2))):
        path, seen = tmp_path / f"{name}.sqlite", []
        assert study.run(plan, path, data, workers, on_stage=lambda stage, points: seen.append(stage)) == ""
        assert seen == list(study.STAGES)
        with Store(path) as store:
            pitfalls.note(plan, store, data)
            assert store.noted("pitfalls")
        with sqlite3.connect(path) as db:
            tables.append(
                [db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in ("points", "models", "notes")]
            )
    assert tables[0] == tables[1]
    assert {row[3] for row in tables[0][0]} == {"done"}


def test_the_protocol_is_there_before_the_first_point(plan, data, tmp_path):
    path = tmp_path / "s.sqlite"
    assert study.run(plan, path, data, executors.Here(), budget=0) == "trials"
    with Store(path) as store:
        assert store.rows() == [] and "4 trials" in str(store.noted("protocol"))
    with pytest.raises(InputError, match="another plan"):
        study.run(replace(plan, tolerance=0.4), path, data, executors.Here())


def test_no_plan():
    with pytest.raises(InputError, match="no study of 'mnist'"):
        plan_for("mnist")


def test_a_setting_is_found_again_in_its_row(plan, data):
    one = setting(plan, surrogate="atan:4", beta=0.7, lr=0.008, cycle_penalty=0.5)
    row = row_of(plan, data, one, 2, 1, 0.5, 100.0)
    assert settings_of(row) == one and Rows(plan, [row]).row(one, seed=1, epochs=2) is row
    assert Rows(plan, [row | {"status": "failed"}]).row(one, seed=1, epochs=2) is None
    assert validation(row)["accuracy"] == 0.5


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
