"""A NIR graph, stepped by forward Euler straight from the equations of its nodes: an oracle without minisnn.

Arrays are channels first, (B, C, H, W) or (B, N), in float64.
"""

import nir
import numpy as np


def run(graph, inputs, dt):
    """Return the graph's outputs, (T, B, ...), for inputs of shape (T, B, ...); the graph is one line of nodes."""
    return [*outputs(graph, inputs, dt).values()][-1]


def outputs(graph, inputs, dt):
    """Return the outputs of each node by name, in their order."""
    following = dict(graph.edges)
    states, every = {}, {}
    for x in inputs:
        name = following[next(iter(graph.inputs))]
        while not isinstance(graph.nodes[name], nir.Output):
            x = step(graph.nodes[name], np.asarray(x, np.float64), states.setdefault(name, {}), dt)
            every.setdefault(name, []).append(x)
            name = following[name]
    return {name: np.stack(steps) for name, steps in every.items()}


def step(node, x, state, dt):
    """Return a node's output of one step, and keep its membranes in `state`."""
    if isinstance(node, (nir.LIF, nir.IF)):
        return neurons(node, x, state, dt)
    if isinstance(node, (nir.Affine, nir.Linear)):
        return x @ node.weight.T.astype(np.float64) + getattr(node, "bias", 0.0)
    if isinstance(node, nir.Conv2d):
        pads = {"same": (node.weight.shape[-1] - 1) // 2, "valid": 0}
        pad = pads[node.padding] if isinstance(node.padding, str) else np.ravel(node.padding)[0]
        x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        windows = np.lib.stride_tricks.sliding_window_view(x, node.weight.shape[2:], axis=(2, 3))
        cur = np.einsum("bcyxij,ocij->boyx", windows, node.weight.astype(np.float64))
        return cur + node.bias[:, None, None]
    if isinstance(node, nir.Flatten):
        return x.reshape(len(x), -1)
    if isinstance(node, nir.SumPool2d):
        k = np.ravel(node.kernel_size)[0]
        windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(2, 3))
        return windows[:, :, ::k, ::k].sum(axis=(4, 5))
    assert isinstance(node, nir.Threshold), type(node)
    return (x > node.threshold).astype(np.float64)


def neurons(node, x, state, dt):
    """Step dv/dt by dt (of an IF: by its time unit), spike above the threshold, then reset."""
    v = state.get("v", np.zeros_like(x))
    if isinstance(node, nir.LIF):
        v = v + dt / node.tau.astype(np.float64) * ((node.v_leak - v) + node.r * x)
    else:
        v = v + node.r * x
    z = v > node.v_threshold
    state["v"] = np.where(z, node.v_reset, v)
    return z.astype(np.float64)
