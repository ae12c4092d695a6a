"""The answer to an image as a stream: a score for each class, the arg-max, and the cycles that it took."""

from dataclasses import dataclass
from typing import Any

from myhdl import Signal, always, always_comb, block, enum, intbv, modbv

from .ports import Bundle

sending = enum("ST_IDLE", "ST_FETCH", "ST_WORD", "ST_SUM", "ST_SCORE", "ST_CLASS", "ST_CYCLES", "ST_LEAD", "ST_DECIDE")


@dataclass(eq=False)
class Review(Bundle):
    """The review after each frame of the last layer: its sums are looked at, and the image may end."""

    asks: Any  # 1 for one cycle when the sums of a frame are complete
    whole: Any  # with `asks`: the frame is its image's last
    left: Any  # spikes that a class may still gain in the steps that are left
    done: Any  # 1 for one cycle when it is known whether the image ends before its last frame
    ends: Any  # with `done`: it does


@block
def send_answer(
    clk, rst, margin, review, sums, now, stamp, spoilt, stream, finished, lanes, neurons, classes, score_bits
):
    """Sender of the answer: it adds up the sums of each class's neurons, finds the largest, and sends all.

    ST_IDLE    wait for the image's last step
    ST_FETCH   read a word of sums
    ST_WORD    the word is valid
    ST_SUM     add a neuron's sum to its class
    ST_SCORE   send the class's score
    ST_CLASS   send the arg-max: the class with the largest score, the lowest of equals
    ST_CYCLES  send the cycles since the image's first word was taken, this one included

    After a frame that is not the image's last it looks before it sends: the same states, in which nothing is sent, and

    ST_LEAD    the lead: by how much any other class may grow without becoming the arg-max
    ST_DECIDE  send the answer now, if the lead is large enough; else wait for the next frame

    Parameters
    ----------
    lanes : int
        Sums in a word.
    neurons, classes : int
        Numbers of the last layer; neighbouring neurons share a class.
    score_bits : int
        Width of the sum of a neuron, two's complement.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and drops the answer.
    margin : in
        The lead that ends an image.
    review : Review
        `review_asks` and `review_whole`, in: a frame's sums are complete. `review_left`, in: what a class may still
        gain; this lead ends an image, too. `review_done` and `review_ends`, out: whether the image ends.
    sums : GroupReader
        `sums_read`, out: 1 to read the sums of the group `sums_group`, which are `sums_data`, in, in the next cycle;
        lane 0 in the lowest bits.
    now, stamp : in
        A count of cycles, and its value when the image's first word was taken.
    spoilt : in
        1 if the image was wrong: in place of the arg-max, all bits are sent as 1.
    stream : Stream, out
        The beats: `stream_tdata` is valid while `stream_tvalid` is 1, and the receiver takes it in a cycle in which
        `stream_tready` (in) is 1, too; `stream_tlast` with the last beat.
    finished : out
        1 in the cycle in which the last beat is taken.

    Latency: the first score is offered 2*ceil(m/lanes) + m + 1 cycles after `review_asks`, with m = neurons/classes.
    Throughput: a beat in m cycles or fewer, plus 2 for each word of sums, if beats are taken at once.
    """
    groups = -(-neurons // lanes)
    members = neurons // classes
    width = len(stream.tdata)
    most = 1 << score_bits + members.bit_length() - 1  # more than any score
    state = Signal(sending.ST_IDLE)
    rest = Signal(intbv(0)[lanes * score_bits :])  # the present word, the next neuron's sum in the lowest bits
    value = Signal(intbv(0, min=-(1 << score_bits - 1), max=1 << score_bits - 1))  # that sum
    total = Signal(intbv(0, min=-most, max=most))  # score of the present class
    best = Signal(intbv(0, min=-most, max=most))  # the largest score so far
    rival = Signal(intbv(0, min=-most, max=most))  # the score that the best class must reach
    lead = Signal(intbv(0, min=-2 * most, max=2 * most))  # best - rival
    looks = Signal(bool(0))  # the sums are looked at, and not sent
    again = Signal(bool(0))  # they are sent after that
    best_class, at_class = [Signal(intbv(0, min=0, max=max(classes, 2))) for _ in range(2)]
    member = Signal(intbv(0, min=0, max=max(members, 2)))  # number of the neuron in its class
    at_lane = Signal(intbv(0, min=0, max=max(lanes, 2)))  # its lane
    at_group = Signal(intbv(0, min=0, max=max(groups, 2)))  # number of the next word of sums
    elapsed = Signal(modbv(0)[len(now) :])  # cycles that the image took
    used_up = Signal(bool(0))  # all sums of the word are added

    @always_comb
    def look():
        sums.read.next = state == sending.ST_FETCH
        sums.group.next = at_group
        value.next = rest[score_bits:].signed()

    @always_comb
    def outputs():
        stream.tvalid.next = (
            (state == sending.ST_SCORE and not looks) or state == sending.ST_CLASS or state == sending.ST_CYCLES
        )
        review.done.next = state == sending.ST_DECIDE
        review.ends.next = lead >= margin or lead >= review.left
        stream.tlast.next = state == sending.ST_CYCLES
        finished.next = state == sending.ST_CYCLES and stream.tready
        score = intbv(0, min=-(1 << width - 1), max=1 << width - 1)
        score[:] = total
        stream.tdata.next = score[width:]
        if state == sending.ST_CLASS:
            stream.tdata.next = best_class
        if state == sending.ST_CYCLES:
            stream.tdata.next = elapsed
        for i in range(width):
            if state == sending.ST_CLASS and spoilt:
                stream.tdata.next[i] = True

    @always(clk.posedge)
    def send():
        if rst:
            state.next = sending.ST_IDLE
            again.next = False
        elif state == sending.ST_IDLE:
            at_class.next = 0
            at_group.next = 0
            member.next = 0
            total.next = 0
            if review.asks or again:
                state.next = sending.ST_FETCH
            looks.next = not (review.whole or again)
            again.next = False
        elif state == sending.ST_FETCH:
            at_lane.next = 0
            state.next = sending.ST_WORD
        elif state == sending.ST_WORD:
            rest.next = sums.data
            state.next = sending.ST_SUM
            if at_group != groups - 1:
                at_group.next = at_group + 1
        elif state == sending.ST_SUM:
            total.next = total + value
            rest.next = rest >> score_bits
            if member == members - 1:
                member.next = 0
                state.next = sending.ST_SCORE
            else:
                member.next = member + 1
                if at_lane == lanes - 1:
                    state.next = sending.ST_FETCH
            used_up.next = at_lane == lanes - 1
            if at_lane != lanes - 1:
                at_lane.next = at_lane + 1
        elif state == sending.ST_SCORE:
            if stream.tready or looks:
                total.next = 0
                if at_class == 0 or total > best:  # the lowest of equal classes stays
                    best.next = total
                    best_class.next = at_class
                    rival.next = best + 1  # a lower class that draws level wins
                elif at_class == 1 or total > rival:
                    rival.next = total
                if at_class == classes - 1:
                    state.next = sending.ST_CLASS
                    if looks:
                        state.next = sending.ST_LEAD
                else:
                    at_class.next = at_class + 1
                    state.next = sending.ST_SUM
                    if used_up:
                        state.next = sending.ST_FETCH
        elif state == sending.ST_CLASS:
            if stream.tready:
                elapsed.next = now - stamp + 2
                state.next = sending.ST_CYCLES
        elif state == sending.ST_LEAD:
            lead.next = best - rival
            state.next = sending.ST_DECIDE
        elif state == sending.ST_DECIDE:
            again.next = review.ends
            state.next = sending.ST_IDLE
        elif stream.tready:
            state.next = sending.ST_IDLE

    return look, outputs, send
