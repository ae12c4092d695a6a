"""Gates beside integers: every spike, membrane, answer and cycle of an image, counted where they differ."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from minisnn.fixed.early_exit import NEVER
from minisnn.fixed.network import IntegerRun
from minisnn.timing import layout
from minisnn.timing.cycles import EVENTS, Cycles

from ..generate.words import cut
from ..ports import bits
from ..spec import AcceleratorSpec, LayerSpec

# Address, spikes and membranes of the neurons of a layer that fire at once: one word each.
Firing = tuple[int, int, int]
ANY = -1  # spikes and membranes in a pass that clears what is left of a dropped image: any will do


@dataclass
class Observed:
    """The behaviour of an accelerator, and how it differs from the integers."""

    spikes: int = 0  # spikes that differ or are missing, over all neurons and steps
    membranes: int = 0  # membranes before reset, likewise
    compared: int = 0  # firings of all lanes of a layer that were compared
    answers: list = field(default_factory=list)  # (scores, class, cycles) of each image
    events: list = field(default_factory=list)  # for each layer, the cycles of each of EVENTS
    taken: list = field(default_factory=list)  # cycle in which each image's first word was taken
    ended: list = field(default_factory=list)  # cycle of each answer's last beat


@dataclass(frozen=True)
class Compared:
    """Result of one image in the gates beside the integers.

    Attributes
    ----------
    prediction : int
        Class in the accelerator's answer.
    spikes, membranes : int
        Spikes, and membranes before reset, that differ, over all neurons and steps.
    answers : int
        Beats of the answer (scores and class) that differ.
    cycles_predicted, cycles_counted : int
        Latency by the cycle model, and by the accelerator's own counter.
    cycles : int
        Events in another cycle than predicted: begins, ends of additions, starts and ends of firing passes of all
        layers and steps, and the latency.
    """

    prediction: int
    spikes: int
    membranes: int
    answers: int
    cycles_predicted: int
    cycles_counted: int
    cycles: int

    @property
    def same(self) -> bool:
        """True if nothing differs."""
        return not (self.spikes or self.membranes or self.answers or self.cycles)


def firing_order(spec: LayerSpec) -> np.ndarray:
    """Return the addresses of a layer's firing pass, window by window and group by group; int64, shape (depth,)."""
    height, width = spec.out_height // spec.window, spec.out_width // spec.window
    return layout.firing_order(height, width, spec.pool // spec.window, spec.groups)


def by_address(values: np.ndarray, spec: LayerSpec) -> np.ndarray:
    """Return the numbers of a layer's neurons (n, ...) as the probe has them, (n, depth, neurons at once).

    They are sorted by address, position and lane; lanes without a neuron have 0.
    """
    side, count = spec.window, len(values)
    unused = spec.groups * spec.lanes - spec.out_channels
    values = values.reshape(count, spec.out_height, spec.out_width, spec.out_channels)
    values = np.pad(values, ((0, 0), (0, 0), (0, 0), (0, unused)))
    rows, columns = spec.out_height // side, spec.out_width // side
    values = values.reshape(count, rows, side, columns, side, spec.groups, spec.lanes)
    return values.transpose(0, 1, 3, 5, 2, 4, 6).reshape(count, spec.depth, spec.neurons)


def expected_firings(
    run: IntegerRun, image: int, spec: AcceleratorSpec, starts: np.ndarray, decided: int
) -> list[list[Firing]]:
    """Return, for each layer, all firings that the probe must show of an image; `run` has membranes.

    `starts`, (L, T), and `decided` are the image's `firing_starts` and `decided` of
    :class:`minisnn.timing.cycles.Cycles`.
    """
    result = []
    for index, (layer, spk, mem) in enumerate(zip(spec.layers, run.spk, run.mem)):
        order, words = firing_order(layer).tolist(), []
        for step in range(len(spk)):
            if starts[index, step] == NEVER:
                continue
            if starts[index, step] >= decided:
                words += [(address, ANY, ANY) for address in order]
                continue
            spikes, before = (
                cut(by_address(values[step, image][None], layer)[0], layer.neurons, 1, width)
                for values, width in ((spk, 1), (mem, layer.membrane_bits))
            )
            words += [(address, spikes[address], before[address]) for address in order]
        result.append(words)
    return result


class FiringCheck:
    """Compares the firings that a probe shows, cycle by cycle, with those expected, and counts in an Observed."""

    def __init__(self, spec: AcceleratorSpec, expected: list[list[Firing]], observed: Observed):
        self.spec, self.expected, self.observed = spec, expected, observed
        self.next = [0] * len(spec.layers)  # for each layer, the index of the firing that comes next

    def look(self, seen: dict[str, int]) -> None:
        """Compare the firings of one cycle."""
        fired, addresses, spikes, befores = (seen[f"probe_{name}"] for name in ("fired", "address", "spikes", "before"))
        for index, layer in enumerate(self.spec.layers):
            address_bits, before_bits = bits(layer.depth), layer.neurons * layer.membrane_bits
            if fired >> index & 1:
                firing = (
                    addresses & (1 << address_bits) - 1,
                    spikes & (1 << layer.neurons) - 1,
                    befores & (1 << before_bits) - 1,
                )
                self._compare(index, layer, firing)
            addresses, spikes, befores = addresses >> address_bits, spikes >> layer.neurons, befores >> before_bits

    def _compare(self, index: int, layer: LayerSpec, firing: Firing) -> None:
        if self.next[index] == len(self.expected[index]):  # one firing too many
            self.observed.spikes += layer.neurons
            self.observed.membranes += layer.neurons
            return
        expected = self.expected[index][self.next[index]]
        self.next[index] += 1
        self.observed.compared += 1
        if firing == expected or (firing[0] == expected[0] and expected[1] == ANY):
            return
        if firing[0] != expected[0]:  # at the wrong address, everything differs
            expected = (expected[0], ~firing[1], ~firing[2])
        mask = (1 << layer.membrane_bits) - 1
        spikes, befores = firing[1] ^ expected[1], firing[2] ^ expected[2]
        self.observed.spikes += (spikes & (1 << layer.neurons) - 1).bit_count()
        self.observed.membranes += sum(befores >> i * layer.membrane_bits & mask != 0 for i in range(layer.neurons))

    def end(self) -> None:
        """Count firings that never came as differences."""
        for index, layer in enumerate(self.spec.layers):
            missing = (len(self.expected[index]) - self.next[index]) * layer.neurons
            self.observed.spikes += missing
            self.observed.membranes += missing


def once_an_image(event: str, layer: LayerSpec) -> bool:
    """Return whether the probe of a layer shows an event once an image, and not at every step.

    Pixels are added once an image. With a second bank a step may begin when pixels of the next image do, so that only
    this is shown.
    """
    return layer.input_bits > 0 and (event == "added" or (event == "begins" and layer.second_bank))


def compare(observed: Observed, run: IntegerRun, predicted: Cycles, image: int, spec: AcceleratorSpec) -> Compared:
    """Return the comparison of one image.

    Parameters
    ----------
    observed : Observed
        The accelerator with this image alone.
    run, predicted : IntegerRun, Cycles
        All images, from :func:`minisnn_hw.verify.cosimulate.reference`.
    image : int
        Index of the image in these two.
    spec : AcceleratorSpec
    """
    scores, best, count = observed.answers[0] if observed.answers else ([], -1, 0)
    expected = run.totals[predicted.steps[image] - 1, image].tolist()
    latency = int(predicted.latency[image])
    measured = [end - start + 1 for start, end in zip(observed.taken, observed.ended)]
    cycles = int(count != latency) + _differences(measured, [count])
    for index, layer_events in enumerate(observed.events):
        for name, seen in zip(EVENTS, layer_events):
            wanted = getattr(predicted, name)[image, index]
            if index == 0 and once_an_image(name, spec.layers[0]):
                wanted = wanted[:1]
            wanted = wanted[wanted != NEVER].tolist()
            cycles += _differences([cycle - observed.taken[0] for cycle in seen], wanted)
    return Compared(
        prediction=best,
        spikes=observed.spikes,
        membranes=observed.membranes,
        answers=_differences(scores, expected) + int(best != int(np.argmax(expected))),
        cycles_predicted=latency,
        cycles_counted=count,
        cycles=cycles,
    )


def _differences(seen: Sequence[int], wanted: Sequence[int]) -> int:
    """Count the values that differ; those missing or too many count, too."""
    return sum(a != b for a, b in zip(seen, wanted)) + abs(len(seen) - len(wanted))
