"""From a network to the nodes and edges of a NIR graph, by the equations in ``nir``."""

from typing import Any

import numpy as np

from .. import maxpool
from ..errors import InputError
from ..fixed.rounding import input_factors
from ..model import Model
from ..network import Network


def check_writable(network: Network) -> None:
    """Raise InputError for neurons and pools that NIR cannot express."""
    if network.reset != "zero":
        raise InputError(
            f"neurons of NIR are reset to a value, and lack reset {network.reset!r}; train with reset 'zero'"
        )
    if network.readout != "spikes":
        raise InputError("a membrane readout cannot be written as spiking neurons of NIR; train with readout 'spikes'")
    if any(layer.pooling is not maxpool for layer in network.layers):
        raise InputError("only maximum pools can be written to NIR, and this network has a pool of your own")
    for layer in network.layers:
        if layer.shape.cur_pool > 1:
            raise InputError(
                f"layer {layer.name} pools its currents before the neurons, and NIR has no maximum of them"
            )


def nodes_and_edges(model: Model, dt: float) -> tuple[dict[str, dict[str, Any]], list[tuple[str, str]]]:
    """Return the nodes of a network by name, in their order, and the edges between them."""
    network = model.network
    nodes: dict[str, dict[str, Any]] = {"input": {"type": "Input", "shape": _channels_first(network.input_shape)}}
    frame = network.input_shape
    for number, layer in enumerate(network.layers, 1):
        w, b = _taking_pixels(model) if number == 1 else (layer.w, layer.b)
        if layer.shape.kind == "conv2d":
            nodes[f"conv{number}"] = _conv2d_node(layer.shape, w, b)
            neurons = _channels_first(_uncropped(layer.shape))
        else:
            if len(frame) == 3:
                nodes[f"flatten{number}"] = {
                    "type": "Flatten",
                    "start_dim": 0,
                    "end_dim": -1,
                    "input_type": _channels_first(frame),
                }
            nodes[f"linear{number}"] = {"type": "Affine", "weight": _rows_channels_first(w, frame).T, "bias": b}
            neurons = layer.shape.out_shape
        nodes[f"neurons{number}"] = _neurons_node(layer, neurons, dt)
        frame = layer.shape.next_shape
        if layer.shape.pool > 1:
            window = np.full(2, layer.shape.pool)
            nodes[f"pool{number}"] = {
                "type": "SumPool2d",
                "kernel_size": window,
                "stride": window,
                "padding": np.zeros(2, int),
            }
            nodes[f"any{number}"] = {"type": "Threshold", "threshold": np.full(_channels_first(frame), 0.5)}
    nodes["output"] = {"type": "Output", "shape": _channels_first(frame)}
    names = [*nodes]
    return nodes, list(zip(names, names[1:]))


def _taking_pixels(model):
    """Return (weights, biases) of the first layer with the encoder's normalisation folded in: they take raw pixels."""
    layer, encoder = model.network.layers[0], model.encoder
    if layer.shape.padding and not np.allclose(layer.pad_value, encoder.pad_value):
        raise InputError(
            f"the first layer pads with {layer.pad_value[0]:g}, which is no pixel of value 0, and NIR pads with 0; "
            "train with a mean of 0, or without padding"
        )
    factor, offset = input_factors(encoder, layer.shape.w_shape)
    w = layer.w.astype(np.float64)
    shift = (w * offset).reshape(-1, w.shape[-1]).sum(axis=0)
    return (w * factor).astype(layer.w.dtype), (layer.b + shift).astype(layer.b.dtype)


def _conv2d_node(shape, w, b):
    return {
        "type": "Conv2d",
        "weight": w.transpose(3, 2, 0, 1),
        "bias": b,
        "input_shape": np.array(shape.in_shape[:2]),
        "stride": np.ones(2, int),
        "padding": np.full(2, shape.padding),
        "dilation": np.ones(2, int),
        "groups": 1,
    }


def _neurons_node(layer, shape, dt):
    """Return the fields of a layer's neurons, with r such that the weights keep their values."""
    fields = {"v_threshold": layer.threshold, "v_reset": 0.0}
    if layer.beta == 1:
        fields = {"type": "IF", "r": 1.0, **fields}
    else:
        tau = dt / (1 - layer.beta)
        fields = {"type": "LIF", "tau": tau, "r": tau / dt, "v_leak": 0.0, **fields}
    return {name: value if name == "type" else np.full(shape, value) for name, value in fields.items()}


def _uncropped(shape):
    """Return the frame of a convolution before its last rows and columns are cropped for the pool."""
    kernel, outputs = shape.w_shape[0], shape.w_shape[-1]
    return (*(size + 2 * shape.padding - kernel + 1 for size in shape.in_shape[:2]), outputs)


def _channels_first(shape):
    """Return (C, H, W) for (H, W, C), and (N,) for (N,), as an array."""
    return np.array(shape[-1:] + shape[:-1])


def _rows_channels_first(w, frame):
    """Return the weights of a fully connected layer with rows that count maps of `frame`, (H, W, C), as (C, H, W)."""
    if len(frame) != 3:
        return w
    return w.reshape(*frame, -1).transpose(2, 0, 1, 3).reshape(w.shape)
