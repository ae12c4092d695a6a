"""The network in integers, layer by layer: the same numbers as the plain loops of ``minisnn/fixed``, bit for bit.

Three things make it fast. A layer's membranes have 32 bits wherever its widths allow it, so that a vector holds eight.
The weights of an input lie side by side for a whole row of the kernel, turned, as the neurons do that it reaches: one
loop adds them all. And the firing pass is one loop over all neurons without a branch, whatever the reset.
"""

from typing import Any, NamedTuple

import numpy as np

from .jit import compiler

# A kernel allocates nothing: every array is its caller's. So Numba need not count references to arrays.
kernel = compiler(nogil=True, _nrt=False)

# Slots of a neuron's numbers. A spike keeps KEEP of the bits of U (all, or none for the reset "zero"), and takes BEFORE
# away before the leak and AFTER after it; ROUND is added to a negative product, which then rounds towards zero.
LOW, HIGH, THRESHOLD, BETA, FRAC, KEEP, BEFORE, AFTER, ROUND = range(9)


class Prepared(NamedTuple):
    """One layer as the loops read it.

    Attributes
    ----------
    weights : ndarray of shape (C + 1, k, k, M)
        Shifted by the guard bits, columns of the kernel turned; a fully connected layer has maps of one pixel. Those of
        the last input are 0.
    bias : ndarray of shape (n,)
        One for each neuron.
    neuron : ndarray of shape (9,)
        In the slots LOW to ROUND, in the type of a membrane.
    padding, pool, cur_pool : int
    in_shape, out_shape, cur_shape : tuple of int
        As maps; `cur_shape` is that of the currents, before their pool.
    """

    weights: np.ndarray
    bias: np.ndarray
    neuron: np.ndarray
    padding: int
    pool: int
    cur_pool: int
    in_shape: tuple[int, int, int]
    out_shape: tuple[int, int, int]
    cur_shape: tuple[int, int, int]


def prepared(layer: Any, most_pixel: int = 0) -> Prepared:
    """Return an IntegerLayer as the loops read it; `most_pixel` is the largest pixel if it takes pixels, else 0."""
    shape = layer.layer
    flat, maps = shape.kind == "linear", shape.w_shape[-1]
    most = max(most_pixel, int(shape.cur_pool > 1))  # of the inputs whose sums saturate only when they are whole
    dtype = np.int32 if _fits(layer) and _fits_sums(layer, most) else np.int64
    weights = layer.w.reshape((1, 1, -1, maps) if flat else shape.w_shape)[:, ::-1].transpose(2, 0, 1, 3)
    span = 1 << 61 if most_pixel else layer.high - layer.low  # a larger bias saturates any membrane
    return Prepared(
        np.pad(weights.astype(dtype) << layer.guard, ((0, 1), (0, 0), (0, 0), (0, 0))),
        np.tile(np.clip(layer.b, -span, span).astype(dtype), shape.neurons // maps),
        _neuron(layer).astype(dtype),
        shape.padding,
        shape.pool,
        shape.cur_pool,
        (1, 1, weights.shape[0]) if flat else shape.in_shape,
        (1, 1, maps) if flat else shape.out_shape,
        (1, 1, maps) if flat else shape.cur_shape,
    )


def _fits(layer):
    """Return whether 32 bits hold a membrane plus a weight or a clipped bias, and a membrane times beta."""
    bits = layer.membrane_bits
    return max(bits + layer.frac, bits + 2, layer.weight_bits + layer.guard + 1) < 32


def _fits_sums(layer, most):
    """Return whether 32 bits hold every partial sum of inputs up to `most`, and their bias."""
    if not most:
        return True
    sums = np.abs(layer.w.reshape(-1, layer.w.shape[-1]).astype(np.int64)).sum(axis=0)
    return int(sums.max()) * most << layer.guard < 1 << 30 and int(np.abs(layer.b).max()) < 1 << 30


def _neuron(layer):
    """Return the numbers of a layer's neurons in their slots."""
    threshold, spikes = min(layer.threshold, layer.high), layer.reset != "none"
    slots = {
        LOW: layer.low,
        HIGH: layer.high,
        THRESHOLD: threshold if spikes else layer.high,  # no membrane is above it
        BETA: layer.beta,
        FRAC: layer.frac,
        KEEP: 0 if layer.reset == "zero" else -1,
        BEFORE: threshold if layer.reset == "subtract_then_leak" else 0,
        AFTER: threshold if layer.reset == "subtract" else 0,
        ROUND: (1 << layer.frac) - 1 if layer.rounding == "zero" else 0,
    }
    return np.array([slots[slot] for slot in range(len(slots))])


class Frames(NamedTuple):
    """The results of one layer, for B images and T steps.

    Attributes
    ----------
    out : ndarray of uint8, shape (T, B, h, w, M)
        Spikes after the pool.
    spk, mem : ndarray of uint8 and int64, shape (T, B, n), or (T, B, 0) if they are not kept
        Spikes before the pool, and membranes before reset.
    inputs, additions, spikes : ndarray of int64, shape (B, T)
    """

    out: np.ndarray
    spk: np.ndarray
    mem: np.ndarray
    inputs: np.ndarray
    additions: np.ndarray
    spikes: np.ndarray


class Room(NamedTuple):
    """Arrays that the loops overwrite: all membranes, currents that are pooled, all spikes, a row of spikes, and the
    inputs of a pixel.
    """

    mem: np.ndarray
    cur: np.ndarray
    spk: np.ndarray
    row: np.ndarray
    events: np.ndarray


def run(layer: Prepared, x: np.ndarray, num_steps: int, constant: bool, keep: bool) -> Frames:
    """Run a layer on spikes (T, B, ...), or on pixels (1, B, ...) that are constant over time.

    With `keep`, spikes before the pool and membranes are kept.
    """
    batch, neurons, (height, width, maps) = x.shape[1], len(layer.bias), layer.out_shape
    x = np.require(x, requirements=["C", "W"]).reshape(-1, batch, *layer.in_shape)  # one type for Numba
    frames = Frames(
        np.empty((num_steps, batch, height // layer.pool, width // layer.pool, maps), np.uint8),
        np.empty((num_steps, batch, neurons if keep else 0), np.uint8),
        np.empty((num_steps, batch, neurons if keep else 0), np.int64),
        *(np.zeros((batch, num_steps), np.int64) for _ in range(3)),
    )
    room = Room(
        np.empty(neurons, layer.neuron.dtype),
        np.empty(neurons * layer.cur_pool**2 if layer.cur_pool > 1 else 0, layer.neuron.dtype),
        np.empty(neurons, np.uint8),
        np.empty(width * maps, np.uint8),
        np.empty(layer.in_shape[2] + 1, np.int64),
    )
    addends = layer.bias[None]
    if constant:
        addends = np.tile(layer.bias, (batch, 1))
        _currents(x[0], layer, False, addends, room, frames.inputs, frames.additions)
        x = np.empty((0, *x.shape[1:]), np.uint8)
    _steps(x, layer, addends, room, frames)
    return frames


@kernel
def _currents(x, layer, spiking, addends, room, inputs, additions):
    """Add the pixels of each image to the bias; `spiking` is False."""
    low, high = layer.neuron[LOW], layer.neuron[HIGH]
    for image in range(len(x)):
        sums = addends[image]
        inputs[image, 0], additions[image, 0] = _add_pooled(x[image], layer, spiking, room, sums)
        for i in range(len(sums)):
            sums[i] = min(max(sums[i], low), high)


@kernel
def _steps(x, layer, addends, room, frames):
    """Run all steps of each image; without frames in `x`, a step adds the addends alone."""
    mem, spiking = room.mem, len(x) > 0
    for image in range(frames.out.shape[1]):
        addend = addends[min(image, len(addends) - 1)]
        mem[:] = 0
        for t in range(len(frames.out)):
            if spiking:
                frames.inputs[image, t], frames.additions[image, t] = _add_pooled(
                    x[t, image], layer, spiking, room, mem
                )
            spk = frames.spk[t, image] if frames.spk.shape[2] > 0 else room.spk
            frames.spikes[image, t] = _fire(mem, addend, layer.neuron, spk, frames.mem[t, image])
            _pool(spk, layer, room.row, frames.out[t, image])


@kernel
def _add_pooled(frame, layer, spiking, room, sums):
    """Add the inputs of a frame, after the pool of currents if there is one; return what ``_add`` does."""
    pool, cur = layer.cur_pool, room.cur
    if pool == 1:
        return _add(frame, layer, spiking, room.events, sums)
    cur[:] = 0
    counts = _add(frame, layer, False, room.events, cur)
    number, low, high = sums.dtype.type, layer.neuron[LOW], layer.neuron[HIGH]
    height, width, maps = layer.out_shape
    row = width * pool * maps
    for y in range(height):
        for x in range(width):
            for m in range(maps):
                first = y * pool * row + x * pool * maps + m
                most = cur[first]
                for j in range(1, pool * pool):
                    most = max(most, cur[first + j // pool * row + j % pool * maps])
                i = (y * width + x) * maps + m
                sums[i] = min(max(number(sums[i] + most), low), high)
    return counts


@kernel
def _add(frame, layer, spiking, events, sums):
    """Add the inputs of a frame (H, W, C) to the neurons that they reach; return the numbers of inputs and additions.

    They come in ascending address, so that spikes, whose every sum saturates, saturate in the hardware's order. The sum
    of pixels saturates once, at its end. Fills `events` with the inputs of a pixel, in pairs; the last may be silent.
    """
    rows, columns, channels = frame.shape
    height, width, maps = layer.cur_shape
    weights, size, padding = layer.weights.reshape(-1), layer.weights.shape[1], layer.padding
    number, low, high = sums.dtype.type, layer.neuron[LOW], layer.neuron[HIGH]
    inputs, taps = 0, 0
    for y in range(rows):
        ky0, ky1 = max(y + padding - height + 1, 0), min(size, y + padding + 1)
        for x in range(columns):
            left = x + padding - size + 1  # the column of neurons that the first turned tap reaches
            first, end = max(-left, 0), min(size, width - left)
            count = 0
            for c in range(channels):
                events[count] = c
                count += frame[y, x, c] != 0
            events[count] = channels  # a row of zeros
            inputs += count
            if ky0 >= ky1 or first >= end:
                continue
            taps += count * (ky1 - ky0) * (end - first)
            length = (end - first) * maps
            for ky in range(ky0, ky1):
                start = ((y + padding - ky) * width + left + first) * maps
                neurons = sums[start : start + length]
                for j in range(0, count, 2):
                    c0, c1 = events[j], events[j + 1]
                    start0 = ((c0 * size + ky) * size + first) * maps
                    start1 = ((c1 * size + ky) * size + first) * maps
                    w0, w1 = weights[start0 : start0 + length], weights[start1 : start1 + length]
                    if spiking:
                        for i in range(length):
                            total = min(max(number(neurons[i] + w0[i]), low), high)
                            neurons[i] = min(max(number(total + w1[i]), low), high)
                    else:
                        x0 = number(frame[y, x, c0])
                        x1 = number(frame[y, x, c1 % channels])  # of a row of zeros, any
                        for i in range(length):
                            neurons[i] += number(number(w0[i] * x0) + number(w1[i] * x1))
    return inputs, taps * maps


@kernel
def _fire(mem, addend, neuron, spk, kept):
    """Run one firing pass, and return the number of spikes; U is kept if there is room for it."""
    low, high, threshold, beta, frac = neuron[LOW], neuron[HIGH], neuron[THRESHOLD], neuron[BETA], neuron[FRAC]
    keep, before, after, up = neuron[KEEP], neuron[BEFORE], neuron[AFTER], neuron[ROUND]
    number = neuron.dtype.type
    spikes = np.int32(0)
    for i in range(len(mem)):
        u = min(max(number(mem[i] + addend[i]), low), high)
        s = u > threshold
        spk[i] = s
        spikes = np.int32(spikes + s)
        if len(kept) > 0:
            kept[i] = u
        u = number(number(u & keep) - before) if s else u
        product = number(u * beta)
        product = number(product + up) if product < 0 else product
        v = number(product >> (frac & 31))  # so that LLVM knows that 32 bits are enough
        v = number(v - after) if s else v
        mem[i] = min(max(v, low), high)
    return spikes


@kernel
def _pool(spk, layer, row, out):
    """Set each element of `out` to the OR of its window of spikes; `row` is room for a row of neurons."""
    pool, columns = layer.pool, layer.out_shape[1] * layer.out_shape[2]
    height, width, maps = out.shape
    out[:] = 0
    for y in range(height):
        row[:] = 0
        for start in range(y * pool * columns, (y + 1) * pool * columns, columns):
            spikes = spk[start : start + columns]
            for i in range(columns):
                row[i] |= spikes[i]
        for x in range(width * pool):
            spikes, pooled = row[x * maps : (x + 1) * maps], out[y, x // pool]
            for m in range(maps):
                pooled[m] |= spikes[m]
