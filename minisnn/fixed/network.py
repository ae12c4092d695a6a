"""A network in integers: inference, and the events that cost cycles and energy."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import backend, check
from ..errors import InputError
from ..loss import class_sums
from ..terminal import counted
from ..topology import LayerShape
from . import conv2d, lif, linear, maxpool

SLICE = 16  # images that one thread takes at a time
KEEP = ("scores", "spikes", "membranes")
UNLIMITED = np.iinfo(np.int64)  # wide enough for any weights and pixels
ROWS = {"conv2d": conv2d, "linear": linear}  # a kind of layer has the name of its file


@dataclass(frozen=True, kw_only=True)
class IntegerLayer:
    """One layer in integers.

    Attributes
    ----------
    layer : topology.LayerShape
    w : ndarray of int16, of shape ``layer.w_shape``
        In units of `scale`; a weight enters the membrane shifted by `guard`.
    b : ndarray of int64, shape (M,)
        Bias in units of the membrane, scale / 2**guard.
    threshold, beta : int
        The threshold in units of the membrane; the leak is beta / 2**frac.
    frac, guard, weight_bits, membrane_bits : int
        Widths in bits; weights and membranes are two's complement.
    reset, rounding : str
        One of ``lif.RESETS``, and of ``lif.ROUNDINGS``.
    scale : float
        The float value of one unit of `w`. No arithmetic reads it.
    """

    layer: LayerShape
    w: np.ndarray
    b: np.ndarray
    threshold: int
    beta: int
    frac: int
    guard: int
    weight_bits: int
    membrane_bits: int
    reset: str
    rounding: str
    scale: float

    @property
    def low(self) -> int:
        """Least membrane."""
        return -(1 << (self.membrane_bits - 1))

    @property
    def high(self) -> int:
        """Greatest membrane."""
        return (1 << (self.membrane_bits - 1)) - 1

    @property
    def dtype(self) -> np.dtype:
        """Type that holds a membrane plus one more addition without overflow."""
        return np.dtype(np.int32 if max(self.membrane_bits, self.weight_bits + self.guard) < 31 else np.int64)

    def add(self, x: np.ndarray, low: int, high: int, mem: np.ndarray) -> tuple[int, int]:
        """Add a frame to membranes that saturate at `low` and `high`; return the numbers of inputs and additions.

        With a pool of currents, a membrane gets the largest current of its window, whose sum saturates only there.
        """
        row = ROWS[self.layer.kind]
        if self.layer.cur_pool == 1:
            return row.add_frame(self, x, low, high, mem)
        cur = np.zeros(self.layer.cur_shape, np.int64)
        counts = row.add_frame(self, x, UNLIMITED.min, UNLIMITED.max, cur)
        maxpool.add_largest(cur, self.layer.cur_pool, low, high, mem)
        return counts

    def fire(self, mem: np.ndarray, addend: np.ndarray, spk: np.ndarray, before: np.ndarray) -> int:
        """Run one firing pass, see :func:`lif.fire`; return the number of spikes."""
        return lif.fire(
            mem.reshape(-1),
            addend.reshape(-1),
            self.threshold,
            self.beta,
            self.frac,
            lif.RESETS.index(self.reset),
            lif.ROUNDINGS.index(self.rounding),
            self.low,
            self.high,
            spk.reshape(-1),
            before.reshape(-1),
        )


@dataclass(kw_only=True, repr=False)
class IntegerRun:
    """The results of an :class:`IntegerNetwork` for B images.

    Attributes
    ----------
    totals : ndarray of int64, shape (T, B, classes)
        Spikes counted, or membranes summed (readout), up to each step.
    inputs, additions, spike_counts : ndarray of int64, shape (B, L, T)
        Inputs that are not 0, weights added, and spikes before the pool, by image, layer and step. A constant input is
        added once per image and counts in step 0.
    out : list of L ndarrays of uint8, (T, B, ...), or None
        Spikes that each layer hands on, after the pool.
    spk, mem : list of L ndarrays, (T, B, ...), or None
        Spikes before the pool, and membranes before reset.
    """

    totals: np.ndarray
    inputs: np.ndarray
    additions: np.ndarray
    spike_counts: np.ndarray
    out: Any = None
    spk: Any = None
    mem: Any = None

    @property
    def scores(self) -> np.ndarray:
        """The totals of all steps, (B, classes)."""
        return self.totals[-1]

    def __repr__(self):
        images, layers, steps = self.spike_counts.shape
        kept = [name for name in ("out", "spk", "mem") if getattr(self, name) is not None]
        size = f"{counted(images, 'image')}, {counted(layers, 'layer')}, T = {steps}"
        return f"IntegerRun({size}, {', '.join(kept) or 'scores alone'} kept)"


@dataclass(frozen=True, kw_only=True)
class IntegerNetwork:
    """A network that computes exactly what the hardware computes.

    Attributes
    ----------
    layers : tuple of IntegerLayer
    classes : int
    input_bits : int
        Width of a pixel of a direct-coded network; 0 if the first layer takes spikes.

    Examples
    --------
    Weights 3 and -1, threshold 3, leak 1/2 rounded down. 3 is not above the threshold; then 1 + 3 is, and leaves
    2 - 3; then -1 + 3 - 1:

    >>> from minisnn.topology import parse
    >>> layer = IntegerLayer(layer=parse("1", (2,))[0], w=np.array([[3], [-1]], np.int16), b=np.zeros(1, np.int64),
    ...                      threshold=3, beta=1, frac=1, guard=0, weight_bits=3, membrane_bits=5, reset="subtract",
    ...                      rounding="floor", scale=1.0)
    >>> net = IntegerNetwork(layers=(layer,), classes=1, input_bits=0)
    >>> inputs = np.array([[1, 0], [1, 0], [1, 1]], np.uint8)[:, None]  # 3 steps of one image
    >>> run = net.forward(inputs, num_steps=3, keep="membranes")
    >>> run.mem[0].ravel().tolist(), run.spk[0].ravel().tolist(), run.scores.tolist()
    ([3, 4, 1], [0, 1, 0], [[1]])

    The events of each step cost cycles and energy:

    >>> run.inputs.ravel().tolist(), run.additions.ravel().tolist(), run.spike_counts.ravel().tolist()
    ([1, 1, 2], [1, 1, 2], [0, 1, 0])
    """

    layers: tuple[IntegerLayer, ...]
    classes: int
    input_bits: int

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(H, W, C) or (N,)."""
        return self.layers[0].layer.in_shape

    @property
    def readout(self) -> str:
        """Return "membrane" if the last layer's membranes are summed, "spikes" if its spikes are."""
        return "membrane" if self.layers[-1].reset == "none" else "spikes"

    @property
    def neurons_per_class(self) -> int:
        """Neurons of the last layer that share a class."""
        return self.layers[-1].layer.neurons // self.classes

    def forward(
        self,
        inputs: np.ndarray,
        num_steps: int,
        keep: str = "scores",
        threads: int | None = None,
        progress: Callable[[int], object] = lambda count: None,
    ) -> IntegerRun:
        """Run images through the network.

        Parameters
        ----------
        inputs : ndarray of unsigned integers, shape (1, B, ...) or (T, B, ...)
            Pixels, the same at every step, or spikes 0/1.
        num_steps : int
            T.
        keep : "scores", "spikes" or "membranes"
            Arrays of each layer to keep: none, the spikes that it hands on, or all.
        threads : int, optional
            All processors by default; the result does not depend on it.
        progress : callable
            Called with a number of images when they are done.

        Returns
        -------
        run : IntegerRun

        Raises
        ------
        InputError
            If the inputs do not fit the network.
        """
        inputs = self._checked(inputs, num_steps)
        batch = inputs.shape[1]
        run = self._empty_run(batch, num_steps, keep)
        run_images = self._by_kernels() if backend.has_numba() else self._by_plain_loops

        def run_slice(start):
            images = slice(start, min(start + SLICE, batch))
            run_images(inputs[:, images], num_steps, run, images)
            progress(images.stop - start)

        with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
            list(pool.map(run_slice, range(0, batch, SLICE)))
        return run

    def plain_forward(self, inputs: np.ndarray, num_steps: int, keep: str = "scores") -> IntegerRun:
        """Run images through the plain loops, which say what :meth:`forward` computes; arguments and result are its."""
        inputs = self._checked(inputs, num_steps)
        run = self._empty_run(inputs.shape[1], num_steps, keep)
        self._by_plain_loops(inputs, num_steps, run, slice(0, inputs.shape[1]))
        return run

    def _empty_run(self, batch, num_steps, keep):
        if keep not in KEEP:
            raise InputError(f"keep must be scores, spikes or membranes, got {keep!r}")
        shapes = [layer.layer for layer in self.layers]
        counts = (batch, len(shapes), num_steps)
        run = IntegerRun(
            totals=np.zeros((num_steps, batch, self.classes), np.int64),
            inputs=np.zeros(counts, np.int64),
            additions=np.zeros(counts, np.int64),
            spike_counts=np.zeros(counts, np.int64),
        )
        if keep != "scores":
            run.out = [np.zeros((num_steps, batch, *shape.next_shape), np.uint8) for shape in shapes]
        if keep == "membranes":
            run.spk = [np.zeros((num_steps, batch, *shape.out_shape), np.uint8) for shape in shapes]
            run.mem = [np.zeros((num_steps, batch, *shape.out_shape), np.int64) for shape in shapes]
        return run

    def _by_kernels(self):
        """Return a function that runs some images through the kernels, into a run."""
        from ..kernels import integers as kernels

        most = [(1 << self.input_bits) - 1 if self.input_bits else 0] + [0] * (len(self.layers) - 1)
        prepared = [kernels.prepared(layer, pixel) for layer, pixel in zip(self.layers, most)]

        def run_images(x, num_steps, run, images):
            for index, layer in enumerate(prepared):
                constant, is_read = most[index] > 0, self._is_read(index)
                frames = kernels.run(layer, x, num_steps, constant, keep=run.mem is not None or is_read)
                _store(run, images, index, frames)
                x = frames.out
            counted = frames.mem if is_read else frames.out
            of_steps = class_sums(counted.reshape(*counted.shape[:2], -1).astype(np.int64), self.classes)
            run.totals[:, images] = of_steps.cumsum(axis=0)

        return run_images

    def _by_plain_loops(self, inputs, num_steps, run, images):
        """Run some images through the plain loops, into `run`."""
        for position, image in enumerate(range(images.start, images.stop)):
            self._run_image(inputs[:, position], num_steps, run, image)

    def _is_read(self, index):
        """Return whether a layer's membranes are the scores."""
        return index == len(self.layers) - 1 and self.readout == "membrane"

    def _run_image(self, inputs, num_steps, run, image):
        """Run all steps of one image, into `run`."""
        states = [np.zeros(layer.layer.out_shape, layer.dtype) for layer in self.layers]
        addends = [layer.b for layer in self.layers]
        constant = self.input_bits > 0
        if constant:
            addends[0], run.inputs[image, 0, 0], run.additions[image, 0, 0] = current(self.layers[0], inputs[0])
        for t in range(num_steps):
            x = inputs[0 if constant else t]
            for index, layer in enumerate(self.layers):
                if index > 0 or not constant:
                    counts = layer.add(x, layer.low, layer.high, states[index])
                    run.inputs[image, index, t], run.additions[image, index, t] = counts
                spk, mem = self._outputs(run, image, index, t)
                run.spike_counts[image, index, t] = layer.fire(states[index], addends[index], spk, mem)
                x = _pooled(spk, layer.layer)
                if run.out is not None:
                    run.out[index][t, image] = x
            counted = mem if self.readout == "membrane" else x
            run.totals[t:, image] += class_sums(counted.reshape(-1).astype(np.int64), self.classes)

    def _outputs(self, run, image, index, t):
        """Arrays for a layer's spikes and membranes at a step; membranes that nobody reads have no room."""
        if run.spk is not None:
            return run.spk[index][t, image], run.mem[index][t, image]
        shape = self.layers[index].layer.out_shape
        return np.empty(shape, np.uint8), np.empty(shape if self._is_read(index) else 0, np.int64)

    def _checked(self, inputs, num_steps):
        inputs = check.finite("inputs", inputs)
        check.whole("num_steps", num_steps)
        steps = 1 if self.input_bits else num_steps
        if inputs.shape[2:] != self.input_shape or inputs.shape[0] != steps or inputs.size == 0:
            raise InputError(
                f"inputs must have shape ({steps}, images, {', '.join(map(str, self.input_shape))}), got {inputs.shape}"
            )
        most = (1 << self.input_bits) - 1 if self.input_bits else 1
        if not np.issubdtype(inputs.dtype, np.unsignedinteger) or inputs.max() > most:
            raise InputError(f"inputs must be unsigned integers up to {most}, got {inputs.dtype} up to {inputs.max()}")
        return inputs.astype(np.uint8 if most < 256 else np.uint16, order="C", copy=False)


def current(layer: IntegerLayer, pixels: np.ndarray) -> tuple[np.ndarray, int, int]:
    """Return what constant pixels add at every step, and the numbers of inputs and additions.

    The current is an int64 array of the neurons' shape. The sum, bias included, saturates only once, at its end.
    """
    cur = np.zeros(layer.layer.out_shape, np.int64)
    inputs, additions = layer.add(pixels, UNLIMITED.min, UNLIMITED.max, cur)
    return np.clip(cur + layer.b, layer.low, layer.high), inputs, additions


def _store(run, images, index, frames):
    """Copy what kernels made of some images into a run."""
    run.inputs[images, index], run.additions[images, index] = frames.inputs, frames.additions
    run.spike_counts[images, index] = frames.spikes
    for ours, theirs in ((run.out, frames.out), (run.spk, frames.spk), (run.mem, frames.mem)):
        if ours is not None:
            target = ours[index][:, images]
            target[...] = theirs.reshape(target.shape)


def _pooled(spk, shape):
    if shape.pool == 1:
        return spk
    out = np.empty(shape.next_shape, np.uint8)
    maxpool.pool(spk, shape.pool, out)
    return out
