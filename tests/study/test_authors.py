"""The authors' variant: what is computed, that no preset of ours is part of it, and its report beside ours."""

import copy
from dataclasses import asdict
from html import escape

import numpy as np
import pytest

import minisnn
from minisnn.commands import main
from minisnn.data import load as datasets
from minisnn.errors import InputError
from minisnn.fixed.quantize import quantize
from minisnn.study import authors, executors, page, plots, report
from minisnn.study import plan as plans
from minisnn.study.form import fault_of_row
from minisnn.study.plan import AUTHORS, FAMILIES, VARIANTS, Variant
from minisnn.study.point import opened
from minisnn.study.store import Store
from minisnn.training.presets import divided
from minisnn.training.settings import Settings
from tests.study import made_up

TRAINING = AUTHORS | {"topology": "4C3MP2-6", "classes": 3, "threshold": 0.5, "num_steps": 3}
TRAINING |= {"epochs": 1, "augment": 0, "validation": 0.2, "batch_size": 16}


@pytest.fixture(scope="module")
def variant(dataset):
    return Variant(dataset=dataset, training=TRAINING, scales=(1, 4), seeds=(0, 1))


@pytest.fixture(scope="module")
def computed(variant, tmp_path_factory):
    """Return the file of a small variant, of which half was computed first."""
    path = tmp_path_factory.mktemp("authors") / "study.sqlite"
    data = datasets.load(variant.dataset)
    assert authors.run(variant, path, data, executors.Here(), budget=0) == 8
    assert authors.run(variant, path, data, executors.Here()) == 0
    return path


def rows_of(path):
    with Store(path, read_only=True) as store:
        return store.rows()


def test_no_preset_is_part_of_a_point():
    variant = VARIANTS["digits-authors"]
    point = authors.points(variant, minisnn.load_data("digits"))[0]
    settings = asdict(Settings(**divided(variant.training)[1]))
    assert point["training"] == {name: settings[name] for name in point["training"]} and settings["clip"] is None


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_is_the_authors(name):
    network, training = divided(VARIANTS[name].training)
    assert training["loss"] == "mse_count:1:0" and training["num_steps"] == 18 and training["schedule"] == "cosine"
    assert network["init"] == "pytorch" and "MP2" in network["topology"] and "-MP2" not in network["topology"]
    assert len(VARIANTS[name].scales) <= 4
    [[_, *sentences]] = authors.text(VARIANTS[name])
    assert network["topology"] in sentences[0] and "16" in sentences[1]


def test_points_are_all_scales_seed_by_seed(variant):
    points = authors.points(variant, datasets.load(variant.dataset))
    seeds = [point["training"]["seed"] for point in points]
    assert seeds == [0] * 4 + [1] * 4 and {point["network"]["init"] for point in points} == {"pytorch"}
    assert [point["network"]["surrogate"] for point in points[:3]] == ["fast_sigmoid:1", "atan:1", "fast_sigmoid:4"]


def test_results_are_those_of_both_networks_without_cycles(computed, variant):
    """In integers and in floats; the sums over blocks give the same accuracy and rate."""
    row, data = rows_of(computed)[0], datasets.load(variant.dataset)
    test = row["result"]["test"]
    with Store(computed, read_only=True) as store:
        model = opened(store.model(row["training"]))
    floats = minisnn.evaluate(model, data.x_test, data.y_test)
    integers = quantize(model, images=data.x_train)[0].evaluate(data.x_test, data.y_test)
    assert (test["accuracy_float"], tuple(test["firing_rates_float"])) == (floats.accuracy, floats.firing_rates)
    assert test["accuracy"] == integers.accuracy
    np.testing.assert_allclose(test["firing_rates"], integers.firing_rates, rtol=1e-12)
    assert max(test["firing_rates"]) > 0 and "latency" not in test and "lanes" not in row["result"]
    blocks = test["blocks"]
    assert sum(right for [right] in blocks["right"]) == round(integers.accuracy * len(data.y_test))
    neurons = [layer.shape.neurons for layer in model.network.layers]
    spikes = np.dot(integers.firing_rates, neurons) * 3 * len(data.y_test)
    assert sum(blocks["spikes"]) == round(spikes) and blocks["neuron_steps"] == 3 * sum(neurons)


def test_the_report_has_rates_and_no_cycles(computed, tmp_path):
    contents = report.gather(computed)
    section = contents["authors"]
    assert [len(section["lines"][family]) for family in FAMILIES] == [2, 2] and section["ours"] == {}
    line = section["lines"]["atan"][0]
    rows = [row for row in rows_of(computed) if row["point"]["network"]["surrogate"] == "atan:1"]
    assert line["accuracy"][0] == pytest.approx(np.mean([row["result"]["test"]["accuracy"] for row in rows]))
    assert line["accuracy"][1] <= line["accuracy"][0] <= line["accuracy"][2]
    each = [sum(row["result"]["test"]["blocks"]["spikes"]) / row["result"]["test"]["images"] for row in rows]
    assert line["spikes"] == pytest.approx(np.mean(each))
    low, high = section["equal"]["firing_rate"][1:]
    assert 0 < low <= high and "latency" not in section["equal"]
    assert contents["reached"] == {"stages": [["trainings", 8, 8]], "lacks": ""}
    assert set(plots.figures(contents)) == {"authors"}
    page.write(contents, tmp_path)
    text = (tmp_path / "report.html").read_text()
    for words in (
        escape(authors.NO_CLAIMS),
        "is the number of spikes per neuron and step",
        "PyTorch",
        "fast_sigmoid:4",
    ):
        assert words in text, words
    assert ",4C3MP2-6," in (tmp_path / "results.csv").read_text() and (tmp_path / "authors.png").exists()


def test_our_network_stands_beside(computed, tmp_path, monkeypatch):
    study = made_up.store_of(tmp_path / "study.sqlite", made_up.rows_of(made_up.template()))
    with pytest.raises(InputError, match="study.sqlite has other test images"):
        report.gather(computed, against=study)
    with pytest.raises(InputError, match="is no study to compare with"):
        report.gather(computed, against=computed)
    with pytest.raises(InputError, match="has no default to compare with"):
        report.gather(study, against=computed)
    monkeypatch.setattr(report, "_check_images", lambda path, rows: None)
    ours = report.gather(computed, against=study)["authors"]["ours"]
    assert [point["surrogate"] for point in ours["fast_sigmoid"]] == ["fast_sigmoid:1", "fast_sigmoid:4"]
    assert ours["atan"][0]["firing_rate"][0] == pytest.approx(0.12)


def test_what_is_missing_is_told(computed, variant):
    rows = rows_of(computed)
    sections = authors.of_variant(variant, [row for row in rows if row["point"]["training"]["seed"] == 0])
    assert sections["authors"] == {"missing": "No scale is complete: each needs all seeds."}
    assert (
        sections["reached"]["lacks"] == "4 of 8 points are there" and sections["claims"]["missing"] == authors.NO_CLAIMS
    )


@pytest.mark.parametrize("name", ["accuracy_float", "firing_rates_float", "blocks"])
def test_a_row_without_a_field_is_damaged(computed, name):
    row = copy.deepcopy(rows_of(computed)[0])
    assert fault_of_row(row) == ""
    if isinstance(row["result"]["test"][name], list):
        row["result"]["test"][name].append(0.5)
        assert fault_of_row(row) == f"result.test.{name}"
    del row["result"]["test"][name]
    assert fault_of_row(row) == f"result.test.{name}"


def test_a_variant_is_read_again_and_refuses_another(computed, variant):
    assert report.gather(computed)["about"]["plan"] == asdict(variant)
    with pytest.raises(InputError, match="another plan"):
        authors.run(VARIANTS["digits-authors"], computed, None, executors.Here())


def test_reproduce_by_command(variant, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(plans.VARIANTS, "small-authors", variant)
    command = ["reproduce", "--dataset", "small-authors", "--out", str(tmp_path), "--workers", "1"]
    assert main([*command, "--budget", "0"]) == 0
    assert "time is up, 8 points left; repeat the same command to continue" in capsys.readouterr().out
    assert main(command) == 0
    said = capsys.readouterr().out
    assert authors.NO_CLAIMS.split(",")[0] in " ".join(said.split()) and "cosim" not in said
    assert {path.name for path in tmp_path.iterdir()} == {"study.sqlite", "report"}
