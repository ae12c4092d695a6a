"""A layer: scanner, walker, lanes, firing pass and pool, step by step.

    ST_RESET   after a reset: the memories of sums are cleared, which is a firing pass without a result
    ST_CLEAR   that goes on
    ST_IDLE    a frame is waited for
    ST_ADD     its spikes, or pixels, are added
    ST_WAIT    a free bank of the next layer is waited for
    ST_FIRE    all neurons fire, and the next layer's frame is written

A layer of pixels adds once an image, and fires at every step.
"""

from myhdl import Signal, always, always_comb, block, concat, enum, intbv

from .conv2d import conv2d
from .firing_pass import firing_pass
from .lanes import lanes
from .linear import linear
from .maxpool import maxpool
from .parts.memory import ram
from .pixel_lanes import pixel_lanes
from .spike_scanner import spike_scanner
from .wide_conv2d import wide_conv2d
from .wide_lanes import wide_lanes

states = enum("ST_RESET", "ST_CLEAR", "ST_IDLE", "ST_ADD", "ST_WAIT", "ST_FIRE")


def bits(count):
    """Width of an address of `count` words."""
    return max((count - 1).bit_length(), 1)


@block
def pixel_words(clk, read_data, present, pixels_found, ready, move, load, index, factor, spec):
    """Pixels as bits for the scanner, and each pixel's value beside its additions.

    Ports
    -----
    read_data : in; pixels_found : out
        A word of pixels, the first in the lowest bits, and which of them are not 0.
    present, index, ready, move, load : in
        Of the scanner and the walker.
    factor : out
        The pixel whose additions are out.
    """
    width, count = spec.input_bits, spec.in_lanes
    word = Signal(intbv(0)[len(read_data) :])
    chosen, first, second = [Signal(intbv(0)[width:]) for _ in range(3)]

    @always_comb
    def find():
        pixels_found.next = 0
        for i in range(count):
            for j in range(width):
                if read_data[i * width + j]:
                    pixels_found.next[i] = True

    @always_comb
    def choose():
        chosen.next = 0
        for i in range(count):
            if index == i:
                for j in range(width):
                    chosen.next[j] = word[i * width + j]

    @always(clk.posedge)
    def carry():
        if present:
            word.next = read_data
        if ready:
            first.next = chosen
        if move:
            second.next = first
        if load:
            factor.next = second

    return find, choose, carry


@block
def layer(
    clk,
    rst,
    num_steps,
    threshold,
    filled,
    read,
    read_address,
    read_data,
    give_back,
    free,
    claim,
    word_valid,
    word_address,
    word,
    done,
    load_weight,
    load_bias,
    load_address,
    weight_data,
    bias_data,
    cleared,
    fired,
    fired_address,
    spikes,
    befores,
    events,
    spec,
    probed,
    summed=False,
):
    """A layer.

    Parameters
    ----------
    spec : LayerSpec
        See :mod:`minisnn_hw.spec`.
    probed, summed : bool
        Whether `befores` and `events` are wanted, or `befores` alone; else they are left alone.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous. It forgets the image, but neither weights nor biases.
    num_steps, threshold : in
        Steady while an image is worked on.
    filled, read_data : in; read, read_address, give_back : out
        Reading side of the ``spike_buffer`` before the layer.
    free : in; claim, word_valid, word_address, word, done : out
        Writing side of the one after it.
    load_weight, load_bias, load_address, weight_data, bias_data : in
        A word of weights (lane 0 in the lowest bits), or of biases, for an address: as in ``conv2d`` and ``linear``
        for weights, the group for biases.
    cleared : out
        0 after a reset, until the layer can work.
    fired, fired_address, spikes, befores : out
        In a cycle with `fired`: neurons of all lanes fired; their address, spikes before the pool, and membranes
        before reset. That is ``spec.firing_delay`` cycles after its turn in the firing pass.
    events : out, four bits
        0: a step begins; 1: all is added, the frame is given back; 2: the firing pass starts in the next cycle;
        3: it ended in the cycle before.

    A step that begins in cycle c ends its additions as scanner and walker promise (with nothing to add and w words in
    cycle c + w + 2), starts firing when a bank is free (and the last neuron of the step before fired 6 cycles ago),
    fires all lanes in each of the next ``spec.depth`` cycles, and ends in the one after. The next begins in that same
    cycle at the earliest. The last word of a frame is out ``spec.firing_delay`` + 1 cycles after the last firing. With
    several taps a layer of spikes fires 7 cycles after the step before, and begins a cycle after its end.
    """
    groups, depth, out_words, takes_pixels = spec.groups, spec.depth, spec.out_words, spec.input_bits > 0
    state = Signal(states.ST_RESET)
    scan, scanning, present, valid, ready, move, load, walking, add = [Signal(bool(0)) for _ in range(9)]
    fire_start, firing, fire, first, last, last_step, idle, added, clear, settled = [Signal(bool(0)) for _ in range(10)]
    y = Signal(intbv(0, min=0, max=max(spec.in_height, 2)))
    x = Signal(intbv(0, min=0, max=max(spec.in_width, 2)))
    base = Signal(intbv(0, min=0, max=max(spec.inputs if spec.flat else spec.in_channels, 2) + spec.in_lanes))
    index = Signal(intbv(0, min=0, max=max(spec.in_lanes, 2)))
    weight_address = Signal(intbv(0)[bits(spec.weight_words) :])
    add_address, fire_address, address = [Signal(intbv(0)[bits(depth) :]) for _ in range(3)]
    at_group = Signal(intbv(0, min=0, max=max(groups, 2)))
    weights = Signal(intbv(0)[spec.weight_word_bits :])
    biases = Signal(intbv(0)[spec.lanes * spec.bias_bits :])
    weight_to = Signal(intbv(0)[bits(spec.weight_words) :])
    bias_to = Signal(intbv(0)[bits(groups) :])
    step = Signal(intbv(0)[len(num_steps) :])
    one_left = Signal(intbv(0)[len(num_steps) + 1 :])
    scanned = Signal(intbv(0)[spec.in_lanes :])
    wants, emits, firsts, lasts, pooled = [Signal(bool(0)) for _ in range(5)]
    delay, wide = spec.firing_delay, spec.taps > 1
    waits = wide and not takes_pixels  # a cycle from a step's end to the next one's begin: its sums are written late
    at_y = Signal(intbv(0, min=0, max=max(spec.out_height, 2)))
    at_x = Signal(intbv(0, min=0, max=max(spec.out_width, 2)))
    bias_read = Signal(bool(0))
    bias_group = Signal(intbv(0, min=0, max=max(groups, 2)))
    factor = Signal(intbv(0)[max(spec.input_bits, 1) :])
    wanted, opens, closes = [Signal(intbv(0)[delay:]) for _ in range(3)]
    next_word = Signal(intbv(0)[len(word_address) :])

    scanner = spike_scanner(
        clk,
        rst,
        scan,
        scanning,
        read,
        read_address,
        scanned,
        present,
        valid,
        ready,
        y,
        x,
        base,
        index,
        spec.in_height,
        spec.in_width,
        spec.in_channels,
        spec.flat,
    )
    if wide:
        banks = Signal(intbv(0)[spec.taps :])
        bank_addresses = Signal(intbv(0)[spec.taps * bits(spec.bank_depth) :])
        turn_y, turn_x = [Signal(intbv(0)[bits(spec.kernel) :]) for _ in range(2)]
        walker = wide_conv2d(
            clk,
            rst,
            valid,
            ready,
            y,
            x,
            base,
            index,
            move,
            load,
            walking,
            add,
            weight_address,
            turn_y,
            turn_x,
            banks,
            bank_addresses,
            spec.kernel,
            spec.padding,
            spec.in_channels,
            spec.out_height,
            spec.out_width,
            groups,
        )
    elif spec.flat:
        walker = linear(
            clk,
            rst,
            valid,
            ready,
            base,
            index,
            move,
            load,
            walking,
            add,
            weight_address,
            add_address,
            spec.inputs,
            groups,
        )
    else:
        walker = conv2d(
            clk,
            rst,
            valid,
            ready,
            y,
            x,
            base,
            index,
            move,
            load,
            walking,
            add,
            weight_address,
            add_address,
            spec.kernel,
            spec.padding,
            spec.in_channels,
            spec.out_height,
            spec.out_width,
            groups,
        )
    weight_memory = ram(clk, load_weight, weight_to, weight_data, add, weight_address, weights, spec.weight_words)
    bias_memory = ram(clk, load_bias, bias_to, bias_data, bias_read, bias_group, biases, groups)
    order = firing_pass(
        clk,
        rst,
        fire_start,
        firing,
        fire,
        fire_address,
        at_y,
        at_x,
        at_group,
        first,
        last,
        spec.out_height,
        spec.out_width,
        groups,
        spec.pool,
    )
    if takes_pixels:
        inputs = pixel_words(clk, read_data, present, scanned, ready, move, load, index, factor, spec)
    else:

        @always_comb
        def inputs():
            scanned.next = read_data

    if wide:
        neurons = wide_lanes(
            clk,
            rst,
            banks,
            bank_addresses,
            turn_y,
            turn_x,
            fire,
            at_y,
            at_x,
            at_group,
            fire_address,
            clear,
            factor,
            weights,
            bias_read,
            bias_group,
            biases,
            threshold,
            spikes,
            befores,
            fired_address,
            settled,
            spec,
            probed or summed,
        )
    elif takes_pixels:
        neurons = pixel_lanes(
            clk,
            rst,
            add,
            fire,
            address,
            clear,
            factor,
            weights,
            biases,
            threshold,
            spikes,
            befores,
            fired_address,
            settled,
            spec,
            probed or summed,
        )
    else:
        neurons = lanes(
            clk,
            rst,
            add,
            fire,
            address,
            clear,
            weights,
            biases,
            threshold,
            spikes,
            befores,
            fired_address,
            settled,
            spec,
            probed or summed,
        )
    pool = maxpool(clk, emits, firsts, lasts, spikes, pooled, word)

    @always_comb
    def hand_over():
        word_valid.next = pooled
        word_address.next = next_word
        done.next = pooled and next_word == out_words - 1

    @always(clk.posedge)
    def count_words():
        if rst:
            next_word.next = 0
        elif pooled:
            if next_word == out_words - 1:
                next_word.next = 0
            else:
                next_word.next = next_word + 1

    @always_comb
    def load_words():
        weight_to.next = load_address[len(weight_to) :]
        bias_to.next = load_address[len(bias_to) :]

    @always_comb
    def count_steps():
        one_left.next = step + 1

    @always_comb
    def between():
        idle.next = state == states.ST_IDLE or (
            state == states.ST_FIRE and (not firing) and (not waits) and (last_step or not takes_pixels)
        )
        added.next = state == states.ST_ADD and (not scanning) and (not walking)
        cleared.next = state != states.ST_RESET and state != states.ST_CLEAR

    @always_comb
    def steer():
        scan.next = idle and filled
        claim.next = (added or state == states.ST_WAIT) and settled and free
        give_back.next = added

    @always_comb
    def start_firing():
        fire_start.next = claim or state == states.ST_RESET
        clear.next = last_step or state == states.ST_CLEAR
        wants.next = fire and state == states.ST_FIRE

    if wide:
        choose = []
    else:

        @always_comb
        def choose():
            address.next = add_address
            if firing:
                address.next = fire_address
            bias_read.next = fire
            bias_group.next = at_group

    @always_comb
    def out():
        emits.next = wanted[delay - 1] and not rst  # the pool has no reset
        fired.next = wanted[delay - 1]
        firsts.next = opens[delay - 1]
        lasts.next = closes[delay - 1]

    if probed:

        @always_comb
        def show():
            events.next[0] = scan or (takes_pixels and claim and step != 0)
            events.next[1] = added
            events.next[2] = claim
            events.next[3] = state == states.ST_FIRE and not firing

    @always(clk.posedge)
    def remember():
        wanted.next = concat(wanted[delay - 1 :], wants)
        opens.next = concat(opens[delay - 1 :], first)
        closes.next = concat(closes[delay - 1 :], last)
        last_step.next = one_left == num_steps  # a cycle late, before which nobody asks
        if rst:
            wanted.next = 0

    @always(clk.posedge)
    def control():
        if rst:
            state.next = states.ST_RESET
            step.next = 0
        elif state == states.ST_RESET:
            state.next = states.ST_CLEAR
        elif state == states.ST_CLEAR:
            if not firing:
                state.next = states.ST_IDLE
        elif scan:
            state.next = states.ST_ADD
            if state == states.ST_FIRE:
                step.next = one_left[len(step) :]
                if last_step:
                    step.next = 0
        elif claim:
            state.next = states.ST_FIRE
        elif added:
            state.next = states.ST_WAIT
        elif state == states.ST_FIRE and not firing:
            state.next = states.ST_IDLE
            step.next = one_left[len(step) :]
            if last_step:
                step.next = 0
            elif takes_pixels:
                state.next = states.ST_WAIT

    parts = [
        scanner,
        walker,
        weight_memory,
        bias_memory,
        order,
        inputs,
        neurons,
        pool,
        hand_over,
        count_words,
        load_words,
        count_steps,
        between,
        steer,
        start_firing,
        choose,
        out,
        remember,
        control,
    ]
    return [*parts, show] if probed else parts
