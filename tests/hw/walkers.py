"""Bench of the walkers: inputs by every pattern of stalls, each addition in its promised cycle."""

from tests.hw.ports import PATTERNS, bit, in_ghdl, run, saturated, stalls


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


def walker_ports(scanned, addresses):
    """Return the ports of a walker; `scanned` and `addresses` are its own inputs and outputs, by name."""
    flow = {name: bit() for name in ("ready", "move", "load", "busy", "add")}
    return {"rst": bit(), "valid": bit(), **scanned}, {**flow, **addresses}


def places_of(height, width, channels, rng):
    """Return (y, x, channel) of every input of a frame in its order, and then of 20 at random."""
    places = [(y, x, c) for y in range(height) for x in range(width) for c in range(channels)]
    return places + [places[i] for i in rng.integers(len(places), size=20)]


def scanned_places(places):
    """Return the fields that a scanner gives for each place."""
    return [{"y": y, "x": x, "channel": c} for y, x, c in places]


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
    walked = {}
    for c, now in enumerate(log):
        if now[walking]:
            walked[c] = third
        third = second if now["load"] else third
        second = first if now["move"] else second
        first = number if now["ready"] else first
        number += now["valid"] and now["ready"]
    assert walked == owner


def check_walker(make, ports, banks, inputs, costs, expected, anything, rng, groups):
    """All inputs by every pattern, with resets in the middle: flow and addresses.

    `expected` has (address of the weights, {bank: address}, turns of the taps) of each cycle with additions. From
    one to the next to the same neuron there are as many cycles as groups, at least: the lanes rely on it.
    """
    episodes = [(inputs, pattern, cut) for pattern in PATTERNS for cut in (4, 9, None)]
    logs = []
    given, seen = run(make, ports, walk(episodes, logs, rng, anything))
    width = len(ports()[1]["addresses"]) // banks
    for (_, _, cut), log in zip(episodes, logs):
        check_flow(log, costs, lambda first, cost: first + cost - 1)
        assert all(bool(now["banks"]) == now["add"] for now in log)
        adds = [
            (
                now["weight_address"],
                {i: now["addresses"] >> i * width & (1 << width) - 1 for i in range(banks) if now["banks"] >> i & 1},
                tuple(now[name] for name in ("turn_x", "turn_y") if name in now),
            )
            for now in log
            if now["add"]
        ]
        assert adds == (expected[: len(adds)] if cut else expected)
        last = {}
        for (_, at, _), c in zip(adds, (c for c, now in enumerate(log) if now["add"])):
            assert all(c - last.get(neuron, -99) >= groups for neuron in at.items())
            last |= dict.fromkeys(at.items(), c)
    in_ghdl(make, ports, given, seen)


def sums(additions, weights, count, guard, bits):
    """Membranes of `bits` bits after additions (address of a weight, address of a neuron), one after the other."""
    membranes = [0] * count
    for weight, neuron in additions:
        membranes[neuron] = saturated(membranes[neuron] + (int(weights[weight]) << guard), bits)
    return membranes
