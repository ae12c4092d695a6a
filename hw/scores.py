"""The answer: spikes counted (or membranes summed) over all steps, added up by class, sent with the arg-max."""

from myhdl import Signal, always, always_comb, block, intbv, modbv

from .parts.times import times
from .ports import GroupReader, bit, word
from .send_answer import Review, send_answer
from .step_sums import step_sums


@block
def answer_steps(clk, rst, num_steps, margin, writer, finished, review, decided, first, members):
    """Steps of the images at the last layer's output: the first and the last, and whether one is answered before it.

    Parameters
    ----------
    members : int
        Neurons of a class.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous: the next frame is the first of an image.
    num_steps, margin : in
        Steps of an image, and the lead that ends it; 0 for all steps.
    writer : FrameWriter
        `writer_claim`, `writer_last` and `writer_done`, in: a frame begins, is its image's last, and is complete.
        `writer_free`, out: 0 from the claim of an image's last frame until its answer is sent and the frame complete;
        with a margin also from the claim of any other until it is known whether the image ends.
    finished : in
        1 in the cycle in which the last beat of an answer is taken.
    review : Review
        `review_done` and `review_ends`, in: whether an image ends before its last frame. `review_asks`, out: 1 for one
        cycle, two cycles after the last word of an image, and with a margin of any frame: its sums are in the memory;
        `review_whole`, out: it was the image's last. `review_left`, out: spikes that a class may still gain.
    decided : Decided, out
        The image that is answered before its last frame. The words of the frames that still come are ignored.
    first : out
        The frame that is written is the image's first.

    Latency: 2 cycles. Throughput: a frame may begin in every cycle.
    """
    holding = Signal(bool(0))  # the image's last frame was claimed, and it is not over
    looking = Signal(bool(0))  # a frame was claimed, and it is not known whether the image ends with it
    early = Signal(bool(0))  # the image is answered before its last frame
    sent = Signal(bool(0))  # that answer is sent
    closed = Signal(bool(0))  # the last frame of that image is complete
    last = Signal(bool(0))  # the frame that was claimed last is its image's last
    older = Signal(bool(0))  # another frame was claimed before it that is not complete
    open_1 = Signal(bool(0))  # a frame is claimed and not complete
    ends = Signal(bool(0))  # the image's last frame is complete
    over = Signal(bool(0))  # the image is answered, and its last frame complete
    asks_1 = Signal(bool(0))  # a frame was complete in the cycle before whose sums are looked at
    frame = Signal(intbv(0)[len(num_steps) :])  # number of the frame that is written
    image = Signal(modbv(0)[len(decided.image) :])  # number of the image
    rest = Signal(intbv(0)[len(num_steps) :])  # steps that are left
    gain = times(rest, members, review.left)

    @always_comb
    def look():
        first.next = frame == 0
        writer.free.next = not (holding or looking)
        decided.early.next = early
        decided.image.next = image

    @always_comb
    def judge():
        ends.next = writer.done and last and not older

    @always_comb
    def judge_end():
        over.next = (finished and not early) or (early and (finished or sent) and (ends or closed))

    @always(clk.posedge)
    def count_claims():
        if rst:
            open_1.next = False
            older.next = False
        elif writer.claim:
            last.next = writer.last
            open_1.next = True
            older.next = open_1 and not writer.done
        elif writer.done:
            older.next = False
            open_1.next = older

    @always(clk.posedge)
    def advance():
        rest.next = num_steps - frame
        if writer.done:
            review.whole.next = ends
        asks_1.next = writer.done and (not early) and (ends or margin != 0)
        review.asks.next = asks_1
        if rst:
            asks_1.next = False
            review.asks.next = False
            frame.next = 0
            image.next = 0
            holding.next = False
            looking.next = False
            early.next = False
            sent.next = False
            closed.next = False
        else:
            if writer.done:
                frame.next = frame + 1
                if ends:
                    frame.next = 0
            if writer.claim and writer.last:
                holding.next = True
            elif over:
                holding.next = False
            if writer.claim and margin != 0 and not (writer.last or early):
                looking.next = True
            elif review.done:
                looking.next = False
            if review.done and review.ends:
                early.next = True
            elif over:
                early.next = False
            sent.next = early and (finished or sent) and not over
            closed.next = early and (ends or closed) and not over
            if over:
                image.next = image + 1

    return gain, look, judge, judge_end, count_claims, advance


@block
def scores(
    clk,
    rst,
    num_steps,
    margin,
    writer,
    membranes,
    now,
    stamp,
    spoilt,
    stream,
    finished,
    decided,
    neurons,
    classes,
    score_bits,
    membrane,
):
    """Answer to an image: the last layer's spikes or membranes, added up over all steps and by class, and the arg-max.

    Parameters
    ----------
    neurons, classes : int
        Numbers of the last layer; neighbouring neurons share a class.
    score_bits : int
        Width of the sum of a neuron, two's complement.
    membrane : bool
        Sum membranes; otherwise spikes.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous.
    num_steps, margin : in
        Steps of an image, and the lead at which it is answered before the last; 0 if it never is.
    writer : FrameWriter
        The last layer writes here as into a ``spike_buffer``, by `writer_claim`, `writer_last`, `writer_write`,
        `writer_address`, `writer_data` and `writer_done`. For `writer_free` see ``answer_steps``.
    membranes : in
        Membranes of the word, a cycle before it.
    now, stamp : in
        A count of cycles, and its value when the image's first word was taken.
    spoilt : in
        1 if the image was wrong: in place of the arg-max, all bits are sent as 1.
    stream : Stream, out
        An image's answer: a score for each class, the arg-max (the lowest of equals), and the cycles until its last
        beat was offered; `stream_tlast` with the last.
    finished : out
        1 in the cycle in which the last beat is taken.
    decided : Decided, out
        See ``dropping``.

    Latency: with m = N/classes neurons a class, the first score is offered 3 + m + 2*ceil(m/lanes) cycles after the
    last word, and the last beat a = 2*groups + N + classes + 4 after it if the beats are taken at once. With a margin
    `decided_early` is 1, or the next frame may be claimed, a + 1 cycles after the last word of any frame; the last beat
    of an image that ends so comes after 2*a - 1. Throughput: a word a cycle, until one of these.
    """
    lanes = len(writer.data)
    groups = -(-neurons // lanes)
    first = bit()
    left = word(len(num_steps) + (neurons // classes).bit_length())
    review = Review(bit(), bit(), left, bit(), bit())
    sums = GroupReader(bit(), word(len(writer.address)), word(lanes * score_bits))
    steps = answer_steps(clk, rst, num_steps, margin, writer, finished, review, decided, first, neurons // classes)
    ignore = decided.early
    all_sums = step_sums(clk, rst, writer, first, ignore, membranes, sums, groups, score_bits, membrane)
    shape = (lanes, neurons, classes, score_bits)
    answer = send_answer(clk, rst, margin, review, sums, now, stamp, spoilt, stream, finished, *shape)
    return steps, all_sums, answer
