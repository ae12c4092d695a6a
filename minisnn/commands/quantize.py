"""Quantise a trained model: integers as the hardware computes with them, and the loss.

Weights get --weight-bits bits and one scale per layer; thresholds, biases and leaks become integers; pixels are
unsigned integers, and their normalisation is folded into the first layer. With --finetune the model first learns for
some epochs with rounded weights, which recovers most of the accuracy that few bits lose.
"""

import argparse
import json
import shlex
from dataclasses import asdict
from pathlib import Path

from .. import terminal
from ..errors import InputError
from . import (
    add_data_arguments,
    add_machine_arguments,
    check_checkpoint,
    check_model_path,
    counted,
    interrupted,
    table,
    tested_on,
    widths,
    wrapped,
)


def add_arguments(parser):
    """Add the command's flags."""
    parser.add_argument("model", metavar="MODEL", help="model file (.npz) that minisnn train or import wrote")
    parser.add_argument(
        "--weight-bits",
        type=widths,
        default=8,
        metavar="BITS",
        help="bits of a weight, 2 to 16: a number, or a list by layer such as 8,4,4,8 (default: 8)",
    )
    parser.add_argument(
        "--finetune",
        type=int,
        default=0,
        metavar="EPOCHS",
        help="first learn for this many epochs with rounded weights (default: 0)",
    )
    parser.add_argument(
        "--lr", type=float, metavar="X", help="learning rate of --finetune (default: a quarter of the model's)"
    )
    parser.add_argument("--frac", type=int, default=8, metavar="BITS", help="fraction bits of beta (default: 8)")
    parser.add_argument(
        "--guard",
        type=int,
        default=4,
        metavar="BITS",
        help="fraction bits of membranes below the weights' unit (default: 4)",
    )
    parser.add_argument(
        "--membrane-bits",
        type=int,
        metavar="BITS",
        help="width of all membranes (default: each layer's is proven never to saturate)",
    )
    parser.add_argument(
        "--rounding",
        default="floor",
        metavar="NAME",
        help="rounding of the leak: floor, or zero for towards zero (default: floor)",
    )
    parser.add_argument(
        "--input-bits",
        type=int,
        default=8,
        metavar="BITS",
        help="bits of pixels that are not unsigned integers, 1 to 16 (default: 8)",
    )
    add_data_arguments(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="file to write (default: MODEL.int.npz)")
    parser.add_argument(
        "--resume", action="store_true", help="continue from the checkpoint of an interrupted --finetune"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print accuracy_before, accuracy_after, firing_rates_before, firing_rates_after, the losses of each "
        "layer, and a note on what hardware needs (or null) as JSON",
    )
    add_machine_arguments(parser)


def run(args):
    """Quantise the model, write it, and print the losses."""
    from ..data import load as datasets
    from ..fixed.quantize import quantize
    from ..model import load
    from ..training.inference import evaluate
    from ..training.train import fine_tune

    out, checkpoint = _check_output(args)
    if not args.json:
        terminal.say("rounding the model, and testing it before and after")
    model = load(args.model, args.backend, args.threads)
    data = datasets.load_for(model, args.model, args.dataset, args.data, progress=not args.json)
    options = {
        "frac": args.frac,
        "guard": args.guard,
        "membrane_bits": args.membrane_bits,
        "rounding": args.rounding,
        "input_bits": args.input_bits,
        "images": data.x_train,
    }
    integer, losses = quantize(model, args.weight_bits, **options)  # errors come before the training
    before = evaluate(model, data.x_test, data.y_test)
    if args.finetune:
        try:
            model = fine_tune(
                model,
                data,
                args.finetune,
                args.weight_bits,
                args.lr,
                checkpoint=checkpoint,
                resume=args.resume,
                progress=not args.json,
            )
        except KeyboardInterrupt:
            raise interrupted(checkpoint) from None
        integer, losses = quantize(model, args.weight_bits, **options)
    integer.save(out)
    if args.finetune:
        checkpoint.unlink(missing_ok=True)
    after = integer.evaluate(data.x_test, data.y_test, args.threads)
    flag, refused = _flag_for_hardware(integer.network, args), _refused(integer.network)
    note = f"note: {refused}" if refused else _note(integer.network, flag) if flag else None
    if args.json:
        print(
            json.dumps(
                {
                    "accuracy_before": before.accuracy,
                    "accuracy_after": after.accuracy,
                    "firing_rates_before": before.firing_rates,
                    "firing_rates_after": after.firing_rates,
                    "worst_pixel": losses.worst_pixel,
                    "layers": [asdict(loss) for loss in losses.layers],
                    "model": str(out),
                    "note": note,
                }
            )
        )
        return
    _show(losses, before, after, data, args.finetune)
    if note:
        print(f"\n{wrapped(note, 0)}")
    print(f"\nmodel   {out}")
    following = _used("evaluate", args, out) if refused else _again(args, flag) if flag else _used("cycles", args, out)
    print("next    " + shlex.join(following))


def _show(losses, before, after, data, epochs):
    """Print accuracies, and a table each of weights, neurons and membranes."""
    tuned = f" after {counted(epochs, 'epoch')} of fine-tuning" if epochs else ""
    steps = counted(after.num_steps, "step")
    print(
        f"{data.name}: accuracy {100 * before.accuracy:.2f} % in floats, {100 * after.accuracy:.2f} % in "
        f"integers{tuned},\n" + wrapped(f"over all {steps} ({tested_on(data)})") + "\n"
    )
    print("Weights: errors in units of the float weights; firing rates before and after\n")
    rows = [
        (
            loss.name,
            loss.weight_bits,
            f"{loss.worst_weight:.2g}",
            f"{loss.rms_weight:.2g}",
            f"{100 * rate:.2f} %",
            f"{100 * integer_rate:.2f} %",
        )
        for loss, rate, integer_rate in zip(losses.layers, before.firing_rates, after.firing_rates)
    ]
    print(table(rows, ("layer", "bits", "largest error", "rms error", "rate before", "rate after")))
    print("\nNeurons: values asked for, and values that the integers stand for\n")
    rows = [
        (loss.name, f"{loss.beta:g}", f"{loss.beta_got:g}", f"{loss.threshold:g}", f"{loss.threshold_got:.4g}")
        for loss in losses.layers
    ]
    print(table(rows, ("layer", "beta", "beta, rounded", "threshold", "threshold, rounded")))
    print("\nMembranes: bounds proven for all inputs, in integers\n")
    rows = [
        (loss.name, loss.membrane_bits, loss.least, loss.most, "MAY SATURATE" if loss.saturates else "never")
        for loss in losses.layers
    ]
    print(table(rows, ("layer", "bits", "least", "most", "saturates")))
    if losses.worst_pixel:
        print(f"\nPixels are off by up to {losses.worst_pixel:.3g}, because the images are not whole numbers.")
    if saturating := [loss.name for loss in losses.layers if loss.saturates]:
        print(
            f"\nwarning: membranes may saturate in layer {', '.join(saturating)}, which changes what the network\n"
            "computes; give more --membrane-bits, or leave the flag out"
        )


def _flag_for_hardware(network, args):
    """Return the flag with which membranes fit hardware, "" if they do; a width that was given is given anew."""
    from ..fixed.bounds import HARDWARE_BITS, flag_for_hardware

    flag = flag_for_hardware(network)
    return f"--membrane-bits {HARDWARE_BITS}" if flag and args.membrane_bits else flag


def _refused(network):
    """Return a sentence that says why no hardware computes the network; "" if it does."""
    from ..timing.layout import why_not_computed

    return why_not_computed([integers.layer for integers in network.layers])


def _note(network, flag):
    """Return a sentence on membranes that are wider than hardware takes them."""
    from ..fixed.bounds import HARDWARE_BITS

    widest = max(network.layers, key=lambda layer: layer.membrane_bits)
    return (
        f"note: membranes of {widest.membrane_bits} bits (layer {widest.layer.name}) are wider than the "
        f"{HARDWARE_BITS} bits that hardware takes: for cosim, vhdl and synth quantize with {flag}"
    )


def _again(args, flag):
    """Return the command that quantises the same way, with one flag set anew."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    name, value = flag.split()
    given = []
    for action in parser._actions:
        setting = getattr(args, action.dest, action.default)
        if setting == action.default or action.dest in ("model", "resume") or name in action.option_strings:
            continue
        given += [action.option_strings[0], ",".join(map(str, setting)) if isinstance(setting, list) else str(setting)]
    return ["minisnn", "quantize", args.model, *given, name, value]


def _used(command, args, out):
    """Return the command that evaluates the file, or predicts its cycles."""
    folder = ["--data", args.data] if args.data else []
    own = ["--dataset", args.dataset] if args.dataset else []
    return ["minisnn", command, str(out), *own, *folder]


def _check_output(args):
    """Return (model file, checkpoint); raise InputError before the training if they cannot be written."""
    out = args.out or Path(args.model).with_suffix(".int.npz")
    check_model_path("--out", out)
    if out.resolve() == Path(args.model).resolve():
        raise InputError(f"--out {out} would overwrite the model; name another file")
    if args.finetune < 0:
        raise InputError(f"--finetune must be a number of epochs from 0, got {args.finetune}")
    if not args.finetune and (args.resume or args.lr is not None):
        flag = "--resume" if args.resume else "--lr"
        raise InputError(f"{flag} belongs to a fine-tuning; add --finetune EPOCHS, or leave {flag} out")
    checkpoint = out.with_name(out.name + ".checkpoint")
    if args.finetune:
        check_checkpoint(checkpoint, args.resume, "fine-tuning")
    return out, checkpoint
