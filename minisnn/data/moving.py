"""Moving digits: the digits of the package as a simulated event camera sees them, labelled by their direction.

A digit moves at a constant speed over a sensor of 16x16 pixels, brighter or darker than its background; what leaves it
on one side enters on the other. Brightness has levels; a pixel reports each change of its level by one, up (on) or down
(off), and nothing else.

Only the order of the steps tells a direction from its opposite. Each recording is there twice, forwards and backwards
in time: played backwards, it shows the digit with the other contrast in the opposite direction. The two have the same
sum over their steps and different labels, so a network that sees sums is right in half of the cases at most. A single
step tells no more, because a digit may be anywhere at any time.
"""

import numpy as np

from .. import check
from .dataset import Dataset

SIZE, DIGIT = 16, 8  # pixels
STEPS = 12
FINE = 16  # positions between two pixels; sums of whole numbers are the same on every processor
INSTANTS = 4  # of each step at which brightness is looked at
SPEEDS = (2, 3, 4)  # fine positions from one instant to the next: 1/2, 3/4 and 1 pixel a step
LEVELS = 4
BRIGHTEST = 16  # value of a digit's pixel
# (rows, columns) by label: right, then anticlockwise in steps of 45 degrees.
DIRECTIONS = np.array([(0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1)])
NAMES = ("right", "right and up", "up", "left and up", "left", "left and down", "down", "right and down")
HALF = len(DIRECTIONS) // 2


def moving(digits: Dataset, num_steps: int | None = None, seed: int = 0) -> Dataset:
    """Return two recordings of each digit, forwards and backwards in time; the same seed gives the same ones."""
    steps = STEPS if num_steps is None else check.whole("num_steps", num_steps, 2)
    parts = []
    for part in ("train", "test"):
        images = getattr(digits, f"x_{part}")[..., 0]
        parts += _recorded(images, steps, np.random.default_rng((seed, part == "test")))
    x, y, x_test, y_test = parts
    about = f"{steps} steps, {SIZE}x{SIZE} pixels, off and on apart; a digit moves by 1/2 to 1 pixel a step"
    return Dataset("moving-digits", x, y, x_test, y_test, len(DIRECTIONS), num_steps=steps, about=about)


def _recorded(digits, steps, rng):
    """Return counts of events (n, T, H, W, 2) and directions (n,) of moving digits, n twice their number."""
    count = len(digits)
    direction = rng.integers(0, HALF, count)  # the opposite ones come from playing backwards
    speed, contrast = rng.choice(SPEEDS, count), rng.choice((-1, 1), count)
    start = rng.integers(0, FINE * SIZE, (count, 2))
    moves = np.arange(steps * INSTANTS + 1)[:, None] * (speed[:, None] * DIRECTIONS[direction])[:, None]
    places = start[:, None] + moves
    forwards = np.stack([_events(*one, steps) for one in zip(digits.astype(np.float32), places, contrast)])
    x = np.stack([forwards, forwards[:, ::-1]], axis=1).reshape(2 * count, *forwards.shape[1:])
    return x, np.stack([direction, direction + HALF], axis=1).reshape(-1)


def _events(digit, places, contrast, steps):
    """Return the counts of events of one digit, (T, H, W, 2), from its places (instants, 2) in fine positions."""
    light = _shares(places[:, 0]) @ digit @ _shares(places[:, 1]).swapaxes(1, 2)
    level = contrast * np.floor(light * (LEVELS / (BRIGHTEST * FINE**2)) + 0.5).astype(np.int8)
    change = np.diff(level, axis=0).reshape(steps, INSTANTS, SIZE, SIZE)
    return np.stack([np.maximum(sign * change, 0).sum(axis=1) for sign in (-1, 1)], axis=-1).astype(np.uint8)


def _shares(places):
    """Return how much of each digit's row falls on each of the sensor's, (instants, SIZE, DIGIT), in 1/FINE."""
    distance = (FINE * np.subtract.outer(np.arange(SIZE), np.arange(DIGIT)) - places[:, None, None]) % (FINE * SIZE)
    nearest = np.minimum(distance, FINE * SIZE - distance)  # around the sensor, either way
    return np.maximum(FINE - nearest, 0).astype(np.float32)
