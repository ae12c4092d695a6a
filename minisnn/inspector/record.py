"""The record of one image: spikes, membranes, frames and cycles, from which every question about it is answered."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..fixed import early_exit
from ..fixed.early_exit import NEVER
from ..fixed.network import IntegerNetwork
from ..timing import layout
from ..timing.additions import log_of_additions
from ..timing.cycles import EVENTS
from ..topology import LayerShape

TIMES = EVENTS  # rows of `times`


class Exit(NamedTuple):
    """Early exit of an image.

    Attributes
    ----------
    margin : int, or LOSSLESS
        The lead that ends it, see :mod:`minisnn.fixed.early_exit`.
    decided, over : int
        The cycle from which on the rest of the image is dropped, and the one in which nothing of it is left; both are
        the cycle of the answer's last beat if the image takes all steps.
    totals : ndarray of int64, shape (T, classes)
        Spikes of each class up to each step, also of steps that the image does not take.
    """

    margin: float
    decided: int
    over: int
    totals: np.ndarray


@dataclass(kw_only=True, repr=False, eq=False)
class Record:
    """One image in a network and its accelerator; :class:`minisnn.inspector.trace.Trace` explains the attributes."""

    network: IntegerNetwork
    num_steps: int
    lanes: tuple[int, ...]
    taps: tuple[int, ...]
    image: np.ndarray
    frames: list[np.ndarray]
    mem: list[np.ndarray]
    spk: list[np.ndarray]
    mem_float: list[np.ndarray]
    spk_float: list[np.ndarray]
    float_params: list[tuple]
    times: np.ndarray
    latency: int
    exit: Exit | None = None
    about: dict
    # Made when first used: the logs of additions, and the tables of ``doing``.
    logs: dict = field(default_factory=dict, init=False)
    doings: dict = field(default_factory=dict, init=False)

    @property
    def begins(self) -> np.ndarray:
        """Cycles in which each step of each layer begins, (L, T)."""
        return self.times[0]

    @property
    def added(self) -> np.ndarray:
        """Cycles in which all inputs of each step are added, (L, T)."""
        return self.times[1]

    @property
    def firing_starts(self) -> np.ndarray:
        """Cycles in which each firing pass starts, (L, T); its first neuron has its turn in the next."""
        return self.times[2]

    @property
    def ends(self) -> np.ndarray:
        """Cycles in which each step ends, (L, T): the one after the firing pass."""
        return self.times[3]

    @property
    def span(self) -> int:
        """Cycles from the image's first word until nothing of it is left; without early exit, its latency."""
        return self.latency if self.exit is None else self.exit.over + 1

    @property
    def decided(self) -> int:
        """The cycle from which on what is left of the image is dropped; without early exit, that after its last."""
        return self.latency if self.exit is None else self.exit.decided

    @property
    def fired(self) -> np.ndarray:
        """Steps whose spikes count, (L, T); the others of an image with early exit are dropped."""
        return fired(self.firing_starts, self.decided)

    @property
    def over(self) -> np.ndarray:
        """Cycles from which on each layer may begin another step, (L, T): the step has fired, or is dropped."""
        dropped = np.maximum(self.added, self.decided) + 1
        return np.where((self.begins != NEVER) & (self.firing_starts == NEVER), dropped, self.ends)

    @property
    def steps_taken(self) -> int:
        """Steps after which the image is answered: all, or fewer with early exit."""
        if self.exit is None:
            return self.num_steps
        return int(
            early_exit.stops(self.exit.totals[:, None], self.network.neurons_per_class, self.exit.margin).steps[0]
        )

    @property
    def in_lanes(self) -> tuple[int, ...]:
        """Inputs in a word of each layer's frame."""
        return layout.inputs_of_words(self.network, self.lanes)

    def shape(self, layer: int) -> LayerShape:
        """Return the layer's shapes; raise InputError if the network has no such layer."""
        if not 0 <= layer < len(self.network.layers):
            raise InputError(f"layer must be 0 to {len(self.network.layers) - 1} (0 is the first), got {layer}")
        return self.network.layers[layer].layer

    def checked_step(self, step: int) -> int:
        """Return the step; raise InputError if the image has no such step."""
        if not 0 <= step < self.num_steps:
            raise InputError(f"step must be 0 to {self.num_steps - 1}, got {step}")
        return step

    def neuron_shape(self, layer: int) -> tuple[int, int, int]:
        """Return (H, W, C) of a layer's neurons; a flat row is one pixel."""
        return as_map(self.shape(layer).out_shape)

    def place(self, layer: int, neuron: int) -> tuple[int, int, int]:
        """Return (row, column, channel) of a neuron; raise InputError if the layer has no such neuron."""
        height, width, channels = self.neuron_shape(layer)
        if not 0 <= neuron < height * width * channels:
            raise InputError(f"neuron must be 0 to {height * width * channels - 1}, got {neuron}")
        pixel, channel = divmod(neuron, channels)
        return *divmod(pixel, width), channel

    def groups(self, layer: int) -> int:
        """Return the number of groups of lanes that a pixel's neurons need."""
        return layout.count_groups(self.shape(layer), self.lanes[layer])

    def constant(self, layer: int) -> bool:
        """Return True for a layer that takes pixels: it adds them once per image and keeps the current."""
        return layer == 0 and self.network.input_bits > 0

    def frame(self, layer: int, step: int) -> np.ndarray:
        """Return what a layer takes at a step: unsigned integers, shape (H, W, C)."""
        return self.frames[layer][0 if self.constant(layer) else step]

    def log(self, layer: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Return when each input of a step is added.

        Returns
        -------
        addresses : ndarray of int, shape (n,)
            The inputs (elements that are not 0), in the order of the frame.
        log : ndarray of int64, shape (n, 3)
            For each input the cycle in which the scanner hands it over, the cycle of its first addition, and the number
            of its additions, one per cycle.
        """
        step = 0 if self.constant(layer) else step
        if (layer, step) not in self.logs:
            frame = self.frame(layer, step)
            log = log_of_additions(frame, self.shape(layer), self.lanes[layer], self.in_lanes[layer], self.taps[layer])
            log[:, :2] += self.begins[layer, step]
            self.logs[layer, step] = np.flatnonzero(frame), log
        return self.logs[layer, step]

    def delay(self, layer: int) -> int:
        """Return the cycles from a neuron's turn in the firing pass until its spike is known."""
        from ..timing import loops

        return loops.READY - 1 + loops.LATER * (int(self.taps[layer] > 1) + int(self.constant(layer)))


def fired(firing_starts: np.ndarray, decided: int) -> np.ndarray:
    """Return which firing passes count; those that start when an image is decided only clear its membranes."""
    return (firing_starts != NEVER) & (firing_starts < decided)


def as_map(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return (H, W, C) of a map or a flat row, which is one pixel."""
    height, width, channels = shape if len(shape) == 3 else (1, 1, *shape)
    return height, width, channels
