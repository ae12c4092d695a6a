"""The hidden layers of a slice in one kernel, as long as their spikes are few.

A layer fires, and its spikes are added to the currents of the next. A return to Python in between would cost as much as
some of these steps take, and threads would wait for one another there, for Python runs one of them at a time.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from . import fire, sparse
from .dense import GROUP
from .memory import empty, scratch
from .products import begins, dense_from, groups_of, sampled
from .simd import WIDTH, kernel

LINE = 64  # numbers: the memory of a layer begins at a multiple of it, and so on a cache line


class Layer(NamedTuple):
    """Sizes of a layer, and where its numbers begin in the memory of all layers."""

    in_height: int
    in_width: int
    in_channels: int
    height: int
    width: int
    channels: int
    size: int  # of the kernel
    padding: int
    pool: int  # of spikes, or of currents
    of_currents: int
    neurons: int  # places that are computed side by side, see ``fire.side_by_side``
    weights: int
    bias: int
    currents: int
    spikes: int


@dataclass(frozen=True)
class Plan:
    """Names and places of the arrays in the memory of a slice.

    Attributes
    ----------
    num_steps, batch : int
    constant : bool
        The currents of the first layer are the same at each step.
    layers : list of Layer
    table : ndarray of int64, (L, fields of Layer)
        The same, as kernels read it.
    limits : ndarray of float64, (L,)
        Share of inputs that are spikes from which on they are not few.
    places : ndarray of int64, (L, most neurons side by side)
    currents, spikes, events, firsts : int
        Numbers in the memory for each; `events` and `firsts` are those of ``sparse.list_rows``.
    """

    num_steps: int
    batch: int
    constant: bool
    layers: list[Layer]
    table: np.ndarray
    limits: np.ndarray
    places: np.ndarray
    currents: int
    spikes: int
    events: int
    firsts: int


@lru_cache(maxsize=64)
def plan(shapes: tuple, num_steps: int, batch: int, constant: bool) -> Plan:
    """Return the plan for layers of these `shapes` (``LayerShape``)."""
    layers, limits = [], []
    pools = [shape.pool * shape.cur_pool for shape in shapes]  # at most one of the two is not 1
    places = [fire.side_by_side(pool, *as_frame(shape.cur_shape)[1:]) for pool, shape in zip(pools, shapes)]
    weights = begins(tuple(shape.w_shape for shape in shapes))
    bias = currents = spikes = events = firsts = 0
    for i, shape in enumerate(shapes):
        steps = 1 if constant and i == 0 else num_steps
        size, _, c_in, c = (1, 1, *shape.w_shape)[-4:]  # a flat row is one pixel, whatever frame it was before
        h_in, w_in = shape.in_shape[:2] if len(shape.w_shape) == 4 else (1, 1)
        h, w, _ = as_frame(shape.cur_shape)
        pool, of_currents = pools[i], int(shape.cur_pool > 1)
        sizes = h_in, w_in, c_in, h, w, c, size, shape.padding, pool, of_currents, len(places[i])
        layers.append(Layer(*sizes, weights[i], bias, currents, spikes))
        limits.append(dense_from(True, size * c_in, c))
        bias += groups_of(c) * GROUP
        currents += _whole_lines(steps * batch * h * w * c)
        spikes += _whole_lines(num_steps * batch * (h // pool) * (w // pool) * c)
        events, firsts = max(events, h_in * (w_in * c_in + 8)), max(firsts, h_in * (w_in + 1))
    table = np.zeros((len(places), max(map(len, places))), np.int64)
    for row, some in zip(table, places):
        row[: len(some)] = some
    numbers = np.array(layers, np.int64), np.array(limits, float), table
    return Plan(num_steps, batch, constant, layers, *numbers, currents, spikes, events, firsts)


def as_frame(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of a frame: a flat row is one pixel."""
    return shape if len(shape) == 3 else (1, 1, *shape)


def _whole_lines(numbers):
    return -(-numbers // LINE) * LINE


class Constants(NamedTuple):
    """Arrays that all slices read, in one piece for all layers: weights as the products read them, biases filled up to
    whole groups, and a row of ``lif.constants`` for each layer.
    """

    weights: np.ndarray
    biases: np.ndarray
    neurons: np.ndarray


class Slice:
    """The currents and spikes of all layers for some images.

    Attributes
    ----------
    fired : ndarray of int64, (L,)
        Spikes of each hidden layer, before its pool.
    """

    def __init__(self, plan: Plan, dtype: Any):
        self.plan = plan
        self._currents, self._spikes = empty((plan.currents,), dtype), empty((plan.spikes,), np.uint8)
        self.fired = np.zeros(len(plan.layers), np.int64)

    def currents(self, index: int) -> np.ndarray:
        """Return the currents of a layer, (T or 1, B, H, W, C)."""
        plan, layer = self.plan, self.plan.layers[index]
        steps = 1 if plan.constant and index == 0 else plan.num_steps
        return _part(self._currents, layer.currents, (steps, plan.batch, layer.height, layer.width, layer.channels))

    def spikes(self, index: int) -> np.ndarray:
        """Return the spikes that a layer hands on, (T, B, h, w, C)."""
        plan, layer = self.plan, self.plan.layers[index]
        frame = layer.height // layer.pool, layer.width // layer.pool, layer.channels
        return _part(self._spikes, layer.spikes, (plan.num_steps, plan.batch, *frame))

    def run(self, first: int, constants: Constants) -> int:
        """Go on from the currents of layer `first`; return the first layer whose currents are still missing, because
        its inputs are not few, or else L.
        """
        plan = self.plan
        state = scratch("state", plan.places.shape[1] * WIDTH, self._currents.dtype)
        lists = scratch("events", plan.events, np.int32), scratch("firsts", plan.firsts, np.int32)
        sizes = plan.num_steps, plan.batch, plan.constant, plan.table, plan.limits, plan.places
        return _run(first, *sizes, *constants, self._currents, self._spikes, self.fired, state, *lists)


def _part(memory, first, shape):
    return memory[first : first + prod(shape)].reshape(shape)


@kernel
def _run(
    first,
    num_steps,
    batch,
    constant,
    table,
    limits,
    places,
    weights,
    biases,
    neurons,
    currents,
    spikes,
    fired,
    state,
    events,
    firsts,
):
    last = len(table) - 1
    for index in range(first, last):
        layer, following = _layer(table, index), _layer(table, index + 1)
        steps, frames = 1 if constant and index == 0 else num_steps, num_steps * batch
        pixels, channels, pool = layer.height * layer.width, layer.channels, layer.pool
        cur = currents[layer.currents : layer.currents + steps * batch * pixels * channels]
        out = spikes[layer.spikes : layer.spikes + frames * (pixels // (pool * pool)) * channels]
        constant_here, of_currents = steps < num_steps, layer.of_currents > 0
        sizes = fire.frame(pool, layer.width, batch * pixels, channels, num_steps, constant_here, of_currents)
        fired[index] = fire.run(cur, neurons[index], sizes, places[index][: layer.neurons], out, state)
        if not _few(out, frames, following, limits[index + 1]):
            return index + 1
        _add(out, frames, following, weights, biases, currents, events, firsts)
    return last + 1


@kernel
def _layer(table, index):
    r = table[index]
    return Layer(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14])


@kernel
def _few(spikes, frames, layer, limit):
    """Return whether so few inputs of a layer are spikes that the sparse products are faster."""
    numbers = layer.in_height * layer.in_width * layer.in_channels
    first, end = sampled(frames, numbers)
    found = 0
    for i in range(first * numbers, end * numbers):
        found += spikes[i]
    return found < limit * ((end - first) * numbers)


@kernel
def _add(spikes, frames, layer, weights, biases, currents, events, firsts):
    """Compute the currents of a layer from the spikes that it takes."""
    in_height, in_width, in_channels = layer.in_height, layer.in_width, layer.in_channels
    height, width, channels, size = layer.height, layer.width, layer.channels, layer.size
    groups = groups_of(channels)
    end = layer.weights + groups * size * size * in_channels * GROUP
    packed = weights[layer.weights : end].reshape(groups, size, size, in_channels, GROUP)
    bias = biases[layer.bias : layer.bias + groups * GROUP]
    pixels = frames * height * width
    cur = currents[layer.currents : layer.currents + pixels * channels]
    if size == 1 and layer.padding == 0 and in_height == height and in_width == width:
        x = spikes.reshape(1, 1, pixels, in_channels)
        sparse.pixels(x, packed, bias, cur.reshape(1, 1, pixels, channels), events)
    else:
        x, row = spikes.reshape(frames, in_height, in_width, in_channels), in_width * in_channels + 8
        lists = events[: in_height * row].reshape(in_height, row)
        begins = firsts[: in_height * (in_width + 1)].reshape(in_height, in_width + 1)
        out = cur.reshape(frames, height, width, channels)
        sparse.windows(x, packed, bias, layer.padding, layer.padding, out, lists, begins)
