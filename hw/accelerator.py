"""The whole accelerator: streams, buffers and layers.

s_load  -> loader -> load_check      number of steps; weights, biases, thresholds, leaks
s_input -> stream_in -> stage -> stage -> ... -> scores -> m_output

A stage is a layer with the buffer of its frames, and its numbers from the load.
"""

from collections.abc import Callable
from typing import Any

from myhdl import ConcatSignal, Signal, always, always_comb, block, intbv, modbv

from .layer import LayerProbe
from .load_check import load_check
from .load_format import CONTROL_BITS, beats, begin, place, sections
from .loader import loader
from .parts.crc import crc32
from .parts.memory import ram
from .ports import Decided, FrameWriter, LoadWriter, Probe, Stream, bit, bits, word
from .scores import scores
from .stage import stage
from .stream_in import stream_in


@block
def accelerator(clk, rst, flush, s_load, s_input, m_output, loaded, load_error, input_error, change, probe, spec):
    """Accelerator of a spiking neural network: it answers each image of the input stream.

    s_load  -> loader -> load_check      number of steps; weights, biases, thresholds, leaks
    s_input -> stream_in -> stage (spike_buffer -> layer) -> stage -> ... -> scores -> m_output

    All streams have AXI4-Stream's names: a beat is transferred in a cycle in which `tvalid` and `tready` are 1.

    Parameters
    ----------
    spec : AcceleratorSpec
        Layers, widths and classes.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and needed once after power-up, when no register has a known value. It drops
        images under way, and a load must follow.
    flush : in
        As `rst`, for all but the load: images under way are dropped, and what is loaded is kept.
    s_load : Stream, in
        The numbers of a network; README.md beside the design lists the words. A load waits for the images under way,
        and new images wait for a load.
    s_input : Stream, in
        The frames of an image: one of pixels, or one of spikes for every step; `s_input_tlast` with its last word. A
        word is in the lowest bits of `s_input_tdata`, its first element lowest.
    m_output : Stream, out
        An image's scores by class (two's complement), its class, and its cycles. See ``scores``.
    loaded : out
        1 while the numbers of a network are loaded, without an error.
    load_error : out
        The last load was refused; see ``loader``.
    input_error : out
        The last image that ended was too long or too short; see ``stream_in``.
    change : MarginChange, in, or None for a design without it
        A new margin in place of the load's, until the next load. It waits for the images under way, and for a load, and
        new images wait for it. `change_taken` and `change_present`, out: see ``MarginChange``.
    probe : Probe, out, or None for a design without it
        The probes of all layers, the first layer in the lowest bits; see ``layer``. They change nothing else.

    Latency and throughput: an image takes as many cycles as its spikes have additions in the slowest layer, and some;
    ``minisnn.timing.cycles`` predicts them, cycle by cycle.
    """
    first, depth = spec.layers[0], len(spec.layers)
    probed = probe is not None
    all_sections, all_beats = sections(spec), beats(spec)
    margin = Signal(intbv(0)[spec.margin_bits :])
    num_steps, frames = [Signal(intbv(0)[spec.step_bits :]) for _ in range(2)]
    wanted, good, load_begins, summed, refused = [bit() for _ in range(5)]
    drops = bit()  # drop all images under way
    idle = bit()  # no image is under way
    allowed = bit()  # an image may begin
    begins, counts, spoils, under_way, spoilt, finished, waiting, all_cleared = [bit() for _ in range(8)]
    now, stamp = [Signal(modbv(0)[spec.counter_bits :]) for _ in range(2)]  # now: count of cycles
    control, crc = word(CONTROL_BITS), word(CONTROL_BITS)
    words = LoadWriter(
        bit(),
        Signal(intbv(0, min=0, max=len(all_sections))),
        word(max(bits(section.words) for section in all_sections)),
        word(max(all_beats) * spec.load_bits),
    )
    shape = (tuple(section.words for section in all_sections), all_beats)
    load = loader(clk, rst, idle, wanted, good, load_error, load_begins, summed, refused, s_load, words, *shape)
    steps_at, margin_at = place(spec, "steps"), place(spec, "exit margin")
    control_at = begin(words.data, CONTROL_BITS, spec.load_bits)  # the same for all words of control
    control_data = words.data(control_at + CONTROL_BITS, control_at)
    sums = crc32(clk, load_begins, summed, s_load.tdata, crc)
    checks = load_check(words, control, crc, refused, spec)
    last = spec.layers[-1]
    most = 1 << (3 * depth + 3).bit_length()  # more images than can be under way
    decided = Decided(bit(), Signal(modbv(0)[bits(most) :]))
    # Into each stage, and out of the last.
    shapes = [*((layer.in_words, layer.word_bits) for layer in spec.layers), (last.out_words, last.lanes)]
    writers = [FrameWriter.new(*shape) for shape in shapes]
    image = (frames, allowed, wanted, begins, counts, spoils, under_way, input_error, first.in_words)
    takes = stream_in(clk, drops, s_input, writers[0], decided, *image)
    rows = [*(layer.in_width for layer in spec.layers[1:]), 1]  # pixels of a row, as the next stage reads them
    cleared, probes = [bit() for _ in spec.layers], [LayerProbe.new(layer) for layer in spec.layers]
    stages = [
        stage(
            clk,
            drops,
            num_steps,
            words,
            writers[i],
            writers[i + 1],
            decided,
            cleared[i],
            probes[i],
            spec.layers[i],
            place(spec, "weights", i + 1),
            spec.load_bits,
            rows[i],
            probed,
            i == depth - 1 and spec.membrane,
        )
        for i in range(depth)
    ]
    shape = (last.out_channels, spec.classes, spec.score_bits, spec.membrane)
    sums_in = (writers[-1], probes[-1].membranes, now, stamp, spoilt)
    answer = scores(clk, drops, num_steps, margin, *sums_in, m_output, finished, decided, *shape)
    images = images_under_way(clk, drops, begins, counts, spoils, finished, now, stamp, spoilt, waiting, most)
    ready_layers = joined(cleared)
    all_layers = (1 << depth) - 1

    @always_comb
    def gate():
        if first.input_bits > 0:
            frames.next = 1
        else:
            frames.next = num_steps
        control.next = control_data
        idle.next = not waiting and not under_way
        loaded.next = good
        drops.next = rst or flush

    if change is None:

        @always_comb
        def allow():
            allowed.next = all_cleared and good and not wanted

        @always(clk.posedge)
        def hold_margin():
            if words.write and words.section == margin_at:
                margin.next = control[len(margin) :]
    else:

        @always_comb
        def allow():
            allowed.next = all_cleared and good and not (wanted or change.wanted)
            change.taken.next = change.wanted and idle and not wanted
            change.present.next = margin

        @always(clk.posedge)
        def hold_margin():
            if words.write and words.section == margin_at:
                margin.next = control[len(margin) :]
            elif change.taken:
                margin.next = change.value
            if rst:
                margin.next = 0

    @always(clk.posedge)
    def count():
        now.next = now + 1
        if rst:
            now.next = 0
        # Of a load that is refused, no image reads what follows.
        if words.write and words.section == steps_at:
            num_steps.next = control[len(num_steps) :]
        all_cleared.next = ready_layers == all_layers
        if drops:
            all_cleared.next = False

    parts = [load, sums, checks, takes, stages, answer, images, gate, allow, hold_margin, count]
    return [*parts, probe_out(probe, probes)] if probed else parts


def joined(signals: list) -> Any:
    """Signals side by side, the first in the lowest bits."""
    return ConcatSignal(*reversed(signals)) if len(signals) > 1 else signals[0]


@block
def images_under_way(clk, rst, begins, counts, spoils, finished, now, stamp, spoilt, waiting, most):
    """Account of the images under way: when each began, and which were too long or too short.

    Parameters
    ----------
    most : int
        Images are counted modulo this number, a power of two; it is more than can be under way.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and forgets all images.
    begins : in
        1 for one cycle when the first word of an image is taken.
    counts : in
        1 for one cycle when an image has begun that will have an answer.
    spoils : in
        1 for one cycle when the last image that has begun is found to be wrong; no class is answered for it.
    finished : in
        1 for one cycle when an image was answered.
    now : in
        A count of cycles.
    stamp : out
        `now` of the cycle in which the image began that is answered next.
    spoilt : out
        The image that is answered next is wrong.
    waiting : out
        An image has begun that is not answered.

    Latency: 1 cycle. Throughput: an image a cycle.
    """
    begun = Signal(modbv(0)[bits(most) :])  # count of images that have begun
    ended = Signal(modbv(0)[bits(most) :])  # count of images that were answered
    last = Signal(modbv(0)[bits(most) :])  # number of the last image that has begun
    spoilt_ones = Signal(intbv(0)[most:])  # a bit for each image
    start_times = ram(clk, begins, begun, now, waiting, ended, stamp, most)

    one_more = Signal(modbv(0)[bits(most) :])  # `ended` after the next answer

    @always_comb
    def show():
        spoilt.next = spoilt_ones[int(ended)]
        one_more.next = ended + 1

    @always(clk.posedge)
    def mark():
        if counts:
            spoilt_ones.next[int(begun)] = False
        elif spoils:
            spoilt_ones.next[int(last)] = True

    @always(clk.posedge)
    def count():
        if rst:
            begun.next = 0
            ended.next = 0
            waiting.next = False
        else:
            if counts:
                last.next = begun
                begun.next = begun + 1
                waiting.next = True
            elif finished and one_more == begun:
                waiting.next = False
            if finished:
                ended.next = one_more

    return start_times, show, mark, count


@block
def probe_out(probe, probes):
    """Probes of all layers, side by side.

    Ports
    -----
    probe : Probe, out
        Joined, the first layer in the lowest bits: `probe_events`, `probe_fired`, `probe_address`, `probe_spikes`, and
        the membranes in `probe_before`.
    probes : list of LayerProbe, in
        The probe of each layer; see ``layer``.

    Latency: combinational.
    """
    names = ("events", "fired", "address", "spikes", "membranes")
    events, fired, address, spikes, membranes = [joined([getattr(one, name) for one in probes]) for name in names]

    @always_comb
    def show():
        probe.events.next = events
        probe.fired.next = fired
        probe.address.next = address
        probe.spikes.next = spikes
        probe.before.next = membranes

    return show


def ports(spec: Any, probed: bool = True) -> tuple[dict, dict]:
    """Return (inputs, outputs): fresh signals for the ports of :func:`accelerator` except `clk`, as dicts by name."""
    s_load, s_input, m_output = Stream.new(spec.load_bits), Stream.new(spec.input_bits), Stream.new(spec.output_bits)
    sent = ("tdata", "tvalid", "tlast")
    inputs = {"rst": bit(), "flush": bit(), **s_load.named("s_load", *sent), **s_input.named("s_input", *sent)}
    inputs |= m_output.named("m_output", "tready")
    outputs = {**s_load.named("s_load", "tready"), **s_input.named("s_input", "tready")}
    outputs |= {**m_output.named("m_output", *sent), "loaded": bit(), "load_error": bit(), "input_error": bit()}
    layers = spec.layers
    if probed:
        probe = Probe(
            events=word(4 * len(layers)),
            fired=word(len(layers)),
            address=word(sum(bits(layer.depth) for layer in layers)),
            spikes=word(sum(layer.neurons for layer in layers)),
            before=word(sum(layer.neurons * layer.membrane_bits for layer in layers)),
        )
        outputs |= probe.named("probe")
    return inputs, outputs


def design(spec: Any) -> Callable:
    """Return a function that makes the accelerator from `clk` and the signals of :func:`ports`, by their names."""

    def make(clk, rst, flush, loaded, load_error, input_error, **signals):
        streams = (Stream.of(name, signals) for name in ("s_load", "s_input", "m_output"))
        probe = Probe.of("probe", signals) if "probe_events" in signals else None
        return accelerator(clk, rst, flush, *streams, loaded, load_error, input_error, None, probe, spec)

    return make
