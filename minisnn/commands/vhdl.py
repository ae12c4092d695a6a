"""Write the accelerator for a network: VHDL or Verilog, testbench, vectors, load and manual.

The folder can be used without minisnn. Its README describes the ports, the order of the load, and how to simulate; its
testbench compares every beat of every answer, and the cycles, with the integers and the cycle model.
"""

import shlex
from pathlib import Path

from .. import terminal
from ..errors import InputError
from . import (
    add_data_arguments,
    add_exit_argument,
    add_lanes_argument,
    add_load_beta_argument,
    add_positions_argument,
    add_second_bank_argument,
    add_taps_argument,
    alone_in,
    first_images,
    needs_room,
    positive,
    wrapped,
)

SAMPLE = 200  # test images whose range of cycles the manual states


def add_arguments(parser):
    """Add the command's flags."""
    parser.add_argument("model", metavar="MODEL", help="model file (.int.npz) that minisnn quantize wrote")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder to write: new, empty, or written by this command before and unchanged; such a folder is replaced, "
        "together with reports of minisnn synth in it",
    )
    add_lanes_argument(parser)
    add_taps_argument(parser)
    add_positions_argument(parser)
    add_second_bank_argument(parser)
    add_load_beta_argument(parser)
    add_exit_argument(parser)
    parser.add_argument("--hdl", default="vhdl", metavar="NAME", help="vhdl or verilog (default: vhdl)")
    parser.add_argument(
        "--name", default="accelerator", metavar="NAME", help="name of the entity or module (default: accelerator)"
    )
    parser.add_argument("--probe", action="store_true", help="add ports that show every spike and membrane")
    parser.add_argument(
        "--max-steps",
        type=positive,
        default=255,
        metavar="N",
        help="largest number of steps that can be loaded (default: 255)",
    )
    parser.add_argument(
        "--load-bits", type=positive, default=32, metavar="N", help="width of the load stream (default: 32)"
    )
    parser.add_argument(
        "--images",
        type=positive,
        default=3,
        metavar="N",
        help="the testbench uses the first N test images (default: 3)",
    )
    parser.add_argument(
        "--axi",
        type=positive,
        metavar="BITS",
        help="put the design behind AXI4-Lite and AXI4-Stream of 8, 16, 32, 64 or 128 bits",
    )
    add_data_arguments(parser)


def run(args):
    """Write the folder."""
    from minisnn_hw.boards.deliver import vectors
    from minisnn_hw.boards.deliver_axi import check_axi, deliver_axi
    from minisnn_hw.delivery.deliver import check_folder, check_name, deliver, remove_leftovers, write
    from minisnn_hw.generate.specify import specify
    from minisnn_hw.generate.words import load_words
    from minisnn_hw.load_format import design_word

    from ..data import load as datasets
    from ..fixed.model import load
    from ..timing import layout

    model = load(args.model)
    lanes = layout.check_lanes(model.network, args.lanes or layout.default_lanes(model.network))
    try:
        check_name(args.name, args.hdl)
        check_axi(args.axi, args.probe)
        check_folder(args.out)
        spec = specify(
            model.network,
            lanes,
            max_steps=args.max_steps,
            load_bits=args.load_bits,
            taps=args.taps,
            load_beta=args.load_beta,
            second_bank=args.second_bank,
            positions=args.positions,
        )
        load_words(model.network, spec, model.num_steps, args.exit)
    except (ValueError, OSError) as error:
        raise InputError(str(error)) from None
    data = datasets.load_for(model, args.model, args.dataset, args.data)
    images, labels = first_images(data, args.images)
    terminal.say(f"converting the accelerator to {args.hdl}; the integers give its answers")
    with needs_room(), terminal.bar(None, " kinds of blocks", desc="converted") as bar:
        if args.axi:
            about = vectors(model, images, labels, spec, args.exit)
            files = deliver_axi(spec, args.axi, about, args.name, args.hdl, bar.update)
        else:
            sample = data.x_test[:SAMPLE]
            files = deliver(model, images, spec, args.name, args.hdl, args.probe, sample, labels, bar.update, args.exit)
    try:
        with alone_in(args.out, remove_leftovers):
            write(args.out, files)
    except OSError as error:
        raise InputError(f"cannot write {args.out}: {error.strerror or error}; name another folder") from None
    design = [name for name in files if name.endswith((".vhd", ".v")) and not name.startswith(f"{args.name}_bench")]
    others = [name for name in files if name not in design]
    lines = sum(files[name].count("\n") for name in design)
    print(wrapped(f"{args.out}: {len(design)} files of {lines:,} lines in {args.name}.f; {', '.join(others)}"))
    print(f"design {design_word(spec):08X}: it takes every load that begins with this word")
    print(f"next  python {shlex.quote(str(args.out / 'run.py'))}")
