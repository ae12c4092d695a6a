"""Frames between two parts that do not wait for each other: two banks of words, one written while one is read."""

from myhdl import Signal, always, always_comb, block, concat, intbv

from .parts.memory import ram


@block
def spike_buffer(clk, rst, writer, reader):
    """Hold up to two frames, one in each bank; a bank has room for every address.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and empties both banks.
    writer : FrameWriter
        `free` is 1 while there is a bank that was not claimed.
    reader : FrameReader
        `filled` is 1 from the cycle after `done`; after `give_back`, `free` is 1 from the next cycle.

    Latency: a word is read in one cycle. Throughput: one word written and one read a cycle.
    """
    width = len(reader.address)
    written_bank, read_bank = [Signal(bool(0)) for _ in range(2)]
    claims, frames = [Signal(intbv(0, min=0, max=3)) for _ in range(2)]
    store_at, read_at = [Signal(intbv(0)[width + 1 :]) for _ in range(2)]
    memory = ram(clk, writer.write, store_at, writer.data, reader.read, read_at, reader.data, 1 << (width + 1))

    @always_comb
    def addresses():
        store_at.next = concat(written_bank, writer.address)
        read_at.next = concat(read_bank, reader.address)

    @always_comb
    def levels():
        writer.free.next = claims != 2
        reader.filled.next = frames != 0

    @always(clk.posedge)
    def count():
        if rst:
            claims.next = 0
            frames.next = 0
            written_bank.next = False
            read_bank.next = False
        else:
            if writer.done:
                written_bank.next = not written_bank
            if reader.give_back:
                read_bank.next = not read_bank
            if writer.done and not reader.give_back:
                frames.next = frames + 1
            elif reader.give_back and not writer.done:
                frames.next = frames - 1
            if writer.claim and not reader.give_back:
                claims.next = claims + 1
            elif reader.give_back and not writer.claim:
                claims.next = claims - 1

    return memory, addresses, levels, count
