"""Networks of other libraries, as models of this one, and back: snnTorch.

A layer that cannot be carried without changing a spike is refused by name. The libraries themselves (torch, snntorch)
are imported where a network of theirs is read or made, so that the room runs without them. Imports the network,
``model`` and ``encode``; only ``commands`` imports it. Start with ``build``, which makes a model from layers in this
library's layout; ``chain`` joins the parts of another library's network into such layers, and ``snntorch`` reads them
from ``modules`` or from the file of a ``state_dict``. ``compare`` counts the spikes that differ.
"""

from ..lazy import attributes

__getattr__ = attributes(__name__)
