"""AXI4-Lite in front of registers: one write and one read at a time."""

from myhdl import Signal, always, always_comb, block, intbv

from .buses import ADDRESS_BITS

OKAY, SLVERR = 0, 2


@block
def axi_lite(clk, rst, axi, registers):
    """Answer AXI4-Lite.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous.
    axi : AxiLite
        All readys and valids are registers. An access to no register, or a write that the registers do not accept, is
        answered with SLVERR. Bytes without their bit in `wstrb` are written as 0.
    registers : RegisterPort, out

    Latency: a write is done one cycle after its address and data have come, a read two; then the port takes the next.
    """
    written, read = [Signal(intbv(0)[ADDRESS_BITS:]) for _ in range(2)]
    data = Signal(intbv(0)[32:])
    strobe = Signal(intbv(0)[4:])
    # has_*: an address, or data, has come; b_valid and r_valid: an answer waits to be taken
    aw_ready, w_ready, ar_ready, has_address, has_data, has_read, b_valid, r_valid, writes = [
        Signal(bool(0)) for _ in range(9)
    ]

    @always_comb
    def outputs():
        axi.awready.next = aw_ready
        axi.wready.next = w_ready
        axi.arready.next = ar_ready
        axi.bvalid.next = b_valid
        axi.rvalid.next = r_valid
        writes.next = has_address and has_data

    @always_comb
    def connect():
        registers.read_address.next = read
        registers.write_address.next = written
        registers.write.next = writes
        for i in range(32):
            registers.data.next[i] = data[i] and strobe[i // 8]

    @always(clk.posedge)
    def write():
        if axi.awvalid and aw_ready:
            written.next = axi.awaddr
            has_address.next = True
            aw_ready.next = False
        if axi.wvalid and w_ready:
            data.next = axi.wdata
            strobe.next = axi.wstrb
            has_data.next = True
            w_ready.next = False
        if writes:
            has_address.next = False
            has_data.next = False
            b_valid.next = True
            axi.bresp.next = SLVERR
            if registers.accepted:
                axi.bresp.next = OKAY
        if (b_valid and axi.bready) or not (has_address or has_data or b_valid or aw_ready or w_ready):
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
        if axi.arvalid and ar_ready:
            read.next = axi.araddr
            has_read.next = True
            ar_ready.next = False
        if has_read:
            has_read.next = False
            r_valid.next = True
            axi.rdata.next = registers.value
            axi.rresp.next = SLVERR
            if registers.exists:
                axi.rresp.next = OKAY
        if (r_valid and axi.rready) or not (has_read or r_valid or ar_ready):
            r_valid.next = False
            ar_ready.next = True
        if rst:
            has_read.next = False
            r_valid.next = False
            ar_ready.next = False

    return outputs, connect, write, look
