"""The accelerator with a host in its own language, to run in GHDL or Verilator: ``host.vhd``, ``host.cpp``.

The host sends the load and the images from files and writes a record of everything that the probe shows, so that no
cycle waits for Python; ``host.vhd`` describes the records. Both hosts read their numbers from constants written here.
"""

import io
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from pathlib import Path

import numpy as np

from ..generate.convert import convert
from ..generate.hierarchy.elaborate import unelaborated
from ..generate.tools import ToolError, call, need
from ..ports import bit, bits
from ..spec import AcceleratorSpec
from .records import OVER, record_size
from .verilate import BUILD_TIMEOUT, TOOLS, verilate

SIMULATORS = {"ghdl": ("ghdl",), "verilator": TOOLS}  # and the tools that each needs
DESCRIPTORS = "/dev/fd"  # the folder of open files, on Linux and macOS
SILENCE_TIMEOUT = 900  # seconds without any record
GHDL_ASSERTS = ["--ieee-asserts=disable-at-0", "--assert-level=warning"]  # a truncated value ends the run


def constants(
    spec: AcceleratorSpec, words: int, word_every: int, limit: int, rest: int = 0
) -> dict[str, int | list[int]]:
    """Return the numbers that a host needs, by name.

    Parameters
    ----------
    spec : AcceleratorSpec
    words : int
        Words of an image.
    word_every : int
        Least number of cycles from one word to the next.
    limit : int
        Cycles without an answer after which the host gives up.
    rest : int
        Cycles to wait after an answer: with early exit the rest of the image is then dropped.
    """

    def places(widths: Iterable[int]) -> list[int]:
        """Return where each layer's bits begin in a port of the probe, and the port's width."""
        return [0, *accumulate(widths)]

    layers = spec.layers
    return {
        "LAYERS": len(layers),
        "LOAD_BITS": spec.load_bits,
        "INPUT_BITS": spec.input_bits,
        "OUTPUT_BITS": spec.output_bits,
        "WORDS": words,
        "WORD_EVERY": word_every,
        "LIMIT": limit,
        "REST": rest,
        "RECORD_SIZE": record_size(spec),
        "NEURONS": [layer.neurons for layer in layers],
        "MEMBRANE_BITS": [layer.membrane_bits for layer in layers],
        "ADDRESS_AT": places(bits(layer.depth) for layer in layers),
        "SPIKES_AT": places(layer.neurons for layer in layers),
        "BEFORE_AT": places(layer.neurons * layer.membrane_bits for layer in layers),
    }


def as_vhdl(numbers: dict[str, int | list[int]]) -> str:
    """Return constants as a VHDL package."""
    lines = []
    for name, value in numbers.items():
        if isinstance(value, list):
            items = ", ".join(f"{index} => {item}" for index, item in enumerate(value))
            lines.append(f"    constant {name}: integer_vector(0 to {len(value) - 1}) := ({items});")
        else:
            lines.append(f"    constant {name}: integer := {value};")
    return "\n".join(["package constants is", *lines, "end package;", ""])


def as_cpp(numbers: dict[str, int | list[int]]) -> str:
    """Return constants as a C++ header."""
    lines = []
    for name, value in numbers.items():
        if isinstance(value, list):
            lines.append(f"static const int {name}[] = {{{', '.join(map(str, value))}}};\n")
        else:
            lines.append(f"static const int {name} = {value};\n")
    return "".join(lines)


def build(
    simulator: str,
    make: Callable,
    ports: tuple[dict, dict],
    numbers: dict[str, int | list[int]],
    folder: Path,
    traced: bool = False,
) -> list[str]:
    """Build an accelerator with its host in an empty folder; return the command that runs it in a folder below.

    Parameters
    ----------
    simulator : "ghdl" or "verilator"
    make, ports
        A function that makes the block from `clk` and its ports, and these as (inputs, outputs).
    numbers : dict
        The constants of :func:`constants`.
    folder : Path
        Must stay until the last run has ended.
    traced : bool
        True for a waveform of Verilator.

    Raises
    ------
    ToolError
        If a tool is missing or fails.
    """
    tool, *_ = need(*SIMULATORS[simulator])
    if simulator == "verilator":
        host = Path(__file__).parent / "host.cpp"
        flags = ["--trace", "--trace-max-array", "1"] * traced  # without memories
        return [verilate(make, ports, "dut", host, folder, {"constants.h": as_cpp(numbers)}, flags)]
    return _build_ghdl(tool, make, ports, numbers, folder)


def _build_ghdl(tool, make, ports, numbers, folder):
    inputs, outputs = ports
    files = convert(unelaborated(make, clk=bit(), **inputs, **outputs), folder, "dut")
    (folder / "constants.vhd").write_text(as_vhdl(numbers), encoding="utf-8", newline="\n")
    options = ["--std=08", f"--workdir={folder}"]
    sources = [*files, folder / "constants.vhd", Path(__file__).parent / "host.vhd"]
    call([tool, "-a", *options, *map(str, sources)], folder, BUILD_TIMEOUT)
    if "mcode" in call([tool, "--version"], folder, BUILD_TIMEOUT):  # elaborates in memory, at the start of each run
        return [tool, "-r", *options, "bench", *GHDL_ASSERTS]
    call([tool, "-e", *options, "bench"], folder, BUILD_TIMEOUT)
    return [str(folder / "bench"), *GHDL_ASSERTS]


def write_words(path: Path, words: Iterable[int], width: int) -> None:
    """Write words as lines of hexadecimal digits."""
    digits = -(-width // 4)
    path.write_text("".join(f"{word:0{digits}x}\n" for word in words), encoding="utf-8", newline="\n")


class Simulation:
    """A running simulation of what :func:`build` has built; kill it when it is no longer needed.

    Parameters
    ----------
    command : list of str
    folder : Path
        A folder for this simulation alone, which contains ``images.txt``.
    size : int
        Integers of a record.
    """

    def __init__(self, command: list[str], folder: Path, size: int):
        self.folder, self.size, self.wanted = folder, size, True
        self.tool = "GHDL" if GHDL_ASSERTS[0] in command else "Verilator"
        # Both simulators open a file by name; their own messages must not get between the records.
        self.source, sinks = _pipe(folder / "records") if os.path.isdir(DESCRIPTORS) else _file(folder / "records")
        self.piped = bool(sinks)
        try:
            with open(folder / "messages.txt", "w") as messages:
                self.process = subprocess.Popen(
                    command,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=messages,
                    stderr=messages,
                    pass_fds=sinks,
                    start_new_session=True,
                )
        except BaseException:
            self.source.close()
            raise
        finally:
            for sink in sinks:
                os.close(sink)

    def kill(self) -> None:
        """End the simulation now; a reader of its images gets no more of them."""
        self.wanted = False
        self.process.kill()
        self.process.wait()

    def images(self) -> Iterator[np.ndarray]:
        """Yield the records of one image after the other, as arrays of shape (n, size).

        Raises
        ------
        ToolError
            If the simulation failed, which includes a truncation in VHDL, or wrote nothing for too long.
        """
        parts: list[np.ndarray] = []
        for records in self._records():
            ends = np.flatnonzero(records[:, 0] == OVER) + 1
            for part in np.split(records, ends)[:-1]:
                yield np.concatenate([*parts, part])
                parts = []
            parts.append(records[ends[-1] if len(ends) else 0 :])
        if sum(map(len, parts)):  # the accelerator stopped in the middle of an image
            yield np.concatenate(parts)
        if self.process.wait() != 0 and self.wanted:
            messages = (self.folder / "messages.txt").read_text(errors="replace", encoding="utf-8").strip()
            raise ToolError(f"the simulation in {self.tool} failed: {messages[-2000:]}")

    def _records(self):
        """Yield arrays of whole records as they arrive."""
        rest, size = b"", 4 * self.size
        with self.source:
            for block in self._blocks():
                rest += block
                if rest.startswith(b"#GHDL"):  # its binary files begin with two lines about their type
                    if rest.count(b"\n", 0, 64) < 2:
                        continue
                    rest = rest.split(b"\n", 2)[2]
                whole = len(rest) // size * size
                yield np.frombuffer(rest[:whole], np.int32).reshape(-1, self.size)
                rest = rest[whole:]

    def _blocks(self):
        """Yield what the simulation writes, until it ends."""
        heard = time.monotonic()
        while time.monotonic() - heard < SILENCE_TIMEOUT:
            ended = self.process.poll() is not None  # first: what is read after its end is all that there is
            if self.piped and not select.select([self.source], [], [], SILENCE_TIMEOUT)[0]:
                break
            block = self.source.read(1 << 20)
            if block:
                yield block
                heard = time.monotonic()
            elif self.piped or ended:
                return
            else:
                time.sleep(0.02)
        self.process.kill()
        raise ToolError(f"the simulation wrote nothing for {SILENCE_TIMEOUT} s")


def _pipe(path: Path) -> tuple[io.FileIO, tuple[int, ...]]:
    """Return the reading end of a pipe whose writing end has this path, and that end for the process that writes."""
    source, sink = os.pipe()
    try:
        path.symlink_to(f"{DESCRIPTORS}/{sink}")
    except BaseException:
        os.close(source)
        os.close(sink)
        raise
    return io.FileIO(source, "rb"), (sink,)


def _file(path: Path) -> tuple[io.FileIO, tuple[int, ...]]:
    """Return a new file that is read while it grows: for Windows, where no path names a pipe. It takes the disk."""
    path.touch()
    return io.FileIO(path, "rb"), ()
