"""A training with the user's own loss, metrics, callbacks and schedules; each is resumed with the same bits."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from minisnn import loss
from minisnn.data.load import load
from minisnn.errors import InputError, TrainingError
from minisnn.inspector.factors import Factors
from minisnn.model import load as load_model
from minisnn.network import Network
from minisnn.surrogate import Surrogate
from minisnn.training import loop
from minisnn.training.schedules import cosine, ramp
from minisnn.training.settings import Options, Settings
from minisnn.training.train import fine_tune, fit

FAST = dict(num_steps=3, epochs=4, batch_size=32)


@pytest.fixture(scope="module")
def digits():
    """The first 300 training and all test images."""
    data = load("digits")
    return replace(data, x_train=data.x_train[:300], y_train=data.y_train[:300], ordered=True)


def network(topology="16-10", seed=0, **options):
    return Network(topology, (8, 8, 1), **{"backend": "numpy", **options}, rng=np.random.default_rng(seed))


def bits(net):
    return [p.tobytes() for p in net.params]


def softer(spk, mem, labels, classes):
    """The cross-entropy of the counts with a bounded gradient, and a price on large membranes."""
    value, dspk, _ = loss.rate(spk, mem, labels, classes)
    return value + 0.001 * (mem**2).mean(), np.tanh(dspk), 0.002 * mem / mem.size


def first_two(scores, labels):
    return (scores.argsort(axis=1)[:, -2:] == labels[:, None]).any(axis=1).mean()


# Loss


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_loss_of_the_library_passed_as_a_function_is_the_same_training(digits, backend):
    """As itself, and inside a function whose results are checked."""

    def rate(spk, mem, labels, classes):
        return loss.rate(spk, mem, labels, classes)

    named, passed, wrapped = (
        fit(network(backend=backend), digits, loss=chosen, **FAST) for chosen in ("rate", loss.rate, rate)
    )
    assert bits(named.network) == bits(passed.network) == bits(wrapped.network)
    assert [model.settings["loss"] for model in (named, passed, wrapped)] == ["rate", "rate", "function:rate"]


def test_both_gradients_of_a_loss_are_used(digits):
    def without_dmem(*arguments):
        return *softer(*arguments)[:2], None

    full, part = (fit(network(), digits, loss=chosen, **FAST) for chosen in (softer, without_dmem))
    assert bits(full.network) != bits(part.network)
    assert full.history[-1]["loss"] < full.history[0]["loss"]


@pytest.mark.parametrize(
    "result, words",
    [
        (lambda spk, mem: 3.0, r"must return \(value, dspk, dmem\): .* got float"),
        (lambda spk, mem: (1.0, spk), "got 2 values"),
        (lambda spk, mem: (spk.sum(axis=0), spk, None), r"value must be one number, .* array of shape \(32, 10\)"),
        (lambda spk, mem: ("small", spk, None), "value must be one number, .* got 'small'"),
        (lambda spk, mem: (1.0, None, None), "dspk and dmem are both None, so nothing can be learned"),
        (
            lambda spk, mem: (1.0, spk.sum(axis=0), None),
            r"dspk must be numbers of shape \(3, 32, 10\), as spk is \(steps, batch, neurons\), got float32 of shape "
            r"\(32, 10\)",
        ),
        (lambda spk, mem: (1.0, spk, mem[:1]), r"dmem must be numbers of shape .*, got float32 of shape \(1, 32, 10\)"),
        (lambda spk, mem: (1.0, spk.astype(str), None), "dspk must be numbers of shape .*, got <U"),
    ],
)
def test_what_a_loss_must_not_return(digits, result, words):
    def mine(spk, mem, labels, classes):
        return result(spk, mem)

    with pytest.raises(InputError, match=words) as error:
        fit(network(), digits, loss=mine, **FAST)
    assert "loss mine" in str(error.value) and "\n" not in str(error.value)


def test_a_loss_cannot_change_what_it_is_given(digits):
    def careless(spk, mem, labels, classes):
        mem[...] = 0

    with pytest.raises(ValueError, match="read-only"):
        fit(network(), digits, loss=careless, **FAST)


def test_a_loss_that_is_not_finite_is_told_as_any_other(digits):
    with pytest.raises(TrainingError, match="epoch 1, batch 1: the loss at layer 2 10 is not finite"):
        fit(network(), digits, loss=lambda spk, mem, labels, classes: (np.nan, spk, None), **FAST)


def test_a_membrane_readout_needs_dmem(digits):
    net = network(readout="membrane")
    with pytest.raises(InputError, match="loss <lambda> returns no dmem, but with readout membrane"):
        fit(net, digits, loss=lambda spk, mem, labels, classes: (1.0, spk, None), **FAST)
    model = fit(net, digits, loss=lambda *arguments: loss.membrane(*arguments), **FAST)
    assert model.history[-1]["loss"] < model.history[0]["loss"]


def test_a_model_file_holds_the_name_of_a_loss(digits, tmp_path):
    fit(network(), digits, loss=partial(softer), **FAST).save(tmp_path / "m.npz")
    model = load_model(tmp_path / "m.npz")
    assert model.settings["loss"] == "function:softer" and "loss function:softer" in str(model)
    with pytest.raises(InputError, match="loss softer is a function, which no file holds; pass it again as loss=..."):
        fine_tune(model, digits, 1)
    assert len(fine_tune(model, digits, 1, loss=softer).history) == 1


def test_factors_take_a_loss(digits):
    net = network(dtype="float64")
    inputs = np.ones((1, 1, 8, 8, 1))
    ours, theirs = (Factors(net, inputs, 3, 4, chosen) for chosen in ("rate", lambda *arguments: loss.rate(*arguments)))
    assert ours.loss == theirs.loss and all(np.array_equal(a, b) for a, b in zip(ours.grads, theirs.grads))


# Metrics


@pytest.mark.parametrize("encoding", ["direct", "rate"])
def test_metrics_see_the_scores_of_all_validation_images(digits, encoding):
    def accuracy(scores, labels):
        assert scores.shape == (100, 10) and labels.tolist() == digits.y_train[-100:].tolist()
        return (scores.argmax(axis=1) == labels).mean()

    options = FAST | {"validation": 1 / 3, "encoding": encoding}
    model = fit(network(), digits, metrics={"mine": accuracy, "two": first_two}, **options)
    assert [entry["mine"] for entry in model.history] == [entry["validation_accuracy"] for entry in model.history]
    assert all(entry["two"] >= entry["mine"] for entry in model.history)
    assert bits(model.network) == bits(fit(network(), digits, **options).network)


@pytest.mark.parametrize(
    "metrics, settings, words",
    [
        ({"lr": first_two}, {}, "a metric cannot have the name 'lr'"),
        ({"x": 3}, {}, r"metric x must be a function of \(scores, labels\), got 3"),
        ({"x": lambda scores: 1.0}, {}, r"metric x is called with \(scores, labels\), but takes \(scores\)"),
        ({"x": lambda scores, labels: scores}, {}, r"one finite number, got an array of shape \(30, 10\)"),
        ({"x": lambda scores, labels: np.nan}, {}, "metric x must return one finite number, got nan"),
        ({"x": lambda scores, labels: None}, {}, "metric x must return one finite number, got None"),
        ({"x": first_two}, {"validation": 0.0}, "metrics are measured on validation images"),
    ],
)
def test_what_is_no_metric(digits, metrics, settings, words):
    with pytest.raises(InputError, match=words):
        fit(network(), digits, metrics=metrics, **FAST | settings)


# Callbacks


def test_callbacks_see_each_epoch_and_may_stop(digits):
    seen = []

    def watch(model):
        seen.append((len(model.history), bits(model.network), model.run(digits.x_test[:1]).num_steps))

    model = fit(network(), digits, callbacks=[lambda model: len(model.history) == 3, watch], **FAST)
    assert [epoch for epoch, _, _ in seen] == [1, 2, 3] and len(model.history) == 3  # all are called in the last epoch
    best = max(range(3), key=lambda i: (model.history[i]["validation_accuracy"], i))
    assert bits(model.network) == seen[best][1] and seen[0][1] != seen[1][1]


@pytest.mark.parametrize(
    "callback, words",
    [
        (lambda model: "stop", "callback <lambda> must return True to stop the training, or nothing, got 'stop'"),
        (lambda: None, r"callback <lambda> is called with \(model\), but takes \(\)"),
        ([3], r"callback int must be a function of \(model\), got 3"),
    ],
)
def test_what_is_no_callback(digits, callback, words):
    with pytest.raises(InputError, match=words):
        fit(network(), digits, callbacks=callback, **FAST)


def test_a_training_that_a_callback_stopped_can_go_on(digits, tmp_path):
    """The file does not hold the decision: the same callback stops again, without it the training goes to its end."""
    straight = fit(network(), digits, **FAST)
    path = tmp_path / "c"
    stopped = fit(network(), digits, callbacks=lambda model: len(model.history) >= 2, checkpoint=path, **FAST)
    again = fit(
        network(seed=5), digits, callbacks=lambda model: len(model.history) >= 2, checkpoint=path, resume=True, **FAST
    )
    assert len(stopped.history) == len(again.history) == 2 and bits(stopped.network) == bits(again.network)
    went_on = fit(network(seed=5), digits, checkpoint=path, resume=True, **FAST)
    assert len(went_on.history) == 4 and bits(went_on.network) == bits(straight.network)


# Schedules


def test_a_schedule_gives_the_learning_rate_of_each_epoch(digits):
    values = [0.004, 0.003, 0.001, 0.0005]
    model = fit(network(), digits, schedules={"lr": values}, **FAST)
    assert [entry["lr"] for entry in model.history] == values
    assert model.settings["lr"] == 0.004 and model.settings["schedules"] == {"lr": values}
    same = fit(network(), digits, schedules={"lr": lambda epoch: np.float64(values[epoch])}, **FAST)
    assert bits(model.network) == bits(same.network)
    constant = fit(network(), digits, schedules={"lr": [0.002] * 4}, **FAST)
    assert bits(constant.network) == bits(fit(network(), digits, schedule="constant", **FAST).network)


def test_a_stopped_training_prints_what_it_reached(digits):
    schedules = {"lr": [0.004, 0.003, 0.001, 0.0005], "surrogate": ramp(5, 20, epochs=3)}
    model = fit(network(), digits, schedules=schedules, callbacks=lambda model: len(model.history) >= 2, **FAST)
    words = " ".join(str(model).replace("\xa0", " ").split())
    assert "surrogate fast_sigmoid:5 to fast_sigmoid:10, reset not" in words
    assert "epochs 2 of 4" in words and "lr 0.004 to 0.003" in words and "schedule " not in words
    whole = str(fit(network(), digits, **FAST))
    assert "epochs 4," in whole and "schedule one_cycle" in whole


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_schedule_gives_the_surrogate_of_each_epoch(digits, backend, monkeypatch):
    used, backward = [], Network.backward

    def spy(self, *arguments, **options):
        used.append(str(self.surrogate))
        return backward(self, *arguments, **options)

    monkeypatch.setattr(Network, "backward", spy)
    net = network(backend=backend)
    model = fit(net, digits, schedules={"surrogate": ramp(5, 20, epochs=3)}, **FAST)
    batches = 270 // 32
    assert used == [f"fast_sigmoid:{k}" for k in (5, 10, 15, 20) for _ in range(batches)]
    assert str(net.surrogate) == str(model.network.surrogate) == "fast_sigmoid:5"
    names = [f"atan:{k}" for k in (1, 2, 3, 4)]
    fit(net, digits, schedules={"surrogate": names}, **FAST)
    assert used[4 * batches :: batches] == names


@pytest.mark.parametrize(
    "name, values, setting",
    [("rate_penalty", ["1:0.1"] * 4, "1:0.1"), ("weight_decay", [0.1] * 4, 0.1), ("clip", [0.05] * 4, 0.05)],
)
def test_a_schedule_of_equal_values_is_the_setting(digits, name, values, setting):
    scheduled = fit(network(), digits, schedules={name: values}, **FAST)
    assert bits(scheduled.network) == bits(fit(network(), digits, **{name: setting}, **FAST).network)
    assert scheduled.settings[name] == setting
    first = fit(
        network(), digits, schedules={name: values[:1] + [Settings.__dataclass_fields__[name].default] * 3}, **FAST
    )
    assert bits(scheduled.network) != bits(first.network)


def test_a_schedule_of_shifts(digits, monkeypatch):
    used = []
    monkeypatch.setattr(loop, "shifted", lambda x, pixels, rng: used.append(pixels) or x)
    fit(network("4C3-10"), digits, schedules={"augment": [0, 1, 2, 0]}, **FAST)
    assert used == [1] * (270 // 32) + [2] * (270 // 32)


@pytest.mark.parametrize(
    "schedules, settings, words",
    [
        ({"beta": [0.5] * 4}, {}, "a name in schedules must be one of lr, rate_penalty, .* got 'beta'"),
        ({"lr": [0.1] * 3}, {}, "schedules: lr has 3 values for 4 epochs; give one for each"),
        (
            {"lr": lambda epoch: 0.1 - 0.05 * epoch},
            {},
            "schedules: epoch 3: lr must be a learning rate above 0, got 0.0",
        ),
        ({"lr": [0.1] * 4}, {"lr": 0.1}, "schedules stands in for lr; leave lr=0.1 out"),
        ({"lr": [0.1] * 4}, {"schedule": "cosine"}, "schedules stands in for schedule; leave schedule='cosine' out"),
        ({"rate_penalty": [0.1] * 4}, {"penalty_ramp": 0.5}, "leave penalty_ramp=0.5 out"),
        ({"augment": [0, 0, 0, 8]}, {}, "augment must be less than the longer side"),
        ({"surrogate": ["relu:1"] * 4}, {}, "unknown surrogate 'relu'"),
        ({"surrogate": [5, 0, 0, 0]}, {}, "scale of surrogate fast_sigmoid must be a number above 0, got 0"),
    ],
)
def test_what_is_no_schedule(digits, schedules, settings, words):
    with pytest.raises(InputError, match=words):
        fit(network(), digits, schedules=schedules, **FAST | settings)


def test_a_surrogate_of_own_functions_has_no_scale(digits):
    own = Surrogate("mine", 1.0, functions=(np.tanh, lambda x: 1 - np.tanh(x) ** 2))
    with pytest.raises(InputError, match="surrogate mine is a function of your own, which has no scale"):
        fit(network(surrogate=own), digits, schedules={"surrogate": ramp(1, 2, 4)}, **FAST)


def test_a_fine_tuning_takes_schedules(digits):
    model = fit(network(), digits, schedules={"lr": cosine(0.004, 0, 4), "rate_penalty": ramp(0, 1, 3)}, **FAST)
    assert fine_tune(model, digits, 2).settings["lr"] == 0.001  # a quarter of the peak
    tuned = fine_tune(model, digits, 2, schedules={"lr": [0.002, 0.001]})
    assert [entry["lr"] for entry in tuned.history] == [0.002, 0.001] and tuned.settings["rate_penalty"] == 1.0


# All of them, in a checkpoint


class Killed(Exception):
    """Stands for kill -9."""


def test_a_resumed_training_has_the_same_bits(digits, tmp_path, monkeypatch):
    """With its own loss, metrics and schedules; a callback that changes the weights does so once an epoch."""

    def prune(model):
        for layer in model.network.layers:
            layer.w[np.abs(layer.w) < 0.01] = 0

    def options():
        return FAST | {
            "loss": softer,
            "metrics": {"two": first_two},
            "callbacks": [prune],
            "schedules": {
                "lr": cosine(0.004, 0, epochs=4),
                "surrogate": ramp(5, 25, epochs=4),
                "clip": [1, 1, 0.5, 0.1],
            },
        }

    straight, path = fit(network(), digits, **options()), tmp_path / "c"
    one_epoch = loop.Training.one_epoch

    def dies_in_the_third(self, bar):
        if self.epoch == 2:
            raise Killed
        one_epoch(self, bar)

    with monkeypatch.context() as patch:
        patch.setattr(loop.Training, "one_epoch", dies_in_the_third)
        with pytest.raises(Killed):
            fit(network(), digits, checkpoint=path, **options())
    resumed = fit(network(seed=99), digits, checkpoint=path, resume=True, **options())
    assert bits(resumed.network) == bits(straight.network)
    assert bits(fit(network(), digits, **options() | {"callbacks": ()}).network) != bits(straight.network)
    straight.save(tmp_path / "straight.npz"), resumed.save(tmp_path / "resumed.npz")
    assert (tmp_path / "straight.npz").read_bytes() == (tmp_path / "resumed.npz").read_bytes()


@pytest.mark.parametrize(
    "change, words",
    [
        ({"loss": "rate"}, "loss 'function:softer', not 'rate'"),
        ({"metrics": {}}, r"metrics \['two'\], not \[\]"),
        ({"schedules": {"surrogate": ramp(5, 24, epochs=4)}}, "schedules {'surrogate': .*'fast_sigmoid:25'"),
        ({"schedules": None}, "schedules {'surrogate'"),
    ],
)
def test_resume_refuses_other_functions(digits, tmp_path, change, words):
    options = FAST | {
        "loss": softer,
        "metrics": {"two": first_two},
        "schedules": {"surrogate": ramp(5, 25, epochs=3)},
        "checkpoint": tmp_path / "c",
    }
    fit(network(), digits, **options)
    with pytest.raises(InputError, match=words):
        fit(network(), digits, resume=True, **options | change)


def test_options_are_the_fields_of_settings():
    """Editors complete the settings of `fit` from Options."""
    assert list(Options.__annotations__) == list(Settings.__dataclass_fields__)
