"""A design as a program: Verilator makes C++ of its Verilog, and compiles it with a host in C++."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ..generate.convert import convert
from ..generate.hierarchy.elaborate import unelaborated
from ..generate.tools import ToolError, call, need, nothing
from ..ports import bit

TOOLS = ("verilator", "g++", "make")
BUILD_TIMEOUT = 1800  # seconds
# Verilator's own makefile compiles with -Os; only what runs in every cycle is worth more than a quick compilation.
FLAGS = [
    "-O3",
    *("-Wno-fatal", "-Wno-lint", "-Wno-style", "-Wno-INITIALDLY"),
    *("--x-assign", "0", "--x-initial", "0"),
    *("-MAKEFLAGS", "OPT_FAST=-O2 OPT_SLOW=-O0 OPT_GLOBAL=-O0"),
]


def verilate(
    make: Callable,
    ports: tuple[dict, dict],
    top: str,
    host: Path,
    folder: Path,
    headers: Mapping[str, str] | None = None,
    flags: Sequence[str] = (),
    tick: Callable[[], object] = nothing,
) -> str:
    """Build a design with its host; return the path of the program, which is in `folder`.

    Parameters
    ----------
    make, ports
        A function that makes the block from `clk` and its ports, and these as (inputs, outputs).
    top : str
        Name of the module; in C++ it is the class ``Vtop``.
    host : Path
        A file of C++ with ``main``.
    folder : Path
    headers : dict of str to str, optional
        Texts of the files that the host includes, by name.
    flags : sequence of str
        More for Verilator.
    tick : callable
        Called twice a second while the tools run.

    Raises
    ------
    ToolError
        If Verilator, a compiler or make is missing or fails.
    """
    need(*TOOLS)
    with TemporaryDirectory(dir=without_space(folder)) as name:
        inputs, outputs = ports
        files = convert(unelaborated(make, clk=bit(), **inputs, **outputs), name, top, "verilog")
        files.append(Path(shutil.copy(host, name)))
        for header, text in (headers or {}).items():
            (Path(name) / header).write_text(text, encoding="utf-8", newline="\n")
        run_verilator(name, [file.name for file in files], top, ["-CFLAGS", "-I.", "--Mdir", ".", *flags], tick)
        return str(shutil.copy(Path(name) / f"V{top}", folder))


def run_verilator(
    folder: str | Path, sources: Sequence[str], top: str, flags: Sequence[str], tick: Callable[[], object] = nothing
) -> None:
    """Build the program ``Vtop`` from Verilog and C++ in a folder."""
    tool, *_ = need(*TOOLS)
    command = [tool, "--cc", "--exe", "--build", *FLAGS, "--top-module", top, *flags, *sources]
    call(command, folder, BUILD_TIMEOUT, tick=tick)


def without_space(folder: Path) -> str:
    """Return a folder in which make can build, which refuses a path that contains a space: this one if possible."""
    for place in map(str, (folder, "/tmp", "/var/tmp", Path.cwd())):
        if not any(map(str.isspace, place)) and os.access(place, os.W_OK):
            return place
    raise ToolError(f"make cannot build in {folder}, because of the space; set TMPDIR to a folder without one")
