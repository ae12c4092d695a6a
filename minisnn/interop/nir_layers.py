"""From the nodes of a NIR graph to layers, by the equations in ``nir``; what they cannot say is refused by the node."""

from collections import deque
from collections.abc import Sequence
from math import prod

import numpy as np

from ..errors import InputError
from .build import ReadLayer
from .nir_file import Node, shown

SNNTORCH_DT = 1e-4  # seconds: the step for which snnTorch writes and reads time constants
_ROUNDINGS = 4  # that a stored 1 or 0 may be away from it: those of r, tau, their quotient, and of dt
_TOGETHER = "the nodes do not fit together"


class Reader:
    """Turns a line of nodes into layers, and follows the frame that is handed from node to node."""

    def __init__(self, nodes: Sequence[Node], dt: float | None):
        self.output = nodes[-1]
        self.waiting = deque(nodes[1:-1])
        self.dt = dt
        self.frame = _input_frame(nodes[0])  # (C, H, W) or (N,)
        self.input_shape = (*self.frame[1:], self.frame[0])

    def layers(self) -> list[ReadLayer]:
        """Read all layers of weights, with their neurons and pools."""
        self._flatten()
        layers = []
        while self.waiting:
            layers.append(self._layer(self.waiting.popleft()))
            self._flatten()
        if not layers or layers[-1].kind != "linear":
            raise self.output.error("does not follow fully connected neurons; end the network in an Affine and a LIF")
        if prod(self.output.whole("shape")) != prod(self.frame):
            raise self.output.error(
                f"has shape {self.output.whole('shape')}, and gets {self.frame}; write the shape that it gets"
            )
        return layers

    def _flatten(self):
        """Flatten the frame if the next node says so."""
        while self.waiting and self.waiting[0].kind == "Flatten":
            node, last = self.waiting.popleft(), len(self.frame) - 1
            dims = _single(node, "start_dim"), _single(node, "end_dim")
            if last and (dims[0] not in (0, -last - 1) or dims[1] not in (-1, last)):
                raise node.error(
                    f"flattens dimensions {dims[0]} to {dims[1]} of {self.frame}, and minisnn flattens all; use 0 to -1"
                )
            self.frame = (prod(self.frame),)

    def _layer(self, node):
        """Read weights, the neurons that must follow, and the pool that may."""
        if node.kind == "Conv2d":
            w, b, padding = self._conv2d(node)
        elif node.kind in ("Linear", "Affine"):
            (w, b), padding = self._linear(node), 0
        elif node.kind == "SumPool2d":
            raise node.error("does not follow the neurons of a convolution, where minisnn pools; move or remove it")
        elif node.kind == "Threshold":
            raise node.error("does not follow a SumPool2d, where it makes a maximum; use LIF or IF neurons")
        else:
            raise node.error("does not follow weights; put a Linear, an Affine or a Conv2d before it")
        neurons = self.waiting.popleft() if self.waiting else self.output
        if neurons.kind not in ("LIF", "IF"):
            raise node.error(f"is followed by node {neurons}, and not by LIF or IF neurons; put them between")
        beta, gain, threshold = self._neurons(neurons)
        return ReadLayer(
            name=str(node),
            neurons=str(neurons),
            w=_times(node, w, gain),
            b=None if b is None else _times(node, b, gain),
            beta=beta,
            threshold=threshold,
            reset="zero",
            padding=padding,
            pool=self._pool() if node.kind == "Conv2d" else 1,
            order="chw",
        )

    def _linear(self, node):
        """Return (weights, biases) of a fully connected layer; without biases, as a Linear, None."""
        w = node.numbers("weight")
        if w.ndim != 2 or 0 in w.shape:
            raise node.error(f"has weights of shape {w.shape}, and not (outputs, inputs); write them so")
        if len(self.frame) != 1:
            raise node.error(f"takes a row, and gets maps {self.frame}; put a Flatten before it")
        if w.shape[1] != self.frame[0]:
            raise node.error(f"takes {w.shape[1]} inputs, and gets {self.frame[0]}; {_TOGETHER}")
        self.frame = w.shape[:1]
        return w.T, _biases(node, len(w)) if node.kind == "Affine" else None

    def _conv2d(self, node):
        """Return (weights, biases, padding) of a convolution."""
        w = node.numbers("weight")
        if w.ndim != 4 or 0 in w.shape:
            raise node.error(f"has weights of shape {w.shape}, and not (outputs, inputs, height, width); write them so")
        for field in ("stride", "dilation", "groups"):
            if {*node.whole(field)} != {1}:
                raise node.error(f"has {field} {_plain(node.whole(field))}, and minisnn has only 1; train with 1")
        kernel = w.shape[2]
        if w.shape[3] != kernel:
            raise node.error(f"has a kernel of {kernel}x{w.shape[3]}, and minisnn's are square; train with one")
        if len(self.frame) != 3 or w.shape[1] != self.frame[0]:
            raise node.error(f"takes maps of {w.shape[1]} channels, and gets {self.frame}; {_TOGETHER}")
        if node.has("input_shape") and node.whole("input_shape") != self.frame[1:]:
            raise node.error(f"has input_shape {node.whole('input_shape')}, and gets {self.frame[1:]}; {_TOGETHER}")
        padding = _padding(node, kernel)
        height, width = (size + 2 * padding - kernel + 1 for size in self.frame[1:])
        if min(height, width) < 1:
            raise node.error(
                f"has a kernel of {kernel}, which does not fit maps {self.frame} with padding {padding}; {_TOGETHER}"
            )
        self.frame = (len(w), height, width)
        return w.transpose(2, 3, 1, 0), _biases(node, len(w)), padding

    def _neurons(self, node):
        """Return (beta, gain, threshold) of a layer's neurons; the gain multiplies weights and biases."""
        for field in ("v_leak", "v_reset"):
            if node.has(field) or (field, node.kind) == ("v_leak", "LIF"):
                self._check_zero(node, field)
        threshold = float(self._shared(node, "v_threshold"))
        if not threshold > 0:
            raise node.error(f"has v_threshold {threshold:g}, and minisnn's are above 0; train with one above 0")
        r = self._shared(node, "r")
        if node.kind == "LIF":
            return *self._leak(node, r), threshold
        if r != 1:
            raise node.error(f"has r {r:g}, and an IF counts time in steps, where r is 1; multiply its weights by r")
        return 1.0, 1.0, threshold

    def _leak(self, node, r):
        """Return (beta, gain) of a LIF: 1 - dt/tau, and r*dt/tau."""
        tau = self._shared(node, "tau", "write neurons that do not leak as IF")
        if self.dt is None:
            raise InputError(
                f"dt must be given, one time step in the unit of tau: node {node} of {node.path} has tau {tau:g}; "
                f"snnTorch writes files for {SNNTORCH_DT:g}"
            )
        if not tau > 0:
            raise node.error(f"has tau {tau:g}, and a time constant is above 0; train the network again")
        # A file in float32 has rounded numbers: a gain of 1 and a beta of 0 are recovered, as is a beta in float32.
        single = np.float32 in (tau.dtype.type, r.dtype.type)
        slack = _ROUNDINGS * np.finfo(np.float32 if single else np.float64).eps
        share = self.dt / float(tau)
        beta, gain = _nearly(0.0, 1 - share, slack), _nearly(1.0, float(r) * share, slack)
        if beta < 0:
            raise node.error(
                f"has tau {tau:g}, shorter than dt {self.dt:g}, and a leak of 1 - dt/tau is then below 0; give a dt of "
                "at most tau, for which the network was trained"
            )
        return float(np.float32(beta)) if single else round(beta, 15), gain

    def _shared(self, node, field, remedy="train the network again"):
        """Return the value of a field that all neurons of a layer share."""
        values = node.numbers(field, remedy)
        if values.size not in (1, prod(self.frame)):
            raise node.error(f"has {field} of shape {values.shape}, and gets {self.frame}; {_TOGETHER}")
        if values.min() != values.max():
            raise node.error(
                f"has {field} from {values.min():g} to {values.max():g}, and minisnn's neurons of a layer share it; "
                "train with one value for the layer"
            )
        return values.flat[0]

    def _check_zero(self, node, field):
        value = self._shared(node, field)
        remedies = {
            "v_leak": "add v_leak / r to the biases before it, which is the same",
            "v_reset": "train with a reset to 0",
        }
        if value != 0:
            raise node.error(f"has {field} {value:g}, and minisnn's neurons have 0; {remedies[field]}")

    def _pool(self):
        """Return the window of the maximum that follows, as a SumPool2d and a Threshold; 1 for none."""
        if not self.waiting or self.waiting[0].kind != "SumPool2d":
            return 1
        node = self.waiting.popleft()
        window, stride, padding = (_pair(node, field) for field in ("kernel_size", "stride", "padding"))
        if stride != window or window[0] != window[1] or padding != (0, 0) or window[0] < 1:
            raise node.error(
                f"has kernel_size {_plain(window)}, stride {_plain(stride)} and padding {_plain(padding)}, but windows "
                "in minisnn are square, apart by their size, and unpadded; train with such a pool"
            )
        _, height, width = self.frame
        if window[0] > min(height, width):
            raise node.error(f"has a window of {window[0]}, larger than maps {self.frame}; {_TOGETHER}")
        self.frame = (self.frame[0], height // window[0], width // window[0])
        following = self.waiting.popleft() if self.waiting else self.output
        if following.kind != "Threshold":
            raise node.error(
                f"sums spikes for node {following}, and minisnn pools by their maximum; train with a Threshold of 0.5 "
                "after the sum"
            )
        threshold = self._shared(following, "threshold")
        if not 0 <= threshold < 1:
            raise following.error(
                f"has threshold {threshold:g} after a sum of spikes, which is their maximum only from 0 to below 1; "
                "train with 0.5"
            )
        return window[0]


def _input_frame(node):
    """Return the shape of an input, (C, H, W) or (N,)."""
    frame = node.whole("shape")
    if len(frame) not in (1, 3) or min(frame) < 1:
        raise node.error(f"has shape {frame}, and minisnn takes (C, H, W) or (N,); write it without the batch")
    return frame


def _single(node, field):
    values = node.whole(field)
    if len(values) != 1:
        raise node.error(f"has {field} {values}, and not one number; write one")
    return values[0]


def _pair(node, field):
    """Return two whole numbers; one stands for both."""
    values = node.whole(field)
    if len(values) not in (1, 2):
        raise node.error(f"has {field} {values}, and not one number or two; write one or two")
    return values[0], values[-1]


def _padding(node, kernel):
    """Return the padding of a convolution, which may be the text "same" or "valid"."""
    text = node.text("padding")
    if text == "valid":
        return 0
    if text == "same" and kernel % 2:
        return (kernel - 1) // 2
    if text is not None:
        raise node.error(
            f"has padding {shown(text)} and a kernel of {kernel}, which minisnn lacks; train with a number"
        )
    padding = _pair(node, "padding")
    if padding[0] != padding[1] or padding[0] < 0:
        raise node.error(f"has padding {padding}, and minisnn's is the same on all sides; train with one number")
    return padding[0]


def _biases(node, count):
    b = node.numbers("bias")
    if b.shape != (count,):
        raise node.error(f"has biases of shape {b.shape} for {count} outputs; there must be one for each")
    return b


def _times(node, values, gain):
    """Return weights or biases times the gain of the neurons, in their dtype."""
    if gain == 1:
        return values
    with np.errstate(over="ignore"):  # told below
        values = (values * np.float64(gain)).astype(values.dtype)
    if not np.isfinite(values).all():
        raise node.error(f"has weights that times r*dt/tau = {gain:g} are too large; check r, tau and dt")
    return values


def _nearly(target, value, slack):
    return target if abs(value - target) <= slack else value


def _plain(values):
    """Return equal numbers as one, others in brackets."""
    return str(values[0]) if len({*values}) == 1 else str(tuple(values))
