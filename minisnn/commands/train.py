"""Train a network and write it to a file.

Without flags it trains on the handwritten digits that come with minisnn, in some seconds. Each data set has good
defaults (topology, epochs, ...; "file" is any .npz file), which flags override. A checkpoint beside the model is
written after each epoch; after an interruption, even kill -9, the same command with --resume continues from it and
ends with the same weights. An older model of the same name is replaced only at the end.
"""

import shlex
import sys
import warnings
from pathlib import Path

from ..errors import InputError
from . import (
    add_machine_arguments,
    add_training_data_arguments,
    check_checkpoint,
    check_model_path,
    counted,
    interrupted,
    numbers,
    paddings,
    rates_table,
    tested_on,
    widths,
    wrapped,
)


def add_arguments(parser):
    """Add the command's flags; those that are not given are None."""
    add_training_data_arguments(parser.add_argument_group("data"))
    add_network(parser.add_argument_group("network"))
    training = parser.add_argument_group("training")
    add_training(training)
    training.add_argument(
        "--lanes",
        metavar="N/N/...",
        help="lanes by layer, such as 32/32/8/8, for --cycle-penalty (default: up to 32 for a convolution, 8 for a "
        "fully connected layer)",
    )
    training.add_argument(
        "--taps",
        metavar="N/N/...",
        help="taps that each layer adds at once, such as 9/3/1/1, for --cycle-penalty (default: 1 in each layer)",
    )
    training.add_argument(
        "--weight-bits",
        type=widths,
        metavar="BITS",
        help="train with weights rounded to this many bits: a number, or a list by layer such as 8,4,4,8 "
        + _default("weight_bits"),
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
        help="figure of the learning curves and the spikes of one image; none for no figure (default: beside the "
        "model)",
    )
    out.add_argument("--resume", action="store_true", help="continue from the checkpoint of an interrupted run")


def add_network(group, **shared):
    """Add the network's flags, all with the `shared` options, such as ``nargs``."""

    def add(flag, words, **options):
        group.add_argument(flag, help=f"{words} {_default(flag[2:])}", **options, **shared)

    add(
        "--topology",
        "layers joined by '-': 32C3 is a convolution of 32 maps with 3x3 kernels, MP2 a maximum over 2x2 spikes, 256 "
        "a fully connected layer of 256 neurons; 32C3MP2 pools currents, before the neurons, which hardware does not",
    )
    group.add_argument(
        "--classes",
        type=int,
        metavar="N",
        help="number of classes, if several output neurons share one (default: one neuron for each class)",
        **shared,
    )
    add(
        "--padding",
        "padding of the convolutions: 0, 1, ..., same, or a list such as 1,0; 0 if --topology is given",
        type=paddings,
        metavar="P",
    )
    add("--beta", "leak from 0 to 1: a number, or a list by layer such as 0.5,0.9", type=numbers, metavar="B")
    add("--threshold", "threshold: a number, or a list by layer", type=numbers, metavar="U")
    add("--reset", "reset after a spike: subtract, subtract_then_leak or zero", metavar="NAME")
    add(
        "--readout",
        "readout: spikes, or membrane (the last layer never spikes, and its membranes are the scores)",
        metavar="NAME",
    )
    add(
        "--surrogate",
        "surrogate gradient of the spike: fast_sigmoid, atan, sigmoid or triangular, with its scale, and a factor on "
        "its height if wanted",
        metavar="NAME:SCALE[:GAIN]",
    )
    group.add_argument(
        "--attach-reset",
        dest="detach_reset",
        action="store_const",
        const=False,
        help="let the gradient flow through the reset too (default: it does not)",
    )
    add(
        "--init",
        "first weights: spiking, of which no layer is silent, or pytorch, as its layers begin",
        metavar="NAME",
    )


def add_training(group, **shared):
    """Add the training's flags, all with the `shared` options, such as ``nargs``."""

    def add(flag, words, type=str, metavar="N", name=None):
        name = name or flag[2:].replace("-", "_")
        group.add_argument(flag, dest=name, type=type, metavar=metavar, help=f"{words} {_default(name)}", **shared)

    add(
        "--encoding",
        "encoding of pixels: direct (a current), rate (random spikes) or latency (one spike); of recordings: events "
        "(0 or 1 at each step) or counts (their number, in floats only)",
        metavar="NAME",
    )
    add("--steps", "number of time steps for an image; a file's recordings have theirs", int, "T", "num_steps")
    add("--loss", "loss: rate, membrane (the one for --readout membrane) or mse_count:0.8:0.05", metavar="NAME")
    add(
        "--rate-penalty",
        "weight of each layer's firing rate in the loss, or of its squared distance to a target; a number, or a list "
        "by layer such as 2,0.5,0",
        metavar="WEIGHT[:TARGET]",
    )
    add(
        "--cycle-penalty",
        "weight of the clock cycles in the loss: a spike pays the additions that it causes in the next layer",
        float,
        "WEIGHT",
    )
    add("--penalty-ramp", "share of the training over which a penalty rises from 0 to its weight", float, "SHARE")
    add("--epochs", "number of passes over the training images", int)
    add("--batch-size", "images in a step of the optimiser", int)
    add("--lr", "peak learning rate", float, "X")
    add("--optimiser", "optimiser: adam or sgd (momentum 0.9)", metavar="NAME")
    add("--schedule", "schedule of the learning rate: one_cycle, cosine or constant", metavar="NAME")
    add("--weight-decay", "at each step the weights shrink by this factor times the learning rate", float, "X")
    add("--clip", "largest norm of the gradient; a larger one is scaled down", float, "NORM")
    add(
        "--learn",
        "constants that each layer learns, from --beta and --threshold on: beta, threshold, beta,threshold, or none",
        metavar="NAMES",
    )
    add("--patience", "stop after this many epochs without a better validation accuracy", int, "EPOCHS")
    group.add_argument(
        "--augment",
        type=int,
        metavar="PIXELS",
        help="shift each training image at random by up to this many "
        f"pixels{'' if shared else ', 2 if no number is given'} {_default('augment')}",
        **shared or {"nargs": "?", "const": 2},
    )
    add(
        "--validation",
        "share of the training images held out to choose the best epoch; with 0 the last epoch is kept",
        float,
        "SHARE",
    )
    add("--seed", "seed of all random numbers: the same seed gives the same model", int)


def run(args):
    """Train a network, test it, and write the model and its figure."""
    from ..data import load as datasets
    from ..rng import stream
    from ..training.inference import accuracy_and_rates
    from ..training.presets import choose
    from ..training.settings import Settings
    from ..training.train import build

    checkpoint, figure = _check_output(args)
    options, chosen = choose(args.dataset, vars(args))
    Settings(**chosen)  # what is wrong in the flags is told before anything is downloaded
    steps = args.num_steps if args.dataset in datasets.BINNED else None
    data = datasets.load(args.dataset, args.data, progress=True, num_steps=steps)
    options, chosen = choose(args.dataset, vars(args), data)
    settings = Settings(**chosen)
    topology = options.pop("topology", f"256-{data.classes}")
    net = build(topology, data, settings, backend=args.backend, threads=args.threads, **options)
    if net.classes > data.classes:
        print(
            f"warning: the network answers with {net.classes} classes, {data.name} has {data.classes}; end "
            f"--topology with {data.classes}, or a multiple of it and --classes {data.classes}",
            file=sys.stderr,
        )
    about = (
        f"{data.name}: {len(data.x_train)} training and {tested_on(data)}; {net.topology}, "
        f"T = {settings.num_steps}, {counted(settings.epochs, 'epoch')}, seed {settings.seed}"
    )
    print(wrapped(about), flush=True)
    if data.num_steps:
        print(wrapped(_about_events(data, settings)), flush=True)
    if args.resume and not checkpoint.exists():
        print(f"checkpoint {checkpoint} does not exist: starting anew", flush=True)
    model = _fit(net, data, settings, checkpoint, args.resume)
    model.save(args.out)
    checkpoint.unlink(missing_ok=True)  # nothing that fails later makes the training incomplete
    generator = stream(model.seed, "encode")
    result = accuracy_and_rates(net, model.encoder, data.x_test, data.y_test, generator)
    steps = counted(result.num_steps, "step")
    images = counted(result.images, "image")
    print(f"\ntest accuracy {100 * result.accuracy:.2f} % over all {steps} ({images})\n")
    print(rates_table([layer.shape for layer in net.layers], result.firing_rates))
    for name in settings.learned:
        values = getattr(net, f"{name}s")
        print(f"\nlearned {name} {', '.join(f'{value:.3f}' for value in values)}")
    print(f"\nmodel   {args.out}")
    if figure is not None:
        from ..plot import training_figure

        training_figure(model, data.x_test[0], int(data.y_test[0]), figure)
        print(f"figure  {figure}")
    folder = ["--data", args.data] if args.data else []
    print("next    " + shlex.join(["minisnn", "evaluate", str(args.out), "--dataset", args.dataset, *folder]))


def _about_events(data, settings):
    """Say how events were binned, and what the network sees of them."""
    shape = "x".join(map(str, data.input_shape))
    seen = (
        "0 or 1 (an event, or several)" if settings.encoding == "events" else "their number, which is for floats only"
    )
    return (
        f"events: {data.about or f'{data.num_steps} steps of {shape}'}; up to {data.max_value:g} in a step, of which "
        f"the network sees {seen}"
    )


def _fit(net, data, settings, checkpoint, resume):
    """Train; after Ctrl-C, explain how to continue."""
    from dataclasses import asdict

    from ..training.train import fit

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", UserWarning)  # those of fit
            warnings.showwarning = lambda sentence, *_: print(f"warning: {sentence}", file=sys.stderr, flush=True)
            return fit(net, data, checkpoint=checkpoint, resume=resume, progress=True, **asdict(settings))
    except KeyboardInterrupt:
        raise interrupted(checkpoint) from None


def _check_output(args):
    """Return the paths of checkpoint and figure (None without); raise InputError before the training, not after it."""
    figure = Path(args.figure) if args.figure else args.out.with_suffix(".png")
    check_model_path("--out", args.out)
    if args.figure != "none" and (figure.suffix != ".png" or figure.is_dir() or not figure.parent.is_dir()):
        raise InputError(f"--figure {figure} must name a file that ends in .png, in a folder that exists")
    checkpoint = args.out.with_name(args.out.name + ".checkpoint")
    check_checkpoint(checkpoint, args.resume, "training")
    return checkpoint, None if args.figure == "none" else figure


def _default(name):
    """Return "(default: 32; svhn 64)": the default of Network or Settings, and those of the presets that differ."""
    from inspect import signature

    from ..network import Network
    from ..training.presets import PRESETS
    from ..training.settings import Settings

    presets = {data: preset[name] for data, preset in PRESETS.items() if name in preset}
    words = []
    if len(presets) < len(PRESETS):  # some data sets have the general default
        default = "256-CLASSES"
        if name != "topology":
            default = {**signature(Network).parameters, **signature(Settings).parameters}[name].default
        words.append("none" if default is None else str(default))
    for value in dict.fromkeys(presets.values()):
        names = [data for data in presets if presets[data] == value]
        words.append(f"{', '.join(names)} {value}")
    return f"(default: {'; '.join(words)})"
