"""Forward and backward pass of a whole network by the kernels, on slices of the batch side by side.

The batch is cut into up to SLICES slices, depending on the amount of work but not on the number of threads. Each slice
is computed by one thread, and the gradients of the slices are summed in order: the result does not depend on the
threads.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from . import fire, lif, maxpool, windows
from . import surrogate as sg

SLICES = 8
SLICE_WORTH = 250_000  # neurons times steps: less work than that costs less than to share it out


@dataclass
class _LayerTape:
    """Arrays of one layer for the backward pass: inputs, currents, spikes handed on; membranes only if recorded."""

    inputs: np.ndarray
    cur: np.ndarray
    out: np.ndarray | None = None
    spk: np.ndarray | None = None
    mem: np.ndarray | None = None
    spike_count: int = 0


def forward(net: Any, inputs: np.ndarray, num_steps: int, record: bool) -> tuple:
    """Return (spk, mem, rates, layers, tape) for ``Network.forward``; `layers` are (inputs, spk, mem, out) tuples."""
    batch = inputs.shape[1]
    work = batch * num_steps * sum(layer.shape.neurons for layer in net.layers)
    bounds = np.linspace(0, batch, min(SLICES, batch, max(work // SLICE_WORTH, 1)) + 1).astype(int)
    packed = [windows.pack(_as_kernel(layer.w)) for layer in net.layers]
    tape = _map(
        net,
        lambda i: _forward_slice(
            net, np.ascontiguousarray(inputs[:, bounds[i] : bounds[i + 1]]), num_steps, packed, record
        ),
        len(bounds) - 1,
    )
    last = [layers[-1] for layers in tape]
    spk = np.concatenate([part.spk for part in last], axis=1).astype(net.dtype)
    mem = np.concatenate([part.mem for part in last], axis=1)
    rates = np.array(
        [
            sum(layers[i].spike_count for layers in tape) / (layer.shape.neurons * batch * num_steps)
            for i, layer in enumerate(net.layers)
        ]
    )
    layers = []
    if record:
        for i in range(len(net.layers)):
            parts = [[getattr(part[i], name) for part in tape] for name in ("inputs", "spk", "mem", "out")]
            layers.append(tuple(np.concatenate(arrays, axis=1) for arrays in parts))
    return spk, mem, rates, layers, tape


def backward(net: Any, tape: list, dspk: np.ndarray, dmem: np.ndarray | None, shares: Any) -> list[np.ndarray]:
    """Return the gradients for ``Network.backward`` from a tape; `shares` are the gradients of each layer's spikes by
    its rate.
    """
    ends = np.cumsum([part[-1].spk.shape[1] for part in tape])
    packed = [windows.pack_transpose(_as_kernel(layer.w)) for layer in net.layers]

    def one(i):
        part = slice(ends[i] - tape[i][-1].spk.shape[1], ends[i])
        return _backward_slice(net, tape[i], dspk[:, part], None if dmem is None else dmem[:, part], shares, packed)

    grads, *rest = _map(net, one, len(tape))
    for more in rest:
        for total, part in zip(grads, more):
            total += part
    return grads


def _map(net, function, count):
    threads = min(net.threads or os.cpu_count(), count)
    if threads == 1:
        return [function(i) for i in range(count)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, range(count)))


def _as_kernel(w):
    """Return the weights of any layer as (k, k, C, M): those of a linear layer are a 1x1 kernel."""
    return w if w.ndim == 4 else w[None, None]


def _as_frames(x):
    """Return arrays of any layer as (T, B, H, W, C): a flat row is one pixel."""
    return x if x.ndim == 5 else x[:, :, None, None]


def _row(layer):
    """Return the file of the layer's kind in this column."""
    return import_module(f".{layer.shape.kind}", __package__)


def _neuron(net, layer):
    return lif.constants(layer.beta, layer.threshold, layer.reset, net.detach_reset, net.dtype)


def _forward_slice(net, x, num_steps, packed, record):
    layers = []
    for index, layer in enumerate(net.layers):
        x, pool = layer.inputs(x), layer.shape.pool
        cur = layer.forward(x, _row(layer), packed=packed[index])
        done = _LayerTape(x, cur)
        if record or index == len(net.layers) - 1:
            done.spk, done.mem = lif.forward(cur, num_steps, layer.beta, layer.threshold, layer.reset)
            done.out = maxpool.forward(done.spk, pool) if pool > 1 else done.spk
            done.spike_count = np.count_nonzero(done.spk)
        else:
            out, done.spike_count = fire.forward(_as_frames(cur), num_steps, _neuron(net, layer), pool)
            done.out = out.reshape(*out.shape[:2], *layer.shape.next_shape)
        layers.append(done)
        x = done.out
    return layers


def _backward_slice(net, tape, dspk, dmem, shares, packed):
    grads, dout = [], dspk
    surrogate = sg.as_numbers(net.surrogate, net.dtype)
    for index in reversed(range(len(net.layers))):
        layer, done = net.layers[index], tape[index]
        # x = layer.inputs(out of the layer before)
        dout = dout.reshape(done.out.shape)
        if index == len(net.layers) - 1:
            # spk, mem = lif.forward(cur, ...)
            dcur = lif.backward(
                dout + shares[index],
                dmem,
                done.spk,
                done.mem,
                net.surrogate,
                layer.beta,
                layer.threshold,
                layer.reset,
                net.detach_reset,
                len(done.cur) == 1,
            )
        else:
            # out, fired = fire.forward(cur, ...)
            dcur = fire.backward(
                _as_frames(dout),
                shares[index],
                _as_frames(done.cur),
                _as_frames(done.out),
                _neuron(net, layer),
                layer.shape.pool,
                surrogate,
            ).reshape(done.cur.shape)
        # cur = layer.forward(x)
        dout, dw, db = layer.backward(dcur, done.inputs, index > 0, _row(layer), packed=packed[index])
        grads = [dw, db, *grads]
    return grads
