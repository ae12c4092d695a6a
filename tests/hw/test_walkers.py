"""Parts of walkers: the flow of their stages, products with constants, and words that are turned; MyHDL and VHDL."""

import numpy as np
import pytest
from myhdl import block

from minisnn_hw.parts.rotate import rotate
from minisnn_hw.parts.stages import stages
from minisnn_hw.parts.times import times
from tests.hw.ports import PATTERNS, address, bit, in_ghdl, pack, run, word
from tests.hw.walkers import check_flow, walk


@pytest.mark.parametrize("density", [1.0, 0.4, 0.1])
def test_stages(density):
    """Walks of any length: each begins in the promised cycle, whenever the ones before end."""

    def ports():
        return (
            {"rst": bit(), "valid": bit(), "ending": bit()},
            {"ready": bit(), "move": bit(), "load": bit(), "walking": bit(), "busy": bit()},
        )

    rng = np.random.default_rng(0)
    logs = []
    episodes = [([{}] * 30, pattern, cut) for pattern in PATTERNS for cut in (5, 6, None)]
    given, seen = run(stages, ports, walk(episodes, logs, rng, lambda: {"ending": rng.random() < density}))
    for log in logs:
        check_flow(
            log,
            [1] * 30,
            lambda first, cost: next((c for c in range(first, len(log)) if log[c - 1]["ending"]), 10**6),
            "walking",
        )
    in_ghdl(stages, ports, given, seen)


@pytest.mark.parametrize("width, factor", [(1, 1), (5, 1), (4, 7), (6, 32), (3, 100)])
def test_times(width, factor):
    """Every product, in full width."""

    @block
    def make(clk, value, product):
        return times(value, factor, product)

    def ports():
        return {"value": word(width)}, {"product": word(width + factor.bit_length())}

    given, seen = run(make, ports, ({"value": value} for value in range(1 << width)))
    assert [out["product"] for out in seen] == [value * factor for value in range(1 << width)]
    in_ghdl(make, ports, given, seen)


@pytest.mark.parametrize("parts, width", [(2, 3), (3, 1), (4, 2), (5, 3), (7, 2)])
def test_rotate(parts, width):
    """Part i stands at i + amount, and round."""

    @block
    def make(clk, given, amount, turned):
        return rotate(given, amount, turned, parts)

    def ports():
        return {"given": word(parts * width), "amount": address(parts)}, {"turned": word(parts * width)}

    rng = np.random.default_rng(parts)

    def bench():
        for amount in range(parts):
            values = rng.integers(1 << width, size=parts).tolist()
            seen = yield {"given": pack(values, width), "amount": amount}
            assert seen["turned"] == pack([values[(i - amount) % parts] for i in range(parts)], width)

    given, seen = run(make, ports, bench())
    assert len(seen) == parts
    in_ghdl(make, ports, given, seen)
