"""Points: their keys, and the numbers that measuring one gives."""

from dataclasses import replace

import numpy as np
import pytest

from minisnn.data import load as datasets
from minisnn.study import point as points_of


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits")


def test_digest_depends_on_the_data(digits):
    assert points_of.digest(digits) == "2e12afa0f5942a69"
    assert points_of.digest(replace(digits, y_test=digits.y_test[::-1].copy())) != points_of.digest(digits)


def test_make_spells_out_defaults(digits):
    point = points_of.make(digits, {"topology": "16-10", "beta": 0.7}, {"epochs": 1}, weight_bits=6)
    assert point["network"]["beta"] == 0.7 and point["network"]["reset"] == "subtract"
    assert point["integers"] == {"weight_bits": 6, "finetune": 0}
    by_layer = points_of.make(digits, {"topology": "16-10", "beta": [0.5, 0.7]}, {})
    assert list(by_layer["network"]["beta"]) == [0.5, 0.7]


def test_equal_settings_have_equal_keys(digits):
    settings = [({"beta": 0.5}, {}), ({}, {"seed": 0}), ({"beta": 0.7}, {})]  # 0.5 and 0 are the defaults
    keys = [points_of.key(points_of.make(digits, *pair)) for pair in settings]
    assert keys[0] == keys[1] != keys[2]
    fine, coarse = (points_of.make(digits, {}, {}, weight_bits=bits) for bits in (8, 4))
    assert points_of.key(fine) != points_of.key(coarse)
    assert points_of.training_key(fine) == points_of.training_key(coarse)


def test_measure(digits):
    point = points_of.make(digits, {"topology": "16-10"}, {"epochs": 1, "num_steps": 2})
    file = points_of.train(point, digits)
    assert file == points_of.train(point, digits, threads=1)
    model, integer, losses = points_of.integers(point, file, digits)
    assert len(model.history) == 1
    assert [layer.weight_bits for layer in losses.layers] == [8, 8]
    assert np.abs(integer.network.layers[0].w).max() == 127
    result = points_of.measure(point, file, digits)
    assert sorted(result) == ["history", "lanes", "lost", "taps", "test", "validation"]
    test = result["test"]
    assert test["bound"] < test["latency"] < test["dense"]["latency"]
    assert test["latency_range"][0] <= test["latency"] <= test["latency_range"][1]
    without = points_of.make(digits, {"topology": "16-10"}, {"epochs": 1, "num_steps": 2, "validation": 0})
    assert points_of.measure(without, points_of.train(without, digits), digits)["validation"] is None
