"""Put the accelerator on a board: top, pins, build program and host program; a bitstream; or the board simulated.

The folder can be used without minisnn. --build makes the bitstream, --simulate runs the whole board in Verilator with
its serial line as a pseudo-terminal, and --host talks to a real one. The exit status is 1 if an answer differs from the
integers, or the bitstream cannot be made.
"""

import json
import sys
from contextlib import ExitStack
from pathlib import Path

from .. import terminal
from ..errors import InputError
from . import (
    add_data_arguments,
    add_exit_argument,
    add_lanes_argument,
    add_load_beta_argument,
    add_taps_argument,
    alone_in,
    first_images,
    needs_room,
    of_layers,
    positive,
    table,
    wrapped,
)

JUDGES = 16  # images by which --fit judges


def add_arguments(parser):
    """Add the command's flags."""
    parser.add_argument("model", metavar="MODEL", help="model file (.int.npz) that minisnn quantize wrote")
    parser.add_argument(
        "--board", required=True, metavar="NAME", help="a board, such as ulx3s-85f; another name is refused with a list"
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder to write: new, empty, or written by this command before and unchanged; such a folder is replaced",
    )
    add_lanes_argument(parser)
    parser.add_argument(
        "--fit",
        action="store_true",
        help="choose the lanes and taps that take the fewest cycles among those that fit; with --taps the lanes alone "
        "(default without --lanes: those of the other commands, halved until they fit)",
    )
    add_taps_argument(parser)
    add_load_beta_argument(parser)
    add_exit_argument(parser)
    parser.add_argument("--baud", type=positive, default=115200, metavar="N", help="bits a second (default: 115200)")
    parser.add_argument("--build", action="store_true", help="make the bitstream with Yosys, nextpnr and a packer")
    parser.add_argument("--seed", type=positive, default=1, metavar="N", help="seed of the placement (default: 1)")
    parser.add_argument(
        "--timeout", type=positive, default=3600, metavar="SECONDS", help="limit for --build (default: 3600)"
    )
    parser.add_argument("--simulate", action="store_true", help="run the host program against the board in Verilator")
    parser.add_argument(
        "--host", metavar="PORT", help="run the host program on a serial port, such as /dev/ttyUSB0 or COM3"
    )
    parser.add_argument(
        "--images", type=positive, default=10, metavar="N", help="send the first N test images (default: 10)"
    )
    add_data_arguments(parser)
    parser.add_argument(
        "--json",
        action="store_true",
        help="print lanes, taps, needs, and of --build, --simulate and --host cells, MHz, seconds, answers, as JSON",
    )


def run(args):
    """Write the folder, and do what else was asked for; return 1 if an answer differs or a tool fails."""
    from minisnn_hw.boards import board as boards
    from minisnn_hw.boards import deliver, fit
    from minisnn_hw.boards.build import kept
    from minisnn_hw.boards.host import BoardError
    from minisnn_hw.boards.uart import divide_for
    from minisnn_hw.delivery.deliver import check_folder, fill, remove_leftovers, renewed, with_sums
    from minisnn_hw.generate.tools import ToolError

    from ..data import load as datasets
    from ..fixed.model import load

    if args.fit and args.lanes:
        raise InputError("--fit chooses the lanes, so --lanes cannot be given too; leave one of them out")
    model = load(args.model)
    try:
        board = boards.find(args.board)
        divide_for(board.clock, args.baud)
        check_folder(args.out)
        _check_tools(args, board)
        data = datasets.load_for(model, args.model, args.dataset, args.data, progress=not args.json)
        images, labels = first_images(data, args.images)
        spec = _spec(args, model, board, data)
        about = deliver.vectors(model, images, labels, spec, args.exit) | {"baud": args.baud, "clock": board.clock}
    except (ValueError, OSError) as error:
        raise InputError(str(error)) from None
    except (ToolError, BoardError) as error:
        return _failed(error)
    needs = fit.estimate(spec, board)
    say = (lambda *_, **__: None) if args.json else print
    _show(spec, board, needs, say)
    if args.build and (lacking := needs.lacking(board.fpga)):
        raise InputError(
            f"the design needs {' and '.join(lacking)}; take fewer lanes with --lanes, or leave them out and the "
            "largest that fit are taken"
        )
    terminal.say("converting the accelerator and the board's top to Verilog")
    with needs_room(), terminal.bar(None, " kinds of blocks", desc="converted") as bar:
        files = deliver.deliver(spec, board, about, bar.update)
    try:
        with needs_room(args.out), alone_in(args.out, remove_leftovers), renewed(args.out) as new:
            fill(new, files)
            fill(new, with_sums(new, kept(args.out, files, board)))
    except OSError as error:
        raise InputError(f"cannot write {args.out}: {error.strerror or error}; name another folder") from None
    others = [name for name in files if not name.endswith(".v")]
    say(wrapped(f"{args.out}: {len(files) - len(others)} files of Verilog in board.f; {', '.join(others)}"), flush=True)
    result = {
        "board": args.board,
        "lanes": [layer.lanes for layer in spec.layers],
        "taps": [layer.taps for layer in spec.layers],
        "needs": {"block_rams": [needs.blocks, board.blocks], "look_up_tables": [needs.tables, board.tables]},
    }
    try:
        with needs_room(args.out):
            if args.build:
                result["built"] = _build(args, board, files, say)
            if args.simulate:
                result["simulated"] = _simulate(spec, board, about, say)
        if args.host:
            result["host"] = _ask(args.host, about, say)
    except (ToolError, BoardError) as error:
        return _failed(error)
    if args.json:
        print(json.dumps(result))
    return 1 if any(result[asked]["different"] for asked in ("simulated", "host") if asked in result) else 0


def _failed(error):
    print(f"minisnn: error: {error}", file=sys.stderr)
    return 1


def _check_tools(args, board):
    """Raise ToolError or BoardError if what is needed is missing, before anything is computed."""
    from minisnn_hw.boards import build, host
    from minisnn_hw.generate.tools import need
    from minisnn_hw.verify import verilate

    if args.build:
        build.check_tools(board)
    if args.simulate:
        need(*verilate.TOOLS)
    if args.simulate or args.host:
        host.pyserial()


def _spec(args, model, board, data):
    """Return the numbers of the accelerator, with lanes that were given or that fit."""
    from minisnn_hw.boards import fit
    from minisnn_hw.generate.specify import specify

    from ..timing import balance, cycles, layout

    def spec_with(lanes, taps=args.taps):
        return specify(model.network, lanes, taps=taps, load_beta=args.load_beta)

    if args.lanes:
        return spec_with(layout.check_lanes(model.network, args.lanes))
    if not args.fit:
        return spec_with(fit.largest(spec_with, layout.default_lanes(model.network), board))
    stimulus = cycles.Stimulus.of_images(model, data.x_test[:JUDGES])

    def fits(lanes, taps):
        return not fit.estimate(spec_with(lanes, taps), board).lacking(board.fpga)

    try:
        return spec_with(*balance.balance(stimulus, fits=fits, taps=args.taps))
    except InputError:
        fit.largest(spec_with, (1,) * len(model.network.layers), board)  # says which weights would fit
        raise


def _show(spec, board, needs, say):
    rows = [
        ("block RAMs", f"{needs.blocks:,}", f"{board.blocks:,}"),
        ("look-up tables, about", f"{needs.tables:,}", f"{board.tables:,}"),
    ]
    layers = of_layers(*zip(*((layer.lanes, layer.taps) for layer in spec.layers)))
    say(f"{board.title}, {layers}: {'does not fit' if needs.lacking(board.fpga) else 'fits'}, as estimated\n")
    say(table(rows, ("cells", "needed", "on the board")) + "\n", flush=True)


def _build(args, board, files, say):
    """Make the bitstream, keep the reports of the tools, and say what they say; return it for JSON."""
    from minisnn_hw.boards.build import build
    from minisnn_hw.boards.toolchains import TOOLCHAINS
    from minisnn_hw.delivery.deliver import fill, remove_leftovers, renewed, with_sums

    print("making the bitstream takes minutes; the first time, the tools compile for one more", file=sys.stderr)
    with (
        alone_in(args.out, remove_leftovers),
        renewed(args.out) as new,
        terminal.phases("starting") as tell,
    ):  # on the disk where it is to stay
        fill(new, files)
        built = build(new, board, args.seed, args.timeout, tell)
        fill(new, with_sums(new, {name: (new / name).read_bytes() for name in built.names}))
    say(wrapped(f"{args.out}: {', '.join(built.names)}"))
    rows = [(name, f"{used:,}", f"{available:,}") for name, (used, available) in built.used.items()]
    say(table(rows, ("cells, by nextpnr", "used", "on the board")) + "\n")
    rows = [(tool, f"{of['all']:.1f}", f"{of['processors']:.1f}") for tool, of in built.seconds.items()]
    say(table(rows, ("tool", "seconds", "of processors")) + "\n")
    say(f"clock  {built.mhz:.1f} MHz; the board's has {board.clock / 1e6:g} MHz")
    say(wrapped(f"next   {board.configure.format(file=args.out / TOOLCHAINS[board.family].bitstream)}"))
    return {
        "mhz": built.mhz,
        "clock_mhz": board.clock / 1e6,
        "used": built.used,
        "seed": args.seed,
        "seconds": built.seconds,
    }


def _simulate(spec, board, about, say):
    """Run the host program against the simulated board; return what :func:`_ask` does."""
    from minisnn_hw.boards.simulated import simulated

    with ExitStack() as stack:
        with terminal.phases("building the simulated board") as tell:
            simulation = simulated(spec, board.leds, board.lit, lambda: tell("building the simulated board"))
            port = stack.enter_context(simulation)
        return _ask(port, about, say)


def _ask(port, about, say):
    """Run the host program on a serial port; return how many answers differ, and what an image costs."""
    from minisnn_hw.boards.host import Board, BoardError, cost, run

    board = Board(port, about["baud"])
    try:
        different = run(board, about, lambda line: say(wrapped(line), flush=True))
    except OSError as error:  # the line breaks
        raise BoardError(f"{port} does not answer any more: {error}") from None
    finally:
        board.close()
    images = [bytes.fromhex(image) for image in about["images"]]
    return {"images": len(images), "different": different, "load_bytes": len(about["load"]) // 2, **cost(about, images)}
