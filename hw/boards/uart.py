"""A serial line: 8 bits a byte, no parity, one stop bit."""

from myhdl import Signal, always, always_comb, block, concat, intbv

FRAME = 10  # bits of a byte on the line
LEAST = 4  # clock cycles of a bit


def divide_for(clock: int, baud: int) -> int:
    """Return the clock cycles of a bit; raise ValueError if a line so fast cannot be had from a clock in Hz.

    A receiver finds the middle of each bit if ten bits are no more than a fifth of one too long or too short.
    """
    divide = round(clock / baud)
    if divide < LEAST or abs(clock / (divide * baud) - 1) > 0.02:
        raise ValueError(
            f"baud must be a part of the board's {clock:,} Hz by a whole number from {LEAST} on, within 2 %, such as "
            f"{clock // LEAST} or 115200, got {baud}"
        )
    return divide


@block
def uart_receiver(clk, rst, rx, data, valid, wrong, divide):
    """Receive bytes.

    Parameters
    ----------
    divide : int
        Clock cycles of a bit, at least LEAST.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous.
    rx : in
        The line; it follows no clock, so it passes two registers.
    data, valid : out
        A byte in a cycle in which `valid` is 1.
    wrong : out
        1 for a cycle if a byte has no stop bit; it is dropped.
    """
    first, line = [Signal(bool(1)) for _ in range(2)]
    left = Signal(intbv(0, min=0, max=FRAME + 1))
    ticks = Signal(intbv(0, min=0, max=divide))
    held = Signal(intbv(0)[8:])
    half = divide // 2

    @always(clk.posedge)
    def receive():
        first.next = rx
        line.next = first
        valid.next = False
        wrong.next = False
        if left == 0:
            if not line:
                left.next = FRAME
                ticks.next = half  # to the middle of the start bit
        elif ticks != 0:
            ticks.next = ticks - 1
        else:
            ticks.next = divide - 1
            left.next = left - 1
            if left == FRAME:
                if line:  # no start bit: a disturbance
                    left.next = 0
            elif left == 1:
                valid.next = line
                wrong.next = not line
            else:
                held.next = concat(line, held[8:1])
        if rst:
            left.next = 0
            valid.next = False
            wrong.next = False

    @always_comb
    def outputs():
        data.next = held

    return receive, outputs


@block
def uart_sender(clk, rst, data, valid, ready, tx, divide):
    """Send bytes, each in exactly 10 bits: a longer one would lose bytes of a stream that comes at full speed.

    Parameters
    ----------
    divide : int
        Clock cycles of a bit.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous.
    data, valid, ready
        A byte is taken in a cycle in which `valid` and `ready` are 1.
    tx : out
        The line.
    """
    left = Signal(intbv(0, min=0, max=FRAME + 1))
    ticks = Signal(intbv(0, min=0, max=divide))
    shift = Signal(intbv(511)[9:])
    free = Signal(bool(0))

    @always_comb
    def outputs():
        free.next = left == 0 or (left == 1 and ticks == 0)
        ready.next = left == 0 or (left == 1 and ticks == 0)
        tx.next = shift[0]

    @always(clk.posedge)
    def send():
        if free:
            left.next = 0
            if valid:
                shift.next = concat(data, False)
                left.next = FRAME
                ticks.next = divide - 1
        elif ticks != 0:
            ticks.next = ticks - 1
        else:
            ticks.next = divide - 1
            left.next = left - 1
            shift.next = concat(True, shift[9:1])
        if rst:
            left.next = 0
            shift.next = 511

    return outputs, send
