"""Streams in and out: input, load and answer, stall in x stall out x widths; MyHDL and VHDL."""

import zlib
from functools import partial
from itertools import count as count_up
from itertools import product

import numpy as np
import pytest
from myhdl import Signal, modbv

from minisnn_hw.loader import loader
from minisnn_hw.parts.crc import crc32
from minisnn_hw.ports import Decided, FrameWriter, LoadWriter, Stream
from minisnn_hw.scores import scores
from minisnn_hw.stream_in import stream_in
from tests.hw.ports import PATTERNS, address, below, bit, in_ghdl, pack, plain, run, stalls, word


class Rules:
    """The rules of the input stream, cycle by cycle; `place` counts the words of an image."""

    def __init__(self, words, frames):
        self.words, self.count, self.dropped = words, words * frames, 0
        self.reset()

    def reset(self):
        self.place, self.mode, self.claimed, self.error, self.image = 0, "take", False, False, 0

    def cycle(self, given):
        """Return the outputs of a cycle, and prepare the next."""
        place, tvalid, tlast = self.place, given["tvalid"], given["tlast"]
        taking, filling = self.mode == "take", self.mode == "fill"
        last = place >= self.count - self.words
        # The image is answered already: its frames are dropped, but not one that has begun, and not the last.
        dropped = given["early"] and given["image"] == self.image and not (self.claimed or last)
        room, first = self.claimed or given["free"] or dropped, place < self.words
        ready = taking and room and (place > 0 or given["allowed"])
        taken = ready and tvalid
        misfit = taken and tlast != (place == self.count - 1)
        stop = given["wanted"] and ready and place > 0 and not tvalid
        moves, wrong = taken or (filling and room), misfit or stop
        put = moves and not dropped
        done = put and (place + 1) % self.words == 0 and not (misfit and first)
        seen = {
            "tready": ready or self.mode == "drop",
            "claim": put and not self.claimed,
            "last": last,
            "write": put,
            "done": done,
            "begins": taken and place == 0,
            "counts": done and first,
            "spoils": wrong and not first,
            "under_way": place > 0,
            "error": self.error,
        }
        if put:
            data = given["tdata"] if taking else 0
            seen |= {"write_address": place % self.words, "write_data": data % (1 << self.bits)}
        if given["rst"]:
            self.reset()
            return seen
        if seen["claim"] and last:
            self.image = (self.image + 1) % 4
        if wrong or (taken and tlast):
            self.error = wrong
        if wrong and first:  # dropped; the bank serves the next image
            self.place, self.claimed = 0, True
        elif moves:
            self.place, self.claimed = (place + 1) % self.count, put and not done
            self.dropped += dropped
        if misfit and not tlast:
            self.mode = "drop"
        elif wrong and not first:
            self.mode = "fill"
        elif filling and self.place == 0:
            self.mode = "take"
        elif self.mode == "drop" and (tlast if tvalid else given["wanted"]):
            self.mode = "take"
        return seen


def taken_images(packets, words, frames):
    """Return what reaches the layers: (frames, whether it is spoilt) of each image that is not dropped."""
    result, count = [], words * frames
    for packet in packets:
        kept = packet[:count] + [0] * (count - len(packet))
        if len(packet) == count or (frames > 1 and len(packet) > words):
            frames_of = [kept[at : at + words] for at in range(0, count, words)]
            result.append((frames_of, len(packet) != count))
    return result


@pytest.mark.parametrize("words, frames, bits", [(1, 1, 3), (1, 3, 8), (4, 1, 8), (3, 2, 5), (5, 3, 1)])
def test_stream_in(words, frames, bits):
    """Images that are right, short and long: every output in every cycle, and what is written in the end."""

    def ports():
        given = {name: bit() for name in ("rst", "allowed", "wanted", "tvalid", "tlast", "free", "early")}
        seen = ("tready", "claim", "last", "write", "done", "begins", "counts", "spoils", "under_way", "error")
        return given | {"image": word(2), "frames": word(3), "tdata": word(8)}, {name: bit() for name in seen} | {
            "write_address": below(words),
            "write_data": word(bits),
        }

    rng = np.random.default_rng(words * 10 + frames)
    rules, count = Rules(words, frames), words * frames
    rules.bits = bits
    modes, answered = set(), []

    def cycle(**given):
        given = {"rst": 0, "allowed": 1, "wanted": 0, "tvalid": 0, "tlast": 0, "free": 1, "tdata": 0} | given
        given = {"early": 0, "image": rules.image} | given
        if given["early"]:
            given["image"] = answered[-1]  # this number does not change while an image is answered early
        answered.append(given["image"])
        modes.add((rules.mode, given["wanted"], given["tvalid"]))
        expected = rules.cycle(given)
        seen = yield given | {"frames": frames}
        assert {name: seen[name] for name in expected} == expected
        return seen

    def send(packets, offers, frees, allows, wants, ends=lambda: 0):
        """Send packets; return the images that reach the layers."""
        images, frame, at = [], [], 0
        words_left = [(value, place == len(packet) - 1) for packet in packets for place, value in enumerate(packet)]
        offered = False
        while at < len(words_left) or rules.mode == "fill":
            more = at < len(words_left)
            offered = more and (offered or offers())
            data, last = words_left[at] if more else (0, 0)
            data = data if offered else int(rng.integers(256))
            seen = yield from cycle(
                tvalid=offered,
                tlast=last,
                tdata=data,
                free=frees(),
                allowed=allows(),
                wanted=wants(),
                early=rules.place >= words and ends(),
                image=(rules.image + int(rng.random() < 0.2)) % 4,
            )
            if offered and seen["tready"]:
                at, offered = at + 1, False
            if seen["write"]:
                frame = frame[: seen["write_address"]] + [seen["write_data"]]
            if seen["counts"]:
                images.append(([], False))
            if seen["done"]:
                images[-1][0].append(frame)
            if seen["spoils"]:
                images[-1] = (images[-1][0], True)
        return images

    def packet(length):
        return [int(value) for value in rng.integers(1 << bits, size=length)]

    def bench():
        yield {"rst": 1, "frames": frames}
        for patterns in product(PATTERNS, PATTERNS, PATTERNS):
            offers, frees, allows = (partial(next, map(stalls(pattern, rng), count_up())) for pattern in patterns)
            yield from cycle(rst=1, tvalid=1)  # it is not the first word
            lengths = [count, count, *rng.integers(1, count + 4, 3), count, *rng.integers(1, 2 * count + 2, 2), count]
            packets = [packet(length) for length in lengths]
            images = yield from send(packets, offers, frees, allows, lambda: 0)
            assert images == taken_images(packets, words, frames)
            assert not rules.error
            # Images end early, and others do at the same time, which concerns nobody here.
            yield from send(packets, offers, frees, allows, lambda: 0, lambda: int(rng.random() < 0.6))
            # A load that waits stops images; then a reset comes in the middle of one.
            yield from send(packets, offers, frees, allows, lambda: int(rng.random() < 0.3))
            yield from send([packet(count // 2 + 1)], offers, frees, allows, lambda: 0)

    writer = (FrameWriter, {"address": "write_address", "data": "write_data"})
    make = plain(partial(stream_in, words=words), stream=Stream, writer=writer, decided=Decided)
    given, seen = run(make, ports, bench())
    wanted = {("take", 1, 0), ("drop", 1, 0), ("drop", 0, 1)} | ({("fill", 0, 1)} if frames > 1 else set())
    assert modes >= wanted
    assert rules.dropped > 5 or frames < 3
    in_ghdl(make, ports, given, seen)


@pytest.mark.parametrize(
    "words, beats, beat_bits", [((1, 5, 2, 1), (1, 3, 2, 1), 4), ((3, 1), (1, 1), 6), ((2,), (2,), 3)]
)
def test_loader(words, beats, beat_bits):
    """Every word with its section and address a cycle after its last beat; the outcome by `tlast` and check."""
    width = max(beats) * beat_bits

    def ports():
        given = {name: bit() for name in ("rst", "idle", "refused", "tvalid", "tlast")}
        seen = ("wanted", "loaded", "error", "begins", "summed", "tready", "write")
        return given | {"tdata": word(beat_bits)}, {name: bit() for name in seen} | {
            "section": below(len(words)),
            "address": below(max(words)),
            "data": word(width),
        }

    rng = np.random.default_rng(width)
    places = [
        (section, at, beat) for section, (n, k) in enumerate(zip(words, beats)) for at in range(n) for beat in range(k)
    ]
    whole, outcomes, state = len(places), set(), {"loaded": False, "error": False}

    def load(offers, idles, length, wrong, cut):
        """Send a load of `length` beats, its word number `wrong` refused, and a reset in cycle `cut`.

        Ends a cycle after the load, or after the reset.
        """
        at, phase, asked, due, value, number, ends, offered = 0, "idle", False, None, 0, 0, False, 0
        for cycle in range(10_000):
            over = at == length
            offered = not over and (offered or offers(cycle))
            idle, data = idles(cycle), int(rng.integers(1 << beat_bits))
            refused = due is not None and number - 1 == wrong
            given = {"rst": cycle == cut, "idle": idle, "refused": refused, "tvalid": offered, "tdata": data}
            last = at == length - 1
            seen = yield given | {"tlast": last if offered else rng.integers(2)}
            taken = offered and phase != "idle"
            begins = phase == "idle" and asked and idle
            assert (seen["tready"], seen["begins"]) == (phase != "idle", begins)
            assert seen["wanted"] == (phase != "idle" or asked or due is not None)
            assert (seen["loaded"], seen["error"]) == (state["loaded"], state["error"])
            assert seen["write"] == (due is not None)
            assert seen["summed"] == (phase == "take" and taken and at < whole and places[at][0] < len(words) - 1)
            if due is not None:
                section, place, value_due = due
                low = width - beats[section] * beat_bits
                assert (seen["section"], seen["address"], seen["data"] >> low) == (section, place, value_due)
            if cycle == cut:
                state.update(loaded=False, error=False)
                return
            if ends:
                state.update(loaded=not refused, error=refused)
            if over and phase == "idle" and due is None:
                return
            asked, due, ends = offered and phase == "idle", None, False
            if begins:
                phase = "take"
                state.update(loaded=False, error=False)
            elif phase != "idle":
                if phase == "take" and taken:
                    section, place, beat = places[at]
                    value = value % (1 << beat * beat_bits) + (data << beat * beat_bits)
                    if beat == beats[section] - 1 and not refused:
                        due, number = (section, place, value), number + 1
                    ends = last and length == whole and not refused
                    if (last and length < whole) or (at == whole - 1 and length > whole):
                        state["error"], phase = True, "drop"
                if refused:
                    state["error"], phase = True, "drop"
                if taken:
                    at, offered = at + 1, 0
                    phase = "idle" if last else phase

    def bench():
        yield {"rst": 1, "tvalid": 1, "idle": 1}
        words_in_all = sum(words)
        for patterns in product(PATTERNS, PATTERNS):
            for length, wrong, cut in (
                (whole, None, None),
                (whole, None, 0),
                (whole + 3, None, None),
                (1, None, None),
                (whole, None, None),
                (whole, None, 3),
                (whole // 2, None, None),
                (whole, 0, None),
                (whole + 2, words_in_all - 1, None),
                (whole, words_in_all - 1, None),
                (whole, None, None),
                (whole, words_in_all // 2, None),
                (whole, None, None),
            ):
                yield from load(*(stalls(pattern, rng) for pattern in patterns), length, wrong, cut)
                outcomes.add(tuple(state.values()))
        seen = yield {}
        assert not seen["wanted"]

    make = plain(partial(loader, words=words, beats=beats), stream=Stream, writer=LoadWriter)
    given, seen = run(make, ports, bench())
    assert outcomes == {(True, False), (False, True), (False, False)}
    in_ghdl(make, ports, given, seen)


@pytest.mark.parametrize("bits", [8, 12, 32, 3, 64])
def test_crc32(bits):
    """What zlib computes of the words' bytes, but for a word in the cycle before."""

    def ports():
        return {"restart": bit(), "take": bit(), "data": word(bits)}, {"crc": word(32)}

    rng = np.random.default_rng(bits)

    def bench():
        for _ in range(4):
            yield {"restart": 1, "data": rng.integers(1 << bits, dtype=np.uint64)}
            sent = late = b""
            for _ in range(20):
                take, data = int(rng.integers(2)), int(rng.integers(1 << bits, dtype=np.uint64))
                seen = yield {"take": take, "data": data}
                assert seen["crc"] == zlib.crc32(sent)
                sent, late = sent + late, data.to_bytes(-(-bits // 8), "little") * take
            yield {}
        assert zlib.crc32(b"123456789") == 0xCBF43926  # the check value of the standard
        if bits == 8:
            yield {"restart": 1}
            for byte in b"123456789":
                yield {"take": 1, "data": byte}
            yield {}
            seen = yield {}
            assert seen["crc"] == 0xCBF43926

    given, seen = run(crc32, ports, bench())
    in_ghdl(crc32, ports, given, seen)


@pytest.mark.parametrize(
    "neurons, classes, lanes, member_bits, num_steps, max_steps",
    [
        (10, 10, 4, 0, 3, 7),
        (10, 5, 4, 0, 2, 2),
        (6, 2, 1, 0, 4, 5),
        (4, 1, 4, 0, 1, 3),
        (5, 5, 5, 6, 3, 3),
        (9, 3, 2, 5, 2, 7),
        (3, 3, 1, 4, 1, 1),
    ],
)
def test_scores(neurons, classes, lanes, member_bits, num_steps, max_steps):
    """Scores, arg-max and cycles of images, in the promised cycles; `free` by the rule; stalls and resets anywhere."""
    groups, membrane, members = -(-neurons // lanes), member_bits > 0, neurons // classes
    step_bits = max_steps.bit_length()
    score_bits = (member_bits or 1) + step_bits
    tdata_bits = max(12, score_bits + members.bit_length())
    low, high = (-(1 << member_bits - 1), 1 << member_bits - 1) if membrane else (0, 2)

    def ports():
        return (
            {
                "rst": bit(),
                "num_steps": word(step_bits),
                "margin": word(step_bits),
                "claim": bit(),
                "last": bit(),
                "word_valid": bit(),
                "word_address": address(groups),
                "word": word(lanes),
                "done": bit(),
                "membranes": word(lanes * (member_bits or 1)),
                "now": Signal(modbv(0)[12:]),
                "stamp": Signal(modbv(0)[12:]),
                "spoilt": bit(),
                "tready": bit(),
            },
            {"free": bit(), "tdata": word(tdata_bits), "tvalid": bit(), "tlast": bit(), "finished": bit()}
            | {"early": bit(), "image": Signal(modbv(0)[2:])},
        )

    rng = np.random.default_rng(neurons + num_steps)
    ties, clock = 0, 4000  # `now` passes 4095

    def cycle(busy, **given):
        nonlocal clock
        clock += 1
        steady = {
            "num_steps": num_steps,
            "now": clock % 4096,
            "word": rng.integers(1 << lanes),
            "stamp": stamp % 4096,
            "membranes": rng.integers(1 << lanes * (member_bits or 1)),
        }
        seen = yield steady | given
        assert seen["free"] == (not busy) and not seen["early"]
        return seen

    def image(values, takes, cut):
        """An image of values (T, neurons); a reset comes in cycle `cut`. Yields its cycles."""
        nonlocal stamp, ties
        stamp = clock
        plan = []  # inputs of each cycle
        for t, row in enumerate(values):
            plan += (
                [{}] * int(rng.integers(3))
                + [{"claim": 1, "last": int(t == num_steps - 1)}]
                + [{}] * int(rng.integers(1, 8))
            )
            for g in range(groups):
                group = [*row[g * lanes : (g + 1) * lanes], *rng.integers(low, high, lanes)][:lanes]
                plan += [{}] * int(rng.integers(3))
                plan[-1] = plan[-1] | ({"membranes": pack(group, member_bits)} if membrane else {})
                plan.append(
                    {"word_valid": 1, "word_address": g, "done": g == groups - 1}
                    | ({} if membrane else {"word": pack(group, 1)})
                )
            plan += [{}] * 4 * (t < num_steps - 1)
        claims = 0
        for at, given in enumerate(plan):
            seen = yield from cycle(claims == num_steps, **given, rst=at == cut)
            assert not seen["tvalid"]
            claims += given.get("claim", 0)
            if at == cut:
                return None
        sums = values.sum(axis=0).reshape(classes, members).sum(axis=1).tolist()
        spoilt = int(rng.random() < 0.3)
        best = -1 if spoilt else sums.index(max(sums))
        ties += sums.count(max(sums)) > 1
        beats, offered = [value % (1 << tdata_bits) for value in (*sums, best, 0)], False
        for c in range(1, 1000):
            ready, reset = takes(c), c + len(plan) == cut
            seen = yield from cycle(True, tready=ready, rst=reset, spoilt=spoilt)
            if reset:
                return None
            if len(beats) == classes + 2 and not offered:
                assert seen["tvalid"] == (c == 5 + members + 2 * (-(-members // lanes) - 1))
            assert seen["tvalid"] or not offered  # what is offered is not taken back
            last = len(beats) == 1
            if seen["tvalid"]:
                if last and not offered:
                    beats[0] = clock - stamp + 1  # as it is when it is offered first
                offered = True
                assert (seen["tdata"], seen["tlast"]) == (beats[0], last)
                if ready:
                    offered = False
                    beats.pop(0)
            assert seen["finished"] == (not beats)
            if not beats:
                return c

    stamp = 0

    def bench():
        yield {"rst": 1, "claim": 1, "word_valid": 1, "done": 1, "num_steps": num_steps}
        for pattern in PATTERNS:
            for cut in (None, None, 5, None, 15 * num_steps, None, 20 * num_steps, None, None):
                values = rng.integers(low, high, (num_steps, neurons))
                if membrane and rng.random() < 0.5:
                    values = np.full_like(values, rng.choice([low, high - 1]))  # the farthest sums
                last = yield from image(values, stalls(pattern, rng), cut)
                if pattern == "always" and last:
                    assert last == 2 * groups + neurons + classes + 4

    sums = {"neurons": neurons, "classes": classes, "score_bits": score_bits, "membrane": membrane}
    writer = (FrameWriter, {"write": "word_valid", "address": "word_address", "data": "word"})
    make = plain(partial(scores, **sums), writer=writer, stream=Stream, decided=Decided)
    given, seen = run(make, ports, bench())
    assert ties or classes == 1
    in_ghdl(make, ports, given, seen)
