"""One neuron in the firing pass, in Python's integers: the oracle of the gates, which imports nothing of them."""

from tests.hw.ports import saturated


def fired(v, addend, threshold, bits, beta, frac, reset, towards_zero):
    """(U, spike, what is kept before it is saturated) of a neuron."""
    u = saturated(v + addend, bits)
    spike = reset != "none" and u > threshold
    rest = u - threshold if spike and reset == "subtract_then_leak" else u
    rest = -(-rest * beta >> frac) if towards_zero and rest < 0 else rest * beta >> frac
    rest = rest - threshold if spike and reset == "subtract" else rest
    return u, int(spike), 0 if spike and reset == "zero" else rest
