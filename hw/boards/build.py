"""Make a bitstream: run build.py in a delivered folder, and read nextpnr's report."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..generate.tools import ToolError, finish, need
from ..synth.phase import phase_of
from .board import Board
from .toolchains import TOOLCHAINS, Toolchain

REPORTS = ("build.json", "nextpnr.json", "yosys.log", "nextpnr.log")


@dataclass(frozen=True)
class Built:
    """A bitstream, and what the tools report.

    Attributes
    ----------
    names : tuple of str
        Files in the folder: the bitstream, reports and logs.
    mhz : float
        The clock that the design can take.
    used : dict of str to (used, available)
        Cells of the FPGA, by nextpnr's names.
    seconds : dict of str to dict
        The seconds that each tool took, as `all`, and those of `processors`, which Windows does not count.
    """

    names: tuple[str, ...]
    mhz: float
    used: dict[str, tuple[int, int]]
    seconds: dict[str, dict[str, float]]


def check_tools(board: Board) -> None:
    """Raise ToolError, which says how to install it, if a tool for the board is missing."""
    tools = TOOLCHAINS[board.family]
    need("yosys", tools.nextpnr, tools.packer)


def build(
    folder: Path,
    board: Board,
    seed: int,
    timeout: float,
    tell: Callable[[str], object] = lambda phase: None,
) -> Built:
    """Run build.py in a folder with the files of :func:`minisnn_hw.boards.deliver.deliver`, and add what it makes.

    `tell` hears what the tools are doing.

    Raises
    ------
    ToolError
        If a tool is missing, fails (as when the design does not fit, or is too slow for the clock), or takes too long.
    """
    check_tools(board)
    before = {path.name for path in folder.iterdir()}
    command = [sys.executable, "build.py", "--seed", str(seed)]
    status, _, errors = finish("build.py", command, folder, timeout, lambda: tell(phase_of(folder)))
    if status:
        *others, last = errors.strip().splitlines() or [f"exit status {status}"]
        lines = [line for line in others if "ERROR" in line] or others
        raise ToolError(f"build.py failed for the {board.title}: {'; '.join([*lines, last])[-2000:]}")
    names = made_by(TOOLCHAINS[board.family])
    for path in folder.iterdir():  # what one tool leaves to the next
        if path.name not in before | {*names}:
            path.unlink()
    report = json.loads((folder / "nextpnr.json").read_text(encoding="utf-8"))
    return Built(
        names,
        min(clock["achieved"] for clock in report["fmax"].values()),
        {kind: (site["used"], site["available"]) for kind, site in report["utilization"].items() if site["used"]},
        json.loads((folder / "build.json").read_text(encoding="utf-8"))["seconds"],
    )


def made_by(tools: Toolchain) -> tuple[str, ...]:
    """Return the names of the files that a build adds to the folder: the bitstream first."""
    return (tools.bitstream, *REPORTS)


def kept(folder: Path, files: dict[str, str], board: Board) -> dict[str, bytes]:
    """Return what an earlier build added to a folder, by name, if all that the tools read is as in `files`."""
    tools = TOOLCHAINS[board.family]
    read = [name for name in files if Path(name).suffix in (".v", ".ys") or name in ("build.py", tools.constraints)]
    if not all(_holds(folder / name, files[name]) for name in read):
        return {}
    made = [folder / name for name in made_by(tools)]
    return {path.name: path.read_bytes() for path in made} if all(path.is_file() for path in made) else {}


def _holds(path, text):
    return path.is_file() and path.read_text(encoding="utf-8") == text
