"""What the tests of blocks share: signals for ports, stalls, words, and the way into GHDL.

A bench is a generator: it yields the inputs of a cycle and is sent the outputs at the end of that cycle.
"""

import shutil

import pytest
from myhdl import Signal, intbv

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


def run(make, ports, bench, cycles=50_000):
    """(given, seen) of a block in MyHDL, driven by a bench."""
    return simulate.run(make, *ports(), lambda cycle, seen: bench.send(seen if cycle else None), cycles)


def in_ghdl(make, ports, given, seen):
    """The same cycles as VHDL, where GHDL is installed; in CI it must be."""
    if shutil.which("ghdl") is None:
        pytest.skip("GHDL is not installed: apt install ghdl")
    simulate.same_in_ghdl(make, *ports(), given, seen)
