"""The protocol: its words follow from the plan, and two trainings hold its equivalence of thresholds."""

import re

import numpy as np
import pytest

from minisnn import load_data
from minisnn.study import protocol
from minisnn.study.plan import PLANS
from minisnn.training.settings import Settings
from minisnn.training.train import build, fit

FAST = {"num_steps": 4, "epochs": 3, "batch_size": 16, "seed": 3, "augment": 1}


def trained(data, threshold, surrogate, reset, **settings):
    """Train by the reference in float64; return the model, and the spikes and membranes of some test images."""
    chosen = Settings(**FAST, **settings)
    options = {"threshold": threshold, "surrogate": surrogate, "reset": reset, "beta": 0.7, "padding": 1}
    net = build("4C3-MP2-16-10", data, chosen, dtype="float64", backend="numpy", **options)
    model = fit(net, data, **FAST, **settings)
    return model, model.run(data.x_test[:40])


@pytest.mark.parametrize("surrogate", ["fast_sigmoid:2", "atan:1"])
@pytest.mark.parametrize("reset", ["subtract", "zero"])
def test_a_threshold_is_another_scale_and_learning_rate(surrogate, reset):
    """Half the threshold: half the weights and membranes, and the same spikes after the same training."""
    whole = load_data("digits")
    data = whole.__class__(**vars(whole) | {"x_train": whole.x_train[:500], "y_train": whole.y_train[:500]})
    rates = {"lr": 6e-3, "weight_decay": 0.05}
    same = protocol.at_threshold_one(0.5, surrogate, **rates)
    half, ran_half = trained(data, 0.5, surrogate, reset, **rates)
    one, ran_one = trained(data, same.pop("threshold"), same.pop("surrogate"), reset, **same)
    assert same == {"lr": 12e-3, "weight_decay": 0.025}
    for ours, theirs in zip(half.network.params, one.network.params):
        assert np.abs(2 * ours - theirs).max() < 5e-5 * np.abs(theirs).max()  # Adam adds 1e-8 to what it divides by
    for ours, theirs in zip(ran_half.layers, ran_one.layers):
        np.testing.assert_array_equal(ours.spk, theirs.spk)
    for ours, theirs in zip(half.history, one.history):
        assert (ours["loss"], ours["validation_accuracy"]) == (theirs["loss"], theirs["validation_accuracy"])
    assert half.history[-1]["validation_accuracy"] > 0.35  # they have learned

    # The same scale and learning rate at both thresholds are two different trainings.
    other, _ = trained(data, 1.0, surrogate, reset, **rates)
    assert abs(other.history[-1]["loss"] / half.history[-1]["loss"] - 1) > 0.01


@pytest.mark.parametrize("name", PLANS)
def test_the_words_are_those_of_the_plan(name):
    plan = PLANS[name]
    words = " ".join(sentence for part in protocol.text(plan) for sentence in part)
    assert f"{len(plan.scales) * len(plan.rates)} trials" in words
    assert f"T = {plan.training['num_steps']}" in words
    assert f"{plan.epochs} epochs on one schedule with {len(plan.seeds)} seeds" in words
    assert ("89.5 %" in words) == (plan.least is not None)
    assert not re.search(r"\b1 (points|settings|fastest)\b|  |None", words)


def test_the_plan_of_svhn_keeps_to_its_budget():
    """Twelve trials a cell, six scales a family, and 160 trainings of 30 epochs before the curves."""
    plan = PLANS["svhn"]
    assert len(plan.scales) * len(plan.rates) == 12 and len(plan.scales) <= 6
    cells = 2 * len(plan.betas)
    epochs = plan.trial_epochs * cells * (12 + plan.finalists * (len(plan.seeds) - 1))
    full = cells * len(plan.seeds) + len(plan.betas) * len(plan.cycle_penalties)
    full += (1 + plan.followed) * len(plan.steps) + 2 * plan.followed * (len(plan.seeds) - 1)
    assert epochs / plan.epochs + full <= 100
