"""A RAM with one write and one read port, both synchronous: block RAM or distributed RAM in every tool."""

from myhdl import Signal, always, block, intbv


@block
def ram(clk, write, write_address, write_data, read, read_address, read_data, depth):
    """Simple dual-port RAM.

    Parameters
    ----------
    depth : int
        Number of words, signed or unsigned as `write_data`.

    Ports
    -----
    clk : in, rising edge
    write, write_address, write_data : in
        `write_data` is stored at the edge at which `write` is 1.
    read, read_address : in
    read_data : out
        The word at `read_address`, from the edge at which `read` is 1 until the next such edge. A word that is written
        at the same edge is read as it was before.

    Latency 1 cycle, throughput one word read and one written a cycle.
    """
    words = [Signal(intbv(0, min=write_data.min, max=write_data.max)) for _ in range(max(depth, 2))]

    @always(clk.posedge)
    def ports():
        if write:
            words[write_address].next = write_data
        if read:
            read_data.next = words[read_address]

    return ports
