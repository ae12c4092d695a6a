"""Forward and backward pass of a whole network by the kernels, on slices of the batch side by side.

The batch is cut into up to SLICES slices, depending on the amount of work but not on the number of threads, and each
slice is computed by one thread; its hidden layers in one kernel (``hidden``). The gradients of weights are sums over
the batch: of a small layer each slice has its own, and they are added in order; of a large one each thread computes a
share of the weights over all slices, in order too, so that they are not in memory once a slice. The result does not
depend on the threads.

At its highest the memory of a training step holds the currents and spikes of all layers, and little else: gradients of
currents take the place of the currents, if the run is not used again, and gradients of large weights that of the
weights as the products read them. The gradients of a first layer's spikes are the most numbers of all, so they are
computed some images at a time, and its neurons take them while they are in the cache.
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from math import isqrt
from typing import Any

import numpy as np

from . import constants as learned_constants
from . import fire, hidden, lif, maxpool, products, threads
from . import surrogate as sg
from .memory import empty

SLICES = 8
SLICE_WORTH = 400_000  # neurons times steps: n slices are worth their own cost from n * n times that
LARGE = 1 << 16  # weights: a layer with more is shared out by weights
PART = 1 << 17  # gradients of spikes that are computed at a time, before the neurons take them


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
    slices = min(SLICES, 1 << isqrt(max(work // SLICE_WORTH, 1)).bit_length() - 1, batch)  # a power of two
    bounds = np.linspace(0, batch, slices + 1).astype(int)
    packed = _packed(net, products.pack)
    constants = hidden.Constants(net.kept, _biases(net), np.stack([_neuron(net, layer) for layer in net.layers]))
    plans = _plans(net, num_steps, len(inputs) < num_steps, set(np.diff(bounds).tolist()))

    def one(i):
        part = np.ascontiguousarray(inputs[:, bounds[i] : bounds[i + 1]])
        return _forward_slice(net, part, plans[part.shape[1]], packed, constants, record)

    tape = threads.each(one, len(bounds) - 1, net.threads)
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


def counts(tape: list) -> list[np.ndarray]:
    """Return the spikes that each layer handed on, summed over the steps, (B, ...) each."""
    dtype = np.uint8 if len(tape[0][-1].out) < 256 else np.uint32
    return [np.concatenate([part[i].out.sum(axis=0, dtype=dtype) for part in tape]) for i in range(len(tape[0]))]


def backward(
    net: Any,
    tape: list,
    dspk: np.ndarray,
    dmem: np.ndarray | None,
    shares: Any,
    dcounts: Any,
    constants: np.ndarray | None = None,
    retain: bool = True,
) -> list[np.ndarray]:
    """Return the gradients for ``Network.backward`` from a tape.

    `shares` are the gradients of each layer's spikes by its rate, `dcounts` those by its counts, or None. `constants`,
    zeros of shape (2, L), takes the gradients of leak and threshold by layer. Unless the tape is to be retained, it is
    emptied, and gradients of currents take the place of the currents.
    """
    if not retain:
        given, tape = tape, list(tape)
        given.clear()
    slices = _backward_slices(net, tape, dspk, dmem, shares, dcounts, constants is not None, retain)
    total = _weight_gradients(net, slices)
    grads = []
    for i, layer in enumerate(net.layers):
        db = slices[0][i].db
        for part in slices[1:]:
            db += part[i].db
            if part[i].dw is not None:
                total[i] += part[i].dw
        if constants is not None:
            for part in slices:
                constants[:, i] += part[i].dconstants
        columns = layer.w.shape[-1]
        grads += [products.trimmed(total[i], columns).reshape(layer.w.shape), db[:columns]]
    return grads


def _backward_slices(net, tape, dspk, dmem, shares, dcounts, learned, retain):
    """Return the gradients of each slice, a list with one for each layer."""
    ends = np.cumsum([part[-1].spk.shape[1] for part in tape])
    packed = _packed(net, products.pack_transpose, first=1)
    few = [_few(layer, [part[i].inputs for part in tape]) for i, layer in enumerate(net.layers)]
    surrogate = sg.as_numbers(net.surrogate, net.dtype)

    def one(i):
        part = slice(ends[i] - tape[i][-1].spk.shape[1], ends[i])
        dmem_part = None if dmem is None else dmem[:, part]
        priced = [None if d is None else d[part] for d in dcounts]
        given = (dspk[:, part], dmem_part, shares, priced)
        return _backward_slice(net, tape[i], *given, packed, few, surrogate, learned, retain)

    return threads.each(one, len(tape), net.threads)


def _weight_gradients(net, slices):
    """Return the gradients of weights: of a small layer those of the first slice, of a large one the sum over all.

    The large ones take the place of the weights as the products read them, for which they are large enough: what read
    those is over.
    """
    total = [part.dw for part in slices[0]]
    layers = [i for i, dw in enumerate(total) if dw is None]
    if not layers:
        return total
    memory, net.kept = net.kept, None
    begins = _begins(net)
    for i in layers:
        total[i] = products.weight_gradient(_as_kernel(net.layers[i].w), memory[begins[i] : begins[i + 1]])
    work = [(i, share) for i in layers for share in products.shares(slices[0][i].product, len(slices))]
    threads.each(lambda j: _add_share(slices, total, *work[j]), len(work), net.threads)
    return total


@dataclass
class _Gradients:
    """Gradients of one layer from one slice; of a large layer what they are made of."""

    db: np.ndarray
    dw: np.ndarray | None
    product: products.Outer | None
    dconstants: np.ndarray | None  # of leak and threshold, if they are learned


def _is_large(layer):
    return layer.w.size > LARGE


def _add_share(slices, total, layer, share):
    for part in slices:
        products.add_weight_gradient(part[layer].product, share, total[layer])


def _packed(net, pack, first=0):
    """Return the weights of all layers from the `first` as the products read them.

    They are laid out for one direction at a time, in memory that the network keeps: as long as it only runs forward,
    nothing is written again.
    """
    begins = _begins(net)
    if net.kept is None:
        net.kept = empty((begins[-1],), net.dtype)
    return [None] * first + [
        pack(_as_kernel(net.layers[i].w), net.kept[begins[i] : begins[i + 1]], net.threads)
        for i in range(first, len(net.layers))
    ]


def _begins(net):
    return products.begins(tuple(layer.w.shape for layer in net.layers))


def _biases(net):
    """Return the biases of all layers in one piece, each filled up to whole groups."""
    return np.concatenate([products.whole(layer.b) for layer in net.layers])


def _as_kernel(w):
    """Return the weights of any layer as (k, k, C, M): those of a linear layer are a 1x1 kernel."""
    return w if w.ndim == 4 else w[None, None]


def _as_frames(x):
    """Return arrays of any layer as (T, B, H, W, C): a flat row is one pixel."""
    return x if x.ndim == 5 else x[:, :, None, None]


def _frames(x):
    """Return arrays of any layer as (F, H, W, C), F = T*B."""
    x = _as_frames(x)
    return x.reshape(-1, *x.shape[2:])


@cache
def _row(kind):
    """Return the file of a kind of layer in this column."""
    return import_module(f".{kind}", __package__)


def _few(layer, inputs):
    frames = [_frames(x) for x in inputs]
    return products.are_few(frames, _as_kernel(layer.w).shape, layer.shape.padding, _border(layer))


def _border(layer):
    """Return the values around the frame of a convolution."""
    return layer.pad_value if layer.shape.padding else 0.0


def _neuron(net, layer):
    return lif.constants(layer.beta, layer.threshold, layer.reset, net.detach_reset, net.dtype)


def _plans(net, num_steps, constant, batches):
    """Return the plan of a slice by the size of its batch."""
    shapes = tuple(layer.shape for layer in net.layers)
    return {batch: hidden.plan(shapes, num_steps, batch, constant) for batch in batches}


def _forward_slice(net, x, plan, packed, constants, record):
    part, index = hidden.Slice(plan, net.dtype), 0
    while index < len(net.layers):  # the first layer, and those that take many spikes
        layer = net.layers[index]
        inputs = layer.inputs(part.spikes(index - 1) if index else x)
        layer.forward(inputs, _row(layer.shape.kind), packed=packed[index], cur=part.currents(index))
        index = part.run(index, constants)
    layers: list[_LayerTape] = []
    for index, layer in enumerate(net.layers):
        inputs = layer.inputs(layers[-1].out if index else x)
        cur = part.currents(index)
        done = _LayerTape(inputs, cur.reshape(*cur.shape[:2], *layer.shape.cur_shape))
        if index == len(net.layers) - 1 or record:
            pooled = _pooled(layer, done.cur)
            done.spk, done.mem = lif.forward(pooled, plan.num_steps, layer.beta, layer.threshold, layer.reset)
        if index == len(net.layers) - 1:
            done.out = maxpool.forward(done.spk, layer.shape.pool) if layer.shape.pool > 1 else done.spk
            done.spike_count = np.count_nonzero(done.spk)
        else:
            done.out = part.spikes(index).reshape(plan.num_steps, -1, *layer.shape.next_shape)
            done.spike_count = int(part.fired[index])
        layers.append(done)
    return layers


def _backward_slice(net, tape, dspk, dmem, shares, dcounts, packed, few, surrogate, learned, retain):
    grads: list[_Gradients] = []
    dcur = None
    for index in reversed(range(len(net.layers))):
        layer, done = net.layers[index], tape[index]
        cur, of_currents, dconstants = done.cur, layer.shape.cur_pool > 1, None
        if learned:  # they need the gradient of each neuron and step
            pooled, of_currents = _pooled(layer, cur), False
            cur = _each_step(pooled, len(done.out))
        if index == len(net.layers) - 1:
            # spk, mem = lif.forward(cur, ...)
            dcur = lif.backward(
                _priced(dspk, done.out, dcounts[index]) + shares[index],
                dmem,
                done.spk,
                done.mem,
                net.surrogate,
                layer.beta,
                layer.threshold,
                layer.reset,
                net.detach_reset,
                len(cur) == 1,
            )
        else:
            above, dcur = dcur, empty(cur.shape, cur.dtype) if retain or learned else cur
            following, taken, dcount = net.layers[index + 1], tape[index + 1].inputs, dcounts[index]
            few_gradients = products.gradients_are_few(_frames(above), _as_kernel(following.w))
            for images in _parts(cur, done.out, few_gradients):
                dout = _input_gradient(following, above[:, images], taken, packed[index + 1])
                # out, fired = fire.run(cur, ...)
                fire.backward(
                    _as_frames(_priced(dout, done.out, None if dcount is None else dcount[images])),
                    shares[index],
                    _as_frames(cur[:, images]),
                    _as_frames(done.out[:, images]),
                    _neuron(net, layer),
                    layer.shape.cur_pool if of_currents else layer.shape.pool,
                    surrogate,
                    of_currents,
                    _as_frames(dcur[:, images]),
                )
        if learned:
            direct = dmem if index == len(net.layers) - 1 else None
            neuron = (layer.beta, layer.threshold, layer.reset)
            dcur, dconstants = learned_constants.backward(dcur, direct, pooled, *neuron)
            # pooled = maxpool.forward(cur, ...)
            if layer.shape.cur_pool > 1:
                dcur = maxpool.backward(dcur, done.cur, layer.shape.cur_pool)
        # cur = layer.forward(x)
        w, padding, border = _as_kernel(layer.w), layer.shape.padding, _border(layer)
        product = products.outer(_frames(dcur), _frames(done.inputs), w.shape[0], padding, border, few[index])
        dw = None
        if not _is_large(layer):
            dw = products.weight_gradient(w)
            for share in products.shares(product, 1):
                products.add_weight_gradient(product, share, dw)
        grads = [_Gradients(product.db, dw, product if dw is None else None, dconstants), *grads]
    return grads


def _parts(cur, out, few_gradients):
    """Cut the images of a slice into parts, so that the gradients of what each hands on stay in the cache.

    A part must be in one piece in memory: only constant currents are cut, and only those that are worth the calls.
    Dense products get several times eight frames: they take eight side by side, and compute what is left over again.
    """
    batch, numbers = out.shape[1], out[:, 0].size
    if len(cur) > 1 or batch * numbers <= 2 * PART:
        return [slice(0, batch)]
    some = max(PART // numbers, 1 if few_gradients else -(-32 // len(out)))
    return [slice(first, first + some) for first in range(0, batch, some)]


def _input_gradient(layer, dcur, inputs, packed):
    """Return the gradient of the `inputs` of a layer, for the images of `dcur`."""
    # cur = layer.forward(x)
    gradients = _frames(np.ascontiguousarray(dcur))
    shape = (len(gradients), *_frames(inputs).shape[1:])
    return products.input_gradient(gradients, shape, _as_kernel(layer.w), layer.shape.padding, packed)


def _priced(dout, out, dcounts):
    """Return the gradient of what a layer hands on, in the shape of `out` for as many images as there are."""
    # x = layer.inputs(out of the layer before)
    dout = dout.reshape(len(out), -1, *out.shape[2:])
    # counts = sum over t of out
    return dout if dcounts is None else dout + dcounts


def _pooled(layer, cur):
    """Return the currents that the neurons take, after the pool of currents."""
    return maxpool.forward(cur, layer.shape.cur_pool) if layer.shape.cur_pool > 1 else cur


def _each_step(cur, num_steps):
    """Return constant currents once for each step, so that each gets a gradient of its own."""
    if len(cur) == num_steps:
        return cur
    result = empty((num_steps, *cur.shape[1:]), cur.dtype)
    result[...] = cur
    return result
