"""Frames between two parts that do not wait for each other: two banks of words, one written while one is read.

And the end of an image that is answered before its last step: which part drops what is left of it.
"""

from myhdl import Signal, always, always_comb, block, concat, intbv, modbv

from .parts.memory import ram


@block
def spike_buffer(clk, rst, writer, reader):
    """Buffer of two frames between two layers: the layer before writes one, while the next layer reads the other.

    This is the handshake between the layers. The writer claims a free bank, writes a frame, and says that it is done;
    then the reader has a frame, reads it, and gives the bank back. A bank has room for every address.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and empties both banks.
    writer : FrameWriter
        `writer_free`, out: 1 while a bank is not claimed. `writer_claim`, in: 1 for one cycle in which `writer_free`
        is 1, to claim it; with `writer_last`, in, for a frame that is its image's last. `writer_write`, in: 1 to
        write the word `writer_data` at `writer_address`. `writer_done`, in: 1 for one cycle, not before the last
        write: the frame is complete.
    reader : FrameReader
        `reader_filled`, out: 1 while there is a complete frame, from the cycle after `writer_done`, and `reader_last`,
        out, whether it is its image's last. `reader_read`, in:
        1 to read the word at `reader_address`, which is `reader_data`, out, in the next cycle. `reader_give_back`, in:
        1 for one cycle, not before the last read: the bank may be claimed from the next cycle on.

    Latency: a word is read in one cycle. Throughput: one word is written and one read in every cycle.
    """
    assert len(writer.address) == len(reader.address)
    assert len(writer.data) == len(reader.data)
    width = len(reader.address)
    written_bank = Signal(bool(0))  # the bank that is written, now or next
    read_bank = Signal(bool(0))  # the bank that is read, now or next
    claimed_bank = Signal(bool(0))  # the bank that is claimed next
    last_0, last_1 = [Signal(bool(0)) for _ in range(2)]  # the frame of a bank is its image's last
    claims = Signal(intbv(0, min=0, max=3))  # banks that are claimed, or hold a frame
    frames = Signal(intbv(0, min=0, max=3))  # complete frames
    store_at, read_at = [Signal(intbv(0)[width + 1 :]) for _ in range(2)]
    memory = ram(clk, writer.write, store_at, writer.data, reader.read, read_at, reader.data, 1 << (width + 1))

    @always_comb
    def addresses():
        store_at.next = concat(written_bank, writer.address)
        read_at.next = concat(read_bank, reader.address)

    @always_comb
    def levels():
        writer.free.next = claims != 2  # the layer before may begin its firing pass
        reader.filled.next = frames != 0  # the next layer may begin its step
        reader.last.next = last_0
        if read_bank:
            reader.last.next = last_1

    @always(clk.posedge)
    def mark():
        if rst:
            claimed_bank.next = False
        elif writer.claim:
            claimed_bank.next = not claimed_bank
            if claimed_bank:
                last_1.next = writer.last
            else:
                last_0.next = writer.last

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

    return memory, addresses, levels, mark, count


@block
def dropping(clk, rst, writer, decided, drop):
    """Mark of the image that is answered already: the part that works on it drops the rest of it.

    Parts count the images that they have ended, and compare this number with that of the image that is answered.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and forgets all images.
    writer : FrameWriter, in
        The frames that the part hands on: an image ends with a `writer_claim` with `writer_last`.
    decided : Decided, in
        `decided_early`: the image with number `decided_image` is answered, and its last frame is not yet out.
    drop : out
        The part works on this image.

    Latency: combinational from `decided_early`, 1 cycle from `decided_image`, which does not change while an image is
    answered early, and from the last claim. Throughput: an image a cycle.
    """
    image = Signal(modbv(0)[len(decided.image) :])  # number of the image that the part works on
    next_image = Signal(modbv(0)[len(decided.image) :])
    same = Signal(bool(0))  # it is that of `decided`

    @always_comb
    def compare():
        next_image.next = image + 1
        drop.next = decided.early and same

    @always(clk.posedge)
    def count():
        same.next = image == decided.image
        if writer.claim and writer.last:
            image.next = next_image
            same.next = next_image == decided.image
        if rst:
            image.next = 0
            same.next = True

    return compare, count
