"""The serial line: bytes, frames, the queue and the commands, in MyHDL against Python's own, and the top as VHDL."""

import random

import pytest

from minisnn_hw.boards import board_top, host, registers
from minisnn_hw.boards.bridge import CREDIT, DEPTH
from minisnn_hw.boards.fifo import fifo
from minisnn_hw.load_format import design_word
from minisnn_hw.ports import bit, word
from minisnn_hw.verify import simulate
from tests.boards.designs import case, vectors
from tests.hw.ports import needs

DIVIDE = 4


class Line:
    """The host's end of the line, cycle by cycle: sends bytes, and gathers those that come.

    `data` are bytes to send; None waits for 40 bit times.
    """

    def __init__(self, data, cycles):
        self.cycles, self.levels = cycles, [1] * 40
        for byte in data:
            frame = 0x3FF if byte is None else 0x200 | byte << 1
            self.levels += [frame >> at & 1 for at in range(10) for _ in range(DIVIDE)] * (4 if byte is None else 1)
        self.tx, self.leds = [], []

    def __call__(self, cycle, seen):
        self.tx.append(seen["tx"])
        self.leds.append(seen["led"])
        if cycle == self.cycles:
            raise StopIteration
        return {"rx": self.levels[cycle] if cycle < len(self.levels) else 1}

    def received(self):
        """Return the bytes that came; each must have its stop bit."""
        result, at = bytearray(), 40
        while (at := self.tx.index(0, at) if 0 in self.tx[at:] else 0) and at + 10 * DIVIDE <= len(self.tx):
            bits = [self.tx[at + bit * DIVIDE + DIVIDE // 2] for bit in range(10)]
            assert bits[9] == 1
            result.append(sum(level << bit for bit, level in enumerate(bits[1:9])))
            at += 10 * DIVIDE - DIVIDE // 2
        return bytes(result)

    def frames(self):
        return [host.decode(frame) for frame in self.received().split(host.END)[:-1]]


def talk(kind, frames, cycles, ghdl=False):
    """Send frames to a board; return those that it sends, and the values of its LEDs."""
    data = [byte for frame in frames for byte in (frame if isinstance(frame, list) else host.encode(bytes(frame)))]
    line = Line(data, cycles)
    make = board_top.design(case(kind)[0], DIVIDE, True)
    given, seen = simulate.run(make, *board_top.ports(4), line)
    if ghdl:
        needs("ghdl")
        simulate.same_in_ghdl(make, *board_top.ports(4), given, seen)
    return line.frames(), line.leds


@pytest.fixture(scope="module")
def conversation():
    """All that happens on the line, and the LEDs, when a host does everything once; in VHDL too."""
    load, images, _ = vectors("pixels")
    frames = [b"S", b"R\x04", b"I" + images[0], b"L" + load, [None], b"R\x08"]
    frames += [b"?" + bytes(3), b"I" + images[0], b"I" + images[1], b"W\x0c\x02\0\0\0", b"W\x0c\x02\0\0", b"R\x08\x01"]
    return talk("pixels", frames, 20_000, ghdl=True)


def test_a_whole_conversation(conversation):
    """Into step, the design, an image before the load (dropped), the load, answers; and in VHDL the same cycles."""
    answers = vectors("pixels")[2]
    frames, _ = conversation
    assert frames[0] == b"S"
    values = [int.from_bytes(frame[1:], "little") for frame in frames if frame[:1] == b"R"]
    assert values == [design_word(case("pixels")[0]), host.LOADED]
    got = [host.numbers(frame[1:], 4)[:-1] for frame in frames if frame[:1] == b"A"]
    assert got == answers[:2]
    assert {frame[:1] for frame in frames} == {b"S", b"R", b"A"}


def test_leds_show_the_class(conversation):
    """The highest one lights after the load and changes with each answer; the others are the class."""
    answers = vectors("pixels")[2]
    _, leds = conversation
    changes = [now for before, now in zip(leds[20:], leds[21:]) if now != before]
    highest = [value >> 3 for value in changes]
    assert highest[0] == 1 and highest[-1] == 1  # loaded, and two answers later
    assert changes[-1] & 7 == answers[1][-1]


def test_a_queue_keeps_the_order():
    """Against a list: bytes come out in order, whatever the pauses; those without a place are counted as lost."""
    rng, model, out, lost = random.Random(1), [], [], 0

    def make(clk, rst, write, given, ready, lost, data, valid):
        return fifo(clk, rst, write, given, lost, data, valid, ready, 8)

    given = {}

    def drive(cycle, seen):
        nonlocal given, lost
        if cycle == 3000:
            raise StopIteration
        if cycle > 3:
            lost += seen["lost"]
            if seen["valid"] and given["ready"]:
                out.append(seen["data"])
            if given["write"]:
                model.append(given["given"])
        busy = cycle % 200 < 150
        given = {"rst": int(cycle < 3), "write": int(cycle > 3 and rng.random() < (0.5 if busy else 0))}
        given |= {"given": rng.randrange(256), "ready": int(rng.random() < 0.6)}
        return given

    inputs = {"rst": bit(), "write": bit(), "given": word(8), "ready": bit()}
    simulate.run(make, inputs, {"lost": bit(), "data": word(8), "valid": bit()}, drive)
    assert len(model) - lost == len(out) > 1000
    rest = iter(model)
    assert all(byte in rest for byte in out)  # a subsequence


def test_frames_of_any_bytes():
    """Every byte is escaped and comes back; the host and RFC 1055 agree on the four special ones."""
    frame = bytes(range(256)) + b"\xc0\xc0\xdb\xdc\xdb\xdd\xdb"
    line = host.encode(frame)
    assert line.count(host.END) == 1 and host.decode(line[:-1]) == frame
    assert host.encode(b"\xc0\xdb") == b"\xdb\xdc\xdb\xdd\xc0"
    assert host.WINDOW == DEPTH and host.CREDIT == CREDIT


def test_the_host_knows_the_registers():
    """The host program stands alone, so it has its own copies of addresses and bits."""
    assert [host.DESIGN, host.STATUS, host.CONTROL] == [registers.ADDRESSES[n] for n in ("design", "status", "control")]
    bits = {name: 1 << bit for bit, name in enumerate(registers.STATUS)}
    assert [host.LOADED, host.LOAD_ERROR, host.FLUSHING] == [bits[n] for n in ("loaded", "load error", "flushing")]
    assert [host.FLUSH, host.CLEAR] == [1 << registers.FLUSH, 1 << registers.CLEAR]
