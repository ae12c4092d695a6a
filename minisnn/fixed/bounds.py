"""Proven bounds of membranes: how wide a membrane must be so that it never saturates."""

import numpy as np

from . import lif
from .network import IntegerLayer, IntegerNetwork

HARDWARE_BITS = 31  # of a membrane, at most


def bounds(layer: IntegerLayer, most_input: int, num_steps: int) -> tuple[int, int]:
    """Return (least, most) of every sum and membrane of a layer, for any inputs from 0 to `most_input`.

    The interval of the kept state is followed from step to step until it no longer grows. With beta = 1 it may grow for
    ever, so `num_steps` steps are followed. `most_input` is 1 for spikes and 2**bits - 1 for pixels.
    """
    w = layer.w.reshape(-1, layer.w.shape[-1]).astype(np.int64) << layer.guard
    up, down = most_input * np.maximum(w, 0).sum(axis=0), most_input * np.minimum(w, 0).sum(axis=0)
    low, high = np.zeros_like(up), np.zeros_like(up)
    least, most = min(down.min(), 0), max(up.max(), 0)
    step = 0
    while layer.beta < 1 << layer.frac or step < num_steps:
        least, most = min(least, (low + down).min()), max(most, (high + up).max())
        u_low, u_high = low + down + layer.b, high + up + layer.b
        least, most = min(least, u_low.min()), max(most, u_high.max())
        after_low, after_high = _kept(layer, u_low, u_high)
        new_low, new_high = np.minimum(low, after_low), np.maximum(high, after_high)
        least, most = min(least, new_low.min()), max(most, new_high.max())
        step += 1
        if (new_low == low).all() and (new_high == high).all():
            break
        low, high = new_low, new_high
    return int(least), int(most)


def _kept(layer, low, high):
    """Interval of the state that is kept after a membrane in [low, high]."""
    rounding, threshold = lif.ROUNDINGS.index(layer.rounding), layer.threshold

    def leak(u):
        return lif.leak(u, layer.beta, layer.frac, rounding)

    if layer.reset == "none":
        return leak(low), leak(high)
    after_spike = {
        "subtract": lambda u: leak(u) - threshold,
        "zero": lambda u: 0 * u,
        "subtract_then_leak": lambda u: leak(u - threshold),
    }[layer.reset]
    can_spike, can_be_silent = high > threshold, low <= threshold
    least_spiking, most_silent = np.maximum(low, threshold + 1), np.minimum(high, threshold)
    lows = np.minimum(
        np.where(can_be_silent, leak(low), after_spike(least_spiking)),
        np.where(can_spike, after_spike(least_spiking), leak(low)),
    )
    highs = np.maximum(
        np.where(can_be_silent, leak(most_silent), after_spike(high)),
        np.where(can_spike, after_spike(high), leak(most_silent)),
    )
    return lows, highs


def signed_bits(value: int) -> int:
    """Return the bits of two's complement that hold `value`."""
    return (value if value >= 0 else ~value).bit_length() + 1


def flag_for_hardware(network: IntegerNetwork) -> str:
    """Return the flag of ``minisnn quantize`` with which membranes fit hardware, or "" if they do.

    A guard bit less is a bit less in each membrane. Without enough guard bits, only membranes that may saturate fit.
    """
    widest = max(network.layers, key=lambda layer: layer.membrane_bits)
    excess = widest.membrane_bits - HARDWARE_BITS
    if excess <= 0:
        return ""
    return f"--guard {widest.guard - excess}" if widest.guard >= excess else f"--membrane-bits {HARDWARE_BITS}"
