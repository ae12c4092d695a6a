"""A trace as one page of HTML: any spike can be clicked, and its sum and its clock cycles stand there.

Python stores, the page's script selects and draws. No number of the network is computed in the browser, or the script
were one more implementation, and one that no test holds against the others. So all is stored: for each neuron and step
membrane, current, kept state, spike and cycles; for each cycle what each layer does; and for each addition its running
sum. The latter are many, and of a large network only some fit the page: see :func:`page`.

Arrays are the smallest integers that hold them, or float32; their bytes are put in planes, deflated, and base64.
"""

import base64
import json
import re
import zlib
from html import escape
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..fixed import lif
from ..lif import removal
from ..topology import normalised
from .trace import PHASES

LIMIT = 24_000_000  # bytes of a page,
SLACK = 8192  # of which so many are for what is small
WEIGHTS, USERS = 20, 8  # of the backward pass: weights of each layer, and neurons of each that are told one by one
WORDS = ("handed", "adding", "tap", "weight_word", "sum_word", "firing", "word_out")  # of trace.Doing
_HERE = Path(__file__).parent


def page(trace, factors=None, layer=None, neuron=None, step=None, limit=LIMIT):
    """The text of ``inspect.html``, which needs nothing else.

    Parameters
    ----------
    trace : minisnn.inspector.trace.Trace
    factors : minisnn.inspector.factors.Factors, optional
        The backward pass of the same image.
    layer, neuron, step : int, optional
        What the page opens with, from 0; by default the spike of the answer. The sum of that neuron is always stored.
    limit : int
        Bytes of the page, about. Sums of additions are left out where they do not fit: those of early layers first,
        and of a layer those of the pixels (fully connected: neurons) that fired least.

    Returns
    -------
    text : str

    Raises
    ------
    InputError
        If there is no such neuron or step, or the backward pass is of another network.

    Examples
    --------
    A page tells what was stored, and computes nothing. All sums fit; in less room, that of the chosen neuron is left:

    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> from minisnn.inspector.trace import trace
    >>> net = Network("2", (2,), beta=0.5, threshold=0.9, rng=np.random.default_rng(0))
    >>> net.params[0][...] = [[0.5, 0], [0.75, 0]]
    >>> model, _ = quantize(Model(net, Encoder("latency", 2)))
    >>> found = trace(model, np.array([255, 1], np.uint8), lanes=(1,))
    >>> about, arrays = decoded(page(found))
    >>> about["opening"]  # the first spike of the answer
    {'layer': 0, 'neuron': 0, 'step': 1}
    >>> about["layers"][0]["sums"], arrays["0.sums"][:, 0].tolist()  # after each of the two additions, to neuron 0
    ('all', [1360, 2712])
    >>> about, arrays = decoded(page(found, layer=0, neuron=0, limit=0))
    >>> about["layers"][0]["sums"], arrays["0.column"].tolist()  # that of neuron 1 is not there
    ('some', [0, -1])
    """
    chosen = _opening(trace, layer, neuron, step)
    first, rest = _Arrays(), _Arrays()
    about = _about(trace) | {"opening": chosen, "training": _training(trace, factors) if factors else None}
    walks = []
    for index in range(len(trace.network.layers)):
        first.add(f"{index}.spk", _bits(trace.spk[index]))
        done, found = doings(trace, index), neurons(trace, index)
        walks.append(_walk(trace, index, found["kept"]))
        about["layers"][index]["segments"] = _segments(done["phase"], done["step"])
        for name, values in (found | walks[index].pop("always")).items():
            rest.add(f"{index}.{name}", values)
        for name, values in done.items():
            rest.add(f"{index}.at.{name}", values)
    first.add("image", _drawn(trace.image))
    if not trace.constant(0):
        first.add("input", _bits(trace.frames[0]))
    style, script, template = ((_HERE / f"page.{kind}").read_text() for kind in ("css", "js", "html"))
    room = limit - sum(map(len, (json.dumps(about), style, script, template))) - first.size - rest.size - SLACK
    for index in reversed(range(len(trace.network.layers))):
        before = rest.size
        stored, found = _chosen_sums(trace, index, walks[index], room, chosen["neuron"] if layer == index else None)
        about["layers"][index]["sums"] = stored
        for name, values in found.items():
            rest.add(f"{index}.{name}", values)
        room -= rest.size - before
    about["arrays"] = first.about | rest.about
    parts = {
        "title": escape(_title(trace)),
        "header": _header(trace),
        "meta": json.dumps(about).replace("<", "\\u003c"),
        "first": first.html(),
        "rest": rest.html(),
        "style": style,
        "script": script,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


# What is stored


def doings(trace, layer):
    """What a layer does in every cycle, as :meth:`minisnn.inspector.trace.Trace.at` says of one.

    Parameters
    ----------
    trace : minisnn.inspector.trace.Trace
    layer : int
        From 0.

    Returns
    -------
    done : dict of ndarray, shape (latency,)
        By the names of :class:`minisnn.inspector.trace.Doing`; the phase is its index in ``trace.PHASES``.

    Examples
    --------
    Two neurons on one lane: spikes are added in cycles 7 and 8, and in 18 and 19; neurons fire in 10 and 11, 21 and 22.

    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> from minisnn.inspector.trace import trace
    >>> net = Network("2", (2,), beta=0.5, threshold=0.9, rng=np.random.default_rng(0))
    >>> net.params[0][...] = [[0.5, 0], [0.75, 0]]
    >>> model, _ = quantize(Model(net, Encoder("latency", 2)))
    >>> found = trace(model, np.array([255, 1], np.uint8), lanes=(1,))
    >>> done = doings(found, layer=0)
    >>> np.flatnonzero(done["adding"] >= 0).tolist(), np.flatnonzero(done["firing"] >= 0).tolist()
    ([7, 8, 18, 19], [10, 11, 21, 22])
    >>> all(found.at(cycle)[0].adding == adding for cycle, adding in enumerate(done["adding"]))
    True
    """
    begins, added, fires, ends = trace.times[:, layer]
    if trace.constant(layer):
        begins, added = (np.concatenate([each[:1], ends[:-1]]) for each in (begins, added))
    cycle = np.arange(trace.latency)
    step = np.searchsorted(begins, cycle) - 1
    busy = (step >= 0) & (cycle < ends[step])
    phase = np.where(
        busy,
        np.where(
            cycle <= added[step],
            PHASES.index("adds"),
            np.where(cycle <= fires[step], PHASES.index("waits"), PHASES.index("fires")),
        ),
        PHASES.index("idle"),
    )
    done = {"step": step, "phase": phase} | {name: np.full(trace.latency, -1) for name in WORDS}
    for t in range(1 if trace.constant(layer) else trace.num_steps):
        addresses, log = trace.log(layer, t)
        done["handed"][log[:, 0]] = addresses
        which = np.repeat(np.arange(len(log)), log[:, 2])
        turn = np.arange(len(which)) - np.repeat(np.cumsum(log[:, 2]) - log[:, 2], log[:, 2])
        at = log[which, 1] + turn
        done["adding"][at] = addresses[which]
        for name, values in _words(trace, layer, addresses[which], turn).items():
            done[name][at] = values
    firing = phase == PHASES.index("fires")
    row, column, group = trace._fires_at(layer, (cycle - fires[step] - 1)[firing])
    done["firing"][firing] = (row * _shape(trace, layer)[1] + column) * trace.groups(layer) + group
    window = trace._layer(layer).pool ** 2
    for t in reversed(range(trace.num_steps)):
        turn = np.arange(window - 1, ends[t] - fires[t] - 1, window)
        at = turn + trace.delay(layer) + 2 + fires[t]
        done["word_out"][at[at < trace.latency]] = (turn // window)[at < trace.latency]
    return done


def _words(trace, layer, address, turn):
    """Taps and words of additions, each the number `turn` of an input."""
    shape, groups = trace._layer(layer), trace.groups(layer)
    if shape.kind == "linear":
        return {"weight_word": address * groups + turn, "sum_word": turn}
    row, column, channel = np.unravel_index(address, trace.frame(layer, 0).shape)
    kernel, padding, (height, width, _) = shape.w_shape[0], shape.padding, shape.out_shape
    ky, kx = np.maximum(row + padding - height + 1, 0), np.maximum(column + padding - width + 1, 0)
    tap, group = np.divmod(turn, groups)
    if not trace._wides[layer]:
        in_row = np.maximum(np.minimum(kernel, column + padding + 1) - kx, 1)
        ky, kx = ky + tap // in_row, kx + tap % in_row
    sum_word = ((row + padding - ky) * width + column + padding - kx) * groups + group
    if trace._wides[layer]:
        return {"weight_word": channel * groups + turn, "sum_word": sum_word}
    return {
        "tap": ky * kernel + kx,
        "weight_word": ((channel * kernel + ky) * kernel + kx) * groups + group,
        "sum_word": sum_word,
    }


def neurons(trace, layer):
    """Of every neuron and step, what :meth:`minisnn.inspector.trace.Trace.why` says of one, but for its additions.

    Parameters
    ----------
    trace : minisnn.inspector.trace.Trace
    layer : int
        From 0.

    Returns
    -------
    found : dict of ndarray
        ``mem`` (T, N) and ``kept`` (T + 1, N) in units of the membrane; ``mem_unit`` (T, N) the first in units of the
        float network; its own ``mem_float, cur_float`` (T, N), and ``spk_float``, in bits; ``fired, out`` (T, N), clock
        cycles.

    Examples
    --------
    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> from minisnn.inspector.trace import trace
    >>> net = Network("2", (2,), beta=0.5, threshold=0.9, rng=np.random.default_rng(0))
    >>> net.params[0][...] = [[0.5, 0], [0.75, 0]]
    >>> model, _ = quantize(Model(net, Encoder("latency", 2)))
    >>> found = trace(model, np.array([255, 1], np.uint8), lanes=(1,))
    >>> values = neurons(found, layer=0)
    >>> values["mem"][:, 0].tolist(), values["kept"][:, 0].tolist()  # of neuron 0: half is kept, until it has fired
    ([1360, 2712], [0, 680, 0])
    >>> values["mem_unit"][:, 0].round(3).tolist(), values["cur_float"][:, 0].round(3).tolist()
    ([0.502, 1.001], [0.502, 0.75])
    """
    each, steps = trace.network.layers[layer], trace.num_steps
    mem = trace.mem[layer].reshape(steps, -1).astype(np.int64)
    kept = np.zeros((steps + 1, mem.shape[1]), np.int64)
    for t in range(steps - 1):
        kept[t + 1] = mem[t]
        lif.fire(
            kept[t + 1],
            np.zeros(1, np.int64),
            each.threshold,
            each.beta,
            each.frac,
            lif.RESETS.index(each.reset),
            lif.ROUNDINGS.index(each.rounding),
            each.low,
            each.high,
            np.empty(mem.shape[1], np.uint8),
            np.empty(0, np.int64),
        )
    unit = each.scale / 2**each.guard
    u, s = (of[layer].reshape(steps, -1).astype(float) for of in (trace.mem_float, trace.spk_float))
    beta, threshold, reset = trace.float_params[layer]
    r0, r1 = removal(reset, beta, threshold)
    kept_float = np.concatenate([np.zeros_like(u[:1]), (beta * u - s * (r0 + r1 * u))[:-1]])
    height, width, channels = _shape(trace, layer)
    row, column, channel = np.unravel_index(np.arange(mem.shape[1]), (height, width, channels))
    turn = trace._turn(layer, row, column, channel // trace.lanes[layer])
    fired = trace.times[2, layer][:, None] + 1 + turn
    return {
        "mem": mem,
        "mem_unit": mem * unit,
        "kept": kept,
        "mem_float": u,
        "cur_float": u - kept_float,
        "spk_float": _bits(trace.spk_float[layer]),
        "fired": fired,
        "out": fired + trace.delay(layer),
    }


def _additions(trace, layer, step):
    """All additions of a step, those of a pixel of neurons together, each pixel's in their order.

    Returns
    -------
    pixel, address, tap, row : ndarray of int, shape (n,)
        Where it is added, the input, ky * k + kx, and the row of the weights as a matrix (inputs, channels).
    cycle : ndarray of int, shape (n, groups)
    adds : ndarray of int64, shape (n, channels)
    """
    each, frame = trace.network.layers[layer], trace.frame(layer, step)
    shape, groups, w = each.layer, trace.groups(layer), each.w.reshape(-1, each.w.shape[-1]).astype(np.int64)
    addresses, log = trace.log(layer, step)
    if shape.kind == "linear":
        index, offset = np.arange(len(addresses)), np.zeros(len(addresses), np.int64)
        pixel, tap, weights = np.zeros_like(index), np.zeros_like(index), addresses
    else:
        kernel, (height, width, _) = shape.w_shape[0], shape.out_shape
        rows, columns, channels = np.unravel_index(addresses, frame.shape)
        ky, kx = (at.reshape(-1, 1) for at in np.divmod(np.arange(kernel**2), kernel))
        y, x = rows + shape.padding - ky, columns + shape.padding - kx  # (k * k, inputs)
        tap, index = np.nonzero((y >= 0) & (y < height) & (x >= 0) & (x < width))
        pixel = (y * width + x)[tap, index]
        order = np.lexsort((index, pixel))
        pixel, tap, index = pixel[order], tap[order], index[order]
        offset = (
            0
            if trace._wides[layer]
            else groups * trace._tap_order(shape, rows[index], columns[index], tap // kernel, tap % kernel)
        )
        weights = tap * frame.shape[-1] + channels[index]
    adds = (w[weights] * frame.reshape(-1)[addresses[index]].astype(np.int64)[:, None]) << each.guard
    cycle = (log[index, 1] + offset)[:, None] + np.arange(groups)
    return pixel, addresses[index], tap, weights, cycle, adds


def _running(trace, layer, step, pixel, adds, kept):
    """The sums after each of these additions, (n, channels), and the current of each neuron, (pixels, channels).

    Parameters
    ----------
    pixel, adds
        Of ``_additions``.
    kept : ndarray of int64, shape (N,)
        What the neurons start the step from; a layer of pixels sums from 0.

    Raises
    ------
    InputError
        If the sums are not the membranes.
    """
    each, constant = trace.network.layers[layer], trace.constant(layer)
    kept = kept.reshape(-1, adds.shape[1])
    total = np.zeros_like(kept) if constant else kept.copy()
    found = np.empty_like(adds)
    counts = np.bincount(pixel, minlength=len(total))
    nth = np.arange(len(pixel)) - np.repeat(np.cumsum(counts) - counts, counts)
    order = np.argsort(nth, kind="stable")
    for some in np.split(order, np.cumsum(np.bincount(nth))[:-1]) if len(order) else ():
        after = total[pixel[some]] + adds[some]
        found[some] = total[pixel[some]] = after if constant else np.clip(after, each.low, each.high)
    current = np.clip(total + each.b, each.low, each.high) if constant else total - kept + each.b
    membrane = np.clip(kept + current if constant else total + each.b, each.low, each.high)
    if (membrane.reshape(-1) != trace.mem[layer][step].reshape(-1)).any():
        raise InputError(
            f"the sums of layer {layer}, step {step}, are not the membranes of the trace: it is damaged; make it again"
        )
    return found, current


def _walk(trace, layer, kept):
    """All additions of a layer, with their sums.

    Parameters
    ----------
    kept : ndarray of int64, shape (T + 1, N)
        Of :func:`neurons`.

    Returns
    -------
    found : dict
        ``pixel`` (n,); ``address, tap, row, value`` (n,), ``cycle`` (n, groups), ``adds, sums`` (n, channels), of all
        steps, one after the other; ``steps`` their numbers n. ``always`` is a dict of what is stored in any case:
        ``cur`` (T or 1, N), ``w`` and ``shifted`` (inputs, channels), weights and what they add, ``bias`` and ``group``
        (channels,).
    """
    each, constant = trace.network.layers[layer], trace.constant(layer)
    names = ("pixel", "address", "tap", "row", "cycle", "adds", "sums", "value")
    parts, currents = [], []
    for step in range(1 if constant else trace.num_steps):
        pixel, address, tap, row, cycle, adds = _additions(trace, layer, step)
        sums, current = _running(trace, layer, step, pixel, adds, kept[step])
        currents.append(current.reshape(-1))
        parts.append((pixel, address, tap, row, cycle, adds, sums, trace.frame(layer, step).reshape(-1)[address]))
    w = each.w.reshape(-1, each.w.shape[-1]).astype(np.int64)
    always = {
        "cur": np.array(currents),
        "w": w,
        "shifted": w << each.guard,
        "bias": each.b,
        "group": np.arange(w.shape[1]) // trace.lanes[layer],
    }
    found = {name: np.concatenate(values) for name, values in zip(names, zip(*parts), strict=True)}
    return found | {"steps": [len(part[0]) for part in parts], "always": always}


def _chosen_sums(trace, layer, found, room, asked=None):
    """The additions of a layer, as far as there is room.

    Parameters
    ----------
    found : dict
        Of ``_walk``.
    room : int
        Bytes.
    asked : int, optional
        A neuron that is stored in any case.

    Returns
    -------
    stored : "all", "some" or "none"
    arrays : dict of ndarray
        ``slot`` (pixels,) and ``column`` (channels,), -1 for what is not stored; ``start`` (steps, slots + 1) into the
        additions of a slot at a step: ``address, tap, row`` (n,), ``cycle`` (n, groups), ``sums`` (n, columns), and of
        pixels ``value`` (n,) and ``adds`` (n, columns).
    """
    constant, channels = trace.constant(layer), found["sums"].shape[1]
    pixels = trace.network.layers[layer].layer.neurons // channels
    counts = np.bincount(found["pixel"], minlength=pixels)
    fires = trace.spk[layer].reshape(-1, pixels, channels).astype(np.int64)
    of_sum, of_addition = 8 if constant else 4, 8 + 4 * trace.groups(layer)  # bytes: at most, as it turns out
    flat = pixels == 1
    if flat:  # there is nothing to choose from but neurons
        score, costs = fires.sum(axis=(0, 1)), np.full(channels, of_sum * counts[0])
        room -= int(counts[0]) * of_addition
    else:
        score, costs = fires.sum(axis=(0, 2)), counts * (of_sum * channels + of_addition) + 4 * len(found["steps"])
    if asked is not None:
        score[asked if flat else asked // channels] = score.max() + 1
    order = np.argsort(-score, kind="stable")
    fits = np.cumsum(costs[order]) <= room
    fits[0] |= asked is not None
    keep = np.sort(order[fits])
    slots, columns = (keep[:1] * 0, keep) if flat else (keep, np.arange(channels))
    slot, column = np.full(pixels, -1), np.full(channels, -1)
    slot[slots], column[columns] = np.arange(len(slots)), np.arange(len(columns))
    some = slot[found["pixel"]] >= 0
    step = np.repeat(np.arange(len(found["steps"])), found["steps"])
    counts = np.zeros((len(found["steps"]), len(slots) + 1), np.int64)
    np.add.at(counts, (step[some], slot[found["pixel"][some]] + 1), 1)
    before = np.concatenate([[0], counts.sum(axis=1).cumsum()[:-1]])
    start = before[:, None] + counts.cumsum(axis=1)
    arrays = {name: found[name][some] for name in ("address", "tap", "row", "cycle", *(["value"] if constant else []))}
    arrays |= {name: found[name][some][:, columns] for name in ("sums", *(["adds"] if constant else []))}
    stored = "none" if not len(keep) else "all" if len(keep) == len(order) else "some"
    return stored, arrays | {"slot": slot, "column": column, "start": start}


def _training(trace, factors):
    """Of each layer the weights of greatest gradient, with their factors: plain values."""
    if tuple(each.layer for each in trace.network.layers) != factors.net.layers or factors.num_steps != trace.num_steps:
        raise InputError("the backward pass is of another network or of other steps than the trace")
    layers = []
    for layer in range(len(factors.net.layers)):
        grad = factors.grads[2 * layer]
        order = np.argsort(-np.abs(grad).reshape(-1), kind="stable")[:WEIGHTS]
        layers.append([_factors_of(factors, layer, np.unravel_index(index, grad.shape)) for index in order])
    return {"loss": float(factors.loss), "layers": layers}


def _factors_of(factors, layer, weight):
    weight = tuple(int(at) for at in weight)
    of = factors.of(layer, weight)
    products = of.products
    top = np.argsort(-np.abs(products).sum(axis=0), kind="stable")[:USERS]
    rest = np.delete(products, top, axis=1)

    def short(values):
        return [[float(f"{each:.7g}") for each in row] for row in values[:, top].T.tolist()]

    return {
        "weight": weight,
        "gradient": of.gradient,
        "bptt": float(factors.grads[2 * layer][weight]),
        "difference": abs(of.gradient - float(factors.grads[2 * layer][weight])),
        "value": float(factors.net.params[2 * layer][weight]),
        "users": products.shape[1],
        "neurons": of.neurons[top].tolist(),
        "total": products.sum(axis=1).tolist(),
        "rest": rest.sum(axis=1).tolist(),
        "of_neuron": products[:, top].sum(axis=0).tolist(),
        "error": short(of.error),
        "surrogate": short(of.surrogate),
        "direct": short(of.direct),
        "inputs": short(of.inputs),
        "trace": short(of.trace),
        "products": short(products),
    }


# How it is stored


class _Arrays:
    """Arrays by name, as elements of HTML that the script decodes."""

    def __init__(self):
        self.about, self._texts, self.size = {}, {}, 0

    def add(self, name, values):
        """Store one."""
        values = _smallest(np.asarray(values))
        planes = np.frombuffer(values.tobytes(), np.uint8).reshape(-1, values.itemsize).T.tobytes()
        text = base64.b64encode(zlib.compress(planes, 6)).decode()
        self.about[name] = {"type": values.dtype.str[1:], "shape": list(values.shape)}
        self._texts[name] = text
        self.size += len(text) + 200  # its element and its entry

    def html(self):
        """One element for each."""
        return "\n".join(
            f'<script type="text/plain" id="array-{name}">{text}</script>' for name, text in self._texts.items()
        )


def _smallest(values):
    """The smallest little-endian type that JavaScript reads and that holds the integers; floats as float32."""
    if values.dtype.kind == "f":
        return values.astype("<f4")
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    for kind in ("u1", "i1", "<i2", "<i4"):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return values.astype(kind)
    return values.astype("<f8")  # a membrane of more than 32 bits; exact below 2**53


def decoded(text):
    """What a page's text stores, as the script reads it; for tests and for other readers.

    Parameters
    ----------
    text : str
        Of :func:`page`.

    Returns
    -------
    about : dict
        Plain values: layers, steps, what the page opens with.
    arrays : dict of ndarray
        By name: ``0.mem`` is ``mem`` of layer 0.

    Examples
    --------
    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> from minisnn.inspector.trace import trace
    >>> net = Network("2", (2,), beta=0.5, threshold=0.9, rng=np.random.default_rng(0))
    >>> net.params[0][...] = [[0.5, 0], [0.75, 0]]
    >>> model, _ = quantize(Model(net, Encoder("latency", 2)))
    >>> found = trace(model, np.array([255, 1], np.uint8), lanes=(1,))
    >>> about, arrays = decoded(page(found))
    >>> about["latency"], arrays["0.mem"].tolist(), arrays["0.mem"].dtype  # the smallest integers that hold them
    (40, [[1360, 0], [2712, 0]], dtype('int16'))
    """
    about = json.loads(re.search(r'<script type="application/json" id="meta">(.*?)</script>', text, re.S)[1])
    arrays = {}
    for name, packed in re.findall(r'<script type="text/plain" id="array-([\w.]+)">(.*?)</script>', text, re.S):
        kind = np.dtype(about["arrays"][name]["type"])
        planes = np.frombuffer(zlib.decompress(base64.b64decode(packed)), np.uint8).reshape(kind.itemsize, -1)
        arrays[name] = np.frombuffer(planes.T.tobytes(), kind).reshape(about["arrays"][name]["shape"])
    return about, arrays


def _bits(spikes):
    """(T, bytes): spikes of each step, the first in the lowest bit."""
    return np.packbits(spikes.reshape(len(spikes), -1) > 0, axis=1, bitorder="little")


def _segments(phase, step):
    """[first cycle, last cycle, phase, step] of what a layer does without a change."""
    changes = np.flatnonzero((np.diff(phase) != 0) | (np.diff(step) != 0)) + 1
    starts = np.concatenate([[0], changes])
    ends = np.concatenate([changes, [len(phase)]]) - 1
    return [[int(a), int(b), int(phase[a]), int(step[a])] for a, b in zip(starts, ends)]


def _drawn(image):
    """The image in 0 to 255, (H, W, C)."""
    image = np.atleast_1d(image).astype(float)
    image = image if image.ndim == 3 else image.reshape(1, -1, 1)
    low, high = min(image.min(), 0), image.max()
    return np.round(255 * (image - low) / (high - low or 1)).astype(np.uint8)


def _shape(trace, layer):
    """(H, W, C) of a layer's neurons."""
    shape = trace._layer(layer).out_shape
    return tuple(shape) if len(shape) == 3 else (1, 1, *shape)


def _frame(layer):
    """(H, W, C) of what a layer takes; maps stay maps, whoever takes them."""
    shape = layer.in_shape
    return tuple(shape) if len(shape) == 3 else (1, 1, *shape)


# What is told


def _opening(trace, layer, neuron, step):
    """What the page opens with: by default, the first spike of the answer."""
    asked = None not in (layer, neuron)
    if (layer is None) != (neuron is None):
        raise InputError("a neuron is named by its layer and its number; give both, or neither")
    if not asked:
        layer = len(trace.network.layers) - 1
        neuron = int(trace.spk[layer].reshape(trace.num_steps, -1).sum(axis=0).argmax())
    trace._layer(layer)
    trace._place(layer, neuron)
    if step is None:
        fires = np.flatnonzero(trace.spk[layer].reshape(trace.num_steps, -1)[:, neuron])
        step = int(fires[0]) if len(fires) else trace.num_steps - 1
    trace._step(step)
    return {"layer": layer, "neuron": neuron, "step": step}


def _about(trace):
    """Plain values that the script needs."""
    layers = []
    for index, each in enumerate(trace.network.layers):
        unit = each.scale / 2**each.guard
        beta, threshold, reset = trace.float_params[index]
        layers.append(
            {
                "name": each.layer.name,
                "kind": each.layer.kind,
                "shape": _shape(trace, index),
                "pool": each.layer.pool,
                "frame": _frame(each.layer),
                "kernel": each.layer.w_shape[0] if each.layer.kind == "conv2d" else 0,
                "constant": trace.constant(index),
                "wide": trace._wides[index],
                "lanes": trace.lanes[index],
                "threshold": each.threshold,
                "unit": unit,
                "threshold_unit": each.threshold * unit,
                "threshold_float": threshold,
                "beta_float": beta,
                "reset": each.reset,
                "rounding": each.rounding,
                "beta": each.beta,
                "beta_one": 1 << each.frac,
                "shift": 1 << each.guard,
                "low": each.low,
                "high": each.high,
                "fires": trace.spk[index].reshape(trace.num_steps, -1).sum(axis=1).tolist(),
            }
        )
    return {
        "steps": trace.num_steps,
        "latency": trace.latency,
        "phases": PHASES,
        "layers": layers,
        "readout": trace.network.readout,
        "constant": trace.constant(0),
    }


def _title(trace):
    about = trace.about
    which = f", image {about['image']}" if about.get("image") is not None else ""
    return f"From spike to cycle: {about.get('dataset') or 'one image'}{which}"


def _header(trace):
    """The facts, as a list of definitions."""
    about = trace.about
    answer = str(about.get("answer", "not told"))
    if about.get("label") is not None and "answer" in about:
        answer += ", right" if about["label"] == about["answer"] else ", wrong"
    if about.get("scores"):
        what = "membranes summed" if trace.network.readout == "membrane" else "spikes counted"
        answer += f" ({what}: {', '.join(map(str, about['scores']))})"
    facts = [
        ("network", normalised([each.layer for each in trace.network.layers])),
        ("label", str(about.get("label", "not told"))),
        ("answer", answer),
        ("lanes", "/".join(map(str, trace.lanes)) + (", all taps at once" if any(trace._wides) else "")),
        ("latency", f"{trace.latency:,} cycles, {trace.num_steps} steps"),
        ("checked", checked(about)),
    ]
    return "".join(f"<dt>{name}</dt><dd>{escape(words)}</dd>" for name, words in facts)


def checked(about):
    """What the trace was held against, in a sentence.

    Parameters
    ----------
    about : dict
        With ``checked``: None, a sentence, or the name of a simulator and how many of what differ.

    Examples
    --------
    >>> checked({"checked": {"simulator": "ghdl", "spikes": 0, "cycles": 2}})
    'Held against the gates in GHDL, for this image: THEY DIFFER, cycles 2.'
    >>> checked({})
    "Not held against the gates: cycles are the model's."
    """
    found = about.get("checked")
    if not found:
        return "Not held against the gates: cycles are the model's."
    if not isinstance(found, dict):
        return str(found)[:1].upper() + str(found)[1:].rstrip(".") + "."
    simulator = {"myhdl": "MyHDL", "ghdl": "GHDL", "verilator": "Verilator"}.get(found["simulator"], found["simulator"])
    counts = [(name, count) for name, count in found.items() if name != "simulator" and count]
    words = (
        "no difference" if not counts else "THEY DIFFER, " + ", ".join(f"{name} {count:,}" for name, count in counts)
    )
    return f"Held against the gates in {simulator}, for this image: {words}."
