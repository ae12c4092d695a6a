"""The inputs of all layers, which decide how many cycles and how much energy an image costs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Self

import numpy as np

from ..errors import InputError
from ..fixed.early_exit import Stops, check_readout, stops
from ..fixed.model import IntegerModel
from ..fixed.network import IntegerNetwork, IntegerRun
from .layout import frame_shape


@dataclass(frozen=True)
class Stimulus:
    """The frames that each layer of a network takes; only elements that are not 0 cost additions.

    Attributes
    ----------
    network : fixed.network.IntegerNetwork
    frames : list of L ndarrays of unsigned integers, shape (T or 1, B, H, W, C)
        As words cut them, see :func:`minisnn.timing.layout.frame_shape`. Pixels are the same at every step and occur
        once.
    num_steps : int
        T.
    stops : Stops, optional
        Where the images end, if the accelerator is loaded with a margin of early exit; see
        :mod:`minisnn.fixed.early_exit`. By default after all steps.
    """

    network: IntegerNetwork
    frames: list[np.ndarray]
    num_steps: int
    stops: Stops | None = None

    @classmethod
    def of(
        cls, network: IntegerNetwork, inputs: np.ndarray, run: IntegerRun, num_steps: int, margin: float | None = None
    ) -> Self:
        """Take the inputs of :meth:`IntegerNetwork.forward`, and the run it returned with ``keep="spikes"``.

        `margin` is that of early exit; None for all steps. Raise InputError if the network cannot have one.
        """
        if run.out is None:
            raise InputError('a stimulus needs the spikes of a run: call forward with keep="spikes"')
        stimulus = cls.of_frames(network, [inputs, *run.out[:-1]], num_steps)
        if margin is None:
            return stimulus
        check_readout(network.readout)
        return replace(stimulus, stops=stops(run.totals, network.neurons_per_class, margin))

    @classmethod
    def of_frames(cls, network: IntegerNetwork, frames: Sequence[np.ndarray], num_steps: int) -> Self:
        """Take what each layer takes, in the shape (T or 1, B, ...) in which layers hand on their spikes."""
        shapes = [layer.layer for layer in network.layers]
        if len(frames) != len(shapes):
            raise InputError(f"frames must be one array for each of {len(shapes)} layers, got {len(frames)}")
        steps = [1 if index == 0 and network.input_bits else num_steps for index in range(len(shapes))]
        cut = [frame_shape(network, index) for index in range(len(shapes))]
        checked = [_checked(*arguments, len(frames[0][0])) for arguments in zip(frames, shapes, cut, steps)]
        return cls(network, checked, num_steps)

    @classmethod
    def of_images(
        cls,
        model: IntegerModel,
        images: np.ndarray,
        threads: int | None = None,
        progress: Callable[[int], object] = lambda count: None,
        margin: float | None = None,
    ) -> Self:
        """Run raw images through the integers, batch by batch; raise InputError if they do not fit the network."""
        batches = [
            cls.of(model.network, inputs, run, model.num_steps, margin)
            for inputs, run in model.run(images, "spikes", threads, progress=progress)
        ]
        frames = [np.concatenate(parts, axis=1) for parts in zip(*(batch.frames for batch in batches))]
        ended = [batch.stops for batch in batches if batch.stops is not None]
        return cls(model.network, frames, model.num_steps, Stops(*map(np.concatenate, zip(*ended))) if ended else None)

    @property
    def images(self) -> int:
        """B, the number of images."""
        return self.frames[0].shape[1]

    @property
    def last_steps(self) -> np.ndarray | None:
        """The step after which each image is answered, from 1, (B,); None without early exit."""
        return None if self.stops is None else self.stops.steps

    def first(self, count: int) -> Self:
        """Return the stimulus of the first images alone."""
        ended = None if self.stops is None else Stops(*(part[:count] for part in self.stops))
        return replace(self, frames=[frames[:, :count] for frames in self.frames], stops=ended)

    def one_dense_step(self) -> Self:
        """Return one step in which every input spikes; pixels stay as they are."""
        full = [np.ones((1, self.images, *frames.shape[2:]), np.uint8) for frames in self.frames]
        if self.network.input_bits:
            full[0] = self.frames[0]
        return type(self)(self.network, full, 1)


def _checked(frames, shape, cut, steps, images):
    """Return the frames of a layer as maps of unsigned integers; raise InputError if they do not fit it."""
    x = np.asarray(frames)
    wanted = (steps, images, prod(shape.in_shape))
    if x.ndim < 3 or (*x.shape[:2], prod(x.shape[2:])) != wanted or x.dtype.kind not in "bu":
        raise InputError(
            f"the frames of layer {shape.name} must be unsigned integers of shape ({steps}, {images}, "
            f"{', '.join(map(str, shape.in_shape))}), got {x.dtype} of shape {x.shape}"
        )
    return np.ascontiguousarray(x.reshape(steps, images, *cut))
