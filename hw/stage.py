"""A stage: one layer of the network with all that it needs, from the buffer of its frames to its numbers."""

from myhdl import always, always_comb, block

from .layer import layer
from .load_format import begin, layer_sections
from .pack import pack
from .ports import FrameReader, FrameWriter, LayerLoad, bit, word
from .spike_buffer import spike_buffer


@block
def stage(
    clk,
    rst,
    num_steps,
    words,
    writer,
    next_writer,
    decided,
    cleared,
    probe,
    spec,
    first,
    load_bits,
    row,
    probed,
    summed,
):
    """Stage of the accelerator: a layer, the buffer of its frames, and its numbers from the load.

    writer ==> spike_buffer ==> layer ==> next_writer, by way of ``pack`` if the next stage takes wider words
    words  ==> threshold, leak, and the layer's memories of weights and biases

    Parameters
    ----------
    spec : LayerSpec
        Shape, widths and lanes of the layer.
    first : int
        Number of the section of the load with the layer's weights; those of its other numbers follow.
    load_bits : int
        Width of the load stream.
    row : int
        Pixels of a row of the layer's frames, as the next stage reads them.
    probed, summed : bool
        See ``layer``.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and drops the image, but no number of the load.
    num_steps : in
        Steps of an image.
    words : LoadWriter, in
        A word of the load in each cycle with `words_write`. It ends with the highest bit of `words_data`, and begins at
        a whole number of beats of the load below that.
    writer : FrameWriter
        The stage before writes its frames here, as into a ``spike_buffer``.
    next_writer : FrameWriter
        The stage writes its frames here: into the next stage.
    decided : Decided, in
        See ``dropping``.
    cleared : out
        0 after a reset, until the layer can work.
    probe : LayerProbe, out
        See ``layer``.

    Latency and throughput: as ``layer``; a frame is read from the cycle after `writer_done` on.
    """
    loads_beta, packs = spec.beta is None, len(next_writer.data) != spec.lanes
    weights, biases, limit, leak = layer_sections(spec)
    weights_at = begin(words.data, weights.bits, load_bits)  # first bit of a word of weights in words_data
    weights_end = weights_at + weights.bits  # the bit after the last of a word of weights
    biases_at = begin(words.data, biases.bits, load_bits)  # first bit of a word of biases in words_data
    biases_end = biases_at + biases.bits  # the bit after the last of a word of biases
    threshold_at = begin(words.data, limit.bits, load_bits)  # first bit of the threshold in words_data
    threshold_end = threshold_at + limit.bits  # the bit after the threshold's last
    beta_at = begin(words.data, leak.bits, load_bits)  # first bit of the leak in words_data
    beta_end = beta_at + spec.frac + 1  # the bit after the leak's last
    threshold = word(limit.bits)
    beta = word(spec.frac + 1) if loads_beta else spec.beta
    load = LayerLoad(
        bit(), bit(), words.address, words.data(weights_end, weights_at), words.data(biases_end, biases_at)
    )
    reader = FrameReader.new(spec.in_words, spec.word_bits)
    narrow = FrameWriter.new(spec.out_words, spec.lanes) if packs else next_writer
    numbers = (num_steps, threshold, beta)
    parts = [
        spike_buffer(clk, rst, writer, reader),
        layer(clk, rst, *numbers, reader, narrow, decided, load, cleared, probe, spec, probed, summed),
    ]
    if packs:
        parts.append(pack(clk, rst, narrow, next_writer, spec.out_channels, row))

    @always_comb
    def choose():
        load.weights.next = words.write and words.section == first
        load.biases.next = words.write and words.section == first + 1

    @always(clk.posedge)
    def hold_threshold():
        if words.write and words.section == first + 2:
            threshold.next = words.data[threshold_end:threshold_at]

    if loads_beta:

        @always(clk.posedge)
        def hold_beta():
            if words.write and words.section == first + 3:
                beta.next = words.data[beta_end:beta_at]

        parts.append(hold_beta)
    return [*parts, choose, hold_threshold]
