"""The functions of ``simd`` on plain numbers, vectors of one element: no more of Numba than everybody uses."""

from types import SimpleNamespace

from numba import njit, types
from numba.extending import overload

WIDTH = 1


def functions() -> SimpleNamespace:
    """Return WIDTH and the functions, by their names."""

    @njit
    def load(array, index):
        return array[index]

    @njit
    def load_as(array, index, like):
        zero = like[0] - like[0]
        return zero + 1 if array[index] else zero

    @njit
    def load_first(array, index, count):
        return array[index]

    @njit
    def store(array, index, vector):
        array[index] = vector

    @njit
    def store_first(array, index, vector, count):
        array[index] = vector

    @njit
    def muladd(s, v, w):
        return s + v * w

    def weighted(s, array, index, w):
        return s + array[index] * w

    @overload(weighted)
    def _weighted(s, array, index, w):
        if array.dtype == types.uint8:
            return lambda s, array, index, w: s + w
        return weighted

    @njit
    def above(v, w, one):
        return one if v > w else one - one

    @njit
    def choose(v, w, a, b):
        return a if v > w else b

    @njit
    def equal(v, w, one):
        return one if v == w else one - one

    @njit
    def maximum(v, w):
        return v if v > w else w

    @njit
    def absolute(v):
        return abs(v)

    @njit
    def nonzero(array, index):
        bits = 0
        for i in range(8):
            if array[index + i] != 0:
                bits |= 1 << i
        return bits

    @njit
    def append(numbers, index, base, places, bits):
        for i in range(8):
            if bits >> i & 1:
                numbers[index] = base + i
                index += 1
        return index

    return SimpleNamespace(WIDTH=WIDTH, MANY_REGISTERS=False, splat=load, item=load, **locals())
