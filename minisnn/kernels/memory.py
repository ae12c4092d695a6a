"""Memory for the kernels' arrays, used again from one pass to the next.

A training step allocates the same arrays as the step before. Memory that goes back to the operating system in between
comes back as pages that must be filled with zeros first, which costs as much as writing them; so large arrays leave
their memory here when nothing refers to them any more.
"""

import math
from collections import defaultdict
from itertools import count
from threading import RLock, local
from typing import Any

import numpy as np

SMALL = 512  # bytes; smaller arrays are NumPy's affair
SLACK = 192  # bytes beyond an array: to begin on a cache line, and for a last vector that is half outside
PAGE = 1 << 12  # bytes; rooms are of whole pages
KEPT = 256 << 20  # bytes that wait at most


class _Room:
    """Some bytes, and where an array begins in them.

    It is the first cache line, but for a shift that differs from room to room: a processor takes a read for one of what
    it has just written if the last 12 bits of their addresses are the same, and waits.
    """

    number = count()

    def __init__(self, size):
        self.size, self.bytes = size, np.empty(size + PAGE, np.uint8)
        first = self.bytes.ctypes.data + 11 * 64 * next(self.number) % PAGE
        self.address = first + -first % 64


class Pool:
    """Rooms that wait to be used again, by their size."""

    def __init__(self) -> None:
        self.waiting: defaultdict[int, list[_Room]] = defaultdict(list)
        self.bytes, self.most = 0, KEPT
        self.lock = RLock()  # an array may go while another is taken: the garbage collector chooses when

    def take(self, size: int) -> _Room:
        """Return a room of `size` bytes."""
        with self.lock:
            if self.waiting[size]:
                self.bytes -= size
                return self.waiting[size].pop()
        return _Room(size)

    def give(self, room: _Room) -> None:
        """Keep a room, unless too much waits already."""
        with self.lock:
            if self.bytes + room.size <= self.most:
                self.waiting[room.size].append(room)
                self.bytes += room.size

    def clear(self) -> None:
        """Give all that waits back."""
        with self.lock:
            self.waiting.clear()
            self.bytes = 0


POOL = Pool()


class _Lease:
    """An array's room, which goes back to the pool when the array and all its views are gone."""

    def __init__(self, size, shape, dtype):
        self.room = POOL.take(size)
        # NumPy's way to take memory from another object.
        self.__array_interface__ = {
            "data": (self.room.address, False),
            "shape": shape,
            "typestr": dtype.str,
            "version": 3,
        }

    def __del__(self, give=POOL.give):  # bound here: when Python ends, the names of a module go first
        give(self.room)


def empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return an uninitialised array that begins on a cache line, so that no vector crosses two of them.

    A vector may be read from its last elements, and stored as it was, though it is partly beyond the end.
    """
    dtype = np.dtype(dtype)
    numbers = math.prod(shape)
    size = numbers * dtype.itemsize + SLACK
    if size < SMALL:
        return np.empty(numbers + SLACK // dtype.itemsize, dtype)[:numbers].reshape(shape)
    return np.asarray(_Lease(-(-size // PAGE) * PAGE, shape, dtype))


def zeros(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return an array of zeros that begins on a cache line."""
    array = empty(shape, dtype)
    array.fill(0)
    return array


class _Scratch(local):
    """Flat arrays of one thread, by name and dtype, each as large as was ever needed."""

    def __init__(self):
        self.arrays: dict[tuple, np.ndarray] = {}


_scratch = _Scratch()


def scratch(name: str, numbers: int, dtype: Any) -> np.ndarray:
    """Return a flat uninitialised array for numbers that nobody needs after the kernel that is called next.

    It costs a quarter of what ``empty`` does. The next one of the same name in the same thread is the same memory.
    """
    array = _scratch.arrays.get((name, dtype))
    if array is None or len(array) < numbers:
        array = _scratch.arrays[name, dtype] = empty((numbers,), dtype)
    return array[:numbers]
