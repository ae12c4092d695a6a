"""The accelerator for a system on a chip: AXI4-Stream for load, images and answers, AXI4-Lite for registers."""

from collections.abc import Callable

from myhdl import always, block

from ..ports import bit, word
from ..spec import AcceleratorSpec
from .axi_lite import axi_lite
from .buses import AxiLite, ByteStream, RegisterPort
from .streamed import streamed

STREAM_BITS = (8, 16, 32, 64, 128)  # widths of the streams


@block
def axi_accelerator(aclk, aresetn, s_axis_load, s_axis_input, m_axis_output, s_axi, spec):
    """Connect the accelerator with AXI.

    Ports
    -----
    aclk, aresetn : in
        Rising edge; `aresetn` is active at 0, and taken at the rising edge.
    s_axis_load, s_axis_input, m_axis_output : ByteStream
        See ``streamed``.
    s_axi : AxiLite
        See ``registers``.
    """
    rst = bit()
    regs = RegisterPort.new()
    slave = axi_lite(aclk, rst, s_axi, regs)
    loaded, answered, best = bit(), bit(), word(8)
    inner = streamed(aclk, rst, s_axis_load, s_axis_input, m_axis_output, regs, False, loaded, best, answered, spec)

    @always(aclk.posedge)
    def reset():
        rst.next = not aresetn

    return slave, inner, reset


def ports(stream_bits: int) -> tuple[dict, dict]:
    """Return (inputs, outputs): fresh signals for all ports except `aclk`, with streams of so many bits."""
    s_load, s_input, m_output = [ByteStream.new(stream_bits // 8) for _ in range(3)]
    bus, sent = AxiLite.new(), ("tdata", "tkeep", "tvalid", "tlast")
    driven = ("awready", "wready", "bresp", "bvalid", "arready", "rdata", "rresp", "rvalid")
    inputs = {"aresetn": bit(), **s_load.named("s_axis_load", *sent), **s_input.named("s_axis_input", *sent)}
    inputs |= m_output.named("m_axis_output", "tready")
    inputs |= bus.named("s_axi", *[name for name in vars(bus) if name not in driven])
    outputs = {**s_load.named("s_axis_load", "tready"), **s_input.named("s_axis_input", "tready")}
    outputs |= {**m_output.named("m_axis_output", *sent), **bus.named("s_axi", *driven)}
    return inputs, outputs


def design(spec: AcceleratorSpec) -> Callable:
    """Return a function that makes the block from `clk` and the signals of :func:`ports`, by their names."""

    def make(clk, aresetn, **signals):
        streams = (ByteStream.of(name, signals) for name in ("s_axis_load", "s_axis_input", "m_axis_output"))
        return axi_accelerator(clk, aresetn, *streams, AxiLite.of("s_axi", signals), spec)

    return make
