"""The walkers: each addition of each input once, in order, in the cycle that is promised; MyHDL and VHDL."""

from functools import partial

import numpy as np
import pytest
from myhdl import block

from minisnn_hw.conv2d import conv2d
from minisnn_hw.linear import linear
from minisnn_hw.parts.stages import stages
from minisnn_hw.parts.times import times
from minisnn_hw.ports import Scan, Walk
from tests.hw.ports import PATTERNS, address, below, bit, in_ghdl, plain, run, stalls, word


def expected_flow(costs, offers, end_of):
    """Cycles in which inputs are taken, and [(first, last)] of the walks of those that have something to walk through.

    An input is walked through from 3 cycles after it was taken, or from the cycle after the walk before.
    """
    taken, walks = [], []
    moved, loaded, ended = 0, 0, 0  # of the inputs before: cycles in which they leave first and second stage, and end
    for cost, offered in zip(costs, offers):
        taken.append(max(offered, moved))
        if cost:
            moved = max(taken[-1] + 1, loaded)
            loaded = max(moved + 1, ended)
            ended = end_of(loaded + 1, cost)
            walks.append((loaded + 1, ended))
    return taken, walks


def walk(episodes, logs, rng, anything):
    """A bench: inputs (dicts of ports) one after the other, offered by a pattern; an episode may end with a reset.

    `anything` gives values for ports that do not matter.
    """
    for inputs, pattern, cut in episodes:
        yield {**anything(), "rst": 1, "valid": 1}  # what is offered in that cycle is forgotten
        log, offers, at, offered = [], stalls(pattern, rng), 0, False
        logs.append(log)
        while len(log) != cut and (at < len(inputs) or log[-1]["busy"] or log[-1]["valid"]):
            offered = at < len(inputs) and bool(offered or offers(len(log)))
            given = {**anything(), **(inputs[at] if offered else {}), "valid": offered}
            log.append({**given, **(yield given)})
            if offered and log[-1]["ready"]:
                at, offered = at + 1, False


def check_flow(log, costs, end_of, walking="add"):
    """`ready`, `busy`, the cycles of the walks, and that `move` and `load` carry along what goes with an input."""
    offers = [
        c for c, now in enumerate(log) if now["valid"] and (c == 0 or not log[c - 1]["valid"] or log[c - 1]["ready"])
    ]
    taken, walks = expected_flow(costs, offers, end_of)
    cut = len(log)
    assert [c for c, now in enumerate(log) if now["valid"] and now["ready"]] == [c for c in taken if c < cut]
    reached = [index for index, cost in enumerate(costs[: len(taken)]) if cost]
    busy = {c for index, (_, end) in zip(reached, walks) for c in range(taken[index] + 1, min(end + 1, cut))}
    assert [c for c, now in enumerate(log) if now["busy"]] == sorted(busy)
    owner = {c: index for index, (begin, end) in zip(reached, walks) for c in range(begin, min(end + 1, cut))}
    first, second, third, number = None, None, None, 0
    found = {}
    for c, now in enumerate(log):
        if now[walking]:
            found[c] = third
        third = second if now["load"] else third
        second = first if now["move"] else second
        first = number if now["ready"] else first
        number += now["valid"] and now["ready"]
    assert found == owner


def check_walker(make, ports, inputs, costs, expected, anything, rng):
    """All inputs by every pattern, with resets in the middle: flow and addresses."""
    episodes = [(inputs, pattern, cut) for pattern in PATTERNS for cut in (4, 9, None)]
    logs = []
    given, seen = run(make, ports, walk(episodes, logs, rng, anything))
    for (_, _, cut), log in zip(episodes, logs):
        check_flow(log, costs, lambda first, cost: first + cost - 1)
        adds = [(now["weight_address"], now["neuron_address"]) for now in log if now["add"]]
        assert adds == (expected[: len(adds)] if cut else expected)
    in_ghdl(make, ports, given, seen)


@pytest.mark.parametrize(
    "kernel, padding, channels, height, width, out, groups, misses",
    [
        (3, 0, 2, 5, 6, (3, 4), 1, False),
        (3, 1, 3, 4, 4, (4, 4), 2, False),
        (2, 0, 1, 5, 5, (2, 4), 3, True),
        (5, 2, 2, 4, 6, (4, 6), 1, False),
        (1, 0, 4, 3, 3, (2, 2), 2, True),
        (3, 3, 1, 2, 2, (6, 6), 1, False),
        (1, 0, 1, 1, 1, (1, 1), 1, False),
    ],
)
def test_conv2d(kernel, padding, channels, height, width, out, groups, misses):
    """All inputs of a frame, in order and at random; some shapes have inputs that reach no neuron."""
    h, w = out

    def ports():
        return (
            {
                "rst": bit(),
                "valid": bit(),
                "y": below(height),
                "x": below(width),
                "base": below(channels),
                "index": below(2),
            },
            {
                "ready": bit(),
                "move": bit(),
                "load": bit(),
                "busy": bit(),
                "add": bit(),
                "weight_address": address(channels * kernel**2 * groups),
                "neuron_address": address(h * w * groups),
            },
        )

    rng = np.random.default_rng(kernel)
    places = [(y, x, c) for y in range(height) for x in range(width) for c in range(channels)]
    places += [places[i] for i in rng.integers(len(places), size=20)]
    expected, costs = [], []
    for y, x, c in places:
        reached = [
            ((c * kernel + ky) * kernel + kx, row * w + column)
            for ky in range(kernel)
            for kx in range(kernel)
            for row, column in [(y + padding - ky, x + padding - kx)]
            if 0 <= row < h and 0 <= column < w
        ]
        expected += [(weight * groups + g, neuron * groups + g) for weight, neuron in reached for g in range(groups)]
        costs.append(len(reached) * groups)
    assert (0 in costs) == misses

    shape = {"kernel": kernel, "padding": padding, "out_height": h, "out_width": w, "groups": groups}
    make = plain(partial(conv2d, **shape), scan=Scan, walk=Walk)
    inputs = [{"y": y, "x": x, "base": c // 2 * 2, "index": c % 2} for y, x, c in places]
    check_walker(
        make,
        ports,
        inputs,
        costs,
        expected,
        lambda: {"y": rng.integers(height), "x": rng.integers(width), "base": rng.integers(channels)},
        rng,
    )


@pytest.mark.parametrize("count, groups", [(7, 1), (5, 3), (1, 1), (9, 4)])
def test_linear(count, groups):
    """All inputs of a frame, in order and at random."""

    make = plain(partial(linear, inputs=count, groups=groups), scan=Scan, walk=Walk)

    def ports():
        return (
            {"rst": bit(), "valid": bit(), "y": word(1), "x": word(1), "base": below(count), "index": below(2)},
            {
                "ready": bit(),
                "move": bit(),
                "load": bit(),
                "busy": bit(),
                "add": bit(),
                "weight_address": address(count * groups),
                "neuron_address": address(groups),
            },
        )

    rng = np.random.default_rng(count)
    numbers = [*range(count), *rng.integers(count, size=20).tolist()]
    check_walker(
        make,
        ports,
        [{"base": i // 2 * 2, "index": i % 2} for i in numbers],
        [groups] * len(numbers),
        [(i * groups + g, g) for i in numbers for g in range(groups)],
        lambda: {"base": rng.integers(count), "index": rng.integers(2)},
        rng,
    )


@pytest.mark.parametrize("density", [1.0, 0.4, 0.1])
def test_stages(density):
    """Walks of any length: each begins in the promised cycle, whenever the ones before end."""

    def ports():
        return (
            {"rst": bit(), "valid": bit(), "ends": bit()},
            {"ready": bit(), "move": bit(), "load": bit(), "walking": bit(), "busy": bit()},
        )

    rng = np.random.default_rng(0)
    logs = []
    episodes = [([{}] * 30, pattern, cut) for pattern in PATTERNS for cut in (5, 6, None)]
    given, seen = run(stages, ports, walk(episodes, logs, rng, lambda: {"ends": rng.random() < density}))
    for log in logs:
        check_flow(
            log,
            [1] * 30,
            lambda first, cost: next((c for c in range(first, len(log)) if log[c]["ends"]), 10**6),
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
