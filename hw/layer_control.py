"""The control of a layer: when a step begins, and when its firing pass."""

from dataclasses import dataclass
from typing import Any

from myhdl import Signal, always, always_comb, block, concat, enum, intbv

from .ports import Bundle

STATES = enum("ST_RESET", "ST_CLEAR", "ST_IDLE", "ST_ADD", "ST_WAIT", "ST_FIRE")
FIRING_STATES = enum("ST_RESET", "ST_CLEAR", "ST_IDLE", "ST_FIRE")  # with a second bank


@dataclass(eq=False)
class Orders(Bundle):
    """Orders of the control to the rest of a layer."""

    halt: Any  # forget all inputs that are not added
    scan: Any  # start to scan a frame
    fire_start: Any  # start a firing pass
    clear: Any  # keep 0 after the present firing
    adds_in: Any = None  # of two banks of currents, the one that is added to; None if there is no second one
    fires_in: Any = None  # and the one that fires


@dataclass(eq=False)
class Progress(Bundle):
    """Reports of the rest of a layer to the control."""

    scanning: Any
    walking: Any
    firing: Any
    drained: Any  # the next firing pass may start


@dataclass(eq=False)
class PoolTiming(Bundle):
    """A word of spikes for the pool: whether it is valid, and whether it is the first and the last of its window."""

    valid: Any
    first: Any
    last: Any


@block
def layer_control(
    clk, rst, num_steps, reader, writer, drop, orders, progress, turn, pool, cleared, probe, spec, probed
):
    """Control of a layer: when a step begins, when its firing pass starts, and when its frame is given back.

    ST_RESET   after a reset: clear the membranes, which is a firing pass without a result
    ST_CLEAR   wait until all membranes are cleared
    ST_IDLE    wait for a frame
    ST_ADD     add the inputs of a frame
    ST_WAIT    wait for a free bank of the next layer, and until the pipeline is drained
    ST_FIRE    firing pass: the next layer's frame is written

    A layer of pixels adds once an image, and has a firing pass at every step. With a second bank of currents
    ``add_ahead`` adds, and the states are of the firing pass alone:

    ST_RESET, ST_CLEAR   once for each bank
    ST_IDLE              wait for an image that is added, and for all that ST_WAIT waits for
    ST_FIRE              firing pass

    An image that is added ahead has not fired, so it is not dropped yet.

    When an image is dropped, its frames are given back without additions, and those under way are ended. No firing pass
    starts but one, which clears the membranes: of spikes at the image's last frame, of pixels in place of the next
    step.

    Parameters
    ----------
    spec : LayerSpec
    probed : bool
        Drive `probe_events`.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous.
    num_steps : in
        Steps of an image.
    reader : FrameReader
        `reader_filled`, in: the buffer before the layer has a frame; `reader_last`, in: it is its image's last.
        `reader_give_back`, out: its inputs are added.
    writer : FrameWriter
        `writer_free`, in: the buffer after the layer has a free bank. `writer_claim`, out: claim it, and fire;
        `writer_last`, out: this is the image's last step.
    drop : in
        The rest of the image that the layer works on is dropped.
    orders : Orders, out
        `orders_halt`: forget all inputs that are not added. `orders_scan`: begin to scan the frame.
        `orders_fire_start`: begin a firing pass. `orders_clear`: the neurons that fire now keep 0, after the image's
        last step and after a reset. `orders_adds_in`, `orders_fires_in`: the bank of each side, if there are two.
    progress : Progress, in
        `progress_scanning`, `progress_walking`: inputs are under way. `progress_firing`: a firing pass is under way.
        `progress_drained`: the next one may begin.
    turn : Turn, in
        `turn_fire`: neurons fire; `turn_first`, `turn_last`: at the ends of a pooling window.
    pool : PoolTiming, out
        `pool_valid`, `pool_first`, `pool_last`: the same for their spikes, ``firing_delay`` cycles later.
    cleared : out
        0 after a reset, until all membranes are cleared.
    probe : LayerProbe, out
        `probe_fired` and `probe_events`; see ``layer``.

    Latency: a step begins in the cycle in which its frame is there, and a firing pass in the cycle after
    `writer_claim`. Throughput: a step may begin in the cycle in which the last firing pass ends.
    """
    takes_pixels, delay = int(spec.input_bits > 0), spec.firing_delay  # 0 or 1: a number can be a generic
    ahead = int(spec.second_bank)  # 0 or 1
    late = int(spec.taps > 1 and not takes_pixels)  # 1: a step begins a cycle after the end of the last
    states = FIRING_STATES if spec.second_bank else STATES
    state = Signal(states.ST_RESET)
    idle = Signal(bool(0))  # a step may begin
    added = Signal(bool(0))  # all inputs of the frame are added
    last_frame = Signal(bool(0))  # the present frame is its image's last
    ends = Signal(bool(0))  # the firing pass that comes next is the image's last
    discard = Signal(bool(0))  # the present frame has none
    last_step = Signal(bool(0))  # the present firing pass is the image's last
    fires = Signal(bool(0))  # neurons fire, and their spikes count
    later = Signal(bool(0))  # the present step adds nothing: of pixels, all but the image's first
    fired, opens, closes = [Signal(intbv(0)[delay:]) for _ in range(3)]  # fired: bit i, `fires` i + 1 cycles ago

    if spec.second_bank:
        ready = Signal(bool(0))  # an image is added, and has not fired at all its steps
        leaves = Signal(bool(0))  # its last firing pass has ended
        adds_ahead = add_ahead(clk, rst, reader, orders, progress, cleared, leaves, added, ready)

        @always_comb
        def look_at_image():
            cleared.next = state != states.ST_RESET and state != states.ST_CLEAR
            leaves.next = state == states.ST_FIRE and (not progress.firing) and last_step

    else:

        @always_comb
        def between():
            idle.next = state == states.ST_IDLE or (
                state == states.ST_FIRE and (not progress.firing) and late == 0 and (last_step or takes_pixels == 0)
            )
            added.next = state == states.ST_ADD and (not progress.scanning) and (not progress.walking)
            cleared.next = state != states.ST_RESET and state != states.ST_CLEAR

    if takes_pixels:
        step = Signal(intbv(0)[len(num_steps) :])  # number of the present step, from 0
        one_more = Signal(intbv(0)[len(num_steps) + 1 :])
        closing = Signal(bool(0))  # the present step is the last of all

        @always_comb
        def look_for_end():
            one_more.next = step + 1
            later.next = step != 0
            if ahead:
                later.next = False  # the probe shows when pixels are begun, of this image or of the next
            ends.next = closing or drop
            if ahead == 0:
                discard.next = False

        @always(clk.posedge)
        def note_end():
            closing.next = one_more == num_steps  # a cycle late, before which nothing reads it
            if rst:
                step.next = 0
            elif state == states.ST_FIRE and not progress.firing:
                step.next = one_more[len(step) :]
                if last_step:
                    step.next = 0
    else:

        @always_comb
        def look_for_end():
            later.next = False
            ends.next = last_frame
            discard.next = drop and not last_frame

        @always(clk.posedge)
        def note_end():
            if orders.scan:
                last_frame.next = reader.last

    if spec.second_bank:

        @always_comb
        def steer_firing():
            orders.halt.next = rst
            writer.claim.next = ready and state == states.ST_IDLE and progress.drained and writer.free
            writer.last.next = ends

    else:

        @always_comb
        def steer():
            # The handshake with both neighbours: a frame from the layer before, and a free bank for the next layer.
            # The first addition comes 7 cycles after the last firing, when what the neuron keeps is written: 1 to the
            # scan, 3 in the scanner, 3 in the walker. The lanes rely on it.
            orders.halt.next = rst or drop
            orders.scan.next = idle and reader.filled
            writer.claim.next = (added or state == states.ST_WAIT) and progress.drained and writer.free and not discard
            writer.last.next = ends
            reader.give_back.next = added

    @always_comb
    def start_firing():
        orders.fire_start.next = writer.claim or state == states.ST_RESET
        orders.clear.next = last_step or state == states.ST_CLEAR
        fires.next = turn.fire and state == states.ST_FIRE

    @always_comb
    def time_pool():
        pool.valid.next = fired[delay - 1] and not rst  # the pool has no reset
        probe.fired.next = fired[delay - 1]
        pool.first.next = opens[delay - 1]
        pool.last.next = closes[delay - 1]

    if probed:

        @always_comb
        def show():
            probe.events.next[0] = orders.scan or (later and writer.claim)
            probe.events.next[1] = added
            probe.events.next[2] = writer.claim
            probe.events.next[3] = state == states.ST_FIRE and not progress.firing

    @always(clk.posedge)
    def remember():
        fired.next = concat(fired[delay - 1 :], fires)
        opens.next = concat(opens[delay - 1 :], turn.first)
        closes.next = concat(closes[delay - 1 :], turn.last)
        if writer.claim:
            last_step.next = ends
        if rst:
            fired.next = 0

    if spec.second_bank:

        @always(clk.posedge)
        def advance_firing():
            if rst:
                state.next = states.ST_RESET
                orders.fires_in.next = 0
            elif state == states.ST_RESET:
                state.next = states.ST_CLEAR
            elif state == states.ST_CLEAR:
                if not progress.firing:
                    state.next = states.ST_IDLE
                    orders.fires_in.next = 0
                    if orders.fires_in == 0:  # now the other bank
                        state.next = states.ST_RESET
                        orders.fires_in.next = 1
            elif writer.claim:
                state.next = states.ST_FIRE
            elif state == states.ST_FIRE and not progress.firing:
                state.next = states.ST_IDLE
                if last_step:
                    orders.fires_in.next = not orders.fires_in[0]

    else:

        @always(clk.posedge)
        def advance():
            if rst:
                state.next = states.ST_RESET
            elif state == states.ST_RESET:
                state.next = states.ST_CLEAR
            elif state == states.ST_CLEAR:
                if not progress.firing:
                    state.next = states.ST_IDLE
            elif orders.scan:
                state.next = states.ST_ADD
            elif writer.claim:
                state.next = states.ST_FIRE
            elif discard and (added or state == states.ST_WAIT):
                state.next = states.ST_IDLE
            elif added:
                state.next = states.ST_WAIT
            elif state == states.ST_FIRE and not progress.firing:
                state.next = states.ST_IDLE
                if takes_pixels != 0 and not last_step:
                    state.next = states.ST_WAIT

    if spec.second_bank:
        parts = [adds_ahead, look_at_image, look_for_end, note_end, steer_firing]
        parts += [start_firing, time_pool, remember, advance_firing]
    else:
        parts = [between, look_for_end, note_end, steer, start_firing, time_pool, remember, advance]
    return [*parts, show] if probed else parts


@block
def add_ahead(clk, rst, reader, orders, progress, cleared, leaves, added, ready):
    """Additions of pixels in one bank of currents, while the image in the other bank fires.

    Images take turns in the banks. A bank is claimed when its image is begun, and left after the image's last firing
    pass.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and empties both banks.
    reader : FrameReader
        See ``layer_control``.
    orders : Orders, out
        `orders_scan`: begin to scan the frame. `orders_adds_in`: the bank of the image that is added, now or next.
    progress : Progress, in
        `progress_scanning`, `progress_walking`: inputs are under way.
    cleared : in
        1 when both banks are cleared.
    leaves : in
        1 for one cycle when an image leaves its bank: its last firing pass has ended.
    added : out
        1 for one cycle when all pixels of an image are added.
    ready : out
        There is an image that may fire: the one that is added now, or an earlier one.

    Latency: an image begins in the cycle in which its frame and a bank are there, a cycle after the image before is
    added at the earliest. Throughput: a pixel a cycle, as scanner and walker allow.
    """
    adding = Signal(bool(0))  # pixels are under way
    claims = Signal(intbv(0, min=0, max=3))  # banks that are claimed
    images = Signal(intbv(0, min=0, max=3))  # images that are added, and have not left

    @always_comb
    def look():
        added.next = adding and (not progress.scanning) and (not progress.walking)
        orders.scan.next = reader.filled and cleared and (not adding) and (claims != 2 or leaves)

    @always_comb
    def tell():
        reader.give_back.next = added
        ready.next = added or images != 0

    @always(clk.posedge)
    def take_turns():
        if rst:
            adding.next = False
            orders.adds_in.next = 0
        elif orders.scan:
            adding.next = True
        elif added:
            adding.next = False
            orders.adds_in.next = not orders.adds_in[0]

    @always(clk.posedge)
    def count():
        if rst:
            claims.next = 0
            images.next = 0
        else:
            if orders.scan and not leaves:
                claims.next = claims + 1
            elif leaves and not orders.scan:
                claims.next = claims - 1
            if added and not leaves:
                images.next = images + 1
            elif leaves and not added:
                images.next = images - 1

    return look, tell, take_turns, count
