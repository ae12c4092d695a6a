"""Make a bitstream: run build.sh of a delivered folder, and read nextpnr's report."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ..delivery.deliver import with_sums
from ..generate.tools import ToolError, finish, need
from ..synth.phase import phase_of
from .board import Board
from .toolchains import TOOLCHAINS


@dataclass(frozen=True)
class Built:
    """A bitstream, and what nextpnr reports.

    Attributes
    ----------
    files : dict of str to bytes
        Bitstream, logs and reports, by name.
    mhz : float
        The clock that the design can take.
    used : dict of str to (used, available)
        Cells of the FPGA, by nextpnr's names.
    """

    files: dict[str, bytes]
    mhz: float
    used: dict[str, tuple[int, int]]


def build(
    files: dict[str, str],
    board: Board,
    seed: int,
    timeout: float,
    tell: Callable[[str], object] = lambda phase: None,
) -> Built:
    """Run build.sh on the files of :func:`minisnn_hw.boards.deliver.deliver`; `tell` hears what the tools are doing.

    Raises
    ------
    ToolError
        If a tool is missing, fails (as when the design does not fit, or is too slow for the clock), or takes too long.
    """
    tools = TOOLCHAINS[board.family]
    need("yosys", tools.nextpnr, tools.packer)
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    with TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8", newline="\n")
        environment = os.environ | {"PATH": places, "SEED": str(seed)}
        status, *output = finish(
            "build.sh", ["sh", "build.sh"], folder, timeout, lambda: tell(phase_of(folder)), environment
        )
        if status:
            log = folder / "nextpnr.log"
            errors = (
                [line for line in log.read_text(encoding="utf-8").splitlines() if "ERROR" in line]
                if log.exists()
                else []
            )
            words = "; ".join(errors) or "".join(output).strip()[-2000:]
            raise ToolError(f"build.sh failed for the {board.title}: {words}")
        report = json.loads((folder / "nextpnr.json").read_text(encoding="utf-8"))
        made = (tools.bitstream, "yosys.log", "nextpnr.log", "nextpnr.json")
        used = {kind: (site["used"], site["available"]) for kind, site in report["utilization"].items() if site["used"]}
        mhz = min(clock["achieved"] for clock in report["fmax"].values())
        return Built({file: (folder / file).read_bytes() for file in made}, mhz, used)


def copy_into(folder: Path, built: Built) -> None:
    """Write a bitstream and its reports beside what was delivered."""
    for name, content in with_sums(folder, built.files).items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
