"""Colorlight i5 on its extension board, with a Lattice ECP5 25F."""

from ...synth.devices import DEVICES
from ..board import Board

BOARD = Board(
    title="Colorlight i5",
    fpga=DEVICES["ecp5-25k"],
    clock=25_000_000,
    lit=False,
    source="github.com/litex-hub/litex-boards, litex_boards/platforms/colorlight_i5.py",
    pins={"clk": "P3", "rx": "H18", "tx": "J17", "led": ("U16",)},
    device=("--25k", "--package", "CABGA381"),
    configure="openFPGALoader --board colorlight-i5 {file}",
)
