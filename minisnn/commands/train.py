"""Train a network and write it to a file.

Without any flag it trains on the handwritten digits that come with minisnn, in some seconds. What a data set
needs (topology, epochs, ...) has a good default for each; flags override it. Long runs write a checkpoint
after each epoch beside the model; after an interruption, even kill -9, the same command with --resume goes on
from there and ends with the same weights. An older model of the same name is replaced only at the end.
"""

import argparse
import shlex
import sys
from pathlib import Path

from ..errors import InputError
from ..training.presets import PRESETS, choose
from . import add_machine_arguments, add_training_data_arguments, rates_table, widths


def add_arguments(parser):
    """The command's flags; those that were not given are None."""
    add_training_data_arguments(parser.add_argument_group("data"))
    add_network(parser.add_argument_group("network"))
    training = parser.add_argument_group("training")
    add_training(training)
    training.add_argument(
        "--weight-bits",
        type=widths,
        metavar="BITS",
        help="learn with weights rounded to so many "
        f"bits: one number, or a list by layer 8,4,4,8 {_default('weight_bits')}",
    )
    machine = parser.add_argument_group("machine")
    add_machine_arguments(machine)
    out = parser.add_argument_group("output")
    out.add_argument(
        "--out", type=Path, default=Path("model.npz"), metavar="FILE", help="model file (default: model.npz)"
    )
    out.add_argument(
        "--figure",
        metavar="PNG",
        help="learning curves and spikes of one image; none for no figure (default: beside the model)",
    )
    out.add_argument("--resume", action="store_true", help="go on from the checkpoint of an interrupted run")


def add_network(group, **every):
    """The network's flags, with options such as ``nargs`` for each."""

    def add(flag, words, **options):
        group.add_argument(flag, help=f"{words} {_default(flag[2:])}", **options, **every)

    add(
        "--topology",
        "layers, joined by '-': 32C3 convolution of 32 maps with 3x3 kernels, MP2 maximum over "
        "2x2, 256 fully connected neurons",
    )
    group.add_argument(
        "--classes",
        type=int,
        metavar="N",
        help="classes, where several output neurons share one (default: a neuron each)",
        **every,
    )
    add(
        "--padding",
        "of the convolutions: 0, 1, ..., same, or a list 1,0; 0 with a --topology of your own",
        type=_paddings,
        metavar="P",
    )
    add("--beta", "leak, 0 to 1: one, or a list by layer 0.5,0.9", type=_numbers, metavar="B")
    add("--threshold", "one, or a list by layer", type=_numbers, metavar="U")
    add("--reset", "after a spike: subtract, subtract_then_leak or zero", metavar="NAME")
    add("--readout", "spikes, or membrane: the last layer never spikes, its membrane answers", metavar="NAME")
    add(
        "--surrogate",
        "gradient of the spike: fast_sigmoid, atan, sigmoid or triangular with its scale",
        metavar="NAME:SCALE",
    )
    group.add_argument(
        "--attach-reset",
        dest="detach_reset",
        action="store_const",
        const=False,
        help="let the gradient flow through the reset too (default: it does not)",
    )


def add_training(group, **every):
    """The training's flags, with options such as ``nargs`` for each."""

    def add(flag, words, type=str, metavar="N", name=None):
        name = name or flag[2:].replace("-", "_")
        group.add_argument(flag, dest=name, type=type, metavar=metavar, help=f"{words} {_default(name)}", **every)

    add("--encoding", "of pixels: direct (a current), rate (random spikes) or latency (one spike)", metavar="NAME")
    add("--steps", "time steps of an image", int, "T", "num_steps")
    add("--loss", "rate, membrane (and that with --readout membrane) or mse_count:0.8:0.05", metavar="NAME")
    add(
        "--rate-penalty",
        "price of each layer's firing rate, or of its squared distance to a target; a number, or a "
        "list by layer 2,0.5,0",
        metavar="WEIGHT[:TARGET]",
    )
    add("--penalty-ramp", "share of the training over which the penalty rises from 0 to its weight", float, "SHARE")
    add("--epochs", "times that all images are seen", int)
    add("--batch-size", "images of a step", int)
    add("--lr", "peak learning rate", float, "X")
    add("--optimiser", "adam or sgd (momentum 0.9)", metavar="NAME")
    add("--schedule", "of the learning rate: one_cycle, cosine or constant", metavar="NAME")
    add("--weight-decay", "share of lr by which weights shrink at each step", float, "X")
    add("--clip", "scale the gradient down to this norm", float, "NORM")
    add("--patience", "stop after so many epochs without a better validation", int, "EPOCHS")
    group.add_argument(
        "--augment",
        type=int,
        metavar="PIXELS",
        help="shift each training image at random by up to so "
        f"many pixels{'' if every else ', 2 if none are named'} {_default('augment')}",
        **every or {"nargs": "?", "const": 2},
    )
    add(
        "--validation",
        "share of the training images held out to choose the best epoch by; 0 for none: the last is kept",
        float,
        "SHARE",
    )
    add("--seed", "of all chance: the same seed gives the same model", int)


def run(args):
    """Train as the arguments say."""
    from dataclasses import asdict

    from ..data import load as datasets
    from ..training.inference import evaluate
    from ..training.settings import Settings
    from ..training.train import build, fit

    checkpoint, figure = _check_output(args)
    options, chosen = choose(args.dataset, vars(args))
    settings = Settings(**chosen)
    data = datasets.load(args.dataset, args.data, progress=True)
    net = build(
        options.pop("topology", None) or f"256-{data.classes}",
        data,
        settings,
        backend=args.backend,
        threads=args.threads,
        **options,
    )
    if net.classes > data.classes:
        print(
            f"warning: the network answers with {net.classes} classes, {data.name} has {data.classes}; end "
            f"--topology with {data.classes}, or a multiple of it and --classes {data.classes}",
            file=sys.stderr,
        )
    print(
        f"{data.name}: {len(data.x_train)} training and {len(data.x_test)} test images; {net.topology}, "
        f"T = {settings.num_steps}, {settings.epochs} epochs, seed {settings.seed}",
        flush=True,
    )
    if args.resume and not checkpoint.exists():
        print(f"there is no checkpoint {checkpoint}: starting anew", flush=True)
    try:
        model = fit(net, data, checkpoint=checkpoint, resume=args.resume, progress=True, **asdict(settings))
    except KeyboardInterrupt:
        kept = "; the epochs done are kept: go on with the same command and --resume"
        raise KeyboardInterrupt(
            f"interrupted{kept}" if checkpoint.exists() else "interrupted before the end of the first epoch"
        ) from None
    result = evaluate(model, data.x_test, data.y_test)
    model.save(args.out)
    print(f"\ntest accuracy {100 * result.accuracy:.2f} % over all {result.num_steps} steps ({result.images} images)\n")
    print(rates_table(net.layers, result.firing_rates))
    print(f"\nmodel   {args.out}")
    if figure is not None:
        from ..plot import training_figure

        training_figure(model, data.x_test[0], int(data.y_test[0]), figure)
        print(f"figure  {figure}")
    checkpoint.unlink(missing_ok=True)
    folder = ["--data", args.data] if args.data else []
    print("next    " + shlex.join(["minisnn", "evaluate", str(args.out), "--dataset", args.dataset, *folder]))


def _check_output(args):
    """(checkpoint, figure or None); what cannot be written is said before the training, not after it."""
    figure = Path(args.figure) if args.figure else args.out.with_suffix(".png")
    files = [("--out", args.out, ".npz")] + ([("--figure", figure, ".png")] if args.figure != "none" else [])
    for flag, path, end in files:
        if path.suffix != end or path.is_dir() or not path.parent.is_dir():
            raise InputError(f"{flag} {path} must name a file that ends in {end}, in a folder that exists")
    checkpoint = args.out.with_name(args.out.name + ".checkpoint")
    if checkpoint.exists() and not args.resume:
        raise InputError(
            f"an interrupted training left {checkpoint}; pass --resume to go on with it, or delete it to start anew"
        )
    return checkpoint, None if args.figure == "none" else figure


def _default(name):
    """'(default: 32; svhn 64)': that of Network or Settings, and that of the presets that have their own."""
    from inspect import signature

    from ..network import Network
    from ..training.settings import Settings

    own = {data: preset[name] for data, preset in PRESETS.items() if name in preset}
    if len(own) == len(PRESETS):
        words = []
    elif name == "topology":
        words = ["256-CLASSES"]
    else:
        default = {**signature(Network).parameters, **signature(Settings).parameters}[name].default
        words = ["none" if default is None else str(default)]
    groups = {value: [data for data in own if own[data] == value] for value in own.values()}
    words += [f"{', '.join(names)} {value}" for value, names in groups.items()]
    return f"(default: {'; '.join(words)})"


def _numbers(text):
    """A number, or a list of them separated by commas."""
    try:
        values = [float(v) for v in text.split(",")]
    except ValueError:
        words = f"must be a number, or a list such as 0.5,0.9, got {text!r}"
        raise argparse.ArgumentTypeError(words) from None
    return values[0] if len(values) == 1 else values


def _paddings(text):
    """A padding, or a list of them separated by commas."""
    try:
        values = [v if v == "same" else int(v) for v in text.split(",")]
    except ValueError:
        words = f"must be 0, 1, 2, ... or same, or a list of these, got {text!r}"
        raise argparse.ArgumentTypeError(words) from None
    return values[0] if len(values) == 1 else values
