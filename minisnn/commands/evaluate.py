"""Test a model: accuracy over all its time steps, and the firing rate of each layer."""

import json


def add_arguments(parser):
    parser.add_argument("model", help="model file (.npz) that minisnn train wrote")
    parser.add_argument("--dataset", metavar="NAME",
                        help="digits, svhn, mnist, fashion-mnist, or a .npz file (default: the one it was trained on)")
    parser.add_argument("--data", metavar="DIR", help="folder with the data set's files")
    parser.add_argument("--threads", type=int, help="default: all processors")
    parser.add_argument("--backend", default="numba", help="numba (fast) or numpy (the reference) (default: numba)")
    parser.add_argument("--json", action="store_true",
                        help="print accuracy, firing_rates, images and num_steps as JSON")


def run(args):
    """Evaluate as the arguments say."""
    from dataclasses import asdict

    from .. import data as datasets
    from ..model import load
    from ..train import evaluate
    from . import rates_table

    model = load(args.model, args.backend, args.threads)
    data = datasets.load(args.dataset or model.dataset, args.data, progress=not args.json)
    result = evaluate(model, data.x_test, data.y_test)
    if args.json:
        print(json.dumps(asdict(result)))
        return
    print(f"{data.name}: accuracy {100 * result.accuracy:.2f} % over all {result.num_steps} steps "
          f"({result.images} test images)\n")
    print(rates_table(model.network.layers, result.firing_rates))
