"""The gradient of one weight, as the sum over steps of three factors.

A weight w from input j to neuron i gets, by backpropagation through time,

    dL/dw = sum_t (error_i[t] * sg_i[t] + direct_i[t]) * trace_ij[t]

    error    dL/dS: what arrives at the spike from the layers after it, and from the loss
    sg       the surrogate gradient at that membrane, sigma'(U - theta)
    trace    of the input's spikes: trace[t] = x[t] + trace[t-1] * dV[t-1]/dU[t-1], with dV/dU of ``minisnn/lif.py``
    direct   dL/dU where the loss looks at membranes; else 0

which is the order of summation of three-factor learning rules: BPTT's own order sums over the later steps first. They
agree to the last bits, for no approximation is made. In a convolution a weight is shared: the sum is over the neurons
that use it, too.

Source: Neftci, Mostafa & Zenke, IEEE Signal Processing Magazine 36 (2019), section on eligibility traces; Bellec et
al., Nature Communications 11 (2020), eq. 1.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..lif import removal
from ..loss import parse
from ..network import _backward, _forward


@dataclass(frozen=True)
class OfWeight:
    """The factors of one weight, by step and by neuron that uses it.

    Attributes
    ----------
    error, surrogate, direct, inputs, trace : ndarray, shape (T, P)
        Of each of the P neurons (one in a fully connected layer); `inputs` is x[t], which `trace` sums up.
    neurons : ndarray of int, shape (P,)
    products : ndarray, shape (T, P)
        (error * surrogate + direct) * trace.
    gradient : float
        Their sum.

    Examples
    --------
    Of the weight from input 0 to neuron 0, whose membrane is 0.5, and then 0.25 + 0.5 + 0.75 = 1.5:

    >>> from minisnn import Network
    >>> net = Network("2", (2,), beta=0.5, threshold=1.0, surrogate="fast_sigmoid:1", dtype="float64", backend="numpy",
    ...               rng=np.random.default_rng(0))
    >>> net.params[0][...] = [[0.5, 0], [0.75, 0]]
    >>> spikes = np.array([[[1, 0]], [[1, 1]]])  # input 0 at both steps, input 1 at the second
    >>> factors = Factors(net, spikes, label=0, num_steps=2)
    >>> found = factors.of(layer=0, weight=(0, 0))
    >>> found.surrogate.round(4).ravel().tolist()  # 1 / 1.5^2: both are 0.5 from the threshold
    [0.4444, 0.4444]
    >>> found.trace.ravel().tolist()  # the spike of step 1, and half of that of step 0
    [1.0, 1.5]
    >>> found.products.round(4).ravel().tolist(), round(found.gradient, 4)
    ([-0.1195, -0.1793], -0.2988)
    >>> float(factors.grads[0][0, 0].round(4))  # the backward pass, which sums the other way round
    -0.2988
    """

    error: np.ndarray
    surrogate: np.ndarray
    direct: np.ndarray
    inputs: np.ndarray
    trace: np.ndarray
    neurons: np.ndarray

    @property
    def products(self):
        """(error * surrogate + direct) * trace: ndarray of shape (T, P)."""
        return (self.error * self.surrogate + self.direct) * self.trace

    @property
    def gradient(self):
        """dL/dw, the sum of `products`: float."""
        return float(self.products.sum())


class Factors:
    """The backward pass of one sample, kept.

    Parameters
    ----------
    net : Network
        The reference computes, whatever its backend; float64 is best looked at.
    inputs : ndarray, shape (1 or T, 1, ...)
        One encoded image.
    label : int
    num_steps : int
    loss : str
        As of :class:`minisnn.training.settings.Settings`.

    Attributes
    ----------
    loss : float
    grads : list of ndarray
        BPTT's gradients, in the order of ``net.params``.
    error, surrogate, direct, decay : list of L ndarrays, (T, ...)
        `decay` is dV[t]/dU[t].

    Examples
    --------
    >>> from minisnn import Network
    >>> net = Network("3-2", (4,), dtype="float64", backend="numpy", rng=np.random.default_rng(0))
    >>> factors = Factors(net, np.ones((1, 1, 4)), label=1, num_steps=5)
    >>> bool(abs(factors.of(0, (2, 1)).gradient - factors.grads[0][2, 1]) < 1e-12)
    True
    """

    def __init__(self, net, inputs, label, num_steps, loss="rate"):
        inputs = net._checked(inputs, num_steps)
        if inputs.shape[1] != 1:
            raise InputError(f"one image is looked at, got {inputs.shape[1]}")
        run = _forward(net, inputs, num_steps)
        self.net, self.num_steps, self.run = net, num_steps, run
        self.loss, dspk, dmem = parse(loss)(run.spk, run.mem, np.array([label]), net.classes)
        zeros = np.zeros_like(run.spk)
        self.error = [None] * len(net.layers)

        def watch(index, arriving):
            self.error[index] = arriving[:, 0]

        self.grads = _backward(net, run, zeros if dspk is None else dspk, dmem, [0.0] * len(net.layers), watch)
        self.surrogate, self.decay, self.direct = [], [], []
        for index, done in enumerate(run.layers):
            beta, theta, reset = net.betas[index], net.thresholds[index], net.resets[index]
            r0, r1 = removal(reset, beta, theta)
            q0, q1 = (0.0, 0.0) if net.detach_reset else (r0, r1)
            mem, spk = done.mem[:, 0], done.spk[:, 0]
            sg = np.zeros_like(mem) if reset == "none" else net.surrogate.derivative(mem - mem.dtype.type(theta))
            self.surrogate.append(sg)
            self.decay.append(beta - spk * r1 - sg * (q0 + q1 * mem))
            last = index == len(net.layers) - 1 and dmem is not None
            self.direct.append(dmem[:, 0] if last else np.zeros_like(mem))

    def of(self, layer, weight):
        """The factors of one weight.

        Parameters
        ----------
        layer : int
            From 0.
        weight : tuple of int
            Index in the layer's weights: (input, neuron), or (ky, kx, channel, map).

        Returns
        -------
        found : OfWeight

        Raises
        ------
        InputError
            If there is no such weight.
        """
        net = self.net
        if not 0 <= layer < len(net.layers):
            raise InputError(f"layer must be 0 to {len(net.layers) - 1}, got {layer}")
        shape = net.layers[layer].w_shape
        if len(weight) != len(shape) or not all(0 <= i < n for i, n in zip(weight, shape)):
            raise InputError(f"weight must be an index within {shape}, got {tuple(weight)}")
        x, neurons = self._inputs(layer, weight)
        x = np.broadcast_to(x, (self.num_steps, len(neurons)))
        parts = [
            each[layer].reshape(self.num_steps, -1)[:, neurons]
            for each in (self.error, self.surrogate, self.direct, self.decay)
        ]
        trace = np.array(x)
        for t in range(1, self.num_steps):
            trace[t] += trace[t - 1] * parts[3][t - 1]
        return OfWeight(*parts[:3], x, trace, neurons)

    def _inputs(self, index, weight):
        """(x, neurons): the input that the weight meets at each step, (1 or T, P), and the neurons that use it."""
        layer, x = self.net.layers[index], self.run.layers[index].inputs[:, 0]
        if layer.kind == "linear":
            return x.reshape(len(x), -1)[:, weight[:1]], np.array(weight[1:])
        ky, kx, channel, m = weight
        height, width, maps = layer.out_shape
        p = layer.padding
        pad_value = self.net.pad_value[channel] if index == 0 else 0.0
        padded = np.pad(x[..., channel], ((0, 0), (p, p), (p, p)), constant_values=pad_value)
        seen = padded[:, ky : ky + height, kx : kx + width].reshape(len(x), -1)
        return seen, np.arange(height * width) * maps + m
