"""The spike scanner: every spike once, in order, in the very cycle that its docstring promises; MyHDL and VHDL."""

from functools import partial

import numpy as np
import pytest

from minisnn_hw.ports import Scan
from minisnn_hw.spike_scanner import spike_scanner
from tests.hw.ports import PATTERNS, address, below, bit, in_ghdl, pack, plain, run, stalls, word


def expected_cycles(words, ready):
    """Return the events of a scan that starts at cycle 0, from its words and the cycles in which the walker is ready.

    Returns (cycles with `present`, cycles with `valid`, [(cycle, word, bit) of each spike], last cycle with `busy`).
    """
    present, valid, taken_spikes = [], [], []
    fetched, handed = 1, 0  # cycle in which the word is fetched; in which the spike before is taken
    for number, value in enumerate(words):
        taken = fetched + 1  # the word is there
        if value:
            taken = max(taken, handed)  # the spikes of the one before are gone
            present.append(taken)
            offered = taken + 1
            for i in range(value.bit_length()):
                if value >> i & 1:
                    handed = next(c for c in range(offered, len(ready)) if ready[c])
                    valid += range(offered, handed + 1)
                    taken_spikes.append((handed, number, i))
                    offered = handed + 1
        fetched = taken
    return present, valid, taken_spikes, max(fetched, handed)


def scans(episodes, logs, rng):
    """A bench: a scan after the other, the frame's RAM being Python's; an episode may end with a reset."""
    data = 0
    yield {"rst": 1}
    for words, pattern, reset_at in episodes:
        log, ready = [], stalls(pattern, rng)
        logs.append(log)
        while len(log) < 2 or log[-1]["busy"]:
            given = {"start": not log, "ready": ready(len(log)), "read_data": data, "rst": len(log) == reset_at}
            log.append({**given, **(yield given)})
            if log[-1]["read"]:
                data = words[log[-1]["read_address"]]
            if given["rst"]:
                break


@pytest.mark.parametrize(
    "height, width, channels, bits, flat",
    [
        (1, 1, 13, 4, True),
        (3, 2, 5, 2, True),
        (3, 4, 5, 3, False),
        (2, 5, 4, 8, False),
        (1, 1, 1, 1, True),
        (2, 1, 33, 32, False),
        (1, 4, 6, 3, False),
        (3, 5, 2, 4, False),  # two pixels a word, and one in the last of a row
        (2, 4, 1, 4, False),
        (2, 7, 3, 9, False),
        (1, 7, 2, 6, True),
    ],
)
def test_spike_scanner(height, width, channels, bits, flat):
    """Cycle by cycle: frames silent, full, at random, with one spike in a corner; every pattern of stalls; resets."""
    rng = np.random.default_rng(height * 10 + bits)
    pixels, parts = max(bits // channels, 1), -(-channels // bits)
    starts = [  # of each word: row, first pixel, first channel
        (y, x, c) for y in range(height) for x in range(0, width, pixels) for c in range(0, channels, bits)
    ]
    count = len(starts)
    assert count == height * -(-width // pixels) * parts

    def ports():
        return (
            {"rst": bit(), "start": bit(), "ready": bit(), "read_data": word(bits)},
            {
                "busy": bit(),
                "read": bit(),
                "read_address": below(count),
                "follows": bit(),
                "present": bit(),
                "valid": bit(),
                "y": below(height),
                "x": address(width),
                "channel": below(height * width * channels if flat else channels),
                "index": below(bits),
            },
        )

    frames = [rng.random((height, width, channels)) < density for density in (0.0, 0.15, 0.4, 1.0)]
    for y in (0, -1):
        for x in (0, -1):
            for c in (0, -1):
                frames.append(np.zeros((height, width, channels), bool))
                frames[-1][y, x, c] = True
    in_words = [[pack(frame[y, x : x + pixels, c : c + bits].ravel(), 1) for y, x, c in starts] for frame in frames]
    episodes = [(words, pattern, None) for words in in_words for pattern in PATTERNS]
    episodes += [(in_words[index], pattern, at) for index in (2, 3) for pattern in PATTERNS for at in (1, 2, 3, 5)]
    order = [episodes[i] for i in rng.permutation(len(episodes))]
    logs = []
    make = plain(partial(spike_scanner, height=height, width=width, channels=channels, flat=flat), scan=Scan)
    given, seen = run(make, ports, scans(order, logs, rng))
    for (words, _, reset_at), log in zip(order, logs):
        ready = [now["ready"] for now in log]
        cut = len(log)  # after a reset, what was to come is forgotten
        present, valid, spikes, last = expected_cycles(words, ready + [1] * 1000)
        assert [c for c, now in enumerate(log) if now["present"]] == [c for c in present if c < cut]
        assert [c for c, now in enumerate(log) if now["valid"]] == [c for c in valid if c < cut]
        assert [c for c, now in enumerate(log) if now["busy"]] == list(range(1, min(last + 1, cut)))
        scanned = [
            (c, now["y"], now["x"], now["channel"]) for c, now in enumerate(log) if now["valid"] and now["ready"]
        ]
        expected = []
        for c, number, i in spikes:
            y, x, first = starts[number]
            x, channel = (x, first + i) if parts > 1 else (x + i // channels, i % channels)
            expected.append((c, 0, 0, (y * width + x) * channels + channel) if flat else (c, y, x, channel))
        assert scanned == [spike for spike in expected if spike[0] < cut]
        fetches = [now["read_address"] for now in log if now["read"]]
        assert fetches == list(range(count))[: len(fetches)] and (reset_at is not None or len(fetches) == count)
    assert any(at is not None and log[-1]["busy"] for (_, _, at), log in zip(order, logs)) or count == 1
    in_ghdl(make, ports, given, seen)
