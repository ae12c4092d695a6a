"""Import a network of another library: a state_dict of snnTorch's, weights.pt, or a NIR file, network.nir.

The file of torch.save(net.state_dict(), "weights.pt") holds weights, and beta, threshold and reset of each layer of
snn.Leaky; --topology says where the pools are, --input-shape and --padding what convolutions see. A NIR file holds all
of that, and needs --dt. Of both, --steps says how long an image is shown, and --input-scale, --mean and --std which
pixels the network saw. Files are read without running code that is in them. All that is assumed is printed; where it
holds, spikes are the same in every step. No file says all: a NIR file does not hold the reset, which --reset gives (the
default, zero, is NIR's, while networks of snnTorch mostly have subtract). Layers that cannot be carried are refused by
name. The model is one like any other: evaluate, quantize, cosim and vhdl take it. Needs pip install torch, or for NIR
files pip install 'minisnn[interop]'.
"""

import json
import shlex
from pathlib import Path

from ..errors import InputError
from . import DATA_SETS, add_data_folder_argument, check_model_path, numbers, paddings, shape, tested_on, wrapped


def add_arguments(parser):
    """Add the command's flags."""
    parser.add_argument(
        "weights", metavar="WEIGHTS", help="file (.pt or .pth) of torch.save(net.state_dict(), ...), or .nir"
    )
    _add_network(parser.add_argument_group("network, as far as the file does not tell it"))
    _add_inputs(parser.add_argument_group("inputs"))
    out = parser.add_argument_group("output")
    out.add_argument(
        "--out", type=Path, default=Path("model.npz"), metavar="FILE", help="model file (default: model.npz)"
    )
    out.add_argument("--json", action="store_true", help="print model, network, encoder, notes and accuracy as JSON")


def _add_network(group):
    group.add_argument(
        "--topology",
        help="layers joined by '-', such as 8C3-MP2-10, in which MP2 is nn.MaxPool2d(2) after the neurons (default: "
        "the file's layers, without pools)",
    )
    group.add_argument(
        "--input-shape",
        type=shape,
        metavar="H,W,C",
        help="height, width and channels of an image (default: what a .nir file says, or a flat row as long as the "
        "first layer's weights)",
    )
    group.add_argument(
        "--padding",
        type=paddings,
        metavar="P",
        help="padding of the convolutions: 0, 1, ..., same, or a list such as 1,0 (default: 0)",
    )
    words = "a number, or a list by layer; needed only if the file has no snn.Leaky"
    group.add_argument("--beta", type=numbers, metavar="B", help=f"leak from 0 to 1: {words}")
    group.add_argument("--threshold", type=numbers, metavar="U", help=f"threshold: {words}")
    group.add_argument(
        "--reset",
        metavar="NAME",
        help='subtract_then_leak for snn.Leaky(reset_delay=False) with reset "subtract"; or subtract or zero, if the '
        "file has no snn.Leaky, or is a .nir file (default of those: zero)",
    )
    group.add_argument(
        "--classes",
        type=int,
        metavar="N",
        help="number of classes, if several output neurons share one (default: one neuron for each class)",
    )

    group.add_argument(
        "--dt",
        type=float,
        metavar="SECONDS",
        help="one time step, in the unit of the time constants of a .nir file: 1e-4 for files of snnTorch",
    )


def _add_inputs(group):
    group.add_argument(
        "--steps", dest="num_steps", type=int, metavar="T", help="number of time steps for an image (default: 10)"
    )
    group.add_argument(
        "--encoding",
        default="direct",
        metavar="NAME",
        help="encoding of pixels: direct (the same image at each step), rate (spikegen.rate) or latency; of "
        "recordings: events (0 or 1 at each step) or counts (default: direct)",
    )
    group.add_argument(
        "--input-scale",
        type=float,
        metavar="S",
        help="the network saw pixels divided by S: 255 for bytes through torchvision's ToTensor (default: inputs are "
        "taken as they are)",
    )
    words = "of torchvision's Normalize: a number, or a list by channel"
    group.add_argument("--mean", type=numbers, metavar="M", help=f"mean {words} (default: 0)")
    group.add_argument("--std", type=numbers, metavar="D", help=f"deviation {words} (default: 1)")
    group.add_argument(
        "--max-value", type=float, metavar="X", help="largest value of a pixel (default: that of --input-scale, or 1)"
    )
    group.add_argument(
        "--dataset",
        metavar="NAME",
        help=f"{DATA_SETS}, to test the model on; other commands then take one with a name by default",
    )
    add_data_folder_argument(group)


def run(args):
    """Import the network, write the model, and print its layers and what was assumed."""
    from ..interop.compare import reset_delay_counted
    from ..interop.nir_file import is_nir
    from ..layer import layers_table
    from ..training.inference import evaluate

    check_model_path("--out", args.out)
    model, notes = (_from_nir if is_nir(args.weights) else _from_state_dict)(args)
    data = _data(args, model)
    result = None if data is None else evaluate(model, data.x_test, data.y_test)
    if data is not None:
        notes += reset_delay_counted(model, data.x_test)
    model.save(args.out)
    if args.json:
        print(json.dumps(_content(args.out, model, notes, result)))
        return
    net = model.network
    print(f"{args.weights}: {net.topology}, T = {model.encoder.num_steps}, {net.classes} classes\n")
    print(layers_table(net.layers))
    if notes:
        print("\nAssumed, folded or left out:")
        print("\n".join(wrapped(f"- {note}") for note in notes))
    if result is not None:
        print(f"\n{model.dataset}: accuracy {100 * result.accuracy:.2f} % ({tested_on(data)})")
    print(f"\nmodel   {args.out}")
    folder = ["--data", args.data] if args.data else []
    named = args.dataset is not None and not args.dataset.endswith(".npz")
    own = [] if named else ["--dataset", args.dataset or "FILE.npz"]
    print("next    " + shlex.join(["minisnn", "quantize", str(args.out), *own, *folder]))


def _from_state_dict(args):
    """Return the model of a file of a state_dict, and what was assumed."""
    from ..interop.snntorch import load_state_dict

    if args.dt is not None:
        raise InputError(f"--dt is for .nir files, and {args.weights} is none; leave it out")
    return load_state_dict(
        args.weights,
        args.topology,
        args.input_shape,
        padding=args.padding or 0,
        beta=args.beta,
        threshold=args.threshold,
        reset=args.reset,
        classes=args.classes,
        **_inputs(args),
    )


def _from_nir(args):
    """Return the model of a NIR file, and what was assumed."""
    from ..interop.nir import load

    for name in ("topology", "padding", "beta", "threshold"):
        if getattr(args, name) is not None:
            raise InputError(f"--{name} is told by the .nir file {args.weights}; leave it out")
    model, notes = load(
        args.weights,
        args.dt,
        classes=args.classes,
        reset=args.reset,
        input_shape=args.input_shape,
        **_inputs(args),
    )
    step = [f"one step is {args.dt:g} in the unit of the file's tau, by --dt"] * (args.dt is not None)
    return model, [*step, *notes]


def _inputs(args):
    """Return what the flags say about the network's inputs, as arguments."""
    from ..interop.scale import Scale

    scale = Scale(input_scale=args.input_scale, mean=args.mean, std=args.std, max_value=args.max_value)
    return {"num_steps": args.num_steps, "encoding": args.encoding, "scale": scale}


def _data(args, model):
    """Return the data set that is named, which becomes the model's; None without one."""
    if args.dataset is None:
        return None
    from ..data import load as datasets

    data = datasets.load_for(model, args.weights, args.dataset, args.data, progress=not args.json)
    model.dataset = data.name
    return data


def _content(out, model, notes, result):
    """Content of the printed JSON."""
    from ..model import portable

    return {
        "model": str(out),
        "network": portable(model.network.config()),
        "encoder": model.encoder.config(),
        "notes": notes,
        "accuracy": None if result is None else result.accuracy,
    }
