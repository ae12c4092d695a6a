"""Streams in and out: input, load and answer, stall in x stall out x widths; MyHDL and VHDL."""

from functools import partial
from itertools import product

import numpy as np
import pytest
from myhdl import Signal, modbv

from minisnn_hw.loader import loader
from minisnn_hw.ports import FrameWriter, LoadWriter, Stream
from minisnn_hw.scores import scores
from minisnn_hw.stream_in import stream_in
from tests.hw.ports import PATTERNS, address, below, bit, in_ghdl, pack, plain, run, stalls, word


@pytest.mark.parametrize("words, frames, bits", [(1, 1, 3), (1, 3, 8), (4, 1, 8), (3, 2, 5), (5, 3, 1)])
def test_stream_in(words, frames, bits):
    """Every word at its place in the cycle it is taken, `tready` by the rule, and an error for a wrong `tlast`."""

    def ports():
        return (
            {
                "rst": bit(),
                "frames": word(3),
                "allowed": bit(),
                "tdata": word(8),
                "tvalid": bit(),
                "tlast": bit(),
                "free": bit(),
            },
            {
                "tready": bit(),
                "claim": bit(),
                "write": bit(),
                "write_address": below(words),
                "write_data": word(bits),
                "done": bit(),
                "begins": bit(),
                "error": bit(),
            },
        )

    rng = np.random.default_rng(words * 10 + frames)
    count, held_up, seen_errors = words * frames, set(), 0

    def image(offers, frees, allows, wrong, error, cut):
        """An image; `wrong` is the word whose tlast is inverted. Returns whether there is an error."""
        nonlocal seen_errors
        at, cycle, offered = 0, 0, 0
        while at < count and cycle != cut:
            offered = offered or offers(cycle)
            free, allowed, frame, place = frees(cycle), allows(cycle), *divmod(at, words)
            last = at == count - 1
            given = {
                "tdata": rng.integers(256),
                "tlast": last != (at == wrong) if offered else rng.integers(2),
                "tvalid": offered,
                "free": free,
                "allowed": allowed,
                "frames": frames,
            }
            seen = yield given
            ready = bool(place or (free and (frame or allowed)))
            taken = ready and offered
            assert (seen["tready"], seen["write"], seen["error"]) == (ready, taken, error)
            assert seen["claim"] == (taken and place == 0) and seen["done"] == (taken and place == words - 1)
            assert seen["begins"] == (taken and at == 0)
            if taken:
                assert (seen["write_address"], seen["write_data"]) == (place, given["tdata"] % (1 << bits))
                error, at, offered = error or at == wrong, at + 1, 0
            held_up.add((place == 0, frame == 0, free, allowed))
            cycle += 1
        seen_errors += error
        return error

    def bench():
        for offers, frees, allows in product(PATTERNS, PATTERNS, PATTERNS):
            error = False
            yield {"rst": 1, "tvalid": 1, "free": 1, "allowed": 1, "frames": frames}  # it is not the first word
            for wrong in (None, None, *rng.integers(count, size=2), None):
                error = yield from image(
                    *(stalls(pattern, rng) for pattern in (offers, frees, allows)), wrong, error, None
                )
            yield from image(*(stalls(pattern, rng) for pattern in (offers, frees, allows)), None, error, count // 2)

    writer = (FrameWriter, {"address": "write_address", "data": "write_data"})
    make = plain(partial(stream_in, words=words), stream=Stream, writer=writer)
    given, seen = run(make, ports, bench())
    assert seen_errors > 10 and len(held_up) >= 4
    in_ghdl(make, ports, given, seen)


@pytest.mark.parametrize(
    "words, beats, beat_bits", [((1, 5, 2, 1), (1, 3, 2, 1), 4), ((3, 1), (1, 1), 6), ((2,), (2,), 3)]
)
def test_loader(words, beats, beat_bits):
    """Every word with its section and address a cycle after its last beat; `loaded` and `error` by `tlast`."""
    width = max(beats) * beat_bits

    def ports():
        return (
            {"rst": bit(), "idle": bit(), "tdata": word(beat_bits), "tvalid": bit(), "tlast": bit()},
            {
                "wanted": bit(),
                "loaded": bit(),
                "error": bit(),
                "tready": bit(),
                "write": bit(),
                "section": below(len(words)),
                "address": below(max(words)),
                "data": word(width),
            },
        )

    rng = np.random.default_rng(width)
    places = [
        (section, at, beat) for section, (n, k) in enumerate(zip(words, beats)) for at in range(n) for beat in range(k)
    ]
    outcomes = set()

    def load(offers, idles, last, cut, loaded, error):
        """A load with `tlast` at beat `last` (None: nowhere), cut by a reset in cycle `cut`; (loaded, error)."""
        at, loading, offered, due, value, cycle = 0, False, 0, None, 0, 0
        while True:
            over = loading is None
            offered = not over and (offered or offers(cycle))
            idle, data = idles(cycle), int(rng.integers(1 << beat_bits))
            reset = cycle == cut
            seen = yield {
                "rst": reset,
                "idle": idle,
                "tvalid": offered,
                "tdata": data,
                "tlast": at == last if offered else rng.integers(2),
            }
            assert seen["tready"] == (loading is True)
            assert seen["wanted"] == bool(loading or offered or due)
            assert (seen["loaded"], seen["error"]) == (loaded, error)
            assert seen["write"] == (due is not None)
            if due is not None:
                section, place, value_due = due
                low = width - beats[section] * beat_bits
                assert (seen["section"], seen["address"], seen["data"] >> low) == (section, place, value_due)
            due = None
            if reset:
                return loaded and not loading, False
            if over:
                return loaded, error
            if loading and offered:
                section, place, beat = places[at]
                value = value % (1 << beat * beat_bits) + (data << beat * beat_bits)
                due = (section, place, value) if beat == beats[section] - 1 else None
                offered = 0
                if at in (last, len(places) - 1):
                    loading, loaded, error = None, at == last == len(places) - 1, at != last or at < len(places) - 1
                at += 1
            elif offered and idle:
                loading, loaded, error = True, False, False
            cycle += 1

    def bench():
        yield {"rst": 1, "tvalid": 1, "idle": 1}
        state, whole = (False, False), len(places) - 1
        for offers, idles in product(PATTERNS, PATTERNS):
            for last, cut in (
                (whole, None),
                (whole, 0),
                (None, None),
                (0, None),
                (whole, None),
                (whole, 3),
                (whole // 2, None),
                (whole, None),
                (whole, None),
            ):
                state = yield from load(stalls(offers, rng), stalls(idles, rng), last, cut, *state)
                outcomes.add(state)
        seen = yield {}
        assert not seen["wanted"]

    make = plain(partial(loader, words=words, beats=beats), stream=Stream, writer=LoadWriter)
    given, seen = run(make, ports, bench())
    assert outcomes == {(True, False), (False, True), (False, False)}
    in_ghdl(make, ports, given, seen)


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
                "claim": bit(),
                "word_valid": bit(),
                "word_address": address(groups),
                "word": word(lanes),
                "done": bit(),
                "membranes": word(lanes * (member_bits or 1)),
                "now": Signal(modbv(0)[12:]),
                "stamp": Signal(modbv(0)[12:]),
                "tready": bit(),
            },
            {"free": bit(), "tdata": word(tdata_bits), "tvalid": bit(), "tlast": bit(), "finished": bit()},
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
        assert seen["free"] == (not busy)
        return seen

    def image(values, takes, cut):
        """An image of values (T, neurons); a reset comes in cycle `cut`. Yields its cycles."""
        nonlocal stamp, ties
        stamp = clock
        plan = []  # inputs of each cycle
        for t, row in enumerate(values):
            plan += [{}] * int(rng.integers(3)) + [{"claim": 1}] + [{}] * int(rng.integers(1, 8))
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
        best = sums.index(max(sums))
        ties += sums.count(max(sums)) > 1
        beats, offered = [value % (1 << tdata_bits) for value in (*sums, best, 0)], False
        for c in range(1, 1000):
            ready, reset = takes(c), c + len(plan) == cut
            seen = yield from cycle(True, tready=ready, rst=reset)
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
    make = plain(partial(scores, **sums), writer=writer, stream=Stream)
    given, seen = run(make, ports, bench())
    assert ties or classes == 1
    in_ghdl(make, ports, given, seen)
