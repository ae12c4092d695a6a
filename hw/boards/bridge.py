"""Frames from a host become loads, images and accesses to registers; answers become frames for the host.

The first byte of a frame says what it is, as a letter of ASCII:

    to the accelerator                     to the host
    L bytes   a load                       A bytes      an answer
    I bytes   an image                     R 4 bytes    the value of a register, the lowest byte first
    R a       read the register at a       S            in step
    W a, 4 b  write 4 bytes to it          K            another CREDIT bytes were taken from the queue
    S         get into step

A line of two wires cannot say "wait". So bytes wait in a queue, and the host sends no more than DEPTH bytes beyond
those that K has confirmed. S begins to count anew, and an END before it ends what an earlier host left incomplete. An
image is dropped while nothing is loaded.
"""

from myhdl import Signal, always, always_comb, block, concat, enum, intbv

from ..ports import bit, word

DEPTH, CREDIT = 2048, 512  # bytes
LOAD, IMAGE, READ, WRITE, SYNC, ANSWER, CONFIRM = b"LIRWSAK"

taking = enum("ST_COMMAND", "ST_LOAD", "ST_IMAGE", "ST_READ", "ST_WRITE", "ST_DROP", "ST_REPLY", "ST_SYNC")
replying = enum("ST_CHOOSE", "ST_ANSWER", "ST_VALUE")


@block
def commands(clk, rst, frames, loaded, s_load, s_input, regs, read, synced, replied):
    """Do what frames say.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous.
    frames : Stream, in
    loaded : in
    s_load, s_input : ByteStream, out
    regs : RegisterPort, out
    read, synced : out
        The value of the register at `regs.read_address`, or the S, is to be sent; 1 until `replied`.
    replied : in
    """
    state = Signal(taking.ST_COMMAND)
    at = Signal(intbv(0, min=0, max=6))
    address = word(8)
    value = word(32)
    writes, takes = bit(), bit()

    @always_comb
    def streams():
        s_load.tdata.next = frames.tdata
        s_load.tkeep.next = 1
        s_load.tvalid.next = frames.tvalid and state == taking.ST_LOAD
        s_load.tlast.next = frames.tlast
        s_input.tdata.next = frames.tdata
        s_input.tkeep.next = 1
        s_input.tvalid.next = frames.tvalid and state == taking.ST_IMAGE
        s_input.tlast.next = frames.tlast

    @always_comb
    def handshake():
        takes.next = state != taking.ST_REPLY and state != taking.ST_SYNC
        if state == taking.ST_LOAD:
            takes.next = s_load.tready
        elif state == taking.ST_IMAGE:
            takes.next = s_input.tready

    @always_comb
    def outputs():
        frames.tready.next = takes
        regs.read_address.next = address
        regs.write_address.next = address
        regs.data.next = value
        regs.write.next = writes
        read.next = state == taking.ST_REPLY
        synced.next = state == taking.ST_SYNC

    @always(clk.posedge)
    def advance():
        writes.next = False
        if state == taking.ST_REPLY or state == taking.ST_SYNC:
            if replied:
                state.next = taking.ST_COMMAND
        elif frames.tvalid and takes:
            if state == taking.ST_COMMAND:
                at.next = 0
                if frames.tdata == SYNC and frames.tlast:
                    state.next = taking.ST_SYNC
                elif frames.tlast:
                    state.next = taking.ST_COMMAND
                elif frames.tdata == LOAD:
                    state.next = taking.ST_LOAD
                elif frames.tdata == IMAGE and loaded:
                    state.next = taking.ST_IMAGE
                elif frames.tdata == READ:
                    state.next = taking.ST_READ
                elif frames.tdata == WRITE:
                    state.next = taking.ST_WRITE
                else:
                    state.next = taking.ST_DROP
            elif state == taking.ST_READ:
                address.next = frames.tdata
                state.next = taking.ST_DROP
                if frames.tlast:
                    state.next = taking.ST_REPLY
            elif state == taking.ST_WRITE:
                if at == 0:
                    address.next = frames.tdata
                else:
                    value.next = concat(frames.tdata, value[32:8])
                if at != 5:
                    at.next = at + 1
                if frames.tlast:
                    state.next = taking.ST_COMMAND
                    writes.next = at == 4
            elif frames.tlast:
                state.next = taking.ST_COMMAND
        if rst:
            state.next = taking.ST_COMMAND
            writes.next = False

    return streams, handshake, outputs, advance


@block
def replies(clk, rst, m_output, regs, read, synced, replied, taken, frames):
    """Send answers, values of registers, and confirmations, each as one frame.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous.
    m_output : ByteStream, in
    regs : RegisterPort, in
    read, synced, replied
        See ``commands``.
    taken : in
        1 for each byte that leaves the queue.
    frames : Stream, out
    """
    state = Signal(replying.ST_CHOOSE)
    at = Signal(intbv(0, min=0, max=4))
    count = Signal(intbv(0, min=0, max=CREDIT))
    owed = Signal(intbv(0, min=0, max=DEPTH // CREDIT + 1))
    value = word(32)
    confirms, earns = bit(), bit()

    @always_comb
    def choose():
        confirms.next = state == replying.ST_CHOOSE and owed != 0
        earns.next = taken and count == CREDIT - 1

    @always_comb
    def outputs():
        frames.tvalid.next = True
        frames.tlast.next = False
        frames.tdata.next = ANSWER
        replied.next = False
        m_output.tready.next = False
        if state == replying.ST_ANSWER:
            frames.tvalid.next = m_output.tvalid
            frames.tlast.next = m_output.tlast
            frames.tdata.next = m_output.tdata
            m_output.tready.next = frames.tready
        elif state == replying.ST_VALUE:
            frames.tdata.next = value[8:]
            frames.tlast.next = at == 3
        elif owed != 0:
            frames.tdata.next = CONFIRM
            frames.tlast.next = True
        elif synced:
            frames.tdata.next = SYNC
            frames.tlast.next = True
            replied.next = frames.tready
        elif read:
            frames.tdata.next = READ
            replied.next = frames.tready
        else:
            frames.tvalid.next = m_output.tvalid

    @always(clk.posedge)
    def advance():
        if frames.tready:
            if state == replying.ST_CHOOSE:
                at.next = 0
                value.next = regs.value
                if owed == 0 and not synced:
                    if read:
                        state.next = replying.ST_VALUE
                    elif m_output.tvalid:
                        state.next = replying.ST_ANSWER
            elif state == replying.ST_VALUE:
                value.next = value >> 8
                if at == 3:
                    state.next = replying.ST_CHOOSE
                else:
                    at.next = at + 1
            elif m_output.tvalid and m_output.tlast:
                state.next = replying.ST_CHOOSE
        if rst:
            state.next = replying.ST_CHOOSE

    @always(clk.posedge)
    def confirm():
        if taken:
            count.next = count + 1
            if count == CREDIT - 1:
                count.next = 0
        if earns and not (confirms and frames.tready):
            owed.next = owed + 1
        elif confirms and frames.tready and not earns:
            owed.next = owed - 1
        if rst or synced:
            count.next = 0
            owed.next = 0

    return choose, outputs, advance, confirm
