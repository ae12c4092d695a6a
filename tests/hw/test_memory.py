"""RAM and spike buffer: what their docstrings promise, in MyHDL, and the same in VHDL cycle by cycle."""

from functools import partial

import numpy as np
import pytest

from minisnn_hw.parts.memory import ram
from minisnn_hw.ports import FrameReader, FrameWriter
from minisnn_hw.spike_buffer import spike_buffer
from minisnn_hw.verify import simulate
from tests.hw.ports import below, bit, in_ghdl, plain, run, signed, word


def ram_ports(depth, data):
    return (
        {
            "write": bit(),
            "write_address": below(depth),
            "write_data": data(5),
            "read": bit(),
            "read_address": below(depth),
        },
        {"read_data": data(5)},
    )


def random_accesses(depth, low, rng, cycles=300):
    for _ in range(cycles):
        yield {
            "write": rng.integers(2),
            "write_address": rng.integers(depth),
            "read": rng.integers(2),
            "read_address": rng.integers(depth),
            "write_data": rng.integers(low, low + 32),
        }


@pytest.mark.parametrize("depth, data, low", [(5, word, 0), (4, signed, -16), (1, word, 0)])
def test_ram(depth, data, low):
    """Latency 1; the word is held until the next read; a word written at the same edge is read as it was."""
    make, ports = partial(ram, depth=depth), partial(ram_ports, depth, data)
    given, seen = run(make, ports, random_accesses(depth, low, np.random.default_rng(0)))
    words, expected, collisions = [0] * depth, 0, 0
    for now, out in zip(given, seen):
        assert out["read_data"] == expected
        collisions += now["write"] and now["read"] and now["write_address"] == now["read_address"]
        if now["read"]:
            expected = words[now["read_address"]]
        if now["write"]:
            words[now["write_address"]] = now["write_data"]
    assert collisions > 3
    in_ghdl(make, ports, given, seen)


def test_bench_sees_a_difference():
    """The bench itself: one wrong output in one cycle is reported."""
    make, ports = partial(ram, depth=4), partial(ram_ports, 4, word)
    given, seen = run(make, ports, random_accesses(4, 0, np.random.default_rng(0), 40))
    seen[30]["read_data"] ^= 1
    with pytest.raises(simulate.Mismatch, match="cycle 30: read_data is"):
        in_ghdl(make, ports, given, seen)


class Buffer:
    """A writer and a reader of frames that keep to the ports of ``spike_buffer``, and what it must answer."""

    def __init__(self, depth, rng):
        self.depth, self.rng = depth, rng
        self.together, self.full, self.ahead = set(), 0, 0
        self.reset()

    def reset(self):
        self.claims, self.frames, self.written, self.writing, self.lasts = 0, [], {}, 0, []
        self.unread = list(range(self.depth))

    def give_back(self):
        self.claims -= 1
        self.frames.pop(0)
        self.lasts.pop(0)
        self.unread = list(range(self.depth))

    def bench(self, cycles, eagerness):
        """Cycles of both sides, each busy with its own probability."""
        rng, expected = self.rng, None
        for _ in range(cycles):
            given = {"write_address": rng.integers(self.depth), "read_address": rng.integers(self.depth)}
            writes, reads = rng.random(2) < eagerness
            free, filled = self.claims < 2, bool(self.frames)
            given |= {"claim": free and writes and rng.random() < 0.4, "last": rng.integers(2)}
            if writes and self.writing:
                left = [a for a in range(self.depth) if a not in self.written]
                address, value = int(rng.choice(left)) if left else 0, int(rng.integers(16))
                if left:
                    self.written[address] = value
                    given |= {"write": 1, "write_address": address, "write_data": value}
                given["done"] = len(left) <= 1 and (not left or rng.random() < 0.5)
            if reads and filled:
                if self.unread:
                    address = self.unread.pop(rng.integers(len(self.unread)))
                    given |= {"read": 1, "read_address": address}
                given["give_back"] = not self.unread and rng.random() < 0.5
            seen = yield given
            assert (seen["free"], seen["filled"]) == (free, filled)
            assert not filled or seen["frame_last"] == self.lasts[0]
            assert expected is None or seen["read_data"] == expected
            if given.get("read"):
                expected = self.frames[0][given["read_address"]]
            self.together.add(tuple(bool(given.get(name)) for name in ("claim", "done", "give_back")))
            self.full += not free
            self.ahead += given["claim"] and self.writing
            if given.get("done"):
                self.frames.append(dict(self.written))
                self.written, self.writing = {}, self.writing - 1
            if given["claim"]:
                self.claims, self.writing = self.claims + 1, self.writing + 1
                self.lasts.append(given["last"])
            if given.get("give_back"):
                self.give_back()


@pytest.mark.parametrize("depth", [1, 3, 4])
def test_spike_buffer(depth):
    """`free`, `filled`, `last` and every word read, with both sides at any pace; a reset forgets all."""

    def ports():
        return (
            {
                "rst": bit(),
                "claim": bit(),
                "last": bit(),
                "write": bit(),
                "write_address": below(depth),
                "write_data": word(4),
                "done": bit(),
                "read": bit(),
                "read_address": below(depth),
                "give_back": bit(),
            },
            {"free": bit(), "filled": bit(), "frame_last": bit(), "read_data": word(4)},
        )

    sides = Buffer(depth, np.random.default_rng(depth))

    def bench():
        yield {"rst": 1}
        for eagerness in ([0.9, 0.3], [0.3, 0.9], [0.7, 0.7], [1.0, 1.0], [0.5, 0.5]):
            yield from sides.bench(300, eagerness)
            yield {"rst": 1, "claim": 1, "done": sides.writing > 0}  # whatever happens in that cycle
            sides.reset()

    make = plain(
        spike_buffer,
        writer=(FrameWriter, {"address": "write_address", "data": "write_data"}),
        reader=(FrameReader, {"last": "frame_last", "address": "read_address", "data": "read_data"}),
    )
    given, seen = run(make, ports, bench())
    assert sides.full > 50 and sides.ahead > 3  # both banks taken; the second claimed while the first is written
    assert {(False, True, True), (True, False, True), (True, True, False)} <= sides.together
    in_ghdl(make, ports, given, seen)
