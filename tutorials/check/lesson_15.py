"""Lesson 15: frames of a line, credit, and the pace of a board."""

from .exercise import Exercise

END, ESC, SECOND = 0xC0, 0xDB, {0xDC: 0xC0, 0xDD: 0xDB}


def decode(line):
    """Byte by byte, as the board does it."""
    frames, frame, escaped = [], bytearray(), False
    for byte in line:
        if byte == END:
            frames.append(bytes(frame))
            frame = bytearray()
        elif byte == ESC and not escaped:
            escaped = True
        else:
            frame.append(SECOND[byte] if escaped else byte)
            escaped = False
    return frames


def replaced(line, first, then, ends=-1):
    return [frame.replace(*first).replace(*then) for frame in line.split(b"\xc0")[:ends]]


TO_END, TO_ESC = (b"\xdb\xdc", b"\xc0"), (b"\xdb\xdd", b"\xdb")
LINE = b"I\x01\x02\xc0" + b"I\xdb\xdc\x05\xdb\xdd\xc0" + b"R\xdb\xdd\xdc\xc0" + b"A\x07"


def pace(there, back, cycles, clock, baud, bits=10):
    return min(baud / bits / max(there, back), clock / cycles)


EXERCISES = [
    Exercise(
        name="decode",
        cases=[(LINE,), (b"K\xc0",)],
        right=lambda line: [str(frame) for frame in decode(line)],
        mistakes={
            "the ESC of an escaped ESC is looked at a second time": lambda line: replaced(line, TO_ESC, TO_END),
            "what comes after the last END is not whole yet": lambda line: replaced(line, TO_END, TO_ESC, None),
            "the escapes are still there": lambda line: line.split(b"\xc0")[:-1],
        },
        values=("list of frames",),
        use=lambda function, line: [str(frame) for frame in function(line)],
    ),
    Exercise(
        name="may_send",
        cases=[
            (0, 0, 2048, 512),
            (2048, 0, 2048, 512),
            (3000, 2, 2048, 512),
            (1100, 2, 2048, 512),
            (9000, 9, 2048, 512),
        ],
        right=lambda sent, confirmations, window, credit: max(window + confirmations * credit - sent, 0),
        mistakes={
            "a K stands for credit bytes, not for one": lambda sent, confirmations, window, credit: max(
                window + confirmations - sent, 0
            ),
            "what was confirmed has left the queue; it does not count any more": lambda sent, _, window, credit: max(
                window - sent, 0
            ),
            "it is below 0 if more is under way than fits": lambda sent, confirmations, window, credit: (
                window + confirmations * credit - sent
            ),
            "these are the bytes under way, not those that may follow": lambda sent, confirmations, window, credit: (
                sent - confirmations * credit
            ),
        },
        values=("number of bytes",),
        doing=lambda sent, confirmations, window, credit: f"{sent} sent, {confirmations} times K",
    ),
    Exercise(
        name="images_a_second",
        cases=[(50, 50, 12_000, 25e6, 115_200), (20, 60, 1_000, 25e6, 1e6), (50, 20, 90_000, 27e6, 3e6)],
        right=pace,
        mistakes={
            "a byte takes ten bits, with its start and its stop": lambda *case: pace(*case, bits=8),
            "there are two wires: both directions pass at once": lambda there, back, *rest: pace(
                there + back, 0, *rest
            ),
            "the line and the accelerator work at the same time; the slower one gives the pace": (
                lambda there, back, cycles, clock, baud: 1 / (10 * max(there, back) / baud + cycles / clock)
            ),
            "this is the line alone": lambda there, back, cycles, clock, baud: baud / 10 / max(there, back),
        },
        values=("images a second",),
        doing=lambda there, back, cycles, clock, baud: (
            f"{there} bytes there, {back} back, {cycles} cycles, {baud:g} baud"
        ),
    ),
]
