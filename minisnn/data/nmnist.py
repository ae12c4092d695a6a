"""N-MNIST: the digits of MNIST recorded by an event camera that moves in three jerks of 100 ms each.

A folder holds Train and Test, each of them a folder for each digit, 0 to 9, and these a file for each recording. An
event is five bytes: x, y, and three of the polarity (1 bit, on is 1) and the time (23 bits, in microseconds),
big-endian. A y of 240 is no event: all times from there on are 2**13 later.

G. Orchard, A. Jayawant, G. Cohen, N. Thakor, Converting static image datasets to spiking neuromorphic datasets using
saccades, Frontiers in Neuroscience 9:437, 2015.
"""

from pathlib import Path

import numpy as np

from ..errors import InputError
from .dataset import Dataset
from .events import recordings

EVENT = np.dtype([("x", np.int16), ("y", np.int16), ("t", np.int64), ("p", np.int8)])
BYTES = 5
OVERFLOW, LATER = 240, 1 << 13
SENSOR = (34, 34, 2)
DURATION = 300_000  # microseconds of the three jerks
STEPS = 10


def read(path: str | Path) -> np.ndarray:
    """Return the events of a file, with the fields x, y, t and p; raise InputError if it is cut off or empty."""
    try:
        raw = np.frombuffer(Path(path).read_bytes(), np.uint8)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error})") from error
    if len(raw) % BYTES or len(raw) == 0:
        raise InputError(f"{path} has {len(raw)} bytes, but an event takes {BYTES}; download it again")
    x, y, first, second, third = raw.reshape(-1, BYTES).astype(np.int64).T
    real = y != OVERFLOW
    if not real.any():
        raise InputError(f"{path} holds no event; download it again")
    events = np.empty(int(real.sum()), EVENT)
    t = ((first & 127) << 16 | second << 8 | third) + LATER * np.cumsum(~real)
    for name, values in (("x", x), ("y", y), ("t", t), ("p", first >> 7)):
        events[name] = values[real]
    return events


def load(folder: str | Path, num_steps: int | None = None, progress: bool = False) -> Dataset:
    """Return N-MNIST in a folder, binned into `num_steps` steps of equal duration; raise InputError if files lack."""
    steps = STEPS if num_steps is None else num_steps
    parts = [_Part(Path(folder) / part) for part in ("Train", "Test")]
    return recordings(*parts, num_steps=steps, step=DURATION / steps, sensor=SENSOR, name="n-mnist", progress=progress)


class _Part:
    """The recordings of a part in the order of their numbers, which mixes the digits; read when asked for."""

    def __init__(self, folder):
        self.files = []
        for digit in range(10):
            files = list((folder / str(digit)).glob("*.bin"))
            if not files:
                raise InputError(
                    f"{folder / str(digit)} holds no recording (*.bin); unpack Train.zip and Test.zip of N-MNIST into "
                    f"{folder.parent}"
                )
            self.files += [(file.name, digit, file) for file in files]
        self.files.sort()

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        _, digit, file = self.files[index]
        return read(file), digit
