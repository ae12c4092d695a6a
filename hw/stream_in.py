"""The input stream: words of frames, written to the buffer before the first layer."""

from myhdl import Signal, always, always_comb, block, intbv


@block
def stream_in(clk, rst, stream, writer, frames, allowed, begins, error, words):
    """Take images, and write their frames to the first spike buffer.

    Parameters
    ----------
    words : int
        Words of a frame.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous. After it the next word is the first of an image.
    stream : Stream, in
        A word of a frame in the lowest bits of `tdata`; `tlast` with the last word of an image.
    writer : FrameWriter
    frames : in
        Frames of an image: its steps, or 1 for pixels.
    allowed : in
        1 while an image may begin.
    begins : out
        1 in the cycle in which the first word of an image is taken.
    error : out
        A `tlast` was missing, or was not at the end of an image. It stays 1 until the next reset.

    Throughput: a word a cycle, as long as a bank is free when a frame begins.
    """
    at = Signal(intbv(0, min=0, max=max(words, 2)))
    frame = Signal(intbv(0)[len(frames) :])
    one_more = Signal(intbv(0)[len(frames) + 1 :])
    ready, take, frame_ends, image_ends, wrong = [Signal(bool(0)) for _ in range(5)]

    @always_comb
    def count():
        one_more.next = frame + 1

    @always_comb
    def accept():
        ready.next = at != 0 or (writer.free and (allowed or frame != 0))
        frame_ends.next = at == words - 1

    @always_comb
    def handshake():
        take.next = stream.tvalid and ready
        image_ends.next = frame_ends and one_more == frames

    @always_comb
    def out():
        stream.tready.next = ready
        writer.claim.next = take and at == 0
        begins.next = take and at == 0 and frame == 0
        writer.write.next = take
        writer.address.next = at
        writer.data.next = stream.tdata[len(writer.data) :]
        writer.done.next = take and frame_ends
        error.next = wrong

    @always(clk.posedge)
    def advance():
        if rst:
            at.next = 0
            frame.next = 0
            wrong.next = False
        elif take:
            if stream.tlast != image_ends:
                wrong.next = True
            if not frame_ends:
                at.next = at + 1
            else:
                at.next = 0
                frame.next = one_more[len(frame) :]
                if image_ends:
                    frame.next = 0

    return count, accept, handshake, out, advance
