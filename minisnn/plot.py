"""Figures. With ``study/plots.py`` the only file that knows matplotlib; it draws without a screen and keeps no state.

Functions that take ``axes`` or a ``figure`` draw on the caller's; functions that take a path write a PNG, completely or
not at all.
"""

import io
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from . import check
from .errors import InputError
from .files import atomic_write
from .rng import stream


def training_figure(model: Any, image: np.ndarray, label: int, path: str | Path) -> None:
    """Write a PNG of the learning curves beside the spikes of one image through the layers."""
    with _png((12, 5), path) as figure:
        left, right = figure.subfigures(1, 2, wspace=0.04)
        learning_curve(left.subplots(), model.history)
        image_raster(right, model, image, label)


@contextmanager
def _png(size, path):
    """Yield a figure to draw on, and write it as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    yield figure
    file = io.BytesIO()
    canvas.print_png(file)
    atomic_write(path, file.getvalue())


def cycles_figure(cycles: Any, names: Sequence[str], lanes: Sequence[int], path: str | Path) -> None:
    """Write a PNG of the cycles: the layers of the first image over time, and their shares over all images."""
    with _png((12, 1.6 + 0.95 * len(names)), path) as figure:
        gantt, shares = figure.subplots(1, 2, width_ratios=(2.6, 1), sharey=True)
        labels = [f"{name}\n{count} lanes" for name, count in zip(names, lanes)]
        pipeline_gantt(gantt, cycles, labels)
        cycle_shares(shares, cycles)
        handles, words = shares.get_legend_handles_labels()
        figure.legend(handles, words, loc="outside lower center", ncols=len(words), frameon=False)


def front_figure(front: Sequence[Any], device: str, tables: int, path: str | Path) -> None:
    """Write a PNG of the designs that fit a device: latency over look-up tables, with the lanes and taps of each.

    `front` holds :class:`minisnn.timing.balance.Point`, the cheapest first; `tables` are those of the device.
    """
    with _png((10, 6), path) as figure:
        axes = figure.subplots()
        costs, latencies = [point.cost for point in front], [point.latency for point in front]
        axes.step(costs, latencies, where="post", color="tab:blue", linewidth=1)
        axes.plot(costs, latencies, "o", color="tab:blue")
        for point in front:
            lanes, taps = ("/".join(map(str, numbers)) for numbers in point.share)
            words = lanes if max(point.share.taps) == 1 else f"{lanes}, taps {taps}"
            # Beside the steps: above them on the left, below them on the right.
            offset, side = ((6, 4), "left") if point.cost < tables / 2 else ((-6, -11), "right")
            axes.annotate(words, (point.cost, point.latency), offset, textcoords="offset points", ha=side, fontsize=8)
        axes.axvline(tables, color="0.5", linestyle="--", linewidth=1, label=f"all of a {device}")
        axes.set(
            title=f"Designs that fit a {device}: lanes, and taps where several are added at once",
            xlabel="look-up tables (estimated)",
            ylabel="latency (clock cycles, mean)",
            yscale="log",
            xlim=(0, 1.03 * tables),
            ylim=(0.7 * min(latencies), 1.4 * max(latencies)),
        )
        axes.yaxis.get_major_locator().set_params(subs=(1, 2, 5))
        axes.yaxis.set_minor_formatter("")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter("{x:,.0f}")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="lower left")


# Colours of what a layer does, in every figure.
ADDS, FIRING, WAITS, IDLE = "tab:blue", "tab:orange", "0.7", "0.93"


def pipeline_gantt(axes: Any, cycles: Any, labels: Sequence[str], image: int = 0) -> None:
    """Draw what each layer does over time for one image; a step's number, from 0, is in its bar if it fits."""
    begins, added, firing_starts, ends = (
        getattr(cycles, name)[image] for name in ("begins", "added", "firing_starts", "ends")
    )
    latency = int(cycles.latency[image])
    # A step that is dropped ends where its additions do, and one that has not begun is not drawn.
    firing_starts, ends = np.maximum(firing_starts, added), np.maximum(ends, added)
    for layer in range(len(labels)):
        for t in np.flatnonzero(added[layer] >= 0):
            parts = ((begins, added, ADDS), (added, firing_starts, WAITS), (firing_starts, ends, FIRING))
            axes.broken_barh(
                [(a[layer, t], b[layer, t] - a[layer, t]) for a, b, _ in parts],
                (layer - 0.36, 0.72),
                facecolors=[color for *_, color in parts],
            )
            if ends[layer, t] - begins[layer, t] > latency / 40:
                axes.text(
                    (begins[layer, t] + ends[layer, t]) / 2,
                    layer,
                    t,
                    ha="center",
                    va="center",
                    fontsize=8,
                    color="white",
                )
    axes.set(
        title=f"One image: {latency:,} cycles, layer by step",
        xlabel="clock cycle",
        xlim=(0, latency),
        yticks=range(len(labels)),
        yticklabels=labels,
    )
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.spines[["top", "right"]].set_visible(False)


def cycle_shares(axes: Any, cycles: Any) -> None:
    """Draw the shares of the latency in which each layer adds, is in its firing pass, waits, or is idle."""
    latency = cycles.over.mean() + 1
    adds = cycles.adding.sum(axis=2).mean(axis=0)
    firing = cycles.firing * cycles.passes.mean(axis=0)
    waits = cycles.waiting.sum(axis=2).mean(axis=0)
    parts = (
        (adds, ADDS, "adds"),
        (firing, FIRING, "firing pass"),
        (waits, WAITS, "waits"),
        (latency - adds - firing - waits, IDLE, "idle"),
    )
    left = np.zeros(len(adds))
    for values, color, label in parts:
        axes.barh(range(len(adds)), 100 * values / latency, 0.72, left=100 * left / latency, color=color, label=label)
        left = left + values
    count = len(cycles.latency)
    axes.set(
        title=f"Mean of {count} image{'s' if count > 1 else ''}", xlabel="share of an image's cycles (%)", xlim=(0, 100)
    )
    axes.spines[["top", "right"]].set_visible(False)


def learning_curve(axes: Any, history: list[dict]) -> None:
    """Draw loss (left axis) and accuracies (right axis) by epoch; accuracies of None are left out."""
    epochs = [entry["epoch"] for entry in history]
    marker = "o" if len(epochs) < 3 else None  # one point makes no line
    right = axes.twinx()
    axes.plot(epochs, [entry["loss"] for entry in history], color="0.55", marker=marker, label="loss (left)")
    for name, color in (("train", "tab:blue"), ("validation", "tab:orange")):
        values = [entry[f"{name}_accuracy"] for entry in history]
        if None not in values:
            right.plot(
                epochs,
                [100 * value for value in values],
                color=color,
                marker=marker,
                label=f"{name.replace('train', 'training')} accuracy (right)",
            )
    axes.set(title="Learning", xlabel="epoch", ylabel="loss", xlim=(0.5, len(epochs) + 0.5))
    axes.set_ylim(bottom=0)
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    right.set(ylabel="accuracy (%)", ylim=(0, 101))
    lines = axes.lines + right.lines
    axes.legend(
        lines,
        [line.get_label() for line in lines],
        loc="upper center",
        bbox_to_anchor=(0.5, -0.12),
        ncols=len(lines),
        frameon=False,
        fontsize=9,
    )  # below: no curve can be under it


def spike_raster(figure: Any, spk: np.ndarray | Sequence[np.ndarray], titles: Sequence[str] = ()) -> None:
    """Draw the spikes of one image over time, a row of axes for each array.

    A mark is a spike; where neurons are finer than the screen's dots, darker means more spikes.

    Parameters
    ----------
    figure : matplotlib Figure, or Axes for a single array
    spk : ndarray of shape (T, N) or (T, H, W, C), or a sequence of these
        Spikes 0/1, such as ``[layer.spk[:, 0] for layer in run.layers]``.
    titles : sequence of str, optional
        One for each array; by default the number of neurons and the firing rate.

    Raises
    ------
    InputError
        If an array has another shape, such as one with a batch, or values that are no spikes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> figure = Figure()
    >>> spike_raster(figure, np.eye(4))  # four neurons, each spikes once
    >>> figure.axes[0].get_title(loc="left")
    '4 neurons, firing rate 25.0 %'
    """
    arrays = [_spikes(x) for x in ([spk] if isinstance(spk, np.ndarray) else spk)]
    if titles and len(titles) != len(arrays):
        raise InputError(f"titles must be one for each of {len(arrays)} arrays of spikes, got {len(titles)}")
    if not hasattr(figure, "subplots") and len(arrays) != 1:
        raise InputError(f"one Axes cannot show {len(arrays)} arrays of spikes; pass a Figure")
    if hasattr(figure, "subplots"):
        rows = figure.subplots(len(arrays), 1, sharex=True, squeeze=False)[:, 0]
    else:
        rows = [figure]
    for index, (axes, x) in enumerate(zip(rows, arrays)):
        words = f"{x.shape[1]:,} neurons, firing rate {100 * x.mean():.1f} %"
        _titled_raster(axes, x, titles[index] if titles else words)
    _label_time(rows[-1])
    rows[len(rows) // 2].set_ylabel("neuron index")


def _spikes(x):
    """Return the spikes of one image as (T, neurons); raise InputError if they are something else."""
    x = check.finite("spk", x)
    if x.ndim not in (2, 4) or x.size == 0:
        raise InputError(
            f"spk must be the spikes of one image, of shape (T, N) or (T, H, W, C), got {x.shape}; one image of a "
            "batch (T, B, ...) is spk[:, 0]"
        )
    if x.min() < 0 or x.max() > 1:
        raise InputError(f"spk must be spikes 0 and 1, got values from {x.min():g} to {x.max():g}")
    return x.reshape(len(x), -1)


def _titled_raster(axes, x, title):
    """Draw values 0 to 1 of shape (T, neurons) under a title, with indices of neurons at the left."""
    neurons = x.shape[1]
    _raster(axes, x)
    axes.set_title(title, loc="left", fontsize=9)
    axes.set_yticks([0, neurons - 1] if neurons > 10 else range(neurons))
    axes.tick_params(axis="y", labelsize=7 if 4 < neurons <= 10 else 9)


def image_raster(figure: Any, model: Any, image: np.ndarray, label: int) -> None:
    """Draw the spikes of every layer of a model for one raw image, or the membranes of a layer that never spikes."""
    net, encoder = model.network, model.encoder
    inputs = encoder.encode(image[None], stream(model.seed, "encode"), net.dtype)
    run = net.forward(inputs, encoder.num_steps, record=True)
    rows = figure.subplots(len(net.layers), 1, sharex=True, squeeze=False)[:, 0]
    for axes, layer, done, rate in zip(rows, net.layers, run.layers, run.rates):
        name, words = layer.name.replace(" ", ", ", 1), f"firing rate {100 * rate:.1f} %"
        marks = done.spk
        if layer.reset == "none":
            words, marks = "its membranes, since it never spikes", _unit(done.mem)
        title = f"layer {name}: {layer.shape.neurons} neurons, {words}"
        _titled_raster(axes, marks.reshape(encoder.num_steps, -1), title)
    answer = int(net.scores(run)[0].argmax())
    figure.suptitle(f"Spikes for one test image (it shows class {label}, the answer is {answer})")
    _label_rasters(figure, rows)


def _unit(x):
    """Stretch `x` over 0 to 1."""
    return (x - x.min()) / (np.ptp(x) or 1)


def _raster(axes, marks):
    """Draw values 0 to 1 of shape (T, neurons), time to the right; a gap separates one step from the next."""
    num_steps, neurons = marks.shape
    columns = np.tile([0, 1, 1, 1, 1, 1, 1, 0], num_steps)  # of each step 8, of which the outer two stay white
    axes.imshow(
        np.repeat(marks.T, 8, axis=1) * columns,
        aspect="auto",
        cmap="Blues",
        vmin=0,
        vmax=1,
        origin="lower",
        extent=(-0.5, num_steps - 0.5, -0.5, neurons - 0.5),
    )


def _label_rasters(figure, rows):
    """Label the time below the last row, and the neurons at the left."""
    _label_time(rows[-1])
    figure.supylabel("neuron index", fontsize=10)


def _label_time(axes):
    axes.set_xlabel("time step")
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)


def trace_figures(trace: Any, factors: Any, chosen: tuple[int, int, int], folder: Path) -> list[str]:
    """Write PNGs of one image's trace (spikes, a membrane, the pipeline, a gradient), and return their names."""
    layers = trace.network.layers
    drawings = {
        "spikes.png": ((7, 1.6 * len(layers)), lambda figure: _spikes_of(figure, trace)),
        "membrane.png": ((7, 4), lambda figure: membrane(figure.subplots(), trace, *chosen[:2])),
        "pipeline.png": ((10, 1.2 + 0.8 * len(layers)), lambda figure: _gantt_of(figure.subplots(), trace)),
    }
    if factors is not None:
        drawings["gradient.png"] = ((8, 6), lambda figure: three_factors(figure, factors, chosen[0]))
    for name, (size, draw) in drawings.items():
        with _png(size, folder / name) as figure:
            draw(figure)
    return list(drawings)


def _spikes_of(figure, trace):
    rows = figure.subplots(len(trace.spk), 1, sharex=True, squeeze=False)[:, 0]
    for axes, integers, spk in zip(rows, trace.network.layers, trace.spk):
        title = (
            f"layer {integers.layer.name}: {int(spk.sum()):,} spikes of {integers.layer.neurons:,} neurons "
            f"in {trace.num_steps} step{'s' * (trace.num_steps != 1)}"
        )
        _titled_raster(axes, spk.reshape(trace.num_steps, -1), title)
    _label_rasters(figure, rows)


def membrane(axes: Any, trace: Any, layer: int, neuron: int) -> None:
    """Draw a neuron's membrane before reset, in integers and in floats, with the threshold and its spikes."""
    integers, steps = trace.network.layers[layer], np.arange(trace.num_steps)
    unit = integers.scale / 2**integers.guard
    integer = trace.mem[layer].reshape(trace.num_steps, -1)[:, neuron] * unit
    integer = np.where(trace.fired[layer], integer, np.nan)  # nothing is drawn where a step is dropped
    floats = trace.mem_float[layer].reshape(trace.num_steps, -1)[:, neuron]
    fired = trace.spk[layer].reshape(trace.num_steps, -1)[:, neuron] > 0
    axes.axhline(integers.threshold * unit, color="0.4", linestyle="--", linewidth=1, label="threshold")
    axes.plot(steps, floats, color="tab:orange", marker="o", label="floats")
    axes.plot(steps, integer, color="tab:blue", marker="s", markersize=4, linestyle=":", label="integers")
    axes.plot(steps[fired], integer[fired], "^", color="tab:red", markersize=11, fillstyle="none", label="spike")
    axes.set(
        title=f"Layer {integers.layer.name}, neuron {neuron}",
        xlabel="time step",
        ylabel="membrane before reset (float units)",
    )
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.14))


def _gantt_of(axes, trace):
    from types import SimpleNamespace

    begins, added, firing_starts, ends = trace.times[:, None]
    times = SimpleNamespace(
        begins=begins, added=added, firing_starts=firing_starts, ends=ends, latency=np.array([trace.span])
    )
    labels = [f"{integers.layer.name}\n{count} lanes" for integers, count in zip(trace.network.layers, trace.lanes)]
    pipeline_gantt(axes, times, labels)
    early = trace.steps_taken < trace.num_steps
    if early:
        axes.axvline(trace.decided, color="tab:red", linewidth=1)
    dropped = "\nfrom the red line on what is left of the image is dropped" * early
    axes.set_title(
        f"{trace.latency:,} clock cycles: adds (blue), waits (grey), firing pass (orange); numbers: steps{dropped}"
    )


def three_factors(figure: Any, factors: Any, layer: int) -> None:
    """Draw the gradient of a layer's steepest weight as the sum over steps of its three factors."""
    grad = factors.grads[2 * layer]
    weight = tuple(int(i) for i in np.unravel_index(np.abs(grad).argmax(), grad.shape))
    chosen = factors.of(layer, weight)
    steps, rows = np.arange(factors.num_steps), figure.subplots(4, 1, sharex=True)
    # For a weight that many neurons share: means of the factors, sums of the products.
    parts = (
        (chosen.error.mean(axis=1), "error dL/dS"),
        (chosen.surrogate.mean(axis=1), "surrogate"),
        (chosen.trace.mean(axis=1), "input trace"),
        (chosen.products.sum(axis=1), "product"),
    )
    for axes, (values, label) in zip(rows, parts):
        axes.bar(steps, values, color="tab:purple" if label == "product" else "tab:blue", width=0.6)
        axes.axhline(0, color="0.5", linewidth=0.8)
        axes.set_ylabel(label)
        axes.spines[["top", "right"]].set_visible(False)
    name, shared = factors.net.layers[layer].name, len(chosen.neurons)
    rows[0].set_title(
        f"Layer {name}, its steepest weight {weight}: sum of products {chosen.gradient:.4g} = gradient"
        + (f" (factors: mean of {shared} neurons)" if shared > 1 else ""),
        fontsize=10,
    )
    rows[-1].set_xlabel("time step")
    rows[-1].xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
