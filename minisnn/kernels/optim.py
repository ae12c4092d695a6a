"""One step of Adam in one pass over memory. See ``minisnn/training/optim.py`` for the equations."""

from collections.abc import Sequence

import numpy as np

from .jit import compiler
from .threads import each

SHARE = 1 << 18  # parameters that are worth a thread
# Slots of the numbers that a step takes.
KEEP, B1, REST1, B2, REST2, UNBIAS, EPS, SIZE = range(8)


def adam(
    params: Sequence[np.ndarray],
    grads: Sequence[np.ndarray],
    first: Sequence[np.ndarray],
    second: Sequence[np.ndarray],
    numbers: Sequence[float],
    threads: int | None,
) -> None:
    """Change parameters and their moments in place; the result does not depend on the threads.

    `numbers` are 1 - lr * weight_decay, b1, 1 - b1, b2, 1 - b2, 1 / sqrt(1 - b2^t), eps, lr / (1 - b1^t).
    """
    work = []
    for arrays in zip(params, grads, first, second, strict=True):
        flat, constants = [array.reshape(-1) for array in arrays], np.array(numbers, arrays[0].dtype)
        for start in range(0, flat[0].size, SHARE):
            work.append((*(array[start : start + SHARE] for array in flat), constants))
    each(lambda i: _adam(*work[i]), len(work), threads if len(work) > len(params) else 1)


@compiler(nogil=True, error_model="numpy")  # a test for a division by 0 would keep LLVM from using vectors
def _adam(p, g, m, v, numbers):
    keep, b1, rest1, b2, rest2 = numbers[KEEP], numbers[B1], numbers[REST1], numbers[B2], numbers[REST2]
    unbias, eps, size = numbers[UNBIAS], numbers[EPS], numbers[SIZE]
    for i in range(len(p)):
        # m = b1 * m + (1 - b1) * g; v = b2 * v + (1 - b2) * g^2
        m[i] = m[i] * b1 + g[i] * rest1
        v[i] = v[i] * b2 + g[i] * rest2 * g[i]
        # p = p - lr * weight_decay * p - lr * mh / (sqrt(vh) + eps)
        p[i] = p[i] * keep - m[i] * size / (np.sqrt(v[i]) * unbias + eps)
