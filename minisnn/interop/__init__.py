"""Networks of other libraries, as models of this one, and back: snnTorch.

A layer that cannot be carried without changing a spike is refused by name. The libraries themselves (torch, snntorch)
are imported where a network of theirs is read or made, so that the room runs without them. Imports the network,
``model``, ``encode`` and ``data``; only ``commands`` imports it. Start with ``build``, which makes a model from layers in this
library's layout; a reader such as ``snntorch`` brings another library's layers into it.
"""

from ..lazy import attributes

__getattr__ = attributes(__name__)
