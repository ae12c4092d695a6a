"""Port bundles of the buses around the accelerator, with AXI's names."""

from dataclasses import dataclass
from typing import Any

from ..ports import Bundle, bit, word

ADDRESS_BITS = 8  # of the registers, in bytes


@dataclass(eq=False)
class ByteStream(Bundle):
    """An AXI4-Stream of bytes, the first byte of a beat in its lowest bits."""

    tdata: Any
    tkeep: Any  # a bit for each byte that counts
    tvalid: Any
    tready: Any
    tlast: Any

    @classmethod
    def new(cls, count: int) -> "ByteStream":
        """A stream of `count` bytes a beat."""
        return cls(word(8 * count), word(count), bit(), bit(), bit())


@dataclass(eq=False)
class RegisterPort(Bundle):
    """Access to the registers: each of 32 bits, at an address in bytes."""

    read_address: Any
    value: Any  # combinational
    exists: Any  # there is a register at `read_address`
    write: Any
    write_address: Any
    data: Any
    accepted: Any  # `data` can be written at `write_address`

    @classmethod
    def new(cls) -> "RegisterPort":
        """A port of 8 address bits."""
        return cls(word(ADDRESS_BITS), word(32), bit(), bit(), word(ADDRESS_BITS), word(32), bit())


@dataclass(eq=False)
class AxiLite(Bundle):
    """An AXI4-Lite port of 32 bits, without the signals of protection."""

    awaddr: Any
    awvalid: Any
    awready: Any
    wdata: Any
    wstrb: Any
    wvalid: Any
    wready: Any
    bresp: Any
    bvalid: Any
    bready: Any
    araddr: Any
    arvalid: Any
    arready: Any
    rdata: Any
    rresp: Any
    rvalid: Any
    rready: Any

    @classmethod
    def new(cls) -> "AxiLite":
        """A port of 8 address bits."""
        write = (word(ADDRESS_BITS), bit(), bit(), word(32), word(4), bit(), bit(), word(2), bit(), bit())
        return cls(*write, word(ADDRESS_BITS), bit(), bit(), word(32), word(2), bit(), bit())
