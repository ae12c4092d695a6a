"""The gearbox: bytes come out as they went in, whatever the widths and stalls, and wrong packets become too long."""

import numpy as np
import pytest

from minisnn_hw.boards.buses import ByteStream
from minisnn_hw.boards.gearbox import gearbox
from minisnn_hw.ports import Stream, bit, word
from minisnn_hw.verify import simulate
from tests.hw.ports import needs, stalls

WIDTHS = [(1, 1), (1, 4), (4, 1), (2, 4), (4, 4), (8, 4), (4, 8), (4, 3), (3, 4), (8, 3), (2, 16)]


def made(in_bytes, out_bytes, longest):
    """Return the block under the names of its ports, and these."""

    def make(clk, rst, cut, given_keep, **signals):
        streams = ByteStream.of("taken", signals), Stream.of("given", signals)
        return gearbox(clk, rst, cut, *streams, given_keep, longest)

    taken, given = ByteStream.new(in_bytes), Stream.new(8 * out_bytes)
    inputs = {"rst": bit(), "cut": bit(), **taken.named("taken", "tdata", "tkeep", "tvalid", "tlast")}
    inputs |= given.named("given", "tready")
    outputs = {**taken.named("taken", "tready"), **given.named("given", "tdata", "tvalid", "tlast")}
    return make, inputs, outputs | {"given_keep": word(out_bytes)}


class Bench:
    """Sends packets of (data, keep, last) beats and gathers what comes out, as (data, keep, last).

    `cuts` are the cycles in which `cut` is 1, and what is offered then counts as taken.
    """

    def __init__(self, packets, offers, takes, cuts=(), quiet=40):
        self.beats = [beat for packet in packets for beat in packet]
        self.offers, self.takes, self.cuts, self.quiet = offers, takes, cuts, quiet
        self.at, self.out, self.given, self.idle, self.kept = 0, [], {}, 0, None

    def __call__(self, cycle, seen):
        if cycle < 2:
            return {"rst": 1}
        if cycle > 2:
            self.look(seen)
        if self.idle > self.quiet:
            raise StopIteration
        offered = self.given.get("taken_tvalid")  # an offer is never withdrawn
        self.given = {"given_tready": self.takes(cycle), "cut": int(cycle in self.cuts)}
        if self.at < len(self.beats) and (offered or self.offers(cycle)):
            data, keep, last = self.beats[self.at]
            self.given |= {"taken_tvalid": 1, "taken_tdata": data, "taken_tkeep": keep, "taken_tlast": int(last)}
        return self.given

    def look(self, seen):
        self.idle += 1
        offer = (seen["given_tdata"], seen["given_keep"], seen["given_tlast"]) if seen["given_tvalid"] else None
        assert self.kept is None or offer == self.kept  # an offer stays as it is until it is taken
        self.kept = None if self.given["given_tready"] or self.given["cut"] else offer
        if self.given.get("taken_tvalid") and seen["taken_tready"]:
            self.at, self.idle = self.at + 1, 0
            self.given = {**self.given, "taken_tvalid": 0}
        if offer and self.given["given_tready"] and not self.given["cut"]:
            self.out.append(offer)
            self.idle = 0


def beats(data, width):
    """Cut bytes into the beats of a packet."""
    cuts = range(0, len(data), width)
    parts = [(data[at : at + width], at == cuts[-1]) for at in cuts]
    return [(int.from_bytes(part, "little"), (1 << len(part)) - 1, last) for part, last in parts]


def random_bytes(rng, count):
    return rng.integers(0, 256, count, dtype=np.uint8).tobytes()


def run(make, bench, ghdl=False):
    given, seen = simulate.run(*make, bench, 20_000)
    if ghdl:
        needs("ghdl")
        simulate.same_in_ghdl(*make, given, seen)
    return bench.out


@pytest.mark.parametrize("offers", ["always", "random"])
@pytest.mark.parametrize("takes", ["always", "random"])
@pytest.mark.parametrize("in_bytes, out_bytes", WIDTHS)
def test_bytes_come_out_as_they_went_in(in_bytes, out_bytes, offers, takes):
    """Packets of whole beats on the strict side; of any length on the other."""
    rng = np.random.default_rng(in_bytes * 100 + out_bytes)
    packets = [random_bytes(rng, out_bytes * int(count)) for count in rng.integers(1, 9, 12)]
    sent = [beats(packet, in_bytes) for packet in packets]
    out = run(made(in_bytes, out_bytes, 9), Bench(sent, stalls(offers, rng), stalls(takes, rng)))
    assert [(data, last) for data, _, last in out] == [
        (data, last) for packet in packets for data, _, last in beats(packet, out_bytes)
    ]
    packets = [random_bytes(rng, in_bytes * int(count)) for count in rng.integers(1, 9, 12)]
    sent = [beats(packet, in_bytes) for packet in packets]
    out = run(made(in_bytes, out_bytes, 0), Bench(sent, stalls(offers, rng), stalls(takes, rng)))
    assert out == [beat for packet in packets for beat in beats(packet, out_bytes)]


@pytest.mark.parametrize("in_bytes, out_bytes", [(4, 4), (8, 4), (1, 4), (3, 4)])
def test_the_narrower_side_never_waits(in_bytes, out_bytes):
    data = bytes(range(240))
    bench = Bench([beats(data, in_bytes)], lambda cycle: 1, lambda cycle: 1)
    _, seen = simulate.run(*made(in_bytes, out_bytes, 60), bench, 400)
    assert len(bench.out) == 60
    assert len(seen) <= 240 // min(in_bytes, out_bytes) + 50


WRONG = {
    "a byte too few": lambda packet: [*packet[:-1], (packet[-1][0], packet[-1][1] >> 1, True)],
    "a hole": lambda packet: [(packet[0][0], 0b1011, False), *packet[1:]],
    "no first byte": lambda packet: [(packet[0][0], 0b1110, False), *packet[1:]],
    "a part of a beat within": lambda packet: [(packet[0][0], 0b0011, False), *packet[1:]],
    "no byte at the end": lambda packet: [*packet[:-1], (packet[-1][0], 0, True)],
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("out_bytes", [2, 4, 3, 8])
def test_a_wrong_packet_becomes_too_long(wrong, out_bytes):
    """Its bytes cannot pass for a packet of any length up to the longest; the next one is whole."""
    rng = np.random.default_rng(out_bytes)
    good = random_bytes(rng, 24)
    sent = [WRONG[wrong](beats(random_bytes(rng, 24), 4)), beats(good, 4)]
    out = run(made(4, out_bytes, 12), Bench(sent, stalls("random", rng), stalls("random", rng)))
    first = [last for _, _, last in out].index(1) + 1
    assert first > 12
    assert [(data, last) for data, _, last in out[first:]] == [(d, last) for d, _, last in beats(good, out_bytes)]


@pytest.mark.parametrize("at", range(4, 24, 3))
def test_a_cut_drops_what_is_under_way(at):
    """After a cut in any cycle, the next packet that begins comes out whole, and nothing of one that was cut."""
    rng = np.random.default_rng(at)
    packets = [random_bytes(rng, 16) for _ in range(4)]
    bench = Bench([beats(packet, 4) for packet in packets], lambda cycle: 1, lambda cycle: cycle % 3 == 0, cuts=(at,))
    out = run(made(4, 2, 9), bench)
    whole = [[(d, last) for d, _, last in beats(packet, 2)] for packet in packets]
    seen = [(data, last) for data, _, last in out]
    assert seen[-8:] == whole[3] and len(seen) < 32
    for packet in whole:  # each is there whole, or its beginning alone, before the cut
        begun = [beat for beat in seen if beat in packet]
        assert begun == packet[: len(begun)]


@pytest.mark.parametrize("in_bytes, out_bytes, longest", [(8, 3, 6), (1, 4, 6), (4, 8, 0), (4, 1, 0)])
def test_vhdl_is_the_same(in_bytes, out_bytes, longest):
    rng = np.random.default_rng(5)
    packets = [beats(random_bytes(rng, 4 * int(count)), in_bytes) for count in rng.integers(1, 9, 12)]
    assert run(made(in_bytes, out_bytes, longest), Bench(packets, stalls("random", rng), stalls("random", rng)), True)
