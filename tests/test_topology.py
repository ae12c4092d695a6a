"""The notation is read as the field reads it."""

import pytest

from minisnn.errors import InputError
from minisnn.topology import normalised, parse


def test_the_network_of_the_study():
    layers = parse("32C3-P2-32C3-MP2-256-10", (32, 32, 3))
    assert normalised(layers) == "32C3-MP2-32C3-MP2-256-10"  # the paper writes P2 for the first pool
    assert [layer.kind for layer in layers] == ["conv2d", "conv2d", "linear", "linear"]
    assert [layer.in_shape for layer in layers] == [(32, 32, 3), (15, 15, 32), (6, 6, 32), (256,)]
    assert [layer.out_shape for layer in layers] == [(30, 30, 32), (12, 12, 32), (256,), (10,)]  # 13 cropped to 12
    assert [layer.w_shape for layer in layers] == [(3, 3, 3, 32), (3, 3, 32, 32), (1152, 256), (256, 10)]
    assert [layer.fan_in for layer in layers] == [27, 288, 1152, 256]
    assert [layer.neurons for layer in layers] == [28800, 4608, 256, 10]


def test_a_pool_of_currents_is_before_the_neurons():
    layers = parse("32C3MP2-32C3P2-256-450", (32, 32, 3))
    assert normalised(layers) == "32C3MP2-32C3MP2-256-450"
    assert [layer.cur_shape for layer in layers] == [(30, 30, 32), (12, 12, 32), (256,), (450,)]  # 13 cropped to 12
    assert [layer.out_shape for layer in layers] == [(15, 15, 32), (6, 6, 32), (256,), (450,)]
    assert [layer.next_shape for layer in layers] == [layer.out_shape for layer in layers]
    assert [(layer.pool, layer.cur_pool) for layer in layers] == [(1, 2), (1, 2), (1, 1), (1, 1)]


def test_padding():
    assert parse("4C3-2C5-10", (8, 8, 1), "same")[1].out_shape == (8, 8, 2)
    assert parse("4C3-2C5-10", (8, 8, 1), [1, 0])[1].out_shape == (4, 4, 2)
    assert parse("4C2-10", (3, 3, 1), 3)[0].out_shape == (8, 8, 4)


def test_flat_input_and_map_into_linear():
    assert parse("20-10", (64,))[0].w_shape == (64, 20)
    assert parse("20-10", (8, 8, 2))[0].w_shape == (128, 20)


@pytest.mark.parametrize(
    "topology, shape, padding, words",
    [
        ("", (8, 8, 1), 0, "must be text"),
        ("32C3-XX-10", (8, 8, 1), 0, "'XX'"),
        ("32C3", (8, 8, 1), 0, "must end"),
        ("32C3-MP2", (8, 8, 1), 0, "must end"),
        ("10-32C3-10", (8, 8, 1), 0, "cannot follow"),
        ("MP2-10", (8, 8, 1), 0, "must follow a convolution"),
        ("4C3-MP2-MP2-10", (8, 8, 1), 0, "two in a row"),
        ("4C3MP2-MP2-10", (8, 8, 1), 0, "without a pool"),
        ("4C3-MP1-10", (8, 8, 1), 0, "at least 2"),
        ("4C3MP1-10", (8, 8, 1), 0, "window of the pool of 4C3MP1 must be at least 2"),
        ("4C3MP0-10", (8, 8, 1), 0, "at least 2"),
        ("4C3MP7-10", (8, 8, 1), 0, "does not fit"),
        ("10MP2-10", (8, 8, 1), 0, "cannot read '10MP2'"),
        ("0C3-10", (8, 8, 1), 0, "at least one map"),
        ("4C9-10", (8, 8, 1), 0, "does not fit"),
        ("4C3-MP7-10", (8, 8, 1), 0, "does not fit"),
        ("4C3-10", (64,), 0, "needs maps"),
        ("4C2-10", (8, 8, 1), "same", "odd kernel"),
        ("4C3-10", (8, 8, 1), [1, 1], "2 values for 1"),
        ("4C3-10", (8, 8, 1), -1, "padding must be"),
        ("4C3-0", (8, 8, 1), 0, "'0'"),
        ("10", (8, 8), 0, "input shape"),
        ("10", (0,), 0, "input shape"),
    ],
)
def test_refused_in_one_sentence(topology, shape, padding, words):
    with pytest.raises(InputError, match=words):
        parse(topology, shape, padding)
