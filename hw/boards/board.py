"""A board: its pins, its clock, and how large its FPGA is."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from ..synth.devices import Device


@dataclass(frozen=True, kw_only=True)
class Board:
    """A board with an FPGA.

    Attributes
    ----------
    title : str
        Its name.
    fpga : Device
        Its family is a key of ``toolchains.TOOLCHAINS``.
    clock : int
        Frequency in Hz of the clock at the pin `clk`.
    lit : bool
        The value at which an LED lights.
    source : str
        The public file with the pins.
    pins : dict
        The pin of each of `clk`, `rx` (the FPGA receives) and `tx` (it sends), and a tuple of pins for `led`.
    device : tuple of str
        Flags that tell nextpnr which FPGA it is.
    configure : str
        A command that configures the FPGA with `{file}`.
    """

    title: str
    fpga: Device
    clock: int
    lit: bool
    source: str
    pins: dict
    device: tuple[str, ...]
    configure: str

    @property
    def family(self) -> str:
        """Its FPGA's family."""
        return self.fpga.family

    @property
    def tables(self) -> int:
        """Look-up tables of 4 inputs that it has."""
        return self.fpga.tables

    @property
    def blocks(self) -> int:
        """Block RAMs that it has."""
        return self.fpga.blocks

    @property
    def leds(self) -> int:
        """Number of LEDs."""
        return len(self.pins["led"])

    def ports(self) -> dict[str, str]:
        """Return the pin of each bit of the top's ports, as nextpnr names these."""
        single = {name: pin for name, pin in self.pins.items() if name != "led"}
        return single | {f"led[{bit}]": pin for bit, pin in enumerate(self.pins["led"])}


def names() -> list[str]:
    """Return the boards that there are."""
    return sorted(path.stem.replace("_", "-") for path in (Path(__file__).parent / "known").glob("[a-z]*.py"))


def find(name: str) -> Board:
    """Return a board; raise ValueError if there is none of this name."""
    if name not in names():
        raise ValueError(f"board must be one of {', '.join(names())}, got {name!r}")
    return import_module(f".known.{name.replace('-', '_')}", __package__).BOARD
