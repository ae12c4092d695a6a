"""The accelerator in GHDL or Verilator, with a host of their own language: ``host.vhd`` and ``host.cpp``.

The host takes the images from a file and writes a record of all that the probe shows, so that no cycle waits for
Python: ``host.vhd`` says what. Both read their numbers from the constants that are written here.
"""

import os
import select
import subprocess
from itertools import accumulate
from pathlib import Path

import numpy as np

from ..generate.convert import convert
from ..generate.tools import ToolError, call, need, version
from ..ports import bits

SIMULATORS = {"ghdl": ("ghdl",), "verilator": ("verilator", "g++", "make")}  # and the tools that they need
FIRED, EVENTS, BEAT = range(3)  # what a record is of
HEAD = 4  # integers before a record's values: what, layer, cycle, address
BUILD, SILENCE = 1800, 900  # seconds: to build, and to go without a record
ASSERTS = ["--ieee-asserts=disable-at-0", "--assert-level=warning"]  # a truncation ends the run
# Its own makefile compiles with -Os; only what runs in every cycle is worth more than a quick compilation.
VERILATOR = [
    "-O3",
    "-Wno-fatal",
    "-Wno-lint",
    "-Wno-style",
    "-Wno-INITIALDLY",
    "--x-assign",
    "0",
    "--x-initial",
    "0",
    "-MAKEFLAGS",
    "OPT_FAST=-O2 OPT_SLOW=-O0 OPT_GLOBAL=-O0",
]


def record_size(spec):
    """Integers of a record."""
    return HEAD + max(2, *(each.lanes for each in spec.layers))


def constants(spec, words, word_every, limit):
    """The numbers that a host must know, by name.

    Parameters
    ----------
    spec : spec.AcceleratorSpec
    words : int
        Of an image.
    word_every : int
        Cycles from one word to the next, at least.
    limit : int
        It has stopped when no answer came for so many cycles.
    """

    def places(widths):
        """Where each layer's bits begin in a port of the probe; and how many there are."""
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
        "RECORD_SIZE": record_size(spec),
        "LANES": [each.lanes for each in layers],
        "MEMBRANE_BITS": [each.membrane_bits for each in layers],
        "ADDRESS_AT": places(bits(each.depth) for each in layers),
        "SPIKES_AT": places(each.lanes for each in layers),
        "BEFORE_AT": places(each.lanes * each.membrane_bits for each in layers),
    }


def as_vhdl(numbers):
    """Constants as a package."""
    lines = []
    for name, value in numbers.items():
        if isinstance(value, list):
            items = ", ".join(f"{index} => {item}" for index, item in enumerate(value))
            lines.append(f"    constant {name}: integer_vector(0 to {len(value) - 1}) := ({items});")
        else:
            lines.append(f"    constant {name}: integer := {value};")
    return "\n".join(["package constants is", *lines, "end package;", ""])


def as_cpp(numbers):
    """Constants as a header."""
    return "".join(
        f"static const int {name}[] = {{{', '.join(map(str, value))}}};\n"
        if isinstance(value, list)
        else f"static const int {name} = {value};\n"
        for name, value in numbers.items()
    )


def build(simulator, make, ports, numbers, folder):
    """Build an accelerator with its host.

    Parameters
    ----------
    simulator : "ghdl" or "verilator"
    make, ports
        As for :func:`minisnn_hw.generate.convert.convert`: the block, and its (inputs, outputs).
    numbers : dict
        :func:`constants`.
    folder : Path
        Empty; must stay until the last run.

    Returns
    -------
    command : list of str
        Runs it, in a folder within `folder`.

    Raises
    ------
    ToolError
        If a tool is missing or fails.
    """
    tool, *_ = need(*SIMULATORS[simulator])
    source = Path(__file__).parent
    if simulator == "verilator":
        files = convert(make, *ports, folder, hdl="verilog")
        (folder / "constants.h").write_text(as_cpp(numbers))
        call(
            [
                tool,
                "--cc",
                "--exe",
                "--build",
                *VERILATOR,
                "-CFLAGS",
                f"-I{folder}",
                "--top-module",
                "dut",
                "--Mdir",
                str(folder),
                "-o",
                "bench",
                *map(str, files),
                str(source / "host.cpp"),
            ],
            folder,
            BUILD,
        )
        return [str(folder / "bench")]
    files = convert(make, *ports, folder)
    (folder / "constants.vhd").write_text(as_vhdl(numbers))
    options = ["--std=08", f"--workdir={folder}"]
    call([tool, "-a", *options, *map(str, [*files, folder / "constants.vhd", source / "host.vhd"])], folder, BUILD)
    if "mcode" in call([tool, "--version"], folder, BUILD):  # elaborates in memory, at the start of each run
        return [tool, "-r", *options, "bench", *ASSERTS]
    call([tool, "-e", *options, "bench"], folder, BUILD)
    return [str(folder / "bench"), *ASSERTS]


def write_words(path, words, width):
    """Words as lines of hexadecimal digits."""
    digits = -(-width // 4)
    path.write_text("".join(f"{word:0{digits}x}\n" for word in words))


class Simulation:
    """A run of what :func:`build` has built. To be killed when it is no longer wanted.

    Parameters
    ----------
    command : list of str
    folder : Path
        Holds ``images.txt``; its own.
    size : int
        Integers of a record.
    """

    def __init__(self, command, folder, size):
        self.command, self.folder, self.size, self.wanted = command, folder, size, True
        self.source, sink = os.pipe()
        # Both simulators open a file by name, and what they say themselves must not get between the records.
        (folder / "records").symlink_to(f"/dev/fd/{sink}")
        with open(folder / "said.txt", "w") as said:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                pass_fds=(sink,),
                start_new_session=True,
            )
        os.close(sink)

    def kill(self):
        """End it now; whoever reads its images is told that there are no more."""
        self.wanted = False
        self.process.kill()
        self.process.wait()

    def images(self):
        """Generate the records of one image after the other, as arrays of shape (n, size).

        Raises
        ------
        ToolError
            If it failed, a truncation in VHDL included; or was silent for too long.
        """
        parts = []
        for records in self._records():
            ends = np.flatnonzero((records[:, 0] == BEAT) & (records[:, 1] == 1)) + 1
            for part in np.split(records, ends)[:-1]:
                yield np.concatenate([*parts, part])
                parts = []
            parts.append(records[ends[-1] if len(ends) else 0 :])
        if sum(map(len, parts)):  # it has stopped in the middle of an image
            yield np.concatenate(parts)
        if self.process.wait() != 0 and self.wanted:
            said = (self.folder / "said.txt").read_text(errors="replace").strip()
            tool = "ghdl" if "--assert-level=warning" in self.command else "verilator"
            raise ToolError(f"the simulation failed ({version(tool)}): {said[-2000:]}")

    def _records(self):
        """Whole records, as they come."""
        rest, size = b"", 4 * self.size
        with os.fdopen(self.source, "rb", buffering=0) as source:
            while True:
                if not select.select([source], [], [], SILENCE)[0]:
                    self.process.kill()
                    raise ToolError(f"the simulation was silent for {SILENCE} s")
                block = source.read(1 << 20)
                if not block:
                    return
                rest += block
                if rest.startswith(b"#GHDL"):  # its binary files begin with two lines about their type
                    if rest.count(b"\n", 0, 64) < 2:
                        continue
                    rest = rest.split(b"\n", 2)[2]
                whole = len(rest) // size * size
                yield np.frombuffer(rest[:whole], np.int32).reshape(-1, self.size)
                rest = rest[whole:]
