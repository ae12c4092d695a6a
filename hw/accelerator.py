"""The whole accelerator: streams, buffers and layers; and the way to it from a network in integers.

    s_load  -> loader                    weights, biases, thresholds, number of steps
    s_input -> stream_in -> spike_buffer -> layer -> spike_buffer -> layer -> ... -> scores -> m_output
"""

from dataclasses import dataclass

from myhdl import ConcatSignal, Signal, always, always_comb, block, intbv, modbv

from minisnn.cycles import check_lanes, taps, words_of_input
from minisnn.quantize import signed_bits

from .layer import bits, layer
from .loader import loader
from .memory import ram
from .scores import scores
from .spec import LayerSpec
from .spike_buffer import spike_buffer
from .stream_in import stream_in

COUNTER_BITS = 32


@dataclass(frozen=True)
class AcceleratorSpec:
    """The numbers that an accelerator is built from.

    Attributes
    ----------
    layers : tuple of LayerSpec
    classes : int
    max_steps : int
        The largest number of steps that can be loaded.
    load_bits : int
        Width of the load stream.
    membrane : bool
        The answer is the sum of the last layer's membranes; else of its spikes.
    """

    layers: tuple
    classes: int
    max_steps: int
    load_bits: int
    membrane: bool

    @property
    def step_bits(self):
        """Width of the number of steps."""
        return self.max_steps.bit_length()

    @property
    def score_bits(self):
        """Width of a neuron's sum over all steps, two's complement."""
        return (self.layers[-1].membrane_bits if self.membrane else 1) + self.step_bits

    @property
    def output_bits(self):
        """Width of the output stream: a class's score, or a count of cycles."""
        members = self.layers[-1].out_channels // self.classes
        return max(COUNTER_BITS, self.score_bits + members.bit_length())

    @property
    def input_bits(self):
        """Width of the input stream: whole bytes."""
        return -(-self.layers[0].word_bits // 8) * 8

    @property
    def sections(self):
        """((words, bits of a word), ...) of the load: steps; then weights, biases, threshold of each layer."""
        result = [(1, self.step_bits)]
        for spec in self.layers:
            result += [(spec.weight_words, spec.weight_word_bits), (spec.groups, spec.lanes * spec.bias_bits),
                       (1, spec.membrane_bits - 1)]
        return tuple(result)

    @property
    def beats(self):
        """Beats of a word of each section."""
        return tuple(-(-width // self.load_bits) for _, width in self.sections)


def specify(network, lanes, in_lanes=None, max_steps=255, load_bits=32, wide=False):
    """The numbers of an accelerator for a network.

    Parameters
    ----------
    network : minisnn.fixed.network.IntegerNetwork
    lanes : sequence of int
        One number for each layer.
    in_lanes : int, optional
        Inputs in a word of the input stream; by default ``minisnn.cycles.words_of_input``.
    max_steps, load_bits : int
    wide : bool, or sequence of bool
        Add all taps of a convolution at once, one for all layers or one for each; see ``minisnn.cycles.taps``.

    Returns
    -------
    spec : AcceleratorSpec

    Raises
    ------
    ValueError
        That names the layer and the number that does not fit.
    """
    lanes = check_lanes(network, lanes)
    in_lanes = words_of_input(network) if in_lanes is None else in_lanes
    for name, value, least, most in (("in_lanes", in_lanes, 1, network.input_shape[-1]),
                                     ("max_steps", max_steps, 1, 65535), ("load_bits", load_bits, 8, 65536)):
        if not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"{name} must be a whole number from {least} to {most}, got {value!r}")
    result, pixel_bits = [], network.input_bits
    for number, (each, count, tap_count) in enumerate(zip(network.layers, lanes, taps(network, wide)), 1):
        layer = each.layer
        flat = layer.kind == "linear"
        if each.membrane_bits > 31:
            raise ValueError(f"layer {number} has membranes of {each.membrane_bits} bits and hardware takes up to 31; "
                             "quantize with fewer weight, guard or membrane bits")
        if each.threshold > each.high:
            raise ValueError(f"layer {number} has the threshold {each.threshold}, beyond its membranes of "
                             f"{each.membrane_bits} bits: it would never fire; quantize with more membrane bits")
        height, width, channels = layer.in_shape if len(layer.in_shape) == 3 else (1, 1, *layer.in_shape)
        if flat:
            height, width = 1, height * width
        out = layer.out_shape if not flat else (1, 1, *layer.out_shape)
        # Not just as wide as these biases: others may be loaded.
        bias_bits = max(each.membrane_bits, *(signed_bits(int(b)) for b in each.b))
        result.append(LayerSpec(count, height, width, channels, in_lanes, pixel_bits, flat,
                                1 if flat else layer.w_shape[0], layer.padding, *out, layer.pool, each.weight_bits,
                                bias_bits, each.membrane_bits, each.guard, each.beta, each.frac, each.reset,
                                each.rounding == "zero", tap_count))
        in_lanes, pixel_bits = count, 0
    return AcceleratorSpec(tuple(result), network.classes, max_steps, load_bits, network.readout == "membrane")


@block
def accelerator(clk, rst, s_load_tdata, s_load_tvalid, s_load_tready, s_load_tlast, s_input_tdata, s_input_tvalid,
                s_input_tready, s_input_tlast, m_output_tdata, m_output_tvalid, m_output_tready, m_output_tlast, loaded,
                load_error, input_error, probe_events, probe_fired, probe_address, probe_spikes, probe_before, spec):
    """The accelerator.

    Parameters
    ----------
    spec : AcceleratorSpec
        See :func:`specify`.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and needed once after power-up. It forgets images under way, but not what
        is loaded.
    s_load_tdata, s_load_tvalid, s_load_tready, s_load_tlast : AXI4-Stream, in
        What :func:`load_words` gives, in words of ``spec.load_bits``. A load waits for the images under way, and new
        images for a load.
    s_input_tdata, s_input_tvalid, s_input_tready, s_input_tlast : AXI4-Stream, in
        The frames of an image (one of pixels, or one of spikes for every step), words as :func:`frame_words` gives
        them, in the lowest ``layers[0].word_bits`` bits.
    m_output_tdata, m_output_tvalid, m_output_tready, m_output_tlast : AXI4-Stream, out
        An image's scores by class (two's complement), its class, and its cycles. See ``scores``.
    loaded, load_error, input_error : out
        See ``loader`` and ``stream_in``.
    probe_events, probe_fired, probe_address, probe_spikes, probe_before : out, or None for a design without them
        Of each layer, the first in the lowest bits: `events`, `fired`, `fired_address`, `spikes` and `befores` of
        ``layer``. They change nothing else.

    Latency and throughput: as ``minisnn.cycles`` tells, cycle by cycle.
    """
    first, depth = spec.layers[0], len(spec.layers)
    everyone = (1 << depth) - 1
    probed = probe_events is not None
    width = max(n * spec.load_bits for n in spec.beats)
    num_steps = Signal(intbv(0)[spec.step_bits:])
    frames = Signal(intbv(0)[spec.step_bits:])
    wanted, idle, allowed, begins, finished, write, all_cleared, good = [Signal(bool(0)) for _ in range(8)]
    section = Signal(intbv(0, min=0, max=max(len(spec.sections), 2)))
    load_address = Signal(intbv(0)[max(bits(words) for words, _ in spec.sections):])
    load_data = Signal(intbv(0)[width:])
    now, stamp = [Signal(modbv(0)[COUNTER_BITS:]) for _ in range(2)]
    stamps = 1 << (3 * depth + 3).bit_length()  # more images than can be under way
    begun, ended = [Signal(modbv(0)[bits(stamps):]) for _ in range(2)]

    def data_of(number):
        """The bits of a section in `load_data`."""
        beats, bits_of_word = spec.beats[number], spec.sections[number][1]
        low = width - beats * spec.load_bits
        return load_data(low + bits_of_word, low)

    load = loader(clk, rst, idle, wanted, good, load_error, s_load_tdata, s_load_tvalid, s_load_tready, s_load_tlast,
                  write, section, load_address, load_data, tuple(words for words, _ in spec.sections), spec.beats)
    steps_data = data_of(0)
    free, claim, to_write, done, filled, read, give_back = [Signal(bool(0)) for _ in range(7)]
    to_address, read_address = [Signal(intbv(0)[bits(first.in_words):]) for _ in range(2)]
    to_data, read_data = [Signal(intbv(0)[first.word_bits:]) for _ in range(2)]
    takes = stream_in(clk, rst, frames, allowed, s_input_tdata, s_input_tvalid, s_input_tready, s_input_tlast, free,
                      claim, to_write, to_address, to_data, done, begins, input_error, first.in_words)
    parts = []
    cleared, events, fired, addresses, spikes, befores = [], [], [], [], [], []
    for number, each in enumerate(spec.layers):
        last = number == depth - 1
        parts.append(spike_buffer(clk, rst, free, claim, to_write, to_address, to_data, done, filled, read,
                                  read_address, read_data, give_back, each.in_words))
        threshold = Signal(intbv(0)[each.membrane_bits - 1:])
        parts.append(settings(clk, write, section, load_address, threshold, data_of(3 * number + 3), 3 * number + 3))
        loads_weight, loads_bias = [Signal(bool(0)) for _ in range(2)]
        parts.append(chosen(write, section, loads_weight, loads_bias, 3 * number + 1))
        free, claim, to_write, done = [Signal(bool(0)) for _ in range(4)]
        to_address = Signal(intbv(0)[bits(each.out_words):])
        to_data = Signal(intbv(0)[each.lanes:])
        cleared.append(Signal(bool(0)))
        events.append(Signal(intbv(0)[4:]))
        fired.append(Signal(bool(0)))
        addresses.append(Signal(intbv(0)[bits(each.depth):]))
        spikes.append(Signal(intbv(0)[each.lanes:]))
        befores.append(Signal(intbv(0)[each.lanes * each.membrane_bits:]))
        parts.append(layer(clk, rst, num_steps, threshold, filled, read, read_address, read_data, give_back, free,
                           claim, to_write, to_address, to_data, done, loads_weight, loads_bias, load_address,
                           data_of(3 * number + 1), data_of(3 * number + 2), cleared[-1], fired[-1], addresses[-1],
                           spikes[-1], befores[-1], events[-1], each, probed, last and spec.membrane))
        filled, read, give_back = [Signal(bool(0)) for _ in range(3)]
        read_address = Signal(intbv(0)[bits(each.out_words):])
        read_data = Signal(intbv(0)[each.lanes:])
    answer = scores(clk, rst, num_steps, free, claim, to_write, to_address, to_data, done, befores[-1], now, stamp,
                    m_output_tdata, m_output_tvalid, m_output_tready, m_output_tlast, finished,
                    spec.layers[-1].out_channels, spec.classes, spec.score_bits, spec.membrane)
    start_times = ram(clk, begins, begun, now, True, ended, stamp, stamps)
    ready_layers = ConcatSignal(*reversed(cleared)) if depth > 1 else cleared[0]

    @always_comb
    def gate():
        frames.next = num_steps
        if first.input_bits > 0:
            frames.next = 1
        idle.next = begun == ended
        loaded.next = good

    @always_comb
    def allow():
        allowed.next = all_cleared and good and not wanted

    @always(clk.posedge)
    def count():
        now.next = now + 1
        if write and section == 0:
            num_steps.next = steps_data
        all_cleared.next = ready_layers == everyone
        if rst:
            all_cleared.next = False
            begun.next = 0
            ended.next = 0
        else:
            if begins:
                begun.next = begun + 1
            if finished:
                ended.next = ended + 1

    if probed:
        all_events, all_fired, all_addresses, all_spikes, all_befores = [
            ConcatSignal(*reversed(signals)) if depth > 1 else signals[0]
            for signals in (events, fired, addresses, spikes, befores)]

        @always_comb
        def probe():
            probe_events.next = all_events
            probe_fired.next = all_fired
            probe_address.next = all_addresses
            probe_spikes.next = all_spikes
            probe_before.next = all_befores

        return load, takes, parts, answer, start_times, gate, allow, count, probe
    return load, takes, parts, answer, start_times, gate, allow, count


@block
def settings(clk, write, section, address, value, data, number):
    """A register that holds what section `number` of a load brings."""
    @always(clk.posedge)
    def take():
        if write and section == number:
            value.next = data

    return take


@block
def chosen(write, section, weights, biases, number):
    """`write` for a layer's weights (section `number`) and its biases (the next)."""
    @always_comb
    def choose():
        weights.next = write and section == number
        biases.next = write and section == number + 1

    return choose


def ports(spec, probed=True):
    """(inputs, outputs): fresh signals for the ports of :func:`accelerator` but `clk`, as dicts.

    Parameters
    ----------
    spec : AcceleratorSpec
    probed : bool
        With the probe.
    """
    def bit():
        return Signal(bool(0))

    def word(width):
        return Signal(intbv(0)[width:])
    inputs = {"rst": bit(), "s_load_tdata": word(spec.load_bits), "s_load_tvalid": bit(), "s_load_tlast": bit(),
              "s_input_tdata": word(spec.input_bits), "s_input_tvalid": bit(), "s_input_tlast": bit(),
              "m_output_tready": bit()}
    outputs = {"s_load_tready": bit(), "s_input_tready": bit(), "m_output_tdata": word(spec.output_bits),
               "m_output_tvalid": bit(), "m_output_tlast": bit(), "loaded": bit(), "load_error": bit(),
               "input_error": bit()}
    layers = spec.layers
    if probed:
        outputs |= {"probe_events": word(4 * len(layers)), "probe_fired": word(len(layers)),
                    "probe_address": word(sum(bits(each.depth) for each in layers)),
                    "probe_spikes": word(sum(each.lanes for each in layers)),
                    "probe_before": word(sum(each.lanes * each.membrane_bits for each in layers))}
    return inputs, outputs


def load_words(network, spec, num_steps):
    """The beats of the load stream, as integers.

    Raises
    ------
    ValueError
        For a number of steps that cannot be loaded.
    """
    if not 1 <= num_steps <= spec.max_steps:
        raise ValueError(f"the number of steps must be 1 to {spec.max_steps} for this accelerator, got {num_steps}")
    sections = [[num_steps]]
    for each, layer_spec in zip(network.layers, spec.layers):
        sections += [weight_words(each, layer_spec), bias_words(each, layer_spec), [each.threshold]]
    mask = (1 << spec.load_bits) - 1
    return [word >> (beat * spec.load_bits) & mask
            for words, beats in zip(sections, spec.beats) for word in words for beat in range(beats)]


def weight_words(each, spec):
    """The words of a layer's weight memory, as integers, in order of address: input, then group; the lanes' weights.

    With several taps a word has them all, tap (ky, kx) in place (-ky mod k)*k + (-kx mod k): turned by (y + p) mod k
    rows and (x + p) mod k columns, each stands before its bank.
    """
    if spec.taps == 1:
        w = each.w.reshape(-1, each.w.shape[-1]) if spec.flat else (
            each.w.transpose(2, 0, 1, 3).reshape(-1, each.w.shape[-1]))  # rows (c, ky, kx)
        return cut(w, spec.lanes, spec.groups, spec.weight_bits)
    turned = [-i % spec.kernel for i in range(spec.kernel)]
    places = each.w[turned][:, turned].transpose(2, 0, 1, 3).reshape(-1, each.w.shape[-1])  # rows (c, place)
    words = cut(places, spec.lanes, spec.groups, spec.weight_bits)
    width = spec.lanes * spec.weight_bits
    return [sum(words[(c * spec.taps + place) * spec.groups + g] << place * width for place in range(spec.taps))
            for c in range(spec.in_channels) for g in range(spec.groups)]


def bias_words(each, spec):
    """The words of a layer's bias memory."""
    return cut(each.b[None], spec.lanes, spec.groups, spec.bias_bits)


def frame_words(frame, spec):
    """The words of a frame of inputs (H, W, C) or (N,): spikes, or pixels of ``spec.input_bits`` bits."""
    rows = frame.reshape(spec.in_height * spec.in_width, spec.in_channels)
    return cut(rows, spec.in_lanes, -(-spec.in_channels // spec.in_lanes), max(spec.input_bits, 1))


def cut(rows, lanes, groups, bits):
    """Rows of numbers, cut into groups of lanes, lane 0 in the lowest bits; lanes without a number hold 0."""
    words, mask = [], (1 << bits) - 1
    for row in rows.tolist():
        row = row + [0] * (groups * lanes - len(row))
        words += [sum((value & mask) << (i * bits) for i, value in enumerate(row[g * lanes:(g + 1) * lanes]))
                  for g in range(groups)]
    return words
