"""Geometry of the accelerator: every tap and every neuron has one turn, in the order that nested loops visit them."""

import numpy as np
import pytest

from minisnn.timing import layout
from minisnn.topology import parse

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
    layer = first_layer(*shape)
    counts = set()
    for row, column in np.ndindex(*layer.in_shape[:2]):
        taps = list(visited_taps(layer, row, column))
        counts.add(len(taps))
        rows, columns = layout.taps_in_frame(layer, row, column)
        assert rows * columns == len(taps)
        for turn, (ky, kx) in enumerate(taps):
            assert layout.tap_turn(layer, row, column, ky, kx) == turn
            assert layout.tap_at(layer, row, column, turn) == (ky, kx)
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


def test_a_flat_layer_fires_group_by_group():
    layer = parse("7", (3,))[0]
    for group in range(4):
        assert layout.firing_turn(layer, 4, 0, 0, group) == group
        assert layout.firing_place(layer, 4, group) == (0, 0, group)


def test_words_of_a_fully_connected_layer():
    """Two groups: the weights of input 5 are words 10 and 11, its membranes words 0 and 1."""
    layer = parse("7", (9,))[0]
    words = layout.words_of_additions(layer, 2, False, np.array([5, 5]), np.array([0, 1]))
    assert {name: word.tolist() for name, word in words.items()} == {"weight_word": [10, 11], "membrane_word": [0, 1]}


def test_words_of_a_convolution():
    """An input in the corner meets only one tap of a kernel of 3 without padding: the first, at neuron (0, 0)."""
    layer = parse("4C3-2", (5, 5, 2))[0]
    address = np.array([1, 1])  # row 0, column 0, channel 1
    words = layout.words_of_additions(layer, 2, False, address, np.array([0, 1]))
    assert words["tap"].tolist() == [0, 0]
    assert words["weight_word"].tolist() == [(1 * 9) * 2, (1 * 9) * 2 + 1]
    assert words["membrane_word"].tolist() == [0, 1]
