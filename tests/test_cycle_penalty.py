"""The price of cycles against the model of cycles, the kernels against the reference, and what a training does with it.

tests/test_gradients.py holds its gradient to finite differences.
"""

import numpy as np
import pytest

from minisnn import load_data
from minisnn.encode import Encoder
from minisnn.errors import InputError
from minisnn.fixed.quantize import quantize
from minisnn.network import Network
from minisnn.timing import cycles, layout
from minisnn.timing.additions import additions
from minisnn.training.cycle_penalty import SHARPNESS, CyclePenalty, prices
from minisnn.training.settings import Settings
from minisnn.training.train import build, fit
from tests.hw.networks import random_inputs, random_network, stimulus

NETWORKS = [("4C2-3C2-5-3", (6, 6, 2), 0), ("5C3-MP2-6C3-7-4", (11, 9, 2), 0), ("6-3", (9,), 0)]


@pytest.mark.parametrize("lanes_seed", range(3))
@pytest.mark.parametrize("topology, shape, padding", [*NETWORKS, ("4C3-MP2-5C3-3", (8, 8, 1), 1)])
def test_the_sum_of_prices_is_the_number_of_additions(topology, shape, padding, lanes_seed):
    rng = np.random.default_rng(lanes_seed)
    network = random_network(topology, shape, rng, padding=padding)
    lanes = [int(rng.integers(1, integers.layer.w_shape[-1] + 1)) for integers in network.layers]
    given = stimulus(network, random_inputs(network, 3, 4, rng), 3)
    spikes = 0
    for index, integers in enumerate(network.layers):
        taps = int(rng.choice(layout.tap_choices(integers.layer)))
        price = prices(integers.layer, lanes[index], taps).reshape(-1)
        frames = given.frames[index].astype(bool)
        counts = frames.sum(axis=0).reshape(4, -1)
        counted = additions(given, index, lanes[index], in_lanes=2, taps=taps).adds.sum(axis=1)
        np.testing.assert_array_equal(counts @ price, counted)
        spikes += counts.sum()
    assert spikes > 50


def trained(data, **settings):
    chosen = Settings(num_steps=4, epochs=3, lr=8e-3, seed=1, **settings)
    net = build("8C3-MP2-24-10", data, chosen, padding=1)
    plain = chosen.plain()
    return fit(net, data, **plain)


def measured(model, data, lanes):
    """Predicted latency, W of the bottleneck and all W of the same images, by the integers."""
    integer, _ = quantize(model, images=data.x_train)
    images = data.x_test[:50]
    given = cycles.Stimulus.of_images(integer, images)
    penalty = CyclePenalty(model.network, model.encoder, lanes)
    counts = [frames.astype(int).sum(axis=0) for frames in given.frames[1:]]
    works = penalty.works([*counts, None], model.encoder.encode(images))
    return cycles.predict(given, lanes).latency, works


def test_a_price_on_cycles_lowers_them_and_no_work_exceeds_the_latency():
    data, lanes = load_data("digits"), (8, 2, 1)
    latency, works = measured(trained(data), data, lanes)
    priced = trained(data, cycle_penalty=0.3, lanes=lanes)
    lower, works_then = measured(priced, data, lanes)
    assert lower.mean() < 0.7 * latency.mean()
    assert priced.history[-1]["validation_accuracy"] > 0.6  # as without the price, after three epochs
    for longest, of_layers in ((latency, works), (lower, works_then)):
        bottleneck = of_layers.max(axis=0)
        assert (bottleneck <= longest).all() and (longest <= of_layers.sum(axis=0)).all()
        assert bottleneck.mean() > 0.6 * longest.mean()


def test_kernels_price_as_the_reference_does_on_any_threads():
    options = dict(topology="6C3-MP2-5C3-20-4", input_shape=(12, 12, 2), beta=0.5, surrogate="fast_sigmoid:3")
    inputs = np.random.default_rng(4).standard_normal((1, 24, 12, 12, 2)) * 2
    encoder, found = Encoder("direct", 5, 1.0, (0.0, 0.0), (1.0, 1.0)), []
    for backend, threads in (("numpy", 1), ("numba", 1), ("numba", 2)):
        net = Network(
            **options, dtype="float64", backend=backend, threads=threads, rng=np.random.default_rng(2), padding=1
        )
        penalty = CyclePenalty(net, encoder, (3, 5, 4, 2), weight=3.0)
        x = net.checked(inputs, 5)
        run = net.forward(x, 5)
        value, dcounts = penalty(net.counts(run), x)
        alone = net.backward(run, None)
        assert not any(grad.any() for grad in alone)
        found.append((value, net.backward(run, None, dcounts=dcounts)))
    (reference, grads), (one, of_one), (two, of_two) = found
    assert reference == one == two and min(np.abs(grad).max() for grad in grads[:4]) > 1e-9
    for expected, kernel, threaded in zip(grads, of_one, of_two):
        np.testing.assert_allclose(kernel, expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(kernel, threaded)


def test_who_pays():
    """Of two images, the one with a silent layer 1 is bound by its pixels: its spikes would be nearly free."""
    net = Network("4-40-2", (3,), backend="numpy", rng=np.random.default_rng(0))
    penalty = CyclePenalty(net, Encoder("direct", 2), lanes=(1, 1, 1))
    counts = [np.array([[2, 2, 2, 2], [0, 0, 0, 0]]), np.array([[0] * 40, [2] * 40]), None]
    inputs = np.ones((1, 2, 3))
    works = penalty.works(counts, inputs)
    # pixels 3 * 4 + 2 * 4; 8 spikes * 40 + 2 * 40; 80 spikes * 2 + 2 * 2
    np.testing.assert_array_equal(works, [[20, 20], [400, 80], [4, 164]])
    _, (first, second, last) = penalty(counts, inputs)
    assert last is None
    assert first[0, 0] > 100 * first[1, 0] and second[1, 0] > 1e5 * second[0, 0] > 0
    ratio = first[1, 0] / second[1, 0]
    assert ratio == pytest.approx(40 * 80 ** (SHARPNESS - 1) / (2 * 164 ** (SHARPNESS - 1)))


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"lanes": "4/4"}, "lanes 4/4 matter to a training only with a cycle_penalty"),
        ({"cycle_penalty": 1, "lanes": "4/x"}, "lanes must be whole numbers from 1, one for each layer as in 32/8/8"),
        ({"taps": (9, 1, 1)}, "taps 9/1/1 matter to a training only with a cycle_penalty"),
        ({"cycle_penalty": 1, "taps": (2, 1, 1)}, "layer 1 has a kernel of 3: its taps must be 1 or 3 or 9, got 2"),
        ({"cycle_penalty": 1, "lanes": (4, 4)}, "lanes must be one number for each of 3 layers, got 4/4"),
        ({"cycle_penalty": 1, "lanes": "4/4/99"}, "layer 3 has 10 output channels: its lanes must be 1 to 10, got 99"),
        ({"cycle_penalty": -1}, "cycle_penalty must be at least 0"),
    ],
)
def test_wrong_settings_are_refused(settings, words):
    data = load_data("digits")
    net = Network("8C3-16-10", data.input_shape, backend="numpy", rng=np.random.default_rng(0))
    with pytest.raises(InputError, match=words):
        fit(net, data, epochs=1, **settings)


def test_one_layer_has_no_next():
    data = load_data("digits")
    net = Network("10", data.input_shape, backend="numpy", rng=np.random.default_rng(0))
    with pytest.raises(InputError, match="there is only one layer"):
        fit(net, data, epochs=1, cycle_penalty=1)


def test_default_lanes():
    net = Network("40C3-16-10", (6, 6, 1), backend="numpy", rng=np.random.default_rng(0))
    shapes = [layer.shape for layer in net.layers]
    assert layout.lanes_of(shapes) == (32, 8, 8)
    penalty = CyclePenalty(net, Encoder("direct", 2))
    for found, shape, lanes in zip(penalty.prices, shapes, (32, 8, 8)):
        np.testing.assert_array_equal(found, prices(shape, lanes))
