"""Frames between two parts that do not wait for each other: two banks of words, one written while one is read."""

from myhdl import Signal, always, always_comb, block, concat, intbv

from .parts.memory import ram


@block
def spike_buffer(
    clk,
    rst,
    free,
    claim,
    write,
    write_address,
    write_data,
    done,
    filled,
    read,
    read_address,
    read_data,
    give_back,
    depth,
):
    """Two banks.

    Parameters
    ----------
    depth : int
        Words of a frame.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous.
    free : out
        There is a bank that nobody has claimed.
    claim : in
        1 for one cycle, while `free` is 1: the writer will write a frame.
    write, write_address, write_data : in
    done : in
        1 for one cycle, not before the last write: the frame is whole.
    filled : out
        There is a frame to read, from the cycle after `done`.
    read, read_address : in; read_data : out
        Of latency 1.
    give_back : in
        1 for one cycle, not before the last read: the frame is not needed any more. `free` is 1 from the next cycle.
    """
    width = len(read_address)
    written_bank, read_bank = [Signal(bool(0)) for _ in range(2)]
    claims, frames = [Signal(intbv(0, min=0, max=3)) for _ in range(2)]
    store_at, read_at = [Signal(intbv(0)[width + 1 :]) for _ in range(2)]
    memory = ram(clk, write, store_at, write_data, read, read_at, read_data, 1 << (width + 1))

    @always_comb
    def addresses():
        store_at.next = concat(written_bank, write_address)
        read_at.next = concat(read_bank, read_address)

    @always_comb
    def levels():
        free.next = claims != 2
        filled.next = frames != 0

    @always(clk.posedge)
    def count():
        if rst:
            claims.next = 0
            frames.next = 0
            written_bank.next = False
            read_bank.next = False
        else:
            if done:
                written_bank.next = not written_bank
            if give_back:
                read_bank.next = not read_bank
            if done and not give_back:
                frames.next = frames + 1
            elif give_back and not done:
                frames.next = frames - 1
            if claim and not give_back:
                claims.next = claims + 1
            elif give_back and not claim:
                claims.next = claims - 1

    return memory, addresses, levels, count
