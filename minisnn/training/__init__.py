"""Training: settings, optimisers, the loop with its checkpoints, inference, and learning with few bits.

Imports the network and what the rows share, and of ``fixed`` the rounding. Start with ``train.fit``.
"""

from ..lazy import attributes

__getattr__ = attributes(__name__)
