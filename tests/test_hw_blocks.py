"""Blocks of the accelerator: what their docstrings promise, in MyHDL, and the same in VHDL cycle by cycle."""

import shutil

import numpy as np
import pytest
from myhdl import Signal, block, intbv

from hw import simulate
from hw.conv2d import conv2d
from hw.lif import lif
from hw.linear import linear
from hw.memory import ram
from hw.spike_scanner import spike_scanner
from tests.hw_ports import below, bit, word


def in_ghdl(make, ports, given, seen):
    """The same cycles in GHDL, where it is installed; in CI it must be."""
    if shutil.which("ghdl") is None:
        pytest.skip("GHDL is not installed: apt install ghdl")
    simulate.same_in_ghdl(make, *ports(), given, seen)


def stalls(pattern, rng):
    """A function of the cycle that says whether a stream is ready."""
    return {"always": lambda cycle: 1, "every third": lambda cycle: cycle % 3 == 0,
            "at random": lambda cycle: int(rng.random() < 0.5)}[pattern]


def test_bench_sees_a_difference():
    """The bench itself: one wrong output in one cycle is told."""
    def make(clk, rst, write, write_address, write_data, read, read_address, read_data):
        return ram(clk, write, write_address, write_data, read, read_address, read_data, 4)

    def ports():
        return ({"rst": bit(), "write": bit(), "write_address": below(4), "write_data": word(3), "read": bit(),
                 "read_address": below(4)}, {"read_data": word(3)})
    make = block(make)
    rng = np.random.default_rng(0)
    given, seen = simulate.run(make, *ports(), lambda cycle, out: {
        "write": rng.integers(2), "write_address": rng.integers(4), "write_data": rng.integers(8),
        "read": rng.integers(2), "read_address": rng.integers(4)}, 40)
    in_ghdl(make, ports, given, seen)
    seen[30]["read_data"] ^= 1
    with pytest.raises(simulate.Mismatch, match="cycle 30: read_data is"):
        simulate.same_in_ghdl(make, *ports(), given, seen)


def test_ram():
    @block
    def make(clk, write, write_address, write_data, read, read_address, read_data):
        return ram(clk, write, write_address, write_data, read, read_address, read_data, 5)

    def ports():
        return ({"write": bit(), "write_address": below(5), "write_data": word(6), "read": bit(),
                 "read_address": below(5)}, {"read_data": word(6)})
    rng = np.random.default_rng(0)
    given, seen = simulate.run(make, *ports(), lambda cycle, out: {
        "write": rng.integers(2), "write_address": rng.integers(5), "write_data": rng.integers(64),
        "read": rng.integers(2), "read_address": rng.integers(5)}, 200)
    words, expected, collisions = [0] * 5, 0, 0
    for cycle, values in enumerate(given):
        assert seen[cycle]["read_data"] == expected
        collisions += values["write"] and values["read"] and values["write_address"] == values["read_address"]
        if values["read"]:
            expected = words[values["read_address"]]
        if values["write"]:
            words[values["write_address"]] = values["write_data"]
    assert collisions > 3
    in_ghdl(make, ports, given, seen)


def scan_case(height, width, channels, bits, flat, frame, ready, cycles=400):
    """(make, ports, given, seen, cycle of start) of a scanner on a frame (height, width, channels)."""
    groups = -(-channels // bits)
    count = height * width * groups
    padded = np.zeros((height, width, groups * bits), int)
    padded[:, :, :channels] = frame
    words = [sum(int(v) << i for i, v in enumerate(row)) for row in padded.reshape(count, bits)]

    @block
    def make(clk, rst, write, write_address, write_data, start, ready, busy, valid, y, x, base, index):
        read, address, data = bit(), below(count), word(bits)
        memory = ram(clk, write, write_address, write_data, read, address, data, count)
        scanner = spike_scanner(clk, rst, start, busy, read, address, data, valid, ready, y, x, base, index, height,
                                width, channels, flat)
        return memory, scanner

    def ports():
        return ({"rst": bit(), "write": bit(), "write_address": below(count), "write_data": word(bits),
                 "start": bit(), "ready": bit()},
                {"busy": bit(), "valid": bit(), "y": below(height), "x": below(width),
                 "base": below(height * width * channels if flat else channels), "index": below(bits)})
    begin = count + 2

    def drive(cycle, out):
        if cycle < 2:
            return {"rst": 1}
        if cycle < begin:
            return {"write": 1, "write_address": cycle - 2, "write_data": words[cycle - 2]}
        if cycle > begin + 4 and not out["busy"]:
            raise StopIteration
        return {"start": cycle == begin, "ready": ready(cycle)}
    given, seen = simulate.run(make, *ports(), drive, cycles)
    return make, ports, given, seen, begin, words


@pytest.mark.parametrize("pattern", ["always", "every third", "at random"])
@pytest.mark.parametrize("height, width, channels, bits, flat", [
    (1, 1, 13, 4, True), (3, 2, 5, 2, True), (3, 4, 5, 3, False), (2, 5, 4, 8, False), (1, 1, 1, 1, True)])
def test_spike_scanner(height, width, channels, bits, flat, pattern):
    rng = np.random.default_rng(height * 10 + bits)
    for density in (0.0, 0.25, 1.0):
        frame = rng.random((height, width, channels)) < density
        make, ports, given, seen, begin, words = scan_case(height, width, channels, bits, flat, frame,
                                                           stalls(pattern, rng))
        taken = [(s["y"], s["x"], s["base"] + s["index"]) for g, s in zip(given, seen) if s["valid"] and g["ready"]]
        hits = np.argwhere(frame)
        expected = [(0, 0, (y * width + x) * channels + c) if flat else (y, x, c) for y, x, c in hits]
        assert taken == [tuple(int(v) for v in hit) for hit in expected]
        if pattern == "always":
            first = [cycle - begin for cycle, s in enumerate(seen) if s["valid"]]
            if words[0]:
                assert first[0] == 3
            busy = [cycle - begin for cycle, s in enumerate(seen) if s["busy"]]
            assert busy == list(range(1, len(busy) + 1))
            # spikes + zero words + the way of the first word to the spikes
            assert len(busy) <= len(hits) + words.count(0) + 2
    in_ghdl(make, ports, given, seen)


def walk(make, ports, inputs, valid, cycles=4000):
    """Drive a walker with inputs (dicts of ports); (given, seen, [(weight, neuron)])."""
    queue = list(inputs)

    def drive(cycle, out):
        if cycle < 2:
            return {"rst": 1}
        if queue and drive.offered and out["ready"]:
            queue.pop(0)
        drive.offered = bool(queue) and bool(valid(cycle) or drive.offered and not out["ready"])
        if not queue and not out["busy"]:
            drive.idle += 1
            if drive.idle > 2:
                raise StopIteration
        return {**(queue[0] if queue else {}), "valid": drive.offered}
    drive.offered, drive.idle = False, 0
    given, seen = simulate.run(make, *ports(), drive, cycles)
    return given, seen, [(s["weight_address"], s["neuron_address"]) for s in seen if s["add"]]


@pytest.mark.parametrize("kernel, padding, channels, height, width, out, groups", [
    (3, 0, 2, 5, 6, (3, 4), 1), (3, 1, 3, 4, 4, (4, 4), 2), (2, 0, 1, 5, 5, (2, 4), 3), (5, 2, 2, 4, 6, (4, 6), 1),
    (1, 0, 4, 3, 3, (2, 2), 2), (3, 3, 1, 2, 2, (6, 6), 1)])
def test_conv2d(kernel, padding, channels, height, width, out, groups):
    h, w = out
    weights = channels * kernel * kernel * groups

    @block
    def make(clk, rst, valid, y, x, base, index, ready, busy, add, weight_address, neuron_address):
        return conv2d(clk, rst, valid, ready, y, x, base, index, busy, add, weight_address, neuron_address, kernel,
                      padding, channels, h, w, groups)

    def ports():
        return ({"rst": bit(), "valid": bit(), "y": below(height), "x": below(width), "base": below(channels),
                 "index": below(2)},
                {"ready": bit(), "busy": bit(), "add": bit(), "weight_address": below(weights),
                 "neuron_address": below(h * w * groups)})
    inputs = [{"y": y, "x": x, "base": c // 2 * 2, "index": c % 2}
              for y in range(height) for x in range(width) for c in range(channels)]
    expected, costs = [], []
    for each in inputs:
        before = len(expected)
        for ky in range(kernel):
            for kx in range(kernel):
                row, column = each["y"] + padding - ky, each["x"] + padding - kx
                if 0 <= row < h and 0 <= column < w:
                    c = each["base"] + each["index"]
                    expected += [((((c * kernel) + ky) * kernel + kx) * groups + g, (row * w + column) * groups + g)
                                 for g in range(groups)]
        costs.append(len(expected) - before)
    given, seen, found = walk(make, ports, inputs, lambda cycle: 1)
    assert found == expected
    adds = [cycle for cycle, s in enumerate(seen) if s["add"]]
    if all(costs):
        assert adds[-1] - adds[0] + 1 == len(expected)  # no bubble between inputs
    assert min(adds) == next(c for c, g in enumerate(given) if g["valid"]) + 3 + next(
        i for i, cost in enumerate(costs) if cost)
    in_ghdl(make, ports, given, seen)
    rng = np.random.default_rng(0)
    given, seen, found = walk(make, ports, inputs, lambda cycle: rng.random() < 0.3)
    assert found == expected
    in_ghdl(make, ports, given, seen)


@pytest.mark.parametrize("inputs, groups", [(7, 1), (5, 3), (1, 1), (9, 4)])
def test_linear(inputs, groups):
    @block
    def make(clk, rst, valid, base, index, ready, busy, add, weight_address, neuron_address):
        return linear(clk, rst, valid, ready, base, index, busy, add, weight_address, neuron_address, inputs, groups)

    def ports():
        return ({"rst": bit(), "valid": bit(), "base": below(inputs), "index": below(2)},
                {"ready": bit(), "busy": bit(), "add": bit(), "weight_address": below(inputs * groups),
                 "neuron_address": below(groups)})
    rng = np.random.default_rng(0)
    for valid in (lambda cycle: 1, lambda cycle: rng.random() < 0.4):
        given, seen, found = walk(make, ports, [{"base": i // 2 * 2, "index": i % 2} for i in range(inputs)], valid)
        assert found == [(i * groups + g, g) for i in range(inputs) for g in range(groups)]
        in_ghdl(make, ports, given, seen)
    assert adds_without_bubble(make, ports, inputs, groups)


def adds_without_bubble(make, ports, inputs, groups):
    given, seen, found = walk(make, ports, [{"base": i // 2 * 2, "index": i % 2} for i in range(inputs)],
                              lambda cycle: 1)
    adds = [cycle for cycle, s in enumerate(seen) if s["add"]]
    first = next(cycle for cycle, g in enumerate(given) if g["valid"])
    return adds == list(range(first + 3, first + 3 + inputs * groups))


def lane_by_hand(operations, depth, bits, guard, beta, frac, reset, towards_zero, threshold):
    """[(spike, U)] of the firings of one lane, by Python's integers."""
    def sat(v):
        return min(max(v, -2**(bits - 1)), 2**(bits - 1) - 1)

    def leak(v):
        return -(-v * beta >> frac) if towards_zero and v < 0 else v * beta >> frac
    state, fires = [0] * depth, []
    for kind, address, number, clear in operations:
        if kind == "add":
            state[address] = sat(state[address] + (number << guard))
        elif kind == "fire":
            u = sat(state[address] + number)
            s = int(reset != "none" and u > threshold)
            fires.append((s, u))
            v = leak(u - s * threshold) if reset == "subtract_then_leak" else leak(u)
            v = v - s * threshold if reset == "subtract" else 0 if reset == "zero" and s else v
            state[address] = 0 if clear else sat(v)
    return fires


@pytest.mark.parametrize("reset, beta, frac, towards_zero, bits, guard, threshold", [
    ("subtract", 1, 1, False, 9, 2, 40), ("subtract", 13, 4, True, 8, 2, 20),
    ("subtract_then_leak", 3, 2, False, 8, 2, 35),
    ("zero", 7, 3, False, 10, 3, 100), ("none", 1, 0, False, 7, 1, 5), ("subtract", 0, 0, False, 8, 2, 60),
    ("subtract_then_leak", 5, 3, True, 6, 1, 9)])
def test_lif(reset, beta, frac, towards_zero, bits, guard, threshold):
    """Additions with all distances between equal addresses, saturation both ways, membranes at the threshold."""
    depth, weight_bits = 3, 5

    @block
    def make(clk, enable, address, near, far, weight, addend, threshold, write, write_address, fired, clear, spike,
             before):
        return lif(clk, enable, address, near, far, weight, addend, threshold, write, write_address, fired, clear,
                   spike, before, depth, guard, beta, frac, reset, towards_zero)

    def signed(width):
        return Signal(intbv(0, min=-2**(width - 1), max=2**(width - 1)))

    def ports():
        return ({"enable": bit(), "address": below(depth), "near": bit(), "far": bit(), "weight": signed(weight_bits),
                 "addend": signed(bits), "threshold": word(bits - 1), "write": bit(), "write_address": below(depth),
                 "fired": bit(), "clear": bit()}, {"spike": bit(), "before": signed(bits)})
    rng = np.random.default_rng(bits)
    operations = []
    for _ in range(25):
        pull = rng.integers(-13, 14)  # some rounds all up, some all down: both ends are reached
        for _ in range(rng.integers(0, 24)):
            weight = int(np.clip(rng.integers(-6, 7) + pull, -15, 15))
            operations.append((str(rng.choice(["add", "add", "wait"])), int(rng.integers(depth)), weight, 0))
        clear = int(rng.random() < 0.2)
        operations += [("wait", 0, 0, 0)] * 3
        operations += [("fire", a, int(rng.integers(-10, 11)), clear) for a in rng.permutation(depth).tolist()]
        operations += [("wait", 0, 0, 0)] * 6
    kinds = [op[0] for op in operations] + ["wait"] * 6

    def at(cycle):
        return operations[cycle] if 0 <= cycle < len(operations) else ("wait", 0, 0, 0)

    def drive(cycle, out):
        if cycle == len(kinds):
            raise StopIteration
        now, one, two, four, five = at(cycle), at(cycle - 1), at(cycle - 2), at(cycle - 4), at(cycle - 5)
        before_one, before_two = at(cycle - 2), at(cycle - 3)
        adding, firing = two[0] == "add", five[0] == "fire"
        return {"enable": now[0] != "wait", "address": now[1], "threshold": threshold,
                "weight": one[2] if one[0] == "add" else 0,
                "addend": one[2] if one[0] == "fire" else 0,
                "near": before_one[0] == "add" and before_one[1] == one[1],
                "far": before_two[0] == "add" and before_two[1] == one[1],
                "write": adding or firing, "write_address": two[1] if adding else five[1], "fired": firing,
                "clear": four[0] == "fire" and four[3]}
    given, seen = simulate.run(make, *ports(), drive, 10_000)
    expected = lane_by_hand(operations, depth, bits, guard, beta, frac, reset, towards_zero, threshold)
    found = [(seen[c + 3]["spike"], seen[c + 3]["before"]) for c, kind in enumerate(kinds) if kind == "fire"]
    assert found == expected
    us = [u for _, u in expected]
    assert sum(g["near"] for g in given) > 3 and sum(g["far"] for g in given) > 3
    if bits <= 8 and reset != "zero":
        assert max(us) == 2**(bits - 1) - 1 or min(us) == -2**(bits - 1)
    in_ghdl(make, ports, given, seen)
