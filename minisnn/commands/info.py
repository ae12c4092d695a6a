"""Say what is in a model file: layers, neuron constants, encoding, and how it was trained."""

import json

from . import table


def add_arguments(parser):
    """The command's flags."""
    parser.add_argument("model", metavar="MODEL", help="model file (.npz) that minisnn train wrote")
    parser.add_argument("--json", action="store_true", help="print it as JSON, with the history of all epochs")


def run(args):
    """Print what the model file holds."""
    from ..model import load, portable

    model = load(args.model, backend="numpy")
    net, encoder = model.network, model.encoder
    if args.json:
        print(
            json.dumps(
                {
                    "network": portable(net.config()),
                    "encoder": encoder.config(),
                    "seed": model.seed,
                    "dataset": model.dataset,
                    "settings": model.settings,
                    "history": model.history,
                    "versions": model.versions,
                }
            )
        )
        return
    print(
        f"{net.topology} on {_shape(net.input_shape)}, {net.classes} classes, {net.dtype}, "
        f"{sum(p.size for p in net.params)} parameters\n"
    )
    print(_layers(net))
    settings = {
        name: value
        for name, value in model.settings.items()
        if value is not None and name not in ("seed", "encoding", "num_steps")
    }
    print(f"\nencoding   {encoder.kind}, {encoder.num_steps} steps, pixels up to {encoder.max_value:g}")
    print(f"surrogate  {net.surrogate}, reset {'not ' if net.detach_reset else ''}differentiated")
    print(f"trained    on {model.dataset or 'nothing'}, seed {model.seed}, by {_list(model.versions)}")
    print(f"settings   {_list(settings) or 'none'}")
    print(f"history    {_summary(model.history)}")


def _layers(net):
    sizes = [p.size for p in net.params]
    rows = [
        (
            layer.name,
            _shape(layer.in_shape),
            _shape(layer.out_shape),
            layer.neurons,
            sum(sizes[2 * i : 2 * i + 2]),
            f"{net.betas[i]:g}",
            f"{net.thresholds[i]:g}",
            net.resets[i],
        )
        for i, layer in enumerate(net.layers)
    ]
    return table(rows, ("layer", "input", "output", "neurons", "parameters", "beta", "threshold", "reset"))


def _summary(history):
    if not history:
        return "none"
    last = history[-1]
    text = (
        f"{last['epoch']} epochs, last loss {last['loss']:.4f}, training accuracy {100 * last['train_accuracy']:.2f} %"
    )
    if last["validation_accuracy"] is None:
        return text + ", no validation"
    best = max(reversed(history), key=lambda e: e["validation_accuracy"])  # of equals the later, as in fit
    accuracy = 100 * best["validation_accuracy"]
    return text + f", best validation accuracy {accuracy:.2f} % in epoch {best['epoch']}"


def _shape(shape):
    return "x".join(map(str, shape))


def _list(values):
    return ", ".join(f"{name} {value}" for name, value in values.items())
