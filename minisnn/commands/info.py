"""Show the content of a model file, floats or integers: layers, neuron constants, encoding, and its training."""

import json


def add_arguments(parser):
    """Add the command's flags."""
    parser.add_argument("model", metavar="MODEL", help="model file (.npz) that minisnn train, import or quantize wrote")
    parser.add_argument(
        "--json", action="store_true", help="print the content as JSON, with the history of all epochs (of floats)"
    )


def run(args):
    """Print the content of the model file."""
    from ..model import kind_of, load

    if kind_of(args.model) == "quantized model":
        from ..fixed.model import load as load_integer

        model = load_integer(args.model)
    else:
        model = load(args.model, backend="numpy")
    print(json.dumps(model.about()) if args.json else model)
