"""Vectors of LANES numbers that stay in registers, for Numba.

Numba vectorises simple loops by itself, but it cannot keep a block of sums in registers while another loop
runs around it, and that is where a matrix product gets its speed. So this file gives jitted code one more
type, a vector of LANES floats (on AVX2: four registers in float32), and five operations on it. Each has its
meaning in Python, in NumPy (used with NUMBA_DISABLE_JIT=1), and the LLVM instruction that it stands for.

    load(a, i)          a[i:i+LANES]                  a is flat and contiguous in all of them;
    store(a, i, v)      a[i:i+LANES] = v              no bounds are checked
    splat(a, i)         a[i] in every lane
    add(v, w)           v + w
    muladd(s, v, w)     s + v*w                       one rounding where the processor has FMA

With v of 0 and 1 alone, ``muladd`` rounds as ``add`` does: v*w is exact.
"""

import numpy as np
from llvmlite import ir
from numba import config
from numba.core import types
from numba.extending import intrinsic, models, register_model

LANES = 32


class Vector(types.Type):
    """The Numba type of LANES numbers of `dtype`."""

    def __init__(self, dtype):
        self.dtype = dtype
        super().__init__(name=f"Vector({dtype}, {LANES})")


def _llvm(dtype):
    return ir.VectorType(ir.FloatType() if dtype == types.float32 else ir.DoubleType(), LANES)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, vector):
        super().__init__(manager, vector, _llvm(vector.dtype))


def _element(context, builder, array_type, array, index):
    """Pointer to array[index], without the wraparound of negative indices that Numba adds."""
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [index])


@intrinsic
def _load(typingctx, array, index):
    def codegen(context, builder, signature, args):
        pointer = _element(context, builder, signature.args[0], *args)
        vector = builder.load(builder.bitcast(pointer, _llvm(array.dtype).as_pointer()))
        vector.align = array.dtype.bitwidth // 8
        return vector
    return Vector(array.dtype)(array, types.intp), codegen


@intrinsic
def _store(typingctx, array, index, vector):
    def codegen(context, builder, signature, args):
        pointer = _element(context, builder, signature.args[0], *args[:2])
        stored = builder.store(args[2], builder.bitcast(pointer, _llvm(array.dtype).as_pointer()))
        stored.align = array.dtype.bitwidth // 8
        return context.get_dummy_value()
    return types.void(array, types.intp, vector), codegen


@intrinsic
def _splat(typingctx, array, index):
    def codegen(context, builder, signature, args):
        number = builder.load(_element(context, builder, signature.args[0], *args))
        vector = _llvm(array.dtype)
        first = builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), zeros)
    return Vector(array.dtype)(array, types.intp), codegen


@intrinsic
def _add(typingctx, v, w):
    return v(v, w), lambda context, builder, signature, args: builder.fadd(*args)


@intrinsic
def _muladd(typingctx, s, v, w):
    def codegen(context, builder, signature, args):
        return builder.fadd(args[0], builder.fmul(*args[1:], flags=["contract"]), flags=["contract"])
    return s(s, v, w), codegen


if config.DISABLE_JIT:
    def load(array, index):
        return array[index:index + LANES].copy()

    def store(array, index, vector):
        array[index:index + LANES] = vector

    def splat(array, index):
        return np.full(LANES, array[index])

    def add(v, w):
        return v + w

    def muladd(s, v, w):
        return s + v * w
else:
    load, store, splat, add, muladd = _load, _store, _splat, _add, _muladd
