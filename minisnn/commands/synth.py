"""Synthesise the accelerator for an FPGA: look-up tables, registers, block RAM, multipliers, and the clock.

Yosys maps the Verilog, which comes from the same source as the VHDL; nextpnr places and routes the design if it is
installed. The exit status is 1 if a memory is in neither block RAM nor distributed RAM, or if there is a latch.
"""

import json
import sys
from pathlib import Path

from .. import terminal
from ..errors import InputError
from . import (
    add_data_arguments,
    add_lanes_argument,
    add_load_beta_argument,
    add_positions_argument,
    add_second_bank_argument,
    add_taps_argument,
    needs_room,
    of_layers,
    positive,
    table,
)


def add_arguments(parser):
    """Add the command's flags."""
    parser.add_argument("model", metavar="MODEL", help="model file (.int.npz) that minisnn quantize wrote")
    add_lanes_argument(parser)
    add_taps_argument(parser)
    add_positions_argument(parser)
    add_second_bank_argument(parser)
    add_load_beta_argument(parser)
    parser.add_argument(
        "--family",
        default="ecp5",
        metavar="NAME",
        help="ecp5, gowin, ice40, xc7 (Xilinx 7 series) or xcup (UltraScale+); only ecp5 is placed and routed, which "
        "gives the clock (default: ecp5)",
    )
    parser.add_argument("--seed", type=positive, default=1, metavar="N", help="seed of the placement (default: 1)")
    parser.add_argument(
        "--timeout", type=positive, default=3600, metavar="SECONDS", help="limit for each tool (default: 3600)"
    )
    parser.add_argument("--no-place", action="store_true", help="stop after the packing, without place and route")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder for report.json, report.md and SHA256SUMS, such as one that minisnn vhdl wrote (default: none are "
        "written)",
    )
    add_data_arguments(parser)
    parser.add_argument(
        "--json",
        action="store_true",
        help="print cells, packed, memories, block_ratio, latches, mhz, latency_us and more as JSON",
    )


def run(args):
    """Synthesise; return 1 for a memory in registers, a latch, or a tool that fails, else 0."""
    from minisnn_hw.delivery.deliver import with_sums
    from minisnn_hw.generate.specify import specify
    from minisnn_hw.generate.tools import ToolError, need
    from minisnn_hw.synth.area import COSTS, estimate, memory_bits
    from minisnn_hw.synth.families import FAMILIES
    from minisnn_hw.synth.resources import markdown
    from minisnn_hw.synth.synthesize import synthesize, verilog_of

    from .. import check
    from ..files import atomic_write
    from ..fixed.model import load
    from ..timing import layout
    from ..timing.balance import count_adders, count_multipliers, count_neurons

    check.choice("--family", args.family, FAMILIES)
    model = load(args.model)
    lanes = layout.check_lanes(model.network, args.lanes or layout.default_lanes(model.network))
    try:
        options = {"taps": args.taps, "load_beta": args.load_beta, "positions": args.positions}
        spec = specify(model.network, lanes, second_bank=args.second_bank, **options)
        need("yosys")
        if args.out:
            args.out.mkdir(parents=True, exist_ok=True)
    except (ValueError, ToolError) as error:
        raise InputError(str(error)) from None
    except OSError as error:
        raise InputError(f"cannot write {args.out}: {error.strerror or error}; name another folder") from None
    if args.out:
        _check_folder(args.out, model, spec)
    latency = _latency(model, args, lanes)
    print("this takes minutes for a small network, and up to an hour for a large one", file=sys.stderr)
    try:
        with needs_room(), terminal.phases("converting the accelerator to Verilog") as tell:
            text = verilog_of(spec)
            report = synthesize(text, spec, args.family, args.seed, args.timeout, not args.no_place, tell)
    except ToolError as error:
        print(f"minisnn: error: {error}", file=sys.stderr)
        return 1
    taps, positions = [layer.taps for layer in spec.layers], [layer.positions for layer in spec.layers]
    estimated = estimate(spec, args.family) if args.family in COSTS else None
    result = {
        "lanes": list(lanes),
        "taps": taps,
        "positions": positions,
        "adders": count_adders(lanes, taps),
        "neurons": count_neurons(lanes, positions),
        "multipliers": count_multipliers(model.network, lanes, taps, positions),
        "memory_bits": memory_bits(spec),
        "estimated_look_up_tables": estimated and round(estimated.tables),
        "load_beta": args.load_beta,
        "second_bank": args.second_bank,
        "seed": args.seed,
        **report.as_dict(),
        "latency_cycles": latency,
        "latency_us": latency / report.mhz if latency and report.mhz else None,
    }
    facts = [
        (name, f"{result[key]:,.1f}".removesuffix(".0"))
        for name, key in (
            ("look-up tables as packed, estimated", "estimated_look_up_tables"),
            ("adders", "adders"),
            ("neurons at once", "neurons"),
            ("multipliers of pixels and leaks", "multipliers"),
            ("bits of memory", "memory_bits"),
            ("latency, cycles", "latency_cycles"),
            ("latency, us", "latency_us"),
        )
        if result[key] is not None
    ]
    title = f"{Path(args.model).name}, {of_layers(lanes, taps, args.second_bank, positions)}"
    title += "" if args.load_beta is None else f", leaks loaded in {args.load_beta} bits"
    if args.out:
        _check_folder(args.out, model, spec)  # again: the folder may have been rewritten during the synthesis
        files = {"report.json": json.dumps(result, indent=1) + "\n", "report.md": markdown(report, title, facts)}
        for name, text in with_sums(args.out, files).items():
            atomic_write(args.out / name, text.encode())
    if args.json:
        print(json.dumps(result))
    else:
        _show(report, title, facts)
    return 1 if report.faults else 0


def _check_folder(folder, model, spec):
    """Raise InputError if the folder contains another design than the report is about."""
    from minisnn_hw.delivery.deliver import check_report

    try:
        check_report(folder, model, spec)
    except FileExistsError as error:
        raise InputError(str(error)) from None


def _latency(model, args, lanes):
    """Return the mean latency of the test images; None if it would need a download that nobody asked for."""
    from ..data import load as datasets
    from ..timing import cycles

    if not (args.dataset or args.data or model.dataset in datasets.SHIPPED):
        return None
    data = datasets.load_for(model, args.model, args.dataset, args.data, progress=not args.json)
    stimulus = cycles.Stimulus.of_images(model, data.x_test)
    return float(cycles.predict(stimulus, lanes, taps=args.taps, positions=args.positions).latency.mean())


def _show(report, title, facts):
    print(f"{title}, {report.family}: {'; '.join(report.tools)}\n")
    print(table([*report.resource_rows(), *facts], ("resource", "number")))
    if report.unplaced:
        print(f"\nnot placed and routed: {report.unplaced}")
    print()
    print(table(report.memory_rows(), ("memory", "number", "words x bits", "bits", "place", "cells")))
    print(
        f"\nBlock RAM in use: {report.block_bits:,} bits, {report.ratio:.2f}x what the weights and membranes in it "
        f"need, rounded up to whole blocks.\nAll weights and membranes: {report.neuron_bits:,} bits."
    )
    for fault in report.faults:
        print(f"WRONG: {fault}.")
