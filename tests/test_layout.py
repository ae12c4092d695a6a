"""Geometry of the accelerator: every tap and every neuron has one turn, in the order that nested loops visit them."""

import numpy as np
import pytest

from minisnn.timing import layout
from minisnn.timing.additions import log_of_additions
from minisnn.topology import parse
from tests.hw.networks import random_network

SHAPES = [("3C3-MP2-2", (7, 6, 2), 1), ("2C5-2", (4, 3, 1), 2), ("3C2-MP3-2", (7, 9, 1), 0), ("5C1-2", (2, 3, 2), 0)]


def first_layer(topology, shape, padding):
    return parse(topology, shape, [padding])[0]


def visited_taps(layer, row, column):
    """Taps of an input that lead to a neuron in the frame, row by row."""
    kernel, (height, width, _) = layer.w_shape[0], layer.out_shape
    for ky in range(kernel):
        for kx in range(kernel):
            y, x = row + layer.padding - ky, column + layer.padding - kx
            if 0 <= y < height and 0 <= x < width:
                yield ky, kx


@pytest.mark.parametrize("shape", SHAPES, ids=[shape[0] for shape in SHAPES])
def test_taps_are_walked_row_by_row(shape):
    """One after the other, or row after row; all taps that are added at once have the same turn."""
    layer = first_layer(*shape)
    kernel = layer.w_shape[0]
    counts = set()
    for row, column in np.ndindex(*layer.in_shape[:2]):
        taps = list(visited_taps(layer, row, column))
        counts.add(len(taps))
        rows, columns = layout.taps_in_frame(layer, row, column)
        assert rows * columns == len(taps)
        for turn, (ky, kx) in enumerate(taps):
            assert layout.tap_turn(layer, 1, row, column, ky, kx) == turn
            assert layout.tap_at(layer, 1, row, column, turn) == (ky, kx)
        for turn, ky in enumerate(sorted({ky for ky, _ in taps})):
            turns = {int(layout.tap_turn(layer, kernel, row, column, *tap)) for tap in taps if tap[0] == ky}
            assert turns == {turn}
            assert layout.tap_at(layer, kernel, row, column, turn) == next(tap for tap in taps if tap[0] == ky)
        if taps:
            assert {int(layout.tap_turn(layer, kernel**2, row, column, *tap)) for tap in taps} == {0}
            assert layout.tap_at(layer, kernel**2, row, column, 0) == taps[0]
    assert len(counts) > 1 or layer.w_shape[0] == 1  # some inputs are at the edge


@pytest.mark.parametrize("shape", SHAPES, ids=[shape[0] for shape in SHAPES])
def test_taps_of_a_frame_are_counted(shape):
    layer = first_layer(*shape)
    frame = np.random.default_rng(0).integers(0, 2, layer.in_shape)
    places = np.argwhere(frame)[:, :2].tolist()
    assert layout.count_taps(layer, frame) == sum(len(list(visited_taps(layer, *place))) for place in places)


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("shape", SHAPES, ids=[shape[0] for shape in SHAPES])
def test_a_firing_pass_walks_the_pool_window_by_window(shape, groups):
    layer = first_layer(*shape)
    height, width, _ = layer.out_shape
    turn = 0
    for window_y in range(height // layer.pool):
        for window_x in range(width // layer.pool):
            for group in range(groups):
                for y, x in np.ndindex(layer.pool, layer.pool):
                    row, column = window_y * layer.pool + y, window_x * layer.pool + x
                    assert layout.firing_turn(layer, groups, row, column, group) == turn
                    assert layout.firing_place(layer, groups, turn) == (row, column, group)
                    turn += 1
    assert turn == height * width * groups


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("shape", SHAPES, ids=[shape[0] for shape in SHAPES])
def test_firing_order_lists_words_of_membranes(shape, groups):
    layer = first_layer(*shape)
    height, width, _ = layer.out_shape
    order = layout.firing_order(height, width, layer.pool, groups)
    assert sorted(order) == list(range(height * width * groups))
    for row, column, group in np.ndindex(height, width, groups):
        word = (row * width + column) * groups + group
        assert layout.membrane_word(layer, groups, row, column, group) == word
        assert order[layout.firing_turn(layer, groups, row, column, group)] == word


@pytest.mark.parametrize("lanes", [1, 2, 3])
@pytest.mark.parametrize("at_once", ["one", "a row", "all"])
@pytest.mark.parametrize("shape", SHAPES, ids=[shape[0] for shape in SHAPES])
def test_the_cycle_model_walks_the_same_taps(shape, at_once, lanes):
    """The compiled loops have a walk of their own: they make as many additions as there are turns, times groups."""
    layer = first_layer(*shape)
    taps = layer.w_shape[0] ** ["one", "a row", "all"].index(at_once)
    log = log_of_additions(np.ones(layer.in_shape, np.uint8), layer, lanes, in_lanes=2, taps=taps)
    groups = layout.count_groups(layer, lanes)
    assert groups == len(range(0, layer.w_shape[-1], lanes))
    for (row, column, _), (_, _, count) in zip(np.ndindex(layer.in_shape), log, strict=True):
        visited = list(visited_taps(layer, row, column))
        turns = {"one": visited, "a row": {ky for ky, _ in visited}, "all": visited[:1]}[at_once]
        assert count == groups * len(turns)


@pytest.mark.parametrize("in_lanes", [1, 2, 3, 5, 10, 15])
def test_words_of_a_frame(in_lanes):
    """A frame of 2 x 3 pixels of 5 channels, filled in one by one: a word begins with each row, and cut pixel."""
    places, word, at = [], -1, 0
    for _, column, channel in np.ndindex(2, 3, 5):
        if at == in_lanes or (column, channel) == (0, 0) or (channel == 0 and in_lanes < 5):
            word, at = word + 1, 0
        places.append((word, at))
        at += 1
    assert layout.words_of_frame((2, 3, 5), in_lanes) == word + 1
    at_word, at_place = layout.place_of_input((2, 3, 5), in_lanes, np.arange(30))
    assert list(zip(at_word.tolist(), at_place.tolist())) == places


@pytest.mark.parametrize(
    "topology, shape, input_bits, lanes, frames, words",
    [
        ("128-10", (28, 28, 1), 0, (128, 10), [(1, 1, 784), (1, 1, 128)], (32, 128)),
        ("128-10", (28, 28, 1), 8, (8, 2), [(1, 1, 784), (1, 1, 128)], (4, 32)),
        ("30-10", (28,), 4, (8, 10), [(1, 1, 28), (1, 1, 30)], (8, 30)),
        # 28 pixels of a row in one word; maps of 8 channels, 24 columns: 4 pixels a word; 12 x 12 pixels as one row
        ("8C5-8C1-MP2-6", (28, 28, 1), 0, (3, 8, 6), [(28, 28, 1), (24, 24, 8), (1, 144, 8)], (28, 32, 32)),
        # 13 pixels of 6 channels, 5 fit, so 5, 5 and 3 of a row
        ("6C3-4C3-2", (15, 15, 2), 8, (2, 4, 2), [(15, 15, 2), (13, 13, 6), (1, 121, 4)], (4, 30, 32)),
        # pixels that are cut: of 40 channels, which come 9 at once, 27; of a row of 34 that come 33 at once, 33
        ("40C1-34-2", (2, 3, 40), 0, (9, 33, 1), [(2, 3, 40), (1, 6, 40), (1, 1, 34)], (32, 27, 33)),
    ],
)
def test_words_of_networks(topology, shape, input_bits, lanes, frames, words):
    """By hand: up to 32 bits a word, the pixels of a row spread evenly."""
    network = random_network(topology, shape, np.random.default_rng(0), input_bits=input_bits)
    assert [layout.frame_shape(network, index) for index in range(len(lanes))] == frames
    assert layout.inputs_of_words(network, lanes) == words
    assert layout.inputs_of_words(network, lanes, 1) == (1, *words[1:])


def test_weights_are_stored_channel_by_channel_then_tap_by_tap():
    layer = parse("4C3-2", (5, 5, 2))[0]
    w = np.arange(3 * 3 * 2 * 4).reshape(layer.w_shape)
    one, row, all_taps = (layout.weight_rows(layer, w, taps) for taps in (1, 3, 9))
    assert (one.shape, row.shape, all_taps.shape) == ((18, 1, 4), (6, 3, 4), (2, 9, 4))
    for ky, kx, channel in np.ndindex(3, 3, 2):
        for taps, rows, place in ((1, one, 0), (3, row, -kx % 3), (9, all_taps, (-ky % 3) * 3 + (-kx % 3))):
            number = layout.weight_word(layer, taps, 1, channel, ky, kx, 0)
            assert rows[number, place].tolist() == w[ky, kx, channel].tolist()
            assert layout.weight_word(layer, taps, 2, channel, ky, kx, 1) == 2 * number + 1
    flat = parse("4", (7,))[0]
    assert (layout.weight_rows(flat, np.eye(7, 4))[:, 0] == np.eye(7, 4)).all()


def test_a_flat_layer_fires_group_by_group():
    layer = parse("7", (3,))[0]
    for group in range(4):
        assert layout.firing_turn(layer, 4, 0, 0, group) == group
        assert layout.firing_place(layer, 4, group) == (0, 0, group)


def test_words_of_a_fully_connected_layer():
    """Two groups: the weights of input 5 are words 10 and 11, its membranes words 0 and 1."""
    layer = parse("7", (9,))[0]
    words = layout.words_of_additions(layer, 1, 2, np.array([5, 5]), np.array([0, 1]))
    assert {name: word.tolist() for name, word in words.items()} == {"weight_word": [10, 11], "membrane_word": [0, 1]}


def test_words_of_a_convolution():
    """An input in the corner meets only one tap of a kernel of 3 without padding: the first, at neuron (0, 0)."""
    layer = parse("4C3-2", (5, 5, 2))[0]
    address = np.array([1, 1])  # row 0, column 0, channel 1
    words = layout.words_of_additions(layer, 1, 2, address, np.array([0, 1]))
    assert words["tap"].tolist() == [0, 0]
    assert words["weight_word"].tolist() == [(1 * 9) * 2, (1 * 9) * 2 + 1]
    assert words["membrane_word"].tolist() == [0, 1]
