"""A layer that takes spikes: scanner, walker, lanes, firing pass and pool, step by step.

    ST_IDLE    a frame of spikes is waited for
    ST_ADD     its spikes are added
    ST_WAIT    a free bank of the next layer is waited for
    ST_FIRE    all neurons fire, and the next layer's frame is written
"""

from myhdl import ConcatSignal, Signal, always, always_comb, block, enum, intbv

from .conv2d import conv2d
from .firing_pass import firing_pass
from .lif import lif
from .linear import linear
from .maxpool import maxpool
from .memory import ram
from .spike_scanner import spike_scanner


def bits(count):
    """Width of an address of `count` words."""
    return max((count - 1).bit_length(), 1)


@block
def lane(clk, enable, address, near, far, weight_bits, addend_bits, threshold, write, write_address, fired, clear,
         spike, before, depth, guard, beta, frac, reset, towards_zero):
    """A ``lif`` that takes its weight and addend as bits of a memory's word. Ports and parameters as there."""
    weight = Signal(intbv(0, min=-(1 << len(weight_bits) - 1), max=1 << len(weight_bits) - 1))
    addend = Signal(intbv(0, min=-(1 << len(addend_bits) - 1), max=1 << len(addend_bits) - 1))

    @always_comb
    def as_signed():
        weight.next = weight_bits.signed()
        addend.next = addend_bits.signed()

    neurons = lif(clk, enable, address, near, far, weight, addend, threshold, write, write_address, fired, clear, spike,
                  before, depth, guard, beta, frac, reset, towards_zero)
    return as_signed, neurons


states = enum("ST_IDLE", "ST_ADD", "ST_WAIT", "ST_FIRE")


@block
def layer(clk, rst, num_steps, threshold, filled, read, read_address, read_data, give_back, free, word_valid,
          word_address, word, done, load_weight, load_bias, load_address, load_data, spec):
    """A layer.

    Parameters
    ----------
    spec : LayerSpec
        See :mod:`hw.spec`.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous. It forgets the image, but neither weights nor biases.
    num_steps, threshold : in
        Steady while an image is worked on.
    filled, read_data : in; read, read_address, give_back : out
        Reading side of the ``spike_buffer`` before the layer.
    free : in; word_valid, word_address, word, done : out
        Writing side of the one after it.
    load_weight, load_bias, load_address, load_data : in
        A word of weights (lane 0 in the lowest bits), or of biases, for an address: as in ``conv2d`` and ``linear``
        for weights, the group for biases.

    A step: its spikes' additions, as the scanner and the walker promise, then, when a bank is free, all firings.
    Throughput: an addition of all lanes a cycle, a firing of all lanes a cycle.
    """
    lanes, groups, depth, out_words = spec.lanes, spec.groups, spec.depth, spec.out_words
    state = Signal(states.ST_IDLE)
    scan, scanning, valid, ready, walking, add = [Signal(bool(0)) for _ in range(6)]
    fire_start, firing, fire, first, last, last_step = [Signal(bool(0)) for _ in range(6)]
    y = Signal(intbv(0, min=0, max=max(spec.in_height, 2)))
    x = Signal(intbv(0, min=0, max=max(spec.in_width, 2)))
    base = Signal(intbv(0, min=0, max=max(spec.inputs if spec.flat else spec.in_channels, 2) + len(read_data)))
    index = Signal(intbv(0, min=0, max=max(len(read_data), 2)))
    weight_address = Signal(intbv(0)[bits(spec.weight_words):])
    add_address, fire_address, address = [Signal(intbv(0)[bits(depth):]) for _ in range(3)]
    group = Signal(intbv(0, min=0, max=max(groups, 2)))
    weights = Signal(intbv(0)[lanes * spec.weight_bits:])
    biases = Signal(intbv(0)[lanes * spec.bias_bits:])
    weight_to = Signal(intbv(0)[bits(spec.weight_words):])
    bias_to = Signal(intbv(0)[bits(groups):])
    weight_data = Signal(intbv(0)[lanes * spec.weight_bits:])
    bias_data = Signal(intbv(0)[lanes * spec.bias_bits:])
    enable = Signal(bool(0))
    step = Signal(intbv(0)[len(num_steps):])
    one_left = Signal(intbv(0)[len(num_steps) + 1:])

    # The pipeline: what is in its cycles 1 to 5.
    add_1, add_2, add_3, fire_1, fire_2, fire_3, fire_4, fire_5 = [Signal(bool(0)) for _ in range(8)]
    address_1, address_2, address_3, address_4, address_5 = [Signal(intbv(0)[bits(depth):]) for _ in range(5)]
    first_1, first_2, first_3, last_1, last_2, last_3 = [Signal(bool(0)) for _ in range(6)]
    end_1, end_2, end_3, end_4 = [Signal(bool(0)) for _ in range(4)]
    near, far, write, clear, pooled = [Signal(bool(0)) for _ in range(5)]
    write_address = Signal(intbv(0)[bits(depth):])
    spikes = [Signal(bool(0)) for _ in range(lanes)]
    befores = [Signal(intbv(0, min=-(1 << spec.membrane_bits - 1), max=1 << spec.membrane_bits - 1))
               for _ in range(lanes)]
    fired_word = Signal(intbv(0)[lanes:])
    next_word = Signal(intbv(0)[len(word_address):])

    scanner = spike_scanner(clk, rst, scan, scanning, read, read_address, read_data, valid, ready, y, x, base, index,
                            spec.in_height, spec.in_width, spec.in_channels, spec.flat)
    if spec.flat:
        walker = linear(clk, rst, valid, ready, base, index, walking, add, weight_address, add_address, spec.inputs,
                        groups)
    else:
        walker = conv2d(clk, rst, valid, ready, y, x, base, index, walking, add, weight_address, add_address,
                        spec.kernel, spec.padding, spec.in_channels, spec.out_height, spec.out_width, groups)
    weight_memory = ram(clk, load_weight, weight_to, weight_data, add, weight_address, weights,
                        spec.weight_words)
    bias_memory = ram(clk, load_bias, bias_to, bias_data, fire, group, biases, groups)
    order = firing_pass(clk, rst, fire_start, firing, fire, fire_address, group, first, last, spec.out_height,
                        spec.out_width, groups, spec.pool)
    array = [lane(clk, enable, address, near, far, weights((i + 1) * spec.weight_bits, i * spec.weight_bits),
                  biases((i + 1) * spec.bias_bits, i * spec.bias_bits), threshold, write, write_address, fire_5, clear,
                  spikes[i], befores[i], depth, spec.guard, spec.beta, spec.frac, spec.reset, spec.towards_zero)
             for i in range(lanes)]
    joined = ConcatSignal(*reversed(spikes)) if lanes > 1 else spikes[0]
    pool = maxpool(clk, fire_3, first_3, last_3, fired_word, pooled, word)

    @always_comb
    def join():
        fired_word.next = joined

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
    def load():
        weight_to.next = load_address[len(weight_to):]
        bias_to.next = load_address[len(bias_to):]
        weight_data.next = load_data[len(weight_data):]
        bias_data.next = load_data[len(bias_data):]

    @always_comb
    def count_steps():
        one_left.next = step + 1

    @always_comb
    def steer():
        scan.next = state == states.ST_IDLE and filled
        fire_start.next = state == states.ST_WAIT and free
        give_back.next = state == states.ST_ADD and (not scanning) and (not walking)
        last_step.next = one_left == num_steps

    @always_comb
    def choose():
        enable.next = add or fire
        address.next = add_address
        if firing:
            address.next = fire_address

    @always_comb
    def hazards():
        near.next = add_2 and address_2 == address_1
        far.next = add_3 and address_3 == address_1
        write.next = add_2 or fire_5
        write_address.next = address_2
        if fire_5:
            write_address.next = address_5
        clear.next = end_4

    @always(clk.posedge)
    def pipeline():
        add_1.next = add
        add_2.next = add_1
        add_3.next = add_2
        fire_1.next = fire
        fire_2.next = fire_1
        fire_3.next = fire_2
        fire_4.next = fire_3
        fire_5.next = fire_4
        address_1.next = address
        address_2.next = address_1
        address_3.next = address_2
        address_4.next = address_3
        address_5.next = address_4
        first_1.next = first
        first_2.next = first_1
        first_3.next = first_2
        last_1.next = last
        last_2.next = last_1
        last_3.next = last_2
        end_1.next = last_step
        end_2.next = end_1
        end_3.next = end_2
        end_4.next = end_3
        if rst:
            add_1.next = False
            add_2.next = False
            fire_1.next = False
            fire_2.next = False
            fire_3.next = False
            fire_4.next = False
            fire_5.next = False

    @always(clk.posedge)
    def control():
        if rst:
            state.next = states.ST_IDLE
            step.next = 0
        elif state == states.ST_IDLE:
            if filled:
                state.next = states.ST_ADD
        elif state == states.ST_ADD:
            if not scanning and not walking:
                state.next = states.ST_WAIT
        elif state == states.ST_WAIT:
            if free:
                state.next = states.ST_FIRE
        else:
            if not firing:
                state.next = states.ST_IDLE
                if last_step:
                    step.next = 0
                else:
                    step.next = step + 1

    return (scanner, walker, weight_memory, bias_memory, order, array, pool, join, hand_over, count_words, load,
            count_steps, steer, choose, hazards, pipeline, control)
