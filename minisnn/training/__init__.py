"""Training: settings, optimisers, the loop with its checkpoints, inference, and training with rounded weights.

Imports the network and what the rows share, the data sets, and the rounding of ``fixed``. Start with ``train.fit``,
then ``loop``: an epoch, a batch, a validation.
"""

from ..lazy import attributes

__getattr__ = attributes(__name__)
