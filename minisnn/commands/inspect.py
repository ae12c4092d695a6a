"""Follow one image from spike to clock cycle: a trace, a page to click through, a waveform, and figures.

The cycles of the trace come from the cycle model and are compared with the gates for this image in the same run: in
MyHDL for small networks, otherwise in Verilator or GHDL if they are installed; a difference is an error. inspect.html
opens in a browser and needs no network; the waveform opens in GTKWave (its save file selects the signals) or Surfer.
"""

import argparse
import shutil
import sys
from pathlib import Path

from .. import terminal
from ..errors import InputError
from . import (
    add_data_arguments,
    add_exit_argument,
    add_lanes_argument,
    add_taps_argument,
    needs_room,
    table,
    wrapped,
)

SMALL = 40_000  # cycles, the load's included, that MyHDL simulates in under a minute
SIMULATORS = ("myhdl", "verilator", "ghdl", "none")
WAVEFORMS = ("myhdl", "verilator", "ghdl", "none")
NAMES = {"myhdl": "MyHDL", "verilator": "Verilator", "ghdl": "GHDL"}
COSTS = ("adding", "scanning", "waiting", "firing")  # fields of minisnn.inspector.doing.Cost


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("model", metavar="MODEL", help="model file (.int.npz) that minisnn quantize wrote")
    add_data_arguments(parser)
    parser.add_argument("--image", type=int, default=0, metavar="K", help="test image, from 0 (default: 0)")
    parser.add_argument("--layer", type=int, metavar="L", help="layer that the page shows first, from 1")
    parser.add_argument("--neuron", type=int, metavar="N", help="its neuron, from 0")
    parser.add_argument("--step", type=int, metavar="T", help="its step, from 0 (default: one with a spike)")
    add_lanes_argument(parser)
    add_taps_argument(parser)
    add_exit_argument(parser)
    parser.add_argument(
        "--float",
        dest="float_model",
        metavar="MODEL",
        help="the model file (.npz) that was quantised, for float membranes and gradients (default: the float network "
        "that the integers stand for)",
    )
    parser.add_argument(
        "--simulator",
        metavar="NAME",
        help=f"{', '.join(SIMULATORS)} (default: MyHDL for small networks, else Verilator or GHDL if installed)",
    )
    parser.add_argument(
        "--waveform",
        metavar="NAME",
        help=f"{', '.join(WAVEFORMS)} (default: MyHDL (VCD) for small networks, else GHDL (FST) "
        "or Verilator (VCD) if installed)",
    )
    parser.add_argument(
        "--steps", type=_window, metavar="A:B", help="steps in the VCD, from 0: A to B - 1 (default: all)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder for trace.npz, inspect.html, waveform and figures",
    )


def run(args: argparse.Namespace) -> int:
    """Trace the image, compare it with the gates, and write everything; return 1 if the gates differ."""
    from .. import check, plot
    from ..data import load as datasets
    from ..files import atomic_write
    from ..fixed.model import load
    from ..inspector.page import page
    from ..inspector.trace import trace

    for flag, value, choices in (("simulator", args.simulator, SIMULATORS), ("waveform", args.waveform, WAVEFORMS)):
        if value is not None:
            check.choice(f"--{flag}", value, choices)
    model = load(args.model)
    data = datasets.load_for(model, args.model, args.dataset, args.data, progress=True)
    terminal.say("tracing every spike and membrane of the image")
    if not 0 <= args.image < len(data.x_test):
        raise InputError(f"--image must be 0 to {len(data.x_test) - 1}, got {args.image}")
    image, label = data.x_test[args.image], int(data.y_test[args.image])
    floats = _float_model(args, model)
    about = {"image": args.image, "label": label, "model": Path(args.model).name}
    result = trace(model, image, args.lanes, args.taps, floats, about, args.exit)
    first_shown, window = _first_shown(args, result), _cycles(args.steps, result)
    plan = _plan(args, model, result)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {args.out}: {error.strerror or error}; name another folder") from None
    with needs_room(args.out):
        compared, files = _simulate(args, model, image, result, window, *plan)
    result.save(args.out / "trace.npz")
    factors = _factors(floats, model, image, label)
    atomic_write(args.out / "inspect.html", page(result, factors, *first_shown).encode())
    figures = plot.trace_figures(result, factors, first_shown, args.out)
    print(_summary(result))
    print()
    print(wrapped(f"{args.out}: trace.npz, inspect.html, {', '.join([*files, *figures])}"))
    if compared is not None and not compared.same:
        print(f"THE GATES DIFFER from the trace: {_differences(compared)}", file=sys.stderr)
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
    """The backward pass in float64; None if the label is not one of the network's classes, or the loss is not known."""
    import numpy as np

    from ..inspector.factors import Factors
    from ..loss import OWN
    from ..network import Network

    net = Network(**floats.network.config() | {"dtype": "float64", "backend": "numpy"}, rng=np.random.default_rng(0))
    if label >= net.classes:
        return None
    for ours, theirs in zip(net.params, floats.network.params):
        ours[...] = theirs
    settings = model.source.get("settings", {})
    loss = settings.get("loss", "membrane" if net.readout == "membrane" else "rate")
    if str(loss).startswith(OWN):
        print(wrapped(f"gradients are left out: loss {loss.removeprefix(OWN)} is a function, which no file holds"))
        return None
    if model.encoder.kind == "direct":
        inputs = floats.encoder.encode(image[None], None, net.dtype)
    else:
        inputs = next(model.inputs(image[None]))
    return Factors(net, inputs, label, model.num_steps, loss)


def _first_shown(args, trace):
    """(layer, neuron, step), from 0, that the page shows first; by default a neuron that spikes at some steps only."""
    layers = trace.network.layers
    if args.layer is not None and not 1 <= args.layer <= len(layers):
        raise InputError(f"--layer must be 1 to {len(layers)}, got {args.layer}")
    layer = max(len(layers) - 2, 0) if args.layer is None else args.layer - 1
    spikes = trace.spk[layer].reshape(trace.num_steps, -1)
    distance = abs(spikes.sum(axis=0) - trace.num_steps / 2)
    neuron = int(distance.argmin()) if args.neuron is None else args.neuron
    if not 0 <= neuron < spikes.shape[1]:
        raise InputError(f"--neuron must be 0 to {spikes.shape[1] - 1} in layer {layer + 1}, got {neuron}")
    step = int(spikes[:, neuron].argmax()) if args.step is None else args.step
    if not 0 <= step < trace.num_steps:
        raise InputError(f"--step must be 0 to {trace.num_steps - 1}, got {step}")
    return layer, neuron, step


def _cycles(steps, trace):
    """Clock cycles of the steps A to B - 1: from the begin of A in the first layer to the end of B - 1 in the last."""
    if steps is None:
        return None if trace.exit is None else (0, trace.span)
    first, end = steps
    if end > trace.steps_taken:
        raise InputError(f"--steps must be within 0:{trace.steps_taken}, which the image takes, got {first}:{end}")
    return int(trace.begins[0, first]), int(trace.ends[-1, end - 1])


def _plan(args, model, trace):
    """Return (spec of the accelerator, simulator, waveform); raise InputError if they do not fit together."""
    from minisnn_hw.generate.words import load_words
    from minisnn_hw.verify.cosimulate import build

    try:
        spec = build(model.network, trace.lanes, model.num_steps, args.taps)
    except ValueError as error:
        raise InputError(str(error)) from None
    small = trace.span + len(load_words(model.network, spec, model.num_steps)) <= SMALL
    installed = [name for name in ("verilator", "ghdl") if shutil.which(name)]
    waveform = args.waveform or ("myhdl" if small else [*reversed(installed), "none"][0])
    if args.steps and waveform not in ("myhdl", "verilator"):
        raise InputError("--steps selects steps of a VCD; leave it out, or add --waveform myhdl or verilator")
    # The simulation that draws the waveform also compares; without another tool, it is the comparison.
    simulator = args.simulator or ("myhdl" if small else [*installed, waveform][0])
    return spec, simulator, waveform


def _simulate(args, model, image, trace, window, spec, simulator, waveform):
    """Draw the waveform and compare the gates with the trace: (their differences or None, names of the files)."""
    from minisnn_hw.generate.tools import ToolError

    inputs = next(model.inputs(image[None]))
    try:
        compared, files = _draw_waveform(waveform, args, model, inputs, spec, window)
        if simulator != waveform:
            compared = _compare(simulator, args, model, inputs, trace.lanes)
    except ToolError as error:
        raise InputError(str(error)) from None
    trace.about["checked"] = _checked(args, simulator, compared)
    return compared, files


def _draw_waveform(waveform, args, model, inputs, spec, window):
    """(differences to the gates that the waveform shows, or None; names of the files)."""
    from minisnn_hw.verify.waveform import in_ghdl, in_myhdl, in_verilator

    arguments = model.network, inputs, model.num_steps, [layer.lanes for layer in spec.layers]
    if waveform in ("myhdl", "verilator"):
        write = in_myhdl if waveform == "myhdl" else in_verilator
        compared = write(*arguments, args.out / "waveform.vcd", args.taps, window, args.exit)
        return compared, ["waveform.vcd", "waveform.gtkw"]
    if waveform == "ghdl":
        compared = in_ghdl(*arguments, args.out / "waveform.fst", args.taps, args.exit)
        return compared, ["waveform.fst", "waveform.gtkw"]
    return None, []


def _compare(simulator, args, model, inputs, lanes):
    """Simulate without a waveform and return the differences; None for the simulator "none"."""
    if simulator == "none":
        return None
    arguments = model.network, inputs, model.num_steps, lanes
    if simulator == "myhdl":
        from minisnn_hw.verify.cosimulate import cosimulate

        (compared,) = cosimulate(*arguments, taps=args.taps, margin=args.exit)
        return compared
    from minisnn_hw.verify.cosimulate_hdl import cosimulate as cosimulate_hdl

    ((_, compared),) = cosimulate_hdl(*arguments, simulator, taps=args.taps, margin=args.exit)
    return compared


def _checked(args, simulator, compared):
    """Number of differences by kind, or a sentence that says why there was no comparison, which is also printed."""
    if compared is not None:
        kinds = ("spikes", "membranes", "answers", "cycles")
        return {"simulator": simulator} | {kind: getattr(compared, kind) for kind in kinds}
    if args.simulator == "none":
        reason = "--simulator none was given"
    else:
        reason = "a network of this size needs Verilator or GHDL: apt install ghdl"
    words = f"not compared with the gates: {reason}"
    print(words, file=sys.stderr)
    return words


def _differences(compared):
    return (
        f"{compared.spikes} spikes, {compared.membranes} membranes, {compared.answers} beats of the answer, "
        f"{compared.cycles} cycles"
    )


def _summary(trace):
    """Answer, latency, where early exit ended the image, and a table of the cycles that each layer costs."""
    from ..inspector.ending import words

    rows = []
    for index, layer in enumerate(trace.network.layers):
        costs = [trace.cost(index, step) for step in range(trace.num_steps)]
        cycles = [f"{sum(getattr(cost, name) for cost in costs):,}" for name in COSTS]
        rows.append((layer.layer.name, trace.lanes[index], f"{int(trace.spk[index].sum()):,}", *cycles))
    about, checked = trace.about, trace.about["checked"]
    compared = "not compared with the gates"
    if isinstance(checked, dict):
        same = not any(count for kind, count in checked.items() if kind != "simulator")
        compared = f"{'as' if same else 'NOT as'} in {NAMES[checked['simulator']]}"
    return (
        f"image {about['image']}: class {about['label']}, answer {about['answer']}; "
        f"{trace.latency:,} cycles, {compared}\n"
        + (f"{words(trace, trace.exit)}\n" if trace.exit else "")
        + "\n"
        + table(rows, ("layer", "lanes", "spikes", "cycles adding", "scanning", "waiting", "firing"))
    )
