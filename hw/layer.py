"""A layer: scanner, walker, lanes, firing pass and pool, step by step."""

from dataclasses import dataclass
from typing import Any

from myhdl import Signal, always, always_comb, block, intbv

from .banks import turn_taps
from .conv2d import conv2d
from .firing_pass import firing_pass
from .lanes import lanes
from .layer_control import Orders, PoolTiming, Progress, layer_control
from .linear import linear
from .maxpool import join_positions, maxpool
from .parts.memory import ram
from .pixel_words import pixel_words
from .ports import Bundle, Firing, GroupReader, Scan, Turn, Walk, bit, bits, word
from .spike_buffer import dropping
from .spike_scanner import spike_scanner


def below(count: int) -> Any:
    """A signal for the values 0 to count - 1."""
    return Signal(intbv(0, min=0, max=max(count, 2)))


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
        width = spec.neurons * spec.membrane_bits
        return cls(bit(), word(bits(spec.depth)), word(spec.neurons), word(width), word(4))


@block
def frame_out(clk, rst, pooled, writer, out_words):
    """Address of each pooled word in the next layer's frame; the words themselves come from ``maxpool``.

    Parameters
    ----------
    out_words : int
        Words of the frame.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous: the next word is the first of a frame.
    pooled : in
        1 while the pool puts out a word.
    writer : FrameWriter, out
        `writer_write` and `writer_address`, for the word in the same cycle; `writer_done` with the frame's last.

    Latency: combinational. Throughput: a word a cycle.
    """
    next_word = Signal(intbv(0)[len(writer.address) :])  # address of the next word

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
    """Memories of a layer's weights and biases: the load writes them, the walker and the firing pass read.

    Parameters
    ----------
    spec : LayerSpec

    Ports
    -----
    clk : in
        Rising edge.
    load : LayerLoad, in
        `load_weights`, `load_biases`: 1 to write `load_weight_data`, or `load_bias_data`, at `load_address`.
    read, read_address : in
        1 to read the word of weights at this address.
    weights : out
        The word, lane 0 in the lowest bits.
    biases : GroupReader
        `biases_read`, in: 1 to read the word of group `biases_group`, in; it is `biases_data`, out.

    Latency: a word is read in one cycle. Throughput: a word of each memory a cycle.
    """
    assert len(load.weight_data) == len(weights)
    assert len(load.bias_data) == len(biases.data)
    weight_to = Signal(intbv(0)[bits(spec.weight_words) :])  # the address of the load, as wide as this memory needs
    bias_to = Signal(intbv(0)[bits(spec.groups) :])  # likewise for the biases
    weight_memory = ram(clk, load.weights, weight_to, load.weight_data, read, read_address, weights, spec.weight_words)
    bias_memory = ram(clk, load.biases, bias_to, load.bias_data, biases.read, biases.group, biases.data, spec.groups)

    @always_comb
    def addresses():
        weight_to.next = load.address[len(weight_to) :]
        bias_to.next = load.address[len(bias_to) :]

    return weight_memory, bias_memory, addresses


def new_walk(spec: Any) -> Walk:
    """The port of a layer's walker."""
    turn_x = word(bits(spec.bank_columns)) if spec.bank_columns > 1 else None
    turn_y = word(bits(spec.bank_rows)) if spec.bank_rows > 1 else None
    addresses = word(spec.taps * bits(spec.bank_depth))
    half = word(1) if spec.second_bank else None
    weight_address = word(bits(spec.weight_words))
    return Walk(bit(), bit(), bit(), bit(), weight_address, word(spec.taps), addresses, turn_x, turn_y, half)


def new_turn(spec: Any) -> Turn:
    """The port of a layer's firing pass."""
    pixel = below(spec.out_height // spec.window), below(spec.out_width // spec.window)
    half = word(1) if spec.second_bank else None
    return Turn(bit(), word(bits(spec.depth)), *pixel, below(spec.groups), bit(), bit(), half)


@block
def layer(
    clk, rst, num_steps, threshold, beta, reader, writer, decided, load, cleared, probe, spec, probed, summed=False
):
    """Layer of spiking neurons: it adds the weights of its input spikes to membranes, and fires at each step's end.

    A spike becomes an addition so: ``spike_scanner`` finds it in the frame that the layer before has written;
    the walker (``linear`` or ``conv2d``) issues the addresses of the weights and membranes that it concerns; ``lanes``
    adds them, a group of neurons a cycle. When all spikes of a frame are added, ``firing_pass`` walks over all neurons:
    ``lif`` applies bias, threshold, leak and reset; ``maxpool`` and ``frame_out`` write the spikes into the frame of
    the next layer.

    Parameters
    ----------
    spec : LayerSpec
        Shape, widths and lanes of the layer.
    probed, summed : bool
        probed: drive all of `probe`; summed: drive `probe_membranes`. Its `fired`, `address` and `spikes` are driven
        always.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous. It drops the image, but neither weights nor biases.
    num_steps, threshold, beta : in
        Steps of an image, threshold and leak; steady while an image is worked on. A beta that is not loaded is built
        in.
    reader : FrameReader
        The ``spike_buffer`` before the layer: when `reader_filled` is 1 the layer scans the frame, by `reader_read`,
        `reader_address` and `reader_data`, and ends with `reader_give_back`.
    writer : FrameWriter
        The ``spike_buffer`` after it: when `writer_free` is 1 the layer claims a bank with `writer_claim`, writes it by
        `writer_write`, `writer_address` and `writer_data`, and ends with `writer_done`.
    decided : Decided, in
        See ``dropping``.
    load : LayerLoad, in
        `load_weights`, `load_biases`: 1 to write `load_weight_data`, or `load_bias_data`, lane 0 in the lowest bits, at
        `load_address`: that of ``conv2d`` or ``linear`` for weights, the group for biases.
    cleared : out
        0 after a reset, until the layer can work.
    probe : LayerProbe, out
        In a cycle with `probe_fired`, the neurons of all lanes at `probe_address` are out: `probe_spikes`, before the
        pool, and `probe_membranes`, before reset; ``spec.firing_delay`` cycles after their turn in the firing pass.
        Bits of `probe_events`: 0, a step begins; 1, all is added, and the frame is given back; 2, the firing pass
        starts in the next cycle; 3, it ended in the cycle before.

    Latency: a step that begins in cycle c ends its additions as scanner and walker promise (with nothing to add and w
    words in cycle c + w + 2). Its firing pass starts when a bank is free (and the last neuron of the step before fired
    6 cycles ago), handles all lanes of an address in each of the next ``spec.depth`` cycles, and ends in the one after.
    The next step begins in that same cycle at the earliest. The last word of a frame is out ``spec.firing_delay`` + 1
    cycles after the last firing. With several taps a layer of spikes fires 7 cycles after the step before, and begins a
    cycle after its end. Throughput: an addition, or a firing, of all lanes a cycle; additions of a step overlap the
    work of the layers before and after.
    """
    x, channel = word(bits(spec.in_width)), word(bits(spec.inputs if spec.flat else spec.in_channels))
    scan = Scan(bit(), bit(), below(spec.in_height), x, channel, below(spec.in_lanes))
    walk = new_walk(spec)
    turn = new_turn(spec)
    orders, pool_timing = Orders(bit(), bit(), bit(), bit(), walk.half, turn.half), PoolTiming(bit(), bit(), bit())
    progress = Progress(bit(), walk.busy, bit(), bit())
    follows, present, pooled = bit(), bit(), bit()
    inputs, factor = word(spec.in_lanes), word(max(spec.input_bits, 1))
    weights = word(spec.weight_word_bits)
    biases = GroupReader(bit(), below(spec.groups), word(spec.lanes * spec.bias_bits))
    results = Firing(probe.spikes, probe.membranes, probe.address)

    drop = bit()  # what is left of the present image is dropped
    decides = dropping(clk, rst, writer, decided, drop)
    control = layer_control(
        clk, rst, num_steps, reader, writer, drop, orders, progress, turn, pool_timing, cleared, probe, spec, probed
    )
    frame = (spec.in_height, spec.in_width, spec.in_channels, spec.flat)
    steps = (follows, present)
    scanner = spike_scanner(
        clk, orders.halt, orders.scan, progress.scanning, reader.read, reader.address, inputs, *steps, scan, *frame
    )
    if spec.input_bits:
        words_in = pixel_words(clk, reader.data, *steps, inputs, scan, walk, factor, spec)
    else:

        @always_comb
        def words_in():
            inputs.next = reader.data

    if spec.flat:
        walker = linear(clk, orders.halt, scan, walk, spec.groups)
    else:
        frame_of_neurons = (spec.kernel, spec.padding, spec.out_height, spec.out_width, spec.groups)
        walker = conv2d(clk, orders.halt, scan, walk, spec.taps, *frame_of_neurons)
    memories = weight_and_bias_memory(clk, load, walk.add, walk.weight_address, weights, biases, spec)
    side = spec.window  # a window that fires at once is a turn, and has one place in the firing pass
    shape = (spec.out_height // side, spec.out_width // side, spec.groups, spec.pool // side)
    order = firing_pass(clk, rst, orders.fire_start, progress.firing, turn, *shape)
    by_banks, turning = weights, []
    if spec.taps > 1:
        by_banks = word(spec.weight_word_bits)
        turning = turn_taps(clk, walk, weights, by_banks, spec)
    adding = (walk, turn, orders.clear, factor, by_banks, biases, threshold, beta)
    neurons = lanes(clk, rst, *adding, results, progress.drained, spec, probed or summed)
    to_pool, joining = probe.spikes, []
    if spec.whole_windows:
        to_pool = word(spec.lanes)
        joining = join_positions(probe.spikes, to_pool)
    pool = maxpool(clk, pool_timing.valid, pool_timing.first, pool_timing.last, to_pool, pooled, writer.data)
    words_out = frame_out(clk, rst, pooled, writer, spec.out_words)
    return decides, control, scanner, words_in, walker, memories, order, turning, neurons, joining, pool, words_out
