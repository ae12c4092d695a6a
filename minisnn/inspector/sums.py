"""Additions of all neurons of a layer with their running sums, and the choice of those that fit a page.

``why`` explains one neuron; a page needs all. Both start from the same frames and logs, and tests compare the two.
"""

from dataclasses import dataclass, fields

import numpy as np

from ..errors import InputError
from ..timing.layout import neuron_reached, tap_turn
from .record import Record


@dataclass(kw_only=True)
class Additions:
    """Additions of a layer, sorted by step, then by pixel of neurons, then by order; all channels of a pixel together.

    Attributes
    ----------
    step, pixel : ndarray of int, shape (n,)
        Step and pixel (row * width + column) of the neurons that are added to.
    address, value, tap, row : ndarray of int, shape (n,)
        Address and value of the input; ky * k + kx; row of the weights as a matrix (inputs, channels).
    cycle : ndarray of int, shape (n, groups)
    adds, sums : ndarray of int64, shape (n, channels)
        The amount that each addition adds, and the sum after it.
    """

    step: np.ndarray
    pixel: np.ndarray
    address: np.ndarray
    value: np.ndarray
    tap: np.ndarray
    row: np.ndarray
    cycle: np.ndarray
    adds: np.ndarray
    sums: np.ndarray


def all_additions(record: Record, layer: int, kept: np.ndarray) -> tuple[Additions, np.ndarray]:
    """Return the additions of all steps, and the currents (T or 1, N); `kept` are the states (T + 1, N)."""
    parts, currents = [], []
    for step in range(1 if record.constant(layer) else record.num_steps):
        if not record.fired[layer, step]:  # dropped
            currents.append(np.zeros(kept.shape[1], np.int64))
            continue
        part = _additions(record, layer, step)
        currents.append(_add_up(record, layer, step, part, kept[step]))
        parts.append(part)
    names = [field.name for field in fields(Additions)]
    joined = Additions(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})
    return joined, np.array(currents)


def _additions(record, layer, step):
    """Additions of one step; their sums are still 0."""
    integers, frame, groups = record.network.layers[layer], record.frame(layer, step), record.groups(layer)
    addresses, log = record.log(layer, step)
    if integers.layer.kind == "linear":
        index = np.arange(len(addresses))
        pixel, tap, row, turn = np.zeros_like(index), np.zeros_like(index), addresses, np.zeros_like(index)
    else:
        index, pixel, tap = _reached(integers.layer, frame.shape, addresses)
        rows, columns, channels = np.unravel_index(addresses[index], frame.shape)
        row = tap * frame.shape[-1] + channels
        ky, kx = np.divmod(tap, integers.layer.w_shape[0])
        turn = groups * tap_turn(integers.layer, record.taps[layer], rows, columns, ky, kx)
    weights = integers.w.reshape(-1, integers.w.shape[-1]).astype(np.int64)
    value = frame.reshape(-1)[addresses[index]]
    adds = (weights[row] * value.astype(np.int64)[:, None]) << integers.guard
    return Additions(
        step=np.full(len(index), step),
        pixel=pixel,
        address=addresses[index],
        value=value,
        tap=tap,
        row=row,
        cycle=(log[index, 1] + turn)[:, None] + np.arange(groups),
        adds=adds,
        sums=np.zeros_like(adds),
    )


def _reached(shape, frame_shape, addresses):
    """(index of the input, pixel of neurons, tap), each (n,), of all taps in the frame, sorted by pixel, then input."""
    kernel, (height, width, _) = shape.w_shape[0], shape.out_shape
    rows, columns, _ = np.unravel_index(addresses, frame_shape)
    ky, kx = (taps.reshape(-1, 1) for taps in np.divmod(np.arange(kernel**2), kernel))
    y, x = neuron_reached(shape, rows, columns, ky, kx)  # (k * k, inputs)
    tap, index = np.nonzero((y >= 0) & (y < height) & (x >= 0) & (x < width))
    pixel = (y * width + x)[tap, index]
    order = np.lexsort((index, pixel))
    return index[order], pixel[order], tap[order]


def _add_up(record, layer, step, additions, kept):
    """Fill in the sums and return the currents (N,); raise InputError if the sums are not the stored membranes.

    Saturation depends on the order, so the first additions of all pixels are made together, then the second, and so on.
    """
    integers, constant = record.network.layers[layer], record.constant(layer)
    kept = kept.reshape(-1, additions.adds.shape[1])
    total = np.zeros_like(kept) if constant else kept.copy()
    counts = np.bincount(additions.pixel, minlength=len(total))
    nth = np.arange(len(additions.pixel)) - np.repeat(np.cumsum(counts) - counts, counts)
    order = np.argsort(nth, kind="stable")
    for some in np.split(order, np.cumsum(np.bincount(nth))[:-1]) if len(order) else ():
        sums = total[additions.pixel[some]] + additions.adds[some]
        if not constant:  # a constant current saturates once, with its bias
            sums = np.clip(sums, integers.low, integers.high)
        additions.sums[some] = total[additions.pixel[some]] = sums
    if constant:
        current = np.clip(total + integers.b, integers.low, integers.high)
        membranes = np.clip(kept + current, integers.low, integers.high)
    else:
        current = total + integers.b - kept
        membranes = np.clip(total + integers.b, integers.low, integers.high)
    if (membranes.reshape(-1) != record.mem[layer][step].reshape(-1)).any():
        raise InputError(
            f"the sums of layer {integers.layer.name}, step {step}, are not the membranes of the trace: it is damaged; "
            "make it again"
        )
    return current.reshape(-1)


def fitting(
    record: Record, layer: int, additions: Additions, room: int, asked: int | None = None
) -> tuple[str, dict[str, np.ndarray]]:
    """Choose the additions that fit into `room` bytes, those of pixels (or neurons) that spike most first.

    Parameters
    ----------
    asked : int, optional
        A neuron whose additions are stored in any case.

    Returns
    -------
    stored : "all", "some" or "none"
    arrays : dict of ndarray
        ``slot`` (pixels,) and ``column`` (channels,), -1 where nothing is stored; ``start`` (steps, slots + 1), the
        first addition of each slot at a step; and the chosen rows and columns of :class:`Additions`.
    """
    constant = record.constant(layer)
    chosen, count = _chosen(record, layer, additions, room, asked)
    channels = additions.sums.shape[1]
    pixels = record.shape(layer).neurons // channels
    if pixels == 1:
        slots, columns = chosen[:1] * 0, chosen
    else:
        slots, columns = chosen, np.arange(channels)
    slot, column = np.full(pixels, -1), np.full(channels, -1)
    slot[slots], column[columns] = np.arange(len(slots)), np.arange(len(columns))
    some = slot[additions.pixel] >= 0
    names = ["address", "tap", "row", "cycle"] + ["value"] * constant
    arrays = {name: getattr(additions, name)[some] for name in names}
    for name in ["sums"] + ["adds"] * constant:
        arrays[name] = getattr(additions, name)[some][:, columns]
    steps = 1 if constant else record.num_steps
    start = _starts(additions.step[some], slot[additions.pixel[some]], steps, len(slots))
    stored = "none" if not len(chosen) else "all" if len(chosen) == count else "some"
    return stored, arrays | {"slot": slot, "column": column, "start": start}


def _chosen(record, layer, additions, room, asked):
    """Pixels that fit, sorted, and their number in all; neurons in place of pixels if the layer is one pixel."""
    constant, channels = record.constant(layer), additions.sums.shape[1]
    spikes = record.spk[layer].reshape(record.num_steps, -1, channels).astype(np.int64)
    pixels = spikes.shape[1]
    counts = np.bincount(additions.pixel, minlength=pixels)
    sum_bytes, addition_bytes = 8 if constant else 4, 8 + 4 * record.groups(layer)  # at most, after packing
    if pixels == 1:
        score, bytes_of = spikes.sum(axis=(0, 1)), np.full(channels, sum_bytes * counts[0])
        room -= int(counts[0]) * addition_bytes
    else:
        steps = 1 if constant else record.num_steps
        score, bytes_of = spikes.sum(axis=(0, 2)), counts * (sum_bytes * channels + addition_bytes) + 4 * steps
    if asked is not None:
        score[asked if pixels == 1 else asked // channels] = score.max() + 1
    order = np.argsort(-score, kind="stable")
    fits = np.cumsum(bytes_of[order]) <= room
    if asked is not None:
        fits[0] = True
    return np.sort(order[fits]), len(order)


def _starts(step, slot, steps, slots):
    """(steps, slots + 1): index of the first addition of each slot at each step, and the end of the last."""
    counts = np.zeros((steps, slots + 1), np.int64)
    np.add.at(counts, (step, slot + 1), 1)
    before = np.concatenate([[0], counts.sum(axis=1).cumsum()[:-1]])
    return before[:, None] + counts.cumsum(axis=1)
