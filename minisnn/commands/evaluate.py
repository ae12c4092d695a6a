"""Test a model: its accuracy over all time steps, and the firing rate of each layer."""

import json
from dataclasses import asdict

from .. import terminal
from . import add_data_arguments, add_machine_arguments, counted, rates_table, tested_on, wrapped


def add_arguments(parser):
    """Add the command's flags."""
    parser.add_argument("model", metavar="MODEL", help="model file (.npz) that minisnn train or import wrote")
    add_data_arguments(parser)
    parser.add_argument(
        "--json",
        action="store_true",
        help="print accuracy (0 to 1), firing_rates (spikes per neuron and step, by layer), images and num_steps as "
        "JSON",
    )
    add_machine_arguments(parser)


def run(args):
    """Evaluate the model and print the result."""
    if not args.json:
        terminal.say("testing the model on the test images")
    from ..data import load as datasets
    from ..model import load
    from ..training.inference import evaluate

    model = load(args.model, args.backend, args.threads)
    data = datasets.load_for(model, args.model, args.dataset, args.data, progress=not args.json)
    result = evaluate(model, data.x_test, data.y_test)
    if args.json:
        print(json.dumps(asdict(result)))
        return
    steps = counted(result.num_steps, "step")
    print(wrapped(f"{data.name}: accuracy {100 * result.accuracy:.2f} % over all {steps} ({tested_on(data)})") + "\n")
    print(rates_table(model.network.layers, result.firing_rates))
