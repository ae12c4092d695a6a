"""Signals for ports of the accelerator's blocks."""

from myhdl import Signal, intbv


def bit():
    return Signal(bool(0))


def word(width):
    return Signal(intbv(0)[max(width, 1):])


def below(count):
    """A signal for 0 to count - 1."""
    return Signal(intbv(0, min=0, max=max(count, 2)))
