"""Vectors of WIDTH numbers that stay in registers, for Numba.

Numba vectorises simple loops by itself, but it cannot keep a block of numbers in registers while another loop runs
around it, and that is where products and neurons get their speed. So this file gives jitted code one more type, a
vector of WIDTH floats (on AVX2: two registers in float32), with + - * / and:

    load(a, i)            a[i:i+WIDTH]        a is flat and contiguous in all of these, and no
    store(a, i, v)        a[i:i+WIDTH] = v    bounds are checked
    load_as(a, i, b)      a[i:i+WIDTH] in the dtype of the array b; a and store's may be uint8
    splat(a, i)           a[i] in every element
    item(a, i)            a[i], a single number
    muladd(s, v, w)       s + v*w, with one rounding where the processor has FMA
    above(v, w, one)      1 where v > w, else 0
    maximum(v, w), absolute(v)

All except ``muladd`` round as NumPy does; if v holds only 0 and 1, ``muladd`` does too, since v*w is exact. With
NUMBA_DISABLE_JIT=1 a vector is a NumPy array, and the functions are what this list says.

It uses llvmlite, which comes with Numba; LLVM maps a vector to the instructions of the processor.

Examples
--------
>>> from numba import njit
>>> @njit(_nrt=False)
... def larger_half(x, numbers, out):
...     half, one = splat(numbers, 0), splat(numbers, 1)
...     bound = splat(x, WIDTH - 1) * half
...     store(out, 0, above(load(x, 0), bound, one))
>>> x, out = np.arange(16, dtype=np.float32), np.empty(16, np.uint8)
>>> larger_half(x, np.array([0.5, 1.0], np.float32), out)  # which numbers are above half of the last one
>>> out.tolist()
[0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]
"""

import math
import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import config
from numba.core import cgutils, types
from numba.extending import intrinsic, models, overload, register_model

from .jit import compiler

WIDTH = 16

# A kernel allocates nothing: every array is its caller's. So Numba need not count references to arrays, which
# it would do by calls inside the loops, and at a call every vector leaves its registers.
kernel = compiler(nogil=True, _nrt=False)


def empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return an uninitialised array that begins on a cache line, so that no vector crosses two of them."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    room = np.empty(size + 64, np.uint8)
    start = -room.__array_interface__["data"][0] % 64
    return np.ndarray(shape, dtype, room, start)


def zeros(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return an array of zeros that begins on a cache line."""
    array = empty(shape, dtype)
    array[...] = 0
    return array


class Vector(types.Type):
    """The Numba type of WIDTH numbers of `dtype`."""

    def __init__(self, dtype):
        self.dtype = dtype
        super().__init__(name=f"Vector({dtype}, {WIDTH})")


def _llvm(dtype):
    scalar = {types.float32: ir.FloatType(), types.float64: ir.DoubleType(), types.uint8: ir.IntType(8)}[dtype]
    return ir.VectorType(scalar, WIDTH)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, vector):
        super().__init__(manager, vector, _llvm(vector.dtype))


def _element(context, builder, array_type, array, index):
    """Return a pointer to array[index], without the wraparound of negative indices that Numba adds."""
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [index])


def _read(context, builder, array_type, array, index):
    pointer = _element(context, builder, array_type, array, index)
    vector = builder.load(builder.bitcast(pointer, _llvm(array_type.dtype).as_pointer()))
    vector.align = array_type.dtype.bitwidth // 8
    return vector


@intrinsic
def _load(typingctx, array, index):
    def codegen(context, builder, signature, args):
        return _read(context, builder, array, *args)

    return Vector(array.dtype)(array, types.intp), codegen


@intrinsic
def _load_as(typingctx, array, index, like):
    def codegen(context, builder, signature, args):
        vector = _read(context, builder, array, *args[:2])
        return builder.uitofp(vector, _llvm(like.dtype)) if array.dtype == types.uint8 else vector

    return Vector(like.dtype)(array, types.intp, like), codegen


@intrinsic
def _store(typingctx, array, index, vector):
    def codegen(context, builder, signature, args):
        array_value, position, value = args
        if array.dtype == types.uint8:
            value = builder.fptoui(value, _llvm(types.uint8))
        pointer = _element(context, builder, array, array_value, position)
        stored = builder.store(value, builder.bitcast(pointer, _llvm(array.dtype).as_pointer()))
        stored.align = array.dtype.bitwidth // 8
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), codegen


@intrinsic
def _splat(typingctx, array, index):
    def codegen(context, builder, signature, args):
        number = builder.load(_element(context, builder, array, *args))
        undefined, lane = ir.Constant(_llvm(array.dtype), ir.Undefined), ir.IntType(32)
        first = builder.insert_element(undefined, number, ir.Constant(lane, 0))
        return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(lane, WIDTH), [0] * WIDTH))

    return Vector(array.dtype)(array, types.intp), codegen


@intrinsic
def _item(typingctx, array, index):
    def codegen(context, builder, signature, args):
        return builder.load(_element(context, builder, array, *args))

    return array.dtype(array, types.intp), codegen


@intrinsic
def _muladd(typingctx, s, v, w):
    def codegen(context, builder, signature, args):
        return builder.fadd(args[0], builder.fmul(*args[1:], flags=["contract"]), flags=["contract"])

    return s(s, v, w), codegen


@intrinsic
def _above(typingctx, v, w, one):
    def codegen(context, builder, signature, args):
        return builder.select(builder.fcmp_ordered(">", *args[:2]), args[2], ir.Constant(_llvm(v.dtype), None))

    return v(v, w, one), codegen


@intrinsic
def _maximum(typingctx, v, w):
    def codegen(context, builder, signature, args):
        return builder.select(builder.fcmp_ordered(">", *args), *args)

    return v(v, w), codegen


@intrinsic
def _absolute(typingctx, v):
    def codegen(context, builder, signature, args):
        vector = _llvm(v.dtype)
        name = f"llvm.fabs.v{WIDTH}f{v.dtype.bitwidth}"
        kind = ir.FunctionType(vector, [vector])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)

    return v(v), codegen


def _arithmetic(python_operator, instruction):
    """Define the Python operator for two vectors."""

    @intrinsic
    def apply(typingctx, v, w):
        def codegen(context, builder, signature, args):
            return getattr(builder, instruction)(*args)

        return v(v, w), codegen

    @overload(python_operator)
    def choose(v, w):
        if isinstance(v, Vector) and v == w:
            return lambda v, w: apply(v, w)


for _operator, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _arithmetic(_operator, _instruction)


def _python():
    """Return the same functions on NumPy arrays."""

    def load(array, index):
        return array[index : index + WIDTH].copy()

    def load_as(array, index, like):
        return array[index : index + WIDTH].astype(like.dtype)

    def store(array, index, vector):
        array[index : index + WIDTH] = vector

    def splat(array, index):
        return np.full(WIDTH, array[index])

    def item(array, index):
        return array[index]

    def muladd(s, v, w):
        return s + v * w

    def above(v, w, one):
        return np.where(v > w, one, one - one)

    return load, load_as, store, splat, item, muladd, above, np.maximum, np.abs


load, load_as, store, splat, item, muladd, above, maximum, absolute = (
    _python() if config.DISABLE_JIT else (_load, _load_as, _store, _splat, _item, _muladd, _above, _maximum, _absolute)
)


# A row that ends before WIDTH numbers are full goes through `rest`, an array of WIDTH numbers.


@kernel
def load_some(array, index, count, rest):
    """Load `count` numbers as ``load_as`` does, in the dtype of `rest`, which provides the other elements."""
    if count >= WIDTH:
        return load_as(array, index, rest)
    for i in range(count):
        rest[i] = array[index + i]
    return load(rest, 0)


@kernel
def store_some(array, index, vector, count, rest):
    """Store the first `count` elements."""
    if count >= WIDTH:
        store(array, index, vector)
    else:
        store(rest, 0, vector)
        for i in range(count):
            array[index + i] = rest[i]
