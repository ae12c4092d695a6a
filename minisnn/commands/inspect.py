"""Follow one image from spike to clock cycle: a trace, a page to click through, a waveform, and figures.

The trace's cycles are the model's, and are checked in the same run against the gates for this image: in MyHDL for small
networks, else in Verilator or GHDL where they are installed; a difference is an error. inspect.html opens in a browser,
without a network; the waveform in GTKWave (its save file shows the right signals first) or Surfer.
"""

import argparse
import shutil
import sys
from pathlib import Path

import numpy as np

from ..errors import InputError
from . import add_data_arguments, add_lanes_argument, add_wide_argument, table

SMALL = 40_000  # cycles, the load's among them, that MyHDL simulates in under a minute
SIMULATORS = ("myhdl", "verilator", "ghdl", "none")
WAVEFORMS = ("myhdl", "ghdl", "none")


def add_arguments(parser):
    """The command's flags."""
    parser.add_argument("model", metavar="MODEL", help="model file (.int.npz) that minisnn quantize wrote")
    add_data_arguments(parser)
    parser.add_argument("--image", type=int, default=0, metavar="K", help="which test image, from 0 (default: 0)")
    parser.add_argument("--layer", type=int, metavar="L", help="the page begins with this layer, from 0,")
    parser.add_argument("--neuron", type=int, metavar="N", help="neuron, from 0,")
    parser.add_argument("--step", type=int, metavar="T", help="and step, from 0 (default: a spike)")
    add_lanes_argument(parser)
    add_wide_argument(parser)
    parser.add_argument(
        "--float",
        dest="float_model",
        metavar="MODEL",
        help="model file (.npz) that was quantised, "
        "for float membranes and gradients (default: the floats that the integers stand for)",
    )
    parser.add_argument(
        "--simulator",
        metavar="NAME",
        help=f"{', '.join(SIMULATORS)} (default: MyHDL for small networks, else Verilator or GHDL, whichever is there)",
    )
    parser.add_argument(
        "--waveform",
        metavar="NAME",
        help=f"{', '.join(WAVEFORMS)} (default: MyHDL (VCD) for small networks, else GHDL (FST), if it is there)",
    )
    parser.add_argument(
        "--steps", type=_window, metavar="A:B", help="steps of the VCD, from A to before B (default: all)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder for trace.npz, inspect.html, waveform and figures",
    )


def run(args):
    """Inspect as the arguments say; exit status 1 if the gates differ."""
    from .. import plot
    from ..data import load as datasets
    from ..files import atomic_write
    from ..fixed.model import load
    from ..inspector import page as inspector
    from ..inspector import trace

    for flag, value, choices in (("simulator", args.simulator, SIMULATORS), ("waveform", args.waveform, WAVEFORMS)):
        if value is not None and value not in choices:
            raise InputError(f"--{flag} must be one of {', '.join(choices)}, got {value!r}")
    model = load(args.model)
    data = datasets.load_for(model, args.model, args.dataset, args.data, progress=True)
    if not 0 <= args.image < len(data.x_test):
        raise InputError(f"--image must be 0 to {len(data.x_test) - 1}, got {args.image}")
    image, label = data.x_test[args.image], int(data.y_test[args.image])
    floats = _float_model(args, model)
    found = trace.trace(
        model,
        image,
        args.lanes,
        args.wide,
        floats,
        {"image": args.image, "label": label, "model": Path(args.model).name},
    )
    chosen, _ = _chosen(args, found), _cycles(args.steps, found)
    try:
        args.out.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {args.out}: {error.strerror or error}; name another folder") from None
    differences, files = _check(args, model, image, found)
    found.save(args.out / "trace.npz")
    factors = _factors(floats, model, image, label)
    with atomic_write(args.out / "inspect.html") as file:
        file.write(inspector.page(found, factors, *chosen).encode())
    figures = plot.trace_figures(found, factors, chosen, args.out)
    print(_summary(found))
    print(f"\n{args.out}: trace.npz, inspect.html, {', '.join([*files, *figures])}")
    if differences:
        print(f"THE GATES DIFFER from the trace: {differences}", file=sys.stderr)
        return 1
    return 0


def _window(text):
    first, colon, end = text.partition(":")
    if not (colon and first.isdecimal() and end.isdecimal() and int(first) < int(end)):
        raise argparse.ArgumentTypeError(f"must be two numbers such as 0:2, got {text!r}")
    return int(first), int(end)


def _float_model(args, model):
    from ..fixed.quantize import dequantised
    from ..model import load

    return load(args.float_model, backend="numpy") if args.float_model else dequantised(model)


def _factors(floats, model, image, label):
    """The backward pass in float64; None where the loss is not known."""
    from ..inspector.factors import Factors
    from ..network import Network

    net = Network(**floats.network.config() | {"dtype": "float64", "backend": "numpy"}, rng=np.random.default_rng(0))
    for ours, theirs in zip(net.params, floats.network.params):
        ours[...] = theirs
    settings = model.source.get("settings", {})
    loss = settings.get("loss", "membrane" if net.readout == "membrane" else "rate")
    if label >= net.classes:
        return None
    inputs = next(model.inputs(image[None]))
    if model.encoder.kind == "direct":
        inputs = floats.encoder.encode(image[None], None, net.dtype)
    return Factors(net, inputs, label, model.num_steps, loss)


def _chosen(args, found):
    """(layer, neuron, step) that is shown first: as asked, else a neuron before the last layer that fires at times."""
    layers = found.network.layers
    layer = max(len(layers) - 2, 0) if args.layer is None else args.layer
    if not 0 <= layer < len(layers):
        raise InputError(f"--layer must be 0 to {len(layers) - 1}, got {layer}")
    spikes = found.spk[layer].reshape(found.num_steps, -1)
    often = np.abs(spikes.sum(axis=0) - found.num_steps / 2)
    neuron = int(often.argmin()) if args.neuron is None else args.neuron
    if not 0 <= neuron < spikes.shape[1]:
        raise InputError(f"--neuron must be 0 to {spikes.shape[1] - 1} in layer {layer}, got {neuron}")
    step = int(spikes[:, neuron].argmax()) if args.step is None else args.step
    if not 0 <= step < found.num_steps:
        raise InputError(f"--step must be 0 to {found.num_steps - 1}, got {step}")
    return layer, neuron, step


def _check(args, model, image, found):
    """(what differs in words or "", names of the files of the waveform): the gates beside the trace."""
    from minisnn_hw.generate.tools import ToolError
    from minisnn_hw.generate.words import load_words
    from minisnn_hw.verify import waveform
    from minisnn_hw.verify.cosimulate import build

    network, steps = model.network, model.num_steps
    try:
        spec = build(network, found.lanes, steps, args.wide)
    except ValueError as error:
        raise InputError(str(error)) from None
    small = found.latency + len(load_words(network, spec, steps)) <= SMALL
    there = [name for name in ("verilator", "ghdl") if shutil.which(name)]
    simulator = args.simulator or ("myhdl" if small else (there or ["none"])[0])
    drawn = args.waveform or ("myhdl" if small else "ghdl" if "ghdl" in there else "none")
    if args.steps and drawn != "myhdl":
        raise InputError("--steps cuts a VCD, that of --waveform myhdl; leave it out, or ask for that")
    inputs = next(model.inputs(image[None]))
    compared, files = None, []
    try:
        if drawn == "myhdl":
            compared = waveform.in_myhdl(
                network, inputs, steps, found.lanes, args.out / "waveform.vcd", args.wide, _cycles(args.steps, found)
            )
        elif drawn == "ghdl":
            waveform.in_ghdl(model, image, spec, args.out / "waveform.fst")
        files = [] if drawn == "none" else [f"waveform.{'vcd' if drawn == 'myhdl' else 'fst'}", "waveform.gtkw"]
        if simulator in ("verilator", "ghdl"):
            from minisnn_hw.verify.cosimulate_hdl import cosimulate

            ((_, compared),) = cosimulate(network, inputs, steps, found.lanes, simulator, wide=args.wide)
        elif simulator == "myhdl" and compared is None:
            from minisnn_hw.verify.cosimulate import cosimulate

            (compared,) = cosimulate(network, inputs, steps, found.lanes, wide=args.wide)
    except ToolError as error:
        raise InputError(str(error)) from None
    if compared is None or simulator == "none":
        why = (
            "it was not asked for"
            if args.simulator == "none"
            else "that needs Verilator or GHDL for a network of this size: apt install ghdl"
        )
        found.about["checked"] = f"not checked against gates: {why}"
        print(found.about["checked"], file=sys.stderr)
        return "", files
    found.about["checked"] = {
        "simulator": simulator,
        "spikes": compared.spikes,
        "membranes": compared.membranes,
        "answers": compared.answers,
        "cycles": compared.cycles,
    }
    words = (
        f"{compared.spikes} spikes, {compared.membranes} membranes, {compared.answers} beats of the answer, "
        f"{compared.cycles} cycles"
    )
    return "" if compared.same else words, files


def _cycles(steps, found):
    """Clock cycles of steps A to before B: from the first layer's begin of A to the last's end of B - 1."""
    if steps is None:
        return None
    if steps[1] > found.num_steps:
        raise InputError(f"--steps must be within 0:{found.num_steps}, got {steps[0]}:{steps[1]}")
    return int(found.times[0, 0, steps[0]]), int(found.times[3, -1, steps[1] - 1])


def _summary(found):
    rows = []
    for layer, each in enumerate(found.network.layers):
        costs = [found.cost(layer, step) for step in range(found.num_steps)]
        rows.append(
            (
                each.layer.name,
                found.lanes[layer],
                f"{int(found.spk[layer].sum()):,}",
                *(
                    f"{sum(getattr(cost, name) for cost in costs):,}"
                    for name in ("adding", "scanning", "waiting", "firing")
                ),
            )
        )
    checked = found.about["checked"]
    return (
        f"image {found.about['image']}: class {found.about['label']}, answer {found.about['answer']}; "
        f"{found.latency:,} cycles, {'as in ' + checked['simulator'] if isinstance(checked, dict) else 'unchecked'}"
        "\n\n" + table(rows, ("layer", "lanes", "spikes", "cycles adding", "scanning", "waiting", "firing"))
    )
