"""Geometry of the accelerator: lanes and groups, the order in which it walks, and the memory words that it meets.

A turn is the position of an addition among those of one input, or of a neuron in the firing pass. Rows, columns,
channels, taps, groups and turns count from 0; functions of these take numbers or arrays. A group is the
output channels that the lanes of a layer work on together, so a pixel of neurons has one word of membranes per group.
The blocks in ``hw/`` walk in the same order; tests hold both to nested loops.
"""

from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..fixed.network import IntegerNetwork
from ..topology import LayerShape

# Lanes and groups


def default_lanes(network: IntegerNetwork) -> tuple[int, ...]:
    """Return the lanes of each layer: up to 32 for a convolution, up to 8 for a fully connected layer."""
    return lanes_of([integers.layer for integers in network.layers])


def check_lanes(network: IntegerNetwork, lanes: Sequence[int]) -> tuple[int, ...]:
    """Return `lanes` as a tuple; raise InputError unless each layer has 1 up to as many as its output channels."""
    return lanes_of([integers.layer for integers in network.layers], lanes)


def lanes_of(shapes: Sequence[LayerShape], lanes: Sequence[int] | None = None) -> tuple[int, ...]:
    """Return lanes for layers, checked as by :func:`check_lanes`; without any those of :func:`default_lanes`.

    Raise InputError for a pool of currents, which the accelerator does not compute, with any lanes.
    """
    if sentence := why_not_computed(shapes):
        raise InputError(sentence)
    if lanes is None:
        return tuple(min(shape.w_shape[-1], 32 if shape.kind == "conv2d" else 8) for shape in shapes)
    lanes = tuple(lanes)
    if len(lanes) != len(shapes):
        raise InputError(f"lanes must be one number for each of {len(shapes)} layers, got {'/'.join(map(str, lanes))}")
    for number, (shape, count) in enumerate(zip(shapes, lanes), 1):
        channels = shape.w_shape[-1]
        if not isinstance(count, (int, np.integer)) or not 1 <= count <= channels:
            raise InputError(
                f"layer {number} has {channels} output channels: its lanes must be 1 to {channels}, got {count}"
            )
    return tuple(int(count) for count in lanes)


def why_not_computed(shapes: Sequence[LayerShape]) -> str:
    """Return a sentence that says why the accelerator cannot compute a network; "" if it can."""
    for shape in shapes:
        if shape.cur_pool > 1:
            notation = shape.name.split()[1]
            return (
                f"layer {shape.name} pools its currents before the neurons, but the accelerator, which adds one spike "
                f"at a time, pools spikes; train a network of {notation.replace('MP', '-MP')} for hardware"
            )
    return ""


# Taps that are added at once
#
# A layer adds an input by one tap a cycle, or a convolution by a row of k taps, or by all k * k. Neurons that are added
# to at once lie in banks: with a row, the neurons of column x in bank x mod k; with all taps, also row by row.


def tap_choices(layer: LayerShape) -> tuple[int, ...]:
    """Return the numbers of taps that a layer can add at once: 1, and of a convolution also k and k * k."""
    kernel = layer.w_shape[0] if layer.kind == "conv2d" else 1
    return tuple(sorted({1, kernel, kernel**2}))


def check_taps(network: IntegerNetwork, taps: Sequence[int] | None) -> tuple[int, ...]:
    """Return `taps` as a tuple, by default 1 in each layer; raise InputError unless layers can add so many at once."""
    return taps_of([integers.layer for integers in network.layers], taps)


def taps_of(shapes: Sequence[LayerShape], taps: Sequence[int] | None = None) -> tuple[int, ...]:
    """Return taps for layers, checked as by :func:`check_taps`."""
    if taps is None:
        return (1,) * len(shapes)
    taps = tuple(taps)
    if len(taps) != len(shapes):
        raise InputError(f"taps must be one number for each of {len(shapes)} layers, got {'/'.join(map(str, taps))}")
    for number, (shape, count) in enumerate(zip(shapes, taps), 1):
        choices = tap_choices(shape)
        if not isinstance(count, (int, np.integer)) or isinstance(count, bool) or count not in choices:
            kind = f"has a kernel of {shape.w_shape[0]}" if shape.kind == "conv2d" else "is fully connected"
            raise InputError(f"layer {number} {kind}: its taps must be {' or '.join(map(str, choices))}, got {count}")
    return tuple(int(count) for count in taps)


# Positions that fire at once
#
# A firing pass takes one pixel of neurons a cycle, or all positions of a pooling window. A bank is read once a cycle,
# so no two positions of a window may lie in the same bank: all taps are added at once, and a window is no wider than
# the kernel. So each cycle brings one pooled word, which is what the next layer's frame takes.


def position_choices(layer: LayerShape, taps: int) -> tuple[int, ...]:
    """Return the numbers of positions that a layer, which adds so many taps at once, can fire in a cycle."""
    return (1, layer.pool**2) if 1 < layer.pool <= min(banks(layer, taps)) else (1,)


def check_positions(network: IntegerNetwork, taps: Sequence[int], positions: Sequence[int] | None) -> tuple[int, ...]:
    """Return `positions` as a tuple, by default 1 in each layer.

    Raise InputError unless layers that add `taps` at once can fire so many positions in a cycle.
    """
    shapes = [integers.layer for integers in network.layers]
    if positions is None:
        return (1,) * len(shapes)
    positions = tuple(positions)
    if len(positions) != len(shapes):
        raise InputError(
            f"positions must be one number for each of {len(shapes)} layers, got {'/'.join(map(str, positions))}"
        )
    for number, (shape, at_once, count) in enumerate(zip(shapes, taps, positions), 1):
        choices = position_choices(shape, at_once)
        if not isinstance(count, (int, np.integer)) or isinstance(count, bool) or count not in choices:
            raise InputError(
                f"layer {number} {_about_pool(shape, at_once)}: its positions must be "
                f"{' or '.join(map(str, choices))}, got {count}"
            )
    return tuple(int(count) for count in positions)


def _about_pool(layer, taps):
    """Return in words what decides which positions a layer can fire at once."""
    if layer.pool == 1:
        return "has no pool"
    kernel, words = layer.w_shape[0], f"has a pool of {layer.pool}"
    if layer.pool > kernel:
        return f"{words} and a kernel of {kernel}, which is smaller"
    return words if taps == kernel**2 else f"{words} and {taps} taps at once, not all {kernel**2} of its kernel"


def check_second_bank(network: IntegerNetwork, wanted: bool) -> bool:
    """Return `wanted`; raise InputError if a second bank of currents is wanted and no layer takes pixels.

    A layer of pixels adds an image's pixels once into its currents, and fires at every step with the same ones. In a
    second bank of currents it adds the next image's pixels meanwhile.
    """
    if wanted and not network.input_bits:
        raise InputError("a second bank is for currents of pixels, and this network takes spikes; leave it out")
    return wanted


def banks(layer: LayerShape, taps: int) -> tuple[int, int]:
    """Return (rows, columns) of the banks of a layer that adds so many taps at once."""
    columns = 1 if layer.kind == "linear" else min(taps, layer.w_shape[0])
    return taps // columns, columns


def count_groups(layer: LayerShape, lanes: int) -> int:
    """Return the groups of lanes that the output channels of a layer need."""
    return -(-layer.w_shape[-1] // lanes)


def depths(network: IntegerNetwork, lanes: Sequence[int], positions: Sequence[int] | None = None) -> np.ndarray:
    """Return the cycles of each layer's firing pass, (L,): neurons of a channel times groups of lanes.

    With several `positions` at once it is as many times shorter.
    """
    shapes = [integers.layer for integers in network.layers]
    numbers = zip(shapes, lanes, (1,) * len(shapes) if positions is None else positions)
    return np.array(
        [
            shape.neurons // shape.w_shape[-1] // at_once * count_groups(shape, count)
            for shape, count, at_once in numbers
        ],
        np.int64,
    )


# Words of a frame
#
# A frame is cut into words in the order of addresses, the first input of a word in its lowest bits. A word holds whole
# pixels of one row, as many as fit; where a pixel does not fit, it holds a part of one. A row begins a new word, and so
# does a pixel that is cut; the last word of each is padded with zeros. A fully connected layer takes its frame as one
# row.

WORD_BITS = 32


def frame_shape(network: IntegerNetwork, index: int) -> tuple[int, int, int]:
    """Return (H, W, C) of the frame that a layer takes, as it is cut into words; `index` counts layers from 0.

    A fully connected layer takes the maps of a convolution as one row of pixels, and any other frame as one pixel.
    """
    layer = network.layers[index].layer
    if layer.kind == "conv2d":
        height, width, channels = layer.in_shape
        return height, width, channels
    if index > 0 and len(layer.in_shape) == 3:
        return 1, layer.in_shape[0] * layer.in_shape[1], layer.in_shape[2]
    return 1, 1, layer.fan_in


def inputs_of_words(network: IntegerNetwork, lanes: Sequence[int], in_lanes: int | None = None) -> tuple[int, ...]:
    """Return the inputs in a word of each layer's frame; `in_lanes` are those of the first, if not the usual ones.

    A word has up to 32 bits, and more only where the layer before has more than 32 lanes. What a layer writes at once
    is never cut: a part of a pixel is a multiple of its lanes.
    """
    usual = inputs_of_word(frame_shape(network, 0), WORD_BITS // max(network.input_bits, 1))
    behind = [
        inputs_of_word(frame_shape(network, index), WORD_BITS, count)
        for index, count in enumerate(lanes[: len(network.layers) - 1], 1)
    ]
    return (usual if in_lanes is None else in_lanes, *behind)


def inputs_of_word(shape: tuple[int, int, int], most: int, together: int = 1) -> int:
    """Return the inputs in a word of a frame (H, W, C): up to `most`, or `together` if these are more.

    Pixels are spread evenly over the words of a row; `together` are the channels that come at once.
    """
    _, width, channels = shape
    if channels > most:
        return max(most // together, 1) * together
    words = -(-width // (most // channels))
    return -(-width // words) * channels


def pixels_of_word(channels: int, in_lanes: int) -> int:
    """Return the pixels in a word of `in_lanes` inputs; 1 if it holds a part of one."""
    return max(in_lanes // channels, 1)


def words_of_frame(shape: tuple[int, int, int], in_lanes: int) -> int:
    """Return the words of a frame (H, W, C)."""
    height, width, channels = shape
    return height * -(-width // pixels_of_word(channels, in_lanes)) * -(-channels // in_lanes)


def place_of_input(shape: tuple[int, int, int], in_lanes: int, address: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (word, place in the word, 0 the lowest) of the inputs of a frame (H, W, C) at `address`."""
    row, column, channel = np.unravel_index(address, shape)
    _, width, channels = shape
    pixels, parts = pixels_of_word(channels, in_lanes), -(-channels // in_lanes)
    word, pixel = np.divmod(column, pixels)
    word = (row * -(-width // pixels) + word) * parts + channel // in_lanes
    return word, pixel * channels + channel % in_lanes


# Taps of an input


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


def tap_turn(
    layer: LayerShape, taps: int, row: np.ndarray, column: np.ndarray, ky: np.ndarray, kx: np.ndarray
) -> np.ndarray:
    """Return the turn of a tap: row by row, as ``hw/conv2d.py`` walks those that lead into the frame.

    Taps that are added at once have the same turn.
    """
    down, across = banks(layer, taps)
    first_ky, first_kx = first_tap(layer, row, column)
    _, columns = taps_in_frame(layer, row, column)
    in_row, turns = (np.zeros_like(kx), 1) if across > 1 else (kx - first_kx, columns)
    return in_row if down > 1 else (ky - first_ky) * turns + in_row


def tap_at(
    layer: LayerShape, taps: int, row: np.ndarray, column: np.ndarray, turn: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return (ky, kx) of the first tap at a turn; the inverse of :func:`tap_turn`."""
    _, across = banks(layer, taps)
    first_ky, first_kx = first_tap(layer, row, column)
    # Without a tap there is no turn to ask for.
    columns = 1 if across > 1 else np.maximum(taps_in_frame(layer, row, column)[1], 1)
    return first_ky + turn // columns, first_kx + turn % columns


def neuron_reached(
    layer: LayerShape, row: np.ndarray, column: np.ndarray, ky: np.ndarray, kx: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return (row, column) of the neurons that a convolution's inputs reach by a tap; they may be outside the frame."""
    return row + layer.padding - ky, column + layer.padding - kx


def count_taps(layer: LayerShape, frame: np.ndarray) -> int:
    """Return the number of taps by which the inputs of a frame (H, W, C) reach neurons, for one output channel."""
    if layer.kind == "linear":
        return int(np.count_nonzero(frame))
    row, column, _ = np.nonzero(frame)
    rows, columns = taps_in_frame(layer, row, column)
    return int((rows * columns).sum())


# Words of weights and membranes


def weight_rows(layer: LayerShape, w: np.ndarray, taps: int = 1) -> np.ndarray:
    """Return weights (rows, taps, M) in the order of the weight memory: channel by channel, then tap by tap.

    With G groups of lanes, group g of row r is word r * G + g. Row r of a fully connected layer is input r. A
    convolution with a kernel of k has k * k rows a channel, or k if the taps of a row are added at once, or one: see
    :func:`weight_word`. Along an axis whose taps are added at once, tap i is in place -i mod k. So for an input at (y,
    x) the word is turned by (x + padding) mod k columns, and (y + padding) mod k rows; then every tap is in the place
    of the bank whose neuron it reaches.
    """
    if layer.kind == "linear":
        return w[:, None]
    down, across = ([-i % count if count > 1 else i for i in range(layer.w_shape[0])] for count in banks(layer, taps))
    return w[down][:, across].transpose(2, 0, 1, 3).reshape(-1, taps, w.shape[-1])


def weight_word(
    layer: LayerShape,
    taps: int,
    groups: int,
    channel: np.ndarray,
    ky: np.ndarray,
    kx: np.ndarray,
    group: np.ndarray,
) -> np.ndarray:
    """Return the word of a convolution's weights that holds one tap of a channel, for a group."""
    kernel, (down, across) = layer.w_shape[0], banks(layer, taps)
    row = channel if down > 1 else channel * kernel + ky
    return (row if across > 1 else row * kernel + kx) * groups + group


def membrane_word(layer: LayerShape, groups: int, row: np.ndarray, column: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return the word of membranes of a pixel of neurons and a group."""
    width = layer.out_shape[1] if len(layer.out_shape) == 3 else 1
    return (row * width + column) * groups + group


def words_of_additions(
    layer: LayerShape, taps: int, groups: int, address: np.ndarray, turn: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the words that additions read, each the one at `turn` of the input at `address`.

    Returns
    -------
    words : dict of ndarray
        ``weight_word``, and of the first tap that is added ``membrane_word``; ``tap`` (ky * k + kx) of a convolution
        that adds one tap at once.
    """
    if layer.kind == "linear":
        return {"weight_word": address * groups + turn, "membrane_word": turn}
    row, column, channel = np.unravel_index(address, layer.in_shape)
    tap, group = np.divmod(turn, groups)
    ky, kx = tap_at(layer, taps, row, column, tap)
    words = {
        "membrane_word": membrane_word(layer, groups, *neuron_reached(layer, row, column, ky, kx), group),
        "weight_word": weight_word(layer, taps, groups, channel, ky, kx, group),
    }
    return words | ({"tap": ky * layer.w_shape[0] + kx} if taps == 1 else {})


# Order of the firing pass


def firing_turn(layer: LayerShape, groups: int, row: np.ndarray, column: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return a neuron's turn in the firing pass: window by window of the pool, as ``hw/firing_pass.py`` walks."""
    pool, window = layer.pool, row // layer.pool * _windows_across(layer) + column // layer.pool
    return (window * groups + group) * pool**2 + row % pool * pool + column % pool


def firing_place(layer: LayerShape, groups: int, turn: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (row, column, group) at a turn in the firing pass; the inverse of :func:`firing_turn`."""
    return _place_at(layer.pool, _windows_across(layer), groups, turn)


def firing_order(height: int, width: int, pool: int, groups: int) -> np.ndarray:
    """Return the words of membranes in the order of the firing pass over a frame of neurons, (height*width*groups,)."""
    row, column, group = _place_at(pool, width // pool, groups, np.arange(height * width * groups))
    return (row * width + column) * groups + group


def _place_at(pool, windows_across, groups, turn):
    window, inside = np.divmod(turn, groups * pool**2)
    group, inside = np.divmod(inside, pool**2)
    row, column = np.divmod(window, windows_across)
    return row * pool + inside // pool, column * pool + inside % pool, group


def _windows_across(layer):
    return layer.out_shape[1] // layer.pool if len(layer.out_shape) == 3 else 1
