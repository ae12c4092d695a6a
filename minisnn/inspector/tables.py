"""Tables that a page shows: every neuron at every step, and the weights with the greatest gradients."""

import numpy as np

from ..errors import InputError
from ..fixed.early_exit import NEVER
from ..timing.layout import firing_turn
from .factors import Factors
from .pack import bits
from .record import Record
from .why import kept, kept_float

WEIGHTS, USERS = 20, 8  # weights of each layer, and neurons of each weight, that are listed one by one


def neurons(record: Record, layer: int) -> dict[str, np.ndarray]:
    """Return for every neuron and step what ``why`` returns for one, except its additions.

    Returns
    -------
    table : dict of ndarray
        ``mem, mem_unit`` (T, N), membranes as integers and in units of the float network; ``kept`` (T + 1, N), states;
        ``mem_float, cur_float`` (T, N) and ``spk_float`` (in bits) of the float network; ``turn_cycle, known_cycle``
        (T, N), clock cycles, -1 where a step is dropped.
    """
    integers, steps = record.network.layers[layer], record.num_steps
    mem = record.mem[layer].reshape(steps, -1).astype(np.int64)
    states = np.zeros((steps + 1, mem.shape[1]), np.int64)
    for step in range(steps - 1):  # after the last step nothing is kept
        states[step + 1] = kept(integers, mem[step])
    mem_float = record.mem_float[layer].reshape(steps, -1).astype(float)
    spk_float = record.spk_float[layer].reshape(steps, -1).astype(float)
    states_float = np.zeros_like(mem_float)
    states_float[1:] = kept_float(mem_float, spk_float, record.float_params[layer])[:-1]
    row, column, channel = np.unravel_index(np.arange(mem.shape[1]), record.neuron_shape(layer))
    turn = firing_turn(record.shape(layer), record.groups(layer), row, column, channel // record.lanes[layer])
    turn_cycle, fired = record.firing_starts[layer][:, None] + 1 + turn, record.fired[layer][:, None]
    return {
        "mem": mem,
        "mem_unit": mem * (integers.scale / 2**integers.guard),
        "kept": states,
        "mem_float": mem_float,
        "cur_float": mem_float - states_float,
        "spk_float": bits(record.spk_float[layer]),
        "turn_cycle": np.where(fired, turn_cycle, NEVER),
        "known_cycle": np.where(fired, turn_cycle + record.delay(layer), NEVER),
    }


def weights(record: Record, layer: int) -> dict[str, np.ndarray]:
    """Return a layer's weights (inputs, channels) as stored and as added, biases, and the group of each channel."""
    integers = record.network.layers[layer]
    w = integers.w.reshape(-1, integers.w.shape[-1]).astype(np.int64)
    group = np.arange(w.shape[1]) // record.lanes[layer]
    return {"w": w, "shifted": w << integers.guard, "bias": integers.b, "group": group}


def training(record: Record, factors: Factors) -> dict:
    """Return the factors of each layer's weights with the greatest gradients, as plain values."""
    shapes = [layer.layer for layer in record.network.layers]
    if shapes != [layer.shape for layer in factors.net.layers] or factors.num_steps != record.num_steps:
        raise InputError("the backward pass belongs to another network or number of steps than the trace")
    listed = []
    for index in range(len(shapes)):
        grad = factors.grads[2 * index]
        steepest = np.argsort(-np.abs(grad).reshape(-1), kind="stable")[:WEIGHTS]
        listed.append([_weight(factors, index, np.unravel_index(place, grad.shape)) for place in steepest])
    return {"loss": float(factors.loss), "layers": listed}


def _weight(factors, layer, place):
    """Factors of one weight; of many neurons that share it, only those that matter most are listed."""
    place = tuple(int(i) for i in place)
    weight = factors.of(layer, place)
    bptt = float(factors.grads[2 * layer][place])
    products = weight.products
    top = np.argsort(-np.abs(products).sum(axis=0), kind="stable")[:USERS]

    def by_neuron(values):
        return [[float(f"{value:.7g}") for value in row] for row in values[:, top].T.tolist()]

    return {
        "weight": place,
        "gradient": weight.gradient,
        "bptt": bptt,
        "difference": abs(weight.gradient - bptt),
        "value": float(factors.net.layers[layer].w[place]),
        "users": products.shape[1],
        "neurons": weight.neurons[top].tolist(),
        "total": products.sum(axis=1).tolist(),
        "rest": np.delete(products, top, axis=1).sum(axis=1).tolist(),
        "of_neuron": products[:, top].sum(axis=0).tolist(),
        "error": by_neuron(weight.error),
        "surrogate": by_neuron(weight.surrogate),
        "direct": by_neuron(weight.direct),
        "inputs": by_neuron(weight.inputs),
        "trace": by_neuron(weight.trace),
        "products": by_neuron(products),
    }
