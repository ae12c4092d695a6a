"""The compiler of loops that also run as the Python that they are, where Numba cannot be imported."""

from collections.abc import Callable
from typing import Any

from ..backend import has_numba


def kernel(function: Callable) -> Any:
    """Compile a function, or return it unchanged."""
    if not has_numba():
        return function
    from ..kernels.jit import compiler

    return compiler(nogil=True)(function)
