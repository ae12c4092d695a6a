"""The command line: one file a command, with its arguments, its calls and its printing, and no logic of its own."""

import argparse
import sys
from importlib import import_module

from .. import __version__
from ..errors import InputError, TrainingError

COMMANDS = ("train", "evaluate", "info")


def main(arguments=None):
    """Run a command; returns the exit status.

    0 done, 1 the training diverged, 2 a wrong file, flag or value (one sentence on standard error), 130 Ctrl-C.
    """
    parser = argparse.ArgumentParser(
        prog="minisnn", description="Spiking neural networks, from the derivation of the gradient to the clock cycle.")
    parser.add_argument("--version", action="version", version=f"minisnn {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    modules = {name: import_module(f".{name}", __name__) for name in COMMANDS}
    for name, module in modules.items():
        module.add_arguments(commands.add_parser(
            name, help=module.__doc__.splitlines()[0], description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter))
    args = parser.parse_args(arguments)
    try:
        modules[args.command].run(args)
    except InputError as error:
        print(f"minisnn: error: {error}", file=sys.stderr)
        return 2
    except TrainingError as error:
        print(f"minisnn: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nminisnn: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output (head, less) has gone
        sys.stderr.close()
        return 141
    return 0


def table(rows, header):
    """Lines of a table, columns aligned: the first to the left, the others to the right."""
    rows = [header, *rows]
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(header))]
    lines = []
    for row in rows:
        cells = [str(row[0]).ljust(widths[0])] + [str(c).rjust(w) for c, w in zip(row[1:], widths[1:])]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * w for w in widths))
    return "\n".join(lines)


def rates_table(layers, rates):
    """The firing rate of each layer as a table."""
    rows = [(layer.name, layer.neurons, f"{100 * rate:.2f} %") for layer, rate in zip(layers, rates)]
    return table(rows, ("layer", "neurons", "firing rate"))
