"""Evidence before verdict: nothing is selected from a stage, and no claim on it decided, until it is whole."""

import random

import pytest

from minisnn.study import claims
from minisnn.study.progress import progress
from minisnn.study.selection import identity, settings_of
from minisnn.study.stages import STAGES
from tests.study import made_up
from tests.study.made_up import PLAN, result, result_of, rows_of

RESTS_ON = {"base": "refits", "firing": "bases", "latency": "refits", "efficiency": "refits"}


@pytest.fixture(scope="module")
def rows():
    """Return the rows of a finished study."""
    found = rows_of(made_up.template())
    return [
        {
            "point": of,
            "status": "done",
            "reason": "",
            "training": str(index),
            "key": str(index),
            "result": result_of(of, numbers),
        }
        for index, (of, numbers) in enumerate(found)
    ]


def decided(rows):
    """Return the verdicts that are not open, by group, of claims that computing can decide."""
    found = claims.claims(progress(PLAN, rows), PLAN)
    assert all(claim["note"] for claim in found if claim["verdict"] == claims.OPEN)
    return {claim["group"] for claim in found if claim["verdict"] not in (claims.OPEN, claims.MODEL)}


def test_a_finished_study_selects_and_decides(rows):
    so_far = progress(PLAN, rows)
    cells = {f"{family} {beta}" for family in ("fast_sigmoid", "atan") for beta in PLAN.betas}
    assert set(so_far.selected) == {"default", "cycles", "steps"} | cells and so_far.lacks == ""
    assert all([row["point"]["training"]["seed"] for row in group.rows] == [0, 1] for group in so_far.selected.values())
    # A price of 0.3 loses ten points; that of 0.1 loses hardly any. Fewer steps save more.
    cycles, steps = so_far.selected["cycles"], so_far.selected["steps"]
    held_out = {name: settings_of(of.rows[0])["validation"] for name, of in so_far.selected.items()}
    assert held_out == dict.fromkeys(cells, 0.2) | {"default": 0.0, "cycles": 0.0, "steps": 0.0}
    assert settings_of(cycles.rows[0])["cycle_penalty"] == 0.1
    # What is learned saves cycles too, but not with fewer steps. Early exit at a lead of 1 loses a tenth, at 2 nothing.
    assert settings_of(cycles.rows[0])["learn"] == "beta,threshold"
    assert settings_of(steps.rows[0]) | {"num_steps": 4, "learn": "beta,threshold"} == settings_of(cycles.rows[0])
    assert (cycles.margin, steps.margin) == (None, 2)
    assert [stage.whole for stage in so_far.stages] == [True] * len(STAGES)
    assert decided(rows) == set(RESTS_ON)


def test_any_missing_point_opens_what_rests_on_its_stage(rows):
    """Each point in turn, and so each seed alone."""
    names = list(STAGES)
    seen = set()
    for missing in rows:
        rest = [row for row in rows if row is not missing]
        so_far = progress(PLAN, rest)
        stage = next(stage for stage in so_far.stages if not stage.whole)
        assert stage.there == stage.total - 1 and f"({stage.name})" in so_far.lacks
        left = {group for group, name in RESTS_ON.items() if names.index(name) < names.index(stage.name)}
        assert decided(rest) == left
        seen.add(stage.name)
    assert seen == set(STAGES)


def test_a_study_that_shrinks_decides_less_and_less(rows):
    order, numbers = random.Random(0).sample(rows, len(rows)), []
    for count in range(1, len(order) + 1, 7):
        rest = [row for row in rows if row not in order[:count]]
        numbers.append(len(decided(rest)))
    assert numbers == sorted(numbers, reverse=True) and numbers[-1] == 0


def failed(rows, which):
    return [row | {"status": "failed", "result": {}, "reason": "died"} if which(row) else row for row in rows]


def test_a_failed_point_is_there_and_is_named(rows):
    whole = progress(PLAN, rows)
    victim = whole.selected["atan 0.7"].rows[1]
    now = progress(PLAN, failed(rows, lambda row: row["key"] == victim["key"]))
    assert now.lacks.startswith("failed: atan:") and now.lacks.endswith("5 epochs, seed 1")
    assert "atan 0.7" not in now.selected and now.selected["default"] == whole.selected["default"]
    firing = [claim for claim in claims.claims(now, PLAN) if claim["group"] == "firing"]
    assert [claim["verdict"] == claims.OPEN for claim in firing] == [False, True]
    assert firing[1]["note"] == now.lacks


def test_a_family_that_failed_altogether(rows):
    now = progress(PLAN, failed(rows, lambda row: row["point"]["network"]["surrogate"].startswith("atan")))
    assert now.selected == {} and now.lacks.startswith("no trial of atan at beta 0.25 has succeeded")
    assert [stage.total for stage in now.stages][1:] == [None] * (len(STAGES) - 1)


def test_points_that_the_plan_does_not_ask_for_are_not_selected(rows):
    """A file may have points of a sweep: the best of them all is not the study's."""
    best = result(1.0, 1.0, 0.01)
    point = rows[0]["point"] | {"network": rows[0]["point"]["network"] | {"beta": [0.5, 0.5, 0.5]}}
    other = rows[0] | {"point": point, "result": best, "key": "other"}
    assert identity(other) not in {identity(row) for row in rows}
    assert progress(PLAN, [*rows, other]).selected == progress(PLAN, rows).selected
