"""Training: it learns, never sees the test part, keeps the best weights, and resumes with the same bits."""

from dataclasses import replace

import numpy as np
import pytest

from minisnn import encode
from minisnn.data.load import Dataset, load
from minisnn.errors import InputError, TrainingError
from minisnn.model import read
from minisnn.network import Network
from minisnn.result import Result
from minisnn.rng import stream
from minisnn.training import loop, optim
from minisnn.training.images import shifted, split
from minisnn.training.inference import evaluate, predict
from minisnn.training.settings import Settings
from minisnn.training.train import build, fit

FAST = dict(num_steps=3, epochs=4, batch_size=32)


@pytest.fixture(scope="module")
def digits():
    """The first 300 training and all test images."""
    data = load("digits")
    return replace(data, x_train=data.x_train[:300], y_train=data.y_train[:300], ordered=True)


def network(topology="16-10", shape=(8, 8, 1), backend="numpy", seed=0, **options):
    return Network(topology, shape, backend=backend, rng=np.random.default_rng(seed), **options)


def bits(net):
    return [p.tobytes() for p in net.params]


def test_digits_are_learned():
    data = load("digits")
    model = fit(network("64-10"), data, num_steps=4, epochs=10)
    result = evaluate(model, data.x_test, data.y_test)
    assert result.accuracy > 0.85
    assert (result.images, result.num_steps, len(result.firing_rates)) == (len(data.x_test), 4, 2)
    assert (predict(model, data.x_test) == data.y_test).mean() == result.accuracy


@pytest.mark.parametrize(
    "options, settings",
    [
        ({}, {"encoding": "rate"}),
        ({}, {"encoding": "latency", "epochs": 20}),
        ({}, {"optimiser": "sgd", "lr": 0.02}),
        ({}, {"loss": "mse_count:0.8:0.05"}),
        ({"readout": "membrane"}, {"loss": "membrane"}),
        ({}, {"schedule": "cosine", "clip": 1.0, "weight_decay": 0.01}),
    ],
)
def test_every_kind_of_training_learns(digits, options, settings):
    settings = {"num_steps": 4, "epochs": 8, "lr": 5e-3, **settings}
    net = build("32-10", digits, Settings(**settings), backend="numpy", **options)
    history = fit(net, digits, **settings).history
    assert history[-1]["loss"] < history[0]["loss"]
    assert history[-1]["train_accuracy"] > 0.5


def test_first_weights_are_scaled_to_the_encoding(digits):
    """Normalised pixels have a mean square of 1, spikes one of less: with these the first weights are larger."""
    direct, rate = (build("16C3-10", digits, Settings(encoding=kind), backend="numpy") for kind in ("direct", "rate"))
    images = encode.rate(digits.x_train[:256], 1, digits.max_value, np.random.default_rng(0))
    ratio = float((rate.layers[0].w / direct.layers[0].w).mean()) ** 2
    assert ratio > 2 and ratio == pytest.approx(1 / np.square(images, dtype=float).mean(), rel=0.05)


def test_history(digits):
    history = fit(network(), digits, **FAST).history
    assert [entry["epoch"] for entry in history] == [1, 2, 3, 4]
    assert set(history[0]) == {
        "epoch",
        "lr",
        "loss",
        "train_accuracy",
        "validation_accuracy",
        "firing_rates",
        "seconds",
    }
    assert all(entry["seconds"] > 0 and len(entry["firing_rates"]) == 2 for entry in history)
    assert history[-1]["lr"] < 1e-6  # one_cycle ends near 0


def test_rate_penalty_lowers_the_rates(digits):
    free = fit(network(), digits, **FAST).history[-1]["firing_rates"]
    priced = fit(network(), digits, rate_penalty="5", **FAST).history[-1]["firing_rates"]
    assert sum(priced) < 0.8 * sum(free)


def test_clip_bounds_the_gradient(digits, monkeypatch):
    norms = []
    step = optim.SGD.step

    def spy(self, params, grads, lr):
        norms.append(optim.norm(grads))
        step(self, params, grads, lr)

    monkeypatch.setattr(optim.SGD, "step", spy)
    fit(network(), digits, optimiser="sgd", **FAST)
    assert max(norms) > 0.1  # there is something to clip
    norms.clear()
    fit(network(), digits, optimiser="sgd", clip=0.1, **FAST)
    assert max(norms) <= 0.1 * (1 + 1e-5)


def test_never_sees_the_test_part(digits):
    blind = replace(digits, x_test=np.zeros_like(digits.x_test), y_test=np.zeros_like(digits.y_test))
    a, b = fit(network(), digits, **FAST), fit(network(), blind, **FAST)
    assert bits(a.network) == bits(b.network)
    assert [e["validation_accuracy"] for e in a.history] == [e["validation_accuracy"] for e in b.history]


def numbered(count, ordered):
    """Data set of images with one pixel: the number of the image."""
    x = np.arange(count, dtype=np.float32).reshape(count, 1)
    y = np.zeros(count, np.int64)
    return Dataset("numbers", x, y, x[:1], y[:1], 2, float(count), ordered)


def test_validation_is_the_tail_of_ordered_data_and_random_otherwise():
    _, held_out = split(numbered(100, True), Settings(validation=0.2))
    assert held_out.tolist() == list(range(80, 100))
    chosen, held_out = split(numbered(100, False), Settings(validation=0.2))
    assert held_out.tolist() != list(range(80, 100)) and len(held_out) == 20
    assert sorted([*chosen, *held_out]) == list(range(100))  # each in exactly one part


def test_validation_images_do_not_reach_the_encoder(digits):
    cut = len(digits.x_train) - 30
    bright = digits.x_train.copy()
    bright[cut:] = 16
    a = fit(network(), digits, validation=0.1, **FAST)
    b = fit(network(), replace(digits, x_train=bright), validation=0.1, **FAST)
    assert a.encoder == b.encoder


def test_without_validation_all_images_are_trained_on_and_the_last_epoch_is_kept(digits):
    chosen, held_out = split(digits, Settings(validation=0.0))
    assert chosen.tolist() == list(range(len(digits.x_train))) and held_out is None
    model = fit(network(), digits, validation=0.0, **FAST)
    assert [e["validation_accuracy"] for e in model.history] == [None] * 4


def scripted(monkeypatch, accuracies):
    """Let each validation return the next of `accuracies`; return the list of weights it is called with."""
    seen, next_accuracy = [], iter(accuracies)

    def validate(net, encoder, x, y, rng):
        seen.append(bits(net))
        return Result(next(next_accuracy), (), len(x), encoder.num_steps)

    monkeypatch.setattr(loop, "accuracy_and_rates", validate)
    return seen


def test_early_stopping_restores_the_best(digits, monkeypatch):
    seen = scripted(monkeypatch, [0.3, 0.6, 0.5, 0.4, 0.9])
    model = fit(network(), digits, **{**FAST, "epochs": 5}, patience=2)
    assert len(model.history) == 4  # two epochs after the best one
    assert bits(model.network) == seen[1]
    assert seen[1] != seen[3]


def test_the_later_of_two_equal_epochs_is_kept(digits, monkeypatch):
    seen = scripted(monkeypatch, [0.3, 0.6, 0.6, 0.4])
    assert bits(fit(network(), digits, **FAST).network) == seen[2]


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_same_seed_same_bits(digits, backend):
    settings = dict(FAST, epochs=2, augment=1, encoding="rate")
    a = fit(network("4C3-10", backend=backend), digits, **settings)
    b = fit(network("4C3-10", backend=backend), digits, **settings)
    c = fit(network("4C3-10", backend=backend), digits, seed=1, **settings)
    assert bits(a.network) == bits(b.network) != bits(c.network)


def test_one_thread_and_two_give_the_same_bits(digits):
    one, two = (fit(network("8C3-MP2-32-10", backend="numba", threads=n), digits, augment=1, **FAST) for n in (1, 2))
    assert bits(one.network) == bits(two.network)


def test_streams_differ_by_purpose_and_epoch():
    keys = [("init", 0), ("split", 0), ("encode", 0), ("epoch", 0), ("epoch", 1)]
    assert len({stream(7, *key).integers(2**63) for key in keys}) == len(keys)


def test_each_epoch_sees_every_image_once_in_a_new_order(digits, monkeypatch):
    orders, step = [], loop.Training._step

    def spy(self, inputs, y, batch):
        orders.append(inputs.tobytes())
        return step(self, inputs, y, batch)

    monkeypatch.setattr(loop.Training, "_step", spy)
    fit(network(), digits, **{**FAST, "epochs": 2, "batch_size": 1, "validation": 0.9})
    first, second = orders[:30], orders[30:]
    assert sorted(first) == sorted(second) and len(set(first)) == 30
    assert first != second


class Killed(Exception):
    """Stands for kill -9; tests/app/test_kill.py sends the real one."""


@pytest.mark.parametrize(
    "settings",
    [
        {"augment": 1, "patience": 3},
        {"encoding": "rate", "optimiser": "sgd"},
        {"validation": 0.0},
        {"learn": "beta,threshold", "weight_decay": 0.1},
    ],
)
def test_resume_is_bit_identical(digits, tmp_path, monkeypatch, settings):
    settings = dict(FAST, **settings)
    straight = fit(network("4C3-10"), digits, **settings)
    path, epochs = tmp_path / "c", []
    one_epoch = loop.Training.one_epoch

    def dies_in_the_third(self, bar):
        one_epoch(self, bar)  # the weights have moved on, the checkpoint has not
        epochs.append(self.epoch)
        if self.epoch == 3:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(loop.Training, "one_epoch", dies_in_the_third)
        with pytest.raises(Killed):
            fit(network("4C3-10"), digits, checkpoint=path, **settings)
    resumed = fit(network("4C3-10", seed=99), digits, checkpoint=path, resume=True, **settings)
    assert bits(resumed.network) == bits(straight.network)
    straight.save(tmp_path / "straight.npz"), resumed.save(tmp_path / "resumed.npz")
    assert (tmp_path / "straight.npz").read_bytes() == (tmp_path / "resumed.npz").read_bytes()


def test_resume_remembers_the_best_epoch_and_the_patience(digits, tmp_path, monkeypatch):
    settings = dict(FAST, epochs=5, patience=2, checkpoint=tmp_path / "c")
    seen = scripted(monkeypatch, [0.3, 0.6, 0.5])  # and then its validation fails
    with pytest.raises(StopIteration):
        fit(network(), digits, **settings)
    scripted(monkeypatch, [0.4, 0.9])
    model = fit(network(), digits, resume=True, **settings)
    assert len(model.history) == 4 and bits(model.network) == seen[1]


def test_resuming_a_finished_training_changes_nothing(digits, tmp_path):
    done = fit(network(), digits, checkpoint=tmp_path / "c", **FAST)
    before = (tmp_path / "c").read_bytes()
    again = fit(network(seed=5), digits, checkpoint=tmp_path / "c", resume=True, **FAST)
    assert bits(done.network) == bits(again.network) and done.history == again.history
    assert before == (tmp_path / "c").read_bytes()


def test_a_checkpoint_holds_weights_best_weights_and_the_optimiser(digits, tmp_path):
    path = tmp_path / "c"
    fit(network("10"), digits, checkpoint=path, **{**FAST, "epochs": 1})
    _, arrays = read(path, "checkpoint")
    moments = {f"optimiser.{name}.{index}" for name in ("m", "v") for index in (0, 1)}
    assert set(arrays) == {"1.w", "1.b", "best.1.w", "best.1.b", "optimiser.t"} | moments
    assert arrays["optimiser.t"] == 270 // 32  # steps: 270 images are left to learn from, in batches of 32


def test_resume_refuses_another_training(digits, tmp_path):
    path = tmp_path / "c"
    fit(network(), digits, checkpoint=path, **FAST)

    def refused(net, data, culprit, **settings):
        with pytest.raises(InputError, match=culprit):
            fit(net, data, checkpoint=path, resume=True, **{**FAST, **settings})

    refused(network(), digits, "epochs 4, not 5", epochs=5)
    refused(network(), digits, "lr 0.002, not 0.01", lr=0.01)
    refused(network(), digits, "seed 0, not 1", seed=1)
    refused(network("32-10"), digits, "topology '16-10', not '32-10'")
    refused(network(beta=0.9), digits, "beta")
    refused(network(backend="numba"), digits, "backend 'numpy', not 'numba'")
    refused(network(), replace(digits, y_train=digits.y_train[::-1].copy()), "digest")
    refused(network(), replace(digits, name="other"), "dataset 'digits', not 'other'")
    with pytest.raises(InputError, match="checkpoint="):
        fit(network(), digits, resume=True, **FAST)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("surrogate", ["fast_sigmoid:5", "triangular:1"])
@pytest.mark.parametrize("layer", [0, 1])
def test_a_number_that_is_not_finite_stops_with_epoch_batch_and_layer(digits, backend, surrogate, layer):
    net = network("4C3-16-10", backend=backend, surrogate=surrogate)
    net.layers[layer].w.flat[0] = np.nan
    name = ["1 4C3", "2 16"][layer]
    with pytest.raises(TrainingError, match=f"epoch 1, batch 1: the weights of layer {name} are not finite"):
        fit(net, digits, **FAST)


def test_divergence_is_reported_in_its_batch(digits, monkeypatch):
    step, count = optim.Adam.step, []

    def explode(self, params, grads, lr):
        step(self, params, grads, lr)
        count.append(lr)
        if len(count) == 8 + 3:  # 270 images in batches of 32: 8 an epoch
            params[2][...] = np.inf

    monkeypatch.setattr(optim.Adam, "step", explode)
    with pytest.raises(TrainingError, match="epoch 2, batch 3: the weights of layer 2 10 are"):
        fit(network(), digits, **FAST)


def test_a_gradient_that_is_not_finite_names_its_layer(digits, monkeypatch):
    backward = Network.backward

    def broken(self, *args, **options):
        grads = backward(self, *args, **options)
        grads[0].flat[0] = np.nan
        return grads

    monkeypatch.setattr(Network, "backward", broken)
    with pytest.raises(TrainingError, match="epoch 1, batch 1: the gradient of layer 1 16 is"):
        fit(network(), digits, **FAST)


def test_shifted_moves_each_image_by_whole_pixels_and_repeats_the_edge():
    image = np.arange(1, 26, dtype=np.uint8).reshape(5, 5)
    x = np.repeat(image[None, :, :, None], 200, axis=0)
    moved = shifted(x, 2, np.random.default_rng(0))
    padded = np.pad(image, 2, mode="edge")
    expected = {padded[y : y + 5, x : x + 5].tobytes() for y in range(5) for x in range(5)}
    assert {shift.tobytes() for shift in moved} == expected  # all 25 shifts, and nothing else
    assert moved.dtype == np.uint8 and (x == image[None, :, :, None]).all()


def test_evaluate_does_not_depend_on_the_batch(digits):
    model = fit(network(), digits, **FAST)
    whole, parts = (evaluate(model, digits.x_test, digits.y_test, batch_size=n) for n in (1000, 7))
    assert whole.accuracy == parts.accuracy
    assert np.allclose(whole.firing_rates, parts.firing_rates, rtol=1e-12, atol=0)


def test_evaluate_refuses_images_and_labels_that_do_not_fit(digits):
    model = fit(network(), digits, **{**FAST, "epochs": 1})
    images, labels = digits.x_test, digits.y_test
    for x, y, words in (
        (images[:, :4], labels, "shape"),
        (images[:0], labels[:0], "shape"),
        (images, labels[:5], "one for each"),
        (3, labels, "shape"),
        (images, labels + 9, "0 to 9, one for each class, got 9 to 18"),
    ):
        with pytest.raises(InputError, match=words):
            evaluate(model, x, y)


@pytest.mark.parametrize(
    "name, value",
    [
        ("num_steps", 0),
        ("num_steps", 2.5),
        ("epochs", 0),
        ("batch_size", 0),
        ("augment", -1),
        ("seed", -1),
        ("patience", 0),
        ("patience", 1.5),
        ("lr", 0),
        ("lr", float("nan")),
        ("lr", "fast"),
        ("clip", 0),
        ("clip", float("inf")),
        ("weight_decay", -1),
        ("validation", 1.0),
        ("validation", -0.1),
        ("encoding", "morse"),
        ("loss", "hinge"),
        ("rate_penalty", "a:b"),
        ("optimiser", "rmsprop"),
        ("schedule", "step"),
    ],
)
def test_wrong_settings_are_named(name, value):
    with pytest.raises(InputError) as error:
        Settings(**{name: value})
    sentence = str(error.value)
    words = {"num_steps": "steps", "rate_penalty": "rate penalty"}.get(name, name)
    assert words in sentence and str(value) in sentence and "\n" not in sentence


def test_settings_take_numpy_numbers():
    settings = Settings(epochs=np.int64(3), lr=np.float32(0.5))
    assert type(settings.epochs) is int and type(settings.lr) is float


def test_settings_must_fit_network_and_data(digits):
    flat = replace(digits, x_train=digits.x_train.reshape(-1, 64), x_test=digits.x_test.reshape(-1, 64))
    for net, data, settings, words in (
        (network(shape=(64,)), digits, {}, "shape"),
        (network("16-5"), digits, {}, "10 classes"),
        (network(shape=(64,)), flat, {"augment": 1}, "augment"),
        (network(readout="membrane"), digits, {}, "loss rate"),
        (network("10", readout="membrane"), digits, {"loss": "membrane", "rate_penalty": "1"}, "rate_penalty"),
        (network(), digits, {"validation": 0.001}, "validation 0.001"),
        (network(), digits, {"validation": 0.0, "patience": 2}, "patience"),
    ):
        with pytest.raises(InputError, match=words):
            fit(net, data, **{**FAST, **settings})


def test_two_bits_by_hand():
    """2 bits are -1, 0 or 1 times the scale of least error, here 1.5; 2.5 is 1.67 scales and is clipped to 1."""
    from minisnn.encode import Encoder
    from minisnn.training.straight_through import StraightThrough

    net = Network("1", (4,), backend="numpy", rng=np.random.default_rng(0))
    net.layers[0].w[...] = [[1.0], [-1.0], [0.25], [2.5]]
    rounding = StraightThrough(net, Encoder("rate", 4), weight_bits=2)
    with rounding.rounded_weights():
        assert net.layers[0].w.ravel().tolist() == [1.5, -1.5, 0.0, 1.5]
    assert net.layers[0].w.ravel().tolist() == [1.0, -1.0, 0.25, 2.5]
    grads = [np.ones((4, 1)), np.ones(1)]
    rounding.pass_gradients(grads)
    assert grads[0].ravel().tolist() == [1.0, 1.0, 1.0, 0.0]
    net.layers[0].w *= 2
    assert rounding.scales == [1.5]  # until they are chosen again
    rounding.choose_scales()
    assert rounding.scales == [3.0]


def test_rounded_weights_and_their_gradients():
    """The weights are rounded inside the context, and unchanged afterwards; clipped weights get no gradient."""
    from minisnn.encode import Encoder
    from minisnn.training.straight_through import StraightThrough

    rng = np.random.default_rng(0)
    net = Network("4C3-MP2-5", (6, 6, 2), backend="numpy", dtype="float64", rng=rng)
    encoder = Encoder("direct", 3, 255.0, (1.0, 2.0), (0.5, 4.0))
    original = [p.copy() for p in net.params]
    rounding = StraightThrough(net, encoder, [2, 4])
    with rounding.rounded_weights():
        inside = [p.copy() for p in net.params]
    assert all(np.array_equal(a, b) for a, b in zip(net.params, original))
    assert len(np.unique(np.round(inside[0] / np.array([[0.5], [4.0]]), 12))) <= 3  # -s, 0, s before pixels
    assert len(np.unique(np.round(inside[2], 12))) <= 15
    assert np.array_equal(inside[1], original[1])
    rounding.scales[1] /= 2  # now some weights are clipped
    grads = [np.ones_like(p) for p in net.params]
    rounding.pass_gradients(grads)
    clipped = np.abs(original[2]) > rounding.scales[1] * 7.5
    assert clipped.any() and np.array_equal(grads[2] == 0, clipped)


def test_fine_tuning_recovers_accuracy_with_two_bits():
    """With weights of 2 bits, rounding after the training costs more accuracy than training with rounded weights."""
    from minisnn.fixed.quantize import quantize
    from minisnn.training.train import fine_tune

    data = load("digits")
    net = Network("64-10", data.input_shape, rng=np.random.default_rng(0))
    model = fit(net, data, epochs=10, num_steps=4, validation=0.0)
    before = [p.copy() for p in net.params]
    test = (data.x_test, data.y_test)
    after_training = quantize(model, 2, images=data.x_train)[0].evaluate(*test)
    tuned = fine_tune(model, data, 10, weight_bits=2)
    while_training = quantize(tuned, 2, images=data.x_train)[0].evaluate(*test)
    assert all(np.array_equal(a, b) for a, b in zip(net.params, before))
    assert while_training.accuracy > after_training.accuracy + 0.02
