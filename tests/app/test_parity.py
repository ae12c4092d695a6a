"""The authors' variant learns in minisnn as in a torch loop: the same first steps, and a record that goes on."""

import json

import numpy as np
import pytest

from minisnn.data import load as datasets
from minisnn.study.plan import AUTHORS, FAMILIES, VARIANTS, Variant
from minisnn.training.loop import Training
from minisnn.training.settings import Settings

torch = pytest.importorskip("torch")
from tests.benchmarks import authors_torch, parity  # noqa: E402 - torch may be missing

SMALL = {"topology": "6C3MP2-5C1MP2-12-6", "classes": 3, "threshold": 0.25, "num_steps": 5, "batch_size": 24}


@pytest.fixture
def variant(dataset):
    return Variant(dataset=dataset, training=AUTHORS | SMALL | {"epochs": 2, "augment": 1}, scales=(4,), seeds=(0, 1))


@pytest.mark.parametrize("family", FAMILIES)
def test_first_steps_differ_by_rounding_alone(variant, family):
    data = datasets.load(variant.dataset)
    net, training = parity.first(variant, data, {"surrogate": f"{family}:4"}, 1)
    source = Training(net, data, Settings(**training))
    theirs = authors_torch.Trainer(net, training["num_steps"], training["lr"], training["epochs"], source.batches)
    before = [param.copy() for param in net.params]
    for number, (inputs, y) in zip(range(4), source.inputs(0)):
        ours, run, _ = source._step(inputs, y, number)
        assert 0.02 < run.rates.min(), "a silent layer would see nothing"
        assert theirs.step(inputs, y) == pytest.approx(ours, rel=1e-5)
    assert all((abs(param - old).max() > 4e-3) for param, old in zip(net.params, before))
    twin = authors_torch.Twin(net)  # our weights after these steps, in torch's order
    for name, param in theirs.net.state_dict().items():
        np.testing.assert_allclose(param.numpy(), twin.state_dict()[name].numpy(), rtol=0, atol=2e-5, err_msg=name)


def test_a_record_goes_on_where_it_ended(variant, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(VARIANTS, "small", variant)
    flags = ["--variant", "small", "--seeds", "0", "1", "--families", "atan", "--out", str(tmp_path)]
    monkeypatch.setattr(parity, "LIBRARIES", ("torch",))
    save = authors_torch.Trainer.save

    def killed(trainer, path):
        save(trainer, path)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(authors_torch.Trainer, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            parity.main(flags)
    assert [path.suffix for path in tmp_path.iterdir()] == [".checkpoint"]
    monkeypatch.setattr(parity, "LIBRARIES", ("minisnn", "torch"))
    parity.main(flags)
    said = capsys.readouterr().out
    assert said.startswith("small, 2 epochs") and "atan:4, accuracy: minisnn" in said and "standard error" in said
    record = [json.loads(path.read_text()) for path in sorted(tmp_path.iterdir())]  # no checkpoint is left
    trained = [(seed, one) for seed in (0, 1) for one in parity.LIBRARIES]
    assert [(one["seed"], one["library"]) for one in record] == trained
    data = datasets.load(variant.dataset)
    net, training = parity.first(variant, data, {"surrogate": "atan:4", "seed": 0}, 1)
    whole = parity.by_torch(net, data, training, tmp_path / "whole.checkpoint")
    for name in ("accuracy", "firing_rates", "losses"):
        assert whole[name] == record[1][name], name
    monkeypatch.setattr(parity, "fit", None)  # nothing is trained again
    monkeypatch.setattr(parity, "Trainer", None)
    parity.main(flags)
    assert capsys.readouterr().out == said


def test_difference_beside_seed_noise_by_hand():
    def one(library, seed, accuracy):
        about = {"surrogate": "atan:4", "library": library, "seed": seed, "losses": [1.0]}
        return about | {"accuracy": accuracy, "firing_rates": [accuracy / 2]}

    record = [one("minisnn", 0, 0.50), one("minisnn", 1, 0.54), one("torch", 0, 0.58), one("torch", 1, 0.62)]
    lines = parity.report(record).splitlines()[-2:]
    # variance of each mean: 0.02^2; of the difference twice that
    assert lines[0].endswith("difference -8.00, standard error 2.83: APART")
    assert lines[1].endswith("difference -4.00, standard error 1.41: APART")
    assert "needs two seeds" in parity.report(record[:1] + record[2:3])
