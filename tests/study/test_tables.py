"""Tables, and claims in words."""

import pytest

from minisnn.data import load as datasets
from minisnn.study import claim_words, claims, tables
from minisnn.study.point import make


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits")


def test_describe(digits):
    point = make(digits, {"beta": 0.7, "threshold": [1.0, 2.0]}, {"seed": 3, "epochs": 20})
    assert tables.describe(point) == "fast_sigmoid:5, beta 0.7, threshold [1.0, 2.0], lr 0.002, T 10, 20 epochs, seed 3"
    penalised = make(digits, {}, {"epochs": 1, "rate_penalty": "1,0"})
    assert tables.describe(penalised).endswith("T 10, penalty 1,0, 1 epoch, seed 0")
    priced = make(digits, {}, {"epochs": 1, "cycle_penalty": 0.5}, lanes=(8, 5))
    assert tables.describe(priced).endswith("T 10, cycle penalty 0.5, 1 epoch, seed 0")
    assert priced["training"]["lanes"] == "8/5"


def test_a_failed_row_is_flat_too(digits):
    point = make(digits, {"beta": 0.7}, {"num_steps": 5})
    columns = tables.flat({"key": "1", "status": "failed", "reason": "died", "result": {}, "point": point})
    assert (columns["beta"], columns["num_steps"], columns["weight_bits"]) == (0.7, 5, 8)
    assert columns["accuracy"] is columns["latency"] is columns["dense_latency"] is columns["firing_rate"] is None


def test_texts():
    rows = [{"beta": 0.5, "accuracy": 0.98, "lanes": (32, 8)}, {"beta": 0.9, "accuracy": None, "lanes": None}]
    assert tables.as_csv(rows) == "beta,accuracy,lanes\n0.5,0.98,32/8\n0.9,,\n"
    assert tables.as_csv([]) == ""
    assert tables.as_json([1, None]) == "[\n 1,\n null\n]\n"


def test_groups_of_rows(digits):
    pairs = ((0.5, 1.0, 0), (0.5, 1.0, 1), (0.9, 1.0, 0), (0.5, 2.0, 0))
    rows = [
        {"point": make(digits, {"beta": beta, "threshold": threshold}, {"seed": seed})}
        for beta, threshold, seed in pairs
    ]
    assert [len(group) for group in tables.settings(rows)] == [2, 1, 1]
    assert [len(group) for group in tables.settings(rows, free=["beta"])] == [3, 1]
    assert tables.largest(rows, "beta") == rows[:3]


def test_means():
    network = {"topology": "16-10", "input_shape": (4,), "padding": []}
    rows = [
        {
            "point": {"network": network},
            "result": {"test": {"accuracy": accuracy, "latency": 400.0, "firing_rates": [0.1, 0.1]}},
        }
        for accuracy in (0.75, 0.5)
    ]
    numbers = tables.means(rows)
    assert (numbers["accuracy"], numbers["accuracy_range"], numbers["seeds"]) == (0.625, (0.5, 0.75), 2)


def test_claims_in_words():
    cut = {"what": "latency cut", "unit": "%", "sense": ">=", "bar": 0.48, "value": 0.5, "low": 0.47, "high": 0.53}
    lost = {"what": "accuracy lost", "unit": "points", "sense": "<=", "bar": 0.01}
    lost |= {"value": 0.004, "low": -0.001, "high": 0.009}
    claim = {"tests": [cut, lost], "verdict": claims.UNSURE}
    still_open = {"tests": [], "verdict": claims.OPEN, "note": "4 of 8 points are there"}
    assert claim_words.with_interval(cut) == "50.0 % (47.0 to 53.0)" and claim_words.bar(cut) == "at least 48 %"
    assert claim_words.with_interval(lost) == "0.40 (-0.10 to 0.90)" and claim_words.bar(lost) == "at most 1"
    assert claim_words.quantity(lost) == "accuracy lost, points"
    sentence = "1 of 2 claims is open: 4 of 8 points are there."
    assert claim_words.still_open([claim, still_open]) == sentence
    other = still_open | {"note": "failed: a point"}
    sentence = "3 of 3 claims are open: 4 of 8 points are there; failed: a point."
    assert claim_words.still_open([still_open, still_open, other]) == sentence
    assert claim_words.still_open([claim]) == ""
