"""The compiler of the integers' and the cycle model's loops."""

from ..kernels.jit import compiler

kernel = compiler(nogil=True)
