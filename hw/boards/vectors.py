"""Bytes of a load and of images, as they go through the streams of ``streamed``."""

from collections.abc import Iterable

import numpy as np

from minisnn.fixed.network import IntegerNetwork

from ..generate.words import image_words, load_words
from ..spec import AcceleratorSpec
from .streamed import whole_bytes


def load_bytes(network: IntegerNetwork, spec: AcceleratorSpec, num_steps: int, margin: float | None = None) -> bytes:
    """Return the bytes of a network's load; `margin` is that of early exit, None for all steps."""
    return _joined(load_words(network, spec, num_steps, margin), whole_bytes(spec.load_bits))


def image_bytes(inputs: np.ndarray, image: int, spec: AcceleratorSpec) -> bytes:
    """Return the bytes of one image of `inputs` (1 or T, B, ...)."""
    return _joined(image_words(inputs, image, spec), whole_bytes(spec.input_bits))


def _joined(words: Iterable[int], size: int) -> bytes:
    return b"".join(word.to_bytes(size, "little") for word in words)
