"""The process of the command ``minisnn``, also ``python -m minisnn``: its streams, its interrupts, its exit status."""

import io
import os
import sys
import warnings
from _thread import interrupt_main
from threading import Timer


def main() -> int:
    """Run the command line and return the exit status.

    To the statuses of the commands this adds what can happen to any process: 2 if standard output cannot be written to,
    130 for Ctrl-C while modules are imported, 141 if the reader of standard output has gone.
    """
    sys.unraisablehook = _interrupt_again
    try:
        _prepare_streams()
        if sys.stdout is None:
            return _report("error: standard output is closed; send it to a file, or to /dev/null", 2)
        from .commands import main as run

        try:
            status = run()
        except SystemExit as end:  # of argparse, for --help and wrong flags
            status = end.code if isinstance(end.code, int) else 2
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return _report("interrupted", 130)
    except BrokenPipeError:
        _discard(sys.stdout)
        return 141
    except OSError as error:
        try:
            sys.stdout.flush()
        except OSError:
            _discard(sys.stdout)
            return _report(f"error: cannot write to standard output: {error.strerror}; send it elsewhere", 2)
        return _report(f"error: {f'cannot use {error.filename}: ' * bool(error.filename)}{error.strerror or error}", 2)


def _prepare_streams():
    """Let closed streams lead nowhere, let no character that a terminal lacks end a command, and shorten warnings."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets this number, which a file of ours would get otherwise
    sys.stderr = sys.stderr or open(os.devnull, "w")
    if getattr(sys.stdout, "write_through", False):  # PYTHONUNBUFFERED: keep lines that cannot be written
        sys.stdout = open(1, "w", buffering=1, encoding=sys.stdout.encoding, closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    warnings.formatwarning = lambda sentence, *_, **__: f"minisnn: warning: {sentence}\n"


def _interrupt_again(ignored):
    """Interrupt once more if Ctrl-C fell into a callback, such as those of imports, out of which no exception comes."""
    if issubclass(ignored.exc_type, KeyboardInterrupt):
        Timer(0.1, interrupt_main).start()
    else:
        sys.__unraisablehook__(ignored)


def _report(sentence, status):
    try:
        print(f"minisnn: {sentence}", file=sys.stderr, flush=True)
    except OSError:
        _discard(sys.stderr)
    return status


def _discard(stream):
    """Let what a stream still holds lead nowhere: it would fail once more at the end of the process."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    sys.exit(main())
