"""A board: its pins, its clock, and how large its FPGA is."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Board:
    """A board with an FPGA.

    Attributes
    ----------
    title : str
        Its name.
    family : str
        A key of ``toolchains.TOOLCHAINS``.
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
    tables, blocks : int
        Look-up tables of 4 inputs, and block RAMs, that it has.
    configure : str
        A command that configures the FPGA with `{file}`.
    """

    title: str
    family: str
    clock: int
    lit: bool
    source: str
    pins: dict
    device: tuple[str, ...]
    tables: int
    blocks: int
    configure: str

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
