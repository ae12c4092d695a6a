"""Tang Nano 20K with a Gowin GW2AR-18."""

from ..board import Board

BOARD = Board(
    title="Tang Nano 20K",
    family="gowin",
    clock=27_000_000,
    lit=False,
    source="github.com/sipeed/TangNano-20K-example, uart/src/top.cst (clock, serial line); "
    "github.com/YosysHQ/apicula, examples/himbaechel/tangnano20k.cst (LEDs)",
    pins={"clk": "4", "rx": "70", "tx": "69", "led": ("15", "16", "17", "18", "19", "20")},
    device=("--device", "GW2AR-LV18QN88C8/I7", "--vopt", "family=GW2A-18C"),
    tables=20_736,
    blocks=46,
    configure="openFPGALoader --board tangnano20k {file}",
)
