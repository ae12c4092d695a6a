"""Figures. With plot_study the only file that knows matplotlib; it draws without a screen and keeps no state.

What takes ``axes`` or a ``figure`` draws on the caller's, so that it fits in figures of one's own; what takes a path
writes a PNG, whole or not at all.
"""

from contextlib import contextmanager

import numpy as np

from .files import atomic_write
from .rng import stream


def training_figure(model, image, label, path):
    """Learning curves beside the spikes that one image calls forth, as a PNG.

    Parameters
    ----------
    model : Model
        With its history.
    image : ndarray of shape (H, W, C) or (N,)
        A raw image.
    label : int
        What it shows.
    path : str or Path
        The PNG to write.

    Raises
    ------
    InputError
        If it cannot be written there.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from minisnn import Network, fit, load_data
    >>> data = load_data("digits")
    >>> net = Network("64-10", data.input_shape, backend="numpy", rng=np.random.default_rng(0))
    >>> model = fit(net, data, epochs=2, num_steps=4)
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "training.png")
    ...     training_figure(model, data.x_test[0], data.y_test[0], path)
    ...     path.read_bytes()[1:4]
    b'PNG'
    """
    with _png((12, 5), path) as figure:
        left, right = figure.subfigures(1, 2, wspace=0.04)
        learning_curve(left.subplots(), model.history)
        spike_raster(right, model, image, label)


@contextmanager
def _png(size, path):
    """A figure to draw on, which is written in the end."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    yield figure
    with atomic_write(path) as file:
        canvas.print_png(file)


def cycles_figure(cycles, names, lanes, path):
    """Where the cycles go: the layers of the first image beside one another in time, and their shares of all images'.

    Parameters
    ----------
    cycles : minisnn.timing.cycles.Cycles
    names : list of str
        Of the layers.
    lanes : sequence of int
    path : str or Path
        The PNG to write.

    Raises
    ------
    InputError
        If it cannot be written there.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from minisnn import Model, Network, load_data
    >>> from minisnn.timing.cycles import Stimulus, predict
    >>> from minisnn.encode import fit
    >>> from minisnn.fixed.quantize import quantize
    >>> data = load_data("digits")
    >>> net = Network("16-10", data.input_shape, backend="numpy", rng=np.random.default_rng(0))
    >>> model = Model(net, fit("direct", data.x_train, 4, data.max_value), dataset="digits")
    >>> cycles = predict(Stimulus.of_images(quantize(model, images=data.x_train)[0], data.x_test[:8]), lanes=(4, 2))
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "cycles.png")
    ...     cycles_figure(cycles, ["16", "10"], (4, 2), path)
    ...     path.read_bytes()[1:4]
    b'PNG'
    """
    with _png((12, 1.6 + 0.95 * len(names)), path) as figure:
        gantt, shares = figure.subplots(1, 2, width_ratios=(2.6, 1), sharey=True)
        labels = [f"{name}\n{count} lanes" for name, count in zip(names, lanes)]
        pipeline_gantt(gantt, cycles, labels)
        cycle_shares(shares, cycles)
        handles, words = shares.get_legend_handles_labels()
        figure.legend(handles, words, loc="outside lower center", ncols=len(words), frameon=False)


# Colours of what a layer does, in every figure.
ADDS, FIRING, WAITS, IDLE = "tab:blue", "tab:orange", "0.7", "0.93"


def pipeline_gantt(axes, cycles, labels, image=0):
    """Draw what each layer does over time for one image; a step's number, from 0, is in its bar if it fits.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    cycles : minisnn.timing.cycles.Cycles
    labels : list of str
        One for each layer.
    image : int, default 0

    Examples
    --------
    A layer that adds for 10 cycles and has a firing pass of 2, twice:

    >>> from types import SimpleNamespace
    >>> from matplotlib.figure import Figure
    >>> begins, added, firing_starts, ends = ([[[start, start + 12]]] for start in (0, 10, 10, 12))
    >>> cycles = SimpleNamespace(begins=np.array(begins), added=np.array(added),
    ...                          firing_starts=np.array(firing_starts), ends=np.array(ends), latency=np.array([30]))
    >>> axes = Figure().subplots()
    >>> pipeline_gantt(axes, cycles, ["1 8"])
    >>> axes.get_title(), [text.get_text() for text in axes.texts]
    ('One image: 30 cycles, layer by step', ['0', '1'])
    """
    begins, added, firing_starts, ends = (
        getattr(cycles, name)[image] for name in ("begins", "added", "firing_starts", "ends")
    )
    latency = int(cycles.latency[image])
    for layer in range(len(labels)):
        for t in range(begins.shape[1]):
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


def cycle_shares(axes, cycles):
    """Draw the shares of the latency in which each layer adds, is in its firing pass, waits, or is idle.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    cycles : minisnn.timing.cycles.Cycles

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from matplotlib.figure import Figure
    >>> cycles = SimpleNamespace(latency=np.array([40]), adding=np.array([[[10, 10]]]), firing=np.array([2]),
    ...                          waiting=np.array([[[0, 2]]]))
    >>> axes = Figure().subplots()
    >>> cycle_shares(axes, cycles)  # of 40 cycles 20 are additions, 2 * 2 firing passes, 2 waiting
    >>> {bars.get_label(): float(bars[0].get_width()) for bars in axes.containers}
    {'adds': 50.0, 'firing pass': 10.0, 'waits': 5.0, 'idle': 35.0}
    """
    latency = cycles.latency.mean()
    steps = cycles.adding.shape[2]
    adds = cycles.adding.sum(axis=2).mean(axis=0)
    firing = cycles.firing * float(steps)
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


def learning_curve(axes, history):
    """Loss (left axis) and accuracies (right axis) by epoch.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    history : list of dict
        As of :class:`minisnn.model.Model`; accuracies of None are left out.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> history = [{"epoch": n, "loss": 2 / n, "train_accuracy": 1 - 0.5 / n, "validation_accuracy": None}
    ...            for n in (1, 2, 4)]
    >>> axes = Figure().subplots()
    >>> learning_curve(axes, history)
    >>> axes.lines[0].get_ydata()
    array([2. , 1. , 0.5])
    >>> [text.get_text() for text in axes.get_legend().get_texts()]
    ['loss (left)', 'training accuracy (right)']
    """
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


def spike_raster(figure, model, image, label):
    """The spikes of every layer over time for one image: a row for each layer.

    A mark is a neuron that fires in a step; where neurons are finer than the screen's dots, the darker the
    more of them fire.

    Parameters
    ----------
    figure : matplotlib.figure.Figure or SubFigure
    model : Model
    image : ndarray of shape (H, W, C) or (N,)
        A raw image.
    label : int
        What it shows.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> net = Network("2", (2,), beta=0.0, reset="zero", backend="numpy", rng=np.random.default_rng(0))
    >>> net.params[0][...] = [[2.0, 0.0], [0.0, 2.0]]  # one neuron for each pixel
    >>> figure = Figure()
    >>> spike_raster(figure, Model(net, Encoder("direct", 4, 1.0)), np.array([0.0, 1.0]), label=1)
    >>> figure.get_suptitle()
    'Spikes for one test image (it shows class 1, the answer is 1)'
    >>> figure.axes[0].get_title(loc="left")
    'layer 1, 2: 2 neurons, 50.0 % fire in a step'
    """
    net, encoder = model.network, model.encoder
    inputs = encoder.encode(image[None], stream(model.seed, "encode"), net.dtype)
    run = net.forward(inputs, encoder.num_steps, record=True)
    rows = figure.subplots(len(net.layers), 1, sharex=True, squeeze=False)[:, 0]
    for axes, layer, done, rate in zip(rows, net.layers, run.layers, run.rates):
        name, words = layer.name.replace(" ", ", ", 1), f"{100 * rate:.1f} % fire in a step"
        marks = done.spk
        if layer.reset == "none":
            words, marks = "its membranes, for it never spikes", _unit(done.mem)
        marks = np.repeat(marks.reshape(encoder.num_steps, -1).T, 8, axis=1) * _gap(encoder.num_steps)
        axes.imshow(
            marks,
            aspect="auto",
            cmap="Blues",
            vmin=0,
            vmax=1,
            origin="lower",
            extent=(0.5, encoder.num_steps + 0.5, -0.5, layer.shape.neurons - 0.5),
        )
        axes.set_title(f"layer {name}: {layer.shape.neurons} neurons, {words}", loc="left", fontsize=9)
        axes.set_yticks([0, layer.shape.neurons - 1] if layer.shape.neurons > 10 else range(layer.shape.neurons))
        axes.tick_params(axis="y", labelsize=7 if 4 < layer.shape.neurons <= 10 else 9)
    answer = int(net.scores(run)[0].argmax())
    figure.suptitle(f"Spikes for one test image (it shows class {label}, the answer is {answer})")
    rows[-1].set_xlabel("time step")
    rows[-1].xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    figure.supylabel("neuron index", fontsize=10)


def _unit(x):
    """`x` stretched over 0 to 1."""
    return (x - x.min()) / (np.ptp(x) or 1)


def _gap(num_steps):
    """A step is drawn 8 columns wide, of which the outer two stay white, so that steps are told apart."""
    return np.tile([0, 1, 1, 1, 1, 1, 1, 0], num_steps)


def trace_figures(trace, factors, chosen, folder):
    """Figures of one image: spikes, a membrane, the pipeline, a gradient; as PNG.

    Parameters
    ----------
    trace : minisnn.inspector.trace.Trace
    factors : minisnn.inspector.factors.Factors or None
    chosen : (layer, neuron, step)
    folder : Path

    Returns
    -------
    names : list of str
        Of the files.

    Raises
    ------
    InputError
        If they cannot be written there.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> from minisnn.inspector.trace import trace
    >>> net = Network("1", (2,), beta=0.5, backend="numpy", rng=np.random.default_rng(0))
    >>> net.params[0][...] = [[3.0], [-1.0]]
    >>> integer, _ = quantize(Model(net, Encoder("latency", 3, 1.0)), 3, guard=0)
    >>> found = trace(integer, np.array([1.0, 0.5]))
    >>> with TemporaryDirectory() as folder:
    ...     names = trace_figures(found, None, (0, 0, 0), Path(folder))
    ...     names, all(Path(folder, name).read_bytes()[1:4] == b"PNG" for name in names)
    (['spikes.png', 'membrane.png', 'pipeline.png'], True)
    """
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
    for axes, each, spk in zip(rows, trace.network.layers, trace.spk):
        marks = np.repeat(spk.reshape(trace.num_steps, -1).T, 8, axis=1) * _gap(trace.num_steps)
        axes.imshow(
            marks,
            aspect="auto",
            cmap="Blues",
            vmin=0,
            vmax=1,
            origin="lower",
            extent=(-0.5, trace.num_steps - 0.5, -0.5, each.layer.neurons - 0.5),
        )
        axes.set_title(
            f"layer {each.layer.name}: {int(spk.sum()):,} spikes of {each.layer.neurons:,} neurons",
            loc="left",
            fontsize=9,
        )
    rows[-1].set_xlabel("time step")
    rows[-1].xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    figure.supylabel("neuron index", fontsize=10)


def membrane(axes, trace, layer, neuron):
    """A neuron's membrane before reset, in integers and in floats, with the threshold and its spikes.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    trace : minisnn.inspector.trace.Trace
    layer, neuron : int
        From 0.

    Examples
    --------
    A white pixel, weight 3, comes at step 0, a grey one, weight -1, at step 1; leak 1/2, threshold 1, which a spike
    takes away. The integers' leak rounds down:

    >>> from matplotlib.figure import Figure
    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> from minisnn.inspector.trace import trace
    >>> net = Network("1", (2,), beta=0.5, backend="numpy", rng=np.random.default_rng(0))
    >>> net.params[0][...] = [[3.0], [-1.0]]
    >>> integer, _ = quantize(Model(net, Encoder("latency", 3, 1.0)), 3, guard=0)
    >>> axes = Figure().subplots()
    >>> membrane(axes, trace(integer, np.array([1.0, 0.5])), 0, 0)
    >>> {line.get_label(): np.asarray(line.get_ydata()).tolist() for line in axes.lines[1:]}
    {'floats': [3.0, -0.5, -0.25], 'integers': [3.0, -1.0, -1.0], 'spike': [3.0]}
    """
    each, steps = trace.network.layers[layer], np.arange(trace.num_steps)
    unit = each.scale / 2**each.guard
    integer = trace.mem[layer].reshape(trace.num_steps, -1)[:, neuron] * unit
    floats = trace.mem_float[layer].reshape(trace.num_steps, -1)[:, neuron]
    fired = trace.spk[layer].reshape(trace.num_steps, -1)[:, neuron] > 0
    axes.axhline(each.threshold * unit, color="0.4", linestyle="--", linewidth=1, label="threshold")
    axes.plot(steps, floats, color="tab:orange", marker="o", label="floats")
    axes.plot(steps, integer, color="tab:blue", marker="s", markersize=4, linestyle=":", label="integers")
    axes.plot(steps[fired], integer[fired], "^", color="tab:red", markersize=11, fillstyle="none", label="spike")
    axes.set(
        title=f"Layer {each.layer.name}, neuron {neuron}",
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
        begins=begins, added=added, firing_starts=firing_starts, ends=ends, latency=np.array([trace.latency])
    )
    labels = [f"{each.layer.name}\n{count} lanes" for each, count in zip(trace.network.layers, trace.lanes)]
    pipeline_gantt(axes, times, labels)
    axes.set_title(f"{trace.latency:,} clock cycles: adds (blue), waits (grey), firing pass (orange); numbers: steps")


def three_factors(figure, factors, layer):
    """The gradient of a layer's steepest weight, as the sum over steps of its three factors.

    Parameters
    ----------
    figure : matplotlib.figure.Figure or SubFigure
    factors : minisnn.inspector.factors.Factors
    layer : int
        From 0.

    Examples
    --------
    Two neurons, both at their threshold, where this surrogate is 1. The loss wants more of neuron 0 by half a spike,
    and the input is 2:

    >>> from matplotlib.figure import Figure
    >>> from minisnn import Network
    >>> from minisnn.inspector.factors import Factors
    >>> net = Network("2", (1,), backend="numpy", dtype="float64", rng=np.random.default_rng(0))
    >>> net.params[0][...] = 0.5
    >>> figure = Figure()
    >>> three_factors(figure, Factors(net, np.full((1, 1, 1), 2.0), 0, num_steps=1), 0)
    >>> figure.axes[0].get_title()
    'Layer 1 2, weight (0, 0): sum of products -1 = gradient'
    >>> [(axes.get_ylabel(), float(axes.patches[0].get_height())) for axes in figure.axes]
    [('error dL/dS', -0.5), ('surrogate', 1.0), ('input trace', 2.0), ('product', -1.0)]
    """
    grad = factors.grads[2 * layer]
    weight = tuple(int(i) for i in np.unravel_index(np.abs(grad).argmax(), grad.shape))
    found = factors.of(layer, weight)
    steps, rows = np.arange(factors.num_steps), figure.subplots(4, 1, sharex=True)
    # Of a weight that many neurons share, the means of the factors are shown, and the sums of the products.
    parts = (
        (found.error.mean(axis=1), "error dL/dS"),
        (found.surrogate.mean(axis=1), "surrogate"),
        (found.trace.mean(axis=1), "input trace"),
        (found.products.sum(axis=1), "product"),
    )
    for axes, (values, label) in zip(rows, parts):
        axes.bar(steps, values, color="tab:purple" if label == "product" else "tab:blue", width=0.6)
        axes.axhline(0, color="0.5", linewidth=0.8)
        axes.set_ylabel(label)
        axes.spines[["top", "right"]].set_visible(False)
    name, shared = factors.net.layers[layer].name, len(found.neurons)
    rows[0].set_title(
        f"Layer {name}, weight {weight}: sum of products {found.gradient:.4g} = gradient"
        + (f" (factors: mean of {shared} neurons)" if shared > 1 else ""),
        fontsize=10,
    )
    rows[-1].set_xlabel("time step")
    rows[-1].xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
