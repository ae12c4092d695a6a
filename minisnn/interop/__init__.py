"""Networks of other libraries, as models of this one, and back: snnTorch, and the files of NIR.

A layer that cannot be carried without changing a spike is refused by name. The libraries themselves (torch, snntorch,
h5py) are imported where a network of theirs is read or made, so that the room runs without them. Imports the network,
``model``, ``encode``, and ``fixed.rounding``; only ``commands`` imports it. Start with ``build``, which makes a model
from layers in this library's layout; ``chain`` joins the parts of another library's network into such layers, and
``snntorch`` reads them from ``modules``, or from a file by ``state_dict``. ``compare`` counts the spikes that differ.
``nir`` has the equations of a NIR file: ``nir_file`` opens one, ``nir_chain`` puts its nodes in a line, ``nir_layers``
turns them into layers, and ``nir_nodes`` does the reverse.
"""

from ..lazy import attach

__getattr__, __dir__ = attach(__name__)
