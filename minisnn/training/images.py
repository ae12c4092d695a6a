"""The images that a training sees: a validation part is held out, the others are shifted at random."""

import numpy as np

from ..data.dataset import Dataset
from ..errors import InputError
from ..rng import stream
from .settings import Settings


def split(data: Dataset, settings: Settings) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the indices of the training images to learn from, and of those held out for validation (None without any).

    The tail is held out where neighbours belong together (``data.ordered``), else a random choice.
    """
    count = round(settings.validation * len(data.x_train))
    order = np.arange(len(data.x_train))
    if not data.ordered:
        order = stream(settings.seed, "split").permutation(order)
    if settings.validation and not 0 < count < len(order):
        raise InputError(
            f"validation {settings.validation} of {len(order)} images leaves nothing to "
            "validate or to train on; change it, or set it to 0"
        )
    chosen, held_out = np.sort(order[: len(order) - count]), np.sort(order[len(order) - count :])
    return chosen, held_out if count else None


def shifted(x: np.ndarray, pixels: int, rng: np.random.Generator) -> np.ndarray:
    """Shift each image of `x` (B, H, W, C) by up to `pixels` in both directions, repeating its edge.

    The edge is repeated, not filled with zeros: a photograph continues beyond its frame; a black border stays black.
    Recordings (B, T, H, W, C) are shifted as a whole, and no events enter at the border.
    """
    if x.ndim == 5:
        return _shifted_recordings(x, pixels, rng)
    batch, height, width, _ = x.shape
    dy, dx = rng.integers(-pixels, pixels + 1, (2, batch, 1))
    rows = np.clip(np.arange(height) + dy, 0, height - 1)
    columns = np.clip(np.arange(width) + dx, 0, width - 1)
    return x[np.arange(batch)[:, None, None], rows[:, :, None], columns[:, None, :]]


def _shifted_recordings(x, pixels, rng):
    """Shift each recording by up to `pixels` in both directions; nothing enters at the border."""
    batch, _, height, width, _ = x.shape
    wide = np.pad(x, ((0, 0), (0, 0), (pixels, pixels), (pixels, pixels), (0, 0)))
    dy, dx = rng.integers(0, 2 * pixels + 1, (2, batch))
    return np.stack([image[:, y : y + height, z : z + width] for image, y, z in zip(wide, dy, dx)])
