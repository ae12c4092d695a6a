"""Which code runs: kernels that Numba compiles, or Python wherever Numba cannot be imported.

Numba is imported when a kernel is first needed, and not before: a wrong argument is told at once.
"""

import sys
import warnings
from collections.abc import Callable
from functools import cache

_waiting: list[Callable[[], object]] = []


@cache
def has_numba() -> bool:
    """Import Numba, and return whether that is possible; if it is not, a warning says so, once."""
    try:
        import numba  # noqa: F401
    except (ImportError, OSError) as error:  # OSError: LLVM's library cannot be loaded
        warnings.warn(
            f"Numba cannot be imported ({error}), so everything runs as plain Python, which is many times slower; "
            "install it with pip install numba",
            stacklevel=3,
        )
        return False
    while _waiting:
        _waiting.pop()()
    return True


def when_numba_is_imported(action: Callable[[], object]) -> None:
    """Call `action` as soon as Numba is imported."""
    if sys.modules.get("numba"):
        action()
    else:
        _waiting.append(action)
