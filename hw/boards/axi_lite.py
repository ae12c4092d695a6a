"""AXI4-Lite in front of registers: one write and one read at a time."""

from myhdl import Signal, always, always_comb, block, intbv

from .buses import ADDRESS_BITS

OKAY, SLVERR = 0, 2


@block
def axi_lite(clk, rst, bus, registers):
    """Answer AXI4-Lite.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous.
    bus : AxiLite
        All readys and valids are registers. An access to no register, or a write that the registers do not accept, is
        answered with SLVERR. Bytes without their bit in `wstrb` are written as 0.
    registers : RegisterPort, out

    Latency: a write is done one cycle after its address and data have come, a read two; then the bus takes the next.
    """
    written, read = [Signal(intbv(0)[ADDRESS_BITS:]) for _ in range(2)]
    data = Signal(intbv(0)[32:])
    strobe = Signal(intbv(0)[4:])
    # has_*: an address, or data, has come; b_valid and r_valid: an answer waits to be taken
    aw_ready, w_ready, ar_ready, has_address, has_data, has_read, b_valid, r_valid, writes = [
        Signal(bool(0)) for _ in range(9)
    ]

    @always_comb
    def out():
        bus.awready.next = aw_ready
        bus.wready.next = w_ready
        bus.arready.next = ar_ready
        bus.bvalid.next = b_valid
        bus.rvalid.next = r_valid
        writes.next = has_address and has_data

    @always_comb
    def access():
        registers.read_address.next = read
        registers.write_address.next = written
        registers.write.next = has_address and has_data
        for i in range(32):
            registers.data.next[i] = data[i] and strobe[i // 8]

    @always(clk.posedge)
    def write():
        if bus.awvalid and aw_ready:
            written.next = bus.awaddr
            has_address.next = True
            aw_ready.next = False
        if bus.wvalid and w_ready:
            data.next = bus.wdata
            strobe.next = bus.wstrb
            has_data.next = True
            w_ready.next = False
        if writes:
            has_address.next = False
            has_data.next = False
            b_valid.next = True
            bus.bresp.next = SLVERR
            if registers.accepted:
                bus.bresp.next = OKAY
        if (b_valid and bus.bready) or not (has_address or has_data or b_valid or aw_ready or w_ready):
            b_valid.next = False
            aw_ready.next = True
            w_ready.next = True
        if rst:
            has_address.next = False
            has_data.next = False
            b_valid.next = False
            aw_ready.next = False
            w_ready.next = False

    @always(clk.posedge)
    def look():
        if bus.arvalid and ar_ready:
            read.next = bus.araddr
            has_read.next = True
            ar_ready.next = False
        if has_read:
            has_read.next = False
            r_valid.next = True
            bus.rdata.next = registers.value
            bus.rresp.next = SLVERR
            if registers.exists:
                bus.rresp.next = OKAY
        if (r_valid and bus.rready) or not (has_read or r_valid or ar_ready):
            r_valid.next = False
            ar_ready.next = True
        if rst:
            has_read.next = False
            r_valid.next = False
            ar_ready.next = False

    return out, access, write, look
