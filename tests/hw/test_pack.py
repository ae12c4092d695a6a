"""Narrow words gathered into wide ones: every frame as its reader scans it, in the very cycles; MyHDL and VHDL."""

from functools import partial

import numpy as np
import pytest

from minisnn_hw.pack import pack as gather
from minisnn_hw.ports import FrameWriter
from tests.hw.ports import PATTERNS, address, bit, in_ghdl, pack, plain, run, stalls, word


def wide_words(frame, row, lanes, width):
    """Return {number of the narrow word that completes it: word} of a frame (pixels, channels)."""
    pixels, channels = frame.shape
    starts = [pixel * channels + c for pixel in range(pixels) for c in range(0, channels, lanes)]
    line, spikes, words = (row if width >= channels else 1) * channels, frame.ravel(), {}
    for begin in range(0, frame.size, line):
        for at in range(begin, begin + line, width):
            end = min(at + width, begin + line)
            words[sum(start < end for start in starts) - 1] = pack(spikes[at:end], 1)
    return words


@pytest.mark.parametrize(
    "pixels, channels, row, lanes, width",
    [
        (6, 4, 3, 4, 8),  # two pixels a word, one in the last of a row
        (4, 5, 4, 2, 10),  # a pixel comes in words of 2, 2 and 1
        (3, 7, 3, 3, 7),
        (4, 1, 4, 1, 4),
        (5, 11, 5, 2, 6),  # parts of a pixel: three narrow words, and three of which the last has one channel
        (2, 10, 2, 2, 4),
        (7, 3, 7, 1, 9),
    ],
)
def test_pack(pixels, channels, row, lanes, width):
    """Frames without a pause and with pauses, one cut off by a reset."""
    rng = np.random.default_rng(width)
    frames = rng.random((6, pixels, channels)) < 0.6
    narrow = [[pack(pixel[c : c + lanes], 1) for pixel in frame for c in range(0, channels, lanes)] for frame in frames]
    wide = [wide_words(frame, row, lanes, width) for frame in frames]

    def ports():
        given = {
            "rst": bit(),
            "claim": bit(),
            "last": bit(),
            "write": bit(),
            "data": word(lanes),
            "done": bit(),
            "wide_free": bit(),
        }
        seen = {
            "free": bit(),
            "wide_claim": bit(),
            "wide_last": bit(),
            "wide_write": bit(),
            "wide_done": bit(),
            "wide_data": word(width),
        }
        return given | {"address": word(1)}, seen | {"wide_address": address(len(wide[0]))}

    make = plain(
        partial(gather, channels=channels, row=row),
        narrow=FrameWriter,
        wide=(FrameWriter, {name: f"wide_{name}" for name in vars(FrameWriter.new(1, 1))}),
    )
    log = []

    def cycle(**given):
        free, claim, last = rng.integers(2, size=3)
        given = {"data": rng.integers(1 << lanes), "claim": claim, "last": last, "wide_free": free} | given
        seen = yield given
        assert (seen["free"], seen["wide_claim"], seen["wide_last"]) == (free, claim, last)
        log.append(seen)

    def bench():
        for number, (parts, words) in enumerate(zip(narrow, wide)):
            count, offers = len(parts), stalls(PATTERNS[number % 3], rng)
            for at, data in enumerate(parts):
                while not offers(len(log)):
                    yield from cycle()
                if number == 2 and at == count // 2:
                    yield from cycle(rst=1)
                    break
                yield from cycle(write=1, data=data, done=at == count - 1)
                seen = log[-1]
                assert seen["wide_write"] == (at in words) and seen["wide_done"] == (at == count - 1)
                if at in words:
                    assert (seen["wide_address"], seen["wide_data"]) == (list(words).index(at), words[at])

    given, seen = run(make, ports, bench())
    assert sum(now["wide_done"] for now in seen) == len(frames) - 1
    in_ghdl(make, ports, given, seen)
