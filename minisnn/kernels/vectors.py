"""Vectors of WIDTH numbers that stay in registers: everything that needs the insides of Numba.

Numba vectorises simple loops by itself, but it cannot keep a block of numbers in registers while another loop runs
around it, and that is where products and neurons get their speed. So this file gives jitted code one more type, a
vector of WIDTH floats (on AVX2: two registers in float32), and the functions that ``simd`` lists. It uses llvmlite,
which comes with Numba; LLVM maps a vector to the instructions of the processor.
"""

import operator

from llvmlite import binding, ir
from numba.core import cgutils, types
from numba.extending import intrinsic, models, overload, register_model

WIDTH = 16
MANY_REGISTERS = bool(binding.get_host_cpu_features().get("avx512f"))  # 32 of them, of WIDTH float32 each
EIGHT = 8  # inputs that are looked at side by side


class Vector(types.Type):
    """The Numba type of WIDTH numbers of `dtype`."""

    def __init__(self, dtype):
        self.dtype = dtype
        super().__init__(name=f"Vector({dtype}, {WIDTH})")


def _llvm(dtype, width=WIDTH):
    scalar = {
        types.float32: ir.FloatType(),
        types.float64: ir.DoubleType(),
        types.uint8: ir.IntType(8),
        types.int32: ir.IntType(32),
    }[dtype]
    return ir.VectorType(scalar, width)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, vector):
        super().__init__(manager, vector, _llvm(vector.dtype))


def _element(context, builder, array_type, array, index):
    """Return a pointer to array[index], without the wraparound of negative indices that Numba adds."""
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [index])


def _pointer(context, builder, array_type, array, index, width=WIDTH):
    """Return a pointer to array[index] as a vector."""
    pointer = _element(context, builder, array_type, array, index)
    return builder.bitcast(pointer, _llvm(array_type.dtype, width).as_pointer())


def _read(builder, pointer, dtype):
    vector = builder.load(pointer)
    vector.align = dtype.bitwidth // 8
    return vector


def _write(builder, value, pointer, dtype):
    builder.store(value, pointer).align = dtype.bitwidth // 8


def _spread(builder, number, width=WIDTH):
    """Return a vector with `number` in every element."""
    undefined, lane = ir.Constant(ir.VectorType(number.type, width), ir.Undefined), ir.IntType(32)
    first = builder.insert_element(undefined, number, ir.Constant(lane, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(lane, width), [0] * width))


def _first(builder, count):
    """Return a vector of bits, 1 in the first `count` elements."""
    number = ir.IntType(32)
    lanes = ir.Constant(ir.VectorType(number, WIDTH), list(range(WIDTH)))
    return builder.icmp_signed("<", lanes, _spread(builder, builder.trunc(count, number)))


@intrinsic
def load(typingctx, array, index):
    def codegen(context, builder, signature, args):
        return _read(builder, _pointer(context, builder, array, *args), array.dtype)

    return Vector(array.dtype)(array, types.intp), codegen


@intrinsic
def load_as(typingctx, array, index, like):
    def codegen(context, builder, signature, args):
        vector = _read(builder, _pointer(context, builder, array, *args[:2]), array.dtype)
        return builder.uitofp(vector, _llvm(like.dtype))

    return Vector(like.dtype)(array, types.intp, like), codegen


@intrinsic
def load_first(typingctx, array, index, count):
    def codegen(context, builder, signature, args):
        vector = _llvm(array.dtype)
        pointer = _pointer(context, builder, array, *args[:2])
        kind = ir.FunctionType(vector, [pointer.type, ir.IntType(32), ir.VectorType(ir.IntType(1), WIDTH), vector])
        name = f"llvm.masked.load.v{WIDTH}f{array.dtype.bitwidth}.p0"
        masked = cgutils.get_or_insert_function(builder.module, kind, name)
        align = ir.Constant(ir.IntType(32), array.dtype.bitwidth // 8)
        return builder.call(masked, [pointer, align, _first(builder, args[2]), ir.Constant(vector, None)])

    return Vector(array.dtype)(array, types.intp, types.intp), codegen


def _as_elements(builder, value, dtype):
    """Return 0 and 1 as bytes if the array holds bytes."""
    return builder.fptoui(value, _llvm(dtype)) if dtype == types.uint8 else value


@intrinsic
def store(typingctx, array, index, vector):
    def codegen(context, builder, signature, args):
        value = _as_elements(builder, args[2], array.dtype)
        _write(builder, value, _pointer(context, builder, array, *args[:2]), array.dtype)
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), codegen


@intrinsic
def store_first(typingctx, array, index, vector, count):
    def codegen(context, builder, signature, args):
        # Masked stores are slow on some processors, and bytes have none: what lies beyond is stored as it was.
        value, pointer = _as_elements(builder, args[2], array.dtype), _pointer(context, builder, array, *args[:2])
        before = _read(builder, pointer, array.dtype)
        _write(builder, builder.select(_first(builder, args[3]), value, before), pointer, array.dtype)
        return context.get_dummy_value()

    return types.void(array, types.intp, vector, types.intp), codegen


@intrinsic
def splat(typingctx, array, index):
    def codegen(context, builder, signature, args):
        return _spread(builder, builder.load(_element(context, builder, array, *args)))

    return Vector(array.dtype)(array, types.intp), codegen


@intrinsic
def item(typingctx, array, index):
    def codegen(context, builder, signature, args):
        return builder.load(_element(context, builder, array, *args))

    return array.dtype(array, types.intp), codegen


@intrinsic
def nonzero(typingctx, array, index):
    def codegen(context, builder, signature, args):
        values = _read(builder, _pointer(context, builder, array, *args, width=EIGHT), array.dtype)
        zero, bits = ir.Constant(values.type, None), ir.IntType(EIGHT)
        compare = builder.icmp_unsigned if array.dtype == types.uint8 else builder.fcmp_unordered
        return builder.zext(builder.bitcast(compare("!=", values, zero), bits), ir.IntType(64))

    return types.int64(array, types.intp), codegen


@intrinsic
def append(typingctx, numbers, index, base, places, bits):
    def codegen(context, builder, signature, args):
        numbers_value, position, first, places_value, row = args
        start = builder.mul(row, ir.Constant(row.type, EIGHT))
        found = _read(builder, _pointer(context, builder, places, places_value, start, EIGHT), places.dtype)
        first = _spread(builder, builder.trunc(first, ir.IntType(32)), EIGHT)
        listed = builder.add(builder.zext(found, first.type), first)
        _write(builder, listed, _pointer(context, builder, numbers, numbers_value, position, EIGHT), numbers.dtype)
        return builder.add(position, builder.zext(builder.ctpop(builder.trunc(row, ir.IntType(EIGHT))), row.type))

    return types.intp(numbers, types.intp, types.intp, places, types.intp), codegen


def _muladd(builder, s, v, w):
    return builder.fadd(s, builder.fmul(v, w, flags=["contract"]), flags=["contract"])


@intrinsic
def muladd(typingctx, s, v, w):
    def codegen(context, builder, signature, args):
        return _muladd(builder, *args)

    return s(s, v, w), codegen


@intrinsic
def weighted(typingctx, s, array, index, w):
    def codegen(context, builder, signature, args):
        total, values, position, weight = args
        if array.dtype == types.uint8:
            return builder.fadd(total, weight)
        number = builder.load(_element(context, builder, array, values, position))
        return _muladd(builder, total, _spread(builder, number), weight)

    return s(s, array, types.intp, w), codegen


@intrinsic
def above(typingctx, v, w, one):
    def codegen(context, builder, signature, args):
        return builder.select(builder.fcmp_ordered(">", *args[:2]), args[2], ir.Constant(_llvm(v.dtype), None))

    return v(v, w, one), codegen


@intrinsic
def choose(typingctx, v, w, a, b):
    def codegen(context, builder, signature, args):
        return builder.select(builder.fcmp_ordered(">", *args[:2]), *args[2:])

    return v(v, w, a, b), codegen


@intrinsic
def equal(typingctx, v, w, one):
    def codegen(context, builder, signature, args):
        return builder.select(builder.fcmp_ordered("==", *args[:2]), args[2], ir.Constant(_llvm(v.dtype), None))

    return v(v, w, one), codegen


@intrinsic
def maximum(typingctx, v, w):
    def codegen(context, builder, signature, args):
        return builder.select(builder.fcmp_ordered(">", *args), *args)

    return v(v, w), codegen


@intrinsic
def absolute(typingctx, v):
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
