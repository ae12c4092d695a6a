"""The functions of ``simd`` on NumPy arrays: what they mean, and how kernels run without compilation."""

from types import SimpleNamespace

import numpy as np

WIDTH = 16


def functions() -> SimpleNamespace:
    """Return WIDTH and the functions, by their names."""

    def load(array, index):
        return load_first(array, index, len(array) - index)

    def load_as(array, index, like):
        return load(array, index).astype(like.dtype)

    def load_first(array, index, count):
        vector = np.zeros(WIDTH, array.dtype)
        part = array[index : index + min(count, WIDTH)]
        vector[: len(part)] = part
        return vector

    def store(array, index, vector):
        array[index : index + WIDTH] = vector

    def store_first(array, index, vector, count):
        array[index : index + count] = vector[:count]

    def splat(array, index):
        return np.full(WIDTH, array[index])

    def item(array, index):
        return array[index]

    def muladd(s, v, w):
        return s + v * w

    def weighted(s, array, index, w):
        return s + w if array.dtype == np.uint8 else s + array[index] * w

    def above(v, w, one):
        return np.where(v > w, one, one - one)

    def choose(v, w, a, b):
        return np.where(v > w, a, b)

    def equal(v, w, one):
        return np.where(v == w, one, one - one)

    def nonzero(array, index):
        return sum(1 << i for i in range(8) if array[index + i] != 0)

    def append(numbers, index, base, places, bits):
        count = bits.bit_count()
        numbers[index : index + count] = base + places[bits, :count].astype(np.int32)
        return index + count

    return SimpleNamespace(WIDTH=WIDTH, MANY_REGISTERS=False, maximum=np.maximum, absolute=np.abs, **locals())
