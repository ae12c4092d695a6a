"""Frames of bytes on a line, as in RFC 1055 (SLIP): END ends a frame, and END and ESC inside it become two bytes."""

from myhdl import Signal, always, always_comb, block, intbv

from ..ports import bit, word

END, ESC, ESC_END, ESC_ESC = 0xC0, 0xDB, 0xDC, 0xDD


@block
def slip_decoder(clk, rst, data, valid, ready, frames):
    """Take the bytes of frames from a line.

    A byte is passed on when the next one comes, since END tells that it was the last. A frame without bytes is none.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous.
    data, valid, ready
        Bytes of the line.
    frames : Stream, out
    """
    held, plain = [word(8) for _ in range(2)]
    full, escaped, ends, escapes, passes = [bit() for _ in range(5)]

    @always_comb
    def look():
        ends.next = data == END
        escapes.next = data == ESC
        plain.next = data
        if escaped:
            plain.next = ESC
            if data == ESC_END:
                plain.next = END

    @always_comb
    def move():
        passes.next = escapes or not full or frames.tready
        ready.next = escapes or not full or frames.tready
        frames.tvalid.next = valid and full and not escapes
        frames.tlast.next = ends
        frames.tdata.next = held

    @always(clk.posedge)
    def hold():
        if valid and passes:
            escaped.next = escapes
            if not escapes:
                full.next = not ends
                held.next = plain
        if rst:
            full.next = False
            escaped.next = False

    return look, move, hold


@block
def slip_encoder(clk, rst, frames, data, valid, ready):
    """Write frames to a line.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous.
    frames : Stream, in
    data, valid, ready
        Bytes of the line.
    """
    state = Signal(intbv(0, min=0, max=3))  # 0: a byte; 1: the second byte of an escaped one; 2: the end
    special, completes = bit(), bit()

    @always_comb
    def look():
        special.next = frames.tdata == END or frames.tdata == ESC

    @always_comb
    def outputs():
        valid.next = frames.tvalid or state == 2
        data.next = frames.tdata
        if state == 2:
            data.next = END
        elif state == 1:
            data.next = ESC_ESC
            if frames.tdata == END:
                data.next = ESC_END
        elif special:
            data.next = ESC

    @always_comb
    def move():
        completes.next = state == 1 or (state == 0 and not special)
        frames.tready.next = ready and (state == 1 or (state == 0 and not special))

    @always(clk.posedge)
    def advance():
        if ready:
            if state == 2:
                state.next = 0
            elif frames.tvalid:
                if not completes:
                    state.next = 1
                else:
                    state.next = 0
                    if frames.tlast:
                        state.next = 2
        if rst:
            state.next = 0

    return look, outputs, move, advance
