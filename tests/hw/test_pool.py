"""The firing pass and the pool of spikes: order, latency and throughput; MyHDL and VHDL."""

from functools import partial

import numpy as np
import pytest

from minisnn_hw.firing_pass import firing_pass
from minisnn_hw.maxpool import maxpool
from minisnn_hw.ports import Turn
from tests.hw.ports import address, below, bit, in_ghdl, plain, run, word


@pytest.mark.parametrize(
    "height, width, groups, pool",
    [(4, 6, 2, 2), (3, 3, 1, 3), (1, 1, 3, 1), (5, 2, 1, 1), (2, 2, 1, 2), (1, 1, 1, 1), (6, 3, 3, 3)],
)
def test_firing_pass(height, width, groups, pool):
    """An address a cycle, window by window, from the cycle after `start`; a reset ends it; nothing else moves it."""

    shape = {"height": height, "width": width, "groups": groups, "pool": pool}
    turn = (Turn, {"address": "neuron", "y": "its_y", "x": "its_x", "group": "its_group"})
    make = plain(partial(firing_pass, **shape), turn=turn)

    def ports():
        return (
            {"rst": bit(), "start": bit()},
            {
                "busy": bit(),
                "fire": bit(),
                "neuron": address(height * width * groups),
                "its_y": below(height),
                "its_x": below(width),
                "its_group": below(groups),
                "first": bit(),
                "last": bit(),
            },
        )

    inside = [(y, x) for y in range(pool) for x in range(pool)]
    expected = [
        (
            ((wy * pool + y) * width + wx * pool + x) * groups + g,
            wy * pool + y,
            wx * pool + x,
            g,
            (y, x) == inside[0],
            (y, x) == inside[-1],
        )
        for wy in range(height // pool)
        for wx in range(width // pool)
        for g in range(groups)
        for y, x in inside
    ]
    assert len(expected) == height * width * groups
    passes = [None, 0, 3, None, 1, None]  # cycles of a pass after which a reset comes

    def bench():
        yield {"rst": 1, "start": 1}
        for cut in passes:
            for c in range(len(expected) + 1 if cut is None else min(cut + 1, len(expected))):
                seen = yield {"start": c == 0}
                assert seen["busy"] == seen["fire"] == (c > 0)
                found.append(
                    tuple(seen[name] for name in ("neuron", "its_y", "its_x", "its_group", "first", "last"))
                    if seen["fire"]
                    else c
                )
            if cut is not None:
                yield {"rst": 1}
            found.append("end")
        seen = yield {}
        assert not seen["busy"] and not seen["fire"]

    found, wanted = [], []
    given, seen = run(make, ports, bench())
    for cut in passes:
        wanted += [0, *expected[: cut if cut is None else min(cut, len(expected) - 1)], "end"]
    assert found == wanted
    in_ghdl(make, ports, given, seen)


@pytest.mark.parametrize("lanes, density", [(1, 0.3), (5, 0.1), (3, 0.0), (3, 1.0)])
def test_maxpool(lanes, density):
    """The OR of each window in the cycle after its last word, whatever the windows' sizes and gaps."""

    def ports():
        return (
            {"valid": bit(), "first": bit(), "last": bit(), "spikes": word(lanes)},
            {"word_valid": bit(), "word": word(lanes)},
        )

    rng = np.random.default_rng(lanes)
    words = []
    for size in [1, 1, 4, 4, 9, *rng.integers(1, 6, 30).tolist()]:
        words += [
            (at == 0, at == size - 1, int(((rng.random(lanes) < density) << np.arange(lanes)).sum()))
            for at in range(size)
        ]

    def bench():
        joined, due = 0, None
        for first, last, spikes in words:
            for valid in [0] * rng.integers(0, 3) * (rng.random() < 0.4) + [1]:
                given = (
                    {"first": first, "last": last, "spikes": spikes}
                    if valid
                    else {"first": rng.integers(2), "last": rng.integers(2), "spikes": rng.integers(1 << lanes)}
                )
                seen = yield {"valid": valid, **given}
                assert (seen["word"] if seen["word_valid"] else None) == due
                due = None
                if valid:
                    joined = spikes if first else joined | spikes
                    due = joined if last else None

    given, seen = run(maxpool, ports, bench())
    assert sum(out["word_valid"] for out in seen) >= 34
    in_ghdl(maxpool, ports, given, seen)
