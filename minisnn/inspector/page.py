"""A trace as one page of HTML: click any spike to see its sum and its clock cycles.

Python stores, the page's scripts select and draw. No number of the network is computed in the browser: the script would
be another implementation, and one that no test compares with the others. So everything is stored: membrane, current,
state, spike and cycles of each neuron and step; what each layer does in each cycle; and the running sum after each
addition. These sums are many; of a large network only some fit the page, see :func:`page`.
"""

import json
import re
from html import escape
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..topology import normalised
from . import tables
from .doing import PHASES, doings
from .ending import ending, words
from .factors import Factors
from .pack import Pack, bits
from .record import Record, as_map
from .sums import all_additions, fitting

LIMIT = 24_000_000  # bytes of a page
SLACK = 8192  # bytes of it that are kept for everything small
WEB = Path(__file__).parent / "web"
SCRIPTS = ("arrays", "text", "state", "maps", "gantt", "cycle", "neuron", "sum", "training", "play", "address", "start")
SIMULATORS = {"myhdl": "MyHDL", "ghdl": "GHDL", "verilator": "Verilator"}


def page(
    trace: Record,
    factors: Factors | None = None,
    layer: int | None = None,
    neuron: int | None = None,
    step: int | None = None,
    limit: int = LIMIT,
) -> str:
    """Return the text of ``inspect.html``, which needs no other file.

    Parameters
    ----------
    trace : minisnn.inspector.trace.Trace
    factors : minisnn.inspector.factors.Factors, optional
        The backward pass of the same image.
    layer, neuron, step : int, optional
        The membrane that the page shows first, counted from 0; by default the first spike of the answer. Its sum is
        always stored.
    limit : int
        Bytes of the page, about. Sums that do not fit are left out: those of early layers first, and in a layer those
        of the pixels (fully connected: neurons) that spike least.
    """
    opening = _opening(trace, layer, neuron, step)
    about = _about(trace) | {"opening": opening, "training": tables.training(trace, factors) if factors else None}
    first, rest = Pack(), Pack()
    first.add("image", _picture(trace))
    if not trace.constant(0):
        first.add("input", bits(trace.frames[0]))
    additions = [_store_layer(trace, index, first, rest) for index in range(len(about["layers"]))]
    style, template = (WEB / "page.css").read_text(encoding="utf-8"), (WEB / "page.html").read_text(encoding="utf-8")
    script = "\n".join((WEB / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    room = limit - sum(map(len, (json.dumps(about), style, script, template))) - first.size - rest.size - SLACK
    for index in reversed(range(len(additions))):
        before = rest.size
        asked = opening["neuron"] if index == opening["layer"] else None
        about["layers"][index]["sums"], arrays = fitting(trace, index, additions[index], room, asked)
        for name, values in arrays.items():
            rest.add(f"{index}.{name}", values)
        room -= rest.size - before
    about["arrays"] = first.about | rest.about
    parts = {
        "title": escape(_title(trace)),
        "header": _header(trace),
        "ending": ending(trace),
        "meta": json.dumps(about).replace("<", "\\u003c"),
        "first": first.html(),
        "rest": rest.html(),
        "style": style,
        "script": script,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)


def _store_layer(trace, index, first, rest):
    """Store everything about a layer except its additions, which are returned."""
    first.add(f"{index}.spk", bits(trace.spk[index]))
    neurons = tables.neurons(trace, index)
    additions, currents = all_additions(trace, index, neurons["kept"])
    for name, values in (neurons | tables.weights(trace, index) | {"cur": currents}).items():
        rest.add(f"{index}.{name}", values)
    for name, values in doings(trace, index).items():
        rest.add(f"{index}.at.{name}", values)
    return additions


def _opening(trace, layer, neuron, step):
    """The membrane that the page shows first; by default at the first spike of the answer."""
    if (layer is None) != (neuron is None):
        raise InputError("a neuron is named by its layer and its number; give both, or neither")
    if layer is None:
        layer = len(trace.network.layers) - 1
        neuron = int(trace.spk[layer].reshape(trace.num_steps, -1).sum(axis=0).argmax())
    trace.place(layer, neuron)
    if step is None:
        spikes = np.flatnonzero(trace.spk[layer].reshape(trace.num_steps, -1)[:, neuron])
        step = int(spikes[0]) if len(spikes) else trace.steps_taken - 1
    return {"layer": layer, "neuron": neuron, "step": trace.checked_step(step)}


def _about(trace):
    """Plain values that the script needs."""
    return {
        "steps": trace.num_steps,
        "cycles": trace.span,
        "decided": None if trace.steps_taken == trace.num_steps else trace.decided,
        "phases": PHASES,
        "layers": [_about_layer(trace, index) for index in range(len(trace.network.layers))],
        "constant": trace.constant(0),
    }


def _about_layer(trace, index):
    integers = trace.network.layers[index]
    shape = integers.layer
    _, threshold_float, _ = trace.float_params[index]
    number, _, notation = shape.name.partition(" ")
    doing = doings(trace, index)
    return {
        "number": number,
        "notation": notation,
        "shape": trace.neuron_shape(index),
        "pool": shape.pool,
        "frame": as_map(shape.in_shape),  # maps stay maps, whichever layer takes them
        "kernel": shape.w_shape[0] if shape.kind == "conv2d" else 0,
        "constant": trace.constant(index),
        "threshold": integers.threshold,
        "threshold_unit": integers.threshold * (integers.scale / 2**integers.guard),
        "threshold_float": threshold_float,
        "reset": integers.reset,
        "rounding": integers.rounding,
        "beta": integers.beta,
        "beta_one": 1 << integers.frac,
        "shift": 1 << integers.guard,
        "low": integers.low,
        "high": integers.high,
        "dropped": (~trace.fired[index]).tolist(),
        "spikes": trace.spk[index].reshape(trace.num_steps, -1).sum(axis=1).tolist(),
        "segments": _segments(doing["phase"], doing["step"]),
    }


def _segments(phase, step):
    """[first cycle, last cycle, phase, step] for each run of cycles in which neither phase nor step changes."""
    changes = np.flatnonzero((np.diff(phase) != 0) | (np.diff(step) != 0)) + 1
    starts = np.concatenate([[0], changes])
    lasts = np.concatenate([changes, [len(phase)]]) - 1
    return np.stack([starts, lasts, phase[starts], step[starts]], axis=1).tolist()


def _picture(trace):
    """The image in 0 to 255, (H, W, C); of a recording all events of a pixel, added up."""
    image, shape = np.atleast_1d(trace.image).astype(float), trace.network.input_shape
    if image.ndim > len(shape):
        image = image.sum(axis=0)
        image = image.sum(axis=-1, keepdims=True) if len(shape) == 3 else image
    image = image if image.ndim == 3 else image.reshape(1, -1, 1)
    low, high = min(image.min(), 0), image.max()
    return np.round(255 * (image - low) / (high - low or 1)).astype(np.uint8)


def _title(trace):
    about = trace.about
    image = f", image {about['image']}" if about.get("image") is not None else ""
    return f"From spike to cycle: {about.get('dataset') or 'one image'}{image}"


def _header(trace):
    """The facts about the image, as a list of definitions."""
    about = trace.about
    facts = [
        ("network", normalised([layer.layer for layer in trace.network.layers])),
        ("label", str(about.get("label", "unknown"))),
        ("answer", _answer(trace)),
        ("lanes", "/".join(map(str, trace.lanes))),
        ("taps at once", "/".join(map(str, trace.taps))),
        ("latency", f"{trace.latency:,} cycles, {trace.num_steps} steps"),
        *([("early exit", words(trace, trace.exit))] if trace.exit else []),
        ("checked", checked(about)),
    ]
    return "".join(f"<dt>{name}</dt><dd>{escape(words)}</dd>" for name, words in facts)


def _answer(trace):
    about = trace.about
    words = str(about.get("answer", "unknown"))
    if about.get("label") is not None and "answer" in about:
        words += ", right" if about["label"] == about["answer"] else ", wrong"
    if about.get("scores"):
        kind = "sums of membranes" if trace.network.readout == "membrane" else "numbers of spikes"
        words += f" (scores of the classes, {kind}: {', '.join(map(str, about['scores']))})"
    return words


def checked(about: dict) -> str:
    """Return a sentence that says what the trace was compared with, and whether they differ."""
    result = about.get("checked")
    if not result:
        return "Not compared with gates: the cycles are those of the cycle model."
    if not isinstance(result, dict):
        return str(result)[:1].upper() + str(result)[1:].rstrip(".") + "."
    simulator = SIMULATORS.get(result["simulator"], result["simulator"])
    counts = [f"{count:,} {name}" for name, count in result.items() if name != "simulator" and count]
    words = f"THEY DIFFER in {', '.join(counts)}" if counts else "no difference"
    return f"Compared with the gates in {simulator} for this image: {words}."
