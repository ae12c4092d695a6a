"""Say what is in a model file: layers, neuron constants, encoding, and how it was trained."""

import json


def add_arguments(parser):
    parser.add_argument("model", help="model file (.npz) that minisnn train wrote")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(args):
    """Print what the model file holds."""
    from ..model import load
    from . import table

    model = load(args.model, backend="numpy")
    net = model.network
    if args.json:
        print(json.dumps({"network": net.config(), "encoder": model.encoder.config(), "seed": model.seed,
                          "dataset": model.dataset, "settings": model.settings, "history": model.history,
                          "versions": model.versions}))
        return
    rows = [(layer.name, "x".join(map(str, layer.in_shape)), "x".join(map(str, layer.out_shape)), layer.neurons,
             sum(p.size for p in net.params[2 * i:2 * i + 2]), f"{net.betas[i]:g}", f"{net.thresholds[i]:g}",
             net.resets[i]) for i, layer in enumerate(net.layers)]
    print(f"{net.topology} on {'x'.join(map(str, net.input_shape))}, {net.classes} classes, {net.dtype}, "
          f"{sum(p.size for p in net.params)} parameters\n")
    print(table(rows, ("layer", "input", "output", "neurons", "parameters", "beta", "threshold", "reset")))
    encoder = model.encoder
    print(f"\nencoding   {encoder.kind}, {encoder.num_steps} steps, pixels up to {encoder.max_value:g}")
    print(f"surrogate  {net.surrogate}, reset {'not ' if net.detach_reset else ''}differentiated")
    print(f"trained    on {model.dataset}, seed {model.seed}, by " +
          ", ".join(f"{name} {value}" for name, value in model.versions.items()))
    print("settings   " + ", ".join(f"{name} {value}" for name, value in model.settings.items()
                                    if value is not None and name not in ("seed", "encoding", "num_steps")))
    if model.history:
        last = model.history[-1]
        print(f"history    {last['epoch']} epochs, last loss {last['loss']:.4f}, training accuracy "
              f"{100 * last['train_accuracy']:.2f} %" + ("" if last["validation_accuracy"] is None else
              f", best validation accuracy {100 * max(e['validation_accuracy'] for e in model.history):.2f} %"))
