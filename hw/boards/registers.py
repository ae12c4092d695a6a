"""The registers of an accelerator in a system: what it is, how it is, and how many cycles it takes."""

from myhdl import ConcatSignal, Signal, always, always_comb, block, intbv, modbv

from ..load_format import design_word

VERSION = 1  # of this map
# Addresses in bytes.
AT_VERSION, AT_DESIGN, AT_STATUS, AT_CONTROL, AT_MARGIN = range(0x00, 0x14, 4)
AT_CYCLES, AT_CYCLES_HIGH, AT_ANSWERS, AT_ANSWER_CYCLES, AT_INPUT_WAITS, AT_OUTPUT_WAITS = range(0x14, 0x2C, 4)
ADDRESSES = {
    "version": AT_VERSION,
    "design": AT_DESIGN,
    "status": AT_STATUS,
    "control": AT_CONTROL,
    "exit margin": AT_MARGIN,
    "cycles": AT_CYCLES,
    "cycles, high": AT_CYCLES_HIGH,
    "answers": AT_ANSWERS,
    "answer cycles": AT_ANSWER_CYCLES,
    "input waits": AT_INPUT_WAITS,
    "output waits": AT_OUTPUT_WAITS,
}
# Bits of status. "had" is 1 if the bit was 1 since the errors were cleared.
STATUS = (
    "loaded",
    "load error",
    "input error",
    "loading",
    "receiving",
    "answering",
    "flushing",
    "had load error",
    "had input error",
    "had link error",
    "margin waits",
)
FLUSH, CLEAR = 0, 1  # bits of control


@block
def registers(clk, rst, regs, load, images, answers, loaded, load_error, input_error, link_error, flush, change, spec):
    """Hold the registers, flush the accelerator between two answers, and change the margin of early exit.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous.
    regs : RegisterPort
    load, images, answers : Stream, in
        The accelerator's own streams.
    loaded, load_error, input_error, link_error : in
    flush : out
        1 for a cycle, in which no answer is under way.
    change : MarginChange, out
        The margin that was written last, until it is taken; `change_present`, in, is what is read.
    """
    fits, most = design_word(spec), spec.most_gain if spec.exits else 0
    low, high = fits & 0xFFFF, fits >> 16  # VHDL has no integers of 32 bits
    cycles = Signal(modbv(0)[64:])
    count, input_waits, output_waits = [Signal(modbv(0)[32:]) for _ in range(3)]
    last_cycles = Signal(intbv(0)[32:])
    wanted, flushes, clears, changes, waits, loading, receiving, answering, had_load, had_input, had_link = [
        Signal(bool(0)) for _ in range(11)
    ]
    is_margin = Signal(bool(0))  # the present access is to the margin, and the number fits
    errors, had = (load_error, input_error), (had_load, had_input, had_link)
    status = ConcatSignal(*reversed((loaded, *errors, loading, receiving, answering, wanted, *had, waits)))

    @always_comb
    def read():
        regs.exists.next = True
        regs.value.next = 0
        if regs.read_address == AT_VERSION:
            regs.value.next = VERSION
        elif regs.read_address == AT_DESIGN:
            regs.value.next[16:] = low
            regs.value.next[32:16] = high
        elif regs.read_address == AT_STATUS:
            regs.value.next = status
        elif regs.read_address == AT_CONTROL:
            regs.value.next = 0
        elif regs.read_address == AT_MARGIN:
            regs.value.next = change.present
        elif regs.read_address == AT_CYCLES:
            regs.value.next = cycles[32:]
        elif regs.read_address == AT_CYCLES_HIGH:
            regs.value.next = cycles[64:32]
        elif regs.read_address == AT_ANSWERS:
            regs.value.next = count
        elif regs.read_address == AT_ANSWER_CYCLES:
            regs.value.next = last_cycles
        elif regs.read_address == AT_INPUT_WAITS:
            regs.value.next = input_waits
        elif regs.read_address == AT_OUTPUT_WAITS:
            regs.value.next = output_waits
        else:
            regs.exists.next = False

    @always_comb
    def judge():
        is_margin.next = regs.write_address == AT_MARGIN and regs.data <= most

    @always_comb
    def write():
        regs.accepted.next = regs.write_address == AT_CONTROL or is_margin
        changes.next = regs.write and is_margin
        flushes.next = regs.write and regs.write_address == AT_CONTROL and regs.data[FLUSH]
        clears.next = regs.write and regs.write_address == AT_CONTROL and regs.data[CLEAR]
        flush.next = wanted and not answering and not answers.tvalid
        change.wanted.next = waits

    @always(clk.posedge)
    def state():
        wanted.next = (wanted or flushes) and not flush
        waits.next = changes or (waits and not change.taken)
        if changes:
            change.value.next = regs.data[len(change.value) :]
        if load.tvalid and load.tready:
            loading.next = not load.tlast
        if images.tvalid and images.tready:
            receiving.next = not images.tlast
        if answers.tvalid and answers.tready:
            answering.next = not answers.tlast
        had_load.next = load_error or (had_load and not clears)
        had_input.next = input_error or (had_input and not clears)
        had_link.next = link_error or (had_link and not clears)
        if flush:
            receiving.next = False
        if rst:
            wanted.next = False
            waits.next = False
            loading.next = False
            receiving.next = False
            answering.next = False
            had_load.next = False
            had_input.next = False
            had_link.next = False

    @always(clk.posedge)
    def measure():
        cycles.next = cycles + 1
        if answers.tvalid and answers.tready and answers.tlast:
            count.next = count + 1
            last_cycles.next = answers.tdata[32:]
        if images.tvalid and not images.tready:
            input_waits.next = input_waits + 1
        if answers.tvalid and not answers.tready:
            output_waits.next = output_waits + 1
        if rst:
            cycles.next = 0
            count.next = 0
            last_cycles.next = 0
            input_waits.next = 0
            output_waits.next = 0

    return read, judge, write, state, measure
