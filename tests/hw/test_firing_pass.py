"""The firing pass: order, latency and throughput; MyHDL and VHDL."""

from functools import partial

import pytest

from minisnn_hw.firing_pass import firing_pass
from minisnn_hw.ports import Turn
from tests.hw.ports import address, below, bit, in_ghdl, plain, run


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
                turns.append(
                    tuple(seen[name] for name in ("neuron", "its_y", "its_x", "its_group", "first", "last"))
                    if seen["fire"]
                    else c
                )
            if cut is not None:
                yield {"rst": 1}
            turns.append("end")
        seen = yield {}
        assert not seen["busy"] and not seen["fire"]

    turns, wanted = [], []
    given, seen = run(make, ports, bench())
    for cut in passes:
        wanted += [0, *expected[: cut if cut is None else min(cut, len(expected) - 1)], "end"]
    assert turns == wanted
    in_ghdl(make, ports, given, seen)
