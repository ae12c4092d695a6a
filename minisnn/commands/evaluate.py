"""Test a model: its accuracy over all time steps, and the firing rate of each layer.

With --exit an image ends before its last step: with lossless as soon as nothing in the steps that are left could change
its answer, with a margin as soon as any other class may gain so many spikes without becoming the answer.
"""

import json
from dataclasses import asdict

from .. import terminal
from . import (
    add_data_arguments,
    add_machine_arguments,
    counted,
    exit_as_json,
    exit_margin,
    gains_and_losses,
    rates_table,
    tested_on,
    wrapped,
)


def add_arguments(parser):
    """Add the command's flags."""
    parser.add_argument("model", metavar="MODEL", help="model file (.npz) that minisnn train, import or quantize wrote")
    add_data_arguments(parser)
    parser.add_argument(
        "--exit",
        type=lambda text: text if text == "auto" else exit_margin(text),
        metavar="WHEN",
        help="when an image ends before its last step: lossless, a margin of spikes from 1, or auto, the smallest "
        "margin without a loss on the training images that were held out",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print accuracy (0 to 1), firing_rates (spikes per neuron and step, by layer), images and num_steps as "
        "JSON; with --exit also its margin (null if lossless), mean steps, accuracy, and loss of accuracy",
    )
    add_machine_arguments(parser)


def run(args):
    """Evaluate the model and print the result."""
    if not args.json:
        terminal.say("testing the model on the test images")
    from ..data import load as datasets
    from ..fixed.early_exit import stops
    from ..fixed.model import load as load_integer
    from ..model import kind_of, load
    from ..training import exit_margin as exits
    from ..training.inference import evaluate

    integers = kind_of(args.model) == "quantized model"
    model = load_integer(args.model) if integers else load(args.model, args.backend, args.threads)
    data = datasets.load_for(model, args.model, args.dataset, args.data, progress=not args.json)
    chosen, ended = None, None
    if args.exit is not None:
        chosen = exits.choose(model, data, args.threads) if args.exit == "auto" else None
        margin = chosen.margin if chosen else args.exit
        result, totals = exits.evaluate(model, data.x_test, data.y_test, args.threads)
        ended = exits.tried(stops(totals, model.network.neurons_per_class, margin), data.y_test, margin)
    elif integers:
        result = model.evaluate(data.x_test, data.y_test, args.threads)
    else:
        result = evaluate(model, data.x_test, data.y_test)
    if args.json:
        print(json.dumps(asdict(result) | ({"exit": exit_as_json(ended)} if ended else {})))
        return
    steps = counted(result.num_steps, "step")
    print(wrapped(f"{data.name}: accuracy {100 * result.accuracy:.2f} % over all {steps} ({tested_on(data)})") + "\n")
    shapes = [layer.layer if integers else layer.shape for layer in model.network.layers]
    print(rates_table(shapes, result.firing_rates))
    if ended:
        name = ", chosen on training images that were held out" if chosen else ""
        print(f"\n{gains_and_losses(ended, result.num_steps, name)}")
