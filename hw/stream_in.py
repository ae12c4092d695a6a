"""The input stream: images are checked, and their frames written to the buffer before the first layer."""

from myhdl import Signal, always, always_comb, block, enum, intbv

from .spike_buffer import dropping

taking = enum("ST_TAKE", "ST_FILL", "ST_DROP")


@block
def stream_in(
    clk, rst, stream, writer, decided, frames, allowed, wanted, begins, counts, spoils, under_way, error, words
):
    """Input of images: it checks their length, and writes their frames to the buffer before the first layer.

    ST_TAKE   take the words of an image, or wait for one
    ST_FILL   the layers have frames of a wrong image: write zeros until it is complete
    ST_DROP   take and drop words, up to the end of an image that is too long

    An image is wrong if it is shorter or longer than its frames, or if a load waits and no word is offered that could
    be taken. A wrong image is dropped, unless its first frame is in the layers already: then zeros complete it.

    The frames of an image that is answered already are taken and dropped, except one that has begun, and the last.

    Parameters
    ----------
    words : int
        Words of a frame.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous. After it the next word is the first of an image.
    stream : Stream, in
        A word of a frame in the lowest bits of `stream_tdata`; `stream_tlast` with the last word of an image.
    writer : FrameWriter
        To the buffer: `writer_claim` a bank when `writer_free` is 1, `writer_write` the words, each `writer_data` at
        `writer_address`, and `writer_done` with the frame's last; `writer_last` with the claim for an image's last.
    decided : Decided, in
        See ``dropping``.
    frames : in
        Frames of an image: its steps, or 1 for pixels.
    allowed : in
        1 while an image may begin.
    wanted : in
        1 while a load waits or is taken.
    begins : out
        1 in the cycle in which the first word of an image is taken.
    counts : out
        1 in the cycle in which its first frame is complete: it will have an answer.
    spoils : out
        1 for a cycle when an image that will have an answer is found to be wrong.
    under_way : out
        1 between the first and the last word of an image.
    error : out
        1 if the last image that ended was wrong.

    Latency: a word is written in the cycle in which it is taken. Throughput: a word a cycle, as long as a bank is free
    when a frame begins that is not dropped.
    """
    # at: address of the next word in its frame
    at = Signal(intbv(0, min=0, max=max(words, 2)))
    # frame: number of the present frame in its image
    frame = Signal(intbv(0)[len(frames) :])
    one_more, two_more = [Signal(intbv(0)[len(frames) + 1 :]) for _ in range(2)]
    state = Signal(taking.ST_TAKE)
    claimed = Signal(bool(0))  # a bank waits for the frame's words; after a dropped image it serves the next one
    room = Signal(bool(0))  # there is a bank for a word
    ready = Signal(bool(0))  # a word of the image is taken if it is offered
    take = Signal(bool(0))  # a word of the image is taken
    moves = Signal(bool(0))  # a word is written or dropped: of the image, or zeros
    put = Signal(bool(0))  # it is written
    drop = Signal(bool(0))  # the image is answered already
    dropped = Signal(bool(0))  # the present frame is dropped
    last = Signal(bool(0))  # it is the image's last
    first = Signal(bool(0))  # the present frame is the image's first
    in_image = Signal(bool(0))  # a word of the image was taken, and not yet its last
    frame_ends = Signal(bool(0))  # the next word is the frame's last
    image_ends = Signal(bool(0))  # it is the image's last
    one_word, before_last = words == 1, max(words - 2, 0)
    misfits = Signal(bool(0))  # `tlast` comes too early, or not at the image's end
    stops = Signal(bool(0))  # the image does not go on, and a load waits
    wrong = Signal(bool(0))

    decides = dropping(clk, rst, writer, decided, drop)

    @always_comb
    def count():
        one_more.next = frame + 1
        two_more.next = frame + 2

    @always_comb
    def look():
        dropped.next = drop and (not claimed) and not last

    @always_comb
    def accept():
        room.next = claimed or writer.free or dropped
        ready.next = state == taking.ST_TAKE and room and (in_image or allowed)

    @always_comb
    def transfer():
        take.next = stream.tvalid and ready
        moves.next = (stream.tvalid and ready) or (state == taking.ST_FILL and room)
        image_ends.next = frame_ends and last

    @always_comb
    def choose():
        put.next = moves and not dropped

    @always_comb
    def compare():
        misfits.next = take and stream.tlast != image_ends
        stops.next = wanted and in_image and ready and not stream.tvalid

    @always_comb
    def outputs():
        stream.tready.next = ready or state == taking.ST_DROP
        writer.claim.next = put and not claimed
        writer.last.next = last
        writer.write.next = put
        writer.address.next = at
        writer.data.next = 0
        if state == taking.ST_TAKE:
            writer.data.next = stream.tdata[len(writer.data) :]
        writer.done.next = put and frame_ends and not (first and misfits)
        error.next = wrong

    @always_comb
    def tell():
        begins.next = take and not in_image
        counts.next = take and first and frame_ends and not misfits
        spoils.next = (misfits or stops) and not first
        under_way.next = in_image

    @always(clk.posedge)
    def place():
        if rst:
            at.next = 0
            frame.next = 0
            claimed.next = False
        elif first and (misfits or stops):  # drop it; its bank serves the next image
            at.next = 0
            claimed.next = True
        elif moves:
            claimed.next = not (frame_ends or dropped)
            if not frame_ends:
                at.next = at + 1
            else:
                at.next = 0
                frame.next = one_more[len(frame) :]
                if image_ends:
                    frame.next = 0

    # Where the next word is in its frame and image, known as its cycle begins: much depends on it.
    @always(clk.posedge)
    def look_ahead():
        last.next = one_more == frames  # a load changes `frames` long before an image begins
        if rst or (first and (misfits or stops)):
            frame_ends.next = one_word
            first.next = True
            in_image.next = False
        elif moves:
            in_image.next = not image_ends
            if not frame_ends:
                frame_ends.next = at == before_last
            else:
                frame_ends.next = one_word
                first.next = image_ends
                last.next = two_more == frames
                if image_ends:
                    last.next = frames == 1
        if rst:
            last.next = frames == 1

    @always(clk.posedge)
    def judge():
        if rst:
            state.next = taking.ST_TAKE
            wrong.next = False
        elif state == taking.ST_TAKE:
            if misfits or stops:
                wrong.next = True
                if take and not stream.tlast:
                    state.next = taking.ST_DROP
                elif not first:
                    state.next = taking.ST_FILL
            elif take and image_ends:
                wrong.next = False
        elif state == taking.ST_FILL:
            if moves and image_ends:
                state.next = taking.ST_TAKE
        elif stream.tvalid:
            if stream.tlast:
                state.next = taking.ST_TAKE
        elif wanted:
            state.next = taking.ST_TAKE

    return decides, count, look, accept, transfer, choose, compare, outputs, tell, place, look_ahead, judge
