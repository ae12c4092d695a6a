"""The words of a kernel: vectors of WIDTH numbers, with + - * / and these functions.

    load(a, i)                  a[i:i+WIDTH]        a is flat and contiguous in all of these, and no
    store(a, i, v)              a[i:i+WIDTH] = v    bounds are checked; a may be uint8 where v holds 0 and 1
    load_as(a, i, b)            a[i:i+WIDTH] of 0 and 1, in the dtype of the array b; a is uint8
    load_first(a, i, n)         the first n of a[i:i+WIDTH], and 0
    store_first(a, i, v, n)     a[i:i+n] = v[:n]    a comes from ``memory.empty``
    splat(a, i)                 a[i] in every element
    item(a, i)                  a[i], a single number
    muladd(s, v, w)             s + v*w, with one rounding where the processor has FMA
    weighted(s, a, i, w)        s + a[i]*w as muladd does; s + w where a is uint8, for a spike is 1
    above(v, w, one)            one where v > w, else 0
    equal(v, w, one)            one where v == w, else 0
    choose(v, w, a, b)          a where v > w, else b
    maximum(v, w), absolute(v)
    nonzero(a, i)               which of a[i:i+8] are not 0, as the bits of a number
    append(n, j, b, p, bits)    n[j:] = b + the places of these bits, and return the end of the list in n; it may write
                                up to 8 numbers; p is ``PLACES``

All except ``muladd`` and ``weighted`` round as NumPy does; if v holds only 0 and 1, these do too, since v*w is exact.
MANY_REGISTERS says whether more than eight vectors of float32 stay in registers side by side.

There are three engines: ``vectors``, with registers; plain numbers (WIDTH 1), if this version of Numba is built in
another way than ``vectors`` needs, which is slower and gives the same results; and with NUMBA_DISABLE_JIT=1 NumPy
arrays, in which the functions are what this list says.

Examples
--------
>>> from numba import njit
>>> import numpy as np
>>> @njit(_nrt=False)
... def larger_half(x, numbers, out):
...     half, one = splat(numbers, 0), splat(numbers, 1)
...     for i in range(0, 16, WIDTH):
...         store(out, i, above(load(x, i), splat(x, 15) * half, one))
>>> x, out = np.arange(16, dtype=np.float32), np.empty(16, np.uint8)
>>> larger_half(x, np.array([0.5, 1.0], np.float32), out)  # which numbers are above half of the last one
>>> out.tolist()
[0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]
"""

import warnings
from typing import Any

import numpy as np
from numba import config

from .jit import compiler


def _engine() -> Any:
    if config.DISABLE_JIT:
        from . import as_python

        return as_python.functions()
    try:
        from . import vectors
    except (ImportError, AttributeError, TypeError) as error:
        from . import plain

        warnings.warn(
            f"the kernels run as plain loops, several times slower, for this Numba has no room for vectors ({error}); "
            "another version may have",
            stacklevel=2,
        )
        return plain.functions()
    return vectors


engine = _engine()
WIDTH, MANY_REGISTERS = engine.WIDTH, engine.MANY_REGISTERS
# A kernel allocates nothing: every array is its caller's. So Numba need not count references to arrays, which
# it would do by calls inside the loops, and at a call every vector leaves its registers. The cache knows nothing of
# engines, so it is for one of them only.
_options: dict[str, Any] = {} if WIDTH > 1 else {"cache": False}
kernel = compiler(nogil=True, _nrt=False, **_options)
load, load_as, load_first = engine.load, engine.load_as, engine.load_first
store, store_first = engine.store, engine.store_first
splat, item, muladd, weighted = engine.splat, engine.item, engine.muladd, engine.weighted
above, equal, choose = engine.above, engine.equal, engine.choose
maximum, absolute = engine.maximum, engine.absolute
nonzero, append = engine.nonzero, engine.append
# Where the ones are in each number of eight bits, in a row of its own, for `append`.
PLACES = np.array(
    [[i for i in range(8) if bits >> i & 1] + [0] * (8 - bits.bit_count()) for bits in range(256)], np.uint8
)


@kernel
def load_some(array, index, count):
    """Load `count` numbers, or WIDTH if there are more."""
    return load(array, index) if count >= WIDTH else load_first(array, index, count)


@kernel
def store_some(array, index, vector, count):
    """Store the first `count` elements, or all if there are fewer."""
    if count >= WIDTH:
        store(array, index, vector)
    else:
        store_first(array, index, vector, count)
