"""Figures. The only file that knows matplotlib; it draws without a screen and keeps no state."""

import numpy as np

from .files import atomic_write
from .train import stream


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
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.6), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    curve, raster = figure.subplots(1, 2, width_ratios=(1, 1.15))
    learning_curve(curve, model.history)
    spike_raster(raster, model, image, label)
    with atomic_write(path) as file:
        canvas.print_png(file)


def learning_curve(axes, history):
    """Loss and accuracies by epoch, drawn on matplotlib `axes`."""
    epochs = [entry["epoch"] for entry in history]
    right = axes.twinx()
    axes.plot(epochs, [entry["loss"] for entry in history], color="0.55", label="loss (left)")
    right.plot(epochs, [100 * entry["train_accuracy"] for entry in history], color="tab:blue",
               label="training accuracy")
    if history[0]["validation_accuracy"] is not None:
        right.plot(epochs, [100 * entry["validation_accuracy"] for entry in history], color="tab:orange",
                   label="validation accuracy")
    axes.set(title="Learning", xlabel="epoch", ylabel="loss", xlim=(1, max(len(epochs), 2)))
    axes.set_ylim(bottom=0)
    axes.xaxis.get_major_locator().set_params(integer=True)
    right.set(ylabel="accuracy (%)", ylim=(None, 101))
    lines = axes.lines + right.lines
    axes.legend(lines, [line.get_label() for line in lines], loc="center right", frameon=False)


def spike_raster(axes, model, image, label):
    """The spikes of every layer over time for one image, layers one above the other.

    Each layer takes an equal share of the height, however many neurons it has.
    """
    net, encoder = model.network, model.encoder
    run = net.forward(encoder.encode(image[None], stream(model.seed, "encode"), net.dtype), encoder.num_steps,
                      record=True)
    for index, (layer, done) in enumerate(zip(net.layers, run.layers)):
        spk = done.spk.reshape(encoder.num_steps, -1)
        step, neuron = np.nonzero(spk)
        axes.scatter(step + 1, index + (neuron + 0.5) / layer.neurons * 0.9, s=max(1.0, min(30.0, 2000 / layer.neurons)),
                     marker="|", linewidths=1.0, color=f"C{index}", rasterized=True)
        axes.axhline(index + 0.95, color="0.85", linewidth=0.8)
    answer = int(net.scores(run)[0].argmax())
    axes.set(title=f"Spikes of one test image (a {label}, answer {answer})", xlabel="time step", ylim=(-0.05, None),
             xlim=(0.5, encoder.num_steps + 0.5))
    axes.set_yticks(np.arange(len(net.layers)) + 0.45,
                    [f"{layer.name}\n{layer.neurons} neurons\n{100 * rate:.1f} % firing"
                     for layer, rate in zip(net.layers, run.rates)])
    axes.xaxis.get_major_locator().set_params(integer=True)
