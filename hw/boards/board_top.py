"""The whole of a board: clock, serial line and LEDs around the accelerator."""

from collections.abc import Callable

from myhdl import Signal, always, always_comb, block, intbv

from ..ports import Stream, bit, word
from ..spec import AcceleratorSpec
from .bridge import DEPTH, commands, replies
from .buses import ByteStream, RegisterPort
from .fifo import fifo
from .slip import slip_decoder, slip_encoder
from .streamed import streamed
from .uart import uart_receiver, uart_sender

RESET_CYCLES = 16  # after configuration


@block
def board_top(clk, rx, tx, led, spec, divide, lit):
    """Serve a host at the other end of a serial line.

    Parameters
    ----------
    spec : AcceleratorSpec
    divide : int
        Clock cycles of a bit.
    lit : bool
        The value at which an LED lights.

    Ports
    -----
    clk : in
        Rising edge.
    rx, tx
        The line; see ``bridge``.
    led : out
        The highest bit lights while a network is loaded, and changes with each answer. The others show the class of the
        last answer in binary.
    """
    since = Signal(intbv(0, min=0, max=RESET_CYCLES))
    rst = Signal(bool(1))
    received, given, sent = [word(8) for _ in range(3)]
    got, wrong, lost, waits, takes, taken, sends, room = [bit() for _ in range(8)]
    link_error, loaded, read, synced, replied, answered, blinks, shows = [bit() for _ in range(8)]
    orders, reports = Stream.new(8), Stream.new(8)
    load, images, answers = [ByteStream.new(1) for _ in range(3)]
    regs = RegisterPort.new()
    best = word(8)
    leds = len(led)
    receive = uart_receiver(clk, rst, rx, received, got, wrong, divide)
    queue = fifo(clk, rst, got, received, lost, given, waits, takes, DEPTH)
    decode = slip_decoder(clk, rst, given, waits, takes, orders)
    obey = commands(clk, rst, orders, loaded, load, images, regs, read, synced, replied)
    core = streamed(clk, rst, load, images, answers, regs, link_error, loaded, best, answered, spec)
    tell = replies(clk, rst, answers, regs, read, synced, replied, taken, reports)
    encode = slip_encoder(clk, rst, reports, sent, sends, room)
    send = uart_sender(clk, rst, sent, sends, room, tx, divide)

    @always(clk.posedge)
    def power_up():
        if since != RESET_CYCLES - 1:
            since.next = since + 1
        rst.next = since != RESET_CYCLES - 1

    @always_comb
    def watch():
        link_error.next = wrong or lost
        taken.next = waits and takes
        shows.next = loaded != blinks

    @always(clk.posedge)
    def blink():
        if answered:
            blinks.next = not blinks
        if rst or not loaded:
            blinks.next = False

    @always_comb
    def light():
        for i in range(leds - 1):
            led.next[i] = best[i] == lit
        led.next[leds - 1] = shows == lit

    return receive, queue, decode, obey, core, tell, encode, send, power_up, watch, blink, light


def ports(leds: int) -> tuple[dict, dict]:
    """Return (inputs, outputs): fresh signals for all ports except `clk`."""
    return {"rx": bit()}, {"tx": bit(), "led": word(leds)}


def design(spec: AcceleratorSpec, divide: int, lit: bool) -> Callable:
    """Return a function that makes the block from `clk` and the signals of :func:`ports`, by their names."""

    def make(clk, rx, tx, led):
        return board_top(clk, rx, tx, led, spec, divide, lit)

    return make
