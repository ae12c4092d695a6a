"""Train a network and write it to a file.

Without any flag it trains on the handwritten digits that come with minisnn, in some seconds. What a data set
needs (topology, epochs, ...) has a good default for each; flags override it. Long runs write a checkpoint after
each epoch beside the model; after an interruption the same command with --resume goes on from there.
"""

import sys
from pathlib import Path

from ..errors import InputError

# What a newcomer needs for each data set; a .npz file of one's own starts from "file".
PRESETS = {
    "digits": {"topology": "16C3-64-10", "epochs": 40, "num_steps": 5, "augment": 1},
    "svhn": {"topology": "32C3-MP2-32C3-MP2-256-10", "epochs": 40, "num_steps": 5, "batch_size": 64, "lr": 4e-3,
             "augment": 2, "weight_decay": 0.05},
    "mnist": {"topology": "16C5-MP2-32C5-MP2-10", "epochs": 5, "num_steps": 5, "batch_size": 64, "lr": 4e-3,
              "augment": 1},
    "fashion-mnist": {"topology": "32C3-MP2-32C3-MP2-256-10", "epochs": 10, "num_steps": 5, "batch_size": 64,
                      "lr": 4e-3, "augment": 1},
    "file": {"epochs": 20, "num_steps": 5},
}


def add_arguments(parser):
    data = parser.add_argument_group("data")
    data.add_argument("--dataset", default="digits", metavar="NAME",
                      help="digits, svhn, mnist, fashion-mnist, or a .npz file with X and y (default: digits)")
    data.add_argument("--data", metavar="DIR", help="folder with the data set's files; otherwise they are downloaded")
    data.add_argument("--augment", type=int, nargs="?", const=2, metavar="PIXELS",
                      help="shift each training image by up to so many pixels (2 if none are named)")
    data.add_argument("--validation", type=float, default=0.1, metavar="SHARE",
                      help="share of the training images held out to choose the epoch by; 0 for none (default: 0.1)")

    net = parser.add_argument_group("network")
    net.add_argument("--topology", help="such as 32C3-MP2-32C3-MP2-256-10")
    net.add_argument("--classes", type=int, help="number of classes, where the last layer is a population")
    net.add_argument("--padding", default="0", metavar="P", help="of the convolutions: 0, 1, ..., same, or a list 1,0")
    net.add_argument("--beta", type=_numbers, default=0.5, help="leak, one or a list by layer (default: 0.5)")
    net.add_argument("--threshold", type=_numbers, default=1.0, help="one or a list by layer (default: 1)")
    net.add_argument("--reset", default="subtract", help="subtract, subtract_then_leak or zero (default: subtract)")
    net.add_argument("--readout", default="spikes", help="spikes, or membrane: the last layer never spikes "
                     "(default: spikes)")
    net.add_argument("--surrogate", default="fast_sigmoid:5", metavar="NAME:SCALE",
                     help="fast_sigmoid, atan, sigmoid or triangular with its scale (default: fast_sigmoid:5)")
    net.add_argument("--attach-reset", action="store_true", help="let the gradient flow through the reset too")
    net.add_argument("--encoding", default="direct", help="direct, rate or latency (default: direct)")
    net.add_argument("--steps", type=int, dest="num_steps", metavar="T", help="time steps of an image")

    train = parser.add_argument_group("training")
    train.add_argument("--loss", help="rate, membrane or mse_count:0.8:0.05 (default: rate; with --readout membrane: "
                       "membrane)")
    train.add_argument("--rate-penalty", metavar="WEIGHT[:TARGET]",
                       help="price of each layer's firing rate, or of its distance to a target")
    train.add_argument("--epochs", type=int)
    train.add_argument("--batch-size", type=int)
    train.add_argument("--lr", type=float, help="peak learning rate")
    train.add_argument("--optimiser", default="adam", help="adam or sgd (default: adam)")
    train.add_argument("--schedule", default="one_cycle", help="one_cycle, cosine or constant (default: one_cycle)")
    train.add_argument("--weight-decay", type=float)
    train.add_argument("--clip", type=float, metavar="NORM", help="scale the gradient down to this norm")
    train.add_argument("--patience", type=int, metavar="EPOCHS",
                       help="stop after so many epochs without a better validation")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--threads", type=int, help="default: all processors; the result does not depend on it")
    train.add_argument("--backend", default="numba", help="numba (fast) or numpy (the reference) (default: numba)")

    out = parser.add_argument_group("output")
    out.add_argument("--out", type=Path, default=Path("model.npz"), help="model file (default: model.npz)")
    out.add_argument("--figure", metavar="PNG", help="default: beside the model; none for no figure")
    out.add_argument("--resume", action="store_true", help="go on from the checkpoint of an interrupted run")


def run(args):
    """Train as the arguments say."""
    import numpy as np

    from .. import data as datasets
    from ..encode import fit as fit_encoder
    from ..network import Network
    from ..train import evaluate, fit, stream
    from . import rates_table

    if args.out.suffix != ".npz" or not args.out.parent.is_dir():
        raise InputError(f"--out {args.out} must be a file that ends in .npz, in a folder that exists")
    checkpoint = args.out.with_name(args.out.name + ".checkpoint")
    if checkpoint.exists() and not args.resume:
        raise InputError(f"an interrupted training left {checkpoint}; pass --resume to go on with it, or delete it "
                         "to start anew")
    data = datasets.load(args.dataset, args.data, progress=True)
    preset = PRESETS.get(args.dataset, PRESETS["file"])
    settings = _settings(args, preset)
    topology = args.topology or preset.get("topology") or f"256-{data.classes}"
    encoder = fit_encoder(settings["encoding"], data.x_train, settings["num_steps"], data.max_value)
    sample = encoder.encode(data.x_train[:256], stream(args.seed, "encode"))
    net = Network(topology, data.input_shape, classes=args.classes, beta=args.beta, threshold=args.threshold,
                  reset=args.reset, readout=args.readout, detach_reset=not args.attach_reset,
                  surrogate=args.surrogate, padding=_padding(args.padding), backend=args.backend, threads=args.threads,
                  mean_square=float(np.mean(np.square(sample, dtype=np.float64))) or 1.0,
                  rng=stream(args.seed, "init"))
    print(f"{data.name}: {len(data.x_train)} training and {len(data.x_test)} test images; "
          f"{net.topology}, T = {settings['num_steps']}, {settings['epochs']} epochs, seed {args.seed}")
    try:
        model = fit(net, data, checkpoint=checkpoint, resume=args.resume, progress=sys.stderr.isatty(), **settings)
    except KeyboardInterrupt:
        if checkpoint.exists():
            print(f"\nwhat is trained is kept; go on with the same command and --resume", file=sys.stderr)
        raise
    result = evaluate(model, data.x_test, data.y_test)
    model.save(args.out)
    checkpoint.unlink(missing_ok=True)
    print(f"\ntest accuracy {100 * result.accuracy:.2f} % over all {result.num_steps} steps "
          f"({result.images} images)\n")
    print(rates_table(net.layers, result.firing_rates))
    print(f"\nmodel   {args.out}")
    if args.figure != "none":
        from ..plot import training_figure
        figure = Path(args.figure) if args.figure else args.out.with_suffix(".png")
        training_figure(model, data.x_test[0], int(data.y_test[0]), figure)
        print(f"figure  {figure}")
    print(f"next    minisnn evaluate {args.out} --dataset {args.dataset}" + (f" --data {args.data}" if args.data else ""))


def _settings(args, preset):
    """The training's settings: flags, else the preset, else the library's default."""
    chosen = {name: preset[name] for name in preset if name != "topology"}
    for name in ("encoding", "num_steps", "loss", "rate_penalty", "epochs", "batch_size", "lr", "optimiser", "schedule",
                 "weight_decay", "clip", "augment", "validation", "patience", "seed"):
        if getattr(args, name) is not None:
            chosen[name] = getattr(args, name)
    if args.loss is None and args.readout == "membrane":
        chosen["loss"] = "membrane"
    return chosen


def _numbers(text):
    """A number, or a list of them separated by commas."""
    values = [float(v) for v in text.split(",")]
    return values[0] if len(values) == 1 else values


def _padding(text):
    try:
        values = [v if v == "same" else int(v) for v in text.split(",")]
    except ValueError:
        raise InputError(f"padding must be 0, 1, 2, ... or 'same', or a list of these, got {text!r}") from None
    return values[0] if len(values) == 1 else values
