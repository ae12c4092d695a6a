"""Sums, neurons and lanes: bit for bit what Python's integers say, in the promised cycles; MyHDL and VHDL."""

from functools import partial

import numpy as np
import pytest
from myhdl import block

from minisnn_hw.lanes import lanes
from minisnn_hw.parts.accumulate import accumulate
from minisnn_hw.ports import Firing, GroupReader, SumControl, Turn, Walk
from minisnn_hw.spec import LayerSpec
from tests.hw.neuron import fired
from tests.hw.ports import address, below, bit, in_ghdl, pack, plain, run, saturated, signed, word


@pytest.mark.parametrize("depth, bits, value_bits, nearest", [(1, 6, 4, 1), (3, 7, 9, 2), (5, 8, 5, 3), (5, 8, 5, 4)])
def test_accumulate(depth, bits, value_bits, nearest):
    """An operation a cycle, with every distance between equal sums; saturation both ways; stores in between."""

    def ports():
        return (
            {
                "enable": bit(),
                "address": below(depth),
                "holds": bit(),
                "adds": bit(),
                "one_before": bit(),
                "two_before": bit(),
                "three_before": bit(),
                "value": signed(value_bits),
                "write": bit(),
                "write_address": below(depth),
                "other": bit(),
                "other_data": signed(bits),
            },
            {"held": signed(bits)},
        )

    rng = np.random.default_rng(depth)
    operations = [("store", a, 0) for a in range(depth)] + [None] * 4
    stored, touched = [0] * depth, [-9] * depth  # numbers of the last operations that store, and that add
    most = 1 << value_bits - 1
    for number in range(len(operations), 700):
        kind = rng.choice(["add", "read", "store", "wait"], p=[0.75, 0.12, 0.03, 0.1])
        place = int(rng.integers(depth))
        # A store is not handed on.
        if kind == "wait" or number < stored[place] + 4 or number < touched[place] + nearest:
            operations.append(None)
        elif kind == "store":
            stored[place] = number
            operations.append((kind, place, int(rng.integers(-(1 << bits - 1), 1 << bits - 1))))
        else:
            pull = most if number % 100 < 30 else -most if number % 100 < 60 else 0  # both ends are reached
            touched[place] = number if kind == "add" else touched[place]
            operations.append((kind, place, int(np.clip(rng.integers(-most, most) + pull, -most, most - 1))))
    operations += [None] * 4

    def bench():
        for c, now in enumerate(operations):
            one, two, three = [operations[c - back] if c >= back else None for back in (1, 2, 3)]

            def added(number, place):
                return number >= 0 and operations[number] and operations[number][:2] == ("add", place)

            given = {
                "two_before": bool(one and added(c - 3, one[1])),
                "three_before": bool(one and added(c - 4, one[1])),
                "one_before": bool(two and added(c - 3, two[1])),
                "other_data": rng.integers(-8, 8),
                "value": rng.integers(-8, 8),
                "address": rng.integers(depth),
                "write_address": rng.integers(depth),
                "enable": bool(now and now[0] != "store"),
                "holds": bool(one and one[0] != "store"),
                "adds": bool(two and two[0] == "add"),
                "write": bool(three and three[0] != "read"),
                "other": bool(three and three[0] == "store"),
            }
            given |= {"address": now[1]} if given["enable"] else {}
            given |= {"value": two[2]} if given["adds"] else {}
            given |= {"write_address": three[1]} if given["write"] else {}
            given |= {"other_data": three[2]} if given["other"] else {}
            yield given

    make = plain(partial(accumulate, depth=depth), control=SumControl)
    given, seen = run(make, ports, bench())
    sums, last_add, distances, ends = [0] * depth, [-99] * depth, set(), set()
    for c, operation in enumerate(operations):
        kind, place, value = operation or ("wait", 0, 0)
        if kind in ("add", "read"):
            if last_add[place] != c - 1:
                assert seen[c + 2]["held"] == sums[place], (c, operation)
            distances.add(c - last_add[place])
        if kind == "add":
            if not -(1 << bits - 1) <= sums[place] + value < 1 << bits - 1:
                ends.add(value > 0)
            sums[place], last_add[place] = saturated(sums[place] + value, bits), c
        elif kind == "store":
            sums[place] = value
    assert distances >= {*range(nearest, 6)} and ends == {False, True}
    in_ghdl(make, ports, given, seen)


def lane_spec(
    count, bits, guard, weight_bits, bias_bits, beta, frac, reset, towards_zero, depth, input_bits=0, taps=1, kernel=1
):
    """A layer of so many lanes of `depth` neurons, with 15 inputs; with several taps of 3 x 5 x `depth` neurons."""
    height, width = (3, 5) if taps > 1 else (1, 1)
    return LayerSpec(
        lanes=count,
        in_height=height,
        in_width=width,
        in_channels=15,
        in_lanes=1,
        input_bits=input_bits,
        flat=taps == 1,
        kernel=kernel,
        padding=0,
        out_height=height,
        out_width=width,
        out_channels=count * depth,
        pool=1,
        weight_bits=weight_bits,
        bias_bits=bias_bits,
        membrane_bits=bits,
        guard=guard,
        beta=beta,
        frac=frac,
        reset=reset,
        towards_zero=towards_zero,
        taps=taps,
    )


WAIT = (None, 0, None, None, 0, 0, 0)


def program(spec, rng, rounds):
    """Operations, one a cycle: None or (kind, address, weights, biases, pixel, clear, reset)."""
    result, free_at, add_at, added_at = [], [0] * spec.depth, 0, [-9] * spec.depth
    settled = 8 if spec.taps > 1 and not spec.input_bits else 7  # cycles from a firing to the next of the same neurons
    weight, bias = 1 << spec.weight_bits - 1, 1 << spec.bias_bits - 1
    clear = 0
    for number in range(rounds):
        pull = (0, 0, weight, -weight, 0)[number % 5]  # some rounds all up, some all down: both ends are reached
        count = 0 if clear and number % 2 else int(rng.integers(16))  # nothing but the bias: small membranes
        result += [WAIT] * (max(add_at - len(result), 0) if count else 1)
        for place in rng.integers(spec.depth, size=count).tolist():
            result += [WAIT] * (rng.random() < 0.2)
            result += [WAIT] * max(added_at[place] + spec.nearest - len(result), 0)
            added_at[place] = len(result)
            values = np.clip(rng.integers(-weight, weight, spec.lanes) + pull, -weight, weight - 1).tolist()
            result.append(("add", place, values, None, int(rng.integers(1 << spec.input_bits)), 0, 0))
        clear = int(rng.random() < 0.4)
        result.append(WAIT)
        for place in rng.permutation(spec.depth).tolist():
            result += [WAIT] * max(free_at[place] - len(result), added_at[place] + spec.nearest + 1 - len(result), 0)
            result.append(("fire", place, None, rng.integers(-bias, bias, spec.lanes).tolist(), 0, clear, 0))
            free_at[place] = add_at = len(result) - 1 + settled
        if number % 4 == 3:
            at = len(result) - int(rng.integers(1, min(len(result), spec.depth + 5)))
            result[at] = (*result[at][:6], 1)  # a reset: what is under way is forgotten
            result += [WAIT] * 11
    return [*result, *[WAIT] * 11]


def expected_firings(spec, operations, threshold, written):
    """{cycle: [(U, spike) of each lane]} of the firings that no reset ends; `written`: cycles from operation to memory.

    Also whether U was at the threshold, the directions in which it, or a sum, was saturated, and the currents.
    """
    resets = [c for c, operation in enumerate(operations) if operation[6]]
    v, current = np.zeros((2, spec.depth, spec.lanes), int).tolist()
    result, at_threshold, ends, currents = {}, False, set(), set()
    low, high = -(1 << spec.membrane_bits - 1), (1 << spec.membrane_bits - 1) - 1
    for c, (kind, place, weights, biases, pixel, clear, _) in enumerate(operations):

        def forgotten(cycles):
            return any(c <= r < c + cycles for r in resets)

        if kind == "add" and not forgotten(written["add"]):
            for i, w in enumerate(weights):
                if spec.input_bits:
                    current[place][i] += (w * pixel) << spec.guard
                else:
                    total = v[place][i] + (w << spec.guard)
                    v[place][i] = saturated(total, spec.membrane_bits)
                    ends |= {total > 0} if not low <= total <= high else set()
        elif kind == "fire":
            outs = []
            for i, b in enumerate(biases):
                currents.add(current[place][i] + b)
                constant = saturated(current[place][i] + b, spec.membrane_bits) if spec.input_bits else b
                u, spike, rest = fired(
                    v[place][i],
                    constant,
                    threshold,
                    spec.membrane_bits,
                    spec.beta,
                    spec.frac,
                    spec.reset,
                    spec.towards_zero,
                )
                ends |= {u > 0} if u in (low, high) else set()
                at_threshold |= u == threshold
                outs.append((u, spike))
                if not forgotten(written["fire"]):
                    v[place][i] = 0 if clear else saturated(rest, spec.membrane_bits)
                if clear and not forgotten(written["add"]):
                    current[place][i] = 0
            if not forgotten(written["spike"]):
                result[c] = outs
    return result, at_threshold, ends, currents


def bank_of(spec, place):
    """(bank, address in it) of the neurons at an address."""
    across, down = (spec.kernel if spec.taps > 1 else 1), (spec.kernel if spec.taps > spec.kernel else 1)
    (y, x), group = divmod(place // spec.groups, spec.out_width), place % spec.groups
    return y % down * across + x % across, (
        y // down * -(-spec.out_width // across) + x // across
    ) * spec.groups + group


@pytest.mark.parametrize(
    "spec, threshold",
    [
        (lane_spec(3, 7, 2, 4, 5, 3, 2, "subtract", False, 3), 11),
        (lane_spec(1, 6, 1, 5, 5, 1, 1, "zero", True, 1), 9),
        (lane_spec(2, 7, 0, 6, 4, 5, 3, "subtract_then_leak", True, 7), 6),
        (lane_spec(4, 8, 3, 3, 3, 1, 0, "none", False, 2), 8),
        (lane_spec(3, 10, 2, 4, 5, 3, 2, "subtract", False, 3, 4), 11),
        (lane_spec(1, 6, 0, 5, 5, 1, 1, "zero", True, 1, 1), 9),
        (lane_spec(2, 12, 1, 6, 4, 5, 3, "subtract_then_leak", True, 7, 8), 6),
        (lane_spec(2, 14, 2, 3, 3, 1, 0, "none", False, 2, 8), 8),
        (lane_spec(2, 6, 1, 5, 5, 3, 2, "subtract", False, 1, taps=2, kernel=2), 11),
        (lane_spec(1, 7, 1, 5, 5, 1, 1, "zero", True, 2, taps=9, kernel=3), 9),
        (lane_spec(1, 9, 1, 5, 4, 3, 2, "subtract", False, 2, 3, taps=3, kernel=3), 9),
        (lane_spec(2, 9, 1, 5, 4, 5, 3, "zero", False, 1, 3, taps=4, kernel=2), 9),
    ],
)
def test_lanes(spec, threshold):
    """Additions and firings as close as they may come, with resets in the middle; `drained` by the rule.

    An addition is in one bank; what the others would get is anything.
    """
    pixels, banked, depth = int(spec.input_bits > 0), int(spec.taps > 1), max((spec.bank_depth - 1).bit_length(), 1)
    delay = 4 + 2 * pixels + 2 * banked
    settling = 6 if banked and not pixels else 5
    weight_bits = spec.lanes * spec.weight_bits

    def ports():
        return (
            {
                "rst": bit(),
                "add": bit(),
                "banks": word(spec.taps),
                "addresses": word(spec.taps * depth),
                "fire": bit(),
                "address": address(spec.depth),
                "y": below(spec.out_height),
                "x": below(spec.out_width),
                "turn_group": below(spec.groups),
                "clear": bit(),
                "factor": word(spec.input_bits),
                "weights": word(spec.taps * weight_bits),
                "biases": word(spec.lanes * spec.bias_bits),
                "threshold": word(spec.membrane_bits - 1),
            },
            {
                "spikes": word(spec.lanes),
                "membranes": word(spec.lanes * spec.membrane_bits),
                "fired_address": address(spec.depth),
                "drained": bit(),
                "bias_read": bit(),
                "bias_group": below(spec.groups),
            },
        )

    @block
    def make(
        clk, rst, add, banks, addresses, fire, address, y, x, turn_group, clear, factor, weights, biases, threshold,
        spikes, membranes, fired_address, drained, bias_read, bias_group,
    ):  # fmt: skip
        walk, turn = (
            Walk(None, None, None, add, None, banks, addresses),
            Turn(fire, address, y, x, turn_group, None, None),
        )
        firing = Firing(spikes, membranes, fired_address)
        reader = GroupReader(bias_read, bias_group, biases)
        return lanes(
            clk, rst, walk, turn, clear, factor, weights, reader, threshold, spec.beta, firing, drained, spec, 1
        )

    rng = np.random.default_rng(13)
    operations = program(spec, rng, 60 if spec.lanes > 1 else 300 if spec.depth < 9 else 100)
    everything = [("fire", a, None, [0] * spec.lanes, 0, 1, 0) for a in range(spec.depth)]
    start = len(everything) + 11
    operations = [*everything, *[WAIT] * 11, *operations, *everything, *[WAIT] * 11]

    def bench():
        yield {"rst": 1}
        for c, now in enumerate(operations):
            kind, place, _, _, pixel, clear, reset = now
            given = {"add": kind == "add", "fire": kind == "fire", "rst": reset, "threshold": threshold}
            given["addresses"] = int(rng.integers(1 << min(spec.taps * depth, 62)))
            given["weights"] = int(rng.integers(1 << min(spec.taps * weight_bits, 62)))
            given["biases"] = rng.integers(2)
            if kind == "add":
                bank, at = bank_of(spec, place)
                given["banks"] = 1 << bank
                given["addresses"] &= ~((1 << depth) - 1 << bank * depth)
                given["addresses"] |= at << bank * depth
            elif kind == "fire":
                pixel_at, given["turn_group"] = divmod(place, spec.groups)
                given["address"], (given["y"], given["x"]) = place, divmod(pixel_at, spec.out_width)
            adding, firing = [operations[c - back] if c >= back else WAIT for back in (1 + banked, delay - 2 - pixels)]
            if adding[2]:
                at = bank_of(spec, adding[1])[0] * weight_bits
                given["weights"] &= ~((1 << weight_bits) - 1 << at)
                given["weights"] |= pack(adding[2], spec.weight_bits) << at
            if firing[3]:
                given["biases"] = pack(firing[3], spec.bias_bits)
            yield given | {"factor": pixel, "clear": clear if kind == "fire" else rng.integers(2)}

    with_reset = run(make, ports, bench())
    given, seen = (cycles[1:] for cycles in with_reset)
    product = int(spec.beta & spec.beta - 1 != 0)  # a leak that is no shift takes a cycle
    expected, at_threshold, ends, currents = expected_firings(
        spec, operations, threshold, {"add": 3 + pixels + banked, "fire": delay + product, "spike": delay}
    )
    for c, outs in expected.items():
        if c >= start:
            us, spikes = zip(*outs)
            assert seen[c + delay]["spikes"] == pack(spikes, 1)
            assert seen[c + delay]["membranes"] == pack(us, spec.membrane_bits)
            assert seen[c + delay]["fired_address"] == operations[c][1]
            read = seen[c + delay - 3 - pixels]
            assert (read["bias_read"], read["bias_group"]) == (1, operations[c][1] % spec.groups)
    for c in range(settling, len(seen)):
        recent = [
            now["fire"] and not any(later["rst"] for later in given[at:c])
            for at, now in enumerate(given[:c])
            if at >= c - settling
        ]
        assert seen[c]["drained"] == (not any(recent))
    assert at_threshold or spec.reset == "none"
    assert ends == {False, True}
    if pixels and spec.lanes == spec.taps == 1:  # currents at both ends, and just beyond
        high = (1 << spec.membrane_bits - 1) - 1
        assert currents >= {-high - 2, -high - 1, high, high + 1}
    assert {operation[0] for operation in operations if operation[6]} >= {"fire", None}
    in_ghdl(make, ports, *with_reset)
