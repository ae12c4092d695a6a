"""A layer: scanner, walker, lanes, firing pass and pool, step by step.

    ST_RESET   after a reset: clear the membranes, which is a firing pass without a result
    ST_CLEAR   wait until all membranes are cleared
    ST_IDLE    wait for a frame
    ST_ADD     add the inputs of a frame
    ST_WAIT    wait for a free bank of the next layer, and until the pipeline is drained
    ST_FIRE    firing pass: the next layer's frame is written

A layer of pixels adds once an image, and has a firing pass at every step.
"""

from dataclasses import dataclass
from typing import Any

from myhdl import Signal, always, always_comb, block, concat, enum, intbv

from .conv2d import conv2d
from .firing_pass import firing_pass
from .lanes import lanes
from .linear import linear
from .maxpool import maxpool
from .parts.memory import ram
from .pixel_lanes import pixel_lanes
from .ports import BiasReader, Bundle, Firing, Scan, Turn, Walk, WideWalk, bit, bits, word
from .spike_scanner import spike_scanner
from .wide_conv2d import wide_conv2d
from .wide_lanes import wide_lanes

states = enum("ST_RESET", "ST_CLEAR", "ST_IDLE", "ST_ADD", "ST_WAIT", "ST_FIRE")


def below(count: int) -> Any:
    """A signal for the values 0 to count - 1."""
    return Signal(intbv(0, min=0, max=max(count, 2)))


@block
def pixel_words(clk, read_data, present, inputs, scan, walk, factor, spec):
    """Present a word of pixels to the scanner as bits, and carry each pixel's value to its additions.

    Ports
    -----
    read_data : in; inputs : out
        A word of pixels, the first in the lowest bits, and which of them are not 0.
    present : in
        From the scanner.
    scan, walk : in
        The pixel's index, and the stages that it passes.
    factor : out
        The pixel whose additions are out.
    """
    width, count = spec.input_bits, spec.in_lanes
    word = Signal(intbv(0)[len(read_data) :])
    chosen, first, second = [Signal(intbv(0)[width:]) for _ in range(3)]

    @always_comb
    def find():
        inputs.next = 0
        for i in range(count):
            for j in range(width):
                if read_data[i * width + j]:
                    inputs.next[i] = True

    @always_comb
    def choose():
        chosen.next = 0
        for i in range(count):
            if scan.index == i:
                for j in range(width):
                    chosen.next[j] = word[i * width + j]

    @always(clk.posedge)
    def carry():
        if present:
            word.next = read_data
        if scan.ready:
            first.next = chosen
        if walk.move:
            second.next = first
        if walk.load:
            factor.next = second

    return find, choose, carry


@dataclass(eq=False)
class Orders(Bundle):
    """Orders of the control to the rest of a layer."""

    scan: Any  # start to scan a frame
    fire_start: Any  # start a firing pass
    clear: Any  # keep 0 after the present firing


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


@dataclass(eq=False)
class LayerProbe(Bundle):
    """The firings and events of one layer; see ``layer``."""

    fired: Any
    address: Any
    spikes: Any
    membranes: Any
    events: Any

    @classmethod
    def new(cls, spec: Any) -> "LayerProbe":
        """The probe of a layer."""
        width = spec.lanes * spec.membrane_bits
        return cls(bit(), word(bits(spec.depth)), word(spec.lanes), word(width), word(4))


@block
def layer_control(clk, rst, num_steps, reader, writer, orders, progress, turn, pool, cleared, probe, spec, probed):
    """Decide when a step begins, when its firing pass starts, and when its frame is given back."""
    takes_pixels, delay = spec.input_bits > 0, spec.firing_delay
    late = spec.taps > 1 and not takes_pixels  # a step begins a cycle after the end of the last: its sums are late
    state = Signal(states.ST_RESET)
    idle, added, last_step, fires = [Signal(bool(0)) for _ in range(4)]
    step = Signal(intbv(0)[len(num_steps) :])
    one_more = Signal(intbv(0)[len(num_steps) + 1 :])
    fired, opens, closes = [Signal(intbv(0)[delay:]) for _ in range(3)]

    @always_comb
    def count_steps():
        one_more.next = step + 1

    @always_comb
    def between():
        idle.next = state == states.ST_IDLE or (
            state == states.ST_FIRE and (not progress.firing) and (not late) and (last_step or not takes_pixels)
        )
        added.next = state == states.ST_ADD and (not progress.scanning) and (not progress.walking)
        cleared.next = state != states.ST_RESET and state != states.ST_CLEAR

    @always_comb
    def steer():
        orders.scan.next = idle and reader.filled
        writer.claim.next = (added or state == states.ST_WAIT) and progress.drained and writer.free
        reader.give_back.next = added

    @always_comb
    def start_firing():
        orders.fire_start.next = writer.claim or state == states.ST_RESET
        orders.clear.next = last_step or state == states.ST_CLEAR
        fires.next = turn.fire and state == states.ST_FIRE

    @always_comb
    def out():
        pool.valid.next = fired[delay - 1] and not rst  # the pool has no reset
        probe.fired.next = fired[delay - 1]
        pool.first.next = opens[delay - 1]
        pool.last.next = closes[delay - 1]

    if probed:

        @always_comb
        def show():
            probe.events.next[0] = orders.scan or (takes_pixels and writer.claim and step != 0)
            probe.events.next[1] = added
            probe.events.next[2] = writer.claim
            probe.events.next[3] = state == states.ST_FIRE and not progress.firing

    @always(clk.posedge)
    def remember():
        fired.next = concat(fired[delay - 1 :], fires)
        opens.next = concat(opens[delay - 1 :], turn.first)
        closes.next = concat(closes[delay - 1 :], turn.last)
        last_step.next = one_more == num_steps  # a cycle late, before which nothing reads it
        if rst:
            fired.next = 0

    @always(clk.posedge)
    def advance():
        if rst:
            state.next = states.ST_RESET
            step.next = 0
        elif state == states.ST_RESET:
            state.next = states.ST_CLEAR
        elif state == states.ST_CLEAR:
            if not progress.firing:
                state.next = states.ST_IDLE
        elif orders.scan:
            state.next = states.ST_ADD
            if state == states.ST_FIRE:
                step.next = one_more[len(step) :]
                if last_step:
                    step.next = 0
        elif writer.claim:
            state.next = states.ST_FIRE
        elif added:
            state.next = states.ST_WAIT
        elif state == states.ST_FIRE and not progress.firing:
            state.next = states.ST_IDLE
            step.next = one_more[len(step) :]
            if last_step:
                step.next = 0
            elif takes_pixels:
                state.next = states.ST_WAIT

    parts = [count_steps, between, steer, start_firing, out, remember, advance]
    return [*parts, show] if probed else parts


@block
def frame_out(clk, rst, pooled, writer, out_words):
    """Number the words of the next layer's frame; the pool drives `writer.data`."""
    next_word = Signal(intbv(0)[len(writer.address) :])

    @always_comb
    def hand_over():
        writer.write.next = pooled
        writer.address.next = next_word
        writer.done.next = pooled and next_word == out_words - 1

    @always(clk.posedge)
    def count_words():
        if rst:
            next_word.next = 0
        elif pooled:
            if next_word == out_words - 1:
                next_word.next = 0
            else:
                next_word.next = next_word + 1

    return hand_over, count_words


@block
def weight_and_bias_memory(clk, load, read, read_address, weights, biases, spec):
    """Memories of the weights and of the biases, written by the load."""
    weight_to = Signal(intbv(0)[bits(spec.weight_words) :])
    bias_to = Signal(intbv(0)[bits(spec.groups) :])
    weight_memory = ram(clk, load.weights, weight_to, load.weight_data, read, read_address, weights, spec.weight_words)
    bias_memory = ram(clk, load.biases, bias_to, load.bias_data, biases.read, biases.group, biases.data, spec.groups)

    @always_comb
    def addresses():
        weight_to.next = load.address[len(weight_to) :]
        bias_to.next = load.address[len(bias_to) :]

    return weight_memory, bias_memory, addresses


@block
def narrow_lanes(
    clk, rst, walk, turn, clear, firing, factor, weights, biases, threshold, beta, results, drained, spec, observed
):
    """The lanes of a layer that adds one tap a cycle: an addition or a firing, at one address."""
    address = Signal(intbv(0)[len(turn.address) :])

    @always_comb
    def choose():
        address.next = walk.neuron_address
        if firing:
            address.next = turn.address
        biases.read.next = turn.fire
        biases.group.next = turn.group

    work = (clk, rst, walk.add, turn.fire, address, clear)
    if spec.input_bits:
        neurons = pixel_lanes(*work, factor, weights, biases.data, threshold, beta, results, drained, spec, observed)
    else:
        neurons = lanes(*work, weights, biases.data, threshold, beta, results, drained, spec, observed)
    return choose, neurons


def new_walk(spec: Any) -> Walk | WideWalk:
    """The port of a layer's walker."""
    move, load, busy, add = bit(), bit(), bit(), bit()
    weight_address = word(bits(spec.weight_words))
    if spec.taps > 1:
        turn_y, turn_x = word(bits(spec.kernel)), word(bits(spec.kernel))
        addresses = word(spec.taps * bits(spec.bank_depth))
        return WideWalk(move, load, busy, add, weight_address, turn_y, turn_x, word(spec.taps), addresses)
    return Walk(move, load, busy, add, weight_address, word(bits(spec.depth)))


@block
def walker(clk, rst, scan, walk, spec):
    """The block that issues a layer's additions."""
    shape = (spec.kernel, spec.padding, spec.out_height, spec.out_width, spec.groups)
    if spec.flat:
        additions = linear(clk, rst, scan, walk, spec.groups)
    elif spec.taps > 1:
        additions = wide_conv2d(clk, rst, scan, walk, *shape)
    else:
        additions = conv2d(clk, rst, scan, walk, *shape)
    return [additions]


@block
def layer(clk, rst, num_steps, threshold, beta, reader, writer, load, cleared, probe, spec, probed, summed=False):
    """Run a layer.

    Parameters
    ----------
    spec : LayerSpec
        See :mod:`minisnn_hw.spec`.
    probed, summed : bool
        probed: drive all of `probe`; summed: drive `probe.membranes`. Its `fired`, `address` and `spikes` are driven
        always.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous. It drops the image, but neither weights nor biases.
    num_steps, threshold, beta : in
        Steady while an image is worked on; a beta that is not loaded is the number in `spec`.
    reader : FrameReader
        The ``spike_buffer`` before the layer.
    writer : FrameWriter
        The one after it.
    load : LayerLoad, in
        Words of weights (lane 0 in the lowest bits) and of biases, for an address: that of ``conv2d`` or ``linear`` for
        weights, the group for biases.
    cleared : out
        0 after a reset, until the layer can work.
    probe : LayerProbe, out
        In a cycle with `fired`, the neurons of all lanes at `address` are out: their spikes before the pool, and their
        membranes before reset; ``spec.firing_delay`` cycles after their turn in the firing pass. Bits of `events`: 0, a
        step begins; 1, all is added, and the frame is given back; 2, the firing pass starts in the next cycle; 3, it
        ended in the cycle before.

    A step that begins in cycle c ends its additions as scanner and walker promise (with nothing to add and w words in
    cycle c + w + 2). Its firing pass starts when a bank is free (and the last neuron of the step before fired 6 cycles
    ago), handles all lanes of an address in each of the next ``spec.depth`` cycles, and ends in the one after. The next
    step begins in that same cycle at the earliest. The last word of a frame is out ``spec.firing_delay`` + 1 cycles
    after the last firing. With several taps a layer of spikes fires 7 cycles after the step before, and begins a cycle
    after its end.
    """
    scan = Scan(bit(), bit(), below(spec.in_height), below(spec.in_width), base_of(spec), below(spec.in_lanes))
    walk = new_walk(spec)
    turn = Turn(
        bit(), word(bits(spec.depth)), below(spec.out_height), below(spec.out_width), below(spec.groups), bit(), bit()
    )
    orders, pool_timing = Orders(bit(), bit(), bit()), PoolTiming(bit(), bit(), bit())
    progress = Progress(bit(), walk.busy, bit(), bit())
    present, pooled = bit(), bit()
    inputs, factor = word(spec.in_lanes), word(max(spec.input_bits, 1))
    weights = word(spec.weight_word_bits)
    biases = BiasReader(bit(), below(spec.groups), word(spec.lanes * spec.bias_bits))
    results = Firing(probe.spikes, probe.membranes, probe.address)

    control = layer_control(
        clk, rst, num_steps, reader, writer, orders, progress, turn, pool_timing, cleared, probe, spec, probed
    )
    frame = (spec.in_height, spec.in_width, spec.in_channels, spec.flat)
    scanner = spike_scanner(
        clk, rst, orders.scan, progress.scanning, reader.read, reader.address, inputs, present, scan, *frame
    )
    if spec.input_bits:
        words_in = pixel_words(clk, reader.data, present, inputs, scan, walk, factor, spec)
    else:

        @always_comb
        def words_in():
            inputs.next = reader.data

    additions = walker(clk, rst, scan, walk, spec)
    memories = weight_and_bias_memory(clk, load, walk.add, walk.weight_address, weights, biases, spec)
    shape = (spec.out_height, spec.out_width, spec.groups, spec.pool)
    order = firing_pass(clk, rst, orders.fire_start, progress.firing, turn, *shape)
    work = (factor, weights, biases, threshold, beta, results, progress.drained, spec, probed or summed)
    if spec.taps > 1:
        neurons = wide_lanes(clk, rst, walk, turn, orders.clear, *work)
    else:
        neurons = narrow_lanes(clk, rst, walk, turn, orders.clear, progress.firing, *work)
    pool = maxpool(clk, pool_timing.valid, pool_timing.first, pool_timing.last, probe.spikes, pooled, writer.data)
    words_out = frame_out(clk, rst, pooled, writer, spec.out_words)
    return control, scanner, words_in, additions, memories, order, neurons, pool, words_out


def base_of(spec: Any) -> Any:
    """The signal of an input's channel, or of its address in a flat frame, at the start of its word."""
    return Signal(intbv(0, min=0, max=max(spec.inputs if spec.flat else spec.in_channels, 2) + spec.in_lanes))
