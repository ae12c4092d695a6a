"""Synthesise the accelerator for an FPGA: look-up tables, registers, block RAM, multipliers, and the clock.

Yosys maps the design, in Verilog, which comes from the same source as the VHDL; nextpnr places and routes it if it is
there. Each memory must be in block RAM or distributed RAM, and nothing may be a latch; else the exit status is 1.
"""

import json
import sys
from pathlib import Path

from ..errors import InputError
from ..files import atomic_write
from . import add_data_arguments, add_lanes_argument, add_wide_argument, positive, table


def add_arguments(parser):
    """The command's flags."""
    parser.add_argument("model", metavar="MODEL", help="model file (.int.npz) that minisnn quantize wrote")
    add_lanes_argument(parser)
    add_wide_argument(parser)
    parser.add_argument(
        "--family",
        default="ecp5",
        metavar="NAME",
        help="ecp5, ice40 or xcup; the clock is told for ecp5 alone (default: ecp5)",
    )
    parser.add_argument("--seed", type=positive, default=1, metavar="N", help="of the placement (default: 1)")
    parser.add_argument(
        "--timeout", type=positive, default=3600, metavar="SECONDS", help="for each tool (default: 3600)"
    )
    parser.add_argument("--no-place", action="store_true", help="Yosys alone")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder for report.json and report.md, and "
        "SHA256SUMS, such as the one that minisnn vhdl wrote (default: they are not written)",
    )
    add_data_arguments(parser)
    parser.add_argument(
        "--json",
        action="store_true",
        help="print cells, memories, block_ratio, latches, mhz, latency_us and more as JSON",
    )


def run(args):
    """Synthesise as the arguments say; exit status 1 for a memory in registers, a latch, or a tool that fails."""
    from minisnn_hw.delivery.deliver import with_sums
    from minisnn_hw.generate.specify import specify
    from minisnn_hw.generate.tools import ToolError, need
    from minisnn_hw.synth.families import FAMILIES
    from minisnn_hw.synth.resources import markdown
    from minisnn_hw.synth.synthesize import synthesize, verilog_of

    from ..fixed.model import load
    from ..timing import layout

    if args.family not in FAMILIES:
        raise InputError(f"--family must be one of {', '.join(FAMILIES)}, got {args.family!r}")
    model = load(args.model)
    lanes = layout.check_lanes(model.network, args.lanes or layout.default_lanes(model.network))
    try:
        spec = specify(model.network, lanes, wide=args.wide)
        need("yosys")
        if args.out:
            args.out.mkdir(exist_ok=True)
    except (ValueError, ToolError) as error:
        raise InputError(str(error)) from None
    except OSError as error:
        raise InputError(f"cannot write {args.out}: {error.strerror or error}; name another folder") from None
    if args.out:
        _check_folder(args.out, model, spec)
    latency = _latency(model, args, lanes)
    print("this takes minutes for a small network, and up to an hour for a large one", file=sys.stderr)
    try:
        found = synthesize(verilog_of(spec), spec, args.family, args.seed, args.timeout, not args.no_place)
    except ToolError as error:
        print(f"minisnn: error: {error}", file=sys.stderr)
        return 1
    said = {
        "lanes": list(lanes),
        "wide": args.wide,
        "seed": args.seed,
        **found.as_dict(),
        "latency_cycles": latency,
        "latency_us": latency / found.mhz if latency and found.mhz else None,
    }
    facts = [
        (name, f"{said[key]:,.1f}")
        for name, key in (("latency, cycles", "latency_cycles"), ("latency, us", "latency_us"))
        if said[key]
    ]
    title = f"{Path(args.model).name}, lanes {'/'.join(map(str, lanes))}{' wide' if args.wide else ''}"
    if args.out:
        _check_folder(args.out, model, spec)  # once more: it may have been written anew in these minutes
        files = {"report.json": json.dumps(said, indent=1) + "\n", "report.md": markdown(found, title, facts)}
        for name, text in with_sums(args.out, files).items():
            with atomic_write(args.out / name) as file:
                file.write(text.encode())
    if args.json:
        print(json.dumps(said))
    else:
        _show(found, title, facts)
    return 1 if found.faults else 0


def _check_folder(folder, model, spec):
    """That no report comes to lie beside the design of something else."""
    from minisnn_hw.delivery.deliver import check_report

    try:
        check_report(folder, model, spec)
    except FileExistsError as error:
        raise InputError(str(error)) from None


def _latency(model, args, lanes):
    """Mean cycles of the test images; None if the data set would have to be fetched, and was not asked for."""
    from ..data import load as datasets
    from ..timing import cycles

    if not (args.dataset or args.data or model.dataset == "digits"):
        return None
    data = datasets.load_for(model, args.model, args.dataset, args.data, progress=not args.json)
    return float(cycles.predict(cycles.Stimulus.of_images(model, data.x_test), lanes, wide=args.wide).latency.mean())


def _show(found, title, facts):
    print(f"{title}, {found.family}: {'; '.join(found.tools)}\n")
    print(table([*found.resource_rows(), *facts], ("what", "how many")))
    if found.unplaced:
        print(f"\nnot placed and routed: {found.unplaced}")
    print()
    print(table(found.memory_rows(), ("memory", "number", "words x bits", "bits", "where", "cells")))
    print(
        f"\nblock RAM holds {found.block_bits:,} bits, {found.ratio:.2f}x of the weights and membranes in it, "
        f"rounded up to whole blocks; all weights and membranes are {found.neuron_bits:,} bits"
    )
    for fault in found.faults:
        print(f"WRONG: {fault}.")
