"""The choice of lanes and taps: which layer should have how many, when there is room for only so many adders in all."""

from collections.abc import Callable, Sequence
from itertools import combinations_with_replacement, product
from math import inf
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..fixed.network import IntegerNetwork
from .additions import additions
from .cycles import recurrence
from .layout import check_positions, check_second_bank, check_taps, count_groups, inputs_of_words, tap_choices
from .stimulus import Stimulus

STEPS = 16  # designs of a front, at most
SMALLER = 0.8  # cost of a design of a front, of that of the next dearer one, at most
CLOSER = 0.02  # a design of a front is faster than the one before by more than this share


class Share(NamedTuple):
    """Lanes of each layer, and the taps that each adds at once."""

    lanes: tuple[int, ...]
    taps: tuple[int, ...]


class Point(NamedTuple):
    """A design of a front: its lanes and taps, what it costs, and its mean latency in cycles."""

    share: Share
    cost: float
    latency: float


def count_adders(lanes: Sequence[int], taps: Sequence[int]) -> int:
    """Return the adders of all layers: one for each lane and each tap that is added at once."""
    return sum(count * at_once for count, at_once in zip(lanes, taps))


def count_neurons(lanes: Sequence[int], positions: Sequence[int] | None = None) -> int:
    """Return the hardware neurons of all layers: one for each lane and each position that fires at once."""
    return sum(lanes) if positions is None else sum(count * at_once for count, at_once in zip(lanes, positions))


def count_multipliers(
    network: IntegerNetwork, lanes: Sequence[int], taps: Sequence[int], positions: Sequence[int] | None = None
) -> int:
    """Return the multipliers of all layers: one for each adder of pixels, and each neuron whose leak is not a shift."""
    neurons = zip(network.layers, lanes, positions or (1,) * len(lanes))
    leaks = sum(count * at_once for layer, count, at_once in neurons if layer.beta & (layer.beta - 1))
    return leaks + (lanes[0] * taps[0] if network.input_bits else 0)


def balance(
    stimulus: Stimulus,
    adders: int | None = None,
    multipliers: int | None = None,
    fits: Callable[[tuple[int, ...], tuple[int, ...]], bool] = lambda lanes, taps: True,
    taps: Sequence[int] | None = None,
    in_lanes: int | None = None,
    latency: "MeanLatency | None" = None,
) -> Share:
    """Return the lanes and taps with the least mean latency within budgets.

    With a `latency` of a design with a second bank, which shortens the interval alone, this is what counts.

    Lanes matter only through the groups that they make, so each layer has few numbers to choose from. The search starts
    with one adder for each layer and changes one or two layers at a time, always to the fastest choice, until no such
    change is faster.

    Parameters
    ----------
    stimulus : Stimulus
        Some images to judge by; 16 are plenty.
    adders, multipliers : int, optional
        At most so many in all, as :func:`count_adders` and :func:`count_multipliers` count them.
    fits : callable, optional
        Returns whether there is room for (lanes, taps).
    taps : sequence of int, optional
        Taps of each layer, if only the lanes are to be chosen.
    in_lanes : int, optional
        See :func:`minisnn.timing.cycles.predict`.
    latency : MeanLatency, optional
        Latencies of the stimulus that are known already; they have the positions that fire at once, which need `taps`.

    Returns
    -------
    share : Share

    Raises
    ------
    InputError
        If one lane for each layer is too much, or nothing fits.
    """
    network = stimulus.network
    latency = latency or MeanLatency(stimulus, in_lanes)
    if taps is None:
        choices = [_choices(integers.layer, tap_choices(integers.layer)) for integers in network.layers]
    else:
        choices = [_choices(each.layer, (count,)) for each, count in zip(network.layers, check_taps(network, taps))]
    best = tuple(each[0] for each in choices)

    def affordable(layers):
        lanes, taps = zip(*layers)
        return (adders is None or count_adders(lanes, taps) <= adders) and (
            multipliers is None or count_multipliers(network, lanes, taps, latency.positions) <= multipliers
        )

    if not affordable(best):
        lanes, least = zip(*best)
        raise InputError(_too_small(network, lanes, least, adders, multipliers, latency.positions))

    def rank(layers):
        return latency(*zip(*layers)), count_adders(*zip(*layers)), layers

    fitting = fits(*zip(*best))
    while True:
        ranked = sorted(filter(affordable, _neighbours(best, choices)), key=rank)
        # Where nothing fits yet any design that fits is better: a memory of one lane is deep, those of several are not.
        faster = (layers for layers in ranked if not fitting or rank(layers) < rank(best))
        better = next((layers for layers in faster if fits(*zip(*layers))), None)
        if better is None:
            break
        best, fitting = better, True
    if not fitting:
        raise InputError("no lanes and taps fit; quantize with fewer --weight-bits, or train a smaller network")
    return Share(*zip(*best))


def front(
    stimulus: Stimulus,
    cost: Callable[[tuple[int, ...], tuple[int, ...]], float],
    fits: Callable[[tuple[int, ...], tuple[int, ...]], bool],
    adders: int | None = None,
    multipliers: int | None = None,
    taps: Sequence[int] | None = None,
    latency: "MeanLatency | None" = None,
) -> list[Point]:
    """Return the Pareto front of lanes and taps: no other design found is both cheaper and faster.

    The fastest design that fits is the dearest of the front. The others are the fastest with ever smaller costs, each
    about a fifth smaller, down to the smallest design that fits.

    Parameters
    ----------
    stimulus : Stimulus
        Some images to judge by.
    cost : callable
        Returns what (lanes, taps) cost, such as look-up tables.
    fits : callable
        Returns whether there is room for (lanes, taps).
    adders, multipliers, taps, latency
        See :func:`balance`.

    Returns
    -------
    points : list of Point
        The cheapest first.

    Raises
    ------
    InputError
        If no design fits.
    """
    found: list[Point] = []
    latency, most = latency or MeanLatency(stimulus), inf
    while len(found) < STEPS:
        try:
            share = balance(
                stimulus,
                adders,
                multipliers,
                lambda lanes, taps: cost(lanes, taps) <= most and fits(lanes, taps),
                taps,
                latency=latency,
            )
        except InputError:
            if not found:
                raise
            break
        found.append(Point(share, cost(*share), latency(*share)))
        most = SMALLER * found[-1].cost
    points: list[Point] = []
    for point in sorted(found, key=lambda point: (point.cost, point.latency)):
        if not points or point.latency < (1 - CLOSER) * points[-1].latency:
            points.append(point)
    return points


def _too_small(network, lanes, taps, adders, multipliers, positions):
    """Say which budget is too small for one lane a layer."""
    need = count_adders(lanes, taps)
    if adders is not None and adders < need:
        return f"a budget of {adders} adders is too small for {len(lanes)} layers: they need {need}"
    need = count_multipliers(network, lanes, taps, positions)
    return f"a budget of {multipliers} multipliers is too small: with one lane a layer the design needs {need}"


def _choices(layer, taps):
    """(lanes, taps) to choose from: for each number of groups the least lanes; fewest adders first."""
    channels = layer.w_shape[-1]
    lanes = {count_groups(layer, groups) for groups in range(1, channels + 1)}
    return sorted(product(lanes, taps), key=lambda choice: (choice[0] * choice[1], choice))


def _neighbours(layers, choices):
    """All designs that differ in one or two layers."""
    found = set()
    for first, second in combinations_with_replacement(range(len(layers)), 2):
        for new_first, new_second in product(choices[first], choices[second]):
            changed = list(layers)
            changed[second] = new_second
            changed[first] = new_first
            found.add(tuple(changed))
    return found


class MeanLatency:
    """Mean latency of a stimulus with any lanes and taps; a layer's additions are computed once for each choice.

    Taps must fit the positions that fire at once, if there are any.
    With a second bank of currents it is the mean interval instead, from the first word of a stream on.
    """

    def __init__(
        self,
        stimulus: Stimulus,
        in_lanes: int | None = None,
        second_bank: bool = False,
        positions: Sequence[int] | None = None,
    ):
        self.stimulus, self.in_lanes, self.positions = stimulus, in_lanes, positions
        self.second_bank = check_second_bank(stimulus.network, second_bank)
        self.adding: dict[tuple, np.ndarray] = {}
        self.latencies: dict[tuple, float] = {}

    def __call__(self, lanes: tuple[int, ...], taps: tuple[int, ...]) -> float:
        """Return the mean latency, or interval, in cycles."""
        if (lanes, taps) not in self.latencies:
            network = self.stimulus.network
            words = inputs_of_words(network, lanes, self.in_lanes)
            adding = [self._adding(*numbers) for numbers in zip(range(len(lanes)), lanes, words, taps)]
            design = network, np.stack(adding, 1), lanes, words[0], taps
            paired = self.second_bank
            positions = check_positions(network, taps, self.positions)
            stops = self.stimulus.last_steps
            times = recurrence(*design, alone=not paired, last_steps=stops, second_bank=paired, positions=positions)
            last = times["last"]
            self.latencies[lanes, taps] = last[-1] / len(last) if paired else last.mean()
        return self.latencies[lanes, taps]

    def _adding(self, *key):
        if key not in self.adding:
            self.adding[key] = additions(self.stimulus, *key).cycles
        return self.adding[key]
