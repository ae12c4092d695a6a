"""The gradient of one weight, as the sum over steps of three factors.

A weight w from input j to neuron i gets, by backpropagation through time,

    dL/dw = sum_t (error_i[t] * sg_i[t] + direct_i[t]) * trace_ij[t]

    error    dL/dS: what the layers after it, and the loss, send back to the spike
    sg       the surrogate gradient at that membrane, sigma'(U - theta)
    trace    of the input's spikes: trace[t] = x[t] + trace[t-1] * dV[t-1]/dU[t-1], with dV/dU of ``minisnn/lif.py``
    direct   dL/dU where the loss depends on membranes; else 0

which is the order of summation of three-factor learning rules: BPTT's own order sums over the later steps first. The
two agree to the last bits, because nothing is approximated. In a convolution many neurons share a weight: the sum is
also over these.

Source: Neftci, Mostafa & Zenke, IEEE Signal Processing Magazine 36 (2019), section on eligibility traces; Bellec et
al., Nature Communications 11 (2020), eq. 1.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..lif import removal
from ..loss import Loss, parse
from ..network import Network, reference_backward, reference_forward


@dataclass(frozen=True, kw_only=True)
class WeightFactors:
    """Factors of one weight, by step and by neuron that uses it.

    Attributes
    ----------
    error, surrogate, direct, inputs, trace : ndarray, shape (T, P)
        One column for each of the P neurons (P is 1 in a fully connected layer); `inputs` is x[t], which `trace` sums.
    neurons : ndarray of int, shape (P,)
        Indices of these neurons.
    """

    error: np.ndarray
    surrogate: np.ndarray
    direct: np.ndarray
    inputs: np.ndarray
    trace: np.ndarray
    neurons: np.ndarray

    @property
    def products(self) -> np.ndarray:
        """(error * surrogate + direct) * trace, shape (T, P)."""
        return (self.error * self.surrogate + self.direct) * self.trace

    @property
    def gradient(self) -> float:
        """dL/dw, the sum of `products`."""
        return float(self.products.sum())


class Factors:
    """The backward pass of one image, kept so that any weight's gradient can be taken apart.

    Parameters
    ----------
    net : Network
        It runs on the NumPy reference, whatever its backend; use float64 to compare to the last bits.
    inputs : ndarray, shape (1 or T, 1, ...)
        One encoded image.
    label : int
        The image's class.
    num_steps : int
        T.
    loss : str or function, default "rate"
        As :func:`minisnn.training.train.fit` takes it.

    Attributes
    ----------
    loss : float
        The loss of this image.
    grads : list of ndarray
        Gradients by BPTT, in the order of ``net.params``.
    error, surrogate, direct, decay : list of L ndarrays, shape (T, ...)
        Factors of every neuron; `decay` is dV[t]/dU[t].
    run : Run
        The forward pass.

    Raises
    ------
    InputError
        If the inputs do not fit the network, or are more than one image.

    Examples
    --------
    The weight from input 0 to neuron 0. The membrane is 0.5 at step 0 and 0.25 + 0.5 + 0.75 = 1.5 at step 1:

    >>> import minisnn as ms
    >>> net = ms.Network("2", (2,), beta=0.5, threshold=1.0, surrogate="fast_sigmoid:1", dtype="float64",
    ...                  backend="numpy", rng=np.random.default_rng(0))
    >>> net.params[0][...] = [[0.5, 0], [0.75, 0]]
    >>> spikes = np.array([[[1, 0]], [[1, 1]]])  # input 0 spikes at both steps, input 1 at the second
    >>> factors = ms.Factors(net, spikes, label=0, num_steps=2)
    >>> weight = factors.of(layer=0, weight=(0, 0))
    >>> weight.surrogate.round(4).ravel().tolist()  # 1 / 1.5^2: both membranes are 0.5 from the threshold
    [0.4444, 0.4444]
    >>> weight.trace.ravel().tolist()  # at step 1 the spike of that step, and half of the one before
    [1.0, 1.5]
    >>> weight.products.round(4).ravel().tolist(), round(weight.gradient, 4)
    ([-0.1195, -0.1793], -0.2988)
    >>> float(factors.grads[0][0, 0].round(4))  # by BPTT, which sums the other way round
    -0.2988
    """

    def __init__(self, net: Network, inputs: np.ndarray, label: int, num_steps: int, loss: str | Loss = "rate") -> None:
        inputs = net.checked(inputs, num_steps)
        if inputs.shape[1] != 1:
            raise InputError(f"Factors takes one image, got {inputs.shape[1]}; pass inputs[:, :1]")
        run = reference_forward(net, inputs, num_steps)
        self.net, self.num_steps, self.run = net, num_steps, run
        self.loss, dspk, dmem = parse(loss)(run.spk, run.mem, np.array([label]), net.classes)
        if dspk is None:
            dspk = np.zeros_like(run.spk)
        self.error: list = [None] * len(net.layers)

        def watch(index, dspk):
            self.error[index] = dspk[:, 0]

        self.grads = reference_backward(net, run, dspk, dmem, [0.0] * len(net.layers), watch)
        self.surrogate, self.decay = [], []
        self.direct = [np.zeros_like(layer.mem[:, 0]) for layer in run.layers]
        if dmem is not None:
            self.direct[-1] = dmem[:, 0]
        for index in range(len(net.layers)):
            surrogate, decay = self._neuron_factors(index)
            self.surrogate.append(surrogate)
            self.decay.append(decay)

    def of(self, layer: int, weight: tuple[int, ...]) -> WeightFactors:
        """Return the factors of one weight; raise InputError if it does not exist.

        Layers count from 0; a weight's index is (input, neuron), or (ky, kx, channel, map) in a convolution.
        """
        net = self.net
        if not 0 <= layer < len(net.layers):
            raise InputError(f"layer must be 0 to {len(net.layers) - 1} (0 is the first), got {layer}")
        shape = net.layers[layer].shape.w_shape
        if len(weight) != len(shape) or not all(0 <= i < n for i, n in zip(weight, shape)):
            raise InputError(f"weight must be an index within {shape}, got {tuple(weight)}")
        x, neurons = self._inputs(layer, weight)
        x = np.broadcast_to(x, (self.num_steps, len(neurons)))

        def by_step(factor):
            return factor[layer].reshape(self.num_steps, -1)[:, neurons]

        trace, decay = np.array(x), by_step(self.decay)
        for t in range(1, self.num_steps):
            trace[t] += trace[t - 1] * decay[t - 1]
        return WeightFactors(
            error=by_step(self.error),
            surrogate=by_step(self.surrogate),
            direct=by_step(self.direct),
            inputs=x,
            trace=trace,
            neurons=neurons,
        )

    def __repr__(self):
        return f"Factors({self.net.topology}, T = {self.num_steps}, loss {self.loss:.4g})"

    def _neuron_factors(self, index):
        """(surrogate gradient, dV[t]/dU[t]) of a layer's neurons, (T, ...)."""
        layer, run = self.net.layers[index], self.run.layers[index]
        mem, spk = run.mem[:, 0], run.spk[:, 0]
        if layer.reset == "none":
            sg = np.zeros_like(mem)
        else:
            sg = self.net.surrogate.derivative(mem - mem.dtype.type(layer.threshold))
        r0, r1 = removal(layer.reset, layer.beta, layer.threshold)
        q0, q1 = (0.0, 0.0) if self.net.detach_reset else (r0, r1)
        # V = beta*U - S*(r0 + r1*U)
        return sg, layer.beta - spk * r1 - sg * (q0 + q1 * mem)

    def _inputs(self, index, weight):
        """(x, neurons): the input that the weight meets at each step, (1 or T, P), and the neurons that use it."""
        layer, x = self.net.layers[index].shape, self.run.layers[index].inputs[:, 0]
        if layer.kind == "linear":
            return x.reshape(len(x), -1)[:, weight[:1]], np.array(weight[1:])
        ky, kx, channel, out_channel = weight
        height, width, channels = layer.out_shape
        p = layer.padding
        pad_value = self.net.pad_value[channel] if index == 0 else 0.0
        padded = np.pad(x[..., channel], ((0, 0), (p, p), (p, p)), constant_values=pad_value)
        seen = padded[:, ky : ky + height, kx : kx + width].reshape(len(x), -1)
        return seen, np.arange(height * width) * channels + out_channel
