"""ULX3S with a Lattice ECP5 85F."""

from ...synth.devices import DEVICES
from ..board import Board

BOARD = Board(
    title="ULX3S 85F",
    fpga=DEVICES["ecp5-85k"],
    clock=25_000_000,
    lit=True,
    # There ftdi_txd (M1) is what the FPGA receives, and ftdi_rxd (L4) what it sends: the names are the FTDI chip's.
    source="github.com/emard/ulx3s, doc/constraints/ulx3s_v20.lpf",
    pins={"clk": "G2", "rx": "M1", "tx": "L4", "led": ("B2", "C2", "C1", "D2", "D1", "E2", "E1", "H3")},
    device=("--85k", "--package", "CABGA381"),
    configure="openFPGALoader --board ulx3s {file}",
)
