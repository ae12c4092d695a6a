"""Lesson 12: a maximum in gates, ports in a text of VHDL, and blocks of memory."""

import builtins
import re
from tempfile import TemporaryDirectory

import numpy as np
from myhdl import Signal, always, block

from minisnn_hw import convert

from .blocks import simulate, unsigned
from .exercise import Exercise


@block
def minimum(clk, a, b, most):
    @always(clk.posedge)
    def step():
        if a < b:
            most.next = a
        else:
            most.next = b

    return step


@block
def only_if_larger(clk, a, b, most):
    @always(clk.posedge)
    def step():
        if a > b:
            most.next = a

    return step


@block
def remembers(clk, a, b, most):
    @always(clk.posedge)
    def step():
        if a > most:
            most.next = a
        elif b > most:
            most.next = b

    return step


@block
def by_python(clk, a, b, most):
    @always(clk.posedge)
    def step():
        most.next = max(a, b)

    return step


def in_each_cycle(function, pairs):
    """Return what a block computes; raise TypeError if its VHDL calls a function that Python alone has."""
    with TemporaryDirectory() as folder:
        files = convert(function(Signal(bool(0)), *(unsigned(8) for _ in range(3))), folder)
        called = re.findall(r"\b(\w+)\(", files[-1].read_text(encoding="utf-8"))
    if missing := [name for name in called if hasattr(builtins, name)]:
        raise TypeError(f"VHDL has no {missing[0]}")
    return simulate(function, {"a": 8, "b": 8}, {"most": 8}, [{"a": int(a), "b": int(b)} for a, b in pairs])


def missing_ports(text, ports):
    return [port for port in ports if not re.search(rf"(?<![A-Za-z0-9_]){port}(?![A-Za-z0-9_])", text, re.I)]


def whole_blocks(words, width, shapes, first=False):
    counts = [-(-words // depth) * -(-width // bits) for depth, bits in shapes]
    return counts[0] if first else min(counts)


TEXT = "entity pool is\n  port (clk, spikes_on: in std_logic; WORD_VALID: out std_logic; word: out unsigned(3 downto 0));\nend;"
SHAPES = ((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36))
pairs = np.random.default_rng(0).integers(0, 256, (40, 2))
pairs[:4] = [7, 7], [0, 255], [255, 0], [3, 2]

EXERCISES = [
    Exercise(
        name="maximum",
        cases=[(pairs,)],
        right=lambda pairs: [[0]] + [[max(a, b)] for a, b in pairs.tolist()[:-1]],
        mistakes={
            "this is the smaller number": minimum,
            "where a is not larger, the old value stays; each case needs its own assignment": only_if_larger,
            "this is the largest number so far; earlier cycles do not count": remembers,
            "it runs in Python alone; write the choice with `if`, which becomes a circuit": by_python,
        },
        values=("most",),
        axes=("cycle",),
        use=in_each_cycle,
    ),
    Exercise(
        name="missing_ports",
        cases=[(TEXT, ["clk", "valid", "word_valid", "word", "spikes"])],
        right=lambda text, ports: sorted(missing_ports(text, ports)),
        mistakes={
            "a name inside a longer one does not count: word_valid is not valid": lambda text, ports: [
                port for port in ports if port not in text.lower()
            ],
            "a name that only begins like a port does not count: spikes_on is not spikes": lambda text, ports: [
                port for port in ports if not re.search(rf"\b{port}", text, re.I)
            ],
            "VHDL does not distinguish capitals": lambda text, ports: [
                port for port in ports if not re.search(rf"\b{port}\b", text)
            ],
            "these are the ports that are there": lambda text, ports: [
                port for port in ports if port not in missing_ports(text, ports)
            ],
        },
        values=("list of ports",),
        use=lambda function, text, ports: sorted(function(text, ports)),
    ),
    Exercise(
        name="whole_blocks",
        cases=[(128, 30, SHAPES), (1024, 30, SHAPES), (2048, 30, SHAPES), (5000, 3, SHAPES), (1000, 40, SHAPES)],
        right=whole_blocks,
        mistakes={
            "bits are not poured: a block has as many words as its shape, full or not": lambda words, width, shapes: (
                -(-words * width // (shapes[-1][0] * shapes[-1][1]))
            ),
            "all shapes are possible; take the one that needs the fewest blocks": lambda *case: whole_blocks(
                *case, first=True
            ),
            "a block that is used in part is a whole block: round up": lambda words, width, shapes: min(
                max(words // depth, 1) * max(width // bits, 1) for depth, bits in shapes
            ),
        },
        values=("number of blocks",),
        doing=lambda words, width, shapes: f"{words} words of {width} bits",
    ),
]
