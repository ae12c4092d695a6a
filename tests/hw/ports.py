"""Shared by the tests of blocks: signals for ports, stalls, words, and the way into GHDL.

A bench is a generator: it yields the inputs of a cycle and is sent the outputs at the end of that cycle.
"""

from dataclasses import fields

import pytest
from myhdl import Signal, intbv

from minisnn_hw.generate.tools import ToolError, need
from minisnn_hw.verify import simulate

PATTERNS = ("always", "every third", "random")


def bit():
    return Signal(bool(0))


def word(width):
    return Signal(intbv(0)[max(width, 1) :])


def below(count):
    """A signal for 0 to count - 1."""
    return Signal(intbv(0, min=0, max=max(count, 2)))


def address(count):
    """A signal for an address of `count` words, of all values of its width."""
    return word((count - 1).bit_length())


def signed(width):
    return Signal(intbv(0, min=-(1 << width - 1), max=1 << width - 1))


def stalls(pattern, rng):
    """A function of the cycle that says whether a stream is ready."""
    return {
        "always": lambda cycle: 1,
        "every third": lambda cycle: int(cycle % 3 == 0),
        "random": lambda cycle: int(rng.random() < 0.5),
    }[pattern]


def pack(values, width):
    """Numbers as one word, the first in the lowest bits, two's complement."""
    return sum((int(value) & (1 << width) - 1) << i * width for i, value in enumerate(values))


def saturated(value, width):
    return min(max(value, -(1 << width - 1)), (1 << width - 1) - 1)


def plain(make, **bundles):
    """Return `make` with port bundles, for benches that call a bundle's signals by the names of its fields alone.

    `bundles` maps an argument to the bundle's class, or to (class, {field: another name}).
    """
    kinds, names = {}, {}
    for argument, kind in bundles.items():
        kind, other = kind if isinstance(kind, tuple) else (kind, {})
        kinds[argument] = kind
        names |= {other.get(field.name, field.name): f"{argument}_{field.name}" for field in fields(kind)}

    def bundled(**signals):
        gathered = {argument: kind.of(argument, signals) for argument, kind in kinds.items()}
        single = {name: signal for name, signal in signals.items() if name not in names.values()}
        return make(**gathered, **single)

    bundled.names = names
    return bundled


def full(make, ports):
    """Return (inputs, outputs) of a `plain` block under the names of its ports in HDL."""
    names = getattr(make, "names", {})
    return tuple({names.get(name, name): signal for name, signal in group.items()} for group in ports())


def run(make, ports, bench, cycles=50_000):
    """(given, seen) of a block in MyHDL, driven by a bench."""
    names = getattr(make, "names", {})
    short = {long: name for name, long in names.items()}

    def drive(cycle, seen):
        given = bench.send({short.get(name, name): value for name, value in seen.items()} if cycle else None)
        return {names.get(name, name): value for name, value in given.items()}

    given, seen = simulate.run(make, *full(make, ports), drive, cycles)
    return [[{short.get(name, name): value for name, value in row.items()} for row in rows] for rows in (given, seen)]


def needs(*tools):
    """Skip the test if a tool is missing, and say how to install it."""
    try:
        need(*tools)
    except ToolError as error:
        pytest.skip(str(error))


def in_ghdl(make, ports, given, seen):
    """The same cycles as VHDL, where GHDL is installed; in CI it must be."""
    needs("ghdl")
    names = getattr(make, "names", {})
    given, seen = [[{names.get(name, name): v for name, v in row.items()} for row in rows] for rows in (given, seen)]
    simulate.same_in_ghdl(make, *full(make, ports), given, seen)
