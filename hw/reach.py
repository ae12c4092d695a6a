"""The neurons that an input of a convolution reaches along one axis: tap after tap, or all of them by their banks."""

from myhdl import Signal, always, always_comb, block, intbv

from .parts.look_up import look_up
from .parts.register import register_if


def tables_in_turn(inputs: int, outputs: int, kernel: int, padding: int) -> tuple[tuple[int, ...], ...]:
    """Return four tables over the inputs of a row or column.

    They are: the first tap that reaches a neuron, the number of such taps minus 1, the neuron that the first tap
    reaches, and 1 if there is such a tap.
    """
    reach = [(max(i + padding - (outputs - 1), 0), min(i + padding, kernel - 1)) for i in range(inputs)]
    return (
        tuple(a if a <= b else 0 for a, b in reach),
        tuple(max(b - a, 0) for a, b in reach),
        tuple(i + padding - a if a <= b else 0 for i, (a, b) in enumerate(reach)),
        tuple(int(a <= b) for a, b in reach),
    )


def tables_at_once(
    inputs: int, outputs: int, kernel: int, padding: int
) -> tuple[tuple[int, ...], tuple[int, ...], list[tuple[int, ...]]]:
    """Return three tables over the inputs of a row or column; neuron n is in bank n mod kernel, at n // kernel.

    They are: (i + padding) mod kernel, by which the weights are turned; one bit for each bank, 1 if the input reaches a
    neuron in it; and for each bank where that neuron is, or 0.
    """
    turns = tuple((i + padding) % kernel for i in range(inputs))
    reached: list[int] = []
    places: list[list[int]] = [[] for _ in range(kernel)]
    for i in range(inputs):
        neurons = [i + padding - (i + padding - bank) % kernel for bank in range(kernel)]
        inside = [0 <= neuron < outputs for neuron in neurons]
        reached.append(sum(1 << bank for bank in range(kernel) if inside[bank]))
        for bank in range(kernel):
            places[bank].append(neurons[bank] // kernel if inside[bank] else 0)
    return turns, tuple(reached), [tuple(place) for place in places]


def times_each(table: tuple[int, ...], factor: int) -> tuple[int, ...]:
    """Return a table with all values multiplied by a factor."""
    return tuple(value * factor for value in table)


@block
def taps_in_turn(
    clk, take, place, inside_frame, weight, more_taps, neuron, kernel, padding, outputs, weight_step, neuron_step
):
    """Taps of an input that reach neurons inside the frame, along an axis whose taps are walked one after the other.

    Tap k takes the input at `place` to neuron place + padding - k.

    Parameters
    ----------
    kernel, padding : int
    outputs : int
        Neurons along the axis.
    weight_step, neuron_step : int
        Words from a tap's weights to the next tap's, and from a neuron's membrane to the next neuron's.

    Ports
    -----
    clk : in
        Rising edge.
    take : in
        1 to take the input at the next edge.
    place : in
        The input's row, or column.
    inside_frame : out
        1 if any tap of the input at `place` reaches a neuron; combinational.
    weight : out
        Part of the address of the weights of the first tap of the input taken that reaches a neuron.
    more_taps : out
        Number of further taps that reach one.
    neuron : out
        Part of the address of the membrane that the first of them reaches.

    Latency: 1 cycle. Throughput: an input a cycle.
    """
    firsts, mores, neurons, insides = tables_in_turn(1 << len(place), outputs, kernel, padding)
    weights_at, neurons_at = times_each(firsts, weight_step), times_each(neurons, neuron_step)
    first_weight = Signal(intbv(0)[len(weight) :])
    more = Signal(intbv(0)[len(more_taps) :])
    first_neuron = Signal(intbv(0)[len(neuron) :])

    # Tables, as logic: additions and comparisons would be a longer chain.
    @always_comb
    def find_weight():
        first_weight.next = weights_at[int(place)]

    @always_comb
    def find_more():
        more.next = mores[int(place)]

    @always_comb
    def find_neuron():
        first_neuron.next = neurons_at[int(place)]

    @always_comb
    def find_inside():
        inside_frame.next = insides[int(place)]

    @always(clk.posedge)
    def hold():
        if take:
            weight.next = first_weight
            more_taps.next = more
            neuron.next = first_neuron

    return find_weight, find_more, find_neuron, find_inside, hold


@block
def taps_at_once(clk, take, place, reached_now, turn, reached, neurons, kernel, padding, outputs, neuron_step):
    """Banks that the taps of an input reach, along an axis whose taps are all added in the same cycle.

    Neuron n is in bank n mod kernel. An input reaches `kernel` successive neurons at most, so no two in one bank, and
    each bank gets exactly one tap: bank b gets tap (place + padding - b) mod kernel.

    Parameters
    ----------
    kernel, padding : int
    outputs : int
        Neurons along the axis.
    neuron_step : int
        Words from a membrane of a bank to the next of that bank.

    Ports
    -----
    clk : in
        Rising edge.
    take : in
        1 to take the input at the next edge.
    place : in
        The input's row, or column.
    reached_now : out
        A bit for each bank: 1 if the input at `place` reaches a neuron in it; combinational.
    turn : out
        By how many places the weights of the input taken are turned to reach their banks.
    reached : out
        `reached_now` of the input taken.
    neurons : list of signals, out
        For each bank, part of the address of the membrane that the input taken reaches there.

    Latency: 1 cycle. Throughput: an input a cycle.
    """
    turns, banks, places = tables_at_once(1 << len(place), outputs, kernel, padding)
    to_turn = Signal(intbv(0)[len(turn) :])
    to_neurons = [Signal(intbv(0)[len(neurons[0]) :]) for _ in range(kernel)]
    find_turn = look_up(place, to_turn, turns)
    find_banks = look_up(place, reached_now, banks)
    find_neurons = [look_up(place, to_neurons[i], times_each(places[i], neuron_step)) for i in range(kernel)]
    hold_turn = register_if(clk, take, to_turn, turn)
    hold_banks = register_if(clk, take, reached_now, reached)
    hold_neurons = [register_if(clk, take, to_neurons[i], neurons[i]) for i in range(kernel)]
    return find_turn, find_banks, find_neurons, hold_turn, hold_banks, hold_neurons
