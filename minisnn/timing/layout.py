"""The order in which the accelerator walks, and the memory words that it meets: taps of an input, neurons of a pass.

Rows, columns, channels, taps, groups and turns count from 0; all functions take numbers or arrays of them. A group is
the output channels that the lanes of a layer work on together: a pixel of neurons has one word of membranes per group.
"""

import numpy as np

from ..topology import LayerShape


def first_tap(layer: LayerShape, row: np.ndarray, column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (ky, kx) of the first tap by which a convolution's input reaches a neuron in the frame."""
    height, width, _ = layer.out_shape
    return np.maximum(row + layer.padding - height + 1, 0), np.maximum(column + layer.padding - width + 1, 0)


def taps_in_frame(layer: LayerShape, row: np.ndarray, column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many rows and columns of taps lead from a convolution's input to neurons in the frame."""
    kernel, (ky, kx) = layer.w_shape[0], first_tap(layer, row, column)
    rows = np.minimum(kernel, row + layer.padding + 1) - ky
    columns = np.minimum(kernel, column + layer.padding + 1) - kx
    return np.maximum(rows, 0), np.maximum(columns, 0)


def tap_turn(layer: LayerShape, row: np.ndarray, column: np.ndarray, ky: np.ndarray, kx: np.ndarray) -> np.ndarray:
    """Return the place of a tap among those that lead into the frame: row by row, as ``hw/conv2d.py`` walks them."""
    first_ky, first_kx = first_tap(layer, row, column)
    _, columns = taps_in_frame(layer, row, column)
    return (ky - first_ky) * columns + kx - first_kx


def tap_at(layer: LayerShape, row: np.ndarray, column: np.ndarray, turn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (ky, kx) of the tap at a turn; the inverse of :func:`tap_turn`."""
    first_ky, first_kx = first_tap(layer, row, column)
    columns = np.maximum(taps_in_frame(layer, row, column)[1], 1)  # without a tap there is no turn to ask for
    return first_ky + turn // columns, first_kx + turn % columns


def count_taps(layer: LayerShape, frame: np.ndarray) -> int:
    """Return the number of taps by which the inputs of a frame (H, W, C) reach neurons, for one output channel."""
    if layer.kind == "linear":
        return int(np.count_nonzero(frame))
    row, column, _ = np.nonzero(frame)
    rows, columns = taps_in_frame(layer, row, column)
    return int((rows * columns).sum())


def words_of_additions(
    layer: LayerShape, groups: int, wide: bool, address: np.ndarray, turn: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the words that additions read, each the one at `turn` of the input at `address`.

    Returns
    -------
    words : dict of ndarray
        ``weight_word`` and ``membrane_word``, of a wide layer those of the first tap; ``tap`` (ky * k + kx), except in
        wide and fully connected layers.
    """
    if layer.kind == "linear":
        return {"weight_word": address * groups + turn, "membrane_word": turn}
    row, column, channel = np.unravel_index(address, layer.in_shape)
    kernel, width = layer.w_shape[0], layer.out_shape[1]
    tap, group = np.divmod(turn, groups)
    ky, kx = first_tap(layer, row, column) if wide else tap_at(layer, row, column, tap)
    membrane_word = ((row + layer.padding - ky) * width + column + layer.padding - kx) * groups + group
    if wide:
        return {"weight_word": channel * groups + group, "membrane_word": membrane_word}
    weight_word = ((channel * kernel + ky) * kernel + kx) * groups + group
    return {"tap": ky * kernel + kx, "weight_word": weight_word, "membrane_word": membrane_word}


def firing_turn(layer: LayerShape, groups: int, row: np.ndarray, column: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return a neuron's turn in the firing pass: window by window of the pool, as ``hw/firing_pass.py`` walks."""
    pool, window = layer.pool, row // layer.pool * _windows_across(layer) + column // layer.pool
    return (window * groups + group) * pool**2 + row % pool * pool + column % pool


def firing_place(layer: LayerShape, groups: int, turn: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (row, column, group) at a turn in the firing pass; the inverse of :func:`firing_turn`."""
    pool = layer.pool
    window, inside = np.divmod(turn, groups * pool**2)
    group, inside = np.divmod(inside, pool**2)
    row, column = np.divmod(window, _windows_across(layer))
    return row * pool + inside // pool, column * pool + inside % pool, group


def _windows_across(layer):
    return layer.out_shape[1] // layer.pool if len(layer.out_shape) == 3 else 1
