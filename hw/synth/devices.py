"""FPGAs, and how much is in each: a device is an entry here, a family of devices an entry in ``families``."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Device:
    """An FPGA.

    Attributes
    ----------
    title : str
        Its name.
    family : str
        A key of ``families.FAMILIES`` and of ``area.COSTS``.
    tables, blocks, multipliers : int
        Look-up tables of 4 inputs, block RAMs of 16 Ki bits (18 Ki with parity), multipliers of 18 by 18 bits.
    tables_a_cell : int
        Look-up tables for each place of a memory of 16 words of 4 bits in them.
    source : str
        The public document with these numbers.
    """

    title: str
    family: str
    tables: int
    blocks: int
    multipliers: int
    tables_a_cell: int
    source: str


# Look-up tables of ECP5 are counted as nextpnr does (TRELLIS_COMB of the device); the data sheet rounds them.
_ECP5 = "Lattice, ECP5 and ECP5-5G Family Data Sheet, FPGA-DS-02012, table 1.1"
DEVICES = {
    "ecp5-25k": Device("Lattice ECP5 25F", "ecp5", 24_288, 56, 28, 8, _ECP5),
    "ecp5-45k": Device("Lattice ECP5 45F", "ecp5", 43_848, 108, 72, 8, _ECP5),
    "ecp5-85k": Device("Lattice ECP5 85F", "ecp5", 83_640, 208, 156, 8, _ECP5),
    "gw2ar-18": Device(
        "Gowin GW2AR-18",
        "gowin",
        20_736,
        46,
        48,
        32,
        "Gowin, GW2AR series of FPGA Products Data Sheet, DS226, table 1-1",
    ),
}
