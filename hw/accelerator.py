"""The whole accelerator: streams, buffers and layers.

s_load  -> loader                    weights, biases, thresholds, number of steps
s_input -> stream_in -> spike_buffer -> layer -> spike_buffer -> layer -> ... -> scores -> m_output
"""

from myhdl import ConcatSignal, Signal, always, always_comb, block, intbv, modbv

from .layer import bits, layer
from .loader import loader
from .parts.memory import ram
from .scores import scores
from .spike_buffer import spike_buffer
from .stream_in import stream_in


@block
def accelerator(
    clk,
    rst,
    s_load_tdata,
    s_load_tvalid,
    s_load_tready,
    s_load_tlast,
    s_input_tdata,
    s_input_tvalid,
    s_input_tready,
    s_input_tlast,
    m_output_tdata,
    m_output_tvalid,
    m_output_tready,
    m_output_tlast,
    loaded,
    load_error,
    input_error,
    probe_events,
    probe_fired,
    probe_address,
    probe_spikes,
    probe_before,
    spec,
):
    """The accelerator.

    Parameters
    ----------
    spec : AcceleratorSpec
        See ``specify``.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and needed once after power-up. It forgets images under way, but not what
        is loaded.
    s_load_tdata, s_load_tvalid, s_load_tready, s_load_tlast : AXI4-Stream, in
        What ``words.load_words`` gives, in words of ``spec.load_bits``. A load waits for the images under way, and new
        images for a load.
    s_input_tdata, s_input_tvalid, s_input_tready, s_input_tlast : AXI4-Stream, in
        The frames of an image (one of pixels, or one of spikes for every step), words as ``words.frame_words`` gives
        them, in the lowest ``layers[0].word_bits`` bits.
    m_output_tdata, m_output_tvalid, m_output_tready, m_output_tlast : AXI4-Stream, out
        An image's scores by class (two's complement), its class, and its cycles. See ``scores``.
    loaded, load_error, input_error : out
        See ``loader`` and ``stream_in``.
    probe_events, probe_fired, probe_address, probe_spikes, probe_before : out, or None for a design without them
        Of each layer, the first in the lowest bits: `events`, `fired`, `fired_address`, `spikes` and `befores` of
        ``layer``. They change nothing else.

    Latency and throughput: as ``minisnn.timing.cycles`` tells, cycle by cycle.
    """
    first, depth = spec.layers[0], len(spec.layers)
    everyone = (1 << depth) - 1
    probed = probe_events is not None
    width = max(n * spec.load_bits for n in spec.beats)
    num_steps = Signal(intbv(0)[spec.step_bits :])
    frames = Signal(intbv(0)[spec.step_bits :])
    wanted, idle, allowed, begins, finished, write, all_cleared, good = [Signal(bool(0)) for _ in range(8)]
    section = Signal(intbv(0, min=0, max=max(len(spec.sections), 2)))
    load_address = Signal(intbv(0)[max(bits(words) for words, _ in spec.sections) :])
    load_data = Signal(intbv(0)[width:])
    now, stamp = [Signal(modbv(0)[spec.counter_bits :]) for _ in range(2)]
    stamps = 1 << (3 * depth + 3).bit_length()  # more images than can be under way
    begun, ended = [Signal(modbv(0)[bits(stamps) :]) for _ in range(2)]

    def data_of(number):
        """The bits of a section in `load_data`."""
        beats, bits_of_word = spec.beats[number], spec.sections[number][1]
        low = width - beats * spec.load_bits
        return load_data(low + bits_of_word, low)

    load = loader(
        clk,
        rst,
        idle,
        wanted,
        good,
        load_error,
        s_load_tdata,
        s_load_tvalid,
        s_load_tready,
        s_load_tlast,
        write,
        section,
        load_address,
        load_data,
        tuple(words for words, _ in spec.sections),
        spec.beats,
    )
    steps_data = data_of(0)
    free, claim, to_write, done, filled, read, give_back = [Signal(bool(0)) for _ in range(7)]
    to_address, read_address = [Signal(intbv(0)[bits(first.in_words) :]) for _ in range(2)]
    to_data, read_data = [Signal(intbv(0)[first.word_bits :]) for _ in range(2)]
    takes = stream_in(
        clk,
        rst,
        frames,
        allowed,
        s_input_tdata,
        s_input_tvalid,
        s_input_tready,
        s_input_tlast,
        free,
        claim,
        to_write,
        to_address,
        to_data,
        done,
        begins,
        input_error,
        first.in_words,
    )
    parts = []
    cleared, events, fired, addresses, spikes, befores = [], [], [], [], [], []
    for number, each in enumerate(spec.layers):
        last = number == depth - 1
        parts.append(
            spike_buffer(
                clk,
                rst,
                free,
                claim,
                to_write,
                to_address,
                to_data,
                done,
                filled,
                read,
                read_address,
                read_data,
                give_back,
                each.in_words,
            )
        )
        threshold = Signal(intbv(0)[each.membrane_bits - 1 :])
        parts.append(settings(clk, write, section, load_address, threshold, data_of(3 * number + 3), 3 * number + 3))
        loads_weight, loads_bias = [Signal(bool(0)) for _ in range(2)]
        parts.append(chosen(write, section, loads_weight, loads_bias, 3 * number + 1))
        free, claim, to_write, done = [Signal(bool(0)) for _ in range(4)]
        to_address = Signal(intbv(0)[bits(each.out_words) :])
        to_data = Signal(intbv(0)[each.lanes :])
        cleared.append(Signal(bool(0)))
        events.append(Signal(intbv(0)[4:]))
        fired.append(Signal(bool(0)))
        addresses.append(Signal(intbv(0)[bits(each.depth) :]))
        spikes.append(Signal(intbv(0)[each.lanes :]))
        befores.append(Signal(intbv(0)[each.lanes * each.membrane_bits :]))
        parts.append(
            layer(
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
                to_write,
                to_address,
                to_data,
                done,
                loads_weight,
                loads_bias,
                load_address,
                data_of(3 * number + 1),
                data_of(3 * number + 2),
                cleared[-1],
                fired[-1],
                addresses[-1],
                spikes[-1],
                befores[-1],
                events[-1],
                each,
                probed,
                last and spec.membrane,
            )
        )
        filled, read, give_back = [Signal(bool(0)) for _ in range(3)]
        read_address = Signal(intbv(0)[bits(each.out_words) :])
        read_data = Signal(intbv(0)[each.lanes :])
    answer = scores(
        clk,
        rst,
        num_steps,
        free,
        claim,
        to_write,
        to_address,
        to_data,
        done,
        befores[-1],
        now,
        stamp,
        m_output_tdata,
        m_output_tvalid,
        m_output_tready,
        m_output_tlast,
        finished,
        spec.layers[-1].out_channels,
        spec.classes,
        spec.score_bits,
        spec.membrane,
    )
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
            for signals in (events, fired, addresses, spikes, befores)
        ]

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

    inputs = {
        "rst": bit(),
        "s_load_tdata": word(spec.load_bits),
        "s_load_tvalid": bit(),
        "s_load_tlast": bit(),
        "s_input_tdata": word(spec.input_bits),
        "s_input_tvalid": bit(),
        "s_input_tlast": bit(),
        "m_output_tready": bit(),
    }
    outputs = {
        "s_load_tready": bit(),
        "s_input_tready": bit(),
        "m_output_tdata": word(spec.output_bits),
        "m_output_tvalid": bit(),
        "m_output_tlast": bit(),
        "loaded": bit(),
        "load_error": bit(),
        "input_error": bit(),
    }
    layers = spec.layers
    if probed:
        outputs |= {
            "probe_events": word(4 * len(layers)),
            "probe_fired": word(len(layers)),
            "probe_address": word(sum(bits(each.depth) for each in layers)),
            "probe_spikes": word(sum(each.lanes for each in layers)),
            "probe_before": word(sum(each.lanes * each.membrane_bits for each in layers)),
        }
    return inputs, outputs


def design(spec):
    """(block, probed): the accelerator as a block whose ports are all that :func:`ports` names."""

    @block
    def dut(
        clk,
        rst,
        s_load_tdata,
        s_load_tvalid,
        s_load_tlast,
        s_input_tdata,
        s_input_tvalid,
        s_input_tlast,
        m_output_tready,
        s_load_tready,
        s_input_tready,
        m_output_tdata,
        m_output_tvalid,
        m_output_tlast,
        loaded,
        load_error,
        input_error,
        probe_events=None,
        probe_fired=None,
        probe_address=None,
        probe_spikes=None,
        probe_before=None,
    ):
        return accelerator(
            clk,
            rst,
            s_load_tdata,
            s_load_tvalid,
            s_load_tready,
            s_load_tlast,
            s_input_tdata,
            s_input_tvalid,
            s_input_tready,
            s_input_tlast,
            m_output_tdata,
            m_output_tvalid,
            m_output_tready,
            m_output_tlast,
            loaded,
            load_error,
            input_error,
            probe_events,
            probe_fired,
            probe_address,
            probe_spikes,
            probe_before,
            spec,
        )

    return dut
