"""The first weights leave no layer silent: rates are measured on smooth images, as real ones are."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from minisnn import init
from minisnn.errors import InputError
from minisnn.network import Network
from minisnn.topology import parse


def images(rng, count, shape):
    x = gaussian_filter(rng.standard_normal((count, *shape)), (0, 2, 2, 0))
    return (x / x.std())[None].astype(np.float32)


@pytest.mark.parametrize(
    "topology, shape, padding",
    [
        ("32C3-MP2-32C3-MP2-256-10", (32, 32, 3), 0),
        ("32C3-MP2-128-10", (8, 8, 1), 1),
        ("16C5-MP2-32C5-MP2-10", (28, 28, 1), 0),
        ("256-256-256-10", (8, 8, 1), 0),
        ("32C3MP2-32C3MP2-256-450", (32, 32, 3), 0),
    ],
)
@pytest.mark.parametrize("threshold", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_no_layer_is_silent_at_step_one(topology, shape, padding, threshold, seed):
    rng = np.random.default_rng(seed)
    net = Network(topology, shape, padding=padding, threshold=threshold, backend="numpy", rng=rng)
    rates = net.forward(images(rng, 16, shape), num_steps=1).rates
    assert rates.min() > 0.01
    assert rates.max() < 0.4


def test_first_weights_of_pytorch_would_be_silent():
    """Uniform of variance 1/(3n), with biases, is what this cures: the second layer hardly fires."""
    rng = np.random.default_rng(0)
    net = Network("32C3-MP2-32C3-MP2-256-10", (32, 32, 3), init="pytorch", backend="numpy", rng=rng)
    for layer in net.layers:
        most = 1 / np.sqrt(layer.shape.fan_in)
        for array in (layer.w, layer.b):
            assert 0.8 * most < np.abs(array).max() <= most
        assert np.isclose(layer.w.std(), most / np.sqrt(3), rtol=0.1)
    rates = net.forward(images(rng, 8, (32, 32, 3)), num_steps=1).rates
    assert rates[1:].max() < 0.01


def test_same_weights_in_every_dtype():
    layers = parse("8-4", (16,))
    single, double = (
        init.parameters(layers, [1, 1], np.random.default_rng(3), dtype) for dtype in (np.float32, np.float64)
    )
    for a, b in zip(single, double):
        np.testing.assert_array_equal(a, b.astype(np.float32))


def test_rate_must_make_sense():
    with pytest.raises(InputError, match="between 0 and 0.5"):
        init.parameters(parse("10", (4,)), [1.0], np.random.default_rng(0), rate=0.5)
