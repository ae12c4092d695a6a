"""Show the content of a model file: layers, neuron constants, encoding, and its training."""

import json

from . import layers_table, wrapped


def add_arguments(parser):
    """Add the command's flags."""
    parser.add_argument("model", metavar="MODEL", help="model file (.npz) that minisnn train wrote")
    parser.add_argument("--json", action="store_true", help="print the content as JSON, with the history of all epochs")


def run(args):
    """Print the content of the model file."""
    from ..model import load

    model = load(args.model, backend="numpy")
    print(json.dumps(_content(model)) if args.json else _text(model))


def _content(model):
    """Content of a model file except the weights, as plain values."""
    from ..model import portable

    return {
        "network": portable(model.network.config()),
        "encoder": model.encoder.config(),
        "seed": model.seed,
        "dataset": model.dataset,
        "settings": model.settings,
        "history": model.history,
        "versions": model.versions,
    }


def _text(model):
    """Description of a model for people."""
    net, encoder = model.network, model.encoder
    parameters = sum(param.size for param in net.params)
    shown_elsewhere = ("seed", "encoding", "num_steps")
    settings = {
        name: value for name, value in model.settings.items() if value is not None and name not in shown_elsewhere
    }
    return "\n".join(
        [
            f"{net.topology} on {_shape(net.input_shape)}, {net.classes} classes, {net.dtype}, {parameters} parameters",
            "",
            layers_table(net.layers),
            "",
            f"encoding   {encoder.kind}, {encoder.num_steps} steps, pixels up to {encoder.max_value:g}",
            f"surrogate  {net.surrogate}, reset {'not ' if net.detach_reset else ''}differentiated",
            f"trained    on {model.dataset or 'nothing'}, seed {model.seed}, by {_list(model.versions)}",
            _wrapped(f"settings   {_list(settings) or 'none'}"),
            _wrapped(f"history    {_summary(model.history)}"),
        ]
    )


def _wrapped(line):
    """Break a line that is longer than a terminal is wide, after commas only: a name stays beside its value."""
    line = line.replace(" ", "\xa0").replace(",\xa0", ", ")  # no-break spaces
    return wrapped(line, 11).replace("\xa0", " ")


def _summary(history):
    """The last epoch and the best one, in words."""
    if not history:
        return "none"
    last = history[-1]
    text = (
        f"{last['epoch']} epochs, last loss {last['loss']:.4f}, training accuracy {100 * last['train_accuracy']:.2f} %"
    )
    validated = [entry for entry in history if entry["validation_accuracy"] is not None]
    if not validated:
        return text + ", no validation"
    best = max(reversed(validated), key=lambda entry: entry["validation_accuracy"])
    accuracy = 100 * best["validation_accuracy"]
    return text + f", best validation accuracy {accuracy:.2f} % in epoch {best['epoch']}"


def _shape(shape):
    return "x".join(map(str, shape))


def _list(values):
    return ", ".join(f"{name} {value}" for name, value in values.items())
