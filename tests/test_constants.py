"""Learned leak and threshold: their maps, a training that finds a leak, what is kept, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from minisnn.data.load import load as load_data
from minisnn.errors import InputError, TrainingError
from minisnn.fixed.quantize import quantize
from minisnn.lif import LEARNABLE
from minisnn.model import Model
from minisnn.network import Network
from minisnn.training.constants import MAPS, Constants
from minisnn.training.settings import Settings
from minisnn.training.train import fine_tune, fit
from tests.test_train import network

LEARN = dict(num_steps=4, epochs=3, lr=0.01, learn="beta,threshold")


@pytest.fixture(scope="module")
def digits():
    data = load_data("digits")
    return replace(data, x_train=data.x_train[:300], y_train=data.y_train[:300])


@pytest.fixture(scope="module")
def learned(digits):
    return fit(network(beta=0.7, threshold=1.2), digits, **LEARN)


@pytest.mark.parametrize("name", LEARNABLE)
def test_maps_are_inverse_rise_and_have_their_derivative(name):
    free, step, row = np.linspace(-5, 5, 101), 1e-6, MAPS[name]
    constant = row.constant(free)
    assert (np.diff(constant) > 0).all() and constant.min() > 0 and (name != "beta" or constant.max() < 1)
    np.testing.assert_allclose(row.free(constant), free, atol=1e-12)
    difference = (row.constant(free + step) - row.constant(free - step)) / (2 * step)
    np.testing.assert_allclose(row.derivative(constant), difference, rtol=1e-6)


def test_a_training_learns_both_in_each_layer_and_says_so(learned):
    net = learned.network
    assert len(set(net.betas)) == len(set(net.thresholds)) == 2
    assert 0.7 not in net.betas and 1.2 not in net.thresholds
    kept = max(reversed(learned.history), key=lambda entry: entry["validation_accuracy"])
    assert (kept["beta"], kept["threshold"]) == (list(net.betas), list(net.thresholds))
    assert learned.history[0]["beta"] != learned.history[1]["beta"]


@pytest.mark.parametrize("name", LEARNABLE)
def test_one_is_learned_and_the_other_stays(digits, name):
    model = fit(network(beta=0.7, threshold=1.2), digits, **LEARN | {"learn": name})
    (other,) = set(LEARNABLE) - {name}
    start = {"beta": 0.7, "threshold": 1.2}
    assert set(getattr(model.network, f"{other}s")) == {start[other]} and other not in model.history[0]
    assert start[name] not in getattr(model.network, f"{name}s") and name in model.history[0]


def test_a_leak_that_the_task_needs_is_found():
    """A teacher of beta 0.9 sums membranes; a student with its weights and another leak finds 0.9."""
    rng = np.random.default_rng(0)
    teacher = Network("2", (2,), beta=0.9, readout="membrane", backend="numpy", dtype="float64", rng=rng)
    student = Network(**teacher.config() | {"beta": 0.3}, rng=rng)
    inputs = rng.standard_normal((1, 8, 2))
    wanted = teacher.forward(inputs, 6).mem
    for ours, theirs in zip(student.params, teacher.params):
        ours[...] = theirs
    constants = Constants(student, ["beta"], "adam")
    for _ in range(300):
        run = student.forward(inputs, 6)
        dbeta = student.backward(run, None, run.mem - wanted, learn=["beta"])[-1:]
        constants.pass_gradients(dbeta)
        constants.step(dbeta, 0.05)
    assert abs(student.betas[0] - 0.9) < 0.005


def test_weight_decay_leaves_them_alone(digits):
    """With a decay that brings every weight to 0 in a step there are no spikes after it, and so no gradients."""
    model = fit(
        network(beta=0.9, threshold=3.0), digits, **LEARN | {"weight_decay": 100.0, "validation": 0.0, "epochs": 6}
    )
    assert np.abs(model.network.params[0]).max() < 0.1
    assert min(model.network.betas) > 0.85 and min(model.network.thresholds) > 2.5


def test_they_are_saved_fine_tuned_and_quantised(learned, digits, tmp_path):
    learned.save(tmp_path / "m.npz")
    again = Model.load(tmp_path / "m.npz", backend="numpy")
    assert (again.network.betas, again.network.thresholds) == (learned.network.betas, learned.network.thresholds)
    tuned = fine_tune(again, digits, 1, weight_bits=6)
    assert tuned.network.betas != learned.network.betas and again.network.betas == learned.network.betas
    integer, losses = quantize(tuned, 6, images=digits.x_train)
    for layer, loss, beta, threshold in zip(
        integer.network.layers, losses.layers, tuned.network.betas, tuned.network.thresholds
    ):
        assert (loss.beta, loss.threshold) == (beta, threshold)
        assert abs(layer.beta / 2**layer.frac - beta) <= 2**-9
        assert abs(loss.threshold_got - threshold) <= layer.scale / 2**layer.guard / 2


def test_nothing_learned_changes_nothing(digits):
    model = fit(network(), digits, **LEARN | {"learn": None, "epochs": 1})
    assert set(model.network.betas) == {0.5} and "beta" not in model.history[0]


@pytest.mark.parametrize(
    "given, kept",
    [
        ("threshold, beta", "beta,threshold"),
        (["threshold"], "threshold"),
        (("beta", "beta"), "beta"),
        ("none", None),
        (None, None),
        ((), None),
    ],
)
def test_names_are_kept_as_one_text(given, kept):
    assert Settings(learn=given).learn == kept


@pytest.mark.parametrize("given", ["weights", "", "beta,", ["beta", "none"], 3.5])
def test_other_names_are_refused(given):
    with pytest.raises(InputError, match="learn must be beta, threshold, both as in beta,threshold, or none, got"):
        Settings(learn=given)


@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_a_beta_at_the_end_of_its_range_cannot_be_learned(digits, beta):
    with pytest.raises(InputError, match=f"beta of layer 2 10 is {beta:g}, the end of its range"):
        fit(network(beta=(0.5, beta)), digits, **LEARN)
    fit(network(beta=(0.5, beta)), digits, **LEARN | {"learn": "threshold", "epochs": 1})


def test_a_readout_has_no_threshold(digits):
    options = LEARN | {"loss": "membrane", "learn": "threshold", "epochs": 1}
    with pytest.raises(InputError, match="learn has threshold, but the only layer is the membrane readout"):
        fit(network("10", readout="membrane"), digits, **options)
    model = fit(network("16-10", readout="membrane"), digits, **options)
    assert model.network.thresholds[0] != 1 and model.network.thresholds[1] == 1


def test_a_gradient_that_is_not_finite_is_named(digits, monkeypatch):
    backward = Network.backward

    def broken(self, *args, **options):
        *grads, dbeta = backward(self, *args, **options)
        return [*grads, dbeta * np.nan]

    monkeypatch.setattr(Network, "backward", broken)
    with pytest.raises(TrainingError, match="epoch 1, batch 1: the gradient of beta is not finite"):
        fit(network(), digits, **LEARN | {"learn": "beta"})
