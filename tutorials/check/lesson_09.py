"""Lesson 9: three registers, a neuron with reset zero in integers, and a counter that saturates."""

import numpy as np
from myhdl import Signal, always, block, intbv

from .blocks import simulate
from .exercise import Exercise


@block
def two(clk, d, third):
    first = Signal(intbv(0)[len(d) :])

    @always(clk.posedge)
    def take():
        first.next = d
        third.next = first

    return take


@block
def four(clk, d, third):
    first, second, more = [Signal(intbv(0)[len(d) :]) for _ in range(3)]

    @always(clk.posedge)
    def take():
        first.next = d
        second.next = first
        more.next = second
        third.next = more

    return take


@block
def at_once(clk, d, third):
    @always(clk.posedge)
    def take():
        third.next = d

    return take


@block
def assigned(clk, d, third):
    first, second = [Signal(intbv(0)[len(d) :]) for _ in range(2)]

    @always(clk.posedge)
    def take():
        first = d
        second = first
        third = second  # noqa: F841

    return take


@block
def wraps(clk, spike, count):
    @always(clk.posedge)
    def step():
        if spike:
            if count == 15:
                count.next = 0
            else:
                count.next = count + 1

    return step


@block
def bursts(clk, spike, count):
    @always(clk.posedge)
    def step():
        if spike:
            count.next = count + 1

    return step


@block
def up_to_fifteen(clk, spike, count):
    @always(clk.posedge)
    def step():
        if spike and count < 15:
            count.next = count + 1

    return step


@block
def all_cycles(clk, spike, count):
    most = count.max - 1

    @always(clk.posedge)
    def step():
        if count < most:
            count.next = count + 1

    return step


@block
def below_the_end(clk, spike, count):
    @always(clk.posedge)
    def step():
        if spike and count < 14:
            count.next = count + 1

    return step


def delayed(values):
    return [[0]] * 3 + [[value] for value in values[:-3]]


def counted(spikes, width):
    return [[min(sum(spikes[:k]), 2**width - 1)] for k in range(len(spikes))]


def fire_zero(v, addend, threshold, beta, frac, at=False, subtract=False, floor=True):
    low, high = -128, 127
    u = max(low, min(high, v + addend))
    spike = int(u >= threshold if at else u > threshold)
    kept = beta * u // 2**frac if floor else int(beta * u / 2**frac)
    if spike:
        kept = kept - threshold if subtract else 0
    return spike, kept


def not_saturated(v, addend, threshold, beta, frac):
    u = v + addend
    return int(u > threshold), 0 if u > threshold else beta * u // 2**frac


rng = np.random.default_rng(0)
VALUES = rng.integers(1, 16, 20).tolist()
SPIKES = rng.integers(0, 2, 48).tolist()

EXERCISES = [
    Exercise(
        name="three_registers",
        cases=[(VALUES,)],
        right=delayed,
        mistakes={
            "one register too few: the value comes out a cycle early": two,
            "nothing arrives: `=` gives a name to something, and only `.next =` drives a signal": assigned,
            "one register too many: the value comes out a cycle late": four,
            "the value comes out after one cycle: each of the three registers takes what the one before held": at_once,
        },
        values=("third",),
        axes=("cycle",),
        use=lambda function, values: simulate(function, {"d": 4}, {"third": 4}, [{"d": v} for v in values]),
    ),
    Exercise(
        name="fire_zero",
        cases=[
            (20, 30, 60, 3, 2),
            (40, 21, 60, 3, 2),
            (30, 30, 60, 3, 2),
            (-5, -4, 60, 3, 2),
            (100, 90, 60, 3, 2),
            (-100, -90, 60, 3, 2),
        ],  # fmt: skip
        right=fire_zero,
        mistakes={
            "a membrane at the threshold does not spike; it must be above": lambda *case: fire_zero(*case, at=True),
            "this is reset subtract; reset zero keeps nothing": lambda *case: fire_zero(*case, subtract=True),
            "rounded towards zero; `>>` rounds down, so -6.75 becomes -7": lambda *case: fire_zero(*case, floor=False),
            "the leak is missing in what is kept": lambda v, addend, threshold, *_: fire_zero(
                v, addend, threshold, 1, 0
            ),
            "the sum must be saturated to 8 bits, -128 to 127": not_saturated,
        },
        values=("spike", "kept state"),
        doing=lambda v, addend, *_: f"v = {v}, addend = {addend}",
    ),
    Exercise(
        name="counter",
        cases=[(SPIKES, 4), (SPIKES, 3)],
        right=counted,
        mistakes={
            "after 15 it begins again at 0; a saturated counter stays": wraps,
            "a count of other widths ends elsewhere; count.max says where": up_to_fifteen,
            "a cycle without a spike does not count": all_cycles,
            "15 spikes are the most that fit; the next one does not": bursts,
            "it stops at 14; 15 fits into four bits": below_the_end,
        },
        values=("count",),
        axes=("cycle",),
        use=lambda function, spikes, width: simulate(
            function, {"spike": 1}, {"count": width}, [{"spike": spike} for spike in spikes]
        ),
        doing=lambda spikes, width: f"count has {width} bits",
    ),
]
