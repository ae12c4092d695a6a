"""The accelerator with streams of whole bytes, all of one width, and registers."""

from myhdl import ConcatSignal, always, always_comb, block

from ..accelerator import accelerator
from ..load_format import beats, sections
from ..ports import MarginChange, Stream, bit, word
from ..spec import AcceleratorSpec
from .buses import ByteStream
from .gearbox import gearbox
from .registers import registers


def whole_bytes(count: int) -> int:
    """Return the bytes that hold so many bits."""
    return -(-count // 8)


def answer_bytes(spec: AcceleratorSpec) -> int:
    """Return the bytes of a word of an answer: 4, or 8 for scores of more than 32 bits."""
    return 4 if spec.output_bits <= 32 else 8


def longest_image(spec: AcceleratorSpec) -> int:
    """Return the words of the longest image."""
    first = spec.layers[0]
    return first.in_words * (1 if first.input_bits else spec.max_steps)


def longest_load(spec: AcceleratorSpec) -> int:
    """Return the beats of a load."""
    return sum(section.words * each for section, each in zip(sections(spec), beats(spec)))


@block
def streamed(clk, rst, s_load, s_input, m_output, regs, link_error, loaded, best, answered, spec):
    """Put the accelerator behind streams of bytes, and behind registers.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous.
    s_load, s_input : ByteStream, in
        The words of ``accelerator``'s streams, each in as many bytes as it needs, the lowest first, without gaps. A
        packet is a load, or an image. One that does not end with a word, or has a hole, is refused as too long.
    m_output : ByteStream, out
        An answer: words of 4 bytes, or of 8 if scores have more than 32 bits, in two's complement.
    regs : RegisterPort
    link_error : in
        1 for a cycle when bytes were lost on their way; see ``registers``.
    loaded : out
        See ``accelerator``.
    best, answered : out
        The class of the last answer, and 1 for a cycle with each.
    """
    load_word, input_word = [Stream.new(8 * whole_bytes(width)) for width in (spec.load_bits, spec.input_bits)]
    load, answer, wide = Stream.new(spec.load_bits), Stream.new(spec.output_bits), ByteStream.new(answer_bytes(spec))
    load_error, input_error, flush = [bit() for _ in range(3)]
    load_keep, input_keep = [word(len(stream.tdata) // 8) for stream in (load_word, input_word)]
    take_load = gearbox(clk, rst, False, s_load, load_word, load_keep, longest_load(spec))
    take_image = gearbox(clk, rst, flush, s_input, input_word, input_keep, longest_image(spec))
    give = gearbox(clk, rst, False, wide, m_output, m_output.tkeep, 0)
    states, change = (loaded, load_error, input_error), MarginChange.new(spec.margin_bits)
    core = accelerator(clk, rst, flush, load, input_word, answer, *states, change, None, spec)
    held = registers(clk, rst, regs, load, input_word, answer, *states, link_error, flush, change, spec)
    missing = 8 * answer_bytes(spec) - spec.output_bits
    sign = answer.tdata(spec.output_bits - 1)
    extended = ConcatSignal(*[sign] * missing, answer.tdata) if missing else answer.tdata
    load_bits = spec.load_bits
    every = (1 << answer_bytes(spec)) - 1

    @always_comb
    def join_load():
        load.tdata.next = load_word.tdata[load_bits:]
        load.tvalid.next = load_word.tvalid
        load.tlast.next = load_word.tlast
        load_word.tready.next = load.tready

    @always(clk.posedge)
    def look():
        answered.next = answer.tvalid and wide.tready and answer.tlast
        if answer.tvalid and wide.tready and not answer.tlast:
            best.next = answer.tdata[len(best) :]  # the class is the last word but one

    @always_comb
    def join_answer():
        wide.tdata.next = extended
        wide.tkeep.next = every
        wide.tvalid.next = answer.tvalid
        wide.tlast.next = answer.tlast
        answer.tready.next = wide.tready

    return take_load, take_image, give, core, held, join_load, look, join_answer
