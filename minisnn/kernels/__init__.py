"""The rows again, compiled by Numba: same file names, same signatures, same numbers, much faster.

Imports NumPy and Numba alone. Start with ``lif``, then ``network``. Below the rows:

    fire                       neurons over time and the pool after them, in one pass through memory
    constants                  gradients of leak and threshold, for those who learn them
    products, dense, sparse    windows times weights; ``products`` chooses ``sparse`` where most inputs are 0
    simd                       the words that kernels are written in: vectors; how they are made is in ``vectors``
    memory, threads, optim     arrays that are used again; work side by side; Adam in one pass
    integers                   the integer network, fast
"""

from ..lazy import attach

__getattr__, __dir__ = attach(__name__)
