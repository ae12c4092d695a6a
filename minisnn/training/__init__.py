"""Training: settings, optimisers, the loop with its checkpoints, inference, and training with rounded weights.

Imports the network and what the rows share, the data sets, the rounding of ``fixed``, and ``timing`` for the price of a
spike. Start with ``train.fit``, then ``loop``: an epoch, a batch, a validation.
"""

from ..lazy import attach

__getattr__, __dir__ = attach(__name__)
