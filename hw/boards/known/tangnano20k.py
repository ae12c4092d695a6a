"""Tang Nano 20K with a Gowin GW2AR-18."""

from ...synth.devices import DEVICES
from ..board import Board

BOARD = Board(
    title="Tang Nano 20K",
    fpga=DEVICES["gw2ar-18"],
    clock=27_000_000,
    lit=False,
    source="github.com/sipeed/TangNano-20K-example, uart/src/top.cst (clock, serial line); "
    "github.com/YosysHQ/apicula, examples/himbaechel/tangnano20k.cst (LEDs)",
    pins={"clk": "4", "rx": "70", "tx": "69", "led": ("15", "16", "17", "18", "19", "20")},
    device=("--device", "GW2AR-LV18QN88C8/I7", "--vopt", "family=GW2A-18C"),
    configure="openFPGALoader --board tangnano20k {file}",
)
