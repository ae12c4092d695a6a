"""The command line: one file for each command, with its flags, calls and printing, and no logic beyond that.

May import every other room, and the hardware. Start with ``main``, then ``train``.
"""

import argparse
import re
import sys
from contextlib import contextmanager
from importlib import import_module
from tempfile import gettempdir

from .. import __version__, backend, terminal
from ..errors import InputError, TrainingError
from ..terminal import counted, table, wrapped

COMMANDS = (
    "train",
    "import",
    "export",
    "evaluate",
    "info",
    "quantize",
    "cycles",
    "cosim",
    "synth",
    "vhdl",
    "board",
    "inspect",
    "sweep",
    "report",
    "reproduce",
)
DATA_SETS = "digits, svhn, svhn-grey, mnist, fashion-mnist, moving-digits, n-mnist, or a .npz file with arrays X and y"


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return the exit status.

    0: done; 1: the training diverged, or the gates differ; 2: a wrong file, flag or value; 130: Ctrl-C. A status other
    than 0 comes with one sentence (on standard error, except for gates that differ).
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    chosen = next((word for word in arguments if word in COMMANDS), None)
    # One command needs its own module alone; the list of commands shows the first line of each.
    names = (chosen,) if chosen and chosen == arguments[0] else COMMANDS
    modules = {name: import_module(f".{name}", __name__) for name in names}
    parser, commands = _parsers(modules, chosen)
    if not arguments:
        parser.print_help()
        return 0
    args = _parse(parser, commands, arguments)
    try:
        if sys.stderr.isatty():
            backend.when_numba_is_imported(terminal.announce_compiling)
        return modules[args.command].run(args) or 0
    except InputError as error:
        return _report(f"error: {_with_flag(str(error), commands[args.command])}", 2)
    except TrainingError as error:
        return _report(f"error: {error}", 1)
    except MemoryError as error:
        return _report(f"error: not enough memory ({error}); use a smaller network, batch size or number of steps", 2)
    except KeyboardInterrupt as interrupt:
        return _report(str(interrupt) or "interrupted", 130)


def _report(sentence, status):
    print(f"minisnn: {sentence}", file=sys.stderr)
    return status


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence."""

    def error(self, message):
        """Print the sentence, and exit with status 2."""
        message = re.sub(r"invalid int value: (.*)", r"must be a whole number, got \1", message)
        message = re.sub(r"invalid float value: (.*)", r"must be a number, got \1", message)
        if message.endswith("expected one argument"):
            message += "; a value that begins with '-' is written with '=', as in --lr=-1"
        self.exit(2, f"minisnn: error: {message} ({self.prog} --help lists the flags)\n")


def _parse(parser, commands, arguments):
    """Parse the command line; an unknown command or flag gets the nearest one that exists."""
    name = arguments[0]
    if not name.startswith("-") and name not in commands:
        parser.error(f"unknown command {name!r};{_near(name, commands) or ' choose one of ' + ', '.join(commands)}")
    args, rest = parser.parse_known_args(arguments)
    if rest:
        flags = [flag for action in commands[args.command]._actions for flag in action.option_strings]
        flag = rest[0].partition("=")[0]
        commands[args.command].error(f"unrecognized arguments: {' '.join(rest)};{_near(flag, flags)}".rstrip(";"))
    return args


def _near(name, names):
    """Return " did you mean ...?", or nothing."""
    from ..check import near

    return near(name, names)


def _with_flag(sentence, command):
    """Begin a sentence about an argument of the library with the flag that sets it."""
    name = sentence.partition(" ")[0]
    flags = {action.dest: action.option_strings[0] for action in command._actions if action.option_strings}
    return sentence.replace(name, flags[name], 1) if name in flags else sentence


def _parsers(modules, chosen):
    """Return the parser of the command line, and those of the commands by name; only the chosen one has flags."""
    parser = _Parser(
        prog="minisnn",
        usage="minisnn COMMAND [flags]   (minisnn COMMAND --help lists the flags)",
        description="Spiking neural networks, from the derivation of the gradient to the clock cycle.",
    )
    parser.add_argument("--version", action="version", version=f"minisnn {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in modules.items():
        arguments = {
            "import": "WEIGHTS [flags]",
            "export": "MODEL --nir FILE [flags]",
            "report": "STUDY.sqlite --out DIR [flags]",
            **dict.fromkeys(("train", "sweep", "reproduce"), "[flags]"),
        }.get(name, "MODEL [flags]")
        command = commands.add_parser(
            name,
            prog=f"minisnn {name}",
            help=module.__doc__.splitlines()[0],
            description="\n\n".join(wrapped(" ".join(part.split()), 0) for part in module.__doc__.split("\n\n")),
            allow_abbrev=False,
            usage=f"minisnn {name} {arguments}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == chosen:
            module.add_arguments(command)
    return parser, commands.choices


def add_machine_arguments(parser):
    """Add --threads and --backend, which do not change the result."""
    parser.add_argument(
        "--threads",
        type=int,
        metavar="N",
        help="number of threads; the result does not depend on it (default: all processors)",
    )
    parser.add_argument(
        "--backend",
        default="numba",
        metavar="NAME",
        help="numba (fast) or numpy (the readable reference) (default: numba)",
    )


def add_data_folder_argument(parser):
    """Add --data."""
    parser.add_argument(
        "--data",
        metavar="DIR",
        help="folder with the data set's files (default: they are downloaded to ~/.cache/minisnn)",
    )


def add_training_data_arguments(parser):
    """Add --dataset and --data of a command that trains."""
    parser.add_argument(
        "--dataset",
        default="digits",
        metavar="NAME",
        help=f"{DATA_SETS} (default: digits)",
    )
    add_data_folder_argument(parser)


def add_data_arguments(parser):
    """Add --dataset and --data of a command that uses test images."""
    parser.add_argument(
        "--dataset",
        metavar="NAME",
        help=f"{DATA_SETS} (default: the data set that the model was trained on)",
    )
    add_data_folder_argument(parser)


def add_lanes_argument(parser):
    """Add --lanes."""
    parser.add_argument(
        "--lanes",
        type=lanes,
        metavar="N/N/...",
        help="neurons that each layer works on at once, such as 32/32/8/8 (default: up to 32 for a convolution, 8 for "
        "a fully connected layer)",
    )


def add_taps_argument(parser, **options):
    """Add --taps."""
    parser.add_argument(
        "--taps",
        type=taps,
        metavar="N/N/...",
        help="taps of an input that each layer adds at once, such as 9/3/1/1: 1, or of a convolution with a kernel of "
        "k also k or k*k, with an adder for each tap of each lane (default: 1 in each layer)",
        **options,
    )


def add_positions_argument(parser, **options):
    """Add --positions."""
    parser.add_argument(
        "--positions",
        type=positions,
        metavar="N/N/...",
        help="positions that each layer fires in a cycle, such as 4/4/1/1: 1, or of a convolution with all taps at "
        "once those of its pooling window, if that is no wider than the kernel; with a neuron for each position of "
        "each lane (default: 1 in each layer)",
        **options,
    )


def add_device_argument(parser):
    """Add --device."""
    parser.add_argument(
        "--device",
        metavar="NAME",
        help="FPGA in whose cells the price is estimated: ecp5-25k, ecp5-45k, ecp5-85k or gw2ar-18 (default: ecp5-85k)",
    )


def add_second_bank_argument(parser, **options):
    """Add --second-bank."""
    parser.add_argument(
        "--second-bank",
        action="store_true",
        help="a second bank of currents in a first layer that takes pixels: the next image's are added while the "
        "present image fires, which shortens the interval (default: one bank)",
        **options,
    )


def add_exit_argument(parser):
    """Add --exit."""
    parser.add_argument(
        "--exit",
        type=exit_margin,
        metavar="WHEN",
        help="when an image ends before its last step: lossless, as soon as its answer is final, or a margin of spikes "
        "from 1 by which it leads (default: never)",
    )


def add_load_beta_argument(parser):
    """Add --load-beta."""
    parser.add_argument(
        "--load-beta",
        type=int,
        nargs="?",
        const=8,
        metavar="BITS",
        help="load the leaks too, with BITS fraction bits, 0 to 16 (8 if only the flag is given), so that a network "
        "trained anew fits the design; needs a multiplier in each lane (default: leaks are built in)",
    )


@contextmanager
def needs_room(*folders):
    """Raise InputError with the folders written to, and the temporary one, if a disk is full: systems name no file."""
    from ..files import NO_ROOM

    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        places = " or ".join(map(str, (*folders, gettempdir())))
        raise InputError(f"cannot write to {places}: {error.strerror}; make room there") from error


@contextmanager
def alone_in(folder, remove_leftovers):
    """Hold a folder that is written anew; the function removes what a killed process left beside it."""
    from ..files import lock

    with lock(folder.parent / f".{folder.name}.lock", folder) as mine:
        if not mine:
            raise InputError(f"another process writes {folder}; wait until it ends, or name another folder")
        remove_leftovers(folder)
        yield


def check_model_path(flag, path):
    """Raise InputError unless a model can be written to a path without the loss of a file of another kind."""
    from ..archive import read_arrays

    if path.suffix != ".npz" or path.is_dir() or not path.parent.is_dir():
        raise InputError(f"{flag} {path} must name a file that ends in .npz, in a folder that exists")
    if not path.exists():
        return
    try:
        ours = "about" in read_arrays(path, {"about"})
    except InputError:
        ours = False
    if not ours:
        raise InputError(f"{flag} {path} exists and is no model of minisnn; name another file, or delete this one")


def check_checkpoint(checkpoint, resume, kind):
    """Raise InputError if another process writes the checkpoint, or if it exists and is not to be continued."""
    from ..training.checkpoint import alone

    with alone(checkpoint):
        if checkpoint.exists() and not resume:
            raise InputError(
                f"an interrupted {kind} left {checkpoint}; pass --resume to continue it, or delete it to start anew"
            )


def interrupted(checkpoint):
    """Return the KeyboardInterrupt of a training, which says whether its command can be continued."""
    if checkpoint.exists():
        return KeyboardInterrupt(
            "interrupted; the completed epochs are kept: continue with the same command and --resume"
        )
    return KeyboardInterrupt("interrupted before the end of the first epoch")


def positive(text):
    """Convert the value of a flag: a whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, got {text!r}")
    return int(text)


def minutes(text):
    """Convert the value of a flag: a number of minutes, at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number of minutes from 0, got {text!r}")
    return value


def lanes(text):
    """Convert the value of a flag: the lanes of each layer, such as 32/32/8/8."""
    return _by_layer(text, "32/32/8/8")


def taps(text):
    """Convert the value of a flag: the taps that each layer adds at once, such as 9/3/1/1."""
    return _by_layer(text, "9/3/1/1")


def positions(text):
    """Convert the value of a flag: the positions that each layer fires in a cycle, such as 4/4/1/1."""
    return _by_layer(text, "4/4/1/1")


def exit_margin(text):
    """Convert the value of a flag: lossless, or the lead that ends an image."""
    if text == "lossless":
        from ..fixed.early_exit import LOSSLESS

        return LOSSLESS
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be lossless, or a whole number of spikes from 1, got {text!r}")
    return int(text)


def gains_and_losses(ended, num_steps, origin=""):
    """Return lines on what a margin of early exit gains and loses; `origin` says where it is from."""
    lossless = ended.margin == float("inf")
    lines = [
        f"exit    {'lossless' if lossless else f'a margin of {ended.margin}'}{origin}",
        f"        {ended.mean_steps:.2f} of {counted(num_steps, 'step')} in the mean",
    ]
    if lossless:
        return "\n".join([*lines, "        every answer is that of all steps"])
    loss, low, high = (f"{100 * value:.2f}" for value in (ended.loss, ended.loss_low, ended.loss_high))
    lines.append(f"        accuracy {100 * ended.accuracy:.2f} %")
    lines.append(f"        a loss of {loss} % against all steps ({low} to {high} % with 95 % confidence)")
    return "\n".join(lines)


def exit_as_json(ended):
    """Return what --json prints of a margin of early exit."""
    return vars(ended) | {"margin": None if ended.margin == float("inf") else ended.margin}


def _by_layer(text, example):
    parts = text.split("/")
    if not all(part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"must be whole numbers joined by '/', such as {example}, got {text!r}")
    return tuple(int(part) for part in parts)


def of_layers(lanes, taps, second_bank=False, positions=None):
    """Return lanes, taps and positions if any is more than 1, and a second bank: lanes 32/32/8/8, taps 9/3/1/1."""
    words = f"lanes {'/'.join(map(str, lanes))}"
    for name, numbers in (("taps", taps), ("positions", positions)):
        words += f", {name} {'/'.join(map(str, numbers))}" if numbers and max(numbers) > 1 else ""
    return words + (", a second bank" if second_bank else "")


def widths(text):
    """Convert the value of a flag: a number of bits, or a list of them by layer."""
    try:
        values = [int(v) for v in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number of bits, or a list such as 8,4,4,8, got {text!r}") from None
    return values[0] if len(values) == 1 else values


def numbers(text):
    """Convert the value of a flag: a number, or a list of them separated by commas."""
    try:
        values = [float(v) for v in text.split(",")]
    except ValueError:
        words = f"must be a number, or a list such as 0.5,0.9, got {text!r}"
        raise argparse.ArgumentTypeError(words) from None
    return values[0] if len(values) == 1 else values


def paddings(text):
    """Convert the value of a flag: a padding, or a list of them separated by commas."""
    try:
        values = [v if v == "same" else int(v) for v in text.split(",")]
    except ValueError:
        words = f"must be 0, 1, 2, ... or same, or a list of these, got {text!r}"
        raise argparse.ArgumentTypeError(words) from None
    return values[0] if len(values) == 1 else values


def shape(text):
    """Convert the value of a flag: the shape of an image, such as 28,28,1."""
    parts = text.split(",")
    if len(parts) not in (1, 3) or not all(part.isdecimal() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"must be height,width,channels such as 28,28,1, or a length, got {text!r}")
    return tuple(int(part) for part in parts)


def first_images(data, count):
    """Return (images, labels) of the first `count` test images; all if it is None."""
    if count is not None and count > len(data.x_test):
        raise InputError(f"images must be at most {len(data.x_test)}, the number of test images, got {count}")
    return data.x_test[:count], data.y_test[:count]


def tested_on(data):
    """Return the number of test images in words, and where they come from if the file has no test part."""
    words = counted(len(data.x_test), "test image" if data.num_steps is None else "test recording")
    if not data.cut:
        return words
    missing = "X_test" if data.num_steps is None else "events_test"
    return f"{words}: the last of {len(data.x_train) + len(data.x_test):,}, because the file has no {missing}"


def rates_table(shapes, rates):
    """Return a table of the firing rate of each layer: spikes per neuron and step."""
    rows = [(shape.name, shape.neurons, f"{100 * rate:.2f} %") for shape, rate in zip(shapes, rates)]
    return table(rows, ("layer", "neurons", "firing rate"))
