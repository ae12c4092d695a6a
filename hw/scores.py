"""The answer: spikes counted (or membranes summed) over all steps, added up by class, sent with the arg-max."""

from myhdl import Signal, always, always_comb, block, intbv

from .send_answer import send_answer
from .step_sums import step_sums


@block
def answer_steps(clk, rst, num_steps, writer, finished, first, complete):
    """Steps of the images at the last layer's output: which is the first and the last, and when a new one may begin.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous: the next frame is the first of an image.
    num_steps : in
        Steps of an image.
    writer : FrameWriter
        `writer_claim` and `writer_done`, in: a frame begins, and is complete. `writer_free`, out: 0 from the claim of
        an image's last frame until its answer is sent.
    finished : in
        1 in the cycle in which the last beat of an answer is taken.
    first : out
        The frame that is written is the image's first.
    complete : out
        1 for one cycle, two cycles after an image's last word: its sums are in the memory.

    Latency: 2 cycles. Throughput: a frame may begin in every cycle.
    """
    last = Signal(bool(0))  # the frame that is written is the image's last
    holding = Signal(bool(0))  # an answer is not yet sent
    ends_1 = Signal(bool(0))  # the image's last word came in the cycle before
    frame = Signal(intbv(0)[len(num_steps) :])  # number of the frame that is written
    claimed = Signal(intbv(0)[len(num_steps) :])  # number of the frame that is claimed next
    frame_more, claimed_more = [Signal(intbv(0)[len(num_steps) + 1 :]) for _ in range(2)]

    @always_comb
    def count():
        frame_more.next = frame + 1
        claimed_more.next = claimed + 1

    @always_comb
    def look():
        first.next = frame == 0
        last.next = frame_more == num_steps
        writer.free.next = not holding

    @always(clk.posedge)
    def advance():
        ends_1.next = writer.done and last
        complete.next = ends_1
        if rst:
            ends_1.next = False
            complete.next = False
            frame.next = 0
            claimed.next = 0
            holding.next = False
        else:
            if writer.done:
                frame.next = frame_more[len(frame) :]
                if last:
                    frame.next = 0
            if writer.claim:
                claimed.next = claimed_more[len(claimed) :]
                if claimed_more == num_steps:
                    claimed.next = 0
                    holding.next = True
            if finished:
                holding.next = False

    return count, look, advance


@block
def scores(
    clk, rst, num_steps, writer, membranes, now, stamp, spoilt, stream, finished, neurons, classes, score_bits, membrane
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
    num_steps : in
        Steps of an image.
    writer : FrameWriter
        The last layer writes here as into a ``spike_buffer``, by `writer_claim`, `writer_write`, `writer_address`,
        `writer_data` and `writer_done`. `writer_free` is 0 from the claim of an image's last step until its answer is
        sent.
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

    Latency: with m = N/classes neurons a class, the first score is offered 3 + m + 2*ceil(m/lanes) cycles after the
    last word, and the last beat 2*groups + N + classes + 4 after it if the beats are taken at once. Throughput: a word
    a cycle, until an image's last; then its answer is sent.
    """
    lanes = len(writer.data)
    groups = -(-neurons // lanes)
    first, complete, fetch = [Signal(bool(0)) for _ in range(3)]
    fetch_group = Signal(intbv(0)[len(writer.address) :])
    sums = Signal(intbv(0)[lanes * score_bits :])
    steps = answer_steps(clk, rst, num_steps, writer, finished, first, complete)
    all_sums = step_sums(clk, rst, writer, first, membranes, fetch, fetch_group, sums, groups, score_bits, membrane)
    answer = send_answer(
        clk,
        rst,
        complete,
        fetch,
        fetch_group,
        sums,
        now,
        stamp,
        spoilt,
        stream,
        finished,
        lanes,
        neurons,
        classes,
        score_bits,
    )
    return steps, all_sums, answer
