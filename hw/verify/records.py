"""Records of what the probe shows and the accelerator answers, as ``host.vhd`` and ``host.cpp`` write them."""

import numpy as np

from minisnn.fixed.early_exit import NEVER
from minisnn.fixed.network import IntegerRun
from minisnn.timing.cycles import EVENTS, Cycles

from ..spec import AcceleratorSpec, LayerSpec
from .comparison import Observed, by_address, firing_order

FIRED, EVENT, BEAT, OVER = range(4)  # kinds of records
HEAD = 4  # integers before a record's values: kind, layer, cycle, address


def record_size(spec: AcceleratorSpec) -> int:
    """Return the number of integers in a record."""
    return HEAD + max(2, *(layer.neurons for layer in spec.layers))


def observe(records: np.ndarray, run: IntegerRun, predicted: Cycles, image: int, spec: AcceleratorSpec) -> Observed:
    """Return what the records of an image show, its firings compared with the integers'.

    Parameters
    ----------
    records : ndarray of int32, shape (n, size)
    run : IntegerRun
        With membranes.
    predicted : Cycles
        Which firing passes there are: not all, if the image is answered before its last step.
    image : int
        Index of the image in these two.
    spec : AcceleratorSpec

    Returns
    -------
    observed : Observed
        Its cycles count from the one in which the image's first word was taken.
    """
    kind, number, cycle, address = records[:, :HEAD].T
    values = records[:, HEAD:]
    observed = Observed(taken=[0])
    for index, (layer, spk, mem) in enumerate(zip(spec.layers, run.spk, run.mem)):
        fired = (kind == FIRED) & (number == index)
        starts = predicted.firing_starts[image, index]
        passes = starts != NEVER
        counts = starts[passes] < predicted.decided[image]  # the others clear what is left: any spike will do
        both = spk[passes, image], mem[passes, image]
        spikes, membranes = differing(address[fired], values[fired, : layer.neurons], *both, counts, layer)
        observed.spikes += spikes
        observed.membranes += membranes
        observed.compared += int(fired.sum())
        event = (kind == EVENT) & (number == index)
        observed.events.append([cycle[event & (address >> bit & 1 == 1)].tolist() for bit in range(len(EVENTS))])
    beat = kind == BEAT
    low, high = values[beat, 0].astype(np.int64) & 0xFFFFFFFF, values[beat, 1].astype(np.int64) << 32
    answer = (low | high).tolist()
    if len(answer) > 1:
        observed.answers = [(answer[:-2], answer[-2], answer[-1])]
    observed.ended = cycle[beat & (number == 1)].tolist()
    return observed


def differing(
    addresses: np.ndarray,
    values: np.ndarray,
    spk: np.ndarray,
    mem: np.ndarray,
    counts: np.ndarray,
    spec: LayerSpec,
) -> tuple[int, int]:
    """Count the spikes and the membranes of a layer that differ; firings missing or too many count for all neurons.

    Parameters
    ----------
    addresses : ndarray, shape (n,)
        In the order of the records.
    values : ndarray of int32, shape (n, neurons at once)
        Twice the membrane, plus the spike.
    spk, mem : ndarrays, shape (n, ...)
        Spikes and membranes of the integers, in each firing pass.
    counts : ndarray of bool, shape (n,)
        False for a firing pass of which only the addresses are compared.
    spec : LayerSpec
    """
    order = firing_order(spec)
    wanted = by_address(mem * 2 + spk, spec)[:, order].reshape(-1, spec.neurons)
    common = min(len(wanted), len(values))
    bits = (values[:common] ^ wanted[:common]) * np.repeat(counts, spec.depth)[:common, None]
    bits[addresses[:common] != np.tile(order, len(mem))[:common]] = -1  # another neuron: everything differs
    lost = abs(len(wanted) - len(values)) * spec.neurons
    return int(np.count_nonzero(bits & 1)) + lost, int(np.count_nonzero(bits >> 1)) + lost
