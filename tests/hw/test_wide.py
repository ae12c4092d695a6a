"""The wide walker and its turns: all taps of an input at once, each to its bank; MyHDL and VHDL."""

from functools import partial

import numpy as np
import pytest
from myhdl import block

from minisnn_hw.parts.rotate import rotate
from minisnn_hw.ports import Scan, WideWalk
from minisnn_hw.wide_conv2d import wide_conv2d
from tests.hw.ports import PATTERNS, address, below, in_ghdl, pack, plain, run, word
from tests.hw.walkers import check_flow, places_of, scanned_places, walk, walker_ports


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


@pytest.mark.parametrize(
    "kernel, padding, channels, height, width, out, groups, misses",
    [
        (3, 0, 2, 5, 6, (3, 4), 1, False),
        (3, 1, 3, 4, 4, (4, 4), 2, False),
        (2, 0, 1, 5, 5, (2, 4), 3, True),
        (5, 2, 2, 4, 6, (4, 6), 1, False),
        (3, 3, 1, 2, 2, (6, 6), 2, False),
    ],
)
def test_wide_conv2d(kernel, padding, channels, height, width, out, groups, misses):
    """Every neuron that an input reaches, once, in its bank and with its tap's turn; the flow of the narrow walker."""
    h, w = out
    columns = -(-w // kernel)
    depth = -(-h // kernel) * columns * groups
    bits = max((depth - 1).bit_length(), 1)

    def ports():
        addresses = {"weight_address": address(channels * groups), "turn_y": address(kernel), "turn_x": address(kernel)}
        banks = {"banks": word(kernel**2), "addresses": word(kernel**2 * bits)}
        scanned = {"y": below(height), "x": below(width), "channel": below(channels), "index": below(2)}
        return walker_ports(scanned, addresses | banks)

    rng = np.random.default_rng(kernel)
    places = places_of(height, width, channels, rng)
    expected, costs = [], []
    for y, x, c in places:
        neurons = {
            (row % kernel) * kernel + column % kernel: (row // kernel * columns + column // kernel) * groups
            for ky in range(kernel)
            for kx in range(kernel)
            for row, column in [(y + padding - ky, x + padding - kx)]
            if 0 <= row < h and 0 <= column < w
        }
        turns = (y + padding) % kernel, (x + padding) % kernel
        for bank in neurons:  # the tap that stands before a bank after the turn is the one that leads there
            ky, kx = (turns[0] - bank // kernel) % kernel, (turns[1] - bank % kernel) % kernel
            assert ((y + padding - ky) % kernel) * kernel + (x + padding - kx) % kernel == bank
        if neurons:
            expected += [
                (c * groups + g, *turns, {bank: at + g for bank, at in neurons.items()}) for g in range(groups)
            ]
        costs.append(groups if neurons else 0)
    assert (0 in costs) == misses

    shape = {"kernel": kernel, "padding": padding, "out_height": h, "out_width": w, "groups": groups}
    make = plain(partial(wide_conv2d, **shape), scan=Scan, walk=WideWalk)
    inputs = scanned_places(places)
    episodes = [(inputs, pattern, cut) for pattern in PATTERNS for cut in (7, None)]
    logs = []

    def anything():
        return {"y": rng.integers(height), "x": rng.integers(width), "channel": rng.integers(channels), "index": 0}

    given, seen = run(make, ports, walk(episodes, logs, rng, anything))
    for (_, _, cut), log in zip(episodes, logs):
        check_flow(log, costs, lambda first, cost: first + cost - 1)
        assert all(bool(now["banks"]) == now["add"] for now in log)
        additions = [
            (
                now["weight_address"],
                now["turn_y"],
                now["turn_x"],
                {
                    bank: now["addresses"] >> bank * bits & (1 << bits) - 1
                    for bank in range(kernel**2)
                    if now["banks"] >> bank & 1
                },
            )
            for now in log
            if now["add"]
        ]
        assert additions == (expected[: len(additions)] if cut else expected)
    in_ghdl(make, ports, given, seen)
