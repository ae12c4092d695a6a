"""Pitfalls: how results change when the hardware implements a different network from the one trained.

Both pitfalls are measured on all test images, with the trained weights:

- the other order of leak and subtraction: at beta 0.25, a spike then subtracts a quarter of the threshold only
- pooling before firing: each window has one neuron, which takes the maximum of its currents, instead of one neuron for
  each current and the OR of their spikes

Aliyev & Adegbija's public code trains one network and implements the other in its RTL, in both respects.
"""

from collections.abc import Sequence

import numpy as np

from .. import lif, maxpool
from ..data.dataset import Dataset
from ..fixed.quantize import quantize
from ..loss import class_sums
from ..model import Model
from ..network import Network
from ..timing import cycles
from .plan import Plan
from .point import model_file, opened
from .progress import progress
from .store import Store

OTHER_RESET = {"subtract": "subtract_then_leak", "subtract_then_leak": "subtract"}
# Name of a pitfall, and the keys of `measure` that have the results without it and with it.
PITFALLS = (
    ("deployed with the other reset order", "trained", "other reset"),
    ("pooled before firing", "trained, float", "pooled first"),
)


def note(plan: Plan, store: Store, data: Dataset, names: Sequence[str] = ("default", "cycles")) -> None:
    """Measure the pitfalls on selected settings; store the means over seeds as the note "pitfalls".

    `names` are those of :class:`minisnn.study.progress.Progress`; those not selected are left out. A note that exists
    is kept.
    """
    if store.noted("pitfalls") is not None:
        return
    selected = progress(plan, store.rows()).selected
    lines = []
    for name in names:
        if name not in selected:
            continue
        rows = selected[name].rows
        results = [measure(opened(model_file(row, store, data)), data, plan.lanes) for row in rows]
        for pitfall, right, wrong in PITFALLS:
            lines.append(
                {
                    "pitfall": pitfall,
                    "setting": name,
                    "honest": _means([result[right] for result in results]),
                    "wrong": _means([result[wrong] for result in results]),
                    "seeds": len(rows),
                }
            )
    store.note("pitfalls", lines)


def _means(results):
    """Means of equal dicts of numbers, by key."""
    return {key: sum(result[key] for result in results) / len(results) for key in results[0]}


def measure(model: Model, data: Dataset, lanes: Sequence[int], threads: int | None = None) -> dict[str, dict]:
    """Measure both pitfalls on a model with reset "subtract" or "subtract_then_leak".

    Return ``{name: {accuracy, firing_rate (spikes per neuron and step), latency}}``: the integers as "trained" and
    with the "other reset"; the floats as "trained, float" and "pooled first".
    """
    integer, _ = quantize(model, images=data.x_train)
    other_integer, _ = quantize(_with_other_reset(model, threads), images=data.x_train)
    return {
        "trained": _integer_results(integer, data, lanes, threads),
        "other reset": _integer_results(other_integer, data, lanes, threads),
        "trained, float": _float_results(model, integer, data, lanes, pool_first=False),
        "pooled first": _float_results(model, integer, data, lanes, pool_first=True),
    }


def _with_other_reset(model, threads):
    net = model.network
    config = net.config() | {"reset": OTHER_RESET[net.reset], "threads": threads}
    other = Network(**config, rng=np.random.default_rng(0))
    for copy, trained in zip(other.params, net.params):
        copy[...] = trained
    return Model(other, model.encoder, model.seed, model.dataset, model.settings)


def _integer_results(integer, data, lanes, threads):
    result = integer.evaluate(data.x_test, data.y_test, threads)
    stimulus = cycles.Stimulus.of_images(integer, data.x_test, threads)
    neurons = np.array([layer.layer.neurons for layer in integer.network.layers])
    return {
        "accuracy": result.accuracy,
        "firing_rate": float(np.dot(result.firing_rates, neurons) / neurons.sum()),
        "latency": float(cycles.predict(stimulus, lanes).latency.mean()),
    }


def _float_results(model, integer, data, lanes, pool_first, batch_size=100):
    """Results of the reference's forward pass; its spikes are timed as if the integers had made them."""
    net, num_steps, images = model.network, model.encoder.num_steps, len(data.x_test)
    right, spikes, neurons, latency = 0, 0.0, 0, 0.0
    starts = range(0, images, batch_size)
    for inputs, start in zip(integer.inputs(data.x_test, batch_size), starts):
        batch = slice(start, start + batch_size)
        x = model.encoder.encode(data.x_test[batch], None, net.dtype)
        frames, frame = [], inputs
        for layer in net.layers:
            frames.append(frame)
            x, spk = _forward(layer, x, num_steps, pool_first)
            frame = x.astype(np.uint8)
            spikes, neurons = spikes + float(spk.sum()), neurons + spk.size
        counts = class_sums(x.reshape(*x.shape[:2], -1).sum(axis=0), net.classes)
        right += int((counts.argmax(axis=1) == data.y_test[batch]).sum())
        stimulus = cycles.Stimulus.of_frames(integer.network, frames, num_steps)
        latency += float(cycles.predict(stimulus, lanes).latency.sum())
    return {"accuracy": right / images, "firing_rate": spikes / neurons, "latency": latency / images}


def _forward(layer, x, num_steps, pool_first):
    """Return what a layer hands on, and its neurons' spikes."""
    pool = layer.shape.pool
    cur = layer.forward(layer.inputs(x))
    if pool_first and pool > 1:
        cur = maxpool.forward(cur, pool)
    spk, _ = lif.forward(cur, num_steps, layer.beta, layer.threshold, layer.reset)
    pooled = spk if pool_first or pool == 1 else maxpool.forward(spk, pool)
    return pooled, spk
