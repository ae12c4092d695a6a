"""A network in integers: inference, and the events that cost cycles and energy."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..topology import LayerShape
from . import conv2d, lif, linear, maxpool

SLICE = 16  # images that one thread takes at a time


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
        In units of the membrane; beta stands for beta / 2**frac.
    frac, guard, weight_bits, membrane_bits : int
        Widths in bits; weights and membranes are two's complement.
    reset, rounding : str
        One of ``lif.RESETS`` and ``lif.ROUNDINGS``.
    scale : float
        What one unit of `w` stands for. No arithmetic reads it.

    Examples
    --------
    Two inputs, one neuron, leak 1/2, membranes of 5 bits:

    >>> from minisnn.topology import parse
    >>> each = IntegerLayer(layer=parse("1", (2,))[0], w=np.array([[3], [-1]], np.int16), b=np.zeros(1, np.int64),
    ...                     threshold=3, beta=1, frac=1, guard=0, weight_bits=3, membrane_bits=5, reset="subtract",
    ...                     rounding="floor", scale=0.25)
    >>> each.low, each.high, each.dtype
    (-16, 15, dtype('int32'))
    >>> each.threshold * each.scale / 2**each.guard  # in units of the float network
    0.75
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
    def low(self):
        """Least membrane."""
        return -(1 << (self.membrane_bits - 1))

    @property
    def high(self):
        """Greatest membrane."""
        return (1 << (self.membrane_bits - 1)) - 1

    @property
    def dtype(self):
        """Type that holds a membrane and one addition more without overflow."""
        return np.dtype(np.int32 if max(self.membrane_bits, self.weight_bits + self.guard) < 31 else np.int64)


@dataclass(kw_only=True)
class IntegerRun:
    """What an :class:`IntegerNetwork` did.

    Attributes
    ----------
    scores : ndarray of int64, shape (B, classes)
        Spikes counted, or membranes summed over steps (readout).
    inputs, additions, spike_counts : ndarray of int64, shape (B, L, T)
        Inputs that were not 0, weights that they added, and spikes before the pool, by image, layer and step.
        A constant input is added once an image: it counts in step 0.
    out : list of L ndarrays of uint8, (T, B, ...), or None
        Spikes that each layer hands on, after the pool.
    spk, mem : list of L ndarrays, (T, B, ...), or None
        Spikes before the pool, and membranes before reset.

    Examples
    --------
    The cost of an image is in the events: here two images of 3 steps, and the second is silent.

    >>> from minisnn.topology import parse
    >>> each = IntegerLayer(layer=parse("2", (2,))[0], w=np.array([[3, 2], [-1, 1]], np.int16), b=np.zeros(2, np.int64),
    ...                     threshold=3, beta=1, frac=1, guard=0, weight_bits=3, membrane_bits=5, reset="subtract",
    ...                     rounding="floor", scale=1.0)
    >>> inputs = np.zeros((3, 2, 2), np.uint8)
    >>> inputs[:, 0] = [[1, 0], [1, 0], [1, 1]]
    >>> run = IntegerNetwork(layers=(each,), classes=2, input_bits=0).forward(inputs, num_steps=3)
    >>> run.inputs[:, 0].tolist(), run.additions[:, 0].tolist(), run.spike_counts[:, 0].tolist()
    ([[1, 1, 2], [0, 0, 0]], [[2, 2, 4], [0, 0, 0]], [[0, 1, 1], [0, 0, 0]])
    """

    scores: np.ndarray
    inputs: np.ndarray
    additions: np.ndarray
    spike_counts: np.ndarray
    out: list = None
    spk: list = None
    mem: list = None


@dataclass(frozen=True, kw_only=True)
class IntegerNetwork:
    """A network that computes as the hardware does.

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
    >>> each = IntegerLayer(layer=parse("1", (2,))[0], w=np.array([[3], [-1]], np.int16), b=np.zeros(1, np.int64),
    ...                     threshold=3, beta=1, frac=1, guard=0, weight_bits=3, membrane_bits=5, reset="subtract",
    ...                     rounding="floor", scale=1.0)
    >>> net = IntegerNetwork(layers=(each,), classes=1, input_bits=0)
    >>> net.input_shape, net.readout
    ((2,), 'spikes')
    >>> inputs = np.array([[1, 0], [1, 0], [1, 1]], np.uint8)[:, None]  # 3 steps of one image
    >>> run = net.forward(inputs, num_steps=3, keep="membranes")
    >>> run.mem[0].ravel().tolist(), run.spk[0].ravel().tolist(), run.scores.tolist()
    ([3, 4, 1], [0, 1, 0], [[1]])
    """

    layers: tuple
    classes: int
    input_bits: int

    @property
    def input_shape(self):
        """(H, W, C) or (N,)."""
        return self.layers[0].layer.in_shape

    @property
    def readout(self):
        """Whether the last layer's membranes are summed ("membrane") or its spikes ("spikes")."""
        return "membrane" if self.layers[-1].reset == "none" else "spikes"

    def forward(self, inputs, num_steps, keep="scores", threads=None, progress=lambda count: None):
        """Run images through the network.

        Parameters
        ----------
        inputs : ndarray of unsigned integers, shape (1, B, ...) or (T, B, ...)
            Pixels, the same at every step, or spikes 0/1.
        num_steps : int
            T.
        keep : "scores", "spikes" or "membranes"
            What to keep of each layer: nothing, the spikes that it hands on, or everything.
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
        batch, depth = inputs.shape[1], len(self.layers)
        run = IntegerRun(
            scores=np.zeros((batch, self.classes), np.int64),
            inputs=np.zeros((batch, depth, num_steps), np.int64),
            additions=np.zeros((batch, depth, num_steps), np.int64),
            spike_counts=np.zeros((batch, depth, num_steps), np.int64),
        )
        if keep not in ("scores", "spikes", "membranes"):
            raise InputError(f"keep must be scores, spikes or membranes, got {keep!r}")
        if keep != "scores":
            run.out = [np.zeros((num_steps, batch, *each.layer.next_shape), np.uint8) for each in self.layers]
        if keep == "membranes":
            shapes = [(num_steps, batch, *each.layer.out_shape) for each in self.layers]
            run.spk = [np.zeros(shape, np.uint8) for shape in shapes]
            run.mem = [np.zeros(shape, np.int64) for shape in shapes]

        def some(start):
            for image in range(start, min(start + SLICE, batch)):
                self._one_image(inputs[:, image], num_steps, run, image)
            progress(min(SLICE, batch - start))

        with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
            list(pool.map(some, range(0, batch, SLICE)))
        return run

    def _one_image(self, image_inputs, num_steps, run, image):
        """All steps of one image, into `run`."""
        states = [np.zeros(each.layer.out_shape, each.dtype) for each in self.layers]
        addends = [each.b for each in self.layers]
        constant = self.input_bits > 0
        if constant:
            addends[0], run.inputs[image, 0, 0], run.additions[image, 0, 0] = current(self.layers[0], image_inputs[0])
        for t in range(num_steps):
            x = image_inputs[0] if constant else image_inputs[t]
            for index, each in enumerate(self.layers):
                layer, mem = each.layer, states[index]
                if not (constant and index == 0):
                    add = conv2d.add if layer.kind == "conv2d" else linear.add
                    x = x if layer.kind == "conv2d" else x.reshape(-1)
                    padding = (layer.padding,) if layer.kind == "conv2d" else ()
                    run.inputs[image, index, t], run.additions[image, index, t] = add(
                        x, each.w, *padding, each.guard, each.low, each.high, mem
                    )
                spk = np.empty(layer.out_shape, np.uint8) if run.spk is None else run.spk[index][t, image]
                before = np.empty(0, np.int64) if run.mem is None else run.mem[index][t, image].reshape(-1)
                last = index == len(self.layers) - 1
                if last and self.readout == "membrane" and run.mem is None:
                    before = np.empty(layer.neurons, np.int64)
                run.spike_counts[image, index, t] = lif.fire(
                    mem.reshape(-1),
                    addends[index].reshape(-1),
                    each.threshold,
                    each.beta,
                    each.frac,
                    lif.RESETS.index(each.reset),
                    lif.ROUNDINGS.index(each.rounding),
                    each.low,
                    each.high,
                    spk.reshape(-1),
                    before,
                )
                x = spk
                if layer.pool > 1:
                    x = np.empty(layer.next_shape, np.uint8)
                    maxpool.pool(spk, layer.pool, x)
                if run.out is not None:
                    run.out[index][t, image] = x
            of_class = before if self.readout == "membrane" else x
            run.scores[image] += of_class.reshape(self.classes, -1).sum(axis=1, dtype=np.int64)

    def _checked(self, inputs, num_steps):
        inputs = np.asarray(inputs)
        if num_steps < 1:
            raise InputError(f"the number of steps must be at least 1, got {num_steps}")
        steps = 1 if self.input_bits else num_steps
        if inputs.shape[2:] != self.input_shape or inputs.shape[0] != steps or inputs.size == 0:
            raise InputError(
                f"inputs must have shape ({steps}, images, {', '.join(map(str, self.input_shape))}), got {inputs.shape}"
            )
        most = (1 << self.input_bits) - 1 if self.input_bits else 1
        if not np.issubdtype(inputs.dtype, np.unsignedinteger) or inputs.max() > most:
            raise InputError(f"inputs must be unsigned integers up to {most}, got {inputs.dtype} up to {inputs.max()}")
        return inputs


def current(each, pixels):
    """(current, inputs, additions): what constant pixels add at every step, bias included, saturated once.

    `each` is an IntegerLayer, `pixels` of its input shape; the current is an int64 array of its neurons' shape.

    Examples
    --------
    3*3 - 1*1 + 1 = 9, in membranes of 4 bits:

    >>> from minisnn.topology import parse
    >>> each = IntegerLayer(layer=parse("1", (2,))[0], w=np.array([[3], [-1]], np.int16), b=np.ones(1, np.int64),
    ...                     threshold=3, beta=1, frac=1, guard=0, weight_bits=3, membrane_bits=4, reset="subtract",
    ...                     rounding="floor", scale=1.0)
    >>> current(each, np.array([3, 1], np.uint8))
    (array([7]), 2, 2)
    """
    layer = each.layer
    cur = np.zeros(layer.out_shape, np.int64)
    wide = np.iinfo(np.int64)  # the sum itself is wide enough for any weights and pixels
    if layer.kind == "conv2d":
        inputs, additions = conv2d.add(pixels, each.w, layer.padding, each.guard, wide.min, wide.max, cur)
    else:
        inputs, additions = linear.add(pixels.reshape(-1), each.w, each.guard, wide.min, wide.max, cur)
    return np.clip(cur + each.b, each.low, each.high), inputs, additions
