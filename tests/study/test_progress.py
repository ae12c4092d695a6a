"""Evidence before verdict: claims of a study stay open until every point of it is there."""

import json
import random
import shutil
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from minisnn.data import load as datasets
from minisnn.study import claims, executors, report, stages
from minisnn.study.progress import progress
from minisnn.study.selection import Rows
from minisnn.study.store import Store
from tests.study.plans import small_plan

COMMITTED = Path(__file__).parents[2] / "tutorials/results/svhn10k"


@pytest.fixture(scope="module")
def plan(dataset):
    return small_plan(dataset, epochs=3)


@pytest.fixture(scope="module")
def finished(plan, dataset, tmp_path_factory):
    """Return the file of a small study that has run to its end."""
    path = tmp_path_factory.mktemp("study") / "study.sqlite"
    assert stages.run(plan, path, datasets.load(dataset), executors.Here()) == ""
    return path


def keys_in(path):
    """Return the keys of the points, in the order in which they were computed."""
    with sqlite3.connect(path) as db:
        return [key for (key,) in db.execute("SELECT key FROM times ORDER BY rowid")]


def without(path, keys, folder):
    """Return a copy of a study that lacks these points, as if it had been interrupted before them."""
    copy = shutil.copy(path, folder / "interrupted.sqlite")
    with sqlite3.connect(copy) as db:
        db.executemany("DELETE FROM points WHERE key = ?", [(key,) for key in keys])
    db.close()
    return copy


def gathered(path):
    """Return the claims that could be decided by computing, and the settings selected."""
    section = report.gather(path)["claims"]
    return [claim for claim in section["list"] if claim["verdict"] != claims.MODEL], section["settled"]


def test_a_finished_study_has_verdicts(finished):
    decided, selected = gathered(finished)
    assert claims.OPEN not in {claim["verdict"] for claim in decided}
    assert {"default", "named", "atan", "wide", "paper", "leak", "priced", "steps"} <= selected.keys()


def test_any_missing_point_opens_the_claims(finished, tmp_path):
    """Each point in turn, and so each seed alone; a point that several stages ask for belongs to the first."""
    where = Counter()
    for key in keys_in(finished):
        decided, selected = gathered(without(finished, [key], tmp_path))
        assert {claim["verdict"] for claim in decided} == {claims.OPEN} and not selected
        (note,) = {claim["note"] for claim in decided}
        there, _, total, *_ = note.split()
        assert int(there) == int(total) - 1
        where[note.partition(" in ")[2]] += 1
    assert list(where) == [f"stage {number} of 5 ({name})" for number, name in enumerate(stages.STAGES, start=1)]


def test_a_study_that_grows_decides_nothing_before_its_end(finished, plan, tmp_path):
    """Points go one by one, the last computed first, and then at random: what a kill and what a mishap would leave."""
    backwards = keys_in(finished)[::-1]
    shuffled = random.Random(0).sample(backwards, len(backwards))
    for order in (backwards, shuffled):
        stage_numbers = []
        for count in range(1, len(order) + 1):
            decided, selected = gathered(without(finished, order[:count], tmp_path))
            assert {claim["verdict"] for claim in decided} == {claims.OPEN} and not selected
            stage_numbers.append(decided[0]["note"].partition(" stage ")[2][0])
        assert stage_numbers == sorted(stage_numbers, reverse=True)
    assert decided[0]["note"] == "0 of 10 points are there in stage 1 of 5 (scales)"


def test_a_run_out_of_time_says_how_far_it_is(plan, dataset, tmp_path):
    path, data = tmp_path / "s.sqlite", datasets.load(dataset)
    assert stages.run(plan, path, data, executors.Here(), budget=0) == "scales"
    decided, _ = gathered(path)
    assert {claim["note"] for claim in decided} == {"0 of 10 points are there in stage 1 of 5 (scales)"}


def rows_in(path):
    with Store(path) as store:
        return store.rows()


def test_a_failed_point_is_there_and_is_named(finished, plan):
    rows = rows_in(finished)
    whole = progress(plan, rows)
    failed = whole.selected["atan"][1]
    some = [row | {"status": "failed", "result": {}} if row["key"] == failed["key"] else row for row in rows]
    now = progress(plan, some)
    assert now.lacks.startswith("failed: atan:") and now.lacks.endswith("3 epochs, seed 1")
    assert "atan" not in now.selected and now.selected["default"] == whole.selected["default"]
    by_group = {claim["group"]: claim for claim in claims.claims(now.selected, plan, 100, lacks=now.lacks)[:5]}
    assert by_group["firing"]["verdict"] == claims.OPEN and by_group["firing"]["note"] == now.lacks
    assert by_group["latency"]["verdict"] != claims.OPEN


def test_a_family_that_failed_altogether(finished, plan):
    rows = [
        row | {"status": "failed", "result": {}} if row["point"]["network"]["surrogate"].startswith("atan") else row
        for row in rows_in(finished)
    ]
    assert progress(plan, rows).selected == {}
    assert progress(plan, rows).lacks.startswith("stage 1 has no result of atan at the plan's scales")


def test_every_arctangent_in_full_length_is_one_that_claims_compare(finished, plan):
    rows = rows_in(finished)
    compared = [settings["surrogate"] for settings in Rows(plan, rows).compared().values()]
    trained = [row["point"]["network"]["surrogate"] for row in Rows(plan, rows).full()]
    of_trained, of_compared = ({name for name in names if name.startswith("atan")} for names in (trained, compared))
    assert of_trained == of_compared


def test_points_that_the_plan_does_not_ask_for_are_not_selected(finished, plan):
    """A file may have points of a sweep: the best of them all is not the study's."""
    rows = rows_in(finished)
    best = json.loads(json.dumps(rows[0]))
    best["point"]["training"]["epochs"] = plan.epochs
    best["point"]["network"]["beta"] = [0.5, 0.5]
    best["result"]["validation"] |= {"accuracy": 1.0, "latency": 1.0}
    assert progress(plan, [*rows, best]) == progress(plan, rows)


def test_the_committed_study_is_whole(tmp_path):
    """Its claims are those of the file beside it; only the layerwise schedule waits for another run."""
    section = report.gather(shutil.copy(COMMITTED / "study.sqlite", tmp_path))["claims"]
    assert json.loads(json.dumps(section)) == json.loads((COMMITTED / "claims.json").read_text())
    open_claims = [claim for claim in section["list"] if claim["verdict"] == claims.OPEN]
    assert len(open_claims) == 2 and all("layerwise" in claim["what"] for claim in open_claims)
    assert sum(claim["verdict"] == claims.HOLDS for claim in section["list"]) == 5
