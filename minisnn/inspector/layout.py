"""Temporary: geometry until timing/layout lands."""

import numpy as np


def tap_order(shape, rows, columns, ky, kx):
    """Place of a tap among the taps of its input that are in the frame."""
    kernel, padding, (height, width, _) = shape.w_shape[0], shape.padding, shape.out_shape
    first_ky = np.maximum(rows + padding - height + 1, 0)
    first_kx = np.maximum(columns + padding - width + 1, 0)
    in_row = np.minimum(kernel, columns + padding + 1) - first_kx
    return (ky - first_ky) * in_row + kx - first_kx


def firing_turn(shape, groups, row, column, group):
    pool = shape.pool
    across = shape.out_shape[1] // pool if len(shape.out_shape) == 3 else 1
    window = row // pool * across + column // pool
    return (window * groups + group) * pool**2 + row % pool * pool + column % pool


def firing_place(shape, groups, turn):
    pool = shape.pool
    across = shape.out_shape[1] // pool if len(shape.out_shape) == 3 else 1
    window, inside = divmod(turn, groups * pool**2)
    group, inside = divmod(inside, pool**2)
    row, column = divmod(window, across)
    return row * pool + inside // pool, column * pool + inside % pool, group


def taps_in_frame(shape, frame):
    if shape.kind == "linear":
        return int(np.count_nonzero(frame))
    kernel, padding, (height, width, _) = shape.w_shape[0], shape.padding, shape.out_shape
    rows, columns, _ = np.nonzero(frame)
    inside = [
        np.clip(np.minimum(kernel, at + padding + 1) - np.maximum(at + padding - size + 1, 0), 0, None)
        for at, size in ((rows, height), (columns, width))
    ]
    return int((inside[0] * inside[1]).sum())


def words(shape, groups, wide, frame_shape, address, turn):
    if shape.kind == "linear":
        return {"weight_word": address * groups + turn, "membrane_word": turn}
    row, column, channel = np.unravel_index(address, frame_shape)
    kernel, padding, (height, width, _) = shape.w_shape[0], shape.padding, shape.out_shape
    ky, kx = np.maximum(row + padding - height + 1, 0), np.maximum(column + padding - width + 1, 0)
    tap, group = np.divmod(turn, groups)
    if not wide:
        in_row = np.maximum(np.minimum(kernel, column + padding + 1) - kx, 1)
        ky, kx = ky + tap // in_row, kx + tap % in_row
    membrane_word = ((row + padding - ky) * width + column + padding - kx) * groups + group
    if wide:
        return {"weight_word": channel * groups + turn, "membrane_word": membrane_word}
    return {
        "tap": ky * kernel + kx,
        "weight_word": ((channel * kernel + ky) * kernel + kx) * groups + group,
        "membrane_word": membrane_word,
    }
