"""What it does to the figures of a trained network if its hardware is another network than was trained.

Each is measured on all test images: the network as it is, beside the same weights with

- the other order of leak and subtraction: at beta 0.25 a spike then takes away a quarter of what it should;
- pooling before firing: the maximum of the currents goes to one neuron for each window, in place of one neuron for
  each current and the OR of their spikes.

Aliyev & Adegbija's public code trains with one of these, and has the other in its RTL.
"""

import numpy as np

from .. import lif, maxpool
from ..fixed.quantize import quantize
from ..loss import class_sums
from ..model import Model
from ..network import Network
from ..timing import cycles

OTHER_RESET = {"subtract": "subtract_then_leak", "subtract_then_leak": "subtract"}


def measure(model, data, lanes, threads=None):
    """Measure both on one model.

    Parameters
    ----------
    model : Model
        With reset "subtract" or "subtract_then_leak".
    data : Dataset
    lanes : sequence of int
    threads : int, optional

    Returns
    -------
    found : dict of str to dict
        "trained", "other reset", "pooled first": accuracy, firing_rate (spikes per neuron and step), latency. The
        first two are of the integers; "pooled first" is of the floats, beside "trained, float".

    Examples
    --------
    At beta 0.25, "subtract_then_leak" takes a quarter of the threshold away. Weights that expect the whole fire more:

    >>> from dataclasses import replace
    >>> from minisnn import load_data
    >>> from minisnn.encode import Encoder
    >>> digits = load_data("digits")
    >>> data = replace(digits, x_test=digits.x_test[:50], y_test=digits.y_test[:50])
    >>> net = Network("4C3-MP2-10", data.input_shape, beta=0.25, reset="subtract", rng=np.random.default_rng(0))
    >>> model = Model(net, Encoder("direct", 4, 16.0, (5.0,), (6.0,)), dataset="digits")
    >>> found = measure(model, data, lanes=(4, 2))
    >>> list(found)
    ['trained', 'other reset', 'trained, float', 'pooled first']
    >>> found["other reset"]["firing_rate"] > 1.2 * found["trained"]["firing_rate"]
    True
    >>> found["other reset"]["latency"] > found["trained"]["latency"]  # so the wrong hardware has a wrong latency
    True
    """
    net = model.network
    other = Network(
        **net.config() | {"reset": OTHER_RESET[net.reset], "threads": threads}, rng=np.random.default_rng(0)
    )
    for ours, theirs in zip(other.params, net.params):
        ours[...] = theirs
    swapped = Model(other, model.encoder, model.seed, model.dataset, model.settings)
    integer, other_integer = (quantize(each, images=data.x_train)[0] for each in (model, swapped))
    found = {
        "trained": _deployed(integer, data, lanes, threads),
        "other reset": _deployed(other_integer, data, lanes, threads),
    }
    for name, early in (("trained, float", False), ("pooled first", True)):
        found[name] = _float(model, integer, data, lanes, early)
    return found


def _deployed(integer, data, lanes, threads):
    result = integer.evaluate(data.x_test, data.y_test, threads)
    stimulus = cycles.Stimulus.of_images(integer, data.x_test, threads)
    return {
        "accuracy": result.accuracy,
        "firing_rate": _overall(result.firing_rates, integer.network),
        "latency": float(cycles.predict(stimulus, lanes).latency.mean()),
    }


def _overall(rates, network):
    neurons = np.array([each.layer.neurons for each in network.layers])
    return float(np.dot(rates, neurons) / neurons.sum())


def _float(model, integer, data, lanes, early, batch_size=100):
    """The reference's forward pass, pooling after (as trained) or before the neurons."""
    net, right, fired, neurons, latency = model.network, 0, 0.0, 0, 0.0
    for inputs, start in zip(integer.inputs(data.x_test, batch_size), range(0, len(data.x_test), batch_size)):
        x = model.encoder.encode(data.x_test[start : start + batch_size], None, net.dtype)
        frames, handed = [], inputs
        for index in range(len(net.layers)):
            frames.append(handed)
            x, spikes = _layer(net, index, x, model.encoder.num_steps, early)
            handed = x.astype(np.uint8)
            fired, neurons = fired + float(spikes.sum()), neurons + spikes.size
        answers = class_sums(x.reshape(*x.shape[:2], -1).sum(axis=0), net.classes).argmax(axis=1)
        right += int((answers == data.y_test[start : start + batch_size]).sum())
        stimulus = cycles.Stimulus.of_frames(integer.network, frames, model.encoder.num_steps)
        latency += float(cycles.predict(stimulus, lanes).latency.sum())
    return {"accuracy": right / len(data.x_test), "firing_rate": fired / neurons, "latency": latency / len(data.x_test)}


def _layer(net, index, x, num_steps, early):
    """(what layer `index` hands on, its spikes)."""
    layer = net.layers[index]
    pool = layer.shape.pool
    cur = layer.forward(layer.inputs(x))
    if early and pool > 1:
        cur = maxpool.forward(cur, pool)
    spk, _ = lif.forward(cur, num_steps, layer.beta, layer.threshold, layer.reset)
    return (spk if early or pool == 1 else maxpool.forward(spk, pool)), spk
